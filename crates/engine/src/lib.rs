//! What to carry, when, where: links, windows, routes, acknowledgements, drills, posture.
//!
//! A pure state machine. Time and entropy come in with [`Input`]s, things to do come out as
//! [`Output`]s. *Remember before you speak*: [`Engine::handle`] applies its inputs, and if anything
//! durable changed, its only output is [`Output::Persist`]; what the inputs cause in the world
//! comes out of [`Engine::persisted`].
//!
//! ```text
//! let wake = engine.handle(now, inputs).drain(|output| shell.perform(output));
//! ```

#![forbid(unsafe_code)]

pub mod bulk;
pub mod channel;
pub mod control;
pub mod input;
pub mod output;
pub mod party;
pub mod planted;
pub mod schedule;
pub mod status;
pub mod store;
pub mod streams;

mod engine;
mod keys;
mod known;
mod link;
mod lives;
mod parts;
mod steady;
mod talk;
mod timers;
mod watch;

pub use engine::{Engine, Outputs, PhraseView, RecoverError, Setup, Wake};
pub use input::{Exchanged, Input, Now, RouteAnswer, RouteTrouble, Say};
pub use known::Known;
pub use link::Frozen;
pub use output::{Armed, Get, Notice, Output, Refusal};
pub use store::{Fetch, Fetched, LinkNumber, LinkSnapshot, Snapshot, StateKey, Write};
pub use talk::Talk;
