//! The page: the desk in a browser, served on loopback by a running node.
//!
//! *One folder deep.* Everything lies at `/FOLDER/NAME`, FOLDER being a secret of this start, so every
//! link is a bare name and no other server on loopback is sent our cookie. *A request* passes
//! [`guard`], then [`doors`]; then a [`pages::Page`] is rendered by the server, whole, or a
//! [`pages::Act`] is carried out and answered by a redirection. *Scripts are a comfort*: every page
//! works without; the script follows `events` ([`live`]), fetches the same page again and replaces the
//! regions marked `data-live`. *Nothing of the peer's becomes markup*: maud escapes, names are
//! isolated, files are only ever downloaded. *Words* come from `locales/` through [`tongue`].
//!
//! Another page is one file in [`pages`] and one line in its table.

mod assets;
pub(crate) mod dates;
mod doors;
mod form;
mod frame;
mod guard;
mod history;
mod ledger;
mod live;
mod notices;
mod office;
mod order;
mod outside;
mod pages;
mod serve;
mod speak;
pub(crate) mod taste;
pub(crate) mod tongue;
mod transfer;
mod visit;
mod watcher;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use tokio::net::TcpListener;

use crate::home::Home;
use crate::shell::Handle;
use crate::words::{Code, Failure, Outcome};
pub use office::Office;

/// Where and how the page is served.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// The port on loopback; any that is free if 0.
    pub port: u16,
    /// After how long without use a session locks.
    pub idle: Duration,
}

/// Serves the page of a running node on the runtime of the caller, until that ends.
pub fn start(wish: Wish, home: &Home, handle: Handle) -> Outcome<Arc<Office>> {
    let (listener, address) = listen(wish.port)?;
    let office = Arc::new(Office::new(handle, address.to_string(), home.key_path(), wish.idle)?);
    let inside = Arc::clone(&office);
    tokio::spawn(watcher::watch(Arc::clone(&office)));
    tokio::spawn(async move {
        let router = Router::new()
            .fallback(serve::serve)
            .layer(DefaultBodyLimit::max(transfer::UPLOAD_OCTETS_MAX))
            .with_state(inside);
        let listener = TcpListener::from_std(listener)?;
        axum::serve(listener, router).await
    });
    Ok(office)
}

fn listen(port: u16) -> Outcome<(std::net::TcpListener, SocketAddr)> {
    let wrong = |error: std::io::Error| {
        let next = "choose another: couloir run --page-port PORT, or none: --no-page";
        Failure::new(Code::Failed, format!("the page cannot be served on port {port}: {error}"), next)
    };
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(wrong)?;
    listener.set_nonblocking(true).map_err(wrong)?;
    let address = listener.local_addr().map_err(wrong)?;
    Ok((listener, address))
}
