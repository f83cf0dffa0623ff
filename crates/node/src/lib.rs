//! The node: store, routes, socket and command line around the pure engine.
//!
//! `couloir` is a thin main over this library, so that its parts can be tested alone.

#![deny(unsafe_code)]

pub mod cli;
pub mod socket;
pub mod verbs;
pub mod words;
pub mod home;
pub mod keys;
pub mod store;
