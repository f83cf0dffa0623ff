//! Something new is told without content, who holds a post is shown, and nothing half written is taken away.

use couloir_desk_tests::{Browser, Home, Offices, Wish, eventually};
use serde_json::json;

/// Keeps what the page tells instead of showing and sounding it.
const LISTEN: &str = "window.told = []; window.pitches = []; document.hasFocus = () => false; \
    window.Notification = class { static permission = 'granted'; \
        constructor(...words) { told.push(words); } }; \
    const make = AudioContext.prototype.createOscillator; \
    AudioContext.prototype.createOscillator = function () { \
        const tone = make.call(this); const start = tone.start; \
        tone.start = (at) => { pitches.push(tone.frequency.value); start.call(tone, at); }; return tone; }";

async fn heard(browser: &Browser, count: usize) -> serde_json::Value {
    eventually("something is told", || async {
        let told = browser.script("return [told, pitches.splice(0)]", vec![]).await;
        (told[0].as_array().is_some_and(|told| told.len() == count)).then_some(told)
    })
    .await
}

#[tokio::test]
async fn something_new_is_told_without_content_and_heard_by_its_precedence() {
    let offices = Offices::verified(&[]);
    let tokyo = Browser::at(Wish::speaking("en"), &offices.link(Home::Tokyo)).await;
    tokyo.page("desk").await;
    tokyo.script(LISTEN, vec![]).await;
    offices.json(&["send", "--home", "beijing", "秘密の用件"]);
    tokyo.reads("#now", "秘密の用件").await;
    // Nobody asked for it.
    assert_eq!(tokyo.script("return [told, pitches]", vec![]).await, json!([[], []]));
    tokyo.page("settings").await;
    tokyo.press("input[name=notify]").await;
    tokyo.press("input[name=sound]").await;
    tokyo.press(".buttons button.main").await;
    tokyo.see("input[name=notify]:checked").await;
    tokyo.page("desk").await;
    tokyo.script(LISTEN, vec![]).await;
    let plain = json!([["Couloir: something new", { "tag": "couloir" }]]);
    offices.json(&["send", "--home", "beijing", "第二の用件"]);
    let routine = heard(&tokyo, 1).await;
    assert_eq!(routine[0], plain);
    tokyo.script("told.length = 0", vec![]).await;
    offices.json(&["send", "--home", "beijing", "--precedence", "flash", "--yes", "第三の用件"]);
    let flash = heard(&tokyo, 1).await;
    assert_eq!(flash[0], plain);
    let pitches = |told: &serde_json::Value| told[1].as_array().expect("pitches").len();
    assert!(pitches(&routine) == 1 && pitches(&flash) > 2, "{routine} {flash}");
    // What this desk says itself, and a drill, are no news.
    offices.json(&["send", "--home", "tokyo", "こちらから"]);
    tokyo.reads("#now", "こちらから").await;
    assert_eq!(tokyo.script("return [told.length, pitches]", vec![]).await, json!([1, []]));
}

#[tokio::test]
async fn who_holds_a_post_since_when_is_one_press_away_and_a_drill_looks_like_nothing_else() {
    let offices = Offices::verified(&[]);
    let tokyo = Browser::at(Wish::speaking("ja"), &offices.link(Home::Tokyo)).await;
    tokyo.press("#line a.holder").await;
    tokyo.reads("h1", "職の担当者").await;
    tokyo.reads("#holders", "联络处处长").await;
    tokyo.reads("#holders", "連絡課長").await;
    tokyo.see("#holders .row time").await;
    let signets = "return new Set([...document.querySelectorAll('#holders .digest')].map((each) => each.textContent)).size";
    assert_eq!(tokyo.script(signets, vec![]).await, json!(2));
    offices.json(&["drill", "--home", "tokyo"]);
    tokyo.page("routes").await;
    tokyo.reads(".drill .drill-word", "訓練").await;
    tokyo.picture("routes-drill-ja").await;
    assert_eq!(tokyo.barriers().await, json!([]));
}

#[tokio::test]
async fn without_scripts_nothing_half_written_is_taken_away_and_other_pages_lock() {
    let offices = Offices::met(&["--page-idle", "10s"]);
    let silent = Wish { language: "en", scripts: false };
    let [writing, reading] = [Browser::start(silent).await, Browser::start(silent).await];
    for browser in [&writing, &reading] {
        browser.goto(&offices.link(Home::Tokyo)).await;
        browser.see("header .posture").await;
    }
    writing.page("thread").await;
    writing.fill("#text", "half written").await;
    // It has been idle for longer when the other page is seen to be locked, by a refresh of its own.
    reading.page("routes").await;
    reading.reads(".door h1", "Locked").await;
    writing.reads(".unlocked", "Lock it when you leave").await;
    writing.press("#say button.main").await;
    writing.reads(".door", "kept as a draft").await;
}
