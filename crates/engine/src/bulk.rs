//! Files in the bulk stream: a head, then pieces of [`FILE_PIECE_OCTETS`] in order (PROTOCOL §7.3).
//!
//! Message lengths follow from the file's length alone, so a store can make any of them when it is
//! asked, and nothing of a file's body is kept twice.

use couloir_wire::cell::{put_varint, varint_len};
use couloir_wire::id::{Digest, EntryId};
use couloir_wire::limits::{FILE_OCTETS_MAX, FILE_PIECE_OCTETS};

use crate::store::{OutboxItem, OutboxRow};

/// A message of the bulk stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkMessage {
    /// Which file follows.
    Head {
        /// The file's entry.
        file: EntryId,
        /// Its octets.
        len: u64,
        /// SHA-256 of them.
        digest: Digest,
    },
    /// Octets of the file of the last head, from `offset` on.
    Piece {
        /// The file's entry.
        file: EntryId,
        /// Offset in the file.
        offset: u64,
        /// The octets.
        octets: Vec<u8>,
    },
}

impl BulkMessage {
    /// Decodes a message; `None` if it is not one.
    pub fn decode(octets: &[u8]) -> Option<BulkMessage> {
        let (kind, rest) = octets.split_first()?;
        let (file, rest) = rest.split_first_chunk::<16>()?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let (file, number) = (EntryId(*file), u64::from_be_bytes(*number));
        match kind {
            0 => Some(BulkMessage::Head { file, len: number, digest: Digest(rest.try_into().ok()?) }),
            1 if rest.len() <= FILE_PIECE_OCTETS && number.is_multiple_of(FILE_PIECE_OCTETS as u64) => {
                Some(BulkMessage::Piece { file, offset: number, octets: rest.to_vec() })
            }
            _ => None,
        }
    }
}

fn framed(kind: u8, file: EntryId, number: u64, rest: &[u8]) -> Vec<u8> {
    let len = HEADER_OCTETS + rest.len();
    let mut out = Vec::with_capacity(len + 3);
    put_varint(&mut out, len as u64);
    out.push(kind);
    out.extend(file.0);
    out.extend(number.to_be_bytes());
    out.extend(rest);
    out
}

/// Octets that a file of `len` octets takes in the bulk stream, framing included.
pub fn framed_len(len: u64) -> u64 {
    let pieces = len / PIECE;
    let last = len % PIECE;
    let last_framed = if last > 0 { framed_piece_len(last) } else { 0 };
    HEAD_FRAMED + pieces * framed_piece_len(PIECE) + last_framed
}

fn framed_piece_len(octets: u64) -> u64 {
    let len = HEADER_OCTETS as u64 + octets;
    len + varint_len(len) as u64
}

/// What a store must be able to read to answer [`crate::store::Fetch::Outbox`].
pub trait OutboxSource {
    /// Why reading failed.
    type Error;
    /// The encoding of an entry; `None` if it is gone.
    fn entry(&mut self, id: EntryId) -> Result<Option<Vec<u8>>, Self::Error>;
    /// The message kept in the outbox row at `offset`.
    fn message(&mut self, row: &OutboxRow) -> Result<Vec<u8>, Self::Error>;
    /// At most `len` octets of a file from `offset` on, own or received.
    fn file(&mut self, file: EntryId, offset: u64, len: usize) -> Result<Vec<u8>, Self::Error>;
    /// SHA-256 of a file, as its entry says.
    fn file_digest(&mut self, file: EntryId) -> Result<Digest, Self::Error>;
}

/// Messages with their framing, and the stream offsets at which they start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Framed {
    /// Back to back.
    pub octets: Vec<u8>,
    /// Ascending.
    pub starts: Vec<u64>,
}

/// Makes the messages of `rows` from `offset` (a message's start) on: at least one, and no more
/// once `len_max` octets are reached. `rows` are consecutive rows of one stream; the first holds `offset`.
pub fn frame_outbox<S: OutboxSource>(
    rows: &[OutboxRow],
    offset: u64,
    len_max: u64,
    source: &mut S,
) -> Result<Framed, S::Error> {
    let mut out = Framed::default();
    for row in rows {
        let is_full = |out: &Framed| !out.octets.is_empty() && out.octets.len() as u64 >= len_max;
        if is_full(&out) {
            break;
        }
        match &row.what {
            OutboxItem::File { file, len } => {
                let mut at = row.offset;
                for index in 0..=len.div_ceil(PIECE) {
                    let message_len = file_message_len(*len, index);
                    if at >= offset && !is_full(&out) {
                        let message = file_message(*file, *len, index, source)?;
                        out.starts.push(at);
                        out.octets.extend(message);
                    }
                    at += message_len;
                }
            }
            OutboxItem::Entry(id) => push_message(&mut out, row, &source.entry(*id)?.unwrap_or_default()),
            OutboxItem::Message(_) => push_message(&mut out, row, &source.message(row)?),
        }
    }
    Ok(out)
}

/// Frames one message of a row. What expired meanwhile goes as zeros: its length is already part
/// of the stream, and the reader drops what is no entry.
fn push_message(out: &mut Framed, row: &OutboxRow, message: &[u8]) {
    let before = out.octets.len();
    out.starts.push(row.offset);
    put_varint(&mut out.octets, message.len() as u64);
    out.octets.extend(message);
    if (out.octets.len() - before) as u64 != row.framed_len {
        out.octets.truncate(before);
        out.octets.extend(blank(row.framed_len));
    }
}

/// A message of zeros that takes `framed_len` octets with its framing.
fn blank(framed_len: u64) -> Vec<u8> {
    let body = (1..=10).map(|prefix| framed_len.saturating_sub(prefix));
    let len = body.into_iter().find(|len| len + varint_len(*len) as u64 == framed_len).unwrap_or(1);
    let mut out = Vec::new();
    put_varint(&mut out, len);
    out.resize(framed_len as usize, 0);
    out
}

/// Octets, framing included, of message `index` of a file of `len` octets: the head is 0.
fn file_message_len(len: u64, index: u64) -> u64 {
    match index.checked_sub(1) {
        None => HEAD_FRAMED,
        Some(piece) => framed_piece_len((len - piece * PIECE).min(PIECE)),
    }
}

fn file_message<S: OutboxSource>(
    file: EntryId,
    len: u64,
    index: u64,
    source: &mut S,
) -> Result<Vec<u8>, S::Error> {
    let Some(piece) = index.checked_sub(1) else {
        return Ok(framed(0, file, len, &source.file_digest(file)?.0));
    };
    let offset = piece * PIECE;
    let wanted = (len - offset).min(PIECE) as usize;
    let mut octets = source.file(file, offset, wanted)?;
    octets.resize(wanted, 0);
    Ok(framed(1, file, offset, &octets))
}

const HEADER_OCTETS: usize = 1 + 16 + 8;
const PIECE: u64 = FILE_PIECE_OCTETS as u64;
/// A head is 57 octets and one of framing.
const HEAD_FRAMED: u64 = HEADER_OCTETS as u64 + 32 + 1;
const _: () = assert!(FILE_OCTETS_MAX < u64::MAX / 2);

#[cfg(test)]
mod tests {
    use super::*;
    use couloir_wire::cell::{Stream, take_varint};

    struct Source;

    impl OutboxSource for Source {
        type Error = ();
        fn entry(&mut self, _: EntryId) -> Result<Option<Vec<u8>>, ()> {
            Ok(None)
        }
        fn message(&mut self, _: &OutboxRow) -> Result<Vec<u8>, ()> {
            Ok(vec![9; 300])
        }
        fn file(&mut self, _: EntryId, offset: u64, len: usize) -> Result<Vec<u8>, ()> {
            Ok((0..len as u64).map(|i| (offset + i) as u8).collect())
        }
        fn file_digest(&mut self, _: EntryId) -> Result<Digest, ()> {
            Ok(Digest([7; 32]))
        }
    }

    fn file_row(len: u64) -> OutboxRow {
        let what = OutboxItem::File { file: EntryId([1; 16]), len };
        OutboxRow { stream: Stream::Bulk, offset: 1_000, framed_len: framed_len(len), what }
    }

    #[test]
    fn a_file_takes_the_octets_that_were_set_aside_for_it() {
        for len in [0, 1, 127, PIECE - 1, PIECE, PIECE + 1, 5 * PIECE + 77] {
            let row = file_row(len);
            let framed =
                frame_outbox(std::slice::from_ref(&row), 1_000, u64::MAX, &mut Source).expect("reads");
            assert_eq!(framed.octets.len() as u64, row.framed_len, "{len}");
            let mut rest = &framed.octets[..];
            let mut body = Vec::new();
            while let Some((message_len, tail)) = take_varint(rest) {
                let (message, tail) = tail.split_at(message_len as usize);
                match BulkMessage::decode(message).expect("a bulk message") {
                    BulkMessage::Head { len: said, .. } => assert_eq!(said, len),
                    BulkMessage::Piece { offset, octets, .. } => {
                        assert_eq!(offset, body.len() as u64);
                        body.extend(octets);
                    }
                }
                rest = tail;
            }
            assert_eq!(body, (0..len).map(|i| i as u8).collect::<Vec<_>>());
        }
    }

    #[test]
    fn any_message_of_a_file_can_be_made_alone() {
        let row = file_row(3 * PIECE);
        let whole = frame_outbox(std::slice::from_ref(&row), 1_000, u64::MAX, &mut Source).expect("reads");
        for start in &whole.starts {
            let one = frame_outbox(std::slice::from_ref(&row), *start, 1, &mut Source).expect("reads");
            assert_eq!(one.starts, vec![*start]);
            assert!(whole.octets[(*start - 1_000) as usize..].starts_with(&one.octets));
        }
    }

    #[test]
    fn what_expired_keeps_its_length() {
        for framed_len in [2, 128, 129, 130, 131, 16_386, 70_000] {
            let what = OutboxItem::Entry(EntryId([2; 16]));
            let row = OutboxRow { stream: Stream::Routine, offset: 0, framed_len, what };
            let framed = frame_outbox(&[row], 0, 1, &mut Source).expect("reads");
            assert_eq!(framed.octets.len() as u64, framed_len);
        }
    }
}
