//! Meetings, cases, swaps and announcements between two nodes, as real processes.

mod support;

use couloir::clerk::matters::calendar::{Detail, calendar};
use serde_json::{Value, json};
use support::{Serving, World, eventually};

const HOMES: [&str; 2] = ["tokyo", "beijing"];

fn talking() -> (World, [Serving; 2]) {
    let world = World::new();
    let folder = world.folder_route("drop");
    world.agree(&[&folder]);
    let nodes = world.verified();
    (world, nodes)
}

/// Says a step at a home; the id of its entry.
fn say(world: &World, home: &str, args: &[&str]) -> String {
    let answer = world.json(&[args, &["--home", home]].concat());
    answer["id"].as_str().expect("an id").to_owned()
}

/// A matter as a home shows it; null while it is not there.
fn show(world: &World, home: &str, kind: &str, id: &str) -> Value {
    let ended = world.run(&[kind, "show", "--home", home, id, "--json"]);
    if ended.code == 0 { ended.json() } else { Value::Null }
}

/// Waits until a home has so many steps of a matter.
fn steps(world: &World, home: &str, (kind, id): (&str, &str), count: usize) -> Value {
    let mut seen = Value::Null;
    eventually(&format!("{count} steps of the {kind} in {home}"), || {
        seen = show(world, home, kind, id);
        seen["steps"].as_array().is_some_and(|steps| steps.len() >= count)
    });
    seen
}

/// The same at both desks, but for whose desk it is.
fn agrees(world: &World, (kind, id): (&str, &str), count: usize) -> Value {
    let shown = HOMES.map(|home| steps(world, home, (kind, id), count));
    let [tokyo, beijing] = shown.clone().map(nobodys);
    assert_eq!(tokyo, beijing);
    let [tokyo, beijing] = shown;
    assert_eq!(
        (&tokyo["waits_for_us"], &tokyo["waits_for_them"]),
        (&beijing["waits_for_them"], &beijing["waits_for_us"])
    );
    tokyo
}

fn nobodys(mut shown: Value) -> Value {
    match &mut shown {
        Value::Object(fields) => {
            ["ours", "own", "waits_for_us", "waits_for_them"]
                .iter()
                .for_each(|key| drop(fields.remove(*key)));
            fields.values_mut().for_each(|value| *value = nobodys(value.take()));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| *value = nobodys(value.take())),
        _ => {}
    }
    shown
}

fn listed(world: &World, home: &str, args: &[&str]) -> Vec<Value> {
    let answer = world.json(&[args, &["--home", home]].concat());
    answer["matters"].as_array().expect("a list").clone()
}

/// What `couloir status` says waits for an answer of this desk.
fn needs(world: &World, home: &str) -> Vec<String> {
    let status = world.json(&["status", "--home", home]);
    let needs = status["needs"].as_array().expect("a list").iter();
    needs.map(|matter| matter["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn a_meeting_is_arranged_by_both_clocks() {
    let (world, _nodes) = talking();
    let plan = [
        ["--window", "2030-10-01T10:00+09:00/2030-10-01T12:00+09:00"],
        ["--window", "2030-10-02T10:00+09:00/2030-10-02T12:00+09:00"],
        ["--place", "霞が関; 東京; Asia/Tokyo"],
        ["--with", "山田; 局長; 日本"],
        ["--point", "航空、路線"],
    ];
    let opened = say(&world, "tokyo", &[&["meeting", "propose", "訪問; 十月"], &plan.concat()[..]].concat());
    let id = ("meeting", opened.as_str());
    let seen = steps(&world, "beijing", id, 1);
    assert_eq!((&seen["state"], &seen["waits_for_us"]), (&json!("proposed"), &json!(true)));
    assert_eq!(needs(&world, "beijing"), [opened.as_str()]);
    let own = world.run(&["meeting", "accept", "--home", "tokyo", &opened, "--window", "1"]);
    assert_eq!(own.code, 3, "{own:?}");
    let counter = [
        "meeting",
        "counter",
        &opened,
        "--place",
        "外交部; 北京; Asia/Shanghai",
        "--embargo",
        "2030-10-03T00:00Z",
    ];
    say(&world, "beijing", &[&counter[..], &["--line", "ja=訪問した", "--line", "zh-Hans=已访问"]].concat());
    steps(&world, "tokyo", id, 2);
    say(&world, "tokyo", &["meeting", "accept", &opened, "--window", "2", "--precedence", "immediate"]);
    let agreed = agrees(&world, id, 3);
    assert_eq!(agreed["state"], "agreed");
    let window = &agreed["meeting"]["agreed"]["window"]["from"];
    assert_eq!(window["at"], "2030-10-02T01:00:00.000Z");
    let clocks = window["clocks"].as_array().expect("clocks").iter();
    let clocks: Vec<String> = clocks.map(|clock| format!("{} {}", clock["place"], clock["time"])).collect();
    assert!(clocks.contains(&"\"Shanghai UTC+8\" \"2030-10-02 09:00\"".to_owned()), "{clocks:?}");
    assert_eq!(needs(&world, "beijing"), Vec::<String>::new());
    for (home, file, more) in [("tokyo", "bare.ics", None), ("beijing", "full.ics", Some("--details"))] {
        let args = ["meeting", "calendar", &opened[..8], "--out", file, "--home", home];
        let with = |level: &'static str| {
            let more = more.into_iter().flat_map(move |details| [details, "--level", level]);
            world.run(&args.into_iter().chain(more).collect::<Vec<_>>())
        };
        // The channel's first conversation is red: its contents go nowhere else.
        assert_eq!(with("amber").code, if more.is_some() { 3 } else { 0 });
        assert_eq!(with("red").code, if more.is_some() { 0 } else { 1 });
    }
    let [bare, full] =
        ["bare.ics", "full.ics"].map(|file| std::fs::read_to_string(world.path(file)).expect("read"));
    assert!(bare.contains("CLASS:PRIVATE\r\n") && bare.contains("DTSTART:20301002T010000Z\r\n"), "{bare}");
    assert!(!bare.contains("訪問") && !bare.contains("外交部") && !bare.contains("航空"), "{bare}");
    assert!(full.contains("航空") && full.contains("北京"), "{full}");
    say(&world, "beijing", &["meeting", "held", &opened, "--at", "2030-10-02T09:05+08:00", "两国"]);
    assert_eq!(agrees(&world, id, 4)["state"], "held");
    assert_eq!(listed(&world, "tokyo", &["meeting", "list"]).len(), 0);
    assert_eq!(listed(&world, "tokyo", &["meeting", "list", "--all"]).len(), 1);
    let wrong = world.run(&["clocks", "--home", "tokyo", "--own", "Tokyo"]);
    assert!(wrong.code == 2 && wrong.stderr.contains("Asia/Tokyo"), "{wrong:?}");
    let zones = ["clocks", "--home", "tokyo", "--own", "Asia/Tokyo", "--theirs", "Asia/Shanghai"];
    assert_eq!(world.json(&zones)["theirs"]["zone"], "Asia/Shanghai");
    let held = &show(&world, "tokyo", "meeting", &opened)["meeting"]["held"]["at"]["clocks"];
    let clock = |number: usize| (held[number]["place"].clone(), held[number]["time"].clone());
    assert_eq!(clock(0), (json!("Tokyo UTC+9"), json!("2030-10-02 10:05")));
    assert_eq!(clock(1), (json!("Shanghai UTC+8"), json!("2030-10-02 09:05")));
}

#[test]
fn a_case_keeps_both_accounts_and_knows_what_is_overdue() {
    let (world, _nodes) = talking();
    let persons: Vec<String> =
        (1..=12).map(|n| format!("山田{n}; YAMADA {n}; 1980-0{}; JP", n % 9 + 1)).collect();
    let mut raise = vec!["case", "raise", "十二名", "--status", "arrested", "--what", "拘束された"];
    persons.iter().for_each(|person| raise.extend(["--person", person]));
    raise.extend(["--clock", "通報; 領事協定8条; 2026-01-01T00:00Z"]);
    let opened = say(&world, "tokyo", &raise);
    let id = ("case", opened.as_str());
    steps(&world, "beijing", id, 1);
    assert_eq!(needs(&world, "beijing"), [opened.as_str()]);
    let eight: Vec<String> = (1..=8).map(|n| n.to_string()).collect();
    let eight: Vec<&str> = eight.iter().flat_map(|n| ["--person", n]).collect();
    say(
        &world,
        "beijing",
        &[&["case", "status", &opened, "indicted", "--since", "2026-11"], &eight[..]].concat(),
    );
    say(&world, "beijing", &[&["case", "answer", &opened, "domestic-law"], &eight[..]].concat());
    let granted = ["case", "answer", &opened, "access-granted", "--person", "9", "--on", "2026-12-01"];
    say(&world, "beijing", &granted);
    let seen = agrees(&world, id, 4);
    assert_eq!(
        seen["case"]["counts"],
        json!([
            { "side": "日本", "by_status": { "arrested": 12 } },
            { "side": "中国", "by_status": { "indicted": 8 } },
        ])
    );
    assert_eq!(
        seen["case"]["persons"][8]["answers"][0],
        json!({
            "stance": "access-granted", "on": "2026-12-01", "text": "", "entry": seen["steps"][3]["entry"],
        })
    );
    assert_eq!((&seen["state"], &seen["case"]["clocks"][0]["overdue"]), (&json!("unanswered"), &json!(true)));
    assert_eq!(listed(&world, "beijing", &["case", "list", "--overdue"])[0]["overdue"], true);
    assert_eq!(listed(&world, "tokyo", &["case", "list"])[0]["detail"]["counts"], json!({ "arrested": 12 }));
    for wrong in [
        &["case", "answer", &opened, "held", "--home", "tokyo"][..],
        &["case", "close", &opened, "--home", "beijing"],
        &["case", "status", &opened, "released", "--person", "13", "--home", "tokyo"],
    ] {
        let refused = world.run(wrong);
        assert_eq!((refused.code, refused.stderr.lines().count()), (3, 1), "{wrong:?}: {refused:?}");
    }
    say(&world, "tokyo", &["case", "add", &opened, "佐藤; SATO", "--remark", "不明"]);
    say(&world, "tokyo", &["case", "met", &opened, "1"]);
    say(&world, "beijing", &["case", "answer", &opened, "under-inquiry"]);
    say(&world, "tokyo", &["case", "access", &opened, "took-place", "--person", "9"]);
    say(&world, "beijing", &["case", "remark", &opened, "已转达"]);
    let seen = steps(&world, "tokyo", id, 9);
    assert_eq!(
        (seen["case"]["persons"].as_array().map(Vec::len), &seen["case"]["clocks"][0]["met"]),
        (Some(13), &json!(true))
    );
    say(&world, "tokyo", &["case", "close", &opened, "解決"]);
    assert_eq!(agrees(&world, id, 10)["state"], "closed");
    assert_eq!((listed(&world, "beijing", &["case", "list"]).len(), needs(&world, "beijing").len()), (0, 0));
}

#[test]
fn a_swap_shows_both_or_none() {
    let (world, nodes) = talking();
    let opened = say(&world, "tokyo", &["swap", "open", "名簿", "--deadline", "2040-01-01T00:00Z"]);
    let id = ("swap", opened.as_str());
    say(&world, "tokyo", &["swap", "commit", &opened, "甲の立場"]);
    let seen = steps(&world, "beijing", id, 2);
    assert_eq!((&seen["state"], &seen["waits_for_us"]), (&json!("committing"), &json!(true)));
    let twice = world.run(&["swap", "commit", "--home", "tokyo", &opened, "別の立場"]);
    assert_eq!(twice.code, 3, "{twice:?}");
    // A crash loses no opening, and nothing is revealed alone.
    let [tokyo, beijing] = nodes;
    tokyo.kill();
    let raised = say(&world, "beijing", &["case", "raise", "名簿", "--person", "王", "--person", "李"]);
    say(&world, "beijing", &["swap", "commit", &opened, "--case", &raised, "--person", "2"]);
    let seen = show(&world, "beijing", "swap", &opened);
    assert_eq!((&seen["state"], &seen["swap"]["shown"]), (&json!("revealing"), &json!([])));
    let late = world.run(&["swap", "abort", "--home", "beijing", &opened]);
    assert_eq!(late.code, 3, "{late:?}");
    let _nodes = [world.serve(&["run", "--home", "tokyo"]), beijing];
    let done = agrees(&world, id, 5);
    assert_eq!(done["state"], "done");
    let shown = done["swap"]["shown"].as_array().expect("what was shown");
    let of = |side: &str| shown.iter().find(|shown| shown["by"]["side"] == side).expect("a side's");
    assert_eq!(of("日本")["text"], "甲の立場");
    assert_eq!(of("中国")["persons"][0]["name"], "李");
    let log = world.run(&["log", "--home", "beijing", "--json"]).stdout;
    assert!(!log.contains("甲の立場"), "{log}");
}

#[test]
fn what_was_revealed_for_a_swap_that_failed_is_shown_nowhere() {
    let (world, [tokyo, _beijing]) = talking();
    let opened = say(&world, "tokyo", &["swap", "open", "名簿", "--deadline", "2040-01-01T00:00Z"]);
    let id = ("swap", opened.as_str());
    world.json(&["backup", "--home", "tokyo", "--out", "backup"]);
    say(&world, "tokyo", &["swap", "commit", &opened, "甲の秘密"]);
    steps(&world, "beijing", id, 2);
    // The backup lacks what Tokyo is bound to, and the peer gives back that it is bound.
    tokyo.kill();
    std::fs::remove_dir_all(world.path("tokyo")).expect("removed");
    world.json(&["restore", "backup", "--home", "tokyo"]);
    let _tokyo = world.serve(&["run", "--home", "tokyo"]);
    steps(&world, "tokyo", id, 2);
    say(&world, "beijing", &["swap", "commit", &opened, "乙の秘密"]);
    // Beijing's node reveals; Tokyo's cannot, and says so.
    let off = agrees(&world, id, 5);
    assert_eq!((&off["state"], &off["swap"]["off"]["how"]), (&json!("off"), &json!("aborted")));
    let steps = off["steps"].as_array().expect("steps");
    let revealed = steps.iter().find(|step| step["act"] == "reveal").expect("a reveal");
    let entry = revealed["entry"].as_str().expect("an id");
    for home in HOMES {
        let shown = world.page(
            home,
            &["thread", "swaps", &format!("swaps?id={opened}"), &format!("entry?id={entry}"), "desk"],
        );
        let told = [
            world.run(&["log", "--home", home, "--json"]).stdout,
            world.run(&["swap", "show", "--home", home, &opened, "--json"]).stdout,
            world.run(&["search", "--home", home, "秘密", "--json"]).stdout,
            shown,
        ];
        assert!(told.iter().all(|told| !told.contains("の秘密")), "{home}: {told:?}");
        let saved = world.run(&["save", "--home", home, entry, "--out", "saved"]);
        assert!(saved.code != 0 && !world.path("saved").exists(), "{saved:?}");
    }
}

#[test]
fn a_swap_whose_deadline_passes_is_off_at_both_desks() {
    let (world, _nodes) = talking();
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(4);
    let opened = say(&world, "tokyo", &["swap", "open", "立場", "--deadline", &soon.to_string()]);
    say(&world, "tokyo", &["swap", "commit", &opened, "秘密の立場"]);
    let mut off = Value::Null;
    eventually("the word that it is off in Beijing", || {
        off = show(&world, "beijing", "swap", &opened);
        off["swap"]["off"]["how"] == "aborted"
    });
    assert_eq!((&off["state"], &off["swap"]["shown"]), (&json!("off"), &json!([])));
    let late = world.run(&["swap", "commit", "--home", "beijing", &opened, "乙"]);
    assert_eq!(late.code, 3, "{late:?}");
    for home in HOMES {
        let log = world.run(&["log", "--home", home, "--json"]).stdout;
        assert!(!log.contains("秘密の立場"), "{log}");
    }
}

#[test]
fn a_public_line_is_not_public_before_its_time() {
    let (world, _nodes) = talking();
    let propose =
        ["announcement", "propose", "訪問", "--text", "ja=外相が訪問した", "--embargo", "2035-01-01T00:00Z"];
    let opened = say(&world, "tokyo", &propose);
    let id = ("announcement", opened.as_str());
    steps(&world, "beijing", id, 1);
    assert_eq!(needs(&world, "beijing"), [opened.as_str()]);
    let texts = ["--text", "ja=外相は訪問した", "--text", "zh-Hans=外长访问了"];
    say(&world, "beijing", &[&["announcement", "counter", &opened], &texts[..]].concat());
    steps(&world, "tokyo", id, 2);
    say(&world, "tokyo", &["announcement", "agree", &opened]);
    let agreed = agrees(&world, id, 3);
    assert_eq!((&agreed["state"], &agreed["announcement"]["too_early"]), (&json!("agreed"), &json!(true)));
    let published = ["announcement", "published", &opened, "--at", "2034-12-31T23:00Z", "--where", "会見"];
    let early = world.run(&[&published[..], &["--home", "beijing"]].concat());
    assert_eq!(early.code, 3, "{early:?}");
    say(&world, "beijing", &[&published[..], &["--early"]].concat());
    assert_eq!(agrees(&world, id, 4)["announcement"]["published"]["early"], true);
}

/// `testdata/calendar/reader.py` reads the same files with software that shares no code with ours.
#[test]
fn the_calendars_of_a_meeting_are_those_that_others_read() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/calendar");
    let read = |name: &str| std::fs::read_to_string(format!("{folder}/{name}")).expect("read");
    let meeting = serde_json::from_str(&read("meeting.json")).expect("a meeting");
    for (detail, name) in [(Detail::Bare, "bare.ics"), (Detail::Full, "full.ics")] {
        assert_eq!(calendar(&meeting, detail).expect("a calendar"), read(name), "{detail:?}");
    }
}
