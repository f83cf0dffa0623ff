//! Nothing that is said off the record is signed by its author: looked for in everything that two nodes store and
//! send. Null ciphers leave the insides of cells in sight.

use std::collections::BTreeSet;

use aws_lc_rs::signature::{ED25519, ML_DSA_65, UnparsedPublicKey};
use couloir_engine::StateKey;
use couloir_engine::channel::ChannelState;
use couloir_seal::identity::{Context, SigningKey};
use couloir_seal::{Entropy, sha256_of};
use couloir_sim::network::Carrier;
use couloir_sim::scenario::{RouteKind, quiet};
use couloir_sim::world::World;
use couloir_wire::papers::{PublicKey, SignedCertificate};

#[test]
fn no_post_signs_what_is_said_off_the_record() {
    let mut world = World::new(quiet(7, &[RouteKind::Folder(1)], 4 * MINUTE_MS)).expect("a world");
    world.run_until(4 * MINUTE_MS);
    assert!(world.failure.is_none());
    let everything = everything(&world);
    let said = [0, 1].map(|node| first_said(&world, node));
    // The insides of cells are in sight: the last octets of an entry are its text.
    let text = &said[0][said[0].len() - 24..];
    let shows = |octets: &&Vec<u8>| octets.windows(text.len()).any(|window| window == text);
    assert!(everything.iter().filter(shows).count() > 1, "a store and a cell show it");
    let suspects = suspects(everything.iter());
    for (node, entry) in said.iter().enumerate() {
        assert!(!is_signed_in(&suspects, &key_of(&world, node), &readings(entry)), "by node {node}");
    }
}

#[test]
fn a_signature_would_be_found() {
    let key = SigningKey::generate(&mut Entropy::from_seed(&[1; 32]));
    let entry = b"an entry as it travels".to_vec();
    let signature = key.sign(Context::Rendezvous, &entry);
    let around: Vec<u8> = (0..200).collect();
    let with = |part: &[u8]| [&around[..], part, &around].concat();
    let messages = readings(&entry);
    let is_found = |part: &[u8]| is_signed_in(&suspects([&with(part)].into_iter()), key.public(), &messages);
    assert!(is_found(&signature.ed25519));
    assert!(is_found(&signature.ml_dsa[..]));
    assert!(!is_found(&[0x5a; 3309]));
    assert!(is_found(MARK));
}

/// What a signature over an entry could have been made of: it, its hash, or it in any of our frames.
fn readings(entry: &[u8]) -> Vec<Vec<u8>> {
    let words = ["certificate", "revocation", "charter", "acceptance", "rendezvous"];
    let framed = words.map(|word| [b"couloir/v1 ", word.as_bytes(), &[0], entry].concat());
    framed.into_iter().chain([entry.to_vec(), sha256_of(entry).0.to_vec()]).collect()
}

/// Parts of octet strings that could be signatures, each once.
#[derive(Default)]
struct Suspects {
    ed25519: BTreeSet<Vec<u8>>,
    ml_dsa: BTreeSet<Vec<u8>>,
    is_marked: bool,
}

fn suspects<'o>(all: impl Iterator<Item = &'o Vec<u8>>) -> Suspects {
    let mut found = Suspects::default();
    for octets in all {
        // An Ed25519 signature ends with a number of at most 253 bits, lowest octet first (RFC 8032 §5.1.7).
        let short = octets.windows(64).filter(|part| part[63] <= 0x10 && is_mixed(part));
        found.ed25519.extend(short.map(<[u8]>::to_vec));
        let long = octets.windows(3309).filter(|part| has_hints(part) && is_mixed(&part[..64]));
        found.ml_dsa.extend(long.map(<[u8]>::to_vec));
        found.is_marked |= octets.windows(MARK.len()).any(|part| part == MARK);
    }
    found
}

/// Whether one of `suspects` is a signature of `key` over one of `messages`, or of a statement.
fn is_signed_in(suspects: &Suspects, key: &PublicKey, messages: &[Vec<u8>]) -> bool {
    let ed25519 = UnparsedPublicKey::new(&ED25519, key.ed25519);
    let ml_dsa = UnparsedPublicKey::new(&ML_DSA_65, &key.ml_dsa[..]);
    let is_short = |part: &Vec<u8>| messages.iter().any(|message| ed25519.verify(message, part).is_ok());
    let is_long = |part: &Vec<u8>| messages.iter().any(|message| ml_dsa.verify(message, part).is_ok());
    suspects.is_marked || suspects.ed25519.iter().any(is_short) || suspects.ml_dsa.iter().any(is_long)
}

/// Random octets are: of 64, fewer than 40 different ones come once in more than a billion.
fn is_mixed(part: &[u8]) -> bool {
    let mut seen = [false; 256];
    part.iter().for_each(|octet| seen[usize::from(*octet)] = true);
    seen.iter().filter(|seen| **seen).count() >= 40
}

/// A signature of ML-DSA-65 ends with six counts that do not fall and are at most 55 (FIPS 204 §7.1).
fn has_hints(part: &[u8]) -> bool {
    let counts = &part[part.len() - 6..];
    counts.is_sorted() && counts[5] <= 55
}

fn key_of(world: &World, node: usize) -> PublicKey {
    let channel = world.nodes[node].store.state(StateKey::Channel).expect("a channel");
    let channel = ChannelState::decode(channel).expect("papers");
    let certificate = SignedCertificate::decode(&channel.own_certificate).expect("a certificate");
    certificate.unverified().node.clone()
}

/// What the post at `node` said first, as it travels.
fn first_said(world: &World, node: usize) -> Vec<u8> {
    let own = world.nodes[node].store.entries().find(|entry| entry.is_own);
    own.expect("something was said").encoded.clone()
}

/// Both stores, and every cell that lies in the folder; each octet string once.
fn everything(world: &World) -> BTreeSet<Vec<u8>> {
    let stored = world.nodes.iter().flat_map(|node| node.store.octets());
    let sent = world.routes.iter().flat_map(|route| match &route.carrier {
        Carrier::Folder(folder) => folder.cells().map(<[u8]>::to_vec).collect::<Vec<_>>(),
        Carrier::Relay(_) | Carrier::Direct(_) => Vec::new(),
    });
    stored.map(<[u8]>::to_vec).chain(sent).collect()
}

/// What every statement's protected header says.
const MARK: &[u8] = b"couloir.statement";
const MINUTE_MS: u64 = 60_000;
