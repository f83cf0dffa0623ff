//! An announcement as it is shown.

use std::fmt::Write as _;

use couloir_talks::announcement::{Announcement, Standing};
use couloir_wire::entry::PublicLine;
use couloir_wire::time::WallTime;
use serde::{Deserialize, Serialize};

use super::shown::who;
use super::table::Table;
use super::times::TimeShown;
use crate::clerk::row::Author;
use crate::cli::plain::lines;

/// What is particular to an announcement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnouncementShown {
    /// The line that stands, in the form that `--from` takes.
    pub line: PublicLine,
    /// The entry with that line.
    pub line_entry: String,
    /// Who proposed it.
    pub line_by: Author,
    /// Not before.
    pub embargo: TimeShown,
    /// Whether making it public now would break what was agreed, or what was not.
    pub too_early: bool,
    /// Why no line is taken.
    pub declined: Option<String>,
    /// Since when it is public.
    pub published: Option<PublishedShown>,
}

/// It is public.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedShown {
    /// Since when.
    pub at: TimeShown,
    /// Whether that was before the embargo was over, or without the other side's word.
    pub early: bool,
}

impl AnnouncementShown {
    /// As it stands.
    pub fn of(announcement: &Announcement<'_>, table: &Table) -> AnnouncementShown {
        AnnouncementShown {
            line: announcement.line.clone(),
            line_entry: announcement.line_entry.to_string(),
            line_by: table.posts.author(announcement.line_by),
            embargo: table.zones.show(announcement.line.embargo.0),
            too_early: announcement.is_too_early(table.now),
            declined: match announcement.standing {
                Standing::Declined { why } => Some(why.to_owned()),
                Standing::Proposed | Standing::Agreed | Standing::Published { .. } => None,
            },
            published: match announcement.standing {
                Standing::Published { at, is_early } => {
                    Some(PublishedShown { at: table.zones.show(at.0), early: is_early })
                }
                Standing::Proposed | Standing::Agreed | Standing::Declined { .. } => None,
            },
        }
    }

    /// Whether making it public at that time breaks what was agreed, or what was not.
    pub fn is_early_at(&self, is_agreed: bool, at: WallTime) -> bool {
        !is_agreed || at < self.line.embargo
    }

    /// For people.
    pub fn push_words(&self, out: &mut String) {
        let _ = writeln!(out, "Line by {}, not before {}", who(&self.line_by), self.embargo.words());
        for text in &self.line.texts {
            let _ = writeln!(out, "  [{}] {}", text.lang, lines(&text.text, 2));
        }
        if !self.line.if_asked.is_empty() {
            let _ = writeln!(out, "  if asked before: {}", lines(&self.line.if_asked, 2));
        }
        if let Some(why) = &self.declined {
            let _ = writeln!(out, "declined: {}", lines(why, 2));
        }
        let public = match &self.published {
            Some(public) if public.early => format!("PUBLIC TOO EARLY, since {}", public.at.words()),
            Some(public) => format!("public since {}", public.at.words()),
            None if self.too_early => "not to be made public yet".to_owned(),
            None => "may be made public".to_owned(),
        };
        let _ = writeln!(out, "{public}");
    }
}
