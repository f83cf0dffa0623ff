//! Finding the peer in a folder whose two sides count windows by different clocks (PROTOCOL §6.2).
//!
//! *Listing.* A folder has no clock, so each side counts by its own, which may be a day wrong. While nothing
//! of the peer's is opened on a folder, every 32nd exchange asks what slots it holds. *Looking.* Among the
//! windows of 25 hours around one's own, every half hour a run long enough for a recovery turn is compared with
//! the listing; from a hit on, runs follow each other up to the newest. *Following.* If a second listing
//! shows that the newest moved on with the time, a peer is there, and its windows are followed: the distance is
//! added to every window that is read.

use std::collections::BTreeSet;

use couloir_wire::id::{RouteId, Slot};
use couloir_wire::limits::LISTED_SPAN_MS;
use couloir_wire::route::Carrier;
use couloir_wire::time::{Hour, Moment, WallTime, Window};

use super::LinkEngine;
use crate::input::Now;
use crate::steady::Steady;

impl LinkEngine {
    /// Whether the exchange of `window` is to list the folder: while nothing is heard on it.
    pub(super) fn lists(&self, route: RouteId, window: Window, leaves: Moment) -> bool {
        let Some(steady) = self.steady.get(&route) else { return false };
        let silent_ms = LISTED_EVERY * steady.length.ms();
        let is_heard = steady.health.last_in.is_some_and(|(at, _)| leaves.since_ms(at) <= silent_ms);
        steady.spec.carrier() == Some(Carrier::Folder) && !is_heard && window.0.is_multiple_of(LISTED_EVERY)
    }

    /// A folder holds `slots` in our window `current`.
    pub(super) fn on_listed(&mut self, now: Now, route: RouteId, current: Window, slots: &[Slot]) {
        let slots: BTreeSet<Slot> = slots.iter().copied().collect();
        let newest = self.newest_listed(route, current, &slots);
        let Some(steady) = self.steady.get_mut(&route) else { return };
        let before = std::mem::replace(&mut steady.listed, newest.map(|newest| (current, newest)));
        let (Some(newest), Some((current_before, newest_before))) = (newest, before) else { return };
        let went = current.0.saturating_sub(current_before.0);
        let moved = newest.0.saturating_sub(newest_before.0);
        if moved == 0 || moved.abs_diff(went) > MOVED_SLACK {
            return;
        }
        let shift = distance(newest, current);
        let shift = if shift.unsigned_abs() < SHIFT_MIN { 0 } else { shift };
        if shift != steady.shift {
            steady.follow_peer(shift, now.moment);
        }
    }

    /// The newest of the peer's windows whose slot is among `slots`.
    fn newest_listed(&self, route: RouteId, current: Window, slots: &BTreeSet<Slot>) -> Option<Window> {
        let length = self.steady.get(&route)?.length;
        let (span, stride) = (LISTED_SPAN_MS / length.ms(), (STRIDE_MS / length.ms()).max(RUN));
        let there = |from: u64| self.listed_run(route, Window(from), slots);
        let offsets = (0..=span / stride).map(|step| step * stride);
        let around = offsets.flat_map(|by| [current.0.saturating_add(by), current.0.saturating_sub(by)]);
        let mut newest = around.into_iter().find_map(there)?;
        let last = current.0.saturating_add(span);
        while newest.0 < last
            && let Some(newer) = there(newest.0 + 1)
        {
            newest = newer;
        }
        Some(newest)
    }

    /// The newest of a run of windows whose slot is among `slots`.
    fn listed_run(&self, route: RouteId, from: Window, slots: &BTreeSet<Slot>) -> Option<Window> {
        let is_there = |window: &Window| {
            let asked = self.likely(route, *window, 0).into_iter();
            asked.filter_map(|asked| self.slot(route, asked)).any(|slot| slots.contains(&slot))
        };
        (from.0..from.0.saturating_add(RUN)).rev().map(Window).find(is_there)
    }

    /// By whose time a folder's windows are counted: the node's, unless its hour's keys are erased, because
    /// a clock went back; then the latest that any clock tells.
    pub(super) fn folder_time(&self, now: Now) -> WallTime {
        let time = self.time(now);
        let epochs = self.link.epochs.as_ref();
        let is_erased = epochs.is_some_and(|epochs| epochs.has_forgotten(Hour::of(time)));
        if is_erased { self.clock.span(now.moment).1 } else { time }
    }
}

impl Steady {
    /// The folder's clock moved by `by_ms`: the peer's did not.
    pub(super) fn shift_back(&mut self, by_ms: i64) {
        if self.shift != 0 {
            self.shift = self.shift.saturating_sub(by_ms / self.length.ms() as i64);
        }
        self.listed = None;
    }
}

fn distance(newest: Window, current: Window) -> i64 {
    i64::try_from(newest.0).unwrap_or(0).saturating_sub(i64::try_from(current.0).unwrap_or(0))
}

/// How often a silent folder is listed, in windows.
const LISTED_EVERY: u64 = 32;
/// Windows in a row among which there is a recovery turn of the lowest level.
const RUN: u64 = 33;
/// No cell lives shorter than an hour, so every half hour one of a peer that is up is hit.
const STRIDE_MS: u64 = 30 * 60_000;
/// By how many windows two listings may differ from the time between them.
const MOVED_SLACK: u64 = 4;
/// Two clocks that are less apart read each other's previous window in time.
const SHIFT_MIN: u64 = 2;
