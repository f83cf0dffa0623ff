//! A node that does not run: its store, and an engine that keeps without serving.

use couloir_engine::{Input, LinkNumber, Output, PhraseView, Refusal, Say};
use couloir_wire::id::{EntryId, PostId};

use super::{Node, by_author};
use crate::book::Shelf;
use crate::cli::home_args::HomeArgs;
use crate::cli::passphrase;
use crate::home::{Home, HomeLock};
use crate::keys;
use crate::release;
use crate::shell::{Clock, Host, Sight};
use crate::store::{Reader, Store};
use crate::words::{Code, Failure, Outcome};

/// The store of a node that does not run, with its engine.
pub struct Kept {
    host: Host,
    clock: Clock,
    reader: Reader,
    shelf: Shelf,
    _lock: HomeLock,
}

impl Kept {
    /// Unlocks the store of a home whose lock is held.
    pub fn open(home: &Home, lock: HomeLock, args: &HomeArgs) -> Outcome<Kept> {
        let store = unlock(home, args)?;
        let (reader, clock) = (store.another_reader()?, Clock::start());
        let host = Host::recover(store, clock).map_err(|failed| failed.1)?;
        Ok(Kept { host, clock, reader, shelf: Shelf::default(), _lock: lock })
    }

    /// The store.
    pub fn store(&mut self) -> &mut Store {
        self.host.store()
    }

    /// Hands in one input, makes durable what it changes, and returns what it told.
    fn feed(&mut self, input: Input) -> Outcome<Vec<Output>> {
        let mut told = Vec::new();
        self.host.step(vec![input], |output| told.push(output))?;
        Ok(told)
    }
}

/// Opens the store of a home with its passphrase.
pub fn unlock(home: &Home, args: &HomeArgs) -> Outcome<Store> {
    let key = keys::open_store_key(&home.key_path(), &passphrase::existing(args)?)?;
    Ok(Store::open(&home.store_path(), &key)?)
}

fn refusal_in(told: Vec<Output>) -> Option<Refusal> {
    told.into_iter().find_map(|output| match output {
        Output::Refused { refusal, .. } => Some(refusal),
        _ => None,
    })
}

impl Node for Kept {
    fn is_running(&self) -> bool {
        false
    }

    fn say(&mut self, say: Say) -> Outcome<EntryId> {
        release::check(&self.reader, &say.body)?;
        self.say_released(say)
    }

    fn say_released(&mut self, say: Say) -> Outcome<EntryId> {
        let told = self.feed(Input::Say(Box::new(say)))?;
        let said = told.iter().find_map(|output| match output {
            Output::Said { id, .. } => Some(*id),
            _ => None,
        });
        match (said, refusal_in(told)) {
            (Some(id), _) => Ok(id),
            (None, Some(refusal)) => Err(refusal.into()),
            (None, None) => Err(Failure::new(Code::Failed, "the engine did not answer", "report this")),
        }
    }

    fn submit(&mut self, input: Input) -> Outcome {
        refusal_in(self.feed(input)?).map_or(Ok(()), |refusal| Err(refusal.into()))
    }

    fn show(&mut self, shown: Vec<(PostId, EntryId)>) -> Outcome {
        by_author(shown).try_for_each(|input| self.submit(input))
    }

    fn status(&mut self) -> Outcome<Sight> {
        Ok(Sight { view: self.host.engine().status(self.clock.now()), trouble: None })
    }

    fn phrase(&mut self, link: LinkNumber) -> Outcome<Option<PhraseView>> {
        Ok(self.host.engine().phrase(link))
    }

    fn reader(&self) -> &Reader {
        &self.reader
    }

    fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    fn with_store<T: Send + 'static>(
        &mut self,
        act: impl FnOnce(&mut Store) -> T + Send + 'static,
    ) -> Outcome<T> {
        Ok(act(self.host.store()))
    }

    fn probes_changed(&mut self) {}

    fn drill(&mut self) -> Outcome<u64> {
        Err(Failure::later("the line cannot be tested while the node does not run", "start it: couloir run"))
    }
}
