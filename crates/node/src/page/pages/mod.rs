//! The pages and what can be done on them: one table of each.
//!
//! A page is a file here with `pub const PAGE: Page`, named in [`PAGES`]; what is done on it are
//! `pub const ACTS: &[Act]`, named in [`act`]. Its words are messages; its regions that follow the line
//! carry an id and `data-live`, and everything that a person fills in lies outside them.

mod attach;
pub mod composer;
mod conversations;
mod desk;
mod drafts;
mod entry;
mod guide;
mod holders;
mod keys;
mod layers;
mod letter;
mod marking;
mod matters;
mod phrase;
mod record;
mod record_write;
mod release;
mod routes;
mod search;
mod settings;
mod take;
mod thread;

use maud::{Markup, html};

use super::form::Form;
use super::visit::Visit;
use crate::words::Outcome;

/// A page.
pub struct Page {
    /// Its name: the last part of its path.
    pub name: &'static str,
    /// The message that is its title.
    pub title: &'static str,
    /// The key that goes there after `g`.
    pub key: Option<char>,
    /// Whether it is among the ways beside every page.
    pub is_way: bool,
    /// Renders what is inside its frame.
    pub show: fn(&mut Visit<'_>) -> Outcome<Markup>,
}

/// Something that can be done.
pub struct Act {
    /// Its name: where forms are sent.
    pub name: &'static str,
    /// Does it.
    pub run: fn(&mut Visit<'_>, &Form) -> Outcome<Next>,
}

/// What comes after an act.
pub enum Next {
    /// This page.
    Go(String),
    /// The page that is there stays.
    Nothing,
    /// A question, or an answer that is no page of the table.
    Show {
        /// Its title.
        title: String,
        /// What is inside its frame.
        body: Markup,
    },
    /// Something to be kept as a file.
    Take {
        /// What it is called.
        name: String,
        /// Its media type.
        kind: &'static str,
        /// All of it.
        octets: Vec<u8>,
    },
    /// The session is over.
    Out,
}

/// Every page, in the order of the ways.
pub const PAGES: &[Page] = &[
    desk::PAGE,
    conversations::PAGE,
    thread::PAGE,
    entry::PAGE,
    matters::meetings::PAGE,
    matters::cases::PAGE,
    matters::swaps::PAGE,
    matters::announcements::PAGE,
    matters::reports::PAGE,
    record::PAGE,
    release::PAGE,
    search::PAGE,
    routes::PAGE,
    phrase::PAGE,
    holders::PAGE,
    settings::PAGE,
    keys::PAGE,
    guide::PAGE,
];

/// The page of this name.
pub fn page(name: &str) -> Option<&'static Page> {
    PAGES.iter().find(|page| page.name == name)
}

/// What is done under this name.
pub fn act(name: &str) -> Option<&'static Act> {
    let acts = [
        desk::ACTS,
        conversations::ACTS,
        composer::ACTS,
        thread::ACTS,
        entry::ACTS,
        matters::meetings::ACTS,
        matters::cases::ACTS,
        matters::swaps::ACTS,
        matters::announcements::ACTS,
        matters::reports::ACTS,
        record::ACTS,
        record::WRITE_ACTS,
        release::ACTS,
        take::ACTS,
        routes::ACTS,
        phrase::ACTS,
        settings::ACTS,
    ];
    acts.into_iter().flatten().find(|act| act.name == name)
}

/// A post by the names in the papers, isolated and in its language.
pub fn name_of(visit: &Visit<'_>, side: &str, post: &str, is_own: bool) -> Markup {
    let language = |text| visit.language_of(text, is_own).tag();
    html! {
        span.who {
            bdi.side lang=(language(side)) { (side) }
            @if !post.is_empty() { " " bdi.post lang=(language(post)) { (post) } }
        }
    }
}

/// A time in this desk's zone, for people and programs.
pub fn time(visit: &Visit<'_>, ms: i64) -> Markup {
    let title =
        format!("{} {} ({})", visit.dates().day(ms), visit.dates().clock(ms), visit.dates().place(ms));
    html! { time datetime=(super::dates::machine(ms)) title=(title) { (visit.brief(ms)) } }
}

/// Since when something is so.
pub fn since(visit: &Visit<'_>, ms: i64) -> Markup {
    let title =
        format!("{} {} ({})", visit.dates().day(ms), visit.dates().clock(ms), visit.dates().place(ms));
    html! {
        time.since datetime=(super::dates::machine(ms)) title=(title) {
            (visit.tn("since", &[("time", visit.brief(ms).into())]))
        }
    }
}

/// A choice among words, each with its message.
pub fn choice(name: &str, options: &[(&str, String)], chosen: &str) -> Markup {
    html! {
        select name=(name) id=(name) {
            @for (value, words) in options {
                option value=(value) selected[*value == chosen] { (words) }
            }
        }
    }
}
