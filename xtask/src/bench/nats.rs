//! The peer: NATS JetStream, its server from Debian, a client of the few lines that the figures need.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

use super::black_hole;
use crate::{steps, test};

/// A server with JetStream on files.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// Starts a server whose streams lie in `folder`; installs it if that is possible.
    pub fn start(folder: &Path) -> anyhow::Result<Server> {
        if !test::has("nats-server") {
            ensure!(
                test::is_root() && test::install("nats-server"),
                "nats-server is not installed (Debian: nats-server)"
            );
        }
        let mut command = Command::new("nats-server");
        command.args(["--addr", "127.0.0.1", "--port", "-1", "--jetstream", "--store_dir"]).arg(folder);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let lines = BufReader::new(child.stderr.take().context("a piped stderr")?).lines();
        let mut said = lines.map_while(Result::ok);
        let address = said.find_map(|line| line.rsplit_once("client connections on ")?.1.parse().ok());
        std::thread::spawn(move || said.for_each(drop));
        Ok(Server { child, address: address.context("nats-server did not say where it listens")? })
    }

    /// Its version.
    pub fn version() -> String {
        steps::output(&["nats-server", "--version"]).unwrap_or_else(|| "nats-server".into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection.
pub struct Client {
    from: BufReader<TcpStream>,
    to: TcpStream,
}

/// What a subscription brought.
#[derive(Debug)]
pub struct Message {
    /// Where to answer.
    pub reply: String,
    pub body: Vec<u8>,
}

impl Client {
    /// Connects; answers of requests come to `inbox`.
    pub fn connect(address: SocketAddr, inbox: &str) -> anyhow::Result<Client> {
        let to = TcpStream::connect(address)?;
        to.set_nodelay(true)?;
        let mut client = Client { from: BufReader::new(to.try_clone()?), to };
        client.line()?;
        let options = json!({"verbose": false, "headers": true, "no_responders": false});
        write!(client.to, "CONNECT {options}\r\nSUB {inbox} 1\r\n")?;
        Ok(client)
    }

    /// A second handle for writing.
    pub fn writer(&self) -> anyhow::Result<TcpStream> {
        Ok(self.to.try_clone()?)
    }

    /// Asks one thing and waits for the answer.
    pub fn ask(&mut self, subject: &str, inbox: &str, body: &[u8]) -> anyhow::Result<Message> {
        self.to.write_all(&publication(subject, inbox, body))?;
        self.next()
    }

    /// Publishes without waiting.
    pub fn publish(&mut self, subject: &str, reply: &str, body: &[u8]) -> anyhow::Result<()> {
        Ok(self.to.write_all(&publication(subject, reply, body))?)
    }

    /// The next message.
    pub fn next(&mut self) -> anyhow::Result<Message> {
        loop {
            let line = self.line()?;
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            let (reply, len) = match words.as_slice() {
                ["PING"] => {
                    self.to.write_all(b"PONG\r\n")?;
                    continue;
                }
                ["MSG", _, _, len] | ["HMSG", _, _, _, len] => ("", len),
                ["MSG", _, _, reply, len] | ["HMSG", _, _, reply, _, len] => (*reply, len),
                ["-ERR", ..] => bail!("nats-server says {line}"),
                _ => continue,
            };
            let mut body = vec![0; len.parse::<usize>()? + 2];
            self.from.read_exact(&mut body)?;
            return Ok(Message { reply: reply.to_owned(), body });
        }
    }

    /// Makes a stream on files with one subject of its own name.
    pub fn make_stream(&mut self, name: &str, inbox: &str) -> anyhow::Result<()> {
        let stream = json!({"name": name, "subjects": [name], "storage": "file", "allow_direct": true});
        self.ask_api(&format!("$JS.API.STREAM.CREATE.{name}"), inbox, &stream)
    }

    /// Makes a durable consumer that pushes to `deliver` and wants every message acknowledged.
    pub fn make_consumer(&mut self, stream: &str, deliver: &str, inbox: &str) -> anyhow::Result<()> {
        let config = json!({"durable_name": "d", "deliver_subject": deliver, "ack_policy": "explicit", "max_ack_pending": 50_000});
        let consumer = json!({"stream_name": stream, "config": config});
        self.ask_api(&format!("$JS.API.CONSUMER.DURABLE.CREATE.{stream}.d"), inbox, &consumer)
    }

    fn ask_api(&mut self, subject: &str, inbox: &str, request: &Value) -> anyhow::Result<()> {
        let answer = self.ask(subject, inbox, request.to_string().as_bytes())?;
        let answer: Value = serde_json::from_slice(&answer.body)?;
        ensure!(answer.get("error").is_none(), "JetStream answers {answer}");
        Ok(())
    }

    /// Hears a subject.
    pub fn subscribe(&mut self, subject: &str) -> anyhow::Result<()> {
        Ok(write!(self.to, "SUB {subject} 2\r\n")?)
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        ensure!(self.from.read_line(&mut line)? > 0, "nats-server closed the connection");
        Ok(line)
    }
}

/// The octets of a publication.
pub fn publication(subject: &str, reply: &str, body: &[u8]) -> Vec<u8> {
    let mut octets = format!("PUB {subject} {reply} {}\r\n", body.len()).into_bytes();
    octets.extend_from_slice(body);
    octets.extend_from_slice(b"\r\n");
    octets
}

/// The same note every 100 ms with NATS' own client, whose active path falls silent a third into the run while
/// another is there: what to print beside ours, and how it was measured.
pub fn silence(seconds: u64) -> (String, String) {
    match measure_silence(seconds) {
        Ok(result) => (format!("NATS JetStream: {result}"), SILENCE_NOTE.into()),
        Err(error) => ("peer missing".into(), format!("NATS JetStream was not measured: {error:#}")),
    }
}

const SILENCE_NOTE: &str = "NATS JetStream: nats-py publishes with its own client's reconnection, tuned in its favour (ping \
every second, two may be outstanding, a publication is repeated with its id after a second); one server over two paths, the \
active one falls silent a third into the run.";
const PYTHON: &str = "target/nats-python/bin/python3";
const SCRIPT: &str = "xtask/bench/nats_line.py";

fn measure_silence(seconds: u64) -> anyhow::Result<String> {
    let folder = tempfile::tempdir()?;
    let server = Server::start(folder.path())?;
    if !Path::new(PYTHON).exists() {
        let made = steps::works(&["python3", "-m", "venv", "target/nats-python"])
            && steps::works(&[PYTHON, "-m", "pip", "install", "--quiet", "nats-py"]);
        ensure!(made, "nats-py could not be installed (python3 -m venv, pip install nats-py)");
    }
    let (active, other) = (black_hole::Path::to(server.address)?, black_hole::Path::to(server.address)?);
    let addresses = [active.address.to_string(), other.address.to_string()];
    let mut child = Command::new(PYTHON)
        .args([SCRIPT, &addresses[0], &addresses[1], &seconds.to_string()])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("a piped stdout")?).lines();
    let begun = lines.next().context("the script ended early")??;
    ensure!(begun == "begun", "the script says {begun}");
    std::thread::sleep(std::time::Duration::from_secs(seconds / 3));
    active.fall_silent();
    let result = lines.map_while(Result::ok).last().context("the script gave no result")?;
    ensure!(child.wait()?.success(), "the script failed");
    Ok(result)
}
