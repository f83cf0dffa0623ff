//! Who may import whom (ARCHITECTURE.md, "The map"), read from the manifests.

use super::Finding;
use super::tree::{File, Tree};

/// A crate and the crates of ours that it may name.
struct Layer {
    name: &'static str,
    may_use: &'static [&'static str],
    is_pure: bool,
}

const LAYERS: [Layer; 8] = [
    Layer { name: "wire", may_use: &[], is_pure: true },
    Layer { name: "seal", may_use: &["wire"], is_pure: true },
    Layer { name: "talks", may_use: &["wire", "seal"], is_pure: true },
    Layer { name: "engine", may_use: &["wire", "seal", "talks"], is_pure: true },
    Layer { name: "relay", may_use: &["wire"], is_pure: false },
    Layer { name: "node", may_use: &["wire", "seal", "talks", "engine", "relay"], is_pure: false },
    // It drives the programs, and links none of ours.
    Layer { name: "desk-tests", may_use: &[], is_pure: false },
    Layer { name: "sim", may_use: &["wire", "seal", "talks", "engine", "relay"], is_pure: true },
];

/// What acts on the machine: no pure crate may depend on it.
const ACTING: [&str; 16] = [
    "tokio",
    "hyper",
    "hyper-util",
    "quinn",
    "rustls",
    "tokio-rustls",
    "rusqlite",
    "rustix",
    "getrandom",
    "rand",
    "rcgen",
    "sd-notify",
    "tracing-subscriber",
    "rpassword",
    "indicatif",
    "chrono",
];

/// The key-agreement library and its parts.
const KEY_AGREEMENT: &str = "openmls";

/// The only place that names the key-agreement library.
const KEY_AGREEMENT_HOME: &str = "crates/seal/src/agreement";

/// Crates that forbid unsafe code for good.
const SAFE: [&str; 6] = ["wire", "seal", "talks", "engine", "relay", "sim"];

/// Dependencies that the table does not permit, and crates that it does not know.
pub fn manifests(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.path.starts_with("crates/")) {
        let Some(name) = file.crate_name().filter(|_| file.path.ends_with("/Cargo.toml")) else { continue };
        match LAYERS.iter().find(|layer| layer.name == name) {
            Some(layer) => findings.extend(manifest(file, layer)),
            None => findings.push(Finding::new(
                &file.path,
                1,
                "this crate is not in the table of layers",
                "add it",
            )),
        }
    }
    findings
}

fn manifest(file: &File, layer: &Layer) -> Vec<Finding> {
    let Ok(table) = file.text.parse::<toml::Table>() else {
        return vec![Finding::new(&file.path, 1, "this manifest is no TOML", "TOML")];
    };
    let mut findings = Vec::new();
    for (section, value) in &table {
        let dependencies = value.as_table().filter(|_| section.ends_with("dependencies"));
        for (dependency, _) in dependencies.into_iter().flatten() {
            if let Some(instead) = refused(layer, section, dependency) {
                let what = format!("{} may not use {dependency}", layer.name);
                findings.push(Finding::new(&file.path, line_of(&file.text, dependency), what, instead));
            }
        }
    }
    findings
}

/// What to do instead, if `layer` may not depend on `dependency`.
fn refused(layer: &Layer, section: &str, dependency: &str) -> Option<String> {
    if let Some(ours) = dependency.strip_prefix("couloir-") {
        let permitted = layer.may_use.contains(&ours);
        return (!permitted).then(|| format!("it may use of ours: {}", layer.may_use.join(", ")));
    }
    if dependency.starts_with(KEY_AGREEMENT) && layer.name != "seal" {
        return Some("seal::agreement".into());
    }
    let acts = layer.is_pure && section == "dependencies" && ACTING.contains(&dependency);
    acts.then(|| "an output that the shell performs".into())
}

fn line_of(text: &str, word: &str) -> usize {
    text.lines().position(|line| line.starts_with(word)).map_or(1, |index| index + 1)
}

/// Sources outside its one home that name the key-agreement library.
pub fn key_agreement(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, parts) in tree.rust().filter(|(file, _)| !file.path.starts_with(KEY_AGREEMENT_HOME)) {
        let named = parts.tokens.iter().filter(|token| token.text.starts_with(KEY_AGREEMENT));
        findings.extend(named.map(|token| {
            Finding::new(&file.path, token.line, format!("names {}", token.text), KEY_AGREEMENT_HOME)
        }));
    }
    findings
}

/// Crates that do not forbid unsafe code.
pub fn unsafe_code(tree: &Tree) -> Vec<Finding> {
    SAFE.iter()
        .filter_map(|name| tree.file(&format!("crates/{name}/src/lib.rs")))
        .filter(|file| !file.text.contains("#![forbid(unsafe_code)]"))
        .map(|file| Finding::new(&file.path, 1, "unsafe code is not forbidden", "#![forbid(unsafe_code)]"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest_findings(path: &str, dependency: &str) -> usize {
        let text = format!("[package]\nname = \"x\"\n[dependencies]\n{dependency}.workspace = true\n");
        manifests(&Tree::of(&[(path, &text)])).len()
    }

    #[test]
    fn the_relay_may_not_name_end_to_end_code() {
        assert_eq!(manifest_findings("crates/relay/Cargo.toml", "couloir-wire"), 0);
        assert_eq!(manifest_findings("crates/relay/Cargo.toml", "couloir-seal"), 1);
        assert_eq!(manifest_findings("crates/relay/Cargo.toml", "openmls"), 1);
    }

    #[test]
    fn a_pure_crate_may_not_use_a_runtime() {
        assert_eq!(manifest_findings("crates/engine/Cargo.toml", "tokio"), 1);
        assert_eq!(manifest_findings("crates/node/Cargo.toml", "tokio"), 0);
    }

    #[test]
    fn a_crate_outside_the_table_is_found() {
        assert_eq!(manifest_findings("crates/common/Cargo.toml", "thiserror"), 1);
    }

    #[test]
    fn the_library_has_one_home() {
        let text = "use openmls::group::MlsGroup;";
        let tree =
            Tree::of(&[("crates/seal/src/agreement/mls.rs", text), ("crates/seal/src/cells.rs", text)]);
        let found = key_agreement(&tree);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, "crates/seal/src/cells.rs");
    }

    #[test]
    fn a_crate_without_the_attribute_is_found() {
        let tree = Tree::of(&[("crates/wire/src/lib.rs", "//! Formats."), ("crates/node/src/lib.rs", "")]);
        assert_eq!(unsafe_code(&tree).len(), 1);
    }
}
