//! `couloir drill`

use crate::clerk::Reach;
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::socket::Request;
use crate::words::Outcome;

/// Test the line now, by a test text that the other node answers by itself.
///
/// It runs hourly without being asked. Exit code 4 if no answer comes.
#[derive(clap::Args)]
pub struct Drill {}

impl Drill {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let answer = Reach::open(args)?.ask(&Request::Drill)?;
        out.answer(&answer, || format!("Answered after {} ms.", answer["after_ms"]))
    }
}
