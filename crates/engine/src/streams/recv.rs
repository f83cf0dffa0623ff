//! The reader's side of a link's streams.

use super::cursors::{CursorFault, CursorReader};
use super::inbox::{Inbox, Message, StreamFault};
use couloir_wire::cell::{Ack, Fragment, Stream};
use couloir_wire::limits::STREAMS;

/// What the peer says on the six streams.
#[derive(Clone)]
pub struct RecvStreams {
    inboxes: [Inbox; STREAMS],
}

/// What must be made durable before what arrived may be acknowledged. No offset is both put and gone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecvChanges {
    /// Replaces the stored cursors.
    pub cursors: Vec<u8>,
    /// Octets of messages that are not complete; replaces a stored piece of the same stream and offset.
    pub partials_put: Vec<(Stream, u64, Vec<u8>)>,
    /// Stored pieces, by stream and offset, that are no longer needed.
    pub partials_gone: Vec<(Stream, u64)>,
}

impl Default for RecvStreams {
    fn default() -> RecvStreams {
        RecvStreams { inboxes: Stream::ALL.map(Inbox::new) }
    }
}

impl RecvStreams {
    /// Streams of which nothing arrived.
    pub fn new() -> RecvStreams {
        RecvStreams::default()
    }

    /// Takes a fragment: the messages that it completed, each once, in order of offsets; on control
    /// and bulk only once everything before them went up. What lies beyond the credit or would open
    /// more ranges than [`couloir_wire::limits::HELD_RANGES_MAX`] is ignored. After a fault the link
    /// is frozen: the streams are of no further use.
    pub fn receive(&mut self, fragment: Fragment) -> Result<Vec<Message>, StreamFault> {
        let mut up = Vec::new();
        self.inboxes[fragment.stream.index()].receive(&fragment, &mut up)?;
        Ok(up)
    }

    /// What arrived on each stream of which anything did. Only to be said once the changes taken
    /// since the last fragment are durable.
    pub fn acks(&self) -> Vec<Ack> {
        self.inboxes.iter().filter_map(Inbox::ack).collect()
    }

    /// Octets of each stream that arrived, gaps not counted.
    pub fn arrived(&self) -> [u64; STREAMS] {
        self.inboxes.each_ref().map(|inbox| inbox.arrived().0)
    }

    /// How far each stream arrived, gaps included.
    pub fn reach(&self) -> [u64; STREAMS] {
        self.inboxes.each_ref().map(|inbox| inbox.arrived().1)
    }

    /// What must be made durable, together with the messages that went up since the last call.
    pub fn take_changes(&mut self) -> RecvChanges {
        let mut changes = RecvChanges::default();
        self.inboxes.iter_mut().for_each(|inbox| inbox.take_changes(&mut changes));
        changes
    }

    /// The streams as they were when `cursors` and `partials` were made durable.
    pub fn restore(cursors: &[u8], partials: &[(Stream, u64, Vec<u8>)]) -> Result<RecvStreams, CursorFault> {
        let mut reader = CursorReader(cursors);
        let mut streams = RecvStreams::new();
        for inbox in &mut streams.inboxes {
            *inbox = Inbox::restore(inbox.stream(), &mut reader)?;
        }
        reader.end()?;
        for (stream, offset, octets) in partials {
            streams.inboxes[stream.index()].restore_partial(*offset, octets);
        }
        Ok(streams)
    }

    /// Octets held for messages that are not complete; at most the sum of the credits.
    pub fn held_octets(&self) -> u64 {
        self.inboxes.iter().map(Inbox::held_octets).sum()
    }

    /// How many chunks, heads and saved pieces a stream has, for the tests of bounds.
    #[cfg(test)]
    pub(super) fn counts(&self, stream: Stream) -> (usize, usize, usize) {
        self.inboxes[stream.index()].counts()
    }
}
