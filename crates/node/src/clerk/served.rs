//! A node that runs in this process: what the socket's server answers from.

use couloir_engine::status::StatusView;
use couloir_engine::{Input, LinkNumber, Notice, PhraseView, Say};
use couloir_wire::id::{EntryId, PostId};
use tokio::sync::broadcast::error::RecvError;

use super::{Node, by_author};
use crate::book::Shelf;
use crate::release;
use crate::shell::{Event, Handle, Sight};
use crate::store::{Reader, Store};
use crate::words::{Code, Failure, Outcome};

/// A running node, as one client reaches it.
pub struct Served {
    handle: Handle,
    reader: Reader,
}

impl Served {
    /// With a reader of its own, so that reading waits for nobody.
    pub fn new(handle: Handle) -> Outcome<Served> {
        let reader = handle.with_store(|store| store.another_reader())??;
        Ok(Served { handle, reader })
    }
}

impl Node for Served {
    fn is_running(&self) -> bool {
        true
    }

    fn say(&mut self, say: Say) -> Outcome<EntryId> {
        release::check(&self.reader, &say.body)?;
        self.say_released(say)
    }

    fn say_released(&mut self, say: Say) -> Outcome<EntryId> {
        Ok(self.handle.say(say)?)
    }

    fn submit(&mut self, input: Input) -> Outcome {
        Ok(self.handle.submit(input)?)
    }

    /// Shares its commit with whatever else comes: what is lost with a crash is shown again.
    fn show(&mut self, shown: Vec<(PostId, EntryId)>) -> Outcome {
        Ok(by_author(shown).try_for_each(|input| self.handle.tell(input))?)
    }

    fn status(&mut self) -> Outcome<Sight> {
        Ok(self.handle.status()?)
    }

    fn phrase(&mut self, link: LinkNumber) -> Outcome<Option<PhraseView>> {
        Ok(self.handle.phrase(link)?)
    }

    fn reader(&self) -> &Reader {
        &self.reader
    }

    fn shelf(&self) -> &Shelf {
        self.handle.shelf()
    }

    fn with_store<T: Send + 'static>(
        &mut self,
        act: impl FnOnce(&mut Store) -> T + Send + 'static,
    ) -> Outcome<T> {
        Ok(self.handle.with_store(act)?)
    }

    fn probes_changed(&mut self) {
        self.handle.announce(Event::ProbesChanged);
    }

    /// The engine tells either outcome of every test, so that this ends.
    fn drill(&mut self) -> Outcome<u64> {
        check_link(&self.handle.status()?.view)?;
        let mut events = self.handle.events();
        self.handle.submit(Input::Drill)?;
        loop {
            match events.blocking_recv() {
                Ok(Event::Notice(notice)) => match notice.what() {
                    Notice::DrillAnswered { after_ms } => return Ok(*after_ms),
                    Notice::DrillMissed => return Err(out_of_reach()),
                    _ => {}
                },
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Err(crate::shell::HandleError::Stopped.into()),
            }
        }
    }
}

/// The engine tests no line that does not stand.
fn check_link(status: &StatusView) -> Outcome {
    let Some(peer) = status.peers.first().filter(|peer| peer.epoch > 0 || peer.verified.0) else {
        return Err(Failure::later(
            "first contact is not complete: there is no line to be tested yet",
            "let both nodes run, then: couloir phrase --wait",
        ));
    };
    if peer.frozen.is_some() {
        return Err(couloir_engine::Refusal::Frozen.into());
    }
    if peer.epoch > 0 { Ok(()) } else { Err(out_of_reach()) }
}

fn out_of_reach() -> Failure {
    Failure::new(
        Code::OutOfReach,
        "the test of the line was not answered",
        "see couloir status; nothing said is lost, and it goes on leaving on every route",
    )
}
