//! Intelligence from desk to desk: bundles as they are, markings that hold, originators who are told.

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};
use support::{Serving, World, eventually};

const GREEN: &str = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb";
const AMBER: &str = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421";
const RED: &str = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1";
const STRANGE: &str = "marking-definition--11111111-2222-4333-8444-555555555555";

fn offices(world: &World) -> [Serving; 2] {
    let folder = world.folder_route("drop");
    world.agree(&[&folder]);
    let nodes = world.verified();
    world.json(&["conversation", "open", "--home", "tokyo", "二つの大会", "--marking", "amber+strict"]);
    eventually("the conversation is there", || {
        world.run(&["conversation", "list", "--home", "beijing"]).stdout.contains("二つの大会")
    });
    nodes
}

fn indicator(name: &str, number: usize, marking: Option<&str>) -> Value {
    let mut object = json!({
        "type": "indicator",
        "spec_version": "2.1",
        "id": format!("indicator--8e2e2d2b-17d4-4cbf-938f-{number:012x}"),
        "created": "2026-10-01T00:00:00.000Z",
        "modified": "2026-10-01T00:00:00.000Z",
        "name": name,
        "pattern": "[ipv4-addr:value = '192.0.2.1']",
        "pattern_type": "stix",
        "valid_from": "2026-10-01T00:00:00Z",
    });
    if let Some(marking) = marking {
        object["object_marking_refs"] = json!([marking]);
    }
    object
}

/// A file with a bundle, and what is in it.
fn bundle(world: &World, file: &str, objects: &[Value]) -> String {
    let id = "bundle--44af6c39-c09b-49c5-9de2-394224b04982";
    let text = format!("{:#}\n", json!({ "type": "bundle", "id": id, "objects": objects }));
    std::fs::write(world.path(file), &text).expect("written");
    text
}

fn share(world: &World, home: &str, file: &str, more: &[&str]) -> support::Ended {
    let command = ["report", "share", "--home", home, file, "--conversation", "二つの大会", "--json"];
    world.run(&[&command[..], more].concat())
}

fn id(answer: &Value) -> String {
    answer["id"].as_str().expect("an id").to_owned()
}

/// Until the report is whole at the home.
fn arrived(world: &World, home: &str, report: &str) -> Value {
    eventually("the report is there", || world.run(&["report", "show", "--home", home, report]).code == 0);
    world.json(&["report", "show", "--home", home, report])
}

#[test]
fn a_bundle_arrives_as_it_is_and_what_goes_on_is_told_to_its_originator() {
    let world = World::new();
    let _nodes = offices(&world);
    let strange = json!({ "type": "x-thing", "id": "x-thing--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "深": [1.5, null], "object_marking_refs": [GREEN] });
    let text = bundle(&world, "b.json", &[indicator("C2", 1, Some(AMBER)), strange.clone()]);
    let shared = share(&world, "tokyo", "b.json", &["--title", "C2 基盤"]).json();
    assert_eq!((&shared["marking"], &shared["objects"]), (&json!("amber"), &json!(2)));
    let report = id(&shared);
    let shown = arrived(&world, "beijing", &report);
    assert_eq!(shown["title"], "C2 基盤");
    assert_eq!(
        (&shown["held"]["objects"][1]["id"], &shown["held"]["bundle"]),
        (&strange["id"], &json!(text))
    );
    assert_eq!(shown["held"]["types"], json!({ "indicator": 1, "x-thing": 1 }));

    let export = |level: &str, out: &str| {
        world.run(&[
            "report",
            "export",
            "--home",
            "beijing",
            &report,
            "--out",
            out,
            "--to",
            "运营商",
            "--level",
            level,
            "--json",
        ])
    };
    for level in ["clear", "green"] {
        let refused = export(level, "no.json");
        assert!(refused.code == 3 && refused.stderr.contains("TLP:AMBER"), "{refused:?}");
    }
    assert!(!world.path("no.json").exists());
    assert!(export("amber", "out.json").json()["told"].is_string());
    assert_eq!(std::fs::read_to_string(world.path("out.json")).expect("read"), text);
    eventually("Tokyo is told", || {
        let shown = world.json(&["report", "show", "--home", "tokyo", &report]);
        let releases = shown["report"]["releases"].as_array().expect("a list").clone();
        releases.iter().any(|release| release["to"] == "运营商" && release["way"] == "export")
    });
}

#[test]
fn what_is_stricter_than_its_conversation_or_says_nothing_does_not_go() {
    let world = World::new();
    let _nodes = offices(&world);
    for (marking, why) in [(RED, "TLP:RED"), (STRANGE, "TLP:RED")] {
        bundle(&world, "b.json", &[indicator("x", 1, Some(marking))]);
        let refused = share(&world, "tokyo", "b.json", &[]);
        assert!(refused.code == 3 && refused.stderr.contains(why), "{refused:?}");
    }
    bundle(&world, "b.json", &[indicator("x", 1, None), indicator("y", 2, Some(GREEN))]);
    let refused = share(&world, "tokyo", "b.json", &[]);
    assert!(
        refused.code == 2 && refused.stderr.contains("1 objects of the bundle do not say"),
        "{refused:?}"
    );
    let shared = share(&world, "tokyo", "b.json", &["--marking", "amber"]).json();
    assert_eq!(shared["marking"], "amber");
    std::fs::write(world.path("b.json"), "{}").expect("written");
    let refused = share(&world, "tokyo", "b.json", &[]);
    assert!(refused.code == 2 && refused.stderr.contains("no STIX bundle"), "{refused:?}");
    let rows: Vec<Value> = world.rows("tokyo").into_iter().filter(|row| row["kind"] == "report").collect();
    assert_eq!(rows.len(), 1, "{rows:?}");
}

#[test]
fn a_request_waits_for_the_other_desk_until_a_report_or_a_word_answers_it() {
    let world = World::new();
    let _nodes = offices(&world);
    let ask = [
        "report",
        "request",
        "--home",
        "tokyo",
        "開会式",
        "何を知っていますか",
        "--due",
        "2027-01-01T00:00:00Z",
    ];
    let request = id(&world.json(&[&ask[..], &["--conversation", "二つの大会"]].concat()));
    eventually("it waits for Beijing", || {
        let list = world.json(&["report", "list", "--home", "beijing", "--mine"]);
        list["matters"][0]["id"] == request.as_str() && list["matters"][0]["waits_for_us"] == true
    });
    // Longer than an entry: it follows in the bulk stream.
    let objects: Vec<Value> = (0..400).map(|number| indicator("large", number, Some(GREEN))).collect();
    let text = bundle(&world, "large.json", &objects);
    assert!(text.len() > 96 * 1024);
    let answers = ["report", "share", "--home", "beijing", "large.json", "--answers"];
    let elsewhere = world.run(&[&answers[..], &[&request, "--conversation", "回線"]].concat());
    assert!(elsewhere.code == 2 && elsewhere.stderr.contains("another conversation"), "{elsewhere:?}");
    let answer = id(&world.json(&[&answers[..], &[&request]].concat()));
    let none = world.run(&[&answers[..], &[&answer]].concat());
    assert!(none.code == 2 && none.stderr.contains("no request"), "{none:?}");
    let shown = arrived(&world, "tokyo", &answer);
    assert_eq!(shown["held"]["types"], json!({ "indicator": 400 }));
    // What it holds goes by its marking, and not as any file or from any printer.
    let saved = world.run(&["save", "--home", "tokyo", &answer, "--out", "large-again.json"]);
    assert!(saved.code == 3 && !world.path("large-again.json").exists(), "{saved:?}");
    let page = world.page("tokyo", &[&format!("reports?id={answer}"), "desk.css"]);
    assert!(
        page.contains("class=\"unprinted\"") && page.contains(".unprinted { display: none !important; }")
    );
    assert_eq!(shown["report"]["answers"], request.as_str());
    let asked = world.json(&["report", "show", "--home", "tokyo", &request]);
    assert_eq!(
        (&asked["state"], &asked["report"]["replies"][0]["report"]),
        (&json!("replied"), &json!(true))
    );
    let own = world.run(&["report", "reply", "--home", "tokyo", &request, "自答"]);
    assert_eq!(own.code, 3, "{own:?}");
}

#[test]
fn a_long_report_goes_on_into_another_conversation_and_its_originator_is_told() {
    let world = World::new();
    let _nodes = offices(&world);
    world.json(&["conversation", "open", "--home", "beijing", "后续", "--marking", "green"]);
    let objects: Vec<Value> = (0..400).map(|number| indicator("large", number, Some(GREEN))).collect();
    let text = bundle(&world, "large.json", &objects);
    let report = id(&share(&world, "tokyo", "large.json", &[]).json());
    arrived(&world, "beijing", &report);
    let forward = ["report", "forward", "--home", "beijing", &report, "--conversation", "后续"];
    let again = id(&world.json(&forward));
    assert_eq!(arrived(&world, "tokyo", &again)["held"]["marking"], "green");
    let out =
        ["report", "export", "--home", "tokyo", &again, "--out", "out.json", "--to", "x", "--level", "green"];
    assert_eq!(world.run(&out).code, 0);
    assert_eq!(std::fs::read_to_string(world.path("out.json")).expect("read"), text);
    eventually("Tokyo is told", || {
        let shown = world.json(&["report", "show", "--home", "tokyo", &report]);
        let released = &shown["report"]["releases"][0];
        released["to"] == "后续" && released["way"] == "forward"
    });
}

/// A GET, and its status and JSON answer.
fn get(url: &str, path: &str, headers: &str) -> (u16, Value) {
    let (status, text) = get_text(url, path, headers);
    (status, serde_json::from_str(&text).unwrap_or_default())
}

fn get_text(url: &str, path: &str, headers: &str) -> (u16, String) {
    let host = url.trim_start_matches("http://").split('/').next().expect("a host");
    let mut stream = TcpStream::connect(host).expect("connected");
    let host_line = if headers.contains("Host:") { String::new() } else { format!("Host: {host}\r\n") };
    write!(stream, "GET {path} HTTP/1.1\r\n{host_line}{headers}Connection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    (status, body.to_owned())
}

#[test]
fn a_program_with_the_token_fetches_what_may_leave_and_nothing_else() {
    let world = World::new();
    let _nodes = offices(&world);
    // A number that no reader of JSON writes again in the same way.
    let number = "\"x_scale\": 12345678901234567890123.10";
    let text = bundle(&world, "b.json", &[indicator("geht", 1, Some(GREEN))]);
    let text = text.replacen("\"geht\"", &format!("\"geht\", {number}"), 1);
    std::fs::write(world.path("b.json"), text).expect("written");
    let green = id(&share(&world, "tokyo", "b.json", &[]).json());
    bundle(&world, "c.json", &[indicator("bleibt", 2, Some(AMBER))]);
    let amber = id(&share(&world, "tokyo", "c.json", &[]).json());
    [&green, &amber].iter().for_each(|report| drop(arrived(&world, "beijing", report)));
    let taxii =
        world.serve(&["taxii", "--home", "beijing", "--level", "green", "--client", "分析组", "--json"]);
    let line: Value = serde_json::from_str(&taxii.line).expect("JSON");
    let (url, token) = (line["url"].as_str().expect("a URL"), line["token"].as_str().expect("a token"));
    let with = format!("Authorization: Token {token}\r\n");
    assert_eq!(get(url, "/taxii2/", "").0, 401);
    assert_eq!(get(url, "/taxii2/", "Authorization: Token 0\r\n").0, 401);
    assert_eq!(get(url, "/taxii2/", &format!("Host: evil.example\r\n{with}")).0, 403);
    assert_eq!(get(url, "/taxii2/", &with).1["api_roots"].as_array().map(Vec::len), Some(1));
    let collections = get(url, "/api/collections/", &with).1;
    let all = collections["collections"].as_array().expect("collections");
    let collection = all.iter().find(|each| each["title"] == "二つの大会").expect("the conversation");
    let path = format!("/api/collections/{}/", collection["id"].as_str().expect("an id"));
    let manifest = get(url, &format!("{path}manifest/"), &with).1;
    assert_eq!(manifest["objects"].as_array().map(Vec::len), Some(1), "{manifest}");
    let told = || world.json(&["report", "show", "--home", "tokyo", &green])["report"]["releases"].clone();
    assert_eq!(told(), json!([]), "a manifest releases nothing");
    let objects = get(url, &format!("{path}objects/"), &with).1;
    assert_eq!(objects["objects"][0]["name"], "geht");
    assert!(get_text(url, &format!("{path}objects/"), &with).1.contains(number));
    assert_eq!(get(url, &format!("{path}objects/?match[type]=malware"), &with).1, json!({}));
    assert_eq!(get(url, &format!("{path}objects/?limit=0"), &with).0, 400);
    eventually("Tokyo is told", || told()[0]["to"] == "分析组" && told()[0]["way"] == "taxii");
    assert_eq!(get(url, &format!("{path}objects/"), &with).1, objects);
    assert_eq!(told().as_array().map(Vec::len), Some(1), "told once");
}
