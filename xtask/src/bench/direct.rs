//! A prompt direct route: how soon, how many, and what waits for a receiver that is down.

use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::offices::{Offices, wait_until};
use super::report::{Figure, Section, percentile};
use super::socket::{Shown, say};
use super::{Place, nats};
use crate::steps;

const NOTES_MANY: usize = 20_000;
const NOTES_MANY_QUICK: usize = 2_000;
const NOTES_KEPT: usize = 1_000;
const RATE_AIM: f64 = 23_000.0;
const KEPT_S_MAX: f64 = 0.15;
const START_S_MAX: f64 = 0.1;
const PATIENCE: Duration = Duration::from_secs(120);

/// Two offices with a direct route only.
pub fn offices(place: &Place) -> anyhow::Result<Offices> {
    let port = UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
    let route = format!("quic://127.0.0.1:{port}");
    let mut offices = Offices::set_up(place, tempfile::tempdir()?, "200ms", &[route])?;
    offices.meet()?;
    Ok(offices)
}

/// Runs it beside a bare QUIC message with two commits, and NATS JetStream.
pub fn run(place: &Place) -> anyhow::Result<Section> {
    let mut section = Section::new("A prompt direct route");
    let mut offices = offices(place)?;
    let arrivals = offices.beijing.client()?.follow(None)?;
    let bare = place.may_build.then(bare_quic).flatten();
    delay(&offices, &arrivals, bare, &mut section)?;
    let many = if place.is_quick { NOTES_MANY_QUICK } else { NOTES_MANY };
    rate(&offices, &arrivals, many, &mut section)?;
    kept(&mut offices, &mut section)?;
    start(&mut offices, &mut section)?;
    section.note("Texts of 200 octets, said over one connection to the node's socket, shown by the other's followed log.");
    Ok(section)
}

fn text(kind: &str, number: usize) -> String {
    format!("{:<200}", format!("{kind} {number}"))
}

fn delay(
    offices: &Offices,
    arrivals: &Receiver<Shown>,
    bare: Option<f64>,
    section: &mut Section,
) -> anyhow::Result<()> {
    let mut tokyo = offices.tokyo.client()?;
    eprintln!("one at a time");
    let mut delays = Vec::new();
    for number in 0..300 {
        let wanted = text("soon", number);
        let begin = Instant::now();
        tokyo.ask(&say(&wanted))?;
        let shown = arrivals.iter().find(|shown| shown.row["text"] == wanted).context("the log ended")?;
        delays.push((shown.at - begin).as_secs_f64() * 1e3);
        thread::sleep(Duration::from_millis(5));
    }
    delays.sort_by(f64::total_cmp);
    let (ours, p99) = (percentile(&delays, 50), percentile(&delays, 99));
    section.figure(match bare {
        Some(bare) => {
            let beside = format!("bare QUIC with two commits: {bare:.2} ms");
            Figure::aimed(
                "send to shown, median",
                format!("{ours:.2} ms"),
                beside,
                "at most 2 times",
                ours <= 2.0 * bare,
            )
        }
        None => {
            Figure::told("send to shown, median", format!("{ours:.2} ms"), "peer missing: bench bare_quic")
        }
    });
    section.figure(Figure::told("send to shown, 99th percentile", format!("{p99:.2} ms"), ""));
    Ok(())
}

/// Median in milliseconds of a bare QUIC message one way with a SQLite commit at both ends.
fn bare_quic() -> Option<f64> {
    let output = steps::output(&["cargo", "bench", "--locked", "--workspace", "--bench", "bare_quic"])?;
    let line = output.lines().find(|line| line.contains("median_ms"))?;
    line.split_whitespace().next_back()?.parse().ok()
}

fn rate(
    offices: &Offices,
    arrivals: &Receiver<Shown>,
    many: usize,
    section: &mut Section,
) -> anyhow::Result<()> {
    eprintln!("{many} at once");
    let texts: Vec<String> = (0..many).map(|number| text("many", number)).collect();
    let mut tokyo = offices.tokyo.client()?;
    let begin = Instant::now();
    let (saying, last) = thread::scope(|scope| {
        let saying = scope.spawn(|| tokyo.say_all(&texts).map(|()| begin.elapsed().as_secs_f64()));
        let last = in_order(arrivals, &texts);
        (saying.join().expect("the saying thread does not panic"), last)
    });
    let ours = many as f64 / (last? - begin).as_secs_f64();
    let kept = many as f64 / saying?;
    let beside = peer(section, "20,000 notes", jetstream_rate)
        .map_or("peer missing".into(), |rate| format!("NATS JetStream: {rate:.0}/s"));
    let held = ours >= RATE_AIM;
    section.figure(Figure::aimed(
        &format!("{many} notes, durable at both ends, in order"),
        format!("{ours:.0}/s"),
        beside,
        "23,000/s",
        held,
    ));
    section.figure(Figure::told("the same, until durable at the sender", format!("{kept:.0}/s"), ""));
    Ok(())
}

/// When the last of `texts` was shown, all of them in order.
fn in_order(arrivals: &Receiver<Shown>, texts: &[String]) -> anyhow::Result<Instant> {
    let mut last = Instant::now();
    for text in texts {
        let shown = arrivals.recv_timeout(PATIENCE).context("not all notes arrived")?;
        ensure!(shown.row["text"] == *text.as_str(), "out of order: {} for {text}", shown.row["text"]);
        last = shown.at;
    }
    Ok(last)
}

fn kept(offices: &mut Offices, section: &mut Section) -> anyhow::Result<()> {
    eprintln!("kept while the receiver is down");
    let before = offices.beijing.client()?.log()?.last().and_then(|row| row["number"].as_u64());
    offices.beijing.stop()?;
    let texts: Vec<String> = (0..NOTES_KEPT).map(|number| text("kept", number)).collect();
    offices.tokyo.client()?.say_all(&texts)?;
    offices.beijing.start()?;
    let serves = Instant::now();
    let arrivals = offices.beijing.client()?.follow(before)?;
    let mut missing = NOTES_KEPT;
    let mut last = serves;
    while missing > 0 {
        let shown = arrivals.recv_timeout(PATIENCE).context("not all kept notes arrived")?;
        missing -= usize::from(is_of(&shown.row, "kept"));
        last = shown.at;
    }
    let ours = (last - serves).as_secs_f64();
    let beside = peer(section, "1,000 kept", jetstream_kept)
        .map_or("peer missing".into(), |s| format!("NATS JetStream: {s:.2} s"));
    let held = ours <= KEPT_S_MAX;
    section.figure(Figure::aimed(
        "1,000 kept notes, from serving to all there",
        format!("{ours:.2} s"),
        beside,
        "0.15 s",
        held,
    ));
    Ok(())
}

fn is_of(row: &Value, kind: &str) -> bool {
    row["text"].as_str().is_some_and(|text| text.starts_with(kind))
}

fn start(offices: &mut Offices, section: &mut Section) -> anyhow::Result<()> {
    let before = offices.beijing.client()?.log()?.last().and_then(|row| row["number"].as_u64());
    let arrivals = offices.beijing.client()?.follow(before)?;
    eprintln!("start to first note");
    offices.tokyo.stop()?;
    offices.tokyo.ask(&["send", "first after a start"])?;
    offices.tokyo.start()?;
    let serves = Instant::now();
    let first = loop {
        let shown = arrivals.recv_timeout(PATIENCE).context("the first note did not arrive")?;
        if is_of(&shown.row, "first") {
            break shown.at;
        }
    };
    let ours = first.saturating_duration_since(serves).as_secs_f64();
    let what = "from a node's `ready` to its first note shown";
    section.figure(Figure::aimed(what, format!("{ours:.2} s"), "", "0.1 s", ours <= START_S_MAX));
    wait_until("everything is acknowledged", || {
        Ok(offices.tokyo.client()?.ask(&json!({"do": "status"}))?["peers"][0]["unacknowledged"] == 0)
    })
}

/// A figure of the peer, or a note on why there is none.
fn peer(section: &mut Section, what: &str, measure: fn() -> anyhow::Result<f64>) -> Option<f64> {
    measure()
        .map_err(|error| section.note(format!("NATS JetStream, {what}, was not measured: {error:#}")))
        .ok()
}

/// Notes per second through NATS JetStream, every one acknowledged at both ends.
fn jetstream_rate() -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let server = nats::Server::start(folder.path())?;
    let mut writer = with_consumer(server.address)?;
    let mut reader = reader(server.address)?;
    let begin = Instant::now();
    let mut to = writer.writer()?;
    let writing = thread::spawn(move || -> anyhow::Result<()> {
        let notes = (0..NOTES_MANY)
            .map(|number| nats::publication("notes", "inbox.w", text("many", number).as_bytes()));
        let all: Vec<u8> = notes.flatten().collect();
        Ok(std::io::Write::write_all(&mut to, &all)?)
    });
    let acknowledged = thread::spawn(move || (0..NOTES_MANY).try_for_each(|_| writer.next().map(drop)));
    receive(&mut reader, NOTES_MANY)?;
    let seconds = begin.elapsed().as_secs_f64();
    writing.join().expect("the writing thread does not panic")?;
    acknowledged.join().expect("the reading thread does not panic")?;
    Ok(NOTES_MANY as f64 / seconds)
}

/// Seconds from the reader's connection until 1,000 kept messages are there.
fn jetstream_kept() -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let server = nats::Server::start(folder.path())?;
    let mut writer = with_consumer(server.address)?;
    for number in 0..NOTES_KEPT {
        writer.ask("notes", "inbox.w", text("kept", number).as_bytes())?;
    }
    let begin = Instant::now();
    receive(&mut reader(server.address)?, NOTES_KEPT)?;
    Ok(begin.elapsed().as_secs_f64())
}

fn with_consumer(address: SocketAddr) -> anyhow::Result<nats::Client> {
    let mut client = nats::Client::connect(address, "inbox.w")?;
    client.make_stream("notes", "inbox.w")?;
    client.make_consumer("notes", "deliver.notes", "inbox.w")?;
    Ok(client)
}

fn reader(address: SocketAddr) -> anyhow::Result<nats::Client> {
    let mut client = nats::Client::connect(address, "inbox.r")?;
    client.subscribe("deliver.notes")?;
    Ok(client)
}

fn receive(reader: &mut nats::Client, count: usize) -> anyhow::Result<()> {
    for _ in 0..count {
        let message = reader.next()?;
        reader.publish(&message.reply, "", b"+ACK")?;
    }
    Ok(())
}
