//! `couloir statement`

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use couloir_wire::limits::STATEMENT_TEXT_OCTETS_MAX;
use serde_json::{Value, json};

use super::record::whole_record;
use super::{find_conversation, text_of};
use crate::clerk::Reach;
use crate::clerk::record::StatementShown;
use crate::clerk::statement::{AsksWord, Draft, DraftText, VerdictWord};
use crate::cli::confirm::confirm;
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::plain::{lines, one_line};
use crate::cli::values::{PrecedenceWord, local_of};
use crate::socket::{How, RecordAct, Request};
use crate::words::{Failure, Outcome};

/// Speak on the record: what is said so is signed by the post, for good.
#[derive(clap::Args)]
pub struct Statement {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    Say(Say),
    /// Say that this side has a statement of the other side.
    Acknowledge(Answer),
    /// Agree to the text of a statement of the other side.
    Agree(Answer),
    /// Decline a statement of the other side.
    Decline(Decline),
    Correct(Correct),
    List(List),
}

/// Put a text on the record, in one language or several that are bound together.
#[derive(clap::Args)]
struct Say {
    #[command(flatten)]
    texts: Texts,
    /// Among those who take part in this conversation; all of the channel's posts if none is named.
    #[arg(long, value_name = "CONVERSATION")]
    conversation: Option<String>,
}

/// Put a corrected text on the record; the corrected one stays there as it was.
///
/// Either side may correct. Corrections are numbered, until both agree to one.
#[derive(clap::Args)]
struct Correct {
    /// The statement: its entry's id, the beginning of it, or what it is cited by.
    entry: String,
    #[command(flatten)]
    texts: Texts,
}

/// Texts that are bound together, as they are typed or read.
#[derive(clap::Args)]
pub struct Texts {
    /// A language and the title in it: `ja=共同発表`. Once for each text.
    #[arg(long = "title", value_name = "LANG=TITLE", conflicts_with = "from")]
    titles: Vec<String>,
    /// A language and the text in it: `ja=TEXT`, or `ja=@FILE` to read it from a file. Once for each language.
    #[arg(
        long = "text",
        value_name = "LANG=TEXT",
        required_unless_present = "from",
        conflicts_with = "from"
    )]
    texts: Vec<String>,
    /// What it asks of the other side.
    #[arg(long, value_enum, default_value = "nothing", conflicts_with = "from")]
    asks: AsksWord,
    /// Read all of it from a file: `{"texts": [{"lang", "title", "text"}], "asks"}`; `-` for stdin.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// How urgent it is.
    #[arg(long, value_enum, default_value_t = PrecedenceWord::Priority)]
    precedence: PrecedenceWord,
    /// Do not ask whether it is meant.
    #[arg(long)]
    yes: bool,
}

#[derive(clap::Args)]
struct Answer {
    /// The statement: its entry's id, the beginning of it, or what it is cited by.
    entry: String,
    /// Do not ask whether it is meant.
    #[arg(long)]
    yes: bool,
}

#[derive(clap::Args)]
struct Decline {
    #[command(flatten)]
    answer: Answer,
    /// Why, in words.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Show the statements on the record, a line each.
#[derive(clap::Args)]
struct List {
    /// Those among the posts of this conversation; of the whole channel's if none is named.
    #[arg(long, value_name = "CONVERSATION")]
    conversation: Option<String>,
}

impl Statement {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        match &self.act {
            Act::Say(say) => say.run(out, args),
            Act::Correct(correct) => correct.run(out, args),
            Act::Acknowledge(answer) => answer.run(out, args, VerdictWord::Acknowledge, None),
            Act::Agree(answer) => answer.run(out, args, VerdictWord::Agree, None),
            Act::Decline(decline) => {
                decline.answer.run(out, args, VerdictWord::Decline, decline.reason.as_deref())
            }
            Act::List(list) => list.run(out, args),
        }
    }
}

impl Say {
    fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let draft = self.texts.draft(None)?;
        confirm(out, self.texts.yes, &meant(&draft))?;
        let mut reach = Reach::open(args)?;
        let place =
            self.conversation.as_deref().map(|typed| find_conversation(&mut reach, typed)).transpose()?;
        let how = How { conversation: place, precedence: self.texts.precedence.into(), ..How::default() };
        said(out, &reach.ask(&Request::Record { act: RecordAct::Say { draft, how } })?)
    }
}

impl Correct {
    fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let draft = self.texts.draft(Some(self.entry.clone()))?;
        confirm(out, self.texts.yes, &meant(&draft))?;
        let how = How { precedence: self.texts.precedence.into(), ..How::default() };
        said(out, &Reach::open(args)?.ask(&Request::Record { act: RecordAct::Say { draft, how } })?)
    }
}

impl Answer {
    fn run(&self, out: &Out, args: &HomeArgs, verdict: VerdictWord, reason: Option<&str>) -> Outcome {
        let mut reach = Reach::open(args)?;
        if !self.yes {
            confirm(out, false, &answered(out, &mut reach, &self.entry, verdict)?)?;
        }
        let reason = reason.map(str::to_owned);
        said(
            out,
            &reach.ask(&Request::Record {
                act: RecordAct::Countersign { entry: self.entry.clone(), verdict, reason },
            })?,
        )
    }
}

impl List {
    fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let mut reach = Reach::open(args)?;
        let place =
            self.conversation.as_deref().map(|typed| find_conversation(&mut reach, typed)).transpose()?;
        let record = whole_record(out, &mut reach, place)?;
        let answer = json!({ "statements": record.statements, "head": record.head });
        out.answer(&answer, || record.statements.iter().map(line).collect::<Vec<_>>().join("\n"))
    }
}

impl Texts {
    /// What was typed, or read.
    pub fn draft(&self, corrects: Option<String>) -> Outcome<Draft> {
        let draft = match &self.from {
            Some(path) => from_file(path)?,
            None => Draft { texts: self.typed()?, asks: self.asks, corrects: None },
        };
        Ok(Draft { corrects: corrects.or(draft.corrects), ..draft })
    }

    fn typed(&self) -> Outcome<Vec<DraftText>> {
        let titles = self.titles.iter().map(|typed| pair(typed)).collect::<Outcome<Vec<_>>>()?;
        let texts = self.texts.iter().map(|typed| pair(typed)).collect::<Outcome<Vec<_>>>()?;
        if let Some((lang, _)) = titles.iter().find(|(lang, _)| !texts.iter().any(|(known, _)| known == lang))
        {
            return Err(Failure::usage(
                format!("there is a title and no text in {lang:?}"),
                "give it with --text",
            ));
        }
        let whole = |(lang, text): &(String, String)| {
            let title = titles.iter().find(|(known, _)| known == lang).map(|(_, title)| title.clone());
            let title = title.ok_or_else(|| {
                Failure::usage(
                    format!("the text in {lang:?} has no title"),
                    format!("give it: --title {lang}=TITLE"),
                )
            })?;
            Ok(DraftText { lang: lang.clone(), title, text: text_or_file(text)? })
        };
        texts.iter().map(whole).collect()
    }
}

fn pair(typed: &str) -> Outcome<(String, String)> {
    let parts = typed.split_once('=').map(|(lang, text)| (lang.to_owned(), text.to_owned()));
    parts.ok_or_else(|| {
        Failure::usage(format!("{typed:?} names no language"), "write it like ja=TEXT or zh-Hans=TEXT")
    })
}

fn text_or_file(typed: &str) -> Outcome<String> {
    match typed.strip_prefix('@') {
        Some(path) => bounded(Path::new(path)),
        None => Ok(typed.to_owned()),
    }
}

fn from_file(path: &Path) -> Outcome<Draft> {
    serde_json::from_str(&bounded(path)?).map_err(|error| {
        let next =
            r#"write it like {"texts": [{"lang": "ja", "title": "..", "text": ".."}], "asks": "agree"}"#;
        Failure::usage(format!("{} is no statement: {error}", path.display()), next)
    })
}

/// A file, or stdin, as long as a statement may be.
fn bounded(path: &Path) -> Outcome<String> {
    let wrong = |error| Failure::io(path, &error);
    let mut text = String::new();
    let most = 4 * STATEMENT_TEXT_OCTETS_MAX as u64;
    match path == Path::new("-") {
        true => std::io::stdin().lock().take(most).read_to_string(&mut text),
        false => std::fs::File::open(path).map_err(wrong)?.take(most).read_to_string(&mut text),
    }
    .map_err(wrong)?;
    Ok(text)
}

/// What a person reads before a text goes on the record.
fn meant(draft: &Draft) -> String {
    let mut words =
        String::from("This goes ON THE RECORD, signed by this post: anybody can check it, for good.\n");
    for text in &draft.texts {
        words += &format!(
            "   [{}] {}\n      {}\n",
            one_line(&text.lang),
            one_line(&text.title),
            lines(&text.text, 6)
        );
    }
    words
        + match draft.asks {
            AsksWord::Nothing => "It asks nothing of the other side.",
            AsksWord::Acknowledge => "It asks the other side to acknowledge it.",
            AsksWord::Agree => "It asks the other side to agree to it.",
        }
}

/// What a person reads before a statement is countersigned: all of it.
fn answered(out: &Out, reach: &mut Reach, entry: &str, verdict: VerdictWord) -> Outcome<String> {
    let id = text_of(&reach.ask(&Request::FindEntry { entry: entry.to_owned() })?, "id").to_owned();
    let place = super::find_entry(reach, entry)?.conversation;
    let record = whole_record(out, reach, Some(place))?;
    let is_meant =
        |shown: &&StatementShown| shown.brought.as_ref().is_some_and(|brought| brought.entry == id);
    let mut words = String::new();
    if let Some(shown) = record.statements.iter().find(is_meant) {
        shown.push_words(&mut words, &|digest| digest.get(..8).unwrap_or_default().to_owned());
    }
    let act = match verdict {
        VerdictWord::Acknowledge => "acknowledges this",
        VerdictWord::Agree => "AGREES to this",
        VerdictWord::Decline => "declines this",
    };
    Ok(words + &format!("This post {act} ON THE RECORD, with its signature: anybody can check it, for good."))
}

fn said(out: &Out, answer: &Value) -> Outcome {
    out.answer(answer, || {
        let id = text_of(answer, "id");
        format!("On the record as [{id}].\nItem: {}", text_of(answer, "item"))
    })
}

fn line(shown: &StatementShown) -> String {
    let titles: Vec<String> = shown.texts.iter().map(|text| one_line(&text.title)).collect();
    let cited = shown
        .brought
        .as_ref()
        .map(|brought| format!("  [{} {}]", brought.cited, brought.entry.get(..8).unwrap_or_default()));
    let asks = if shown.asks == "nothing" { String::new() } else { format!(", asks to {}", shown.asks) };
    format!(
        "{:>5} {} {} {}{asks}{}\n      {}",
        shown.place,
        local_of(&shown.at),
        shown.by.words(),
        shown.standing,
        cited.unwrap_or_default(),
        titles.join(" / ")
    )
}
