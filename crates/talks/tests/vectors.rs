//! The vectors under `testdata/record`, made by software that shares no code with ours.

use std::path::PathBuf;

use couloir_talks::evidence::{Examination, Place, examine};
use couloir_wire::papers::{self, Signet};
use serde_json::{Value, json};

#[test]
fn every_vector_comes_out_as_its_name_says() {
    let vectors: Value = serde_json::from_slice(&read("vectors.json")).expect("JSON");
    let vectors = vectors.as_array().expect("a list");
    for vector in vectors {
        let found = outcome(vector);
        for key in ["verdict", "where", "head", "standings"].into_iter().filter(|key| !vector[*key].is_null())
        {
            assert_eq!(found[key], vector[key], "{}: {found}", vector["file"]);
        }
    }
    let count = |word: &str| vectors.iter().filter(|vector| vector["verdict"] == word).count();
    assert!(count("broken") > 30 && count("whole") > 3 && count("partial") > 0 && count("refused") > 2);
}

/// What comes out of a vector, in the words of `vectors.json`.
fn outcome(vector: &Value) -> Value {
    let signets = vector["signets"].as_array().expect("a list").iter().map(|name| signet(text(name)));
    let Ok(found) = examine(&read(text(&vector["file"])), signets.collect()) else {
        return json!({ "verdict": "refused", "where": [] });
    };
    let places: Vec<String> = found.faults.iter().map(|fault| place(fault.place)).collect();
    let standings: Vec<&str> = found.record.states().iter().map(|state| state.standing.word()).collect();
    json!({
        "verdict": verdict(&found),
        "where": places,
        "head": found.record.head().to_string(),
        "standings": standings,
        "causes": found.faults.iter().map(|fault| fault.cause.to_string()).collect::<Vec<_>>(),
    })
}

fn verdict(found: &Examination) -> &'static str {
    match (found.holds(), found.is_whole()) {
        (false, _) => "broken",
        (true, false) => "partial",
        (true, true) => "whole",
    }
}

fn place(place: Place) -> String {
    match place {
        Place::File => "file".into(),
        Place::Paper(at) => format!("paper {at}"),
        Place::Statement(at) => format!("statement {at}"),
        Place::Countersignature(at, below) => format!("countersignature {below} of statement {at}"),
    }
}

fn signet(name: &str) -> Signet {
    papers::read(&read(name)).expect("a signet")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

fn read(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/record");
    std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}
