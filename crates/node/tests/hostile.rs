//! What a careless or hostile person types, and what a machine does at the worst moment: told in one
//! sentence, and nothing lost.

mod support;

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::Value;
use support::{Serving, World, eventually};

fn drafted() -> World {
    let world = World::new();
    world.json(&["init", "--home", "tokyo", "--side", "日本", "--post", "連絡課長"]);
    world
}

fn met() -> (World, [Serving; 2]) {
    let world = World::new();
    world.agree(&[&world.folder_route("drop")]);
    let nodes = world.verified();
    (world, nodes)
}

#[test]
fn version_and_help_are_objects_for_programs() {
    let world = World::new();
    let version = world.json(&["--version"]);
    assert_eq!((&version["name"], version["version"].is_string()), (&"couloir".into(), true));
    assert!(world.json(&["send", "--help"])["help"].as_str().is_some_and(|help| help.contains("--expire")));
}

#[test]
fn what_is_typed_is_quoted_on_one_line_that_moves_no_cursor() {
    let world = drafted();
    for url in ["folder:/a\nb", "folder:/a\u{202E}b", "folder:/a\u{1b}[2Jb", "ftp:/\r/x"] {
        let ended = world.run(&["channel", "create", "--home", "tokyo", "--name", "L", "--route", url]);
        assert_eq!((ended.code, ended.stderr.lines().count()), (2, 1), "{ended:?}");
        assert!(!ended.stderr.trim_end().contains(['\u{1b}', '\u{202E}', '\r']), "{ended:?}");
    }
    let long = world.run(&["posture", "--home", "tokyo", "watch", "add", &"x".repeat(100_000)]);
    assert!(long.code == 2 && long.stderr.len() < 1_000, "{}", long.stderr.len());
}

#[test]
fn a_path_that_is_no_text_is_refused_before_anything_is_made() {
    let world = drafted();
    for args in
        [&["init", "--side", "a", "--post", "b", "--home"][..], &["backup", "--home", "tokyo", "--out"]]
    {
        let mut command = world.command(args);
        let ended = command.arg(OsStr::from_bytes(b"a\xff")).arg("--json").output().expect("ended");
        let answer: Value = serde_json::from_slice(&ended.stdout).expect("an object");
        assert_eq!((ended.status.code(), &answer["error"]["code"]), (Some(2), &2.into()));
    }
    assert!(!world.path("").join(OsStr::from_bytes(b"a\xff")).exists());
}

#[test]
fn a_passphrase_file_of_no_name_is_none() {
    let world = drafted();
    let mut command = world.command(&["status", "--home", "tokyo"]);
    let ended = command.env("COULOIR_PASSPHRASE_FILE", "").output().expect("ended");
    assert_eq!(ended.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("no passphrase was given"));
}

#[test]
fn a_file_that_is_too_long_is_refused_before_it_is_read() {
    let world = World::new();
    world.agree(&[&world.folder_route("drop")]);
    let file = std::fs::File::create(world.path("long")).expect("made");
    file.set_len((1 << 30) + 1).expect("a hole");
    let ended = world.run(&["send", "--home", "tokyo", "--when-verified", "--file", "long"]);
    assert!(ended.code == 2 && ended.stderr.contains("1 GiB"), "{ended:?}");
    assert!(std::fs::metadata(world.path("tokyo/store.db")).expect("there").len() < 1 << 20);
}

#[test]
fn only_what_the_other_desk_said_can_be_answered() {
    let (world, _nodes) = met();
    let id = world.send("tokyo", "our own");
    eventually("it arrives", || world.rows("beijing").len() == 1);
    let ended = world.run(&["answer", "--home", "tokyo", &id, "--withhold"]);
    assert!(ended.code == 2 && ended.stderr.contains("own"), "{ended:?}");
    assert_eq!(world.run(&["answer", "--home", "beijing", &id, "--withhold"]).code, 0);
}

#[test]
fn a_routes_file_that_cannot_be_read_is_told_in_one_line() {
    let world = World::new();
    world.agree(&[&world.folder_route("drop")]);
    std::fs::write(world.path("tokyo/routes.toml"), "\n[[route]]\npath = \"/x\"\n").expect("written");
    let ended = world.run(&["run", "--home", "tokyo"]);
    assert!(ended.code == 1 && ended.stderr.contains("routes.toml: line 2: "), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
}

#[test]
fn a_log_that_is_followed_goes_on_when_the_node_runs_again() {
    let (world, [_tokyo, beijing]) = met();
    let mut follow = world.command(&["log", "--home", "beijing", "--follow", "--json"]);
    let mut child = follow.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("started");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut next =
        || -> Value { serde_json::from_str(&lines.next().expect("a line").expect("read")).expect("a row") };
    world.send("tokyo", "before");
    assert_eq!(next()["text"], "before");
    beijing.kill();
    world.send("tokyo", "while it is down");
    let _beijing = world.serve(&["run", "--home", "beijing"]);
    world.send("tokyo", "after");
    let seen = [next(), next()].map(|row| (row["number"].as_u64(), row["text"].clone()));
    assert_eq!(seen, [(Some(2), "while it is down".into()), (Some(3), "after".into())]);
    child.kill().expect("killed");
    child.wait().expect("waited");
}

fn charter(world: &World, home: &str, args: &[&str]) -> Value {
    world.json(&[&["charter", "--home", home], args].concat())
}

#[test]
fn a_charter_version_that_is_withdrawn_makes_room_for_another_on_both_sides() {
    let (world, _nodes) = met();
    let propose = |name: &str| {
        let url = world.folder_route(name);
        charter(&world, "tokyo", &["add-route", &url, "--window", "200ms"])["hash"].clone()
    };
    let waits = |home: &str, hash: &Value| charter(&world, home, &["show"])["proposed"]["hash"] == *hash;
    let wrong = propose("mistyped");
    eventually("Beijing is asked", || waits("beijing", &wrong));
    assert_eq!(world.run(&["charter", "--home", "tokyo", "add-route", "folder:/x"]).code, 75);
    assert_eq!(charter(&world, "tokyo", &["withdraw"])["withdrawn"], wrong);
    assert_eq!(world.run(&["charter", "--home", "tokyo", "withdraw"]).code, 2);
    eventually("Beijing is asked no more", || waits("beijing", &Value::Null));
    assert_eq!(world.run(&["charter", "--home", "beijing", "sign", wrong.as_str().expect("a hash")]).code, 2);
    let declined = propose("unwanted");
    eventually("Beijing is asked again", || waits("beijing", &declined));
    assert_eq!(charter(&world, "beijing", &["withdraw"])["withdrawn"], declined);
    eventually("Tokyo hears that", || waits("tokyo", &Value::Null));
    let right = propose("right");
    eventually("Beijing is asked a third time", || waits("beijing", &right));
    charter(&world, "beijing", &["sign", right.as_str().expect("a hash")]);
    eventually("it is in force", || charter(&world, "tokyo", &["show"])["charter"]["hash"] == right);
}

#[test]
fn of_two_charter_versions_that_crossed_one_waits_on_both_sides() {
    let (world, nodes) = met();
    for node in nodes {
        assert_eq!(node.stop(), Some(0));
    }
    let hashes = ["tokyo", "beijing"].map(|home| {
        let url = world.folder_route(&format!("{home}.drop"));
        charter(&world, home, &["add-route", &url, "--window", "200ms"])["hash"].clone()
    });
    let lower = hashes.iter().min_by_key(|hash| hash.as_str()).expect("two");
    let _nodes = ["tokyo", "beijing"].map(|home| world.serve(&["run", "--home", home]));
    eventually("the lower hash waits on both sides", || {
        ["tokyo", "beijing"].iter().all(|home| charter(&world, home, &["show"])["proposed"]["hash"] == *lower)
    });
    let signer = if *lower == hashes[0] { "beijing" } else { "tokyo" };
    charter(&world, signer, &["sign", lower.as_str().expect("a hash")]);
    eventually("it is in force on both sides", || {
        ["tokyo", "beijing"].iter().all(|home| charter(&world, home, &["show"])["charter"]["hash"] == *lower)
    });
}

#[test]
fn an_invitation_that_expired_before_first_contact_is_said_to_have() {
    let world = drafted();
    let folder = world.folder_route("drop");
    world.json(&["channel", "create", "--home", "tokyo", "--name", "L", "--route", &folder]);
    let invite = ["invite", "--home", "tokyo", "--for", "中国", "--out", "invitation", "--expires", "1ms"];
    world.json(&invite);
    let told = world.run(&["phrase", "--home", "tokyo"]);
    assert!(told.code == 75 && told.stderr.contains("has expired"), "{told:?}");
}

#[test]
fn a_direct_route_that_nothing_answers_on_is_down() {
    let world = World::new();
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let url = format!("quic://{}", taken.local_addr().expect("bound"));
    world.agree(&[&url]);
    let _nodes = ["tokyo", "beijing"].map(|home| world.serve(&["run", "--home", home]));
    eventually("both say that it is down", || {
        ["tokyo", "beijing"].iter().all(|home| {
            let status = world.json(&["status", "--home", home]);
            status["routes"][0]["state"] == "down" && status["routes"][0]["trouble"].is_string()
        })
    });
}

/// Lets no file of the process grow beyond `octets`, as a full disk would; `None` lifts it.
fn limit_files(node: &Serving, octets: Option<u64>) {
    let limit = Rlimit { current: octets, maximum: None };
    prlimit(Pid::from_raw(node.pid()), Resource::Fsize, limit).expect("limited");
}

#[test]
fn a_store_that_fails_is_told_by_status_and_works_as_soon_as_it_can() {
    let world = World::new();
    world.agree(&[&world.folder_route("drop")]);
    // A shell that ignores the signal, which else would end the node.
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_couloir")]);
    shell.args(["run", "--home", "tokyo"]).current_dir(world.path(""));
    shell.env("COULOIR_PASSPHRASE_FILE", world.path("passphrase"));
    let node = Serving::of(shell.stderr(Stdio::null()));
    limit_files(&node, Some(4_096));
    assert_eq!(world.run(&["desk", "--home", "tokyo", "here"]).code, 75);
    let seen = world.json(&["status", "--home", "tokyo"]);
    assert!(seen["running"] == true && seen["store"].is_string(), "{seen}");
    assert!(world.run(&["status", "--home", "tokyo"]).stdout.contains("look after the disk"));
    let doctor = world.run(&["doctor", "--home", "tokyo"]);
    assert!(doctor.code == 5 && doctor.stdout.contains("!! store: "), "{doctor:?}");
    limit_files(&node, None);
    world.json(&["desk", "--home", "tokyo", "here"]);
    let seen = world.json(&["status", "--home", "tokyo"]);
    assert!(seen["store"].is_null() && seen["desk"]["state"] == "here", "{seen}");
    assert_eq!(node.stop(), Some(0));
}
