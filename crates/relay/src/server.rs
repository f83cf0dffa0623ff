//! The server: connections, TLS, HTTP/1.1, and an orderly end.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use couloir_wire::id::Digest as Pin;
use couloir_wire::ruler::Ruler;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

use crate::access::Access;
use crate::http::{Relay, wall_time};
use crate::limits::{
    ANSWER_STALL_MS, CONNECTIONS_DEFAULT, CONNECTIONS_PER_ADDRESS_SHARE, HANDSHAKE_MS, HEAD_MS,
    REQUEST_HEAD_OCTETS_MAX, STOP_MS, TICK_MS,
};
use crate::store::{Store, StoreError, StoreLimits};
use crate::stream::Unstalled;
pub use crate::tls::{CertificateSource, TlsError};

/// What a relay is told by its operator.
pub struct Config {
    /// Folder of the store.
    pub data: PathBuf,
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How long cells are kept.
    pub ruler: Ruler,
    /// The URL that nodes reach it by, if it is not the address.
    pub public_url: Option<String>,
    /// Certificate and key.
    pub certificate: CertificateSource,
    /// Who may use it.
    pub access: Access,
    /// Bounds of its store.
    pub store: StoreLimits,
    /// Connections at once.
    pub connections_max: usize,
}

impl Config {
    /// A relay for everybody with a store and a certificate of its own in `data`.
    pub fn new(data: PathBuf, listen: SocketAddr, ruler: Ruler) -> Config {
        Config {
            certificate: CertificateSource::Own(data.clone()),
            data,
            listen,
            ruler,
            public_url: None,
            access: Access::open(),
            store: StoreLimits::default(),
            connections_max: CONNECTIONS_DEFAULT,
        }
    }
}

/// Why a relay does not serve, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address} ({source}); stop what listens there or choose another --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// A relay that listens and does not serve yet.
pub struct Bound {
    server: Arc<Server>,
    listener: TcpListener,
    failure: Option<tokio::sync::oneshot::Receiver<StoreError>>,
    route: String,
}

struct Server {
    relay: Relay,
    tls: TlsAcceptor,
    connections: Arc<Semaphore>,
    by_address: Mutex<BTreeMap<IpAddr, usize>>,
    connections_max: usize,
    per_address_max: usize,
    stopping: watch::Sender<bool>,
}

impl Bound {
    /// Opens store and certificate and listens.
    pub async fn bind(config: Config) -> Result<Bound, ServeError> {
        let mut store = Store::open(&config.data, config.store, wall_time())?;
        let (tls, pin) = crate::tls::configure(&config.certificate)?;
        let listen_error = |source| ServeError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(listen_error)?;
        let address = listener.local_addr().map_err(listen_error)?;
        let failure = store.take_failure();
        let route = route(config.public_url.as_deref(), address, &pin, config.ruler);
        let server = Server {
            relay: Relay::new(config.ruler, config.access, store),
            tls: TlsAcceptor::from(tls),
            connections: Arc::new(Semaphore::new(config.connections_max)),
            by_address: Mutex::default(),
            connections_max: config.connections_max,
            per_address_max: (config.connections_max / CONNECTIONS_PER_ADDRESS_SHARE).max(1),
            stopping: watch::Sender::new(false),
        };
        Ok(Bound { server: Arc::new(server), listener, failure, route })
    }

    /// The route to put into a charter: URL, pin, and the ruler unless it is 0.
    pub fn route(&self) -> &str {
        &self.route
    }

    /// Serves until `stop` resolves, then finishes what is under way; or until the store fails.
    pub async fn serve(mut self, stop: impl Future<Output = ()>) -> Result<(), ServeError> {
        let failure = self.failure.take();
        let failed = async {
            match failure {
                Some(failure) => failure.await.ok(),
                None => std::future::pending().await,
            }
        };
        let outcome = tokio::select! {
            () = stop => Ok(()),
            Some(error) = failed => Err(error.into()),
            () = self.accept_all() => Ok(()),
            () = self.tick() => Ok(()),
        };
        self.server.stopping.send_replace(true);
        let all = u32::try_from(self.server.connections_max).unwrap_or(u32::MAX);
        let ended = self.server.connections.acquire_many(all);
        if outcome.is_ok() && tokio::time::timeout(Duration::from_millis(STOP_MS), ended).await.is_err() {
            tracing::warn!("some connections did not end in time and were cut");
        }
        outcome
    }

    async fn accept_all(&self) {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => self.server.clone().admit(stream, peer.ip()),
                Err(error) => {
                    tracing::warn!("accepting a connection failed ({error}); trying again");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn tick(&self) {
        let mut ticks = tokio::time::interval(Duration::from_millis(TICK_MS));
        loop {
            ticks.tick().await;
            drop(self.server.relay.store().tick(wall_time()));
        }
    }
}

/// Serves a relay for `config` until `stop` resolves. `ready` is called once with the route.
pub async fn serve(
    config: Config,
    ready: impl FnOnce(&str),
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let bound = Bound::bind(config).await?;
    ready(bound.route());
    bound.serve(stop).await
}

const STALL: Duration = Duration::from_millis(ANSWER_STALL_MS);
/// Out of files or memory: give others time to end.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

impl Server {
    /// Serves `stream` in a task of its own, or closes it: too many connections, or too many from
    /// its address.
    fn admit(self: Arc<Self>, stream: TcpStream, address: IpAddr) {
        let Ok(permit) = Arc::clone(&self.connections).try_acquire_owned() else { return };
        let Some(seat) = Seat::take(&self, address) else { return };
        tokio::spawn(async move {
            self.connection(stream).await;
            drop((seat, permit));
        });
    }

    async fn has_to_stop(&self) {
        // The sender lives as long as the server, so there is no error to hear of.
        let _ = self.stopping.subscribe().wait_for(|stop| *stop).await;
    }

    async fn connection(&self, stream: TcpStream) {
        // Without it small answers wait for acknowledgements; refusal only costs that time.
        let _ = stream.set_nodelay(true);
        let handshake = tokio::time::timeout(Duration::from_millis(HANDSHAKE_MS), self.tls.accept(stream));
        let Ok(Ok(stream)) = handshake.await else { return };
        let service = service_fn(|request| self.relay.handle(request));
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_millis(HEAD_MS))
            .max_buf_size(REQUEST_HEAD_OCTETS_MAX)
            .auto_date_header(false)
            .serve_connection(TokioIo::new(Unstalled::new(stream, STALL)), service);
        let mut connection = std::pin::pin!(connection);
        let outcome = tokio::select! {
            outcome = connection.as_mut() => Some(outcome),
            () = self.has_to_stop() => None,
        };
        let outcome = match outcome {
            Some(outcome) => outcome,
            None => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = outcome {
            tracing::debug!("a connection ended early: {error}");
        }
    }
}

/// A connection's place among those of its address. Loopback is exempt: a proxy may be there.
struct Seat {
    server: Arc<Server>,
    address: IpAddr,
}

impl Seat {
    fn take(server: &Arc<Server>, address: IpAddr) -> Option<Seat> {
        let mut by_address = server.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let count = by_address.entry(address).or_default();
        if *count >= server.per_address_max && !address.is_loopback() {
            return None;
        }
        *count += 1;
        Some(Seat { server: Arc::clone(server), address })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut by_address = self.server.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&self.address);
            }
        }
    }
}

fn route(public_url: Option<&str>, address: SocketAddr, pin: &Pin, ruler: Ruler) -> String {
    let own = format!("https://{address}");
    let url = public_url.unwrap_or(&own);
    match ruler.number() {
        0 => format!("{url}#pin={pin}"),
        number => format!("{url}#pin={pin}&ruler={number}"),
    }
}
