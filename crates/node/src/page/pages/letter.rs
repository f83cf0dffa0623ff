//! One entry, as a letter: what it is cited by, who, when, what, and how far it has come, in words.

use couloir_engine::status::RouteState;
use couloir_talks::thread::Said;
use couloir_wire::entry::{Body, DeliveryState, Marking, Note, Precedence};
use couloir_wire::id::EntryId;
use maud::{Markup, html};

use super::{layers, marking, name_of, record, time};
use crate::clerk::row::gist;
use crate::clerk::{Node, about, files};
use crate::page::form::link;
use crate::page::visit::Visit;
use crate::store::{LogRow, Reader};
use crate::words::Outcome;

/// An entry, and what its letter shows besides.
pub struct Letter {
    /// The entry.
    pub row: LogRow,
    /// What was said of it, up to a bound.
    pub about: Vec<LogRow>,
    /// The entry that it is about.
    pub target: Option<LogRow>,
    /// Whether what it quotes is in that; also if it quotes nothing, or that has expired.
    pub is_quoted: bool,
    /// How far its file has come.
    pub progress: Option<files::Progress>,
    /// Whether its author was told something before it in other words than we were.
    pub differs: bool,
    /// The marking of its conversation.
    pub agreed: Option<Marking>,
}

impl Letter {
    /// Reads what belongs to an entry of a conversation that is marked `agreed`.
    pub fn read(visit: &mut Visit<'_>, row: LogRow, agreed: Option<Marking>) -> Outcome<Letter> {
        let reader = visit.node.reader();
        let about = reader.about_first(row.id, ABOUT_ROWS)?;
        let target = row.about.map(|id| reader.row(id)).transpose()?.flatten();
        let progress = files::progress(visit.node, &row)?;
        let reader = visit.node.reader();
        let differs = row.entry.as_ref().map(|entry| reader.is_told_differently(entry)).transpose()?;
        let is_quoted = is_quoted(reader, &row, target.as_ref())?;
        Ok(Letter { row, about, target, is_quoted, progress, differs: differs == Some(true), agreed })
    }

    /// What became of it; `None` once it expired.
    pub fn said(&self) -> Option<Said<'_>> {
        let entry = self.row.entry.as_ref()?;
        Some(Said::of(entry, self.about.iter().filter_map(|row| row.entry.as_ref())))
    }

    /// How it may be passed on.
    pub fn marking(&self) -> Option<Marking> {
        self.row.entry.as_ref().and_then(|entry| entry.marking).or(self.agreed)
    }
}

fn is_quoted(reader: &Reader, row: &LogRow, target: Option<&LogRow>) -> Outcome<bool> {
    match (row.body(), target.filter(|target| target.entry.is_some())) {
        (Some(Body::Note(Note { quote: Some(quote), .. })), Some(target)) => {
            about::is_quoted(reader, target, quote)
        }
        _ => Ok(true),
    }
}

/// The entry's letter.
pub fn letter(visit: &Visit<'_>, letter: &Letter) -> Markup {
    let (row, said) = (&letter.row, letter.said());
    let author = visit.posts.author(row.author);
    let side = if row.is_own { "own" } else { "theirs" };
    let step = step(visit, letter);
    html! {
        @if row.has_gap { p.gap { (visit.t("letter-gap")) } }
        @if letter.differs { p.gap { (visit.t("letter-differs")) } }
        article.letter.(side).(row.precedence.word()).step[step.is_some()] id=(anchor(visit, row)) data-entry=(row.id) {
            a.number href=(format!("#{}", anchor(visit, row))) { (visit.cited(row)) }
            header {
                (name_of(visit, &author.side, &author.post, row.is_own))
                (precedence(visit, row.precedence))
                @if let Some(step) = &step { (step) }
                (when(visit, row.at_ms))
            }
            @if step.is_none() { (body(visit, letter, said.as_ref())) }
            (foot(visit, letter, said.as_ref()))
            @if is_unanswered(row, said.as_ref()) { (reply_without(visit, row)) }
        }
    }
}

fn foot(visit: &Visit<'_>, letter: &Letter, said: Option<&Said<'_>>) -> Markup {
    let row = &letter.row;
    let marking = letter.marking().filter(|_| row.entry.is_some());
    let is_otherwise = marking != letter.agreed;
    html! {
        footer {
            (delivery(visit, row, said))
            @if let Some(ms) = row.expires_ms.filter(|_| row.entry.is_some()) {
                span.expires { (visit.t("letter-expires")) " " (time(visit, ms)) }
            }
            @match marking {
                Some(_) if is_otherwise => (marking::pill(marking)),
                Some(marking) => span.marked { (marking::label(marking)) },
                None => {},
            }
            (ways_on(visit, letter, said))
        }
    }
}

/// What was done to another entry, where that is all that is said.
fn step(visit: &Visit<'_>, letter: &Letter) -> Option<Markup> {
    match letter.row.body()? {
        Body::Answer { deferred_until_ms, .. } => Some(answer(visit, letter, *deferred_until_ms)),
        Body::Edit { .. } => Some(act(visit, letter, "act-edit")),
        Body::Withdraw { .. } => Some(act(visit, letter, "act-withdraw")),
        Body::Translate(_) => Some(act(visit, letter, "act-translate")),
        _ => None,
    }
}

/// What an entry is called within its page.
fn anchor(visit: &Visit<'_>, row: &LogRow) -> String {
    format!("e{}", visit.cited(row))
}

/// An entry's citation, as a link to it.
pub fn cite(visit: &Visit<'_>, row: &LogRow) -> Markup {
    html! { a.cites href=(place_of(visit, row)) { (visit.cited(row)) } }
}

/// Where an entry is read.
pub fn place_of(visit: &Visit<'_>, row: &LogRow) -> String {
    let page = [("conversation", &*row.conversation.to_string()), ("at", &*row.cited.to_string())];
    format!("{}#{}", link("thread", &page), anchor(visit, row))
}

/// What nobody asked for an answer to is the ordinary, and says nothing.
fn precedence(visit: &Visit<'_>, precedence: Precedence) -> Markup {
    html! {
        @if precedence != Precedence::Routine {
            span.precedence.(precedence.word()) { (visit.t(precedence_word(precedence))) }
        }
    }
}

/// The message for a precedence.
pub fn precedence_word(precedence: Precedence) -> &'static str {
    match precedence {
        Precedence::Flash => "precedence-flash",
        Precedence::Immediate => "precedence-immediate",
        Precedence::Priority => "precedence-priority",
        Precedence::Routine => "precedence-routine",
    }
}

/// The author's time here, and there.
fn when(visit: &Visit<'_>, ms: i64) -> Markup {
    let theirs = visit.their_dates();
    html! {
        span.when {
            (time(visit, ms))
            @if let Some(theirs) = theirs { span.theirs { (theirs.clock(ms)) " " (theirs.place(ms)) } }
        }
    }
}

/// What an entry says first, where that is a text of its author's.
pub fn gist_of(body: &Body) -> &str {
    let is_step = matches!(
        body,
        Body::Meeting { of: Some(_), .. }
            | Body::Case { of: Some(_), .. }
            | Body::Swap { of: Some(_), .. }
            | Body::Announcement { of: Some(_), .. }
    );
    if is_step { "" } else { gist(body) }
}

/// The language of an entry's text: what its author said, or what its characters tell.
pub fn tag_of(visit: &Visit<'_>, row: &LogRow) -> String {
    let said = match row.body() {
        Some(Body::Note(note)) => note.lang.as_ref(),
        Some(Body::Translate(translation)) => Some(&translation.lang),
        _ => None,
    };
    let guessed = || visit.language_of(row.body().map_or("", gist_of), row.is_own).tag().to_owned();
    said.map_or_else(guessed, |lang| lang.tag().to_owned())
}

fn body(visit: &Visit<'_>, letter: &Letter, said: Option<&Said<'_>>) -> Markup {
    let row = &letter.row;
    if said.is_some_and(|said| said.withdrawn.is_some()) {
        return html! { p.act.withdrawn { (visit.t("letter-withdrawn")) } };
    }
    match (row.body(), said) {
        (Some(Body::Note(note)), Some(said)) => layers::note(visit, letter, note, said),
        (Some(Body::File { name, len, .. }), _) => file(visit, letter, name, *len),
        (Some(Body::Statement(_) | Body::Countersign { .. }), _) => record::in_letter(visit, row),
        (Some(other), _) => html! {
            p.act { (visit.t(kind_word(other))) }
            @if !gist_of(other).is_empty() {
                div.text dir="auto" lang=(tag_of(visit, row)) { (gist_of(other)) }
            }
        },
        (None, _) => html! { p.act { (visit.t("letter-expired")) } },
    }
}

/// The message for a kind of entry.
pub fn kind_word(body: &Body) -> &'static str {
    match body {
        Body::Note(_) => "kind-note",
        Body::File { .. } => "kind-file",
        Body::Answer { .. } => "kind-answer",
        Body::Open(_) => "kind-conversation",
        Body::Edit { .. } => "kind-edit",
        Body::Withdraw { .. } => "kind-withdrawal",
        Body::Translate(_) => "kind-translation",
        Body::Statement(_) => "kind-statement",
        Body::Countersign { .. } => "kind-countersignature",
        Body::Meeting { .. } => "kind-meeting",
        Body::Case { .. } => "kind-case",
        Body::Report(_) => "kind-report",
        Body::Swap { .. } => "kind-swap",
        Body::Announcement { .. } => "kind-announcement",
    }
}

/// Something done to another entry.
fn act(visit: &Visit<'_>, letter: &Letter, words: &'static str) -> Markup {
    html! {
        p.act { (visit.t(words)) @if let Some(target) = &letter.target { " " (cite(visit, target)) } }
    }
}

fn file(visit: &Visit<'_>, letter: &Letter, name: &str, len: u64) -> Markup {
    let row = &letter.row;
    let files::Progress { done, is_damaged, is_held } = letter.progress.unwrap_or_default();
    html! {
        div.file {
            span.name { bdi lang=(visit.language_of(name, row.is_own).tag()) { (name) } }
            span.size { (size(len)) }
            @if is_damaged {
                span.size { (visit.t("file-damaged")) }
            } @else if done < len {
                progress max=(len) value=(done) aria-label=(visit.t("file-progress")) {}
                span.size { (size(done)) " / " (size(len)) }
                @if row.is_own { (hold(visit, row, is_held)) }
            } @else if !row.is_own || row.number.is_some() {
                a href=(link("file", &[("entry", &row.id.to_string())])) download { (visit.t("file-save")) }
            }
        }
    }
}

/// Files wait together: they leave one after the other.
fn hold(visit: &Visit<'_>, row: &LogRow, is_held: bool) -> Markup {
    html! {
        form.hold method="post" action="hold-files" {
            input type="hidden" name="entry" value=(row.id);
            @if is_held { span.state.doubt { (visit.t("file-held")) } " " }
            button.small name="is" value=(if is_held { "on" } else { "held" }) { (visit.t(if is_held { "file-resume" } else { "file-pause" })) }
        }
    }
}

/// Octets, as people write them.
pub fn size(octets: u64) -> String {
    let units = ["B", "kB", "MB", "GB"];
    let power = octets.max(1).ilog10() / 3;
    let unit = units[(power as usize).min(units.len() - 1)];
    let scaled = octets as f64 / 1000f64.powi(power.min(3).cast_signed());
    if power == 0 { format!("{octets} {unit}") } else { format!("{scaled:.1} {unit}") }
}

fn answer(visit: &Visit<'_>, letter: &Letter, until_ms: Option<i64>) -> Markup {
    let id = match (letter.row.is_own, until_ms.is_some()) {
        (true, true) => "act-deferred-own",
        (true, false) => "act-withheld-own",
        (false, true) => "act-deferred-theirs",
        (false, false) => "act-withheld-theirs",
    };
    html! {
        p.act {
            (visit.t(id))
            @if let Some(ms) = until_ms { " " (time(visit, ms)) }
            @if let Some(target) = &letter.target { " " (cite(visit, target)) }
        }
    }
}

/// How far an entry has come: forward only, and in words.
fn delivery(visit: &Visit<'_>, row: &LogRow, said: Option<&Said<'_>>) -> Markup {
    let answered = said.and_then(|said| said.answers.last().map(|(until_ms, _)| *until_ms));
    let words = if row.is_own { own_delivery(visit, row) } else { visit.t("delivery-received") };
    let class = if row.is_own { row.state.word() } else { "received" };
    html! {
        span.delivery.(class) { (words) }
        @if let Some(until_ms) = answered { (answered_words(visit, row.is_own, until_ms)) }
    }
}

fn own_delivery(visit: &Visit<'_>, row: &LogRow) -> String {
    let works = |state: RouteState| matches!(state, RouteState::Working | RouteState::OutOnly);
    let routes = visit.status.routes.iter().filter(|route| works(route.state)).count();
    match row.state {
        _ if row.number.is_none() => visit.t("delivery-waits"),
        DeliveryState::Kept => visit.t("delivery-kept"),
        DeliveryState::Carried => visit.tn("delivery-carried", &[("routes", routes.into())]),
        DeliveryState::Delivered => visit.t("delivery-delivered"),
        DeliveryState::Shown => visit.t("delivery-shown"),
    }
}

fn answered_words(visit: &Visit<'_>, is_own: bool, until_ms: Option<i64>) -> Markup {
    let id = match (is_own, until_ms.is_some()) {
        (true, true) => "answered-deferred-theirs",
        (true, false) => "answered-withheld-theirs",
        (false, true) => "answered-deferred-own",
        (false, false) => "answered-withheld-own",
    };
    html! {
        span.delivery.answered {
            (visit.t(id))
            @if let Some(ms) = until_ms { " " (time(visit, ms)) }
        }
    }
}

/// What one may do next: answer it, or see and do everything else.
fn ways_on(visit: &Visit<'_>, letter: &Letter, said: Option<&Said<'_>>) -> Markup {
    let row = &letter.row;
    let place = row.conversation.to_string();
    let reply = [("conversation", &*place), ("reply", &*row.id.to_string())];
    let is_text = matches!(row.body(), Some(Body::Note(_) | Body::File { .. }));
    let can_reply = is_text && said.is_some_and(|said| said.withdrawn.is_none());
    html! {
        span.ways-on {
            @if can_reply && row.number.is_some() {
                a href=(format!("{}#write", link("thread", &reply))) aria-label=(named(visit, "reply", row)) { (visit.t("reply")) }
            }
            a href=(link("entry", &[("id", &row.id.to_string())])) aria-label=(named(visit, "more", row)) { (visit.t("more")) }
        }
    }
}

/// What a link does, and to which entry, for whoever hears links by themselves.
fn named(visit: &Visit<'_>, words: &str, row: &LogRow) -> String {
    format!("{} {}", visit.t(words), visit.cited(row))
}

/// Whether a holding reply is still to be given.
fn is_unanswered(row: &LogRow, said: Option<&Said<'_>>) -> bool {
    let is_answerable = matches!(row.body(), Some(Body::Note(_) | Body::File { .. })) && !row.is_own;
    is_answerable && said.is_some_and(|said| said.answers.is_empty() && said.withdrawn.is_none())
}

/// A holding reply, without words.
fn reply_without(visit: &Visit<'_>, row: &LogRow) -> Markup {
    let entry: EntryId = row.id;
    html! {
        details.reply {
            summary { (visit.t("reply-without")) }
            form method="post" action="answer" {
                input type="hidden" name="entry" value=(entry);
                button.small name="how" value="withhold" { (visit.t("reply-withhold")) }
                label { (visit.t("reply-until")) " " input type="datetime-local" name="until"; }
                button.small name="how" value="defer" { (visit.t("reply-defer")) }
            }
        }
    }
}

/// More of what was said of one entry is read on no page.
const ABOUT_ROWS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        let written = [0, 999, 1_000, 52_100, 1_073_741_824].map(size);
        assert_eq!(written, ["0 B", "999 B", "1.0 kB", "52.1 kB", "1.1 GB"]);
    }
}
