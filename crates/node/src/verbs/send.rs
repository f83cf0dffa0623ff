//! `couloir send`

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use couloir_wire::limits::TEXT_OCTETS_MAX;
use serde_json::Value;

use super::text_of;
use crate::clerk::{Reach, names};
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::values::{PrecedenceWord, duration_ms};
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
    /// The text; `-` reads it from stdin.
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    text: Option<String>,
    /// Send this file instead of a text.
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
}

impl Send {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let how = How {
            precedence: self.precedence.into(),
            expires_after_ms: self.expire,
            when_verified: self.when_verified,
        };
        let request = match &self.file {
            Some(path) => file_request(path, how)?,
            None => Request::Send { text: names::text(&self.typed()?)?, how },
        };
        let answer = Reach::open(args)?.ask(&request)?;
        out.answer(&answer, || words(&answer))
    }

    fn typed(&self) -> Outcome<String> {
        match self.text.as_deref() {
            Some("-") | None => from_stdin(),
            Some(text) => Ok(text.to_owned()),
        }
    }
}

fn words(answer: &Value) -> String {
    format!("Kept as [{}].", text_of(answer, "id"))
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

fn file_request(path: &Path, how: How) -> Outcome<Request> {
    let place = std::fs::canonicalize(path).map_err(|error| Failure::io(path, &error))?;
    if !place.is_file() {
        return Err(Failure::usage(format!("{} is no file", path.display()), "name a file"));
    }
    let text = |text: Option<&str>| {
        let unreadable = || Failure::usage("the file's name is not valid UTF-8", "rename it and repeat");
        text.map(str::to_owned).ok_or_else(unreadable)
    };
    let name = names::name("file's name", &text(path.file_name().and_then(|name| name.to_str()))?)?;
    Ok(Request::SendFile { path: text(place.to_str())?, name, how })
}
