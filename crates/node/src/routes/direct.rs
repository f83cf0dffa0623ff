//! A direct route: QUIC between the two nodes (PROTOCOL §6.1).
//!
//! The inviting side listens, the other connects and, whenever the connection is gone, connects again:
//! attempts overlap, and follow one another the faster the shorter the peer has been away. Both show the key that their papers name. A connection has one
//! stream each way with frames of `u32` length and octets. Before first contact the listening side
//! lets strangers in, a few at once, who are sent what everybody there is sent: cells that only the
//! invited can open.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use couloir_engine::Input;
use couloir_wire::id::{Digest, RouteId};
use couloir_wire::limits::PROMPT_CELL_OCTETS_MAX;
use hyper::body::Bytes;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{
    ClientConfig, Connection, ConnectionError, ConnectionId, ConnectionIdGenerator, Endpoint, EndpointConfig,
    MtuDiscoveryConfig, RecvStream, SendStream, ServerConfig, TransportConfig, VarInt,
};
use rustls::pki_types::CertificateDer;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::peering::Peering;
use super::place::Place;
use super::tls::{DIRECT_NAME, DirectKeys, key_hash};
use crate::shell::{ARRIVED_OCTETS_MAX, Job, Jobs, LEAVING_FRAMES_MAX};

/// One direct route.
pub(super) struct Direct {
    route: RouteId,
    jobs: Jobs,
    lines: Mutex<Vec<Line>>,
    /// Room for frames that wait for the engine.
    room: Arc<Semaphore>,
    /// Why the last connection ended, if its other end or the network ended it.
    ended: Mutex<Option<ConnectionError>>,
    /// It could not listen when it last tried, and that was told.
    is_deaf: AtomicBool,
}

/// One connection that stands.
struct Line {
    number: u64,
    connection: Connection,
    peer: Option<Digest>,
    frames: mpsc::Sender<Vec<u8>>,
}

impl Direct {
    /// A route without a connection.
    pub(super) fn new(route: RouteId, jobs: Jobs) -> Direct {
        let room = Arc::new(Semaphore::new(ARRIVED_OCTETS_MAX));
        let (lines, ended) = (Mutex::default(), Mutex::default());
        Direct { route, jobs, lines, room, ended, is_deaf: AtomicBool::new(false) }
    }

    /// Why the last connection ended, if its other end or the network ended it.
    pub(super) fn ended(&self) -> Option<ConnectionError> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Queues a frame; a connection that takes none is given up.
    pub(super) fn send(&self, frame: Vec<u8>) {
        let lines = self.lines();
        let Some((last, others)) = lines.split_last() else { return };
        others.iter().for_each(|line| line.send(frame.clone()));
        last.send(frame);
    }

    /// Whether a connection stands.
    pub(super) fn stands(&self) -> bool {
        !self.lines().is_empty()
    }

    /// Gives every connection up.
    pub(super) fn close(&self) {
        self.lines().drain(..).for_each(|line| line.connection.close(VarInt::from_u32(0), b""));
    }

    /// Keeps the route until the task is ended.
    pub(super) async fn run(
        self: Arc<Self>,
        place: Place,
        keys: Arc<DirectKeys>,
        mut peering: watch::Receiver<Peering>,
    ) {
        loop {
            let role = peering.borrow_and_update().clone();
            let work = async {
                match role {
                    Peering { is_inviter: true, .. } => self.listen(&place, &keys, &peering).await,
                    Peering { peer: Some(peer), .. } => self.connect(&place, &keys, peer).await,
                    Peering { peer: None, .. } => std::future::pending().await,
                }
            };
            // Papers change while the route runs when first contact is made: who listens goes on.
            let mut changes = peering.clone();
            let changed = async {
                loop {
                    if changes.changed().await.is_err() {
                        std::future::pending::<()>().await;
                    }
                    self.drop_strangers(&changes.borrow());
                    if changes.borrow().is_inviter != role.is_inviter || !role.is_inviter {
                        return;
                    }
                }
            };
            tokio::select! {
                () = work => {}
                () = changed => {}
            }
            self.fall().await;
        }
    }

    async fn listen(self: &Arc<Self>, place: &Place, keys: &DirectKeys, peering: &watch::Receiver<Peering>) {
        let Some(endpoint) = listening_endpoint(place, keys, peering.clone()).await else {
            if !self.is_deaf.swap(true, Ordering::Relaxed) {
                tracing::warn!(route = %self.route, "cannot listen for the other side; trying again");
                self.tell(Input::DirectDown(self.route)).await;
            }
            return tokio::time::sleep(LISTEN_AGAIN).await;
        };
        self.is_deaf.store(false, Ordering::Relaxed);
        // Dropped with this future, and all that came in with it.
        let mut arrivals = JoinSet::new();
        while let Some(incoming) = endpoint.accept().await {
            while arrivals.try_join_next().is_some() {}
            let (direct, peering) = (self.clone(), peering.clone());
            arrivals.spawn(async move {
                let arrived = tokio::time::timeout(HANDSHAKE, incoming).await;
                if let Ok(Ok(connection)) = arrived {
                    let is_stranger = peering.borrow().peer.is_none();
                    direct.carry(connection, if is_stranger { STRANGERS_MAX } else { 1 }).await;
                }
            });
        }
    }

    async fn connect(self: &Arc<Self>, place: &Place, keys: &DirectKeys, peer: Digest) {
        let Some((host, port)) = place.direct() else { return std::future::pending().await };
        let Some((endpoint, config)) = connecting_endpoint(keys, peer) else {
            return tokio::time::sleep(LISTEN_AGAIN).await;
        };
        loop {
            let mut reaching = std::pin::pin!(reach(&endpoint, &config, &host, port));
            let connection = match tokio::time::timeout(UNREACHED, &mut reaching).await {
                Ok(connection) => connection,
                Err(_) => {
                    self.tell(Input::DirectDown(self.route)).await;
                    reaching.await
                }
            };
            let stands = Instant::now();
            self.carry(connection, 1).await;
            // Somebody who takes our place at once, and we his, would else keep both busy.
            tokio::time::sleep_until(stands + ATTEMPT).await;
        }
    }

    /// Carries frames both ways until the connection is gone.
    async fn carry(self: &Arc<Self>, connection: Connection, lines_max: usize) {
        let Ok(out) = connection.open_uni().await else { return };
        let (frames, queue) = mpsc::channel(LEAVING_FRAMES_MAX);
        let number = self.add(&connection, frames, lines_max).await;
        tokio::select! {
            () = self.write_frames(out, queue) => {}
            () = self.read_frames(&connection) => {}
            _ = connection.closed() => {}
        }
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = connection.close_reason();
        tracing::debug!(route = %self.route, reason = ?self.ended(), "a direct connection ended");
        connection.close(VarInt::from_u32(0), b"");
        self.remove(number).await;
    }

    /// The engine is told that the route fell and stands again, so that it forgets what was under way
    /// on an older connection.
    async fn add(&self, connection: &Connection, frames: mpsc::Sender<Vec<u8>>, lines_max: usize) -> u64 {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let line = Line { number, connection: connection.clone(), peer: peer_key(connection), frames };
        let had_one = {
            let mut lines = self.lines();
            let had_one = !lines.is_empty();
            lines.push(line);
            let surplus = lines.len().saturating_sub(lines_max);
            lines.drain(..surplus).for_each(|old| old.connection.close(VarInt::from_u32(0), b""));
            had_one
        };
        if had_one {
            self.tell(Input::DirectDown(self.route)).await;
        }
        self.tell(Input::DirectUp(self.route)).await;
        number
    }

    async fn remove(&self, number: u64) {
        let (fell, stands) = {
            let mut lines = self.lines();
            let before = lines.len();
            lines.retain(|line| line.number != number);
            (lines.len() < before, !lines.is_empty())
        };
        if fell {
            self.tell(Input::DirectDown(self.route)).await;
        }
        if fell && stands {
            self.tell(Input::DirectUp(self.route)).await;
        }
    }

    /// Forgets connections whose task is gone.
    async fn fall(&self) {
        let stood = self.stands();
        self.close();
        if stood {
            self.tell(Input::DirectDown(self.route)).await;
        }
    }

    /// Once the peer is known, nobody else stays.
    fn drop_strangers(&self, peering: &Peering) {
        let Some(peer) = peering.peer else { return };
        let lines = self.lines();
        let strangers = lines.iter().filter(|line| line.peer != Some(peer));
        strangers.for_each(|line| line.connection.close(VarInt::from_u32(0), b""));
    }

    async fn write_frames(&self, mut stream: SendStream, mut queue: mpsc::Receiver<Vec<u8>>) {
        let mut frames = Vec::new();
        while queue.recv_many(&mut frames, FRAMES_AT_ONCE).await > 0 {
            let took = Input::DirectTook { route: self.route, frames: frames.len() };
            let mut chunks = Vec::with_capacity(2 * frames.len());
            for frame in frames.drain(..) {
                chunks.push(Bytes::copy_from_slice(&(frame.len() as u32).to_be_bytes()));
                chunks.push(Bytes::from(frame));
            }
            if stream.write_all_chunks(&mut chunks).await.is_err() {
                return;
            }
            self.tell(took).await;
        }
    }

    async fn read_frames(&self, connection: &Connection) {
        let Ok(mut stream) = connection.accept_uni().await else { return };
        while let Some(frame) = read_frame(&mut stream).await {
            let room = self.room.clone().acquire_many_owned(frame.len().max(1) as u32).await;
            let input = Input::DirectArrived { route: self.route, frame };
            if self.jobs.send(Job::Happened(input, room.ok())).await.is_err() {
                return;
            }
        }
    }

    async fn tell(&self, input: Input) {
        // If nobody takes it, the node is stopping.
        drop(self.jobs.send(Job::Happened(input, None)).await);
    }

    fn lines(&self) -> MutexGuard<'_, Vec<Line>> {
        // No code panics while it holds this lock.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn send(&self, frame: Vec<u8>) {
        if self.frames.try_send(frame).is_err() {
            self.connection.close(VarInt::from_u32(0), b"");
        }
    }
}

async fn read_frame(stream: &mut RecvStream) -> Option<Vec<u8>> {
    let mut len = [0; 4];
    stream.read_exact(&mut len).await.ok()?;
    let len = u32::from_be_bytes(len) as usize;
    if len > FRAME_OCTETS_MAX {
        return None;
    }
    let mut frame = vec![0; len];
    stream.read_exact(&mut frame).await.ok()?;
    Some(frame)
}

fn peer_key(connection: &Connection) -> Option<Digest> {
    let chain = connection.peer_identity()?.downcast::<Vec<CertificateDer<'static>>>().ok()?;
    key_hash(chain.first()?).ok()
}

async fn listening_endpoint(
    place: &Place,
    keys: &DirectKeys,
    peering: watch::Receiver<Peering>,
) -> Option<Endpoint> {
    let address = match place.listen() {
        Some(address) => address,
        None => resolve(&place.direct()?).await?,
    };
    let tls = QuicServerConfig::try_from(keys.server(peering).ok()?).ok()?;
    let mut config = ServerConfig::with_crypto(Arc::new(tls));
    config.transport_config(Arc::new(transport()));
    config.migration(true).max_incoming(INCOMING_MAX);
    endpoint(keys, Some(config), address)
}

fn connecting_endpoint(keys: &DirectKeys, peer: Digest) -> Option<(Endpoint, ClientConfig)> {
    let tls = QuicClientConfig::try_from(keys.client(peer).ok()?).ok()?;
    let mut config = ClientConfig::new(Arc::new(tls));
    config.transport_config(Arc::new(transport()));
    // A socket for both families, or for the old one where there is no other.
    let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
    let old = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let endpoint = endpoint(keys, None, any).or_else(|| endpoint(keys, None, old))?;
    Some((endpoint, config))
}

/// The key of stateless resets stays the same through restarts, so that the other side notices one
/// with its next packet.
fn endpoint(keys: &DirectKeys, server: Option<ServerConfig>, address: SocketAddr) -> Option<Endpoint> {
    let mut config = EndpointConfig::new(keys.reset_key());
    config.max_udp_payload_size(UDP_OCTETS_MAX).ok()?.cid_generator(|| Box::new(RandomIds));
    let socket = std::net::UdpSocket::bind(address).ok()?;
    let runtime = quinn::default_runtime()?;
    Endpoint::new(config, server, socket, runtime).ok()
}

/// Connection ids that any endpoint answers with a reset when it does not know them. The library's
/// usual ones are recognised by a key that a restart forgets.
struct RandomIds;

impl ConnectionIdGenerator for RandomIds {
    fn generate_cid(&mut self) -> ConnectionId {
        // Without entropy ids repeat and connections fail; nothing can be read for it.
        ConnectionId::new(&crate::keys::random::<ID_OCTETS>().unwrap_or_default())
    }

    fn cid_len(&self) -> usize {
        ID_OCTETS
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        None
    }
}

/// The first connection that stands. Attempts overlap, so that a peer that has just come back is found
/// with the next one, and one that lies far away is not given up for it.
async fn reach(endpoint: &Endpoint, config: &ClientConfig, host: &str, port: u16) -> Connection {
    let began = Instant::now();
    // Dropped with this future, and all attempts with it.
    let mut attempts = JoinSet::new();
    for number in 0u32.. {
        let attempt = attempt(endpoint.clone(), config.clone(), (host.to_owned(), port));
        attempts.spawn(tokio::time::timeout(patience_of(number), attempt));
        let next = Instant::now() + pause_after(began.elapsed());
        loop {
            tokio::select! {
                Some(done) = attempts.join_next() => if let Ok(Ok(Some(connection))) = done {
                    return connection;
                },
                () = tokio::time::sleep_until(next) => break,
            }
        }
    }
    std::future::pending().await
}

async fn attempt(endpoint: Endpoint, config: ClientConfig, address: (String, u16)) -> Option<Connection> {
    let address = resolve(&address).await?;
    let is_v6 = endpoint.local_addr().ok()?.is_ipv6();
    let address = match address {
        SocketAddr::V4(old) if is_v6 => SocketAddr::from((old.ip().to_ipv6_mapped(), old.port())),
        address => address,
    };
    endpoint.connect_with(config, address, DIRECT_NAME).ok()?.await.ok()
}

async fn resolve(address: &(String, u16)) -> Option<SocketAddr> {
    tokio::net::lookup_host((address.0.as_str(), address.1)).await.ok()?.next()
}

/// Receiving windows above the streams' credit, so that they never add a wait; large packets where the
/// wire takes them.
fn transport() -> TransportConfig {
    let mut config = TransportConfig::default();
    let mut mtu = MtuDiscoveryConfig::default();
    mtu.upper_bound(UDP_OCTETS_MAX);
    config
        .max_idle_timeout(Some(VarInt::from_u32(IDLE_MS).into()))
        .keep_alive_interval(Some(KEEP_ALIVE))
        .initial_rtt(INITIAL_RTT)
        .stream_receive_window(VarInt::from_u32(WINDOW_OCTETS))
        .receive_window(VarInt::from_u32(WINDOW_OCTETS))
        .send_window(SENT_OCTETS_MAX)
        .mtu_discovery_config(Some(mtu))
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(1))
        .datagram_receive_buffer_size(None);
    config
}

/// Most attempts are given up soon, for others follow. Every sixth has time for a satellite, every
/// thirty-second for whatever there may be.
fn patience_of(number: u32) -> Duration {
    match (number % 32, number % 6) {
        (31, _) => ATTEMPT_LONGEST,
        (_, 5) => ATTEMPT_LONG,
        _ => ATTEMPT,
    }
}

/// A hundredth of how long the peer has been looked for, and up to half as much again.
fn pause_after(looked: Duration) -> Duration {
    let pause = (looked / 100).clamp(PAUSE_MIN, PAUSE_MAX);
    let random = crate::keys::random::<1>().map_or(0, |[octet]| u32::from(octet));
    pause + pause * random / 512
}

const ID_OCTETS: usize = 8;
const FRAME_OCTETS_MAX: usize = PROMPT_CELL_OCTETS_MAX + 64;
const FRAMES_AT_ONCE: usize = 32;
/// Above the credit of all streams together.
const WINDOW_OCTETS: u32 = 16 << 20;
/// What was sent and not confirmed, so that what is urgent never waits behind more: 160 Mbit/s at a round
/// trip of 100 ms.
const SENT_OCTETS_MAX: u64 = 2 << 20;
/// Jumbo frames of common networks, and loopback.
const UDP_OCTETS_MAX: u16 = 16_000;
const IDLE_MS: u32 = 6_000;
/// A restarted peer is noticed within this.
const KEEP_ALIVE: Duration = Duration::from_millis(500);
/// Lost first packets are sent again after three times this; the next attempt comes sooner.
const INITIAL_RTT: Duration = Duration::from_millis(100);
const HANDSHAKE: Duration = Duration::from_secs(5);
const ATTEMPT: Duration = Duration::from_millis(300);
const ATTEMPT_LONG: Duration = Duration::from_secs(1);
const ATTEMPT_LONGEST: Duration = Duration::from_secs(5);
/// A restart is noticed within this; each attempt costs two packets.
const PAUSE_MIN: Duration = Duration::from_millis(25);
const PAUSE_MAX: Duration = Duration::from_secs(2);
const LISTEN_AGAIN: Duration = Duration::from_secs(2);
/// How long nothing answers until the route is said to be down.
const UNREACHED: Duration = Duration::from_secs(10);
/// Connections before first contact; the newest stay.
const STRANGERS_MAX: usize = 4;
/// Handshakes under way at once.
const INCOMING_MAX: usize = 64;
