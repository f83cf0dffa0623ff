//! What each request does: the one place, for running nodes and for kept ones.

use std::fs::File;
use std::path::Path;

use couloir_engine::channel::ChannelState;
use couloir_engine::status::PeerView;
use couloir_engine::{Input, LinkNumber, Say, StateKey};
use couloir_seal::papers::digest;
use couloir_wire::cell::{Desk, Official};
use couloir_wire::entry::{Body, Precedence};
use couloir_wire::id::EntryId;
use couloir_wire::limits::FILE_OCTETS_MAX;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::glance::Glance;
use super::matters::times;
use super::phrase::Phrase;
use super::row::Row;
use super::{
    Node, about, conversations, draft, files, find, log, matters, names, papers, search, statement, watch,
};
use crate::keys::{self, hex, unhex};
use crate::socket::{How, RecordAct, Request};
use crate::store::FileError;
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
        Request::Say { body, how } => say_checked(node, body, how),
        Request::Matters { filter } => Ok(json!({ "matters": matters::list(node, filter)? })),
        Request::Matter { matter } => to_value(&matters::shown::named(node, matter)?),
        Request::Commit { swap, content, how } => matters::swap::commit(node, swap, content, how),
        Request::FindEntry { entry } => find::entry_facts(node, entry),
        Request::FindConversation { conversation } => find_conversation(node, conversation),
        Request::Conversations => Ok(json!({ "conversations": conversations::all(node)? })),
        Request::Posts => conversations::posts(node),
        Request::SendFile { path, name, strip, how } => send_file(node, Path::new(path), name, *strip, how),
        Request::Log { after, conversation, .. } => {
            let after = log::log(node, *after, *conversation, row)?;
            log::waiting(node, *conversation, row)?;
            Ok(json!({ "after": after }))
        }
        Request::Search { sought, count } => search::answer(node, sought, *count, row),
        Request::Report { ask } => matters::report::answer(node, ask),
        Request::HoldFiles { is_held } => hold_files(node, *is_held),
        Request::Save { entry, path } => save(node, entry, Path::new(path)),
        Request::Status => {
            let is_running = node.is_running();
            let asked = statement::asked(node)?;
            to_value(&Glance::of(node.status()?, is_running, asked).with_needs(node)?)
        }
        Request::Record { act } => on_record(node, act),
        Request::Draft { act } => draft::act(node, act),
        Request::Phrase { peer } => to_value(&phrase(node, peer.as_deref())?),
        Request::Verify { peer } => verify(node, peer.as_deref()),
        Request::BeginLink { channel } => begin_link(node, channel),
        Request::Introduce { one, other } => introduce(node, one, other),
        Request::Drill => node.drill().map(|after_ms| json!({ "answered": true, "after_ms": after_ms })),
        Request::Desk { is_here } => set_desk(node, *is_here),
        Request::Clocks { own, theirs } => times::clocks(node, own.as_deref(), theirs.as_deref()),
        Request::Answer { entry, until_ms } => answer_entry(node, entry, *until_ms),
        Request::Official { is_up, why } => {
            let state = if *is_up { Official::Up } else { Official::Down };
            done(node.submit(Input::SetOfficial { state, why: names::remark(why)? }))
        }
        Request::WatchAdd { url } => watch::add(node, url),
        Request::WatchRemove { url } => watch::remove(node, url),
        Request::WatchList => Ok(json!({ "watch": watch::list(node.reader())? })),
        Request::Papers => channels(node),
        Request::Adopt { paper } => {
            let octets =
                unhex(paper).ok_or_else(|| Failure::usage("the paper is no hexadecimal", "repeat"))?;
            done(node.submit(Input::Adopt(octets)))
        }
        Request::Withdraw => withdraw(node),
        Request::Thaw => thaw(node),
        Request::Backup { path } => backup(node, Path::new(path)),
        Request::Check => check(node),
        Request::Open { .. } => Err(no_page(node.is_running())),
    }
}

fn on_record<N: Node>(node: &mut N, act: &RecordAct) -> Outcome<Value> {
    match act {
        RecordAct::Say { draft, how } => statement::say(node, draft, how),
        RecordAct::Countersign { entry, verdict, reason } => {
            statement::countersign(node, entry, *verdict, reason.as_deref())
        }
        RecordAct::Show { conversation, after, count } => {
            to_value(&statement::page(node, *conversation, *after, *count)?)
        }
        RecordAct::Prove => statement::check(node),
        RecordAct::Export { conversation, path, level } => {
            matters::onward::admits(node, *conversation, *level)?;
            statement::export(node, *conversation, Path::new(path))
        }
    }
}

fn say_checked<N: Node>(node: &mut N, body: &Body, how: &How) -> Outcome<Value> {
    about::check(node, body)?;
    said(node.say(say(body.clone(), how, 0))?)
}

/// A node that serves its page answers this itself.
fn no_page(is_running: bool) -> Failure {
    let next = if is_running { "restart it without --no-page" } else { "start it: couloir run" };
    Failure::later("this node serves no page", next)
}

fn find_conversation<N: Node>(node: &N, typed: &str) -> Outcome<Value> {
    Ok(json!({ "id": find::conversation(node, typed)?.to_string() }))
}

fn hold_files<N: Node>(node: &mut N, is_held: bool) -> Outcome<Value> {
    node.submit(Input::HoldFiles(is_held))?;
    Ok(json!({ "held": is_held }))
}

fn set_desk<N: Node>(node: &mut N, is_here: bool) -> Outcome<Value> {
    done(node.submit(Input::SetDesk(if is_here { Desk::Here } else { Desk::Away })))
}

fn withdraw<N: Node>(node: &mut N) -> Outcome<Value> {
    let proposed = papers::Agreed::of(&papers::channel_of(node.reader())?)?.proposed;
    let proposed = proposed
        .ok_or_else(|| Failure::usage("no version waits for its signatures", "see couloir charter show"))?;
    let version = digest(&proposed);
    node.submit(Input::Withdraw(version))?;
    Ok(json!({ "withdrawn": version.to_string() }))
}

fn channels<N: Node>(node: &N) -> Outcome<Value> {
    let channels = papers::channels_of(node.reader())?;
    let channels: Vec<String> = channels.iter().map(papers::without_secrets).collect();
    Ok(json!({ "channels": channels }))
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
    Ok(say(Body::note(names::text(text)?), how, token))
}

/// Something to be said as `how` wants it.
pub fn say(body: Body, how: &How, token: u64) -> Say {
    let How { precedence, expires_after_ms, when_verified, conversation, marking } = how.clone();
    Say { token, id: None, conversation, marking, precedence, body, expires_after_ms, when_verified }
}

fn send_file<N: Node>(node: &mut N, path: &Path, name: &str, strip: bool, how: &How) -> Outcome<Value> {
    let name = names::name("file's name", name)?;
    let wrong = |error| Failure::io(path, &error);
    let file = File::open(path).map_err(wrong)?;
    if file.metadata().map_err(wrong)?.len() > FILE_OCTETS_MAX {
        return Err(FileError::TooLong.into());
    }
    let (imported, metadata) = files::import_stripped(node, file, path, strip)?;
    let body = Body::File { name, len: imported.len, digest: imported.digest };
    let id = node.say(Say { id: Some(imported.id), ..say(body, how, 0) })?;
    Ok(json!({ "id": id.to_string(), "len": imported.len, "metadata": metadata.word() }))
}

fn save<N: Node>(node: &mut N, entry: &str, path: &Path) -> Outcome<Value> {
    let row = find::entry(node, entry)?;
    let id = row.id;
    files::name_of(node.reader(), &row)?;
    if path.exists() {
        return Err(Failure::io(path, &std::io::ErrorKind::AlreadyExists.into()));
    }
    node.reader().export(id, path)?;
    let len = std::fs::metadata(path).map_err(|error| Failure::io(path, &error))?.len();
    Ok(json!({ "id": id.to_string(), "path": path, "len": len }))
}

/// The link with a post; without one, the first whose phrase was not compared here.
fn link_of<N: Node>(node: &mut N, peer: Option<&str>) -> Outcome<LinkNumber> {
    if let Some(peer) = peer {
        return Ok(peer_named(node, peer)?.link);
    }
    let peers = node.status()?.view.peers;
    let open = peers.iter().find(|peer| !peer.verified.0).or(peers.first());
    Ok(open.map_or(LinkNumber::FIRST, |peer| peer.link))
}

/// The peer that somebody named by its title, by side and title, or by the beginning of its post's id.
fn peer_named<N: Node>(node: &mut N, named: &str) -> Outcome<PeerView> {
    // Copied from a terminal, a name brings along what isolated it there.
    let named = named.trim_matches(|c: char| ('\u{2066}'..='\u{2069}').contains(&c));
    let is_named = |peer: &PeerView| {
        let is_id = named.len() >= ID_DIGITS_MIN && peer.id.to_string().starts_with(named);
        peer.post == named || format!("{}, {}", peer.side, peer.post) == named || is_id
    };
    let mut found: Vec<PeerView> = node.status()?.view.peers.into_iter().filter(is_named).collect();
    match (found.pop(), found.is_empty()) {
        (Some(peer), true) => Ok(peer),
        (Some(_), false) => {
            Err(Failure::usage(format!("{named} names several posts"), "name its side too: \"SIDE, TITLE\""))
        }
        (None, _) => Err(Failure::usage(
            format!("this node has no link with a post {named}"),
            "see the posts that it has one with: couloir link list",
        )),
    }
}

/// Answers the link as the node has it from now on: of one that waits for that very certificate, as it began.
fn begin_link<N: Node>(node: &mut N, channel: &str) -> Outcome<Value> {
    let asked = papers::from_hex(channel)?;
    let link = match waiting(node, &asked)? {
        Some(waiting) => waiting,
        None => {
            node.submit(Input::Link(Box::new(asked.clone())))?;
            asked
        }
    };
    Ok(json!({ "channels": [hex(&Zeroizing::new(link.encode()))] }))
}

/// The link to the node that `asked` names, if it began here and nothing of it was ever heard.
fn waiting<N: Node>(node: &mut N, asked: &ChannelState) -> Outcome<Option<ChannelState>> {
    let is_heard = |peer: &PeerView| peer.epoch > 0 || peer.verified.0;
    let heard: Vec<_> =
        node.status()?.view.peers.into_iter().filter(is_heard).map(|peer| peer.link).collect();
    let links = node.reader().channels()?;
    let links = links.into_iter().filter(|(link, _)| !heard.contains(link));
    let links: Vec<ChannelState> = links.map(|(_, octets)| papers::read(&octets)).collect::<Outcome<_>>()?;
    Ok(links.into_iter().find(|link| link.introduced.is_some() && link.introduced == asked.introduced))
}

fn introduce<N: Node>(node: &mut N, one: &str, other: &str) -> Outcome<Value> {
    let (one, other) = (peer_named(node, one)?.id, peer_named(node, other)?.id);
    done(node.submit(Input::Introduce { one, other }))
}

/// Every link that this node froze is made anew.
fn thaw<N: Node>(node: &mut N) -> Outcome<Value> {
    let frozen = node.status()?.view.peers.into_iter().filter(|peer| peer.frozen.is_some());
    for peer in frozen {
        node.submit(Input::Thaw(peer.link))?;
    }
    done(Ok(()))
}

fn phrase<N: Node>(node: &mut N, peer: Option<&str>) -> Outcome<Phrase> {
    let link = link_of(node, peer)?;
    let view = node.phrase(link)?;
    if let Some(view) = &view {
        return Ok(Phrase::from(view));
    }
    let channel = papers::channel_of(node.reader())?;
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let next = match (papers::is_open_until(&channel), papers::is_joining(&channel)) {
        (Some(until_ms), _) if until_ms < now_ms => {
            "the invitation has expired: have the inviting side make another one (couloir invite), and join with it"
        }
        (_, true) => {
            "let both nodes run, then: couloir phrase --wait; if they do run, somebody else may have used \
             the invitation, or a newer one replaced it: ask for another"
        }
        (_, false) => "let both nodes run, then: couloir phrase --wait",
    };
    Err(Failure::later("first contact is not complete: there is no phrase yet", next))
}

fn verify<N: Node>(node: &mut N, peer: Option<&str>) -> Outcome<Value> {
    let link = link_of(node, peer)?;
    phrase(node, peer)?;
    done(node.submit(Input::ConfirmPhrase(link)))
}

fn answer_entry<N: Node>(node: &mut N, entry: &str, until_ms: Option<i64>) -> Outcome<Value> {
    if until_ms.is_some_and(|until_ms| until_ms <= jiff::Timestamp::now().as_millisecond()) {
        return Err(Failure::usage("that time is past", "name a later one, or --withhold"));
    }
    let found = find::entry(node, entry)?;
    if found.is_own {
        return Err(Failure::usage(
            "that entry is this desk's own",
            "name one of the other desk's: couloir log",
        ));
    }
    let body = Body::Answer { entry: found.id, deferred_until_ms: until_ms };
    let how =
        How { precedence: Precedence::Priority, conversation: Some(found.conversation), ..How::default() };
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

/// Fewer digits than these are no way to name a post.
const ID_DIGITS_MIN: usize = 4;
/// What a backup never holds: whoever restores it begins a new life of the link.
const EPOCH_STATES: [StateKey; 3] = [StateKey::Link, StateKey::SendCursors, StateKey::RecvCursors];
