//! Reports and requests for them: what they hold, and what may leave (PROTOCOL §7.9).
//!
//! *The level of a report* is the strictest of what its entry says and what each object of its bundle says; what says
//! nothing counts as the entry says, and that as the conversation. *A way out* has a level, too: the strictest that may
//! be held where it leads. What is stricter does not go, whatever the way; what the other side shared and goes is reported
//! to it before anything leaves.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use couloir_talks::report::{Answer, Opened, Report};
use couloir_talks::stix::{StixBundle, StixError};
use couloir_wire::entry::{Body, Bundle, Marking, ReportAct, Way};
use couloir_wire::id::{ConversationId, EntryId};
use couloir_wire::limits::BUNDLE_OCTETS_MAX;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::onward::{self, Onward};
use super::table::Table;
use super::times::TimeShown;
use crate::clerk::answer::say;
use crate::clerk::row::Author;
use crate::clerk::{Node, conversations, files, find, names};
use crate::cli::plain::{lines, one_line};
use crate::socket::How;
use crate::store::LogRow;
use crate::words::{Code, Failure, Outcome};

/// What is particular to a report or a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportShown {
    /// `shared` or `asked`: how it was opened.
    pub opened: String,
    /// Of a request: what is asked.
    pub question: Option<String>,
    /// Of a report: the request that it answers.
    pub answers: Option<String>,
    /// Of a request: what it was answered with.
    pub replies: Vec<ReplyShown>,
    /// Of a report: to whom the other side passed it on.
    pub releases: Vec<ReleaseShown>,
}

/// An answer to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyShown {
    /// The entry.
    pub entry: String,
    /// Whether it is a report.
    pub report: bool,
    /// What it says, or what the report is called.
    pub text: String,
}

/// That a report was passed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseShown {
    /// Who passed it on.
    pub by: Author,
    /// To whom.
    pub to: String,
    /// `export`, `print`, `forward` or `taxii`.
    pub way: String,
    /// When.
    pub at: TimeShown,
}

/// What a report holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// How strictly it may be passed on.
    pub marking: Marking,
    /// Its objects.
    pub objects: Vec<ObjectShown>,
    /// How many of each type.
    pub types: BTreeMap<String, usize>,
    /// All of it, as it was written.
    pub bundle: String,
}

/// An object of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectShown {
    /// Its id.
    pub id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is called.
    pub name: String,
    /// How it may be passed on, if it says so.
    pub marking: Option<Marking>,
    /// Names of properties with the ids that they refer to.
    pub refs: Vec<(String, String)>,
    /// Its version, if it has one: when it was modified, or created.
    pub version: Option<String>,
}

/// A report that was shared.
#[derive(Debug, Clone, Serialize)]
pub struct Shared {
    /// Its id.
    pub id: EntryId,
    /// How strictly it may be passed on.
    pub marking: Option<Marking>,
    /// How many objects it has.
    pub objects: usize,
}

/// What is asked of a node about a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ReportAsk {
    /// Share a bundle. Answer: `{"id", "marking", "objects"}`.
    Share {
        /// Where it lies, absolute.
        path: String,
        /// What it is called.
        title: String,
        /// The request that it answers.
        answers: Option<EntryId>,
        /// How.
        how: How,
    },
    /// What it holds. Answer: [`Held`].
    Held {
        /// The report.
        report: String,
    },
    /// Give it out if it may go there. Answer: `{"bundle", "marking", "objects", "told"}`.
    Release {
        /// The report.
        report: String,
        /// Where it goes.
        onward: Onward,
    },
    /// Whether what was said in a conversation may go where no more than `level` may be held. Answer: `{}`.
    Admits {
        /// The conversation; the channel's first one if none is named.
        conversation: Option<ConversationId>,
        /// The strictest marking that may be held there.
        level: Marking,
    },
    /// Say it again in another conversation. Answer: `{"id", "marking", "told"}`.
    Forward {
        /// The report.
        report: String,
        /// The conversation.
        to: ConversationId,
        /// How.
        how: How,
    },
}

impl ReportAsk {
    /// What is to be passed on, and where, if that is asked.
    pub fn forwarded(&self) -> Option<(&str, ConversationId, &How)> {
        match self {
            ReportAsk::Forward { report, to, how } => Some((report, *to, how)),
            _ => None,
        }
    }
}

/// Carries out what is asked.
pub fn answer<N: Node>(node: &mut N, ask: &ReportAsk) -> Outcome<Value> {
    match ask {
        ReportAsk::Share { path, title, answers, how } => {
            let path = Path::new(path);
            Ok(json!(share(node, (path, read(path)?), title, *answers, how)?))
        }
        ReportAsk::Held { report } => Ok(json!(held(node, report)?)),
        ReportAsk::Release { report, onward } => onward::release(node, report, onward),
        ReportAsk::Admits { conversation, level } => {
            onward::admits(node, *conversation, *level).map(|()| json!({}))
        }
        ReportAsk::Forward { report, to, how } => onward::forward(node, report, *to, how),
    }
}

impl ReportShown {
    /// As it stands.
    pub fn of(report: &Report<'_>, table: &Table) -> ReportShown {
        let (opened, question, answers) = match report.opened {
            Opened::Shared { answers, .. } => ("shared", None, answers),
            Opened::Asked { question, .. } => ("asked", Some(question.to_owned()), None),
        };
        ReportShown {
            opened: opened.to_owned(),
            question,
            answers: answers.map(|request| request.to_string()),
            replies: report.answers.iter().map(ReplyShown::of).collect(),
            releases: report
                .releases
                .iter()
                .map(|release| ReleaseShown {
                    by: table.posts.author(release.by),
                    to: release.to.to_owned(),
                    way: way_word(release.way).to_owned(),
                    at: table.zones.show(release.at.0),
                })
                .collect(),
        }
    }

    /// For people.
    pub fn push_words(&self, out: &mut String) {
        if let Some(question) = &self.question {
            let _ = writeln!(out, "Asked: {}", lines(question, 2));
        }
        for reply in &self.replies {
            let what = if reply.report { "report" } else { "reply" };
            let _ = writeln!(
                out,
                "  {what} [{}] {}",
                reply.entry.get(..8).unwrap_or_default(),
                lines(&reply.text, 4)
            );
        }
        for release in &self.releases {
            let to = one_line(&release.to);
            let _ = writeln!(out, "  passed on to {to} ({}) on {}", release.way, release.at.words());
        }
    }
}

impl ReplyShown {
    fn of(answer: &Answer<'_>) -> ReplyShown {
        let (entry, report, text) = match answer {
            Answer::Report { entry, title } => (entry, true, title),
            Answer::Words { entry, text } => (entry, false, text),
        };
        ReplyShown { entry: entry.to_string(), report, text: (*text).to_owned() }
    }
}

/// The word for a way out.
pub fn way_word(way: Way) -> &'static str {
    match way {
        Way::Export => "export",
        Way::Print => "print",
        Way::Forward => "forward",
        Way::Taxii => "taxii",
    }
}

/// Shares a bundle that was read from `source`, a file or a form. What is stricter than the conversation does not go; what
/// is not marked goes only under a marking that a person names.
pub fn share<N: Node>(
    node: &mut N,
    (source, text): (&Path, String),
    title: &str,
    answers: Option<EntryId>,
    how: &How,
) -> Outcome<Shared> {
    let title = names::name("title", title)?;
    let (how, objects) = admitted(node, source, &text, &answering(node, answers, how)?)?;
    let id = say_bundle(node, (source, text), &how, |bundle| ReportAct::Share { title, bundle, answers })?;
    Ok(Shared { id, marking: how.marking, objects })
}

/// A report answers a request, and where it was asked.
fn answering<N: Node>(node: &N, answers: Option<EntryId>, how: &How) -> Outcome<How> {
    let Some(request) = answers else { return Ok(how.clone()) };
    let row = node.reader().row(request)?;
    let asked = row.filter(|row| matches!(row.body(), Some(Body::Report(ReportAct::Request { .. }))));
    let asked =
        asked.ok_or_else(|| Failure::usage("that is no request", "see couloir report list --mine"))?;
    if how.conversation.is_some_and(|place| place != asked.conversation) {
        return Err(Failure::usage(
            "that was asked in another conversation",
            "answer it there: leave out --conversation",
        ));
    }
    Ok(How { conversation: Some(asked.conversation), ..how.clone() })
}

/// In the entry itself if there is room, else in the bulk stream.
fn say_bundle<N: Node>(
    node: &mut N,
    bundle: (&Path, String),
    how: &How,
    act: impl FnOnce(Bundle) -> ReportAct,
) -> Outcome<EntryId> {
    let (bundle, id) = packed(node, bundle)?;
    node.say(couloir_engine::Say { id, ..say(Body::Report(act(bundle)), how, 0) })
}

/// A bundle as an entry has it, and the id under which its octets lie if they do not fit into one.
pub(super) fn packed<N: Node>(
    node: &mut N,
    (source, text): (&Path, String),
) -> Outcome<(Bundle, Option<EntryId>)> {
    if text.len() <= BUNDLE_OCTETS_MAX {
        return Ok((Bundle::Here(text), None));
    }
    let imported = files::import(node, text.as_bytes(), source)?;
    Ok((Bundle::Follows { len: imported.len, digest: imported.digest }, Some(imported.id)))
}

/// What [`share`] would say, how, and the id under which its octets lie.
pub fn sharing<N: Node>(
    node: &mut N,
    (source, text): (&Path, String),
    title: &str,
    answers: Option<EntryId>,
    how: &How,
) -> Outcome<(Body, How, Option<EntryId>)> {
    let title = names::name("title", title)?;
    let (how, _) = admitted(node, source, &text, &answering(node, answers, how)?)?;
    let (bundle, id) = packed(node, (source, text))?;
    Ok((Body::Report(ReportAct::Share { title, bundle, answers }), how, id))
}

/// How a bundle goes, marked as strictly as it says, if it may go there; and how many objects it has.
fn admitted<N: Node>(node: &N, source: &Path, text: &str, how: &How) -> Outcome<(How, usize)> {
    let bundle = StixBundle::read(text).map_err(|error| no_bundle(source, &error))?;
    if bundle.unmarked() > 0 && how.marking.is_none() {
        return Err(Failure::usage(
            format!("{} objects of the bundle do not say how they may be passed on", bundle.unmarked()),
            "mark them, or say what counts for them: --marking",
        ));
    }
    let least = how.marking.unwrap_or(Marking::Clear);
    let (marking, place) = (bundle.marking(least).max(least), marking_of(node, how.conversation)?);
    if marking > place {
        return Err(too_strict(marking, place, "the conversation"));
    }
    Ok((How { marking: Some(marking), ..how.clone() }, bundle.objects.len()))
}

/// What a report holds, for its own desk.
pub fn held<N: Node>(node: &N, typed: &str) -> Outcome<Held> {
    let row = report_row(node, typed)?;
    let (text, bundle) = bundle_of(node, &row)?;
    Ok(Held {
        bundle: text,
        marking: level(node, &row, &bundle)?,
        types: count(&bundle),
        objects: bundle.objects.into_iter().map(ObjectShown::of).collect(),
    })
}

pub(super) fn report_row<N: Node>(node: &N, typed: &str) -> Outcome<LogRow> {
    let row = find::entry(node, typed)?;
    let is_report = matches!(row.body(), Some(Body::Report(ReportAct::Share { .. })));
    if is_report { Ok(row) } else { Err(no_report(typed)) }
}

pub(super) fn no_report(typed: &str) -> Failure {
    Failure::usage(format!("{typed} is no report"), "see couloir report list")
}

/// How strictly a report may be passed on.
pub(super) fn level<N: Node>(node: &N, row: &LogRow, bundle: &StixBundle) -> Outcome<Marking> {
    let said = row.entry.as_ref().and_then(|entry| entry.marking);
    let said = match said {
        Some(marking) => marking,
        None => marking_of(node, Some(row.conversation))?,
    };
    Ok(bundle.marking(said).max(said))
}

/// How the entries of a conversation may be passed on; those of the channel's first one not at all.
pub(super) fn marking_of<N: Node>(node: &N, conversation: Option<ConversationId>) -> Outcome<Marking> {
    let Some(id) = conversation else { return Ok(Marking::Red) };
    let all = conversations::all(node)?;
    Ok(all.iter().find(|each| each.id == id).and_then(|each| each.marking).unwrap_or(Marking::Red))
}

pub(super) fn bundle_of<N: Node>(node: &N, row: &LogRow) -> Outcome<(String, StixBundle)> {
    let Some(Body::Report(ReportAct::Share { bundle, .. })) = row.body() else {
        return Err(no_report(&row.id.to_string()));
    };
    let text = match bundle {
        Bundle::Here(text) => text.clone(),
        Bundle::Follows { .. } => followed(node, row.id)?,
    };
    let read = StixBundle::read(&text).map_err(|error| {
        Failure::new(
            Code::Integrity,
            format!("what they shared is unusable: {error}"),
            "ask them to share it again",
        )
    })?;
    Ok((text, read))
}

/// The bundle that came in the bulk stream.
fn followed<N: Node>(node: &N, id: EntryId) -> Outcome<String> {
    let wrong = |error: &std::io::Error| Failure::io(Path::new("a temporary folder"), error);
    let folder = tempfile::tempdir().map_err(|error| wrong(&error))?;
    let path = folder.path().join("bundle.json");
    node.reader().export(id, &path)?;
    read(&path)
}

fn read(path: &Path) -> Outcome<String> {
    let wrong = |error| Failure::io(path, &error);
    let mut octets = Vec::new();
    let file = File::open(path).map_err(wrong)?;
    file.take(STIX_OCTETS_MAX + 1).read_to_end(&mut octets).map_err(wrong)?;
    if octets.len() as u64 > STIX_OCTETS_MAX {
        return Err(Failure::usage(
            format!("{} is longer than {} MiB", path.display(), STIX_OCTETS_MAX >> 20),
            "share it in parts, or as a file: couloir send --file",
        ));
    }
    String::from_utf8(octets)
        .map_err(|_| Failure::usage(format!("{} is not valid UTF-8", path.display()), "convert it"))
}

fn no_bundle(path: &Path, error: &StixError) -> Failure {
    Failure::usage(format!("{}: {error}", path.display()), "name a bundle of STIX 2.1 objects as JSON")
}

pub(super) fn too_strict(marking: Marking, place: Marking, whither: &str) -> Failure {
    Failure::refused(
        format!("it is TLP:{}, and {whither} takes no more than TLP:{}", upper(marking), upper(place)),
        "ask its originator for a version that may go there, or choose another way",
    )
}

fn upper(marking: Marking) -> String {
    marking.word().to_uppercase()
}

fn count(bundle: &StixBundle) -> BTreeMap<String, usize> {
    let mut types = BTreeMap::new();
    for object in &bundle.objects {
        *types.entry(object.kind.clone()).or_default() += 1;
    }
    types
}

impl ObjectShown {
    fn of(object: couloir_talks::stix::StixObject) -> ObjectShown {
        ObjectShown {
            id: object.id,
            kind: object.kind,
            name: object.name,
            marking: object.marking,
            refs: object.refs,
            version: object.version,
        }
    }
}

/// A bundle is read as a whole.
const STIX_OCTETS_MAX: u64 = 8 << 20;
