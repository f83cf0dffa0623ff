//! What may happen to an engine. One enum; every shell, real or simulated, speaks it.

use couloir_wire::cell::{Desk, Official};
use couloir_wire::entry::{Body, Marking, Precedence};
use couloir_wire::exchange::PutOutcome;
use couloir_wire::id::{ConversationId, Digest, EntryId, PostId, RouteId, Slot};
use couloir_wire::time::{Moment, WallTime, Window};

use crate::channel::ChannelState;
use crate::store::{Fetched, LinkNumber};

/// The two clocks of the machine at the time of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Never goes back.
    pub moment: Moment,
    /// The machine's own idea of the time; may be wrong by days, and may jump.
    pub wall: WallTime,
}

/// Something that happened.
pub enum Input {
    /// Begin to serve: windows, drills and key changes start. Without it an engine only keeps.
    Serve,
    /// Somebody says something.
    Say(Box<Say>),
    /// Our own page or log displayed these entries of a peer.
    Shown {
        /// The post that said them.
        author: PostId,
        /// Which ones.
        entries: Vec<EntryId>,
    },
    /// No more of our files leaves until this is said again with `false`: everything else goes on.
    HoldFiles(bool),
    /// The officer came to the desk or left it.
    SetDesk(Desk),
    /// The officer said that this link's phrase is the same.
    ConfirmPhrase(LinkNumber),
    /// Test every link now.
    Drill,
    /// A probe or a person said how the official line is.
    SetOfficial {
        /// How it is.
        state: Official,
        /// Said by whom or what, in words; at most 200 characters are kept.
        why: String,
    },
    /// A charter amendment or a revocation, signed by our officers, as `wire::papers` encodes it.
    Adopt(Vec<u8>),
    /// Take back, or decline, the charter version that waits for a signature.
    Withdraw(couloir_wire::id::Digest),
    /// A person settled a frozen link: this node is the one that holds the post.
    Thaw(LinkNumber),
    /// Begin a further link, by an introduction that a person of this side carries to the other end.
    Link(Box<ChannelState>),
    /// Introduce two posts to each other with both of which this node has a link.
    Introduce {
        /// One.
        one: PostId,
        /// The other.
        other: PostId,
    },
    /// An armed exchange of a steady route left, or should have; exactly one of these per armed window.
    Exchanged(Exchanged),
    /// A prompt route's connection stands.
    DirectUp(RouteId),
    /// A prompt route's connection fell, or could not be made.
    DirectDown(RouteId),
    /// A prompt route's connection took frames that were to be sent: there is room for as many more.
    DirectTook {
        /// The route.
        route: RouteId,
        /// How many.
        frames: usize,
    },
    /// One frame came over a prompt route.
    DirectArrived {
        /// The route.
        route: RouteId,
        /// The frame, at most [`couloir_wire::limits::PROMPT_CELL_OCTETS_MAX`] octets and its header.
        frame: Vec<u8>,
    },
    /// The answer to an [`crate::Output::Fetch`].
    Fetched(LinkNumber, Fetched),
    /// Fresh entropy from the machine.
    Reseed([u8; 32]),
}

/// Something to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Say {
    /// Comes back in the answer.
    pub token: u64,
    /// The id that a file's octets were stored under; drawn if there is none.
    pub id: Option<EntryId>,
    /// Where; the channel's first conversation if there is none. What opens one says where by itself.
    pub conversation: Option<ConversationId>,
    /// How it may be passed on, where not as the conversation says.
    pub marking: Option<Marking>,
    /// How urgent.
    pub precedence: Precedence,
    /// What.
    pub body: Body,
    /// Both sides forget it so long after it was said, in milliseconds.
    pub expires_after_ms: Option<u64>,
    /// Keep it, if the phrase has not been compared yet, until it has.
    pub when_verified: bool,
}

impl Say {
    /// Says `body` in the channel's first conversation, as routine and for good.
    pub fn plain(token: u64, body: Body) -> Say {
        Say {
            token,
            id: None,
            conversation: None,
            marking: None,
            precedence: Precedence::Routine,
            body,
            expires_after_ms: None,
            when_verified: false,
        }
    }
}

/// What became of one armed exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchanged {
    /// The route.
    pub route: RouteId,
    /// The window.
    pub window: Window,
    /// Which of the exchanges armed for this window left.
    pub serial: u64,
    /// When the request left.
    pub left: Moment,
    /// When the answer was complete.
    pub back: Moment,
    /// The answer.
    pub result: Result<RouteAnswer, RouteTrouble>,
}

/// A steady route's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteAnswer {
    /// The carrier's time, where it has one.
    pub time: Option<WallTime>,
    /// Outcomes in the order of the armed PUTs.
    pub puts: Vec<PutOutcome>,
    /// Cells in the order of the armed GETs; `None` where the slot is empty.
    pub gets: Vec<Option<Vec<u8>>>,
    /// The slots that a folder holds, if they were asked for; at most [`couloir_wire::limits::LISTED_MAX`].
    pub listed: Vec<Slot>,
}

/// Why an exchange had no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RouteTrouble {
    /// Nothing answered in time.
    Unreachable,
    /// The other end is not who the charter says: another certificate.
    WrongCertificate,
    /// It answered something that is no answer.
    Malformed,
    /// There is no space left there.
    Full,
    /// We may not write or read there.
    Forbidden,
    /// The folder is not there.
    Missing,
    /// This machine was too late: the window had passed.
    Late,
}

/// SHA-256 of a received file's octets, computed by the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileDigest {
    /// The file's entry.
    pub file: EntryId,
    /// SHA-256 over all its octets in order.
    pub digest: Digest,
}
