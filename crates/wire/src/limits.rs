//! Every limit of the pure crates, with its reason. Sizes in octets unless the name says otherwise.

/// A note's text: ten dense pages. What is longer is a file.
pub const TEXT_OCTETS_MAX: usize = 64 * 1024;
/// An encoded entry: the longest text, eight parents and the fixed fields.
pub const ENTRY_OCTETS_MAX: usize = TEXT_OCTETS_MAX + 4 * 1024;
/// A statement or countersignature: two texts of a page or two, signatures and a certificate.
pub const SIGNED_OCTETS_MAX: usize = TEXT_OCTETS_MAX;
/// A quotation in a note: what one answers, not all of it.
pub const QUOTE_OCTETS_MAX: usize = 4 * 1024;
/// A remark, a reason, a description: two pages.
pub const REMARK_OCTETS_MAX: usize = 16 * 1024;
/// A public line in one language.
pub const LINE_OCTETS_MAX: usize = 8 * 1024;
/// A text that is shown in a swap.
pub const SWAPPED_OCTETS_MAX: usize = 48 * 1024;
/// A STIX bundle that travels with its entry; a longer one follows in the bulk stream.
pub const BUNDLE_OCTETS_MAX: usize = 48 * 1024;
/// Choices of a plan, languages of a text, clocks of a case: what fits on a page.
pub const ITEMS_MAX: usize = 8;
/// Persons of a case or a list; about what fits in an entry.
pub const PERSONS_MAX: u16 = 200;
/// Posts of a conversation.
pub const MEMBERS_MAX: usize = PEERS_MAX;
/// Numbers of entries stay where every program counts exactly.
pub const NUMBER_MAX: u64 = 1 << 53;
/// How far a reader may be behind in a conversation: numbers that jump further are a forgery.
pub const NUMBER_JUMP_MAX: u64 = 1 << 24;
/// Conversations of a channel: years of work at several a day.
pub const CONVERSATIONS_MAX: usize = 4_096;
/// Parents of an entry: more heads than posts in a channel cannot be open at once for long.
pub const PARENTS_MAX: usize = 8;
/// A file: what a week on three default routes carries is about 1.8 GB.
pub const FILE_OCTETS_MAX: u64 = 1 << 30;
/// Octets of a file in one message of the bulk stream; the granule of resuming.
pub const FILE_PIECE_OCTETS: usize = 32 * 1024;
/// The largest message of any stream: an entry, or a file's piece with its header.
pub const MESSAGE_OCTETS_MAX: usize = ENTRY_OCTETS_MAX + 1024;
/// Streams of a link: control, four precedences, bulk.
pub const STREAMS: usize = 6;
/// What a writer may have beyond the peer's delivered offset, per stream; what a reader must hold.
pub const STREAM_CREDIT: u64 = 1 << 20;
/// The same for bulk: a prompt route's bandwidth times delay, with room.
pub const BULK_CREDIT: u64 = 8 << 20;
/// Acknowledged ranges that a cell reports per stream.
pub const ACK_RANGES_MAX: usize = 32;
/// Separate ranges that a reader holds per stream; what would open one more is dropped unacknowledged.
pub const HELD_RANGES_MAX: usize = 512;
/// Routes of a charter in use at once: more unlike carriers than anybody runs.
pub const ROUTES_MAX: usize = 8;
/// Windows that a loss report covers.
pub const LOSS_WINDOWS: u64 = 128;
/// Windows reserved and armed ahead.
pub const ARMED_WINDOWS: u64 = 8;
/// A prompt route's cell: large, so that bulk is cheap; below QUIC's stream window.
pub const PROMPT_CELL_OCTETS_MAX: usize = 64 * 1024 - 1;
/// Lives of a node that one cell tells: more restarts than there are while the other is away, in half of the smallest cell.
pub const LINEAGE_MAX: usize = 24;
/// Windows for which a peer's status counts before the line is called silent.
pub const STATUS_WINDOWS: u64 = 30;
/// Windows for which an epoch stays readable after its successor was first read.
pub const EPOCH_LINGER_WINDOWS: u64 = 300;
/// How long a missing parent holds its child.
pub const PARENT_WAIT_MS: u64 = 60_000;
/// Entries held for missing parents; the oldest is shown with its gap when one more comes.
pub const HELD_ENTRIES_MAX: usize = 4_096;
/// How often the committer changes the keys.
pub const REKEY_MS: u64 = 3_600_000;
/// How often the line is tested.
pub const DRILL_MS: u64 = 3_600_000;
/// How long a drill waits for its answer, in windows.
pub const DRILL_WINDOWS: u64 = 64;
/// How long a search runs after a start or an absence.
pub const SEARCH_MS: u64 = 30 * 60_000;
/// A route out of reach for longer than this is searched when it is back.
pub const ABSENCE_MS: u64 = 10 * 60_000;
/// GETs of an exchange per lane: the previous window's slot and a spare one.
pub const GETS_PER_LANE: usize = 2;
/// GETs of an exchange per lane while a route is searched.
pub const SEARCH_GETS_PER_LANE: usize = 16;
/// Spare GETs of a searching exchange, per lane, that stay near the newest hit.
pub const SEARCH_NEAR_GETS: usize = 4;
/// Stretches of probed marks that a search remembers of each level: a level's hits come newest first, so few.
pub const SEARCH_STRETCHES_MAX: usize = 16;
/// Probes of a search that were never answered and are tried again: those of 16 exchanges.
pub const SEARCH_UNANSWERED_MAX: usize = 224;
/// Slots that a listing of a folder holds: what two directions of the shortest windows keep there.
pub const LISTED_MAX: usize = 1 << 18;
/// How far from the own time a peer's windows are looked for in a listing: clocks are up to a day wrong.
pub const LISTED_SPAN_MS: u64 = 25 * 3_600_000;
/// How far back a missed window is asked for again: what it carried has long been sent anew.
pub const MISSED_WINDOWS: u64 = 32;
/// Intervals of used windows kept per route: a year of daily repairs of clocks, in at most 5 kB.
pub const USED_INTERVALS_MAX: usize = 256;
/// Peers whose time is heard: a channel has at most about 20 nodes.
pub const PEERS_MAX: usize = 32;
/// A parts' rendezvous message: acceptance, key package, signatures.
pub const RENDEZVOUS_OCTETS_MAX: usize = 64 * 1024;
/// A statement's document: it travels inside one entry.
pub const STATEMENT_OCTETS_MAX: usize = TEXT_OCTETS_MAX;
/// Texts of a statement: the languages of both sides, and of whoever mediates.
pub const STATEMENT_TEXTS_MAX: usize = 8;
/// All texts of a statement together: what is left beside two signatures and a certificate by four officers.
pub const STATEMENT_TEXT_OCTETS_MAX: usize = 40 * 1024;
/// A countersignature as it travels: its act, two signatures, a certificate by sixteen officers.
pub const COUNTERSIGNATURE_OCTETS_MAX: usize = TEXT_OCTETS_MAX;
/// Why something was declined: a page.
pub const REASON_OCTETS_MAX: usize = 2 * 1024;
/// Tips of a record that one item names; with more, the rest stay tips until a later item names them.
pub const PREVIOUS_MAX: usize = 8;
/// Sides of a channel: two, or a few.
pub const SIDES_MAX: usize = 8;
/// Countersignatures by one post that count beneath one statement: each verdict, and one to spare.
pub const COUNTERSIGNATURES_OF_ONE_MAX: usize = 4;
/// Countersignatures that one exported statement carries: those of every post of a channel.
pub const COUNTERSIGNATURES_MAX: usize = COUNTERSIGNATURES_OF_ONE_MAX * MEMBERS_MAX;
/// Statements of one exported record.
pub const EXPORTED_STATEMENTS_MAX: usize = 1 << 17;
/// Certificates, and revocations, of one exported record: every node that ever spoke for a post.
pub const EXPORTED_PAPERS_MAX: usize = 1_024;
/// An exported record: 10,000 agreed statements take about 77 MB.
pub const EXPORT_OCTETS_MAX: usize = 1 << 30;

const _: () = assert!(MESSAGE_OCTETS_MAX as u64 <= STREAM_CREDIT / 4);
const _: () = assert!(FILE_PIECE_OCTETS + 64 <= MESSAGE_OCTETS_MAX);
const _: () = assert!(SEARCH_MS > ABSENCE_MS);
const _: () = assert!(SEARCH_NEAR_GETS < SEARCH_GETS_PER_LANE - GETS_PER_LANE);
const _: () = assert!(MISSED_WINDOWS < LOSS_WINDOWS);
