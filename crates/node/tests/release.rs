//! Two persons: what one drafts another releases.

mod support;

use support::{World, eventually};

fn person(world: &World, name: &str) -> String {
    std::fs::write(world.path(name), format!("{name} の合言葉\n")).expect("written");
    world.text(name)
}

#[test]
fn what_one_person_drafts_another_releases_and_nobody_speaks_alone() {
    let world = World::new();
    let folder = world.folder_route("drop");
    world.agree(&[&folder]);
    let [yamada, sato] = ["yamada", "sato"].map(|name| person(&world, name));
    for (name, file) in [("山田", &yamada), ("佐藤", &sato)] {
        world.json(&["release", "add", "--home", "tokyo", name, "--person-passphrase-file", file]);
    }
    let _nodes = world.verified();
    let shown = world.json(&["release", "show", "--home", "tokyo"]);
    assert_eq!((&shown["persons"][1], &shown["two_persons"]), (&"佐藤".into(), &true.into()));
    let alone = [
        &["send", "--home", "tokyo", "alone"][..],
        &["statement", "say", "--home", "tokyo", "--title", "en=A", "--text", "en=one", "--yes"],
        &["conversation", "open", "--home", "tokyo", "subject"],
    ];
    for args in alone {
        let refused = world.run(args);
        assert_eq!((refused.code, refused.stdout.as_str()), (3, ""), "{args:?}: {refused:?}");
    }
    let draft = ["draft", "note", "--home", "tokyo", "十月十日でいかがでしょうか。"];
    let wrong = world.run(&[&draft[..], &["--by", "山田", "--person-passphrase-file", &sato]].concat());
    assert_eq!(wrong.code, 3, "{wrong:?}");
    let by_yamada = ["--by", "山田", "--person-passphrase-file", &yamada];
    let by_sato = ["--by", "佐藤", "--person-passphrase-file", &sato];
    assert_eq!(world.json(&[&draft[..], &by_yamada].concat())["draft"], 1);
    let statement = ["draft", "statement", "--home", "tokyo", "--title", "en=A", "--text", "en=one"];
    assert_eq!(world.json(&[&statement[..], &by_yamada].concat())["draft"], 2);
    let release = |number: &str, by: &[&str]| {
        let release = ["draft", "release", "--home", "tokyo", number, "--yes"];
        world.run(&[&release[..], by].concat())
    };
    assert_eq!(release("1", &by_yamada).code, 3);
    assert_eq!(world.rows("tokyo").len(), 0);
    assert_eq!((release("1", &by_sato).code, release("2", &by_sato).code), (0, 0));
    assert_eq!(release("1", &by_sato).code, 2);
    eventually("both in Beijing", || world.rows("beijing").len() == 2);
    assert_eq!(world.texts("beijing")[0], "十月十日でいかがでしょうか。");
    assert_eq!(world.json(&["record", "show", "--home", "beijing"])["total"], 1);
    let flash = ["draft", "note", "--home", "tokyo", "至急", "--precedence", "flash"];
    assert_eq!(world.json(&[&flash[..], &by_yamada].concat())["draft"], 3);
    assert!(world.run(&["draft", "list", "--home", "tokyo"]).stdout.contains("FLASH"));
    assert_eq!(release("3", &by_sato).code, 0);
    eventually("it is flash in Beijing", || {
        world.rows("beijing").iter().any(|row| row["precedence"] == "flash" && row["text"] == "至急")
    });
    what_is_refused_is_told_to_nobody(&world, [&by_yamada, &by_sato]);
    // A number is one draft's for ever.
    assert_eq!(world.json(&[&draft[..], &by_yamada].concat())["draft"], 5);
    // Whoever is not set so speaks alone.
    world.send("beijing", "可以。");
}

/// One person alone passes nothing on, and then nobody is told that it was; two do.
fn what_is_refused_is_told_to_nobody(world: &World, [by_yamada, by_sato]: [&[&str]; 2]) {
    let green = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb";
    let object = format!(
        r#"{{"type":"ipv4-addr","id":"ipv4-addr--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","value":"192.0.2.1","object_marking_refs":["{green}"]}}"#
    );
    let head = r#"{"type":"bundle","id":"bundle--44af6c39-c09b-49c5-9de2-394224b04982","objects":["#;
    std::fs::write(world.path("b.json"), format!("{head}{object}]}}")).expect("written");
    let shared = world.json(&["report", "share", "--home", "beijing", "b.json"]);
    let report = shared["id"].as_str().expect("an id");
    world.json(&["conversation", "open", "--home", "beijing", "后续", "--marking", "green"]);
    eventually("both are there", || {
        world.run(&["conversation", "list", "--home", "tokyo"]).stdout.contains("后续")
            && world.run(&["report", "show", "--home", "tokyo", report]).code == 0
    });
    let alone = world.run(&["report", "forward", "--home", "tokyo", report, "--conversation", "后续"]);
    assert_eq!(alone.code, 3, "{alone:?}");
    let told = |row: &serde_json::Value| row["kind"] == "report" && row["entry"] == report;
    assert!(!world.rows("tokyo").iter().any(told));
    let draft = ["draft", "forward", "--home", "tokyo", report, "--conversation", "后续"];
    let number = world.json(&[&draft[..], by_yamada].concat())["draft"].to_string();
    assert!(!world.rows("tokyo").iter().any(told), "a draft tells nobody");
    let page = world.page("tokyo", &["release"]);
    assert!(page.contains("Pass it on in another conversation") && page.contains("后续"));
    world.json(&[&["draft", "release", "--home", "tokyo", &number, "--yes"][..], by_sato].concat());
    assert!(world.rows("tokyo").iter().any(told), "its originator is told");
    eventually("Beijing has it there", || {
        let log = world.run(&["log", "--home", "beijing", "--conversation", "后续", "--json"]);
        log.stdout.contains(r#""kind":"report""#)
    });
}
