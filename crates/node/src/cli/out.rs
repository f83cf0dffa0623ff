//! Answers on stdout, talk on stderr.

use std::io::{self, Write as _};

use couloir_relay::usage::one_line;
use serde::Serialize;
use serde_json::json;

use crate::words::{Code, Failure, Outcome};

/// How this command answers.
#[derive(Debug, Clone, Copy)]
pub struct Out {
    is_json: bool,
}

impl Out {
    /// Answers in JSON, or in words.
    pub fn new(is_json: bool) -> Out {
        Out { is_json }
    }

    /// Whether a program reads the answers.
    pub fn is_json(&self) -> bool {
        self.is_json
    }

    /// One answer: as one line of JSON, or in words. Empty words print nothing.
    pub fn answer(&self, value: &impl Serialize, words: impl FnOnce() -> String) -> Outcome {
        let text = if self.is_json { json_line(value)? } else { words() };
        if text.is_empty() {
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{text}").and_then(|()| stdout.flush()).map_err(|error| reader_gone(&error))
    }

    /// Something for the person at the terminal, never part of the answer.
    pub fn say(&self, words: &str) {
        // Talk is lost with whoever closed stderr; the answer and the exit code are not.
        let _ = writeln!(io::stderr().lock(), "{words}");
    }

    /// How the command failed: a sentence on stderr, and the object on stdout with `--json`, unless an
    /// answer there says so already.
    pub fn fail(&self, failure: &Failure) {
        if failure.what.is_empty() {
            return;
        }
        let failure =
            Failure { what: one_line(&failure.what), next: one_line(&failure.next), ..failure.clone() };
        self.say(&format!("couloir: {failure}"));
        if self.is_json && !failure.is_answered {
            // A reader that went away has the exit code.
            let _ = self.answer(&json!({ "error": failure }), String::new);
        }
    }
}

fn json_line(value: &impl Serialize) -> Outcome<String> {
    serde_json::to_string(value)
        .map_err(|error| Failure::new(Code::Failed, format!("the answer is no JSON: {error}"), "report this"))
}

/// Whoever reads no more needs no sentence either.
fn reader_gone(error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Failure::new(Code::Failed, "", "");
    }
    Failure::new(Code::Failed, format!("stdout cannot be written: {error}"), "repeat the command")
}
