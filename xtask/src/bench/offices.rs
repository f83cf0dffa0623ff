//! Two offices as real processes: set up by the command line, joined, and stopped at the end.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

use super::Place;
use super::socket::Client;
use crate::steps;

/// A program that runs until it is dropped.
pub struct Running {
    child: Child,
    /// The line that it printed when it served.
    pub ready: String,
}

impl Running {
    /// Starts a program and waits for its line `ready`.
    pub fn start(command: &mut Command) -> anyhow::Result<Running> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("a piped stdout")?);
        let mut ready = String::new();
        lines.read_line(&mut ready)?;
        let running = Running { child, ready: ready.trim().to_owned() };
        ensure!(running.ready.starts_with("ready"), "{command:?} did not serve: {:?}", running.ready);
        thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Ok(running)
    }

    /// The process's number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it in order.
    pub fn stop(mut self) -> anyhow::Result<()> {
        steps::works(&["kill", "-TERM", &self.id().to_string()]);
        ensure!(self.child.wait()?.success(), "a program did not stop in order");
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One side's office.
pub struct Office {
    program: PathBuf,
    /// The node's folder.
    pub home: PathBuf,
    passphrase: PathBuf,
    node: Option<Running>,
}

impl Office {
    fn new(place: &Place, folder: &Path, name: &str) -> anyhow::Result<Office> {
        let passphrase = folder.join(format!("{name}.passphrase"));
        std::fs::write(&passphrase, format!("a passphrase of {name} for a bench\n"))?;
        let program = place.binaries.join("couloir");
        Ok(Office { program, home: folder.join(name), passphrase, node: None })
    }

    /// A command at this office.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words).arg("--home").arg(&self.home).arg("--passphrase-file").arg(&self.passphrase);
        command
    }

    /// Runs a command to its end; its answer in JSON.
    pub fn ask(&self, words: &[&str]) -> anyhow::Result<Value> {
        let output = self.command(words).arg("--json").output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let talk = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "couloir {} ended with {}: {talk}", words.join(" "), output.status);
        Ok(text.lines().next().map(serde_json::from_str).transpose()?.unwrap_or_default())
    }

    /// Starts the node and waits until it serves.
    pub fn start(&mut self) -> anyhow::Result<()> {
        self.node = Some(Running::start(self.command(&["run"]).stderr(Stdio::null()))?);
        Ok(())
    }

    /// Stops the node.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        self.node.take().map_or(Ok(()), Running::stop)
    }

    /// The running node's process.
    pub fn process(&self) -> anyhow::Result<u32> {
        Ok(self.node.as_ref().context("the node does not run")?.id())
    }

    /// A connection to the running node.
    pub fn client(&self) -> anyhow::Result<Client> {
        Client::connect(&self.home)
    }
}

/// Two offices with a channel.
pub struct Offices {
    pub tokyo: Office,
    pub beijing: Office,
    /// Removed at the end, after the nodes.
    pub folder: TempDir,
}

impl Offices {
    /// Two sides, a channel with `routes`, an invitation accepted; nothing runs yet.
    pub fn set_up(
        place: &Place,
        folder: TempDir,
        window: &str,
        routes: &[String],
    ) -> anyhow::Result<Offices> {
        let tokyo = Office::new(place, folder.path(), "tokyo")?;
        let beijing = Office::new(place, folder.path(), "beijing")?;
        let invitation = folder.path().join("invitation");
        let invitation = invitation.to_str().context("a path in UTF-8")?;
        tokyo.ask(&["init", "--side", "Japan", "--post", "Liaison"])?;
        let mut create = vec!["channel", "create", "--name", "Bench", "--window", window];
        create.extend(routes.iter().flat_map(|route| ["--route", route.as_str()]));
        tokyo.ask(&create)?;
        tokyo.ask(&["invite", "--for", "China", "--out", invitation])?;
        beijing.ask(&["init", "--side", "China", "--post", "Liaison"])?;
        beijing.ask(&["join", invitation])?;
        Ok(Offices { tokyo, beijing, folder })
    }

    /// Starts both nodes, compares the phrase, and waits until both are verified.
    pub fn meet(&mut self) -> anyhow::Result<()> {
        self.tokyo.start()?;
        self.beijing.start()?;
        let phrase = self.tokyo.ask(&["phrase", "--wait"])?;
        ensure!(phrase == self.beijing.ask(&["phrase", "--wait"])?, "the phrases differ");
        self.tokyo.ask(&["verify"])?;
        self.beijing.ask(&["verify"])?;
        for office in [&self.tokyo, &self.beijing] {
            wait_until("both sides are verified", || {
                Ok(office.ask(&["status"])?["peers"][0]["verified"] == Value::Bool(true))
            })?;
        }
        Ok(())
    }
}

/// Waits until `holds`, a minute at most.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let start = Instant::now();
    while !holds()? {
        if start.elapsed() > Duration::from_secs(60) {
            bail!("after a minute not so: {what}");
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// A relay on a free port, its cells in `folder`.
pub fn relay(place: &Place, folder: &Path, name: &str, ruler: u8) -> anyhow::Result<Running> {
    let mut command = Command::new(place.binaries.join("couloir-relay"));
    command.args(["run", "--listen", "127.0.0.1:0", "--ruler", &ruler.to_string(), "--data"]);
    Running::start(command.arg(folder.join(name)).stderr(Stdio::null()))
}

/// The route that a relay printed.
pub fn route_of(relay: &Running) -> anyhow::Result<&str> {
    relay.ready.strip_prefix("ready ").context("a relay prints its route")
}
