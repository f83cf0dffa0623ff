//! Probes of the official line: addresses that a running node looks at every minute.
//!
//! A probe connects, and over `http` asks for the head; or it runs a program, which says by its exit code
//! whether the line works. The official line is down when an address did not answer twice running, and up
//! again when all answer. Only a change is told to the engine, so that what a person said stands until the
//! probes say something new.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::num::NonZeroU16;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use couloir_engine::Input;
use couloir_wire::cell::Official;
use serde_json::{Value, json};

use super::Node;
use crate::store::Reader;
use crate::words::{Code, Failure, Outcome};

/// The addresses that are probed.
pub fn list(reader: &Reader) -> Outcome<Vec<String>> {
    let Some(kept) = reader.setting(SETTING)? else { return Ok(Vec::new()) };
    serde_json::from_str(&kept).map_err(|_| {
        Failure::new(Code::Integrity, "the list of probes cannot be read", "add the probes again")
    })
}

/// Probes one more address.
pub fn add<N: Node>(node: &mut N, url: &str) -> Outcome<Value> {
    check(url)?;
    let mut watched = list(node.reader())?;
    if watched.len() >= PROBES_MAX {
        return Err(Failure::refused(
            "sixteen addresses are probed already",
            "remove one: couloir posture watch remove URL",
        ));
    }
    if !watched.iter().any(|each| each == url) {
        watched.push(url.to_owned());
    }
    keep(node, &watched)
}

/// Probes an address no longer.
pub fn remove<N: Node>(node: &mut N, url: &str) -> Outcome<Value> {
    let mut watched = list(node.reader())?;
    let before = watched.len();
    watched.retain(|each| each != url);
    if watched.len() == before {
        return Err(Failure::usage("that address is not probed", "see couloir posture watch list"));
    }
    keep(node, &watched)
}

fn keep<N: Node>(node: &mut N, watched: &[String]) -> Outcome<Value> {
    let kept = json!(watched).to_string();
    node.with_store(move |store| store.put_setting(SETTING, Some(&kept)))??;
    node.probes_changed();
    Ok(json!({ "watch": watched }))
}

/// What a running node remembers of its probes.
#[derive(Default)]
pub struct Probes {
    failures: BTreeMap<String, u32>,
    told: Option<Official>,
}

impl Probes {
    /// Looks at every address once; the input for the engine, if something changed.
    pub fn round(&mut self, watched: &[String]) -> Option<Input> {
        self.failures.retain(|url, _| watched.contains(url));
        for url in watched {
            let count = self.failures.entry(url.clone()).or_default();
            *count = if probe(url).is_ok() { 0 } else { count.saturating_add(1) };
        }
        let (state, why) = self.verdict(watched)?;
        if self.told == Some(state) {
            return None;
        }
        self.told = Some(state);
        Some(Input::SetOfficial { state, why })
    }

    /// What the last round found could not be told; the next one tells it again.
    pub fn forget_told(&mut self) {
        self.told = None;
    }

    /// How long until the next round: what failed once is looked at again soon.
    pub fn pause(&self) -> Duration {
        let is_doubtful = |count: &u32| (1..FAILURES_UNTIL_DOWN).contains(count);
        if self.failures.values().any(is_doubtful) { DOUBT } else { ROUND }
    }

    /// `None` while nothing is watched, or one failure might still be chance.
    fn verdict(&self, watched: &[String]) -> Option<(Official, String)> {
        let failures = |url: &String| self.failures.get(url).copied().unwrap_or_default();
        let down: Vec<&str> =
            watched.iter().filter(|url| failures(url) >= FAILURES_UNTIL_DOWN).map(String::as_str).collect();
        if !down.is_empty() {
            return Some((Official::Down, format!("no answer from {}", down.join(", "))));
        }
        let is_all_well = !watched.is_empty() && watched.iter().all(|url| failures(url) == 0);
        is_all_well.then(|| (Official::Up, "the probes answer".to_owned()))
    }
}

/// Whether `url` can be probed.
fn check(url: &str) -> Outcome {
    match url.strip_prefix(PROGRAM) {
        Some(path) if Path::new(path).is_absolute() => is_program(path).then_some(()).ok_or_else(|| {
            Failure::usage(format!("{path} is no program"), "name one that this user may run: exec:/PATH")
        }),
        _ => Target::of(url).map(drop),
    }
}

fn is_program(path: &str) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
}

struct Target {
    address: String,
    /// The path whose head is asked for, over plain HTTP.
    head: Option<String>,
    /// Whether the server speaks first, as over SMTP.
    is_greeting: bool,
}

impl Target {
    fn of(url: &str) -> Outcome<Target> {
        let wrong = || {
            Failure::usage(
                format!("{url:?} cannot be probed"),
                "write http://HOST[:PORT]/PATH, https://HOST[:PORT], smtp://HOST[:PORT], tcp://HOST:PORT or exec:/PATH",
            )
        };
        let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
        let (host, path) =
            rest.split_once('/').map_or((rest, "/".to_owned()), |(host, path)| (host, format!("/{path}")));
        let port = match scheme {
            "http" => Some(80),
            "https" => Some(443),
            "smtp" => Some(25),
            "tcp" => None,
            _ => return Err(wrong()),
        };
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<NonZeroU16>().is_ok());
        let is_clean = !host.is_empty()
            && !host.contains('@')
            && !host.ends_with(":0")
            && url.len() <= 512
            && url.chars().all(|c| c.is_ascii_graphic());
        let address = match (has_port, port) {
            (true, _) => host.to_owned(),
            (false, Some(port)) => format!("{host}:{port}"),
            (false, None) => return Err(wrong()),
        };
        let target =
            Target { address, head: (scheme == "http").then_some(path), is_greeting: scheme == "smtp" };
        if is_clean { Ok(target) } else { Err(wrong()) }
    }
}

/// Whether the address answers.
fn probe(url: &str) -> Result<(), ()> {
    if let Some(path) = url.strip_prefix(PROGRAM) {
        return run(path);
    }
    let target = Target::of(url).map_err(drop)?;
    let mut addresses = target.address.to_socket_addrs().map_err(drop)?;
    let mut stream =
        addresses.find_map(|address| TcpStream::connect_timeout(&address, PATIENCE).ok()).ok_or(())?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(drop)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(drop)?;
    if let Some(path) = &target.head {
        let host = &target.address;
        let request = format!("HEAD {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).map_err(drop)?;
    }
    if target.head.is_none() && !target.is_greeting {
        return Ok(());
    }
    let mut start = [0; 12];
    stream.read_exact(&mut start).map_err(drop)?;
    is_well(&start, target.is_greeting).then_some(()).ok_or(())
}

/// Whether the program at `path` ends in time and says that the line works: exit code 0.
fn run(path: &str) -> Result<(), ()> {
    let mut command = Command::new(path);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(drop)?;
    let patience = Instant::now() + PATIENCE;
    while Instant::now() < patience {
        match child.try_wait() {
            Ok(Some(status)) => return status.success().then_some(()).ok_or(()),
            Ok(None) => std::thread::sleep(LOOK_AGAIN),
            Err(_) => break,
        }
    }
    // It may have ended by itself meanwhile; either way nothing of it stays.
    let _ = child.kill();
    let _ = child.wait();
    Err(())
}

/// An HTTP status below 500, or an SMTP greeting.
fn is_well(start: &[u8; 12], is_greeting: bool) -> bool {
    if is_greeting { start.starts_with(b"220") } else { start.starts_with(b"HTTP/1.") && start[9] < b'5' }
}

/// How often a running node probes.
const ROUND: Duration = Duration::from_secs(60);
/// How soon it looks again at what failed once.
const DOUBT: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(10);
/// One lost packet is no posture.
const FAILURES_UNTIL_DOWN: u32 = 2;
const PROBES_MAX: usize = 16;
/// How often it looks whether a program has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// What an address begins with that is a program.
const PROGRAM: &str = "exec:";
const SETTING: &str = "watch";

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn listening() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        (listener, format!("tcp://{address}"))
    }

    #[test]
    fn only_a_change_is_told_and_one_failure_is_none() {
        let (listener, url) = listening();
        let mut probes = Probes::default();
        let watched = [url];
        assert!(matches!(probes.round(&watched), Some(Input::SetOfficial { state: Official::Up, .. })));
        assert!(probes.round(&watched).is_none());
        drop(listener);
        assert!(probes.round(&watched).is_none());
        assert_eq!(probes.pause(), DOUBT);
        assert!(matches!(probes.round(&watched), Some(Input::SetOfficial { state: Official::Down, .. })));
        assert!(probes.round(&watched).is_none());
    }

    #[test]
    fn what_cannot_be_probed_is_refused() {
        for url in [
            "",
            "ftp://x",
            "tcp://host",
            "tcp://host:0",
            "http://",
            "http://a b/",
            "http://u:p@h/",
            "smtp:host",
        ] {
            assert!(Target::of(url).is_err(), "{url}");
        }
        assert_eq!(
            Target::of("https://mofa.example").map(|target| target.address).ok().as_deref(),
            Some("mofa.example:443")
        );
    }

    #[test]
    fn a_program_says_by_its_exit_code_whether_the_line_works() {
        assert_eq!((probe("exec:/bin/true"), probe("exec:/bin/false")), (Ok(()), Err(())));
        assert!(check("exec:/bin/true").is_ok());
        for url in ["exec:true", "exec:/bin", "exec:/nowhere", "exec:"] {
            assert!(check(url).is_err(), "{url}");
        }
    }

    #[test]
    fn an_answer_of_a_broken_server_is_no_answer() {
        assert!(is_well(b"HTTP/1.1 200", false) && !is_well(b"HTTP/1.1 503", false));
        assert!(is_well(b"220 mail rdy", true) && !is_well(b"554 no  serv", true));
    }
}
