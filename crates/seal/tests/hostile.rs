//! Any octets into any decoder: an error or a value, never a panic, and a damaged value never holds.

mod common;

use std::sync::LazyLock;

use common::{Side, acceptance, first_charter, invitation};
use couloir_seal::agreement::{Agreement, JoinSecret};
use couloir_seal::identity::node_id;
use couloir_seal::link_keys::{CipherSuite, HourRatchet};
use couloir_seal::papers::{verify_acceptance, verify_certificate};
use couloir_seal::{Entropy, invitation as file, rendezvous};
use couloir_wire::id::{Digest, NodeId};
use couloir_wire::papers::{
    self, Confirm, Invitation, PublicKey, RendezvousBody, SignedAcceptance, SignedCertificate, SignedCharter,
    SignedRendezvous, SignedRevocation, Signet,
};
use proptest::prelude::*;

/// One good value of each kind, made once.
struct Good {
    side: Side,
    charter: SignedCharter,
    node: PublicKey,
    offer: Vec<u8>,
    welcome: Vec<u8>,
    update: Vec<u8>,
    commit: Vec<u8>,
    join: Vec<u8>,
    states: [Vec<u8>; 2],
    papers: Vec<Vec<u8>>,
}

static GOOD: LazyLock<Good> = LazyLock::new(|| {
    let mut entropy = Entropy::from_seed(&[1; 32]);
    let suite = CipherSuite::Real;
    let (join, offer) = Agreement::offer(&mut entropy, suite, NodeId([2; 16])).expect("offer");
    let (mut c, welcome) = Agreement::create(&mut entropy, suite, NodeId([1; 16]), &offer).expect("create");
    let mut p = Agreement::join(&join, &welcome).expect("join");
    let update = p.propose_update(&mut entropy).expect("update");
    let states = [c.to_bytes().to_vec(), p.to_bytes().to_vec()];
    let commit = c.commit(&mut entropy, Some(&update)).expect("commit");
    let side = Side::new(1, "日本", 1, 1);
    let charter = first_charter(&side, "中国");
    let confirm =
        Confirm { from: node_id(side.node.public()), echo: Digest([1; 32]), welcome: Some(vec![1; 99]) };
    let papers = vec![
        side.certificate().encode(),
        charter.encode(),
        acceptance(&Side::new(2, "中国", 1, 1), &charter).encode(),
        file::write(&invitation(&side, "中国")).to_vec(),
        rendezvous::sign(&side.node, RendezvousBody::Confirm(confirm)).encode(),
    ];
    let node = side.node.public().clone();
    let join = join.to_bytes().to_vec();
    Good { side, charter, node, offer, welcome, update, commit, join, states, papers }
});

/// Whether anything at all takes these octets for good.
fn holds_as_paper(bytes: &[u8]) -> bool {
    let certificate =
        SignedCertificate::decode(bytes).is_ok_and(|p| verify_certificate(&p, &GOOD.side.signet).is_ok());
    let charter = SignedCharter::decode(bytes)
        .is_ok_and(|p| couloir_seal::papers::verify_first_charter(&p, &GOOD.side.signet).is_ok());
    let accepted =
        SignedAcceptance::decode(bytes).is_ok_and(|p| verify_acceptance(&p, &GOOD.charter).is_ok());
    let message = SignedRendezvous::decode(bytes).is_ok_and(|m| rendezvous::verify(m, &GOOD.node).is_ok());
    certificate || charter || accepted || message || file::read(bytes).is_ok()
}

fn feed_formats(bytes: &[u8]) {
    let _ = papers::read::<Signet>(bytes);
    let _ = papers::read::<Invitation>(bytes);
    let _ = SignedRevocation::decode(bytes);
    let _ = HourRatchet::from_bytes(bytes);
}

fn feed_agreement(bytes: &[u8]) {
    let mut entropy = Entropy::from_seed(&[3; 32]);
    let _ = Agreement::from_bytes(bytes);
    let _ = Agreement::create(&mut entropy, CipherSuite::Real, NodeId([1; 16]), bytes);
    let _ = Agreement::create(&mut entropy, CipherSuite::Null, NodeId([1; 16]), bytes);
    let join = JoinSecret::from_bytes(&GOOD.join).expect("stored");
    let _ = Agreement::join(&join, bytes);
    let [c, p] = &GOOD.states;
    let _ = Agreement::from_bytes(c).expect("stored").commit(&mut entropy, Some(bytes));
    let _ = Agreement::from_bytes(p).expect("stored").receive_commit(bytes);
}

fn damaged(good: &[u8], at: usize, flip: u8, cut: bool) -> Vec<u8> {
    let at = at % good.len();
    let mut bytes = good.to_vec();
    bytes[at] ^= flip;
    if cut {
        bytes.truncate(at);
    }
    bytes
}

#[test]
fn every_good_value_holds() {
    assert!(GOOD.papers.iter().all(|paper| holds_as_paper(paper)));
}

proptest! {
    #[test]
    fn random_octets_are_refused_everywhere(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        feed_formats(&bytes);
        feed_agreement(&bytes);
        prop_assert!(!holds_as_paper(&bytes));
    }

    #[test]
    fn a_damaged_paper_holds_nowhere(
        which in 0usize..5, at in any::<usize>(), flip in 1u8.., cut in any::<bool>(),
    ) {
        let bytes = damaged(&GOOD.papers[which], at, flip, cut);
        feed_formats(&bytes);
        prop_assert!(!holds_as_paper(&bytes), "paper {} octet {}", which, at % GOOD.papers[which].len());
    }

    #[test]
    fn damaged_key_agreement_is_survived(
        which in 0usize..6, at in any::<usize>(), flip in 1u8.., cut in any::<bool>(),
    ) {
        let good = [&GOOD.offer, &GOOD.welcome, &GOOD.update, &GOOD.commit, &GOOD.states[0], &GOOD.join][which];
        let bytes = damaged(good, at, flip, cut);
        feed_agreement(&bytes);
        let _ = JoinSecret::from_bytes(&bytes);
    }
}
