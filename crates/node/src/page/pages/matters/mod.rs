//! Meetings, cases, swaps, announcements and reports: a page for each kind, which lists them, or shows the one that is named.
//!
//! What all have in common is here: the list with its filters, the head of one, its steps, times by both desks'
//! clocks, and how a form becomes a step. What a step may be is decided by [`crate::clerk::matters`].

pub mod announcements;
pub mod cases;
mod fields;
mod meeting_forms;
pub mod meetings;
pub mod reports;
pub mod swaps;

use couloir_wire::entry::Body;
use maud::{Markup, html};

use super::{Next, name_of};
use crate::clerk::conversations;
use crate::clerk::matters::times::TimeShown;
use crate::clerk::matters::{self, Filter, ListedMatter, MatterShown, shown};
use crate::clerk::row::Author;
use crate::page::dates::Dates;
use crate::page::form::{Form, link};
use crate::page::office::fresh_token;
use crate::page::speak;
use crate::page::taste;
use crate::page::visit::Visit;
use crate::socket::How;
use crate::words::{Failure, Outcome};

/// What a kind of matter has of its own on the page.
pub struct Kind {
    /// Its page.
    pub page: &'static str,
    /// The word for it.
    pub word: &'static str,
    /// The message that is the page's title.
    pub title: &'static str,
    /// The message that says what it is for.
    pub lead: &'static str,
    /// The message over the form that opens one.
    pub new: &'static str,
    /// That form's inside.
    pub form: fn(&Visit<'_>) -> Markup,
    /// What is known of one.
    pub one: fn(&Visit<'_>, &MatterShown) -> Markup,
    /// What may be done with it, outside of what follows the line.
    pub acts: fn(&Visit<'_>, &MatterShown) -> Markup,
}

/// The page of a kind: one if it is named, else the list.
pub fn page(visit: &mut Visit<'_>, kind: &Kind) -> Outcome<Markup> {
    match visit.caller.query.given("id").map(str::to_owned) {
        Some(id) => one(visit, kind, &id),
        None => list(visit, kind),
    }
}

fn one(visit: &mut Visit<'_>, kind: &Kind, id: &str) -> Outcome<Markup> {
    let matter = shown::named(visit.node, id)?;
    if matter.kind != kind.word {
        return Err(Failure::usage(format!("that is a {}", matter.kind), "look for it on its own page"));
    }
    let visit = &*visit;
    Ok(html! {
        p.up { a href=(kind.page) { (visit.t(kind.title)) } }
        div #matter data-live {
            (head(visit, &matter))
            ((kind.one)(visit, &matter))
            (steps(visit, &matter))
        }
        ((kind.acts)(visit, &matter))
    })
}

fn head(visit: &Visit<'_>, matter: &MatterShown) -> Markup {
    html! {
        h1 { bdi lang=(visit.language_of(&matter.title, matter.ours).tag()) { (matter.title) } }
        p.lead {
            (state(visit, &matter.state)) " " (waits(visit, matter.waits_for_us, matter.waits_for_them))
        }
        p.hint {
            (matter.cited) " · " (visit.t("matter-by")) " " (who(visit, &matter.by, matter.ours)) " · "
            (clocks(visit, &matter.at))
        }
    }
}

/// Every step, in the order that is the same at both desks.
fn steps(visit: &Visit<'_>, matter: &MatterShown) -> Markup {
    html! {
        section.panel aria-labelledby="steps-title" {
            h2 #steps-title { (visit.t("matter-steps")) }
            ol.rows.steps {
                @for step in &matter.steps {
                    li.row.about {
                        span.number { (step.cited) }
                        span {
                            b { (visit.t(act_word(&step.act))) } " " (who(visit, &step.by, step.own))
                            @if !step.counts { " " span.state.doubt { (visit.t("matter-nothing")) } }
                            @if has_text(&step.act) && !step.text.is_empty() {
                                div.text dir="auto" lang=(visit.language_of(&step.text, step.own).tag()) { (step.text) }
                            }
                        }
                        span.when { (clocks(visit, &step.at)) }
                    }
                }
            }
        }
    }
}

/// Whether a step says something in its author's words.
fn has_text(act: &str) -> bool {
    !matches!(act, "accept" | "commit" | "reveal" | "agree")
}

fn list(visit: &mut Visit<'_>, kind: &Kind) -> Outcome<Markup> {
    let query = visit.caller.query.clone();
    let filter = Filter {
        kind: Some(kind.word.to_owned()),
        with_ended: query.text("show") == "all",
        ours_to_answer: query.text("show") == "mine",
        overdue: query.text("show") == "overdue",
        title: query.given("q").map(str::to_owned),
        before: query.number("before"),
        count: Some(ROWS_SHOWN),
        ..Filter::default()
    };
    let listed = matters::list(visit.node, &filter)?;
    let visit = &*visit;
    let is_more = listed.len() == ROWS_SHOWN && !filter.ours_to_answer && !filter.overdue;
    Ok(html! {
        h1 { (visit.t(kind.title)) }
        p.lead { (visit.t(kind.lead)) }
        (filters(visit, kind, &query))
        div #matters data-live {
            @if listed.is_empty() { p.empty { (visit.t("matters-none")) } }
            ul.rows { @for matter in &listed { li { (row(visit, matter)) } } }
            @if let (true, Some(last)) = (is_more, listed.last()) {
                p.older { a href=(link(kind.page, &[("show", query.text("show")), ("q", query.text("q")), ("before", &last.newest.to_string())])) rel="next" { (visit.t("matters-further")) } }
            }
        }
        details.panel #new {
            summary { (visit.t(kind.new)) }
            form.stack method="post" action=(format!("open-{}", kind.word)) {
                (once())
                (conversation(visit)?)
                ((kind.form)(visit))
                div.buttons { button.main { (visit.t("matter-send")) } }
            }
        }
    })
}

fn filters(visit: &Visit<'_>, kind: &Kind, query: &Form) -> Markup {
    let mut choices = vec![("", "matters-open"), ("mine", "matters-mine"), ("all", "matters-all")];
    if kind.word == "case" {
        choices.insert(2, ("overdue", "matters-overdue"));
    }
    html! {
        form.conditions.filters method="get" action=(kind.page) {
            label for="show" { (visit.t("matters-show")) }
            select #show name="show" {
                @for (value, words) in choices {
                    option value=(value) selected[query.text("show") == value] { (visit.t(words)) }
                }
            }
            label for="q" { (visit.t("matters-title-holds")) }
            input #q name="q" value=(query.text("q")) dir="auto" autocomplete="off";
            button.small { (visit.t("matters-go")) }
        }
    }
}

/// A matter in a list, here or on the desk.
pub fn row(visit: &Visit<'_>, matter: &ListedMatter) -> Markup {
    html! {
        a.row href=(link(page_of(&matter.kind), &[("id", &matter.id)])) {
            span.number { (matter.cited) }
            span {
                b { bdi lang=(visit.language_of(&matter.title, matter.ours).tag()) { (matter.title) } } " "
                (state(visit, &matter.state)) " " (waits(visit, matter.waits_for_us, matter.waits_for_them))
                @if let Some(counts) = matter.detail["counts"].as_object() {
                    span.with { (cases::counts(visit, counts.iter().map(|(status, count)| (status.as_str(), count.as_u64().unwrap_or(0))))) }
                }
            }
            span.when {
                @if let Some(due) = matter.due.as_ref().filter(|_| matter.open) {
                    span.state.(if matter.overdue { "bad" } else { "doubt" }) { (visit.t(due_word(&matter.kind, matter.overdue))) } " "
                    (clocks(visit, due))
                }
            }
        }
    }
}

/// Matters of which the desk must know at once: what waits for an answer, and what is overdue.
pub fn urgent(visit: &mut Visit<'_>) -> Outcome<Vec<ListedMatter>> {
    let filter = Filter { count: Some(URGENT_SHOWN), ..Filter::default() };
    let mut urgent = matters::list(visit.node, &Filter { ours_to_answer: true, ..filter.clone() })?;
    let overdue = Filter { overdue: true, kind: Some("case".to_owned()), ..filter };
    let is_known =
        |matter: &ListedMatter, known: &[ListedMatter]| known.iter().any(|other| other.id == matter.id);
    for matter in matters::list(visit.node, &overdue)? {
        if !is_known(&matter, &urgent) {
            urgent.push(matter);
        }
    }
    Ok(urgent)
}

fn page_of(kind: &str) -> &'static str {
    match kind {
        "meeting" => "meetings",
        "case" => "cases",
        "swap" => "swaps",
        "report" => "reports",
        _ => "announcements",
    }
}

fn due_word(kind: &str, is_overdue: bool) -> &'static str {
    match (kind, is_overdue) {
        ("case", true) => "due-overdue",
        ("case", false) => "due-case",
        ("meeting", _) => "due-meeting",
        ("swap", _) => "due-swap",
        ("report", _) => "due-report",
        _ => "due-announcement",
    }
}

/// How far a matter has come: a word and a colour.
pub fn state(visit: &Visit<'_>, state: &str) -> Markup {
    let (class, word) = match state {
        "proposed" => ("doubt", "state-proposed"),
        "agreed" => ("good", "state-agreed"),
        "cancelled" => ("quiet", "state-cancelled"),
        "held" => ("quiet", "state-held"),
        "unanswered" => ("doubt", "state-unanswered"),
        "answered" => ("good", "state-answered"),
        "closed" => ("quiet", "state-closed"),
        "committing" => ("doubt", "state-committing"),
        "revealing" => ("doubt", "state-revealing"),
        "done" => ("good", "state-done"),
        "off" => ("quiet", "state-off"),
        "declined" => ("quiet", "state-declined"),
        "shared" => ("good", "state-shared"),
        "asked" => ("doubt", "state-asked"),
        "replied" => ("good", "state-answered"),
        _ => ("quiet", "state-published"),
    };
    html! { span.state.(class) { (visit.t(word)) } }
}

fn waits(visit: &Visit<'_>, us: bool, them: bool) -> Markup {
    html! {
        @if us { span.precedence.immediate { (visit.t("waits-us")) } }
        @else if them { span.hint { (visit.t("waits-them")) } }
    }
}

/// The message for what a step does.
fn act_word(act: &str) -> &'static str {
    const WORDS: [(&str, &str); 26] = [
        ("propose", "act-propose"),
        ("counter", "act-counter"),
        ("accept", "act-accept"),
        ("cancel", "act-cancel"),
        ("held", "act-held"),
        ("raise", "act-raise"),
        ("add", "act-add"),
        ("status", "act-status"),
        ("answer", "act-answer"),
        ("clock", "act-clock"),
        ("met", "act-met"),
        ("access", "act-access"),
        ("remark", "act-remark"),
        ("close", "act-close"),
        ("open", "act-open"),
        ("commit", "act-commit"),
        ("reveal", "act-reveal"),
        ("abort", "act-abort"),
        ("agree", "act-agree"),
        ("decline", "act-decline"),
        ("published", "act-published"),
        ("share", "act-share"),
        ("request", "act-request"),
        ("reply", "act-reply"),
        ("released", "act-released"),
        ("", "act-other"),
    ];
    WORDS.iter().find(|(word, _)| *word == act).map_or("act-other", |(_, message)| message)
}

/// Who did something.
pub fn who(visit: &Visit<'_>, by: &Author, is_own: bool) -> Markup {
    name_of(visit, &by.side, &by.post, is_own)
}

/// An instant by this desk's clock and the other's.
pub fn clocks(visit: &Visit<'_>, at: &TimeShown) -> Markup {
    clocks_at(visit, at, "")
}

/// The same, and by the clock of a place.
pub fn clocks_at(visit: &Visit<'_>, at: &TimeShown, zone: &str) -> Markup {
    let ms = ms(at);
    let mut dates = vec![visit.dates()];
    dates.extend(visit.their_dates());
    let of_place = taste::zone(zone).map(|zone| Dates { zone, ..visit.dates() });
    dates.extend(of_place);
    let mut places: Vec<String> = Vec::new();
    dates.retain(|dates| {
        let place = dates.place(ms);
        let is_new = !places.contains(&place);
        places.push(place);
        is_new
    });
    html! {
        span.clocks {
            @for dates in &dates { (clock(&at.at, dates, ms)) }
        }
    }
}

fn clock(at: &str, dates: &Dates, ms: i64) -> Markup {
    html! { time datetime=(at) { (dates.day(ms)) " " (dates.clock(ms)) " " small { (dates.place(ms)) } } }
}

/// Milliseconds since 1970.
fn ms(at: &TimeShown) -> i64 {
    at.at.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_millisecond).unwrap_or_default()
}

/// So that a double click says nothing twice.
pub fn once() -> Markup {
    // Without entropy a double click is not noticed.
    html! { input type="hidden" name="once" value=(fresh_token().unwrap_or_default()); }
}

/// In which conversation it is opened.
fn conversation(visit: &Visit<'_>) -> Outcome<Markup> {
    let all = conversations::all(visit.node)?;
    Ok(html! {
        label for="conversation" { (visit.t("matter-where")) }
        select #conversation name="conversation" {
            @for place in &all { option value=(place.id) { (place.subject) } }
        }
    })
}

/// A form for a step of a matter, folded away.
pub fn act(visit: &Visit<'_>, matter: &MatterShown, (word, title): (&str, &str), fields: &Markup) -> Markup {
    html! {
        details.panel.act-form {
            summary { (visit.t(title)) }
            form.stack method="post" action=(format!("step-{}", matter.kind)) {
                (once())
                input type="hidden" name="id" value=(matter.id);
                (fields)
                div.buttons { button name="do" value=(word) { (visit.t("matter-send")) } }
            }
        }
    }
}

/// Opens a matter, and goes there.
pub fn open(visit: &mut Visit<'_>, form: &Form, kind: &Kind, body: Body) -> Outcome<Next> {
    if !visit.office.is_first(form.text("once")) {
        return Ok(Next::Go(kind.page.to_owned()));
    }
    let conversation = form.parsed("conversation")?;
    let how = How { conversation, when_verified: !visit.is_verified(), ..How::default() };
    Ok(speak::say(visit, body, how, None)?.then(|id| link(kind.page, &[("id", &id.to_string())])))
}

/// Says a step of a matter, and goes back to it.
pub fn step(visit: &mut Visit<'_>, form: &Form, matter: &MatterShown, body: Body) -> Outcome<Next> {
    matters::check(&*visit.node, &body)?;
    if visit.office.is_first(form.text("once")) {
        let conversation = matter.conversation.parse().ok();
        let how = How { conversation, when_verified: !visit.is_verified(), ..How::default() };
        return Ok(speak::say(visit, body, how, None)?.then(|_| place(matter)));
    }
    Ok(back(matter))
}

/// The page of a matter.
pub fn back(matter: &MatterShown) -> Next {
    Next::Go(place(matter))
}

fn place(matter: &MatterShown) -> String {
    link(page_of(&matter.kind), &[("id", &matter.id)])
}

/// The matter that a form is about.
pub fn named(visit: &Visit<'_>, form: &Form) -> Outcome<MatterShown> {
    shown::named(&*visit.node, form.text("id"))
}

/// What a form asks for is none of the things that can be done.
pub fn unknown() -> Failure {
    Failure::usage("there is no such step", "go back and choose again")
}

const ROWS_SHOWN: usize = 50;
/// On the desk's first glance.
const URGENT_SHOWN: usize = 12;
