//! A conversation, read like correspondence; what is written next stands below it.

use couloir_engine::Input;
use couloir_wire::entry::{Body, DeliveryState, Precedence};
use couloir_wire::id::{ConversationId, EntryId, PostId};
use jiff::civil::DateTime;
use maud::{Markup, html};

use super::composer::{self, Composer};
use super::conversations::subject_tag;
use super::letter::{self, Letter};
use super::{Act, Next, Page, marking};
use crate::clerk::conversations::{self, Conversation};
use crate::clerk::{Node, answer};
use crate::page::form::{Form, link};
use crate::page::visit::{Look, Visit};
use crate::socket::How;
use crate::store::LogRow;
use crate::words::{Failure, Outcome};

/// The page; without `conversation`, the channel's first one.
pub const PAGE: Page = Page { name: "thread", title: "thread-title", key: Some('t'), is_way: false, show };

/// What is done on it.
pub const ACTS: &[Act] =
    &[Act { name: "answer", run: answer_without }, Act { name: "hold-files", run: hold_files }];

/// A stretch of a conversation.
struct Stretch {
    letters: Vec<Letter>,
    /// Whether there is more before it.
    has_before: bool,
    /// Whether there is more after it.
    has_after: bool,
}

fn show(visit: &mut Visit<'_>) -> Outcome<Markup> {
    let asked = visit.caller.query.given("conversation").and_then(|id| id.parse().ok());
    let place = conversations::one(visit.node, asked)?;
    let stretch = Stretch::of(visit, &place)?;
    seen(visit, &stretch.letters)?;
    let links = connections(visit, &place)?;
    let composer = Composer::of(visit, &place)?;
    let visit = &*visit;
    Ok(html! {
        (head(visit, &place, &links))
        div #letters data-live data-follow-end[!stretch.has_after] {
            @if stretch.has_before { (older(visit, &place, &stretch)) }
            (letters(visit, &stretch.letters))
            @if stretch.letters.is_empty() { p.empty { (visit.t("thread-empty")) } }
        }
        @if stretch.has_after { p.older { a href=(composer::afterwards(place.id)) rel="next" { (visit.t("thread-newest")) } } }
        (composer::form(visit, &composer))
    })
}

impl Stretch {
    /// What the address asks for: the newest, those before a number, or those around one.
    fn of(visit: &mut Visit<'_>, place: &Conversation) -> Outcome<Stretch> {
        let query = &visit.caller.query;
        let around = query.number("at").map(|at| at.saturating_add(ROWS_SHOWN as u64 / 2));
        let before = query.number("before").or(around);
        let reader = visit.node.reader();
        let mut rows = reader.letters(place.id, before, ROWS_SHOWN)?;
        let newest = place.newest.as_ref().map_or(0, |row| row.cited);
        let has_after = rows.last().is_some_and(|row| row.cited < newest);
        let has_before = rows.first().is_some_and(|row| row.cited > 1) && rows.len() >= ROWS_SHOWN;
        if !has_after {
            let is_here = |row: &LogRow| row.conversation == place.id;
            rows.extend(reader.log_waiting()?.into_iter().filter(is_here));
        }
        let letters = rows.into_iter().map(|row| Letter::read(visit, row, place.marking));
        Ok(Stretch { letters: letters.collect::<Outcome<_>>()?, has_before, has_after })
    }
}

/// What a conversation continues, and what continues it.
struct Connections {
    before: Option<(ConversationId, String)>,
    after: Vec<(ConversationId, String)>,
}

fn connections(visit: &Visit<'_>, place: &Conversation) -> Outcome<Connections> {
    let before = place.predecessor.map(|id| conversations::one(visit.node, Some(id)));
    // What is not here cannot be linked to.
    let before = before.and_then(Result::ok).map(|before| (before.id, before.subject));
    Ok(Connections { before, after: conversations::successors(visit.node, place.id)? })
}

fn head(visit: &Visit<'_>, place: &Conversation, links: &Connections) -> Markup {
    let id = place.id.to_string();
    html! {
        p.up { a href="conversations" { (visit.t("talks-title")) } }
        h1 { bdi lang=(subject_tag(visit, place)) { (place.subject) } " " (marking::pill(place.marking)) }
        div.members {
            p { (visit.t("thread-members")) " " (composer::members(visit, place)) }
            @if let Some((id, subject)) = &links.before { (connection(visit, "conversation-continues", *id, subject)) }
            @for (id, subject) in &links.after { (connection(visit, "conversation-continued", *id, subject)) }
            p { a href=(link("conversations", &[("after", &id)])) { (visit.t("conversation-continue")) } }
        }
    }
}

fn connection(visit: &Visit<'_>, words: &'static str, id: ConversationId, subject: &str) -> Markup {
    html! {
        p { (visit.t(words)) " " a href=(link("thread", &[("conversation", &id.to_string())])) { bdi { (subject) } } }
    }
}

/// What the peer said is shown once a person can see it.
fn seen(visit: &mut Visit<'_>, letters: &[Letter]) -> Outcome {
    let is_new = |row: &&LogRow| !row.is_own && row.state < DeliveryState::Shown;
    let new = letters.iter().map(|letter| &letter.row).filter(is_new);
    let shown: Vec<(PostId, EntryId)> = new.map(|row| (row.author, row.id)).collect();
    if shown.is_empty() || visit.caller.look == Look::Hidden { Ok(()) } else { visit.node.show(shown) }
}

fn older(visit: &Visit<'_>, place: &Conversation, stretch: &Stretch) -> Markup {
    let first = stretch.letters.first().map_or(0, |letter| letter.row.cited).to_string();
    let page = [("conversation", &*place.id.to_string()), ("before", &*first)];
    html! { p.older { a href=(link("thread", &page)) rel="prev" { (visit.t("thread-older")) } } }
}

fn letters(visit: &Visit<'_>, letters: &[Letter]) -> Markup {
    let (dates, theirs) = (visit.dates(), visit.their_dates());
    let mut last_ms = None;
    html! {
        @for each in letters {
            @let at_ms = each.row.at_ms;
            @if last_ms.is_none_or(|last_ms| !dates.is_same_day(last_ms, at_ms)) {
                h2.day {
                    (dates.day(at_ms))
                    @if let Some(theirs) = theirs.as_ref().filter(|theirs| theirs.calendar != dates.calendar) {
                        span.theirs { (theirs.day(at_ms)) }
                    }
                }
            }
            (letter::letter(visit, each))
            ({ last_ms = Some(at_ms); "" })
        }
    }
}

/// Received, and no answer for now: said deliberately, by one button.
fn answer_without(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    let gone = || Failure::usage("there is no such entry", "reload the page");
    let entry: EntryId = form.text("entry").parse().map_err(|_| gone())?;
    let row = visit.node.reader().row(entry)?.ok_or_else(gone)?;
    let deferred_until_ms = match form.text("how") {
        "defer" => Some(later_ms(visit, form.text("until"))?),
        _ => None,
    };
    let body = Body::Answer { entry, deferred_until_ms };
    let how =
        How { precedence: Precedence::Priority, conversation: Some(row.conversation), ..How::default() };
    visit.node.say(answer::say(body, &how, 0))?;
    Ok(Next::Go(letter::place_of(visit, &row)))
}

/// Files wait, or go on.
fn hold_files(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    visit.node.submit(Input::HoldFiles(form.text("is") == "held"))?;
    visit.office.announce();
    let row = form.text("entry").parse().ok().map(|id| visit.node.reader().row(id)).transpose()?.flatten();
    Ok(Next::Go(row.map_or_else(|| PAGE.name.to_owned(), |row| letter::place_of(visit, &row))))
}

/// A time that a browser's `datetime-local` field gives, in this desk's zone.
fn later_ms(visit: &Visit<'_>, typed: &str) -> Outcome<i64> {
    let wrong = || Failure::usage("that is no time to come", "choose a later one");
    let civil: DateTime = typed.parse().map_err(|_| wrong())?;
    let zoned = civil.to_zoned(visit.dates().zone).map_err(|_| wrong())?;
    let ms = zoned.timestamp().as_millisecond();
    if ms <= visit.now_ms { Err(wrong()) } else { Ok(ms) }
}

/// Entries on one page.
const ROWS_SHOWN: usize = 50;
