//! `cargo xtask tidy`: rules that a compiler does not know, checked on the sources.
//!
//! Each rule is a function from the [`Tree`] to its findings, so that a test can plant a violation
//! in a tree of its own and see it caught.

mod citations;
mod layers;
mod lengths;
mod links;
mod messages;
mod purity;
mod rust_file;
mod tree;
mod words;

use std::fmt;
use std::path::Path;

use tree::Tree;

/// A place that breaks a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    path: String,
    line: usize,
    what: String,
    instead: String,
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>, instead: impl Into<String>) -> Finding {
        Finding { path: path.to_owned(), line, what: what.into(), instead: instead.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}; instead: {}", self.path, self.line, self.what, self.instead)
    }
}

/// Every rule.
const RULES: [fn(&Tree) -> Vec<Finding>; 12] = [
    tree::unparsed,
    tree::dead_files,
    layers::manifests,
    layers::key_agreement,
    layers::unsafe_code,
    purity::pure_crates,
    words::banned,
    lengths::long,
    citations::broken,
    links::broken,
    messages::unmatched,
    messages::hard_coded,
];

/// Prints what breaks a rule in the sources under `root`; true if nothing does.
pub fn run(root: &Path) -> anyhow::Result<bool> {
    let tree = Tree::read(root)?;
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    println!("{}", lengths::summary(&tree));
    println!("tidy: {} files, {} findings", tree.files.len(), findings.len());
    Ok(findings.is_empty())
}
