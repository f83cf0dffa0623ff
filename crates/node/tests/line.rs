//! Two nodes over real relays and a folder, as real processes.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use support::{World, eventually};

#[test]
fn what_is_said_arrives_although_a_node_and_a_relay_are_killed() {
    let world = World::new();
    let (relay, url) = world.relay("relay", "127.0.0.1:0");
    let folder = world.folder_route("drop");
    world.agree(&[&url, &folder]);
    let [tokyo, beijing] = world.verified();
    world.send("tokyo", "こんにちは");
    world.send("beijing", "你好");
    eventually("both notes in both logs", || {
        ["tokyo", "beijing"].iter().all(|home| world.rows(home).len() == 2)
    });
    beijing.kill();
    relay.kill();
    world.send("tokyo", "while Beijing is down");
    world.send("beijing", "离线时写的");
    let beijing = world.serve(&["run", "--home", "beijing"]);
    let is_settled = |home: &str| {
        let rows = world.rows(home);
        rows.len() == 4 && rows.iter().all(|row| row["state"] == "shown" && row["gap"] == false)
    };
    // Looking at one log is what makes the other desk's notes shown: both must be looked at.
    eventually("all four shown on both sides", || is_settled("tokyo") & is_settled("beijing"));
    let sorted = |home: &str| {
        let mut texts = world.texts(home);
        texts.sort();
        texts
    };
    assert_eq!(sorted("tokyo"), sorted("beijing"));
    assert_eq!((tokyo.stop(), beijing.stop()), (Some(0), Some(0)));
}

#[test]
fn files_answers_desk_and_posture_reach_the_other_desk() {
    let world = World::new();
    let folder = world.folder_route("drop");
    world.agree(&[&folder]);
    let _nodes = world.verified();
    let body: Vec<u8> = (0..100_000u32).map(|i| i.wrapping_mul(i) as u8).collect();
    std::fs::write(world.path("list.bin"), &body).expect("written");
    let file = world.json(&["send", "--home", "tokyo", "--file", "list.bin"])["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    world.json(&["desk", "--home", "tokyo", "here"]);
    world.json(&["posture", "--home", "tokyo", "official", "down", "--why", "不通"]);
    eventually("the file whole", || {
        world.run(&["save", "--home", "beijing", &file[..8], "--out", "saved.bin"]).code == 0
    });
    assert_eq!(std::fs::read(world.path("saved.bin")).expect("read"), body);
    assert_eq!(world.run(&["save", "--home", "beijing", &file, "--out", "saved.bin"]).code, 1);
    world.json(&["answer", "--home", "beijing", &file, "--defer-until", "2026-12-01T09:00:00+09:00"]);
    eventually("the answer", || {
        world.rows("tokyo").iter().any(|row| {
            row["kind"] == "deferred"
                && row["entry"] == file.as_str()
                && row["until"] == "2026-12-01T00:00:00.000Z"
        })
    });
    let status = world.json(&["status", "--home", "beijing"]);
    assert_eq!(status["posture"]["state"], "active");
    assert_eq!(status["posture"]["peer_official"], "down");
    assert_eq!(status["peers"][0]["desk"]["state"], "here");
    assert!(world.json(&["drill", "--home", "beijing"])["after_ms"].is_u64());
}

#[test]
fn a_restored_node_goes_on_and_has_lost_nothing() {
    let world = World::new();
    let folder = world.folder_route("drop");
    world.agree(&[&folder]);
    let [_tokyo, beijing] = world.verified();
    world.send("beijing", "before the backup");
    world.json(&["backup", "--home", "beijing", "--out", "backup"]);
    world.send("beijing", "after the backup");
    eventually("both at Tokyo", || world.rows("tokyo").len() == 2);
    beijing.kill();
    std::fs::remove_dir_all(world.path("beijing")).expect("removed");
    assert_eq!(world.run(&["restore", "backup", "--home", "tokyo"]).code, 1);
    world.json(&["restore", "backup", "--home", "beijing"]);
    let _beijing = world.serve(&["run", "--home", "beijing"]);
    world.send("tokyo", "welcome back");
    eventually("all three at Beijing", || world.rows("beijing").len() == 3);
    world.send("beijing", "here again");
    eventually("all four at Tokyo", || world.rows("tokyo").len() == 4);
    assert!(!world.path("beijing/officer-1.key").exists());
}

#[test]
fn a_route_that_both_sides_signed_carries_on_when_the_old_one_is_taken_away() {
    let world = World::new();
    let folder = world.folder_route("drop");
    world.agree(&[&folder]);
    let _nodes = world.verified();
    std::fs::create_dir(world.path("second")).expect("made");
    let url = format!("folder:{}", world.text("second"));
    let added = world.json(&["charter", "--home", "tokyo", "add-route", &url, "--window", "200ms"]);
    let hash = added["hash"].as_str().expect("a hash");
    eventually("the version waits at Beijing", || {
        world.json(&["charter", "--home", "beijing", "show"])["proposed"]["hash"] == hash
    });
    assert_eq!(world.run(&["charter", "--home", "beijing", "sign", &"0".repeat(64)]).code, 2);
    world.json(&["charter", "--home", "beijing", "sign", hash]);
    eventually("version 2 in force on both sides", || {
        let is_in_force = |home| world.json(&["charter", "--home", home, "show"])["charter"]["hash"] == hash;
        is_in_force("tokyo") & is_in_force("beijing")
    });
    std::fs::rename(world.path("drop"), world.path("gone")).expect("moved");
    world.send("tokyo", "over the second folder");
    eventually("it arrives", || world.texts("beijing") == ["over the second folder"]);
    eventually("status says which route is down, and why", || {
        let routes = world.json(&["status", "--home", "tokyo"])["routes"].clone();
        let routes = routes.as_array().expect("routes").clone();
        let old = routes.iter().find(|route| route["url"] == folder.as_str()).expect("the old route");
        old["state"] == "down" && old["trouble"].as_str().is_some_and(|words| words.contains("not there"))
    });
    assert_eq!(world.run(&["doctor", "--home", "tokyo"]).code, 5);
}

#[test]
fn nonsense_on_the_socket_harms_nothing() {
    let world = World::new();
    world.json(&["init", "--home", "tokyo", "--side", "日本", "--post", "連絡課長"]);
    world.channel("tokyo", &[&world.folder_route("drop")]);
    world.json(&["invite", "--home", "tokyo", "--for", "中国", "--out", "invitation"]);
    let _node = world.serve(&["run", "--home", "tokyo"]);
    for nonsense in [&b"hello\n"[..], b"{\"do\":\"fly\"}\n", b"\xff\xfe\n", &[b'x'; 1 << 20]] {
        let mut socket = UnixStream::connect(world.path("tokyo/socket")).expect("connected");
        let _ = socket.write_all(nonsense);
        let lines: Vec<String> = BufReader::new(socket).lines().map_while(Result::ok).take(2).collect();
        assert!(lines.len() < 2 || lines[1].starts_with("{\"error\":"), "{lines:?}");
    }
    assert_eq!(world.json(&["status", "--home", "tokyo"])["running"], true);
}
