//! `couloir report`

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use couloir_wire::entry::{Body, Marking, ReportAct, Way};
use couloir_wire::time::WallTime;
use serde_json::{Value, json};

use super::matter::{self, List, Opening, Saying, create_new};
use super::{find_conversation, text_of};
use crate::clerk::matters::onward::Onward;
use crate::clerk::matters::report::{Held, ReportAsk};
use crate::clerk::matters::typed::wall_time;
use crate::clerk::{Reach, names};
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::plain::one_line;
use crate::cli::values::{MarkingWord, path};
use crate::socket::Request;
use crate::words::{Failure, Outcome};

/// Exchange intelligence: STIX 2.1 bundles under the Traffic Light Protocol 2.0, and requests for them.
///
/// What is marked stricter than where it would go does not go. What the other side shared and goes on is told to it first.
#[derive(clap::Args)]
pub struct Report {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    Share(Share),
    Request(Ask),
    Reply(Reply),
    /// Show reports and requests; the one that changed last comes first.
    ///
    /// With `--json`: `matters`, as `couloir meeting list` has them; `state: shared|asked|replied`.
    List(List),
    Show(Show),
    Export(Export),
    Forward(Forward),
}

/// Share a bundle. It travels exactly as the file has it.
#[derive(clap::Args)]
struct Share {
    /// The bundle, as JSON.
    #[arg(value_parser = path)]
    file: PathBuf,
    /// What it is called; the file's name if nothing is said.
    #[arg(long)]
    title: Option<String>,
    /// The request that it answers.
    #[arg(long, value_name = "REQUEST")]
    answers: Option<String>,
    #[command(flatten)]
    opening: Opening,
}

/// Ask for what the other side knows.
#[derive(clap::Args)]
struct Ask {
    /// What it is about.
    title: String,
    /// What is asked.
    question: String,
    /// Until when an answer is of use.
    #[arg(long, value_name = "TIME", value_parser = wall_time)]
    due: Option<WallTime>,
    #[command(flatten)]
    opening: Opening,
}

/// Answer a request in words; with a report: couloir report share --answers.
#[derive(clap::Args)]
struct Reply {
    /// The request.
    request: String,
    /// The answer.
    text: String,
    #[command(flatten)]
    saying: Saying,
}

/// Show one: what it holds, answers, and to whom it was passed on.
///
/// With `--json`: what a list has of it, `report {opened: shared|asked, question, answers, replies [{entry, report, text}], releases
/// [{by, to, way, at}]}`, `steps`, and of a report `held {marking, objects [{id, type, name, marking, refs, version}], types, bundle}`; `bundle`
/// is the text that was shared, letter by letter.
#[derive(clap::Args)]
struct Show {
    /// The report or request.
    report: String,
}

/// Write a report's bundle into a file, if it may go there.
#[derive(clap::Args)]
struct Export {
    /// The report.
    report: String,
    /// The file; it must not exist.
    #[arg(long, value_name = "FILE", value_parser = path)]
    out: PathBuf,
    /// Who gets it, in words: their originator reads this.
    #[arg(long, value_name = "NAME")]
    to: String,
    /// The strictest that they may hold: amber+strict is our own organisation, amber its clients, green the community.
    #[arg(long, value_enum)]
    level: MarkingWord,
    /// How it leaves.
    #[arg(long, value_enum, default_value = "export")]
    way: WayWord,
}

/// Say a report again in another conversation, if it may go there.
#[derive(clap::Args)]
struct Forward {
    /// The report.
    report: String,
    /// The conversation: its id, the beginning of it, or its subject.
    #[arg(long, value_name = "CONVERSATION")]
    conversation: String,
    #[command(flatten)]
    saying: Saying,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum WayWord {
    /// Written to a file.
    Export,
    /// Printed.
    Print,
}

impl Report {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let reach = &mut Reach::open(args)?;
        match &self.act {
            Act::Share(share) => share.run(out, reach),
            Act::Request(ask) => ask.run(out, reach),
            Act::Reply(reply) => reply.run(out, reach),
            Act::List(list) => list.run(out, reach, KIND, false),
            Act::Show(show) => show.run(out, reach),
            Act::Export(export) => export.run(out, reach),
            Act::Forward(forward) => forward.run(out, reach),
        }
    }
}

impl Share {
    fn run(&self, out: &Out, reach: &mut Reach) -> Outcome {
        let file = std::path::absolute(&self.file).map_err(|error| Failure::io(&self.file, &error))?;
        let named = || file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let answers = self.answers.as_deref().map(|typed| matter::matter(reach, typed, KIND)).transpose()?;
        let answers = answers.as_ref().map(matter::id).transpose()?;
        let how = self.opening.how(out, reach)?;
        let ask = ReportAsk::Share {
            path: file.to_string_lossy().into_owned(),
            title: self.title.clone().unwrap_or_else(named),
            answers,
            how,
        };
        let answer = reach.ask(&about(ask))?;
        out.answer(&answer, || {
            format!(
                "Kept as [{}]: {} objects under TLP:{}.",
                text_of(&answer, "id"),
                answer["objects"],
                text_of(&answer, "marking").to_uppercase()
            )
        })
    }
}

impl Ask {
    fn run(&self, out: &Out, reach: &mut Reach) -> Outcome {
        let act = ReportAct::Request {
            title: names::name("title", &self.title)?,
            question: names::text(&self.question)?,
            due: self.due,
        };
        self.opening.open(out, reach, Body::Report(act))
    }
}

impl Reply {
    fn run(&self, out: &Out, reach: &mut Reach) -> Outcome {
        let request = matter::matter(reach, &self.request, KIND)?;
        let act = ReportAct::Reply { request: matter::id(&request)?, text: names::text(&self.text)? };
        self.saying.step(out, reach, &request, Body::Report(act))
    }
}

impl Show {
    fn run(&self, out: &Out, reach: &mut Reach) -> Outcome {
        let shown = matter::matter(reach, &self.report, KIND)?;
        let is_shared = shown.report.as_ref().is_some_and(|report| report.opened == "shared");
        let held: Option<Held> = match is_shared {
            true => Some(read(reach.ask(&about(ReportAsk::Held { report: shown.id.clone() }))?)?),
            false => None,
        };
        let mut answer = json!(shown);
        answer["held"] = json!(held);
        out.answer(&answer, || {
            let held = held.as_ref().map(words).unwrap_or_default();
            format!("{}{held}", shown.words())
        })
    }
}

fn words(held: &Held) -> String {
    let mut out = format!("\nTLP:{}", held.marking.word().to_uppercase());
    for object in &held.objects {
        let marking = object
            .marking
            .map_or("unmarked".to_owned(), |marking| format!("TLP:{}", marking.word().to_uppercase()));
        out.push_str(&format!("\n  {}  {}  {marking}", one_line(&object.id), one_line(&object.name)));
    }
    out
}

impl Export {
    fn run(&self, out: &Out, reach: &mut Reach) -> Outcome {
        let way = match self.way {
            WayWord::Export => Way::Export,
            WayWord::Print => Way::Print,
        };
        let onward = Onward { to: self.to.clone(), way, level: Marking::from(self.level) };
        // The originator is told of what leaves, so that there must be somewhere to leave to.
        let mut file = create_new(&self.out)?;
        let asked = reach.ask(&about(ReportAsk::Release { report: self.report.clone(), onward }));
        let mut answer = asked.inspect_err(|_| drop(std::fs::remove_file(&self.out)))?;
        let bundle = answer["bundle"].take();
        let written = file.write_all(bundle.as_str().unwrap_or_default().as_bytes());
        written.map_err(|error| Failure::io(&self.out, &error))?;
        if let Some(answer) = answer.as_object_mut() {
            answer.remove("bundle");
            answer.insert("out".to_owned(), json!(self.out));
        }
        out.answer(&answer, || {
            let told = if answer["told"].is_null() { "" } else { " Its originator is told." };
            format!("{} objects are in {}.{told}", answer["objects"], self.out.display())
        })
    }
}

impl Forward {
    fn run(&self, out: &Out, reach: &mut Reach) -> Outcome {
        let to = find_conversation(reach, &self.conversation)?;
        let ask = ReportAsk::Forward { report: self.report.clone(), to, how: self.saying.how(out)? };
        let answer = reach.ask(&about(ask))?;
        out.answer(&answer, || format!("Kept as [{}].", text_of(&answer, "id")))
    }
}

fn about(ask: ReportAsk) -> Request {
    Request::Report { ask: Box::new(ask) }
}

fn read(answer: Value) -> Outcome<Held> {
    serde_json::from_value(answer).map_err(|error| {
        Failure::usage(
            format!("the node's answer is not understood: {error}"),
            "use the couloir of the same version",
        )
    })
}

const KIND: &str = "report";
