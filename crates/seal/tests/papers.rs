//! Which papers hold, which do not, and what is said of those that do not.

mod common;

use common::{INVITATION, Side, acceptance, first_charter, invitation, route, successor};
use couloir_seal::identity::{Context, is_signed, node_id};
use couloir_seal::invitation::{self as file, InvitationError};
use couloir_seal::papers::{
    PaperError, digest, side_id, sign, verify_acceptance, verify_certificate, verify_first_charter,
    verify_revocation, verify_successor,
};
use couloir_seal::rendezvous::{self, End, Part, Rendezvous, RendezvousError};
use couloir_seal::{CipherSuite, Secret};
use couloir_wire::id::{Digest, IncarnationId, InvitationId, NodeId, RouteId};
use couloir_wire::papers::{
    Confirm, Hello, Invited, OneTimeSecret, Purpose, RendezvousBody, Revocation, Signed, SignedCertificate,
    SignedCharter, SignedRendezvous,
};
use couloir_wire::time::{WallTime, Window};

fn tokyo() -> Side {
    Side::new(1, "日本", 3, 2)
}

fn beijing() -> Side {
    Side::new(2, "中国", 1, 1)
}

#[test]
fn a_signature_holds_for_its_key_context_and_message_alone() {
    let (key, other) = (tokyo().node, beijing().node);
    let signature = key.sign(Context::Charter, b"text");
    assert!(is_signed(key.public(), Context::Charter, b"text", &signature));
    assert!(!is_signed(other.public(), Context::Charter, b"text", &signature));
    assert!(!is_signed(key.public(), Context::Rendezvous, b"text", &signature));
    assert!(!is_signed(key.public(), Context::Charter, b"texts", &signature));
}

#[test]
fn both_halves_of_a_signature_count() {
    let (key, other) = (tokyo().node, beijing().node);
    let (good, bad) = (key.sign(Context::Charter, b"text"), other.sign(Context::Charter, b"text"));
    for swap_first in [true, false] {
        let mut mixed = good.clone();
        if swap_first {
            mixed.ed25519 = bad.ed25519;
        } else {
            mixed.ml_dsa = bad.ml_dsa.clone();
        }
        assert!(!is_signed(key.public(), Context::Charter, b"text", &mixed));
    }
}

#[test]
fn a_key_is_its_seeds() {
    let key = tokyo().node;
    let again = couloir_seal::identity::SigningKey::from_seeds(Secret::new(*key.seeds().expose()));
    assert_eq!(key.public(), again.public());
    assert_eq!(node_id(key.public()), node_id(again.public()));
}

#[test]
fn a_certificate_needs_as_many_officers_as_its_signet_says() {
    let side = tokyo();
    let mut certificate = Signed::unsigned(side.certificate_body()).expect("well formed");
    for (officer, signed) in [(0, 0), (0, 1), (2, 1)] {
        let error = PaperError::TooFew { paper: "certificate", signed, needed: 2 };
        assert_eq!(verify_certificate(&certificate, &side.signet).err(), Some(error));
        side.sign(&mut certificate, officer);
    }
    let verified = verify_certificate(&certificate, &side.signet).expect("two of three");
    assert_eq!(verified.get(), &side.certificate_body());
}

#[test]
fn one_bad_signature_refuses_a_paper_that_enough_have_signed() {
    let (side, stranger) = (tokyo(), beijing());
    let mut forged = side.certificate();
    sign(&mut forged, side.id(), 2, &stranger.node);
    let error = PaperError::Signature { paper: "certificate", officer: 2 };
    assert_eq!(verify_certificate(&forged, &side.signet).err(), Some(error));
    let mut beyond = side.certificate();
    sign(&mut beyond, side.id(), 3, &stranger.node);
    let error = PaperError::Stranger { paper: "certificate" };
    assert_eq!(verify_certificate(&beyond, &side.signet).err(), Some(error.clone()));
    let mut foreign = side.certificate();
    stranger.sign(&mut foreign, 0);
    assert_eq!(verify_certificate(&foreign, &side.signet).err(), Some(error));
}

#[test]
fn a_certificate_of_another_side_is_refused() {
    let error = PaperError::OtherSide { paper: "certificate" };
    assert_eq!(verify_certificate(&tokyo().certificate(), &beijing().signet).err(), Some(error));
}

#[test]
fn a_changed_paper_never_holds() {
    let side = beijing();
    let bytes = side.certificate().encode();
    for at in (0..bytes.len()).step_by(7) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let holds = SignedCertificate::decode(&changed)
            .is_ok_and(|paper| verify_certificate(&paper, &side.signet).is_ok());
        assert!(!holds, "octet {at}");
    }
}

#[test]
fn a_revocation_is_its_side_s_own() {
    let (side, other) = (beijing(), tokyo());
    let body = Revocation { side: side.id(), serial: 2, node: NodeId([7; 16]), at_ms: 5 };
    let mut revocation = Signed::unsigned(body).expect("well formed");
    side.sign(&mut revocation, 0);
    assert!(verify_revocation(&revocation, &side.signet).is_ok());
    assert!(verify_revocation(&revocation, &other.signet).is_err());
}

#[test]
fn an_acceptance_completes_the_charter_that_names_its_side() {
    let (inviter, joiner) = (tokyo(), beijing());
    let charter = first_charter(&inviter, "中国");
    assert!(verify_first_charter(&charter, &inviter.signet).is_ok());
    let accepted = acceptance(&joiner, &charter);
    let (body, certificate) = verify_acceptance(&accepted, &charter).expect("it holds");
    assert_eq!(side_id(&body.get().signet), joiner.id());
    assert_eq!(certificate.get().node, *joiner.node.public());

    let for_another = first_charter(&inviter, "韓国");
    let error = PaperError::Mismatch { paper: "acceptance", field: "charter" };
    assert_eq!(verify_acceptance(&accepted, &for_another).err(), Some(error));
    let error = PaperError::Mismatch { paper: "acceptance", field: "side's name" };
    assert_eq!(verify_acceptance(&acceptance(&joiner, &for_another), &for_another).err(), Some(error));
}

#[test]
fn a_side_cannot_accept_its_own_charter() {
    let side = tokyo();
    let charter = first_charter(&side, "日本");
    let error = PaperError::OtherSide { paper: "acceptance" };
    assert_eq!(verify_acceptance(&acceptance(&side, &charter), &charter).err(), Some(error));
}

fn verify_next(next: &SignedCharter, first: &SignedCharter) -> Result<(), PaperError> {
    verify_successor(next, first, &tokyo().signet, &beijing().signet).map(|_| ())
}

#[test]
fn a_later_charter_adds_and_retires_routes_and_changes_nothing_that_is() {
    let (inviter, invited) = (tokyo(), beijing());
    let first = first_charter(&inviter, "中国");
    let next = |change: fn(&mut couloir_wire::papers::Charter)| successor(&first, &inviter, &invited, change);
    assert_eq!(verify_next(&next(|c| c.routes.push(route(2))), &first), Ok(()));
    assert_eq!(verify_next(&next(|c| c.routes[0].retired_ms = Some(5)), &first), Ok(()));
    let refused = |field| Err(PaperError::Mismatch { paper: "charter", field });
    assert_eq!(verify_next(&next(|c| c.routes[0].lanes = 2), &first), refused("route under an old id"));
    assert_eq!(
        verify_next(&next(|c| c.routes[0].id = RouteId([5; 16])), &first),
        refused("route under an old id")
    );
    assert_eq!(verify_next(&next(|c| c.version = 3), &first), refused("version"));
    assert_eq!(
        verify_next(&next(|c| c.previous = Some(Digest([0; 32]))), &first),
        refused("version before it")
    );
    assert_eq!(verify_next(&next(|c| c.turns = 8), &first), refused("schedule"));
    assert_eq!(verify_next(&next(|c| c.invitation = InvitationId([0; 16])), &first), refused("invitation"));
}

#[test]
fn a_later_charter_needs_both_sides() {
    let (inviter, invited) = (tokyo(), beijing());
    let first = first_charter(&inviter, "中国");
    let whole = successor(&first, &inviter, &invited, |_| {});
    let mut half = Signed::unsigned(whole.unverified().clone()).expect("well formed");
    invited.sign(&mut half, 0);
    let error = PaperError::TooFew { paper: "charter", signed: 0, needed: 2 };
    assert_eq!(verify_next(&half, &first), Err(error));
    let mut other_way = Signed::unsigned(whole.unverified().clone()).expect("well formed");
    (0..2).for_each(|n| inviter.sign(&mut other_way, n));
    let error = PaperError::TooFew { paper: "charter", signed: 0, needed: 1 };
    assert_eq!(verify_next(&other_way, &first), Err(error));
}

#[test]
fn an_invitation_survives_its_file_and_says_what_is_wrong_with_it() {
    let invitation = invitation(&tokyo(), "中国");
    let written = file::write(&invitation);
    assert!(written.len() < file::INVITATION_FILE_OCTETS_MAX);
    println!("invitation of a side with three officers: {} octets", written.len());
    assert_eq!((invitation.id, invitation.for_side()), (INVITATION, Some("中国")));
    assert_eq!(file::read(&written), Ok(invitation));
    assert_eq!(file::read(b"%PDF-1.7"), Err(InvitationError::NotAnInvitation));
    assert_eq!(file::read(&[]), Err(InvitationError::NotAnInvitation));
    for cut in [22, 60, written.len() / 2, written.len() - 1] {
        assert_eq!(file::read(&written[..cut]), Err(InvitationError::Damaged), "cut at {cut}");
    }
    let mut garbled = written.to_vec();
    garbled[5_000] ^= 0x10;
    assert_eq!(file::read(&garbled), Err(InvitationError::Damaged));
}

#[test]
fn an_invitation_with_a_charter_of_somebody_else_is_refused() {
    let mut mixed = invitation(&tokyo(), "中国");
    mixed.charter = first_charter(&beijing(), "中国");
    let error = PaperError::OtherSide { paper: "charter" };
    assert_eq!(file::read(&file::write(&mixed)), Err(InvitationError::Paper(error)));
    let mut renamed = invitation(&tokyo(), "中国");
    renamed.id = InvitationId([0; 16]);
    let error = PaperError::Mismatch { paper: "charter", field: "invitation" };
    assert_eq!(file::read(&file::write(&renamed)), Err(InvitationError::Paper(error)));
}

#[test]
fn an_invitation_is_for_its_side_and_its_time() {
    let invitation = invitation(&tokyo(), "中国");
    let before = WallTime(invitation.expires_ms - 1);
    assert_eq!(file::check_usable(&invitation, "中国", before), Ok(()));
    let expired = Err(InvitationError::Expired);
    assert_eq!(file::check_usable(&invitation, "中国", WallTime(invitation.expires_ms)), expired);
    let error = Err(InvitationError::OtherSide { named: "中国".into() });
    assert_eq!(file::check_usable(&invitation, "大韓民国", before), error);
}

fn hello(from: NodeId) -> RendezvousBody {
    let joiner = beijing();
    RendezvousBody::Hello(Hello {
        purpose: Purpose::Join,
        from,
        incarnation: IncarnationId([4; 16]),
        nonce: Digest([5; 32]),
        first_hour: 6,
        key_package: Some(vec![7; 2_700]),
        acceptance: Some(acceptance(&joiner, &first_charter(&tokyo(), "中国"))),
        certificate: None,
    })
}

#[test]
fn a_rendezvous_message_holds_for_the_node_that_signed_it() {
    let (node, other) = (beijing().node, tokyo().node);
    let body = hello(node_id(node.public()));
    let message = rendezvous::sign(&node, body.clone());
    println!("hello with acceptance: {} octets", message.encode().len());
    let decoded = SignedRendezvous::decode(&message.encode()).expect("well formed");
    assert_eq!(rendezvous::verify(decoded, node.public()).map(|m| m.into_inner()), Ok(body));
    assert_eq!(rendezvous::verify(message, other.public()).err(), Some(RendezvousError::OtherNode));
    let claimed = rendezvous::sign(&other, hello(node_id(node.public())));
    assert_eq!(rendezvous::verify(claimed, node.public()).err(), Some(RendezvousError::Signature));
}

#[test]
fn a_confirmation_is_small_and_survives() {
    let node = tokyo().node;
    let body = RendezvousBody::Confirm(Confirm {
        from: node_id(node.public()),
        echo: Digest([1; 32]),
        welcome: None,
    });
    let bytes = rendezvous::sign(&node, body.clone()).encode();
    assert!(bytes.len() < 3_500);
    assert_eq!(SignedRendezvous::decode(&bytes).map(|m| m.into_unverified()), Ok(body));
}

#[test]
fn rendezvous_keys_depend_on_secret_invitation_and_writer() {
    let token = |secret: u8, invitation: u8, from| {
        let r = Rendezvous::from_invitation(&OneTimeSecret([secret; 32]), InvitationId([invitation; 16]));
        r.hour_key(CipherSuite::Real, from).write_token(RouteId([0; 16]), Window(1), 0)
    };
    let base = token(1, 1, End::Inviter);
    assert_eq!(base, token(1, 1, End::Inviter));
    for other in [token(2, 1, End::Inviter), token(1, 2, End::Inviter), token(1, 1, End::Joiner)] {
        assert_ne!(base, other);
    }
}

#[test]
fn a_restarted_link_depends_on_both_nonces_and_incarnations() {
    let r = Rendezvous::from_secret(Secret::new([1; 32]));
    let part = |nonce, incarnation| Part {
        nonce: Digest([nonce; 32]),
        incarnation: IncarnationId([incarnation; 16]),
    };
    let base = r.restart_salt(part(1, 2), part(3, 4));
    for (hello, answer) in
        [((9, 2), (3, 4)), ((1, 9), (3, 4)), ((1, 2), (9, 4)), ((1, 2), (3, 9)), ((3, 4), (1, 2))]
    {
        assert!(base != r.restart_salt(part(hello.0, hello.1), part(answer.0, answer.1)));
    }
}

#[test]
fn a_later_charter_names_the_invited_side_by_its_signet() {
    let (inviter, invited) = (tokyo(), beijing());
    let first = first_charter(&inviter, "中国");
    let mut body = first.unverified().clone();
    (body.version, body.previous) = (2, Some(digest(&first)));
    assert!(Signed::unsigned(body.clone()).is_err());
    body.invited = Invited::Known(inviter.id());
    assert!(Signed::unsigned(body.clone()).is_err());
    body.invited = Invited::Known(invited.id());
    assert!(Signed::unsigned(body).is_ok());
}
