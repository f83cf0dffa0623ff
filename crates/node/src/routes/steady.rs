//! The task of a steady route: one exchange in every window, at its instant.
//!
//! *Preparing.* Shortly before the instant a broken connection is made anew, so that connecting is
//! part of the timetable and of the exchange's time. *Leaving.* At the instant the exchange is taken
//! and goes out, cover or content alike. There is no second try, and the whole ends before the next
//! one of this route leaves; so two are never under way.

use std::sync::Arc;
use std::time::Duration;

use couloir_engine::{Armed, Exchanged, Input, RouteAnswer, RouteTrouble};
use couloir_wire::time::{Moment, WindowLength};

use super::folder::FolderLine;
use super::queue::{Due, Queue};
use super::relay::RelayLine;
use crate::shell::{Clock, Job, Jobs};

/// One steady route and what it talks to.
pub(super) struct Steady {
    pub(super) queue: Arc<Queue>,
    pub(super) jobs: Jobs,
    pub(super) clock: Clock,
    pub(super) line: Line,
}

/// The carrier of a steady route.
pub(super) enum Line {
    /// A relay over HTTPS.
    Relay(Box<RelayLine>),
    /// A shared folder.
    Folder(FolderLine),
}

impl Line {
    async fn prepare(&mut self) -> Result<(), RouteTrouble> {
        match self {
            Line::Relay(relay) => relay.connect().await,
            Line::Folder(_) => Ok(()),
        }
    }

    async fn exchange(&mut self, armed: &Armed) -> Result<RouteAnswer, RouteTrouble> {
        match self {
            Line::Relay(relay) => relay.exchange(armed).await,
            Line::Folder(folder) => folder.exchange(armed).await,
        }
    }

    /// An exchange was given up: what is still under way must not meet the next.
    fn abandon(&mut self) {
        match self {
            Line::Relay(relay) => relay.hang_up(),
            Line::Folder(_) => {}
        }
    }
}

impl Steady {
    /// Lets exchanges leave until the task is ended.
    pub(super) async fn run(mut self) {
        loop {
            let Some(due) = self.queue.next() else {
                self.queue.changed().await;
                continue;
            };
            let prepares = Moment(due.leaves.0.saturating_sub(lead_ms(due.length)));
            tokio::select! {
                biased;
                () = self.queue.changed() => {}
                () = tokio::time::sleep_until(self.clock.instant(prepares)) => {
                    if !self.one(due).await {
                        return;
                    }
                }
            }
        }
    }

    /// One exchange; false once nobody listens any more.
    async fn one(&mut self, due: Due) -> bool {
        let last = due.leaves + late_ms(due.length);
        let is_late = self.clock.moment() > last;
        let prepared = tokio::time::timeout_at(self.clock.instant(last), self.line.prepare()).await;
        tokio::time::sleep_until(self.clock.instant(due.leaves)).await;
        let Some(armed) = self.queue.take(due.window) else { return true };
        let left = self.clock.moment();
        let result = match prepared {
            _ if is_late => Err(RouteTrouble::Late),
            Ok(Ok(())) => self.within(&armed, due.leaves + due.length.ms()).await,
            Ok(Err(trouble)) => Err(trouble),
            Err(_) => Err(RouteTrouble::Unreachable),
        };
        let (route, window, serial) = (armed.route, armed.window, armed.serial);
        let back = self.clock.moment();
        let exchanged = Exchanged { route, window, serial, left, back, result };
        self.jobs.send(Job::Happened(Input::Exchanged(exchanged), None)).await.is_ok()
    }

    async fn within(&mut self, armed: &Armed, end: Moment) -> Result<RouteAnswer, RouteTrouble> {
        let next = self.queue.next().map_or(end, |next| next.leaves);
        let end = Moment(next.0.min(end.0).saturating_sub(MARGIN_MS));
        let until = self.clock.instant(end).max(tokio::time::Instant::now() + SHORTEST);
        match tokio::time::timeout_at(until, self.line.exchange(armed)).await {
            Ok(result) => result,
            Err(_) => {
                self.line.abandon();
                Err(RouteTrouble::Unreachable)
            }
        }
    }
}

/// How long before its instant an exchange is prepared: three round trips round the world, or an
/// eighth of the window.
fn lead_ms(length: WindowLength) -> u64 {
    (length.ms() / 8).min(1_000)
}

/// An exchange leaves in the first three quarters of its window; after the window it is of no use.
fn late_ms(length: WindowLength) -> u64 {
    length.ms() / 4
}

/// Between the end of one exchange and the next.
const MARGIN_MS: u64 = 2;
/// Even if the next exchange is as good as due.
const SHORTEST: Duration = Duration::from_millis(10);
