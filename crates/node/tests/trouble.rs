//! What goes wrong between two posts, and what people do about it, as real processes.

mod support;

use std::net::TcpListener;

use support::{Serving, World, eventually};

fn status(world: &World, home: &str) -> serde_json::Value {
    world.json(&["status", "--home", home])
}

#[test]
fn what_is_said_once_a_desk_has_compared_the_phrase_arrives_when_both_have() {
    let world = World::new();
    let folder = world.folder_route("drop");
    world.agree(&[&folder]);
    let _nodes = ["tokyo", "beijing"].map(|home| world.serve(&["run", "--home", home]));
    for home in ["tokyo", "beijing"] {
        world.json(&["phrase", "--home", home, "--wait"]);
    }
    world.json(&["verify", "--home", "tokyo"]);
    world.send("tokyo", "compared here");
    assert_eq!(world.run(&["send", "--home", "beijing", "not here"]).code, 3);
    world.json(&["verify", "--home", "beijing"]);
    world.send("beijing", "at once");
    world.send("tokyo", "at once, too");
    eventually("all three on both sides", || {
        ["tokyo", "beijing"]
            .iter()
            .all(|home| world.rows(home).iter().filter(|r| r["gap"] == false).count() == 3)
    });
}

#[test]
fn an_expired_note_is_forgotten_on_both_sides() {
    let world = World::new();
    let folder = world.folder_route("drop");
    world.agree(&[&folder]);
    let _nodes = world.verified();
    world.json(&["send", "--home", "tokyo", "--expire", "2s", "for now"]);
    world.json(&["send", "--home", "tokyo", "--expire", "7d", "for a week"]);
    let said = world.json(&["send", "--home", "tokyo", "--expire", "5s", "for a while"]);
    let said = said["id"].as_str().expect("an id");
    eventually("it is there", || world.texts("beijing").contains(&"for a while".to_owned()));
    world.json(&["edit", "--home", "tokyo", said, "for a short while"]);
    let layer = ["translate", "--home", "beijing", said, "--lang", "zh", "--rendering", "official"];
    world.json(&[&layer[..], &["--by", "王", "暂时"]].concat());
    world.json(&["send", "--home", "beijing", "--reply-to", said, "--quote", "for a  while", "好"]);
    eventually("one of two forgotten on both sides", || {
        ["tokyo", "beijing"].iter().all(|home| {
            let kinds: Vec<_> = world.rows(home).iter().map(|row| row["kind"].clone()).collect();
            let repeats = kinds.iter().skip(2).filter(|kind| **kind == "expired").count();
            kinds[..2] == ["expired", "note"] && repeats == 4 && world.texts(home)[1] == "for a week"
        })
    });
}

#[test]
fn probes_tell_both_desks_that_the_official_line_is_down_and_up() {
    let world = World::new();
    let folder = world.folder_route("drop");
    world.agree(&[&folder]);
    let _nodes = world.verified();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let answers = format!("tcp://{}", listener.local_addr().expect("bound"));
    let watch = |verb: &str, url: &str| world.json(&["posture", "--home", "tokyo", "watch", verb, url]);
    let is_line = |home: &str, state: &str, whose: &str, official: &str| {
        let posture = world.json(&["posture", "--home", home]);
        posture["state"] == state && posture[whose] == official
    };
    watch("add", &answers);
    eventually("up", || is_line("beijing", "standby", "peer_official", "up"));
    watch("add", "exec:/bin/false");
    eventually("down", || is_line("tokyo", "active", "official", "down"));
    eventually("down for the peer", || is_line("beijing", "active", "peer_official", "down"));
    assert!(
        world.json(&["posture", "--home", "tokyo"])["why"].as_str().is_some_and(|why| why.contains("false"))
    );
    assert_eq!(watch("remove", "exec:/bin/false")["watch"], serde_json::json!([answers]));
    eventually("up again", || is_line("beijing", "standby", "peer_official", "up"));
}

#[test]
fn a_node_that_its_side_revokes_ends_and_the_other_side_hears_it_no_more() {
    let world = World::new();
    let folder = world.folder_route("drop");
    world.agree(&[&folder]);
    let [_tokyo, mut beijing] = world.verified();
    let parties = world.json(&["charter", "--home", "beijing", "show"]);
    let id = |party: &str| parties[party]["node"].as_str().expect("a node").to_owned();
    let revoke = |id: &str| world.run(&["charter", "--home", "beijing", "revoke-node", id, "--json"]);
    assert_eq!(revoke(&id("peer")).code, 3);
    assert_eq!(revoke(&id("own")).json()["revoked"], id("own").as_str());
    eventually("the revoked node ends", || beijing.ended() == Some(3));
    let again = world.run(&["run", "--home", "beijing"]);
    assert_eq!(again.code, 3, "{again:?}");
    eventually("Tokyo knows", || {
        status(&world, "tokyo")["peers"][0]["frozen"].as_str().is_some_and(|why| why.contains("revoked"))
    });
    assert_eq!(world.run(&["doctor", "--home", "tokyo", "--settle", "this"]).code, 3);
}

#[test]
fn a_newer_invitation_replaces_one_that_was_not_answered() {
    let world = World::new();
    let folder = world.folder_route("drop");
    world.agree(&[&folder]);
    world.json(&["invite", "--home", "tokyo", "--for", "中国", "--out", "newer"]);
    let told = world.run(&["phrase", "--home", "beijing"]);
    assert!(told.code == 75 && told.stderr.contains("a newer one replaced it"), "{told:?}");
    world.json(&["join", "--home", "beijing", "newer"]);
    let _nodes = world.verified();
    assert_eq!(world.run(&["join", "--home", "beijing", "newer"]).code, 75);
}

#[test]
fn a_second_node_with_the_same_invitation_ends_and_says_why() {
    let world = World::new();
    let folder = world.folder_route("drop");
    world.agree(&[&folder]);
    world.json(&["init", "--home", "thief", "--side", "中国", "--post", "别处"]);
    world.json(&["join", "--home", "thief", "invitation"]);
    let mut nodes = ["beijing", "thief"]
        .map(|home| world.serve_telling(&["run", "--home", home], &format!("{home}.told")));
    eventually("one of the two ends", || nodes.iter_mut().any(|node| node.ended() == Some(3)));
    let told = ["beijing", "thief"].map(|home| world.told(&format!("{home}.told"))).concat();
    assert!(told.contains("another node uses the same invitation; "), "{told}");
}

/// `beijing` and its restored copy `again` both run.
fn twice(world: &World) -> [Serving; 2] {
    world.json(&["backup", "--home", "beijing", "--out", "backup"]);
    world.json(&["restore", "backup", "--home", "again"]);
    let places = world.path("again.toml");
    if places.exists() {
        std::fs::copy(places, world.path("again/routes.toml")).expect("copied");
    }
    ["beijing", "again"].map(|home| world.serve_telling(&["run", "--home", home], &format!("{home}.told")))
}

#[test]
fn a_second_node_restored_from_a_backup_ends_and_nothing_is_lost() {
    let world = World::new();
    let folder = world.folder_route("drop");
    world.agree(&[&folder]);
    let [_tokyo, beijing] = world.verified();
    world.send("beijing", "before");
    eventually("it arrives", || world.rows("tokyo").len() == 1);
    assert_eq!(beijing.stop(), Some(0));
    let mut nodes = twice(&world);
    eventually("one of the two ends", || nodes.iter_mut().any(|node| node.ended() == Some(3)));
    let told = ["beijing", "again"].map(|home| world.told(&format!("{home}.told"))).concat();
    assert!(told.contains("another machine writes with this node's identity"), "{told}");
    let stays = usize::from(nodes[0].ended().is_some());
    let home = ["beijing", "again"][stays];
    world.send(home, "after");
    world.send("tokyo", "answer");
    eventually("all three at both", || world.rows("tokyo").len() == 3 && world.rows(home).len() == 3);
}

#[test]
fn two_nodes_of_one_post_freeze_the_link_until_the_other_desk_settles_it() {
    let world = World::new();
    let folders = [world.folder_route("one"), world.folder_route("two")];
    world.agree(&[&folders[0], &folders[1]]);
    let [_tokyo, beijing] = world.verified();
    assert_eq!(beijing.stop(), Some(0));
    // Each of the two reaches a folder of its own, so that neither finds the other's cells in its slots.
    let without = |url: &str| format!("[[route]]\nfor = {url:?}\npath = {:?}\n", world.text("nowhere"));
    std::fs::write(world.path("beijing/routes.toml"), without(&folders[1])).expect("written");
    std::fs::write(world.path("again.toml"), without(&folders[0])).expect("written");
    let [beijing, again] = twice(&world);
    eventually("Tokyo freezes the link", || {
        status(&world, "tokyo")["peers"][0]["frozen"].as_str().is_some_and(|why| why.contains("two nodes"))
    });
    let doctor = world.run(&["doctor", "--home", "tokyo"]);
    assert!(doctor.code == 5 && doctor.stdout.contains("--settle this"), "{doctor:?}");
    beijing.kill();
    eventually("the desk reads it", || world.told("again.told").contains("the other desk has frozen"));
    world.json(&["doctor", "--home", "tokyo", "--settle", "this"]);
    eventually("the link stands", || status(&world, "tokyo")["peers"][0]["link"]["state"] == "alive");
    world.send("tokyo", "settled");
    world.send("again", "here");
    eventually("both talk", || world.rows("tokyo").len() == 2 && world.rows("again").len() == 2);
    assert_eq!(again.stop(), Some(0));
}
