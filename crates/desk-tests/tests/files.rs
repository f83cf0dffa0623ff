//! What goes up and what is taken out: without metadata, never stricter than where it goes, always to be kept and never shown.

use couloir_desk_tests::{Browser, Home, Offices, Wish, eventually};
use serde_json::{Value, json};

/// A picture that tells who took it, and where.
fn photograph() -> Vec<u8> {
    let segment = |marker: u8, contents: &[u8]| {
        let len = u16::try_from(contents.len() + 2).expect("short").to_be_bytes();
        [&[0xFF, marker], &len[..], contents].concat()
    };
    [
        vec![0xFF, 0xD8],
        segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\0\0 35.6812N 139.7671E"),
        segment(0xFE, b"by Yamada"),
        segment(0xC0, b"frame"),
        segment(0xDA, b"scan"),
        vec![1, 2, 3, 0xFF, 0xD9],
        b"behind".to_vec(),
    ]
    .concat()
}

async fn send(browser: &Browser, path: &std::path::Path) {
    browser.page("thread").await;
    browser.press(".attach summary").await;
    browser.fill("#file", path.to_str().expect("UTF-8")).await;
    browser.see("#carriers td.this:not([hidden])").await;
}

#[tokio::test]
async fn a_photograph_leaves_without_what_it_tells_and_the_page_says_so_before_and_after() {
    let offices = Offices::verified(&[]);
    let tokyo = Browser::at(Wish::speaking("en"), &offices.link(Home::Tokyo)).await;
    send(&tokyo, &offices.file("visit.jpg", &photograph())).await;
    tokyo.reads("#of-file", "Metadata will be taken out").await;
    tokyo.reads("#carriers td.this", " s").await;
    tokyo.reads("#carriers caption", "1 GiB").await;
    tokyo.picture("attach-en").await;
    assert_eq!(tokyo.barriers().await, json!([]));
    tokyo.press(".attach button").await;
    tokyo.reads("#metadata", "was taken out").await;
    send(&tokyo, &offices.file("list.pdf", b"%PDF-1.7 by Yamada")).await;
    tokyo.reads("#of-file", "cannot be taken out").await;
    tokyo.press(".attach button").await;
    tokyo.reads("#metadata", "cannot be taken out").await;
    eventually("both files at the other desk", || async {
        (offices.texts(Home::Beijing).len() == 2).then_some(())
    })
    .await;
    let saved = offices.path("saved.jpg");
    let save = ["save", "--home", "beijing", "1A", "--out", saved.to_str().expect("UTF-8")];
    eventually("the file is whole", || async { offices.try_json(&save) }).await;
    let saved = std::fs::read(saved).expect("read");
    for telling in [&b"35.6812N"[..], b"Yamada", b"behind"] {
        assert!(!saved.windows(telling.len()).any(|part| part == telling));
    }
    assert!(saved.ends_with(&[1, 2, 3, 0xFF, 0xD9]));
}

/// What the server answers to a form: status, how it is to be taken, media type, whether it may be stored, its SHA-256, its text.
async fn take(browser: &Browser, act: &str, fields: &Value) -> Value {
    let take = "const done = arguments[2]; \
        fetch(arguments[0], { method: 'POST', body: new URLSearchParams(arguments[1]) }).then(async (answer) => { \
            const octets = await answer.arrayBuffer(); \
            const hash = [...new Uint8Array(await crypto.subtle.digest('SHA-256', octets))]; \
            done([answer.status, answer.headers.get('content-disposition'), answer.headers.get('content-type'), \
                answer.headers.get('cache-control'), hash.map((each) => each.toString(16).padStart(2, '0')).join(''), \
                new TextDecoder().decode(octets)]); })";
    browser.script_later(take, vec![json!(act), fields.clone()]).await
}

fn assert_to_be_kept(taken: &Value, name: &str) {
    let disposition = taken[1].as_str().unwrap_or_default();
    assert!(
        taken[0] == 200 && disposition.starts_with("attachment;") && disposition.contains(name),
        "{taken}"
    );
    assert_eq!(taken[3], "no-store");
}

#[tokio::test]
async fn a_meeting_goes_into_a_calendar_bare_or_no_stricter_than_where_it_goes() {
    let offices = Offices::verified(&[]);
    let window = ["--window", "2030-10-01T10:00+09:00/2030-10-01T12:00+09:00"];
    let propose = ["meeting", "propose", "--home", "tokyo", "Secret visit", "--place", "A; B; Asia/Tokyo"];
    let id = offices.json(&[&propose[..], &window].concat())["id"].clone();
    let tokyo = Browser::at(Wish::speaking("en"), &offices.link(Home::Tokyo)).await;
    tokyo.page(&format!("meetings?id={}", id.as_str().expect("an id"))).await;
    tokyo.see("#take-calendar").await;
    let bare = take(&tokyo, "take-calendar", &json!([["id", id], ["as", "bare"]])).await;
    assert_to_be_kept(&bare, ".ics");
    let text = bare[5].as_str().unwrap_or_default();
    assert!(text.contains("BEGIN:VCALENDAR") && !text.contains("Secret"), "{text}");
    // The channel's first conversation is for those who read it there.
    let wide = take(&tokyo, "take-calendar", &json!([["id", id], ["as", "full"], ["level", "amber"]])).await;
    assert!(wide[0] == 403 && wide[1].is_null(), "{wide}");
    let full = take(&tokyo, "take-calendar", &json!([["id", id], ["as", "full"], ["level", "red"]])).await;
    assert_to_be_kept(&full, ".ics");
    assert!(full[5].as_str().unwrap_or_default().contains("Secret visit"));
}

#[tokio::test]
async fn the_record_is_taken_out_as_the_evidence_that_the_command_writes_and_on_paper() {
    let offices = Offices::verified(&[]);
    let say = [
        "statement",
        "say",
        "--home",
        "tokyo",
        "--yes",
        "--title",
        "ja=共同発表",
        "--text",
        "ja=会談を行う。",
    ];
    offices.json(&say);
    let tokyo = Browser::at(Wish::speaking("ja"), &offices.link(Home::Tokyo)).await;
    tokyo.page("record").await;
    tokyo.see("#take-record").await;
    let wide =
        take(&tokyo, "take-record", &json!([["conversation", ""], ["as", "evidence"], ["level", "green"]]))
            .await;
    assert!(wide[0] == 403 && wide[1].is_null(), "{wide}");
    let unsaid =
        take(&tokyo, "take-record", &json!([["conversation", ""], ["as", "evidence"], ["level", ""]])).await;
    assert_eq!(unsaid[0], 422);
    let evidence =
        take(&tokyo, "take-record", &json!([["conversation", ""], ["as", "evidence"], ["level", "red"]]))
            .await;
    assert_to_be_kept(&evidence, ".record");
    let export = ["record", "export", "--home", "tokyo", "--level", "red", "evidence.record"];
    assert_eq!(evidence[4], offices.json(&export)["sha256"]);
    let paper =
        take(&tokyo, "take-record", &json!([["conversation", ""], ["as", "pdf"], ["level", "red"]])).await;
    assert_to_be_kept(&paper, ".pdf");
    assert!(paper[2] == "application/pdf" && paper[5].as_str().unwrap_or_default().starts_with("%PDF-"));
}

#[tokio::test]
async fn a_report_of_theirs_leaves_no_stricter_than_where_it_goes_and_they_are_told() {
    let offices = Offices::verified(&[]);
    let path = offices.file("bundle.json", BUNDLE.as_bytes());
    offices.json(&["report", "share", "--home", "beijing", path.to_str().expect("UTF-8"), "--title", "安保"]);
    let tokyo = Browser::at(Wish::speaking("ja"), &offices.link(Home::Tokyo)).await;
    tokyo.page("reports").await;
    tokyo.press("#matters a.row").await;
    tokyo.see("#take-report").await;
    let id = tokyo.attr("#take-report input[name=id]", "value").await;
    let wide = take(&tokyo, "take-report", &json!([["id", id], ["to", "警察庁"], ["level", "green"]])).await;
    assert!(wide[0] == 403 && wide[1].is_null(), "{wide}");
    assert!(!tokyo.text("#matter").await.contains("警察庁"));
    let taken = take(&tokyo, "take-report", &json!([["id", id], ["to", "警察庁"], ["level", "amber"]])).await;
    assert_to_be_kept(&taken, ".json");
    assert!(taken[5].as_str().unwrap_or_default().contains("影"));
    let beijing = Browser::at(Wish::speaking("zh-CN"), &offices.link(Home::Beijing)).await;
    beijing.page(&format!("reports?id={}", id.expect("an id"))).await;
    beijing.reads("#matter", "警察庁").await;
}

#[tokio::test]
async fn a_report_of_theirs_is_passed_on_where_its_marking_goes_and_they_are_told() {
    let offices = Offices::verified(&[]);
    for (subject, marking) in [("広報", "green"), ("警備", "amber+strict")] {
        offices.json(&["conversation", "open", "--home", "tokyo", subject, "--marking", marking]);
    }
    let path = offices.file("bundle.json", BUNDLE.as_bytes());
    offices.json(&["report", "share", "--home", "beijing", path.to_str().expect("UTF-8"), "--title", "安保"]);
    let tokyo = Browser::at(Wish::speaking("ja"), &offices.link(Home::Tokyo)).await;
    tokyo.page("reports").await;
    tokyo.press("#matters a.row").await;
    tokyo.see("#forward-to").await;
    let theirs = tokyo.address().await;
    pass_on(&tokyo, "広報").await;
    tokyo.reads("main", "TLP:AMBER, and").await;
    tokyo.goto(&theirs).await;
    assert!(!tokyo.text("#matter").await.contains("広報"));
    pass_on(&tokyo, "警備").await;
    tokyo.reads("#matter h1", "安保").await;
    assert_ne!(tokyo.address().await, theirs);
    tokyo.reads("#objects-title .tlp", "TLP:AMBER").await;
    tokyo.goto(&theirs).await;
    tokyo.reads("#matter", "警備").await;
    tokyo.picture("report-passed-on-ja").await;
    let beijing = Browser::at(Wish::speaking("zh-CN"), &offices.link(Home::Beijing)).await;
    let theirs = theirs.rsplit('/').next().expect("a page").to_owned();
    beijing.page(&theirs).await;
    beijing.reads("#matter", "警備").await;
}

/// Passes on the report that is shown in the conversation with that subject.
async fn pass_on(browser: &Browser, subject: &str) {
    browser.press(".act-form:has(#forward-to) summary").await;
    let choose = "const field = document.querySelector('#forward-to'); \
        field.value = [...field.options].find((each) => each.text === arguments[0]).value";
    browser.script(choose, vec![json!(subject)]).await;
    browser.press(".act-form:has(#forward-to) button").await;
}

#[tokio::test]
async fn files_wait_while_a_person_pauses_them_and_what_is_written_does_not() {
    let offices = Offices::verified(&[]);
    offices.json(&["file", "pause", "--home", "tokyo"]);
    let tokyo = Browser::at(Wish::speaking("en"), &offices.link(Home::Tokyo)).await;
    send(&tokyo, &offices.file("list.bin", &[7; 30_000])).await;
    tokyo.press(".attach button").await;
    tokyo.reads(".letter.own .hold", "paused").await;
    offices.json(&["send", "--home", "tokyo", "The list follows."]);
    // Both entries are there, and have been for as long as a file would take.
    eventually("what was written, there", || async {
        offices.texts(Home::Beijing).iter().any(|text| text == "The list follows.").then_some(())
    })
    .await;
    offices.json(&["drill", "--home", "tokyo"]);
    let saved = offices.path("saved.bin");
    let save = ["save", "--home", "beijing", "1A", "--out", saved.to_str().expect("UTF-8")];
    assert!(offices.try_json(&save).is_none());
    assert_eq!(offices.json(&["status", "--home", "tokyo"])["files"][0]["held"], true);
    tokyo.press(".hold button").await;
    eventually("the file is whole", || async { offices.try_json(&save) }).await;
    assert_eq!(std::fs::read(saved).expect("read"), [7; 30_000]);
}

/// One object, TLP:AMBER.
const BUNDLE: &str = r#"{"type": "bundle", "id": "bundle--44af6c39-c09b-49c5-9de2-394224b04982", "objects": [
      {"type": "threat-actor", "spec_version": "2.1", "id": "threat-actor--8e2e2d2b-17d4-4cbf-938f-000000000001", "name": "影",
       "object_marking_refs": ["marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"]}]}"#;
