//! An engine together with its store: steps, persistence, reading back.

use couloir_engine::{
    Engine, Input, LinkNumber, Output, Outputs, RecoverError, Setup, StateKey, Wake, Write,
};
use couloir_seal::identity::SigningKey;
use couloir_seal::{CipherSuite, Secret};
use couloir_wire::time::Moment;

use super::Clock;
use crate::keys::{self, KeyError};
use crate::store::{Store, StoreError, secrets};

/// An engine that has its store.
pub struct Host {
    engine: Engine,
    store: Store,
    clock: Clock,
    wake: Option<Moment>,
    fetched: Vec<Input>,
    is_channel_changed: bool,
}

/// Why a host could not be made.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The store stands in the way.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the store remembers makes no engine.
    #[error(transparent)]
    Recover(#[from] RecoverError),
    /// The machine gives no entropy.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The store holds no signing key.
    #[error("the node's signing key is not in the store")]
    NoSigningKey,
}

impl Host {
    /// The engine as the store remembers it. On failure the store is given back.
    pub fn recover(store: Store, clock: Clock) -> Result<Host, Box<(Store, HostError)>> {
        match recover_engine(&store, clock) {
            Ok(engine) => {
                let (wake, fetched) = (None, Vec::new());
                Ok(Host { engine, store, clock, wake, fetched, is_channel_changed: true })
            }
            Err(error) => Err(Box::new((store, error))),
        }
    }

    /// One step: what happened goes in, becomes durable, and what it causes goes to `perform`.
    /// After an error the engine is ahead of the disk and must be dropped.
    pub fn step(&mut self, inputs: Vec<Input>, mut perform: impl FnMut(Output)) -> Result<(), StoreError> {
        let mut inputs = inputs;
        inputs.append(&mut self.fetched);
        let mut asked = Asked::default();
        let outputs = self.engine.handle(self.clock.now(), inputs);
        self.wake = asked.sort(outputs, &mut perform);
        while let Some(batch) = asked.batch.take() {
            self.store.apply(&batch)?;
            self.is_channel_changed |= batch.iter().any(is_of_channel);
            self.wake = asked.sort(self.engine.persisted(self.clock.now()), &mut perform);
        }
        for (link, fetch) in asked.fetches {
            self.fetched.push(Input::Fetched(link, self.store.fetch(link, &fetch)?));
        }
        Ok(())
    }

    /// When to call [`Host::step`] although nothing happened: at once if something was read back.
    pub fn wake(&self) -> Option<Moment> {
        if self.fetched.is_empty() { self.wake } else { Some(Moment(0)) }
    }

    /// Whether the channel may have changed since this was last asked.
    pub fn take_channel_changed(&mut self) -> bool {
        std::mem::take(&mut self.is_channel_changed)
    }

    /// The engine, to be asked.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The store, between two batches.
    pub fn store(&mut self) -> &mut Store {
        &mut self.store
    }

    /// Gives up the engine.
    pub fn into_store(self) -> Store {
        self.store
    }
}

/// What a step asks of the store.
#[derive(Default)]
struct Asked {
    batch: Option<Vec<Write>>,
    fetches: Vec<(LinkNumber, couloir_engine::Fetch)>,
}

impl Asked {
    fn sort(&mut self, outputs: Outputs<'_>, perform: &mut impl FnMut(Output)) -> Option<Moment> {
        let wake = outputs.drain(|output| match output {
            Output::Persist(batch) => self.batch = Some(batch),
            Output::Fetch(link, fetch) => self.fetches.push((link, fetch)),
            other => perform(other),
        });
        wake.map(|Wake { at }| at)
    }
}

fn is_of_channel(write: &Write) -> bool {
    matches!(write, Write::State(StateKey::Channel, _))
}

fn recover_engine(store: &Store, clock: Clock) -> Result<Engine, HostError> {
    let seeds = store.reader().secret(secrets::SIGNING)?;
    let seeds = seeds.and_then(|seeds| Secret::from_slice(&seeds)).ok_or(HostError::NoSigningKey)?;
    let setup =
        Setup { signing: SigningKey::from_seeds(seeds), suite: CipherSuite::Real, seed: keys::random()? };
    Ok(Engine::recover(clock.now(), setup, store.snapshot()?)?)
}
