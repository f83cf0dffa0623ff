//! Swaps: who is bound, what both showed.

use couloir_wire::entry::{Body, Person, SwapAct, Swapped};
use maud::{Markup, html};

use super::fields::{Field, needed_moment, numbers_of, remark_of};
use super::{Kind, act, back, clocks, named, open, page, step, unknown, who};
use crate::clerk::matters::swap::{RevealedShown, commit};
use crate::clerk::matters::{MatterShown, shown};
use crate::clerk::names;
use crate::page::form::Form;
use crate::page::pages::{Act, Next, Page};
use crate::page::speak;
use crate::page::visit::Visit;
use crate::socket::{How, Request};
use crate::words::{Failure, Outcome};

/// The page.
pub const PAGE: Page = Page { name: "swaps", title: "swaps-title", key: Some('x'), is_way: true, show };

/// What is done on it.
pub const ACTS: &[Act] = &[Act { name: "open-swap", run: propose }, Act { name: "step-swap", run: take }];

const KIND: Kind = Kind {
    page: "swaps",
    word: "swap",
    title: "swaps-title",
    lead: "swaps-lead",
    new: "swap-new",
    form: new_fields,
    one,
    acts,
};

fn show(visit: &mut Visit<'_>) -> Outcome<Markup> {
    page(visit, &KIND)
}

fn new_fields(visit: &Visit<'_>) -> Markup {
    html! {
        (Field { form: "new", name: "subject", label: "field-subject" }.line(visit, ""))
        (Field { form: "new", name: "deadline", label: "due-swap" }.moment(visit))
    }
}

fn one(visit: &Visit<'_>, matter: &MatterShown) -> Markup {
    let Some(swap) = &matter.swap else { return html! {} };
    html! {
        section.panel aria-labelledby="bound-title" {
            h2 #bound-title { (visit.t("swap-bound")) }
            p { (visit.t("due-swap")) " " (clocks(visit, &swap.deadline)) }
            ul.rows { @for bound in &swap.bound { li { (who(visit, &bound.by, bound.own)) " " small.digest { (bound.commitment.get(..16).unwrap_or_default()) } } } }
            @if swap.bound.is_empty() { p.empty { (visit.t("swap-nobody")) } }
            @if let Some(off) = &swap.off {
                p.warn {
                    (visit.t(off_word(&off.how)))
                    @if let Some(by) = &off.by { " " (who(visit, by, false)) }
                    @if !off.why.is_empty() { " " bdi { (off.why) } }
                }
            }
        }
        @if !swap.shown.is_empty() {
            section.panel aria-labelledby="shown-title" {
                h2 #shown-title { (visit.t("swap-shown")) }
                div.bound { @for each in &swap.shown { (revealed(visit, each)) } }
            }
        }
    }
}

fn off_word(how: &str) -> &'static str {
    match how {
        "aborted" => "swap-aborted",
        "unfit" => "swap-unfit",
        _ => "swap-late",
    }
}

fn revealed(visit: &Visit<'_>, shown: &RevealedShown) -> Markup {
    html! {
        section {
            h3 { (who(visit, &shown.by, shown.own)) }
            @if let Some(text) = &shown.text { div.text dir="auto" lang=(visit.language_of(text, shown.own).tag()) { (text) } }
            ol.choices {
                @for person in shown.persons.iter().flatten() {
                    li { bdi lang=(visit.language_of(&person.name, shown.own).tag()) { (person.name) } " " small { bdi { (person.romanised) } } }
                }
            }
        }
    }
}

fn acts(visit: &Visit<'_>, matter: &MatterShown) -> Markup {
    if matter.state != "committing" {
        return html! {};
    }
    let field = |name, label| Field { form: "commit", name, label };
    html! {
        @if matter.waits_for_us {
            section.panel aria-labelledby="commit-title" {
                h2 #commit-title { (visit.t("swap-commit")) }
                p.hint { (visit.t("swap-commit-means")) }
                form.stack #commit method="post" action="step-swap" {
                    (super::once())
                    input type="hidden" name="id" value=(matter.id);
                    (field("text", "swap-text").area(visit, ""))
                    (field("case", "swap-case").line(visit, ""))
                    (field("persons", "field-numbers").line(visit, ""))
                    div.buttons { button.main name="do" value="commit" { (visit.t("swap-commit")) } }
                }
            }
        }
        (act(visit, matter, ("abort", "swap-abort"), &Field { form: "abort", name: "why", label: "field-why" }.area(visit, "")))
    }
}

fn propose(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    let deadline = needed_moment(visit, form, "deadline")?;
    if deadline.0 <= visit.now_ms {
        return Err(Failure::usage("that deadline is past", "choose a later one"));
    }
    let act = SwapAct::Propose { subject: names::name("subject", form.text("subject"))?, deadline };
    open(visit, form, &KIND, Body::Swap { of: None, act })
}

fn take(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    let matter = named(visit, form)?;
    match form.text("do") {
        "commit" => bind(visit, form, &matter),
        "abort" => {
            let of = matter.id.parse().map_err(|_| unknown())?;
            let body = Body::Swap { of: Some(of), act: SwapAct::Abort { why: remark_of(form, "why")? } };
            step(visit, form, &matter, body)
        }
        _ => Err(unknown()),
    }
}

fn bind(visit: &mut Visit<'_>, form: &Form, matter: &MatterShown) -> Outcome<Next> {
    let content = match form.given("case") {
        Some(case) => Swapped::Persons(persons_of(visit, case, &numbers_of(form, "persons")?)?),
        None => Swapped::Text(names::text(&form.text("text").replace("\r\n", "\n"))?),
    };
    if visit.office.is_first(form.text("once")) {
        let how = How { when_verified: !visit.is_verified(), ..How::default() };
        let (swap, content) = (matter.id.clone(), Box::new(content));
        if let Some(waits) = speak::drafted(
            visit,
            &Request::Commit { swap, content: content.clone(), how: how.clone() },
            None,
        )? {
            return Ok(waits);
        }
        commit(visit.node, &matter.id, &content, &how)?;
    }
    Ok(back(matter))
}

/// Persons of a case, numbered anew.
fn persons_of(visit: &Visit<'_>, case: &str, wanted: &[u16]) -> Outcome<Vec<Person>> {
    let known = shown::named(&*visit.node, case)?.case.ok_or_else(unknown)?.persons;
    let is_meant = |person: &Person| wanted.is_empty() || wanted.contains(&person.number);
    let meant = known.into_iter().map(|known| known.person).filter(is_meant);
    Ok((1..).zip(meant).map(|(number, person)| Person { number, ..person }).collect())
}
