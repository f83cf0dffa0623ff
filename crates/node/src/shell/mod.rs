//! The shell: clocks, store, routes and waiting around the pure engine.
//!
//! *The engine's thread* owns engine and store. It drains whatever inputs have come into one step,
//! makes the step's batch durable in one transaction, and only then performs what the step causes; so
//! the more comes, the more shares one sync. *Routes* are tasks of a small async runtime. They take
//! armed exchanges from a table by their own timers, so that neither disk nor engine moves what
//! leaves. *If the store fails*, the engine, being ahead of the disk, is dropped and made anew from
//! the store after a pause; armed exchanges go on leaving meanwhile.

mod clock;
mod engine_thread;
mod handle;
mod host;
mod limits;

pub use clock::Clock;
pub use engine_thread::{Ending, StartError, Unlocked, run};
pub use handle::{Event, Handle, HandleError, Sight};
pub use host::{Host, HostError};

pub(crate) use handle::{Job, Jobs};
pub(crate) use limits::*;
