//! The relay: a blind, expiring store of fixed-size cells by slot, and its server (PROTOCOL §5).
//!
//! A relay sees cells come and go on a schedule. It knows no key, no peer and no plaintext, and
//! its dependency tree holds no end-to-end code. What it decides is in [`core`], without clock,
//! files or sockets, so that the simulator runs the same decisions; [`store`] keeps cells
//! durably, [`server`] speaks HTTPS, [`cli`] is the command.

#![forbid(unsafe_code)]

pub mod access;
pub mod cli;
pub mod core;
mod http;
pub mod limits;
pub mod planted;
pub mod server;
pub mod store;
mod stream;
mod tls;
pub mod usage;
