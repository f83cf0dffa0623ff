//! What a desk reads at a glance.

use couloir_seal::phrase;
use couloir_wire::cell::Desk;
use couloir_wire::id::EntryId;
use couloir_wire::time::WallTime;

use super::{LinkEngine, Prompt};
use crate::input::Now;
use crate::status::{FileView, PeerView, PostureView, RouteState, RouteView, StatusView};
use crate::steady::{Health, Steady};

/// The comparison phrase, to be read to the other desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhraseView {
    /// Numbers of the seven symbols in `couloir_seal::phrase`.
    pub symbols: [u8; 7],
    /// The same as digits.
    pub digits: String,
}

impl LinkEngine {
    /// The phrase, once first contact is complete.
    pub(super) fn phrase(&self) -> Option<PhraseView> {
        let symbols = self.link.phrase.numbers?;
        let words: Vec<String> = symbols.iter().map(|number| format!("{number:02}")).collect();
        debug_assert!(symbols.iter().all(|number| usize::from(*number) < phrase::symbols().len()));
        Some(PhraseView { symbols, digits: words.join(" ") })
    }

    /// Octets held for the peer: what it said that is not complete.
    pub(super) fn held_octets(&self) -> u64 {
        self.link.recv.held_octets()
    }

    /// The node at a glance, as far as this link shows it; `waiting` own entries wait for a phrase.
    pub(super) fn status(&self, now: Now, waiting: u64) -> StatusView {
        let at = self.time(now);
        let (is_active, since) = self.watch.posture();
        let posture = PostureView {
            is_active,
            since,
            own: self.watch.official().0,
            own_why: self.watch.official_why.clone(),
            peer: self.watch.peer_official().0,
        };
        let steady = self.steady.values().map(|steady| self.steady_view(now, steady));
        let prompt = self.prompt.values().map(|prompt| self.prompt_view(now, prompt));
        StatusView {
            at,
            posture,
            desk: self.watch.desk(),
            clock_off_ms: now.wall - at,
            peers: self.peer_view(now, waiting).into_iter().collect(),
            routes: steady.chain(prompt).chain(self.idle_views()).collect(),
            files: self.file_views(),
        }
    }

    fn peer_view(&self, now: Now, waiting: u64) -> Option<PeerView> {
        let peer = self.party.peer.as_ref()?;
        let life_ms = self.status_life_ms();
        let is_alive = self.hearing.is_alive(now.moment, life_ms);
        let last_heard = self.hearing.last.map(|(_, at)| at);
        let status = self.hearing.status.filter(|_| is_alive);
        let desk =
            status.map_or((Desk::Unknown, last_heard), |status| (status.desk, seconds(status.desk_since_s)));
        let drill = self.watch.drill;
        Some(PeerView {
            link: self.number,
            id: peer.post(),
            node: peer.node,
            side: peer.signet.name.clone(),
            post: peer.certificate.unverified().title.clone(),
            holder: peer.certificate.unverified().holder.clone(),
            in_office_since: peer.certificate.unverified().since(),
            is_alive,
            since: if is_alive { self.hearing.alive_since } else { last_heard },
            last_heard,
            desk,
            hears_us: is_alive && self.hearing.hears_us(now.moment, life_ms),
            verified: (self.watch.is_verified_here, self.watch.is_verified_there),
            frozen: self.link.frozen,
            unacknowledged: self.undelivered.len() as u64 + waiting,
            epoch: self.link.epochs.as_ref().map_or(0, |epochs| epochs.writing()),
            drill_last: drill.map(|drill| WallTime(drill.sent_ms)),
            drill_answered: drill.and_then(|drill| drill.is_answered),
            drill_after_ms: self.watch.drill_after_ms,
        })
    }

    fn steady_view(&self, now: Now, steady: &Steady) -> RouteView {
        let life_ms = steady.status_life_ms();
        RouteView {
            link: self.number,
            spec: steady.spec.clone(),
            state: if steady.is_paused() { RouteState::Paused } else { state(&steady.health, now, life_ms) },
            trouble: steady.health.trouble,
            last_out: steady.health.last_out.map(|(_, at)| at),
            last_in: steady.health.last_in.map(|(_, at)| at),
            delay_ms: steady.health.delay_ms,
            losses: steady.report.count().lost,
            is_searching: steady.phase.is_searching(now.moment)
                && steady.search.as_ref().is_some_and(|search| !search.is_over()),
            id: steady.id(),
        }
    }

    fn prompt_view(&self, now: Now, prompt: &Prompt) -> RouteView {
        let life_ms = self.status_life_ms();
        RouteView {
            link: self.number,
            spec: prompt.spec.clone(),
            state: state(&prompt.health, now, life_ms),
            trouble: prompt.health.trouble,
            last_out: prompt.health.last_out.map(|(_, at)| at),
            last_in: prompt.health.last_in.map(|(_, at)| at),
            delay_ms: prompt.health.delay_ms,
            losses: 0,
            is_searching: false,
            id: prompt.spec.id,
        }
    }

    /// The charter's routes while nothing is served.
    fn idle_views(&self) -> impl Iterator<Item = RouteView> + '_ {
        let specs = self.party.charter().into_iter().flat_map(|charter| &charter.routes);
        specs.filter(|_| !self.is_serving).map(|spec| RouteView {
            link: self.number,
            spec: spec.clone(),
            state: if spec.retired_ms.is_some() { RouteState::Retired } else { RouteState::New },
            trouble: None,
            last_out: None,
            last_in: None,
            delay_ms: None,
            losses: 0,
            is_searching: false,
            id: spec.id,
        })
    }

    fn file_views(&self) -> Vec<FileView> {
        let own = self.files.outgoing.iter().map(|(entry, file)| {
            let done =
                (u128::from(file.done) * u128::from(file.len)).checked_div(u128::from(file.framed_len));
            let done = done.unwrap_or(0) as u64;
            let is_held = self.files.is_held;
            FileView { entry: *entry, is_own: true, done, len: file.len, is_damaged: false, is_held }
        });
        let theirs = self.files.incoming.iter().map(|(entry, file)| FileView {
            entry: *entry,
            is_own: false,
            done: file.done,
            len: file.len,
            is_damaged: false,
            is_held: false,
        });
        let is_coming = |file: &EntryId| self.files.incoming.contains_key(file);
        let damaged =
            self.files.expected.iter().filter(|(file, expected)| expected.is_damaged && !is_coming(file));
        let damaged = damaged.map(|(entry, file)| FileView {
            entry: *entry,
            is_own: false,
            done: file.len,
            len: file.len,
            is_damaged: true,
            is_held: false,
        });
        own.chain(theirs).chain(damaged).collect()
    }
}

fn state(health: &Health, now: Now, life_ms: u64) -> RouteState {
    let is_fresh = |last: Option<(couloir_wire::time::Moment, WallTime)>| {
        last.is_some_and(|(moment, _)| now.moment.since_ms(moment) <= life_ms)
    };
    if !health.is_tried {
        return RouteState::New;
    }
    match (is_fresh(health.last_out) && health.trouble.is_none(), is_fresh(health.last_in)) {
        (true, true) => RouteState::Working,
        (true, false) => RouteState::OutOnly,
        (false, _) => RouteState::Down,
    }
}

fn seconds(since_s: u32) -> Option<WallTime> {
    (since_s > 0).then(|| WallTime(i64::from(since_s) * 1_000))
}
