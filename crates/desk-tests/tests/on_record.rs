//! The record, as two officers use it: a text in two languages, declined, corrected, agreed; nothing by accident.

use couloir_desk_tests::{Browser, Home, Offices, Wish};
use serde_json::json;

async fn put(browser: &Browser, field: &str, text: &str) {
    browser.see(&format!("#{field}")).await;
    let set = "document.getElementById(arguments[0]).value = arguments[1]";
    browser.script(set, vec![json!(field), json!(text)]).await;
}

async fn write_both(browser: &Browser, ja: &str, zh: &str) {
    for (field, text) in [
        ("lang-1", "ja"),
        ("title-1", "共同発表"),
        ("text-1", ja),
        ("lang-2", "zh-Hans"),
        ("title-2", "共同发布"),
        ("text-2", zh),
    ] {
        put(browser, field, text).await;
    }
    browser.press(".composer-record button.seal").await;
    browser.see(".ask").await;
}

#[tokio::test]
async fn two_officers_agree_to_a_text_and_are_asked_each_time() {
    let offices = Offices::verified(&[]);
    let tokyo = Browser::at(Wish { language: "ja", scripts: true }, &offices.link(Home::Tokyo)).await;
    let beijing = Browser::at(Wish::speaking("zh-CN"), &offices.link(Home::Beijing)).await;
    // From the composer: the choice asks, and is not remembered.
    tokyo.page("thread").await;
    put(&tokyo, "text", "双方は十月に会談を行う。").await;
    tokyo.script("document.querySelector('input[name=record][value=on]').checked = true", vec![]).await;
    tokyo.picture("composer-on-record-ja").await;
    tokyo.press("#say button.main").await;
    tokyo.see(".composer-record").await;
    assert_eq!(offices.json(&["record", "show", "--home", "tokyo"])["total"], 0);
    write_both(&tokyo, "双方は十月に会談を行う。", "双方将于十月举行会谈。").await;
    tokyo.picture("record-ask-ja").await;
    assert_eq!(offices.json(&["record", "show", "--home", "tokyo"])["total"], 0);
    tokyo.press(".ask button.seal").await;
    tokyo.see(".standing.said").await;
    tokyo.page("thread").await;
    let is_off =
        tokyo.script("return document.querySelector('input[name=record]:checked').value", vec![]).await;
    assert_eq!(is_off, "off");
    // Beijing is asked on its desk, declines with a reason, and corrects.
    beijing.page("desk").await;
    beijing.see("#now .onrecord").await;
    beijing.page("record").await;
    beijing.press("button[value=decline]").await;
    put(&beijing, "reason", "日期尚未商定。").await;
    beijing.press(".ask button.seal").await;
    beijing.see(".standing.declined").await;
    beijing.press("form[action=record-write] button.small").await;
    write_both(&beijing, "双方は十月下旬に会談を行う。", "双方将于十月下旬举行会谈。").await;
    beijing.press(".ask button.seal").await;
    beijing.see("#s2").await;
    // Tokyo agrees; both show the same head.
    tokyo.page("record").await;
    tokyo.see("#s2 button[value=agree]").await;
    tokyo.press("#s2 button[value=agree]").await;
    tokyo.see(".ask").await;
    tokyo.press(".ask button.seal").await;
    tokyo.see("#s2 .standing.agreed").await;
    beijing.see("#s2 .standing.agreed").await;
    let [here, there] = [tokyo.text("#record .digest").await, beijing.text("#record .digest").await];
    assert_eq!(here, there);
    tokyo.picture("record-agreed-ja").await;
    beijing.page("thread").await;
    beijing.see(".letter .onrecord").await;
    beijing.picture("thread-on-record-zh").await;
    for browser in [&tokyo, &beijing] {
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    }
}
