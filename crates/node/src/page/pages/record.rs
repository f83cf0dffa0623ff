//! The record: what is signed by both sides, its head, and what may be done to each statement.

use couloir_wire::entry::Body;
use couloir_wire::id::ConversationId;
use jiff::Timestamp;
use maud::{Markup, html};

use super::{Act, Next, Page, take, time};
use crate::clerk::record::{
    Brief, CountersignatureShown, OnRecord, RecordPage, SignerShown, StatementShown, TextShown,
};
use crate::clerk::statement;
use crate::page::form::{Form, link};
use crate::page::speak;
use crate::page::visit::Visit;
use crate::socket::{RecordAct, Request};
use crate::store::LogRow;
use crate::words::Outcome;

pub use super::record_write::{ACTS as WRITE_ACTS, from_composer};

/// The page.
pub const PAGE: Page = Page { name: "record", title: "record-title", key: Some('o'), is_way: true, show };

/// What is done on it.
pub const ACTS: &[Act] = &[Act { name: "record-answer", run: answer }];

fn show(visit: &mut Visit<'_>) -> Outcome<Markup> {
    let place = visit.caller.query.given("conversation").and_then(|id| id.parse().ok());
    let after = visit.caller.query.number("after").unwrap_or_default() as usize;
    let record = statement::page(visit.node, place, after, SHOWN)?;
    let visit = &*visit;
    Ok(html! {
        h1 { (visit.t("record-title")) }
        p.lead { (visit.t("record-lead")) }
        div #record data-live {
            (head(visit, &record))
            @if record.statements.is_empty() { p.empty { (visit.t("record-empty")) } }
            @for shown in &record.statements { (sheet(visit, shown, place)) }
            (further(visit, &record, place, after))
        }
        form.buttons method="post" action="record-write" {
            @if let Some(place) = place { input type="hidden" name="conversation" value=(place); }
            button.main { (visit.t("record-say")) }
        }
        @if record.total > 0 { (take::record_form(visit, place)) }
        p.hint { (visit.t("record-export-hint")) " " code { (EXPORT) } }
    })
}

/// What two desks compare.
fn head(visit: &Visit<'_>, record: &RecordPage) -> Markup {
    html! {
        section.panel aria-labelledby="head-title" {
            h2 #head-title { (visit.t("record-head")) }
            p.digest { (grouped(&record.head)) }
            p.hint { (visit.t("record-head-means")) }
            p { (visit.tn("record-count", &[("count", record.total.into())])) }
            @if !record.missing.is_empty() {
                p.warn { (visit.tn("record-missing", &[("count", record.missing.len().into())])) }
            }
        }
    }
}

fn further(visit: &Visit<'_>, record: &RecordPage, place: Option<ConversationId>, after: usize) -> Markup {
    let to = |after: usize| {
        let place = place.map(|place| place.to_string()).unwrap_or_default();
        link(PAGE.name, &[("conversation", &*place), ("after", &*after.to_string())])
    };
    let next = after + record.statements.len();
    html! {
        p.older {
            @if after > 0 { a href=(to(after.saturating_sub(SHOWN))) rel="prev" { (visit.t("record-earlier")) } " " }
            @if next < record.total { a href=(to(next)) rel="next" { (visit.t("record-later")) } }
        }
    }
}

/// A statement: who, its texts side by side, what was said to it, what may be done.
fn sheet(visit: &Visit<'_>, shown: &StatementShown, place: Option<ConversationId>) -> Markup {
    let entry = shown.brought.as_ref().map(|brought| brought.entry.clone()).unwrap_or_default();
    html! {
        article.sheet id=(format!("s{}", shown.place)) {
            header {
                span.number { (shown.place) }
                (signer(visit, &shown.by))
                (standing(visit, &shown.standing))
                span.when { (time(visit, ms(&shown.at))) }
            }
            (relations(visit, shown))
            (texts(&shown.texts))
            (countersignatures(visit, shown))
            (acts(visit, shown, &entry, place))
            (fingerprints(visit, shown))
        }
    }
}

/// What it corrects, what corrects it, what it asks.
fn relations(visit: &Visit<'_>, shown: &StatementShown) -> Markup {
    let asks = match shown.asks.as_str() {
        "acknowledge" => Some("record-asks-acknowledge"),
        "agree" => Some("record-asks-agree"),
        _ => None,
    };
    html! {
        @if shown.corrects.is_some() { p.act { (visit.tn("record-corrects", &[("number", shown.number.into())])) } }
        @if !shown.corrected_by.is_empty() { p.act { (visit.t("record-corrected")) } }
        @if let Some(asks) = asks { p.act { (visit.t(asks)) } }
    }
}

/// All languages beside each other: they are bound together.
pub fn texts(texts: &[TextShown]) -> Markup {
    html! {
        div.bound {
            @for text in texts {
                section lang=(text.lang) dir="auto" {
                    p.title { (text.title) }
                    div.text lang=(text.lang) { (text.text) }
                }
            }
        }
    }
}

fn countersignatures(visit: &Visit<'_>, shown: &StatementShown) -> Markup {
    html! {
        @if !shown.countersignatures.is_empty() {
            ul.marks {
                @for mark in &shown.countersignatures { (countersignature(visit, mark)) }
                @if shown.more_countersignatures > 0 {
                    li { (visit.tn("record-more", &[("count", shown.more_countersignatures.into())])) }
                }
            }
        }
    }
}

fn countersignature(visit: &Visit<'_>, mark: &CountersignatureShown) -> Markup {
    html! {
        li {
            (standing(visit, &mark.verdict)) " " (signer(visit, &mark.by)) " "
            span.when { (time(visit, ms(&mark.at))) }
            @if let Some(reason) = &mark.reason {
                div.text dir="auto" lang=(visit.language_of(reason, false).tag()) { (reason) }
            }
        }
    }
}

/// What this desk may do: answer what the other side said; correct either side's.
fn acts(visit: &Visit<'_>, shown: &StatementShown, entry: &str, place: Option<ConversationId>) -> Markup {
    let Some(brought) = &shown.brought else { return html! {} };
    let is_own = visit.own().is_some_and(|own| own.side == shown.by.name) && brought.own;
    let said: Vec<&str> = shown.countersignatures.iter().map(|mark| mark.verdict.as_str()).collect();
    let is_open = !is_own && !said.contains(&"agreed");
    html! {
        div.buttons {
            @if is_open {
                @if said.is_empty() { (verdict(visit, entry, "acknowledge", "record-do-acknowledge")) }
                (verdict(visit, entry, "agree", "record-do-agree"))
                @if !said.contains(&"declined") { (verdict(visit, entry, "decline", "record-do-decline")) }
            }
            form method="post" action="record-write" {
                input type="hidden" name="corrects" value=(entry);
                @if let Some(place) = place { input type="hidden" name="conversation" value=(place); }
                button.small { (visit.t("record-do-correct")) }
            }
        }
    }
}

fn verdict(visit: &Visit<'_>, entry: &str, word: &str, message: &str) -> Markup {
    html! {
        form method="post" action="record-answer" {
            input type="hidden" name="entry" value=(entry);
            button.small name="verdict" value=(word) { (visit.t(message)) }
        }
    }
}

/// By what the item is known, for whoever compares.
fn fingerprints(visit: &Visit<'_>, shown: &StatementShown) -> Markup {
    html! {
        details.prints {
            summary { (visit.t("record-prints")) }
            dl.pairs {
                dt { (visit.t("record-item")) } dd.digest { (grouped(&shown.digest)) }
                dt { (visit.t("record-node")) } dd.digest { (grouped(&shown.by.node)) }
                @for mark in &shown.countersignatures {
                    dt { (visit.t("record-item-mark")) } dd.digest { (grouped(&mark.digest)) }
                    dt { (visit.t("record-node")) } dd.digest { (grouped(&mark.by.node)) }
                }
            }
        }
    }
}

/// Who signed: side, post, and the person if the certificate names one.
fn signer(visit: &Visit<'_>, by: &SignerShown) -> Markup {
    let is_own = visit.own().is_some_and(|own| own.side == by.name);
    html! {
        (super::name_of(visit, &by.name, &by.title, is_own))
        @if let Some(holder) = &by.holder { " " bdi.holder lang=(visit.language_of(holder, is_own).tag()) { (holder) } }
    }
}

/// How far it has come: a word, a shape and a colour.
pub fn standing(visit: &Visit<'_>, word: &str) -> Markup {
    let (class, message) = match word {
        "acknowledged" => ("acknowledged", "standing-acknowledged"),
        "declined" => ("declined", "standing-declined"),
        "agreed" => ("agreed", "standing-agreed"),
        _ => ("said", "standing-said"),
    };
    html! { span.standing.(class) { (visit.t(message)) } }
}

/// An entry of the record among the letters.
pub fn in_letter(visit: &Visit<'_>, row: &LogRow) -> Markup {
    let facts = statement::facts(&*visit.node, row).ok();
    let Some(OnRecord { counts: true, statement: Some(shown), verdict, reason, .. }) = &facts else {
        let why = facts.and_then(|facts| facts.why_not).unwrap_or_default();
        return html! {
            p.warn { (visit.t("record-false")) }
            p.detail lang="en" { bdi { (why) } }
        };
    };
    let place = link(
        PAGE.name,
        &[("conversation", &*row.conversation.to_string()), ("after", &*(shown.place - 1).to_string())],
    );
    html! {
        p.onrecord {
            (visit.t("record-on")) " "
            (standing(visit, verdict.as_deref().unwrap_or(&shown.standing))) " "
            a href=(format!("{place}#s{}", shown.place)) { (visit.t("record-open")) }
        }
        @if matches!(row.body(), Some(Body::Statement(_))) { (texts(&shown.texts)) } @else { (titles(&shown.texts)) }
        @if let Some(reason) = reason { div.text dir="auto" lang=(visit.language_of(reason, row.is_own).tag()) { (reason) } }
    }
}

fn titles(texts: &[TextShown]) -> Markup {
    html! {
        span.titles { @for (index, text) in texts.iter().enumerate() { @if index > 0 { " / " } bdi lang=(text.lang) { (text.title) } } }
    }
}

/// Statements that ask something of this desk, as rows of what needs an answer.
pub fn asked_rows(visit: &Visit<'_>, asked: &[Brief]) -> Markup {
    html! {
        @for brief in asked {
            li { (asked_row(visit, brief)) }
        }
    }
}

fn asked_row(visit: &Visit<'_>, brief: &Brief) -> Markup {
    let brought = brief.brought.as_ref();
    let place = brought.map(|brought| brought.conversation.clone()).unwrap_or_default();
    let asks = if brief.asks == "agree" { "record-asks-agree" } else { "record-asks-acknowledge" };
    html! {
        a.row href=(link(PAGE.name, &[("conversation", &*place)])) {
            span.number { (brought.map(|brought| brought.cited.clone()).unwrap_or_default()) }
            span { b.onrecord { (visit.t("record-on")) } " " (visit.t(asks)) " " (titles(&brief.titles)) }
            span.when { (time(visit, ms(&brief.at))) }
        }
    }
}

/// Answers a statement, once a person has said twice that it is meant.
fn answer(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    let verdict = match form.text("verdict") {
        "agree" => statement::VerdictWord::Agree,
        "decline" => statement::VerdictWord::Decline,
        _ => statement::VerdictWord::Acknowledge,
    };
    let row = crate::clerk::find::entry(visit.node, form.text("entry"))?;
    if form.text("sure") != "yes" {
        let facts = statement::facts(visit.node, &row)?;
        let body = ask_again(visit, form, facts.statement.as_ref(), verdict);
        return Ok(Next::Show { title: visit.t("record-sure-title"), body });
    }
    if visit.office.is_first(form.text("once")) {
        let (entry, reason) = (row.id.to_string(), form.given("reason").map(str::to_owned));
        let act = RecordAct::Countersign { entry: entry.clone(), verdict, reason: reason.clone() };
        if let Some(waits) = speak::drafted(visit, &Request::Record { act }, None)? {
            return Ok(waits);
        }
        statement::countersign(visit.node, &entry, verdict, reason.as_deref())?;
    }
    Ok(Next::Go(link(PAGE.name, &[("conversation", &*row.conversation.to_string())])))
}

fn ask_again(
    visit: &Visit<'_>,
    form: &Form,
    shown: Option<&StatementShown>,
    verdict: statement::VerdictWord,
) -> Markup {
    use statement::VerdictWord as V;
    let (means, button) = match verdict {
        V::Acknowledge => ("record-sure-acknowledge", "record-do-acknowledge"),
        V::Agree => ("record-sure-agree", "record-do-agree"),
        V::Decline => ("record-sure-decline", "record-do-decline"),
    };
    html! {
        section.ask.on-record {
            h1 { (visit.t("record-sure-title")) }
            p { (visit.t(means)) }
            p { (visit.t("record-for-good")) }
            @if let Some(shown) = shown { (texts(&shown.texts)) }
            form.stack method="post" action="record-answer" {
                @for name in ["entry", "verdict"] { input type="hidden" name=(name) value=(form.text(name)); }
                input type="hidden" name="once" value=(crate::page::office::fresh_token().unwrap_or_default());
                @if verdict == V::Decline {
                    label for="reason" { (visit.t("record-reason")) }
                    textarea #reason name="reason" rows="3" dir="auto" {}
                }
                div.buttons {
                    button.main.seal name="sure" value="yes" { (visit.t(button)) }
                    a href=(PAGE.name) { (visit.t("record-back")) }
                }
            }
        }
    }
}

/// A digest in groups of four, so that it can be read aloud.
fn grouped(digest: &str) -> String {
    let digits: Vec<char> = digest.chars().collect();
    digits.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

fn ms(at: &str) -> i64 {
    at.parse::<Timestamp>().map_or(0, Timestamp::as_millisecond)
}

/// What an operator types.
const EXPORT: &str = "couloir record export FILE --pdf FILE.pdf";
/// Statements on one page.
const SHOWN: usize = 20;
