//! Conversations and all that is said in them, from one desk to the other.

use couloir_desk_tests::{Browser, Home, Offices, PASSPHRASE, Wish};
use serde_json::json;

/// What an officer writes, in one language.
struct Words {
    language: &'static str,
    tag: &'static str,
    subject: &'static str,
    note: &'static str,
    edited: &'static str,
    translated: &'static str,
}

const JAPANESE: Words = Words {
    language: "ja",
    tag: "ja",
    subject: "十月の訪問について",
    note: "十月十日の週はいかがでしょうか。",
    edited: "十月十七日の週はいかがでしょうか。",
    translated: "十月十七日当周是否合适？",
};
const CHINESE: Words = Words {
    language: "zh-CN",
    tag: "zh-Hans",
    subject: "关于十月来访",
    note: "十月十日当周可行。",
    edited: "十月十七日当周可行。",
    translated: "十月十七日の週で可能です。",
};
const ENGLISH: Words = Words {
    language: "en",
    tag: "en",
    subject: "The visit in October",
    note: "We propose the week of 10 October.",
    edited: "We propose the week of 17 October.",
    translated: "十月十七日の週を提案します。",
};

async fn both(offices: &Offices, here: &Words, there: &Words) -> [Browser; 2] {
    let tokyo = Browser::at(Wish::speaking(here.language), &offices.link(Home::Tokyo)).await;
    let beijing = Browser::at(Wish::speaking(there.language), &offices.link(Home::Beijing)).await;
    [tokyo, beijing]
}

/// Writes into the page that is shown and sends it.
async fn write_here(browser: &Browser, text: &str) {
    browser.script("document.querySelector('#text').value = arguments[0]", vec![json!(text)]).await;
    browser.press("#say button.main").await;
    browser.see("#write").await;
}

/// Goes where a link of the page leads.
async fn follow(browser: &Browser, css: &str) {
    let address = browser.attr(css, "href").await.expect("an address");
    browser.page(&address).await;
}

/// Opens a conversation, and says every kind of entry in it, from one desk to the other.
async fn talk_of(offices: &Offices, here: &Words, there: &Words) {
    let [tokyo, beijing] = both(offices, here, there).await;
    tokyo.page("conversations").await;
    tokyo.press(".new-talk summary").await;
    tokyo.fill("#subject", here.subject).await;
    tokyo.script("document.querySelector('#marking').value = 'amber+strict'", vec![]).await;
    tokyo.press(".new-talk button.main").await;
    tokyo.reads("h1", here.subject).await;
    tokyo.reads("h1 .tlp", "TLP:AMBER+STRICT").await;
    write_here(&tokyo, here.note).await;

    beijing.page("conversations").await;
    beijing.reads("#talks", here.subject).await;
    let first = "return [...document.querySelectorAll('.talk')].find((each) => \
        each.textContent.includes(arguments[0])).getAttribute('href')";
    let address = beijing.script(first, vec![json!(here.subject)]).await;
    beijing.page(address.as_str().expect("an address")).await;
    beijing.reads("#letters", here.note).await;
    beijing.reads("#e2A > .number", "2A").await;
    let lang = beijing.attr("#e2A .text", "lang").await;
    assert_eq!(lang.as_deref(), Some(here.tag));

    follow(&beijing, "#e2A .ways-on a[href*='reply=']").await;
    beijing.see(".answered-entry").await;
    write_here(&beijing, there.note).await;
    tokyo.reads("#e3B .answers", "2A").await;
    tokyo.reads("#e3B .answers blockquote", here.note).await;

    follow(&tokyo, "#e2A .ways-on a:last-child").await;
    tokyo.press("#edit summary").await;
    tokyo.script("document.querySelector('#edited').value = arguments[0]", vec![json!(here.edited)]).await;
    tokyo.press("#edit button.main").await;
    tokyo.reads("#e2A .original", here.edited).await;
    beijing.reads("#e2A .original", here.edited).await;

    tokyo.press("#translate summary").await;
    tokyo.fill("#by", "山田").await;
    tokyo
        .script("document.querySelector('#translated').value = arguments[0]", vec![json!(here.translated)])
        .await;
    tokyo.press("#translate button.main").await;
    beijing.reads("#e2A .translation .label", "·").await;
    let translation = "return document.querySelector('#e2A .translation .text').textContent";
    assert_eq!(beijing.script(translation, vec![]).await, here.translated);
    beijing.picture(&format!("talk-{}", there.language)).await;

    follow(&beijing, "#e3B .ways-on a:last-child").await;
    beijing.press("#withdraw summary").await;
    beijing.press("#withdraw button").await;
    let gone = "return document.querySelector('.letter .withdrawn') !== null";
    couloir_desk_tests::eventually("the tombstone", || async {
        (beijing.script(gone, vec![]).await == true).then_some(())
    })
    .await;
    tokyo.page("conversations").await;
    let address = tokyo.script(first, vec![json!(here.subject)]).await;
    tokyo.page(address.as_str().expect("an address")).await;
    tokyo.see("#e3B .withdrawn").await;
    let shown = tokyo.text("#e3B").await;
    assert!(!shown.contains(there.note), "{shown}");
    tokyo.picture(&format!("talk-withdrawn-{}", here.language)).await;
    for browser in [&tokyo, &beijing] {
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn every_act_of_a_conversation_goes_from_desk_to_desk_in_each_language() {
    let offices = Offices::verified(&[]);
    talk_of(&offices, &JAPANESE, &CHINESE).await;
    talk_of(&offices, &CHINESE, &ENGLISH).await;
    talk_of(&offices, &ENGLISH, &JAPANESE).await;
}

#[tokio::test]
async fn a_draft_stays_with_its_conversation_and_outlives_the_lock() {
    let offices = Offices::verified(&[]);
    offices.json(&["conversation", "open", "--home", "tokyo", "名簿"]);
    let tokyo = Browser::at(Wish::speaking("ja"), &offices.link(Home::Tokyo)).await;
    tokyo.page("thread").await;
    tokyo.fill("#text", "最初の協議の下書き").await;
    tokyo.press("#say button.small").await;
    tokyo.page("conversations").await;
    let other = "return [...document.querySelectorAll('.talk')].find((each) => \
        each.textContent.includes('名簿')).getAttribute('href')";
    let other = tokyo.script(other, vec![]).await;
    tokyo.page(other.as_str().expect("an address")).await;
    assert_eq!(written(&tokyo).await, "");
    tokyo.fill("#text", "名簿の下書き").await;
    tokyo.press("form[action=lock] button").await;
    tokyo.see(".door #passphrase").await;
    tokyo.fill("#passphrase", PASSPHRASE).await;
    tokyo.press(".door button").await;
    tokyo.see("#posture").await;
    tokyo.page("thread").await;
    assert_eq!(written(&tokyo).await, "最初の協議の下書き");
    tokyo.page(other.as_str().expect("an address")).await;
    assert_eq!(written(&tokyo).await, "名簿の下書き");
    tokyo.page("conversations").await;
    tokyo.reads("#talks", "最初の協議の下書き").await;
}

#[tokio::test]
async fn search_finds_one_character_and_narrows_by_filters() {
    let offices = Offices::verified(&[]);
    offices.json(&["conversation", "open", "--home", "tokyo", "訪問", "--marking", "amber"]);
    offices.json(&["send", "--home", "tokyo", "--conversation", "訪問", "査証の手続を始めます。"]);
    offices.json(&["send", "--home", "tokyo", "旅券と査証の件"]);
    let tokyo = Browser::at(Wish::speaking("ja"), &offices.link(Home::Tokyo)).await;
    tokyo.page("search").await;
    tokyo.fill("#q", "証").await;
    tokyo.press("form.search button.main").await;
    tokyo.reads(".results li:nth-child(2) mark", "証").await;
    tokyo.press(".filters summary").await;
    tokyo.script("document.querySelector('select#marking').value = 'amber'", vec![]).await;
    tokyo.press("form.search button.main").await;
    tokyo.reads(".results", "訪問").await;
    assert!(!tokyo.sees(".results li:nth-child(2)").await);
    tokyo.picture("search-filters-ja").await;
    follow(&tokyo, ".results a.row").await;
    tokyo.see("#e2A:target").await;
}

async fn written(browser: &Browser) -> String {
    let text = browser.script("return document.querySelector('#text').value", vec![]).await;
    text.as_str().unwrap_or_default().to_owned()
}
