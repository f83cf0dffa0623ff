//! The oracle: who said what, when, and what that means for every log. It shares the entry format
//! with the engine and no code.

use std::collections::{BTreeMap, BTreeSet};

use couloir_engine::Write;
use couloir_engine::store::StoredEntry;
use couloir_wire::entry::{
    AnnouncementAct, Body, CaseAct, DeliveryState, Entry, MeetingAct, Note, Precedence, SwapAct,
};
use couloir_wire::id::EntryId;

use crate::checks::{Check, Verdict, require};
use crate::memory_store::MemoryStore;
use crate::world::EPOCH;

/// One thing that a user said, or tried to.
pub struct Said {
    /// The machine at which.
    pub machine: usize,
    /// When, in simulated milliseconds.
    pub at_ms: u64,
    /// What.
    pub body: Body,
    /// How urgent.
    pub precedence: Precedence,
    /// Whether it expires.
    pub expires: bool,
    /// Its id, once known.
    pub id: Option<EntryId>,
    /// The entry before it in its author's log.
    pub before: Option<EntryId>,
    /// Whether the engine said that it is durable.
    pub is_acknowledged: bool,
    /// Whether it was durable at its author's at any time.
    pub was_kept: bool,
    /// Whether it may be missing: its author's disk was lost before anybody else had it.
    pub is_excused: bool,
    /// Machines of the peer that had it durably at any time.
    pub held_by: BTreeSet<usize>,
    /// Machines that displayed it.
    pub shown_by: BTreeSet<usize>,
    /// When it came into the peer's log first.
    pub arrived_ms: Option<u64>,
}

/// The oracle.
#[derive(Default)]
pub struct Model {
    said: Vec<Said>,
    by_id: BTreeMap<EntryId, usize>,
    /// Octets of files, by token.
    pub files: BTreeMap<usize, Vec<u8>>,
    /// Which post each machine holds.
    pub posts: Vec<usize>,
    /// Whether a gap would be a failure.
    pub is_gap_forbidden: bool,
    /// Whether no clock is ever wrong.
    pub are_clocks_right: bool,
    /// Entries shown with a gap.
    pub gaps: u64,
    /// Entries that arrived at the peer.
    pub arrived: u64,
    /// Longest time from said to arrived, in milliseconds.
    pub wait_ms_max: u64,
}

impl Model {
    /// A model of machines that hold these posts.
    pub fn new(posts: Vec<usize>) -> Model {
        Model { posts, ..Model::default() }
    }

    /// Something is about to be said; its token.
    pub fn say(
        &mut self,
        machine: usize,
        at_ms: u64,
        body: Body,
        precedence: Precedence,
        expires: bool,
    ) -> u64 {
        self.said.push(Said {
            machine,
            at_ms,
            body,
            precedence,
            expires,
            id: None,
            before: None,
            is_acknowledged: false,
            was_kept: false,
            is_excused: false,
            held_by: BTreeSet::new(),
            shown_by: BTreeSet::new(),
            arrived_ms: None,
        });
        self.said.len() as u64 - 1
    }

    /// The token that the next thing said will have.
    pub fn next_token(&self) -> u64 {
        self.said.len() as u64
    }

    /// All that was said or tried.
    pub fn said(&self) -> &[Said] {
        &self.said
    }

    /// The engine acknowledged `token` under `id`; `store` is what is durable then.
    pub fn acknowledged(&mut self, token: u64, id: EntryId, store: &MemoryStore) -> Verdict {
        let is_durable = store.entry(id).is_some();
        require(Check::KeptBeforeSaid, is_durable, || format!("{id} was acknowledged and is not durable"))?;
        let Some(said) = self.said.get_mut(token as usize) else {
            return Err((Check::AsSaid, format!("token {token} was never given")));
        };
        let is_same = said.id.is_none_or(|known| known == id);
        require(Check::AsSaid, is_same, || format!("token {token} came back with another id"))?;
        said.is_acknowledged = true;
        Ok(())
    }

    /// The desk of `machine` displayed `ids`.
    pub fn shown(&mut self, machine: usize, ids: &[EntryId]) {
        for id in ids {
            if let Some(index) = self.by_id.get(id) {
                self.said[*index].shown_by.insert(machine);
            }
        }
    }

    /// `machine` is about to make `write` durable in `store`.
    pub fn check_write(
        &mut self,
        machine: usize,
        now_ms: u64,
        store: &MemoryStore,
        write: &Write,
    ) -> Verdict {
        match write {
            Write::Entry(entry) => self.check_entry(machine, now_ms, store, entry),
            Write::EntryAppears { id, number, has_gap } => {
                self.check_appears(machine, now_ms, store, *id, (*number, *has_gap))
            }
            Write::EntryState(id, state) => self.check_state(machine, store, *id, *state),
            Write::EntryExpires(id) => self.check_expiry(now_ms, store, *id),
            _ => Ok(()),
        }
    }

    fn check_entry(
        &mut self,
        machine: usize,
        now_ms: u64,
        store: &MemoryStore,
        stored: &StoredEntry,
    ) -> Verdict {
        let entry = Entry::decode(&stored.encoded).map_err(|error| (Check::AsSaid, error.to_string()))?;
        let index = self.identify(&entry)?;
        require(Check::Once, store.entry(entry.id).is_none(), || format!("{} is kept twice", entry.id))?;
        self.check_author(machine, index, stored)?;
        self.by_id.insert(entry.id, index);
        let last = store.log().next_back().map(|(_, last)| last.id);
        let said = &mut self.said[index];
        if said.id.is_none() {
            said.id = Some(entry.id);
            said.before = last;
        }
        if stored.is_own {
            said.was_kept = true;
        } else {
            said.held_by.insert(machine);
        }
        match stored.number {
            Some(number) => self.check_appears(machine, now_ms, store, stored.id, (number, stored.has_gap)),
            None => Ok(()),
        }
    }

    /// Finds what was said by the token that it carries, and compares.
    fn identify(&self, entry: &Entry) -> Result<usize, (Check, String)> {
        let nobody = || (Check::AsSaid, format!("nobody said {}", entry.id));
        let index = token_of(&entry.body).map(|token| token as usize).or_else(|| self.same_said(entry));
        let index = index.ok_or_else(nobody)?;
        let said = self.said.get(index).ok_or_else(nobody)?;
        let is_same = said.body == entry.body && said.precedence == entry.precedence;
        require(Check::AsSaid, is_same, || format!("{} is not as it was said (token {index})", entry.id))?;
        let is_only = said.id.is_none_or(|id| id == entry.id);
        require(Check::Once, is_only, || format!("token {index} exists under two ids"))?;
        Ok(index)
    }

    /// What carries no token is known by being the only such thing; said again, by its id.
    fn same_said(&self, entry: &Entry) -> Option<usize> {
        let is_it = |said: &Said| said.body == entry.body && said.id.is_none_or(|id| id == entry.id);
        let known = self.by_id.get(&entry.id).copied();
        known.or_else(|| self.said.iter().position(is_it))
    }

    fn check_author(&self, machine: usize, index: usize, stored: &StoredEntry) -> Verdict {
        let (author, reader) = (self.posts.get(self.said[index].machine), self.posts.get(machine));
        let is_right = (author == reader) == stored.is_own;
        require(Check::AsSaid, is_right, || format!("{} is under a wrong author", stored.id))
    }

    fn check_appears(
        &mut self,
        machine: usize,
        now_ms: u64,
        store: &MemoryStore,
        id: EntryId,
        (number, has_gap): (u64, bool),
    ) -> Verdict {
        let Some(index) = self.by_id.get(&id).copied() else {
            return Err((Check::AsSaid, format!("{id} appears and was never kept")));
        };
        let last = store.log().next_back().map_or(0, |(last, _)| last);
        let is_after = number > last || store.log().next().is_none();
        require(Check::Numbers, is_after, || format!("{id} got number {number} after {last}"))?;
        let is_new = store.entry(id).is_none_or(|entry| entry.number.is_none());
        require(Check::Once, is_new, || format!("{id} appears twice"))?;
        self.gaps += u64::from(has_gap);
        let overtakes = self.said[index].precedence == Precedence::Flash;
        let is_fine = !has_gap || overtakes || !self.is_gap_forbidden;
        require(Check::NoGap, is_fine, || format!("{id} is shown with a gap"))?;
        if !has_gap {
            self.check_before(store, index, id)?;
        }
        self.note_arrival(machine, now_ms, index);
        Ok(())
    }

    /// What its author's log had before it must be in this log, unless it expired.
    fn check_before(&self, store: &MemoryStore, index: usize, id: EntryId) -> Verdict {
        let Some(before) = self.said[index].before else { return Ok(()) };
        let may_be_gone = self.by_id.get(&before).is_some_and(|index| self.said[*index].expires);
        let is_there = store.entry(before).is_some_and(|entry| entry.number.is_some());
        require(Check::Order, is_there || may_be_gone, || format!("{id} is shown without {before} before it"))
    }

    fn note_arrival(&mut self, machine: usize, now_ms: u64, index: usize) {
        let is_peer = self.posts.get(machine) != self.posts.get(self.said[index].machine);
        let said = &mut self.said[index];
        if is_peer && said.arrived_ms.is_none() {
            said.arrived_ms = Some(now_ms);
            self.arrived += 1;
            self.wait_ms_max = self.wait_ms_max.max(now_ms - said.at_ms);
        }
    }

    fn check_state(&self, machine: usize, store: &MemoryStore, id: EntryId, state: DeliveryState) -> Verdict {
        let Some(said) = self.by_id.get(&id).map(|index| &self.said[*index]) else {
            return Err((Check::AsSaid, format!("{id} changes state and was never kept")));
        };
        let held = store.entry(id).map(|entry| entry.state);
        require(Check::StatesForward, held.is_none_or(|held| held <= state), || {
            format!("{id} goes from {held:?} to {state:?}")
        })?;
        let is_own = self.posts.get(machine) == self.posts.get(said.machine);
        // What expired on its way travels as zeros, and these are acknowledged.
        let is_there = !said.held_by.is_empty() || said.expires || state < DeliveryState::Delivered;
        require(Check::DeliveredIsThere, !is_own || is_there, || {
            format!("{id} is {state:?} and the peer has not got it")
        })?;
        let is_seen = !said.shown_by.is_empty() || state < DeliveryState::Shown;
        require(Check::DeliveredIsThere, !is_own || is_seen, || {
            format!("{id} is shown and nobody displayed it")
        })
    }

    fn check_expiry(&self, now_ms: u64, store: &MemoryStore, id: EntryId) -> Verdict {
        let expires = self.by_id.get(&id).is_some_and(|index| self.said[*index].expires);
        require(Check::KeptForGood, expires, || format!("{id} expired and has no expiry"))?;
        let entry = store.entry(id).and_then(|stored| Entry::decode(&stored.encoded).ok());
        let latest = EPOCH.shifted(now_ms as i64 + CLOCK_SLACK_MS);
        let is_due = entry.and_then(|entry| entry.expires_ms).is_none_or(|at_ms| at_ms <= latest.0);
        require(Check::Expires, is_due || !self.are_clocks_right, || format!("{id} expired before its time"))
    }

    /// What `store` holds although it expired more than an hour before `now_ms`, in words.
    pub fn overdue(store: &MemoryStore, now_ms: u64) -> Vec<String> {
        let limit = EPOCH.shifted(now_ms as i64 - EXPIRED_WITHIN_MS);
        let expiry = |stored: &StoredEntry| Entry::decode(&stored.encoded).ok()?.expires_ms;
        let is_overdue = |stored: &&StoredEntry| expiry(stored).is_some_and(|at_ms| at_ms < limit.0);
        store.entries().filter(is_overdue).take(MISSING_SHOWN).map(|stored| stored.id.to_string()).collect()
    }

    /// A machine has lost its disk; what none of `stores` holds now is gone for good.
    pub fn disk_replaced(&mut self, stores: &[&MemoryStore]) {
        for (index, said) in self.said.iter_mut().enumerate() {
            let is_anywhere = |id| stores.iter().any(|store| store.entry(id).is_some());
            said.is_excused |= said.id.is_some_and(|id| !is_anywhere(id));
            // A file's octets may be gone although its entry is not.
            let is_whole = |store: &&MemoryStore, id, file: &Vec<u8>| {
                store.has_own_file(id) || store.received_file(id) == *file
            };
            let has_body = |id, file| stores.iter().any(|store| is_whole(store, id, file));
            if said.id.zip(self.files.get(&index)).is_some_and(|(id, file)| !has_body(id, file)) {
                self.files.remove(&index);
            }
        }
    }

    /// What is not yet where it must be, in words; at most a few of them.
    pub fn missing(&self, machine: usize, store: &MemoryStore) -> Vec<String> {
        let is_due =
            |said: &&Said| (said.was_kept || said.is_acknowledged) && !said.is_excused && !said.expires;
        let lacks = |(index, said): (usize, &Said)| self.lack(machine, store, index, said);
        let due = self.said.iter().enumerate().filter(|(_, said)| is_due(said));
        due.filter_map(lacks).take(MISSING_SHOWN).collect()
    }

    fn lack(&self, machine: usize, store: &MemoryStore, index: usize, said: &Said) -> Option<String> {
        let id = said.id?;
        let is_author = self.posts.get(machine) == self.posts.get(said.machine);
        let Some(entry) = store.entry(id) else {
            return Some(format!("machine {machine} lacks {id} (token {index}, {:?})", said.precedence));
        };
        if entry.number.is_none() {
            return Some(format!("machine {machine} holds {id} (token {index}) back"));
        }
        if is_author && entry.state < DeliveryState::Delivered {
            return Some(format!("machine {machine} has {id} (token {index}) as {:?}", entry.state));
        }
        let file = self.files.get(&index).filter(|_| !is_author)?;
        let received = store.received_file(id);
        let is_whole = &received == file;
        (!is_whole).then(|| {
            format!("machine {machine} has {} of {} octets of file {id}", received.len(), file.len())
        })
    }

    /// Things said that count.
    pub fn said_count(&self) -> u64 {
        self.said.iter().filter(|said| said.is_acknowledged).count() as u64
    }
}

/// The token in what a simulated user says.
pub fn token_of(body: &Body) -> Option<u64> {
    match body {
        Body::Note(Note { text, .. }) | Body::File { name: text, .. } | Body::Edit { text, .. } => {
            leading(text)
        }
        Body::Answer { deferred_until_ms, .. } => {
            (*deferred_until_ms)?.checked_sub(ANSWER_BASE_MS)?.try_into().ok()
        }
        Body::Case { act, .. } => leading(match act {
            CaseAct::Raise(file) => &file.title,
            CaseAct::Status(report) => &report.text,
            CaseAct::Answer(report) => &report.text,
            CaseAct::Remark { text } | CaseAct::Close { why: text } => text,
            _ => "",
        }),
        Body::Swap { act: SwapAct::Propose { subject: text, .. } | SwapAct::Abort { why: text }, .. } => {
            leading(text)
        }
        Body::Meeting { act, .. } => leading(match act {
            MeetingAct::Propose(plan) | MeetingAct::Counter(plan) => &plan.subject,
            MeetingAct::Cancel { why: text } | MeetingAct::Held { remark: text, .. } => text,
            MeetingAct::Accept { .. } => "",
        }),
        Body::Announcement { act, .. } => leading(match act {
            AnnouncementAct::Propose(line) | AnnouncementAct::Counter(line) => &line.subject,
            AnnouncementAct::Decline { why: text } | AnnouncementAct::Published { at_place: text, .. } => {
                text
            }
            AnnouncementAct::Agree { .. } => "",
        }),
        _ => None,
    }
}

/// The token that a text begins with.
fn leading(text: &str) -> Option<u64> {
    text.get(..8).and_then(|digits| u64::from_str_radix(digits, 16).ok())
}

/// Answers carry their token as a time after this one.
pub const ANSWER_BASE_MS: i64 = 4_000_000_000_000;
const MISSING_SHOWN: usize = 5;
/// Nodes take the time of relays, which may be so far away.
const CLOCK_SLACK_MS: i64 = 10_000;
/// Clocks are corrected, so a node looks every hour at least.
const EXPIRED_WITHIN_MS: i64 = 65 * 60_000;
