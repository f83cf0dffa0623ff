//! Steps that run one after another, and what became of each.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It held.
    Passed,
    /// It did not.
    Failed,
    /// It could not run here, and why.
    Skipped(String),
}

/// A row of the closing table.
#[derive(Debug)]
struct Row {
    name: &'static str,
    outcome: Outcome,
    seconds: u64,
}

/// The steps so far.
#[derive(Debug, Default)]
pub struct Steps {
    rows: Vec<Row>,
}

impl Steps {
    /// Runs one step under a heading and keeps its outcome.
    pub fn step(&mut self, name: &'static str, work: impl FnOnce() -> Outcome) {
        eprintln!("\n=== {name}");
        let start = Instant::now();
        let outcome = work();
        if let Outcome::Skipped(why) = &outcome {
            eprintln!("skipped: {why}");
        }
        self.rows.push(Row { name, outcome, seconds: start.elapsed().as_secs() });
    }

    /// Whether no step failed.
    pub fn passed(&self) -> bool {
        self.rows.iter().all(|row| row.outcome != Outcome::Failed)
    }

    /// One line per step.
    pub fn table(&self) -> String {
        self.rows.iter().map(Row::line).collect()
    }
}

impl Row {
    fn line(&self) -> String {
        let word = match &self.outcome {
            Outcome::Passed => "passed".to_owned(),
            Outcome::Failed => "FAILED".to_owned(),
            Outcome::Skipped(why) => format!("skipped: {why}"),
        };
        format!("  {:<28} {:>5} s  {word}\n", self.name, self.seconds)
    }
}

/// A command made from words; the first is the program.
pub fn command(words: &[&str]) -> Command {
    let (program, arguments) = words.split_first().expect("a command has a program");
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// Runs a command with our output, shown first.
pub fn run(words: &[&str]) -> Outcome {
    eprintln!("$ {}", words.join(" "));
    match command(words).status() {
        Ok(status) if status.success() => Outcome::Passed,
        Ok(status) => {
            eprintln!("{} ended with {status}", words[0]);
            Outcome::Failed
        }
        Err(error) => {
            eprintln!("{} did not start: {error}", words[0]);
            Outcome::Failed
        }
    }
}

/// Whether a command runs and succeeds; its output is dropped.
pub fn works(words: &[&str]) -> bool {
    command(words)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// What a command printed, if it succeeded.
pub fn output(words: &[&str]) -> Option<String> {
    let output = command(words).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(text)
}

/// Cargo's target folder.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failed_step_fails_the_run_and_a_skipped_one_does_not() {
        let mut steps = Steps::default();
        steps.step("skips", || Outcome::Skipped("no root".into()));
        assert!(steps.passed());
        steps.step("fails", || run(&["false"]));
        assert!(!steps.passed());
        assert!(steps.table().contains("FAILED") && steps.table().contains("no root"));
    }

    #[test]
    fn a_program_that_does_not_exist_does_not_work() {
        assert!(works(&["true"]));
        assert!(!works(&["no-such-program-anywhere"]));
    }
}
