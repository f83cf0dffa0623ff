//! Search over everything said, and the work that keeps its index up.

use std::time::{Duration, Instant};

use couloir_wire::id::PostId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use super::row::{Posts, Row};
use super::{Node, find, log};
use crate::shell::{Event, Handle};
use crate::store::{Found, Lookup};
use crate::words::{Failure, Outcome};

/// What a person looks for, in the person's words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sought {
    /// Words that it says.
    pub words: String,
    /// Who said it: a post's title or id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Said at this time or later, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_ms: Option<i64>,
    /// Said before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
    /// Its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// How it may be passed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marking: Option<couloir_wire::entry::Marking>,
    /// The conversation: its id, the beginning of it, or its subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// The case: its id, the beginning of it, or what it is cited by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// Only what came before the entry with this log number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
}

/// Kinds of entries, as people and programs name them.
pub const KINDS: [&str; 15] = [
    "note",
    "file",
    "statement",
    "countersignature",
    "meeting",
    "case",
    "report",
    "swap",
    "announcement",
    "translation",
    "edit",
    "withdrawal",
    "conversation",
    "withheld",
    "deferred",
];

/// Looks it up.
pub fn search<N: Node>(node: &mut N, sought: &Sought, count: usize) -> Outcome<Found> {
    let wanted = wanted(node, sought)?;
    if wanted.is_empty() {
        return Err(Failure::usage("nothing is looked for", "give words, or one of the filters"));
    }
    if !node.is_running() {
        fill(node)?;
    }
    Ok(node.reader().search(&wanted, count)?)
}

/// The same, its entries as the log shows them.
pub fn answer<N: Node>(
    node: &mut N,
    sought: &Sought,
    count: usize,
    row: &mut dyn FnMut(Row) -> Outcome,
) -> Outcome<Value> {
    let found = search(node, sought, count.min(ROWS_MAX))?;
    let posts = Posts::of(node.reader())?;
    for each in &found.rows {
        row(log::row_of(node, each, &posts)?)?;
    }
    Ok(json!({ "before": found.before, "behind": found.behind }))
}

fn wanted<N: Node>(node: &N, sought: &Sought) -> Outcome<Lookup> {
    if sought.words.len() > WORDS_OCTETS_MAX {
        return Err(Failure::usage("so many words are not looked for", "give fewer"));
    }
    if let Some(kind) = sought.kind.as_deref().filter(|kind| !KINDS.contains(kind)) {
        return Err(Failure::usage(
            format!("there is no kind {kind:?}"),
            format!("kinds are {}", KINDS.join(", ")),
        ));
    }
    let conversation = sought.conversation.as_deref().map(|typed| find::conversation(node, typed));
    let matter = sought.case.as_deref().map(|typed| find::entry(node, typed)).transpose()?;
    Ok(Lookup {
        words: sought.words.clone(),
        by: sought.by.as_deref().map(|typed| post(node, typed)).transpose()?,
        from_ms: sought.from_ms,
        until_ms: sought.until_ms,
        kind: sought.kind.clone(),
        marking: sought.marking,
        conversation: conversation.transpose()?,
        matter: matter.map(|row| row.about.filter(|_| row.kind == "case").unwrap_or(row.id)),
        before: sought.before,
    })
}

/// The post with this title, or with an id that begins so.
fn post<N: Node>(node: &N, typed: &str) -> Outcome<PostId> {
    let posts = Posts::of(node.reader())?;
    let is_meant = |post: &PostId| posts.author(*post).post == typed || post.to_string().starts_with(typed);
    let mut found = posts.all().filter(is_meant);
    let unknown =
        || Failure::usage(format!("the channel has no post {typed:?}"), "see couloir conversation list");
    let first = found.next().ok_or_else(unknown)?;
    let ambiguous = || Failure::usage(format!("{typed:?} means more than one post"), "give more of its id");
    if found.next().is_some() { Err(ambiguous()) } else { Ok(first) }
}

/// Indexes what a node that does not run has not indexed yet.
fn fill<N: Node>(node: &mut N) -> Outcome {
    while node.with_store(|store| store.index_some(BATCH))?? >= BATCH {}
    Ok(())
}

/// Indexes what is said, behind the log, until the node ends. Between two batches it leaves the engine as much time as
/// the last one took.
pub fn keep_up(handle: &Handle) {
    let mut events = handle.events();
    loop {
        let began = Instant::now();
        let pause = match handle.with_store(|store| store.index_some(BATCH)) {
            Ok(Ok(BATCH..)) => began.elapsed(),
            Ok(Ok(_)) => match wait_for_more(&mut events) {
                true => GATHER,
                false => return,
            },
            Ok(Err(_)) => AGAIN,
            Err(_) => return,
        };
        std::thread::sleep(pause);
    }
}

/// False once the node ends.
fn wait_for_more(events: &mut tokio::sync::broadcast::Receiver<Event>) -> bool {
    loop {
        match events.blocking_recv() {
            Ok(Event::Appeared(_)) | Err(RecvError::Lagged(_)) => return true,
            Ok(_) => {}
            Err(RecvError::Closed) => return false,
        }
    }
}

/// Entries indexed in one transaction: some ten milliseconds.
const BATCH: usize = 256;
/// What comes within this is indexed together.
const GATHER: Duration = Duration::from_millis(300);
/// When the store failed.
const AGAIN: Duration = Duration::from_secs(5);
/// Entries of one answer.
const ROWS_MAX: usize = 1_000;
/// More than a sentence is found by its parts.
const WORDS_OCTETS_MAX: usize = 1_024;
