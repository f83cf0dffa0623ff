//! One matter, with everything that is known of it.

use std::fmt::Write as _;

use couloir_talks::matter::{Matter, act_word};
use couloir_talks::sides::Step;
use couloir_wire::id::EntryId;
use serde::{Deserialize, Serialize};

use super::announcement::AnnouncementShown;
use super::case::CaseShown;
use super::meeting::MeetingShown;
use super::report::ReportShown;
use super::swap::SwapShown;
use super::table::{Steps, Table, find_matter};
use super::times::TimeShown;
use crate::clerk::Node;
use crate::clerk::row::{Author, gist};
use crate::cli::plain::{lines, one_line};
use crate::words::Outcome;

/// A matter. Keys are stable; of `meeting`, `case`, `swap`, `announcement` and `report` one is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatterShown {
    /// The entry that opened it.
    pub id: String,
    /// What that entry is cited by.
    pub cited: String,
    /// `meeting`, `case`, `swap`, `announcement` or `report`.
    pub kind: String,
    /// Where.
    pub conversation: String,
    /// What it is called.
    pub title: String,
    /// How far it has come.
    pub state: String,
    /// Whether something is still to come of it.
    pub open: bool,
    /// Who opened it.
    pub by: Author,
    /// When.
    pub at: TimeShown,
    /// Whether our side opened it.
    pub ours: bool,
    /// Whether our post owes the next word.
    pub waits_for_us: bool,
    /// Whether another side owes it.
    pub waits_for_them: bool,
    /// By when the next thing is to happen.
    pub due: Option<TimeShown>,
    /// Of a meeting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meeting: Option<MeetingShown>,
    /// Of a case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseShown>,
    /// Of a swap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swap: Option<SwapShown>,
    /// Of an announcement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announcement: Option<AnnouncementShown>,
    /// Of a report, or a request for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<ReportShown>,
    /// Every step, in the order that is the same at both desks.
    pub steps: Vec<StepShown>,
}

/// A step of a matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepShown {
    /// The entry.
    pub entry: String,
    /// What it is cited by.
    pub cited: String,
    /// Who took it.
    pub by: Author,
    /// When, by its author's clock.
    pub at: TimeShown,
    /// Whether this node said it.
    pub own: bool,
    /// What it does, as the command is called.
    pub act: String,
    /// Whether it changed anything: its author was entitled, and it came in time.
    pub counts: bool,
    /// What a person reads first of it.
    pub text: String,
}

/// The matter that a person named.
pub fn named<N: Node>(node: &N, typed: &str) -> Outcome<MatterShown> {
    shown(node, find_matter(node, typed)?)
}

/// A matter of this node.
pub fn shown<N: Node>(node: &N, id: EntryId) -> Outcome<MatterShown> {
    let table = Table::of(node.reader())?;
    let steps = table.steps(node.reader(), id)?;
    let matter = steps.matter(&table)?;
    Ok(MatterShown::of(&matter, &steps, &table))
}

impl MatterShown {
    /// As it is now.
    pub fn of(matter: &Matter<'_>, steps: &Steps, table: &Table) -> MatterShown {
        let opening = matter.steps().first().map(|step| step.entry);
        let (author, at_ms) = opening.map(|entry| (entry.author, entry.at_ms)).unwrap_or_default();
        MatterShown {
            id: steps.id.to_string(),
            cited: opening.map(|entry| cited(entry, table)).unwrap_or_default(),
            kind: matter.kind().to_owned(),
            conversation: opening.map(|entry| entry.conversation.to_string()).unwrap_or_default(),
            title: matter.title().to_owned(),
            state: matter.state(table.now).to_owned(),
            open: matter.is_open(table.now),
            by: table.posts.author(author),
            at: table.zones.show(at_ms),
            ours: table.sides.is_same(author, table.own),
            waits_for_us: matter.waits_for(table.own, &table.sides, table.now),
            waits_for_them: table.waits_for_others(matter, table.now),
            due: matter.due(table.now).map(|at| table.zones.show(at.0)),
            meeting: if let Matter::Meeting(meeting) = matter {
                Some(MeetingShown::of(meeting, table))
            } else {
                None
            },
            case: if let Matter::Case(case) = matter { Some(CaseShown::of(case, table)) } else { None },
            swap: if let Matter::Swap(swap) = matter { Some(SwapShown::of(swap, table)) } else { None },
            announcement: if let Matter::Announcement(announcement) = matter {
                Some(AnnouncementShown::of(announcement, table))
            } else {
                None
            },
            report: if let Matter::Report(report) = matter {
                Some(ReportShown::of(report, table))
            } else {
                None
            },
            steps: matter.steps().iter().map(|step| StepShown::of(step, table)).collect(),
        }
    }

    /// For people.
    pub fn words(&self) -> String {
        let mut out = String::new();
        let waits = match (self.waits_for_us, self.waits_for_them) {
            (true, _) => "; waits for you",
            (false, true) => "; waits for the other side",
            (false, false) => "",
        };
        let id = self.id.get(..8).unwrap_or(&self.id);
        let _ = writeln!(out, "{} [{id}] {}", self.cited, one_line(&self.title));
        let _ = writeln!(out, "{}{waits}", self.state);
        let _ = writeln!(out, "opened by {} on {}", who(&self.by), self.at.words());
        if let Some(meeting) = &self.meeting {
            meeting.push_words(&mut out);
        }
        if let Some(case) = &self.case {
            case.push_words(&mut out);
        }
        if let Some(swap) = &self.swap {
            swap.push_words(&mut out);
        }
        if let Some(announcement) = &self.announcement {
            announcement.push_words(&mut out);
        }
        if let Some(report) = &self.report {
            report.push_words(&mut out);
        }
        let _ = write!(out, "Steps");
        for step in &self.steps {
            let _ = write!(out, "\n  {}", step.words());
        }
        out
    }
}

impl StepShown {
    fn of(step: &Step<'_>, table: &Table) -> StepShown {
        let entry = step.entry;
        StepShown {
            entry: entry.id.to_string(),
            cited: cited(entry, table),
            by: table.posts.author(entry.author),
            at: table.zones.show(entry.at_ms),
            own: entry.author == table.own,
            act: act_word(&entry.body).to_owned(),
            counts: step.counts,
            text: gist(&entry.body).to_owned(),
        }
    }

    fn words(&self) -> String {
        let text = if self.text.is_empty() { String::new() } else { format!(": {}", lines(&self.text, 8)) };
        let counts = if self.counts { "" } else { " (counts for nothing)" };
        format!("{:>4} {}  {}  {}{counts}{text}", self.cited, self.at.words(), who(&self.by), self.act)
    }
}

fn cited(entry: &couloir_wire::entry::Entry, table: &Table) -> String {
    format!("{}{}", entry.number(), table.posts.letter(entry.conversation, entry.author))
}

/// Side and post, for people.
pub fn who(author: &Author) -> String {
    one_line(&format!("{}, {}", author.side, author.post))
}
