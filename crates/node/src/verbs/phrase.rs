//! `couloir phrase`

use std::time::Duration;

use crate::clerk::Reach;
use crate::clerk::phrase::Phrase as Shown;
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::values::Lang;
use crate::socket::Request;
use crate::words::{Code, Failure, Outcome};

/// Show the phrase that the two desks read to each other.
///
/// It exists once both nodes have run at the same time; before that the exit code is 75.
#[derive(clap::Args)]
pub struct Phrase {
    /// Name the symbols in one language; else in all three.
    #[arg(long)]
    lang: Option<Lang>,
    /// Wait until there is a phrase.
    #[arg(long)]
    wait: bool,
}

impl Phrase {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let mut outcome = Reach::open(args)?.ask(&Request::Phrase);
        while self.wait && outcome.as_ref().is_err_and(|failure| failure.code == Code::TryAgain) {
            std::thread::sleep(LOOK_AGAIN);
            if let Some(mut node) = Reach::running(args)? {
                outcome = node.ask(&Request::Phrase);
            }
        }
        let answer = outcome?;
        let phrase: Shown = serde_json::from_value(answer).map_err(|error| {
            Failure::later(format!("the node's answer is unreadable: {error}"), "restart couloir run")
        })?;
        out.answer(&phrase, || {
            format!(
                "{}\nRead it to the other desk. If it is the same: couloir verify.",
                phrase.words(self.lang)
            )
        })
    }
}

const LOOK_AGAIN: Duration = Duration::from_millis(200);
