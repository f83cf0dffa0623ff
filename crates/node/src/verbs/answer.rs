//! `couloir answer`

use super::text_of;
use crate::clerk::Reach;
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::values::time_ms;
use crate::socket::Request;
use crate::words::Outcome;

/// Answer an entry without an answer: received, and withheld or deferred.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("how").required(true))]
pub struct Answer {
    /// The entry: its id, or the beginning of it.
    entry: String,
    /// Received, and no answer will be given.
    #[arg(long, group = "how")]
    withhold: bool,
    /// Received, and the answer comes by this time: `2026-12-01T09:00`, or with a zone.
    #[arg(long, value_name = "TIME", group = "how", value_parser = time_ms)]
    defer_until: Option<i64>,
}

impl Answer {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let request = Request::Answer { entry: self.entry.clone(), until_ms: self.defer_until };
        let answer = Reach::open(args)?.ask(&request)?;
        out.answer(&answer, || format!("Kept as [{}].", text_of(&answer, "id")))
    }
}
