//! What must not happen by accident is asked for again.

use std::io::{self, BufRead as _, IsTerminal as _};

use super::out::Out;
use crate::words::{Failure, Outcome};

/// Says what is about to happen and waits for the word `yes`, unless `is_meant`. Without a terminal nobody can be asked.
pub fn confirm(out: &Out, is_meant: bool, what: &str) -> Outcome {
    if is_meant {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        let what = "this is asked for again, and there is no terminal to ask at";
        return Err(Failure::refused(what, "if it is meant, repeat it with --yes"));
    }
    out.say(what);
    out.say("Type yes if this is meant:");
    let mut typed = String::new();
    let read = io::stdin().lock().read_line(&mut typed);
    read.map_err(|error| Failure::io(std::path::Path::new("stdin"), &error))?;
    match typed.trim() {
        "yes" => Ok(()),
        _ => Err(Failure::refused("it was not confirmed, and nothing was said", "repeat it and type yes")),
    }
}
