//! Causal order: an entry waits for what its author had seen, for a while (PROTOCOL §7.2).
//!
//! *Arrival.* An entry whose parents are all in the log goes up at once. *Waiting.* Else it is held for
//! [`PARENT_WAIT_MS`] from its arrival, flash not at all. *Release.* When its last missing parent
//! goes up, it follows in the same step; when its time is over, or more than [`HELD_ENTRIES_MAX`]
//! wait, it goes up with a visible gap.

use std::collections::{BTreeMap, BTreeSet};

use couloir_wire::id::EntryId;
use couloir_wire::limits::{HELD_ENTRIES_MAX, PARENT_WAIT_MS};
use couloir_wire::time::Moment;

/// Entries that wait for their parents.
#[derive(Debug, Default)]
pub struct Hold {
    waiting: BTreeMap<EntryId, Waiting>,
    /// By missing parent: who waits for it.
    children: BTreeMap<EntryId, BTreeSet<EntryId>>,
    /// By deadline and arrival, so that what expires together goes up as it came.
    deadlines: BTreeSet<(Moment, u64, EntryId)>,
    arrivals: u64,
}

#[derive(Debug)]
struct Waiting {
    deadline: Moment,
    arrival: u64,
    missing: BTreeSet<EntryId>,
}

/// An entry that goes into the log now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// The entry.
    pub id: EntryId,
    /// Whether a parent of it is still missing.
    pub has_gap: bool,
}

impl Hold {
    /// An entry arrived whose parents `missing` are not in the log; returns what goes up, in order.
    pub fn arrive(
        &mut self,
        id: EntryId,
        missing: BTreeSet<EntryId>,
        waits: bool,
        now: Moment,
    ) -> Vec<Release> {
        if missing.is_empty() || !waits {
            return self.go_up(Release { id, has_gap: !missing.is_empty() });
        }
        self.arrivals += 1;
        let (deadline, arrival) = (now + PARENT_WAIT_MS, self.arrivals);
        missing.iter().for_each(|parent| {
            self.children.entry(*parent).or_default().insert(id);
        });
        self.deadlines.insert((deadline, arrival, id));
        self.waiting.insert(id, Waiting { deadline, arrival, missing });
        if self.waiting.len() > HELD_ENTRIES_MAX { self.release_oldest() } else { Vec::new() }
    }

    /// The earliest time at which somebody has waited long enough.
    pub fn deadline(&self) -> Option<Moment> {
        self.deadlines.first().map(|(deadline, ..)| *deadline)
    }

    /// Lets go up who has waited long enough.
    pub fn expire(&mut self, now: Moment) -> Vec<Release> {
        let mut released = Vec::new();
        while self.deadline().is_some_and(|deadline| deadline <= now) {
            released.extend(self.release_oldest());
        }
        released
    }

    /// Who waits.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn release_oldest(&mut self) -> Vec<Release> {
        let Some((_, _, id)) = self.deadlines.first().copied() else { return Vec::new() };
        self.forget(id);
        self.go_up(Release { id, has_gap: true })
    }

    /// `first` goes up, and after it everybody who waited for nothing else, oldest arrival first.
    fn go_up(&mut self, first: Release) -> Vec<Release> {
        let mut released = vec![first];
        let mut next = 0;
        while let Some(Release { id, .. }) = released.get(next).copied() {
            next += 1;
            let mut ready = self.satisfied_by(id);
            ready.sort_unstable();
            for (_, child) in ready {
                self.forget(child);
                released.push(Release { id: child, has_gap: false });
            }
        }
        released
    }

    fn satisfied_by(&mut self, parent: EntryId) -> Vec<(u64, EntryId)> {
        let children = self.children.remove(&parent).unwrap_or_default();
        let mut ready = Vec::new();
        for child in children {
            let Some(waiting) = self.waiting.get_mut(&child) else { continue };
            waiting.missing.remove(&parent);
            if waiting.missing.is_empty() {
                ready.push((waiting.arrival, child));
            }
        }
        ready
    }

    fn forget(&mut self, id: EntryId) {
        let Some(waiting) = self.waiting.remove(&id) else { return };
        self.deadlines.remove(&(waiting.deadline, waiting.arrival, id));
        for parent in waiting.missing {
            if let Some(children) = self.children.get_mut(&parent) {
                children.remove(&id);
            }
            if self.children.get(&parent).is_some_and(BTreeSet::is_empty) {
                self.children.remove(&parent);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> EntryId {
        EntryId([n; 16])
    }

    fn ids<const N: usize>(ns: [u8; N]) -> BTreeSet<EntryId> {
        ns.map(id).into()
    }

    fn released(releases: Vec<Release>) -> Vec<(u8, bool)> {
        releases.iter().map(|release| (release.id.0[0], release.has_gap)).collect()
    }

    #[test]
    fn children_follow_their_parent_in_the_order_in_which_they_came() {
        let mut hold = Hold::default();
        assert!(hold.arrive(id(3), ids([2]), true, Moment(0)).is_empty());
        assert!(hold.arrive(id(2), ids([1]), true, Moment(1)).is_empty());
        assert!(hold.arrive(id(4), ids([1]), true, Moment(2)).is_empty());
        let up = released(hold.arrive(id(1), ids([]), true, Moment(3)));
        assert_eq!(up, [(1, false), (2, false), (4, false), (3, false)]);
        assert!(hold.is_empty() && hold.deadline().is_none() && hold.children.is_empty());
    }

    #[test]
    fn a_missing_parent_holds_its_child_for_a_minute_and_flash_not_at_all() {
        let mut hold = Hold::default();
        assert_eq!(released(hold.arrive(id(9), ids([8]), false, Moment(0))), [(9, true)]);
        hold.arrive(id(2), ids([1]), true, Moment(5));
        hold.arrive(id(3), ids([2]), true, Moment(6));
        assert!(hold.expire(Moment(4 + PARENT_WAIT_MS)).is_empty());
        assert_eq!(released(hold.expire(Moment(5 + PARENT_WAIT_MS))), [(2, true), (3, false)]);
        assert!(hold.children.is_empty());
    }

    #[test]
    fn those_who_wait_are_bounded() {
        let mut hold = Hold::default();
        for n in 0..HELD_ENTRIES_MAX as u32 + 1 {
            let mut child = [7; 16];
            child[..4].copy_from_slice(&n.to_be_bytes());
            let up = hold.arrive(EntryId(child), ids([1]), true, Moment(0));
            assert_eq!(up.len(), usize::from(n == HELD_ENTRIES_MAX as u32));
        }
        assert_eq!(hold.len(), HELD_ENTRIES_MAX);
    }
}
