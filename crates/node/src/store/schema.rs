//! Tables, and how ids and states are written in them.

use couloir_engine::StateKey;
use couloir_wire::cell::Stream;
use couloir_wire::entry::{DeliveryState, Precedence};
use couloir_wire::id::{ENTRY_ID_TIME_OCTETS, EntryId, RouteId};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};

/// Number of this layout, kept in `user_version`.
pub(super) const FORMAT: i64 = 2;

/// Entries lie in the order in which they came; how far each has come since lies beside them in rows
/// of a few octets, so that acknowledging many writes few pages. Ids of entries are kept as
/// [`id_key`]. A file's pieces lie in order under numbers `file << 16 | piece`. So what is written
/// often is appended, or lies close together.
pub(super) const TABLES: &str = "
CREATE TABLE state (key TEXT PRIMARY KEY, octets BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE secret (name TEXT PRIMARY KEY, octets BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE entry (
  row INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  number INTEGER,
  is_own INTEGER NOT NULL,
  state INTEGER NOT NULL,
  has_gap INTEGER NOT NULL,
  expires_ms INTEGER,
  encoded BLOB NOT NULL
);
CREATE UNIQUE INDEX entry_number ON entry (number) WHERE number IS NOT NULL;
CREATE INDEX entry_waiting ON entry (row) WHERE number IS NULL;
CREATE INDEX entry_expires ON entry (expires_ms) WHERE expires_ms IS NOT NULL AND encoded != x'';
CREATE TABLE reached (row INTEGER PRIMARY KEY, state INTEGER NOT NULL);
CREATE TABLE tombstone (
  id BLOB PRIMARY KEY,
  conversation BLOB NOT NULL,
  author BLOB NOT NULL,
  at_ms INTEGER NOT NULL,
  precedence INTEGER NOT NULL,
  kind TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE outbox (
  stream INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  framed_len INTEGER NOT NULL,
  entry BLOB,
  file_len INTEGER,
  message BLOB,
  PRIMARY KEY (stream, offset)
) WITHOUT ROWID;
CREATE TABLE partial (
  stream INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  octets BLOB NOT NULL,
  UNIQUE (stream, offset)
);
CREATE TABLE file (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, digest BLOB);
CREATE TABLE file_piece (key INTEGER PRIMARY KEY, octets BLOB NOT NULL);
";

/// How an entry's id is kept: its last octets, which are its author's time, first. What is said together
/// then lies together in the index, and a batch does not touch all of it.
pub(super) fn id_key(EntryId(octets): EntryId) -> [u8; 16] {
    let mut key = octets;
    key.rotate_right(ENTRY_ID_TIME_OCTETS);
    key
}

/// The id that is kept as `key`.
pub(super) fn id_of(key: [u8; 16]) -> EntryId {
    let mut octets = key;
    octets.rotate_left(ENTRY_ID_TIME_OCTETS);
    EntryId(octets)
}

/// The text under which a small state is kept.
pub(super) fn state_name(key: StateKey) -> String {
    match key {
        StateKey::Route(id) => format!("{ROUTE_PREFIX}{id}"),
        StateKey::Channel => "channel".to_owned(),
        StateKey::Link => "link".to_owned(),
        StateKey::SendCursors => "send-cursors".to_owned(),
        StateKey::RecvCursors => "recv-cursors".to_owned(),
        StateKey::Watch => "watch".to_owned(),
        StateKey::Talk => "talk".to_owned(),
        StateKey::Files => "files".to_owned(),
    }
}

/// The small state kept under `name`.
pub(super) fn state_key(name: &str) -> Option<StateKey> {
    if let Some(id) = name.strip_prefix(ROUTE_PREFIX) {
        return id.parse::<RouteId>().ok().map(StateKey::Route);
    }
    NAMED_STATES.into_iter().find(|key| state_name(*key) == name)
}

const ROUTE_PREFIX: &str = "route:";
const NAMED_STATES: [StateKey; 7] = [
    StateKey::Channel,
    StateKey::Link,
    StateKey::SendCursors,
    StateKey::RecvCursors,
    StateKey::Watch,
    StateKey::Talk,
    StateKey::Files,
];

/// A column that holds one of our values.
pub(super) struct Column<T>(pub(super) T);

impl FromSql for Column<DeliveryState> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        let state = usize::try_from(number).ok().and_then(|index| DeliveryState::ALL.get(index));
        state.copied().map(Column).ok_or(FromSqlError::OutOfRange(number))
    }
}

impl FromSql for Column<Precedence> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        let found = Precedence::ALL.into_iter().find(|each| precedence_number(*each) == number);
        found.map(Column).ok_or(FromSqlError::OutOfRange(number))
    }
}

impl FromSql for Column<Stream> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        let stream = u8::try_from(number).ok().and_then(Stream::from_number);
        stream.map(Column).ok_or(FromSqlError::OutOfRange(number))
    }
}

/// How a state is written: its place in the order.
pub(super) fn state_number(state: DeliveryState) -> i64 {
    state as i64
}

/// How a precedence is written: its place in the order, from 1.
pub(super) fn precedence_number(precedence: Precedence) -> i64 {
    precedence as i64 + 1
}
