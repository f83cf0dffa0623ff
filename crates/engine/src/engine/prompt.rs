//! Prompt routes: frames at once, no cover, a status every two seconds (PROTOCOL §6.1).
//!
//! ```text
//! frame    kind (1): 0 ordinary, 1 rendezvous; epoch (8), hour (8), counter (8), cell
//! ```
//! The counter takes the place of the window in the keys; it is reserved durably in blocks.

use couloir_seal::CELL_OVERHEAD;
use couloir_wire::cbor;
use couloir_wire::cell::{CellWriter, STATUS_OCTETS};
use couloir_wire::id::RouteId;
use couloir_wire::limits::PROMPT_CELL_OCTETS_MAX;
use couloir_wire::route::RouteSpec;
use couloir_wire::time::{Hour, Window};
use minicbor::{Decode, Encode};

use super::LinkEngine;
use super::hear::Source;
use crate::input::Now;
use crate::link::Stage;
use crate::output::Output;
use crate::parts::{self, Inside, Series};
use crate::planted::planted;
use crate::steady::Health;
use crate::store::StateKey;
use crate::streams::Placement;
use crate::timers::Timer;

/// A prompt route.
pub(super) struct Prompt {
    /// Its place among the link's routes.
    pub place: usize,
    /// As the charter has it.
    pub spec: RouteSpec,
    /// Whether its connection stands.
    pub is_up: bool,
    /// How it fares.
    pub health: Health,
    /// Frames handed over that the connection has not taken.
    ahead: usize,
    /// A status, or parts of a message, are due.
    is_status_due: bool,
    /// The message whose parts went last.
    parts_gone: Option<[u8; 4]>,
    next: u64,
    reserved: u64,
}

#[derive(Encode, Decode)]
#[cbor(array)]
struct Stored {
    #[n(0)]
    reserved: u64,
}

impl Prompt {
    fn new(place: usize, spec: RouteSpec, stored: Option<&[u8]>) -> Prompt {
        let stored: Option<Stored> = stored.and_then(|octets| cbor::decode_strict(octets, octets.len()).ok());
        let reserved = stored.map_or(0, |stored| stored.reserved);
        Prompt {
            place,
            spec,
            is_up: false,
            health: Health::default(),
            ahead: 0,
            is_status_due: false,
            parts_gone: None,
            next: reserved,
            reserved,
        }
    }

    /// What is durable of it.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(&Stored { reserved: self.reserved })
    }

    fn take_counter(&mut self) -> Option<Window> {
        let counter = self.next;
        (counter < self.reserved).then(|| {
            self.next += 1;
            Window(counter)
        })
    }
}

impl LinkEngine {
    pub(super) fn begin_prompt(&mut self, place: usize, spec: RouteSpec) {
        let route = spec.id;
        let stored = self.stored_routes.remove(&route);
        self.prompt.insert(route, Prompt::new(place, spec, stored.as_deref()));
    }

    pub(super) fn on_direct_up(&mut self, now: Now, route: RouteId) {
        let Some(prompt) = self.prompt.get_mut(&route) else { return };
        prompt.is_up = true;
        prompt.ahead = 0;
        prompt.health.is_tried = true;
        prompt.health.trouble = None;
        prompt.parts_gone = None;
        self.on_prompt_status(now, route);
        if self.link.stage == Stage::Wanted {
            self.make_hello(now);
        }
    }

    pub(super) fn on_direct_down(&mut self, route: RouteId) {
        let Some(prompt) = self.prompt.get_mut(&route) else { return };
        prompt.is_up = false;
        prompt.health.is_tried = true;
        prompt.health.trouble = Some(crate::RouteTrouble::Unreachable);
        self.link.send.forget_route(prompt.place);
        self.timers.stop(Timer::PromptStatus(route));
    }

    /// The connection took frames.
    pub(super) fn on_direct_took(&mut self, route: RouteId, frames: usize) {
        if let Some(prompt) = self.prompt.get_mut(&route) {
            prompt.ahead = prompt.ahead.saturating_sub(frames);
        }
    }

    /// A status is due, and counters are reserved ahead.
    pub(super) fn on_prompt_status(&mut self, now: Now, route: RouteId) {
        let Some(prompt) = self.prompt.get_mut(&route).filter(|prompt| prompt.is_up) else { return };
        prompt.is_status_due = true;
        self.timers.set(Timer::PromptStatus(route), now.moment + STATUS_EVERY_MS);
        if prompt.next + COUNTERS_RESERVED / 2 >= prompt.reserved {
            prompt.reserved = prompt.next + COUNTERS_RESERVED;
            self.dirty(StateKey::Route(route));
        }
    }

    /// Sends what there is to send on every prompt route that stands.
    pub(super) fn speak_prompt(&mut self, now: Now) {
        let up = self.prompt.iter().filter(|(_, prompt)| prompt.is_up).map(|(route, _)| *route);
        let up: Vec<RouteId> = up.collect();
        for route in up {
            self.send_parts(route);
            self.tell_frozen(route);
            while self.send_frame(now, route) {}
            if let Some(prompt) = self.prompt.get_mut(&route) {
                prompt.is_status_due = false;
            }
        }
    }

    fn send_parts(&mut self, route: RouteId) {
        let is_frozen = self.link.frozen.is_some();
        let Some(prompt) = self.prompt.get_mut(&route) else { return };
        let (Some(out), Some(meeting)) = (&mut self.link.parts_out, &self.link.meeting) else { return };
        if prompt.parts_gone == Some(out.message()) && !prompt.is_status_due {
            return;
        }
        prompt.parts_gone = Some(out.message());
        let series = Series { place: prompt.place, is_turn: false };
        for _ in 0..out.count(PART_INSIDE_OCTETS) {
            let Some(counter) = prompt.take_counter() else { return };
            let inside = out.next_inside(series, PART_INSIDE_OCTETS, is_frozen);
            let key = meeting.write.cell_key(route, counter, 0);
            let cell = key.seal(self.entropy.array(), &inside);
            let frame = Head { kind: RENDEZVOUS, epoch: 0, hour: Hour(0), counter }.frame(&cell);
            prompt.ahead += 1;
            self.queue.push_back(Output::DirectSend { route, frame });
        }
    }

    /// With each status of a frozen link, unless a part tells it: the other desk must learn of it.
    fn tell_frozen(&mut self, route: RouteId) {
        let is_silent = self.link.frozen.is_some() && self.link.parts_out.is_none();
        let Some(prompt) = self.prompt.get_mut(&route).filter(|prompt| prompt.is_status_due && is_silent)
        else {
            return;
        };
        let Some(meeting) = &self.link.meeting else { return };
        let Some(counter) = prompt.take_counter() else { return };
        let key = meeting.write.cell_key(route, counter, 0);
        let cell = key.seal(self.entropy.array(), &parts::cover(parts::HEAD_OCTETS, true));
        let frame = Head { kind: RENDEZVOUS, epoch: 0, hour: Hour(0), counter }.frame(&cell);
        prompt.ahead += 1;
        self.queue.push_back(Output::DirectSend { route, frame });
    }

    /// Sends one ordinary cell if there is anything to say and the connection has room. False if it did not.
    fn send_frame(&mut self, now: Now, route: RouteId) -> bool {
        let at = self.time(now);
        let Some(epochs) = &self.link.epochs else { return false };
        let (epoch, hour) = (epochs.writing(), Hour::of(at));
        let Some(key) = epochs.write_key(epoch, hour) else { return false };
        let mut cell = CellWriter::new(PROMPT_INSIDE_OCTETS, &self.watch.status(at));
        self.acknowledge(&mut cell);
        let Some(prompt) = self.prompt.get_mut(&route) else { return false };
        if prompt.ahead >= FRAMES_AHEAD_MAX && !planted!(WaitsForNoConnection) {
            return false;
        }
        let is_due = prompt.is_status_due || self.link.is_ack_due;
        let mut has_news = is_due;
        if self.link.frozen.is_none() {
            self.ticks += 1;
            let (place, tick) = (prompt.place, self.ticks);
            let placement = Placement {
                route: place,
                tick,
                level: 0,
                is_heard: true,
                now_ms: now.moment.0,
                is_prompt: true,
                bulk_retry_ms: RETRY_MS,
                is_bulk_held: self.files.is_held,
            };
            has_news |= !self.link.send.fill(&mut cell, &placement).is_empty();
        }
        if !has_news {
            return false;
        }
        let Some(counter) = prompt.take_counter() else {
            // Counters ran out: more are reserved at the next step.
            self.timers.set(Timer::PromptStatus(route), now.moment);
            return false;
        };
        prompt.is_status_due = false;
        prompt.ahead += 1;
        prompt.health.last_out = Some((now.moment, at));
        self.link.is_ack_due = false;
        let sealed = key.cell_key(route, counter, 0).seal(self.entropy.array(), &cell.unpadded());
        let frame = Head { kind: ORDINARY, epoch, hour, counter }.frame(&sealed);
        self.queue.push_back(Output::DirectSend { route, frame });
        true
    }

    /// One frame came; what does not open is passed over.
    pub(super) fn on_direct_frame(&mut self, now: Now, route: RouteId, frame: &[u8]) {
        let at = self.time(now);
        let Some((head, cell)) = Head::read(frame) else { return };
        let Some(prompt) = self.prompt.get_mut(&route) else { return };
        prompt.health.last_in = Some((now.moment, at));
        if head.kind == RENDEZVOUS {
            return self.on_direct_rendezvous(now, route, head.counter, cell);
        }
        let key = self.link.epochs.as_ref().and_then(|epochs| epochs.read_key(head.epoch, head.hour));
        match key.and_then(|key| key.cell_key(route, head.counter, 0).open(cell)) {
            Some(inside) => {
                self.link.unknown_cells = 0;
                // A connection stands only as long as the other end takes what is sent on it.
                self.hearing.hears_us_at = Some(now.moment);
                self.on_inside(now, &Source { route, epoch: head.epoch, opens: None }, &inside);
            }
            None => self.on_unknown_epoch(now, &Source { route, epoch: head.epoch, opens: None }),
        }
    }

    fn on_direct_rendezvous(&mut self, now: Now, route: RouteId, counter: Window, cell: &[u8]) {
        let key = self.link.meeting.as_ref().map(|meeting| meeting.read.cell_key(route, counter, 0));
        let Some(inside) = key.and_then(|key| key.open(cell)) else { return };
        let Some((inside, is_frozen)) = parts::read(inside.get()) else { return };
        if is_frozen {
            self.on_peer_frozen();
        }
        if let Inside::Part(part) = inside
            && let Some(message) = self.link.parts_in.take(&part)
        {
            self.on_rendezvous(now, &message);
        }
    }
}

/// What goes before a cell, inside the connection's own encryption.
struct Head {
    kind: u8,
    epoch: u64,
    hour: Hour,
    counter: Window,
}

impl Head {
    fn frame(&self, cell: &[u8]) -> Vec<u8> {
        let mut frame = Vec::with_capacity(HEAD_OCTETS + cell.len());
        frame.push(self.kind);
        for number in [self.epoch, self.hour.0, self.counter.0] {
            frame.extend(number.to_be_bytes());
        }
        frame.extend_from_slice(cell);
        frame
    }

    fn read(frame: &[u8]) -> Option<(Head, &[u8])> {
        let (head, cell) = frame.split_first_chunk::<HEAD_OCTETS>()?;
        let number = |at: usize| head[at..at + 8].iter().fold(0u64, |n, octet| n << 8 | u64::from(*octet));
        let kind = head[0];
        let head = Head { kind, epoch: number(1), hour: Hour(number(9)), counter: Window(number(17)) };
        (kind <= RENDEZVOUS && cell.len() <= PROMPT_CELL_OCTETS_MAX).then_some((head, cell))
    }
}

const ORDINARY: u8 = 0;
const RENDEZVOUS: u8 = 1;
const HEAD_OCTETS: usize = 25;
/// Twice a status in the life of one, at the default window.
const STATUS_EVERY_MS: u64 = 2_000;
/// A lost connection is noticed sooner than this; what it swallowed is sent again on the next.
const RETRY_MS: u64 = 2_000;
/// Cells that wait for the connection: a megabyte, so that what is urgent never waits behind more.
const FRAMES_AHEAD_MAX: usize = 16;
/// Counters reserved durably at a time: seconds of full speed.
const COUNTERS_RESERVED: u64 = 1 << 17;
const PROMPT_INSIDE_OCTETS: usize = PROMPT_CELL_OCTETS_MAX - CELL_OVERHEAD;
/// A part's cell on a prompt route.
const PART_INSIDE_OCTETS: usize = 4_000;
const _: () = assert!(PROMPT_INSIDE_OCTETS > STATUS_OCTETS);
