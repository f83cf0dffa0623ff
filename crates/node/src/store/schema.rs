//! Tables, and how ids and states are written in them.

use couloir_engine::{LinkNumber, StateKey};
use couloir_wire::cell::Stream;
use couloir_wire::entry::{DeliveryState, Precedence};
use couloir_wire::id::{ConversationId, EntryId, RouteId};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};

/// Number of this layout, kept in `user_version`.
pub(super) const FORMAT: i64 = 3;

/// Entries lie in the order in which they came; how far each has come since lies beside them in rows
/// of a few octets, so that acknowledging many writes few pages. Ids of entries are kept as
/// [`id_key`]. What an entry is found by lies beside its encoding, and is what an expired one leaves behind.
/// A conversation counts its entries and those that no desk of ours was shown. A file's pieces lie in order
/// under numbers `file << 16 | piece`. So what is written often is appended, or lies close together.
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
  conversation INTEGER NOT NULL,
  author BLOB NOT NULL,
  cited INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  precedence INTEGER NOT NULL,
  kind TEXT NOT NULL,
  about BLOB,
  expires_ms INTEGER,
  encoded BLOB NOT NULL
);
CREATE TABLE conversation (
  number INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  entries INTEGER NOT NULL DEFAULT 0,
  unread INTEGER NOT NULL DEFAULT 0,
  newest INTEGER NOT NULL DEFAULT 0,
  members BLOB
);
CREATE INDEX entry_conversation ON entry (conversation, number);
CREATE INDEX entry_cited ON entry (conversation, cited);
CREATE INDEX entry_about ON entry (about) WHERE about IS NOT NULL;
CREATE INDEX entry_kind ON entry (kind, number) WHERE kind NOT IN ('note', 'file', 'withheld', 'deferred');
CREATE UNIQUE INDEX entry_number ON entry (number) WHERE number IS NOT NULL;
CREATE INDEX entry_waiting ON entry (row) WHERE number IS NULL;
CREATE INDEX entry_expires ON entry (expires_ms) WHERE expires_ms IS NOT NULL AND encoded != x'';
CREATE TABLE matter (
  id BLOB PRIMARY KEY,
  newest INTEGER NOT NULL,
  marks INTEGER NOT NULL,
  is_stale INTEGER NOT NULL,
  conversation INTEGER,
  kind TEXT,
  title TEXT,
  state TEXT,
  is_open INTEGER,
  is_ours INTEGER,
  waits INTEGER,
  due_ms INTEGER,
  detail TEXT
) WITHOUT ROWID;
CREATE INDEX matter_stale ON matter (is_stale) WHERE is_stale;
CREATE INDEX matter_kind ON matter (kind, newest);
CREATE INDEX matter_open ON matter (kind, due_ms) WHERE is_open;
CREATE INDEX matter_waits ON matter (due_ms) WHERE waits & 1;
CREATE TABLE opening (commitment BLOB PRIMARY KEY, octets BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE reached (
  row INTEGER NOT NULL,
  link INTEGER NOT NULL,
  state INTEGER NOT NULL,
  PRIMARY KEY (row, link)
) WITHOUT ROWID;
CREATE TABLE outbox (
  link INTEGER NOT NULL,
  stream INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  framed_len INTEGER NOT NULL,
  entry BLOB,
  file_len INTEGER,
  message BLOB,
  PRIMARY KEY (link, stream, offset)
) WITHOUT ROWID;
CREATE TABLE partial (
  link INTEGER NOT NULL,
  stream INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  octets BLOB NOT NULL,
  UNIQUE (link, stream, offset)
);
CREATE TABLE file (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, digest BLOB);
CREATE TABLE file_piece (key INTEGER PRIMARY KEY, octets BLOB NOT NULL);
CREATE VIRTUAL TABLE said USING fts5 (grams, content = '', columnsize = 0, detail = none, tokenize = 'ascii');
INSERT INTO said (said, rank) VALUES ('secure-delete', 1);
CREATE TABLE indexed (row INTEGER NOT NULL);
INSERT INTO indexed (row) VALUES (0);
CREATE TABLE unsaid (row INTEGER PRIMARY KEY);
";

/// How an entry's id is kept: its last octets, which are its author's time, first. What is said together
/// then lies together in the index, and a batch does not touch all of it.
pub(super) fn id_key(id: EntryId) -> [u8; 16] {
    id.time_first()
}

/// The id that is kept as `key`.
pub(super) fn id_of(key: [u8; 16]) -> EntryId {
    EntryId::from_time_first(key)
}

/// The text under which a link's small state is kept: its name, after the link's number if that is not the first.
pub(super) fn state_name(link: LinkNumber, key: StateKey) -> String {
    let name = name_of(key);
    if link == LinkNumber::FIRST || key.is_shared() { name } else { format!("{}{LINK_MARK}{name}", link.0) }
}

fn name_of(key: StateKey) -> String {
    match key {
        StateKey::Route(id) => format!("{ROUTE_PREFIX}{id}"),
        StateKey::Conversation(id) => format!("{CONVERSATION_PREFIX}{id}"),
        StateKey::Channel => "channel".to_owned(),
        StateKey::Link => "link".to_owned(),
        StateKey::SendCursors => "send-cursors".to_owned(),
        StateKey::RecvCursors => "recv-cursors".to_owned(),
        StateKey::Watch => "watch".to_owned(),
        StateKey::Talk => "talk".to_owned(),
        StateKey::Files => "files".to_owned(),
    }
}

/// The small state kept under `name`, and its link.
pub(super) fn state_key(name: &str) -> Option<(LinkNumber, StateKey)> {
    match name.split_once(LINK_MARK) {
        Some((link, name)) => Some((LinkNumber(link.parse().ok()?), key_of(name)?)),
        None => Some((LinkNumber::FIRST, key_of(name)?)),
    }
}

fn key_of(name: &str) -> Option<StateKey> {
    if let Some(id) = name.strip_prefix(ROUTE_PREFIX) {
        return id.parse::<RouteId>().ok().map(StateKey::Route);
    }
    if let Some(id) = name.strip_prefix(CONVERSATION_PREFIX) {
        return id.parse::<ConversationId>().ok().map(StateKey::Conversation);
    }
    NAMED_STATES.into_iter().find(|key| name_of(*key) == name)
}

const LINK_MARK: char = '/';
const ROUTE_PREFIX: &str = "route:";
const CONVERSATION_PREFIX: &str = "conversation:";
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
