//! The node: store, routes, socket and command line around the pure engine.
//!
//! `couloir` is a thin main over this library, so that its parts can be tested alone.

#![deny(unsafe_code)]

pub mod book;
pub mod clerk;
pub mod cli;
pub mod home;
pub mod keys;
pub mod page;
pub mod print;
pub mod release;
pub mod routes;
pub mod shell;
pub mod socket;
pub mod store;
mod taxii;
pub mod tls_key;
mod verbs;
pub mod words;
