//! Reports on their way out: to a file, a printer, a TAXII client or another conversation (PROTOCOL §7.9).

use std::path::Path;

use couloir_engine::Refusal;
use couloir_wire::entry::{Body, Marking, ReportAct, Way};
use couloir_wire::id::{ConversationId, EntryId};
use couloir_wire::time::WallTime;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::report::{bundle_of, level, marking_of, no_report, packed, report_row, too_strict};
use crate::clerk::answer::say;
use crate::clerk::{Node, conversations, names};
use crate::release;
use crate::socket::How;
use crate::store::LogRow;
use crate::words::{Failure, Outcome};

/// Where something is to go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Onward {
    /// To whom, in words; for a conversation its id.
    pub to: String,
    /// How.
    pub way: Way,
    /// The strictest marking that may be held there.
    pub level: Marking,
}

/// Gives a report out if it may go there. If it is the other side's, that is told to them first.
pub fn release<N: Node>(node: &mut N, typed: &str, onward: &Onward) -> Outcome<Value> {
    let row = report_row(node, typed)?;
    let (text, bundle) = bundle_of(node, &row)?;
    let marking = level(node, &row, &bundle)?;
    if marking > onward.level {
        return Err(too_strict(marking, onward.level, "where it would go"));
    }
    let told = if row.is_own { None } else { Some(tell(node, &row, onward)?.to_string()) };
    Ok(json!({ "bundle": text, "marking": marking, "objects": bundle.objects.len(), "told": told }))
}

/// Says a report again in another conversation.
pub fn forward<N: Node>(node: &mut N, typed: &str, to: ConversationId, how: &How) -> Outcome<Value> {
    // Nobody is told of what is then not said.
    report_row(node, typed)?.body().map_or(Ok(()), |body| release::check(node.reader(), body))?;
    pass_on(node, typed, to, how)
}

/// The same of what another person releases.
pub fn pass_on<N: Node>(node: &mut N, typed: &str, to: ConversationId, how: &How) -> Outcome<Value> {
    let Passed { row, title, text, marking, onward } = passed(node, typed, to, how)?;
    let (bundle, file) = packed(node, (Path::new("the bundle"), text))?;
    let told = if row.is_own { None } else { Some(tell(node, &row, &onward)?.to_string()) };
    let how = How { conversation: Some(to), marking: Some(marking), ..how.clone() };
    let body = Body::Report(ReportAct::Share { title, bundle, answers: None });
    let say = couloir_engine::Say { id: file, ..say(body, &how, 0) };
    Ok(json!({ "id": node.say(say)?.to_string(), "marking": marking, "told": told }))
}

/// A report that may be said again.
pub struct Passed {
    row: LogRow,
    title: String,
    text: String,
    marking: Marking,
    onward: Onward,
}

/// What may be said again in another conversation: under RED only among the same posts.
pub fn passed<N: Node>(node: &mut N, typed: &str, to: ConversationId, how: &How) -> Outcome<Passed> {
    let row = report_row(node, typed)?;
    let Some(Body::Report(ReportAct::Share { title, .. })) = row.body() else {
        return Err(no_report(typed));
    };
    let title = title.clone();
    let (text, bundle) = bundle_of(node, &row)?;
    let (marking, level) = (level(node, &row, &bundle)?, marking_of(node, Some(to))?);
    if marking > level {
        return Err(too_strict(marking, level, "the conversation"));
    }
    let into = conversations::one(node, Some(to))?;
    check_open(node, &into, how)?;
    // Of a conversation that is not known nobody was told.
    let from =
        conversations::one(node, Some(row.conversation)).map_or_else(|_| Vec::new(), |from| from.posts);
    if marking == Marking::Red && into.posts.iter().any(|post| !from.contains(post)) {
        return Err(Failure::refused(
            "the report is for those who were told (TLP:RED), and the conversation has others",
            "ask its originator for a version that may go further: couloir report request",
        ));
    }
    let onward = Onward { to: into.subject, way: Way::Forward, level };
    Ok(Passed { row, title, text, marking, onward })
}

/// Nobody is told of what is then refused because a phrase was not compared (PROTOCOL §4.3).
fn check_open<N: Node>(node: &mut N, place: &conversations::Conversation, how: &How) -> Outcome {
    let peers = node.status()?.view.peers;
    let mut members = peers.iter().filter(|peer| place.posts.contains(&peer.id));
    let is_open = how.when_verified || members.all(|peer| peer.verified == (true, true));
    if is_open { Ok(()) } else { Err(Refusal::NotVerified.into()) }
}

/// Tells the originator, durably, before anything leaves.
fn tell<N: Node>(node: &mut N, row: &LogRow, onward: &Onward) -> Outcome<EntryId> {
    let act = ReportAct::Released {
        report: row.id,
        to: names::name("receiver", &onward.to)?,
        way: onward.way,
        at: WallTime(jiff::Timestamp::now().as_millisecond()),
    };
    let how = How { conversation: Some(row.conversation), ..How::default() };
    // The node owes it, whoever may speak here.
    node.say_released(say(Body::Report(act), &how, 0))
}

/// Refuses to let what was said in a conversation go where no more than `level` may be held.
pub fn admits<N: Node>(node: &N, conversation: Option<ConversationId>, level: Marking) -> Outcome {
    let marking = marking_of(node, conversation)?;
    if marking > level { Err(too_strict(marking, level, "where it would go")) } else { Ok(()) }
}
