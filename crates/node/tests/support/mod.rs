//! Real processes of the real binary in temporary homes.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    fn of(output: Output) -> Ended {
        Ended {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// Its answer, which must have been given.
    pub fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{self:?}");
        serde_json::from_str(self.stdout.trim()).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A node that serves; killed when dropped.
pub struct Serving {
    child: Child,
    pub line: String,
}

impl Serving {
    /// Starts a command that serves, and waits for its line.
    pub fn of(command: &mut Command) -> Serving {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("started");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("read");
        assert!(!line.is_empty(), "{command:?} ended before it served");
        Serving { child, line: line.trim_end().to_owned() }
    }

    pub fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    pub fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("waited");
    }

    /// Its exit code, if it has ended by itself.
    pub fn ended(&mut self) -> Option<i32> {
        self.child.try_wait().expect("looked").and_then(|status| status.code())
    }

    /// Stops it in order; its exit code.
    pub fn stop(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_raw(self.pid()).expect("a process id");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("asked to stop");
        self.child.wait().expect("waited").code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder for the homes and files of one test.
pub struct World {
    folder: TempDir,
}

impl World {
    pub fn new() -> World {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("passphrase"), "外務と外交\n").expect("written");
        World { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("UTF-8").to_owned()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_couloir"));
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("COULOIR_PASSPHRASE_FILE", self.path("passphrase"));
        command
    }

    pub fn run(&self, args: &[&str]) -> Ended {
        Ended::of(self.command(args).output().expect("started"))
    }

    /// Runs a command that must succeed, and returns its JSON answer.
    pub fn json(&self, args: &[&str]) -> Value {
        self.run(&[args, &["--json"]].concat()).json()
    }

    pub fn run_with_input(&self, args: &[&str], input: &[u8]) -> Ended {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("started");
        // A command that refuses early closes its end.
        let _ = child.stdin.take().expect("piped").write_all(input);
        Ended::of(child.wait_with_output().expect("ended"))
    }

    /// A command that serves, once it has printed its line. What it tells goes into the file `told`.
    pub fn serve(&self, args: &[&str]) -> Serving {
        self.serve_telling(args, "told")
    }

    /// A command that serves, once it has printed its line; its stderr is added to a file.
    pub fn serve_telling(&self, args: &[&str], file: &str) -> Serving {
        let told = File::options().create(true).append(true).open(self.path(file)).expect("opened");
        Serving::of(self.command(args).stderr(told))
    }

    pub fn relay(&self, data: &str, listen: &str) -> (Serving, String) {
        let relay = self.serve(&["relay", "run", "--data", data, "--listen", listen]);
        let url = relay.line.trim_start_matches("ready ").to_owned();
        (relay, url)
    }

    /// What commands told while they served, in `file`.
    pub fn told(&self, file: &str) -> String {
        std::fs::read_to_string(self.path(file)).expect("read")
    }

    /// Both nodes serve, and both desks compared the phrase.
    pub fn verified(&self) -> [Serving; 2] {
        let nodes = ["tokyo", "beijing"].map(|home| self.serve(&["run", "--home", home]));
        let [tokyo, beijing] =
            ["tokyo", "beijing"].map(|home| self.json(&["phrase", "--home", home, "--wait"]));
        assert_eq!(tokyo, beijing);
        assert_eq!(tokyo["symbols"].as_array().map(Vec::len), Some(7));
        for home in ["tokyo", "beijing"] {
            self.json(&["verify", "--home", home]);
        }
        nodes
    }

    /// A route that is a folder of its own.
    pub fn folder_route(&self, name: &str) -> String {
        std::fs::create_dir(self.path(name)).expect("made");
        format!("folder:{}", self.text(name))
    }

    /// A channel of this home over these routes.
    pub fn channel(&self, home: &str, routes: &[&str]) {
        let urls = routes.iter().flat_map(|url| ["--route", url]);
        let create = ["channel", "create", "--home", home, "--name", "回線", "--window", "200ms"];
        self.json(&create.into_iter().chain(urls).collect::<Vec<_>>());
    }

    /// Two homes, `tokyo` and `beijing`, agreed on a channel over these routes.
    pub fn agree(&self, routes: &[&str]) {
        self.json(&["init", "--home", "tokyo", "--side", "日本", "--post", "連絡課長"]);
        self.json(&["init", "--home", "beijing", "--side", "中国", "--post", "联络处处长"]);
        self.channel("tokyo", routes);
        self.json(&["invite", "--home", "tokyo", "--for", "中国", "--out", "invitation"]);
        self.json(&["join", "--home", "beijing", "invitation"]);
    }

    pub fn rows(&self, home: &str) -> Vec<Value> {
        let log = self.run(&["log", "--home", home, "--json"]);
        assert_eq!(log.code, 0, "{log:?}");
        log.stdout.lines().map(|line| serde_json::from_str(line).expect("a row")).collect()
    }

    pub fn texts(&self, home: &str) -> Vec<String> {
        self.rows(home).iter().map(|row| row["text"].as_str().expect("a text").to_owned()).collect()
    }

    pub fn send(&self, home: &str, text: &str) -> String {
        self.json(&["send", "--home", home, text])["id"].as_str().expect("an id").to_owned()
    }

    /// Pages of a home's desk, as a browser reads them.
    pub fn page(&self, home: &str, names: &[&str]) -> String {
        let url = self.json(&["open", "--home", home])["url"].as_str().expect("a link").to_owned();
        let (host, path) = url.trim_start_matches("http://").split_once('/').expect("an address");
        let folder = path.split_once('/').expect("a folder").0;
        let get = |path: &str, cookie: &str| {
            let mut stream = TcpStream::connect(host).expect("connected");
            let head = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\n{cookie}Connection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).expect("sent");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("answered");
            answer
        };
        let entered = get(path, "");
        let cookie = entered.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a cookie");
        let cookie = format!("Cookie: {}\r\n", cookie.split(';').next().expect("a pair"));
        let pages = names.iter().map(|name| {
            let answer = get(&format!("{folder}/{name}"), &cookie);
            assert!(answer.starts_with("HTTP/1.1 200"), "{name}: {answer}");
            answer
        });
        pages.collect()
    }
}

/// Looks until `is_so`; fails after a minute and a half.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(90);
    while !is_so() {
        assert!(Instant::now() < patience, "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
