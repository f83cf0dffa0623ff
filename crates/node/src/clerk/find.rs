//! Which entry or conversation people mean.

use couloir_wire::id::{ConversationId, EntryId};
use serde_json::{Value, json};

use super::Node;
use super::row::Posts;
use crate::store::LogRow;
use crate::words::{Failure, Outcome};

/// The entry with this id, with an id that begins so and no other, or that is cited so: `CONVERSATION/12A`, or
/// `12A` where no other conversation has one that is cited so.
pub fn entry<N: Node>(node: &N, typed: &str) -> Outcome<LogRow> {
    let found = match typed.parse::<EntryId>() {
        Ok(id) => node.reader().row(id)?.into_iter().collect(),
        Err(_) => [by_citation(node, typed)?, by_prefix(node, typed)?].concat(),
    };
    one(
        found,
        || Failure::usage(format!("there is no entry {typed:?}"), "see the ids in couloir log --json"),
        typed,
    )
}

/// An entry's facts, as a command needs them to speak of it.
pub fn entry_facts<N: Node>(node: &N, typed: &str) -> Outcome<Value> {
    let row = entry(node, typed)?;
    Ok(json!({
        "id": row.id.to_string(),
        "conversation": row.conversation.to_string(),
        "kind": row.kind,
        "own": row.is_own,
    }))
}

/// The conversation with this id, with an id that begins so, or with this subject.
pub fn conversation<N: Node>(node: &N, typed: &str) -> Outcome<ConversationId> {
    let known = super::conversations::all(node)?;
    let by_id = |id: &ConversationId| is_prefix(typed) && id.to_string().starts_with(typed);
    let mut found: Vec<ConversationId> = known
        .iter()
        .filter(|known| by_id(&known.id) || known.subject == typed)
        .map(|known| known.id)
        .collect();
    found.dedup();
    let unknown =
        || Failure::usage(format!("there is no conversation {typed:?}"), "see couloir conversation list");
    one(found, unknown, typed)
}

fn one<T>(found: Vec<T>, unknown: impl FnOnce() -> Failure, typed: &str) -> Outcome<T> {
    let count = found.len();
    let first = found.into_iter().next().ok_or_else(unknown)?;
    if count == 1 {
        return Ok(first);
    }
    let next = "give more digits of its id, or where it is cited so: CONVERSATION/12A";
    Err(Failure::usage(format!("{typed:?} means more than one"), next))
}

fn is_prefix(typed: &str) -> bool {
    typed.len() >= PREFIX_DIGITS_MIN && typed.chars().all(|c| c.is_ascii_hexdigit())
}

fn by_prefix<N: Node>(node: &N, typed: &str) -> Outcome<Vec<LogRow>> {
    let mut found = Vec::new();
    if !is_prefix(typed) {
        return Ok(found);
    }
    let begins_so = |row: &LogRow| row.id.to_string().starts_with(typed);
    found.extend(node.reader().log_waiting()?.into_iter().filter(begins_so));
    let mut after = None;
    loop {
        let page = node.reader().log_after(after, PAGE_ROWS)?;
        let Some(last) = page.last() else { return Ok(found) };
        after = last.number.or(after);
        found.extend(page.into_iter().filter(begins_so));
    }
}

fn by_citation<N: Node>(node: &N, typed: &str) -> Outcome<Vec<LogRow>> {
    let (place, cited) = match typed.rsplit_once('/') {
        Some((place, cited)) => (Some(place), cited),
        None => (None, typed),
    };
    let digits = cited.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let Ok(number) = digits.parse::<u64>() else { return Ok(Vec::new()) };
    let letter = &cited[digits.len()..];
    let places = match place {
        Some(place) => vec![conversation(node, place)?],
        None => super::conversations::all(node)?.iter().map(|known| known.id).collect(),
    };
    let posts = Posts::of(node.reader())?;
    let mut found = Vec::new();
    for place in places {
        found.extend(node.reader().cited(place, number)?);
    }
    found.retain(|row| posts.letter(row.conversation, row.author) == letter);
    Ok(found)
}

const PAGE_ROWS: usize = 512;
/// Fewer digits than these are no way to name an entry.
const PREFIX_DIGITS_MIN: usize = 4;
