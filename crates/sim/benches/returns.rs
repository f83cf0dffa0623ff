//! How soon somebody who was away has read everything, at default rates over three relays, simulated.
//!
//! `cargo bench -p couloir-sim --bench returns [-- DAYS...]`; prints `NAME SECONDS GETS VERDICT`, and first what a
//! backlog took: `backlog OCTETS WINDOWS VERDICT`.

use couloir_sim::checks::Failure;
use couloir_sim::named::{self, Return};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let days: Vec<u64> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let backlog = named::backlog(1, BACKLOG_NOTES)?;
    println!("backlog {} {} {}", backlog.octets, backlog.windows, verdict(backlog.failure.as_ref()));
    print("five_minutes", &named::five_minutes(1)?);
    for days in if days.is_empty() { &[1, 7, 30][..] } else { &days } {
        print(&format!("back_after_{days}_days"), &named::back_after(1, days * 24, 1_000)?);
    }
    Ok(())
}

fn print(name: &str, back: &Return) {
    let verdict = verdict(back.failure.as_ref());
    println!("{name} {:.1} {} {verdict}", back.until_all_ms as f64 / 1e3, back.gets);
}

fn verdict(failure: Option<&Failure>) -> String {
    failure.map_or("all there".to_owned(), ToString::to_string)
}

/// Below a stream's credit, so that nothing waits for it; some hundreds of cells.
const BACKLOG_NOTES: u64 = 2_000;
