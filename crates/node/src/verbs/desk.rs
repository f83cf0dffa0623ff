//! `couloir desk`

use clap::ValueEnum;

use crate::clerk::Reach;
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::socket::Request;
use crate::words::Outcome;

/// Say that the officer is at the desk, or has left it.
#[derive(clap::Args)]
pub struct Desk {
    /// How it is.
    #[arg(value_enum)]
    state: DeskWord,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DeskWord {
    /// Somebody answers.
    Here,
    /// Nobody is there.
    Away,
}

impl Desk {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let request = Request::Desk { is_here: self.state == DeskWord::Here };
        let answer = Reach::open(args)?.ask(&request)?;
        out.answer(&answer, || "Noted; the other desk will read it.".to_owned())
    }
}
