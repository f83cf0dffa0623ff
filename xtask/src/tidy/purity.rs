//! Pure crates have no clock, entropy, file, socket, thread, hash map or float.

use super::Finding;
use super::rust_file::Token;
use super::tree::{File, Tree};

/// Sources that must be pure; of the simulator all but its program, of the relay its decisions.
const PURE: [&str; 6] = [
    "crates/wire/src/",
    "crates/seal/src/",
    "crates/talks/src/",
    "crates/engine/src/",
    "crates/sim/src/",
    "crates/relay/src/core.rs",
];
/// The simulator's command line reads the clock to say how fast it was.
const ACTS: [&str; 2] = ["crates/sim/src/main.rs", "crates/sim/src/bench.rs"];
/// The simulator prints events and shares.
const MAY_PRINT: &str = "crates/sim/";
/// serde hands over a number of JSON by that type; nothing is decided by it.
const HAS_NUMBERS: &str = "crates/talks/src/stix.rs";
const PRINTING: [&str; 4] = ["println", "eprintln", "f32", "f64"];

/// A word that a pure crate may not use, and what it uses instead.
struct Ban {
    /// Words one after another, `::` left out.
    path: &'static [&'static str],
    instead: &'static str,
    /// Whether tests may.
    tests_may: bool,
}

const fn ban(path: &'static [&'static str], instead: &'static str, tests_may: bool) -> Ban {
    Ban { path, instead, tests_may }
}

const BANS: [Ban; 19] = [
    ban(&["Instant"], "wire::time::Moment, which comes in", false),
    ban(&["SystemTime"], "wire::time::WallTime, which comes in", false),
    ban(&["UNIX_EPOCH"], "wire::time::WallTime, which comes in", false),
    ban(&["HashMap"], "BTreeMap", false),
    ban(&["HashSet"], "BTreeSet", true),
    ban(&["tokio"], "an output that the shell performs", false),
    ban(&["getrandom"], "seal::Entropy, which comes in", false),
    ban(&["OsRng"], "seal::Entropy, which comes in", false),
    ban(&["thread_rng"], "seal::Entropy, which comes in", false),
    ban(&["rand", "rng"], "seal::Entropy, which comes in", false),
    ban(&["std", "thread"], "an output that the shell performs", false),
    ban(&["std", "net"], "an output that the shell performs", false),
    ban(&["std", "fs"], "an output that the shell performs", true),
    ban(&["std", "env"], "a setting that comes in", true),
    ban(&["std", "process"], "an output that the shell performs", false),
    ban(&["println", "!"], "an output that the shell performs", true),
    ban(&["eprintln", "!"], "an output that the shell performs", true),
    ban(&["f32"], "integers: decisions must not depend on rounding", true),
    ban(&["f64"], "integers: decisions must not depend on rounding", true),
];

/// What a pure crate uses and may not.
pub fn pure_crates(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, parts) in tree.rust().filter(|(file, _)| is_pure(&file.path)) {
        let tokens: Vec<&Token> = parts.tokens.iter().filter(|token| token.text != ":").collect();
        for ban in BANS.iter().filter(|ban| !is_excepted(file, ban)) {
            let hits = tokens.windows(ban.path.len()).filter(|words| is_hit(words, ban.path));
            let kept = hits.filter(|words| !(ban.tests_may && file.is_test_line(words[0].line)));
            findings.extend(kept.map(|words| {
                Finding::new(
                    &file.path,
                    words[0].line,
                    format!("{} in a pure crate", ban.path.join("::")),
                    ban.instead,
                )
            }));
        }
    }
    findings
}

fn is_pure(path: &str) -> bool {
    PURE.iter().any(|pure| path.starts_with(pure)) && !ACTS.contains(&path) && !path.contains("/src/bin/")
}

fn is_excepted(file: &File, ban: &Ban) -> bool {
    let is_number = file.path == HAS_NUMBERS && ban.path == ["f64"];
    is_number || file.path.starts_with(MAY_PRINT) && PRINTING.contains(&ban.path[0])
}

fn is_hit(words: &[&Token], path: &[&str]) -> bool {
    words.iter().zip(path).all(|(token, word)| token.text == *word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(path: &str, text: &str) -> usize {
        pure_crates(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn each_ban_catches_its_word() {
        for ban in &BANS {
            let text = match ban.path {
                [name, "!"] => format!("fn f() {{ {name}!(); }}"),
                path => format!("fn f() {{ let _ = {}::x; }}", path.join("::")),
            };
            assert_eq!(hits("crates/engine/src/lib.rs", &text), 1, "{text}");
        }
    }

    #[test]
    fn the_shell_and_the_simulators_program_may() {
        let text = "use std::time::Instant;";
        assert_eq!(hits("crates/node/src/shell/mod.rs", text), 0);
        assert_eq!(hits("crates/sim/src/main.rs", text), 0);
        assert_eq!(hits("crates/sim/src/world.rs", text), 1);
        assert_eq!(hits("crates/relay/src/core.rs", text), 1);
    }

    #[test]
    fn a_test_may_read_a_vector_but_no_clock() {
        let text = "#[cfg(test)]\nmod tests {\n use std::fs::read;\n use std::time::Instant;\n}";
        assert_eq!(hits("crates/wire/src/lib.rs", text), 1);
    }

    #[test]
    fn words_in_comments_do_not_count() {
        assert_eq!(hits("crates/wire/src/lib.rs", "//! No HashMap, no std::fs.\n"), 0);
    }
}
