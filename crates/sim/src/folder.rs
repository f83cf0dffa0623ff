//! A shared folder as a route: objects by expiry hour and slot, put if absent.

use std::collections::BTreeMap;

use couloir_engine::{Armed, RouteAnswer, RouteTrouble};
use couloir_relay::core::{settle, slot_of};
use couloir_wire::id::Slot;
use couloir_wire::limits::LISTED_MAX;
use couloir_wire::ruler::Ruler;
use couloir_wire::time::{Hour, WallTime, Window, WindowLength};

/// What ails a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FolderState {
    /// Nothing.
    Fine,
    /// No space is left.
    Full,
    /// It may only be read.
    ReadOnly,
    /// It is not mounted.
    Missing,
}

/// The folder.
pub struct Folder {
    ruler: Ruler,
    objects: BTreeMap<(Hour, Slot), Vec<u8>>,
    /// What ails it.
    pub state: FolderState,
}

impl Folder {
    /// An empty folder whose cells expire by `ruler`.
    pub fn new(ruler: Ruler) -> Folder {
        Folder { ruler, objects: BTreeMap::new(), state: FolderState::Fine }
    }

    /// The cells in it.
    pub fn cells(&self) -> impl Iterator<Item = &[u8]> {
        self.objects.values().map(Vec::as_slice)
    }

    /// Objects in it.
    pub fn count(&self) -> usize {
        self.objects.len()
    }

    /// Does what the shell's folder route would do with `armed` at the true time `now`.
    pub fn exchange(&mut self, now: WallTime, armed: &Armed) -> Result<RouteAnswer, RouteTrouble> {
        match self.state {
            FolderState::Missing => return Err(RouteTrouble::Missing),
            FolderState::ReadOnly => return Err(RouteTrouble::Forbidden),
            FolderState::Full => return Err(RouteTrouble::Full),
            FolderState::Fine => {}
        }
        self.sweep(now);
        let mut puts = Vec::with_capacity(armed.puts.len());
        for put in &armed.puts {
            let key = (self.hour_of(armed.length, put.window), slot_of(&put.token));
            puts.push(settle(self.objects.get(&key).map(Vec::as_slice), &put.cell));
            self.objects.entry(key).or_insert_with(|| put.cell.clone());
        }
        let find = |get: &couloir_engine::Get| {
            self.objects.get(&(self.hour_of(armed.length, get.window), get.slot)).cloned()
        };
        let slots = self.objects.keys().map(|(_, slot)| *slot);
        let listed = slots.take(if armed.lists { LISTED_MAX } else { 0 }).collect();
        Ok(RouteAnswer { time: None, puts, gets: armed.gets.iter().map(find).collect(), listed })
    }

    fn hour_of(&self, length: WindowLength, window: Window) -> Hour {
        let expires = self.ruler.expires(length, window);
        Hour(Hour::of(expires.shifted(3_599_999)).0)
    }

    /// Deletes whole hours that are more than 25 hours past.
    fn sweep(&mut self, now: WallTime) {
        let oldest = Hour(Hour::of(now).0.saturating_sub(25));
        while let Some(entry) = self.objects.first_entry().filter(|entry| entry.key().0 < oldest) {
            entry.remove();
        }
    }
}
