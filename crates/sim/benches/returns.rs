//! How soon somebody who was away has read everything, at default rates over three relays, simulated.
//!
//! `cargo bench -p couloir-sim --bench returns [-- DAYS]`; prints `NAME SECONDS GETS VERDICT`.

use couloir_sim::named::{self, Return};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let days = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(30);
    print("back_after", &named::back_after(1, days, 1_000)?);
    print("five_minutes", &named::five_minutes(1)?);
    Ok(())
}

fn print(name: &str, back: &Return) {
    let verdict = back.failure.as_ref().map_or("all there".to_owned(), ToString::to_string);
    println!("{name} {:.1} {} {verdict}", back.until_all_ms as f64 / 1e3, back.gets);
}
