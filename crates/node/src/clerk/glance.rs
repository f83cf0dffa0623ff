//! The node at a glance, as `couloir status` shows it.

use comfy_table::{Table, presets::NOTHING};
use couloir_engine::status::{FileView, PeerView, PostureView, RouteState, RouteView};
use couloir_engine::{Frozen, RouteTrouble};
use couloir_wire::cell::{Desk, Official};
use couloir_wire::time::WallTime;
use serde::{Deserialize, Serialize};

use super::Node;
use super::matters::{self, Filter, ListedMatter};
use super::record::Brief;
use crate::cli::plain::one_line;
use crate::cli::values::{local_of, rfc3339};
use crate::shell::Sight;
use crate::words::Outcome;

/// `couloir status --json`. Keys are stable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Glance {
    /// Whether the node runs.
    pub running: bool,
    /// Node time at which this was true.
    pub at: String,
    /// Whether the official line works.
    pub posture: Posture,
    /// Our own desk.
    pub desk: Since,
    /// Own clock minus node time.
    pub clock_off_ms: i64,
    /// The peers; none before first contact.
    pub peers: Vec<Peer>,
    /// The charter's routes.
    pub routes: Vec<Route>,
    /// Files on their way.
    pub files: Vec<FileProgress>,
    /// Statements that ask something of this desk.
    pub statements_asking: Vec<Brief>,
    /// Matters that wait for an answer of this desk, the soonest due first.
    #[serde(default)]
    pub needs: Vec<ListedMatter>,
    /// Cases of which a clock has run out, the longest first.
    #[serde(default)]
    pub overdue: Vec<ListedMatter>,
    /// What is wrong with the store of a running node; the rest is as it was when that began.
    pub store: Option<String>,
}

/// A state and since when it is so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Since {
    /// The state, in a word.
    pub state: String,
    /// Since when.
    pub since: Option<String>,
}

/// Standby, or active: the official line is down for one of the sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posture {
    /// `standby` or `active`.
    pub state: String,
    /// Since when.
    pub since: Option<String>,
    /// The official line as we see it: `up`, `down`, `unknown`.
    pub official: String,
    /// Said by whom or what.
    pub why: String,
    /// The official line as the peer sees it.
    pub peer_official: String,
}

/// A peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// Its post's id.
    pub id: String,
    /// Its side's name.
    pub side: String,
    /// Its post's title.
    pub post: String,
    /// The person in it, by its side's certificate.
    pub holder: Option<String>,
    /// In office since, by its side's certificate.
    pub in_office_since: String,
    /// Its node's id.
    pub node: String,
    /// `alive` or `silent` (cause unknown).
    pub link: Since,
    /// When it was last heard.
    pub last_heard: Option<String>,
    /// `here`, `away` or `unknown`.
    pub desk: Since,
    /// Whether both desks said that the phrase is the same.
    pub verified: bool,
    /// Whether this desk said so.
    pub verified_here: bool,
    /// Whether the other desk said so.
    pub verified_there: bool,
    /// Whether it opens our cells.
    pub hears_us: bool,
    /// Own entries that it has not acknowledged.
    pub unacknowledged: u64,
    /// The epoch that we write.
    pub epoch: u64,
    /// The test of the line.
    pub drill: Drill,
    /// Why the link is frozen, if it is.
    pub frozen: Option<String>,
}

/// The last test of the line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drill {
    /// When it was.
    pub last: Option<String>,
    /// Whether it was answered; unknown while it waits.
    pub answered: Option<bool>,
    /// How long the last answered one took.
    pub after_ms: Option<u64>,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The title of the post to which it leads; none before first contact.
    pub peer: Option<String>,
    /// Its id.
    pub id: String,
    /// Where it lies, by the charter.
    pub url: String,
    /// `new`, `working`, `out-only`, `down`, `paused` or `retired`.
    pub state: String,
    /// Why it is down.
    pub trouble: Option<String>,
    /// When a cell of ours last left on it.
    pub last_out: Option<String>,
    /// When a cell of the peer's was last opened from it.
    pub last_in: Option<String>,
    /// From sealing to opening of the newest cell.
    pub delay_ms: Option<u64>,
    /// Of the last 128 of our windows, how many the peer missed.
    pub losses: u32,
    /// Whether an absence is being made up for.
    pub searching: bool,
}

/// A file on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileProgress {
    /// Its entry.
    pub entry: String,
    /// Whether we send it.
    pub own: bool,
    /// Octets acknowledged, or received.
    pub done: u64,
    /// Octets in all.
    pub len: u64,
    /// Whether all of it came, and its hash is not what its author said.
    pub damaged: bool,
    /// Whether it waits until a person lets it go on.
    pub held: bool,
}

impl Glance {
    /// What an engine tells.
    pub fn of(sight: Sight, is_running: bool, statements_asking: Vec<Brief>) -> Glance {
        let Sight { view, trouble } = sight;
        Glance {
            running: is_running,
            at: rfc3339(view.at.0),
            posture: Posture::from(&view.posture),
            desk: desk(view.desk),
            clock_off_ms: view.clock_off_ms,
            peers: view.peers.iter().map(Peer::from).collect(),
            routes: view.routes.iter().map(|route| Route::of(route, &view.peers)).collect(),
            files: view.files.iter().map(FileProgress::from).collect(),
            statements_asking,
            needs: Vec::new(),
            overdue: Vec::new(),
            store: trouble,
        }
    }

    /// And what waits for an answer.
    pub fn with_needs<N: Node>(mut self, node: &mut N) -> Outcome<Glance> {
        if self.store.is_some() {
            return Ok(self);
        }
        let filter = Filter { count: Some(NEEDS_SHOWN), ..Filter::default() };
        self.needs = matters::list(node, &Filter { ours_to_answer: true, ..filter.clone() })?;
        self.overdue =
            matters::list(node, &Filter { overdue: true, kind: Some("case".to_owned()), ..filter })?;
        Ok(self)
    }

    /// For people.
    pub fn words(&self) -> String {
        let mut table = Table::new();
        table.load_style(NOTHING);
        if !self.running {
            table.add_row(["node".to_owned(), "not running; this is what the store remembers".to_owned()]);
        }
        if let Some(trouble) = &self.store {
            table.add_row(["store".to_owned(), format!("{trouble}: {STORE_TROUBLE}")]);
            table.add_row([
                "at".to_owned(),
                format!("{}: what follows is as it was then", local_of(&self.at)),
            ]);
        }
        table.add_row(["posture".to_owned(), self.posture.words()]);
        table.add_row(["desk".to_owned(), self.desk.words()]);
        if self.clock_off_ms.abs() >= CLOCK_WORTH_SAYING_MS {
            table.add_row(["clock".to_owned(), format!("off by {} s", self.clock_off_ms / 1000)]);
        }
        self.statements_asking.iter().for_each(|brief| {
            table.add_row(["to answer".to_owned(), brief.words()]);
        });
        self.peers.iter().for_each(|peer| peer.add_rows(&mut table));
        self.routes.iter().for_each(|route| {
            table.add_row(["route".to_owned(), route.words()]);
        });
        self.files.iter().for_each(|file| {
            table.add_row(["file".to_owned(), file.words()]);
        });
        for (name, listed) in [("answer", &self.needs), ("overdue", &self.overdue)] {
            listed.iter().for_each(|matter| {
                table.add_row([name.to_owned(), format!("{} {}", matter.kind, matter.words())]);
            });
        }
        table.trim_fmt()
    }
}

impl Since {
    fn words(&self) -> String {
        format!("{}{}", self.state, self.since.as_deref().map(since_words).unwrap_or_default())
    }
}

impl Posture {
    /// For people.
    pub fn words(&self) -> String {
        let since = self.since.as_deref().map(since_words).unwrap_or_default();
        let why = if self.why.is_empty() { String::new() } else { format!(" ({})", one_line(&self.why)) };
        format!(
            "{}{since}; official line {}{why}, for the peer {}",
            self.state, self.official, self.peer_official
        )
    }
}

impl From<&PostureView> for Posture {
    fn from(view: &PostureView) -> Posture {
        Posture {
            state: if view.is_active { "active" } else { "standby" }.to_owned(),
            since: view.since.map(time),
            official: official(view.own).to_owned(),
            why: view.own_why.clone(),
            peer_official: official(view.peer).to_owned(),
        }
    }
}

impl From<&PeerView> for Peer {
    fn from(view: &PeerView) -> Peer {
        let link = if view.is_alive { "alive" } else { "silent" };
        Peer {
            id: view.id.to_string(),
            side: view.side.clone(),
            post: view.post.clone(),
            holder: view.holder.clone(),
            in_office_since: time(view.in_office_since),
            node: view.node.to_string(),
            link: Since { state: link.to_owned(), since: view.since.map(time) },
            last_heard: view.last_heard.map(time),
            desk: desk(view.desk),
            verified: view.verified == (true, true),
            verified_here: view.verified.0,
            verified_there: view.verified.1,
            hears_us: view.hears_us,
            unacknowledged: view.unacknowledged,
            epoch: view.epoch,
            drill: Drill {
                last: view.drill_last.map(time),
                answered: view.drill_answered,
                after_ms: view.drill_after_ms,
            },
            frozen: view.frozen.map(|why| why.word().to_owned()),
        }
    }
}

impl Peer {
    fn add_rows(&self, table: &mut Table) {
        table.add_row(["peer".to_owned(), one_line(&format!("{}, {}", self.side, self.post))]);
        let silence = if self.link.state == "silent" { ", cause unknown" } else { "" };
        let hears = if self.hears_us { "hears us" } else { "does not hear us" };
        table.add_row(["  link".to_owned(), format!("{}{silence}; {hears}", self.link.words())]);
        table.add_row(["  desk".to_owned(), self.desk.words()]);
        table.add_row(["  phrase".to_owned(), self.verified_words().to_owned()]);
        table.add_row(["  unacknowledged".to_owned(), self.unacknowledged.to_string()]);
        table.add_row(["  drill".to_owned(), self.drill.words()]);
        if let Some(why) = &self.frozen {
            let next = if why == Frozen::Revoked.word() { "" } else { "; couloir doctor --settle this" };
            table.add_row(["  FROZEN".to_owned(), format!("{}{next}", one_line(why))]);
        }
    }

    fn verified_words(&self) -> &'static str {
        match (self.verified_here, self.verified_there) {
            (true, true) => "compared by both desks",
            (true, false) => "compared here; the other desk has not said so yet",
            (false, true) => "compared there; say so here: couloir verify",
            (false, false) => "not compared yet: couloir phrase",
        }
    }
}

impl Drill {
    fn words(&self) -> String {
        let Some(last) = &self.last else { return "not yet".to_owned() };
        let outcome = match (self.answered, self.after_ms) {
            (Some(true), Some(ms)) => format!("answered after {ms} ms"),
            (Some(true), None) => "answered".to_owned(),
            (Some(false), _) => "NOT answered".to_owned(),
            (None, _) => "waits for its answer".to_owned(),
        };
        format!("{}: {outcome}", local_of(last))
    }
}

impl Route {
    fn of(view: &RouteView, peers: &[PeerView]) -> Route {
        Route {
            peer: peers.iter().find(|peer| peer.link == view.link).map(|peer| peer.post.clone()),
            id: view.id.to_string(),
            url: view.spec.url.clone(),
            state: state_word(view.state).to_owned(),
            trouble: view.trouble.map(|trouble| trouble_words(trouble).to_owned()),
            last_out: view.last_out.map(time),
            last_in: view.last_in.map(time),
            delay_ms: view.delay_ms,
            losses: view.losses,
            searching: view.is_searching,
        }
    }

    fn words(&self) -> String {
        let url = self.url.split('#').next().unwrap_or_default();
        let trouble = self.trouble.as_deref().map(|why| format!(" ({why})")).unwrap_or_default();
        let heard = self.last_in.as_deref().map_or("never".to_owned(), local_of);
        let delay = self.delay_ms.map(|ms| format!(", {ms} ms")).unwrap_or_default();
        let searching = if self.searching { ", searching" } else { "" };
        let id = &self.id[..8];
        let peer = self.peer.as_deref().map(one_line).unwrap_or_default();
        format!(
            "[{id}] {peer} {} {}{trouble}; last in {heard}{delay}, {} of 128 lost{searching}",
            one_line(url),
            self.state,
            self.losses
        )
    }
}

impl FileProgress {
    /// For people.
    fn words(&self) -> String {
        let damaged = if self.damaged { ", damaged" } else { "" };
        let held = if self.held { ", paused" } else { "" };
        format!("[{}] {} of {} octets{damaged}{held}", &self.entry[..8], self.done, self.len)
    }
}

impl From<&FileView> for FileProgress {
    fn from(view: &FileView) -> FileProgress {
        FileProgress {
            entry: view.entry.to_string(),
            own: view.is_own,
            done: view.done,
            len: view.len,
            damaged: view.is_damaged,
            held: view.is_held,
        }
    }
}

fn desk((desk, since): (Desk, Option<WallTime>)) -> Since {
    let state = match desk {
        Desk::Unknown => "unknown",
        Desk::Here => "here",
        Desk::Away => "away",
    };
    Since { state: state.to_owned(), since: since.map(time) }
}

fn official(state: Official) -> &'static str {
    match state {
        Official::Unknown => "unknown",
        Official::Up => "up",
        Official::Down => "down",
    }
}

fn state_word(state: RouteState) -> &'static str {
    match state {
        RouteState::New => "new",
        RouteState::Working => "working",
        RouteState::OutOnly => "out-only",
        RouteState::Down => "down",
        RouteState::Paused => "paused",
        RouteState::Retired => "retired",
    }
}

/// Why a route does not work, in words.
pub fn trouble_words(trouble: RouteTrouble) -> &'static str {
    match trouble {
        RouteTrouble::Unreachable => "nothing answers in time",
        RouteTrouble::WrongCertificate => {
            "another certificate than the charter's pin: check the relay, or the pin"
        }
        RouteTrouble::Malformed => "it answers something that is no answer",
        RouteTrouble::Full => "no space left there: make space",
        RouteTrouble::Forbidden => {
            "we may not read or write there: check the rights, and whether it is mounted read-only"
        }
        RouteTrouble::Missing => "the folder is not there: mount it, or see routes.toml",
        RouteTrouble::Late => "this machine was too late",
    }
}

fn time(at: WallTime) -> String {
    rfc3339(at.0)
}

fn since_words(at: &str) -> String {
    format!(" since {}", local_of(at))
}

/// As many as a person looks at; the lists have the others.
const NEEDS_SHOWN: usize = 50;
/// Less than this, people need not know.
const CLOCK_WORTH_SAYING_MS: i64 = 2_000;
const STORE_TROUBLE: &str =
    "nothing new is kept or sent until it works again, and nothing is lost; look after the disk";
