//! The form of a plan.

use couloir_wire::entry::{Place, Plan, Publicity, Recognition, Rendezvous, TimeSpan};
use maud::{Markup, html};

use super::fields::{Field, lines_of, moment_of, needed_moment, texts, texts_of};
use crate::clerk::matters::typed;
use crate::clerk::names;
use crate::page::form::Form;
use crate::page::visit::Visit;
use crate::words::{Failure, Outcome};

/// Fields of a plan; of a counter-proposal with what stands. Windows and the fall-back stay as they are if none is given.
pub fn plan_fields(visit: &Visit<'_>, form: &str, standing: Option<&Plan>) -> Markup {
    let field = |name, label| Field { form, name, label };
    let list = |of: &dyn Fn(&Plan) -> Vec<String>| standing.map(of).unwrap_or_default().join("\n");
    let places = list(&|plan| plan.places.iter().map(place_line).collect());
    let with = list(&|plan| {
        plan.participants.iter().map(|who| format!("{}; {}; {}", who.name, who.role, who.side)).collect()
    });
    let agenda = list(&|plan| plan.agenda.clone());
    html! {
        (field("subject", "field-subject").line(visit, standing.map_or("", |plan| &plan.subject)))
        @if standing.is_some() { p.hint { (visit.t("field-windows-stay")) } }
        @for (from, until) in WINDOWS {
            (field(from, "field-from").moment(visit))
            (field(until, "field-until").moment(visit))
        }
        (field("places", "field-places").area(visit, &places))
        p.hint { (visit.t("field-places-hint")) }
        (field("with", "field-with").area(visit, &with))
        p.hint { (visit.t("field-with-hint")) }
        (field("agenda", "field-agenda").area(visit, &agenda))
        (field("publicity", "meeting-public").choice(visit, &publicities(standing)))
        details {
            summary { (visit.t("field-more")) }
            (texts(visit, form, lines(standing)))
            (field("embargo", "field-embargo").moment(visit))
            (field("word", "field-word").line(visit, recognition(standing).map_or("", |words| &words.word)))
            (field("reply", "field-reply").line(visit, recognition(standing).map_or("", |words| &words.reply)))
            (field("again-from", "field-again-from").moment(visit))
            (field("again-until", "field-again-until").moment(visit))
            (field("again-place", "field-again-place").line(visit, ""))
        }
    }
}

fn place_line(place: &Place) -> String {
    format!("{}; {}; {}", place.name, place.city, place.zone)
}

fn recognition(standing: Option<&Plan>) -> Option<&Recognition> {
    standing?.recognition.as_ref()
}

fn lines(standing: Option<&Plan>) -> &[couloir_wire::entry::LangText] {
    match standing.map(|plan| &plan.publicity) {
        Some(Publicity::AgreedLine { texts, .. }) => texts,
        _ => &[],
    }
}

/// What stands comes first.
fn publicities(standing: Option<&Plan>) -> Vec<(&'static str, &'static str)> {
    let mut words = vec![
        ("undisclosed", "publicity-undisclosed"),
        ("announced", "publicity-announced"),
        ("line", "publicity-line"),
    ];
    match standing.map(|plan| &plan.publicity) {
        Some(Publicity::Announced) => words.swap(0, 1),
        Some(Publicity::AgreedLine { .. }) => words.swap(0, 2),
        Some(Publicity::Undisclosed) | None => {}
    }
    words
}

/// The plan that was filled in.
pub fn plan_of(visit: &Visit<'_>, form: &Form, standing: Option<&Plan>) -> Outcome<Plan> {
    let mut windows = Vec::new();
    for (from, until) in WINDOWS {
        windows.extend(span_of(visit, form, (from, until))?);
    }
    if windows.is_empty() {
        windows = standing.map(|plan| plan.windows.clone()).unwrap_or_default();
    }
    Ok(Plan {
        subject: names::name("subject", form.text("subject"))?,
        windows,
        places: lines_of(form, "places", typed::place)?,
        participants: lines_of(form, "with", typed::participant)?,
        agenda: lines_of(form, "agenda", |line| Ok(line.to_owned()))?,
        publicity: publicity_of(visit, form, standing)?,
        recognition: form
            .given("word")
            .map(|word| Recognition { word: word.to_owned(), reply: form.text("reply").trim().to_owned() }),
        fallback: fallback_of(visit, form)?.or_else(|| standing.and_then(|plan| plan.fallback.clone())),
    })
}

fn span_of(visit: &Visit<'_>, form: &Form, (from, until): (&str, &str)) -> Outcome<Option<TimeSpan>> {
    let Some(from) = moment_of(visit, form, from)? else { return Ok(None) };
    let until = needed_moment(visit, form, until)?;
    if until <= from {
        return Err(Failure::usage("a window ends before it begins", "choose a later end"));
    }
    Ok(Some(TimeSpan { from, until }))
}

fn publicity_of(visit: &Visit<'_>, form: &Form, standing: Option<&Plan>) -> Outcome<Publicity> {
    let known = match standing.map(|plan| &plan.publicity) {
        Some(Publicity::AgreedLine { embargo, .. }) => Some(*embargo),
        _ => None,
    };
    Ok(match form.text("publicity") {
        "announced" => Publicity::Announced,
        "line" => {
            let embargo = moment_of(visit, form, "embargo")?.or(known);
            let missing = || Failure::usage("a line has a time before which it is not public", "choose one");
            Publicity::AgreedLine { texts: texts_of(form)?, embargo: embargo.ok_or_else(missing)? }
        }
        _ => Publicity::Undisclosed,
    })
}

fn fallback_of(visit: &Visit<'_>, form: &Form) -> Outcome<Option<Rendezvous>> {
    let Some(window) = span_of(visit, form, ("again-from", "again-until"))? else { return Ok(None) };
    let place = typed::place(form.text("again-place"))
        .map_err(|wrong| Failure::usage(wrong, "say where to try again"))?;
    Ok(Some(Rendezvous { window, place }))
}

/// As many as a form offers.
const WINDOWS: [(&str, &str); 3] = [("from-1", "until-1"), ("from-2", "until-2"), ("from-3", "until-3")];
