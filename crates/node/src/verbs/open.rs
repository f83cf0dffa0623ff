//! `couloir open`

use std::path::PathBuf;

use super::text_of;
use crate::clerk::Reach;
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::passphrase;
use crate::socket::{Named, Request};
use crate::words::{Failure, Outcome};

/// Print a link that opens the desk's page, once and within a minute.
///
/// Open it in a browser on this machine. Whoever comes with it a second time is refused, the desk is
/// told, and the session that it began ends. Where two persons are needed to say something, name yourself:
/// what you write on the page waits for another person, and you release what others wrote.
#[derive(clap::Args)]
pub struct Open {
    /// Who comes in, as couloir release add named them.
    #[arg(long, value_name = "NAME")]
    person: Option<String>,
    /// A file whose first line is that person's passphrase; else it is asked for.
    #[arg(long, value_name = "FILE", requires = "person")]
    person_passphrase_file: Option<PathBuf>,
}

impl Open {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let not_running =
            || Failure::later("the node does not run, and serves no page", "start it: couloir run");
        let mut reach = Reach::running(args)?.ok_or_else(not_running)?;
        let person = self.person.as_deref().map(|name| self.named(name)).transpose()?;
        let answer = reach.ask(&Request::Open { person })?;
        out.answer(&answer, || text_of(&answer, "url").to_owned())
    }

    fn named(&self, name: &str) -> Outcome<Named> {
        let word = passphrase::of_person(self.person_passphrase_file.as_deref(), name)?;
        Ok(Named { by: name.to_owned(), word: word.to_string() })
    }
}
