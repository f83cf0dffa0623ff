//! Lists of matters.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::keep;
use super::table::Table;
use super::times::TimeShown;
use crate::clerk::row::Author;
use crate::clerk::{Node, find};
use crate::cli::plain::one_line;
use crate::cli::values::rfc3339;
use crate::store::{MatterRow, Wanted};
use crate::words::Outcome;

/// Which matters a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// `meeting`, `case`, `swap`, `announcement` or `report`; all if there is none.
    pub kind: Option<String>,
    /// Also those that are over.
    pub with_ended: bool,
    /// Only those that wait for our answer.
    pub ours_to_answer: bool,
    /// Only those of which something is overdue.
    pub overdue: bool,
    /// Only those whose title holds this.
    pub title: Option<String>,
    /// Only those of this conversation.
    pub conversation: Option<String>,
    /// Only those whose newest step has a log number below this.
    pub before: Option<u64>,
    /// At most so many.
    pub count: Option<usize>,
}

/// A matter in a list. Keys are stable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedMatter {
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
    /// When it was opened.
    pub at: String,
    /// Whether our side opened it.
    pub ours: bool,
    /// Whether our post owes the next word.
    pub waits_for_us: bool,
    /// Whether another side owes it.
    pub waits_for_them: bool,
    /// By when.
    pub due: Option<TimeShown>,
    /// Whether that time is past.
    pub overdue: bool,
    /// Log number of its newest step.
    pub newest: u64,
    /// Of a case: how many persons, and how many of each status as our side sees it.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub detail: Value,
}

/// The matters that are wanted.
pub fn list<N: Node>(node: &mut N, filter: &Filter) -> Outcome<Vec<ListedMatter>> {
    keep::refresh(node)?;
    let table = Table::of(node.reader())?;
    let conversation =
        filter.conversation.as_deref().map(|typed| find::conversation(node, typed)).transpose()?;
    let wanted = Wanted {
        kind: filter.kind.clone(),
        only_open: !filter.with_ended,
        only_ours_to_answer: filter.ours_to_answer,
        due_before_ms: filter.overdue.then_some(table.now.0),
        title: filter.title.clone(),
        conversation,
        before: filter.before,
        by_due: filter.ours_to_answer || filter.overdue,
    };
    let rows = node.reader().matters(&wanted, filter.count.unwrap_or(COUNT).min(COUNT_MAX))?;
    Ok(rows
        .iter()
        .map(|row| ListedMatter::of(row, &table))
        .filter(|row| row.open || filter.with_ended)
        .collect())
}

impl ListedMatter {
    /// As it is now: a swap ends with its deadline, before anybody has said so.
    pub fn of(row: &MatterRow, table: &Table) -> ListedMatter {
        let (opening, summary) = (&row.opening, &row.summary);
        let is_past = summary.due_ms.is_some_and(|due| due <= table.now.0);
        let is_late = summary.kind == "swap" && summary.state == "committing" && is_past;
        let open = summary.is_open && !is_late;
        ListedMatter {
            id: opening.id.to_string(),
            cited: format!("{}{}", opening.cited, table.posts.letter(opening.conversation, opening.author)),
            kind: summary.kind.clone(),
            conversation: opening.conversation.to_string(),
            title: summary.title.clone(),
            state: if is_late { "off".to_owned() } else { summary.state.clone() },
            open,
            by: table.posts.author(opening.author),
            at: rfc3339(opening.at_ms),
            ours: summary.is_ours,
            waits_for_us: open && summary.waits_for_us,
            waits_for_them: open && summary.waits_for_them,
            due: summary.due_ms.map(|due| table.zones.show(due)),
            overdue: open && is_past && summary.kind == "case",
            newest: row.newest,
            detail: serde_json::from_str(&summary.detail).unwrap_or_default(),
        }
    }

    /// One line and its conditions, for people.
    pub fn words(&self) -> String {
        let id = self.id.get(..8).unwrap_or(&self.id);
        let due = self
            .due
            .as_ref()
            .filter(|_| self.open)
            .map(|due| format!("\n      {}: {}", self.due_word(), due.words()));
        format!(
            "[{id}] {} {}  {}{}{}{}",
            self.cited,
            one_line(&self.title),
            self.state,
            self.counts(),
            if self.waits_for_us { "  WAITS FOR YOU" } else { "" },
            due.unwrap_or_default()
        )
    }

    fn due_word(&self) -> &'static str {
        match (self.kind.as_str(), self.overdue) {
            ("case", true) => "OVERDUE since",
            ("meeting", _) => "from",
            ("announcement", _) => "embargo until",
            _ => "until",
        }
    }

    fn counts(&self) -> String {
        let Some(counts) = self.detail["counts"].as_object() else { return String::new() };
        let counts: Vec<String> = counts.iter().map(|(status, count)| format!("{count} {status}")).collect();
        format!("  {}", counts.join(", "))
    }
}

/// What a list says when it is empty, or its lines.
pub fn words(listed: &[ListedMatter]) -> String {
    if listed.is_empty() {
        return "None.".to_owned();
    }
    listed.iter().map(ListedMatter::words).collect::<Vec<_>>().join("\n")
}

/// A screenful or two.
const COUNT: usize = 100;
/// As much as one line of an answer holds.
const COUNT_MAX: usize = 500;
