//! Every bound of the relay, with its reason, and the arithmetic between them.

use couloir_wire::exchange::{CellSize, LANES_MAX, REQUEST_LEN_MAX, answer_len, request_len};

/// What a relay may use beside its index: 96 MiB.
pub const FIXED_MEMORY_OCTETS: usize = 96 << 20;
/// What the index may use for each cell held.
pub const INDEX_OCTETS_PER_CELL_MAX: usize = 48;

/// Connections at once unless the operator says otherwise: one for each node and route.
pub const CONNECTIONS_DEFAULT: usize = 1_024;
/// One address may hold this share of the connections; a proxy in front is on loopback and exempt.
pub const CONNECTIONS_PER_ADDRESS_SHARE: usize = 4;
/// What an idle TLS connection costs (measured): handshake state, record and header buffers, task.
pub const CONNECTION_OCTETS: usize = 24 << 10;
/// Largest request head: a real one has under 200 octets, proxies add some.
pub const REQUEST_HEAD_OCTETS_MAX: usize = 8 << 10;
/// A request up to this size needs nobody's leave: every connection may hold one. The usual one has
/// 2,180 octets, so that nobody who holds large ones can keep steady exchanges waiting.
pub const REQUEST_OCTETS_FREE: usize = 3 << 10;
/// Larger request bodies being read at once, in octets.
pub const REQUESTS_OCTETS: usize = 2 << 20;
/// An answer up to this size needs nobody's leave. The usual one has 4,115 octets.
pub const ANSWER_OCTETS_FREE: usize = 5 << 10;
/// Larger answers under way at once, in octets: seven of the largest, 120 of the usual search.
pub const ANSWERS_OCTETS: usize = 4 << 20;

/// A TLS handshake takes three flights; a client that needs longer may come again.
pub const HANDSHAKE_MS: u64 = 10_000;
/// From the end of one request to the head of the next: the longest window is 60 s.
pub const HEAD_MS: u64 = 90_000;
/// From a request's head to its answer's first octet, waiting for disk and memory included.
pub const EXCHANGE_MS: u64 = 10_000;
/// From the first time that a client does not take an answer to the answer's end.
pub const ANSWER_STALL_MS: u64 = 20_000;
/// How long a stopping relay waits for exchanges under way.
pub const STOP_MS: u64 = 5_000;
/// How often the store turns to its clock: rotation by age, expiry.
pub const TICK_MS: u64 = 30_000;

/// PUTs of one access key in a minute unless its line says otherwise: 100 links at 2 s, doubled.
pub const PUTS_PER_MINUTE_DEFAULT: u32 = 6_000;
/// Access keys in one file: a relay for thousands of channels is several relays.
pub const ACCESS_KEYS_MAX: usize = 4_096;

/// Disk that cells may take unless the operator says otherwise: 8 GiB, some 300 busy links.
pub const HELD_OCTETS_DEFAULT: u64 = 8 << 30;
/// The index's bound follows from the disk's: one cell for each so many octets.
pub const OCTETS_PER_CELL_HELD: u64 = CellSize::DEFAULT.octets() as u64;

/// Exchanges waiting for the disk.
pub const WRITE_QUEUE_EXCHANGES: usize = 1_024;
/// PUTs that share one sync: enough to make its cost small.
pub const BATCH_PUTS_MAX: usize = 256;
/// A log segment is closed at this length: large against a sync, small against a restart.
pub const SEGMENT_OCTETS: u64 = 32 << 20;
/// ... or at this age, so that what expired does not linger in the log.
pub const SEGMENT_AGE_MS: i64 = 15 * 60_000;
/// Closed segments waiting to be sorted; beyond, the open one grows.
pub const SEGMENTS_WAITING_MAX: usize = 4;
/// ... up to so many times its usual length; then PUTs are refused, the disk takes no more.
pub const SEGMENTS_GROWTH_MAX: u64 = 2;
/// Read and written at once while sorting.
pub const SORT_BUFFER_OCTETS: usize = 1 << 20;
/// What sorting remembers of each record of a segment.
pub const SORT_OCTETS_PER_RECORD: usize = 24 + 16;
/// Bucket files kept open for reading.
pub const BUCKETS_OPEN_MAX: usize = 128;
/// Files open beside connections: buckets, segments, the runtime's own.
pub const FILES_BESIDE_CONNECTIONS: usize = BUCKETS_OPEN_MAX + 64;
/// Parts of the index, each grown and locked by itself: growing costs 1/64 twice, not all.
pub const INDEX_SHARDS: usize = 64;

const BATCH_OCTETS: usize = BATCH_PUTS_MAX * (CellSize::LARGEST.octets() + 64);
const CONNECTIONS_OCTETS: usize =
    CONNECTIONS_DEFAULT * (CONNECTION_OCTETS + 2 * REQUEST_OCTETS_FREE + ANSWER_OCTETS_FREE);
const QUEUE_OCTETS: usize = REQUESTS_OCTETS;
const SEGMENT_RECORDS_MAX: usize =
    (SEGMENTS_GROWTH_MAX * SEGMENT_OCTETS) as usize / CellSize::SMALLEST.octets();
const SORT_OCTETS: usize = SORT_BUFFER_OCTETS + SEGMENT_RECORDS_MAX * SORT_OCTETS_PER_RECORD;
/// Code, runtime, allocator.
const BASE_OCTETS: usize = 8 << 20;

/// What the allocator keeps of memory given back, measured with 800 connections of the largest
/// exchanges: up to half as much again.
const ALLOCATOR_DIVISOR: usize = 2;

const USED_OCTETS: usize = BASE_OCTETS
    + CONNECTIONS_OCTETS
    + REQUESTS_OCTETS
    + ANSWERS_OCTETS
    + BATCH_OCTETS
    + QUEUE_OCTETS
    + SORT_OCTETS;
const _: () = assert!(USED_OCTETS + USED_OCTETS / ALLOCATOR_DIVISOR <= FIXED_MEMORY_OCTETS);
const _: () = assert!(REQUESTS_OCTETS >= 4 * REQUEST_LEN_MAX);
const _: () = assert!(REQUEST_OCTETS_FREE >= request_len(CellSize::DEFAULT, 1, 2));
const _: () = assert!(ANSWER_OCTETS_FREE >= answer_len(CellSize::DEFAULT, 1, 2));
const _: () = assert!(BATCH_PUTS_MAX >= LANES_MAX as usize && SEGMENT_OCTETS > BATCH_OCTETS as u64);
