//! Markings, as the Traffic Light Protocol 2.0 writes them.

use couloir_wire::entry::Marking;
use maud::{Markup, html};

use super::choice;
use crate::page::visit::Visit;

/// The label; nothing where nothing is marked.
pub fn pill(marking: Option<Marking>) -> Markup {
    html! { @if let Some(marking) = marking { span.tlp.(class(marking)) { (label(marking)) } } }
}

/// The label, the same in every language.
pub fn label(marking: Marking) -> String {
    format!("TLP:{}", marking.word().to_uppercase())
}

fn class(marking: Marking) -> &'static str {
    match marking {
        Marking::Clear => "clear",
        Marking::Green => "green",
        Marking::Amber | Marking::AmberStrict => "amber",
        Marking::Red => "red",
    }
}

fn meaning(marking: Marking) -> &'static str {
    match marking {
        Marking::Clear => "marking-clear",
        Marking::Green => "marking-green",
        Marking::Amber => "marking-amber",
        Marking::AmberStrict => "marking-amber-strict",
        Marking::Red => "marking-red",
    }
}

/// Every marking with what it means, the strictest first.
pub fn markings(visit: &Visit<'_>) -> Vec<(&'static str, String)> {
    let words = |marking: Marking| format!("{} · {}", label(marking), visit.t(meaning(marking)));
    Marking::ALL.into_iter().rev().map(|marking| (marking.word(), words(marking))).collect()
}

/// A choice of the marking of what is said where the conversation is marked `agreed`.
pub fn marking_choice(visit: &Visit<'_>, agreed: Option<Marking>, chosen: Option<Marking>) -> Markup {
    let same = match agreed {
        Some(agreed) => visit.tn("marking-agreed", &[("marking", label(agreed).into())]),
        None => visit.t("marking-none"),
    };
    let options: Vec<_> = std::iter::once(("", same)).chain(markings(visit)).collect();
    choice("marking", &options, chosen.map_or("", Marking::word))
}
