//! Reports and requests for them: what a bundle holds, how it may be passed on, and how its objects hang together.

use std::f64::consts::TAU;
use std::path::Path;

use couloir_wire::entry::{Body, Marking, ReportAct};
use couloir_wire::id::EntryId;
use maud::{Markup, html};

use super::fields::{Field, moment_of};
use super::{Kind, act, back, clocks, named, open, page, step, unknown, who};
use crate::clerk::matters::MatterShown;
use crate::clerk::matters::report::{Held, ObjectShown, ReportAsk, ReportShown, answer, held, sharing};
use crate::clerk::{conversations, names};
use crate::page::form::{Form, link};
use crate::page::pages::drafts::marking_of;
use crate::page::pages::marking::{markings, pill};
use crate::page::pages::take;
use crate::page::pages::{Act, Next, Page};
use crate::page::speak;
use crate::page::visit::Visit;
use crate::socket::{How, Request};
use crate::words::Outcome;

/// The page.
pub const PAGE: Page = Page { name: "reports", title: "reports-title", key: Some('i'), is_way: true, show };

/// What is done on it.
pub const ACTS: &[Act] = &[Act { name: "open-report", run: begin }, Act { name: "step-report", run: take }];

const KIND: Kind = Kind {
    page: "reports",
    word: "report",
    title: "reports-title",
    lead: "reports-lead",
    new: "report-new",
    form: new_fields,
    one,
    acts,
};

fn show(visit: &mut Visit<'_>) -> Outcome<Markup> {
    page(visit, &KIND)
}

fn new_fields(visit: &Visit<'_>) -> Markup {
    let field = |name, label| Field { form: "new", name, label };
    html! {
        (field("title", "field-subject").line(visit, ""))
        (field("question", "report-question").area(visit, ""))
        (field("due", "due-report").moment(visit))
        (bundle_fields(visit, "new"))
    }
}

fn bundle_fields(visit: &Visit<'_>, form: &str) -> Markup {
    let id = format!("{form}-marking");
    html! {
        (Field { form, name: "bundle", label: "report-bundle" }.area(visit, ""))
        label for=(id) { (visit.t("report-marking")) }
        select id=(id) name="marking" {
            option value="" { (visit.t("report-as-marked")) }
            @for (value, words) in markings(visit) { option value=(value) { (words) } }
        }
    }
}

fn one(visit: &Visit<'_>, matter: &MatterShown) -> Markup {
    let Some(report) = &matter.report else { return html! {} };
    html! {
        @if let Some(question) = &report.question {
            section.panel aria-labelledby="question-title" {
                h2 #question-title { (visit.t("report-question")) }
                div.text dir="auto" lang=(visit.language_of(question, matter.ours).tag()) { (question) }
                @if let Some(due) = &matter.due { p { (visit.t("due-report")) " " (clocks(visit, due)) } }
            }
            (replies(visit, matter, report))
        } @else {
            (bundle(visit, matter))
            (releases(visit, report))
        }
    }
}

fn replies(visit: &Visit<'_>, matter: &MatterShown, report: &ReportShown) -> Markup {
    html! {
        section.panel aria-labelledby="replies-title" {
            h2 #replies-title { (visit.t("report-replies")) }
            @if report.replies.is_empty() { p.empty { (visit.t("matters-none")) } }
            ul.rows {
                @for reply in &report.replies {
                    li {
                        @let lang = visit.language_of(&reply.text, !matter.ours).tag();
                        @if reply.report { a href=(link("reports", &[("id", &reply.entry)])) lang=(lang) { bdi { (reply.text) } } }
                        @else { div.text dir="auto" lang=(lang) { (reply.text) } }
                    }
                }
            }
        }
    }
}

/// What cannot be read yet is said, and comes later.
fn bundle(visit: &Visit<'_>, matter: &MatterShown) -> Markup {
    match held(&*visit.node, &matter.id) {
        Err(failure) => html! { p.warn { (visit.t("report-not-read")) " " (failure.what) } },
        Ok(held) => html! {
            @if held.marking > Marking::Clear { p.only-printed { (visit.t("report-not-printed")) " " (pill(Some(held.marking))) } }
            div.unprinted[held.marking > Marking::Clear] {
            section.panel aria-labelledby="objects-title" {
                h2 #objects-title { (visit.t("report-objects")) " " (pill(Some(held.marking))) }
                div.wide tabindex="0" role="group" aria-labelledby="objects-title" { (table(visit, &held)) }
            }
            (graph(visit, &held))
            }
        },
    }
}

fn table(visit: &Visit<'_>, held: &Held) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { (visit.t("report-type")) }
                th scope="col" { (visit.t("report-name")) }
                th scope="col" { (visit.t("report-marked")) }
            } }
            tbody {
                @for object in held.objects.iter().take(OBJECTS_SHOWN) {
                    tr {
                        td { (object.kind) }
                        td { bdi { (name(object)) } }
                        td { @match object.marking { Some(marking) => (pill(Some(marking))), None => (visit.t("report-unmarked")) } }
                    }
                }
            }
        }
        @if held.objects.len() > OBJECTS_SHOWN { p.hint { (visit.t("report-more")) } }
    }
}

fn name(object: &ObjectShown) -> &str {
    if object.name.is_empty() { &object.id } else { &object.name }
}

/// The objects in a circle, and a line for each reference between two of them.
fn graph(visit: &Visit<'_>, held: &Held) -> Markup {
    let objects: Vec<&ObjectShown> =
        held.objects.iter().filter(|object| object.kind != "marking-definition").collect();
    if objects.len() < 2 || objects.len() > GRAPH_OBJECTS_MAX {
        return html! {};
    }
    let places: Vec<(f64, f64)> = (0..objects.len()).map(|at| place(at, objects.len())).collect();
    let at = |id: &str| objects.iter().position(|object| object.id == id);
    let lines: Vec<(usize, usize, &str)> = objects
        .iter()
        .enumerate()
        .flat_map(|(from, object)| {
            object.refs.iter().filter_map(move |(key, to)| Some((from, at(to)?, key.as_str())))
        })
        .collect();
    html! {
        section.panel aria-labelledby="graph-title" {
            h2 #graph-title { (visit.t("report-graph")) }
            svg.graph viewBox="0 0 640 400" role="img" aria-labelledby="graph-title" {
                @for (from, to, _) in &lines {
                    line x1=(places[*from].0) y1=(places[*from].1) x2=(places[*to].0) y2=(places[*to].1) stroke="currentColor" stroke-opacity="0.4" {}
                }
                @for (object, (x, y)) in objects.iter().zip(&places) {
                    circle cx=(x) cy=(y) r="5" fill="currentColor" {}
                    text x=(x) y=(y - 10.0) text-anchor="middle" font-size="12" fill="currentColor" { (short(name(object))) }
                }
            }
            ul.rows {
                @for (from, to, key) in &lines {
                    li { bdi { (name(objects[*from])) } " " small { (key) } " " bdi { (name(objects[*to])) } }
                }
            }
        }
    }
}

fn place(at: usize, count: usize) -> (f64, f64) {
    let angle = TAU * at as f64 / count as f64;
    let round = |value: f64| (value * 10.0).round() / 10.0;
    (round(320.0 + 240.0 * angle.cos()), round(205.0 + 165.0 * angle.sin()))
}

fn short(name: &str) -> String {
    if name.chars().count() <= NAME_CHARS {
        name.to_owned()
    } else {
        name.chars().take(NAME_CHARS).chain(['…']).collect()
    }
}

fn releases(visit: &Visit<'_>, report: &ReportShown) -> Markup {
    html! {
        section.panel aria-labelledby="releases-title" {
            h2 #releases-title { (visit.t("report-releases")) }
            @if report.releases.is_empty() { p.empty { (visit.t("matters-none")) } }
            ul.rows {
                @for release in &report.releases {
                    li.row { bdi { (release.to) } span { (who(visit, &release.by, false)) } span.when { (clocks(visit, &release.at)) } }
                }
            }
        }
    }
}

fn acts(visit: &Visit<'_>, matter: &MatterShown) -> Markup {
    if matter.state == "shared" {
        return html! { (forward_form(visit, matter)) (take::report_form(visit, matter)) };
    }
    if matter.ours {
        return html! {};
    }
    html! {
        (act(visit, matter, ("reply", "report-reply"), &Field { form: "reply", name: "text", label: "field-words" }.area(visit, "")))
        (act(visit, matter, ("share", "report-reply-bundle"), &html! {
            (Field { form: "share", name: "title", label: "field-subject" }.line(visit, &matter.title))
            (bundle_fields(visit, "share"))
        }))
    }
}

/// To the other conversations; what may not go there is refused with the reason.
fn forward_form(visit: &Visit<'_>, matter: &MatterShown) -> Markup {
    let all = conversations::all(visit.node).unwrap_or_default();
    let others: Vec<_> = all.iter().filter(|other| other.id.to_string() != matter.conversation).collect();
    if others.is_empty() {
        return html! {};
    }
    act(
        visit,
        matter,
        ("forward", "report-forward"),
        &html! {
            p.hint { (visit.t("take-report-means")) }
            label for="forward-to" { (visit.t("matter-where")) }
            select #forward-to name="to" {
                @for other in others { option value=(other.id) { (other.subject) } }
            }
        },
    )
}

/// A bundle is shared; without one, a question is asked.
fn begin(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    if form.given("bundle").is_some() {
        return share(visit, form, None, form.parsed("conversation")?);
    }
    let act = ReportAct::Request {
        title: names::name("title", form.text("title"))?,
        question: names::text(&form.text("question").replace("\r\n", "\n"))?,
        due: moment_of(visit, form, "due")?,
    };
    open(visit, form, &KIND, Body::Report(act))
}

fn share(
    visit: &mut Visit<'_>,
    form: &Form,
    answers: Option<EntryId>,
    conversation: Option<couloir_wire::id::ConversationId>,
) -> Outcome<Next> {
    if !visit.office.is_first(form.text("once")) {
        return Ok(Next::Go(KIND.page.to_owned()));
    }
    let marking = form.given("marking").and_then(marking_of);
    let how = How { conversation, marking, when_verified: !visit.is_verified(), ..How::default() };
    let bundle = (Path::new("the bundle"), form.text("bundle").to_owned());
    let (body, how, file) = sharing(visit.node, bundle, form.text("title"), answers, &how)?;
    Ok(speak::say(visit, body, how, file)?.then(|id| link(KIND.page, &[("id", &id.to_string())])))
}

fn take(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    let matter = named(visit, form)?;
    let request = matter.id.parse().map_err(|_| unknown())?;
    match form.text("do") {
        "forward" => forward(visit, form, &matter),
        "share" => share(visit, form, Some(request), matter.conversation.parse().ok()),
        "reply" => {
            let text = names::text(&form.text("text").replace("\r\n", "\n"))?;
            step(visit, form, &matter, Body::Report(ReportAct::Reply { request, text }))
        }
        _ => Err(unknown()),
    }
}

/// Its originator is told as it goes: a draft tells nobody.
fn forward(visit: &mut Visit<'_>, form: &Form, matter: &MatterShown) -> Outcome<Next> {
    let to = form.given("to").and_then(|id| id.parse().ok()).ok_or_else(unknown)?;
    if !visit.office.is_first(form.text("once")) {
        return Ok(back(matter));
    }
    let how = How { when_verified: !visit.is_verified(), ..How::default() };
    let ask = ReportAsk::Forward { report: matter.id.clone(), to, how };
    let request = Request::Report { ask: Box::new(ask.clone()) };
    if let Some(waits) = speak::drafted(visit, &request, None)? {
        return Ok(waits);
    }
    let said = answer(visit.node, &ask)?;
    Ok(Next::Go(link(KIND.page, &[("id", said["id"].as_str().unwrap_or_default())])))
}

/// Rows of the table; the file has them all.
const OBJECTS_SHOWN: usize = 200;
/// More lines than that are no picture.
const GRAPH_OBJECTS_MAX: usize = 40;
/// What fits beside a point.
const NAME_CHARS: usize = 18;
