//! `couloir send`

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use couloir_wire::entry::{Body, Lang, Marking, Note};
use couloir_wire::limits::TEXT_OCTETS_MAX;
use serde_json::Value;

use super::{find_conversation, find_in, text_of};
use crate::clerk::{Reach, names};
use crate::cli::confirm::confirm;
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::values::{MarkingWord, PrecedenceWord, duration_ms};
use crate::socket::{How, Request};
use crate::words::{Failure, Outcome};

/// Say a text, or send a file.
///
/// Answers with the entry's id once it is durable here, whether or not the node runs. It goes on
/// leaving on every route until the other node has acknowledged it.
#[derive(clap::Args)]
pub struct Send {
    /// How urgent it is.
    #[arg(long, value_enum, default_value_t = PrecedenceWord::Routine)]
    precedence: PrecedenceWord,
    /// Both sides forget it so long after it was said.
    #[arg(long, value_name = "DURATION", value_parser = duration_ms)]
    expire: Option<u64>,
    /// Keep it, if the phrase has not been compared yet, until it has.
    #[arg(long)]
    when_verified: bool,
    /// Say it in this conversation: its id, the beginning of it, or its subject.
    #[arg(long, value_name = "CONVERSATION")]
    conversation: Option<String>,
    /// How it may be passed on (TLP 2.0), where not as the conversation says.
    #[arg(long, value_enum)]
    marking: Option<MarkingWord>,
    /// The language of the text, such as ja, zh-Hans or en.
    #[arg(long, conflicts_with = "file")]
    lang: Option<Lang>,
    /// Answer this entry: its id, the beginning of it, or what it is cited by.
    #[arg(long, value_name = "ENTRY", conflicts_with = "file")]
    reply_to: Option<String>,
    /// Words of that entry which are answered.
    #[arg(long, value_name = "TEXT", requires = "reply_to")]
    quote: Option<String>,
    /// The text; `-` reads it from stdin.
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    text: Option<String>,
    /// Do not ask whether a flash entry is meant.
    #[arg(long)]
    yes: bool,
    /// Send this file instead of a text.
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// Take metadata out of the file first, if it is a picture (JPEG, PNG): who took it, when, where and with what.
    #[arg(long, requires = "file")]
    strip_metadata: bool,
}

impl Send {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let text = if self.file.is_none() { names::text(&self.typed()?)? } else { String::new() };
        if self.precedence == PrecedenceWord::Flash {
            confirm(out, self.yes, FLASH)?;
        }
        let mut reach = Reach::open(args)?;
        let request = self.request(&mut reach, text)?;
        let answer = reach.ask(&request)?;
        out.answer(&answer, || words(&answer))
    }

    fn request(&self, reach: &mut Reach, text: String) -> Outcome<Request> {
        let mut how = How {
            precedence: self.precedence.into(),
            expires_after_ms: self.expire,
            when_verified: self.when_verified,
            conversation: None,
            marking: self.marking.map(Marking::from),
        };
        how.conversation =
            self.conversation.as_deref().map(|typed| find_conversation(reach, typed)).transpose()?;
        if let Some(path) = &self.file {
            return file_request(path, self.strip_metadata, how);
        }
        let replied =
            self.reply_to.as_deref().map(|typed| find_in(reach, how.conversation, typed)).transpose()?;
        if let Some(replied) = &replied
            && *how.conversation.get_or_insert(replied.conversation) != replied.conversation
        {
            // Its readers need not be the readers of that one.
            let next = "answer it where it was said, or say it without --reply-to";
            return Err(Failure::usage("that entry is in another conversation", next));
        }
        if replied.is_none() && self.lang.is_none() {
            return Ok(Request::Send { text, how });
        }
        let quote = self.quote.as_deref().map(names::text).transpose()?;
        let note = Note { text, lang: self.lang.clone(), reply_to: replied.map(|entry| entry.id), quote };
        Ok(Request::Say { body: Box::new(Body::Note(note)), how })
    }

    fn typed(&self) -> Outcome<String> {
        match self.text.as_deref() {
            Some("-") | None => from_stdin(),
            Some(text) => Ok(text.to_owned()),
        }
    }
}

fn words(answer: &Value) -> String {
    let metadata = match answer["metadata"].as_str() {
        Some("taken_out") => " Its metadata was taken out.",
        Some("cannot_be_taken_out") => {
            " Metadata cannot be taken out of this kind of file: it goes as it is."
        }
        _ => "",
    };
    format!("Kept as [{}].{metadata}", text_of(answer, "id"))
}

/// Reads no more than a text can have.
fn from_stdin() -> Outcome<String> {
    let mut octets = Vec::new();
    let read = io::stdin().lock().take(TEXT_OCTETS_MAX as u64 + 2).read_to_end(&mut octets);
    read.map_err(|error| Failure::io(Path::new("stdin"), &error))?;
    if octets.last() == Some(&b'\n') {
        octets.pop();
    }
    if octets.len() > TEXT_OCTETS_MAX {
        return Err(names::too_long());
    }
    String::from_utf8(octets).map_err(|_| {
        Failure::usage(
            "the text is not valid UTF-8",
            "convert it, or send it as a file: couloir send --file PATH",
        )
    })
}

fn file_request(path: &Path, strip: bool, how: How) -> Outcome<Request> {
    let place = std::fs::canonicalize(path).map_err(|error| Failure::io(path, &error))?;
    if !place.is_file() {
        return Err(Failure::usage(format!("{} is no file", path.display()), "name a file"));
    }
    let text = |text: Option<&str>| {
        let unreadable = || Failure::usage("the file's name is not valid UTF-8", "rename it and repeat");
        text.map(str::to_owned).ok_or_else(unreadable)
    };
    let name = names::name("file's name", &text(path.file_name().and_then(|name| name.to_str()))?)?;
    Ok(Request::SendFile { path: text(place.to_str())?, name, strip, how })
}

/// What a flash entry does.
pub const FLASH: &str = "Flash goes before everything else and sounds at the other desk.";
