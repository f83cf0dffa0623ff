//! Every cited section of the protocol exists.

use std::collections::BTreeSet;

use super::Finding;
use super::tree::{File, Tree};

const PROTOCOL: &str = "docs/PROTOCOL.md";
const CITED_AS: &str = concat!("PROTO", "COL");
const BETWEEN: [&str; 5] = [", ", " and ", " to ", "; ", " "];

/// Citations of sections that the protocol does not have.
pub fn broken(tree: &Tree) -> Vec<Finding> {
    let sections = tree.file(PROTOCOL).map(headings).unwrap_or_default();
    let mut findings = Vec::new();
    for file in &tree.files {
        for (index, line) in file.text.lines().enumerate() {
            let cited = citations(line).into_iter().filter(|section| !sections.contains(section));
            findings.extend(cited.map(|section| {
                let what = format!("cites §{section}");
                Finding::new(&file.path, index + 1, what, format!("a numbered heading of {PROTOCOL}"))
            }));
        }
    }
    findings
}

/// Numbers of the headings: `4.2` of `### 4.2 Fragments`.
fn headings(file: &File) -> BTreeSet<String> {
    let headings = file.text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| number(line.trim_start_matches('#').trim_start()))
        .filter(|text| !text.is_empty())
        .collect()
}

/// The sections that follow the protocol's name in a line, as in `§4.2, §5.1`.
fn citations(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in line.match_indices(CITED_AS) {
        let rest = &line[at + CITED_AS.len()..];
        let mut rest = rest.strip_prefix(".md").unwrap_or(rest).trim_start();
        while let Some(section) = rest.strip_prefix('§') {
            let section = section.trim_start();
            let text = number(section);
            rest = &section[text.len()..];
            rest = BETWEEN.iter().find_map(|between| rest.strip_prefix(between)).unwrap_or(rest);
            found.push(text);
        }
    }
    found
}

/// The leading `4.2` of `4.2 Fragments`, `4.2.` or `4.2)`.
fn number(text: &str) -> String {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text[..end].trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_that_does_not_exist_is_found() {
        let cite = format!("// {CITED_AS} §4.2, §5.1 and §9.9 (RFC 8949 §4.2.1)");
        let tree = Tree::of(&[
            (PROTOCOL, "# Protocol\n## 4 Links\n### 4.2 Fragments\n### 5.1. Slots\n"),
            ("crates/wire/src/lib.rs", &cite),
        ]);
        let found = broken(&tree);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].what, "cites §9.9");
    }

    #[test]
    fn several_citations_in_a_line_are_read() {
        assert_eq!(citations(&format!("{CITED_AS} §2; and {CITED_AS}.md §3.1.")), ["2", "3.1"]);
    }
}
