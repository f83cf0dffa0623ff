//! Every relative link of a document leads somewhere.

use super::Finding;
use super::tree::{File, Tree};

/// Links to files and folders that do not exist.
pub fn broken(tree: &Tree) -> Vec<Finding> {
    let documents = tree.files.iter().filter(|file| file.path.ends_with(".md"));
    documents.flat_map(|file| in_document(tree, file)).collect()
}

fn in_document(tree: &Tree, file: &File) -> Vec<Finding> {
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for target in targets(line).filter(|target| !leads_somewhere(tree, &joined(folder, target))) {
            let what = format!("a link to {target}, which does not exist");
            findings.push(Finding::new(&file.path, index + 1, what, "a path from this document"));
        }
    }
    findings
}

/// The relative targets of a line's links, without their anchors.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(target, _)| target));
    let paths = targets.map(|target| target.split('#').next().unwrap_or_default());
    paths.filter(|path| !path.is_empty() && !path.contains("://"))
}

/// `target` as seen from `folder`, with `..` resolved.
fn joined(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

fn leads_somewhere(tree: &Tree, path: &str) -> bool {
    tree.files
        .iter()
        .any(|file| file.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        let text =
            "see [a](GLOSSARY.md#x), [b](../crates/wire), [c](https://example.org), [d](lost.md), [e](#here)";
        let tree = Tree::of(&[("docs/A.md", text), ("docs/GLOSSARY.md", ""), ("crates/wire/src/lib.rs", "")]);
        let found = broken(&tree);
        assert_eq!(found.len(), 1);
        assert!(found[0].what.contains("lost.md"));
    }
}
