//! Further posts: three a side, each pair with a link and a phrase of its own.

mod support;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use support::{Serving, World, eventually};

/// Homes, with their sides and posts; the first of each side begins the channel.
const POSTS: [(&str, &str, &str); 6] = [
    ("tokyo", "日本", "連絡課長"),
    ("osaka", "日本", "分析課長"),
    ("kyoto", "日本", "領事課長"),
    ("beijing", "中国", "联络处处长"),
    ("tianjin", "中国", "分析处处长"),
    ("nanjing", "中国", "领事处处长"),
];

fn title(home: &str) -> &'static str {
    POSTS.iter().find(|(known, ..)| *known == home).expect("a post").2
}

fn peers(world: &World, home: &str) -> BTreeMap<String, Value> {
    let status = world.json(&["status", "--home", home]);
    let peers = status["peers"].as_array().expect("peers").clone();
    peers.into_iter().map(|peer| (peer["post"].as_str().expect("a title").to_owned(), peer)).collect()
}

/// Both desks of a link see the same phrase, and say so.
fn compare(world: &World, one: &str, other: &str) {
    let knows = |home: &str, peer: &str| peers(world, home).contains_key(title(peer));
    eventually("they know each other", || knows(one, other) && knows(other, one));
    let phrase = |home: &str, peer: &str| {
        let shown = world.json(&["phrase", "--home", home, "--peer", title(peer), "--wait"]);
        shown["digits"].as_str().expect("digits").to_owned()
    };
    assert_eq!(phrase(one, other), phrase(other, one), "{one} and {other}");
    world.json(&["verify", "--home", one, "--peer", title(other)]);
    world.json(&["verify", "--home", other, "--peer", title(one)]);
    let is_verified = |home: &str, peer: &str| peers(world, home)[title(peer)]["verified"] == true;
    eventually("both have said so", || is_verified(one, other) && is_verified(other, one));
}

/// The first post of each side over one folder; both desks compared the phrase.
fn channel(world: &World) -> Vec<Serving> {
    for (home, name, post) in POSTS {
        if !world.path(name).exists() {
            world.json(&[
                "side",
                "create",
                "--name",
                name,
                "--officers",
                "3",
                "--threshold",
                "2",
                "--out",
                name,
            ]);
        }
        let signet = format!("{name}/side.signet");
        signed(world, name, &["init", "--home", home, "--signet", &signet, "--post", post]);
    }
    let folder = world.folder_route("drop");
    world.json(&[
        "channel", "create", "--home", "tokyo", "--name", "回線", "--window", "200ms", "--route", &folder,
    ]);
    signed(world, "日本", &["invite", "--home", "tokyo", "--for", "中国", "--out", "invitation"]);
    signed(world, "中国", &["join", "--home", "beijing", "invitation"]);
    world.verified().into()
}

/// A command that two of the side's officers sign.
fn signed(world: &World, side: &str, command: &[&str]) -> Value {
    let [first, second] = [1, 3].map(|number| format!("{side}/officer-{number}.key"));
    world.json(&[command, &["--officer", &first, "--officer", &second]].concat())
}

/// `home` joins by its side's first post, and both compare the phrase.
fn join(world: &World, first: &str, home: &str) -> Serving {
    let [asked, lost, file] = ["certificate", "lost", "link"].map(|what| format!("{home}.{what}"));
    world.json(&["link", "ask", "--home", home, "--out", &asked]);
    // A file that was lost on the way is made again.
    world.json(&["link", "begin", "--home", first, &asked, "--out", &lost]);
    world.json(&["link", "begin", "--home", first, &asked, "--out", &file]);
    world.json(&["link", "join", "--home", home, &file]);
    let node = world.serve(&["run", "--home", home]);
    compare(world, first, home);
    node
}

fn opened(world: &World, home: &str, subject: &str, members: &[&str]) -> String {
    let mut command = vec!["conversation", "open", "--home", home, subject, "--marking", "amber"];
    members.iter().for_each(|member| command.extend(["--with", title(member)]));
    world.json(&command)["id"].as_str().expect("an id").to_owned()
}

fn subjects(world: &World, home: &str) -> Vec<String> {
    let listed = world.json(&["conversation", "list", "--home", home])["conversations"].clone();
    let subject = |each: &Value| each["subject"].as_str().expect("a subject").to_owned();
    listed.as_array().expect("conversations").iter().map(subject).collect()
}

#[test]
fn three_posts_a_side_each_have_a_link_and_a_phrase_with_every_other() {
    let world = World::new();
    let mut nodes = channel(&world);
    for (first, further) in [("tokyo", ["osaka", "kyoto"]), ("beijing", ["tianjin", "nanjing"])] {
        nodes.extend(further.map(|home| join(&world, first, home)));
    }
    // Each first post introduces its own further posts to the others, then everybody to everybody.
    for (first, further) in [("tokyo", ["osaka", "kyoto"]), ("beijing", ["tianjin", "nanjing"])] {
        let other = if first == "tokyo" { "beijing" } else { "tokyo" };
        for home in further {
            world.json(&["link", "introduce", "--home", first, title(home), title(other)]);
            compare(&world, home, other);
        }
    }
    let introduced = world.json(&["link", "introduce", "--home", "tokyo", "--all"]);
    assert_eq!(introduced["introduced"], 10);
    for (place, (one, ..)) in POSTS.iter().enumerate() {
        for (other, ..) in &POSTS[place + 1..] {
            if peers(&world, one).get(title(other)).is_none_or(|peer| peer["verified"] != true) {
                compare(&world, one, other);
            }
        }
    }
    for (home, ..) in POSTS {
        assert_eq!(peers(&world, home).len(), 5, "{home}");
    }
    a_conversation_is_read_by_its_members_alone(&world);
}

/// Among four of the six.
fn a_conversation_is_read_by_its_members_alone(world: &World) {
    let members = ["osaka", "kyoto", "tianjin", "nanjing"];
    let place = opened(world, "osaka", "両国の大会の警備", &members);
    eventually("it is at every member's desk", || {
        members.iter().all(|home| subjects(world, home).contains(&"両国の大会の警備".to_owned()))
    });
    for (home, text) in [("osaka", "一"), ("tianjin", "二"), ("kyoto", "三"), ("nanjing", "四")] {
        world.json(&["send", "--home", home, "--conversation", &place, text]);
        eventually("every member reads it", || {
            members
                .iter()
                .all(|member| in_thread(world, member, &place).last().is_some_and(|(said, ..)| said == text))
        });
    }
    let threads = members.map(|home| in_thread(world, home, &place));
    let cited = |thread: &Vec<(String, String, bool)>| -> Vec<String> {
        thread.iter().map(|(_, cited, _)| cited.clone()).collect()
    };
    let mut letters: Vec<char> = cited(&threads[0]).iter().filter_map(|cited| cited.chars().last()).collect();
    letters.sort_unstable();
    assert_eq!(letters, ['A', 'B', 'C', 'D']);
    for thread in &threads {
        assert_eq!(cited(thread), cited(&threads[0]), "the same citations at every desk");
        assert!(thread.iter().all(|(.., gap)| !gap));
    }
    eventually("its author sees that all have read it", || {
        let log = world.run(&["log", "--home", "osaka", "--conversation", &place, "--json"]).stdout;
        log.lines().any(|line| line.contains("\"一\"") && line.contains("\"state\":\"shown\""))
    });
    for stranger in ["tokyo", "beijing"] {
        assert!(!subjects(world, stranger).contains(&"両国の大会の警備".to_owned()));
        assert_eq!(in_thread(world, stranger, &place), []);
    }
}

/// What was said in a conversation: text, citation, and whether something is missing before it.
fn in_thread(world: &World, home: &str, place: &str) -> Vec<(String, String, bool)> {
    let log = world.run(&["log", "--home", home, "--json"]);
    let rows = log.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let of_thread = rows.filter(|row| row["conversation"] == place && row["kind"] == "note");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    of_thread.map(|row| (text(&row["text"]), text(&row["cited"]), row["gap"] == json!(true))).collect()
}

#[test]
fn a_revoked_further_post_gets_nothing_from_any_post_and_a_stranger_s_file_joins_nobody() {
    let world = World::new();
    let mut nodes = channel(&world);
    let mut osaka = join(&world, "tokyo", "osaka");
    let again = world.run(&["link", "begin", "--home", "tokyo", "osaka.certificate", "--out", "again"]);
    assert!(again.code != 0 && again.stderr.contains("has a link") && !world.path("again").exists());
    world.json(&["link", "introduce", "--home", "tokyo", title("osaka"), title("beijing")]);
    nobody_is_told_of_a_report_that_does_not_go(&world);
    compare(&world, "osaka", "beijing");
    // The file of one post is no other post's, and a cut or changed one is nobody's.
    let other = world.run(&["link", "join", "--home", "kyoto", "osaka.link"]);
    assert!(other.code != 0 && other.stderr.contains("another post"), "{other:?}");
    let octets = std::fs::read(world.path("osaka.link")).expect("read");
    std::fs::write(world.path("cut"), &octets[..octets.len() / 2]).expect("written");
    let cut = world.run(&["link", "join", "--home", "kyoto", "cut"]);
    assert!(cut.code == 2 && cut.stderr.contains("no file for a further post"), "{cut:?}");
    let foreign = ["link", "ask", "--home", "nanjing", "--out", "nanjing.certificate"];
    world.json(&foreign);
    let refused = world.run(&["link", "begin", "--home", "tokyo", "nanjing.certificate", "--out", "x"]);
    assert!(refused.code != 0 && !world.path("x").exists(), "{refused:?}");
    // Revoked at the other side of the channel, it is frozen out at its own too.
    let node = peers(&world, "beijing")[title("osaka")]["node"].as_str().expect("a node").to_owned();
    signed(&world, "日本", &["side", "revoke", "--home", "tokyo", &node]);
    for home in ["tokyo", "beijing"] {
        eventually("both links are frozen", || peers(&world, home)[title("osaka")]["frozen"].is_string());
    }
    let listed = world.json(&["link", "list", "--home", "beijing"])["links"].clone();
    let listed =
        listed.as_array().expect("links").iter().find(|link| link["post"] == title("osaka")).cloned();
    assert_eq!(listed.expect("the link")["frozen"], "the peer's node was revoked");
    assert!(world.page("beijing", &["desk"]).contains("Their node was revoked"));
    let settled = world.run(&["doctor", "--home", "beijing", "--settle", "this"]);
    assert!(settled.code == 3 && settled.stderr.contains("another node for the post"), "{settled:?}");
    assert!(!world.told("told").contains("contradicted"), "it was revoked, and that is told");
    let open = ["conversation", "open", "--home", "beijing", "别议", "--with", title("osaka")];
    let refused = world.run(&open);
    assert!(refused.code == 2 && refused.stderr.contains("revoked"), "{refused:?}");
    eventually("the others go on", || peers(&world, "tokyo")[title("beijing")]["frozen"].is_null());
    world.json(&["send", "--home", "tokyo", "続ける"]);
    eventually("it is read", || world.texts("beijing").last().is_some_and(|text| text == "続ける"));
    eventually("the revoked node is told and ends", || osaka.ended() == Some(3));
    nodes.clear();
}

/// Beijing's phrase with Osaka was not compared: a report of Tokyo's does not go there.
fn nobody_is_told_of_a_report_that_does_not_go(world: &World) {
    let report = json!({
        "type": "report", "spec_version": "2.1", "id": "report--8e2e2d2b-17d4-4cbf-938f-000000000001",
        "created": "2026-10-01T00:00:00Z", "modified": "2026-10-01T00:00:00Z", "name": "大会",
        "published": "2026-10-01T00:00:00Z",
        "object_refs": ["indicator--8e2e2d2b-17d4-4cbf-938f-000000000002"],
        "object_marking_refs": ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],
    });
    let bundle = json!({
        "type": "bundle", "id": "bundle--44af6c39-c09b-49c5-9de2-394224b04982", "objects": [report],
    });
    std::fs::write(world.path("b.json"), bundle.to_string()).expect("written");
    let shared = world.json(&["report", "share", "--home", "tokyo", "b.json"]);
    let report = shared["id"].as_str().expect("an id");
    let shown = || world.run(&["report", "show", "--home", "beijing", report, "--json"]);
    eventually("Beijing has the report", || shown().code == 0);
    let place = || {
        let listed = world.json(&["conversation", "list", "--home", "beijing"])["conversations"].clone();
        let is_with_osaka = |each: &&Value| each["members"].to_string().contains(title("osaka"));
        listed.as_array().expect("conversations").iter().find(is_with_osaka).map(|each| each["id"].clone())
    };
    eventually("Beijing knows Osaka", || place().is_some());
    let place = place().expect("a conversation");
    let place = place.as_str().expect("an id");
    let forward = ["report", "forward", "--home", "beijing", report, "--conversation", place];
    let refused = world.run(&forward);
    assert!(refused.code == 3 && refused.stderr.contains("compared"), "{refused:?}");
    assert_eq!(shown().json()["report"]["releases"], json!([]));
}

#[test]
fn a_node_that_passes_its_office_on_ends_once_every_post_has_what_it_said() {
    let world = World::new();
    let [_tokyo, beijing] = <[Serving; 2]>::try_from(channel(&world)).unwrap_or_else(|_| panic!("two"));
    let mut osaka = join(&world, "tokyo", "osaka");
    world.json(&["link", "introduce", "--home", "tokyo", title("osaka"), title("beijing")]);
    compare(&world, "osaka", "beijing");
    let place = opened(&world, "osaka", "警備", &["tokyo", "beijing"]);
    eventually("it is there", || subjects(&world, "beijing").contains(&"警備".to_owned()));
    world.json(&["backup", "--home", "osaka", "--out", "backup"]);
    beijing.kill();
    world.json(&["send", "--home", "osaka", "--conversation", &place, "最後の言葉"]);
    world.json(&["restore", "backup", "--home", "successor"]);
    let request =
        ["side", "request", "--home", "successor", "--new-node", "--holder", "乙", "--out", "paper"];
    world.json(&request);
    for number in [1, 3] {
        world.json(&["side", "certify", "paper", "--officer", &format!("日本/officer-{number}.key")]);
    }
    world.json(&["side", "adopt", "--home", "osaka", "paper"]);
    let is_there = |home: &str| in_thread(&world, home, &place).iter().any(|(text, ..)| text == "最後の言葉");
    eventually("Tokyo has what it said", || is_there("tokyo"));
    assert_eq!(osaka.ended(), None, "Beijing has not heard it");
    let _beijing = world.serve(&["run", "--home", "beijing"]);
    eventually("Beijing has what it said", || is_there("beijing"));
    eventually("the old node ends", || osaka.ended() == Some(3));
}
