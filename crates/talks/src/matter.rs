//! What all matters have in common: a title, how far each has come, who owes the next word, and by when.
//!
//! A matter is folded from the entries of its own conversation alone: what somebody says of it elsewhere is no step
//! of it.

use couloir_wire::entry::{AnnouncementAct, Body, CaseAct, Entry, MeetingAct, ReportAct, SwapAct};
use couloir_wire::id::{EntryId, PostId};
use couloir_wire::time::WallTime;

use crate::announcement::{self, Announcement};
use crate::case::Case;
use crate::meeting::{self, Meeting};
use crate::report::Report;
use crate::sides::{Sides, Step};
use crate::swap::{self, Swap};

/// One matter of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matter<'e> {
    /// A meeting.
    Meeting(Meeting<'e>),
    /// A case.
    Case(Case<'e>),
    /// A swap.
    Swap(Swap<'e>),
    /// An announcement.
    Announcement(Announcement<'e>),
    /// A report, or a request for one.
    Report(Report<'e>),
}

impl<'e> Matter<'e> {
    /// The kinds, by the words of their entries.
    pub const KINDS: [&'static str; 5] = ["meeting", "case", "swap", "announcement", "report"];

    /// The matter that `opening` opened; none if it opened none.
    pub fn of(opening: EntryId, entries: &'e [Entry], sides: &Sides) -> Option<Matter<'e>> {
        let opened = entries.iter().find(|entry| entry.id == opening)?;
        let is_of = |entry: &Entry| entry.id == opening || entry.body.of() == Some(opening);
        let is_step = |entry: &&Entry| is_of(entry) && entry.conversation == opened.conversation;
        let steps = entries.iter().filter(is_step);
        match opened.body {
            Body::Meeting { .. } => Meeting::of(steps, sides).map(Matter::Meeting),
            Body::Case { .. } => Case::of(steps, sides).map(Matter::Case),
            Body::Swap { .. } => Swap::of(steps, sides).map(Matter::Swap),
            Body::Announcement { .. } => Announcement::of(steps, sides).map(Matter::Announcement),
            Body::Report(_) => Report::of(opening, steps, sides).map(Matter::Report),
            _ => None,
        }
    }

    /// The matters of which an entry is a step: a report that answers a request is one of its own, too.
    pub fn stepped(entry: &Entry) -> impl Iterator<Item = EntryId> {
        let is_step = Matter::KINDS.contains(&entry.body.word());
        let is_report = matches!(&entry.body, Body::Report(act) if act.is_opening());
        let opened = Some(entry.id).filter(|_| is_report || entry.body.of().is_none());
        [opened, entry.body.of()].into_iter().flatten().filter(move |_| is_step)
    }

    /// The word for its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Matter::Meeting(_) => "meeting",
            Matter::Case(_) => "case",
            Matter::Swap(_) => "swap",
            Matter::Announcement(_) => "announcement",
            Matter::Report(_) => "report",
        }
    }

    /// What it is called.
    pub fn title(&self) -> &'e str {
        match self {
            Matter::Meeting(meeting) => &meeting.plan.subject,
            Matter::Case(case) => &case.file.title,
            Matter::Swap(swap) => swap.subject,
            Matter::Announcement(announcement) => &announcement.line.subject,
            Matter::Report(report) => report.title,
        }
    }

    /// How far it has come at `now`, in a word.
    pub fn state(&self, now: WallTime) -> &'static str {
        match self {
            Matter::Meeting(meeting) => match meeting.standing {
                meeting::Standing::Proposed => "proposed",
                meeting::Standing::Agreed { .. } => "agreed",
                meeting::Standing::Cancelled { .. } => "cancelled",
                meeting::Standing::Held { .. } => "held",
            },
            Matter::Case(case) => match (&case.closed, case.is_unanswered()) {
                (Some(_), _) => "closed",
                (None, true) => "unanswered",
                (None, false) => "answered",
            },
            Matter::Swap(swap) => match swap.standing(now) {
                swap::Standing::Committing => "committing",
                swap::Standing::Revealing => "revealing",
                swap::Standing::Done(_) => "done",
                swap::Standing::Off(_) => "off",
            },
            Matter::Announcement(announcement) => match announcement.standing {
                announcement::Standing::Proposed => "proposed",
                announcement::Standing::Agreed => "agreed",
                announcement::Standing::Declined { .. } => "declined",
                announcement::Standing::Published { .. } => "published",
            },
            Matter::Report(report) => report.state(),
        }
    }

    /// Whether something is still to come of it.
    pub fn is_open(&self, now: WallTime) -> bool {
        !ENDED.contains(&self.state(now))
    }

    /// Whether `post` owes the next word.
    pub fn waits_for(&self, post: PostId, sides: &Sides, now: WallTime) -> bool {
        match self {
            Matter::Meeting(meeting) => meeting.waits_for(post, sides),
            Matter::Case(case) => case.waits_for(post, sides),
            Matter::Swap(swap) => swap.waits_for(post, sides, now),
            Matter::Announcement(announcement) => announcement.waits_for(post, sides),
            Matter::Report(report) => report.waits_for(post, sides),
        }
    }

    /// By when the next thing is to happen: the first window or the agreed one, the first clock, the deadline, the
    /// end of the embargo.
    pub fn due(&self, now: WallTime) -> Option<WallTime> {
        if !self.is_open(now) {
            return None;
        }
        match self {
            Matter::Meeting(meeting) => match meeting.standing {
                meeting::Standing::Agreed { window, .. } => Some(window.from),
                _ => meeting.plan.windows.iter().map(|window| window.from).min(),
            },
            Matter::Case(case) => case.running().map(|running| running.clock.due).min(),
            Matter::Swap(swap) => Some(swap.deadline),
            Matter::Announcement(announcement) => Some(announcement.line.embargo),
            Matter::Report(report) => report.due(),
        }
    }

    /// Every step.
    pub fn steps(&self) -> &[Step<'e>] {
        match self {
            Matter::Meeting(meeting) => &meeting.steps,
            Matter::Case(case) => &case.steps,
            Matter::Swap(swap) => &swap.steps,
            Matter::Announcement(announcement) => &announcement.steps,
            Matter::Report(report) => &report.steps,
        }
    }
}

/// The word for what a step does.
pub fn act_word(body: &Body) -> &'static str {
    match body {
        Body::Meeting { act, .. } => match act {
            MeetingAct::Propose(_) => "propose",
            MeetingAct::Counter(_) => "counter",
            MeetingAct::Accept { .. } => "accept",
            MeetingAct::Cancel { .. } => "cancel",
            MeetingAct::Held { .. } => "held",
        },
        Body::Case { act, .. } => match act {
            CaseAct::Raise(_) => "raise",
            CaseAct::Add(_) => "add",
            CaseAct::Status(_) => "status",
            CaseAct::Answer(_) => "answer",
            CaseAct::Clock(_) => "clock",
            CaseAct::Access(_) => "access",
            CaseAct::Remark { .. } => "remark",
            CaseAct::Close { .. } => "close",
            CaseAct::Met { .. } => "met",
        },
        Body::Swap { act, .. } => match act {
            SwapAct::Propose { .. } => "open",
            SwapAct::Commit(_) => "commit",
            SwapAct::Reveal(_) => "reveal",
            SwapAct::Abort { .. } => "abort",
        },
        Body::Announcement { act, .. } => match act {
            AnnouncementAct::Propose(_) => "propose",
            AnnouncementAct::Counter(_) => "counter",
            AnnouncementAct::Agree { .. } => "agree",
            AnnouncementAct::Decline { .. } => "decline",
            AnnouncementAct::Published { .. } => "published",
        },
        Body::Report(act) => match act {
            ReportAct::Share { .. } => "share",
            ReportAct::Request { .. } => "request",
            ReportAct::Reply { .. } => "reply",
            ReportAct::Released { .. } => "released",
        },
        _ => "",
    }
}

/// States after which nothing is to come.
const ENDED: [&str; 8] = ["cancelled", "held", "closed", "done", "off", "declined", "published", "replied"];
