//! Writing a statement: texts in one language or several, what it asks; and it leaves when it was said twice.

use couloir_wire::entry::Lang;
use maud::{Markup, html};

use super::record::{PAGE, texts};
use super::{Act, Next, choice};
use crate::clerk::record::TextShown;
use crate::clerk::statement::{self, AsksWord, Draft, DraftText};
use crate::clerk::{find, names};
use crate::page::form::{Form, link};
use crate::page::office::fresh_token;
use crate::page::speak;
use crate::page::tongue::Language;
use crate::page::visit::Visit;
use crate::socket::{How, RecordAct, Request};
use crate::words::{Failure, Outcome};

/// What is done by it.
pub const ACTS: &[Act] = &[Act { name: "record-write", run: write }, Act { name: "record-say", run: say }];

/// What was written as a note is to be said on the record instead: the form, with its text.
pub fn from_composer(visit: &Visit<'_>, form: &Form) -> Next {
    let text = form.text("text").trim().to_owned();
    let lang = form.given("lang").unwrap_or_else(|| visit.language_of(&text, true).tag());
    let first = DraftText { lang: lang.to_owned(), title: String::new(), text };
    shown(visit, form, &Draft { texts: vec![first], asks: AsksWord::Agree, corrects: None })
}

fn shown(visit: &Visit<'_>, form: &Form, draft: &Draft) -> Next {
    Next::Show { title: visit.t("record-write-title"), body: written(visit, form, draft) }
}

/// The form: empty, with the texts of the statement that is corrected, or as it was before it was asked for again.
fn write(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    let mut draft = draft_of(form);
    if let (Some(entry), true) = (form.given("corrects"), draft.texts.is_empty()) {
        let row = find::entry(visit.node, entry)?;
        let facts = statement::facts(visit.node, &row)?;
        draft.texts =
            facts.statement.map(|shown| shown.texts).unwrap_or_default().into_iter().map(of_shown).collect();
    }
    Ok(shown(visit, form, &draft))
}

fn of_shown(text: TextShown) -> DraftText {
    DraftText { lang: text.lang, title: text.title, text: text.text }
}

/// Texts that were filled in.
fn draft_of(form: &Form) -> Draft {
    let text = |number: usize| DraftText {
        lang: form.text(&format!("lang-{number}")).to_owned(),
        title: form.text(&format!("title-{number}")).trim().to_owned(),
        text: form.text(&format!("text-{number}")).replace("\r\n", "\n").trim().to_owned(),
    };
    let is_filled = |text: &DraftText| !text.text.is_empty() || !text.title.is_empty();
    Draft {
        texts: (1..=TEXTS).map(text).filter(is_filled).collect(),
        asks: match form.text("asks") {
            "nothing" => AsksWord::Nothing,
            "acknowledge" => AsksWord::Acknowledge,
            _ => AsksWord::Agree,
        },
        corrects: form.given("corrects").map(str::to_owned),
    }
}

fn written(visit: &Visit<'_>, form: &Form, draft: &Draft) -> Markup {
    html! {
        section.on-record.composer-record {
            h1 { (visit.t("record-write-title")) }
            p.warn { (visit.t("record-for-good")) }
            @if !visit.is_verified() { p.warn { (visit.t("peer-unverified")) } }
            form.stack.wide method="post" action="record-say" {
                @for name in ["conversation", "corrects"] {
                    @if let Some(value) = form.given(name) { input type="hidden" name=(name) value=(value); }
                }
                input type="hidden" name="once" value=(fresh_token().unwrap_or_default());
                @if draft.corrects.is_some() { p { (visit.t("record-write-corrects")) } }
                p.hint { (visit.t("record-write-bound")) }
                div.bound { @for number in 1..=TEXTS { (one_text(visit, number, draft.texts.get(number - 1))) } }
                label for="asks" { (visit.t("record-asks-legend")) }
                (choice("asks", &asks(visit), asks_word(draft.asks)))
                div.buttons {
                    button.main.seal { (visit.t("record-next")) }
                    a href=(PAGE.name) { (visit.t("record-back")) }
                }
            }
        }
    }
}

fn asks_word(asks: AsksWord) -> &'static str {
    match asks {
        AsksWord::Nothing => "nothing",
        AsksWord::Acknowledge => "acknowledge",
        AsksWord::Agree => "agree",
    }
}

fn asks(visit: &Visit<'_>) -> Vec<(&'static str, String)> {
    let words = [
        ("agree", "record-asks-agree"),
        ("acknowledge", "record-asks-acknowledge"),
        ("nothing", "record-asks-nothing"),
    ];
    words.into_iter().map(|(value, id)| (value, visit.t(id))).collect()
}

fn one_text(visit: &Visit<'_>, number: usize, text: Option<&DraftText>) -> Markup {
    let (lang, title, words) =
        (format!("lang-{number}"), format!("title-{number}"), format!("text-{number}"));
    let guess = Language::ALL[(number - 1) % Language::ALL.len()].tag();
    let tag = text.map_or(guess, |text| &text.lang);
    html! {
        fieldset {
            legend { (visit.tn("record-text-legend", &[("number", number.into())])) }
            label for=(lang) { (visit.t("record-lang")) }
            input id=(lang) name=(lang) value=(tag) list="languages" size="8" autocomplete="off";
            label for=(title) { (visit.t("record-text-title")) }
            input id=(title) name=(title) value=(text.map_or("", |text| &text.title)) lang=(tag) dir="auto" maxlength="100" autocomplete="off" required[number == 1];
            label for=(words) { (visit.t("record-text")) }
            textarea id=(words) name=(words) rows="8" lang=(tag) dir="auto" required[number == 1] { (text.map_or("", |text| &text.text)) }
            @if number == 1 {
                datalist #languages { @for language in Language::ALL { option value=(language.tag()) { (language.own_name()) } } }
            }
        }
    }
}

/// Says it, once a person has said twice that it is meant.
fn say(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    let draft = draft_of(form);
    check(&draft)?;
    if form.text("sure") != "yes" {
        return Ok(Next::Show { title: visit.t("record-sure-title"), body: ask_again(visit, form, &draft) });
    }
    let place = form.parsed("conversation")?;
    if visit.office.is_first(form.text("once")) {
        let how = How { conversation: place, ..How::default() };
        let act = RecordAct::Say { draft: draft.clone(), how: how.clone() };
        if let Some(waits) = speak::drafted(visit, &Request::Record { act }, None)? {
            return Ok(waits);
        }
        statement::say(visit.node, &draft, &how)?;
    }
    Ok(Next::Go(link(PAGE.name, &[("conversation", form.text("conversation"))])))
}

/// What the node would refuse in any case is said before the question.
fn check(draft: &Draft) -> Outcome {
    if draft.texts.is_empty() {
        return Err(Failure::usage("there is no text", "write at least one"));
    }
    for text in &draft.texts {
        let wrong =
            |_| Failure::usage(format!("{:?} is no language", text.lang), "write it like ja, zh-Hans or en");
        text.lang.parse::<Lang>().map_err(wrong)?;
        names::name("title", &text.title)?;
        names::text(&text.text)?;
    }
    Ok(())
}

fn ask_again(visit: &Visit<'_>, form: &Form, draft: &Draft) -> Markup {
    let bound: Vec<TextShown> = draft.texts.iter().map(TextShown::from).collect();
    html! {
        section.ask.on-record {
            h1 { (visit.t("record-sure-title")) }
            p { (visit.t("record-for-good")) }
            p { (visit.t(match draft.asks {
                AsksWord::Nothing => "record-asks-nothing",
                AsksWord::Acknowledge => "record-asks-acknowledge",
                AsksWord::Agree => "record-asks-agree",
            })) }
            (texts(&bound))
            form.buttons method="post" action="record-say" {
                @for name in ["conversation", "corrects", "once", "asks"] {
                    input type="hidden" name=(name) value=(form.text(name));
                }
                @for (number, text) in (1..).zip(&draft.texts) {
                    input type="hidden" name=(format!("lang-{number}")) value=(text.lang);
                    input type="hidden" name=(format!("title-{number}")) value=(text.title);
                    input type="hidden" name=(format!("text-{number}")) value=(text.text);
                }
                button.main.seal name="sure" value="yes" { (visit.t("record-do-say")) }
                button name="sure" value="no" formaction="record-write" { (visit.t("record-back-write")) }
            }
        }
    }
}

/// Languages that the form has room for.
const TEXTS: usize = 3;
