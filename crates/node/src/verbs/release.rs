//! `couloir release`

use std::path::PathBuf;

use serde_json::Value;

use super::kept;
use crate::clerk::{Node, Reach, names};
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::passphrase;
use crate::cli::plain::one_line;
use crate::keys::Verifier;
use crate::release::{PERSONS_MAX, Person, facts, keep_persons, persons};
use crate::socket::{DraftAct, Request};
use crate::words::{Failure, Outcome};

/// Two persons: with two or more named here, what one drafts another releases.
#[derive(clap::Args)]
pub struct Release {
    #[command(subcommand)]
    act: Act,
}

#[derive(clap::Subcommand)]
enum Act {
    /// Show who drafts and releases for this post.
    Show,
    /// Name somebody who drafts and releases, with a passphrase of their own. The node must not run.
    Add(Add),
    /// Somebody drafts and releases no longer. The node must not run.
    Remove {
        /// Their name.
        name: String,
    },
}

#[derive(clap::Args)]
struct Add {
    /// Their name.
    name: String,
    /// A file whose first line is their passphrase; else it is asked for.
    #[arg(long, value_name = "FILE")]
    person_passphrase_file: Option<PathBuf>,
}

impl Release {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let shown = match &self.act {
            Act::Show => Reach::open(args)?.ask(&Request::Draft { act: DraftAct::Persons })?,
            Act::Add(add) => changed(args, |named| {
                named.push(add.person(named)?);
                Ok(())
            })?,
            Act::Remove { name } => changed(args, |named| {
                let place = named.iter().position(|person| person.name == *name);
                let nobody = || Failure::usage("nobody of that name releases", "couloir release show");
                named.remove(place.ok_or_else(nobody)?);
                Ok(())
            })?,
        };
        out.answer(&shown, || words(&shown))
    }
}

/// Who drafts and releases from now on.
fn changed(args: &HomeArgs, change: impl FnOnce(&mut Vec<Person>) -> Outcome) -> Outcome<Value> {
    let mut kept = kept(args)?;
    let mut named = persons(kept.reader())?;
    change(&mut named)?;
    keep_persons(kept.store(), &named)?;
    Ok(facts(&named))
}

impl Add {
    fn person(&self, known: &[Person]) -> Outcome<Person> {
        let name = names::name("person's name", &self.name)?;
        if known.iter().any(|person| person.name == name) || known.len() >= PERSONS_MAX {
            return Err(Failure::usage("that name is taken, or there are too many", "couloir release show"));
        }
        let word = passphrase::of_person(self.person_passphrase_file.as_deref(), &name)?;
        Ok(Person { name, verifier: Verifier::of(&passphrase::sealed(&word)?)? })
    }
}

fn words(shown: &Value) -> String {
    let names = shown["persons"].as_array().into_iter().flatten();
    let listed: Vec<String> = names.filter_map(Value::as_str).map(one_line).collect();
    match listed.len() {
        0 | 1 => format!("One person is enough to say something. Named: {}", listed.join(", ")),
        _ => format!("What one drafts another releases: {}", listed.join(", ")),
    }
}
