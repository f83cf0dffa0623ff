//! Who owes whom an answer, computed from the newest entries.

use couloir_talks::matter::Matter;
use couloir_wire::entry::{Body, DeliveryState};
use couloir_wire::id::EntryId;

use crate::store::{LogRow, Reader};
use crate::words::Outcome;

/// The newest entries, and what follows from them.
pub struct Ledger {
    rows: Vec<LogRow>,
}

/// What one of our desks said about an entry of the other's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Answered {
    /// Deferred until, in milliseconds since 1970; withheld if there is none.
    until_ms: Option<i64>,
}

impl Ledger {
    /// Of the newest entries of a store.
    pub fn of(reader: &Reader) -> Outcome<Ledger> {
        Ok(Ledger { rows: reader.log_before(None, LOOKED_AT_ROWS)? })
    }

    /// Of these entries, in the order of the log.
    #[cfg(test)]
    fn over(rows: Vec<LogRow>) -> Ledger {
        Ledger { rows }
    }

    /// Entries of the peer's after which we have said nothing in their conversation, and which we did not
    /// answer without an answer. What we deferred is among them, with its time.
    pub fn owed_by_us(&self) -> Vec<(&LogRow, Option<i64>)> {
        let open = |row: &&LogRow| {
            !row.is_own && is_said(row) && asks_nowhere_else(row) && !self.is_withdrawn(row.id)
        };
        let owed =
            self.rows.iter().enumerate().filter(|(_, row)| open(row)).filter_map(|(at, row)| {
                match self.answered(row.id, true) {
                    Some(answered) => answered.until_ms.map(|until_ms| (row, Some(until_ms))),
                    None => (!self.is_followed(at)).then_some((row, None)),
                }
            });
        owed.collect()
    }

    /// Whether we said something after it in the same conversation.
    fn is_followed(&self, at: usize) -> bool {
        let conversation = self.rows[at].conversation;
        let later = &self.rows[at + 1..];
        later.iter().any(|row| row.is_own && row.conversation == conversation && is_said(row))
    }

    /// Whether its author took it back.
    fn is_withdrawn(&self, id: EntryId) -> bool {
        self.rows.iter().any(|row| matches!(row.body(), Some(Body::Withdraw { entry }) if *entry == id))
    }

    /// Since when the peer has what we said and has not answered.
    pub fn unanswered_since(&self) -> Option<i64> {
        let after = self.rows.iter().rposition(|row| !row.is_own).map_or(0, |at| at + 1);
        let ours = |row: &&LogRow| row.is_own && is_said(row) && row.state >= DeliveryState::Delivered;
        self.rows[after..].iter().find(ours).map(|row| row.at_ms)
    }

    /// The last answer without an answer to an entry; by us if `is_own`.
    fn answered(&self, id: EntryId, is_own: bool) -> Option<Answered> {
        self.rows.iter().rev().filter(|row| row.is_own == is_own).find_map(|row| match row.body() {
            Some(Body::Answer { entry, deferred_until_ms }) if *entry == id => {
                Some(Answered { until_ms: *deferred_until_ms })
            }
            _ => None,
        })
    }
}

/// Whether it says something that an answer can be expected to.
fn is_said(row: &LogRow) -> bool {
    use Body as B;
    !matches!(
        row.body(),
        None | Some(B::Answer { .. } | B::Edit { .. } | B::Withdraw { .. } | B::Translate(_) | B::Open(_))
    )
}

/// What is on the record, and the steps of matters, ask for themselves, or ask nothing.
fn asks_nowhere_else(row: &LogRow) -> bool {
    let is_on_record = matches!(row.body(), Some(Body::Statement(_) | Body::Countersign { .. }));
    !is_on_record && !Matter::KINDS.contains(&row.kind.as_str())
}

/// Whoever is owed an answer to something older has asked again.
const LOOKED_AT_ROWS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use couloir_wire::entry::{Entry, Precedence};
    use couloir_wire::id::{ConversationId, PostId};

    fn row(number: u64, is_own: bool, body: Body) -> LogRow {
        LogRow {
            number: Some(number),
            id: EntryId([number as u8; 16]),
            conversation: ConversationId::default(),
            author: PostId::default(),
            at_ms: number as i64,
            precedence: Precedence::Routine,
            kind: body.word().to_owned(),
            cited: number,
            about: body.of(),
            entry: Some(said(number, body)),
            expires_ms: None,
            is_own,
            state: DeliveryState::Delivered,
            has_gap: false,
        }
    }

    fn said(number: u64, body: Body) -> Entry {
        Entry {
            id: EntryId([number as u8; 16]),
            conversation: ConversationId::default(),
            author: PostId::default(),
            parents: Vec::new(),
            at_ms: number as i64,
            precedence: Precedence::Routine,
            expires_ms: None,
            salt: [0; 16],
            marking: None,
            body,
        }
    }

    fn note(number: u64, is_own: bool) -> LogRow {
        row(number, is_own, Body::note("x"))
    }

    fn answer(number: u64, of: u8, until: Option<i64>) -> LogRow {
        row(number, true, Body::Answer { entry: EntryId([of; 16]), deferred_until_ms: until })
    }

    fn owed(ledger: &Ledger) -> Vec<(u64, Option<i64>)> {
        ledger.owed_by_us().iter().map(|(row, until)| (row.number.unwrap_or(0), *until)).collect()
    }

    #[test]
    fn what_the_peer_said_last_waits_for_us_until_we_say_something() {
        let mut rows = vec![note(1, false), note(2, true), note(3, false), note(4, false)];
        assert_eq!(owed(&Ledger::over(rows.clone())), [(3, None), (4, None)]);
        rows.push(note(5, true));
        let ledger = Ledger::over(rows);
        assert_eq!((owed(&ledger), ledger.unanswered_since()), (vec![], Some(5)));
    }

    #[test]
    fn what_was_deferred_waits_for_its_time_and_what_was_withheld_does_not() {
        let rows =
            vec![note(1, false), answer(2, 1, Some(99)), note(3, false), answer(4, 3, None), note(5, true)];
        assert_eq!(owed(&Ledger::over(rows)), [(1, Some(99))]);
    }
}
