//! Two persons: where a post is set so, what one drafts another releases (docs/decisions/0016).
//!
//! The operator names persons, each with a passphrase of their own; with two or more, nothing is said that was not drafted by
//! one of them and released by another. [`check`] is asked before anything is said; only [`crate::clerk::draft`] says what was released.

use couloir_wire::entry::Body;
use couloir_wire::id::EntryId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::keys::{Passphrase, Verifier};
use crate::socket::Request;
use crate::store::{Reader, Store, StoreError};
use crate::words::{Failure, Outcome};

/// Somebody who may draft and release.
#[derive(Serialize, Deserialize)]
pub struct Person {
    /// Their name.
    pub name: String,
    /// What tells their passphrase.
    pub verifier: Verifier,
}

/// Something that waits for another person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// By which it is named.
    pub number: u32,
    /// Who drafted it.
    pub by: String,
    /// When.
    pub at: String,
    /// What is to be done once it is released.
    pub request: Request,
    /// The id under which the octets of its file lie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<EntryId>,
    /// Somebody refused it: it is never said, and waits for whoever drafted it to read so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refused>,
}

/// That a draft is not said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Who refused it.
    pub by: String,
    /// Why; may be empty.
    pub why: String,
}

/// The persons of this post; fewer than two release nothing.
pub fn persons(reader: &Reader) -> Outcome<Vec<Person>> {
    let kept = reader.setting(PERSONS)?;
    let wrong = |_| {
        Failure::new(crate::words::Code::Integrity, "the list of persons cannot be read", "couloir doctor")
    };
    kept.map_or(Ok(Vec::new()), |kept| serde_json::from_str(&kept).map_err(wrong))
}

/// Keeps the persons of this post.
pub fn keep_persons(store: &mut Store, persons: &[Person]) -> Outcome {
    let text = serde_json::to_string(persons).unwrap_or_default();
    Ok(store.put_setting(PERSONS, Some(&text).filter(|_| !persons.is_empty()).map(String::as_str))?)
}

/// Who they are, for programs.
pub fn facts(persons: &[Person]) -> Value {
    let names: Vec<&str> = persons.iter().map(|person| &*person.name).collect();
    json!({ "persons": names, "two_persons": names.len() > 1 })
}

/// Whether two persons are needed.
pub fn is_on(reader: &Reader) -> Outcome<bool> {
    Ok(persons(reader)?.len() > 1)
}

/// Refuses to say this, unless one person is enough: for what says nothing but that something came.
pub fn check(reader: &Reader, body: &Body) -> Outcome {
    if matches!(body, Body::Answer { .. }) || !is_on(reader)? {
        return Ok(());
    }
    Err(Failure::refused(
        "this post says nothing that one person drafted alone",
        "draft it (couloir draft note or forward, --by NAME); another person releases it (couloir draft release)",
    ))
}

/// The person of this name, if the passphrase is theirs. Takes as long as Argon2id does.
pub fn authentic(reader: &Reader, name: &str, word: &str) -> Outcome {
    let wrong = || Failure::refused("the name or the passphrase is not right", "repeat with the right ones");
    let persons = persons(reader)?;
    let person = persons.iter().find(|person| person.name == name).ok_or_else(wrong)?;
    let typed = Passphrase::new(word.to_owned())?;
    if person.verifier.is(&typed) { Ok(()) } else { Err(wrong()) }
}

/// Everything that waits, in order.
pub fn drafts(reader: &Reader) -> Outcome<Vec<Draft>> {
    let kept = reader.settings_under(DRAFTS)?;
    let mut drafts: Vec<Draft> =
        kept.iter().filter_map(|(_, value)| serde_json::from_str(value).ok()).collect();
    drafts.sort_by_key(|draft| draft.number);
    Ok(drafts)
}

/// The ids under which octets of drafted files lie.
pub fn files(reader: &Reader) -> Result<Vec<EntryId>, StoreError> {
    let kept = reader.settings_under(DRAFTS)?;
    let drafts = kept.iter().filter_map(|(_, value)| serde_json::from_str::<Draft>(value).ok());
    Ok(drafts.filter_map(|draft| draft.file).collect())
}

/// The number of the next draft: no number is given twice, so that whoever releases one releases what they saw.
pub fn next_number(reader: &Reader) -> Outcome<u32> {
    let kept = reader.setting(NUMBERED)?.and_then(|kept| kept.parse().ok()).unwrap_or(0_u32);
    let waiting = drafts(reader)?.last().map_or(0, |last| last.number);
    Ok(kept.max(waiting).saturating_add(1))
}

/// Keeps a new one.
pub fn keep_new(store: &mut Store, draft: &Draft) -> Result<(), StoreError> {
    store.put_setting(NUMBERED, Some(&draft.number.to_string()))?;
    keep_draft(store, draft)
}

/// Keeps one more, or one that changed.
pub fn keep_draft(store: &mut Store, draft: &Draft) -> Result<(), StoreError> {
    let text = serde_json::to_string(draft).unwrap_or_default();
    store.put_setting(&name(draft.number), Some(&text))
}

/// Forgets one.
pub fn drop_draft(store: &mut Store, number: u32) -> Result<(), StoreError> {
    store.put_setting(&name(number), None)
}

fn name(number: u32) -> String {
    format!("{DRAFTS}{number}")
}

const PERSONS: &str = "release-persons";
const DRAFTS: &str = "release-draft/";
/// The last number that was given.
const NUMBERED: &str = "release-numbered";
/// Drafts that wait at once: an office releases them the same day.
pub const DRAFTS_MAX: usize = 64;
/// Persons of a post.
pub const PERSONS_MAX: usize = 16;
