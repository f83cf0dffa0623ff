//! `couloir swap`

use std::path::PathBuf;

use clap::Subcommand;
use couloir_wire::entry::{Body, Person, SwapAct, Swapped};
use couloir_wire::time::WallTime;

use super::matter::{self, List, Opening, Saying, text_file};
use crate::clerk::matters::typed::wall_time;
use crate::clerk::{Reach, names};
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::words::{Failure, Outcome};

/// Simultaneous exchanges: both sides bind themselves by a hash, and only then is what each is bound to shown.
///
/// Once both are bound each node reveals by itself, and both texts are shown at both desks; until then neither is readable.
/// If not both are bound by the deadline, it is off, and the nodes say so. A swap is named by the id of the entry that opened
/// it, the beginning of that, or what the entry is cited by.
#[derive(clap::Args)]
pub struct Swap {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    Open(Open),
    Commit(Commit),
    Abort(Abort),
    /// Show the swaps that are not over; the one that changed last comes first.
    ///
    /// With `--json`: as of meetings, `state: committing|revealing|done|off`.
    List(List),
    /// Show one swap: who is bound, what both showed, or why it is off.
    ///
    /// With `--json`: what a list has of it (`at` with `clocks`), `swap {deadline, bound [{by, commitment, own}], shown [{by, own,
    /// text, persons}], off {how: aborted|unfit|late, by, why}}`, `steps` as of a meeting.
    Show {
        /// The swap.
        swap: String,
    },
}

/// Open a swap. Nobody is bound yet.
#[derive(clap::Args)]
struct Open {
    /// What it is about.
    subject: String,
    /// Until when both must be bound.
    #[arg(long, value_name = "TIME", value_parser = wall_time)]
    deadline: WallTime,
    #[command(flatten)]
    opening: Opening,
}

/// Bind your side to a text, or to persons of a case. It cannot be changed afterwards.
#[derive(clap::Args)]
struct Commit {
    /// The swap.
    swap: String,
    /// The text.
    #[arg(required_unless_present_any = ["file", "case"], conflicts_with_all = ["file", "case"])]
    text: Option<String>,
    /// The text of this file; `-` is stdin.
    #[arg(long, value_name = "PATH", conflicts_with = "case")]
    file: Option<PathBuf>,
    /// The persons of this case.
    #[arg(long, value_name = "CASE")]
    case: Option<String>,
    /// Only this person of the case, by number. May be repeated.
    #[arg(long = "person", value_name = "NUMBER", requires = "case")]
    persons: Vec<u16>,
    #[command(flatten)]
    saying: Saying,
}

/// Say that it is off, as long as not both are bound.
#[derive(clap::Args)]
struct Abort {
    /// The swap.
    swap: String,
    /// Why.
    #[arg(default_value = "")]
    why: String,
    #[command(flatten)]
    saying: Saying,
}

const KIND: &str = "swap";

impl Swap {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let reach = &mut Reach::open(args)?;
        match &self.act {
            Act::Open(open) => open.run(out, reach),
            Act::Commit(commit) => commit.run(out, reach),
            Act::Abort(abort) => abort.run(out, reach),
            Act::List(list) => list.run(out, reach, KIND, false),
            Act::Show { swap } => matter::show(out, reach, swap, KIND),
        }
    }
}

impl Open {
    fn run(&self, out: &Out, reach: &mut Reach) -> Outcome {
        if self.deadline.0 <= jiff::Timestamp::now().as_millisecond() {
            return Err(Failure::usage("that deadline is past", "name a later one"));
        }
        let act =
            SwapAct::Propose { subject: names::name("subject", &self.subject)?, deadline: self.deadline };
        self.opening.open(out, reach, Body::Swap { of: None, act })
    }
}

impl Commit {
    fn run(&self, out: &Out, reach: &mut Reach) -> Outcome {
        let content = match (&self.text, &self.file, &self.case) {
            (Some(text), ..) => Swapped::Text(names::text(text)?),
            (None, Some(path), _) => Swapped::Text(text_file(path)?),
            (None, None, case) => {
                Swapped::Persons(self.persons_of(reach, case.as_deref().unwrap_or_default())?)
            }
        };
        self.saying.commit(out, reach, &self.swap, content)
    }

    /// Numbered anew, in the order of the case.
    fn persons_of(&self, reach: &mut Reach, case: &str) -> Outcome<Vec<Person>> {
        let case = matter::matter(reach, case, "case")?;
        let known = case.case.map(|case| case.persons).unwrap_or_default();
        let is_meant = |person: &Person| self.persons.is_empty() || self.persons.contains(&person.number);
        let meant = known.into_iter().map(|known| known.person).filter(is_meant);
        let persons: Vec<Person> =
            (1..).zip(meant).map(|(number, person)| Person { number, ..person }).collect();
        if persons.len() < self.persons.len() {
            return Err(Failure::usage("the case has not all of these persons", "couloir case show CASE"));
        }
        Ok(persons)
    }
}

impl Abort {
    fn run(&self, out: &Out, reach: &mut Reach) -> Outcome {
        let swap = matter::matter(reach, &self.swap, KIND)?;
        let body = Body::Swap {
            of: Some(matter::id(&swap)?),
            act: SwapAct::Abort { why: names::remark(&self.why)? },
        };
        self.saying.step(out, reach, &swap, body)
    }
}
