//! Changes of keys at fixed times, and erasure (PROTOCOL §4.2).

use couloir_wire::route::Carrier;
use couloir_wire::time::Hour;

use super::{FORGET_EVERY_MS, LinkEngine};
use crate::control::Control;
use crate::input::Now;
use crate::store::StateKey;
use crate::timers::Timer;

impl LinkEngine {
    /// C: commits, with P's update if there is one, unless a commit is unanswered. P: sends an update.
    pub(super) fn rekey(&mut self, now: Now) {
        if self.link.frozen.is_some() {
            return;
        }
        let hour = self.first_hour(now);
        let Some(epochs) = &mut self.link.epochs else { return };
        let epoch = epochs.writing();
        let message = if epochs.is_committer() {
            let update = self.link.update.take().filter(|(of, _)| *of == epoch).map(|(_, octets)| octets);
            let commit = epochs.commit(&mut self.entropy, update.as_deref(), hour);
            commit
                .and_then(Result::ok)
                .map(|commit| Control::Commit { first_hour: hour.0, octets: commit.into() })
        } else if self.link.update_sent_in == Some(epoch) {
            None
        } else {
            self.link.update_sent_in = Some(epoch);
            let update = epochs.propose(&mut self.entropy).ok();
            update.map(|update| Control::Update { epoch, octets: update.into() })
        };
        if let Some(message) = message {
            self.tell(&message);
            self.dirty(StateKey::Link);
        }
    }

    /// P: follows C's commit. One that does not follow is a repetition of another incarnation's.
    pub(super) fn on_commit(&mut self, now: Now, commit: &[u8], hour: Hour) {
        let Some(epochs) = self.link.epochs.as_mut().filter(|epochs| !epochs.is_committer()) else { return };
        if epochs.follow(commit, hour).is_ok() {
            self.link.update_sent_in = None;
            let linger_ms = couloir_wire::limits::EPOCH_LINGER_WINDOWS * self.longest_window_ms();
            self.timers.set(Timer::EraseEpoch, now.moment + linger_ms);
            self.dirty(StateKey::Link);
        }
    }

    pub(super) fn erase_epoch(&mut self, now: Now) {
        let Some(epochs) = &mut self.link.epochs else { return };
        if epochs.erase(now.moment) {
            self.dirty(StateKey::Link);
        }
        self.timers
            .set_if(Timer::EraseEpoch, self.link.epochs.as_ref().and_then(|epochs| epochs.erases_at()));
    }

    /// Erases the keys of hours that are past by every clock (writing), and searched or expired (reading).
    pub(super) fn forget_hours(&mut self, now: Now) {
        self.timers.set(Timer::ForgetHours, now.moment + FORGET_EVERY_MS);
        let (earliest, latest) = self.clock.span(now.moment);
        let write = Hour::of(earliest);
        let oldest = Hour(write.0.saturating_sub(CELL_LIFE_HOURS_MAX));
        let reached = self.steady.values().map(|steady| {
            let is_folder = steady.spec.carrier() == Some(Carrier::Folder);
            let slack_hours = if is_folder { FOLDER_SLACK_HOURS } else { READ_SLACK_HOURS };
            steady.reached.map_or(oldest, |time| Hour(Hour::of(time).0.saturating_sub(slack_hours)))
        });
        let read = reached.min().unwrap_or(write).max(oldest).min(write);
        let Some(epochs) = &mut self.link.epochs else { return };
        let is_changed = epochs.forget_before(write, read);
        let is_lost = epochs.has_forgotten(Hour::of(latest));
        if is_changed {
            self.dirty(StateKey::Link);
        }
        // Every clock was ahead once, and the keys of the hours since are gone.
        if is_lost {
            self.make_anew(now);
        }
    }
}

/// No cell is older than 90 days.
const CELL_LIFE_HOURS_MAX: u64 = 90 * 24;
/// The hour before the last answer is still asked for: windows missed, the hour's turn.
const READ_SLACK_HOURS: u64 = 1;
/// In a folder the peer counts hours by its own clock, which may be a day behind.
const FOLDER_SLACK_HOURS: u64 = 26;
