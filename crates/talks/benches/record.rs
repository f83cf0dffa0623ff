//! What the record costs: one statement signed and verified, and a record of 10,000 agreed statements written and
//! checked. One line of JSON for `cargo xtask bench record`; `--quick` takes 200.
#![allow(clippy::disallowed_types, reason = "a bench reads the clock; the crate does not")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::Instant;

use couloir_seal::record::{Statement, Verdict};
use couloir_talks::evidence::{examine, export};
use couloir_talks::record::Item;
use couloir_wire::id::StatementId;
use serde_json::json;
use support::Desks;

const STATEMENTS: u32 = 10_000;
const QUICK: u32 = 200;

fn main() {
    let is_quick = std::env::args().any(|arg| arg == "--quick");
    let count = if is_quick { QUICK } else { STATEMENTS };
    let mut desks = Desks::new();
    let (signed, verified) = one(&mut desks, count.min(500));
    let (mut record, mut previous) = (desks.record(), Vec::new());
    for number in 0..count {
        let statement = numbered(desks.statement(number % 2 == 0, &previous), number);
        let said = desks.papers.prove(&desks.sign(&statement)).expect("it holds");
        let agreed = desks.answer(&said, Verdict::Agree);
        previous = vec![agreed.digest()];
        [Item::Statement(said), agreed]
            .into_iter()
            .for_each(|item| record.add(item).expect("of this audience"));
    }
    let begin = Instant::now();
    let file = export(&record, &desks.papers);
    let exported = begin.elapsed().as_secs_f64();
    let begin = Instant::now();
    let found = examine(&file, desks.signets()).expect("a file of ours");
    let examined = begin.elapsed().as_secs_f64();
    assert!(found.holds() && found.is_whole() && found.record.head() == record.head());
    let told = json!({
        "statements": count, "sign_ms": signed, "verify_ms": verified, "export_s": exported,
        "export_octets": file.len(), "examine_s": examined,
    });
    println!("{told}");
}

/// Medians of one statement signed and one verified, in milliseconds.
fn one(desks: &mut Desks, rounds: u32) -> (f64, f64) {
    let statement = desks.statement(true, &[]);
    let octets = desks.sign(&statement);
    let signed = median(rounds, || drop(desks.sign(&statement)));
    (signed, median(rounds, || drop(desks.papers.prove(&octets))))
}

fn median(rounds: u32, work: impl Fn()) -> f64 {
    let mut times: Vec<f64> = (0..rounds.max(1)).map(|_| timed(&work)).collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn timed(work: impl Fn()) -> f64 {
    let begin = Instant::now();
    work();
    begin.elapsed().as_secs_f64() * 1000.0
}

/// Ids that stay apart beyond the few that the tests need.
fn numbered(statement: Statement, number: u32) -> Statement {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    Statement { id: StatementId(id), at_ms: support::BEGIN_MS + i64::from(number), ..statement }
}
