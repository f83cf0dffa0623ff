//! The engine's public face.

use std::collections::VecDeque;

use couloir_seal::CipherSuite;
use couloir_seal::identity::SigningKey;
use couloir_wire::time::Moment;

use crate::input::{Input, Now};
use crate::output::Output;
use crate::status::StatusView;
use crate::store::Snapshot;

/// What an engine is given besides its store.
pub struct Setup {
    /// The node's signing keys.
    pub signing: SigningKey,
    /// Real ciphers, or the null ones of long simulations.
    pub suite: CipherSuite,
    /// Entropy of the machine.
    pub seed: [u8; 32],
}

/// Why a store's content makes no engine. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecoverError {
    /// A small state cannot be read.
    #[error("the node's stored state is damaged ({0}); restore a backup")]
    Damaged(&'static str),
    /// The store belongs to another node's keys.
    #[error("the store belongs to another node than the keys")]
    OtherNode,
}

/// When to call [`Engine::handle`] again although nothing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wake {
    /// At the latest then.
    pub at: Moment,
}

/// The comparison phrase, to be read to the other desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhraseView {
    /// Numbers of the seven symbols in `couloir_seal::phrase`.
    pub symbols: [u8; 7],
    /// The same as digits.
    pub digits: String,
}

/// A node's engine.
pub struct Engine {
    queue: VecDeque<Output>,
}

/// What is to be done, in order. Borrows the engine, so that the next input waits for it.
pub struct Outputs<'e> {
    engine: &'e mut Engine,
}

impl Outputs<'_> {
    /// Performs every output in order; tells when the engine wants to be woken.
    pub fn drain(self, perform: impl FnMut(Output)) -> Option<Wake> {
        self.engine.queue.drain(..).for_each(perform);
        None
    }
}

impl Engine {
    /// An engine as the store remembers it. It only keeps until [`Input::Serve`].
    pub fn recover(_now: Now, _setup: Setup, _snapshot: Snapshot) -> Result<Engine, RecoverError> {
        Ok(Engine { queue: VecDeque::new() })
    }

    /// Takes what happened. An empty list is a wake-up.
    pub fn handle(&mut self, _now: Now, inputs: impl IntoIterator<Item = Input>) -> Outputs<'_> {
        inputs.into_iter().for_each(drop);
        Outputs { engine: self }
    }

    /// The outstanding batch is durable.
    pub fn persisted(&mut self, _now: Now) -> Outputs<'_> {
        Outputs { engine: self }
    }

    /// The node at a glance.
    pub fn status(&self, now: Now) -> StatusView {
        StatusView {
            at: now.wall,
            posture: crate::status::PostureView {
                is_active: false,
                since: None,
                own: couloir_wire::cell::Official::Unknown,
                own_why: String::new(),
                peer: couloir_wire::cell::Official::Unknown,
            },
            desk: (couloir_wire::cell::Desk::Unknown, None),
            clock_off_ms: 0,
            peers: Vec::new(),
            routes: Vec::new(),
            files: Vec::new(),
        }
    }

    /// The phrase, once first contact is complete.
    pub fn phrase(&self) -> Option<PhraseView> {
        None
    }
}
