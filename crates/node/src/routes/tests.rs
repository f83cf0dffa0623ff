use std::time::Duration;

use couloir_engine::{Armed, Exchanged, Get, RouteTrouble};
use couloir_wire::exchange::{Put, PutOutcome};
use couloir_wire::id::{Digest, Slot, WriteToken};
use couloir_wire::ruler::Ruler;
use couloir_wire::time::{Moment, WallTime, Window, WindowLength};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use super::*;
use crate::keys::StoreKey;
use crate::shell::Job;
use crate::store::Store;

const PATIENCE: Duration = Duration::from_secs(20);

fn spec(url: &str) -> RouteSpec {
    RouteSpec {
        id: RouteId([4; 16]),
        url: url.to_owned(),
        window_ms: 100,
        cell_len: 512,
        lanes: 1,
        ruler: 0,
        from_ms: 0,
        retired_ms: None,
    }
}

struct Route {
    queue: Arc<Queue>,
    clock: Clock,
    jobs: mpsc::Receiver<Job>,
    task: tokio::task::JoinHandle<()>,
}

impl Route {
    fn relay(url: &str) -> Route {
        let spec = spec(url);
        Route::new(Line::Relay(Box::new(relay::RelayLine::new(&spec, &Places::default().of(&spec)))))
    }

    fn new(line: Line) -> Route {
        let (sender, jobs) = mpsc::channel(64);
        let (queue, clock) = (Arc::<Queue>::default(), Clock::start());
        let steady = Steady { queue: queue.clone(), jobs: sender, clock, line };
        Route { queue, clock, jobs, task: tokio::spawn(steady.run()) }
    }

    /// Arms an exchange that writes slot `write` and reads `read`, `after_ms` from now.
    fn arm(&self, write: u8, read: u8, after_ms: u64) -> Armed {
        let length = WindowLength::from_ms(100).expect("permitted");
        let window = length.window_at(WallTime(self.clock.now().wall.0 + after_ms as i64));
        let put = Put { token: WriteToken([write; 32]), window, cell: vec![write; 512] };
        let get = Get { slot: slot(read), window };
        let leaves = self.clock.moment() + after_ms;
        let (serial, route) = (u64::from(write), RouteId([4; 16]));
        let (puts, gets) = (vec![put], vec![get, get]);
        let armed = Armed { route, window, serial, leaves, length, puts, gets, lists: false };
        self.queue.arm(armed.clone());
        armed
    }

    async fn exchanged(&mut self) -> Exchanged {
        match tokio::time::timeout(PATIENCE, self.jobs.recv()).await {
            Ok(Some(Job::Happened(Input::Exchanged(exchanged), _))) => exchanged,
            _ => panic!("no exchange"),
        }
    }
}

impl Drop for Route {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn slot(token: u8) -> Slot {
    Slot(Sha256::digest([token; 32]).into())
}

struct Relay {
    _data: tempfile::TempDir,
    url: String,
    task: tokio::task::JoinHandle<()>,
}

impl Relay {
    async fn start() -> Relay {
        let data = tempfile::tempdir().expect("temporary folder");
        let listen = "127.0.0.1:0".parse().expect("an address");
        let ruler = Ruler::from_number(0).expect("a ruler");
        let config = couloir_relay::server::Config::new(data.path().to_path_buf(), listen, ruler);
        let bound = couloir_relay::server::Bound::bind(config).await.expect("bound");
        let url = bound.route().to_owned();
        let task = tokio::spawn(async move { drop(bound.serve(std::future::pending()).await) });
        Relay { _data: data, url, task }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_keeps_a_cell_and_gives_it_back() {
    let relay = Relay::start().await;
    let mut route = Route::relay(&relay.url);
    let first = route.arm(1, 9, 300);
    let told = route.exchanged().await;
    let answer = told.result.expect("answered");
    assert_eq!((answer.puts, answer.gets), (vec![PutOutcome::Stored], vec![None, None]));
    assert!(answer.time.is_some_and(|time| (time - route.clock.now().wall).abs() < 5_000));
    assert_eq!((told.window, told.serial), (first.window, 1));
    route.arm(2, 1, 200);
    let answer = route.exchanged().await.result.expect("answered");
    assert_eq!(answer.gets, vec![Some(vec![1; 512]), Some(vec![1; 512])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_leaves_at_its_instant_and_not_before() {
    let relay = Relay::start().await;
    let mut route = Route::relay(&relay.url);
    for after_ms in [150, 120, 400] {
        let armed = route.arm(after_ms as u8, 9, after_ms);
        let told = route.exchanged().await;
        assert!(told.left >= armed.leaves && told.left.since_ms(armed.leaves) <= 25, "{:?}", told.left);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_with_another_certificate_is_not_talked_to() {
    let relay = Relay::start().await;
    let (address, _) = relay.url.split_once('#').expect("a pin");
    for (pin, trouble) in [
        (format!("#pin={}", Digest([1; 32])), RouteTrouble::WrongCertificate),
        (String::new(), RouteTrouble::WrongCertificate),
    ] {
        let mut route = Route::relay(&format!("{address}{pin}"));
        route.arm(1, 1, 150);
        assert_eq!(route.exchanged().await.result, Err(trouble));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_is_gone_costs_a_window_and_is_used_again_when_it_is_back() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("an address");
    let mut route = Route::relay(&format!("https://{address}#pin={}", Digest([1; 32])));
    // It listens and never answers.
    route.arm(1, 1, 100);
    let told = route.exchanged().await;
    assert_eq!(told.result, Err(RouteTrouble::Unreachable));
    assert!(told.back.since_ms(told.left) <= 150, "{} ms", told.back.since_ms(told.left));
    drop(listener);
    // Nothing listens.
    route.arm(2, 1, 100);
    assert_eq!(route.exchanged().await.result, Err(RouteTrouble::Unreachable));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_missed_its_window_does_not_leave() {
    let mut route = Route::relay("https://127.0.0.1:1#pin=00");
    tokio::time::sleep_until(route.clock.instant(Moment(200))).await;
    // Not taken before it is changed.
    let mut armed = route.arm(1, 1, 60_000);
    armed.leaves = Moment(0);
    armed.window = Window(7);
    route.queue.disarm();
    route.queue.arm(armed);
    assert_eq!(route.exchanged().await.result, Err(RouteTrouble::Late));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_carries_a_cell_to_the_other_side() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let spec = spec(&format!("folder:{}", folder.path().display()));
    let line = || Line::Folder(folder::FolderLine::new(&spec, &Places::default().of(&spec)));
    let (mut ours, mut theirs) = (Route::new(line()), Route::new(line()));
    let written = ours.arm(1, 9, 50);
    assert_eq!(ours.exchanged().await.result.expect("answered").puts, vec![PutOutcome::Stored]);
    let mut read = theirs.arm(2, 1, 300);
    read.gets = vec![Get { slot: slot(1), window: written.window }];
    read.serial += 1;
    theirs.queue.arm(read);
    assert_eq!(theirs.exchanged().await.result.expect("answered").gets, vec![Some(vec![1; 512])]);
    drop(folder);
    ours.arm(3, 9, 50);
    assert_eq!(ours.exchanged().await.result, Err(RouteTrouble::Missing));
}

/// One end of a direct route.
struct End {
    direct: Arc<Direct>,
    jobs: mpsc::Receiver<Job>,
    peering: watch::Sender<Peering>,
    task: tokio::task::JoinHandle<()>,
}

struct Identity {
    _folder: tempfile::TempDir,
    keys: Arc<DirectKeys>,
    hash: Digest,
}

impl Identity {
    fn new() -> Identity {
        let folder = tempfile::tempdir().expect("temporary folder");
        let key = StoreKey(couloir_seal::Secret32::new([1; 32]));
        let mut store = Store::create(&folder.path().join("store.db"), &key).expect("created");
        let hash = DirectKeys::create(&mut store).expect("made");
        let keys = Arc::new(DirectKeys::load(store.reader()).expect("there"));
        Identity { _folder: folder, keys, hash }
    }
}

impl End {
    fn start(port: u16, own: &Identity, peering: Peering) -> End {
        let (sender, jobs) = mpsc::channel(1_024);
        let spec = spec(&format!("quic://127.0.0.1:{port}"));
        let direct = Arc::new(Direct::new(spec.id, sender));
        let peering = watch::Sender::new(peering);
        let run = direct.clone().run(Places::default().of(&spec), own.keys.clone(), peering.subscribe());
        End { direct, jobs, peering, task: tokio::spawn(run) }
    }

    fn listening(port: u16, own: &Identity, peer: Option<Digest>) -> End {
        End::start(port, own, Peering { is_inviter: true, peer })
    }

    fn connecting(port: u16, own: &Identity, peer: &Identity) -> End {
        End::start(port, own, Peering { is_inviter: false, peer: Some(peer.hash) })
    }

    async fn next(&mut self) -> Input {
        match tokio::time::timeout(PATIENCE, self.jobs.recv()).await {
            Ok(Some(Job::Happened(input, _))) => input,
            _ => panic!("nothing happened"),
        }
    }

    async fn up(&mut self) {
        while !matches!(self.next().await, Input::DirectUp(_)) {}
    }

    async fn frame(&mut self) -> Vec<u8> {
        loop {
            if let Input::DirectArrived { frame, .. } = self.next().await {
                return frame;
            }
        }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.direct.close();
        self.task.abort();
    }
}

fn free_port() -> u16 {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("bound");
    socket.local_addr().expect("an address").port()
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_go_both_ways_in_order() {
    let (port, ours, theirs) = (free_port(), Identity::new(), Identity::new());
    let mut listening = End::listening(port, &ours, Some(theirs.hash));
    let mut connecting = End::connecting(port, &theirs, &ours);
    listening.up().await;
    connecting.up().await;
    (0..50u8).for_each(|n| connecting.direct.send(vec![n; 60_000]));
    for n in 0..50u8 {
        assert_eq!(listening.frame().await, vec![n; 60_000]);
    }
    listening.direct.send(vec![7; 3]);
    assert_eq!(connecting.frame().await, vec![7; 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_let_in_before_first_contact_and_put_out_after() {
    let (port, ours, theirs) = (free_port(), Identity::new(), Identity::new());
    let mut listening = End::listening(port, &ours, None);
    let mut stranger = End::connecting(port, &theirs, &ours);
    listening.up().await;
    stranger.up().await;
    let known = Peering { is_inviter: true, peer: Some(Digest([9; 32])) };
    listening.peering.send_replace(known);
    while !matches!(stranger.next().await, Input::DirectDown(_)) {}
    while !matches!(listening.next().await, Input::DirectDown(_)) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_comes_back_is_found_at_once() {
    let (port, ours, theirs) = (free_port(), Identity::new(), Identity::new());
    let listening = End::listening(port, &ours, Some(theirs.hash));
    let mut connecting = End::connecting(port, &theirs, &ours);
    connecting.up().await;
    drop(listening);
    while !matches!(connecting.next().await, Input::DirectDown(_)) {}
    // It said that it goes: no time-out had to pass.
    assert_ne!(connecting.direct.ended(), Some(quinn::ConnectionError::TimedOut));
    while std::net::UdpSocket::bind(("127.0.0.1", port)).is_err() {
        tokio::task::yield_now().await;
    }
    let _listening = End::listening(port, &ours, Some(theirs.hash));
    connecting.up().await;
}

/// A restarted listener answers the next packet with a reset, long before the idle time-out. A reset may be
/// lost, and the last packets of a handshake are answered with none: of three one must do.
#[test]
fn a_peer_that_was_killed_and_is_back_is_noticed_by_its_reset() {
    assert!((0..3).any(|_| end_of_a_killed_peers_connection() == Some(quinn::ConnectionError::Reset)));
}

fn end_of_a_killed_peers_connection() -> Option<quinn::ConnectionError> {
    let (port, ours, theirs) = (free_port(), Identity::new(), Identity::new());
    let start = || tokio::runtime::Runtime::new().expect("a runtime");
    let (first, second, other) = (start(), start(), start());
    let mut listening = first.block_on(async { End::listening(port, &ours, Some(theirs.hash)) });
    let mut connecting = other.block_on(async { End::connecting(port, &theirs, &ours) });
    first.block_on(listening.up());
    other.block_on(connecting.up());
    // What belongs to the handshake is never answered with a reset; after a word from there it is over.
    listening.direct.send(vec![1]);
    other.block_on(connecting.frame());
    // Its tasks end without a word, as a killed process does.
    first.shutdown_timeout(PATIENCE);
    drop(listening);
    let until = std::time::Instant::now() + PATIENCE;
    while std::net::UdpSocket::bind(("127.0.0.1", port)).is_err() {
        assert!(std::time::Instant::now() < until, "the port is still taken");
        std::thread::yield_now();
    }
    let back = second.block_on(async { End::listening(port, &ours, Some(theirs.hash)) });
    other.block_on(connecting.up());
    drop(back);
    connecting.direct.ended()
}
