//! `couloir announcement`

use std::path::PathBuf;

use clap::Subcommand;
use couloir_wire::entry::{AnnouncementAct, Body, LangText, PublicLine};
use couloir_wire::time::WallTime;

use super::matter::{self, List, Opening, Saying, from_file};
use crate::clerk::matters::MatterShown;
use crate::clerk::matters::announcement::AnnouncementShown;
use crate::clerk::matters::typed::{lang_text, wall_time};
use crate::clerk::{Reach, names};
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::words::{Failure, Outcome};

/// The public line that both sides agree to take, and before when nobody makes it public.
///
/// An announcement is named by the id of the entry that proposed it, the beginning of that, or what the entry is cited by.
#[derive(clap::Args)]
pub struct Announcement {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    Propose(Propose),
    Counter(Counter),
    Agree(Agree),
    Decline(Decline),
    Published(Published),
    /// Show the announcements that are not over; the one that changed last comes first.
    ///
    /// With `--json`: as of meetings, `state: proposed|agreed|declined|published`.
    List(List),
    /// Show one announcement: the line that stands, its embargo, every step.
    ///
    /// With `--json`: what a list has of it (`at` with `clocks`), `announcement {line, line_entry, line_by, embargo, too_early,
    /// declined, published {at, early}}`, `steps` as of a meeting.
    Show {
        /// The announcement.
        announcement: String,
    },
}

/// Propose a line.
#[derive(clap::Args)]
struct Propose {
    /// What it is about.
    #[arg(required_unless_present = "from")]
    subject: Option<String>,
    #[command(flatten)]
    line: LineArgs,
    #[command(flatten)]
    opening: Opening,
}

/// Propose another line instead; what is not given stays as the line that stands has it.
#[derive(clap::Args)]
struct Counter {
    /// The announcement.
    announcement: String,
    #[command(flatten)]
    line: LineArgs,
    #[command(flatten)]
    saying: Saying,
}

/// A line in parts, or whole from a file.
#[derive(clap::Args)]
struct LineArgs {
    /// The line in a language, such as `ja=TEXT`; once for each.
    #[arg(long = "text", value_name = "LANG=TEXT", value_parser = lang_text)]
    texts: Vec<LangText>,
    /// Not before this time.
    #[arg(long, value_name = "TIME", value_parser = wall_time)]
    embargo: Option<WallTime>,
    /// What to say to whoever asks before.
    #[arg(long, value_name = "TEXT")]
    if_asked: Option<String>,
    /// The whole line as JSON, as `couloir announcement show --json` has it under `announcement.line`; `-` is stdin.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

/// Take the other side's line.
#[derive(clap::Args)]
struct Agree {
    /// The announcement.
    announcement: String,
    #[command(flatten)]
    saying: Saying,
}

/// Say that no line is taken.
#[derive(clap::Args)]
struct Decline {
    /// The announcement.
    announcement: String,
    /// Why.
    #[arg(default_value = "")]
    why: String,
    #[command(flatten)]
    saying: Saying,
}

/// Say that it is public.
///
/// What both have not agreed, and what is said to have been public before its embargo was over, is refused without `--early`: the
/// other side sees at once that it was too early.
#[derive(clap::Args)]
struct Published {
    /// The announcement.
    announcement: String,
    /// When it was made public.
    #[arg(long, value_name = "TIME", value_parser = wall_time)]
    at: WallTime,
    /// Where.
    #[arg(long = "where", value_name = "TEXT", default_value = "")]
    at_place: String,
    /// It was too early, and you say so.
    #[arg(long)]
    early: bool,
    #[command(flatten)]
    saying: Saying,
}

const KIND: &str = "announcement";

impl Announcement {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let reach = &mut Reach::open(args)?;
        match &self.act {
            Act::Propose(propose) => propose.run(out, reach),
            Act::Counter(counter) => counter.run(out, reach),
            Act::Agree(agree) => agree.run(out, reach),
            Act::Decline(decline) => decline.run(out, reach),
            Act::Published(published) => published.run(out, reach),
            Act::List(list) => list.run(out, reach, KIND, false),
            Act::Show { announcement } => matter::show(out, reach, announcement, KIND),
        }
    }
}

impl Propose {
    fn run(&self, out: &Out, reach: &mut Reach) -> Outcome {
        let mut line = match (&self.line.from, self.line.embargo) {
            (Some(path), _) => from_file(path)?,
            (None, Some(embargo)) => {
                PublicLine { subject: String::new(), texts: Vec::new(), embargo, if_asked: String::new() }
            }
            (None, None) => {
                return Err(Failure::usage(
                    "say before when it is not public",
                    "--embargo 2026-12-01T09:00+09:00",
                ));
            }
        };
        if let Some(subject) = &self.subject {
            line.subject = names::name("subject", subject)?;
        }
        self.line.fill(&mut line)?;
        let body = Body::Announcement { of: None, act: AnnouncementAct::Propose(line) };
        self.opening.open(out, reach, body)
    }
}

impl Counter {
    fn run(&self, out: &Out, reach: &mut Reach) -> Outcome {
        let matter = matter::matter(reach, &self.announcement, KIND)?;
        let standing = shown(&matter)?.line.clone();
        let mut line = self.line.from.as_deref().map(from_file).transpose()?.unwrap_or(standing);
        self.line.fill(&mut line)?;
        step(out, reach, (&matter, &self.saying), AnnouncementAct::Counter(line))
    }
}

impl LineArgs {
    fn fill(&self, line: &mut PublicLine) -> Outcome {
        if !self.texts.is_empty() {
            line.texts.clone_from(&self.texts);
        }
        line.embargo = self.embargo.unwrap_or(line.embargo);
        if let Some(if_asked) = &self.if_asked {
            line.if_asked = names::remark(if_asked)?;
        }
        Ok(())
    }
}

impl Agree {
    fn run(&self, out: &Out, reach: &mut Reach) -> Outcome {
        let matter = matter::matter(reach, &self.announcement, KIND)?;
        let line = matter::entry(&shown(&matter)?.line_entry)?;
        step(out, reach, (&matter, &self.saying), AnnouncementAct::Agree { line })
    }
}

impl Decline {
    fn run(&self, out: &Out, reach: &mut Reach) -> Outcome {
        let matter = matter::matter(reach, &self.announcement, KIND)?;
        let act = AnnouncementAct::Decline { why: names::remark(&self.why)? };
        step(out, reach, (&matter, &self.saying), act)
    }
}

impl Published {
    fn run(&self, out: &Out, reach: &mut Reach) -> Outcome {
        let matter = matter::matter(reach, &self.announcement, KIND)?;
        let shown = shown(&matter)?;
        if shown.is_early_at(matter.state == "agreed", self.at) && !self.early {
            return Err(Failure::refused(
                format!("that is too early: it is {}, not before {}", matter.state, shown.embargo.words()),
                "--early, if it was made public all the same",
            ));
        }
        let act = AnnouncementAct::Published { at: self.at, at_place: names::remark(&self.at_place)? };
        step(out, reach, (&matter, &self.saying), act)
    }
}

fn shown(matter: &MatterShown) -> Outcome<&AnnouncementShown> {
    let shown = matter.announcement.as_ref();
    shown.ok_or_else(|| Failure::usage("that is no announcement", "see couloir announcement list"))
}

fn step(
    out: &Out,
    reach: &mut Reach,
    (matter, saying): (&MatterShown, &Saying),
    act: AnnouncementAct,
) -> Outcome {
    saying.step(out, reach, matter, Body::Announcement { of: Some(matter::id(matter)?), act })
}
