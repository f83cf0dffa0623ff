//! Both ends of a link over three bad routes, beside a model that only knows what was said.

use super::super::*;
use super::*;
use couloir_wire::cell::Ack;
use couloir_wire::limits::STREAMS;
use std::collections::{BTreeMap, BTreeSet};

/// A message as the model knows it: its framed octets and its number.
struct Said {
    framed: Vec<u8>,
    number: u64,
}

/// A cell on its way.
struct Flight {
    route: usize,
    carries: Vec<Carry>,
    fragments: Vec<Fragment>,
}

/// What the reader's disk holds.
#[derive(Default, Clone)]
struct Disk {
    cursors: Vec<u8>,
    partials: BTreeMap<(Stream, u64), Vec<u8>>,
    heard: Vec<Message>,
}

struct World {
    dice: Dice,
    desk: Desk,
    reader: RecvStreams,
    disk: Disk,
    /// Messages that went up since the last time the disk was written.
    fresh: Vec<Message>,
    said: [BTreeMap<u64, Said>; STREAMS],
    numbers: u64,
    flights: Vec<Flight>,
    acks: Vec<Ack>,
    /// Tags told as acknowledged, and those of them that the writer's stored cursors cover.
    delivered: BTreeSet<EntryId>,
    delivered_stored: BTreeSet<EntryId>,
    carried: BTreeSet<EntryId>,
    cursors: Vec<u8>,
    /// Whether a new incarnation has made the writer forget what was acknowledged beyond its base.
    may_tell_again: bool,
}

#[test]
fn everything_arrives_once_whatever_the_routes_and_the_machines_do() {
    for seed in 0..200 {
        let mut world = World::new(seed);
        for _ in 0..400 {
            world.step();
            assert!(
                world.reader.held_octets() <= Stream::ALL.into_iter().map(credit_of).sum(),
                "seed {seed}"
            );
        }
        world.heal();
        world.check_heard(seed);
    }
}

#[test]
fn everything_unacknowledged_arrives_in_the_next_incarnation() {
    for seed in 0..100 {
        let mut world = World::new(1_000 + seed);
        (0..200).for_each(|_| world.step());
        world.heard_before_restart();
        world.restart();
        (0..100).for_each(|_| world.step());
        world.heal();
        world.check_heard(seed);
    }
}

impl World {
    fn new(seed: u64) -> World {
        let desk = Desk::new();
        let cursors = desk.streams.cursors();
        let mut reader = RecvStreams::new();
        let disk = Disk { cursors: reader.take_changes().cursors, ..Disk::default() };
        World {
            dice: Dice::new(seed),
            desk,
            reader,
            disk,
            fresh: Vec::new(),
            said: Default::default(),
            numbers: 0,
            flights: Vec::new(),
            acks: Vec::new(),
            delivered: BTreeSet::new(),
            delivered_stored: BTreeSet::new(),
            carried: BTreeSet::new(),
            cursors,
            may_tell_again: false,
        }
    }

    fn step(&mut self) {
        self.desk.now_ms += self.dice.below(3_000);
        match self.dice.below(40) {
            0..6 => self.say(),
            6..16 => self.pack(),
            16..27 => self.arrive(),
            27..30 => self.lose(),
            30..34 => self.sync_reader(),
            34..37 => self.hear_ack(),
            37 => self.load(),
            38 if self.dice.is_one_in(4) => self.kill_reader(),
            39 if self.dice.is_one_in(4) => self.kill_writer(),
            _ => self.store_writer(),
        }
    }

    fn say(&mut self) {
        let stream = Stream::ALL[self.dice.below(STREAMS as u64) as usize];
        for _ in 0..1 + self.dice.below(5) {
            let len = match self.dice.below(8) {
                0 => 1 + self.dice.below(60_000),
                1 => 8,
                _ => 8 + self.dice.below(700),
            };
            self.numbers += 1;
            let mut message = self.numbers.to_be_bytes().repeat(len as usize / 8 + 1);
            message.truncate(len as usize);
            let tag = self.tag_of(self.numbers);
            let offset = self.desk.streams.end(stream);
            let framed = framed(&message);
            if self.dice.is_one_in(5) {
                self.desk.streams.append_unloaded(stream, framed.len() as u64, Some(tag));
            } else {
                let appended = self.desk.streams.append(stream, &message, Some(tag));
                assert_eq!(appended, Appended { offset, framed_len: framed.len() as u64 });
            }
            self.said[stream.index()].insert(offset, Said { framed, number: self.numbers });
        }
        self.store_writer();
    }

    fn tag_of(&self, number: u64) -> EntryId {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&number.to_be_bytes());
        EntryId(id)
    }

    fn pack(&mut self) {
        let route = self.dice.below(3) as usize;
        let placement = Placement {
            level: self.dice.next().trailing_zeros().min(5) as u8,
            is_prompt: route == 2,
            ..self.desk.placement(route, 0)
        };
        let room = [40, 400, 2_000, 16_000][self.dice.below(4) as usize];
        let (carries, fragments) = self.desk.pack_as(placement, room);
        for fragment in &fragments {
            let limit = self.desk.streams.base(fragment.stream) + credit_of(fragment.stream);
            assert!(fragment.offset + fragment.octets.len() as u64 <= limit);
        }
        self.flights.push(Flight { route, carries, fragments });
    }

    fn arrive(&mut self) {
        if self.flights.is_empty() {
            return;
        }
        let i = self.dice.below(self.flights.len() as u64) as usize;
        let carried = self.desk.streams.stored(&self.flights[i].carries);
        for tag in carried {
            assert!(self.carried.insert(tag), "carried twice");
        }
        let fragments = match self.dice.is_one_in(4) {
            true => self.flights[i].fragments.clone(),
            false => self.flights.swap_remove(i).fragments,
        };
        for fragment in fragments {
            let stream = fragment.stream;
            let up = self.reader.receive(fragment).expect("the writer is honest");
            assert!(up.iter().all(|message| message.stream == stream));
            self.fresh.extend(up);
        }
    }

    fn lose(&mut self) {
        if let Some(flight) = self.flights.pop()
            && self.dice.is_one_in(2)
        {
            self.desk.streams.failed(flight.route, &flight.carries);
        }
    }

    fn sync_reader(&mut self) {
        let changes = self.reader.take_changes();
        self.disk.cursors = changes.cursors;
        for (stream, offset, octets) in changes.partials_put {
            self.disk.partials.insert((stream, offset), octets);
        }
        for gone in changes.partials_gone {
            assert!(self.disk.partials.remove(&gone).is_some());
        }
        self.disk.heard.append(&mut self.fresh);
        self.acks.extend(self.reader.acks());
    }

    fn hear_ack(&mut self) {
        if self.acks.is_empty() {
            return;
        }
        let i = self.dice.below(self.acks.len() as u64) as usize;
        let ack = self.acks[i].clone();
        for tag in self.desk.streams.acknowledge(&ack).expect("the reader is honest") {
            assert!(self.delivered.insert(tag) || self.may_tell_again, "told twice");
        }
    }

    fn load(&mut self) {
        let Some(wanted) = self.desk.streams.wanted() else { return };
        self.desk.streams.asked(&wanted);
        let (mut octets, mut starts) = (Vec::new(), Vec::new());
        for (offset, said) in self.said[wanted.stream.index()].range(wanted.offset..) {
            if octets.len() as u64 >= wanted.len_max {
                break;
            }
            starts.push(*offset);
            octets.extend_from_slice(&said.framed);
        }
        assert_eq!(starts.first(), Some(&wanted.offset), "what is wanted starts with a message");
        self.desk.streams.load(wanted.stream, wanted.offset, &octets, &starts).expect("it is there");
    }

    fn kill_reader(&mut self) {
        let partials: Vec<_> =
            self.disk.partials.iter().map(|(at, octets)| (at.0, at.1, octets.clone())).collect();
        self.reader = RecvStreams::restore(&self.disk.cursors, &partials).expect("just written");
        self.fresh.clear();
    }

    fn store_writer(&mut self) {
        self.cursors = self.desk.streams.cursors();
        self.delivered_stored = self.delivered.clone();
    }

    fn kill_writer(&mut self) {
        let mut streams = SendStreams::restore(&self.cursors).expect("just written");
        for stream in Stream::ALL {
            for (offset, said) in &self.said[stream.index()] {
                let (len, tag) = (said.framed.len() as u64, self.tag_of(said.number));
                streams.restore_message(stream, *offset, len, Some(tag), None).expect("in order");
            }
        }
        let open = self.numbers as usize - self.delivered_stored.len();
        assert!(streams.tags_unacknowledged() == open || self.may_tell_again);
        self.desk.streams = streams;
        self.delivered = self.delivered_stored.clone();
        self.carried.clear();
        self.flights.clear();
    }

    /// From here on the routes and machines work.
    fn heal(&mut self) {
        for _ in 0..10_000 {
            if self.desk.streams.unacknowledged() == 0 {
                break;
            }
            self.desk.now_ms += 2_000;
            self.load();
            self.pack();
            while !self.flights.is_empty() {
                self.arrive();
            }
            self.acks.clear();
            self.sync_reader();
            while let Some(ack) = self.acks.pop() {
                let tags = self.desk.streams.acknowledge(&ack).expect("the reader is honest");
                self.delivered.extend(tags);
            }
        }
        assert_eq!((self.desk.streams.unacknowledged(), self.desk.streams.tags_unacknowledged()), (0, 0));
        assert_eq!(self.delivered.len() as u64, self.numbers);
        assert_eq!((self.reader.held_octets(), self.disk.partials.len()), (0, 0));
    }

    fn check_heard(&self, seed: u64) {
        let mut once = BTreeSet::new();
        let mut last = [None; STREAMS];
        for message in &self.disk.heard {
            let said = self.said[message.stream.index()].get(&message.offset).expect("was said");
            assert_eq!(framed(&message.octets), said.framed, "seed {seed}");
            assert!(once.insert((message.stream, message.offset)), "seed {seed}: heard twice");
            if matches!(message.stream, Stream::Control | Stream::Bulk) {
                assert!(last[message.stream.index()] < Some(message.offset), "seed {seed}: out of order");
                last[message.stream.index()] = Some(message.offset);
            }
        }
        let said: usize = self.said.iter().map(BTreeMap::len).sum();
        assert_eq!(once.len(), said, "seed {seed}: lost");
    }

    /// What was wholly acknowledged before a new incarnation was heard before it.
    fn heard_before_restart(&mut self) {
        self.sync_reader();
        let heard: BTreeSet<_> = self.disk.heard.iter().map(|m| (m.stream, m.offset)).collect();
        for stream in Stream::ALL {
            let base = self.desk.streams.base(stream);
            let below = self.said[stream.index()].range(..base);
            assert!(below.into_iter().all(|(offset, _)| heard.contains(&(stream, *offset))));
        }
    }

    fn restart(&mut self) {
        let falls = self.desk.streams.restart();
        for (stream, fall) in Stream::ALL.into_iter().zip(falls) {
            let said = core::mem::take(&mut self.said[stream.index()]);
            let kept = said.into_iter().filter(|(offset, _)| *offset >= fall && stream != Stream::Control);
            self.said[stream.index()] = kept.map(|(offset, said)| (offset - fall, said)).collect();
        }
        let open: BTreeSet<_> = self.said.iter().flat_map(BTreeMap::values).map(|said| said.number).collect();
        let gone: Vec<_> = (1..=self.numbers).filter(|n| !open.contains(n)).map(|n| self.tag_of(n)).collect();
        self.delivered.extend(gone);
        self.may_tell_again = true;
        self.disk = Disk::default();
        self.reader = RecvStreams::new();
        self.sync_reader();
        self.flights.clear();
        self.acks.clear();
        self.fresh.clear();
        self.store_writer();
    }
}
