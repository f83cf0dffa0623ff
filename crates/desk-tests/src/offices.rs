//! Two offices: homes, nodes, links to their pages.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// 日本, which invites.
    Tokyo,
    /// 中国, which joins.
    Beijing,
}

impl Home {
    /// Both.
    pub const BOTH: [Home; 2] = [Home::Tokyo, Home::Beijing];

    /// Its folder.
    pub fn name(self) -> &'static str {
        match self {
            Home::Tokyo => "tokyo",
            Home::Beijing => "beijing",
        }
    }
}

/// Two nodes that run, joined over a folder.
pub struct Offices {
    folder: TempDir,
    nodes: Vec<Child>,
}

impl Offices {
    /// Both run, and first contact is complete. `run` are further words of `couloir run`.
    pub fn met(run: &[&str]) -> Offices {
        Offices::begun(run, &[])
    }

    /// The same at a post where two or more persons are needed to say something; both desks said that the phrase is the same.
    pub fn of_persons(persons: &[&str]) -> Offices {
        Offices::begun(&[], persons).same()
    }

    fn begun(run: &[&str], persons: &[&str]) -> Offices {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("passphrase"), format!("{PASSPHRASE}\n")).expect("written");
        std::fs::create_dir(folder.path().join("drop")).expect("made");
        let mut offices = Offices { folder, nodes: Vec::new() };
        offices.agree();
        for person in persons {
            let word = offices.word_of(person);
            offices.json(&["release", "add", "--home", "tokyo", person, "--person-passphrase-file", &word]);
        }
        for home in Home::BOTH {
            let node = offices.serve(home, run);
            offices.nodes.push(node);
        }
        for home in Home::BOTH {
            offices.json(&["phrase", "--home", home.name(), "--wait"]);
        }
        offices
    }

    /// The same, and both desks said that the phrase is the same.
    pub fn verified(run: &[&str]) -> Offices {
        Offices::met(run).same()
    }

    fn same(self) -> Offices {
        for home in Home::BOTH {
            self.json(&["verify", "--home", home.name()]);
        }
        self
    }

    /// A file with a person's own passphrase.
    fn word_of(&self, person: &str) -> String {
        let path = self.file(&format!("{person}.word"), format!("{person}{PASSPHRASE}\n").as_bytes());
        path.to_str().expect("UTF-8").to_owned()
    }

    /// A link that opens the page of the first home once, for a person.
    pub fn link_of(&self, person: &str) -> String {
        let word = self.word_of(person);
        let open = ["open", "--home", "tokyo", "--person", person, "--person-passphrase-file", &word];
        self.json(&open)["url"].as_str().expect("a link").to_owned()
    }

    /// A link that opens the page of a home once.
    pub fn link(&self, home: Home) -> String {
        self.json(&["open", "--home", home.name()])["url"].as_str().expect("a link").to_owned()
    }

    /// What a command answers.
    pub fn json(&self, args: &[&str]) -> Value {
        let output = self.command(args).arg("--json").output().expect("started");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{args:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(text.trim()).unwrap_or_else(|error| panic!("{args:?}: {error}: {text}"))
    }

    /// What a command answers, once it does what is asked.
    pub fn try_json(&self, args: &[&str]) -> Option<Value> {
        let output = self.command(args).arg("--json").output().expect("started");
        output.status.success().then(|| serde_json::from_slice(&output.stdout).expect("JSON"))
    }

    /// Texts in the log of a home.
    pub fn texts(&self, home: Home) -> Vec<String> {
        let log = self.command(&["log", "--home", home.name(), "--json"]).output().expect("started");
        let lines = String::from_utf8(log.stdout).expect("UTF-8");
        let rows = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("a row"));
        rows.map(|row| row["text"].as_str().expect("a text").to_owned()).collect()
    }

    /// A file beside the homes.
    pub fn file(&self, name: &str, octets: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, octets).expect("written");
        path
    }

    /// A path beside the homes.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Says nothing more until [`Offices::wake`]: the process is stopped where it is.
    pub fn freeze(&self, home: Home) {
        self.signal(home, Signal::STOP);
    }

    /// Goes on.
    pub fn wake(&self, home: Home) {
        self.signal(home, Signal::CONT);
    }

    fn signal(&self, home: Home, signal: Signal) {
        let node = &self.nodes[home as usize];
        let pid = Pid::from_raw(node.id().cast_signed()).expect("a process id");
        kill_process(pid, signal).expect("signalled");
    }

    fn agree(&self) {
        let route = format!("folder:{}", self.path("drop").display());
        self.json(&["init", "--home", "tokyo", "--side", "日本国外務省", "--post", "連絡課長"]);
        self.json(&["init", "--home", "beijing", "--side", "中国外交部", "--post", "联络处处长"]);
        self.json(&[
            "channel", "create", "--home", "tokyo", "--name", "回線", "--window", "200ms", "--route", &route,
        ]);
        self.json(&["invite", "--home", "tokyo", "--for", "中国外交部", "--out", "invitation"]);
        self.json(&["join", "--home", "beijing", "invitation"]);
    }

    fn serve(&self, home: Home, run: &[&str]) -> Child {
        let told = File::create(self.path(&format!("{}.told", home.name()))).expect("created");
        let mut command = self.command(&["run", "--home", home.name()]);
        let mut node = command.args(run).stdout(Stdio::piped()).stderr(told).spawn().expect("started");
        let mut line = String::new();
        BufReader::new(node.stdout.take().expect("piped")).read_line(&mut line).expect("read");
        assert_eq!(line.trim(), "ready");
        node
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("COULOIR_PASSPHRASE_FILE", self.path("passphrase"));
        command
    }
}

impl Drop for Offices {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            // One that was frozen dies of this too.
            let _ = node.kill();
            let _ = node.wait();
        }
    }
}

/// The program beside this test's: `target/debug/couloir`.
fn program() -> PathBuf {
    let own = std::env::current_exe().expect("a path");
    let folder = own.parent().and_then(Path::parent).expect("target/debug/deps/TEST");
    let program = folder.join("couloir");
    assert!(program.is_file(), "{} is missing: cargo build --package couloir", program.display());
    program
}

/// Of both homes.
pub const PASSPHRASE: &str = "外務と外交";
