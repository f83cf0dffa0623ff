//! An engine from what its store remembers.

use std::collections::BTreeMap;
use std::sync::Arc;

use couloir_seal::identity::{SigningKey, node_id};
use couloir_seal::papers::PaperError;
use couloir_seal::rendezvous::End;
use couloir_seal::{CipherSuite, Entropy};
use couloir_wire::cell::{Origin, Stream};
use couloir_wire::entry::DeliveryState;
use couloir_wire::id::EntryId;
use couloir_wire::limits::EPOCH_LINGER_WINDOWS;
use couloir_wire::time::WindowLength;

use super::{Batch, Files, LinkEngine, RecoverError};
use crate::channel::ChannelState;
use crate::input::Now;
use crate::link::{Link, Meeting};
use crate::output::Output;
use crate::party::{Party, PartyError};
use crate::schedule::NodeClock;
use crate::store::{Fetch, LinkNumber, LinkSnapshot, OutboxItem, OutboxRow, StateKey, StoredEntry, Write};
use crate::streams::{RecvStreams, SendStreams};
use crate::talk::Talk;
use crate::timers::{Timer, Timers};
use crate::watch::{Hearing, Watch};

type Recovered<T> = Result<T, RecoverError>;

/// What a link's engine is given besides its store.
pub(super) struct LinkSetup {
    pub number: LinkNumber,
    pub signing: Arc<SigningKey>,
    pub suite: CipherSuite,
    pub seed: [u8; 32],
    /// Own entries that not all readers have, and how far they came.
    pub undelivered: BTreeMap<EntryId, DeliveryState>,
}

impl LinkEngine {
    /// A link as the store remembers it. It only keeps until it serves.
    pub(super) fn recover(now: Now, setup: LinkSetup, mut snapshot: LinkSnapshot) -> Recovered<LinkEngine> {
        let mut take = |key: StateKey| snapshot.states.remove(&key);
        let channel = take(StateKey::Channel).ok_or(RecoverError::Damaged("channel"))?;
        let channel = ChannelState::decode(&channel).map_err(|_| RecoverError::Damaged("channel"))?;
        let party = Party::read(channel).map_err(|error| unreadable(&error))?;
        if party.own.node != node_id(setup.signing.public()) {
            return Err(RecoverError::OtherNode);
        }
        let link_octets = take(StateKey::Link);
        let watch = or_default(take(StateKey::Watch), "watch", Watch::decode)?;
        let files = or_default(take(StateKey::Files), "files", Files::decode)?;
        let is_restored = !snapshot.states.contains_key(&StateKey::SendCursors);
        let link = link(&setup, &party, link_octets, &mut snapshot, now)?;
        let mut entropy = Entropy::from_seed(&setup.seed);
        let carried = snapshot.outbox.iter().filter_map(tag);
        let carried = carried.filter_map(|id| Some((id, *setup.undelivered.get(&id)?))).collect();
        let mut engine = LinkEngine {
            number: setup.number,
            suite: setup.suite,
            instants: entropy.array(),
            // The shell may still hold what an engine before this one armed.
            serials: u64::from(u32::from_be_bytes(entropy.array())) << 20,
            entropy,
            signing: setup.signing,
            party,
            link,
            steady: Default::default(),
            prompt: Default::default(),
            clock: NodeClock::new(now.moment, now.wall),
            is_clock_told: false,
            watch,
            hearing: Hearing::default(),
            talk: Talk::default(),
            undelivered: carried,
            crossing: Vec::new(),
            files,
            timers: Timers::default(),
            stored_routes: routes(&snapshot),
            batch: Batch::default(),
            queue: Default::default(),
            is_serving: false,
            ticks: 0,
        };
        if is_restored {
            engine.lay_out_anew(&snapshot.outbox);
        }
        engine.recover_timers(now);
        engine.begin_life();
        Ok(engine)
    }

    /// What this process says is told apart from what others said that started from the same disk.
    fn begin_life(&mut self) {
        let (said, read) = (self.link.send.ends(), self.link.recv.arrived());
        self.link.lives.begin(Origin { life: self.entropy.array(), said, read });
        self.dirty(StateKey::Link);
    }

    /// A backup has no cursors: what it holds of the outbox begins at offset 0 of each stream.
    fn lay_out_anew(&mut self, rows: &[OutboxRow]) {
        if rows.is_empty() {
            return;
        }
        self.write(Write::OutboxClear(Stream::Control));
        for stream in Stream::ALL.into_iter().skip(1) {
            let of_stream = || rows.iter().filter(|row| row.stream == stream);
            let by = of_stream().next().map_or(0, |row| row.offset);
            if by > 0 {
                self.write(Write::OutboxShift { stream, by });
                self.files.restart(if stream == Stream::Bulk { by } else { 0 });
            }
            for row in of_stream() {
                self.link.send.append_unloaded(stream, row.framed_len, tag(row));
            }
        }
        self.dirty(StateKey::SendCursors);
        self.dirty(StateKey::Files);
    }

    /// Held entries wait their minute again; what they wait for may have come meanwhile.
    pub(super) fn recover_held(&mut self, now: Now, unnumbered: &[StoredEntry]) {
        if !self.talk.expiring.is_empty() {
            self.timers.set(Timer::Expiry, now.moment);
        }
        for stored in unnumbered.iter().filter(|stored| !waits_for_phrase(stored)) {
            let Ok(entry) = couloir_wire::entry::Entry::decode(&stored.encoded) else { continue };
            let missing = self.talk.missing(&entry.parents);
            let released = self.talk.hold.arrive(stored.id, missing, true, now.moment);
            self.appear(&released);
        }
    }

    fn recover_timers(&mut self, now: Now) {
        let erases_at = self.link.epochs.as_ref().and_then(|epochs| epochs.erases_at());
        self.timers.set_if(Timer::EraseEpoch, erases_at);
        if self.watch.is_drilling() {
            self.timers.set(Timer::DrillEnds, now.moment);
        }
        let whole = self.files.incoming.iter().filter(|(_, file)| file.done == file.len);
        let whole = whole.map(|(file, _)| Output::Fetch(self.number, Fetch::FileDigest(*file)));
        let whole = whole.collect::<Vec<_>>();
        self.batch.after.extend(whole);
        self.fetch_owed();
    }
}

fn unreadable(error: &PartyError) -> RecoverError {
    match error {
        PartyError::Paper(PaperError::TooFew { signed, needed, .. }) => {
            RecoverError::NotCertified { signed: *signed, needed: *needed }
        }
        _ => RecoverError::Damaged("papers"),
    }
}

/// Own entries without a number were said before the phrase was compared, but for those that a peer
/// gave back and that are held.
fn waits_for_phrase(stored: &StoredEntry) -> bool {
    stored.is_own && stored.state == couloir_wire::entry::DeliveryState::Kept
}

fn or_default<T: Default>(
    octets: Option<Vec<u8>>,
    what: &'static str,
    decode: impl FnOnce(&[u8]) -> Option<T>,
) -> Recovered<T> {
    match octets {
        None => Ok(T::default()),
        Some(octets) => decode(&octets).ok_or(RecoverError::Damaged(what)),
    }
}

fn routes(snapshot: &LinkSnapshot) -> std::collections::BTreeMap<couloir_wire::id::RouteId, Vec<u8>> {
    let states = snapshot.states.iter();
    let of_route = |(key, octets): (&StateKey, &Vec<u8>)| match key {
        StateKey::Route(route) => Some((*route, octets.clone())),
        _ => None,
    };
    states.filter_map(of_route).collect()
}

fn link(
    setup: &LinkSetup,
    party: &Party,
    octets: Option<Vec<u8>>,
    snapshot: &mut LinkSnapshot,
    now: Now,
) -> Recovered<Link> {
    let mut link = Link::new();
    let linger_ms = EPOCH_LINGER_WINDOWS * WindowLength::DEFAULT.ms();
    if octets.is_some_and(|octets| !link.restore(&octets, now.moment + linger_ms)) {
        return Err(RecoverError::Damaged("link"));
    }
    link.meeting = meeting(setup, party);
    let send = snapshot.states.remove(&StateKey::SendCursors);
    let recv = snapshot.states.remove(&StateKey::RecvCursors);
    link.send = match send {
        // A restored backup: the streams are laid out anew.
        None => SendStreams::new(),
        Some(octets) => restore_outbox(&octets, &snapshot.outbox)?,
    };
    let partials = std::mem::take(&mut snapshot.partials);
    link.recv = match recv {
        None => RecvStreams::new(),
        Some(octets) => {
            RecvStreams::restore(&octets, &partials).map_err(|_| RecoverError::Damaged("partials"))?
        }
    };
    Ok(link)
}

fn restore_outbox(cursors: &[u8], rows: &[OutboxRow]) -> Recovered<SendStreams> {
    let mut send = SendStreams::restore(cursors).map_err(|_| RecoverError::Damaged("cursors"))?;
    for row in rows {
        let restored = send.restore_message(row.stream, row.offset, row.framed_len, tag(row), None);
        restored.map_err(|_| RecoverError::Damaged("outbox"))?;
    }
    Ok(send)
}

fn tag(row: &OutboxRow) -> Option<EntryId> {
    match row.what {
        OutboxItem::Entry(id) => Some(id),
        OutboxItem::Message(_) | OutboxItem::File { .. } => None,
    }
}

fn meeting(setup: &LinkSetup, party: &Party) -> Option<Meeting> {
    let (secret, end) = (party.rendezvous()?, party.end()?);
    let key = |from: End| secret.hour_key(setup.suite, from);
    let (write, read) = (key(end), key(end.other()));
    Some(Meeting { write, read, secret })
}
