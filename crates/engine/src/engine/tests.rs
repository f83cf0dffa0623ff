//! Two engines with papers, joined by a direct route that lies in memory; the claims are in the files below.

mod charter;
mod contact;
mod files;
mod frozen;
mod links;
mod states;
mod succession;

use std::collections::VecDeque;

use couloir_seal::identity::SigningKey;
use couloir_seal::papers::{digest, side_id, sign};
use couloir_seal::{CipherSuite, Entropy};
use couloir_wire::cbor;
use couloir_wire::entry::{Body, Entry, Precedence};
use couloir_wire::id::{ChannelId, Digest, EntryId, InvitationId, NodeId, PostId, RouteId};
use couloir_wire::papers::{Acceptance, Certificate, Charter, Invited, Signed, SignedCertificate, Signet};
use couloir_wire::route::RouteSpec;
use couloir_wire::ruler::LIVE_MS;
use couloir_wire::time::{Moment, WallTime};

use super::{Engine, LinkEngine, Setup};
use crate::channel::{ChannelState, InvitationState, Paper};
use crate::{Fetch, Fetched, Input, LinkNumber, Notice, Now, Output, Snapshot, StateKey};

/// The claims are about one link each, of nodes that have no other.
impl core::ops::Deref for Engine {
    type Target = LinkEngine;

    fn deref(&self) -> &LinkEngine {
        &self.links[&LinkNumber::FIRST]
    }
}

impl core::ops::DerefMut for Engine {
    fn deref_mut(&mut self) -> &mut LinkEngine {
        self.links.get_mut(&LinkNumber::FIRST).expect("a first link")
    }
}

/// Two offices whose nodes know each other, on one direct route.
struct Offices {
    engines: [Engine; 2],
    officers: [SigningKey; 2],
    /// What each desk was told.
    notices: [Vec<Notice>; 2],
    /// Whether each node was told to end.
    is_halted: [bool; 2],
    /// Frames that each node sent.
    frames: [usize; 2],
    now_ms: u64,
    waiting: VecDeque<(usize, Input)>,
}

impl Offices {
    /// Both serve; the link is not made.
    fn open() -> Offices {
        let (engines, officers) = engines();
        let mut offices = Offices {
            engines,
            officers,
            notices: Default::default(),
            is_halted: [false; 2],
            frames: [0; 2],
            now_ms: 1_000,
            waiting: VecDeque::new(),
        };
        (0..2).for_each(|node| offices.give(node, Input::Serve));
        offices
    }

    /// The link stands, and both desks see the phrase.
    fn linked() -> Offices {
        let mut offices = Offices::open();
        (0..2).for_each(|node| offices.waiting.push_back((node, Input::DirectUp(ROUTE))));
        offices.run();
        assert!(offices.phrases().iter().all(Option::is_some), "no link");
        offices
    }

    /// Both desks compare the phrase.
    fn verify(&mut self) {
        (0..2).for_each(|node| self.give(node, Input::ConfirmPhrase(LinkNumber::FIRST)));
        self.pass(10);
        assert!(self.engines.iter().all(|engine| engine.watch.is_verified()));
    }

    fn phrases(&self) -> [Option<[u8; 7]>; 2] {
        self.engines.each_ref().map(|engine| Some(engine.phrase(LinkNumber::FIRST)?.symbols))
    }

    /// `input` happens at `node`, and what follows from it.
    fn give(&mut self, node: usize, input: Input) {
        self.waiting.push_back((node, input));
        self.run();
    }

    /// Time passes, in steps of a second.
    fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.now_ms += 1_000;
            (0..2).for_each(|node| self.step(node, Vec::new()));
            self.run();
        }
    }

    fn run(&mut self) {
        for _ in 0..STEPS_AT_ONCE_MAX {
            let Some((node, input)) = self.waiting.pop_front() else { return };
            self.step(node, vec![input]);
        }
        panic!("the two never come to rest");
    }

    fn step(&mut self, node: usize, inputs: Vec<Input>) {
        let at = now(self.now_ms);
        let mut outputs = Vec::new();
        self.engines[node].handle(at, inputs).drain(|output| outputs.push(output));
        if outputs.iter().any(|output| matches!(output, Output::Persist(_))) {
            self.engines[node].persisted(at).drain(|output| outputs.push(output));
        }
        outputs.into_iter().for_each(|output| self.perform(node, output));
    }

    fn perform(&mut self, node: usize, output: Output) {
        match output {
            Output::DirectSend { route, frame } => {
                self.frames[node] += 1;
                self.waiting.push_back((node, Input::DirectTook { route, frames: 1 }));
                self.waiting.push_back((1 - node, Input::DirectArrived { route, frame }));
            }
            Output::Fetch(link, Fetch::Inventory { .. }) => {
                self.waiting.push_back((node, Input::Fetched(link, Fetched::Inventory(Vec::new()))));
            }
            Output::Notice(notice) => self.notices[node].push(notice),
            Output::Halt(notice) => {
                self.is_halted[node] = true;
                self.notices[node].push(notice);
            }
            _ => {}
        }
    }
}

/// One node, alone.
fn engine() -> Engine {
    let ([engine, _], _) = engines();
    engine
}

fn now(ms: u64) -> Now {
    Now { moment: Moment(ms), wall: WALL.shifted(ms as i64) }
}

/// What `engine` tells its desk once all that it was given is durable.
fn told(engine: &mut Engine) -> Vec<Notice> {
    let mut notices = Vec::new();
    let mut note = |output| {
        if let Output::Notice(notice) = output {
            notices.push(notice);
        }
    };
    engine.handle(now(2_000), Vec::new()).drain(&mut note);
    engine.persisted(now(2_000)).drain(&mut note);
    notices
}

/// The peer of `engine` says `body`.
fn said_by_peer(engine: &Engine, id: EntryId, body: Body, expires_ms: Option<i64>) -> Entry {
    Entry {
        id,
        conversation: engine.party.conversation().expect("a channel"),
        author: engine.party.peer.as_ref().expect("a peer").post(),
        parents: Vec::new(),
        at_ms: WALL.0,
        precedence: Precedence::Routine,
        expires_ms,
        salt: [3; 16],
        marking: None,
        body,
    }
}

struct Side {
    officer: SigningKey,
    node: SigningKey,
    signet: Signet,
    certificate: SignedCertificate,
}

fn engines() -> ([Engine; 2], [SigningKey; 2]) {
    let mut entropy = Entropy::from_seed(&[4; 32]);
    let (inviter, invited) = (side(&mut entropy, "日本"), side(&mut entropy, "中国"));
    let mut charter = Signed::unsigned(charter(&inviter)).expect("a charter");
    sign(&mut charter, side_id(&inviter.signet), 0, &inviter.officer);
    let mut acceptance = Signed::unsigned(Acceptance {
        charter: digest(&charter),
        signet: invited.signet.clone(),
        certificate: invited.certificate.clone(),
    })
    .expect("an acceptance");
    sign(&mut acceptance, side_id(&invited.signet), 0, &invited.officer);
    let state = |side: &Side, is_own| {
        let mut state = ChannelState::new(cbor::encode(&side.signet), side.certificate.encode());
        state.charter = Some(Paper(charter.encode()));
        state.acceptance = Some(Paper(acceptance.encode()));
        state.invitation = Some(invitation(is_own));
        state
    };
    let first = state(&inviter, true);
    let mut second = state(&invited, false);
    second.inviter = Some((Paper(cbor::encode(&inviter.signet)), Paper(inviter.certificate.encode())));
    let engines = [recovered(inviter.node, &first, 5), recovered(invited.node, &second, 6)];
    (engines, [inviter.officer, invited.officer])
}

fn recovered(signing: SigningKey, channel: &ChannelState, seed: u8) -> Engine {
    let mut snapshot = Snapshot::default();
    snapshot.links.entry(LinkNumber::FIRST).or_default().states.insert(StateKey::Channel, channel.encode());
    let setup = Setup { signing, suite: CipherSuite::Null, seed: [seed; 32] };
    Engine::recover(now(1_000), setup, snapshot).expect("an engine")
}

fn side(entropy: &mut Entropy, name: &str) -> Side {
    let (officer, node) = (SigningKey::generate(entropy), SigningKey::generate(entropy));
    let signet =
        Signet { version: 1, name: name.to_owned(), threshold: 1, officers: vec![officer.public().clone()] };
    let mut certificate = Signed::unsigned(Certificate {
        side: side_id(&signet),
        post: PostId(entropy.array()),
        title: "Director, Liaison Division".to_owned(),
        serial: 1,
        holder: None,
        since_ms: WALL.0,
        node: node.public().clone(),
        tls_key: Digest(entropy.array()),
    })
    .expect("a certificate");
    sign(&mut certificate, side_id(&signet), 0, &officer);
    Side { officer, node, signet, certificate }
}

fn charter(inviter: &Side) -> Charter {
    let route = RouteSpec {
        id: ROUTE,
        url: "quic://post.example:7444".to_owned(),
        window_ms: 2_000,
        cell_len: 2_048,
        lanes: 1,
        ruler: 0,
        from_ms: WALL.0,
        retired_ms: None,
    };
    Charter {
        version: 1,
        previous: None,
        channel: ChannelId([7; 16]),
        name: "東京・北京".to_owned(),
        inviter: side_id(&inviter.signet),
        invited: Invited::Named("中国".to_owned()),
        invitation: InvitationId([8; 16]),
        routes: vec![route],
        turns: 16,
        live_ms: LIVE_MS,
        notes_may_expire: true,
        tells_shown: true,
        created_ms: WALL.0,
    }
}

/// An invitation that was taken.
fn invitation(is_own: bool) -> InvitationState {
    InvitationState {
        id: InvitationId([8; 16]),
        secret: [9; 32],
        is_own,
        expires_ms: i64::MAX,
        taken: Some(Digest::default()),
        is_void: false,
    }
}

const STEPS_AT_ONCE_MAX: usize = 1_000;
const ROUTE: RouteId = RouteId([1; 16]);
const WALL: WallTime = WallTime(1_790_000_000_000);
