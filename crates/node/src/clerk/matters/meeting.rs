//! A meeting as it is shown.

use std::fmt::Write as _;

use couloir_talks::meeting::{Meeting, Standing};
use couloir_wire::entry::{Place, Plan, Publicity, TimeSpan};
use serde::{Deserialize, Serialize};

use super::shown::who;
use super::table::Table;
use super::times::{TimeShown, Zones};
use crate::clerk::row::Author;
use crate::cli::plain::{lines, one_line};

/// What is particular to a meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeetingShown {
    /// The plan that stands, in the form that `--from` takes.
    pub plan: Plan,
    /// The entry with that plan.
    pub plan_entry: String,
    /// Who proposed it.
    pub plan_by: Author,
    /// Its windows, by the clocks of both desks and of the first place.
    pub windows: Vec<WindowShown>,
    /// What was agreed.
    pub agreed: Option<AgreedShown>,
    /// Why it does not take place.
    pub cancelled: Option<String>,
    /// When it took place, and what is to be remembered.
    pub held: Option<HeldShown>,
    /// When to try again if it fails.
    pub fallback: Option<WindowShown>,
    /// Before when its public line is not public.
    pub embargo: Option<TimeShown>,
}

/// From when until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowShown {
    /// Begin.
    pub from: TimeShown,
    /// End.
    pub until: TimeShown,
}

/// A window and a place that were taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreedShown {
    /// When, by the clocks of both desks and of the place.
    pub window: WindowShown,
    /// Where.
    pub place: Place,
    /// Who took it.
    pub by: Author,
}

/// That it took place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldShown {
    /// When it began.
    pub at: TimeShown,
    /// What is to be remembered.
    pub remark: String,
}

impl MeetingShown {
    /// As it stands.
    pub fn of(meeting: &Meeting<'_>, table: &Table) -> MeetingShown {
        let plan = meeting.plan;
        let zones =
            plan.places.first().map_or_else(|| table.zones.clone(), |place| table.zones.with(&place.zone));
        let mut shown = MeetingShown {
            plan: plan.clone(),
            plan_entry: meeting.plan_entry.to_string(),
            plan_by: table.posts.author(meeting.plan_by),
            windows: plan.windows.iter().map(|window| WindowShown::of(window, &zones)).collect(),
            agreed: None,
            cancelled: None,
            held: None,
            fallback: plan
                .fallback
                .as_ref()
                .map(|again| WindowShown::of(&again.window, &table.zones.with(&again.place.zone))),
            embargo: match &plan.publicity {
                Publicity::AgreedLine { embargo, .. } => Some(table.zones.show(embargo.0)),
                Publicity::Undisclosed | Publicity::Announced => None,
            },
        };
        match &meeting.standing {
            Standing::Proposed => {}
            Standing::Agreed { window, place, by } => {
                let window = WindowShown::of(window, &table.zones.with(&place.zone));
                let by = table.posts.author(*by);
                shown.agreed = Some(AgreedShown { window, place: (*place).clone(), by });
            }
            Standing::Cancelled { why, .. } => shown.cancelled = Some((*why).to_owned()),
            Standing::Held { at, remark } => {
                let remark = (*remark).to_owned();
                shown.held = Some(HeldShown { at: zones.show(at.0), remark });
            }
        }
        shown
    }

    /// For people.
    pub fn push_words(&self, out: &mut String) {
        let plan = &self.plan;
        if let Some(agreed) = &self.agreed {
            let _ = writeln!(out, "Agreed\n  {}\n  {}", agreed.window.words(), place_words(&agreed.place));
        }
        if let Some(why) = &self.cancelled {
            let _ = writeln!(out, "Cancelled\n  {}", lines(why, 2));
        }
        if let Some(held) = &self.held {
            let _ = writeln!(out, "Held\n  {}\n  {}", held.at.words(), lines(&held.remark, 2));
        }
        let _ = writeln!(out, "Plan by {}", who(&self.plan_by));
        for (number, window) in (1..).zip(&self.windows) {
            let _ = writeln!(out, "  window {number}: {}", window.words());
        }
        for (number, place) in (1..).zip(&plan.places) {
            let _ = writeln!(out, "  place {number}: {}", place_words(place));
        }
        for who in &plan.participants {
            let parts = [&who.name, &who.role, &who.side].into_iter().filter(|part| !part.is_empty());
            let _ =
                writeln!(out, "  with {}", parts.map(|part| one_line(part)).collect::<Vec<_>>().join(", "));
        }
        for (number, point) in (1..).zip(&plan.agenda) {
            let _ = writeln!(out, "  point {number}: {}", one_line(point));
        }
        self.push_public(out);
    }

    fn push_public(&self, out: &mut String) {
        let plan = &self.plan;
        let public = match (&plan.publicity, &self.embargo) {
            (Publicity::Undisclosed, _) => "undisclosed".to_owned(),
            (Publicity::Announced, _) => "announced".to_owned(),
            (Publicity::AgreedLine { .. }, embargo) => {
                format!(
                    "agreed line, not before {}",
                    embargo.as_ref().map(TimeShown::words).unwrap_or_default()
                )
            }
        };
        let _ = writeln!(out, "  {public}");
        if let Publicity::AgreedLine { texts, .. } = &plan.publicity {
            for text in texts {
                let _ = writeln!(out, "    [{}] {}", text.lang, lines(&text.text, 6));
            }
        }
        if let Some(words) = &plan.recognition {
            let _ = writeln!(
                out,
                "  the guest says {}, the host answers {}",
                one_line(&words.word),
                one_line(&words.reply)
            );
        }
        if let (Some(again), Some(window)) = (&plan.fallback, &self.fallback) {
            let _ = writeln!(out, "  if it fails: {}, {}", window.words(), place_words(&again.place));
        }
    }
}

impl WindowShown {
    fn of(window: &TimeSpan, zones: &Zones) -> WindowShown {
        WindowShown { from: zones.show(window.from.0), until: zones.show(window.until.0) }
    }

    /// For people.
    pub fn words(&self) -> String {
        format!("{} until {}", self.from.words(), self.until.words())
    }
}

fn place_words(place: &Place) -> String {
    format!("{}, {} ({})", one_line(&place.name), one_line(&place.city), one_line(&place.zone))
}
