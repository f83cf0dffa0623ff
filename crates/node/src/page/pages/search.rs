//! Search over everything said, one character upwards, with filters.

use couloir_wire::entry::Marking;
use couloir_wire::id::ConversationId;
use jiff::civil::Date;
use maud::{Markup, html};

use super::drafts::marking_of;
use super::letter::{kind_word, place_of, tag_of};
use super::marking::{markings, pill};
use super::{Page, choice, name_of, time};
use crate::clerk::conversations;
use crate::clerk::search::{self, Sought};
use crate::page::form::{Form, link};
use crate::page::visit::Visit;
use crate::store::{Found, LogRow, folded, texts};
use crate::words::{Failure, Outcome};

/// The page.
pub const PAGE: Page = Page { name: "search", title: "search-title", key: Some('s'), is_way: true, show };

/// Conversations and what they are about.
type Subjects = Vec<(ConversationId, String)>;

fn show(visit: &mut Visit<'_>) -> Outcome<Markup> {
    let query = visit.caller.query.clone();
    let found = match FIELDS.iter().all(|field| query.given(field).is_none()) {
        true => None,
        false => Some(search::search(visit.node, &sought(visit, &query)?, ROWS_SHOWN)?),
    };
    let subjects = conversations::subjects(visit.node)?;
    let visit = &*visit;
    Ok(html! {
        h1 { (visit.t("search-title")) }
        search { (form(visit, &query, &subjects)) }
        @if let Some(found) = &found { (results(visit, &query, found, &subjects)) }
    })
}

fn sought(visit: &Visit<'_>, query: &Form) -> Outcome<Sought> {
    let given = |name| query.given(name).map(str::to_owned);
    Ok(Sought {
        words: query.text("q").to_owned(),
        by: given("by"),
        from_ms: query.given("from").map(|typed| day_ms(visit, typed, false)).transpose()?,
        until_ms: query.given("until").map(|typed| day_ms(visit, typed, true)).transpose()?,
        kind: given("kind"),
        marking: query.given("marking").and_then(marking_of),
        conversation: given("conversation"),
        case: given("case"),
        before: query.number("before"),
    })
}

/// The beginning or end of a day in this desk's zone.
fn day_ms(visit: &Visit<'_>, typed: &str, is_end: bool) -> Outcome<i64> {
    let wrong = || Failure::usage("that is no date", "write it like 2026-10-01");
    let date: Date = typed.parse().map_err(|_| wrong())?;
    let date = if is_end { date.tomorrow().map_err(|_| wrong())? } else { date };
    let zoned = date.to_zoned(visit.dates().zone).map_err(|_| wrong())?;
    Ok(zoned.timestamp().as_millisecond())
}

fn form(visit: &Visit<'_>, query: &Form, subjects: &Subjects) -> Markup {
    let is_filtered = FIELDS.iter().skip(1).any(|field| query.given(field).is_some());
    html! {
        form.search method="get" action="search" {
            label.unseen for="q" { (visit.t("search-label")) }
            input #q name="q" type="search" value=(query.text("q")) dir="auto" autocomplete="off" placeholder=(visit.t("search-hint"));
            button.main { (visit.t("search-go")) }
            details.filters open[is_filtered] {
                summary { (visit.t("search-filters")) }
                div.filter-grid { (filters(visit, query, subjects)) }
            }
        }
    }
}

fn filters(visit: &Visit<'_>, query: &Form, subjects: &Subjects) -> Markup {
    let any = || ("", visit.t("search-any"));
    let posts: Vec<(String, String)> = visit.posts.all().map(|post| post_option(visit, post)).collect();
    let posts = posts.iter().map(|(id, words)| (id.as_str(), words.clone()));
    let places: Vec<(String, &String)> = subjects.iter().map(|(id, words)| (id.to_string(), words)).collect();
    let places = places.iter().map(|(id, words)| (id.as_str(), (*words).clone()));
    let kinds = search::KINDS.into_iter().map(|kind| (kind, visit.t(kind_message(kind))));
    html! {
        (field(visit, "search-by", "by", choice("by", &one_of(any(), posts), query.text("by"))))
        (field(visit, "search-kind", "kind", choice("kind", &one_of(any(), kinds), query.text("kind"))))
        (field(visit, "marking-legend", "marking", choice("marking", &one_of(any(), markings(visit)), query.text("marking"))))
        (field(visit, "search-conversation", "conversation", choice("conversation", &one_of(any(), places), query.text("conversation"))))
        (field(visit, "search-from", "from", html! { input #from name="from" type="date" value=(query.text("from")); }))
        (field(visit, "search-until", "until", html! { input #until name="until" type="date" value=(query.text("until")); }))
        (field(visit, "search-case", "case", html! { input #case name="case" value=(query.text("case")) autocomplete="off"; }))
    }
}

fn one_of<'t>(
    any: (&'t str, String),
    others: impl IntoIterator<Item = (&'t str, String)>,
) -> Vec<(&'t str, String)> {
    std::iter::once(any).chain(others).collect()
}

fn post_option(visit: &Visit<'_>, post: couloir_wire::id::PostId) -> (String, String) {
    let author = visit.posts.author(post);
    (post.to_string(), format!("{} {}", author.side, author.post))
}

fn field(visit: &Visit<'_>, words: &'static str, name: &str, control: Markup) -> Markup {
    html! { div.field { label for=(name) { (visit.t(words)) } (control) } }
}

/// The message for a kind.
fn kind_message(kind: &str) -> &'static str {
    match kind {
        "note" => "kind-note",
        "file" => "kind-file",
        "statement" => "kind-statement",
        "countersignature" => "kind-countersignature",
        "meeting" => "kind-meeting",
        "case" => "kind-case",
        "report" => "kind-report",
        "swap" => "kind-swap",
        "announcement" => "kind-announcement",
        "translation" => "kind-translation",
        "edit" => "kind-edit",
        "withdrawal" => "kind-withdrawal",
        "conversation" => "kind-conversation",
        "withheld" => "kind-withheld",
        _ => "kind-deferred",
    }
}

fn results(visit: &Visit<'_>, query: &Form, found: &Found, subjects: &Subjects) -> Markup {
    let words = query.text("q").trim();
    html! {
        p.lead role="status" { (visit.tn("search-found", &[("count", found.rows.len().into())])) }
        @if found.behind > 0 { p.warn { (visit.tn("search-behind", &[("count", found.behind.into())])) } }
        ul.rows.results {
            @for row in &found.rows { li { (result(visit, row, words, subjects)) } }
        }
        @if let Some(before) = found.before { p.older { a href=(further(query, before)) { (visit.t("search-older")) } } }
    }
}

/// The same search, further back.
fn further(query: &Form, before: u64) -> String {
    let before = before.to_string();
    let given = FIELDS.iter().filter_map(|field| Some((*field, query.given(field)?)));
    link("search", &given.chain([("before", before.as_str())]).collect::<Vec<_>>())
}

fn result(visit: &Visit<'_>, row: &LogRow, words: &str, subjects: &Subjects) -> Markup {
    let author = visit.posts.author(row.author);
    let text = row.body().map(texts).unwrap_or_default();
    let (before, hit, rest) = around(&text, words);
    let subject = subjects.iter().find(|(id, _)| *id == row.conversation).map_or("", |(_, words)| words);
    let kind = row.body().map(kind_word).filter(|kind| *kind != "kind-note");
    html! {
        a.row href=(place_of(visit, row)) {
            span.number { (visit.cited(row)) }
            span {
                span.with {
                    bdi { (subject) } " · " (name_of(visit, &author.side, &author.post, row.is_own))
                    @if let Some(kind) = kind { " · " (visit.t(kind)) }
                    " " (pill(own_marking(row)))
                }
                bdi.gist lang=(tag_of(visit, row)) { (before) mark { (hit) } (rest) }
            }
            span.when { (time(visit, row.at_ms)) }
        }
    }
}

fn own_marking(row: &LogRow) -> Option<Marking> {
    row.entry.as_ref().and_then(|entry| entry.marking)
}

/// The text around the first word that was found; all of it rest where only the folded text holds it.
fn around(text: &str, words: &str) -> (String, String, String) {
    let words: Vec<&str> = words.split_whitespace().collect();
    let place =
        |word: &&str| text.find(*word).map(|at| (at, word.len())).or_else(|| place_folded(text, word));
    let Some((at, len)) = words.iter().filter_map(place).min() else {
        return (String::new(), String::new(), text.chars().take(2 * AROUND_CHARS).collect());
    };
    let (head, tail) = (&text[..at], &text[at + len..]);
    let skipped = head.chars().count().saturating_sub(AROUND_CHARS);
    let before: String = head.chars().skip(skipped).collect();
    (before, text[at..at + len].to_owned(), tail.chars().take(AROUND_CHARS).collect())
}

/// Where as many characters stand as a word has that are the same word when folded.
fn place_folded(text: &str, word: &str) -> Option<(usize, usize)> {
    let (count, wanted) = (word.chars().count(), folded(word));
    let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).take(LOOKED_AT_CHARS).collect();
    starts.windows(count + 1).find_map(|span| {
        let len = span[count] - span[0];
        (folded(&text[span[0]..span[0] + len]) == wanted).then_some((span[0], len))
    })
}

/// What may be looked for.
const FIELDS: [&str; 8] = ["q", "by", "kind", "marking", "conversation", "from", "until", "case"];
const ROWS_SHOWN: usize = 50;
const AROUND_CHARS: usize = 40;
const LOOKED_AT_CHARS: usize = 2_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str, words: &str) -> [String; 3] {
        let (before, hit, rest) = around(text, words);
        [before, hit, rest]
    }

    #[test]
    fn what_was_found_stands_out_of_its_text() {
        assert_eq!(parts("査証の件", "証の"), ["査", "証の", "件"]);
        assert_eq!(parts("旅券と査証", "査証 旅券"), ["", "旅券", "と査証"]);
        assert_eq!(parts("本件ＡＢＣの件", "abc"), ["本件", "ＡＢＣ", "の件"]);
        assert_eq!(parts("何も", "無い"), ["", "", "何も"]);
    }
}
