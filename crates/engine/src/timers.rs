//! Why an engine wakes up: one table, one reason each.

use std::collections::BTreeMap;

use couloir_wire::id::RouteId;
use couloir_wire::time::Moment;

/// A reason to wake up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// The next window of a steady route opens soon: its content is packed.
    Fill(RouteId),
    /// A prompt route is due a status cell.
    PromptStatus(RouteId),
    /// C: the keys are due to change. P: an update is due.
    Rekey,
    /// The older of two epochs is due to go.
    EraseEpoch,
    /// Keys of past hours are due to go.
    ForgetHours,
    /// The line is due its test.
    Drill,
    /// A drill has waited long enough for its answer.
    DrillEnds,
    /// An entry has waited long enough for what came before it.
    Hold,
    /// An entry expires.
    Expiry,
    /// A hello has waited long enough for signs of a second node.
    AnswerHello,
}

/// Every timer that is set.
#[derive(Debug, Default)]
pub struct Timers(BTreeMap<Timer, Moment>);

impl Timers {
    /// Sets `timer`, in place of what it was set to.
    pub fn set(&mut self, timer: Timer, at: Moment) {
        self.0.insert(timer, at);
    }

    /// Sets `timer` to `at`, or stops it.
    pub fn set_if(&mut self, timer: Timer, at: Option<Moment>) {
        match at {
            Some(at) => self.set(timer, at),
            None => self.stop(timer),
        }
    }

    /// Stops `timer`.
    pub fn stop(&mut self, timer: Timer) {
        self.0.remove(&timer);
    }

    /// The earliest moment of all.
    pub fn next(&self) -> Option<Moment> {
        self.0.values().min().copied()
    }

    /// Takes out what is due, in the order of the enum.
    pub fn take_due(&mut self, now: Moment) -> Vec<Timer> {
        let due: Vec<Timer> = self.0.iter().filter(|(_, at)| **at <= now).map(|(timer, _)| *timer).collect();
        due.iter().for_each(|timer| self.stop(*timer));
        due
    }
}
