//! Who is called alive: nobody who was not heard lately, whatever fails.

use couloir_wire::limits::STATUS_WINDOWS;
use couloir_wire::time::WindowLength;

use crate::checks::{Check, require};
use crate::faults::FaultClass;
use crate::world::World;

impl World {
    /// Something of the peer's came to `node`, or of what a carrier keeps.
    pub(crate) fn note_heard(&mut self, node: usize) {
        self.nodes[node].heard_ms = Some(self.now_ms);
    }

    /// A peer is called alive only if something came within the life of a status, and if one of its machines
    /// ran within two: what is written last may be found at the end of its life. A relay that lies about the time
    /// makes old cells look new.
    pub(crate) fn check_silence(&mut self, node: usize) {
        if !self.calls_alive(node) {
            return;
        }
        let window_ms = u64::from(self.config.window_ms).max(WindowLength::DEFAULT.ms());
        let life_ms = STATUS_WINDOWS * window_ms;
        let slack_ms = SLACK_WINDOWS * window_ms;
        let quiet_ms = self.now_ms - self.nodes[node].heard_ms.unwrap_or(0);
        let is_lied_to = self.config.swarm.0.contains(&FaultClass::HostileRelay);
        let off_ms = if is_lied_to { 0 } else { self.off_ms_of_peer(node) };
        self.judge(require(Check::Silence, quiet_ms <= life_ms + slack_ms, || {
            format!("machine {node} calls its peer alive, and nothing came for {quiet_ms} ms")
        }));
        self.judge(require(Check::Silence, off_ms <= 2 * life_ms + slack_ms, || {
            format!("machine {node} calls its peer alive, which is off for {off_ms} ms")
        }));
    }

    fn calls_alive(&self, node: usize) -> bool {
        let machine = &self.nodes[node];
        let now = machine.now(self.now_ms, self.wall());
        let status = machine.engine.as_ref().map(|engine| engine.status(now));
        status.is_some_and(|status| status.peers.iter().any(|peer| peer.is_alive))
    }

    /// How long no process has run for the other post; 0 while one runs.
    fn off_ms_of_peer(&self, node: usize) -> u64 {
        let is_peer = |other: &usize| self.model.posts[*other] != self.model.posts[node];
        let off_ms = |other: usize| match self.nodes[other].is_on {
            true => 0,
            false => self.now_ms - self.nodes[other].off_since_ms,
        };
        (0..self.nodes.len()).filter(is_peer).map(off_ms).min().unwrap_or(0)
    }
}

/// What was armed leaves and comes back within these.
const SLACK_WINDOWS: u64 = 3;
