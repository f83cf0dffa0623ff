//! The count: what both nodes' logs say about what was said.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::notes::Notes;
use super::stage::{City, Stage};
use crate::clerk::row::Row;
use crate::words::{Code, Failure, Outcome};

/// `couloir tour --json`. Keys are stable.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Notes that a node took: it answered with an id, or its own log has them.
    pub said: usize,
    /// Of these, how many the other node's log has.
    pub arrived: usize,
    /// Of these, how many it has not.
    pub lost: usize,
    /// Notes that stand in one log more than once.
    pub repeated: usize,
    /// Notes that stand in the other log before one that their author said earlier.
    pub out_of_order: usize,
    /// Notes whose text is not what was said.
    pub altered: usize,
    /// Notes that arrived and whose author's log does not say `delivered` or `shown`.
    pub undelivered: usize,
    /// The longest time from saying a note to its showing on the other side.
    pub longest_wait_ms: u64,
    /// The same among notes during which both nodes ran.
    pub longest_wait_nodes_up_ms: u64,
    /// The median of all.
    pub median_wait_ms: u64,
    /// How long the test of the line took.
    pub drill_ms: u64,
    /// Whether every promise was kept.
    pub kept: bool,
}

type Logs = BTreeMap<City, Vec<Row>>;

impl Count {
    /// Reads both logs by `couloir log --json`.
    pub fn of(stage: &Stage, notes: &Notes, drill_ms: u64) -> Outcome<Count> {
        let mut logs = Logs::new();
        for city in City::ALL {
            logs.insert(city, rows(&stage.place().command(city, &["log", "--json"])?)?);
        }
        let mut count = Count { drill_ms, ..Count::default() };
        City::ALL.into_iter().for_each(|city| count.add(city, &logs, notes));
        count.add_waits(&mut notes.waits_ms());
        count.kept = count.broken().is_empty();
        Ok(count)
    }

    /// Adds what `from` said.
    fn add(&mut self, from: City, logs: &Logs, notes: &Notes) {
        let (own, others) = (&logs[&from], &logs[&from.other()]);
        let own: Vec<&Row> = own.iter().filter(|row| row.own).collect();
        let there: Vec<&Row> = others.iter().filter(|row| !row.own).collect();
        let answered = notes.of(from);
        let mut said: BTreeSet<&str> = answered.iter().map(|(id, _)| id.as_str()).collect();
        said.extend(own.iter().map(|row| row.id.as_str()));
        let arrived: BTreeSet<&str> = there.iter().map(|row| row.id.as_str()).collect();
        self.said += said.len();
        self.arrived += said.intersection(&arrived).count();
        self.lost += said.difference(&arrived).count();
        self.repeated += repeats(&own) + repeats(&there);
        self.out_of_order += steps_back(&own, &there);
        let texts: BTreeMap<&str, &str> =
            there.iter().map(|row| (row.id.as_str(), row.text.as_str())).collect();
        let is_altered = |id: &str, text: &str| texts.get(id).is_some_and(|shown| *shown != text);
        self.altered += answered.iter().filter(|(id, note)| is_altered(id, &note.text)).count();
        let is_receipted = |row: &&&Row| matches!(row.state.as_str(), "delivered" | "shown");
        let received = own.iter().filter(|row| arrived.contains(row.id.as_str()));
        self.undelivered += received.filter(|row| !is_receipted(row)).count();
    }

    fn add_waits(&mut self, waits: &mut [(u64, bool)]) {
        waits.sort_unstable();
        self.longest_wait_ms = waits.last().map_or(0, |(wait, _)| *wait);
        self.longest_wait_nodes_up_ms =
            waits.iter().filter(|(_, are_up)| *are_up).map(|(wait, _)| *wait).max().unwrap_or(0);
        self.median_wait_ms = waits.get(waits.len() / 2).map_or(0, |(wait, _)| *wait);
    }

    /// Which promises broke; empty if none.
    pub fn broken(&self) -> String {
        let promises = [
            (self.said == 0, "nothing was said"),
            (self.lost > 0, "notes were lost"),
            (self.repeated > 0, "notes were repeated"),
            (self.out_of_order > 0, "notes are out of order"),
            (self.altered > 0, "notes were altered"),
            (self.undelivered > 0, "notes arrived without a receipt"),
        ];
        promises
            .iter()
            .filter(|(is_broken, _)| *is_broken)
            .map(|(_, words)| *words)
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// For people.
    pub fn words(&self) -> String {
        format!(
            "said {}, arrived {}, lost {}, repeated {}, out of order {}\nlongest wait {} ms ({} ms while both nodes ran), median {} ms; the line's test took {} ms",
            self.said,
            self.arrived,
            self.lost,
            self.repeated,
            self.out_of_order,
            self.longest_wait_ms,
            self.longest_wait_nodes_up_ms,
            self.median_wait_ms,
            self.drill_ms,
        )
    }
}

fn rows(log: &str) -> Outcome<Vec<Row>> {
    let row = |line: &str| {
        serde_json::from_str(line).map_err(|error| {
            Failure::new(Code::Failed, format!("a line of the log is no row: {error}"), "report this")
        })
    };
    log.lines().map(row).collect()
}

fn repeats(rows: &[&Row]) -> usize {
    rows.len() - rows.iter().map(|row| &row.id).collect::<BTreeSet<_>>().len()
}

/// Notes in `there` that stand after one that their author, by its own log, said later.
fn steps_back(own: &[&Row], there: &[&Row]) -> usize {
    let place: BTreeMap<&str, usize> =
        own.iter().enumerate().map(|(place, row)| (row.id.as_str(), place)).collect();
    let places = there.iter().filter_map(|row| place.get(row.id.as_str()));
    let mut furthest = 0;
    let is_back = |place: &&usize| {
        let is_back = **place < furthest;
        furthest = furthest.max(**place);
        is_back
    };
    places.filter(is_back).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, is_own: bool) -> Row {
        let line = format!(
            r#"{{"id":"{id}","number":1,"cited":"1A","conversation":"","author":{{"side":"","post":""}},"own":{is_own},
                "kind":"note","text":"","at":"","precedence":"routine","state":"shown","gap":false}}"#
        );
        serde_json::from_str(&line).expect("a row")
    }

    fn rows(ids: &str, is_own: bool) -> Vec<Row> {
        ids.chars().map(|id| row(&id.to_string(), is_own)).collect()
    }

    #[test]
    fn a_note_after_a_later_one_is_out_of_order_and_only_it() {
        let (own, there) = (rows("abcd", true), rows("acbd", false));
        let [own, there] = [&own, &there].map(|rows| rows.iter().collect::<Vec<_>>());
        assert_eq!(steps_back(&own, &there), 1);
        assert_eq!(steps_back(&own, &own), 0);
    }

    #[test]
    fn loss_and_repetition_break_the_promise() {
        let notes = Notes::begin(std::time::Instant::now());
        let mut logs = Logs::new();
        logs.insert(City::Tokyo, rows("abc", true));
        logs.insert(City::Beijing, rows("aab", false));
        let mut count = Count::default();
        count.add(City::Tokyo, &logs, &notes);
        assert_eq!((count.said, count.arrived, count.lost, count.repeated), (3, 2, 1, 1));
        assert_eq!(count.broken(), "notes were lost, notes were repeated");
    }
}
