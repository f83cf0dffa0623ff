//! Sides with several officers, and offices that pass to other people and other machines.

mod support;

use serde_json::{Value, json};
use support::{Serving, World, eventually};

/// A side `name` of three officers, two of whom sign; its files lie in the folder of the same name.
fn side(world: &World, name: &str) {
    let made =
        world.json(&["side", "create", "--name", name, "--officers", "3", "--threshold", "2", "--out", name]);
    assert_eq!(made["officer_keys"].as_array().map(Vec::len), Some(3), "{made}");
    assert_eq!(made["threshold"], 2);
}

fn key(side: &str, number: u8) -> String {
    format!("{side}/officer-{number}.key")
}

/// A command that two of the side's officers sign.
fn signed(world: &World, side: &str, command: &[&str]) -> Value {
    let [first, second] = [key(side, 1), key(side, 3)];
    world.json(&[command, &["--officer", &first, "--officer", &second]].concat())
}

/// `tokyo` and `beijing` of sides with three officers each, over one folder; both desks compared the phrase.
fn offices(world: &World) -> [Serving; 2] {
    for (home, name, post) in [("tokyo", "日本", "連絡課長"), ("beijing", "中国", "联络处处长")]
    {
        side(world, name);
        let signet = format!("{name}/side.signet");
        signed(world, name, &["init", "--home", home, "--signet", &signet, "--post", post, "--holder", "甲"]);
    }
    let folder = world.folder_route("drop");
    let create = ["channel", "create", "--home", "tokyo", "--name", "回線", "--window", "200ms"];
    world.json(&[&create[..], &["--route", &folder]].concat());
    let invite = ["invite", "--home", "tokyo", "--for", "中国", "--out", "invitation"];
    let one = world.run(&[&invite[..], &["--officer", &key("日本", 2), "--json"]].concat());
    assert_eq!(one.code, 3, "{one:?}");
    assert!(one.stderr.contains("1 of the 2 officers needed have signed"), "{one:?}");
    signed(world, "日本", &invite);
    signed(world, "中国", &["join", "--home", "beijing", "invitation"]);
    world.verified()
}

fn peer(world: &World, home: &str) -> Value {
    world.json(&["status", "--home", home])["peers"][0].clone()
}

fn holders(world: &World, home: &str, side: &str) -> Vec<Value> {
    let shown = world.json(&["side", "holders", "--home", home]);
    let posts = shown["posts"].as_array().expect("posts").clone();
    let post = posts.into_iter().find(|post| post["side"] == side).expect("the post");
    post["holders"].as_array().expect("holders").clone()
}

#[test]
fn a_post_is_certified_by_officers_who_sign_one_after_the_other() {
    let world = World::new();
    side(&world, "日本");
    let init = ["init", "--home", "tokyo", "--signet", "日本/side.signet", "--post", "連絡課長"];
    assert_eq!(world.json(&init)["certified"], false);
    let early =
        world.run(&["channel", "create", "--home", "tokyo", "--name", "回線", "--route", "folder:/x"]);
    assert!(early.stderr.contains("signed by 0 of the 2 officers needed"), "{early:?}");
    let request = world.json(&["side", "request", "--home", "tokyo", "--holder", "田中", "--out", "paper"]);
    assert_eq!(
        [&request["signed"], &request["needed"], &request["complete"]],
        [&json!(0), &json!(2), &json!(false)]
    );
    for (number, complete) in [(1, false), (1, false), (2, true)] {
        let certified = world.json(&["side", "certify", "paper", "--officer", &key("日本", number)]);
        assert_eq!(certified["complete"], complete, "{certified}");
        let adopted = world.run(&["side", "adopt", "--home", "tokyo", "paper"]);
        assert_eq!(adopted.code, if complete { 0 } else { 3 }, "{adopted:?}");
    }
    assert_eq!(holders(&world, "tokyo", "日本")[0]["holder"], "田中");
    world.channel("tokyo", &[&world.folder_route("x")]);
}

#[test]
fn a_stranger_s_key_and_a_damaged_paper_are_named_and_change_nothing() {
    let world = World::new();
    side(&world, "日本");
    side(&world, "中国");
    world.json(&["init", "--home", "tokyo", "--signet", "日本/side.signet", "--post", "連絡課長"]);
    world.json(&["side", "request", "--home", "tokyo", "--out", "paper"]);
    let before = std::fs::read(world.path("paper")).expect("read");
    let stranger = world.run(&["side", "certify", "paper", "--officer", &key("中国", 1)]);
    assert!(stranger.code == 6 && stranger.stderr.contains("not this side's officer's"), "{stranger:?}");
    assert_eq!(std::fs::read(world.path("paper")).expect("read"), before);
    for (name, octets) in [("cut", &before[..900]), ("empty", &[]), ("other", b"couloir".as_slice())] {
        std::fs::write(world.path(name), octets).expect("written");
        let damaged = world.run(&["side", "certify", name, "--officer", &key("日本", 1)]);
        assert!(damaged.code == 2 && damaged.stderr.contains("no paper"), "{damaged:?}");
    }
    let never =
        world.run(&["side", "create", "--name", "x", "--officers", "2", "--threshold", "3", "--out", "x"]);
    assert!(never.code == 2 && !world.path("x").exists(), "{never:?}");
}

#[test]
fn another_holder_is_seen_at_the_other_desk_with_the_time_and_the_same_signet() {
    let world = World::new();
    let _nodes = offices(&world);
    assert_eq!(peer(&world, "tokyo")["holder"], "甲");
    let handed =
        ["side", "hand-over", "--home", "beijing", "--holder", "王毅", "--since", "2026-10-01T00:00:00Z"];
    let one = world.run(&[&handed[..], &["--officer", &key("中国", 2)]].concat());
    assert!(one.code == 3 && one.stderr.contains("1 of the 2"), "{one:?}");
    signed(&world, "中国", &handed);
    eventually("Tokyo sees the new holder", || peer(&world, "tokyo")["holder"] == "王毅");
    assert_eq!(peer(&world, "tokyo")["in_office_since"], "2026-10-01T00:00:00.000Z");
    assert_eq!(peer(&world, "tokyo")["verified"], true);
    for home in ["tokyo", "beijing"] {
        let names: Vec<Value> =
            holders(&world, home, "中国").iter().map(|each| each["holder"].clone()).collect();
        assert_eq!(names, ["甲", "王毅"]);
    }
    let older = ["side", "request", "--home", "beijing", "--holder", "乙", "--out", "older"];
    world.json(&older);
    for number in [1, 2] {
        world.json(&["side", "certify", "older", "--officer", &key("中国", number)]);
    }
    signed(&world, "中国", &["side", "hand-over", "--home", "beijing", "--holder", "王毅"]);
    let late = world.run(&["side", "adopt", "--home", "beijing", "older"]);
    assert!(late.code == 3 && late.stderr.contains("another certificate"), "{late:?}");
    world.send("beijing", "今后由我负责");
    eventually("it goes on", || world.texts("tokyo").last().is_some_and(|text| text == "今后由我负责"));
}

#[test]
fn an_office_goes_on_at_another_machine_with_all_that_was_said_and_the_old_node_gets_nothing_more() {
    let world = World::new();
    let [tokyo, mut beijing] = offices(&world);
    world.send("beijing", "前");
    eventually("it is there", || world.texts("tokyo").len() == 1);
    world.json(&["backup", "--home", "beijing", "--out", "backup"]);
    world.send("tokyo", "之后");
    eventually("it is there, too", || world.texts("beijing").len() == 2);
    let old = peer(&world, "tokyo")["node"].clone();

    world.json(&["restore", "backup", "--home", "successor"]);
    world.json(&[
        "side",
        "request",
        "--home",
        "successor",
        "--new-node",
        "--holder",
        "王毅",
        "--out",
        "paper",
    ]);
    for number in [2, 3] {
        world.json(&["side", "certify", "paper", "--officer", &key("中国", number)]);
    }
    world.json(&["side", "adopt", "--home", "beijing", "paper"]);
    eventually("the old node ends", || beijing.ended() == Some(3));
    let late = world.run(&["send", "--home", "beijing", "もう"]);
    assert!(late.code == 3 && late.stderr.contains("passed to another node"), "{late:?}");

    world.json(&["side", "adopt", "--home", "successor", "paper"]);
    let _successor = world.serve(&["run", "--home", "successor"]);
    eventually("Tokyo's link is with the successor", || {
        let peer = peer(&world, "tokyo");
        peer["node"] != old
            && peer["holder"] == "王毅"
            && peer["link"]["state"] == "alive"
            && peer["verified"] == true
    });
    eventually("what was said after the backup came back", || world.texts("successor") == ["前", "之后"]);
    world.send("successor", "我接任了");
    eventually("it goes on", || world.texts("tokyo").last().is_some_and(|text| text == "我接任了"));
    let again = world.run(&["run", "--home", "beijing"]);
    assert_eq!(again.code, 3, "{again:?}");
    drop(tokyo);
}

#[test]
fn a_stolen_node_is_revoked_and_the_office_goes_on_at_another_machine() {
    let world = World::new();
    let [_tokyo, beijing] = offices(&world);
    world.json(&["backup", "--home", "beijing", "--out", "backup"]);
    let stolen = peer(&world, "tokyo")["node"].as_str().expect("a node").to_owned();
    beijing.kill();
    world.json(&["restore", "backup", "--home", "successor"]);
    signed(&world, "中国", &["side", "hand-over", "--home", "successor", "--new-node"]);
    signed(&world, "中国", &["side", "revoke", "--home", "successor", &stolen]);
    let _successor = world.serve(&["run", "--home", "successor"]);
    eventually("Tokyo's link is with the successor", || {
        let peer = peer(&world, "tokyo");
        peer["node"] != stolen.as_str() && peer["link"]["state"] == "alive" && peer["frozen"].is_null()
    });
    // The thief starts what was stolen: nobody answers it.
    let _thief = world.serve(&["run", "--home", "beijing"]);
    let texts = ["一", "二", "三"];
    texts.iter().for_each(|text| drop(world.send("tokyo", text)));
    eventually("the successor has it", || world.texts("successor") == texts);
    eventually("the thief's line is silent", || peer(&world, "beijing")["link"]["state"] == "silent");
    assert_eq!(world.texts("beijing"), Vec::<String>::new());
}
