//! The files of the repository, read once.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context;

use super::Finding;
use super::rust_file::RustFile;

/// A file's path from the root with `/` between, its text, and its parts if it is Rust.
#[derive(Debug)]
pub struct File {
    pub path: String,
    pub text: String,
    pub rust: Option<Result<RustFile, (usize, String)>>,
    /// Whether all of it is tests, benchmarks or fuzz targets.
    pub is_test: bool,
}

/// The files of the repository.
#[derive(Debug)]
pub struct Tree {
    pub files: Vec<File>,
}

/// Folders that hold nothing of ours, or nothing that people wrote.
const FOLDERS_SKIPPED: [&str; 7] =
    [".git", "target", "tmp", "corpus", "artifacts", "proptest-regressions", "vendored"];
/// Written by programs.
const FILES_SKIPPED: [&str; 1] = ["Cargo.lock"];

impl File {
    fn new(path: String, text: String) -> File {
        let rust = path.ends_with(".rs").then(|| RustFile::parse(&text));
        let in_test_folder = path.split('/').any(|part| ["tests", "benches", "fuzz"].contains(&part));
        let is_test = in_test_folder || path.ends_with("/tests.rs");
        File { path, text, rust, is_test }
    }

    /// The parts, if it is Rust that parses.
    pub fn parts(&self) -> Option<&RustFile> {
        self.rust.as_ref()?.as_ref().ok()
    }

    /// The crate whose sources it belongs to: `wire` for `crates/wire/src/lib.rs`.
    pub fn crate_name(&self) -> Option<&str> {
        let rest = self.path.strip_prefix("crates/")?;
        rest.split_once('/').map(|(name, _)| name)
    }

    /// Whether line `line` is a test's.
    pub fn is_test_line(&self, line: usize) -> bool {
        self.is_test
            || self.parts().is_some_and(|parts| parts.tests.iter().any(|range| range.contains(&line)))
    }
}

impl Tree {
    /// Reads everything under `root` that is text.
    pub fn read(root: &Path) -> anyhow::Result<Tree> {
        let mut files = Vec::new();
        read_folder(root, "", &mut files)?;
        Ok(Tree::new(files))
    }

    fn new(mut files: Vec<File>) -> Tree {
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let tests: BTreeSet<String> = files.iter().flat_map(test_modules).collect();
        for file in &mut files {
            file.is_test |= tests.iter().any(|module| is_under(&file.path, module));
        }
        Tree { files }
    }

    /// A tree of these paths and texts.
    #[cfg(test)]
    pub fn of(files: &[(&str, &str)]) -> Tree {
        Tree::new(files.iter().map(|(path, text)| File::new((*path).into(), (*text).into())).collect())
    }

    /// The Rust files that parse, with their parts.
    pub fn rust(&self) -> impl Iterator<Item = (&File, &RustFile)> {
        self.files.iter().filter_map(|file| Some((file, file.parts()?)))
    }

    /// The file at `path`.
    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }
}

/// `crates/wire/src/search/simulation` for a `#[cfg(test)] mod simulation;` in `search.rs` or `search/mod.rs`.
fn test_modules(file: &File) -> Vec<String> {
    let path = file.path.strip_suffix(".rs").unwrap_or(&file.path);
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let inside = if ["lib", "main", "mod"].contains(&name) { folder } else { path };
    let named = file.parts().into_iter().flat_map(|parts| &parts.test_modules);
    named.map(|module| format!("{inside}/{module}")).collect()
}

/// Whether `path` is the file of `module`, or lies in its folder.
fn is_under(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

fn read_folder(folder: &Path, prefix: &str, files: &mut Vec<File>) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() && !FOLDERS_SKIPPED.contains(&name.as_str()) {
            read_folder(&entry.path(), &format!("{path}/"), files)?;
        } else if kind.is_file() && !FILES_SKIPPED.contains(&name.as_str()) {
            // What is no text has nothing to be found in it, and links may lead to it.
            let text = String::from_utf8(std::fs::read(entry.path())?).unwrap_or_default();
            files.push(File::new(path, text));
        }
    }
    Ok(())
}

/// Rust that does not parse.
pub fn unparsed(tree: &Tree) -> Vec<Finding> {
    tree.files
        .iter()
        .filter_map(|file| {
            let (line, error) = file.rust.as_ref()?.as_ref().err()?;
            Some(Finding::new(&file.path, *line, format!("does not parse: {error}"), "Rust"))
        })
        .collect()
}

/// Sources that no `mod` names: they are not compiled.
pub fn dead_files(tree: &Tree) -> Vec<Finding> {
    let mut named = BTreeSet::new();
    for (file, parts) in tree.rust() {
        let owner = source_root(&file.path);
        named.extend(parts.modules.iter().map(|module| (owner, module.as_str())));
    }
    tree.rust()
        .filter(|(file, _)| is_module(&file.path))
        .filter(|(file, _)| !named.contains(&(source_root(&file.path), module_name(&file.path))))
        .map(|(file, _)| Finding::new(&file.path, 1, "no `mod` names this file", "name it or delete it"))
        .collect()
}

/// `crates/wire/src` of `crates/wire/src/a/b.rs`.
fn source_root(path: &str) -> &str {
    path.find("/src/").map_or("", |at| &path[..at + 4])
}

/// Whether somebody has to name this file for it to be compiled.
fn is_module(path: &str) -> bool {
    let inside = path.split_once("/src/").map(|(_, inside)| inside);
    inside.is_some_and(|inside| !["lib.rs", "main.rs"].contains(&inside) && !inside.starts_with("bin/"))
}

/// `b` of `a/b.rs` and of `b/mod.rs`.
fn module_name(path: &str) -> &str {
    let path = path.strip_suffix("/mod.rs").unwrap_or(path);
    let path = path.strip_suffix(".rs").unwrap_or(path);
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_no_mod_names_is_found() {
        let tree = Tree::of(&[
            ("crates/wire/src/lib.rs", "mod id; pub mod routes;"),
            ("crates/wire/src/id.rs", ""),
            ("crates/wire/src/routes/mod.rs", ""),
            ("crates/wire/src/lost.rs", ""),
        ]);
        let found = dead_files(&tree);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, "crates/wire/src/lost.rs");
    }

    #[test]
    fn a_module_that_only_tests_have_is_a_test_in_its_own_file_too() {
        let tree = Tree::of(&[
            ("crates/wire/src/search.rs", "#[cfg(test)] mod model; mod marks;"),
            ("crates/wire/src/search/model.rs", ""),
            ("crates/wire/src/search/model/deep.rs", ""),
            ("crates/wire/src/search/marks.rs", ""),
        ]);
        let tests: Vec<_> =
            tree.files.iter().filter(|file| file.is_test).map(|file| file.path.as_str()).collect();
        assert_eq!(tests, ["crates/wire/src/search/model.rs", "crates/wire/src/search/model/deep.rs"]);
    }

    #[test]
    fn rust_that_does_not_parse_is_found_with_its_line() {
        let found = unparsed(&Tree::of(&[("xtask/src/main.rs", "\n\nfn main( {}")]));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].line, 3);
    }
}
