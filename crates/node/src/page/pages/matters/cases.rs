//! Cases: persons with both sides' accounts, stances, clocks.

use couloir_wire::entry::{
    Access, AccessReport, Body, CaseAct, CaseFile, Clock, PartialDate, Person, Stance, StanceReport, Status,
    StatusReport,
};
use maud::{Markup, html};

use super::fields::{Field, date_of, lines_of, moment_of, needed_moment, numbers_of, remark_of};
use super::{Kind, act, clocks, named, open, page, step, unknown};
use crate::clerk::matters::MatterShown;
use crate::clerk::matters::case::{CaseShown, PersonShown, word};
use crate::clerk::matters::typed;
use crate::clerk::names;
use crate::page::form::Form;
use crate::page::pages::{Act, Next, Page};
use crate::page::visit::Visit;
use crate::words::Outcome;

/// The page.
pub const PAGE: Page = Page { name: "cases", title: "cases-title", key: Some('a'), is_way: true, show };

/// What is done on it.
pub const ACTS: &[Act] = &[Act { name: "open-case", run: raise }, Act { name: "step-case", run: take }];

const KIND: Kind = Kind {
    page: "cases",
    word: "case",
    title: "cases-title",
    lead: "cases-lead",
    new: "case-new",
    form: new_fields,
    one,
    acts,
};

const STATUSES: [(&str, &str); 11] = [
    ("reported", "status-reported"),
    ("detained", "status-detained"),
    ("arrested", "status-arrested"),
    ("indicted", "status-indicted"),
    ("tried", "status-tried"),
    ("sentenced", "status-sentenced"),
    ("released", "status-released"),
    ("deported", "status-deported"),
    ("exit-banned", "status-exit-banned"),
    ("deceased", "status-deceased"),
    ("missing", "status-missing"),
];
const STANCES: [(&str, &str); 9] = [
    ("acknowledged", "stance-acknowledged"),
    ("under-inquiry", "stance-under-inquiry"),
    ("not-in-custody", "stance-not-in-custody"),
    ("held", "stance-held"),
    ("access-granted", "stance-access-granted"),
    ("access-refused", "stance-access-refused"),
    ("domestic-law", "stance-domestic-law"),
    ("released", "stance-released"),
    ("declined", "stance-declined"),
];
const ACCESSES: [(&str, &str); 3] =
    [("requested", "access-requested"), ("took-place", "access-took-place"), ("failed", "access-failed")];

fn show(visit: &mut Visit<'_>) -> Outcome<Markup> {
    page(visit, &KIND)
}

fn message(words: &[(&str, &'static str)], value: &str) -> &'static str {
    words.iter().find(|(word, _)| *word == value).map_or("status-reported", |(_, message)| message)
}

/// How many persons have each status, in words: 「逮捕 4、起訴 8」.
pub fn counts<'c>(visit: &Visit<'_>, counts: impl Iterator<Item = (&'c str, u64)>) -> Markup {
    let words: Vec<String> =
        counts.map(|(status, count)| format!("{} {count}", visit.t(message(&STATUSES, status)))).collect();
    html! { (words.join(&visit.t("list-comma"))) }
}

fn one(visit: &Visit<'_>, matter: &MatterShown) -> Markup {
    let Some(case) = &matter.case else { return html! {} };
    html! {
        (facts(visit, case))
        @if !case.clocks.is_empty() { (clock_list(visit, case)) }
        section.panel aria-labelledby="persons-title" {
            h2 #persons-title { (visit.t("case-persons")) " " span.count { (case.persons.len()) } }
            ul.rows {
                @for count in &case.counts {
                    li { bdi { (count.side) } ": " (counts(visit, count.by_status.iter().map(|(status, count)| (status.as_str(), *count as u64)))) }
                }
            }
            div.wide tabindex="0" role="group" aria-labelledby="persons-title" { (table(visit, case)) }
        }
    }
}

fn facts(visit: &Visit<'_>, case: &CaseShown) -> Markup {
    let facts = [("case-what", &case.what), ("case-place", &case.place), ("case-legal", &case.legal_basis)];
    html! {
        section.panel aria-labelledby="facts-title" {
            h2 #facts-title { (visit.t("case-facts")) }
            dl.pairs {
                @if let Some(when) = case.when { dt { (visit.t("case-when")) } dd { (date(visit, when)) } }
                @for (label, text) in facts {
                    @if !text.is_empty() { dt { (visit.t(label)) } dd { bdi { (text) } } }
                }
                @if let Some(why) = &case.closed { dt { (visit.t("state-closed")) } dd { bdi { (why) } } }
            }
        }
    }
}

fn clock_list(visit: &Visit<'_>, case: &CaseShown) -> Markup {
    html! {
        section.panel aria-labelledby="clocks-title" {
            h2 #clocks-title { (visit.t("case-clocks")) }
            ul.rows {
                @for clock in &case.clocks {
                    @let (class, words) = match (clock.met, clock.overdue) {
                        (true, _) => ("good", "clock-met"),
                        (false, true) => ("bad", "due-overdue"),
                        (false, false) => ("doubt", "due-case"),
                    };
                    li.row.about {
                        span.number { (clock.number) }
                        span { bdi { (clock.what) } " " small { bdi { (clock.source) } } }
                        span.when { span.state.(class) { (visit.t(words)) } " " (clocks(visit, &clock.due)) }
                    }
                }
            }
        }
    }
}

fn table(visit: &Visit<'_>, case: &CaseShown) -> Markup {
    let sides: Vec<&str> = case.counts.iter().map(|count| count.side.as_str()).collect();
    html! {
        table {
            thead {
                tr {
                    th scope="col" { (visit.t("case-number")) } th scope="col" { (visit.t("case-person")) }
                    @for side in &sides { th scope="col" { bdi { (side) } } }
                    th scope="col" { (visit.t("case-answer")) }
                }
            }
            tbody { @for person in &case.persons { (person_row(visit, person, &sides)) } }
        }
    }
}

fn person_row(visit: &Visit<'_>, shown: &PersonShown, sides: &[&str]) -> Markup {
    let person = &shown.person;
    let tag = person
        .lang
        .as_ref()
        .map_or(visit.language_of(&person.name, true).tag().to_owned(), ToString::to_string);
    html! {
        tr {
            td { (person.number) }
            th scope="row" {
                bdi lang=(tag) { (person.name) } " " small { bdi { (person.romanised) } }
                div.hint {
                    @if let Some(born) = person.born { (visit.t("case-born")) " " (date(visit, born)) " " }
                    (person.nationality.join("/")) " " bdi { (person.remark) }
                }
            }
            @for side in sides {
                td {
                    @if let Some(account) = shown.accounts.iter().find(|account| account.side == *side) {
                        (dated(visit, message(&STATUSES, &word(&account.status).unwrap_or_default()), account.since, &account.text))
                    } @else { "—" }
                }
            }
            td {
                @match shown.answers.last() {
                    Some(answer) => { (dated(visit, message(&STANCES, &word(&answer.stance).unwrap_or_default()), answer.on, &answer.text)) }
                    None => { span.state.doubt { (visit.t("case-no-answer")) } }
                }
                @for access in &shown.access {
                    div { (dated(visit, message(&ACCESSES, &word(&access.access).unwrap_or_default()), access.on, &access.text)) }
                }
            }
        }
    }
}

fn dated(visit: &Visit<'_>, words: &str, on: Option<PartialDate>, text: &str) -> Markup {
    html! {
        (visit.t(words))
        @if let Some(on) = on { " " small { (date(visit, on)) } }
        @if !text.is_empty() { div.hint { bdi { (text) } } }
    }
}

/// A date in the officer's calendar; as it was written where the day is not known.
fn date(visit: &Visit<'_>, date: PartialDate) -> Markup {
    let written = date.to_string();
    let day = written.parse::<jiff::civil::Date>().ok();
    let noon = day.and_then(|day| day.at(12, 0, 0, 0).to_zoned(visit.dates().zone).ok());
    let words = noon.map(|noon| visit.dates().day(noon.timestamp().as_millisecond()));
    html! { time datetime=(written) { (words.unwrap_or_else(|| written.clone())) } }
}

fn new_fields(visit: &Visit<'_>) -> Markup {
    let field = |name, label| Field { form: "new", name, label };
    html! {
        (field("subject", "case-title").line(visit, ""))
        (field("persons", "case-persons").area(visit, ""))
        p.hint { (visit.t("case-persons-hint")) }
        (field("status", "case-status").choice(visit, &STATUSES))
        (field("what", "case-what").area(visit, ""))
        (field("when", "case-when").line(visit, ""))
        (field("place", "case-place").line(visit, ""))
        (field("legal", "case-legal").line(visit, ""))
        (clock_fields(visit, "new"))
    }
}

fn clock_fields(visit: &Visit<'_>, form: &str) -> Markup {
    let field = |name, label| Field { form, name, label };
    html! {
        (field("clock", "clock-what").line(visit, ""))
        (field("source", "clock-source").line(visit, ""))
        (field("due", "clock-due").moment(visit))
    }
}

fn acts(visit: &Visit<'_>, matter: &MatterShown) -> Markup {
    let Some(case) = matter.case.as_ref().filter(|case| case.closed.is_none()) else { return html! {} };
    let about = |form, choices: &[(&str, &str)], date: &'static str| {
        let field = |name, label| Field { form, name, label };
        html! {
            (field("what", "field-choice").choice(visit, choices))
            (field("persons", "field-numbers").line(visit, ""))
            (field("on", date).line(visit, ""))
            (field("text", "field-words").area(visit, ""))
        }
    };
    let words = |form| Field { form, name: "text", label: "field-words" }.area(visit, "");
    html! {
        @if !matter.ours { (act(visit, matter, ("answer", "case-do-answer"), &about("answer", &STANCES, "field-on"))) }
        (act(visit, matter, ("status", "case-do-status"), &about("status", &STATUSES, "field-since")))
        (act(visit, matter, ("access", "case-do-access"), &about("access", &ACCESSES, "field-on")))
        (act(visit, matter, ("clock", "case-do-clock"), &clock_fields(visit, "clock")))
        (act(visit, matter, ("remark", "case-do-remark"), &words("remark")))
        @if matter.ours {
            (act(visit, matter, ("add", "case-do-add"), &html! {
                (Field { form: "add", name: "persons", label: "case-person" }.line(visit, ""))
                p.hint { (visit.t("case-persons-hint")) }
                (Field { form: "add", name: "what", label: "case-status" }.choice(visit, &STATUSES))
            }))
            @if case.clocks.iter().any(|clock| !clock.met) { (act(visit, matter, ("met", "case-do-met"), &met_fields(visit, case))) }
            (act(visit, matter, ("close", "case-do-close"), &words("close")))
        }
    }
}

fn met_fields(visit: &Visit<'_>, case: &CaseShown) -> Markup {
    html! {
        label for="met-clock" { (visit.t("case-clocks")) }
        select #met-clock name="clock" {
            @for clock in case.clocks.iter().filter(|clock| !clock.met) { option value=(clock.number) { (clock.what) } }
        }
        (Field { form: "met", name: "text", label: "field-words" }.area(visit, ""))
    }
}

fn raise(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    let status: Status = typed::word(form.text("status")).map_err(|_| unknown())?;
    let persons = lines_of(form, "persons", typed::person)?;
    let number = |(number, person)| Person { number, status, ..person };
    let file = CaseFile {
        title: names::name("title", form.text("subject"))?,
        persons: (1..).zip(persons).map(number).collect(),
        what: remark_of(form, "what")?,
        when: date_of(form, "when")?,
        place: remark_of(form, "place")?,
        legal_basis: remark_of(form, "legal")?,
        clocks: if moment_of(visit, form, "due")?.is_some() {
            vec![clock_of(visit, form)?]
        } else {
            Vec::new()
        },
    };
    open(visit, form, &KIND, Body::Case { of: None, act: CaseAct::Raise(file) })
}

fn clock_of(visit: &Visit<'_>, form: &Form) -> Outcome<Clock> {
    Ok(Clock {
        what: names::name("clock's purpose", form.text("clock"))?,
        source: names::name("clock's source", form.text("source"))?,
        due: needed_moment(visit, form, "due")?,
    })
}

fn take(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    let matter = named(visit, form)?;
    let case = matter.case.as_ref().ok_or_else(unknown)?;
    let act = match form.text("do") {
        "clock" => CaseAct::Clock(clock_of(visit, form)?),
        "remark" => CaseAct::Remark { text: names::text(&form.text("text").replace("\r\n", "\n"))? },
        "close" => CaseAct::Close { why: remark_of(form, "text")? },
        "add" => CaseAct::Add(added(form, case)?),
        "met" => met(form, case)?,
        _ => report(form)?,
    };
    let of = matter.id.parse().map_err(|_| unknown())?;
    step(visit, form, &matter, Body::Case { of: Some(of), act })
}

/// What is said of persons.
fn report(form: &Form) -> Outcome<CaseAct> {
    let (persons, on, text) = (numbers_of(form, "persons")?, date_of(form, "on")?, remark_of(form, "text")?);
    let wrong = |_| unknown();
    Ok(match form.text("do") {
        "answer" => {
            let stance: Stance = typed::word(form.text("what")).map_err(wrong)?;
            CaseAct::Answer(StanceReport { persons, stance, on, text })
        }
        "status" => {
            let status: Status = typed::word(form.text("what")).map_err(wrong)?;
            CaseAct::Status(StatusReport { persons, status, since: on, text })
        }
        "access" => {
            let access: Access = typed::word(form.text("what")).map_err(wrong)?;
            CaseAct::Access(AccessReport { persons, access, on, text })
        }
        _ => return Err(unknown()),
    })
}

fn added(form: &Form, case: &CaseShown) -> Outcome<Person> {
    let status: Status = typed::word(form.text("what")).map_err(|_| unknown())?;
    let number = case.persons.iter().map(|known| known.person.number).max().unwrap_or(0) + 1;
    let mut persons = lines_of(form, "persons", typed::person)?.into_iter();
    let person = persons.next().ok_or_else(unknown)?;
    Ok(Person { number, status, ..person })
}

fn met(form: &Form, case: &CaseShown) -> Outcome<CaseAct> {
    let wanted = form.number("clock").unwrap_or_default();
    let clock = case.clocks.iter().find(|clock| clock.number as u64 == wanted).ok_or_else(unknown)?;
    let set = clock.set.parse().map_err(|_| unknown())?;
    Ok(CaseAct::Met { set, clock: clock.index, text: remark_of(form, "text")? })
}
