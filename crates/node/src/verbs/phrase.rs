//! `couloir phrase`

use std::time::Duration;

use crate::clerk::Reach;
use crate::clerk::phrase::Phrase as Shown;
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::values::Lang;
use crate::socket::Request;
use crate::words::{Code, Outcome, unreadable_answer};

/// Show the phrase that the two desks read to each other.
///
/// It exists once both nodes have run at the same time; before that the exit code is 75.
#[derive(clap::Args)]
pub struct Phrase {
    /// Name the symbols in one language; else in all three.
    #[arg(long)]
    lang: Option<Lang>,
    /// The post whose link it is; else the first one whose phrase was not compared here.
    #[arg(long, value_name = "POST")]
    peer: Option<String>,
    /// Wait until there is a phrase.
    #[arg(long)]
    wait: bool,
}

impl Phrase {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let request = Request::Phrase { peer: self.peer.clone() };
        let mut outcome = Reach::open(args)?.ask(&request);
        while self.wait && outcome.as_ref().is_err_and(|failure| failure.code == Code::TryAgain) {
            std::thread::sleep(LOOK_AGAIN);
            if let Some(mut node) = Reach::running(args)? {
                outcome = node.ask(&request);
            }
        }
        let answer = outcome?;
        let phrase: Shown = serde_json::from_value(answer).map_err(|error| unreadable_answer(&error))?;
        out.answer(&phrase, || {
            format!(
                "{}\nRead it to the other desk. If it is the same: couloir verify.",
                phrase.words(self.lang)
            )
        })
    }
}

const LOOK_AGAIN: Duration = Duration::from_millis(200);
