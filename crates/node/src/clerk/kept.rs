//! A node that does not run: its store, and an engine that keeps without serving.

use std::collections::VecDeque;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use couloir_engine::status::StatusView;
use couloir_engine::{Engine, Input, Now, Output, Outputs, PhraseView, Refusal, Say, Setup};
use couloir_seal::identity::SigningKey;
use couloir_seal::{CipherSuite, Secret};
use couloir_wire::id::EntryId;
use couloir_wire::time::{Moment, WallTime};

use super::Node;
use crate::cli::home_args::HomeArgs;
use crate::cli::passphrase;
use crate::home::{Home, HomeLock};
use crate::keys;
use crate::store::{Reader, Store, secrets};
use crate::words::{Code, Failure, Outcome};

/// The store of a node that does not run, and its engine once something needs it.
pub struct Kept {
    store: Store,
    engine: Option<Engine>,
    started: Instant,
    _lock: HomeLock,
}

impl Kept {
    /// Unlocks the store of a home whose lock is held.
    pub fn open(home: &Home, lock: HomeLock, args: &HomeArgs) -> Outcome<Kept> {
        let key = keys::open_store_key(&home.key_path(), &passphrase::existing(args)?)?;
        let store = Store::open(&home.store_path(), &key)?;
        Ok(Kept { store, engine: None, started: Instant::now(), _lock: lock })
    }

    /// The store.
    pub fn store(&mut self) -> &mut Store {
        &mut self.store
    }

    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        Now {
            moment: Moment(self.started.elapsed().as_millis() as u64),
            wall: WallTime(i64::try_from(wall).unwrap_or(i64::MAX)),
        }
    }

    fn engine(&mut self) -> Outcome<&mut Engine> {
        if self.engine.is_none() {
            let signing = signing_key(self.store.reader())?;
            let setup = Setup { signing, suite: CipherSuite::Real, seed: keys::random()? };
            self.engine = Some(Engine::recover(self.now(), setup, self.store.snapshot()?)?);
        }
        self.engine
            .as_mut()
            .ok_or_else(|| Failure::new(Code::Failed, "the engine is gone", "repeat the command"))
    }

    /// Hands in inputs, makes durable what they change, and returns what they told.
    fn feed(&mut self, inputs: Vec<Input>) -> Outcome<Vec<Output>> {
        let now = self.now();
        let mut told = Vec::new();
        let mut due: VecDeque<Output> = drained(self.engine()?.handle(now, inputs));
        while let Some(output) = due.pop_front() {
            match output {
                Output::Persist(batch) => {
                    self.store.apply(&batch)?;
                    due.extend(drained(self.engine()?.persisted(now)));
                }
                Output::Fetch(fetch) => {
                    let fetched = self.store.fetch(&fetch)?;
                    due.extend(drained(self.engine()?.handle(now, [Input::Fetched(fetched)])));
                }
                other => told.push(other),
            }
        }
        Ok(told)
    }
}

/// The node's own signing key.
pub fn signing_key(reader: &Reader) -> Outcome<SigningKey> {
    let seeds = reader.secret(secrets::SIGNING)?;
    seeds.and_then(|seeds| Secret::from_slice(&seeds)).map(SigningKey::from_seeds).ok_or_else(|| {
        Failure::new(
            Code::Integrity,
            "the node's signing key is not in the store",
            "couloir restore FILE --home NEWDIR",
        )
    })
}

fn drained(outputs: Outputs<'_>) -> VecDeque<Output> {
    let mut all = VecDeque::new();
    outputs.drain(|output| all.push_back(output));
    all
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
        let told = self.feed(vec![Input::Say(say)])?;
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
        refusal_in(self.feed(vec![input])?).map_or(Ok(()), |refusal| Err(refusal.into()))
    }

    fn status(&mut self) -> Outcome<StatusView> {
        let now = self.now();
        Ok(self.engine()?.status(now))
    }

    fn phrase(&mut self) -> Outcome<Option<PhraseView>> {
        Ok(self.engine()?.phrase())
    }

    fn reader(&self) -> &Reader {
        self.store.reader()
    }

    fn with_store<T: Send + 'static>(
        &mut self,
        act: impl FnOnce(&mut Store) -> T + Send + 'static,
    ) -> Outcome<T> {
        Ok(act(&mut self.store))
    }

    fn drill(&mut self) -> Outcome<u64> {
        Err(Failure::later("the line cannot be tested while the node does not run", "start it: couloir run"))
    }
}
