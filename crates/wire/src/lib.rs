//! What travels between nodes and relays: ids, times, cells, entries, exchanges.
//!
//! Formats only. Nothing here knows a key, a clock or a socket; every decoder takes bytes and
//! returns a value or a typed error, allocates nothing from a claimed length, and accepts one
//! encoding of each value (PROTOCOL §2).

#![forbid(unsafe_code)]

pub mod cbor;
pub mod cell;
pub mod entry;
pub mod exchange;
pub mod id;
pub mod limits;
pub mod papers;
pub mod route;
pub mod ruler;
pub mod text;
pub mod time;
