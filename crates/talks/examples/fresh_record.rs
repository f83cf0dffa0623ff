//! Writes a record of a few items with its signets, and what must come out of it, into a folder, so that
//! software of others can check what ours makes: `cargo run -p couloir-talks --example fresh_record -- DIR`.

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::Path;

use couloir_talks::evidence::export;
use couloir_wire::cbor;
use serde_json::json;

fn main() -> std::io::Result<()> {
    let Some(folder) = std::env::args_os().nth(1) else { panic!("into which folder?") };
    let folder = Path::new(&folder);
    let mut desks = support::Desks::new();
    let mut record = desks.record();
    for item in support::story(&mut desks) {
        record.add(item).expect("of this audience");
    }
    std::fs::write(folder.join("fresh.record"), export(&record, &desks.papers))?;
    for (name, side) in [("tokyo", &desks.tokyo), ("beijing", &desks.beijing)] {
        std::fs::write(folder.join(format!("{name}.signet")), cbor::encode(&side.signet))?;
    }
    let standings: Vec<&str> = record.states().iter().map(|state| state.standing.word()).collect();
    let vector = json!([{
        "file": "fresh.record",
        "signets": ["tokyo.signet", "beijing.signet"],
        "verdict": "whole",
        "where": [],
        "head": record.head().to_string(),
        "standings": standings,
    }]);
    std::fs::write(folder.join("fresh.json"), vector.to_string())
}
