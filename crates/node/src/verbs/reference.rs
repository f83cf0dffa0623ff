//! `couloir reference`: prints `docs/CLI.md`.

use serde_json::json;

use crate::cli::out::Out;
use crate::cli::reference::markdown;
use crate::words::Outcome;

/// Print the command line's reference as Markdown.
#[derive(clap::Args)]
pub struct Reference;

impl Reference {
    /// Does it.
    pub fn run(&self, out: &Out) -> Outcome {
        let text = markdown();
        out.answer(&json!({ "markdown": text }), || text.trim_end().to_owned())
    }
}
