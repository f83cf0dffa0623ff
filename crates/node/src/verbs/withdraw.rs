//! `couloir withdraw`

use couloir_wire::entry::Body;

use super::{find_entry, say_about, text_of};
use crate::clerk::Reach;
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::socket::Request;
use crate::words::{Failure, Outcome};

/// Take an own entry back. Both desks see that it was said and withdrawn; what was read stays known.
#[derive(clap::Args)]
pub struct Withdraw {
    /// The entry: its id, the beginning of it, or what it is cited by.
    entry: String,
}

impl Withdraw {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let mut reach = Reach::open(args)?;
        let facts = reach.ask(&Request::FindEntry { entry: self.entry.clone() })?;
        if matches!(text_of(&facts, "kind"), "statement" | "countersignature") {
            let next = "correct it: couloir statement correct, or say something else on the record";
            return Err(Failure::usage("what is on the record stays there", next));
        }
        let found = find_entry(&mut reach, &self.entry)?;
        let answer = say_about(&mut reach, &found, Body::Withdraw { entry: found.id })?;
        out.answer(&answer, || format!("Kept as [{}].", text_of(&answer, "id")))
    }
}
