use couloir_seal::Entropy;
use couloir_seal::identity::SigningKey;
use couloir_seal::papers::sign;
use couloir_wire::cbor;
use couloir_wire::id::{ChannelId, InvitationId, RouteId};
use couloir_wire::papers::{Certificate, Signed};
use couloir_wire::route::RouteSpec;

use super::*;

struct Side {
    officer: SigningKey,
    signet: Signet,
    certificate: SignedCertificate,
}

impl Side {
    fn of(name: &str, entropy: &mut Entropy) -> Side {
        let (officer, node) = (SigningKey::generate(entropy), SigningKey::generate(entropy));
        let officers = vec![officer.public().clone()];
        let signet = Signet { version: 1, name: name.to_owned(), threshold: 1, officers };
        let certificate = Certificate {
            side: side_id(&signet),
            post: PostId(entropy.array()),
            title: "Director".to_owned(),
            serial: 1,
            holder: None,
            since_ms: 0,
            node: node.public().clone(),
            tls_key: Digest::default(),
        };
        let mut certificate = Signed::unsigned(certificate).expect("it encodes");
        sign(&mut certificate, side_id(&signet), 0, &officer);
        Side { officer, signet, certificate }
    }
}

fn route(number: u8) -> RouteSpec {
    RouteSpec {
        id: RouteId([number; 16]),
        url: format!("folder:/{number}"),
        window_ms: 2_000,
        cell_len: 2_048,
        lanes: 1,
        ruler: 0,
        from_ms: 0,
        retired_ms: None,
    }
}

fn first(sides: &[Side; 2]) -> SignedCharter {
    let charter = Charter {
        version: 1,
        previous: None,
        channel: ChannelId([1; 16]),
        name: "L".to_owned(),
        inviter: side_id(&sides[0].signet),
        invited: Invited::Named(sides[1].signet.name.clone()),
        invitation: InvitationId([2; 16]),
        routes: vec![route(1)],
        turns: 16,
        live_ms: 3_600_000,
        notes_may_expire: true,
        tells_shown: true,
        created_ms: 0,
    };
    let mut signed = Signed::unsigned(charter).expect("it encodes");
    sign(&mut signed, side_id(&sides[0].signet), 0, &sides[0].officer);
    signed
}

/// A second version with one more route, signed by both sides.
fn second(sides: &[Side; 2], first: &SignedCharter, number: u8) -> SignedCharter {
    let charter = Charter {
        version: 2,
        previous: Some(digest(first)),
        invited: Invited::Known(side_id(&sides[1].signet)),
        routes: vec![route(1), route(number)],
        ..first.unverified().clone()
    };
    let mut signed = Signed::unsigned(charter).expect("it encodes");
    for side in sides {
        sign(&mut signed, side_id(&side.signet), 0, &side.officer);
    }
    signed
}

#[test]
fn of_two_versions_that_both_sides_signed_the_same_one_stands_whichever_came_first() {
    let mut entropy = Entropy::from_seed(&[7; 32]);
    let sides = ["日本", "中国"].map(|name| Side::of(name, &mut entropy));
    let first = first(&sides);
    let versions = [2, 3].map(|number| second(&sides, &first, number));
    let paper = |octets| Paper(octets);
    let mut state = ChannelState::new(cbor::encode(&sides[1].signet), sides[1].certificate.encode());
    state.charter = Some(paper(first.encode()));
    state.inviter = Some((paper(cbor::encode(&sides[0].signet)), paper(sides[0].certificate.encode())));
    let in_force = [[0, 1], [1, 0]].map(|[earlier, later]: [usize; 2]| {
        let mut party = Party::read(state.clone()).expect("papers that hold");
        party.amend(party.check_amendment(&versions[earlier].encode()).expect("it follows"));
        let rival = party.check_rival(&versions[later].encode()).expect("it is a rival");
        if let Some(rival) = rival {
            party.amend_instead(rival);
        }
        assert!(party.check_rival(&first.encode()).is_err());
        Party::read(party.state.clone()).expect("papers that hold").charter_digest()
    });
    let lower = versions.iter().map(digest).min();
    assert_eq!(in_force, [lower, lower]);
}
