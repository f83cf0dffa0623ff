//! A prompt route: a connection between two nodes that keeps order, and falls.

/// What the next frame must wait for, so that frames keep their order.
#[derive(Debug, Clone, Copy, Default)]
struct Way {
    last_ms: u64,
    octets: usize,
}

/// The connection.
#[derive(Debug, Default)]
pub struct Direct {
    /// Whether it stands.
    pub is_up: bool,
    /// Whether the network forbids it.
    pub is_cut: bool,
    /// Counts connections: frames of an earlier one are lost.
    pub generation: u32,
    /// The machines that it joins: one of either post.
    pub ends: [usize; 2],
    ways: [Way; 2],
}

impl Direct {
    /// A new connection between `ends` stands.
    pub fn connect(&mut self, ends: [usize; 2]) {
        self.generation += 1;
        self.is_up = true;
        self.ends = ends;
        self.ways = [Way::default(); 2];
    }

    /// Which end `machine` is of the connection that stands, if any.
    pub fn end_of(&self, machine: usize) -> Option<usize> {
        self.ends.iter().position(|end| *end == machine).filter(|_| self.is_up)
    }

    /// The connection falls; what is on its way is lost.
    pub fn fall(&mut self) {
        self.generation += 1;
        self.is_up = false;
    }

    /// A frame of `octets` leaves from end `from`; when it arrives, in simulated milliseconds.
    pub fn send(&mut self, from: usize, now_ms: u64, delay_ms: u64, octets: usize) -> u64 {
        let way = &mut self.ways[from % 2];
        way.octets += octets;
        way.last_ms = way.last_ms.max(now_ms + delay_ms);
        way.last_ms
    }

    /// A frame arrived.
    pub fn arrived(&mut self, from: usize, octets: usize) {
        let way = &mut self.ways[from % 2];
        way.octets = way.octets.saturating_sub(octets);
    }

    /// Octets on their way from end `from`.
    pub fn in_flight(&self, from: usize) -> usize {
        self.ways[from % 2].octets
    }
}
