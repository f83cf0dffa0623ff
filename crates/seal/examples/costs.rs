//! Prints what each operation of this crate costs, and how long its messages are:
//! `cargo run --release -p couloir-seal --example costs`.

#![expect(clippy::disallowed_types, reason = "it measures; nothing of it is in the crate")]

use std::hint::black_box;
use std::time::Instant;

use couloir_seal::agreement::Agreement;
use couloir_seal::identity::{Context, SigningKey, is_signed};
use couloir_seal::{CipherSuite, Entropy, HourKey, HourRatchet, Secret};
use couloir_wire::id::{NodeId, RouteId};
use couloir_wire::time::{Hour, Window};

const CELL_PLAINTEXT_LEN: usize = 2_048 - couloir_seal::CELL_OVERHEAD;

fn main() {
    for suite in [CipherSuite::Real, CipherSuite::Null] {
        println!("{suite:?}");
        cells(suite);
        agreement(suite);
    }
    signatures();
}

fn cells(suite: CipherSuite) {
    let ratchet = HourRatchet::new(suite, Hour(0), Secret::new([1; 32]));
    let key = ratchet.at(Hour(0)).expect("its own hour");
    let route = RouteId([2; 16]);
    print("hour key, 24 hours ahead", 1_000, |_| ratchet.at(Hour(24)));
    print("write token", 100_000, |w| key.write_token(route, Window(w), 0));
    let token = key.write_token(route, Window(0), 0);
    print("slot of a token", 100_000, |_| HourKey::slot_of(&token));
    print("cell key", 100_000, |w| key.cell_key(route, Window(w), 0));
    let plaintext = vec![3; CELL_PLAINTEXT_LEN];
    print("cell key and seal 2,048", 20_000, |w| key.cell_key(route, Window(w), 0).seal([4; 24], &plaintext));
    let cell = key.cell_key(route, Window(0), 0).seal([4; 24], &plaintext);
    print("cell key and open 2,048", 20_000, |_| key.cell_key(route, Window(0), 0).open(&cell));
}

fn agreement(suite: CipherSuite) {
    let mut entropy = Entropy::from_seed(&[5; 32]);
    let (p, c) = (NodeId([2; 16]), NodeId([1; 16]));
    let (secret, offer) = Agreement::offer(&mut entropy, suite, p).expect("offer");
    let (mut c, welcome) = Agreement::create(&mut entropy, suite, c, &offer).expect("create");
    let mut p = Agreement::join(&secret, &welcome).expect("join");
    print("join", 20, |_| Agreement::join(&secret, &welcome));
    let (mut update, mut commit) = (Vec::new(), Vec::new());
    print("update, commit and follow", 20, |_| {
        update = p.propose_update(&mut entropy).expect("update");
        commit = c.commit(&mut entropy, Some(&update)).expect("commit");
        p.receive_commit(&commit).expect("follow");
    });
    println!(
        "  octets: offer {}, welcome {}, update {}, commit {}, state {} and {}",
        offer.len(),
        welcome.len(),
        update.len(),
        commit.len(),
        c.to_bytes().len(),
        p.to_bytes().len()
    );
}

fn signatures() {
    println!("Ed25519 with ML-DSA-65");
    let key = SigningKey::generate(&mut Entropy::from_seed(&[6; 32]));
    print("sign", 200, |_| key.sign(Context::Rendezvous, b"message"));
    let signature = key.sign(Context::Rendezvous, b"message");
    print("verify", 200, |_| is_signed(key.public(), Context::Rendezvous, b"message", &signature));
}

fn print<T>(what: &str, times: u64, mut operation: impl FnMut(u64) -> T) {
    let start = Instant::now();
    for time in 0..times {
        black_box(operation(time));
    }
    let each_ns = start.elapsed().as_nanos() / u128::from(times);
    println!("  {what:28} {each_ns:>10} ns");
}
