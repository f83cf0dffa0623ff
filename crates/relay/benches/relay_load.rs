//! Exchanges per second of a relay on this machine, load generator included: the real binary over TLS,
//! each exchange one durable PUT and two GETs of 2 KiB, one of them found.
//!
//! `cargo bench -p couloir-relay --bench relay_load -- [SECONDS [CONNECTIONS]]` (default 10 and 64).

#[path = "../tests/support/mod.rs"]
mod support;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use couloir_wire::exchange::PutOutcome;
use rustls::pki_types::ServerName;
use support::{RelayProcess, exchange, request_head, shape};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

fn main() -> io::Result<()> {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<u64>().ok());
    let seconds = numbers.next().unwrap_or(10);
    let connections = numbers.next().unwrap_or(64);
    let data = tempfile::tempdir()?;
    println!("fdatasync of 64 KiB, median: {:.2} ms", sync_ms(data.path())?);
    let relay = RelayProcess::start(data.path(), &[]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let load = runtime.block_on(load(&relay, connections, Duration::from_secs(seconds)))?;
    report(&relay, connections, &load);
    println!("fdatasync of 64 KiB, median: {:.2} ms", sync_ms(data.path())?);
    Ok(())
}

/// What the load generator saw.
struct Load {
    elapsed: Duration,
    latencies: Vec<Duration>,
    found: u64,
}

async fn load(relay: &RelayProcess, connections: u64, duration: Duration) -> io::Result<Load> {
    let mut streams = Vec::new();
    for _ in 0..connections {
        streams.push(connect(relay).await?);
    }
    let begin = Instant::now();
    let tasks = streams.into_iter().zip(0..);
    let tasks: Vec<_> = tasks
        .map(|(stream, own)| tokio::spawn(exchange_until(stream, own, connections, begin + duration)))
        .collect();
    let mut load = Load { elapsed: Duration::ZERO, latencies: Vec::new(), found: 0 };
    for task in tasks {
        let (latencies, found) = task.await.map_err(io::Error::other)??;
        load.latencies.extend(latencies);
        load.found += found;
    }
    load.elapsed = begin.elapsed();
    load.latencies.sort_unstable();
    Ok(load)
}

async fn connect(relay: &RelayProcess) -> io::Result<TlsStream<TcpStream>> {
    let socket = TcpStream::connect(relay.address).await?;
    socket.set_nodelay(true)?;
    let name = ServerName::try_from("couloir-relay").map_err(io::Error::other)?;
    TlsConnector::from(Arc::clone(&support::client_config(&relay.pin))).connect(name, socket).await
}

/// Exchanges until `end`: each round PUTs a new cell and GETs that of the round before, and a slot that
/// nobody fills.
async fn exchange_until(
    mut stream: TlsStream<TcpStream>,
    own: u64,
    connections: u64,
    end: Instant,
) -> io::Result<(Vec<Duration>, u64)> {
    let shape = shape(2);
    let head = request_head("POST", "/cells", shape.request_len());
    let (mut latencies, mut found) = (Vec::new(), 0);
    let mut round = 1;
    let mut answer = vec![0; ANSWER_HEAD.len() + shape.answer_len()];
    while Instant::now() < end {
        let number = round * connections + own;
        let asked = exchange(number, &[number - connections, u64::MAX - own]);
        let body = asked.encode().map_err(io::Error::other)?;
        let sent = Instant::now();
        stream.write_all(&[head.as_bytes(), &body].concat()).await?;
        stream.flush().await?;
        stream.read_exact(&mut answer).await?;
        latencies.push(sent.elapsed());
        let body = &answer[ANSWER_HEAD.len()..];
        let answer = couloir_wire::exchange::ExchangeAnswer::decode(body, shape).map_err(io::Error::other)?;
        assert_eq!(answer.puts, [PutOutcome::Stored]);
        found += answer.gets.iter().flatten().count() as u64;
        round += 1;
    }
    Ok((latencies, found))
}

/// The head of every answer to this shape; [`exchange_until`] reads as many octets.
const ANSWER_HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: 4115\r\n\r\n";

fn report(relay: &RelayProcess, connections: u64, load: &Load) {
    let count = load.latencies.len();
    let at = |share: f64| load.latencies[((count - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    let rate = count as f64 / load.elapsed.as_secs_f64();
    println!("{rate:.0} exchanges/s over {connections} connections ({count} in {:?})", load.elapsed);
    println!("delay ms: median {:.2}, 99th percentile {:.2}, longest {:.2}", at(0.5), at(0.99), at(1.0));
    println!("GETs found: {} of {}", load.found, 2 * count);
    let each_us = |time: Duration| time.as_secs_f64() * 1e6 / count as f64;
    let own = support::processor_time("/proc/self/stat");
    println!(
        "processor time each: relay {:.1} us, client {:.1} us",
        each_us(relay.processor_time()),
        each_us(own)
    );
    println!("relay resident at most: {:.1} MiB", relay.resident_octets_max() as f64 / f64::from(1 << 20));
}

fn sync_ms(folder: &Path) -> io::Result<f64> {
    let file = File::create(folder.join("sync-probe"))?;
    let mut times: Vec<Duration> = (0..100)
        .map(|n| {
            let begin = Instant::now();
            file.write_all_at(&[0x5a; 65_536], n * 65_536)?;
            file.sync_data()?;
            Ok(begin.elapsed())
        })
        .collect::<io::Result<_>>()?;
    times.sort_unstable();
    Ok(times[times.len() / 2].as_secs_f64() * 1e3)
}
