//! `couloir case`

use std::path::PathBuf;

use clap::Subcommand;
use couloir_wire::entry::{
    Access, AccessReport, Body, CaseAct, CaseFile, Clock, Lang, PartialDate, Person, Stance, StanceReport,
    Status, StatusReport,
};
use couloir_wire::time::WallTime;

use super::matter::{self, List, Opening, Saying, from_file};
use crate::clerk::matters::MatterShown;
use crate::clerk::matters::case::CaseShown;
use crate::clerk::matters::typed::{clock, person, wall_time, word};
use crate::clerk::{Reach, names};
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::words::{Failure, Outcome};

/// Cases of people of one side in the hands of the other: raise, answer, and never overwrite.
///
/// One side raises a case and pursues it, the other answers; both report how it stands with each person, and the two accounts
/// stand beside each other. A case is named by the id of the entry that raised it, the beginning of that, or what the entry
/// is cited by; persons and clocks by their numbers in it.
#[derive(clap::Args)]
pub struct Case {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    Raise(Box<Raise>),
    Add(Box<Add>),
    Status(StatusArgs),
    Answer(Answer),
    Clock(ClockArgs),
    Met(Met),
    Access(AccessArgs),
    Remark(Remark),
    Close(Close),
    List(CaseList),
    /// Show one case: persons with both sides' accounts, answers, clocks, every step.
    ///
    /// With `--json`: what a list has of it (`at` with `clocks`), `case {what, when, place, legal_basis, persons [{person, accounts
    /// [{side, status, since, text, earlier}], answers [{stance, on, text, entry}], access [{access, on, text}]}], counts [{side,
    /// by_status}], clocks [{number, what, source, due, met, overdue, set, index}], closed}`, `steps` as of a meeting.
    Show {
        /// The case.
        case: String,
    },
}

/// Show the cases that are not closed; the one that changed last comes first.
///
/// With `--json`: as of meetings, `state: unanswered|answered|closed`, `detail {persons, counts}` as your side sees it.
#[derive(clap::Args)]
struct CaseList {
    #[command(flatten)]
    list: List,
    /// Only those of which a clock has run out.
    #[arg(long)]
    overdue: bool,
}

/// Raise a case.
#[derive(clap::Args)]
struct Raise {
    /// What it is called.
    #[arg(required_unless_present = "from")]
    title: Option<String>,
    /// Whom it concerns; countries by their two letters (ISO 3166-1). May be repeated: numbered in this order.
    #[arg(long = "person", value_name = "NAME; ROMANISED; BORN; COUNTRIES", value_parser = person)]
    persons: Vec<Person>,
    /// How it stands with all of them.
    #[arg(long, value_name = "STATUS", value_parser = word::<Status>, default_value = "reported")]
    status: Status,
    /// What happened.
    #[arg(long, value_name = "TEXT")]
    what: Option<String>,
    /// When, as far as it is known: 2026, 2026-11 or 2026-11-20.
    #[arg(long, value_name = "DATE")]
    when: Option<PartialDate>,
    /// Where.
    #[arg(long, value_name = "TEXT")]
    place: Option<String>,
    /// On which legal basis they are held, as the other side says.
    #[arg(long, value_name = "TEXT")]
    legal_basis: Option<String>,
    /// A time that an agreement or a law sets. May be repeated.
    #[arg(long = "clock", value_name = "WHAT; SOURCE; DUE", value_parser = clock)]
    clocks: Vec<Clock>,
    /// The whole file as JSON: {"title", "persons": [{"number": 1, "name", ..}], ..}; `-` is stdin.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    #[command(flatten)]
    opening: Opening,
}

/// Add a person to a case of yours.
#[derive(clap::Args)]
struct Add {
    /// The case.
    case: String,
    /// The person, as `couloir case raise --person` takes it.
    #[arg(value_name = "NAME; ROMANISED; BORN; COUNTRIES", value_parser = person)]
    person: Person,
    /// How it stands.
    #[arg(long, value_name = "STATUS", value_parser = word::<Status>, default_value = "reported")]
    status: Status,
    /// The language of the name's script, such as ja.
    #[arg(long)]
    lang: Option<Lang>,
    /// What else is known.
    #[arg(long, value_name = "TEXT", default_value = "")]
    remark: String,
    #[command(flatten)]
    saying: Saying,
}

/// Report how it stands with persons: reported, detained, arrested, indicted, tried, sentenced, released, deported,
/// exit-banned, deceased or missing.
#[derive(clap::Args)]
struct StatusArgs {
    /// The case.
    case: String,
    /// How it stands.
    #[arg(value_parser = word::<Status>)]
    status: Status,
    #[command(flatten)]
    about: About,
    /// Since when: 2026, 2026-11 or 2026-11-20.
    #[arg(long, value_name = "DATE")]
    since: Option<PartialDate>,
}

/// Answer the other side's case: acknowledged, under-inquiry, not-in-custody, held, access-granted (with --on),
/// access-refused, domestic-law, released or declined.
#[derive(clap::Args)]
struct Answer {
    /// The case.
    case: String,
    /// The stance.
    #[arg(value_parser = word::<Stance>)]
    stance: Stance,
    #[command(flatten)]
    about: About,
    /// The date that it names.
    #[arg(long, value_name = "DATE")]
    on: Option<PartialDate>,
}

/// Report a step of consular access: requested, took-place or failed.
#[derive(clap::Args)]
struct AccessArgs {
    /// The case.
    case: String,
    /// How far it has come.
    #[arg(value_parser = word::<Access>)]
    access: Access,
    #[command(flatten)]
    about: About,
    /// When.
    #[arg(long, value_name = "DATE")]
    on: Option<PartialDate>,
}

/// Of whom, and in words.
#[derive(clap::Args)]
struct About {
    /// A person, by number. May be repeated; all of the case if none is named.
    #[arg(long = "person", value_name = "NUMBER")]
    persons: Vec<u16>,
    /// In words.
    #[arg(long, value_name = "TEXT", default_value = "")]
    text: String,
    #[command(flatten)]
    saying: Saying,
}

/// Set a clock: a time that an agreement or a law sets.
#[derive(clap::Args)]
struct ClockArgs {
    /// The case.
    case: String,
    /// What is to be done.
    what: String,
    /// The agreement or law, and its article.
    #[arg(long, value_name = "TEXT")]
    source: String,
    /// Until when.
    #[arg(long, value_name = "TIME", value_parser = wall_time)]
    due: WallTime,
    #[command(flatten)]
    saying: Saying,
}

/// Say of a case of yours that what a clock ran for was done.
#[derive(clap::Args)]
struct Met {
    /// The case.
    case: String,
    /// The clock, by its number in `couloir case show`.
    clock: usize,
    /// In words.
    #[arg(default_value = "")]
    text: String,
    #[command(flatten)]
    saying: Saying,
}

/// Add something to be kept with the case.
#[derive(clap::Args)]
struct Remark {
    /// The case.
    case: String,
    /// In words.
    text: String,
    #[command(flatten)]
    saying: Saying,
}

/// Say that a case of yours is pursued no longer.
#[derive(clap::Args)]
struct Close {
    /// The case.
    case: String,
    /// Why.
    #[arg(default_value = "")]
    why: String,
    #[command(flatten)]
    saying: Saying,
}

const KIND: &str = "case";

impl Case {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let reach = &mut Reach::open(args)?;
        match &self.act {
            Act::Raise(raise) => raise.run(out, reach),
            Act::Add(add) => add.run(out, reach),
            Act::Status(status) => status.run(out, reach),
            Act::Answer(answer) => answer.run(out, reach),
            Act::Clock(clock) => clock.run(out, reach),
            Act::Met(met) => met.run(out, reach),
            Act::Access(access) => access.run(out, reach),
            Act::Remark(Remark { case, text, saying }) => {
                let act = CaseAct::Remark { text: names::text(text)? };
                step(out, reach, (case, saying), act)
            }
            Act::Close(Close { case, why, saying }) => {
                let act = CaseAct::Close { why: names::remark(why)? };
                step(out, reach, (case, saying), act)
            }
            Act::List(list) => list.list.run(out, reach, KIND, list.overdue),
            Act::Show { case } => matter::show(out, reach, case, KIND),
        }
    }
}

fn step(out: &Out, reach: &mut Reach, (typed, saying): (&str, &Saying), act: CaseAct) -> Outcome {
    let case = matter::matter(reach, typed, KIND)?;
    step_of(out, reach, (&case, saying), act)
}

fn step_of(out: &Out, reach: &mut Reach, (case, saying): (&MatterShown, &Saying), act: CaseAct) -> Outcome {
    saying.step(out, reach, case, Body::Case { of: Some(matter::id(case)?), act })
}

impl Raise {
    fn run(&self, out: &Out, reach: &mut Reach) -> Outcome {
        let mut file = match &self.from {
            Some(path) => from_file(path)?,
            None => CaseFile {
                title: String::new(),
                persons: Vec::new(),
                what: String::new(),
                when: None,
                place: String::new(),
                legal_basis: String::new(),
                clocks: Vec::new(),
            },
        };
        self.fill(&mut file)?;
        matter::given("a case is about at least one person", "--person NAME", file.persons.len())?;
        self.opening.open(out, reach, Body::Case { of: None, act: CaseAct::Raise(file) })
    }

    fn fill(&self, file: &mut CaseFile) -> Outcome {
        if let Some(title) = &self.title {
            file.title = names::name("title", title)?;
        }
        for (number, person) in (1..).zip(&self.persons) {
            file.persons.push(Person { number, status: self.status, ..person.clone() });
        }
        for (text, given) in [
            (&mut file.what, &self.what),
            (&mut file.place, &self.place),
            (&mut file.legal_basis, &self.legal_basis),
        ] {
            if let Some(given) = given {
                *text = names::remark(given)?;
            }
        }
        file.when = self.when.or(file.when);
        file.clocks.extend(self.clocks.iter().cloned());
        Ok(())
    }
}

impl Add {
    fn run(&self, out: &Out, reach: &mut Reach) -> Outcome {
        let case = matter::matter(reach, &self.case, KIND)?;
        let last = file(&case)?.persons.iter().map(|known| known.person.number).max().unwrap_or(0);
        let person = Person {
            number: last + 1,
            status: self.status,
            lang: self.lang.clone(),
            remark: names::remark(&self.remark)?,
            ..self.person.clone()
        };
        step_of(out, reach, (&case, &self.saying), CaseAct::Add(person))
    }
}

impl About {
    fn persons(&self) -> Vec<u16> {
        let mut persons = self.persons.clone();
        persons.sort_unstable();
        persons.dedup();
        persons
    }
}

impl StatusArgs {
    fn run(&self, out: &Out, reach: &mut Reach) -> Outcome {
        let text = names::remark(&self.about.text)?;
        let (persons, status, since) = (self.about.persons(), self.status, self.since);
        let act = CaseAct::Status(StatusReport { persons, status, since, text });
        step(out, reach, (&self.case, &self.about.saying), act)
    }
}

impl Answer {
    fn run(&self, out: &Out, reach: &mut Reach) -> Outcome {
        if self.stance == Stance::AccessGranted && self.on.is_none() {
            return Err(Failure::usage("access is granted on a date", "--on 2026-12-01"));
        }
        let text = names::remark(&self.about.text)?;
        let (persons, stance, on) = (self.about.persons(), self.stance, self.on);
        let act = CaseAct::Answer(StanceReport { persons, stance, on, text });
        step(out, reach, (&self.case, &self.about.saying), act)
    }
}

impl AccessArgs {
    fn run(&self, out: &Out, reach: &mut Reach) -> Outcome {
        let text = names::remark(&self.about.text)?;
        let (persons, access, on) = (self.about.persons(), self.access, self.on);
        let act = CaseAct::Access(AccessReport { persons, access, on, text });
        step(out, reach, (&self.case, &self.about.saying), act)
    }
}

impl ClockArgs {
    fn run(&self, out: &Out, reach: &mut Reach) -> Outcome {
        let clock = Clock {
            what: names::name("clock's purpose", &self.what)?,
            source: names::name("clock's source", &self.source)?,
            due: self.due,
        };
        step(out, reach, (&self.case, &self.saying), CaseAct::Clock(clock))
    }
}

impl Met {
    fn run(&self, out: &Out, reach: &mut Reach) -> Outcome {
        let case = matter::matter(reach, &self.case, KIND)?;
        let clock = file(&case)?.clocks.iter().find(|clock| clock.number == self.clock);
        let unknown = || Failure::usage("the case has no clock of that number", "couloir case show CASE");
        let clock = clock.ok_or_else(unknown)?;
        let (set, text) = (matter::entry(&clock.set)?, names::remark(&self.text)?);
        let act = CaseAct::Met { set, clock: clock.index, text };
        step_of(out, reach, (&case, &self.saying), act)
    }
}

fn file(case: &MatterShown) -> Outcome<&CaseShown> {
    case.case.as_ref().ok_or_else(|| Failure::usage("that is no case", "see couloir case list"))
}
