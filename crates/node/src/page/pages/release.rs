//! What waits to be released: what would leave, to whom, and who decides.

use couloir_wire::entry::{Body, Precedence, Swapped};
use couloir_wire::id::ConversationId;
use maud::{Markup, html};

use super::composer::members;
use super::conversations::subject_tag;
use super::letter::{cite, gist_of, kind_word, precedence_word, size};
use super::{Act, Next, Page, marking, name_of, record, time};
use crate::clerk::conversations::{self, Conversation};
use crate::clerk::record::TextShown;
use crate::clerk::statement::{self, AsksWord, VerdictWord};
use crate::clerk::{draft, find};
use crate::page::form::{Form, link};
use crate::page::speak;
use crate::page::visit::Visit;
use crate::release::Draft;
use crate::socket::{How, RecordAct, Request};
use crate::store::LogRow;
use crate::words::{Failure, Outcome};

/// The page.
pub const PAGE: Page = Page { name: "release", title: "release-title", key: Some('p'), is_way: true, show };

/// What is done on it.
pub const ACTS: &[Act] = &[
    Act { name: "draft-release", run: release },
    Act { name: "draft-refuse", run: refuse },
    Act { name: "draft-drop", run: forget },
];

fn show(visit: &mut Visit<'_>) -> Outcome<Markup> {
    let Some(drafts) = visit.drafts.clone() else {
        return Ok(html! { h1 { (visit.t("release-title")) } p.empty { (visit.t("release-off")) } });
    };
    let shown = drafts.into_iter().map(|draft| Shown::of(visit, draft)).collect::<Outcome<Vec<_>>>()?;
    let visit = &*visit;
    Ok(html! {
        h1 { (visit.t("release-title")) }
        p.lead { (visit.t("release-lead")) }
        @if let Some(number) = visit.caller.query.number("kept") {
            p.kept role="status" { (visit.tn("release-kept", &[("number", number.to_string().into())])) }
        }
        (speak::who_speaks(visit))
        div #drafts data-live {
            @if shown.is_empty() { p.empty { (visit.t("release-none")) } }
            @for each in &shown { (one(visit, each)) }
        }
    })
}

/// A draft, and what it would do.
struct Shown {
    draft: Draft,
    /// Where it would be said, if it is said in a conversation that is there.
    place: Option<Conversation>,
    /// The entry that it is about.
    about: Option<LogRow>,
    /// A statement that it answers.
    answered: Vec<TextShown>,
}

impl Shown {
    fn of(visit: &mut Visit<'_>, draft: Draft) -> Outcome<Shown> {
        let about = about(&draft.request).and_then(|named| find::entry(visit.node, &named).ok());
        let answered = match (&draft.request, &about) {
            (Request::Record { .. }, Some(row)) => {
                statement::facts(visit.node, row)?.statement.map(|shown| shown.texts).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        let named = match &draft.request {
            Request::Report { ask } => ask.forwarded().map(|(_, to, _)| to),
            request => how(request).and_then(|how| how.conversation),
        };
        let place = named.or(about.as_ref().map(|row| row.conversation));
        let place =
            if is_opening(&draft.request) { None } else { conversations::one(visit.node, place).ok() };
        Ok(Shown { draft, place, about, answered })
    }

    /// What is said on the record, and what goes before everything else, is asked for again.
    fn asks_again(&self) -> bool {
        self.is_on_record() || self.precedence() == Precedence::Flash
    }

    fn is_on_record(&self) -> bool {
        matches!(self.draft.request, Request::Record { .. })
    }

    fn precedence(&self) -> Precedence {
        how(&self.draft.request).map_or(Precedence::Routine, |how| how.precedence)
    }
}

fn how(request: &Request) -> Option<&How> {
    match request {
        Request::Send { how, .. } | Request::Say { how, .. } | Request::Commit { how, .. } => Some(how),
        Request::Record { act: RecordAct::Say { how, .. } } => Some(how),
        Request::Report { ask } => ask.forwarded().map(|(.., how)| how),
        _ => None,
    }
}

/// The entry that a draft is about, as it names it.
fn about(request: &Request) -> Option<String> {
    match request {
        Request::Say { body, .. } => body.of().map(|id| id.to_string()),
        Request::Commit { swap, .. } => Some(swap.clone()),
        Request::Record { act: RecordAct::Countersign { entry, .. } } => Some(entry.clone()),
        Request::Record { act: RecordAct::Say { draft, .. } } => draft.corrects.clone(),
        Request::Report { ask } => ask.forwarded().map(|(report, ..)| report.to_owned()),
        _ => None,
    }
}

fn is_opening(request: &Request) -> bool {
    matches!(request, Request::Say { body, .. } if matches!(**body, Body::Open(_)))
}

fn one(visit: &Visit<'_>, shown: &Shown) -> Markup {
    let draft = &shown.draft;
    html! {
        article.panel.drafted.refused[draft.refused.is_some()] id=(format!("draft-{}", draft.number)) {
            h2 { (visit.tn("release-draft", &[("number", draft.number.to_string().into()), ("person", draft.by.as_str().into())])) }
            p.hint { (time(visit, ms(&draft.at))) }
            (what(visit, shown))
            @match &draft.refused {
                Some(refused) => { p.warn { (visit.tn("release-refused", &[("person", refused.by.as_str().into())])) " " bdi { (refused.why) } } }
                None => { (decide(visit, shown)) }
            }
            @if visit.caller.person.as_ref() == Some(&draft.by) { (take_back(visit, draft)) }
        }
    }
}

/// What would leave, and to whom.
fn what(visit: &Visit<'_>, shown: &Shown) -> Markup {
    let precedence = shown.precedence();
    html! {
        p.readers { (visit.t("release-to")) " " (readers(visit, shown)) }
        p {
            @if shown.is_on_record() { span.onrecord { (visit.t("record-on")) } } @else { (visit.t("record-off")) }
            @if precedence != Precedence::Routine { " " span.precedence.(precedence.word()) { (visit.t(precedence_word(precedence))) } }
            @if let Some(row) = &shown.about { " · " (visit.t("release-about")) " " (cite(visit, row)) }
        }
        (content(visit, shown))
    }
}

fn readers(visit: &Visit<'_>, shown: &Shown) -> Markup {
    let opened = match &shown.draft.request {
        Request::Say { body, .. } => match &**body {
            Body::Open(opening) => Some(opening),
            _ => None,
        },
        _ => None,
    };
    let marked = how(&shown.draft.request).and_then(|how| how.marking);
    html! {
        @if let Some(opening) = opened {
            @for (index, post) in opening.members.iter().filter(|post| Some(**post) != visit.own_post()).enumerate() {
                @let author = visit.posts.author(*post);
                @if index > 0 { (visit.t("list-comma")) }
                (name_of(visit, &author.side, &author.post, false))
            }
            " " (marking::pill(Some(opening.marking)))
        } @else if let Some(place) = &shown.place {
            (members(visit, place)) " · "
            a href=(link("thread", &[("conversation", &place.id.to_string())])) { bdi lang=(subject_tag(visit, place)) { (place.subject) } }
            " " (marking::pill(marked.or(place.marking)))
        }
    }
}

fn content(visit: &Visit<'_>, shown: &Shown) -> Markup {
    match &shown.draft.request {
        Request::Send { text, .. } => said(visit, "kind-note", text),
        Request::Say { body, .. } => of_body(visit, body),
        Request::Commit { content, .. } => bound(visit, content),
        Request::Record { act: RecordAct::Say { draft, .. } } => html! {
            p { (visit.t("kind-statement")) " · " (visit.t(asks(draft.asks))) }
            (record::texts(&draft.texts.iter().map(TextShown::from).collect::<Vec<_>>()))
        },
        Request::Record { act: RecordAct::Countersign { verdict, reason, .. } } => html! {
            p { (visit.t(verdict_word(*verdict))) }
            (record::texts(&shown.answered))
            @if let Some(reason) = reason { (said(visit, "kind-countersignature", reason)) }
        },
        Request::Report { .. } => html! { p { (visit.t("report-forward")) } },
        _ => html! {},
    }
}

fn said(visit: &Visit<'_>, kind: &'static str, text: &str) -> Markup {
    html! {
        p { (visit.t(kind)) }
        @if !text.is_empty() { div.text dir="auto" lang=(visit.language_of(text, true).tag()) { (text) } }
    }
}

fn of_body(visit: &Visit<'_>, body: &Body) -> Markup {
    match body {
        Body::Note(note) => html! {
            @if let Some(quote) = &note.quote { blockquote dir="auto" { (quote) } }
            (said(visit, "kind-note", &note.text))
        },
        Body::File { name, len, .. } => html! { (said(visit, "kind-file", name)) p.size { (size(*len)) } },
        Body::Edit { text, .. } => said(visit, "kind-edit", text),
        Body::Withdraw { .. } => {
            html! { p { (visit.t("kind-withdrawal")) } p.hint { (visit.t("withdraw-means")) } }
        }
        Body::Translate(translation) => said(visit, "kind-translation", &translation.text),
        Body::Open(opening) => said(visit, "kind-conversation", &opening.subject),
        other => html! { (said(visit, kind_word(other), gist_of(other))) (all_of_it(visit, other)) },
    }
}

/// A step of a matter as it is, every field of it: whoever releases it answers for all of it.
fn all_of_it(visit: &Visit<'_>, body: &Body) -> Markup {
    let text = serde_json::to_string_pretty(body).unwrap_or_default();
    html! { details { summary { (visit.t("release-all")) } pre.text dir="auto" { (text) } } }
}

fn bound(visit: &Visit<'_>, content: &Swapped) -> Markup {
    match content {
        Swapped::Text(text) => said(visit, "kind-swap", text),
        Swapped::Persons(persons) => html! {
            p { (visit.t("kind-swap")) }
            ul { @for person in persons { li { bdi { (person.name) } " " bdi { (person.romanised) } } } }
        },
    }
}

fn asks(asks: AsksWord) -> &'static str {
    match asks {
        AsksWord::Nothing => "record-asks-nothing",
        AsksWord::Acknowledge => "record-asks-acknowledge",
        AsksWord::Agree => "record-asks-agree",
    }
}

fn verdict_word(verdict: VerdictWord) -> &'static str {
    match verdict {
        VerdictWord::Acknowledge => "record-sure-acknowledge",
        VerdictWord::Agree => "record-sure-agree",
        VerdictWord::Decline => "record-sure-decline",
    }
}

/// What another person than the one who drafted it may do.
fn decide(visit: &Visit<'_>, shown: &Shown) -> Markup {
    let draft = &shown.draft;
    let why = format!("why-{}", draft.number);
    match &visit.caller.person {
        Some(person) if *person != draft.by => html! {
            form.buttons method="post" action="draft-release" {
                input type="hidden" name="number" value=(draft.number);
                button.main { (visit.t(if shown.asks_again() { "release-go-asks" } else { "release-go" })) }
            }
            details {
                summary { (visit.t("release-refuse")) }
                form.stack method="post" action="draft-refuse" {
                    input type="hidden" name="number" value=(draft.number);
                    label for=(why) { (visit.t("field-why")) }
                    input id=(why) name="why" maxlength="200" autocomplete="off" dir="auto";
                    div.buttons { button { (visit.t("release-refuse")) } }
                }
            }
        },
        Some(_) => html! { p.hint { (visit.t("release-another")) } },
        None => html! {},
    }
}

fn take_back(visit: &Visit<'_>, draft: &Draft) -> Markup {
    html! {
        form.buttons method="post" action="draft-drop" {
            input type="hidden" name="number" value=(draft.number);
            button.small { (visit.t("release-drop")) }
        }
    }
}

fn named(visit: &Visit<'_>, form: &Form) -> Outcome<Draft> {
    let gone = || Failure::usage("there is no such draft", "reload the page");
    let number = form.number("number").ok_or_else(gone)?;
    let drafts = visit.drafts.iter().flatten();
    drafts.into_iter().find(|draft| u64::from(draft.number) == number).cloned().ok_or_else(gone)
}

/// Says it; what cannot be taken back lightly, once it was asked for twice.
fn release(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    let person = visit.caller.person.clone().ok_or_else(speak::nobody)?;
    let draft = named(visit, form)?;
    let shown = Shown::of(visit, draft)?;
    let may_release = shown.draft.by != person;
    if may_release && shown.asks_again() && form.text("sure") != "yes" {
        return Ok(Next::Show { title: visit.t("release-sure"), body: ask_again(visit, &shown) });
    }
    let place = shown.place.as_ref().map(|place| place.id);
    draft::release(visit.node, shown.draft.number, &person)?;
    done(visit, place)
}

/// Goes where what was released is read.
fn done(visit: &Visit<'_>, place: Option<ConversationId>) -> Outcome<Next> {
    visit.office.announce();
    Ok(Next::Go(place.map_or_else(|| PAGE.name.to_owned(), super::composer::afterwards)))
}

fn ask_again(visit: &Visit<'_>, shown: &Shown) -> Markup {
    html! {
        section.ask.on-record[shown.is_on_record()] {
            h1 { (visit.t("release-sure")) }
            p { (visit.t(if shown.is_on_record() { "record-for-good" } else { "release-flash" })) }
            (what(visit, shown))
            form.buttons method="post" action="draft-release" {
                input type="hidden" name="number" value=(shown.draft.number);
                button.main.flash[!shown.is_on_record()].seal[shown.is_on_record()] name="sure" value="yes" { (visit.t("release-go")) }
                a href=(PAGE.name) { (visit.t("record-back")) }
            }
        }
    }
}

fn refuse(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    let person = visit.caller.person.clone().ok_or_else(speak::nobody)?;
    let number = named(visit, form)?.number;
    draft::refuse(visit.node, number, &person, form.given("why").unwrap_or_default())?;
    done(visit, None)
}

/// Whoever drafted it takes it back.
fn forget(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    let draft = named(visit, form)?;
    if visit.caller.person.as_ref() != Some(&draft.by) {
        return Err(Failure::refused("somebody else drafted it", "refuse it instead"));
    }
    draft::forget(visit.node, draft.number)?;
    done(visit, None)
}

/// The first glance says how many drafts wait.
pub fn waiting(visit: &Visit<'_>) -> Markup {
    let count = visit.drafts_waiting();
    html! {
        @if count > 0 {
            p.waiting { a href=(PAGE.name) { (visit.tn("release-waiting", &[("count", count.into())])) } }
        }
    }
}

fn ms(at: &str) -> i64 {
    at.parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_millisecond)
}
