//! `couloir file`

use crate::clerk::Reach;
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::socket::Request;
use crate::words::Outcome;

/// Pause the files of this node, or let them go on. Whatever is written goes on leaving meanwhile.
#[derive(clap::Args)]
pub struct File {
    #[command(subcommand)]
    act: Act,
}

#[derive(clap::Subcommand)]
enum Act {
    /// No more of them leaves; what the other side has of them stays there.
    Pause,
    /// They go on where they were.
    Resume,
}

impl File {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let is_held = matches!(self.act, Act::Pause);
        let answer = Reach::open(args)?.ask(&Request::HoldFiles { is_held })?;
        out.answer(&answer, || {
            (if is_held { "Files wait: couloir file resume" } else { "Files go on." }).to_owned()
        })
    }
}
