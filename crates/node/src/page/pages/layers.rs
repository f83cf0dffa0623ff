//! A note's text: what it answers, its versions, and its translations, which never stand in for it.

use couloir_talks::thread::{Said, Version};
use couloir_wire::entry::{Entry, Note, Rendering, Translation};
use maud::{Markup, html};

use super::letter::{Letter, cite, gist_of, tag_of};
use super::{name_of, time};
use crate::page::tongue::Language;
use crate::page::visit::Visit;

/// The note, as it counts now.
pub fn note(visit: &Visit<'_>, letter: &Letter, note: &Note, said: &Said<'_>) -> Markup {
    html! {
        (answered(visit, letter, note))
        div.layers {
            div.layer.original {
                @if !said.translations.is_empty() { p.label { (visit.t("layer-original")) " " (language_name(visit, &tag_of(visit, &letter.row))) } }
                div.text dir="auto" lang=(tag_of(visit, &letter.row)) { (said.text().unwrap_or_default()) }
            }
            @for (translation, by) in latest(said) { (layer(visit, translation, by)) }
        }
        @if said.versions.len() > 1 { (earlier(visit, letter, &said.versions)) }
    }
}

/// What it answers: the entry, and the words of it that were quoted.
fn answered(visit: &Visit<'_>, letter: &Letter, note: &Note) -> Markup {
    let Some(target) = letter.target.as_ref().filter(|_| note.reply_to.is_some()) else { return html! {} };
    let quoted = note.quote.as_deref();
    html! {
        div.answers {
            p { (visit.t("reply-to")) " " (cite(visit, target)) @if quoted.is_none() { " " (beginning(visit, target)) } }
            @if let Some(quote) = quoted {
                blockquote dir="auto" lang=(visit.language_of(quote, target.is_own).tag()) { (quote) }
                @if !letter.is_quoted { p.hint { (visit.t("quote-differs")) } }
            }
        }
    }
}

fn beginning(visit: &Visit<'_>, row: &crate::store::LogRow) -> Markup {
    let text: String = row.body().map_or("", gist_of).chars().take(BEGINNING_CHARS).collect();
    html! { bdi.gist lang=(tag_of(visit, row)) { (text) } }
}

/// The last translation of each kind into each language.
fn latest<'e>(said: &Said<'e>) -> Vec<(&'e Translation, &'e Entry)> {
    let mut latest: Vec<(&Translation, &Entry)> = Vec::new();
    for (translation, by) in &said.translations {
        let key = |each: &Translation| (each.lang.clone(), each.rendering);
        latest.retain(|(known, author)| key(known) != key(translation) || author.author != by.author);
        latest.push((translation, by));
    }
    let hidden = latest.len().saturating_sub(LAYERS_SHOWN);
    latest.split_off(hidden)
}

/// A translation: labelled, open if it is in the reader's language.
fn layer(visit: &Visit<'_>, translation: &Translation, by: &Entry) -> Markup {
    let is_readers = translation.lang.tag().split('-').next() == Some(visit.language().word());
    html! {
        details.layer.translation open[is_readers] {
            summary.label {
                (visit.t("layer-translation")) " " (language_name(visit, translation.lang.tag())) " · "
                b { (visit.t(rendering_word(translation.rendering))) }
            }
            div.text dir="auto" lang=(translation.lang.tag()) { (translation.text) }
            p.label { (whose(visit, translation, by)) }
        }
    }
}

/// By whom, said by which post, when.
fn whose(visit: &Visit<'_>, translation: &Translation, by: &Entry) -> Markup {
    let (author, is_own) = (visit.posts.author(by.author), Some(by.author) == visit.own_post());
    html! {
        (visit.t("layer-by")) " " bdi lang=(visit.language_of(&translation.by, is_own).tag()) { (translation.by) }
        " · " (name_of(visit, &author.side, &author.post, is_own)) " · " (time(visit, by.at_ms))
    }
}

/// The message for how far a translation can be relied upon.
pub fn rendering_word(rendering: Rendering) -> &'static str {
    match rendering {
        Rendering::Official => "rendering-official",
        Rendering::Unofficial => "rendering-unofficial",
        Rendering::Machine => "rendering-machine",
    }
}

/// A language's own name; its tag where the page does not speak it.
fn language_name(_: &Visit<'_>, tag: &str) -> Markup {
    let known = Language::of_word(tag.split('-').next().unwrap_or_default());
    html! {
        @match known.filter(|language| *language != Language::Zh || tag.starts_with("zh-Hans") || tag == "zh") {
            Some(language) => span lang=(language.tag()) { (language.own_name()) },
            None => bdi { (tag) },
        }
    }
}

/// Texts that it had before.
fn earlier(visit: &Visit<'_>, letter: &Letter, versions: &[Version<'_>]) -> Markup {
    let (last, before) = versions.split_last().unwrap_or((&Version { text: "", at_ms: 0 }, &[]));
    let count = versions.len();
    html! {
        details.versions {
            summary.label { (visit.tn("version-is", &[("number", count.into()), ("time", visit.brief(last.at_ms).into())])) }
            ol {
                @for version in before.iter().rev().take(VERSIONS_SHOWN) {
                    li {
                        (time(visit, version.at_ms))
                        div.text dir="auto" lang=(tag_of(visit, &letter.row)) { (version.text) }
                    }
                }
            }
        }
    }
}

const BEGINNING_CHARS: usize = 60;
/// Layers beside one note; the newest are shown.
const LAYERS_SHOWN: usize = 6;
/// Versions that are listed.
const VERSIONS_SHOWN: usize = 20;
