//! Names and texts as people type them, made fit for papers and entries.

use couloir_wire::limits::TEXT_OCTETS_MAX;
use couloir_wire::text::{TextError, check_body, check_name};
use unicode_normalization::UnicodeNormalization;

use crate::words::{Failure, Outcome};

/// A name in normal form C, checked. `what` says whose it is.
pub fn name(what: &str, typed: &str) -> Outcome<String> {
    let name: String = typed.trim().nfc().collect();
    check_name(&name).map_err(|error| Failure::name(what, &error))?;
    Ok(name)
}

/// A note's text in normal form C, checked.
pub fn text(typed: &str) -> Outcome<String> {
    if typed.len() > TEXT_OCTETS_MAX {
        return Err(too_long());
    }
    let text: String = if typed.is_ascii() { typed.to_owned() } else { typed.nfc().collect() };
    match check_body(&text, TEXT_OCTETS_MAX) {
        Ok(()) => Ok(text),
        Err(TextError::TooLong { .. }) => Err(too_long()),
        Err(TextError::Empty) => Err(Failure::usage("the text is empty", "say something, or send a file")),
        Err(error) => Err(Failure::usage(format!("the text is refused: {error}"), "take it out and repeat")),
    }
}

/// A remark about the line, in normal form C, checked; there may be none.
pub fn remark(typed: &str) -> Outcome<String> {
    let remark: String = typed.trim().nfc().collect();
    match check_body(&remark, REMARK_OCTETS_MAX) {
        Ok(()) | Err(TextError::Empty) => Ok(remark),
        Err(error) => {
            Err(Failure::usage(format!("the remark is refused: {error}"), "say it shorter and plainly"))
        }
    }
}

/// A text above the limit is refused before it is read to its end.
pub fn too_long() -> Failure {
    Failure::usage(
        format!("the text is longer than {TEXT_OCTETS_MAX} octets"),
        "send it as a file: couloir send --file PATH",
    )
}

/// A sentence or two; it is shown with every status.
const REMARK_OCTETS_MAX: usize = 1_000;
