//! Every page: accessible in both themes, narrow, printed, light in weight; with pictures.

use couloir_desk_tests::{Browser, Home, Offices, Wish, eventually};
use serde_json::{Value, json};

const PAGES: [&str; 17] = [
    "holders",
    "release",
    "meetings",
    "cases",
    "swaps",
    "announcements",
    "reports",
    "record",
    "desk",
    "conversations",
    "thread",
    "search?q=会",
    "routes",
    "phrase",
    "settings",
    "keys",
    "guide",
];
const BUNDLE: &str = r#"{"type": "bundle", "id": "bundle--44af6c39-c09b-49c5-9de2-394224b04982", "objects": [
  {"type": "threat-actor", "spec_version": "2.1", "id": "threat-actor--8e2e2d2b-17d4-4cbf-938f-000000000001", "name": "影",
   "object_marking_refs": ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]},
  {"type": "indicator", "spec_version": "2.1", "id": "indicator--8e2e2d2b-17d4-4cbf-938f-000000000002", "name": "C2 192.0.2.1",
   "object_marking_refs": ["marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"]},
  {"type": "relationship", "spec_version": "2.1", "id": "relationship--8e2e2d2b-17d4-4cbf-938f-000000000003",
   "relationship_type": "indicates", "source_ref": "indicator--8e2e2d2b-17d4-4cbf-938f-000000000002",
   "target_ref": "threat-actor--8e2e2d2b-17d4-4cbf-938f-000000000001",
   "object_marking_refs": ["marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"]}]}"#;

/// Every page; of those that show one thing, one.
fn pages(offices: &Offices) -> Vec<String> {
    let listed = offices.json(&["conversation", "list", "--home", "tokyo"]);
    let talk = listed["conversations"][1]["id"].as_str().expect("an id").to_owned();
    let log = offices.json(&["send", "--home", "tokyo", "--conversation", &talk, "十月末までに。"]);
    let named = [
        format!("thread?conversation={talk}&as=talk"),
        format!("entry?id={}", log["id"].as_str().expect("an id")),
    ];
    PAGES.iter().map(|page| (*page).to_owned()).chain(named).chain(matters(offices)).collect()
}

/// One of each kind, as the other desk sees it or this one.
fn matters(offices: &Offices) -> Vec<String> {
    let named = |kind: &str| {
        let listed = offices.json(&[kind, "list", "--all", "--home", "tokyo"]);
        format!("{kind}s?id={}&as={kind}", listed["matters"][0]["id"].as_str().expect("an id"))
    };
    ["meeting", "case", "swap", "announcement", "report"].map(named).into()
}

/// A matter of each kind, with something to answer in it.
async fn arrange(offices: &Offices) {
    let say = |words: &[&str]| offices.json(words)["id"].as_str().expect("an id").to_owned();
    let bundle = offices.file("bundle.json", BUNDLE.as_bytes());
    let bundle = bundle.to_str().expect("UTF-8");
    say(&["report", "share", "--home", "beijing", bundle, "--title", "两届赛事的安保"]);
    let plan = [
        ["--window", "2030-10-01T10:00+09:00/2030-10-01T12:00+09:00"],
        ["--window", "2030-10-02T10:00+09:00/2030-10-02T12:00+09:00"],
        ["--place", "釣魚台国賓館; 北京; Asia/Shanghai"],
        ["--with", "山田; 局長; 日本"],
        ["--point", "航空路線の再開"],
        ["--line", "ja=双方は会談した。"],
        ["--embargo", "2030-10-03T00:00Z"],
    ];
    say(&[&["meeting", "propose", "--home", "beijing", "局长级会晤"], &plan.concat()[..]].concat());
    let case = [
        ["--person", "山田太郎; YAMADA Taro; 1980-05-17; JP"],
        ["--person", "佐藤花子; SATO Hanako; 1985; JP"],
        ["--status", "arrested"],
        ["--what", "青島で拘束されたとの連絡"],
        ["--clock", "領事通報; 領事協定第八条; 2026-01-05T00:00Z"],
    ];
    let case = say(&[&["case", "raise", "--home", "tokyo", "邦人二名の拘束"], &case.concat()[..]].concat());
    say(&["swap", "open", "--home", "beijing", "人员名单", "--deadline", "2040-01-01T00:00Z"]);
    let line = [
        "--text",
        "ja=外相が訪問した。",
        "--text",
        "zh-Hans=外长进行了访问。",
        "--embargo",
        "2035-01-01T00:00Z",
    ];
    say(&[&["announcement", "propose", "--home", "beijing", "访问"], &line[..]].concat());
    eventually("the case at the other desk", || async {
        offices.texts(Home::Beijing).iter().any(|text| text == "邦人二名の拘束").then_some(())
    })
    .await;
    say(&[
        "case",
        "status",
        "--home",
        "beijing",
        &case,
        "indicted",
        "--person",
        "1",
        "--since",
        "2026-11-20",
    ]);
    say(&["case", "answer", "--home", "beijing", &case, "domestic-law", "--person", "1"]);
}

/// A conversation with everything that can be said in one.
fn talk_about(offices: &Offices) {
    let say = |words: &[&str]| offices.json(words)["id"].as_str().expect("an id").to_owned();
    say(&["conversation", "open", "--home", "tokyo", "国会議員団の訪問", "--marking", "amber+strict"]);
    let first = say(&[
        "send",
        "--home",
        "tokyo",
        "--conversation",
        "国会議員団の訪問",
        "--lang",
        "ja",
        "一行は七名です。査証の手続は十月初旬に始めたく存じます。",
    ]);
    say(&[
        "send",
        "--home",
        "tokyo",
        "--reply-to",
        &first,
        "--quote",
        "十月初旬",
        "遅くとも十月十日に願います。",
    ]);
    say(&["edit", "--home", "tokyo", &first, "一行は八名です。査証の手続は十月初旬に始めたく存じます。"]);
    let into = ["translate", "--home", "tokyo", &first, "--lang", "zh-Hans", "--rendering", "official"];
    say(&[&into[..], &["--by", "外務省", "一行八人。拟于十月初开始办理签证。"]].concat());
    let wrong = say(&["send", "--home", "tokyo", "--conversation", "国会議員団の訪問", "別件"]);
    say(&["withdraw", "--home", "tokyo", &wrong]);
}

/// Two desks with something on them.
async fn furnished() -> Offices {
    let offices = Offices::verified(&[]);
    talk_about(&offices);
    arrange(&offices).await;
    let say = |home: Home, words: &[&str]| {
        offices.json(&[&["send", "--home", home.name()], words].concat());
    };
    say(
        Home::Tokyo,
        &[
            "会合の日程につき、貴方のご意向をお聞かせください。\n来月十日の週であれば、双方三名までで可能です。",
        ],
    );
    say(Home::Beijing, &["来函收悉。十二月十日当周可行，建议会面三小时，地点另议。"]);
    say(
        Home::Tokyo,
        &[
            "--precedence",
            "immediate",
            "東京側の参加者は三名です。会場の入口について、明日正午までにご連絡ください。",
        ],
    );
    let path = offices.file("参加者名簿.pdf", &[7; 40_000]);
    say(Home::Tokyo, &["--file", path.to_str().expect("UTF-8")]);
    say(Home::Beijing, &["--precedence", "priority", "名单收到。我方三人名单明早送上。"]);
    say(Home::Beijing, &["The interpreter will be with our side, as agreed."]);
    let say =
        ["statement", "say", "--home", "beijing", "--asks", "agree", "--yes", "--title", "zh-Hans=共同发布"];
    let texts = [
        "--text",
        "zh-Hans=双方将于十月举行会谈。",
        "--title",
        "ja=共同発表",
        "--text",
        "ja=双方は十月に会談を行う。",
    ];
    offices.json(&[&say[..], &texts].concat());
    offices.json(&["desk", "--home", "beijing", "here"]);
    offices.json(&["desk", "--home", "tokyo", "here"]);
    offices
}

async fn at_home(offices: &Offices, home: Home, language: &'static str) -> Browser {
    let browser = Browser::at(Wish::speaking(language), &offices.link(home)).await;
    let settings = match home {
        Home::Tokyo => [("calendar", "japanese"), ("zone", "Asia/Tokyo"), ("their-zone", "Asia/Shanghai")],
        Home::Beijing => [("calendar", "gregory"), ("zone", "Asia/Shanghai"), ("their-zone", "Asia/Tokyo")],
    };
    let keep = "const done = arguments[1]; \
        fetch('settings', { method: 'POST', body: new URLSearchParams(arguments[0]) }).then(() => done(1))";
    browser.script_later(keep, vec![json!(settings)]).await;
    browser
}

#[tokio::test]
async fn every_page_is_accessible_in_both_themes_and_every_language() {
    let offices = furnished().await;
    let pages = pages(&offices);
    let desks = [(Home::Tokyo, "ja"), (Home::Beijing, "zh-CN"), (Home::Tokyo, "en")];
    for (home, language) in desks {
        let browser = at_home(&offices, home, language).await;
        for page in &pages {
            browser.page(page).await;
            for theme in ["light", "dark"] {
                browser.set_theme(theme).await;
                assert_eq!(browser.barriers().await, json!([]), "{page} {language} {theme}");
                let plain = page.split('?').next().unwrap_or(page);
                let name = page.rsplit_once("&as=").map_or(plain, |(_, name)| name);
                browser.picture(&format!("{name}-{language}-{theme}")).await;
            }
        }
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn every_page_fits_a_narrow_window_and_weighs_little() {
    let offices = furnished().await;
    let browser = at_home(&offices, Home::Tokyo, "ja").await;
    // 1280 pixels at 400 %.
    browser.set_size(320, 640).await;
    for page in &pages(&offices) {
        browser.page(page).await;
        let wide = browser.script("return document.documentElement.scrollWidth", vec![]).await;
        assert!(wide.as_u64().is_some_and(|wide| wide <= 320), "{page} is {wide} wide");
        let weight = "const done = arguments[0]; \
            Promise.all([location.href, 'desk.css', 'desk.js', 'icon.svg'].map((name) => \
                fetch(name).then((answer) => answer.arrayBuffer()))).then((all) => \
                done(all.reduce((sum, each) => sum + each.byteLength, 0)))";
        let octets = browser.script_later(weight, vec![]).await;
        assert!(octets.as_u64().is_some_and(|octets| octets < 150_000), "{page} weighs {octets}");
    }
    browser.page("thread").await;
    browser.picture("thread-narrow").await;
    browser.page("conversations").await;
    browser.picture("conversations-narrow").await;
}

#[tokio::test]
async fn keys_and_the_palette_go_anywhere() {
    let offices = Offices::met(&[]);
    let browser = Browser::at(Wish::speaking("en"), &offices.link(Home::Tokyo)).await;
    browser.fill("body", "?").await;
    browser.reads("h1", "Keys").await;
    browser.fill("body", "gr").await;
    browser.reads("h1", "Routes").await;
    let control_k =
        json!({ "type": "keyDown", "modifiers": 2, "key": "k", "code": "KeyK", "windowsVirtualKeyCode": 75 });
    browser.tell("Input.dispatchKeyEvent", control_k).await;
    browser.see("#palette[open]").await;
    browser.fill("#palette-text", "verif\n").await;
    browser.reads("h1", "Verification").await;
    let still: Value =
        browser.script("return document.querySelectorAll('dialog[open]').length", vec![]).await;
    assert_eq!(still, 0);
}
