//! Meetings, cases, swaps and announcements from one desk to the other.

use couloir_desk_tests::{Browser, Home, Offices, Wish};
use serde_json::json;

async fn both(offices: &Offices) -> [Browser; 2] {
    let tokyo = Browser::at(Wish::speaking("ja"), &offices.link(Home::Tokyo)).await;
    let beijing = Browser::at(Wish::speaking("zh-CN"), &offices.link(Home::Beijing)).await;
    for (browser, zones) in
        [(&tokyo, ["Asia/Tokyo", "Asia/Shanghai"]), (&beijing, ["Asia/Shanghai", "Asia/Tokyo"])]
    {
        let settings = [("calendar", "gregory"), ("zone", zones[0]), ("their-zone", zones[1])];
        let keep = "const done = arguments[1]; \
            fetch('settings', { method: 'POST', body: new URLSearchParams(arguments[0]) }).then(() => done(1))";
        browser.script_later(keep, vec![json!(settings)]).await;
    }
    [tokyo, beijing]
}

/// Opens what is folded away and fills it in.
async fn fill_in(browser: &Browser, fields: &[(&str, &str)]) {
    let fill = "document.querySelectorAll('main details').forEach((folded) => folded.open = true); \
        for (const [css, value] of arguments[0]) document.querySelector(css).value = value;";
    browser.script(fill, vec![json!(fields)]).await;
}

/// Goes from the desk's first glance to what waits for an answer there.
async fn answer_first(browser: &Browser, title: &str) {
    browser.page("desk").await;
    browser.reads("#now", title).await;
    browser.press("#owed-title ~ ul a.row").await;
    browser.reads("h1", title).await;
}

#[tokio::test]
async fn a_meeting_is_proposed_at_one_desk_and_accepted_at_the_other() {
    let offices = Offices::verified(&[]);
    let [tokyo, beijing] = both(&offices).await;
    tokyo.page("meetings").await;
    let fields = [
        ("#new-subject", "国会議員団の訪問"),
        ("#new-from-1", "2030-10-01T10:00"),
        ("#new-until-1", "2030-10-01T12:00"),
        ("#new-places", "霞が関; 東京; Asia/Tokyo"),
        ("#new-agenda", "航空\n査証"),
    ];
    fill_in(&tokyo, &fields).await;
    tokyo.press("#new button.main").await;
    tokyo.reads("#matter", "10:00 東京 UTC+9").await;
    answer_first(&beijing, "国会議員団の訪問").await;
    beijing.reads("#matter", "09:00 上海 UTC+8").await;
    beijing.press("#accept button.main").await;
    beijing.reads("#matter", "已商定").await;
    tokyo.reads("#matter", "合意した日時と場所").await;
    assert_quiet([&tokyo, &beijing]).await;
}

#[tokio::test]
async fn a_case_is_raised_at_one_desk_and_answered_at_the_other() {
    let offices = Offices::verified(&[]);
    let [tokyo, beijing] = both(&offices).await;
    tokyo.page("cases").await;
    let fields = [
        ("#new-subject", "邦人二名"),
        ("#new-persons", "山田太郎; YAMADA Taro; 1980-05-17; JP\n佐藤花子; SATO Hanako; 1985; JP"),
        ("#new-status", "arrested"),
        ("#new-clock", "領事通報"),
        ("#new-source", "領事協定第八条"),
        ("#new-due", "2026-01-05T09:00"),
    ];
    fill_in(&tokyo, &fields).await;
    tokyo.press("#new button.main").await;
    tokyo.reads("#matter", "期限超過").await;
    answer_first(&beijing, "邦人二名").await;
    let answer = [
        ("#answer-what", "access-granted"),
        ("#answer-persons", "1"),
        ("#answer-on", "2026-12-01"),
        ("#answer-text", "可于上午会见。"),
    ];
    fill_in(&beijing, &answer).await;
    beijing.press("button[name=do][value=answer]").await;
    beijing.reads("#matter table", "同意探视").await;
    tokyo.reads("#matter table", "面会を認める").await;
    tokyo.reads("#matter table", "2026年12月1日").await;
    fill_in(&beijing, &[("#status-what", "indicted"), ("#status-persons", "2")]).await;
    beijing.press("button[name=do][value=status]").await;
    tokyo.reads("#matter", "起訴 1").await;
    assert_quiet([&tokyo, &beijing]).await;
}

#[tokio::test]
async fn a_swap_is_shown_at_both_desks_once_both_are_bound() {
    let offices = Offices::verified(&[]);
    let [tokyo, beijing] = both(&offices).await;
    tokyo.page("swaps").await;
    fill_in(&tokyo, &[("#new-subject", "名簿"), ("#new-deadline", "2040-01-01T09:00")]).await;
    tokyo.press("#new button.main").await;
    tokyo.see("#commit").await;
    fill_in(&tokyo, &[("#commit-text", "甲の立場")]).await;
    tokyo.press("#commit button.main").await;
    tokyo.reads("#matter", "先方の回答待ち").await;
    answer_first(&beijing, "名簿").await;
    assert!(!beijing.text("#matter").await.contains("甲の立場"));
    fill_in(&beijing, &[("#commit-text", "乙方立场")]).await;
    beijing.press("#commit button.main").await;
    for browser in [&tokyo, &beijing] {
        browser.reads("#matter", "甲の立場").await;
        browser.reads("#matter", "乙方立场").await;
    }
    assert_quiet([&tokyo, &beijing]).await;
}

#[tokio::test]
async fn a_public_line_is_agreed_and_nobody_says_too_early_by_accident() {
    let offices = Offices::verified(&[]);
    let [tokyo, beijing] = both(&offices).await;
    tokyo.page("announcements").await;
    let fields = [
        ("#new-subject", "訪問の発表"),
        ("#new-text-ja", "外相が訪問した。"),
        ("#new-text-zh", "外长进行了访问。"),
        ("#new-embargo", "2035-01-01T09:00"),
    ];
    fill_in(&tokyo, &fields).await;
    tokyo.press("#new button.main").await;
    answer_first(&beijing, "訪問の発表").await;
    beijing.reads("#matter", "尚不得公开").await;
    beijing.press("#agree button.main").await;
    tokyo.reads("#matter", "合意").await;
    fill_in(&tokyo, &[("#published-at", "2034-12-31T09:00")]).await;
    tokyo.press("button[name=do][value=published]").await;
    tokyo.reads(".ask", "期限より前ですか").await;
    tokyo.press("button[name=sure]").await;
    beijing.reads("#matter", "过早公开").await;
    assert_quiet([&tokyo, &beijing]).await;
}

async fn assert_quiet(browsers: [&Browser; 2]) {
    for browser in browsers {
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    }
}
