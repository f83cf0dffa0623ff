//! `couloir draft`

use std::path::PathBuf;

use couloir_wire::entry::Body;
use serde_json::Value;

use super::statement::Texts;
use super::{find_conversation, text_of};
use crate::clerk::matters::report::ReportAsk;
use crate::clerk::{Reach, names};
use crate::cli::confirm::confirm;
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::passphrase;
use crate::cli::plain::{lines, one_line};
use crate::cli::values::PrecedenceWord;
use crate::socket::{DraftAct, How, RecordAct, Request};
use crate::words::{Failure, Outcome};

/// Draft what another person releases: see couloir release.
#[derive(clap::Args)]
pub struct Draft {
    #[command(subcommand)]
    act: Act,
}

#[derive(clap::Subcommand)]
enum Act {
    Note(Note),
    Statement(Statement),
    Entry(Entry),
    Forward(Forward),
    /// Show what waits to be released.
    List,
    /// Release a draft of another person: it is said now.
    Release(Named),
    Refuse(Refuse),
    /// Throw a draft away.
    Drop(Named),
}

#[derive(clap::Args)]
struct By {
    /// Who this is, as couloir release add named them.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// A file whose first line is that person's passphrase; else it is asked for.
    #[arg(long, value_name = "FILE")]
    person_passphrase_file: Option<PathBuf>,
    /// Among those who take part in this conversation.
    #[arg(long, value_name = "CONVERSATION")]
    conversation: Option<String>,
}

/// Draft a text, off the record.
#[derive(clap::Args)]
struct Note {
    #[command(flatten)]
    by: By,
    /// The text.
    text: String,
    /// How urgent it is.
    #[arg(long, value_enum, default_value_t = PrecedenceWord::Routine)]
    precedence: PrecedenceWord,
}

/// Draft a text that goes on the record once it is released.
#[derive(clap::Args)]
struct Statement {
    #[command(flatten)]
    by: By,
    #[command(flatten)]
    texts: Texts,
}

/// Draft anything else: a case, a meeting, an announcement.
#[derive(clap::Args)]
struct Entry {
    #[command(flatten)]
    by: By,
    /// What is to be said, in JSON as `couloir log --json` shows it under `body`.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
}

/// Draft that a report is passed on, in the conversation that is named.
#[derive(clap::Args)]
struct Forward {
    #[command(flatten)]
    by: By,
    /// The report.
    report: String,
}

#[derive(clap::Args)]
struct Named {
    /// The draft's number.
    number: u32,
    #[command(flatten)]
    by: By,
    /// Do not ask whether it is meant.
    #[arg(long)]
    yes: bool,
}

/// Say that a draft of another person is not to be said. It stays listed until it is dropped.
#[derive(clap::Args)]
struct Refuse {
    /// The draft's number.
    number: u32,
    #[command(flatten)]
    by: By,
    /// Why: one sentence for whoever drafted it.
    #[arg(long, value_name = "TEXT", default_value = "")]
    why: String,
}

impl Draft {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let mut reach = Reach::open(args)?;
        match &self.act {
            Act::Note(note) => {
                let how = How { precedence: note.precedence.into(), ..note.by.how(&mut reach)? };
                note.by.keep(out, &mut reach, Request::Send { text: names::text(&note.text)?, how })
            }
            Act::Statement(statement) => {
                let (draft, how) = (statement.texts.draft(None)?, statement.by.how(&mut reach)?);
                statement.by.keep(out, &mut reach, Request::Record { act: RecordAct::Say { draft, how } })
            }
            Act::Entry(entry) => {
                let (body, how) = (entry.body()?, entry.by.how(&mut reach)?);
                entry.by.keep(out, &mut reach, Request::Say { body: Box::new(body), how })
            }
            Act::Forward(forward) => {
                let how = forward.by.how(&mut reach)?;
                let to = how.conversation.ok_or_else(|| {
                    Failure::usage("say where it is to be passed on", "add --conversation CONVERSATION")
                })?;
                let ask = ReportAsk::Forward { report: forward.report.clone(), to, how };
                forward.by.keep(out, &mut reach, Request::Report { ask: Box::new(ask) })
            }
            Act::List => {
                let answer = reach.ask(&Request::Draft { act: DraftAct::List })?;
                out.answer(&answer, || listed(&answer))
            }
            Act::Release(named) => named.release(out, &mut reach),
            Act::Refuse(refuse) => refuse.run(out, &mut reach),
            Act::Drop(named) => named.drop(out, &mut reach),
        }
    }
}

impl By {
    fn word(&self) -> Outcome<String> {
        Ok(passphrase::of_person(self.person_passphrase_file.as_deref(), &self.by)?.to_string())
    }

    fn how(&self, reach: &mut Reach) -> Outcome<How> {
        let place = self.conversation.as_deref().map(|typed| find_conversation(reach, typed)).transpose()?;
        Ok(How { conversation: place, ..How::default() })
    }

    fn keep(&self, out: &Out, reach: &mut Reach, request: Request) -> Outcome {
        let act = DraftAct::Keep { by: self.by.clone(), word: self.word()?, request: Box::new(request) };
        let answer = reach.ask(&Request::Draft { act })?;
        out.answer(&answer, || format!("Draft {} waits for another person.", answer["draft"]))
    }
}

impl Entry {
    fn body(&self) -> Outcome<Body> {
        let text = std::fs::read_to_string(&self.from).map_err(|error| Failure::io(&self.from, &error))?;
        serde_json::from_str(&text).map_err(|error| {
            let what = format!("{} is no entry: {error}", self.from.display());
            Failure::usage(what, "write it as couloir log --json shows one under body")
        })
    }
}

impl Named {
    fn release(&self, out: &Out, reach: &mut Reach) -> Outcome {
        if !self.yes {
            let listed = reach.ask(&Request::Draft { act: DraftAct::List })?;
            confirm(
                out,
                false,
                &format!("{}\nDraft {} is said now.", words_of(&listed, self.number), self.number),
            )?;
        }
        let act = DraftAct::Release { number: self.number, by: self.by.by.clone(), word: self.by.word()? };
        let answer = reach.ask(&Request::Draft { act })?;
        out.answer(&answer, || format!("Kept as [{}].", text_of(&answer, "id")))
    }

    fn drop(&self, out: &Out, reach: &mut Reach) -> Outcome {
        let act = DraftAct::Drop { number: self.number, by: self.by.by.clone(), word: self.by.word()? };
        let answer = reach.ask(&Request::Draft { act })?;
        out.answer(&answer, || format!("Draft {} is gone.", self.number))
    }
}

impl Refuse {
    fn run(&self, out: &Out, reach: &mut Reach) -> Outcome {
        let (by, why) = (self.by.by.clone(), self.why.clone());
        let act = DraftAct::Refuse { number: self.number, by, word: self.by.word()?, why };
        let answer = reach.ask(&Request::Draft { act })?;
        out.answer(&answer, || format!("Draft {} is refused.", self.number))
    }
}

fn listed(answer: &Value) -> String {
    let drafts = answer["drafts"].as_array().map(Vec::as_slice).unwrap_or_default();
    if drafts.is_empty() {
        return "Nothing waits to be released.".to_owned();
    }
    drafts.iter().map(one).collect::<Vec<_>>().join("\n")
}

fn words_of(answer: &Value, number: u32) -> String {
    let drafts = answer["drafts"].as_array().map(Vec::as_slice).unwrap_or_default();
    drafts.iter().find(|draft| draft["number"] == number).map(one).unwrap_or_default()
}

/// A draft for people: all of it.
fn one(draft: &Value) -> String {
    let said = match draft["request"]["text"].as_str() {
        Some(text) => text.to_owned(),
        None => serde_json::to_string_pretty(&draft["request"]).unwrap_or_default(),
    };
    let refused = draft["refused"].as_object().map(|_| {
        let refused = &draft["refused"];
        format!(" (refused by {}: {})", one_line(text_of(refused, "by")), one_line(text_of(refused, "why")))
    });
    let urgent = match text_of(&draft["request"], "precedence") {
        "" | "routine" => String::new(),
        word => format!(" {}", one_line(&word.to_uppercase())),
    };
    format!(
        "{}. {}{urgent} {}{}\n      {}",
        draft["number"],
        text_of(draft, "at"),
        one_line(text_of(draft, "by")),
        refused.unwrap_or_default(),
        lines(&said, 6)
    )
}
