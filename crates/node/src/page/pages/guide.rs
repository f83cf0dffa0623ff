//! The guide for officers, from `docs/DESK.md`: the part in the reader's language.

use maud::{Markup, html};

use super::Page;
use crate::page::tongue::Language;
use crate::page::visit::Visit;
use crate::words::Outcome;

/// The page.
pub const PAGE: Page = Page { name: "guide", title: "guide-title", key: Some('h'), is_way: true, show };

/// A block of the guide.
#[derive(Debug, PartialEq, Eq)]
enum Block<'t> {
    Title(&'t str),
    Heading(&'t str),
    Text(String),
    Points(Vec<String>),
}

fn show(visit: &mut Visit<'_>) -> Outcome<Markup> {
    Ok(html! {
        article.guide lang=(visit.language().tag()) {
            @for block in blocks(part(visit.language())) {
                @match block {
                    Block::Title(text) => h1 { (text) },
                    Block::Heading(text) => h2 { (text) },
                    Block::Text(text) => p { (text) },
                    Block::Points(points) => ul { @for point in points { li { (point) } } },
                }
            }
        }
    })
}

/// The part of the guide in a language: from its mark to the next.
fn part(language: Language) -> &'static str {
    let mark = format!("<!-- {} -->", language.word());
    let rest = GUIDE.split_once(mark.as_str()).map_or("", |(_, rest)| rest);
    rest.split("<!--").next().unwrap_or_default()
}

/// Headings, paragraphs and lists: all that the guide is made of.
fn blocks(text: &str) -> Vec<Block<'_>> {
    text.split("\n\n").map(str::trim).filter(|block| !block.is_empty()).map(block).collect()
}

fn block(text: &str) -> Block<'_> {
    if let Some(title) = text.strip_prefix("# ") {
        return Block::Title(title);
    }
    if let Some(heading) = text.strip_prefix("## ") {
        return Block::Heading(heading);
    }
    match text.strip_prefix("* ") {
        Some(points) => Block::Points(points.split("\n* ").map(joined).collect()),
        None => Block::Text(joined(text)),
    }
}

/// Lines of a paragraph, without Markdown's marks; between Han characters or kana a break is no space.
fn joined(text: &str) -> String {
    text.replace('`', "").lines().map(str::trim).fold(String::new(), |joined, line| {
        let is_latin = |c: Option<char>| c.is_some_and(|c| c.is_ascii());
        let space = is_latin(joined.chars().next_back()) && is_latin(line.chars().next());
        joined + if space { " " } else { "" } + line
    })
}

const GUIDE: &str = include_str!("../../../../../docs/DESK.md");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guide_has_the_same_parts_in_every_language() {
        let headings = |language| {
            blocks(part(language)).iter().filter(|block| matches!(block, Block::Heading(_))).count()
        };
        assert!(headings(Language::En) >= 6);
        assert!(Language::ALL.iter().all(|language| headings(*language) == headings(Language::En)));
    }

    #[test]
    fn lines_are_joined_as_the_script_wants() {
        assert_eq!(joined("一行目\n二行目"), "一行目二行目");
        assert_eq!(joined("one\n  `two`"), "one two");
    }
}
