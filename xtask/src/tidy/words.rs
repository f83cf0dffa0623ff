//! Words with their replacement.

use super::Finding;
use super::rust_file::Name;
use super::tree::{File, Tree};

/// Part of a name, and what to say instead.
const IN_NAMES: [(&str, &str); 6] = [
    ("manager", "the noun for what it holds"),
    ("helper", "the noun for what it does"),
    ("util", "the module that owns the thing"),
    ("utils", "the module that owns the thing"),
    ("common", "the module that owns the thing"),
    ("misc", "the module that owns the thing"),
];

/// First part of a function's name, and what to say instead.
const FUNCTION_STARTS: [(&str, &str); 3] =
    [("get", "the noun alone"), ("do", "the verb alone"), ("process", "the verb for what happens")];

/// Whole words in any text; split so that this file does not break its own rule.
const IN_TEXT: [(&str, &str); 18] = [
    (concat!("TO", "DO"), "do it, or say in the documents that it is missing"),
    (concat!("FIX", "ME"), "mend it, or say in the documents that it is weak"),
    (concat!("X", "XX"), "say what is wrong"),
    (concat!("HA", "CK"), "say why it is needed"),
    (concat!("/wo", "rk/"), "a path from the repository's root"),
    (concat!("/ro", "ot/"), "a path from the repository's root"),
    (concat!("/tmp/", "plan"), "a path from the repository's root"),
    (concat!("white", "list"), "permitted"),
    (concat!("black", "list"), "refused"),
    (concat!("a", "gent"), "who or what it is: node, peer, officer"),
    (concat!("a", "gents"), "who or what they are: nodes, peers, officers"),
    (concat!("suba", "gent"), "nothing"),
    (concat!("prompt ", "engineering"), "nothing"),
    (concat!("language ", "model"), "nothing"),
    (concat!("Chat", "GPT"), "nothing"),
    (concat!("Cla", "ude"), "nothing"),
    (concat!("Anth", "ropic"), "nothing"),
    (concat!("LL", "M"), "nothing"),
];

/// Words inside which a banned word is the field's own.
const EXCEPTED: [&str; 3] =
    [concat!("user-", "a", "gent"), concat!("user ", "a", "gent"), concat!("ssh-", "a", "gent")];

/// Calls that must not stay, outside tests.
const CALLS: [(&str, &str); 1] =
    [("unwrap", "`?` with a typed error, or `expect` that says why it cannot fail")];

/// Banned words in names, texts and calls.
pub fn banned(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<Finding> = tree.files.iter().flat_map(in_text).collect();
    for (file, parts) in tree.rust() {
        findings.extend(parts.names.iter().filter_map(|name| in_name(file, name)));
        for pair in
            parts.tokens.windows(2).filter(|pair| pair[0].text == "." && !file.is_test_line(pair[1].line))
        {
            let call = CALLS.iter().find(|(call, _)| pair[1].text == *call);
            findings.extend(call.map(|(call, instead)| {
                Finding::new(&file.path, pair[1].line, format!("{call}() outside tests"), *instead)
            }));
        }
    }
    findings
}

fn in_text(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for (word, instead) in IN_TEXT.iter().filter(|(word, _)| has_word(line, word)) {
            let is_fields_own =
                EXCEPTED.iter().any(|own| own.contains(word) && line.to_lowercase().contains(own));
            if !is_fields_own {
                findings.push(Finding::new(&file.path, index + 1, format!("the word {word}"), *instead));
            }
        }
    }
    findings
}

/// Whether `word` occurs with no letter or digit next to it.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let is_open = |edge: Option<char>| edge.is_none_or(|c| !c.is_alphanumeric());
        (is_open(before) || word.starts_with('/')) && (is_open(after) || word.ends_with('/'))
    })
}

fn in_name(file: &File, name: &Name) -> Option<Finding> {
    let parts = parts_of(&name.text);
    if file.is_test_line(name.line) {
        return None;
    }
    let anywhere = IN_NAMES.iter().find(|(word, _)| parts.iter().any(|part| part == word));
    let is_verb_and_more = name.is_function && parts.len() > 1;
    let first = parts.first().filter(|_| is_verb_and_more);
    let start = first.and_then(|first| FUNCTION_STARTS.iter().find(|(word, _)| first == word));
    let (word, instead) = anywhere.or(start)?;
    Some(Finding::new(&file.path, name.line, format!("{word} in the name {}", name.text), *instead))
}

/// `["own", "node"]` of `OwnNode` and of `own_node`.
fn parts_of(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for letter in name.chars() {
        if letter == '_' || letter.is_uppercase() {
            parts.push(String::new());
        }
        if letter != '_' {
            parts.last_mut().expect("there is always a part").extend(letter.to_lowercase());
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(text: &str) -> usize {
        banned(&Tree::of(&[("crates/node/src/lib.rs", text)])).len()
    }

    #[test]
    fn each_banned_word_is_caught_in_names() {
        for (word, _) in &IN_NAMES {
            assert_eq!(hits(&format!("fn send_{word}() {{}}")), 1, "{word}");
        }
        for (word, _) in &FUNCTION_STARTS {
            assert_eq!(hits(&format!("fn {word}_cell() {{}}")), 1, "{word}");
        }
        assert_eq!(hits("struct RouteManager;"), 1);
    }

    #[test]
    fn each_banned_word_is_caught_in_text() {
        for (word, _) in &IN_TEXT {
            assert!(hits(&format!("// see {word} here")) >= 1, "{word}");
        }
    }

    #[test]
    fn words_that_merely_contain_one_pass() {
        assert_eq!(hits("fn forget() {} fn target_get() {} // reagents, workflows"), 0);
        assert_eq!(hits(concat!("// a user-a", "gent", " header of a user a", "gent")), 0);
    }

    #[test]
    fn a_trait_of_others_keeps_its_names() {
        assert_eq!(hits("impl Source for A { fn get_cell(&self) {} }"), 0);
    }

    #[test]
    fn unwrap_is_for_tests() {
        assert_eq!(hits("fn f() { g().unwrap(); }"), 1);
        assert_eq!(hits("#[cfg(test)] mod tests { fn f() { g().unwrap(); } }"), 0);
    }
}
