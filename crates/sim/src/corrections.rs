//! Notes that their authors change or take back: both desks must show the same text, or none.

use std::collections::BTreeMap;

use couloir_talks::thread::Said;
use couloir_wire::entry::{Body, Entry};
use couloir_wire::id::EntryId;

use crate::checks::{Check, require};
use crate::world::World;

impl World {
    /// What `node` holds of notes that never expire, and of what was said about them.
    fn notes(&self, node: usize) -> Vec<Entry> {
        let kept = self.nodes[node].store.entries().filter(|entry| entry.number.is_some() || entry.is_own);
        let entries = kept.filter_map(|entry| Entry::decode(&entry.encoded).ok());
        let is_meant = |entry: &Entry| {
            let kinds = matches!(entry.body, Body::Note(_) | Body::Edit { .. } | Body::Withdraw { .. });
            kinds && entry.expires_ms.is_none()
        };
        entries.filter(is_meant).collect()
    }

    /// The user at `node` changes a note of the own post, or takes it back.
    pub(crate) fn correct(&mut self, node: usize) -> Option<Body> {
        let own = self.nodes[node].store.entries().filter(|entry| entry.is_own);
        let own = own.filter_map(|entry| Entry::decode(&entry.encoded).ok());
        let notes: Vec<EntryId> = own
            .filter(|entry| matches!(entry.body, Body::Note(_)) && entry.expires_ms.is_none())
            .map(|entry| entry.id)
            .collect();
        if notes.is_empty() {
            return None;
        }
        let entry = notes[self.talk.below(notes.len() as u64) as usize];
        if self.talk.percent(30) {
            return Some(Body::Withdraw { entry });
        }
        Some(Body::Edit { entry, text: self.words() })
    }

    /// Both desks show the same of every note, in whatever order it came.
    pub(crate) fn check_notes(&mut self) {
        let desks = (0..self.nodes.len()).filter(|node| !self.nodes[*node].is_retired);
        let desks: Vec<Vec<Entry>> = desks.map(|node| self.notes(node)).collect();
        let shown: Vec<_> =
            desks.iter().flat_map(|notes| [shown(notes.iter()), shown(notes.iter().rev())]).collect();
        for (at, pair) in shown.windows(2).enumerate() {
            self.judge(require(Check::SameState, pair[0] == pair[1], || {
                let other = pair[0].iter().find(|(id, text)| pair[1].get(*id) != Some(*text));
                format!("two desks show otherwise ({at}): {other:?}")
            }));
        }
        let corrected =
            desks.first().map_or(0, |notes| notes.iter().filter(|each| each.body.of().is_some()).count());
        self.tally.corrected = corrected as u64;
    }
}

/// By note: its text that counts, and how many it had.
fn shown<'e>(entries: impl Iterator<Item = &'e Entry> + Clone) -> BTreeMap<EntryId, (Option<String>, usize)> {
    let notes = entries.clone().filter(|entry| matches!(entry.body, Body::Note(_)));
    let fold = |note: &'e Entry| {
        let said = Said::of(note, entries.clone());
        (note.id, (said.text().map(str::to_owned), said.versions.len()))
    };
    notes.map(fold).collect()
}
