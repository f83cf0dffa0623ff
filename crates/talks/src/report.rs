//! A report or a request for one, computed from its steps (PROTOCOL §7.9).
//!
//! A report is shared once; whom the other side passed it on to is added. A request is open until another side answers it
//! with a report or in words.

use couloir_wire::entry::{Body, Bundle, Entry, ReportAct, Way};
use couloir_wire::id::{EntryId, PostId};
use couloir_wire::time::WallTime;

use crate::sides::{Sides, Step, in_place};

/// How it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened<'e> {
    /// A report.
    Shared {
        /// What is shared.
        bundle: &'e Bundle,
        /// The request that it answers.
        answers: Option<EntryId>,
    },
    /// A request.
    Asked {
        /// What is asked.
        question: &'e str,
        /// Until when an answer is of use.
        due: Option<WallTime>,
    },
}

/// What a request was answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer<'e> {
    /// A report.
    Report {
        /// Its entry.
        entry: EntryId,
        /// What it is called.
        title: &'e str,
    },
    /// Words.
    Words {
        /// The entry.
        entry: EntryId,
        /// What it says.
        text: &'e str,
    },
}

/// That a report was passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release<'e> {
    /// The entry that tells it.
    pub entry: EntryId,
    /// Who passed it on.
    pub by: PostId,
    /// To whom.
    pub to: &'e str,
    /// How.
    pub way: Way,
    /// When.
    pub at: WallTime,
}

/// A report or a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report<'e> {
    /// The entry that opened it.
    pub id: EntryId,
    /// What it is called.
    pub title: &'e str,
    /// Whose it is.
    pub by: PostId,
    /// How it was opened.
    pub opened: Opened<'e>,
    /// Answers, in their place.
    pub answers: Vec<Answer<'e>>,
    /// To whom it was passed on.
    pub releases: Vec<Release<'e>>,
    /// Every step.
    pub steps: Vec<Step<'e>>,
}

impl<'e> Report<'e> {
    /// The one that `opening` opened; none if it opened none.
    pub fn of(
        opening: EntryId,
        entries: impl IntoIterator<Item = &'e Entry>,
        sides: &Sides,
    ) -> Option<Report<'e>> {
        let mut report: Option<Report<'e>> = None;
        for entry in in_place(entries) {
            let Body::Report(act) = &entry.body else { continue };
            match &mut report {
                None if entry.id == opening => report = Report::open(entry, act),
                Some(open) if act.of() == Some(opening) => open.take(entry, act, sides),
                _ => {}
            }
        }
        report
    }

    fn open(entry: &'e Entry, act: &'e ReportAct) -> Option<Report<'e>> {
        let (title, opened) = match act {
            ReportAct::Share { title, bundle, answers } => {
                (title, Opened::Shared { bundle, answers: *answers })
            }
            ReportAct::Request { title, question, due } => (title, Opened::Asked { question, due: *due }),
            ReportAct::Reply { .. } | ReportAct::Released { .. } => return None,
        };
        Some(Report {
            id: entry.id,
            title,
            by: entry.author,
            opened,
            answers: Vec::new(),
            releases: Vec::new(),
            steps: vec![Step { entry, counts: true }],
        })
    }

    fn take(&mut self, entry: &'e Entry, act: &'e ReportAct, sides: &Sides) {
        let is_asked = matches!(self.opened, Opened::Asked { .. });
        let counts = sides.is_other(entry.author, self.by)
            && match act {
                ReportAct::Share { title, .. } if is_asked => {
                    self.answers.push(Answer::Report { entry: entry.id, title });
                    true
                }
                ReportAct::Reply { text, .. } if is_asked => {
                    self.answers.push(Answer::Words { entry: entry.id, text });
                    true
                }
                ReportAct::Released { to, way, at, .. } if !is_asked => {
                    self.releases.push(Release { entry: entry.id, by: entry.author, to, way: *way, at: *at });
                    true
                }
                _ => false,
            };
        self.steps.push(Step { entry, counts });
    }

    /// How far it has come, in a word.
    pub fn state(&self) -> &'static str {
        match (self.opened, self.answers.is_empty()) {
            (Opened::Shared { .. }, _) => "shared",
            (Opened::Asked { .. }, true) => "asked",
            (Opened::Asked { .. }, false) => "replied",
        }
    }

    /// Whether `post` owes the next word: a request of another side has no answer.
    pub fn waits_for(&self, post: PostId, sides: &Sides) -> bool {
        self.state() == "asked" && sides.is_other(post, self.by)
    }

    /// Until when an answer is of use.
    pub fn due(&self) -> Option<WallTime> {
        match self.opened {
            Opened::Asked { due, .. } => due,
            Opened::Shared { .. } => None,
        }
    }
}
