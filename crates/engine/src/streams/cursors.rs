//! How cursors are written down: varints in their shortest form, nothing left over.

use super::Ranges;
use couloir_wire::cell::{put_varint, take_varint};
use couloir_wire::limits::HELD_RANGES_MAX;

/// Stored cursors that cannot have been written by this module: the disk or a bug is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stored stream cursors are damaged: {0}")]
pub struct CursorFault(pub &'static str);

/// Appends `ranges` as a count, then gap and length of each, counted from `from`.
pub(super) fn put_ranges(out: &mut Vec<u8>, ranges: &Ranges, from: u64) {
    put_varint(out, ranges.as_slice().len() as u64);
    let mut at = from;
    for (start, end) in ranges.as_slice() {
        put_varint(out, start - at);
        put_varint(out, end - start);
        at = *end;
    }
}

/// Reads cursors.
pub(super) struct CursorReader<'a>(pub &'a [u8]);

impl CursorReader<'_> {
    /// The next number.
    pub(super) fn number(&mut self) -> Result<u64, CursorFault> {
        let (value, rest) = take_varint(self.0).ok_or(CursorFault("a number is cut or too long"))?;
        self.0 = rest;
        if value > OFFSET_MAX { Err(CursorFault("an offset past the end of offsets")) } else { Ok(value) }
    }

    /// A number counted from `from`.
    pub(super) fn beyond(&mut self, from: u64) -> Result<u64, CursorFault> {
        let offset = from.checked_add(self.number()?).filter(|offset| *offset <= OFFSET_MAX);
        offset.ok_or(CursorFault("an offset past the end of offsets"))
    }

    /// A count of at most twice the ranges that a reader holds.
    pub(super) fn count(&mut self) -> Result<u64, CursorFault> {
        let count = self.number()?;
        if count > COUNT_MAX { Err(CursorFault("more ranges than there can be")) } else { Ok(count) }
    }

    /// What [`put_ranges`] wrote.
    pub(super) fn ranges(&mut self, from: u64) -> Result<Ranges, CursorFault> {
        let mut ranges = Ranges::default();
        let mut at = from;
        for i in 0..self.count()? {
            let start = self.beyond(at)?;
            let end = self.beyond(start)?;
            if end == start || (i > 0 && start == at) {
                return Err(CursorFault("ranges that touch"));
            }
            ranges.insert(start, end);
            at = end;
        }
        Ok(ranges)
    }

    /// Nothing may be left.
    pub(super) fn end(self) -> Result<(), CursorFault> {
        if self.0.is_empty() { Ok(()) } else { Err(CursorFault("octets after the end")) }
    }
}

/// Held ranges and the message starts known in them: two per range and the base.
const COUNT_MAX: u64 = 2 * HELD_RANGES_MAX as u64 + 8;
/// No stream becomes this long; room is left for credits.
const OFFSET_MAX: u64 = 1 << 62;
