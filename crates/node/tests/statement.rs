//! Statements between two nodes, as real processes: said, answered, corrected, exported, checked.

mod support;

use serde_json::Value;
use support::{World, eventually};

fn id(answer: &Value) -> String {
    answer["id"].as_str().expect("an id").to_owned()
}

fn record(world: &World, home: &str) -> Value {
    world.json(&["record", "show", "--home", home])
}

fn standings(world: &World, home: &str) -> Vec<String> {
    let record = record(world, home);
    let statements = record["statements"].as_array().expect("a list");
    statements.iter().map(|said| said["standing"].as_str().expect("a word").to_owned()).collect()
}

/// What a desk is asked for, by its status.
fn asked(world: &World, home: &str) -> Vec<String> {
    let status = world.json(&["status", "--home", home]);
    let asking = status["statements_asking"].as_array().expect("a list");
    asking.iter().map(|brief| brief["brought"]["entry"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn both_desks_agree_to_a_text_in_two_languages_and_show_the_same_head() {
    let world = World::new();
    let folder = world.folder_route("drop");
    world.agree(&[&folder]);
    let nodes = world.verified();
    std::fs::write(world.path("zh.txt"), "双方同意于十月访问。\r\n").expect("written");
    let texts = [
        "--title",
        "ja=共同発表",
        "--text",
        "ja=双方は十月の訪問に同意した。",
        "--title",
        "zh-Hans=共同发表",
    ];
    let say = [
        &["statement", "say", "--home", "tokyo", "--text", "zh-Hans=@zh.txt", "--asks", "agree"],
        &texts[..],
    ];
    let refused = world.run(&say.concat());
    assert_eq!((refused.code, refused.stdout.as_str()), (3, ""), "{refused:?}");
    assert_eq!(record(&world, "tokyo")["total"], 0);
    let first = id(&world.json(&[&say.concat()[..], &["--yes"]].concat()));
    eventually("the statement asks something of Beijing", || asked(&world, "beijing") == [first.clone()]);
    assert!(asked(&world, "tokyo").is_empty());
    let decline =
        ["statement", "decline", "--home", "beijing", &first, "--reason", "文字尚未商定。", "--yes"];
    world.json(&decline);
    let correct = ["statement", "correct", "--home", "beijing", &first, "--asks", "agree", "--yes"];
    let texts = [
        "--title",
        "ja=共同発表",
        "--text",
        "ja=同意",
        "--title",
        "zh-Hans=共同发表",
        "--text",
        "zh-Hans=同意",
    ];
    let second = id(&world.json(&[&correct[..], &texts].concat()));
    eventually("the correction asks something of Tokyo", || asked(&world, "tokyo") == [second.clone()]);
    world.json(&["statement", "agree", "--home", "tokyo", &second[..10], "--yes"]);
    eventually("the agreement in Beijing", || standings(&world, "beijing") == ["declined", "agreed"]);
    let [tokyo, beijing] = ["tokyo", "beijing"].map(|home| record(&world, home));
    assert_eq!(tokyo["head"], beijing["head"]);
    assert_eq!(beijing["statements"][1]["number"], 1);
    assert_eq!(beijing["statements"][0]["texts"][0]["text"], "双方同意于十月访问。");
    assert_eq!(beijing["statements"][0]["countersignatures"][0]["reason"], "文字尚未商定。");
    assert!(asked(&world, "tokyo").is_empty() && asked(&world, "beijing").is_empty());
    // Neither may answer its own, nor take it back.
    for args in [
        &["statement", "agree", "--home", "tokyo", &first, "--yes"][..],
        &["withdraw", "--home", "tokyo", &first],
    ] {
        assert_eq!(world.run(args).code, 2, "{args:?}");
    }
    check_evidence(&world, &tokyo);
    for node in nodes {
        assert_eq!(node.stop(), Some(0));
    }
    // A node that does not run shows the same.
    assert_eq!(record(&world, "tokyo")["head"], tokyo["head"]);
}

/// What either desk exports is the same, and holds without a node.
fn check_evidence(world: &World, record: &Value) {
    for home in ["tokyo", "beijing"] {
        let told =
            world.json(&["record", "export", "--home", home, "--level", "red", &format!("{home}.record")]);
        assert_eq!(told["head"], record["head"]);
        world.json(&["side", "signet", "--home", home, "--out", &format!("{home}.signet")]);
        let again =
            world.run(&["record", "export", "--home", home, "--level", "red", &format!("{home}.record")]);
        assert_eq!(again.code, 1, "{again:?}");
        let strict = world.run(&["record", "export", "--home", home, "--level", "amber", "strict.record"]);
        assert!(strict.code == 3 && !world.path("strict.record").exists(), "{strict:?}");
    }
    let files =
        ["tokyo", "beijing"].map(|home| std::fs::read(world.path(&format!("{home}.record"))).expect("read"));
    assert_eq!(files[0], files[1]);
    let verify =
        ["record", "verify", "tokyo.record", "--signet", "tokyo.signet", "--signet", "beijing.signet"];
    let found = world.json(&verify);
    assert_eq!((found["verdict"].as_str(), &found["record"]["head"]), (Some("whole"), &record["head"]));
}

#[test]
fn what_claims_to_be_on_the_record_and_does_not_hold_counts_for_nothing() {
    let world = World::new();
    let folder = world.folder_route("drop");
    world.agree(&[&folder]);
    let nodes = world.verified();
    let texts = ["--title", "en=A", "--text", "en=one", "--asks", "acknowledge", "--yes"];
    let good = id(&world.json(&[&["statement", "say", "--home", "tokyo"], &texts[..]].concat()));
    eventually("the statement in Beijing", || standings(&world, "beijing") == ["said"]);
    let head = record(&world, "beijing")["head"].clone();
    let octets =
        world.rows("tokyo").iter().find(|row| row["id"] == *good).expect("there")["body"]["statement"]
            .clone();
    let octets = octets.as_str().expect("hexadecimal").to_owned();
    let flipped = octets.replace(&hex("one"), &hex("two"));
    assert_ne!(flipped, octets);
    // Tokyo's program was changed: it says what its post never signed, repeats another's, and answers what is none.
    let forged = [
        serde_json::json!({ "statement": flipped }),
        serde_json::json!({ "statement": "00ff" }),
        serde_json::json!({ "countersign": { "statement": good, "countersignature": octets } }),
    ];
    let forged: Vec<String> = forged.iter().map(|body| say_raw(&world, "tokyo", body)).collect();
    // Beijing brings Tokyo's own statement as if it had said it.
    let copied = say_raw(&world, "beijing", &serde_json::json!({ "statement": octets }));
    eventually("all of it in Beijing", || world.rows("beijing").len() == 5);
    for row in world.rows("beijing") {
        let is_bad = forged.iter().chain([&copied]).any(|id| row["id"] == **id);
        assert_eq!(row["record"]["counts"], !is_bad, "{row}");
        assert_eq!(row["record"]["why_not"].is_string(), is_bad, "{row}");
    }
    let log = world.run(&["log", "--home", "beijing"]).stdout;
    assert_eq!(log.matches("NOT ON THE RECORD, it counts for nothing").count(), 4, "{log}");
    assert!(log.contains("Ed25519 signature does not hold"), "{log}");
    assert_eq!(record(&world, "beijing")["head"], head);
    let refused = world.run(&["statement", "agree", "--home", "beijing", &forged[0], "--yes"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    world.json(&["statement", "acknowledge", "--home", "beijing", &good, "--yes"]);
    eventually("the acknowledgement in Tokyo", || standings(&world, "tokyo") == ["acknowledged"]);
    let again = ["statement", "acknowledge", "--home", "beijing", &good, "--yes"];
    (0..3).for_each(|_| drop(world.json(&again)));
    let surplus = world.run(&again);
    assert!(surplus.code == 3 && surplus.stderr.contains("as often as counts"), "{surplus:?}");
    drop(nodes);
}

/// Says a body as no honest program would.
fn say_raw(world: &World, home: &str, body: &Value) -> String {
    use std::io::{BufRead as _, BufReader, Write as _};
    let socket = std::os::unix::net::UnixStream::connect(world.path(home).join("socket")).expect("connected");
    let request = serde_json::json!({ "do": "say", "body": body, "precedence": "routine" });
    writeln!(&socket, "{request}").expect("asked");
    let answer = BufReader::new(&socket).lines().nth(1).expect("a line").expect("read");
    id(&serde_json::from_str::<Value>(&answer).expect("JSON")["ok"])
}

fn hex(text: &str) -> String {
    text.bytes().map(|octet| format!("{octet:02x}")).collect()
}

#[test]
fn flash_is_asked_for_again() {
    let world = World::new();
    let folder = world.folder_route("drop");
    world.agree(&[&folder]);
    let flash = ["send", "--home", "tokyo", "--precedence", "flash", "--when-verified", "now"];
    let refused = world.run(&flash);
    assert_eq!((refused.code, world.rows("tokyo").len()), (3, 0), "{refused:?}");
    let case = [
        "case",
        "raise",
        "--home",
        "tokyo",
        "x",
        "--person",
        "A",
        "--precedence",
        "flash",
        "--when-verified",
    ];
    let refused = world.run(&case);
    assert_eq!((refused.code, world.rows("tokyo").len()), (3, 0), "{refused:?}");
    world.json(&[&flash[..], &["--yes"]].concat());
    assert_eq!(world.rows("tokyo").len(), 1);
}
