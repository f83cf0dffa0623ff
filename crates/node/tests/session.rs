//! Command-line sessions against the real binary: what is refused, in which words, with which code.

mod support;

use std::os::unix::ffi::OsStrExt;

use serde_json::Value;
use support::{Ended, World};

/// One sentence with what to do, the right code, and nothing on stdout.
fn assert_refused(ended: &Ended, code: i32, words: &str) {
    assert_eq!(ended.code, code, "{ended:?}");
    assert!(ended.stderr.contains(words), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    assert!(ended.stderr.starts_with("couloir: ") && ended.stderr.contains("; "), "{ended:?}");
    assert_eq!(ended.stdout, "", "{ended:?}");
}

fn init(world: &World, home: &str, side: &str) -> Ended {
    world.run(&["init", "--home", home, "--side", side, "--post", "Director, Liaison Division"])
}

fn invite(world: &World, more: &[&str]) -> Ended {
    world.run(&[&["invite", "--home", "tokyo", "--for", "China", "--out", "invitation"], more].concat())
}

fn with_channel() -> World {
    let world = World::new();
    assert_eq!(init(&world, "tokyo", "Japan").code, 0);
    assert_eq!(init(&world, "beijing", "China").code, 0);
    let route = format!("folder:{}", world.text("drop"));
    world.json(&["channel", "create", "--home", "tokyo", "--name", "line", "--route", &route]);
    world
}

#[test]
fn a_home_is_made_once_and_says_what_comes_next() {
    let world = World::new();
    let made = init(&world, "tokyo", "Japan");
    assert!(
        made.stdout.contains("officer-1.key") && made.stdout.contains("couloir channel create"),
        "{made:?}"
    );
    assert_refused(&init(&world, "tokyo", "Japan"), 1, "holds a node already");
}

#[test]
fn names_that_deceive_are_refused_and_leave_nothing() {
    let world = World::new();
    for side in ["", "Jap\u{202E}an", "a\nb", "\u{7}", &"長".repeat(101)] {
        assert_refused(&init(&world, "tokyo", side), 2, "the side's name is refused");
        assert!(!world.path("tokyo").exists(), "{side:?}");
    }
}

#[test]
fn a_wrong_passphrase_opens_nothing_and_damages_nothing() {
    let world = World::new();
    init(&world, "tokyo", "Japan");
    std::fs::write(world.path("other"), "something else\n").expect("written");
    let wrong = world.run(&["status", "--home", "tokyo", "--passphrase-file", "other"]);
    assert_refused(&wrong, 1, "the passphrase does not open");
    assert_eq!(world.json(&["status", "--home", "tokyo"])["running"], false);
}

#[test]
fn without_a_terminal_no_passphrase_is_asked_for() {
    let world = World::new();
    init(&world, "tokyo", "Japan");
    let output = world.command(&["status", "--home", "tokyo"]).env_remove("COULOIR_PASSPHRASE_FILE").output();
    let stderr = String::from_utf8(output.expect("started").stderr).expect("UTF-8");
    assert!(stderr.contains("--passphrase-file"), "{stderr}");
}

#[test]
fn an_invitation_serves_the_side_it_names_and_no_other() {
    let world = with_channel();
    assert_eq!(invite(&world, &[]).code, 0);
    init(&world, "seoul", "Korea");
    assert_refused(&world.run(&["join", "--home", "seoul", "invitation"]), 3, "not for this side");
    assert_refused(&world.run(&["join", "--home", "tokyo", "invitation"]), 3, "has a channel already");
    assert_eq!(world.run(&["join", "--home", "beijing", "invitation"]).code, 0);
    assert_refused(&world.run(&["join", "--home", "beijing", "invitation"]), 3, "has a channel already");
}

#[test]
fn an_invitation_that_expired_is_refused() {
    let world = with_channel();
    invite(&world, &["--expires", "1ms"]);
    assert_refused(&world.run(&["join", "--home", "beijing", "invitation"]), 3, "has expired");
}

#[test]
fn an_invitation_that_was_changed_or_cut_is_an_integrity_failure() {
    let world = with_channel();
    invite(&world, &[]);
    let whole = std::fs::read(world.path("invitation")).expect("read");
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    for damaged in [&changed[..], &whole[..whole.len() - 7], &whole[..30]] {
        std::fs::write(world.path("damaged"), damaged).expect("written");
        assert_refused(&world.run(&["join", "--home", "beijing", "damaged"]), 6, "damaged");
    }
    std::fs::write(world.path("damaged"), vec![7; 1 << 20]).expect("written");
    assert_refused(&world.run(&["join", "--home", "beijing", "damaged"]), 2, "not an invitation");
}

#[test]
fn an_invitation_is_not_written_over_a_file() {
    let world = with_channel();
    std::fs::write(world.path("invitation"), "mine").expect("written");
    assert_eq!(invite(&world, &[]).code, 1);
    assert_eq!(std::fs::read(world.path("invitation")).expect("read"), b"mine");
}

#[test]
fn a_foreign_officer_key_signs_nothing() {
    let world = with_channel();
    assert_refused(&invite(&world, &["--officer", "beijing/officer-1.key"]), 6, "not this side's officer's");
    std::fs::rename(world.path("tokyo/officer-1.key"), world.path("stick")).expect("moved");
    assert_refused(&invite(&world, &[]), 1, "--officer FILE");
    assert_eq!(invite(&world, &["--officer", "stick"]).code, 0);
}

#[test]
fn routes_are_checked_when_they_are_given() {
    let world = World::new();
    init(&world, "tokyo", "Japan");
    for (route, words) in [
        ("https://127.0.0.1:7443", "no pin"),
        ("gopher://x", "begins with https://"),
        ("folder:relative", "no absolute path"),
        ("quic://host", "no host and port"),
        ("quic://host:0", "no host and port"),
        (&format!("https://a b:1#pin={}", "0".repeat(64)), "no host and port"),
    ] {
        let created =
            world.run(&["channel", "--home", "tokyo", "create", "--name", "line", "--route", route]);
        assert_refused(&created, 2, words);
    }
}

#[test]
fn a_text_without_end_is_refused_without_reading_it_to_its_end() {
    let world = with_channel();
    let mut command = world.command(&["send", "--home", "tokyo", "-"]);
    command.stdin(std::fs::File::open("/dev/zero").expect("opened"));
    let ended = command.output().expect("ended");
    assert_eq!(ended.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("--file"));
}

#[test]
fn text_that_is_not_utf8_or_hides_commands_is_refused() {
    let world = with_channel();
    assert_refused(&world.run_with_input(&["send", "--home", "tokyo", "-"], b"\xff\xfe"), 2, "UTF-8");
    let escape = world.run(&["send", "--home", "tokyo", "a\u{1b}[2J"]);
    assert_refused(&escape, 2, "invisible character U+001B");
    let mut command = world.command(&["send", "--home", "tokyo"]);
    command.arg(std::ffi::OsStr::from_bytes(b"\xff"));
    assert_eq!(command.output().expect("ended").status.code(), Some(2));
}

#[test]
fn before_the_phrase_was_compared_nothing_is_said_but_it_can_be_kept() {
    let world = with_channel();
    invite(&world, &[]);
    assert_refused(&world.run(&["send", "--home", "tokyo", "early"]), 3, "has not been compared");
    assert_eq!(
        world.json(&["send", "--home", "tokyo", "--when-verified", "early"])["id"].as_str().map(str::len),
        Some(32)
    );
    let rows = world.rows("tokyo");
    assert_eq!((rows.len(), &rows[0]["state"], &rows[0]["number"]), (1, &"kept".into(), &Value::Null));
    assert_refused(&world.run(&["phrase", "--home", "tokyo"]), 75, "no phrase yet");
    assert_refused(&world.run(&["verify", "--home", "tokyo"]), 75, "no phrase yet");
    assert_refused(&world.run(&["drill", "--home", "tokyo"]), 75, "does not run");
}

#[test]
fn one_home_runs_one_node() {
    let world = with_channel();
    assert_refused(&world.run(&["run", "--home", "beijing"]), 3, "no charter yet");
    invite(&world, &[]);
    let node = world.serve(&["run", "--home", "tokyo"]);
    assert_refused(&world.run(&["run", "--home", "tokyo"]), 75, "another process works on");
    assert_refused(
        &world.run(&["invite", "--home", "tokyo", "--for", "China", "--out", "x"]),
        75,
        "is running",
    );
    assert_eq!(node.stop(), Some(0));
    assert!(!world.path("tokyo/socket").exists());
}

#[test]
fn failures_are_objects_for_programs() {
    let world = World::new();
    for (args, code) in [(&["status", "--home", "nowhere", "--json"][..], 1), (&["send", "--json"][..], 2)] {
        let ended = world.run(args);
        let answer: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
        assert_eq!((ended.code, answer["error"]["code"].as_i64()), (code, Some(code.into())), "{ended:?}");
        assert!(answer["error"]["what"].is_string() && answer["error"]["next"].is_string());
    }
}

#[test]
fn what_does_not_parse_is_one_sentence_that_names_the_help() {
    let world = World::new();
    for (args, words) in [
        (&["send", "--home", "x"][..], "<TEXT>"),
        (&["fly"], "no command \"fly\""),
        (&["charter", "--home", "x"], "a command is missing: show"),
        (&["desk", "--home", "x", "out"], "here, away"),
        (&["send", "--expire", "soon", "x"], "200ms"),
        (&["send", "--fast", "x"], "--fast"),
        (&["answer", "x", "--withhold", "--defer-until", "2030-01-01T00:00"], "cannot go with"),
        (&["relay", "run", "--data", "x"], "--listen"),
    ] {
        let ended = world.run(args);
        assert_refused(&ended, 2, words);
        assert!(ended.stderr.contains("--help"), "{ended:?}");
    }
}

#[test]
fn a_backup_that_was_cut_or_changed_leaves_nothing() {
    let world = World::new();
    init(&world, "tokyo", "Japan");
    world.json(&["backup", "--home", "tokyo", "--out", "backup"]);
    let whole = std::fs::read(world.path("backup")).expect("read");
    let mut changed = whole.clone();
    changed[whole.len() - 5_000] ^= 1;
    for damaged in [&whole[..whole.len() / 2], &changed, &whole[..1_000]] {
        std::fs::write(world.path("damaged"), damaged).expect("written");
        assert_refused(&world.run(&["restore", "damaged", "--home", "new"]), 6, "the backup is damaged");
        assert!(!world.path("new").exists());
    }
    std::fs::write(world.path("other"), "something else\n").expect("written");
    let wrong = world.run(&["restore", "backup", "--home", "new", "--passphrase-file", "other"]);
    assert_refused(&wrong, 1, "the passphrase does not open the backup");
    assert_eq!(world.run(&["restore", "backup", "--home", "new"]).code, 0);
}

#[test]
fn what_is_remarked_and_deferred_is_looked_at_first() {
    let world = with_channel();
    let down = ["posture", "--home", "tokyo", "official", "down", "--why"];
    assert_refused(&world.run(&[&down[..], &["a\u{1b}[2J"]].concat()), 2, "the remark is refused");
    assert_refused(&world.run(&[&down[..], &["長".repeat(1_000).as_str()]].concat()), 2, "the remark");
    assert_eq!(world.run(&[&down[..], &["回線断"]].concat()).code, 0);
    let past = ["answer", "--home", "tokyo", "abcd", "--defer-until", "2020-01-01T00:00:00Z"];
    assert_refused(&world.run(&past), 2, "that time is past");
    assert_refused(&world.run(&["doctor", "--home", "tokyo", "--settle", "this"]), 3, "has not frozen");
}

#[test]
fn the_reference_in_the_tree_is_the_programs_own() {
    let kept =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/CLI.md")).expect("read");
    assert_eq!(
        World::new().run(&["reference"]).stdout,
        kept,
        "write it anew: couloir reference > docs/CLI.md"
    );
}
