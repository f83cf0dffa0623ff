//! What the verbs of meetings, cases, swaps, announcements and reports share.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use couloir_wire::entry::{Body, Marking};
use couloir_wire::id::EntryId;
use couloir_wire::limits::ENTRY_OCTETS_MAX;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::send::FLASH;
use super::{find_conversation, id_in, text_of};
use crate::clerk::matters::{Filter, ListedMatter, MatterShown, list};
use crate::clerk::{Reach, names};
use crate::cli::confirm::confirm;
use crate::cli::out::Out;
use crate::cli::values::{MarkingWord, PrecedenceWord};
use crate::socket::{How, Request};
use crate::words::{Failure, Outcome};

/// How a step is said.
#[derive(clap::Args)]
pub struct Saying {
    /// How urgent it is.
    #[arg(long, value_enum, default_value_t = PrecedenceWord::Routine)]
    precedence: PrecedenceWord,
    /// Keep it, if the phrase has not been compared yet, until it has.
    #[arg(long)]
    when_verified: bool,
    /// Do not ask again whether flash is meant.
    #[arg(long)]
    yes: bool,
}

/// Where a matter is opened, and how.
#[derive(clap::Args)]
pub struct Opening {
    /// In this conversation: its id, the beginning of it, or its subject. The channel's first one if none is named.
    #[arg(long, value_name = "CONVERSATION")]
    conversation: Option<String>,
    /// How it may be passed on (TLP 2.0), where not as the conversation says.
    #[arg(long, value_enum)]
    marking: Option<MarkingWord>,
    #[command(flatten)]
    saying: Saying,
}

/// Which ones a list shows.
#[derive(clap::Args)]
pub struct List {
    /// Also those that are over.
    #[arg(long)]
    all: bool,
    /// Only those that wait for an answer of yours.
    #[arg(long)]
    mine: bool,
    /// Only those whose title holds this.
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Only those of this conversation.
    #[arg(long, value_name = "CONVERSATION")]
    conversation: Option<String>,
    /// Only those whose `newest` is below this: the next page.
    #[arg(long, value_name = "NUMBER")]
    before: Option<u64>,
}

impl Saying {
    /// How it is said; flash is asked for again.
    pub fn how(&self, out: &Out) -> Outcome<How> {
        if self.precedence == PrecedenceWord::Flash {
            confirm(out, self.yes, FLASH)?;
        }
        Ok(How { precedence: self.precedence.into(), when_verified: self.when_verified, ..How::default() })
    }

    /// Says a step of a matter, where that was opened.
    pub fn step(&self, out: &Out, reach: &mut Reach, matter: &MatterShown, body: Body) -> Outcome {
        let conversation = matter.conversation.parse().ok();
        let how = How { conversation, ..self.how(out)? };
        say(out, reach, Request::Say { body: Box::new(body), how })
    }

    /// Binds our side.
    pub fn commit(
        &self,
        out: &Out,
        reach: &mut Reach,
        swap: &str,
        content: couloir_wire::entry::Swapped,
    ) -> Outcome {
        let request =
            Request::Commit { swap: swap.to_owned(), content: Box::new(content), how: self.how(out)? };
        say(out, reach, request)
    }
}

impl Opening {
    /// Opens a matter.
    pub fn open(&self, out: &Out, reach: &mut Reach, body: Body) -> Outcome {
        let how = self.how(out, reach)?;
        say(out, reach, Request::Say { body: Box::new(body), how })
    }
}

impl Opening {
    /// How and where it is said.
    pub fn how(&self, out: &Out, reach: &mut Reach) -> Outcome<How> {
        let mut how = How { marking: self.marking.map(Marking::from), ..self.saying.how(out)? };
        how.conversation =
            self.conversation.as_deref().map(|typed| find_conversation(reach, typed)).transpose()?;
        Ok(how)
    }
}

impl List {
    /// Shows them.
    pub fn run(&self, out: &Out, reach: &mut Reach, kind: &str, overdue: bool) -> Outcome {
        let filter = Filter {
            kind: Some(kind.to_owned()),
            with_ended: self.all,
            ours_to_answer: self.mine,
            overdue,
            title: self.title.clone(),
            conversation: self.conversation.clone(),
            before: self.before,
            count: None,
        };
        let answer = reach.ask(&Request::Matters { filter })?;
        let listed: Vec<ListedMatter> = read(answer["matters"].clone())?;
        out.answer(&answer, || list::words(&listed))
    }
}

fn say(out: &Out, reach: &mut Reach, request: Request) -> Outcome {
    let answer = reach.ask(&request)?;
    out.answer(&answer, || format!("Kept as [{}].", text_of(&answer, "id")))
}

/// A matter of this kind that a person named.
pub fn matter(reach: &mut Reach, typed: &str, kind: &str) -> Outcome<MatterShown> {
    let answer = reach.ask(&Request::Matter { matter: typed.to_owned() })?;
    let matter: MatterShown = read(answer)?;
    if matter.kind == kind {
        return Ok(matter);
    }
    Err(Failure::usage(
        format!("that is a {}, not a {kind}", matter.kind),
        format!("see couloir {kind} list"),
    ))
}

/// Shows one.
pub fn show(out: &Out, reach: &mut Reach, typed: &str, kind: &str) -> Outcome {
    let matter = matter(reach, typed, kind)?;
    out.answer(&matter, || matter.words())
}

/// The entry that opened a matter.
pub fn id(matter: &MatterShown) -> Outcome<EntryId> {
    id_in(&Value::from_iter([("id", matter.id.as_str())]), "id")
}

/// An id in a matter that is shown.
pub fn entry(text: &str) -> Outcome<EntryId> {
    id_in(&Value::from_iter([("id", text)]), "id")
}

fn read<T: DeserializeOwned>(answer: Value) -> Outcome<T> {
    serde_json::from_value(answer).map_err(|error| {
        Failure::usage(
            format!("the node's answer is not understood: {error}"),
            "use the couloir of the same version",
        )
    })
}

/// A body from a file of JSON; `-` is stdin.
pub fn from_file<T: DeserializeOwned>(path: &Path) -> Outcome<T> {
    let octets = octets_of(path, 4 * ENTRY_OCTETS_MAX)?;
    serde_json::from_slice(&octets).map_err(|error| {
        Failure::usage(
            format!("{} is not understood: {error}", path.display()),
            "see the example in docs/DESK.md",
        )
    })
}

/// A text from a file; `-` is stdin.
pub fn text_file(path: &Path) -> Outcome<String> {
    let octets = octets_of(path, ENTRY_OCTETS_MAX)?;
    let text = String::from_utf8(octets)
        .map_err(|_| Failure::usage(format!("{} is not valid UTF-8", path.display()), "convert it"))?;
    names::text(text.trim_end())
}

fn octets_of(path: &Path, max: usize) -> Outcome<Vec<u8>> {
    let wrong = |error| Failure::io(path, &error);
    let mut octets = Vec::new();
    let bound = max as u64 + 1;
    if path == Path::new("-") {
        std::io::stdin().lock().take(bound).read_to_end(&mut octets).map_err(wrong)?;
    } else {
        std::fs::File::open(path).map_err(wrong)?.take(bound).read_to_end(&mut octets).map_err(wrong)?;
    }
    if octets.len() > max {
        return Err(Failure::usage(
            format!("{} is longer than {max} octets", path.display()),
            "say it shorter",
        ));
    }
    Ok(octets)
}

/// Writes a file that only its owner reads; there must be none.
pub fn write_new(path: &Path, octets: &[u8]) -> Outcome {
    create_new(path)?.write_all(octets).map_err(|error| Failure::io(path, &error))
}

/// A new file for nobody else's eyes.
pub fn create_new(path: &Path) -> Outcome<File> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    file.map_err(|error| Failure::io(path, &error))
}

/// Refuses an opening without what it is about.
pub fn given(what: &str, how: &str, count: usize) -> Outcome {
    if count == 0 { Err(Failure::usage(what, format!("say which: {how}"))) } else { Ok(()) }
}
