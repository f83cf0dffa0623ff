//! A public line, computed from its steps (PROTOCOL §7.10).
//!
//! *Proposed.* One line stands: the newest. *Agreed.* Another side took it; until its embargo is over nobody
//! makes it public. A newer line opens it again. *Ended.* Declined, or published.

use couloir_wire::entry::{AnnouncementAct, Body, Entry, PublicLine};
use couloir_wire::id::{EntryId, PostId};
use couloir_wire::time::WallTime;

use crate::sides::{Sides, Step, in_place};

/// How far an announcement has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing<'e> {
    /// A line waits for the other side.
    Proposed,
    /// Both take the line.
    Agreed,
    /// No line is taken.
    Declined {
        /// Why; may be empty.
        why: &'e str,
    },
    /// It is public.
    Published {
        /// Since when.
        at: WallTime,
        /// Whether that was before the embargo was over, or without the other side's word.
        is_early: bool,
    },
}

/// An announcement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement<'e> {
    /// The entry that opened it.
    pub id: EntryId,
    /// The line that stands.
    pub line: &'e PublicLine,
    /// The entry with that line.
    pub line_entry: EntryId,
    /// Who proposed that line.
    pub line_by: PostId,
    /// How far it has come.
    pub standing: Standing<'e>,
    /// Every step.
    pub steps: Vec<Step<'e>>,
}

impl<'e> Announcement<'e> {
    /// Of the entries of one matter; none if no announcement was opened among them.
    pub fn of(entries: impl IntoIterator<Item = &'e Entry>, sides: &Sides) -> Option<Announcement<'e>> {
        let mut announcement: Option<Announcement<'e>> = None;
        for entry in in_place(entries) {
            let Body::Announcement { of, act } = &entry.body else { continue };
            match (&mut announcement, act) {
                (None, AnnouncementAct::Propose(line)) if of.is_none() => {
                    announcement = Some(Announcement::open(entry, line));
                }
                (Some(open), act) if *of == Some(open.id) => open.take(entry, act, sides),
                _ => {}
            }
        }
        announcement
    }

    fn open(entry: &'e Entry, line: &'e PublicLine) -> Announcement<'e> {
        Announcement {
            id: entry.id,
            line,
            line_entry: entry.id,
            line_by: entry.author,
            standing: Standing::Proposed,
            steps: vec![Step { entry, counts: true }],
        }
    }

    fn take(&mut self, entry: &'e Entry, act: &'e AnnouncementAct, sides: &Sides) {
        let counts = self.next(entry, act, sides).map(|standing| self.standing = standing).is_some();
        self.steps.push(Step { entry, counts });
    }

    fn next(&mut self, entry: &'e Entry, act: &'e AnnouncementAct, sides: &Sides) -> Option<Standing<'e>> {
        sides.of(entry.author)?;
        let is_open = matches!(self.standing, Standing::Proposed | Standing::Agreed);
        match act {
            AnnouncementAct::Propose(_) => None,
            AnnouncementAct::Counter(line) => is_open.then(|| {
                (self.line, self.line_entry, self.line_by) = (line, entry.id, entry.author);
                Standing::Proposed
            }),
            AnnouncementAct::Agree { line } => {
                let is_fit = *line == self.line_entry && sides.is_other(entry.author, self.line_by);
                (is_fit && self.standing == Standing::Proposed).then_some(Standing::Agreed)
            }
            AnnouncementAct::Decline { why } => is_open.then_some(Standing::Declined { why }),
            AnnouncementAct::Published { at, .. } => {
                let is_early = self.standing != Standing::Agreed || *at < self.line.embargo;
                let is_public = matches!(self.standing, Standing::Published { .. });
                (!is_public).then_some(Standing::Published { at: *at, is_early })
            }
        }
    }

    /// Whether `post` owes the next word: a line of another side waits.
    pub fn waits_for(&self, post: PostId, sides: &Sides) -> bool {
        self.standing == Standing::Proposed && sides.is_other(post, self.line_by)
    }

    /// Whether making it public at `now` would break what was agreed, or what was not.
    pub fn is_too_early(&self, now: WallTime) -> bool {
        match self.standing {
            Standing::Agreed => now < self.line.embargo,
            Standing::Proposed | Standing::Declined { .. } => true,
            Standing::Published { .. } => false,
        }
    }
}
