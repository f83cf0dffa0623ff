//! A TAXII 2.1 server on loopback, read-only: reports by conversation, for programs that analysts have.
//!
//! It is a process of its own, which asks the running node through its socket. A collection is a conversation; its
//! objects are those of the reports shared there that are marked no stricter than the level which the operator names. Before a
//! report's objects leave for the first time, its originator is told. Source: TAXII Version 2.1, OASIS Standard.

mod query;
mod serve;
mod shelf;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use couloir_wire::entry::Marking;

use crate::cli::home_args::HomeArgs;
use crate::words::{Code, Failure, Outcome};
use shelf::Shelf;

/// What is served, and to whom.
pub struct Terms {
    /// Whose node.
    pub args: HomeArgs,
    /// The strictest marking that may leave.
    pub level: Marking,
    /// Who fetches, in words: originators read this.
    pub client: String,
    /// What the client shows to be let in.
    pub token: String,
}

/// Binds the port on loopback.
pub fn listen(port: u16) -> Outcome<(std::net::TcpListener, SocketAddr)> {
    let wrong = |error: std::io::Error| {
        let what = format!("nothing can be served on port {port}: {error}");
        Failure::new(Code::Failed, what, "choose another: couloir taxii --port PORT")
    };
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(wrong)?;
    listener.set_nonblocking(true).map_err(wrong)?;
    let address = listener.local_addr().map_err(wrong)?;
    Ok((listener, address))
}

/// Serves until the runtime ends.
pub async fn serve(
    terms: Terms,
    listener: std::net::TcpListener,
    address: SocketAddr,
) -> std::io::Result<()> {
    let desk = Arc::new(serve::Desk::new(address, terms.token.clone(), Shelf::new(terms)));
    let router = Router::new().fallback(serve::serve).with_state(desk);
    axum::serve(tokio::net::TcpListener::from_std(listener)?, router).await
}
