//! What happened, as one hash: kinds, ids, sizes, times and plaintext hashes, never ciphertext.

use couloir_engine::{Exchanged, Fetched, Input, Output, Write};
use sha2::{Digest as _, Sha256};

/// The running hash of a run.
#[derive(Clone)]
pub struct RunDigest {
    hash: Sha256,
    buffer: Vec<u8>,
}

impl Default for RunDigest {
    fn default() -> RunDigest {
        RunDigest { hash: Sha256::new(), buffer: Vec::with_capacity(BUFFER_OCTETS + 256) }
    }
}

impl RunDigest {
    /// Adds numbers.
    pub fn numbers(&mut self, numbers: &[u64]) {
        numbers.iter().for_each(|number| self.buffer.extend(number.to_le_bytes()));
        self.spill();
    }

    /// Adds octets, with their length.
    pub fn octets(&mut self, octets: &[u8]) {
        self.buffer.extend((octets.len() as u64).to_le_bytes());
        self.buffer.extend(octets);
        self.spill();
    }

    /// Adds an input that a node takes.
    pub fn input(&mut self, node: usize, at_ms: u64, input: &Input) {
        self.numbers(&[u64::from(kind_of(input)), node as u64, at_ms]);
        match input {
            Input::Say(say) => self.octets(format!("{:?}", say.body).as_bytes()),
            Input::Shown { entries, .. } => entries.iter().for_each(|id| self.octets(&id.0)),
            Input::Exchanged(exchanged) => self.exchanged(exchanged),
            Input::DirectTook { frames, .. } => self.numbers(&[*frames as u64]),
            Input::DirectArrived { frame, .. } => self.numbers(&[frame.len() as u64]),
            Input::Fetched(_, fetched) => self.fetched(fetched),
            Input::Adopt(paper) => self.numbers(&[paper.len() as u64]),
            Input::Withdraw(version) => self.octets(&version.0),
            _ => {}
        }
    }

    fn exchanged(&mut self, exchanged: &Exchanged) {
        let Exchanged { window, serial, left, back, result, .. } = exchanged;
        let found = match result {
            Ok(answer) => answer.gets.iter().fold(1, |bits, cell| bits << 1 | u64::from(cell.is_some())),
            Err(trouble) => 0x8000_0000_0000_0000 | *trouble as u64,
        };
        self.numbers(&[window.0, *serial, left.0, back.0, found]);
    }

    fn fetched(&mut self, fetched: &Fetched) {
        match fetched {
            Fetched::Outbox { framed, .. } => self.octets(framed),
            Fetched::Inventory(ids) => self.numbers(&[ids.len() as u64]),
            Fetched::Entries(entries) => entries.iter().for_each(|entry| self.octets(entry)),
            Fetched::FileDigest(file) => self.octets(&file.digest.0),
        }
    }

    /// Adds an output that a node's shell performs.
    pub fn output(&mut self, output: &Output) {
        match output {
            Output::Persist(batch) => batch.iter().for_each(|write| self.write(write)),
            Output::Arm(armed) => {
                let sizes = (armed.puts.len() as u64, armed.gets.len() as u64);
                self.numbers(&[101, armed.window.0, armed.serial, armed.leaves.0, sizes.0, sizes.1]);
            }
            Output::Disarm(_) => self.numbers(&[102]),
            Output::DirectSend { frame, .. } => self.numbers(&[103, frame.len() as u64]),
            Output::Fetch(..) => self.numbers(&[104]),
            Output::Said { token, id } => {
                self.numbers(&[105, *token]);
                self.octets(&id.0);
            }
            Output::Refused { token, .. } => self.numbers(&[106, *token]),
            Output::Appeared(ids) | Output::Advanced(ids) => ids.iter().for_each(|id| self.octets(&id.0)),
            Output::Notice(notice) => self.octets(format!("{notice:?}").as_bytes()),
            Output::Halt(notice) => self.octets(format!("halt {notice:?}").as_bytes()),
        }
    }

    fn write(&mut self, write: &Write) {
        match write {
            Write::OfLink(link) => self.numbers(&[200, u64::from(link.0)]),
            Write::State(_, octets) => self.numbers(&[201, octets.as_ref().map_or(0, |o| o.len() as u64)]),
            Write::Entry(entry) => self.octets(&entry.encoded),
            Write::EntryState(id, state) => {
                self.numbers(&[203, *state as u64]);
                self.octets(&id.0);
            }
            Write::EntryAppears { id, number, has_gap } => {
                self.numbers(&[204, *number, u64::from(*has_gap)]);
                self.octets(&id.0);
            }
            Write::EntryExpires(id) => self.octets(&id.0),
            Write::Outbox(row) => self.numbers(&[206, row.offset, row.framed_len]),
            Write::OutboxDelivered { stream, below } => self.numbers(&[207, *stream as u64, *below]),
            Write::OutboxShift { stream, by } => self.numbers(&[208, *stream as u64, *by]),
            Write::OutboxClear(stream) => self.numbers(&[209, *stream as u64]),
            Write::Partial { offset, octets, .. } => self.numbers(&[210, *offset, octets.len() as u64]),
            Write::PartialGone { offset, .. } => self.numbers(&[211, *offset]),
            Write::PartialsClear => self.numbers(&[212]),
            Write::FilePiece { offset, octets, .. } => {
                self.numbers(&[213, *offset]);
                self.octets(octets);
            }
        }
    }

    /// The hash so far, as hexadecimal digits.
    pub fn text(&self) -> String {
        let mut hash = self.hash.clone();
        hash.update(&self.buffer);
        hash.finalize().iter().map(|octet| format!("{octet:02x}")).collect()
    }

    fn spill(&mut self) {
        if self.buffer.len() >= BUFFER_OCTETS {
            self.hash.update(&self.buffer);
            self.buffer.clear();
        }
    }
}

/// A number for each kind of input.
fn kind_of(input: &Input) -> u8 {
    match input {
        Input::Serve => 1,
        Input::Say(_) => 2,
        Input::Shown { .. } => 3,
        Input::SetDesk(_) => 4,
        Input::HoldFiles(_) => 20,
        Input::ConfirmPhrase(_) => 5,
        Input::Drill => 6,
        Input::SetOfficial { .. } => 7,
        Input::Adopt(_) => 8,
        Input::Thaw(_) => 9,
        Input::Exchanged(_) => 10,
        Input::DirectUp(_) => 11,
        Input::DirectDown(_) => 12,
        Input::DirectArrived { .. } => 13,
        Input::Fetched(..) => 14,
        Input::Reseed(_) => 15,
        Input::DirectTook { .. } => 16,
        Input::Withdraw(_) => 17,
        Input::Link(_) => 18,
        Input::Introduce { .. } => 19,
    }
}

/// Large enough that hashing works on whole blocks.
const BUFFER_OCTETS: usize = 4_096;
