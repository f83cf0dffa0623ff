//! What open pages follow: that something changed, never what. They fetch it as pages.
//!
//! A page carries the number of the last change that was there before it was rendered, and follows from that
//! number on: what changes between the two is told as soon as it follows.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event as Sent, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::dates::now_ms;
use super::doors::Standing;
use super::office::Office;
use super::outside;

/// One page that follows.
struct Follower {
    office: Arc<Office>,
    cookie: String,
    changes: watch::Receiver<u64>,
    is_greeted: bool,
    is_over: bool,
    _seat: OwnedSemaphorePermit,
}

/// What a page is told.
#[derive(Clone, Copy)]
enum Word {
    /// Fetch yourself again.
    Change,
    /// Nothing changed; the line to this page stands.
    Beat,
    /// Your session is locked or over.
    Door,
}

impl Word {
    fn name(self) -> &'static str {
        match self {
            Word::Change => "change",
            Word::Beat => "beat",
            Word::Door => "door",
        }
    }
}

/// Follows for the session of `cookie`, from the change numbered `since` on, until it locks or the browser goes.
pub fn follow(office: &Arc<Office>, cookie: String, since: Option<u64>) -> Response {
    let Ok(seat) = Arc::clone(&office.followers).try_acquire_owned() else { return outside::busy() };
    let mut changes = office.changes.subscribe();
    if since != Some(*changes.borrow_and_update()) {
        changes.mark_changed();
    }
    let office = Arc::clone(office);
    let follower = Follower { office, cookie, changes, is_greeted: false, is_over: false, _seat: seat };
    Sse::new(stream::unfold(follower, step)).into_response()
}

async fn step(mut follower: Follower) -> Option<(Result<Sent, Infallible>, Follower)> {
    let word = follower.next().await?;
    // The time at which what is shown was true; the page writes it its own way.
    let sent = Sent::default().event(word.name()).data(now_ms().to_string());
    Some((Ok(sent), follower))
}

impl Follower {
    async fn next(&mut self) -> Option<Word> {
        if self.is_over {
            return None;
        }
        if !self.is_greeted {
            self.is_greeted = true;
            return Some(Word::Beat);
        }
        let word = match tokio::time::timeout(BEAT, self.changes.changed()).await {
            Ok(Ok(())) => Word::Change,
            Ok(Err(_node_ended)) => return None,
            Err(_elapsed) => Word::Beat,
        };
        let is_open = self.office.standing(Some(&self.cookie), false) == Standing::Open;
        self.is_over = !is_open;
        Some(if is_open { word } else { Word::Door })
    }
}

/// A page that hears nothing for thrice as long says that it is stale.
const BEAT: Duration = Duration::from_secs(5);
