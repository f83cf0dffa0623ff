//! Looks how the line stands, so that open pages learn what no event tells, and routes have a history.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::history::Told;
use super::office::Office;
use crate::shell::Event;

/// Looks and listens until the node ends.
pub async fn watch(office: Arc<Office>) {
    let events = office.handle.events();
    tokio::select! {
        () = listen(&office, events) => {}
        () = look(&office) => {}
    }
}

async fn listen(office: &Office, mut events: Receiver<Event>) {
    loop {
        match events.recv().await {
            Ok(Event::Appeared(_) | Event::Advanced(_)) | Err(RecvError::Lagged(_)) => office.announce(),
            Ok(Event::Notice(notice)) => office.tell(Told::Node(notice)),
            Ok(Event::StoreFailed(why)) => office.tell(Told::StoreFailed(why)),
            Ok(Event::StoreWorks) => office.tell(Told::StoreWorks),
            Ok(Event::ProbesChanged) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

async fn look(office: &Arc<Office>) {
    let mut last = Instant::now();
    loop {
        tokio::time::sleep(FOLLOWED).await;
        if office.changes.receiver_count() == 0 && last.elapsed() < ALONE {
            continue;
        }
        last = Instant::now();
        let node = Arc::clone(office);
        // A store in trouble is told of by itself; the next look comes soon.
        drop(tokio::task::spawn_blocking(move || node.look()).await);
    }
}

/// Between two looks while a page is open.
const FOLLOWED: Duration = Duration::from_secs(1);
/// Between two looks while none is: enough for the strips.
const ALONE: Duration = Duration::from_secs(30);
