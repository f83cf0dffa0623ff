//! Conversations between two nodes, as real processes.

mod support;

use serde_json::Value;
use support::{World, eventually};

fn id(answer: &Value) -> String {
    answer["id"].as_str().expect("an id").to_owned()
}

/// What the log shows of a conversation; nothing while its opening has not come.
fn rows(world: &World, home: &str, conversation: &str) -> Vec<Value> {
    let log = world.run(&["log", "--home", home, "--conversation", conversation, "--json"]);
    assert!(log.code == 0 || log.stderr.contains("there is no conversation"), "{log:?}");
    let lines = log.stdout.lines().take_while(|_| log.code == 0);
    lines.map(|line| serde_json::from_str(line).expect("a row")).collect()
}

/// What both desks cite, and what it says.
fn cited(rows: &[Value]) -> Vec<(String, String)> {
    let text = |row: &Value, key: &str| row[key].as_str().expect("a text").to_owned();
    rows.iter().map(|row| (text(row, "cited"), text(row, "text"))).collect()
}

#[test]
fn both_desks_see_the_same_conversation_and_cite_it_by_the_same_numbers() {
    let world = World::new();
    let folder = world.folder_route("drop");
    world.agree(&[&folder]);
    let _nodes = world.verified();
    let open = ["conversation", "open", "--home", "tokyo", "訪問", "--marking", "amber+strict"];
    let opened = id(&world.json(&open));
    let said =
        world.json(&["send", "--home", "tokyo", "--conversation", "訪問", "--lang", "ja", "十月は如何"]);
    world.send("tokyo", "first conversation");
    eventually("the note in Beijing", || rows(&world, "beijing", &opened).len() == 2);
    let reply = ["send", "--home", "beijing", "--reply-to", &id(&said)[..8], "--quote", "十月", "可以"];
    let reply = id(&world.json(&reply));
    eventually("the reply in Tokyo", || rows(&world, "tokyo", &opened).len() == 3);
    world.json(&["edit", "--home", "tokyo", &id(&said), "十一月は如何"]);
    let translate = ["translate", "--home", "tokyo", &format!("{opened}/3B"), "--lang", "ja"];
    world.json(&[&translate[..], &["--rendering", "unofficial", "--by", "山田", "可能です"]].concat());
    world.json(&["withdraw", "--home", "beijing", &reply]);
    eventually("all of it at both desks", || {
        ["tokyo", "beijing"].iter().all(|home| rows(&world, home, &opened).len() == 6)
    });
    let [tokyo, beijing] = ["tokyo", "beijing"].map(|home| {
        let mut cited = cited(&rows(&world, home, &opened));
        cited.sort();
        cited
    });
    assert_eq!(tokyo, beijing);
    assert_eq!(
        tokyo[..3],
        [("1A", "訪問"), ("2A", "十月は如何"), ("3B", "")].map(|(a, b)| (a.into(), b.into()))
    );
    for home in ["tokyo", "beijing"] {
        let rows = rows(&world, home, &opened);
        let of = |cited: &str| rows.iter().find(|row| row["cited"] == cited).expect("a row").clone();
        assert_eq!((&of("2A")["edited"], &of("2A")["withdrawn"]), (&"十一月は如何".into(), &false.into()));
        assert_eq!((&of("3B")["withdrawn"], &of("3B")["body"]), (&true.into(), &Value::Null));
        let plain = world.run(&["log", "--home", home, "--conversation", "訪問"]).stdout;
        assert!(plain.contains("2A") && plain.contains("十一月は如何") && !plain.contains("可以"), "{plain}");
    }
    let listed = world.json(&["conversation", "list", "--home", "beijing"]);
    assert_eq!(listed["conversations"][1]["subject"], "訪問");
    assert_eq!(listed["conversations"][1]["marking"], "amber+strict");
    assert_eq!(listed["conversations"][1]["members"].as_array().map(Vec::len), Some(2));
    assert_eq!(world.texts("beijing").iter().filter(|text| *text == "first conversation").count(), 1);
}

#[test]
fn what_names_nothing_is_refused_and_says_so() {
    let world = World::new();
    let folder = world.folder_route("drop");
    world.agree(&[&folder]);
    let refused = [
        &["send", "--home", "tokyo", "--conversation", "nowhere", "x"][..],
        &["send", "--home", "tokyo", "--reply-to", "99Z", "x"],
        &["withdraw", "--home", "tokyo", "ffffffff"],
        &["conversation", "open", "--home", "tokyo", "subject", "--with", "nobody"],
        &["conversation", "open", "--home", "tokyo", "\u{202e}subject"],
        &[
            "translate",
            "--home",
            "tokyo",
            "1A",
            "--lang",
            "日本語",
            "--rendering",
            "machine",
            "--by",
            "x",
            "y",
        ],
    ];
    for args in refused {
        let ended = world.run(args);
        assert_eq!(ended.code, 2, "{args:?}: {ended:?}");
        assert_eq!((ended.stderr.lines().count(), ended.stdout.as_str()), (1, ""), "{args:?}: {ended:?}");
    }
    assert_eq!(world.rows("tokyo").len(), 0);
}

#[test]
fn what_would_change_nothing_is_refused() {
    let world = World::new();
    let folder = world.folder_route("drop");
    world.agree(&[&folder]);
    let _nodes = world.verified();
    let first = id(&world.json(&["send", "--home", "tokyo", "first conversation"]));
    let opened = id(&world.json(&["conversation", "open", "--home", "tokyo", "訪問"]));
    let note = id(&world.json(&["send", "--home", "tokyo", "--conversation", "訪問", "十月は如何"]));
    let meeting = [
        "meeting",
        "propose",
        "--home",
        "tokyo",
        "会合",
        "--window",
        "2030-10-02T10:00+09:00/2030-10-02T12:00+09:00",
    ];
    let meeting = world.json(&[&meeting[..], &["--place", "霞が関; 東京; Asia/Tokyo"]].concat());
    eventually("the note in Beijing", || rows(&world, "beijing", &opened).len() == 2);
    let ended = |args: &[&str]| world.run(args).code;
    assert_eq!(ended(&["edit", "--home", "beijing", &note, "十一月は如何"]), 3);
    assert_eq!(ended(&["withdraw", "--home", "beijing", &note]), 3);
    assert_eq!(ended(&["withdraw", "--home", "tokyo", &id(&meeting)]), 3);
    assert_eq!(ended(&["edit", "--home", "tokyo", &note, "十一月は如何"]), 0);
    assert_eq!(ended(&["withdraw", "--home", "tokyo", &note]), 0);
    assert_eq!(ended(&["withdraw", "--home", "tokyo", &note]), 3);
    assert_eq!(ended(&["edit", "--home", "tokyo", &note, "十二月は如何"]), 3);
    // Words that nobody said are put into nobody's mouth.
    let reply = ["send", "--home", "beijing", "--reply-to", &first, "x", "--quote"];
    assert_eq!(ended(&[&reply[..], &["first agreement"]].concat()), 2);
    // Its readers need not be those of the conversation where the answer would be said.
    let elsewhere = ["send", "--home", "tokyo", "--conversation", "訪問", "--reply-to", &first, "x"];
    assert_eq!(ended(&elsewhere), 2);
}

#[test]
fn a_citation_means_the_entry_that_bears_it_wherever_it_was_said() {
    let world = World::new();
    let folder = world.folder_route("drop");
    world.agree(&[&folder]);
    let _nodes = world.verified();
    world.send("tokyo", "first conversation");
    let opened = id(&world.json(&["conversation", "open", "--home", "tokyo", "訪問"]));
    world.json(&["send", "--home", "tokyo", "--conversation", "訪問", "十月は如何"]);
    eventually("the note in Beijing", || rows(&world, "beijing", &opened).len() == 2);
    let reply = |more: &[&str]| world.run(&[&["send", "--home", "beijing", "可以"], more].concat());
    let ambiguous = reply(&["--reply-to", "1A"]);
    assert_eq!(ambiguous.code, 2, "{ambiguous:?}");
    assert!(ambiguous.stderr.contains("CONVERSATION/12A"), "{ambiguous:?}");
    assert_eq!(reply(&["--reply-to", "2A"]).code, 0);
    assert_eq!(reply(&["--reply-to", "1A", "--conversation", "訪問"]).code, 0);
    assert_eq!(reply(&["--reply-to", &format!("{opened}/1A")]).code, 0);
    assert_eq!(rows(&world, "beijing", &opened).len(), 5, "all three where the cited entry is");
}

#[test]
fn search_finds_what_was_said_by_words_and_filters_and_nothing_taken_back() {
    let world = World::new();
    let folder = world.folder_route("drop");
    world.agree(&[&folder]);
    let _nodes = world.verified();
    let open = ["conversation", "open", "--home", "tokyo", "訪問", "--marking", "amber"];
    world.json(&open);
    let said = world.json(&["send", "--home", "tokyo", "--conversation", "訪問", "査証の手続"]);
    world.send("tokyo", "旅券と査証");
    let found = |home: &str, args: &[&str]| {
        let ended = world.run(&[&["search", "--home", home, "--json"], args].concat());
        assert_eq!(ended.code, 0, "{ended:?}");
        let rows = ended.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("a row"));
        rows.map(|row| row["text"].as_str().expect("a text").to_owned()).collect::<Vec<_>>()
    };
    eventually("both in Beijing", || found("beijing", &["査証"]).len() == 2);
    for home in ["tokyo", "beijing"] {
        assert_eq!(found(home, &["証"]), ["旅券と査証", "査証の手続"]);
        assert_eq!(found(home, &["査証", "旅券"]), ["旅券と査証"]);
        assert_eq!(found(home, &["査証", "--conversation", "訪問"]), ["査証の手続"]);
        assert_eq!(found(home, &["査証", "--marking", "amber"]), ["査証の手続"]);
        assert_eq!(found(home, &["--kind", "conversation"]), ["訪問"]);
        assert_eq!(found(home, &["査証", "--until", "2026-01-01"]), Vec::<String>::new());
        assert_eq!(found(home, &["査証", "--from", "2020-01-01", "--count", "1"]), ["旅券と査証"]);
    }
    world.json(&["withdraw", "--home", "tokyo", &id(&said)]);
    eventually("taken back in Beijing", || found("beijing", &["手続"]).is_empty());
    assert_eq!(world.run(&["search", "--home", "tokyo"]).code, 2);
    assert_eq!(world.run(&["search", "--home", "tokyo", "x", "--by", "nobody"]).code, 2);
}
