//! Both offices talk; both logs are watched.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Scope, ScopedJoinHandle, sleep};
use std::time::{Duration, Instant};

use super::notes::{Note, Notes};
use super::stage::{City, Place, Stage};
use super::texts;
use crate::clerk::Reach;
use crate::socket::client::Client;
use crate::socket::{How, Line, Request};
use crate::words::Outcome;

/// The offices talking.
pub struct Talk<'s> {
    talkers: Vec<ScopedJoinHandle<'s, ()>>,
    is_over: Arc<AtomicBool>,
}

/// Lets both sides talk for `length`, and watches both logs until [`Talk::end`].
pub fn begin<'s>(scope: &'s Scope<'s, '_>, stage: &Stage, notes: &Arc<Notes>, length: Duration) -> Talk<'s> {
    let is_over = Arc::new(AtomicBool::new(false));
    let talkers = City::ALL.map(|city| {
        let (place, notes) = (stage.place(), notes.clone());
        scope.spawn(move || speak(&place, &notes, city, length))
    });
    for city in City::ALL {
        let (place, notes, is_over) = (stage.place(), notes.clone(), is_over.clone());
        scope.spawn(move || watch(&place, &notes, city, &is_over));
    }
    Talk { talkers: talkers.into(), is_over }
}

impl Talk<'_> {
    /// Waits until everybody has finished and everything has arrived, or no longer will.
    pub fn end(self, notes: &Notes) {
        for talker in self.talkers {
            // A talker that panicked has said what it said.
            let _ = talker.join();
        }
        let patience = Instant::now() + PATIENCE;
        let is_missing = || {
            let (said, arrived) = notes.totals();
            arrived < said
        };
        while is_missing() && Instant::now() < patience {
            sleep(LOOK_AGAIN);
        }
        // What the receipts still need.
        sleep(SETTLE);
        self.is_over.store(true, Ordering::SeqCst);
    }
}

fn speak(place: &Place, notes: &Notes, city: City, length: Duration) {
    let texts = match city {
        City::Tokyo => texts::TOKYO,
        City::Beijing => texts::BEIJING,
    };
    let mut turns = texts.iter().cycle().zip(PAUSES_MS.iter().cycle());
    let mut at = Duration::ZERO;
    while let Some((text, pause_ms)) = turns.next().filter(|_| at < length) {
        notes.sleep_until(at);
        // What was not answered was not promised: a node that is killed may take a note and not say so.
        let _ = say(place, notes, city, text);
        at = Duration::from_millis(notes.now_ms()).max(at) + Duration::from_millis(*pause_ms);
    }
}

/// Says a note as `couloir send` does: through the socket, or to the store of a node that is down.
pub fn say(place: &Place, notes: &Notes, city: City, text: &str) -> Outcome {
    let (said_ms, are_both_up) = (notes.now_ms(), City::ALL.iter().all(|city| place.is_up(*city)));
    let how = How { when_verified: true, ..How::default() };
    let text = format!("{text} #{said_ms}");
    let answer = Reach::open(&place.home_args(city))?.ask(&Request::Send { text: text.clone(), how })?;
    let id = answer["id"].as_str().unwrap_or_default().to_owned();
    notes.said(id, Note { from: city, text, said_ms, are_both_up });
    Ok(())
}

/// Follows a city's log, over every restart of its node.
fn watch(place: &Place, notes: &Notes, city: City, is_over: &AtomicBool) {
    let mut after = None;
    while !is_over.load(Ordering::SeqCst) {
        if let Ok(Some(client)) = Client::connect(&place.socket(city)) {
            // A node that is killed ends this; the next round finds it again.
            let _ = follow(client, notes, &mut after, is_over);
        }
        sleep(LOOK_AGAIN);
    }
}

fn follow(mut client: Client, notes: &Notes, after: &mut Option<u64>, is_over: &AtomicBool) -> Outcome {
    client.set_patience(PATIENCE_FOR_A_ROW)?;
    client.send(&Request::Log { after: *after, conversation: None, is_followed: true })?;
    while !is_over.load(Ordering::SeqCst) {
        let Some(Line::Row(row)) = client.receive_if_any()? else { continue };
        *after = row.number.or(*after);
        if !row.own {
            notes.arrived(row.id);
        }
    }
    Ok(())
}

/// Between two notes of one office: both together say one every 100 to 300 ms.
const PAUSES_MS: [u64; 5] = [240, 480, 330, 560, 290];
/// How long what was said may take when the talk is over.
const PATIENCE: Duration = Duration::from_secs(30);
const SETTLE: Duration = Duration::from_millis(1_500);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
const PATIENCE_FOR_A_ROW: Duration = Duration::from_millis(200);
