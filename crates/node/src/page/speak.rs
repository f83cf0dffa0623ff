//! Saying something: at once, or, where two persons are needed, as a draft that another person releases.

use couloir_wire::entry::Body;
use couloir_wire::id::EntryId;
use maud::{Markup, html};

use super::form::link;
use super::pages::Next;
use super::visit::Visit;
use crate::clerk::{Node, about, answer, draft};
use crate::socket::{How, Request};
use crate::words::{Failure, Outcome};

/// What became of something that a person wanted to say.
pub enum Spoken {
    /// It is said.
    Said(EntryId),
    /// It waits for another person.
    Waits(Next),
}

impl Spoken {
    /// Goes where what was said is read, or where it waits.
    pub fn then(self, place: impl FnOnce(EntryId) -> String) -> Next {
        match self {
            Spoken::Said(id) => Next::Go(place(id)),
            Spoken::Waits(next) => next,
        }
    }
}

/// Says it if one person is enough; else keeps it. `file` is the id under which its octets lie.
pub fn say(visit: &mut Visit<'_>, body: Body, how: How, file: Option<EntryId>) -> Outcome<Spoken> {
    about::check(&*visit.node, &body)?;
    let request = Request::Say { body: Box::new(body.clone()), how: how.clone() };
    if let Some(waits) = drafted(visit, &request, file)? {
        return Ok(Spoken::Waits(waits));
    }
    let say = couloir_engine::Say { id: file, ..answer::say(body, &how, 0) };
    visit.node.say(say).map(Spoken::Said)
}

/// Keeps `request` for another person where two are needed; `None` where one is enough.
pub fn drafted(visit: &mut Visit<'_>, request: &Request, file: Option<EntryId>) -> Outcome<Option<Next>> {
    if visit.drafts.is_none() {
        return Ok(None);
    }
    let person = visit.caller.person.clone().ok_or_else(nobody)?;
    let number = draft::keep(visit.node, &person, request, file)?;
    visit.office.announce();
    Ok(Some(Next::Go(link("release", &[("kept", &number.to_string())]))))
}

/// Nobody speaks here whose name is not known.
pub fn nobody() -> Failure {
    Failure::refused(
        "this post says nothing that one person wrote alone, and this page does not know who you are",
        "come in by name: couloir open --person NAME",
    )
}

/// What becomes of what is written here, where two persons are needed.
pub fn who_speaks(visit: &Visit<'_>) -> Markup {
    html! {
        @if visit.drafts.is_some() {
            @match &visit.caller.person {
                Some(person) => { p.two-persons { (visit.tn("release-as", &[("person", person.as_str().into())])) } }
                None => { p.warn { (visit.t("release-nobody")) " " code { (OPEN) } } }
            }
        }
    }
}

/// What is typed to come in by name.
pub const OPEN: &str = "couloir open --person";
