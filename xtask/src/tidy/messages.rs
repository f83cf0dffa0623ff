//! The page's words: every message in every language, none unused, and no words in its sources.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, Literal, TokenStream, TokenTree};

use super::Finding;
use super::tree::{File, Tree};

/// Where messages lie: `LOCALES/LANGUAGE/FILE.ftl`.
const LOCALES: &str = "crates/node/locales/";
/// Whose words they are: the page's, and those of the record on paper.
const WORDED: [&str; 2] = ["crates/node/src/page/", "crates/node/src/print/"];
/// Attributes that people read.
const READ_ATTRIBUTES: [&str; 4] = ["title", "placeholder", "label", "alt"];

/// A message: where it is, and what it is filled with.
#[derive(Debug)]
struct Message<'t> {
    file: &'t File,
    line: usize,
    fillings: BTreeSet<&'t str>,
}

type Messages<'t> = BTreeMap<&'t str, Message<'t>>;

/// Messages that a language lacks, fills otherwise, or has twice; that nobody uses; that nobody wrote.
pub fn unmatched(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let languages = languages(tree, &mut findings);
    let used: BTreeSet<String> = page(tree).flat_map(strings).map(|found| found.text).collect();
    for (language, messages) in &languages {
        for (other, theirs) in languages.iter().filter(|(other, _)| *other != language) {
            let lacking = theirs.iter().filter(|(id, message)| differs(message, messages.get(*id)));
            findings.extend(lacking.map(|(id, message)| {
                let what = format!("{language} lacks the message {id} of {other}, or fills it otherwise");
                Finding::new(&message.file.path, message.line, what, "the same message in each language")
            }));
        }
        let unused = messages.iter().filter(|(id, _)| !used.contains(**id));
        findings.extend(unused.map(|(id, message)| {
            Finding::new(&message.file.path, message.line, format!("nobody uses {id}"), "use it or delete it")
        }));
    }
    let known: BTreeSet<&str> = languages.values().flat_map(|messages| messages.keys().copied()).collect();
    findings.extend(page(tree).flat_map(|file| unknown(file, &known)));
    findings
}

/// Words in markup or in attributes that people read.
pub fn hard_coded(tree: &Tree) -> Vec<Finding> {
    let worded = |found: &Text| found.is_shown && found.text.chars().any(char::is_alphabetic);
    let shown = page(tree).flat_map(|file| strings(file).into_iter().map(move |found| (file, found)));
    shown
        .filter(|(_, found)| worded(found))
        .map(|(file, found)| {
            let what = format!("{:?} is written in the source", found.text);
            Finding::new(&file.path, found.line, what, "a message in locales/")
        })
        .collect()
}

fn page(tree: &Tree) -> impl Iterator<Item = &File> {
    let is_worded = |file: &&File| WORDED.iter().any(|folder| file.path.starts_with(folder));
    tree.files.iter().filter(is_worded).filter(|file| file.path.ends_with(".rs"))
}

fn languages<'t>(tree: &'t Tree, findings: &mut Vec<Finding>) -> BTreeMap<&'t str, Messages<'t>> {
    let mut languages = BTreeMap::<&str, Messages<'_>>::new();
    for file in tree.files.iter().filter(|file| file.path.ends_with(".ftl")) {
        let Some((language, _)) = file.path.strip_prefix(LOCALES).and_then(|rest| rest.split_once('/'))
        else {
            continue;
        };
        let messages = languages.entry(language).or_default();
        for (id, message) in messages_of(file) {
            let (path, line) = (&file.path, message.line);
            if messages.insert(id, message).is_some() {
                findings.push(Finding::new(path, line, format!("{id} is there twice"), "one of them"));
            }
        }
    }
    languages
}

/// A message begins at the start of a line: `id = text`; what is indented below belongs to it.
fn messages_of(file: &File) -> Vec<(&str, Message<'_>)> {
    let mut found: Vec<(&str, Message<'_>)> = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let id = line.split_once('=').map(|(id, _)| id.trim_end());
        let is_id = |id: &&str| id.starts_with(|c: char| c.is_ascii_lowercase()) && !id.contains(' ');
        if let Some(id) = id.filter(is_id) {
            found.push((id, Message { file, line: index + 1, fillings: BTreeSet::new() }));
        }
        if let Some((_, message)) = found.last_mut() {
            message.fillings.extend(fillings(line));
        }
    }
    found
}

/// `what` in `{ $what }`.
fn fillings(line: &str) -> impl Iterator<Item = &str> {
    let name =
        |rest: &'_ str| rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(rest.len());
    line.split('$').skip(1).map(move |rest| &rest[..name(rest)])
}

fn differs(message: &Message<'_>, other: Option<&Message<'_>>) -> bool {
    other.is_none_or(|other| other.fillings != message.fillings)
}

/// A string of the source.
#[derive(Debug)]
struct Text {
    line: usize,
    text: String,
    /// Whether it stands in markup, where people read it.
    is_shown: bool,
    /// Whether it is what `.t(` or `.tn(` is asked for.
    is_asked: bool,
}

/// The strings of a file, but for its tests'.
fn strings(file: &File) -> Vec<Text> {
    let mut found = Vec::new();
    if let Ok(stream) = file.text.parse() {
        walk(stream, false, &mut found);
    }
    found.retain(|text| !file.is_test_line(text.line));
    found
}

fn walk(stream: TokenStream, is_markup: bool, found: &mut Vec<Text>) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    for (index, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Group(group) => {
                let begins = is_markup_call(&trees[..index]);
                let goes_on = is_markup && group.delimiter() == Delimiter::Brace;
                let (asked, is_asking) = (found.len(), asks(&trees[..index], &group.stream()));
                walk(group.stream(), begins || goes_on, found);
                found
                    .iter_mut()
                    .skip(asked)
                    .take(usize::from(is_asking))
                    .for_each(|first| first.is_asked = true);
            }
            TokenTree::Literal(literal) => {
                let Some(text) = string(literal) else { continue };
                let is_shown = is_markup && is_read(&trees, index);
                found.push(Text { line: literal.span().start().line, text, is_shown, is_asked: false });
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}

/// Whether what comes next is the inside of `html!`.
fn is_markup_call(before: &[TokenTree]) -> bool {
    matches!(before, [.., name, bang] if name.to_string() == "html" && bang.to_string() == "!")
}

/// Whether these are the arguments of `.t` or `.tn`, the first of them a string.
fn asks(before: &[TokenTree], arguments: &TokenStream) -> bool {
    let is_call = matches!(before, [.., dot, name] if dot.to_string() == "." && ["t", "tn"].contains(&name.to_string().as_str()));
    is_call && matches!(arguments.clone().into_iter().next(), Some(TokenTree::Literal(_)))
}

/// Whether a string in markup is text, or the value of an attribute that people read.
fn is_read(trees: &[TokenTree], index: usize) -> bool {
    let sign =
        |at: Option<usize>| at.and_then(|at| trees.get(at)).map(ToString::to_string).unwrap_or_default();
    if sign(index.checked_sub(1)) == "=" {
        return READ_ATTRIBUTES.contains(&sign(index.checked_sub(2)).as_str());
    }
    // An arm of `@match`.
    sign(Some(index + 1)) != "="
}

fn string(literal: &Literal) -> Option<String> {
    syn::parse_str::<syn::LitStr>(&literal.to_string()).ok().map(|string| string.value())
}

fn unknown(file: &File, known: &BTreeSet<&str>) -> Vec<Finding> {
    let asked = strings(file).into_iter().filter(|text| text.is_asked && !known.contains(text.text.as_str()));
    asked
        .map(|text| {
            Finding::new(&file.path, text.line, format!("there is no message {}", text.text), "write it")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "fn f() { html! { h1 title=\"Hi\" class=\"x\" { \"Desk\" (v.t(\"desk-title\")) (v.t(\"nowhere\")) \
        @match a { \"b\" => { \" / \" } } } } }";

    fn tree() -> Tree {
        Tree::of(&[
            ("crates/node/src/page/desk.rs", SOURCE),
            ("crates/node/locales/en/desk.ftl", "desk-title = Desk of { $who }\nunused = x\n"),
            ("crates/node/locales/ja/desk.ftl", "desk-title = 卓上\nunused = x\nunused = y\n"),
        ])
    }

    #[test]
    fn a_message_that_is_missing_unused_twice_or_filled_otherwise_is_found() {
        let found = unmatched(&tree());
        let count = |words: &str| found.iter().filter(|finding| finding.what.contains(words)).count();
        assert_eq!((count("fills it otherwise"), count("nobody uses unused")), (2, 2));
        assert_eq!((count("there twice"), count("no message nowhere")), (1, 1));
        assert_eq!(found.len(), 6);
    }

    #[test]
    fn words_in_markup_are_found_and_signs_are_not() {
        let words: Vec<String> = hard_coded(&tree()).into_iter().map(|finding| finding.what).collect();
        assert_eq!(words, ["\"Hi\" is written in the source", "\"Desk\" is written in the source"]);
    }
}
