//! Meetings: plans, what was agreed, and everything by both desks' clocks.

use couloir_wire::entry::{Body, MeetingAct, Place, Publicity};
use maud::{Markup, html};

use super::fields::{Field, needed_moment, remark_of};
use super::meeting_forms::{plan_fields, plan_of};
use super::{Kind, act, clocks_at, named, open, page, step, unknown, who};
use crate::clerk::matters::MatterShown;
use crate::clerk::matters::meeting::{MeetingShown, WindowShown};
use crate::page::form::Form;
use crate::page::pages::{Act, Next, Page, take};
use crate::page::visit::Visit;
use crate::words::{Failure, Outcome};

/// The page.
pub const PAGE: Page = Page { name: "meetings", title: "meetings-title", key: Some('m'), is_way: true, show };

/// What is done on it.
pub const ACTS: &[Act] =
    &[Act { name: "open-meeting", run: propose }, Act { name: "step-meeting", run: take }];

const KIND: Kind = Kind {
    page: "meetings",
    word: "meeting",
    title: "meetings-title",
    lead: "meetings-lead",
    new: "meeting-new",
    form: |visit| plan_fields(visit, "new", None),
    one,
    acts,
};

fn show(visit: &mut Visit<'_>) -> Outcome<Markup> {
    page(visit, &KIND)
}

fn one(visit: &Visit<'_>, matter: &MatterShown) -> Markup {
    let Some(meeting) = &matter.meeting else { return html! {} };
    html! {
        @if let Some(agreed) = &meeting.agreed {
            section.panel aria-labelledby="agreed-title" {
                h2 #agreed-title { (visit.t("meeting-agreed")) }
                p.big { (window(visit, &agreed.window, &agreed.place.zone)) }
                p { (place(visit, &agreed.place)) }
            }
        }
        @if let Some(held) = &meeting.held {
            section.panel aria-labelledby="held-title" {
                h2 #held-title { (visit.t("state-held")) }
                p { (super::clocks(visit, &held.at)) }
                div.text dir="auto" { (held.remark) }
            }
        }
        (plan(visit, meeting))
    }
}

fn plan(visit: &Visit<'_>, meeting: &MeetingShown) -> Markup {
    let plan = &meeting.plan;
    let zone = plan.places.first().map_or("", |place| &place.zone);
    html! {
        section.panel aria-labelledby="plan-title" {
            h2 #plan-title { (visit.t("meeting-plan")) " · " (who(visit, &meeting.plan_by, false)) }
            ol.choices { @for each in &meeting.windows { li { (window(visit, each, zone)) } } }
            ol.choices { @for each in &plan.places { li { (place(visit, each)) } } }
            dl.pairs {
                @for each in &plan.participants {
                    dt { (visit.t("meeting-with")) } dd { bdi { (each.name) " " (each.role) " " (each.side) } }
                }
                @for point in &plan.agenda { dt { (visit.t("meeting-point")) } dd { bdi { (point) } } }
                dt { (visit.t("meeting-public")) } dd { (publicity(visit, meeting)) }
                @if let Some(words) = &plan.recognition {
                    dt { (visit.t("meeting-words")) } dd { bdi { (words.word) } " → " bdi { (words.reply) } }
                }
                @if let (Some(again), Some(when)) = (&plan.fallback, &meeting.fallback) {
                    dt { (visit.t("meeting-fallback")) }
                    dd { (window(visit, when, &again.place.zone)) " " (place(visit, &again.place)) }
                }
            }
        }
    }
}

fn publicity(visit: &Visit<'_>, meeting: &MeetingShown) -> Markup {
    match &meeting.plan.publicity {
        Publicity::Undisclosed => html! { (visit.t("publicity-undisclosed")) },
        Publicity::Announced => html! { (visit.t("publicity-announced")) },
        Publicity::AgreedLine { texts, .. } => html! {
            (visit.t("publicity-line")) " "
            @if let Some(embargo) = &meeting.embargo { (visit.t("due-announcement")) " " (super::clocks(visit, embargo)) }
            @for text in texts { div.text lang=(text.lang) dir="auto" { (text.text) } }
        },
    }
}

fn window(visit: &Visit<'_>, window: &WindowShown, zone: &str) -> Markup {
    html! {
        (clocks_at(visit, &window.from, zone)) " – " (clocks_at(visit, &window.until, zone))
    }
}

fn place(visit: &Visit<'_>, place: &Place) -> Markup {
    let tag = visit.language_of(&place.name, false).tag();
    html! { bdi lang=(tag) { (place.name) } ", " bdi lang=(tag) { (place.city) } " " small { (place.zone) } }
}

fn acts(visit: &Visit<'_>, matter: &MatterShown) -> Markup {
    let Some(meeting) = matter.meeting.as_ref().filter(|_| matter.open) else {
        return take::calendar_form(visit, matter);
    };
    let why = |form| Field { form, name: "why", label: "field-why" }.area(visit, "");
    html! {
        @if matter.waits_for_us { (accept(visit, matter, meeting)) }
        (take::calendar_form(visit, matter))
        (act(visit, matter, ("counter", "meeting-counter"), &plan_fields(visit, "counter", Some(&meeting.plan))))
        (act(visit, matter, ("held", "meeting-held"), &html! {
            (Field { form: "held", name: "at", label: "field-at" }.moment(visit))
            (Field { form: "held", name: "why", label: "field-remark" }.area(visit, ""))
        }))
        (act(visit, matter, ("cancel", "meeting-cancel"), &why("cancel")))
    }
}

/// Takes a window and a place: the first thing that one is asked for.
fn accept(visit: &Visit<'_>, matter: &MatterShown, meeting: &MeetingShown) -> Markup {
    let zone = meeting.plan.places.first().map_or("", |place| &place.zone);
    html! {
        section.panel aria-labelledby="accept-title" {
            h2 #accept-title { (visit.t("meeting-accept")) }
            form.stack #accept method="post" action="step-meeting" {
                (super::once())
                input type="hidden" name="id" value=(matter.id);
                fieldset {
                    legend { (visit.t("field-window")) }
                    @for (number, each) in meeting.windows.iter().enumerate() {
                        label { input type="radio" name="window" value=(number) required checked[number == 0]; " " (window(visit, each, zone)) }
                    }
                }
                fieldset {
                    legend { (visit.t("field-place")) }
                    @for (number, each) in meeting.plan.places.iter().enumerate() {
                        label { input type="radio" name="place" value=(number) required checked[number == 0]; " " (place(visit, each)) }
                    }
                }
                div.buttons { button.main name="do" value="accept" { (visit.t("meeting-accept")) } }
            }
        }
    }
}

fn propose(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    let plan = plan_of(visit, form, None)?;
    open(visit, form, &KIND, Body::Meeting { of: None, act: MeetingAct::Propose(plan) })
}

fn take(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    let matter = named(visit, form)?;
    let meeting = matter.meeting.as_ref().ok_or_else(unknown)?;
    let choice = |name| form.number(name).and_then(|number| u8::try_from(number).ok()).unwrap_or(u8::MAX);
    let act = match form.text("do") {
        "accept" => MeetingAct::Accept {
            plan: meeting.plan_entry.parse().map_err(|_| unknown())?,
            window: choice("window"),
            place: choice("place"),
        },
        "counter" => MeetingAct::Counter(plan_of(visit, form, Some(&meeting.plan))?),
        "cancel" => MeetingAct::Cancel { why: remark_of(form, "why")? },
        "held" => MeetingAct::Held { at: needed_moment(visit, form, "at")?, remark: remark_of(form, "why")? },
        _ => return Err(unknown()),
    };
    let of = matter.id.parse().map_err(|_| Failure::usage("no such meeting", "go back"))?;
    step(visit, form, &matter, Body::Meeting { of: Some(of), act })
}
