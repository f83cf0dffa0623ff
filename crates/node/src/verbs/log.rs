//! `couloir log`

use crate::clerk::Reach;
use crate::clerk::row::Row;
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::socket::Request;
use crate::words::{Failure, Outcome};

/// Show what was said, oldest first.
///
/// The other desk is told that its entries were shown, where the charter says so. With `--json` each
/// entry is an object on one line: `id`, `number`, `conversation`, `author {side, post}`, `own`,
/// `kind`, `text`, `at`, `precedence`, `state`, `gap`; for files also `name`, `len`, `progress`; for
/// answers also `entry` and `until`. `state` only moves forward through `kept`, `carried`,
/// `delivered`, `shown`; `delivered` is the other node's authenticated acknowledgement. What is kept until
/// both desks have compared the phrase comes last, its `number` is `null`.
#[derive(clap::Args)]
pub struct Log {
    /// Go on with every new entry until interrupted. The node must run.
    #[arg(long)]
    follow: bool,
    /// Only entries with a higher number.
    #[arg(long, value_name = "NUMBER")]
    after: Option<u64>,
}

impl Log {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let mut reach = Reach::open(args)?;
        if self.follow && !reach.is_running() {
            return Err(Failure::later(
                "the node does not run, so nothing new can come",
                "start it: couloir run",
            ));
        }
        let request = Request::Log { after: self.after, is_followed: self.follow };
        reach.ask_rows(&request, &mut |row: Row| out.answer(&row, || row.words()))?;
        Ok(())
    }
}
