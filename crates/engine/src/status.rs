//! What a desk reads at a glance: `couloir status` shows exactly this.

use couloir_wire::cell::{Desk, Official};
use couloir_wire::id::{NodeId, PostId, RouteId};
use couloir_wire::route::RouteSpec;
use couloir_wire::time::WallTime;

use crate::input::RouteTrouble;
use crate::link::Frozen;
use crate::store::LinkNumber;

/// The node at a glance. Times are node time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusView {
    /// Node time at which this was true.
    pub at: WallTime,
    /// Standby or active.
    pub posture: PostureView,
    /// Our own desk, and since when.
    pub desk: (Desk, Option<WallTime>),
    /// Own clock minus node time, in milliseconds.
    pub clock_off_ms: i64,
    /// The peers; empty before first contact.
    pub peers: Vec<PeerView>,
    /// The charter's routes.
    pub routes: Vec<RouteView>,
    /// Files on their way.
    pub files: Vec<FileView>,
}

impl StatusView {
    /// A further link of the same node, beside what is here: the official line is down if it is for anybody.
    pub fn add(&mut self, further: StatusView) {
        if further.posture.is_active && !self.posture.is_active {
            self.posture = further.posture;
        }
        self.peers.extend(further.peers);
        self.routes.extend(further.routes);
        self.files.extend(further.files);
    }
}

/// Whether the official line works, for either side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PostureView {
    /// True when it is down for either side.
    pub is_active: bool,
    /// Since when posture is as it is.
    pub since: Option<WallTime>,
    /// The official line as we see it.
    pub own: Official,
    /// Said by whom or what.
    pub own_why: String,
    /// The official line as the peer sees it.
    pub peer: Official,
}

/// A peer at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerView {
    /// The link with it.
    pub link: LinkNumber,
    /// Its post.
    pub id: PostId,
    /// Its node.
    pub node: NodeId,
    /// Its side's name.
    pub side: String,
    /// Its post's title.
    pub post: String,
    /// The person in it, by the certificate.
    pub holder: Option<String>,
    /// In office since, by the certificate.
    pub in_office_since: WallTime,
    /// Alive: a cell of its was opened within its status's life. Else silent, cause unknown.
    pub is_alive: bool,
    /// Since when it is so; `None` if it was never heard.
    pub since: Option<WallTime>,
    /// When the last cell was opened.
    pub last_heard: Option<WallTime>,
    /// Its desk and since when; unknown when silent.
    pub desk: (Desk, Option<WallTime>),
    /// Whether the peer's cells say that it opens ours.
    pub hears_us: bool,
    /// Whether this desk and the other said that the phrase is the same.
    pub verified: (bool, bool),
    /// Why the link is frozen, if it is.
    pub frozen: Option<Frozen>,
    /// Own entries that the peer has not acknowledged.
    pub unacknowledged: u64,
    /// The epoch that we write.
    pub epoch: u64,
    /// When we last tested the line.
    pub drill_last: Option<WallTime>,
    /// Whether that test was answered; `None` while it waits.
    pub drill_answered: Option<bool>,
    /// How long the last answered test took, in milliseconds.
    pub drill_after_ms: Option<u64>,
}

/// Where a route stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RouteState {
    /// Not tried yet.
    New,
    /// Cells leave and come.
    Working,
    /// Cells leave, none come.
    OutOnly,
    /// Nothing answers.
    Down,
    /// Another cell is in our slot: paused.
    Paused,
    /// The charter retired it.
    Retired,
}

/// A route at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteView {
    /// The link that it carries.
    pub link: LinkNumber,
    /// As the charter has it.
    pub spec: RouteSpec,
    /// Where it stands.
    pub state: RouteState,
    /// Why it is down, if it is.
    pub trouble: Option<RouteTrouble>,
    /// When a cell of ours last left on it.
    pub last_out: Option<WallTime>,
    /// When a cell of the peer's was last opened from it.
    pub last_in: Option<WallTime>,
    /// From sealing to opening of the newest cell, in milliseconds, by the two nodes' times.
    pub delay_ms: Option<u64>,
    /// Of the last 128 of our windows that the peer has told of, how many it missed.
    pub losses: u32,
    /// Whether an absence is being made up for.
    pub is_searching: bool,
    /// Its id again, for look-ups.
    pub id: RouteId,
}

/// A file at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileView {
    /// Its entry.
    pub entry: couloir_wire::id::EntryId,
    /// Whether we send it.
    pub is_own: bool,
    /// Octets acknowledged, or received.
    pub done: u64,
    /// Octets in all.
    pub len: u64,
    /// All of it came, and its hash is not what its author said.
    pub is_damaged: bool,
    /// It waits until a person lets it go on.
    pub is_held: bool,
}
