//! What an engine wants done. One ordered stream; it borrows the engine until it is drained.

use couloir_wire::exchange::Put;
use couloir_wire::id::{EntryId, RouteId, Slot};
use couloir_wire::time::{Moment, WallTime, Window, WindowLength};

use crate::store::{Fetch, LinkNumber, Write};

/// Something to do.
pub enum Output {
    /// Make all of this durable, at once or not at all, then call [`crate::Engine::persisted`]. Nothing
    /// else may be handed to the engine before; if it cannot be made durable, drop the engine and
    /// recover from the store.
    Persist(Vec<Write>),
    /// Let this exchange leave at its instant; it replaces what was armed for the same route and
    /// window, unless that has left already.
    Arm(Armed),
    /// Forget all that is armed for this route.
    Disarm(RouteId),
    /// Send one frame over a prompt route.
    DirectSend {
        /// The route.
        route: RouteId,
        /// The frame.
        frame: Vec<u8>,
    },
    /// Read this of a link from the store and hand it back.
    Fetch(LinkNumber, Fetch),
    /// What was to be said is durable.
    Said {
        /// As given.
        token: u64,
        /// Its id.
        id: EntryId,
    },
    /// What was to be said, or adopted, is refused; nothing of it was kept.
    Refused {
        /// As given; 0 for what has no token.
        token: u64,
        /// Why.
        refusal: Refusal,
    },
    /// These entries are new in the log.
    Appeared(Vec<EntryId>),
    /// These entries of ours reached a further state.
    Advanced(Vec<EntryId>),
    /// The desk must read this.
    Notice(Notice),
    /// Stop the node: going on would do harm.
    Halt(Notice),
}

/// One exchange of a steady route, sealed and waiting for its instant.
#[derive(Clone, PartialEq, Eq)]
pub struct Armed {
    /// The route.
    pub route: RouteId,
    /// The window in which it leaves, by the route's time.
    pub window: Window,
    /// Which of those armed for this window; larger is later.
    pub serial: u64,
    /// When it leaves.
    pub leaves: Moment,
    /// Length of the route's windows.
    pub length: WindowLength,
    /// What is written, one per lane.
    pub puts: Vec<Put>,
    /// What is read.
    pub gets: Vec<Get>,
    /// Whether the carrier, a folder, is to tell all the slots that it holds.
    pub lists: bool,
}

/// One slot to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Get {
    /// The slot.
    pub slot: Slot,
    /// The window in which it was or would have been written; folders keep by expiry.
    pub window: Window,
}

/// Why something was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// There is no channel with a peer yet.
    NoChannel,
    /// The phrase has not been compared by both desks.
    NotVerified,
    /// The link is frozen.
    Frozen,
    /// The text, name or size is not acceptable; in words.
    Unacceptable(String),
    /// The charter does not allow it; in words.
    Charter(String),
    /// The post passed to another node.
    Replaced,
    /// There is no such entry.
    NoSuchEntry,
    /// There is no such conversation.
    NoSuchConversation,
    /// There are as many conversations as a channel may have.
    TooMany,
}

/// What a desk must read. `words` of the shell put it into a language.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Notice {
    /// What a node with several links tells of one of them.
    Of {
        /// Side and title of the post at its other end.
        peer: String,
        /// What.
        what: Box<Notice>,
    },
    /// First contact is complete: compare the phrase.
    Joined,
    /// A second, different answer came to our invitation; it is void.
    InvitationVoid,
    /// A further link of the channel began, with a post of which another node told: compare its phrase.
    Introduced {
        /// The post's side.
        side: String,
        /// The post's title.
        title: String,
    },
    /// The peer's machine lost its state, and the link was made anew.
    Restarted,
    /// Our own state was found older than what the peer had from us; the link is being made anew.
    RolledBack,
    /// Two nodes claim the peer's post: the link is frozen until a person settles it here.
    TwoNodes,
    /// The peer has frozen the link: it sees two nodes that claim our post.
    FrozenThere,
    /// The peer contradicted itself, which only a fault or a forger does: the link is frozen.
    Contradiction,
    /// Another machine writes with this node's identity.
    SecondSelf,
    /// The store lacks something that was said and not acknowledged.
    StoreDamaged,
    /// The clock of this machine is wrong by so many milliseconds, as relays and peer tell it.
    ClockWrong {
        /// Own clock minus agreed time.
        by_ms: i64,
    },
    /// This node's time and the peer's are so many milliseconds apart, and nobody else tells which is right.
    ClocksDiffer {
        /// Own time minus the peer's.
        by_ms: i64,
    },
    /// A route refuses: another cell is in our slot.
    SlotTaken(RouteId),
    /// Posture changed to active, since when.
    Active(WallTime),
    /// Posture changed to standby, since when.
    Standby(WallTime),
    /// A drill was answered after so many milliseconds.
    DrillAnswered {
        /// From the test text to its answer.
        after_ms: u64,
    },
    /// A drill had no answer in its time.
    DrillMissed,
    /// The peer's paper was refused; in words.
    PaperRefused(String),
    /// A charter amendment waits for our officers' signature; its hash.
    AmendmentWaits(couloir_wire::id::Digest),
    /// It was taken back, or another one goes before it.
    AmendmentWithdrawn(couloir_wire::id::Digest),
    /// A new charter version is in force.
    Amended(u32),
    /// A node was revoked.
    Revoked(couloir_wire::id::NodeId),
    /// Our officers certified another node for our post: this one ends.
    Replaced(couloir_wire::id::NodeId),
    /// A side's officers certified another holder or node of its post.
    Succession {
        /// The post's title.
        title: String,
        /// Who holds it.
        holder: Option<String>,
        /// Since when, in milliseconds since 1970.
        since_ms: i64,
        /// The post's node from now on.
        node: couloir_wire::id::NodeId,
    },
    /// A received file is whole and its hash is right.
    FileWhole(EntryId),
    /// A received file's hash is wrong.
    FileDamaged(EntryId),
}

impl Notice {
    /// What is told, of whichever link.
    pub fn what(&self) -> &Notice {
        match self {
            Notice::Of { what, .. } => what,
            _ => self,
        }
    }

    /// Whether it is about one link, so that it must be said which if there are several.
    pub fn is_of_link(&self) -> bool {
        matches!(
            self,
            Notice::Joined
                | Notice::Restarted
                | Notice::RolledBack
                | Notice::TwoNodes
                | Notice::FrozenThere
                | Notice::Contradiction
                | Notice::ClocksDiffer { .. }
                | Notice::DrillAnswered { .. }
                | Notice::DrillMissed
                | Notice::PaperRefused(_)
        )
    }
}
