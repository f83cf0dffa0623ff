//! Prompt routes of the world: connections stand, carry frames in order, and fall.

use couloir_engine::Input;
use couloir_wire::id::RouteId;

use crate::chance::noise;
use crate::checks::{Check, require};
use crate::direct::Direct;
use crate::network::Carrier;
use crate::world::{Event, World};

impl World {
    fn direct_mut(&mut self, route: usize) -> Option<&mut Direct> {
        match self.routes.get_mut(route).map(|route| &mut route.carrier) {
            Some(Carrier::Direct(direct)) => Some(direct),
            _ => None,
        }
    }

    /// Both nodes try; tried again every two seconds or so, as long as the world lasts.
    pub(crate) fn connect(&mut self, route: usize) {
        let jitter_ms = noise(self.config.seed, [route as u64, self.now_ms, 11]) % 400;
        self.after(CONNECT_MS + jitter_ms, Event::Connect { route });
        let is_ready = self.nodes.iter().take(2).all(|node| node.engine.is_some());
        let is_reachable = !self.routes[route].is_dead && self.routes[route].cut_off.is_empty();
        let id = self.routes[route].spec.id;
        let Some(direct) = self.direct_mut(route) else { return };
        if direct.is_up || direct.is_cut || !is_ready || !is_reachable {
            return;
        }
        direct.connect();
        for node in 0..2 {
            self.tell(Some(node), "connected", || format!("route {route}"));
            self.give(node, Input::DirectUp(id));
        }
    }

    /// A node sends a frame; it is lost if there is no connection.
    pub(crate) fn send_frame(&mut self, node: usize, route: RouteId, octets: Vec<u8>) {
        let Some(route) = self.route_index.get(&route).copied() else { return };
        let delay_ms = self.routes[route].weather.delay_ms_min.clamp(1, 50);
        let now_ms = self.now_ms;
        let Some(direct) = self.direct_mut(route) else { return };
        if !direct.is_up || node > 1 {
            return;
        }
        let at_ms = direct.send(node, now_ms, delay_ms, octets.len());
        let (generation, in_flight) = (direct.generation, direct.in_flight(node));
        self.tally.frames += 1;
        self.judge(require(Check::Bounded, in_flight <= IN_FLIGHT_MAX, || {
            format!("{in_flight} octets in flight")
        }));
        self.at(at_ms, Event::Frame { route, generation, from: node, to: 1 - node, octets });
    }

    /// A frame arrives, if its connection still stands.
    pub(crate) fn frame_arrives(
        &mut self,
        route: usize,
        generation: u32,
        (from, to): (usize, usize),
        frame: Vec<u8>,
    ) {
        let id = self.routes[route].spec.id;
        let Some(direct) = self.direct_mut(route).filter(|direct| direct.generation == generation) else {
            return;
        };
        direct.arrived(from, frame.len());
        self.give(from, Input::DirectTook { route: id, frames: 1 });
        self.give(to, Input::DirectArrived { route: id, frame });
    }

    /// Every connection of `node` falls; the other end notices within six seconds.
    pub(crate) fn drop_connections(&mut self, node: usize) {
        for route in 0..self.routes.len() {
            self.cut(route, Some(node));
        }
    }

    /// The connection of `route` falls; `gone` needs no telling.
    pub(crate) fn cut(&mut self, route: usize, gone: Option<usize>) {
        let Some(direct) = self.direct_mut(route).filter(|direct| direct.is_up) else { return };
        direct.fall();
        self.tell(None, "cut", || format!("route {route}"));
        for node in (0..2).filter(|node| Some(*node) != gone) {
            let life = self.nodes[node].life;
            let notices_ms = noise(self.config.seed, [node as u64, self.now_ms, 13]) % IDLE_MS;
            self.after(notices_ms, Event::Fallen { node, life, route });
        }
    }

    /// A node notices that its connection fell.
    pub(crate) fn fallen(&mut self, node: usize, life: u32, route: usize) {
        let id = self.routes[route].spec.id;
        let is_up = self.direct_mut(route).is_none_or(|direct| direct.is_up);
        if self.nodes[node].life == life && !is_up {
            self.give(node, Input::DirectDown(id));
        }
    }
}

const CONNECT_MS: u64 = 2_000;
/// QUIC's idle time-out of a node: 6 s, and less than the next attempts need to succeed.
const IDLE_MS: u64 = 1_500;
/// Sixteen frames of 64 KiB, and parts of a message.
const IN_FLIGHT_MAX: usize = 1200 << 10;
