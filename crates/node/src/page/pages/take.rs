//! What is taken out of the desk as a file: a meeting for a calendar, the record as evidence and on paper, a report.
//!
//! What is marked more strictly than where it goes does not go; a person says where that is, each time.

use couloir_talks::evidence::examine;
use couloir_wire::entry::{Marking, Way};
use couloir_wire::id::ConversationId;
use maud::{Markup, html};

use super::drafts::marking_of;
use super::marking::markings;
use super::{Act, Next, choice};
use crate::book::Trust;
use crate::clerk::matters::calendar::{Detail, calendar};
use crate::clerk::matters::onward::{self, Onward};
use crate::clerk::matters::report::{self, ReportAsk};
use crate::clerk::matters::{MatterShown, shown};
use crate::clerk::{Node, names, papers, statement};
use crate::page::form::Form;
use crate::page::visit::Visit;
use crate::print;
use crate::words::{Code, Failure, Outcome};

/// What is done by it.
pub const ACTS: &[Act] = &[
    Act { name: "take-calendar", run: take_calendar },
    Act { name: "take-record", run: take_record },
    Act { name: "take-report", run: take_report },
];

/// A form for taking something out; `what` are the buttons, by what they ask for.
fn form(
    visit: &Visit<'_>,
    act: &'static str,
    subject: (&str, &str),
    inside: &Markup,
    what: &[(&str, &str)],
) -> Markup {
    let options: Vec<_> = std::iter::once(("", visit.t("take-choose"))).chain(markings(visit)).collect();
    html! {
        details.panel.act-form id=(act) {
            summary { (visit.t(act)) }
            form.stack method="post" action=(act) data-takes {
                input type="hidden" name=(subject.0) value=(subject.1);
                (inside)
                label for="level" { (visit.t("take-level")) }
                (choice("level", &options, ""))
                div.buttons { @for (value, words) in what { button name="as" value=(value) { (visit.t(words)) } } }
            }
        }
    }
}

/// Of a meeting.
pub fn calendar_form(visit: &Visit<'_>, matter: &MatterShown) -> Markup {
    let what = [("bare", "take-calendar-bare"), ("full", "take-calendar-full")];
    form(
        visit,
        "take-calendar",
        ("id", &matter.id),
        &html! { p.hint { (visit.t("take-calendar-means")) } },
        &what,
    )
}

/// Of the record of a conversation's audience.
pub fn record_form(visit: &Visit<'_>, place: Option<ConversationId>) -> Markup {
    let place = place.map(|place| place.to_string()).unwrap_or_default();
    let what = [("evidence", "take-record-evidence"), ("pdf", "take-record-pdf")];
    form(
        visit,
        "take-record",
        ("conversation", &place),
        &html! { p.hint { (visit.t("take-record-means")) } },
        &what,
    )
}

/// Of a report.
pub fn report_form(visit: &Visit<'_>, matter: &MatterShown) -> Markup {
    let inside = html! {
        p.hint { (visit.t("take-report-means")) }
        label for="to" { (visit.t("take-to")) }
        input #to name="to" required maxlength="100" autocomplete="off" dir="auto";
    };
    form(visit, "take-report", ("id", &matter.id), &inside, &[("bundle", "take-report-go")])
}

/// How strict a marking may be where it goes.
fn level(form: &Form) -> Outcome<Marking> {
    let unsaid =
        || Failure::usage("it was not said what may be held where it goes", "choose it from the list");
    form.given("level").and_then(marking_of).ok_or_else(unsaid)
}

fn take_calendar(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    let matter = shown::named(visit.node, form.text("id"))?;
    let is_full = form.text("as") == "full";
    // Without contents it says that somebody is not free, and nothing of the matter.
    if is_full {
        onward::admits(visit.node, matter.conversation.parse().ok(), level(form)?)?;
    }
    let text = calendar(&matter, if is_full { Detail::Full } else { Detail::Bare })?;
    let name = format!("{}-{}.ics", visit.t("take-calendar-name"), matter.cited);
    Ok(Next::Take { name, kind: "text/calendar; charset=utf-8", octets: text.into_bytes() })
}

fn take_record(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    let place = form.parsed("conversation")?;
    onward::admits(visit.node, place, level(form)?)?;
    let (octets, _) = statement::exported(visit.node, place)?;
    if form.text("as") != "pdf" {
        let name = format!("{}.record", visit.t("take-record-name"));
        return Ok(Next::Take { name, kind: "application/octet-stream", octets });
    }
    let signets = Trust::of(&papers::channels_of(visit.node.reader())?)?.signets().to_vec();
    let wrong = |error| Failure::new(Code::Integrity, format!("the record: {error}"), "couloir doctor");
    let found = examine(&octets, signets).map_err(wrong)?;
    let octets = print::print(&found, &octets, visit.language())?;
    Ok(Next::Take { name: format!("{}.pdf", visit.t("take-record-name")), kind: "application/pdf", octets })
}

/// Its originator is told before anything leaves.
fn take_report(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    let matter = shown::named(visit.node, form.text("id"))?;
    let onward =
        Onward { to: names::name("receiver", form.text("to"))?, way: Way::Export, level: level(form)? };
    let answer = report::answer(visit.node, &ReportAsk::Release { report: matter.id, onward })?;
    let name = format!("{}-{}.json", visit.t("take-report-name"), matter.cited);
    let octets = answer["bundle"].as_str().unwrap_or_default().as_bytes().to_vec();
    Ok(Next::Take { name, kind: "application/stix+json;version=2.1", octets })
}
