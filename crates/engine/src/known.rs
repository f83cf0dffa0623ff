//! The ids of all entries ever kept: a sorted list of those there at the start, and what came since beside it.

use std::collections::BTreeSet;

use couloir_wire::id::EntryId;

/// A set of ids that grows and never shrinks. The million that lies in a store at the start takes sixteen octets each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Sorted, as [`EntryId::time_first`].
    from_start: Vec<[u8; EntryId::LEN]>,
    since: BTreeSet<EntryId>,
}

impl Known {
    /// Whether an entry was ever kept.
    pub fn contains(&self, id: &EntryId) -> bool {
        self.since.contains(id) || self.from_start.binary_search(&id.time_first()).is_ok()
    }

    /// One more is kept.
    pub fn insert(&mut self, id: EntryId) {
        if !self.contains(&id) {
            self.since.insert(id);
        }
    }

    /// Each once.
    pub fn iter(&self) -> impl Iterator<Item = EntryId> {
        let from_start = self.from_start.iter().copied().map(EntryId::from_time_first);
        from_start.chain(self.since.iter().copied())
    }
}

impl FromIterator<EntryId> for Known {
    /// Quickest in the order of [`EntryId::time_first`], in which stores keep them.
    fn from_iter<I: IntoIterator<Item = EntryId>>(ids: I) -> Known {
        let mut from_start: Vec<_> = ids.into_iter().map(EntryId::time_first).collect();
        from_start.sort_unstable();
        from_start.dedup();
        from_start.shrink_to_fit();
        Known { from_start, since: BTreeSet::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_at_the_start_and_what_came_since_is_known_once() {
        let id = |number: u8| EntryId([number; 16]);
        let mut known: Known = [9, 3, 7, 3].map(id).into_iter().collect();
        known.insert(id(5));
        known.insert(id(7));
        let mut all: Vec<EntryId> = known.iter().collect();
        all.sort_unstable();
        assert_eq!(all, [3, 5, 7, 9].map(id));
        assert!([3, 5, 7, 9].iter().all(|number| known.contains(&id(*number))));
        assert!(!known.contains(&id(4)) && !known.contains(&EntryId([0; 16])));
    }
}
