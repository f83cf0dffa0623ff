//! Armed exchanges of one route, waiting for their instants.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use couloir_engine::Armed;
use couloir_wire::limits::ARMED_WINDOWS;
use couloir_wire::time::{Moment, Window, WindowLength};
use tokio::sync::Notify;

/// The queue between the engine's thread and a route's task.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Default)]
struct Waiting {
    by_window: BTreeMap<Window, Armed>,
    /// Windows whose exchange left: what is armed for them later is too late.
    taken: VecDeque<Window>,
}

/// When the next exchange leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    /// Its window.
    pub(super) window: Window,
    /// Its instant.
    pub(super) leaves: Moment,
    /// Length of its window.
    pub(super) length: WindowLength,
}

impl Queue {
    /// Takes an exchange. A later serial replaces an earlier one of the same window, unless that has
    /// been taken.
    pub(super) fn arm(&self, armed: Armed) {
        let mut waiting = self.waiting();
        let held = waiting.by_window.get(&armed.window).map(|held| held.serial);
        if waiting.taken.contains(&armed.window) || held.is_some_and(|held| held >= armed.serial) {
            return;
        }
        waiting.by_window.insert(armed.window, armed);
        drop(waiting);
        self.changed.notify_one();
    }

    /// Forgets all that waits.
    pub(super) fn disarm(&self) {
        self.waiting().by_window.clear();
        self.changed.notify_one();
    }

    /// The exchange that leaves next, if one is armed.
    pub(super) fn next(&self) -> Option<Due> {
        let waiting = self.waiting();
        let next = waiting.by_window.values().min_by_key(|armed| armed.leaves)?;
        Some(Due { window: next.window, leaves: next.leaves, length: next.length })
    }

    /// Takes the exchange of `window`: from now on it leaves, and nothing replaces it.
    pub(super) fn take(&self, window: Window) -> Option<Armed> {
        let mut waiting = self.waiting();
        let armed = waiting.by_window.remove(&window)?;
        waiting.taken.push_back(window);
        if waiting.taken.len() > TAKEN_KEPT {
            waiting.taken.pop_front();
        }
        Some(armed)
    }

    /// Waits until something was armed or disarmed since the last wait.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // No code panics while it holds this lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Content comes at most the armed windows late.
const TAKEN_KEPT: usize = 4 * ARMED_WINDOWS as usize;

#[cfg(test)]
mod tests {
    use super::*;
    use couloir_wire::id::RouteId;

    fn armed(window: u64, serial: u64) -> Armed {
        Armed {
            route: RouteId::default(),
            window: Window(window),
            serial,
            leaves: Moment(window * 100),
            length: WindowLength::DEFAULT,
            puts: Vec::new(),
            gets: Vec::new(),
            lists: false,
        }
    }

    #[test]
    fn the_later_serial_leaves_whatever_the_order() {
        let queue = Queue::default();
        queue.arm(armed(1, 2));
        queue.arm(armed(1, 1));
        assert_eq!(queue.take(Window(1)).map(|armed| armed.serial), Some(2));
    }

    #[test]
    fn exactly_one_exchange_leaves_for_a_window() {
        let queue = Queue::default();
        queue.arm(armed(1, 1));
        assert!(queue.take(Window(1)).is_some());
        queue.arm(armed(1, 2));
        assert!(queue.take(Window(1)).is_none() && queue.next().is_none());
    }

    #[test]
    fn what_leaves_first_is_next() {
        let queue = Queue::default();
        [5, 3, 4].into_iter().for_each(|window| queue.arm(armed(window, 1)));
        assert_eq!(queue.next().map(|due| due.window), Some(Window(3)));
        queue.disarm();
        assert_eq!(queue.next(), None);
    }
}
