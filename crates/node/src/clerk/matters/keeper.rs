//! The task of a running node that looks after its matters.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::keep;
use crate::clerk::Node;
use crate::clerk::served::Served;
use crate::shell::{Event, Handle};
use crate::words::Outcome;

/// What it remembers between two rounds.
struct Keeper {
    node: Served,
    /// Since when the link has stood without a break.
    stands_since: Option<Instant>,
    /// When to look again without a reason, in milliseconds since 1970.
    next_ms: Option<i64>,
}

/// Looks on the start, on every new entry, and when a deadline passes; until the node ends.
pub async fn run(handle: Handle) {
    let mut events = handle.events();
    let begin = move || Served::new(handle).map(|node| Keeper { node, stands_since: None, next_ms: None });
    let Ok(Ok(mut keeper)) = tokio::task::spawn_blocking(begin).await else { return };
    loop {
        let round = tokio::task::spawn_blocking(move || {
            // What the store or the engine stands in the way of is done in the next round.
            keeper.next_ms = keeper.look().unwrap_or_default();
            keeper
        });
        let Ok(looked) = round.await else { return };
        keeper = looked;
        let changed = tokio::time::timeout(keeper.pause(), appeared(&mut events));
        if changed.await == Ok(Err(RecvError::Closed)) {
            return;
        }
    }
}

impl Keeper {
    fn look(&mut self) -> Outcome<Option<i64>> {
        let peers = self.node.status()?.view.peers;
        let stands = peers.iter().any(|peer| peer.is_alive && peer.hears_us && peer.epoch > 0);
        self.stands_since = self.stands_since.filter(|_| stands).or_else(|| stands.then(Instant::now));
        let stood = self.stands_since.map_or(0, |since| since.elapsed().as_millis());
        let sure = keep::sure(&mut self.node, u64::try_from(stood).unwrap_or(u64::MAX))?;
        keep::keep(&mut self.node, sure)
    }

    fn pause(&self) -> Duration {
        let left = self.next_ms.map(|next| next.saturating_sub(Timestamp::now().as_millisecond()));
        let left = left.and_then(|left| u64::try_from(left).ok()).map(Duration::from_millis);
        left.map_or(PAUSE_MAX, |left| left.clamp(PAUSE_MIN, PAUSE_MAX))
    }
}

async fn appeared(events: &mut Receiver<Event>) -> Result<(), RecvError> {
    loop {
        match events.recv().await {
            Ok(Event::Appeared(_)) | Err(RecvError::Lagged(_)) => return Ok(()),
            Ok(_) => {}
            Err(RecvError::Closed) => return Err(RecvError::Closed),
        }
    }
}

/// A deadline that has just passed is looked at again no sooner.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// Clocks of machines are set, and links come back: it looks now and then without a reason.
const PAUSE_MAX: Duration = Duration::from_secs(60);
