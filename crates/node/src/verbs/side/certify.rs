//! `couloir side certify`

use std::path::PathBuf;

use couloir_seal::papers::PaperError;

use super::paper::PaperFile;
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::verbs::officer::{OfficerArgs, unsigned};
use crate::words::{Failure, Outcome};

/// Sign a paper as an officer: a certificate of a post, or a revocation.
///
/// It shows what is signed. The signatures are added to the file, which then goes to the next officer, or back to
/// the node: couloir side adopt. No node and no network is needed.
#[derive(clap::Args)]
pub(super) struct Certify {
    /// The paper, as couloir side request wrote it.
    file: PathBuf,
    #[command(flatten)]
    officers: OfficerArgs,
}

impl Certify {
    /// Does it.
    pub(super) fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let mut paper = PaperFile::read(&self.file)?;
        if !self.officers.is_named() {
            return Err(Failure::usage("no officer's key was named", "name it: --officer FILE"));
        }
        out.say(&paper.words());
        paper.sign(&self.officers.open_named(args)?)?;
        if let Err(error) = paper.verify()
            && !matches!(error, PaperError::TooFew { .. })
        {
            return Err(unsigned(&error));
        }
        paper.write(&self.file)?;
        let facts = paper.facts();
        out.answer(&facts, || {
            let next = if facts["complete"] == true {
                "couloir side adopt"
            } else {
                "the next officer: couloir side certify"
            };
            format!(
                "{} of {} have signed. Next: {next} {}",
                facts["signed"],
                facts["needed"],
                self.file.display()
            )
        })
    }
}
