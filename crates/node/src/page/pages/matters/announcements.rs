//! Announcements: the public line that both take, and not before when.

use couloir_wire::entry::{AnnouncementAct, Body, PublicLine};
use maud::{Markup, html};

use super::fields::{Field, moment_of, needed_moment, remark_of, texts, texts_of};
use super::{Kind, act, clocks, named, open, page, step, unknown, who};
use crate::clerk::matters::MatterShown;
use crate::clerk::matters::announcement::AnnouncementShown;
use crate::clerk::names;
use crate::page::form::Form;
use crate::page::pages::{Act, Next, Page};
use crate::page::visit::Visit;
use crate::words::{Failure, Outcome};

/// The page.
pub const PAGE: Page =
    Page { name: "announcements", title: "announcements-title", key: Some('n'), is_way: true, show };

/// What is done on it.
pub const ACTS: &[Act] =
    &[Act { name: "open-announcement", run: propose }, Act { name: "step-announcement", run: take }];

const KIND: Kind = Kind {
    page: "announcements",
    word: "announcement",
    title: "announcements-title",
    lead: "announcements-lead",
    new: "announcement-new",
    form: |visit| line_fields(visit, "new", None),
    one,
    acts,
};

fn show(visit: &mut Visit<'_>) -> Outcome<Markup> {
    page(visit, &KIND)
}

fn line_fields(visit: &Visit<'_>, form: &str, standing: Option<&PublicLine>) -> Markup {
    html! {
        @if standing.is_none() { (Field { form, name: "subject", label: "field-subject" }.line(visit, "")) }
        (texts(visit, form, standing.map_or(&[], |line| &line.texts)))
        (Field { form, name: "embargo", label: "field-embargo" }.moment(visit))
        @if standing.is_some() { p.hint { (visit.t("field-embargo-stays")) } }
        (Field { form, name: "if-asked", label: "announcement-if-asked" }.area(visit, standing.map_or("", |line| &line.if_asked)))
    }
}

fn one(visit: &Visit<'_>, matter: &MatterShown) -> Markup {
    let Some(shown) = &matter.announcement else { return html! {} };
    html! {
        (may(visit, shown))
        section.panel aria-labelledby="line-title" {
            h2 #line-title { (visit.t("announcement-line")) " · " (who(visit, &shown.line_by, false)) }
            p { (visit.t("due-announcement")) " " (clocks(visit, &shown.embargo)) }
            div.bound { @for text in &shown.line.texts { div.text lang=(text.lang) dir="auto" { (text.text) } } }
            @if !shown.line.if_asked.is_empty() {
                h3 { (visit.t("announcement-if-asked")) }
                div.text dir="auto" { (shown.line.if_asked) }
            }
        }
    }
}

/// Whether it may be made public, in one sentence.
fn may(visit: &Visit<'_>, shown: &AnnouncementShown) -> Markup {
    html! {
        @match &shown.published {
            Some(public) if public.early => { p.warn { (visit.t("announcement-early")) " " (clocks(visit, &public.at)) } }
            Some(public) => { p.lead { (visit.t("state-published")) " " (clocks(visit, &public.at)) } }
            None if shown.too_early => { p.warn { (visit.t("announcement-not-yet")) } }
            None => { p.lead { (visit.t("announcement-may")) } }
        }
    }
}

fn acts(visit: &Visit<'_>, matter: &MatterShown) -> Markup {
    let Some(shown) = matter.announcement.as_ref().filter(|_| matter.open) else { return html! {} };
    html! {
        @if matter.waits_for_us {
            section.panel aria-labelledby="agree-title" {
                h2 #agree-title { (visit.t("announcement-agree")) }
                form #agree method="post" action="step-announcement" {
                    (super::once())
                    input type="hidden" name="id" value=(matter.id);
                    div.buttons { button.main name="do" value="agree" { (visit.t("announcement-agree")) } }
                }
            }
        }
        (act(visit, matter, ("counter", "announcement-counter"), &line_fields(visit, "counter", Some(&shown.line))))
        (act(visit, matter, ("published", "announcement-published"), &html! {
            (Field { form: "published", name: "at", label: "field-at" }.moment(visit))
            (Field { form: "published", name: "where", label: "field-where" }.line(visit, ""))
        }))
        (act(visit, matter, ("decline", "announcement-decline"), &Field { form: "decline", name: "why", label: "field-why" }.area(visit, "")))
    }
}

fn propose(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    let line = PublicLine {
        subject: names::name("subject", form.text("subject"))?,
        texts: texts_of(form)?,
        embargo: needed_moment(visit, form, "embargo")?,
        if_asked: remark_of(form, "if-asked")?,
    };
    open(visit, form, &KIND, Body::Announcement { of: None, act: AnnouncementAct::Propose(line) })
}

fn take(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    let matter = named(visit, form)?;
    let shown = matter.announcement.as_ref().ok_or_else(unknown)?;
    let act = match form.text("do") {
        "agree" => AnnouncementAct::Agree { line: shown.line_entry.parse().map_err(|_| unknown())? },
        "counter" => AnnouncementAct::Counter(PublicLine {
            subject: shown.line.subject.clone(),
            texts: texts_of(form)?,
            embargo: moment_of(visit, form, "embargo")?.unwrap_or(shown.line.embargo),
            if_asked: remark_of(form, "if-asked")?,
        }),
        "decline" => AnnouncementAct::Decline { why: remark_of(form, "why")? },
        "published" => {
            let at = needed_moment(visit, form, "at")?;
            if shown.is_early_at(matter.state == "agreed", at) && form.text("sure") != "yes" {
                return Ok(Next::Show {
                    title: visit.t("announcement-sure"),
                    body: ask_again(visit, form, shown),
                });
            }
            AnnouncementAct::Published { at, at_place: remark_of(form, "where")? }
        }
        _ => return Err(unknown()),
    };
    let of = matter.id.parse().map_err(|_| Failure::usage("no such announcement", "go back"))?;
    step(visit, form, &matter, Body::Announcement { of: Some(of), act })
}

/// What both have not agreed, or not yet, is said to be public only when it was said twice.
fn ask_again(visit: &Visit<'_>, form: &Form, shown: &AnnouncementShown) -> Markup {
    html! {
        section.ask {
            h1 { (visit.t("announcement-sure")) }
            p { (visit.t("announcement-sure-means")) " " (clocks(visit, &shown.embargo)) }
            form.buttons method="post" action="step-announcement" {
                @for name in ["id", "once", "do", "at", "where"] { input type="hidden" name=(name) value=(form.text(name)); }
                button.danger name="sure" value="yes" { (visit.t("announcement-sure-send")) }
                a href=(KIND.page) { (visit.t("matter-back")) }
            }
        }
    }
}
