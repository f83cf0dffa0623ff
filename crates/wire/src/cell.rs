//! The inside of a cell: a status, then frames, then padding (PROTOCOL §4.6).
//!
//! ```text
//! status   desk (1), official line (1), flags (1), desk since (4, s), official since (4, s), written (6, ms)
//! ack      01 stream delivered:v count(1) { gap:v length:v }*
//! loss     02 route(4) newest window:v bitmap(16)
//! fragment 03 stream(1) offset:v length:v first:v octets     first = 0, or 1 + where a message starts
//! life     04 writer (4) reader (4) flags (1) count (1) { life (4) said:v x 6 read:v x 6 }*, as rises
//! padding  00 to the end
//! ```
//! `v` is an unsigned LEB128 of at most ten octets in its shortest form; numbers are big-endian.

mod life;
#[cfg(test)]
mod tests;

use crate::id::RouteId;
use crate::limits::{ACK_RANGES_MAX, LINEAGE_MAX, LOSS_WINDOWS, ROUTES_MAX, STREAMS};
use crate::time::{WallTime, Window};

pub use life::{Life, LifeId, Origin};

/// A stream of a link, in the order in which cells are filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Key changes, set-up, drills, receipts.
    Control,
    /// Flash entries.
    Flash,
    /// Immediate entries.
    Immediate,
    /// Priority entries.
    Priority,
    /// Routine entries.
    Routine,
    /// Bodies of files; outside causal order.
    Bulk,
}

impl Stream {
    /// All, in order of filling.
    pub const ALL: [Stream; STREAMS] =
        [Stream::Control, Stream::Flash, Stream::Immediate, Stream::Priority, Stream::Routine, Stream::Bulk];

    /// The stream of number `number`.
    pub fn from_number(number: u8) -> Option<Stream> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Its number, 0 to 5.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// Its place in an array by stream.
    pub fn index(self) -> usize {
        self as usize
    }
}

impl From<crate::entry::Precedence> for Stream {
    fn from(precedence: crate::entry::Precedence) -> Stream {
        match precedence {
            crate::entry::Precedence::Flash => Stream::Flash,
            crate::entry::Precedence::Immediate => Stream::Immediate,
            crate::entry::Precedence::Priority => Stream::Priority,
            crate::entry::Precedence::Routine => Stream::Routine,
        }
    }
}

/// Whether an officer is at the desk, as its node says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Desk {
    /// Nobody has said yet.
    #[default]
    Unknown,
    /// Somebody answers the watch.
    Here,
    /// Nobody is there.
    Away,
}

/// Whether the official line works, as a node sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Official {
    /// Not probed and not said.
    #[default]
    Unknown,
    /// It works.
    Up,
    /// It does not.
    Down,
}

/// What every cell says of its writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Status {
    /// Whether an officer is at the desk.
    pub desk: Desk,
    /// Since when, in seconds since 1970; 0 if never said.
    pub desk_since_s: u32,
    /// Whether the official line works.
    pub official: Official,
    /// Since when, in seconds since 1970; 0 if never said.
    pub official_since_s: u32,
    /// Whether this desk has said that the phrase is the same.
    pub is_verified: bool,
    /// The writer's node time when the cell was sealed.
    pub written: WallTime,
}

/// What its writer has durably read of one stream: everything below `delivered`, and `ranges` beyond.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// The stream.
    pub stream: Stream,
    /// Every octet below this offset is durable at the reader.
    pub delivered: u64,
    /// Further durable ranges `[start, end)`, ascending, apart, beyond `delivered`.
    pub ranges: Vec<(u64, u64)>,
}

/// Which of the last 128 windows of one route its writer opened from the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// The first four octets of the route's id.
    pub route: [u8; 4],
    /// The newest window opened.
    pub newest: Window,
    /// Bit `i` (from the lowest) tells of window `newest - i`.
    pub opened: u128,
}

/// Octets of a stream from `offset` on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// The stream.
    pub stream: Stream,
    /// Offset of the first octet.
    pub offset: u64,
    /// Where in `octets` the first message starts, if one does.
    pub first_start: Option<u32>,
    /// The octets.
    pub octets: Vec<u8>,
}

/// What a cell held.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    /// Of its writer.
    pub status: Status,
    /// Of both nodes.
    pub life: Option<Life>,
    /// At most one per stream.
    pub acks: Vec<Ack>,
    /// At most one per route.
    pub losses: Vec<Loss>,
    /// In order of filling.
    pub fragments: Vec<Fragment>,
}

/// Why the inside of a cell was refused. Its writer holds our keys, so this blames the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the peer wrote a malformed cell: {0}")]
pub struct CellError(pub &'static str);

/// Builds the inside of a cell within a fixed number of octets.
pub struct CellWriter {
    octets: Vec<u8>,
    room_end: usize,
}

impl CellWriter {
    /// A cell of `len` octets inside, holding `status`; [`STATUS_OCTETS`] at least.
    pub fn new(len: usize, status: &Status) -> CellWriter {
        let mut octets = Vec::with_capacity(len.max(STATUS_OCTETS));
        octets.push(status.desk as u8);
        octets.push(status.official as u8);
        octets.push(u8::from(status.is_verified));
        octets.extend(status.desk_since_s.to_be_bytes());
        octets.extend(status.official_since_s.to_be_bytes());
        octets.extend(&status.written.0.max(0).to_be_bytes()[2..]);
        CellWriter { octets, room_end: len }
    }

    /// Octets still free.
    pub fn room(&self) -> usize {
        self.room_end.saturating_sub(self.octets.len())
    }

    /// Adds an acknowledgement, with as many ranges as there is room for; leaves it out if there is none.
    pub fn ack(&mut self, ack: &Ack) {
        let before = self.octets.len();
        self.octets.extend([FRAME_ACK, ack.stream.number()]);
        put_varint(&mut self.octets, ack.delivered);
        let count_at = self.octets.len();
        self.octets.push(0);
        if self.octets.len() > self.room_end {
            return self.octets.truncate(before);
        }
        let mut end = ack.delivered;
        for (start, stop) in ack.ranges.iter().take(ACK_RANGES_MAX) {
            let range_at = self.octets.len();
            put_varint(&mut self.octets, start.saturating_sub(end));
            put_varint(&mut self.octets, stop.saturating_sub(*start));
            if self.octets.len() > self.room_end {
                return self.octets.truncate(range_at);
            }
            self.octets[count_at] += 1;
            end = *stop;
        }
    }

    /// Adds a loss report; leaves it out if there is no room.
    pub fn loss(&mut self, loss: &Loss) {
        let before = self.octets.len();
        self.octets.push(FRAME_LOSS);
        self.octets.extend(loss.route);
        put_varint(&mut self.octets, loss.newest.0);
        self.octets.extend(loss.opened.to_be_bytes());
        if self.octets.len() > self.room_end {
            self.octets.truncate(before);
        }
    }

    /// Adds the lives; leaves them out if there is no room.
    pub fn life(&mut self, life: &Life) {
        let len_before = self.octets.len();
        self.octets.push(FRAME_LIFE);
        self.octets.extend(life.writer);
        self.octets.extend(life.reader);
        self.octets.extend([u8::from(life.is_put_back), life.lineage.len().min(LINEAGE_MAX) as u8]);
        let mut last = Origin::default();
        for origin in life.lineage.iter().take(LINEAGE_MAX) {
            self.octets.extend(origin.life);
            for (octets, before) in origin.octets().zip(last.octets()) {
                put_varint(&mut self.octets, octets.saturating_sub(before));
            }
            last = *origin;
        }
        if self.octets.len() > self.room_end {
            self.octets.truncate(len_before);
        }
    }

    /// How many octets of a fragment at `offset` would fit; 0 if none is worth its header.
    pub fn fragment_room(&self, offset: u64) -> usize {
        let header = 2 + varint_len(offset) + 2 * varint_len(self.room_end as u64);
        self.room().saturating_sub(header)
    }

    /// Adds a fragment that [`CellWriter::fragment_room`] has room for.
    pub fn fragment(&mut self, stream: Stream, offset: u64, first_start: Option<u32>, octets: &[u8]) {
        debug_assert!(octets.len() <= self.fragment_room(offset));
        self.octets.extend([FRAME_FRAGMENT, stream.number()]);
        put_varint(&mut self.octets, offset);
        put_varint(&mut self.octets, octets.len() as u64);
        put_varint(&mut self.octets, first_start.map_or(0, |start| u64::from(start) + 1));
        self.octets.extend(octets);
    }

    /// The inside, padded with zeros to its full length.
    pub fn padded(mut self) -> Vec<u8> {
        self.octets.resize(self.room_end, 0);
        self.octets
    }

    /// The inside as it is: for prompt routes, which have no cover.
    pub fn unpadded(self) -> Vec<u8> {
        self.octets
    }
}

impl Content {
    /// Decodes the inside of a cell.
    pub fn decode(octets: &[u8]) -> Result<Content, CellError> {
        let mut reader = Reader(octets);
        let mut content = Content { status: reader.status()?, ..Content::default() };
        while let Some((&kind, rest)) = reader.0.split_first() {
            reader.0 = rest;
            match kind {
                FRAME_PADDING if rest.iter().all(|octet| *octet == 0) => break,
                FRAME_PADDING => return Err(CellError("padding is not zero")),
                FRAME_ACK => push_bounded(&mut content.acks, reader.ack()?, STREAMS)?,
                FRAME_LOSS => push_bounded(&mut content.losses, reader.loss()?, ROUTES_MAX)?,
                FRAME_LIFE if content.life.is_none() => content.life = Some(reader.life()?),
                FRAME_FRAGMENT => push_bounded(&mut content.fragments, reader.fragment()?, FRAGMENTS_MAX)?,
                _ => return Err(CellError("a frame of an unknown kind")),
            }
        }
        Ok(content)
    }
}

fn push_bounded<T>(list: &mut Vec<T>, item: T, max: usize) -> Result<(), CellError> {
    if list.len() >= max {
        return Err(CellError("more frames of one kind than there can be"));
    }
    list.push(item);
    Ok(())
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], CellError> {
        let (head, rest) = self.0.split_at_checked(len).ok_or(CellError("it ends within a frame"))?;
        self.0 = rest;
        Ok(head)
    }

    fn octet(&mut self) -> Result<u8, CellError> {
        Ok(self.take(1)?[0])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CellError> {
        self.take(N)?.try_into().map_err(|_| CellError("it ends within a frame"))
    }

    fn varint(&mut self) -> Result<u64, CellError> {
        let (value, rest) = take_varint(self.0).ok_or(CellError("a number is not in its shortest form"))?;
        self.0 = rest;
        Ok(value)
    }

    fn stream(&mut self) -> Result<Stream, CellError> {
        Stream::from_number(self.octet()?).ok_or(CellError("a stream of an unknown number"))
    }

    fn status(&mut self) -> Result<Status, CellError> {
        let desk = match self.octet()? {
            0 => Desk::Unknown,
            1 => Desk::Here,
            2 => Desk::Away,
            _ => return Err(CellError("a desk state of an unknown number")),
        };
        let official = match self.octet()? {
            0 => Official::Unknown,
            1 => Official::Up,
            2 => Official::Down,
            _ => return Err(CellError("a state of the official line of an unknown number")),
        };
        let is_verified = self.octet()? & 1 != 0;
        let desk_since_s = u32::from_be_bytes(self.array()?);
        let official_since_s = u32::from_be_bytes(self.array()?);
        let written = self.array::<6>()?.iter().fold(0i64, |ms, octet| ms << 8 | i64::from(*octet));
        Ok(Status { desk, desk_since_s, official, official_since_s, is_verified, written: WallTime(written) })
    }

    fn ack(&mut self) -> Result<Ack, CellError> {
        let stream = self.stream()?;
        let delivered = self.varint()?;
        let count = usize::from(self.octet()?);
        if count > ACK_RANGES_MAX {
            return Err(CellError("more acknowledged ranges than there can be"));
        }
        let mut end = delivered;
        let mut ranges = Vec::with_capacity(count);
        for _ in 0..count {
            let overflow = CellError("an acknowledged range past the end of offsets");
            let start = end.checked_add(self.varint()?).ok_or(overflow)?;
            let stop = start.checked_add(self.varint()?).ok_or(overflow)?;
            if start == end || stop == start {
                return Err(CellError("acknowledged ranges that touch"));
            }
            ranges.push((start, stop));
            end = stop;
        }
        Ok(Ack { stream, delivered, ranges })
    }

    fn life(&mut self) -> Result<Life, CellError> {
        let (writer, reader) = (self.array()?, self.array()?);
        let is_put_back = self.octet()? & 1 != 0;
        let count = usize::from(self.octet()?);
        if count > LINEAGE_MAX {
            return Err(CellError("more lives than can be told"));
        }
        let mut lineage = Vec::with_capacity(count);
        let mut origin = Origin::default();
        for _ in 0..count {
            origin.life = self.array()?;
            for octets in origin.said.iter_mut().chain(&mut origin.read) {
                let overflow = CellError("a life that begins past the end of offsets");
                *octets = octets.checked_add(self.varint()?).ok_or(overflow)?;
            }
            lineage.push(origin);
        }
        Ok(Life { writer, reader, is_put_back, lineage })
    }

    fn loss(&mut self) -> Result<Loss, CellError> {
        let route = self.array()?;
        let newest = Window(self.varint()?);
        Ok(Loss { route, newest, opened: u128::from_be_bytes(self.array()?) })
    }

    fn fragment(&mut self) -> Result<Fragment, CellError> {
        let stream = self.stream()?;
        let offset = self.varint()?;
        let len = self.varint()?;
        let first = self.varint()?;
        let octets = self.take(usize::try_from(len).map_err(|_| CellError("it ends within a frame"))?)?;
        if octets.is_empty() || offset.checked_add(len).is_none() || first > len {
            return Err(CellError("a fragment that cannot be"));
        }
        let first_start = first.checked_sub(1).map(|start| start as u32);
        Ok(Fragment { stream, offset, first_start, octets: octets.to_vec() })
    }
}

/// Appends `value` as unsigned LEB128 in its shortest form.
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Octets of `value` as a varint.
pub fn varint_len(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// The varint at the start of `octets` and what follows it; `None` if cut, too long or not shortest.
pub fn take_varint(octets: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for (i, octet) in octets.iter().take(10).enumerate() {
        let bits = u64::from(octet & 0x7f);
        if i == 9 && bits > 1 {
            return None;
        }
        value |= bits << (7 * i);
        if octet & 0x80 == 0 {
            let is_shortest = i == 0 || *octet != 0;
            return is_shortest.then_some((value, &octets[i + 1..]));
        }
    }
    None
}

/// Octets of the status at the head of every cell.
pub const STATUS_OCTETS: usize = 17;
const FRAME_PADDING: u8 = 0;
const FRAME_ACK: u8 = 1;
const FRAME_LOSS: u8 = 2;
const FRAME_FRAGMENT: u8 = 3;
const FRAME_LIFE: u8 = 4;
/// The smallest fragment takes six octets; more than this no honest writer needs.
const FRAGMENTS_MAX: usize = 1_024;
const _: () = assert!(LOSS_WINDOWS == u128::BITS as u64);

impl Loss {
    /// The name under which reports speak of route `id`.
    pub fn name_of(id: RouteId) -> [u8; 4] {
        [id.0[0], id.0[1], id.0[2], id.0[3]]
    }
}
