//! `couloir side hand-over`

use serde_json::json;

use super::adopt::adopt;
use super::request::Terms;
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::verbs::office::Office;
use crate::verbs::officer::{OfficerArgs, unsigned};
use crate::words::Outcome;

/// Hand the post to another holder or another node, with the officers at hand.
///
/// Draws the certificate up, has it signed, and adopts it. Where the officers are elsewhere: couloir side request,
/// certify, adopt.
#[derive(clap::Args)]
pub(super) struct HandOver {
    #[command(flatten)]
    terms: Terms,
    #[command(flatten)]
    officers: OfficerArgs,
}

impl HandOver {
    /// Does it.
    pub(super) fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let officers = self.officers.open(args)?;
        let mut office = Office::open(args)?;
        let mut paper = self.terms.draw_up(&mut office)?;
        paper.sign(&officers)?;
        paper.verify().map_err(|error| unsigned(&error))?;
        adopt(&paper, office, args)?;
        let mut facts = paper.facts();
        facts["adopted"] = json!(true);
        out.answer(&facts, || format!("In force: {}", paper.words()))
    }
}
