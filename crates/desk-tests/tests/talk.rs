//! What one desk does, the other sees.

use couloir_desk_tests::{Browser, Home, Offices, Wish, eventually};
use serde_json::json;

const JAPANESE: &str = "北京での会合について、来月十日の週を提案いたします。\n場所は貴方にお任せします。";
const CHINESE: &str = "来函收悉。十二月十日当周可行，请告知贵方名单。";
const ENGLISH: &str = "Understood. The list follows by tomorrow noon.";

async fn both(offices: &Offices) -> [Browser; 2] {
    let tokyo = Browser::at(Wish::speaking("ja"), &offices.link(Home::Tokyo)).await;
    let beijing = Browser::at(Wish::speaking("zh-CN"), &offices.link(Home::Beijing)).await;
    [tokyo, beijing]
}

#[tokio::test]
async fn a_note_goes_from_desk_to_desk_in_each_language_and_is_shown_without_a_reload() {
    let offices = Offices::verified(&[]);
    let [tokyo, beijing] = both(&offices).await;
    beijing.page("thread").await;
    tokyo.write(JAPANESE).await;
    beijing.reads("#letters", "来月十日の週").await;
    assert_eq!(beijing.attr(".letter .text", "lang").await.as_deref(), Some("ja"));
    tokyo.reads(".letter.own .delivery", "先方の担当官に表示済み").await;
    beijing.write(CHINESE).await;
    tokyo.reads("#letters", CHINESE).await;
    let lang = tokyo.attr(".letter.theirs .text", "lang").await;
    assert_eq!(lang.as_deref(), Some("zh-Hans"));
    tokyo.write(ENGLISH).await;
    beijing.reads("#letters", ENGLISH).await;
    for browser in [&tokyo, &beijing] {
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn while_a_conversion_is_under_way_nothing_is_sent() {
    let offices = Offices::verified(&[]);
    let tokyo = Browser::at(Wish::speaking("ja"), &offices.link(Home::Tokyo)).await;
    tokyo.page("thread").await;
    tokyo.press("#text").await;
    let compose = json!({ "text": "がいむ", "selectionStart": 3, "selectionEnd": 3 });
    tokyo.tell("Input.imeSetComposition", compose).await;
    enter(&tokyo, 2).await;
    enter(&tokyo, 0).await;
    tokyo.tell("Input.insertText", json!({ "text": "外務" })).await;
    enter(&tokyo, 0).await;
    let written = tokyo.script("return document.querySelector('#text').value", vec![]).await;
    let written = written.as_str().unwrap_or_default();
    assert!(written.ends_with('\n') && written.trim_end() == "外務", "{written:?}");
    assert!(tokyo.sees("#letters .empty").await && offices.texts(Home::Tokyo).is_empty());
    enter(&tokyo, 2).await;
    tokyo.reads(".letter.own .text", "外務").await;
}

/// The Enter key, with Ctrl if `modifiers` is 2.
async fn enter(browser: &Browser, modifiers: u32) {
    // An Enter right after the end of a conversion belongs to it: the page waits 50 ms by its own clock.
    let now = browser.script("return performance.now()", vec![]).await;
    eventually("an Enter that belongs to no conversion", || async {
        let is_past = "return performance.now() - arguments[0] > 50";
        (browser.script(is_past, vec![now.clone()]).await == true).then_some(())
    })
    .await;
    for (kind, text) in [("keyDown", "\r"), ("keyUp", "")] {
        let key = json!({
            "type": kind, "modifiers": modifiers, "key": "Enter", "code": "Enter", "text": text,
            "windowsVirtualKeyCode": 13, "nativeVirtualKeyCode": 13,
        });
        browser.tell("Input.dispatchKeyEvent", key).await;
    }
}

#[tokio::test]
async fn whatever_the_peer_writes_is_text() {
    let offices = Offices::verified(&[]);
    let beijing = Browser::at(Wish::speaking("zh-CN"), &offices.link(Home::Beijing)).await;
    let hostile = [
        "<script>window.harmed=1</script><img src=x onerror=\"window.harmed=1\">".to_owned(),
        "\"><svg onload=window.harmed=1></svg><form action=//evil.example><button>x".to_owned(),
        "</div></article></main><meta http-equiv=refresh content=\"0;url=//evil.example\"><!--".to_owned(),
        "\u{202E}gnihtyna \u{2066}\u{2067} وصل {time} &lt; %s ${x} <b data-live id=now>".to_owned(),
        "無".repeat(20_000),
        format!("{}\u{301}", "ก็็็็็็็็".repeat(500)),
    ];
    for text in &hostile {
        offices.json(&["send", "--home", "tokyo", text]);
    }
    let path =
        offices.file("a\"><img src=x onerror=window.harmed=1>.html", b"<script>window.harmed=1</script>");
    offices.json(&["send", "--home", "tokyo", "--file", path.to_str().expect("UTF-8")]);
    beijing.page("thread").await;
    for text in &hostile {
        let start: String = text.chars().take(12).collect();
        let holds = "return [...document.querySelectorAll('.text')].some((e) => e.textContent.startsWith(arguments[0]))";
        eventually("the hostile text as it is", || async {
            (beijing.script(holds, vec![json!(start)]).await == true).then_some(())
        })
        .await;
    }
    beijing.see(".letter .file a[download]").await;
    assert_unharmed(&beijing).await;
    beijing.page("desk").await;
    assert_unharmed(&beijing).await;
    beijing.page("search?q=script").await;
    beijing.see(".results li").await;
    assert_unharmed(&beijing).await;
}

async fn assert_unharmed(browser: &Browser) {
    let foreign = "return [window.harmed === undefined, \
        document.querySelectorAll('main script, main img, main svg:not(.strip):not(.code), meta[http-equiv=refresh]').length, \
        document.documentElement.scrollWidth <= innerWidth]";
    assert_eq!(browser.script(foreign, vec![]).await, json!([true, 0, true]));
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_page_that_hears_nothing_says_so_and_then_catches_up() {
    let offices = Offices::verified(&[]);
    let [tokyo, beijing] = both(&offices).await;
    beijing.page("thread").await;
    beijing.see("#stale[hidden]").await;
    offices.freeze(Home::Beijing);
    beijing.reads("#stale", ":").await;
    tokyo.write("聞こえますか").await;
    offices.wake(Home::Beijing);
    beijing.reads("#letters", "聞こえますか").await;
    beijing.see("#stale[hidden]").await;
}

#[tokio::test]
async fn what_came_between_a_page_and_its_following_is_told() {
    let offices = Offices::verified(&[]);
    let beijing = Browser::at(Wish::speaking("zh-CN"), &offices.link(Home::Beijing)).await;
    beijing.page("thread").await;
    let rendered = beijing.attr("body", "data-change").await;
    offices.json(&["send", "--home", "tokyo", "間に届いた一言"]);
    beijing.reads("#letters", "間に届いた一言").await;
    // A page as old as that begins to follow only now.
    let second = "return (async () => {
        const words = (await fetch('events?since=' + arguments[0])).body.pipeThrough(new TextDecoderStream()).getReader();
        for (let heard = '';;) {
            heard += (await words.read()).value;
            const told = heard.match(/event: ?[a-z]+/g) || [];
            if (told.length > 1) return words.cancel().then(() => told[1].replace(/event: ?/, ''));
        }
    })()";
    assert_eq!(beijing.script(second, vec![json!(rendered)]).await, "change");
}

#[tokio::test]
async fn everything_is_done_without_scripts() {
    let offices = Offices::met(&[]);
    let silent = Wish { language: "en", scripts: false };
    let tokyo = Browser::start(silent).await;
    tokyo.goto(&offices.link(Home::Tokyo)).await;
    tokyo.see("header .posture").await;
    tokyo.page("phrase").await;
    tokyo.press("form[action=same] button").await;
    tokyo.reads(".lead", "You said that it is the same").await;
    offices.json(&["verify", "--home", "beijing"]);
    offices.json(&["send", "--home", "beijing", "收到了吗？"]);
    tokyo.page("thread").await;
    eventually("their note", || async {
        tokyo.page("thread").await;
        tokyo.sees(".letter.theirs").await.then_some(())
    })
    .await;
    tokyo.press(".reply summary").await;
    tokyo.press(".reply button[value=withhold]").await;
    tokyo.reads("#letters", "You withhold an answer").await;
    tokyo.fill("#text", "Received.").await;
    tokyo.press("#say button.main").await;
    tokyo.reads("#letters", "Received.").await;
    tokyo.press("button[name=language][value=zh]").await;
    tokyo.reads("#ways", "案头").await;
    tokyo.press("form.own button").await;
    tokyo.reads("form.own", "您在席").await;
    tokyo.press("form[action=lock] button").await;
    tokyo.see(".door #passphrase").await;
}

#[tokio::test]
async fn flash_is_asked_for_twice_and_a_double_click_says_it_once() {
    let offices = Offices::verified(&[]);
    let tokyo = Browser::at(Wish::speaking("ja"), &offices.link(Home::Tokyo)).await;
    tokyo.page("thread").await;
    tokyo.script("document.querySelector('#precedence').value = 'flash'", vec![]).await;
    tokyo.fill("#text", "直ちに").await;
    tokyo.press("#say button.main").await;
    tokyo.see(".ask").await;
    assert!(offices.texts(Home::Tokyo).is_empty());
    let twice = "const done = arguments[0], form = document.querySelector('.ask form'); \
        const body = () => new URLSearchParams([...new FormData(form), ['sure', 'yes']]); \
        Promise.all([1, 2].map(() => fetch('say', { method: 'POST', body: body() }))).then(() => done(1))";
    tokyo.script_later(twice, vec![]).await;
    assert_eq!(offices.texts(Home::Tokyo), ["直ちに"]);
}

#[tokio::test]
async fn a_file_goes_up_and_comes_down_and_is_never_shown() {
    let offices = Offices::verified(&[]);
    let [tokyo, beijing] = both(&offices).await;
    let octets: Vec<u8> = (0..30_000_u32).map(|n| (n % 251) as u8).collect();
    let path = offices.file("名簿 (案).html", &octets);
    tokyo.page("thread").await;
    tokyo.press(".attach summary").await;
    tokyo.fill("#file", path.to_str().expect("UTF-8")).await;
    tokyo.press(".attach button").await;
    tokyo.reads("#letters", "名簿 (案).html").await;
    beijing.page("thread").await;
    beijing.see(".letter.theirs .file a[download]").await;
    let take = "const done = arguments[0]; \
        fetch(document.querySelector('.file a').href).then(async (answer) => done([ \
            answer.headers.get('content-disposition'), answer.headers.get('content-type'), \
            answer.headers.get('x-content-type-options'), (await answer.arrayBuffer()).byteLength]))";
    let taken = beijing.script_later(take, vec![]).await;
    let disposition = taken[0].as_str().unwrap_or_default();
    assert!(
        disposition.starts_with("attachment;") && disposition.contains("UTF-8''%E5%90%8D"),
        "{disposition}"
    );
    assert_eq!(taken[1], "application/octet-stream");
    assert_eq!((&taken[2], taken[3].as_u64()), (&json!("nosniff"), Some(30_000)));
}

#[tokio::test]
async fn what_is_under_the_pointer_stays_there_while_something_new_comes() {
    let offices = Offices::verified(&[]);
    let tokyo = Browser::at(Wish::speaking("ja"), &offices.link(Home::Tokyo)).await;
    offices.json(&["send", "--home", "beijing", "第一函"]);
    tokyo.reads(FIRST_ROW, "第一函").await;
    let watch = "const real = fetch, row = document.querySelector(arguments[0]), box = row.getBoundingClientRect(); \
        window.fetch = async (...asked) => { const answer = await real(...asked); \
            if ((await answer.clone().text()).includes('第二函')) window.fetched = true; return answer; }; \
        return [row.href, box.x + box.width / 2, box.y + box.height / 2]";
    let watched = tokyo.script(watch, vec![json!(FIRST_ROW)]).await;
    mouse(&tokyo, "mousePressed", &watched).await;
    offices.json(&["send", "--home", "beijing", "第二函"]);
    eventually("the page fetched what is new", || async {
        (tokyo.script("return window.fetched", vec![]).await == true).then_some(())
    })
    .await;
    assert!(tokyo.text(FIRST_ROW).await.contains("第一函"));
    mouse(&tokyo, "mouseReleased", &watched).await;
    tokyo.see(".reply").await;
    assert_eq!(tokyo.address().await, watched[0].as_str().expect("an address"));
}

const FIRST_ROW: &str = "#owed-title ~ ul a.row";

async fn mouse(browser: &Browser, what: &str, place: &serde_json::Value) {
    let event = json!({ "type": what, "x": place[1], "y": place[2], "button": "left", "buttons": 1, "clickCount": 1 });
    browser.tell("Input.dispatchMouseEvent", event).await;
}

#[tokio::test]
async fn what_is_opened_or_half_written_is_the_same_after_something_new_came() {
    let offices = Offices::verified(&[]);
    let tokyo = Browser::at(Wish::speaking("ja"), &offices.link(Home::Tokyo)).await;
    offices.json(&["send", "--home", "beijing", "第一函"]);
    tokyo.page("thread").await;
    tokyo.press(".reply summary").await;
    let hold = "const field = document.querySelector('.reply input[type=datetime-local]'); \
        field.value = '2040-01-01T09:00'; field.focus(); window.held = field";
    tokyo.script(hold, vec![]).await;
    offices.json(&["send", "--home", "beijing", "第二函"]);
    tokyo.reads("#letters", "第二函").await;
    let held = "return [held.isConnected, held === document.activeElement, held.value, held.closest('details').open]";
    assert_eq!(tokyo.script(held, vec![]).await, json!([true, true, "2040-01-01T09:00", true]));
}

#[tokio::test]
async fn what_is_too_long_for_one_note_is_refused_in_words_and_not_lost() {
    let offices = Offices::verified(&[]);
    let tokyo = Browser::at(Wish::speaking("ja"), &offices.link(Home::Tokyo)).await;
    tokyo.page("thread").await;
    let long = "document.querySelector('#text').value = 'あ'.repeat(arguments[0]); \
                document.querySelector('#text').form.requestSubmit()";
    for kibi in [30, 300] {
        tokyo.script(long, vec![json!(kibi * 1024)]).await;
        tokyo.reads(".failure .detail", "KiB").await;
        assert_eq!(tokyo.script("return document.querySelectorAll('h1').length", vec![]).await, 1);
        tokyo.script("history.back()", vec![]).await;
        tokyo.see("#text").await;
        let kept = tokyo.script("return document.querySelector('#text').value.length", vec![]).await;
        assert_eq!(kept, kibi * 1024, "it still stands");
    }
    assert!(offices.texts(Home::Tokyo).is_empty());
}
