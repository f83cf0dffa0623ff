//! Whether something may be said about an entry: what would change nothing is refused, so that nobody believes it done.

use couloir_wire::entry::Body;
use couloir_wire::id::{EntryId, PostId};

use super::{Node, matters};
use crate::store::{LogRow, Reader, texts};
use crate::words::{Failure, Outcome};

/// What can be taken back, by its kind (PROTOCOL §7.5).
pub const WITHDRAWABLE: [&str; 3] = ["note", "file", "translation"];

/// Checks what is about to be said, whatever it is about.
pub fn check<N: Node>(node: &N, body: &Body) -> Outcome {
    match body {
        Body::Edit { entry, .. } => own(node, *entry, &["note"]),
        Body::Withdraw { entry } => own(node, *entry, &WITHDRAWABLE),
        Body::Translate(translation) => there(node, translation.of).map(drop),
        Body::Note(note) => match (note.reply_to, &note.quote) {
            (Some(of), Some(quote)) => quoted(node, of, quote),
            _ => Ok(()),
        },
        _ => Ok(()),
    }?;
    matters::check(node, body)
}

/// An own entry of one of these kinds, which is still there.
fn own<N: Node>(node: &N, id: EntryId, kinds: &[&str]) -> Outcome {
    let row = there(node, id)?;
    if !row.is_own {
        let next = "answer it instead: couloir send --reply-to";
        return Err(nothing("that is not an entry of this post", next));
    }
    if !kinds.contains(&&*row.kind) {
        let next = "a matter goes on by steps of its own (cancel, close, abort, decline); what is on the record is corrected";
        return Err(nothing(&format!("that is a {}", row.kind), next));
    }
    Ok(())
}

/// An entry that says something still.
fn there<N: Node>(node: &N, id: EntryId) -> Outcome<LogRow> {
    let row = node.reader().row(id)?;
    let row =
        row.ok_or_else(|| Failure::usage("there is no such entry", "see the ids in couloir log --json"))?;
    let is_gone = row.entry.as_ref().map_or(Ok(true), |entry| node.reader().is_taken_back(entry))?;
    if is_gone {
        return Err(nothing("that was withdrawn, or has expired", "say it anew: couloir send"));
    }
    Ok(row)
}

fn nothing(what: &str, next: &str) -> Failure {
    Failure::refused(format!("{what}; this would change nothing"), next)
}

fn quoted<N: Node>(node: &N, of: EntryId, quote: &str) -> Outcome {
    let row = there(node, of)?;
    if is_quoted(node.reader(), &row, quote)? {
        return Ok(());
    }
    Err(Failure::usage(
        "those words are not in the entry that is answered",
        "quote it word by word, or not at all",
    ))
}

/// Whether words are an entry's, one of its author's last versions' or of its last translations', but for spaces.
pub fn is_quoted(reader: &Reader, row: &LogRow, quote: &str) -> Outcome<bool> {
    let wanted = squeezed(quote);
    let holds = |row: &LogRow| row.body().is_some_and(|body| squeezed(&texts(body)).contains(&wanted));
    Ok(holds(row)
        || reader.about_last(row.id, ("edit", Some(row.author)), LAYERS_READ)?.iter().any(holds)
        || reader.about_last(row.id, ("translation", None), LAYERS_READ)?.iter().any(holds))
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

/// The text that a note has now, if its author edited it.
pub fn last_text(reader: &Reader, note: &LogRow) -> Outcome<Option<String>> {
    let last = reader.about_last(note.id, ("edit", Some(note.author)), 1)?;
    Ok(last.first().and_then(|row| match row.body() {
        Some(Body::Edit { text, .. }) => Some(text.clone()),
        _ => None,
    }))
}

/// Whether `of` is an entry of this author, and of one of these kinds.
pub fn is_of_author(reader: &Reader, author: PostId, of: EntryId, kinds: &[&str]) -> Outcome<bool> {
    let row = reader.row(of)?;
    Ok(row.is_some_and(|row| row.author == author && kinds.contains(&&*row.kind)))
}

/// Versions, and translations, in which quoted words are looked for: whoever adds without end makes no page slow.
const LAYERS_READ: usize = 100;
