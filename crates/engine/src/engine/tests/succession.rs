//! An office passes to another holder, or to another node.

use couloir_wire::entry::Body;
use couloir_wire::papers::Revocation;
use couloir_wire::time::Window;

use super::*;
use crate::Refusal;
use crate::input::Say;
use crate::link::Frozen;

impl Offices {
    /// The link stands and both desks have compared the phrase.
    fn verified() -> Offices {
        let mut offices = Offices::linked();
        offices.verify();
        offices
    }

    /// The next certificate of the post of `node`, signed by its side's officer.
    fn next_certificate(&self, node: usize, holder: &str, key: Option<&SigningKey>) -> SignedCertificate {
        let own = self.engines[node].party.own.certificate.unverified();
        let certificate = Certificate {
            serial: own.serial + 1,
            holder: Some(holder.to_owned()),
            since_ms: WALL.0 + 5_000,
            node: key.map_or_else(|| own.node.clone(), |key| key.public().clone()),
            ..own.clone()
        };
        self.certified(node, certificate)
    }

    fn certified(&self, node: usize, certificate: Certificate) -> SignedCertificate {
        let mut signed = Signed::unsigned(certificate).expect("a certificate");
        sign(&mut signed, self.engines[node].party.own.side(), 0, &self.officers[node]);
        signed
    }

    /// The side of `node` revokes `revoked`.
    fn revocation(&self, node: usize, revoked: NodeId) -> Vec<u8> {
        let side = self.engines[node].party.own.side();
        let revocation = Revocation { side, serial: 2, node: revoked, at_ms: WALL.0 };
        let mut signed = Signed::unsigned(revocation).expect("a revocation");
        sign(&mut signed, side, 0, &self.officers[node]);
        signed.encode()
    }

    fn say(&mut self, node: usize, text: &str) {
        self.give(node, Input::Say(Box::new(Say::plain(7, Body::note(text)))));
    }

    /// The post of `node` goes on from its backup on a machine with other keys.
    fn replace(&mut self, node: usize, key: SigningKey, certificate: &SignedCertificate) {
        let old = &self.engines[node];
        let mut state = old.party.state.clone();
        state.certificates.push(Paper(certificate.encode()));
        let mut snapshot = Snapshot::default();
        let link = snapshot.links.entry(LinkNumber::FIRST).or_default();
        link.states.insert(StateKey::Channel, state.encode());
        link.states.insert(StateKey::Watch, old.watch.encode());
        let setup = Setup { signing: key, suite: CipherSuite::Null, seed: [40; 32] };
        self.engines[node] = Engine::recover(now(self.now_ms), setup, snapshot).expect("an engine");
        self.give(1 - node, Input::DirectDown(ROUTE));
        self.give(node, Input::Serve);
        (0..2).for_each(|node| self.waiting.push_back((node, Input::DirectUp(ROUTE))));
        self.pass(30);
    }

    fn holder_seen_by(&self, node: usize) -> Option<String> {
        let peer = self.engines[node].party.peer.as_ref().expect("a peer");
        peer.certificate.unverified().holder.clone()
    }
}

/// What the rendezvous keys of `engine` seal, lies in its own slot: whether it ends as the second of its post.
fn ends_at_rendezvous_of_another(engine: &mut Engine) -> bool {
    let (route, window) = (RouteId([2; 16]), Window(895_000_000));
    let url = "https://relay.example/".to_owned();
    let spec = RouteSpec { id: route, url, ..engine.party.charter().expect("a charter").routes[0].clone() };
    let at = now(2_000_000);
    engine.on(LinkNumber::FIRST, |link| {
        link.begin_steady(at, 1, spec);
        let meeting = link.link.meeting.as_ref().expect("a rendezvous");
        let cell = meeting.write.cell_key(route, window, 0).seal([0; 24], b"of the node before");
        link.on_own_slot(route, 0, window, 0, Some(&cell));
        link.batch.after.iter().any(|output| matches!(output, Output::Halt(Notice::SecondSelf)))
    })
}

fn another_key() -> SigningKey {
    SigningKey::generate(&mut Entropy::from_seed(&[77; 32]))
}

#[test]
fn another_holder_is_known_at_both_desks_and_the_link_stays() {
    let mut offices = Offices::verified();
    let epoch = offices.engines[0].link.epochs.as_ref().expect("a link").writing();
    let certificate = offices.next_certificate(1, "王", None);
    offices.give(1, Input::Adopt(certificate.encode()));
    offices.pass(5);
    assert_eq!(offices.holder_seen_by(0).as_deref(), Some("王"));
    for notices in &offices.notices {
        assert!(
            notices.iter().any(
                |notice| matches!(notice, Notice::Succession { holder: Some(name), .. } if name == "王")
            )
        );
    }
    assert_eq!(offices.engines[0].link.epochs.as_ref().expect("a link").writing(), epoch);
    let state = offices.engines[0].party.state.clone();
    let read = crate::party::Party::read(state).expect("papers that hold");
    assert_eq!(read.peer.expect("a peer").certificate, certificate);
}

#[test]
fn an_earlier_certificate_and_one_of_another_post_change_nothing() {
    let mut offices = Offices::verified();
    let earlier = offices.next_certificate(1, "李", None);
    let later = offices.certified(1, Certificate { serial: 9, ..earlier.unverified().clone() });
    let strange = Certificate { serial: 20, post: PostId([6; 16]), ..earlier.unverified().clone() };
    let strange = offices.certified(1, strange);
    for paper in [&later, &earlier, &strange] {
        offices.give(1, Input::Adopt(paper.encode()));
    }
    offices.pass(5);
    for engine in &offices.engines {
        assert_eq!(engine.party.state.certificates.len(), 1);
    }
}

#[test]
fn a_post_goes_on_at_another_node_and_the_link_is_made_with_it() {
    for node in 0..2 {
        let mut offices = Offices::verified();
        let key = another_key();
        let certificate = offices.next_certificate(node, "王", Some(&key));
        offices.replace(node, key, &certificate);
        let peer = offices.engines[1 - node].party.peer.as_ref().expect("a peer");
        assert_eq!(
            (peer.node, offices.engines[node].party.own.node),
            (offices.engines[node].party.own.node, peer.node)
        );
        assert!(
            offices.engines.iter().all(|engine| engine.link.epochs.is_some() && engine.watch.is_verified())
        );
        offices.say(1 - node, "続けましょう");
        offices.pass(5);
        assert!(offices.engines[1 - node].undelivered.is_empty(), "the new node has it");
    }
}

#[test]
fn a_revoked_node_is_followed_by_the_one_that_the_officers_certified_and_not_by_itself() {
    let mut offices = Offices::verified();
    let revocation = offices.revocation(1, offices.engines[1].party.own.node);
    offices.give(1, Input::Adopt(revocation));
    offices.pass(5);
    assert_eq!(offices.engines[0].link.frozen, Some(Frozen::Revoked));
    let itself = offices.next_certificate(1, "李", None);
    let key = another_key();
    let certificate = offices.next_certificate(1, "王", Some(&key));
    assert!(offices.engines[0].party.check_certificate(&itself).is_err());
    offices.replace(1, key, &certificate);
    assert_eq!((offices.engines[0].link.frozen, offices.holder_seen_by(0).as_deref()), (None, Some("王")));
    assert!(offices.engines[0].link.epochs.is_some());
}

#[test]
fn a_node_that_others_revoked_is_told_so_and_ends_whatever_froze_its_link_before() {
    for (is_frozen, is_restarted) in [(false, false), (true, false), (false, true)] {
        let mut offices = Offices::verified();
        let revoked = offices.engines[1].party.own.node;
        if is_frozen {
            offices.engines[0].freeze(Frozen::TwoNodes);
        }
        offices.give(0, Input::DirectDown(ROUTE));
        offices.give(1, Input::DirectDown(ROUTE));
        offices.say(0, "届かない");
        offices.give(0, Input::Adopt(offices.revocation(1, revoked)));
        if is_restarted {
            offices.engines[0].link.parts_out = None;
            offices.give(0, Input::Serve);
        }
        assert_eq!(offices.engines[0].link.frozen, Some(Frozen::Revoked));
        (0..2).for_each(|node| offices.waiting.push_back((node, Input::DirectUp(ROUTE))));
        offices.pass(5);
        assert!(offices.notices[1].contains(&Notice::Revoked(revoked)));
        assert!(offices.is_halted[1] && !offices.is_halted[0]);
        assert_eq!(offices.engines[0].undelivered.len(), 1, "nothing but the paper came over");
    }
}

#[test]
fn a_node_whose_post_passes_on_says_nothing_new_and_ends_once_all_is_with_the_peer() {
    let mut offices = Offices::verified();
    offices.give(0, Input::DirectDown(ROUTE));
    offices.give(1, Input::DirectDown(ROUTE));
    offices.say(1, "最後");
    let certificate = offices.next_certificate(1, "王", Some(&another_key()));
    offices.give(1, Input::Adopt(certificate.encode()));
    let replaced = |offices: &Offices| offices.notices[1].iter().any(|n| matches!(n, Notice::Replaced(_)));
    assert!(!replaced(&offices), "the peer lacks something");
    let mut refused = false;
    let say = Say::plain(8, Body::note("もう一つ"));
    let at = now(offices.now_ms);
    offices.engines[1].handle(at, [Input::Say(Box::new(say))]).drain(|output| {
        refused |= matches!(output, Output::Refused { refusal: Refusal::Replaced, .. });
    });
    assert!(refused);
    (0..2).for_each(|node| offices.waiting.push_back((node, Input::DirectUp(ROUTE))));
    offices.pass(10);
    assert!(replaced(&offices));
}

#[test]
fn the_rendezvous_of_the_node_before_stops_no_successor_and_that_of_a_second_one_stops_a_first() {
    let mut offices = Offices::verified();
    let key = another_key();
    let certificate = offices.next_certificate(1, "王", Some(&key));
    offices.replace(1, key, &certificate);
    assert!(!ends_at_rendezvous_of_another(&mut offices.engines[1]));
    assert!(ends_at_rendezvous_of_another(&mut offices.engines[0]));
}

#[test]
fn a_node_whose_post_passes_on_ends_once_only_revoked_peers_lack_something() {
    let mut offices = Offices::verified();
    let stranger = offices.further_post(0, &offices.officers[0]);
    offices.introduced(1, &stranger);
    let further = LinkNumber(1);
    let entry = said_by_peer(&offices.engines[1], EntryId([12; 16]), Body::note("届かない"), None);
    offices.engines[1].on(further, |link| link.send_entry(&entry, &entry.encode()));
    let certificate = offices.next_certificate(1, "王", Some(&another_key()));
    offices.give(1, Input::Adopt(certificate.encode()));
    offices.pass(5);
    let replaced = |offices: &Offices| {
        offices.notices[1].iter().filter(|notice| matches!(notice, Notice::Replaced(_))).count()
    };
    assert_eq!(replaced(&offices), 0, "a peer lacks something");
    let revocation = offices.revocation(0, couloir_seal::identity::node_id(&stranger.unverified().node));
    offices.give(1, Input::Adopt(revocation));
    offices.pass(1);
    assert_eq!(offices.engines[1].links[&further].link.frozen, Some(Frozen::Revoked));
    assert_eq!(replaced(&offices), 1);
}
