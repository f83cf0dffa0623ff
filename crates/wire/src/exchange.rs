//! The exchange between a node and a relay (PROTOCOL §5.5).
//!
//! One exchange is one HTTP POST of constant size and one answer of constant size. Both sizes
//! follow from the [`Shape`] alone: refusals, absent cells and cover look like everything else from
//! outside. Fields are big-endian and at fixed places; a decoder compares the length before it
//! reads anything, copies what it keeps and accepts one encoding of each value.

use core::fmt;

use crate::id::{Slot, WriteToken};
use crate::time::{WallTime, Window, WindowLength};

/// Size of a cell in octets; only [`CellSize::PERMITTED`] occur, so that a size tells no channel apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellSize(u16);

impl CellSize {
    /// Every permitted size, in octets; the index is the class that travels.
    pub const PERMITTED: [u16; 5] = [512, 1_024, 2_048, 4_096, 8_192];
    /// The default size: 2,048 octets.
    pub const DEFAULT: CellSize = CellSize(2_048);
    /// The smallest size: 512 octets.
    pub const SMALLEST: CellSize = CellSize(512);
    /// The largest size: 8,192 octets.
    pub const LARGEST: CellSize = CellSize(8_192);

    /// The permitted size of `octets` octets.
    pub fn from_octets(octets: usize) -> Option<CellSize> {
        Self::PERMITTED.into_iter().find(|size| usize::from(*size) == octets).map(CellSize)
    }

    /// In octets.
    pub const fn octets(self) -> usize {
        self.0 as usize
    }

    /// The size of class `class`: its index in [`CellSize::PERMITTED`].
    pub fn from_class(class: u8) -> Option<CellSize> {
        Self::PERMITTED.get(usize::from(class)).copied().map(CellSize)
    }

    /// Its class: the index in [`CellSize::PERMITTED`].
    pub fn class(self) -> u8 {
        (self.0 / 512).trailing_zeros() as u8
    }
}

/// What fixes the length of an exchange and of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shape {
    cell: CellSize,
    lanes: u8,
    gets: u8,
}

impl Shape {
    /// The shape with cells of `cell`, `lanes` PUTs (1 to [`LANES_MAX`]) and `gets` GETs (1 to
    /// [`GETS_MAX`]).
    pub fn new(cell: CellSize, lanes: usize, gets: usize) -> Result<Shape, ExchangeError> {
        match (u8::try_from(lanes), u8::try_from(gets)) {
            (Ok(l @ 1..=LANES_MAX), Ok(g @ 1..=GETS_MAX)) => Ok(Shape { cell, lanes: l, gets: g }),
            _ => Err(ExchangeError::Count),
        }
    }

    /// Size of its cells.
    pub fn cell(self) -> CellSize {
        self.cell
    }

    /// Number of PUTs.
    pub fn lanes(self) -> usize {
        usize::from(self.lanes)
    }

    /// Number of GETs.
    pub fn gets(self) -> usize {
        usize::from(self.gets)
    }

    /// Octets of the request.
    pub fn request_len(self) -> usize {
        request_len(self.cell, self.lanes(), self.gets())
    }

    /// Octets of the answer.
    pub fn answer_len(self) -> usize {
        answer_len(self.cell, self.lanes(), self.gets())
    }

    fn head(self, magic: [u8; 4]) -> [u8; 8] {
        let [a, b, c, d] = magic;
        [a, b, c, d, self.cell.class(), self.lanes, self.gets, 0]
    }

    fn read(octets: &mut Octets<'_>, magic: [u8; 4]) -> Result<Shape, ExchangeError> {
        if octets.array()? != magic {
            return Err(ExchangeError::Magic);
        }
        let [class, lanes, gets, reserved] = octets.array()?;
        let cell = CellSize::from_class(class).ok_or(ExchangeError::CellSize)?;
        if reserved != 0 {
            return Err(ExchangeError::Reserved);
        }
        Shape::new(cell, usize::from(lanes), usize::from(gets))
    }
}

/// Octets of a request with `lanes` PUTs of `cell` and `gets` GETs.
pub const fn request_len(cell: CellSize, lanes: usize, gets: usize) -> usize {
    REQUEST_HEAD_LEN + lanes * (WriteToken::LEN + 8 + cell.octets()) + gets * Slot::LEN
}

/// Octets of the answer to a request with `lanes` PUTs and `gets` GETs of `cell`.
pub const fn answer_len(cell: CellSize, lanes: usize, gets: usize) -> usize {
    ANSWER_HEAD_LEN + lanes + gets * (1 + cell.octets())
}

/// One cell to be stored under SHA-256 of its token.
#[derive(Clone, PartialEq, Eq)]
pub struct Put {
    /// Proves the right to fill the slot.
    pub token: WriteToken,
    /// The window that the cell was sealed for; its roundness decides how long it is kept.
    pub window: Window,
    /// The sealed cell: as many octets as the exchange's [`CellSize`].
    pub cell: Vec<u8>,
}

impl fmt::Debug for Put {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Put { token: _, window, cell } = self;
        f.debug_struct("Put").field("window", window).field("octets", &cell.len()).finish_non_exhaustive()
    }
}

/// What a node asks of a relay, once in each window.
#[derive(Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The channel's access key at this relay; zero octets mean none.
    pub access_key: [u8; ACCESS_KEY_LEN],
    /// Length of the route's windows.
    pub window_length: WindowLength,
    /// One for each lane; 1 to [`LANES_MAX`], cells all of one permitted size.
    pub puts: Vec<Put>,
    /// Slots to read, 1 to [`GETS_MAX`]: twice the lanes, while searching sixteen times.
    pub gets: Vec<Slot>,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Exchange { access_key: _, window_length, puts, gets } = self;
        let mut out = f.debug_struct("Exchange");
        out.field("window_length", window_length).field("puts", puts).field("gets", &gets.len());
        out.finish_non_exhaustive()
    }
}

impl Exchange {
    /// Its shape. Refused: counts out of bounds, cells of unlike or of unlisted size.
    pub fn shape(&self) -> Result<Shape, ExchangeError> {
        let octets = self.puts.first().ok_or(ExchangeError::Count)?.cell.len();
        let cell = CellSize::from_octets(octets).ok_or(ExchangeError::CellSize)?;
        if self.puts.iter().any(|put| put.cell.len() != octets) {
            return Err(ExchangeError::CellSize);
        }
        Shape::new(cell, self.puts.len(), self.gets.len())
    }

    /// The request's body, [`Shape::request_len`] octets. Errors as [`Exchange::shape`].
    pub fn encode(&self) -> Result<Vec<u8>, ExchangeError> {
        let shape = self.shape()?;
        let mut out = Vec::with_capacity(shape.request_len());
        out.extend_from_slice(&shape.head(REQUEST_MAGIC));
        out.extend_from_slice(&(self.window_length.ms() as u32).to_be_bytes());
        out.extend_from_slice(&self.access_key);
        for put in &self.puts {
            out.extend_from_slice(&put.token.0);
            out.extend_from_slice(&put.window.0.to_be_bytes());
            out.extend_from_slice(&put.cell);
        }
        self.gets.iter().for_each(|slot| out.extend_from_slice(&slot.0));
        Ok(out)
    }

    /// The exchange in the body `bytes`, which must be its exact encoding.
    pub fn decode(bytes: &[u8]) -> Result<Exchange, ExchangeError> {
        let mut octets = Octets(bytes);
        let shape = Shape::read(&mut octets, REQUEST_MAGIC)?;
        if bytes.len() != shape.request_len() {
            return Err(ExchangeError::Length);
        }
        let window_ms = u32::from_be_bytes(octets.array()?);
        Ok(Exchange {
            window_length: WindowLength::from_ms(window_ms).ok_or(ExchangeError::WindowLength)?,
            access_key: octets.array()?,
            puts: (0..shape.lanes).map(|_| read_put(&mut octets, shape.cell)).collect::<Result<_, _>>()?,
            gets: (0..shape.gets).map(|_| octets.array().map(Slot)).collect::<Result<_, _>>()?,
        })
    }
}

/// What became of a PUT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PutOutcome {
    /// It is kept, durably, until it expires.
    Stored,
    /// The same cell was there already, durably.
    Same,
    /// Another cell is there, and stays.
    Taken,
    /// The window is more than one window away from the relay's clock.
    WrongWindow,
    /// Not kept: wrong access key, quota used up, or the store is in trouble.
    Refused,
}

impl PutOutcome {
    const ALL: [PutOutcome; 5] = [Self::Stored, Self::Same, Self::Taken, Self::WrongWindow, Self::Refused];

    /// Whether the relay holds exactly this cell durably.
    pub fn is_kept(self) -> bool {
        matches!(self, PutOutcome::Stored | PutOutcome::Same)
    }

    fn octet(self) -> u8 {
        match self {
            PutOutcome::Stored => 1,
            PutOutcome::Same => 2,
            PutOutcome::Taken => 3,
            PutOutcome::WrongWindow => 4,
            PutOutcome::Refused => 5,
        }
    }

    fn from_octet(octet: u8) -> Result<PutOutcome, ExchangeError> {
        Self::ALL.into_iter().find(|outcome| outcome.octet() == octet).ok_or(ExchangeError::Outcome)
    }
}

/// A relay's answer to an [`Exchange`].
#[derive(Clone, PartialEq, Eq)]
pub struct ExchangeAnswer {
    /// The relay's clock.
    pub time: WallTime,
    /// One for each PUT, in order.
    pub puts: Vec<PutOutcome>,
    /// One for each GET, in order: the cell, or none if the slot is empty.
    pub gets: Vec<Option<Vec<u8>>>,
}

impl fmt::Debug for ExchangeAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = self.gets.iter().flatten().count();
        let mut out = f.debug_struct("ExchangeAnswer");
        out.field("time", &self.time).field("puts", &self.puts).field("gets", &self.gets.len());
        out.field("found", &found).finish()
    }
}

impl ExchangeAnswer {
    /// The answer that refuses everything asked in `shape`: no cell kept, none found.
    pub fn refusing(time: WallTime, shape: Shape) -> ExchangeAnswer {
        let (lanes, gets) = (shape.lanes(), shape.gets());
        ExchangeAnswer { time, puts: vec![PutOutcome::Refused; lanes], gets: vec![None; gets] }
    }

    /// The answer's body for cells of `cell`, [`Shape::answer_len`] octets. A cell found with
    /// another size than the one asked for travels as absent.
    pub fn encode(&self, cell: CellSize) -> Result<Vec<u8>, ExchangeError> {
        let shape = Shape::new(cell, self.puts.len(), self.gets.len())?;
        let mut out = begin_answer(shape, self.time, &self.puts);
        self.gets.iter().for_each(|found| append_found(&mut out, found.as_deref(), cell));
        Ok(out)
    }

    /// The answer in `bytes` to an exchange of `shape`; of any other shape it is refused.
    pub fn decode(bytes: &[u8], shape: Shape) -> Result<ExchangeAnswer, ExchangeError> {
        if bytes.len() != shape.answer_len() {
            return Err(ExchangeError::Length);
        }
        let mut octets = Octets(bytes);
        if Shape::read(&mut octets, ANSWER_MAGIC)? != shape {
            return Err(ExchangeError::Shape);
        }
        let time = WallTime(i64::from_be_bytes(octets.array()?));
        let outcomes = octets.take(shape.lanes())?;
        Ok(ExchangeAnswer {
            time,
            puts: outcomes.iter().map(|octet| PutOutcome::from_octet(*octet)).collect::<Result<_, _>>()?,
            gets: (0..shape.gets).map(|_| read_found(&mut octets, shape.cell)).collect::<Result<_, _>>()?,
        })
    }
}

/// Why octets are no exchange, or no answer, of this protocol. The sender is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// The first four octets are not those of this message and version.
    #[error("not an exchange of this version")]
    Magic,
    /// More or fewer octets than the shape asks for.
    #[error("an exchange of a wrong length")]
    Length,
    /// The reserved octet is not zero.
    #[error("a reserved octet is not zero")]
    Reserved,
    /// The cell size is not a permitted one, or cells differ in size.
    #[error("cells of a size that does not exist")]
    CellSize,
    /// The window length is not a permitted one.
    #[error("windows of a length that does not exist")]
    WindowLength,
    /// No PUT, no GET, or too many.
    #[error("an exchange with too few or too many PUTs or GETs")]
    Count,
    /// The answer belongs to an exchange of another shape.
    #[error("the answer is of another shape than the request")]
    Shape,
    /// An outcome or presence octet without meaning, or octets in place of an absent cell.
    #[error("an outcome that does not exist")]
    Outcome,
}

/// At most so many PUTs in one exchange.
pub const LANES_MAX: u8 = 4;
/// At most so many GETs in one exchange: sixteen for each lane while searching.
pub const GETS_MAX: u8 = 64;
/// Octets of an access key.
pub const ACCESS_KEY_LEN: usize = 16;
/// Octets of the longest request there is.
pub const REQUEST_LEN_MAX: usize =
    REQUEST_HEAD_LEN + LANES_MAX as usize * (40 + CellSize::LARGEST.0 as usize) + GETS_MAX as usize * 32;
/// Path that exchanges are posted to.
pub const EXCHANGE_PATH: &str = "/cells";

const REQUEST_HEAD_LEN: usize = 8 + 4 + ACCESS_KEY_LEN;
const ANSWER_HEAD_LEN: usize = 8 + 8;
const REQUEST_MAGIC: [u8; 4] = *b"CXQ\x01";
const ANSWER_MAGIC: [u8; 4] = *b"CXA\x01";
const ABSENT: u8 = 0;
const PRESENT: u8 = 1;

/// The beginning of an answer of `shape`, up to its GETs, with room for the rest: for a relay that
/// appends what it found with [`append_found`]. `outcomes` are as many as the shape's lanes.
pub fn begin_answer(shape: Shape, time: WallTime, outcomes: &[PutOutcome]) -> Vec<u8> {
    let mut out = Vec::with_capacity(shape.answer_len());
    out.extend_from_slice(&shape.head(ANSWER_MAGIC));
    out.extend_from_slice(&time.0.to_be_bytes());
    out.extend(outcomes.iter().map(|outcome| outcome.octet()));
    out
}

/// Appends one GET's part of an answer to `out`: presence octet, then the cell or as many zeros.
pub fn append_found(out: &mut Vec<u8>, found: Option<&[u8]>, cell: CellSize) {
    match found.filter(|octets| octets.len() == cell.octets()) {
        Some(octets) => {
            out.push(PRESENT);
            out.extend_from_slice(octets);
        }
        None => {
            out.push(ABSENT);
            out.resize(out.len() + cell.octets(), 0);
        }
    }
}

fn read_put(octets: &mut Octets<'_>, cell: CellSize) -> Result<Put, ExchangeError> {
    Ok(Put {
        token: WriteToken(octets.array()?),
        window: Window(u64::from_be_bytes(octets.array()?)),
        cell: octets.take(cell.octets())?.to_vec(),
    })
}

fn read_found(octets: &mut Octets<'_>, cell: CellSize) -> Result<Option<Vec<u8>>, ExchangeError> {
    let [presence] = octets.array()?;
    let found = octets.take(cell.octets())?;
    match presence {
        PRESENT => Ok(Some(found.to_vec())),
        ABSENT if found.iter().all(|octet| *octet == 0) => Ok(None),
        _ => Err(ExchangeError::Outcome),
    }
}

/// What is left to read.
struct Octets<'a>(&'a [u8]);

impl<'a> Octets<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], ExchangeError> {
        let (head, rest) = self.0.split_at_checked(len).ok_or(ExchangeError::Length)?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ExchangeError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(ExchangeError::Length)?;
        self.0 = rest;
        Ok(*head)
    }
}

#[cfg(test)]
mod tests;
