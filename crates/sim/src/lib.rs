//! The whole system in one thread, one seed: two nodes, their relays, folders and connections, their
//! users, and everything that can go wrong between them.
//!
//! A run has a safety phase, in which the classes of faults that its seed turned on happen, and a
//! healing phase, in which none does and everything must arrive. Beside it stands a model that
//! knows who said what and shares no code with the engine; after each step it is asked whether
//! what the nodes made durable and sent may be so. What a run does is hashed: the same seed gives
//! the same hash.
//!
//! Chance comes from the seed alone. What the network does to an exchange depends on when it left
//! and on nothing else, so that a run with and without anything said can be compared from outside.

#![forbid(unsafe_code)]

pub mod chance;
mod charter;
pub mod checks;
mod connect;
mod corrections;
pub mod digest;
pub mod direct;
pub mod faults;
pub mod folder;
mod inject;
mod ledger;
mod matters;
pub mod memory_store;
pub mod model;
pub mod named;
pub mod network;
pub mod node;
mod perform;
pub mod relay;
pub mod scenario;
pub mod setup;
mod silence;
mod talk;
pub mod world;
