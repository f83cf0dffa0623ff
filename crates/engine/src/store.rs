//! What an engine makes durable, and what it reads back: the whole contract with a store.
//!
//! A store keeps small named states, entries, the outbox, partial messages and pieces of files.
//! One batch is one transaction. `couloir` keeps them in SQLCipher, `couloir-sim` in maps.

use std::collections::BTreeMap;

use couloir_wire::cell::Stream;
use couloir_wire::entry::DeliveryState;
use couloir_wire::id::{ConversationId, EntryId, PostId, RouteId};

use crate::input::FileDigest;
use crate::known::Known;

/// Which of a node's links: counted as they began, and never used again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkNumber(pub u16);

impl LinkNumber {
    /// The link with which the channel began, or by which the node joined it.
    pub const FIRST: LinkNumber = LinkNumber(0);
}

/// Names of the small states: one of each per link, but for the talk and its conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StateKey {
    /// Charter, papers, invitation, rendezvous secret.
    Channel,
    /// Epochs and key agreement.
    Link,
    /// Cursors of the streams written.
    SendCursors,
    /// Cursors of the streams read.
    RecvCursors,
    /// Desk, posture, drills, phrase.
    Watch,
    /// The log's next number.
    Talk,
    /// Heads of one conversation.
    Conversation(ConversationId),
    /// Files on their way in or out.
    Files,
    /// Used windows and health of one route.
    Route(RouteId),
}

impl StateKey {
    /// Whether it is of the node, and not of one link.
    pub fn is_shared(self) -> bool {
        matches!(self, StateKey::Talk | StateKey::Conversation(_))
    }
}

/// One change. A batch of them is atomic. States, outbox, partial messages and how far an entry came are a
/// link's: of the first one, until [`Write::OfLink`] names another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// What follows is of this link.
    OfLink(LinkNumber),
    /// Replace a small state; `None` removes it.
    State(StateKey, Option<Vec<u8>>),
    /// A new entry.
    Entry(StoredEntry),
    /// An entry's state on a link moved forward; the entry's own is the least of its links'.
    EntryState(EntryId, DeliveryState),
    /// A held entry is now in the log.
    EntryAppears {
        /// The entry.
        id: EntryId,
        /// Its permanent number in the log.
        number: u64,
        /// Whether something before it is missing.
        has_gap: bool,
    },
    /// An entry expired: its text and octets go, a tombstone with id and number stays.
    EntryExpires(EntryId),
    /// A message of a stream we write. Rows of one stream have ascending offsets.
    Outbox(OutboxRow),
    /// Every outbox row of this stream that ends at or below the offset is acknowledged.
    OutboxDelivered {
        /// The stream.
        stream: Stream,
        /// Offset in octets.
        below: u64,
    },
    /// A new incarnation: offsets of what is left in this stream become smaller by this much.
    OutboxShift {
        /// The stream.
        stream: Stream,
        /// Octets to subtract.
        by: u64,
    },
    /// A new incarnation: the stream's rows go.
    OutboxClear(Stream),
    /// Octets of an incomplete message that we read.
    Partial {
        /// The stream.
        stream: Stream,
        /// Offset of the first octet.
        offset: u64,
        /// The octets.
        octets: Vec<u8>,
    },
    /// The partial octets that start here are no longer needed.
    PartialGone {
        /// The stream.
        stream: Stream,
        /// Offset of the first octet.
        offset: u64,
    },
    /// A new incarnation: no partial octets are needed.
    PartialsClear,
    /// Octets of a file that the peer sends.
    FilePiece {
        /// The file's entry.
        file: EntryId,
        /// Offset of the first octet in the file; a multiple of [`couloir_wire::limits::FILE_PIECE_OCTETS`].
        offset: u64,
        /// The octets.
        octets: Vec<u8>,
    },
}

/// An entry as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its id, as in `encoded`.
    pub id: EntryId,
    /// [`couloir_wire::entry::Entry::encode`]; empty once expired.
    pub encoded: Vec<u8>,
    /// Whether this node said it.
    pub is_own: bool,
    /// How far it has come.
    pub state: DeliveryState,
    /// Its number in the log; `None` while it waits for what came before it, or for the phrase.
    pub number: Option<u64>,
    /// Whether something before it is missing.
    pub has_gap: bool,
}

/// One message of a stream we write, or a file's run of messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// The stream.
    pub stream: Stream,
    /// Offset of its first octet in the stream.
    pub offset: u64,
    /// Octets with framing.
    pub framed_len: u64,
    /// What it is.
    pub what: OutboxItem,
}

/// What an outbox row carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutboxItem {
    /// An entry, from the entries kept.
    Entry(EntryId),
    /// A message kept here.
    Message(Vec<u8>),
    /// A file's head and pieces; see [`crate::bulk`].
    File {
        /// The file's entry; its octets are stored under this id.
        file: EntryId,
        /// Octets of the file.
        len: u64,
    },
}

/// What the engine wants read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetch {
    /// Whole messages of a stream we write, from `offset` (the start of a message) on, at least
    /// one and at most about `len_max` octets with framing. See [`crate::bulk::frame_outbox`].
    Outbox {
        /// The stream.
        stream: Stream,
        /// Offset of a message's start.
        offset: u64,
        /// About how many octets.
        len_max: u64,
    },
    /// The ids of the entries in the log that have not expired, oldest first, by these authors in these
    /// conversations.
    Inventory {
        /// The two ends of the link.
        authors: [PostId; 2],
        /// Those that both ends are members of.
        conversations: Vec<ConversationId>,
    },
    /// The encodings of these entries.
    Entries(Vec<EntryId>),
    /// The SHA-256 of a file's octets as they are kept, own or received; of nothing if none are.
    FileDigest(EntryId),
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// Answer to [`Fetch::Outbox`].
    Outbox {
        /// As asked.
        stream: Stream,
        /// As asked.
        offset: u64,
        /// Framed messages back to back.
        framed: Vec<u8>,
        /// Stream offsets at which the messages start.
        starts: Vec<u64>,
    },
    /// Answer to [`Fetch::Inventory`]; its ids.
    Inventory(Vec<EntryId>),
    /// Answer to [`Fetch::Entries`]; those that are gone are left out.
    Entries(Vec<Vec<u8>>),
    /// Answer to [`Fetch::FileDigest`].
    FileDigest(FileDigest),
}

/// What a store gives an engine that starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Every link; a node has the first one from the beginning.
    pub links: BTreeMap<LinkNumber, LinkSnapshot>,
    /// The states of the talk and its conversations.
    pub states: BTreeMap<StateKey, Vec<u8>>,
    /// The ids of all entries ever kept, tombstones included.
    pub known: Known,
    /// Entries without a number: held for what came before them, or for the phrase.
    pub unnumbered: Vec<StoredEntry>,
    /// Expiry, in milliseconds since 1970, of every entry that has one and has not expired.
    pub expiring: Vec<(i64, EntryId)>,
    /// Own entries whose state is below `delivered`, with their state.
    pub undelivered: Vec<(EntryId, DeliveryState)>,
}

/// What a store gives of one link.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkSnapshot {
    /// Every small state of it.
    pub states: BTreeMap<StateKey, Vec<u8>>,
    /// Every outbox row, by stream and offset. Messages in them are left empty: they are fetched.
    pub outbox: Vec<OutboxRow>,
    /// Every partial message.
    pub partials: Vec<(Stream, u64, Vec<u8>)>,
}
