//! `couloir edit`

use couloir_wire::entry::Body;

use super::{find_entry, say_about, text_of};
use crate::clerk::{Reach, names};
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::words::Outcome;

/// Give an own note a new version; the earlier ones remain.
#[derive(clap::Args)]
pub struct Edit {
    /// The note: its id, the beginning of it, or what it is cited by.
    entry: String,
    /// Its text from now on.
    text: String,
}

impl Edit {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let mut reach = Reach::open(args)?;
        let found = find_entry(&mut reach, &self.entry)?;
        let body = Body::Edit { entry: found.id, text: names::text(&self.text)? };
        let answer = say_about(&mut reach, &found, body)?;
        out.answer(&answer, || format!("Kept as [{}].", text_of(&answer, "id")))
    }
}
