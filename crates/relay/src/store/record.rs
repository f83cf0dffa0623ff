//! Octets on the disk (PROTOCOL §5.6): records, batches of the log, runs of a bucket's index.
//!
//! A record is a 56-octet head and a cell, alike in the log and in a bucket. A batch is what shared
//! one sync. Fields are big-endian; each checksum is the first 8 octets of a SHA-256.

use couloir_wire::exchange::CellSize;
use couloir_wire::id::Slot;
use couloir_wire::time::Hour;
use sha2::{Digest, Sha256};

/// Octets before the cell in a record.
pub const RECORD_HEAD_LEN: usize = 56;
/// Octets of a batch's head.
pub const BATCH_HEAD_LEN: usize = 32;
/// Octets of a run's head.
pub const RUN_HEAD_LEN: usize = 40;
/// Octets of one entry of a run.
pub const RUN_ENTRY_LEN: usize = 16;
/// Octets of the longest record.
pub const RECORD_LEN_MAX: usize = RECORD_HEAD_LEN + CellSize::LARGEST.octets();

const RECORD_MAGIC: [u8; 4] = *b"CLC\x01";
const BATCH_MAGIC: [u8; 4] = *b"CLB\x01";
const RUN_MAGIC: [u8; 4] = *b"CLR\x01";
const CHECKSUM_LEN: usize = 8;

/// What a record says about its cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordHead {
    /// The slot it fills.
    pub slot: Slot,
    /// The hour in which it expires.
    pub bucket: Hour,
    /// Size of the cell.
    pub cell: CellSize,
}

impl RecordHead {
    /// Octets of the record, head and cell.
    pub fn record_len(&self) -> usize {
        RECORD_HEAD_LEN + self.cell.octets()
    }
}

/// Appends the record of `cell` to `out`; it must have the size that `head` says.
pub fn append_record(out: &mut Vec<u8>, head: &RecordHead, cell: &[u8]) {
    let at = out.len();
    out.extend_from_slice(&RECORD_MAGIC);
    out.extend_from_slice(&[head.cell.class(), 0, 0, 0]);
    out.extend_from_slice(&head.bucket.0.to_be_bytes());
    out.extend_from_slice(&head.slot.0);
    let sum = checksum(&[&out[at..], cell]);
    out.extend_from_slice(&sum);
    out.extend_from_slice(cell);
}

/// The record at the start of `octets`: its head and its cell, if both are whole and unharmed.
pub fn read_record(octets: &[u8]) -> Option<(RecordHead, &[u8])> {
    let (head_octets, rest) = octets.split_at_checked(RECORD_HEAD_LEN)?;
    let (body, sum) = head_octets.split_at_checked(RECORD_HEAD_LEN - CHECKSUM_LEN)?;
    let head = read_record_head(body)?;
    let cell = rest.get(..head.cell.octets())?;
    (checksum(&[body, cell]) == sum).then_some((head, cell))
}

/// The head of the record at the start of `octets`, which may be cut off or harmed behind it.
pub fn peek_record(octets: &[u8]) -> Option<RecordHead> {
    read_record_head(octets.get(..RECORD_HEAD_LEN - CHECKSUM_LEN)?)
}

fn read_record_head(body: &[u8]) -> Option<RecordHead> {
    let rest = body.strip_prefix(&RECORD_MAGIC)?;
    let (class, rest) = rest.split_first_chunk::<4>()?;
    let (bucket, slot) = rest.split_first_chunk::<8>()?;
    let [class, 0, 0, 0] = *class else { return None };
    Some(RecordHead {
        slot: Slot(slot.try_into().ok()?),
        bucket: Hour(u64::from_be_bytes(*bucket)),
        cell: CellSize::from_class(class)?,
    })
}

/// What a batch says about its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchHead {
    /// The segment it belongs to.
    pub segment: u32,
    /// Where in the segment its head begins.
    pub offset: u64,
    /// Octets of its records.
    pub records_len: u64,
}

impl BatchHead {
    /// Its octets.
    pub fn encode(&self) -> [u8; BATCH_HEAD_LEN] {
        let mut out = [0; BATCH_HEAD_LEN];
        out[..4].copy_from_slice(&BATCH_MAGIC);
        out[4..8].copy_from_slice(&self.segment.to_be_bytes());
        out[8..16].copy_from_slice(&self.offset.to_be_bytes());
        out[16..24].copy_from_slice(&self.records_len.to_be_bytes());
        let sum = checksum(&[&out[..24]]);
        out[24..].copy_from_slice(&sum);
        out
    }

    /// The batch head at the start of `octets`, if it is whole and unharmed.
    pub fn decode(octets: &[u8]) -> Option<BatchHead> {
        let (body, rest) = octets.split_first_chunk::<24>()?;
        let sum = rest.first_chunk::<CHECKSUM_LEN>()?;
        let fields = body.strip_prefix(&BATCH_MAGIC)?;
        let (segment, fields) = fields.split_first_chunk()?;
        let (offset, records_len) = fields.split_first_chunk()?;
        (checksum(&[body]) == *sum).then_some(BatchHead {
            segment: u32::from_be_bytes(*segment),
            offset: u64::from_be_bytes(*offset),
            records_len: u64::from_be_bytes(records_len.try_into().ok()?),
        })
    }
}

/// Where a record lies in its bucket's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunEntry {
    /// The first 8 octets of its slot.
    pub key: u64,
    /// Where its head begins.
    pub offset: u64,
}

/// What one log segment left in one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunHead {
    /// The segment it was sorted from.
    pub segment: u32,
    /// Number of its entries.
    pub count: u32,
    /// Where its records begin in the bucket's file.
    pub records_start: u64,
    /// Where they end.
    pub records_end: u64,
}

impl RunHead {
    /// The octets of the run with `entries`.
    pub fn encode(&self, entries: &[RunEntry]) -> Vec<u8> {
        let mut out = Vec::with_capacity(RUN_HEAD_LEN + entries.len() * RUN_ENTRY_LEN);
        out.extend_from_slice(&RUN_MAGIC);
        out.extend_from_slice(&self.segment.to_be_bytes());
        out.extend_from_slice(&self.count.to_be_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.records_start.to_be_bytes());
        out.extend_from_slice(&self.records_end.to_be_bytes());
        out.extend_from_slice(&[0; CHECKSUM_LEN]);
        for entry in entries {
            out.extend_from_slice(&entry.key.to_be_bytes());
            out.extend_from_slice(&entry.offset.to_be_bytes());
        }
        let sum = checksum(&[&out[..RUN_HEAD_LEN - CHECKSUM_LEN], &out[RUN_HEAD_LEN..]]);
        out[RUN_HEAD_LEN - CHECKSUM_LEN..RUN_HEAD_LEN].copy_from_slice(&sum);
        out
    }

    /// The run head in `octets`; its checksum covers the entries and is compared by
    /// [`RunHead::entries`].
    pub fn decode(octets: &[u8; RUN_HEAD_LEN]) -> Option<RunHead> {
        let fields = octets.strip_prefix(&RUN_MAGIC)?;
        let (segment, fields) = fields.split_first_chunk()?;
        let (count, fields) = fields.split_first_chunk()?;
        let (reserved, fields) = fields.split_first_chunk::<4>()?;
        let (records_start, fields) = fields.split_first_chunk()?;
        let records_end = fields.first_chunk()?;
        (*reserved == [0; 4]).then_some(RunHead {
            segment: u32::from_be_bytes(*segment),
            count: u32::from_be_bytes(*count),
            records_start: u64::from_be_bytes(*records_start),
            records_end: u64::from_be_bytes(*records_end),
        })
    }

    /// The entries in `body`, which followed the head `octets`; none if anything of it is harmed.
    pub fn entries<'a>(
        octets: &[u8; RUN_HEAD_LEN],
        body: &'a [u8],
    ) -> Option<impl Iterator<Item = RunEntry> + use<'a>> {
        let (head, sum) = octets.split_at(RUN_HEAD_LEN - CHECKSUM_LEN);
        let entries = body.as_chunks::<RUN_ENTRY_LEN>().0;
        (checksum(&[head, body]) == sum).then(|| entries.iter().map(read_entry))
    }
}

fn read_entry(octets: &[u8; RUN_ENTRY_LEN]) -> RunEntry {
    let both = u128::from_be_bytes(*octets);
    RunEntry { key: (both >> 64) as u64, offset: both as u64 }
}

/// The first 8 octets of `slot`, which the index is kept by.
pub fn key_of(slot: &Slot) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = slot.0;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

fn checksum(parts: &[&[u8]]) -> [u8; CHECKSUM_LEN] {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    let digest: [u8; 32] = hash.finalize().into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    [a, b, c, d, e, f, g, h]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn head() -> RecordHead {
        RecordHead { slot: Slot([7; 32]), bucket: Hour(497_222), cell: CellSize::SMALLEST }
    }

    #[test]
    fn a_batch_head_survives_its_encoding() {
        let head = BatchHead { segment: 3, offset: 1 << 40, records_len: 5 };
        assert_eq!(BatchHead::decode(&head.encode()), Some(head));
    }

    #[test]
    fn a_run_survives_its_encoding_and_no_change_of_it_does() {
        let entries = [RunEntry { key: 1, offset: 2 }, RunEntry { key: u64::MAX, offset: 1 << 35 }];
        let head = RunHead { segment: 9, count: 2, records_start: 8, records_end: 1 << 36 };
        let octets = head.encode(&entries);
        let read = |octets: &[u8]| {
            let (head, body) = octets.split_first_chunk().expect("a head");
            let entries: Vec<_> = RunHead::entries(head, body)?.collect();
            Some((RunHead::decode(head)?, entries))
        };
        assert_eq!(read(&octets), Some((head, entries.to_vec())));
        for at in 0..octets.len() {
            let mut changed = octets.clone();
            changed[at] ^= 4;
            assert_eq!(read(&changed), None, "octet {at}");
        }
    }

    proptest! {
        #[test]
        fn a_record_survives_its_encoding_and_no_change_of_it_does(at in 0usize..568, bit in 0u8..8, fill: u8) {
            let cell = [fill; 512];
            let mut octets = Vec::new();
            append_record(&mut octets, &head(), &cell);
            prop_assert_eq!(octets.len(), head().record_len());
            prop_assert_eq!(read_record(&octets), Some((head(), cell.as_slice())));
            prop_assert_eq!(read_record(&octets[..at]), None);
            octets[at] ^= 1 << bit;
            prop_assert_eq!(read_record(&octets), None);
        }

        #[test]
        fn any_octets_are_read_without_panic(octets in proptest::collection::vec(any::<u8>(), 0..700)) {
            prop_assert_eq!(read_record(&octets), None);
            prop_assert_eq!(BatchHead::decode(&octets), None);
        }
    }
}
