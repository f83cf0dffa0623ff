//! `couloir meeting`

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use couloir_wire::entry::{
    Body, LangText, MeetingAct, Participant, Place, Plan, Publicity, Recognition, Rendezvous, TimeSpan,
};
use couloir_wire::time::WallTime;
use serde_json::json;

use super::matter::{self, List, Opening, Saying, from_file};
use crate::clerk::matters::MatterShown;
use crate::clerk::matters::calendar::{Detail, calendar};
use crate::clerk::matters::report::ReportAsk;
use crate::clerk::matters::typed::{lang_text, participant, place, wall_time, window};
use crate::clerk::{Reach, names};
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::values::MarkingWord;
use crate::socket::Request;
use crate::words::{Failure, Outcome};

/// Arrange meetings: propose, counter, accept, and everything by both sides' clocks.
///
/// A meeting is named by the id of the entry that proposed it, the beginning of that, or what the entry is cited by.
#[derive(clap::Args)]
pub struct Meeting {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    Propose(Box<Propose>),
    Counter(Box<Counter>),
    Accept(Accept),
    Cancel(Cancel),
    Held(Held),
    /// Show the meetings that are not over; the one that changed last comes first.
    ///
    /// With `--json`: `matters [{id, cited, kind, conversation, title, state: proposed|agreed|cancelled|held, open, by {side,
    /// post}, at, ours, waits_for_us, waits_for_them, due {at, clocks [{zone, place, time}]}, overdue, newest}]`.
    List(List),
    /// Show one meeting: the plan that stands, what was agreed, every step.
    ///
    /// With `--json`: what a list has of it (`at` with `clocks`), `meeting {plan, plan_entry, plan_by, windows [{from, until}],
    /// agreed {window, place, by}, cancelled, held {at, remark}, fallback, embargo}`, `steps [{entry, cited, by, at, own, act,
    /// counts, text}]`.
    Show {
        /// The meeting.
        meeting: String,
    },
    Calendar(CalendarOut),
}

/// Propose a meeting.
#[derive(clap::Args)]
struct Propose {
    /// What it is about.
    #[arg(required_unless_present = "from")]
    subject: Option<String>,
    #[command(flatten)]
    plan: PlanArgs,
    #[command(flatten)]
    opening: Opening,
}

/// Propose another plan instead; what is not given stays as the plan that stands has it.
#[derive(clap::Args)]
struct Counter {
    /// The meeting.
    meeting: String,
    /// What it is about, from now on.
    #[arg(long)]
    subject: Option<String>,
    #[command(flatten)]
    plan: PlanArgs,
    #[command(flatten)]
    saying: Saying,
}

/// A plan in parts, or whole from a file.
#[derive(clap::Args)]
struct PlanArgs {
    /// When it could be: two times such as `2026-12-01T10:00+09:00/2026-12-01T12:00+09:00`. May be repeated.
    #[arg(long = "window", value_name = "FROM/UNTIL", value_parser = window)]
    windows: Vec<TimeSpan>,
    /// Where it could be, with the IANA name of its time zone. May be repeated.
    #[arg(long = "place", value_name = "NAME; CITY; ZONE", value_parser = place)]
    places: Vec<Place>,
    /// Who comes. May be repeated.
    #[arg(long = "with", value_name = "NAME; ROLE; SIDE", value_parser = participant)]
    participants: Vec<Participant>,
    /// A point of the agenda. May be repeated.
    #[arg(long = "point", value_name = "TEXT")]
    agenda: Vec<String>,
    /// What the public learns.
    #[arg(long, value_enum, conflicts_with = "lines")]
    publicity: Option<PublicityWord>,
    /// The public learns this line that both take, such as `ja=TEXT`; once for each language.
    #[arg(long = "line", value_name = "LANG=TEXT", value_parser = lang_text, requires = "embargo")]
    lines: Vec<LangText>,
    /// That line is not public before this time.
    #[arg(long, value_name = "TIME", value_parser = wall_time, requires = "lines")]
    embargo: Option<WallTime>,
    /// What the guest says, and the host answers, so that they know each other.
    #[arg(long, num_args = 2, value_names = ["WORD", "REPLY"])]
    recognition: Vec<String>,
    /// When to try again if the meeting fails.
    #[arg(long, value_name = "FROM/UNTIL", value_parser = window, requires = "fallback_place")]
    fallback: Option<TimeSpan>,
    /// Where to try again.
    #[arg(long, value_name = "NAME; CITY; ZONE", value_parser = place, requires = "fallback")]
    fallback_place: Option<Place>,
    /// The whole plan as JSON, as `couloir meeting show --json` has it under `meeting.plan`; `-` is stdin.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PublicityWord {
    /// Nothing.
    Undisclosed,
    /// That it takes place.
    Announced,
}

/// Take one window and one place of the other side's plan.
#[derive(clap::Args)]
struct Accept {
    /// The meeting.
    meeting: String,
    /// Which window, by its number in `couloir meeting show`; may be left out if there is one.
    #[arg(long, value_name = "NUMBER")]
    window: Option<u8>,
    /// Which place, by its number there; may be left out if there is one.
    #[arg(long, value_name = "NUMBER")]
    place: Option<u8>,
    #[command(flatten)]
    saying: Saying,
}

/// Say that it does not take place.
#[derive(clap::Args)]
struct Cancel {
    /// The meeting.
    meeting: String,
    /// Why.
    #[arg(default_value = "")]
    why: String,
    #[command(flatten)]
    saying: Saying,
}

/// Say that it took place.
#[derive(clap::Args)]
struct Held {
    /// The meeting.
    meeting: String,
    /// When it began.
    #[arg(long, value_name = "TIME", value_parser = wall_time)]
    at: WallTime,
    /// What is to be remembered.
    #[arg(default_value = "")]
    remark: String,
    #[command(flatten)]
    saying: Saying,
}

/// Write a meeting for a calendar program (iCalendar, RFC 5545).
///
/// The event is private and says only when it is, by both sides' clocks: calendars are copied to telephones and
/// to whoever serves them. Until a plan is accepted each of its windows is an event, marked tentative.
#[derive(clap::Args)]
struct CalendarOut {
    /// The meeting.
    meeting: String,
    /// The file to write; it must not exist.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Also what it is about, where, with whom, and the agenda.
    #[arg(long)]
    details: bool,
    /// The strictest marking that may be held where the calendar goes; contents that are marked more strictly do not.
    #[arg(long, value_enum, default_value = "red")]
    level: MarkingWord,
}

const KIND: &str = "meeting";

impl Meeting {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let reach = &mut Reach::open(args)?;
        match &self.act {
            Act::Propose(propose) => propose.run(out, reach),
            Act::Counter(counter) => counter.run(out, reach),
            Act::Accept(accept) => accept.run(out, reach),
            Act::Cancel(Cancel { meeting, why, saying }) => {
                let act = MeetingAct::Cancel { why: names::remark(why)? };
                step(out, reach, meeting, saying, act)
            }
            Act::Held(Held { meeting, at, remark, saying }) => {
                let act = MeetingAct::Held { at: *at, remark: names::remark(remark)? };
                step(out, reach, meeting, saying, act)
            }
            Act::List(list) => list.run(out, reach, KIND, false),
            Act::Show { meeting } => matter::show(out, reach, meeting, KIND),
            Act::Calendar(calendar) => calendar.run(out, reach),
        }
    }
}

fn step(out: &Out, reach: &mut Reach, typed: &str, saying: &Saying, act: MeetingAct) -> Outcome {
    let meeting = matter::matter(reach, typed, KIND)?;
    let body = Body::Meeting { of: Some(matter::id(&meeting)?), act };
    saying.step(out, reach, &meeting, body)
}

impl Propose {
    fn run(&self, out: &Out, reach: &mut Reach) -> Outcome {
        let mut plan = match &self.plan.from {
            Some(path) => from_file(path)?,
            None => Plan {
                subject: String::new(),
                windows: Vec::new(),
                places: Vec::new(),
                participants: Vec::new(),
                agenda: Vec::new(),
                publicity: Publicity::Undisclosed,
                recognition: None,
                fallback: None,
            },
        };
        self.plan.fill(&mut plan, self.subject.as_deref())?;
        matter::given(
            "a meeting is proposed for at least one time",
            "--window FROM/UNTIL",
            plan.windows.len(),
        )?;
        matter::given(
            "a meeting is proposed for at least one place",
            "--place 'NAME; CITY; ZONE'",
            plan.places.len(),
        )?;
        let body = Body::Meeting { of: None, act: MeetingAct::Propose(plan) };
        self.opening.open(out, reach, body)
    }
}

impl Counter {
    fn run(&self, out: &Out, reach: &mut Reach) -> Outcome {
        let meeting = matter::matter(reach, &self.meeting, KIND)?;
        let standing = meeting.meeting.as_ref().map(|meeting| meeting.plan.clone());
        let plan = self.plan.from.as_deref().map(from_file).transpose()?.or(standing);
        let mut plan =
            plan.ok_or_else(|| Failure::usage("that meeting has no plan", "couloir meeting list"))?;
        self.plan.fill(&mut plan, self.subject.as_deref())?;
        let body = Body::Meeting { of: Some(matter::id(&meeting)?), act: MeetingAct::Counter(plan) };
        self.saying.step(out, reach, &meeting, body)
    }
}

impl PlanArgs {
    /// What is given takes the place of what the plan has.
    fn fill(&self, plan: &mut Plan, subject: Option<&str>) -> Outcome {
        if let Some(subject) = subject {
            plan.subject = names::name("subject", subject)?;
        }
        replace(&mut plan.windows, &self.windows);
        replace(&mut plan.places, &self.places);
        replace(&mut plan.participants, &self.participants);
        replace(&mut plan.agenda, &self.agenda);
        match (self.publicity, self.embargo) {
            (Some(PublicityWord::Undisclosed), _) => plan.publicity = Publicity::Undisclosed,
            (Some(PublicityWord::Announced), _) => plan.publicity = Publicity::Announced,
            (None, Some(embargo)) => {
                plan.publicity = Publicity::AgreedLine { texts: self.lines.clone(), embargo };
            }
            (None, None) => {}
        }
        if let [word, reply] = &self.recognition[..] {
            plan.recognition = Some(Recognition { word: word.clone(), reply: reply.clone() });
        }
        if let (Some(window), Some(place)) = (self.fallback, self.fallback_place.clone()) {
            plan.fallback = Some(Rendezvous { window, place });
        }
        Ok(())
    }
}

fn replace<T: Clone>(held: &mut Vec<T>, given: &[T]) {
    if !given.is_empty() {
        *held = given.to_vec();
    }
}

impl Accept {
    fn run(&self, out: &Out, reach: &mut Reach) -> Outcome {
        let meeting = matter::matter(reach, &self.meeting, KIND)?;
        let act = accept(&meeting, self.window, self.place)?;
        self.saying.step(out, reach, &meeting, Body::Meeting { of: Some(matter::id(&meeting)?), act })
    }
}

fn accept(meeting: &MatterShown, window: Option<u8>, place: Option<u8>) -> Outcome<MeetingAct> {
    let shown = meeting.meeting.as_ref();
    let shown = shown.ok_or_else(|| Failure::usage("that is no meeting", "see couloir meeting list"))?;
    Ok(MeetingAct::Accept {
        plan: matter::entry(&shown.plan_entry)?,
        window: one_of("window", window, shown.plan.windows.len())?,
        place: one_of("place", place, shown.plan.places.len())?,
    })
}

/// The index of a choice that people count from 1.
fn one_of(what: &str, number: Option<u8>, count: usize) -> Outcome<u8> {
    match number {
        None if count == 1 => Ok(0),
        Some(number) if (1..=count).contains(&usize::from(number)) => Ok(number - 1),
        _ => Err(Failure::usage(
            format!("the plan has {count} of them: say which {what}"),
            format!("--{what} NUMBER, as couloir meeting show has it"),
        )),
    }
}

impl CalendarOut {
    fn run(&self, out: &Out, reach: &mut Reach) -> Outcome {
        let meeting = matter::matter(reach, &self.meeting, KIND)?;
        // Without contents it says that somebody is not free, and nothing of the matter.
        if self.details {
            let (conversation, level) = (meeting.conversation.parse().ok(), self.level.into());
            reach.ask(&Request::Report { ask: Box::new(ReportAsk::Admits { conversation, level }) })?;
        }
        let text = calendar(&meeting, if self.details { Detail::Full } else { Detail::Bare })?;
        matter::write_new(&self.out, text.as_bytes())?;
        let events = text.matches("BEGIN:VEVENT").count();
        out.answer(&json!({ "path": self.out, "events": events }), || {
            format!("Written to {}.", self.out.display())
        })
    }
}
