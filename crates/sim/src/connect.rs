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

    /// Both nodes try; tried again every two seconds or so, as long as the world lasts. A second machine with
    /// the connecting post takes the place of the first, and that one its place.
    pub(crate) fn connect(&mut self, route: usize) {
        let claimants = self.claimants();
        let pause_ms = if claimants.len() > 1 { RIVAL_MS } else { CONNECT_MS };
        let jitter_ms = noise(self.config.seed, [route as u64, self.now_ms, 11]) % (pause_ms / 5);
        self.after(pause_ms + jitter_ms, Event::Connect { route });
        let is_reachable = !self.routes[route].is_dead && self.routes[route].cut_off.is_empty();
        let Some(direct) = self.direct_mut(route) else { return };
        let others = claimants.into_iter().find(|machine| direct.end_of(*machine).is_none());
        let Some(machine) = others.filter(|_| !direct.is_cut && is_reachable) else { return };
        if direct.is_up {
            self.displace(route);
        }
        self.join(route, [machine, 1]);
    }

    /// Machines that run and may connect to machine 1, if that runs.
    fn claimants(&self) -> Vec<usize> {
        let is_ready = |node: usize| self.nodes[node].engine.is_some();
        let claims = |node: &usize| self.model.posts[*node] == self.model.posts[0] && is_ready(*node);
        (0..self.nodes.len()).filter(|_| is_ready(1)).filter(claims).collect()
    }

    fn join(&mut self, route: usize, ends: [usize; 2]) {
        let id = self.routes[route].spec.id;
        let Some(direct) = self.direct_mut(route) else { return };
        direct.connect(ends);
        for node in ends {
            self.tell(Some(node), "connected", || format!("route {route}"));
            self.give(node, Input::DirectUp(id));
        }
    }

    /// Both ends learn at once that another took the place of one.
    fn displace(&mut self, route: usize) {
        let id = self.routes[route].spec.id;
        let Some(direct) = self.direct_mut(route) else { return };
        direct.fall();
        for node in direct.ends {
            self.give(node, Input::DirectDown(id));
        }
    }

    /// A node sends a frame; it is lost if there is no connection.
    pub(crate) fn send_frame(&mut self, node: usize, route: RouteId, octets: Vec<u8>) {
        let Some(route) = self.route_index.get(&route).copied() else { return };
        let delay_ms = self.routes[route].weather.delay_ms_min.clamp(1, 50);
        let now_ms = self.now_ms;
        let Some(direct) = self.direct_mut(route) else { return };
        let Some(end) = direct.end_of(node) else { return };
        let at_ms = direct.send(end, now_ms, delay_ms, octets.len());
        let (generation, to, in_flight) = (direct.generation, direct.ends[1 - end], direct.in_flight(end));
        self.tally.frames += 1;
        self.judge(require(Check::Bounded, in_flight <= IN_FLIGHT_MAX, || {
            format!("{in_flight} octets in flight")
        }));
        self.at(at_ms, Event::Frame { route, generation, from: node, to, octets });
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
        let Some(end) = direct.end_of(from) else { return };
        direct.arrived(end, frame.len());
        self.give(from, Input::DirectTook { route: id, frames: 1 });
        self.note_heard(to);
        self.give(to, Input::DirectArrived { route: id, frame });
    }

    /// Every connection of `node` falls; the other end notices within six seconds.
    pub(crate) fn drop_connections(&mut self, node: usize) {
        for route in 0..self.routes.len() {
            if self.direct_mut(route).is_some_and(|direct| direct.end_of(node).is_some()) {
                self.cut(route, Some(node));
            }
        }
    }

    /// The connection of `route` falls; `gone` needs no telling.
    pub(crate) fn cut(&mut self, route: usize, gone: Option<usize>) {
        let Some(direct) = self.direct_mut(route).filter(|direct| direct.is_up) else { return };
        direct.fall();
        let ends = direct.ends;
        self.tell(None, "cut", || format!("route {route}"));
        for node in ends.into_iter().filter(|node| Some(*node) != gone) {
            let life = self.nodes[node].life;
            let notices_ms = noise(self.config.seed, [node as u64, self.now_ms, 13]) % IDLE_MS;
            self.after(notices_ms, Event::Fallen { node, life, route });
        }
    }

    /// A node notices that its connection fell.
    pub(crate) fn fallen(&mut self, node: usize, life: u32, route: usize) {
        let id = self.routes[route].spec.id;
        let stands = self.direct_mut(route).is_none_or(|direct| direct.end_of(node).is_some());
        if self.nodes[node].life == life && !stands {
            self.give(node, Input::DirectDown(id));
        }
    }
}

const CONNECT_MS: u64 = 2_000;
/// A node connects again so soon after it was displaced.
const RIVAL_MS: u64 = 300;
/// QUIC's idle time-out of a node: 6 s, and less than the next attempts need to succeed.
const IDLE_MS: u64 = 1_500;
/// Sixteen frames of 64 KiB, and parts of a message.
const IN_FLIGHT_MAX: usize = 1200 << 10;
