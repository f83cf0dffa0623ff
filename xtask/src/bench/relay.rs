//! A relay under load: one durable put and two gets of 2 KiB per exchange, over TLS, from 64 connections.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::report::{Figure, Section};
use super::{Place, nats};
use crate::steps;

const CONNECTIONS: usize = 64;
const CELL_OCTETS: usize = 2048;
const EXCHANGES_MIN: f64 = 12_000.0;

/// Runs the relay's own load, then the same octets on NATS JetStream.
pub fn run(place: &Place) -> anyhow::Result<Section> {
    let mut section = Section::new("A relay under load");
    let output = steps::output(&["cargo", "bench", "--locked", "--workspace", "--bench", "relay_load"])
        .context("the relay's load did not run: cargo bench -p couloir-relay --bench relay_load")?;
    let rate = rate_of(&output).with_context(|| format!("no line with exchanges/s in: {output}"))?;
    let seconds = if place.is_quick { 2 } else { 8 };
    let beside = match jetstream(seconds) {
        Ok(peer) => {
            let figure = format!("{peer:.0}/s");
            section.figure(Figure::aimed(
                "ahead of NATS JetStream",
                format!("{rate:.0}/s"),
                &figure,
                "ahead",
                rate > peer,
            ));
            format!("{}: {figure}", nats::Server::version())
        }
        Err(error) => {
            section.note(format!("NATS JetStream was not measured: {error:#}"));
            "peer missing".into()
        }
    };
    let held = rate >= EXCHANGES_MIN;
    section.figure(Figure::aimed(
        "exchanges per second",
        format!("{rate:.0}"),
        beside,
        "at least 12,000",
        held,
    ));
    output.lines().filter(|line| !line.trim().is_empty()).for_each(|line| section.note(line.trim()));
    restart(place, &mut section)?;
    section.note(
        "NATS JetStream: the same octets without TLS; a put is a publication with its acknowledgement to a stream on files, a \
         get is a direct get. 2.9 syncs by its timer and knows no `sync_interval: always`: its acknowledgement is not durable \
         against power loss, ours is.",
    );
    Ok(section)
}

/// How soon a relay that holds millions of cells serves again, and what its index takes.
fn restart(place: &Place, section: &mut Section) -> anyhow::Result<()> {
    let cells = if place.is_quick { "200000" } else { "3000000" };
    let bench = ["cargo", "bench", "--locked", "--workspace", "--bench", "relay_restart", "--", cells];
    let output = steps::output(&bench).context("relay_restart did not run")?;
    for line in output.lines().filter(|line| line.contains(" octets of memory each")) {
        let octets = line.split(", ").find_map(|part| part.strip_suffix(" octets of memory each"));
        let octets: f64 =
            octets.and_then(|octets| octets.trim().parse().ok()).context("no octets in a line")?;
        let what = format!("start with {cells} cells: time, cells, memory each");
        section.figure(Figure::aimed(
            &what,
            line.trim().into(),
            "limit: 48 octets each",
            "seconds",
            octets <= 48.0,
        ));
    }
    Ok(())
}

/// The number before or after `exchanges/s` in the last line that has it.
fn rate_of(output: &str) -> Option<f64> {
    let line = output.lines().rev().find(|line| line.contains("exchanges/s"))?;
    let (before, after) = line.split_once("exchanges/s")?;
    let number = |text: &str| text.replace([',', '_'], "").parse::<f64>().ok();
    let last = before.split_whitespace().next_back().and_then(number);
    last.or_else(|| after.split_whitespace().find_map(|word| number(word.trim_matches([':', '=']))))
}

/// Exchanges per second of NATS JetStream.
fn jetstream(seconds: u64) -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let server = &nats::Server::start(folder.path())?;
    nats::Client::connect(server.address, "inbox.setup")?.make_stream("cells", "inbox.setup")?;
    let exchanges = &AtomicU64::new(0);
    let start = Instant::now();
    let end = start + Duration::from_secs(seconds);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CONNECTIONS)
            .map(|number| scope.spawn(move || exchange_until(end, server, number, exchanges)))
            .collect();
        clients.into_iter().try_for_each(|client| client.join().expect("a client does not panic"))
    })?;
    Ok(exchanges.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64())
}

fn exchange_until(
    end: Instant,
    server: &nats::Server,
    number: usize,
    exchanges: &AtomicU64,
) -> anyhow::Result<()> {
    let inbox = format!("inbox.{number}");
    let mut client = nats::Client::connect(server.address, &inbox)?;
    let cell = [number as u8; CELL_OCTETS];
    while Instant::now() < end {
        let stored = client.ask("cells", &inbox, &cell)?;
        let stored: serde_json::Value = serde_json::from_slice(&stored.body)?;
        let newest = stored["seq"].as_u64().context("a sequence number")?;
        for back in [1, CONNECTIONS as u64] {
            let request = format!("{{\"seq\":{}}}", newest.saturating_sub(back).max(1));
            client.ask("$JS.API.DIRECT.GET.cells", &inbox, request.as_bytes())?;
        }
        exchanges.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_read_wherever_it_stands() {
        assert_eq!(rate_of("fdatasync 0.4 ms\n  15,321 exchanges/s"), Some(15_321.0));
        assert_eq!(rate_of("exchanges/s: 9500.5 with 64"), Some(9500.5));
        assert_eq!(rate_of("nothing"), None);
    }
}
