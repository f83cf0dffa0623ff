//! `couloir verify`

use crate::clerk::Reach;
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::socket::Request;
use crate::words::Outcome;

/// Say that the other desk read the same phrase.
///
/// Until then `send` is refused. What is said from then on is kept, and leaves once both desks have done
/// so.
#[derive(clap::Args)]
pub struct Verify {
    /// The post whose link it is; else the first one whose phrase was not compared here.
    #[arg(long, value_name = "POST")]
    peer: Option<String>,
}

impl Verify {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let answer = Reach::open(args)?.ask(&Request::Verify { peer: self.peer.clone() })?;
        out.answer(&answer, || {
            "Noted. What is said now is kept, and leaves once the other desk has said so too.".to_owned()
        })
    }
}
