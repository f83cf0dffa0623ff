//! `couloir record verify` and `couloir side signet` against the real binary: no home, no node, no network.

mod support;

use std::path::PathBuf;

use serde_json::Value;
use support::{Ended, World};

/// A file of the vectors, which software of others made.
fn vector(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/record");
    folder.join(name).to_str().expect("UTF-8").to_owned()
}

fn verify(world: &World, name: &str, more: &[&str]) -> Ended {
    let (file, tokyo, beijing) = (vector(name), vector("tokyo.signet"), vector("beijing.signet"));
    let args = ["record", "verify", &file, "--signet", &tokyo, "--signet", &beijing];
    world.run(&[&args[..], more].concat())
}

#[test]
fn an_exported_record_is_checked_on_a_machine_without_a_node() {
    let world = World::new();
    let found = verify(&world, "good-story.record", &[]);
    assert_eq!((found.code, found.stderr.as_str()), (0, ""), "{found:?}");
    for words in
        ["共同発表", "共同发表", "correction 1 of 1", "文字尚未商定。", "agreed", "Everything in it holds"]
    {
        assert!(found.stdout.contains(words), "{words}: {found:?}");
    }
    let answer: Value =
        serde_json::from_str(&verify(&world, "good-story.record", &["--json"]).stdout).expect("JSON");
    assert_eq!(answer["verdict"], "whole");
    let standings: Vec<&Value> = answer["record"]["statements"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|said| &said["standing"])
        .collect();
    assert_eq!(standings, ["declined", "agreed", "said", "said"]);
}

#[test]
fn what_does_not_hold_is_named_and_ends_with_six() {
    let world = World::new();
    let cases = [
        ("bad-ml-dsa-flipped.record", "statement 1: its ML-DSA-65 signature does not hold"),
        (
            "bad-countersignature-moved.record",
            "countersignature 1 of statement 2: it countersigns another statement",
        ),
        ("bad-revoked-node.record", "statement 1: its node had been revoked"),
        ("bad-head.record", "the file: it claims the head 0000"),
        ("bad-cut-short.record", "is no exported record of this format"),
    ];
    for (name, words) in cases {
        let found = verify(&world, name, &[]);
        assert_eq!(found.code, 6, "{found:?}");
        assert!(found.stderr.contains(words) && found.stderr.lines().count() == 1, "{found:?}");
        assert!(!found.stdout.contains("Everything in it holds"), "{found:?}");
    }
    let answer: Value = serde_json::from_str(&verify(&world, cases[0].0, &["--json"]).stdout).expect("JSON");
    assert_eq!(
        (&answer["verdict"], &answer["faults"][0]["where"]),
        (&"broken".into(), &"statement 1".into())
    );
}

#[test]
fn a_part_of_a_record_is_told_as_such() {
    let found = verify(&World::new(), "good-partial.record", &[]);
    assert_eq!(found.code, 5, "{found:?}");
    assert!(found.stderr.contains("is a part of a record"), "{found:?}");
}

#[test]
fn a_signet_is_a_file_that_anybody_can_check_with() {
    let world = World::new();
    let made = world.run(&["init", "--home", "tokyo", "--side", "外務省", "--post", "連絡課長"]);
    assert_eq!(made.code, 0, "{made:?}");
    let told = world.json(&["side", "signet", "--home", "tokyo", "--out", "signet"]);
    assert_eq!(told["side"]["name"], "外務省");
    let again = world.run(&["side", "signet", "--home", "tokyo", "--out", "signet"]);
    assert_eq!(again.code, 1, "{again:?}");
    // It is well formed, and of nobody in this record.
    let file = vector("good-agreed.record");
    let strange = world.run(&["record", "verify", &file, "--signet", "signet"]);
    assert_eq!(strange.code, 6, "{strange:?}");
    assert!(strange.stdout.contains("was not given"), "{strange:?}");
    let peer = world.run(&["side", "signet", "--home", "tokyo", "--peer", "--out", "theirs"]);
    assert_eq!((peer.code, world.path("theirs").exists()), (3, false), "{peer:?}");
    let broken = world.run(&["record", "verify", &file, "--signet", &vector("README.md")]);
    assert_eq!(broken.code, 6, "{broken:?}");
    assert!(broken.stderr.contains("is no signet"), "{broken:?}");
}

#[test]
fn the_record_on_paper_has_both_languages_the_head_and_the_file_itself() {
    let world = World::new();
    let verified = verify(&world, "good-story.record", &["--pdf", "record.pdf", "--lang", "ja", "--json"]);
    let head = verified.json()["record"]["head"].as_str().expect("a head").to_owned();
    let text = std::process::Command::new("pdftotext")
        .args(["-layout", &world.text("record.pdf"), "-"])
        .output()
        .expect("pdftotext, of poppler-utils");
    let text = String::from_utf8(text.stdout).expect("UTF-8");
    let words = [
        "双方は、意思疎通を継続することで一致した。",
        "双方一致同意继续保持沟通。",
        "文字尚未商定。",
        "声明4 ",
    ];
    for words in words.iter().chain([&&*head]) {
        assert!(text.contains(words.trim_end()), "{words}: {text}");
    }
    assert!(!text.contains("<U+"), "{text}");
    let fonts =
        std::process::Command::new("pdffonts").arg(world.text("record.pdf")).output().expect("pdffonts");
    let fonts = String::from_utf8(fonts.stdout).expect("UTF-8");
    // Two fonts, since the two languages' characters have two shapes.
    assert!(fonts.lines().filter(|font| font.contains("yes yes yes")).count() >= 2, "{fonts}");
    let files = std::process::Command::new("pdfdetach")
        .args(["-save", "1", "-o", &world.text("inside"), &world.text("record.pdf")])
        .status();
    assert!(files.expect("pdfdetach").success());
    let inside = std::fs::read(world.path("inside")).expect("read");
    assert_eq!(inside, std::fs::read(vector("good-story.record")).expect("read"));
    // What does not hold is not printed.
    let bad = verify(&world, "bad-head.record", &["--pdf", "bad.pdf"]);
    assert_eq!((bad.code, world.path("bad.pdf").exists()), (6, false), "{bad:?}");
}
