//! What each request does: the one place, for running nodes and for kept ones.

use std::fs::File;
use std::path::Path;

use couloir_engine::{Input, Say, StateKey};
use couloir_wire::cell::{Desk, Official};
use couloir_wire::entry::{Body, DeliveryState, Precedence};
use couloir_wire::id::EntryId;
use serde_json::{Value, json};

use super::glance::Glance;
use super::phrase::Phrase;
use super::row::{Posts, Row};
use super::{Node, files, names, papers, watch};
use crate::keys::{self, unhex};
use crate::socket::{How, Request};
use crate::store::LogRow;
use crate::words::{Failure, Outcome};

/// Carries out `request`. Entries go to `row` one by one, before the answer. What a client wants
/// followed is followed by the socket's server; here the log ends where it ends.
pub fn answer<N: Node>(
    node: &mut N,
    request: &Request,
    row: &mut dyn FnMut(Row) -> Outcome,
) -> Outcome<Value> {
    match request {
        Request::Send { text, how } => said(node.say(note(text, how, 0)?)?),
        Request::SendFile { path, name, how } => send_file(node, Path::new(path), name, how),
        Request::Log { after, .. } => {
            let after = log(node, *after, row)?;
            waiting(node, row)?;
            Ok(json!({ "after": after }))
        }
        Request::Save { entry, path } => save(node, entry, Path::new(path)),
        Request::Status => {
            let is_running = node.is_running();
            to_value(&Glance::of(&node.status()?, is_running))
        }
        Request::Phrase => to_value(&phrase(node)?),
        Request::Verify => verify(node),
        Request::Drill => node.drill().map(|after_ms| json!({ "answered": true, "after_ms": after_ms })),
        Request::Desk { is_here } => {
            let desk = if *is_here { Desk::Here } else { Desk::Away };
            done(node.submit(Input::SetDesk(desk)))
        }
        Request::Answer { entry, until_ms } => answer_entry(node, entry, *until_ms),
        Request::Official { is_up, why } => {
            let state = if *is_up { Official::Up } else { Official::Down };
            done(node.submit(Input::SetOfficial { state, why: names::remark(why)? }))
        }
        Request::WatchAdd { url } => watch::add(node, url),
        Request::WatchRemove { url } => watch::remove(node, url),
        Request::WatchList => Ok(json!({ "watch": watch::list(node.reader())? })),
        Request::Papers => {
            Ok(json!({ "channel": papers::without_secrets(&papers::channel_of(node.reader())?) }))
        }
        Request::Adopt { paper } => {
            let octets =
                unhex(paper).ok_or_else(|| Failure::usage("the paper is no hexadecimal", "repeat"))?;
            done(node.submit(Input::Adopt(octets)))
        }
        Request::Thaw => done(node.submit(Input::Thaw)),
        Request::Backup { path } => backup(node, Path::new(path)),
        Request::Check => check(node),
    }
}

fn done(outcome: Outcome) -> Outcome<Value> {
    outcome.map(|()| json!({ "done": true }))
}

fn said(id: EntryId) -> Outcome<Value> {
    Ok(json!({ "id": id.to_string() }))
}

fn to_value(answer: &impl serde::Serialize) -> Outcome<Value> {
    serde_json::to_value(answer)
        .map_err(|error| Failure::new(crate::words::Code::Failed, format!("no JSON: {error}"), "report this"))
}

/// A note to be said, its text checked.
pub fn note(text: &str, how: &How, token: u64) -> Outcome<Say> {
    Ok(say(Body::Note { text: names::text(text)? }, how, token))
}

fn say(body: Body, how: &How, token: u64) -> Say {
    let How { precedence, expires_after_ms, when_verified } = how.clone();
    Say { token, id: None, precedence, body, expires_after_ms, when_verified }
}

fn send_file<N: Node>(node: &mut N, path: &Path, name: &str, how: &How) -> Outcome<Value> {
    let name = names::name("file's name", name)?;
    let file = File::open(path).map_err(|error| Failure::io(path, &error))?;
    let imported = files::import(node, file, path)?;
    let body = Body::File { name, len: imported.len, digest: imported.digest };
    let id = node.say(Say { id: Some(imported.id), ..say(body, how, 0) })?;
    Ok(json!({ "id": id.to_string(), "len": imported.len }))
}

/// Gives every entry with a number above `after` to `row`; the peer's are thereby shown. Returns the
/// last number given.
pub fn log<N: Node>(
    node: &mut N,
    after: Option<u64>,
    row: &mut dyn FnMut(Row) -> Outcome,
) -> Outcome<Option<u64>> {
    let (mut after, mut posts) = (after, None);
    loop {
        let page = node.reader().log_after(after, PAGE_ROWS)?;
        let Some(last) = page.last() else { return Ok(after) };
        after = last.number.or(after);
        let posts = match &mut posts {
            Some(posts) => posts,
            none => none.insert(Posts::of(&papers::channel_of(node.reader())?)?),
        };
        for each in &page {
            row(Row::of(each, posts, files::progress(node, each)?))?;
        }
        let shown = newly_shown(&page);
        if !shown.is_empty() {
            node.show(shown)?;
        }
    }
}

/// Own entries that are kept until the phrase was compared, and have no place in the log yet.
fn waiting<N: Node>(node: &mut N, row: &mut dyn FnMut(Row) -> Outcome) -> Outcome {
    let posts = Posts::of(&papers::channel_of(node.reader())?)?;
    for each in node.reader().log_waiting()? {
        row(Row::of(&each, &posts, files::progress(node, &each)?))?;
    }
    Ok(())
}

fn newly_shown(page: &[LogRow]) -> Vec<EntryId> {
    let is_new = |row: &&LogRow| !row.is_own && row.state < DeliveryState::Shown;
    page.iter().filter(is_new).map(|row| row.id).collect()
}

fn save<N: Node>(node: &mut N, entry: &str, path: &Path) -> Outcome<Value> {
    let id = find_entry(node, entry)?;
    if path.exists() {
        return Err(Failure::io(path, &std::io::ErrorKind::AlreadyExists.into()));
    }
    node.reader().export(id, path)?;
    let len = std::fs::metadata(path).map_err(|error| Failure::io(path, &error))?.len();
    Ok(json!({ "id": id.to_string(), "path": path, "len": len }))
}

/// The entry with this id, or with an id that begins so and no other.
fn find_entry<N: Node>(node: &N, typed: &str) -> Outcome<EntryId> {
    if let Ok(id) = typed.parse() {
        return Ok(id);
    }
    let unknown =
        || Failure::usage(format!("there is no entry {typed:?}"), "see the ids in couloir log --json");
    if typed.len() < PREFIX_DIGITS_MIN || typed.chars().any(|c| !c.is_ascii_hexdigit()) {
        return Err(unknown());
    }
    let waiting = node.reader().log_waiting()?.into_iter().map(|row| row.id);
    let (mut found, mut after): (Vec<EntryId>, _) =
        (waiting.filter(|id| id.to_string().starts_with(typed)).collect(), None);
    loop {
        let page = node.reader().log_after(after, PAGE_ROWS)?;
        let Some(last) = page.last() else { break };
        after = last.number.or(after);
        found.extend(page.iter().map(|row| row.id).filter(|id| id.to_string().starts_with(typed)));
    }
    match found.as_slice() {
        [id] => Ok(*id),
        [] => Err(unknown()),
        _ => Err(Failure::usage(format!("more than one entry begins with {typed}"), "give more digits")),
    }
}

fn phrase<N: Node>(node: &mut N) -> Outcome<Phrase> {
    let view = node.phrase()?;
    if let Some(view) = &view {
        return Ok(Phrase::from(view));
    }
    let is_joining = papers::is_joining(&papers::channel_of(node.reader())?);
    let next = match is_joining {
        true => {
            "let both nodes run, then: couloir phrase --wait; if they do run, somebody else may have used \
             the invitation, or a newer one replaced it: ask for another"
        }
        false => "let both nodes run, then: couloir phrase --wait",
    };
    Err(Failure::later("first contact is not complete: there is no phrase yet", next))
}

fn verify<N: Node>(node: &mut N) -> Outcome<Value> {
    phrase(node)?;
    done(node.submit(Input::ConfirmPhrase))
}

fn answer_entry<N: Node>(node: &mut N, entry: &str, until_ms: Option<i64>) -> Outcome<Value> {
    if until_ms.is_some_and(|until_ms| until_ms <= jiff::Timestamp::now().as_millisecond()) {
        return Err(Failure::usage("that time is past", "name a later one, or --withhold"));
    }
    let body = Body::Answer { entry: find_entry(node, entry)?, deferred_until_ms: until_ms };
    let how = How { precedence: Precedence::Priority, expires_after_ms: None, when_verified: false };
    said(node.say(say(body, &how, 0))?)
}

fn backup<N: Node>(node: &mut N, path: &Path) -> Outcome<Value> {
    let copy = path.to_path_buf();
    node.with_store(move |store| store.copy_to(&copy, &EPOCH_STATES))??;
    let len = std::fs::metadata(path).map_err(|error| Failure::io(path, &error))?.len();
    Ok(json!({ "path": path, "len": len }))
}

fn check<N: Node>(node: &mut N) -> Outcome<Value> {
    let problems: Vec<String> =
        node.reader().check().err().map(|error| error.to_string()).into_iter().collect();
    Ok(json!({ "problems": problems }))
}

/// A new id.
pub fn random_entry_id() -> Outcome<EntryId> {
    Ok(EntryId::new(keys::random()?, jiff::Timestamp::now().as_millisecond()))
}

/// Entries read from the store at once.
const PAGE_ROWS: usize = 256;
/// Fewer digits are sooner a mistake than an entry.
const PREFIX_DIGITS_MIN: usize = 4;
/// What a backup never holds: whoever restores it begins a new life of the link.
const EPOCH_STATES: [StateKey; 3] = [StateKey::Link, StateKey::SendCursors, StateKey::RecvCursors];
