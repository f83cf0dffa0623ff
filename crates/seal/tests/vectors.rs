//! The vectors under `testdata/seal`, which another implementation could use: `link_keys.json` was
//! computed by `vectors.py`, which shares no code with this crate; `papers.json` by this crate.

mod common;

use common::{Side, acceptance, first_charter};
use couloir_seal::identity::{Context, SigningKey, is_signed, node_id};
use couloir_seal::link_keys::{CipherSuite, Direction, HourKey, HourRatchet, next_epoch};
use couloir_seal::papers::{digest, side_id, verify_acceptance, verify_first_charter};
use couloir_seal::phrase::{Party, Phrase, Transcript, commitment};
use couloir_seal::rendezvous::{End, Part, Rendezvous};
use couloir_seal::{Secret, Secret32};
use couloir_wire::id::{Digest, IncarnationId, InvitationId, NodeId, RouteId, SideId};
use couloir_wire::papers::{OneTimeSecret, Signature, SignedAcceptance, SignedCharter, Signet};
use couloir_wire::time::{Hour, Window};
use couloir_wire::{cbor, papers};
use serde_json::{Value, json};

#[test]
fn epochs_follow_from_salt_and_exporter() {
    for epoch in link_keys()["epochs"].as_array().expect("a list") {
        let secrets = next_epoch(&secret(epoch, "previous_salt"), &secret(epoch, "exporter"));
        assert_eq!(secrets.next_salt, secret(epoch, "next_salt"));
        assert_eq!(secrets.key(Direction::FromCommitter), &secret(epoch, "from_committer"));
        assert_eq!(secrets.key(Direction::FromProposer), &secret(epoch, "from_proposer"));
    }
}

#[test]
fn hours_follow_from_the_first() {
    for hour in link_keys()["hours"].as_array().expect("a list") {
        let first = Hour(number(hour, "first_hour"));
        let mut ratchet = HourRatchet::new(CipherSuite::Real, first, secret(hour, "first_key"));
        ratchet.advance(Hour(number(hour, "hour")));
        assert_eq!(ratchet.to_bytes()[9..], octets(hour, "key"));
    }
}

#[test]
fn cells_follow_from_the_hour_and_the_place() {
    for cell in link_keys()["cells"].as_array().expect("a list") {
        let key = hour_key(secret(cell, "hour_key"));
        let (route, window, lane) =
            (RouteId(array(cell, "route")), Window(number(cell, "window")), number(cell, "lane") as u8);
        let token = key.write_token(route, window, lane);
        assert_eq!(token.0, array(cell, "write_token"));
        assert_eq!(HourKey::slot_of(&token).0, array(cell, "slot"));
        let cell_key = || key.cell_key(route, window, lane);
        let sealed = cell_key().seal(array(cell, "nonce"), &octets(cell, "plaintext"));
        assert_eq!(sealed, octets(cell, "cell"));
        let opened = cell_key().open(&sealed).expect("its own key");
        assert_eq!(opened.into_inner(), octets(cell, "plaintext"));
    }
}

#[test]
fn rendezvous_follows_from_the_invitation() {
    let v = &link_keys()["rendezvous"];
    let r =
        Rendezvous::from_invitation(&OneTimeSecret(array(v, "secret")), InvitationId(array(v, "invitation")));
    assert_eq!(r.secret(), &secret(v, "rendezvous_secret"));
    let part = |who: &str| Part {
        nonce: Digest(array(v, &format!("{who}_nonce"))),
        incarnation: IncarnationId(array(v, &format!("{who}_incarnation"))),
    };
    assert_eq!(r.restart_salt(part("hello"), part("answer")), secret(v, "restart_salt"));
    for (end, name) in [(End::Inviter, "token_from_inviter"), (End::Joiner, "token_from_joiner")] {
        let key = r.hour_key(CipherSuite::Real, end);
        let token = key.write_token(RouteId(array(v, "route")), Window(number(v, "window")), 0);
        assert_eq!(token.0, array(v, name));
    }
}

#[test]
fn the_phrase_follows_from_the_transcript_and_the_nonces() {
    let v = &link_keys()["phrase"];
    let party = |who: &str| Party {
        side: SideId(array(v, &format!("{who}_side"))),
        certificate: Digest(array(v, &format!("{who}_certificate"))),
        node: NodeId(array(v, &format!("{who}_node"))),
    };
    let transcript = Transcript {
        authenticator: Digest(array(v, "authenticator")),
        inviter: party("inviter"),
        joiner: party("joiner"),
        charter: Digest(array(v, "charter")),
        invitation: InvitationId(array(v, "invitation")),
    };
    let (inviter_nonce, joiner_nonce) = (Digest(array(v, "inviter_nonce")), Digest(array(v, "joiner_nonce")));
    assert_eq!(transcript.digest().0, array(v, "transcript"));
    assert_eq!(commitment(&joiner_nonce, &transcript).0, array(v, "commitment"));
    let phrase = Phrase::new(&transcript, &inviter_nonce, &joiner_nonce);
    assert_eq!(Some(phrase.to_string().as_str()), v["phrase"].as_str());
}

#[test]
fn stored_papers_hold() {
    let v = read("papers.json");
    let signet: Signet = papers::read(&octets(&v, "signet")).expect("a signet");
    assert_eq!(side_id(&signet).0, array(&v, "side"));
    let charter = SignedCharter::decode(&octets(&v, "charter")).expect("a charter");
    assert_eq!(digest(&charter).0, array(&v, "charter_digest"));
    assert!(verify_first_charter(&charter, &signet).is_ok());
    let accepted = SignedAcceptance::decode(&octets(&v, "acceptance")).expect("an acceptance");
    let (_, certificate) = verify_acceptance(&accepted, &charter).expect("it holds");
    assert_eq!(node_id(&certificate.get().node).0, array(&v, "joiner_node"));
}

#[test]
fn stored_signature_holds() {
    let v = read("papers.json");
    let key = SigningKey::from_seeds(Secret::new(array(&v, "seeds")));
    assert_eq!(cbor::encode(key.public()), octets(&v, "public_key"));
    let signature: Signature = cbor::decode_strict(&octets(&v, "signature"), 4_000).expect("a signature");
    assert!(is_signed(key.public(), Context::Rendezvous, &octets(&v, "message"), &signature));
}

/// Run by hand when a format changes: `cargo test -p couloir-seal --test vectors -- --ignored`.
#[test]
#[ignore = "rewrites the stored papers"]
fn write_papers() {
    let (inviter, joiner) = (Side::new(1, "日本", 1, 1), Side::new(2, "中国", 1, 1));
    let charter = first_charter(&inviter, "中国");
    let message = b"a rendezvous message";
    let stored = json!({
        "signet": hex(&cbor::encode(&inviter.signet)),
        "side": hex(&inviter.id().0),
        "charter": hex(&charter.encode()),
        "charter_digest": hex(&digest(&charter).0),
        "acceptance": hex(&acceptance(&joiner, &charter).encode()),
        "joiner_node": hex(&node_id(joiner.node.public()).0),
        "seeds": hex(joiner.node.seeds().expose()),
        "public_key": hex(&cbor::encode(joiner.node.public())),
        "message": hex(message),
        "signature": hex(&cbor::encode(&joiner.node.sign(Context::Rendezvous, message))),
    });
    let text = serde_json::to_string_pretty(&stored).expect("strings alone");
    std::fs::write(path("papers.json"), text + "\n").expect("the tree is writable");
}

fn hour_key(key: Secret32) -> HourKey {
    HourRatchet::new(CipherSuite::Real, Hour(0), key).at(Hour(0)).expect("its own hour")
}

fn link_keys() -> Value {
    read("link_keys.json")
}

fn path(name: &str) -> String {
    format!("{}/../../testdata/seal/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> Value {
    let text = std::fs::read_to_string(path(name)).expect("the vectors are in the tree");
    serde_json::from_str(&text).expect("JSON")
}

fn octets(vector: &Value, name: &str) -> Vec<u8> {
    let text = vector[name].as_str().unwrap_or_else(|| panic!("{name} is missing"));
    let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("ASCII"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal")).collect()
}

fn array<const N: usize>(vector: &Value, name: &str) -> [u8; N] {
    octets(vector, name).try_into().unwrap_or_else(|_| panic!("{name} has not {N} octets"))
}

fn secret(vector: &Value, name: &str) -> Secret32 {
    Secret::new(array(vector, name))
}

fn number(vector: &Value, name: &str) -> u64 {
    vector[name].as_u64().unwrap_or_else(|| panic!("{name} is no number"))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
