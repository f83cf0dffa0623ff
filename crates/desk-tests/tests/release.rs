//! Two persons at one post: what one drafts leaves when the other releases it, on the page.

use couloir_desk_tests::{Browser, Home, Offices, Wish, eventually};
use serde_json::{Value, json};

const PERSONS: [&str; 2] = ["山田", "佐藤"];

async fn put(browser: &Browser, css: &str, text: &str) {
    browser.see(css).await;
    let set = "document.querySelector(arguments[0]).value = arguments[1]";
    browser.script(set, vec![json!(css), json!(text)]).await;
}

/// Writes into the composer and sends it; what is sent waits.
async fn draft(browser: &Browser, text: &str, precedence: &str) {
    browser.page("thread").await;
    put(browser, "#text", text).await;
    put(browser, "#precedence", precedence).await;
    browser.press("#say button.main").await;
    if precedence == "flash" {
        browser.press(".ask button.main").await;
    }
    browser.see(".kept").await;
}

/// What the server answers to a form that the page does not offer.
async fn post(browser: &Browser, act: &str, number: u32) -> Value {
    let send = "const done = arguments[2]; \
        fetch(arguments[0], { method: 'POST', body: new URLSearchParams({ number: arguments[1], sure: 'yes' }) }) \
            .then((answer) => done(answer.status))";
    browser.script_later(send, vec![json!(act), json!(number)]).await
}

async fn come_in(offices: &Offices, person: &str) -> Browser {
    Browser::at(Wish::speaking("ja"), &offices.link_of(person)).await
}

async fn shown_in_beijing(offices: &Offices, texts: &[&str]) {
    eventually("what was released, there", || async {
        (offices.texts(Home::Beijing) == texts).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_one_person_writes_leaves_when_the_other_releases_it() {
    let offices = Offices::of_persons(&PERSONS);
    let [yamada, sato] = [come_in(&offices, PERSONS[0]).await, come_in(&offices, PERSONS[1]).await];
    sato.page("desk").await;
    draft(&yamada, "十月十日でいかがでしょうか。", "routine").await;
    yamada.reads("#draft-1", "あなたの起案です").await;
    assert!(!yamada.sees("form[action=draft-release]").await);
    assert_eq!(post(&yamada, "draft-release", 1).await, 403);
    // The other person's first glance learns of it by itself, and leads there.
    sato.reads(".waiting", "決裁を待つ起案").await;
    sato.press(".waiting a").await;
    sato.reads("#draft-1", "十月十日でいかがでしょうか。").await;
    sato.reads("#draft-1 .readers", "联络处处长").await;
    sato.picture("release-ja").await;
    assert_eq!(sato.barriers().await, json!([]));
    assert!(offices.texts(Home::Tokyo).is_empty());
    sato.press("#draft-1 button.main").await;
    sato.reads("#letters", "十月十日でいかがでしょうか。").await;
    shown_in_beijing(&offices, &["十月十日でいかがでしょうか。"]).await;
    yamada.see("#drafts .empty").await;
}

#[tokio::test]
async fn flash_and_the_record_are_asked_for_again_and_what_is_refused_says_why() {
    let offices = Offices::of_persons(&PERSONS);
    let [yamada, sato] = [come_in(&offices, PERSONS[0]).await, come_in(&offices, PERSONS[1]).await];
    draft(&yamada, "直ちに", "flash").await;
    yamada.page("record").await;
    yamada.press("form[action=record-write] button").await;
    for (field, text) in [("#lang-1", "ja"), ("#title-1", "共同発表"), ("#text-1", "双方は会談を行う。")]
    {
        put(&yamada, field, text).await;
    }
    yamada.press(".composer-record button.seal").await;
    yamada.press(".ask button.seal").await;
    yamada.see("#draft-2").await;
    sato.page("release").await;
    sato.press("#draft-1 button.main").await;
    sato.see(".ask").await;
    assert!(offices.texts(Home::Tokyo).is_empty());
    sato.press(".ask button.main").await;
    shown_in_beijing(&offices, &["直ちに"]).await;
    sato.page("release").await;
    sato.press("#draft-2 button.main").await;
    sato.see(".ask.on-record").await;
    assert_eq!(sato.barriers().await, json!([]));
    assert_eq!(offices.json(&["record", "show", "--home", "tokyo"])["total"], 0);
    sato.page("release").await;
    sato.press("#draft-2 summary").await;
    sato.fill("#why-2", "日付が未定です").await;
    sato.press("form[action=draft-refuse] button").await;
    yamada.page("release").await;
    yamada.reads("#draft-2 .warn", "佐藤").await;
    yamada.reads("#draft-2 .warn", "日付が未定です").await;
    assert_eq!(post(&sato, "draft-release", 2).await, 403);
    assert_eq!(offices.json(&["record", "show", "--home", "tokyo"])["total"], 0);
    yamada.press("form[action=draft-drop] button").await;
    yamada.see("#drafts .empty").await;
}

#[tokio::test]
async fn a_file_waits_too_and_whoever_is_nobody_sends_nothing() {
    let offices = Offices::of_persons(&PERSONS);
    let nobody = Browser::at(Wish::speaking("ja"), &offices.link(Home::Tokyo)).await;
    nobody.page("thread").await;
    nobody.reads("#write .warn code", "couloir open --person").await;
    put(&nobody, "#text", "ひとりで").await;
    nobody.press("#say button.main").await;
    nobody.see(".failure").await;
    let yamada = come_in(&offices, PERSONS[0]).await;
    let path = offices.file("名簿.txt", b"ABC");
    yamada.page("thread").await;
    yamada.press(".attach summary").await;
    yamada.fill("#file", path.to_str().expect("UTF-8")).await;
    yamada.press(".attach button").await;
    yamada.reads("#draft-1", "名簿.txt").await;
    assert!(offices.texts(Home::Tokyo).is_empty());
    let sato = come_in(&offices, PERSONS[1]).await;
    sato.page("release").await;
    sato.press("#draft-1 button.main").await;
    shown_in_beijing(&offices, &["名簿.txt"]).await;
    // A locked page of a person's opens by that person's own passphrase alone.
    sato.press("form[action=lock] button").await;
    sato.fill("#passphrase", &format!("{}\n", couloir_desk_tests::PASSPHRASE)).await;
    sato.see(".door #passphrase").await;
    sato.fill("#passphrase", &format!("{}{}\n", PERSONS[1], couloir_desk_tests::PASSPHRASE)).await;
    sato.see("#posture").await;
}
