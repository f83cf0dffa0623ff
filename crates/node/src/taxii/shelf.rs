//! What may leave, collection by collection, as the node's reports have it.

use std::collections::{BTreeMap, BTreeSet};

use couloir_talks::stix::StixBundle;
use couloir_wire::entry::Way;
use jiff::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Terms;
use crate::clerk::Reach;
use crate::clerk::matters::onward::Onward;
use crate::clerk::matters::report::{Held, ReportAsk};
use crate::clerk::matters::{Filter, ListedMatter, MatterShown};
use crate::socket::Request;
use crate::words::{Failure, Outcome};

/// An object that may leave.
pub struct Shelved {
    /// Its id.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// Its version.
    pub version: Timestamp,
    /// When it came into the collection.
    pub added: Timestamp,
    /// The report that it came with.
    pub report: String,
    /// All of it, as it was written.
    pub value: Box<RawValue>,
}

/// A conversation as a collection.
#[derive(Clone)]
pub struct Collection {
    /// Its id, as a UUID.
    pub id: String,
    /// The conversation's id.
    pub conversation: String,
    /// Its subject.
    pub title: String,
}

/// Collections and what lies in them.
pub struct Shelf {
    terms: Terms,
    collections: Vec<Collection>,
    shelved: BTreeMap<String, Vec<Shelved>>,
    /// Reports that were looked at, of all collections.
    seen: BTreeSet<String>,
    /// Reports whose originators know.
    told: BTreeSet<String>,
}

impl Shelf {
    /// An empty one.
    pub fn new(terms: Terms) -> Shelf {
        let (shelved, collections) = (BTreeMap::new(), Vec::new());
        Shelf { terms, collections, shelved, seen: BTreeSet::new(), told: BTreeSet::new() }
    }

    fn reach(&self) -> Outcome<Reach> {
        Reach::running(&self.terms.args)?
            .ok_or_else(|| Failure::later("the node does not run", "start it: couloir run"))
    }

    /// Every conversation.
    pub fn collections(&mut self) -> Outcome<&[Collection]> {
        let answer = self.reach()?.ask(&Request::Conversations)?;
        let rows = answer["conversations"].as_array().cloned().unwrap_or_default();
        self.collections = rows.iter().filter_map(Collection::of).collect();
        Ok(&self.collections)
    }

    /// One conversation. They are asked for again only if it is none of those known, for their subjects never change.
    pub fn collection(&mut self, id: &str) -> Outcome<Option<Collection>> {
        let find = |all: &[Collection]| all.iter().find(|each| each.id == id).cloned();
        match find(&self.collections) {
            Some(known) => Ok(Some(known)),
            None => Ok(find(self.collections()?)),
        }
    }

    /// What lies in a collection, in the order in which it was added.
    pub fn objects(&mut self, collection: &Collection) -> Outcome<&[Shelved]> {
        let mut reach = self.reach()?;
        let (mut before, mut is_new) = (None, false);
        loop {
            let listed = reports(&mut reach, &collection.conversation, before)?;
            let fresh: Vec<&ListedMatter> =
                listed.iter().filter(|row| !self.seen.contains(&row.id)).collect();
            for row in &fresh {
                self.shelve(&mut reach, collection, row)?;
            }
            is_new |= !fresh.is_empty();
            before = listed.last().map(|row| row.newest);
            if fresh.is_empty() || before.is_none() {
                break;
            }
        }
        let shelved = self.shelved.entry(collection.id.clone()).or_default();
        if is_new {
            shelved.sort_by(|one, other| {
                (one.added, &one.id, one.version).cmp(&(other.added, &other.id, other.version))
            });
        }
        Ok(shelved)
    }

    fn shelve(&mut self, reach: &mut Reach, collection: &Collection, row: &ListedMatter) -> Outcome {
        if row.state == "shared" && !self.is_full() {
            let held = match reach.ask(&about(ReportAsk::Held { report: row.id.clone() })) {
                Ok(answer) => serde_json::from_value::<Held>(answer).ok(),
                // A bundle that is not all here yet is looked at again; one that is unusable never leaves.
                Err(failure) if failure.code == crate::words::Code::TryAgain => return Ok(()),
                Err(_) => None,
            };
            let may_leave = held.filter(|held| held.marking <= self.terms.level);
            let added = row.at.parse::<Timestamp>().unwrap_or_default();
            let shelved = self.shelved.entry(collection.id.clone()).or_default();
            let bundle = may_leave.and_then(|held| StixBundle::read(&held.bundle).ok());
            for object in bundle.into_iter().flat_map(|bundle| bundle.objects) {
                let version = object.version.and_then(|version| version.parse().ok()).unwrap_or(added);
                let Ok(value) = RawValue::from_string(object.text) else { continue };
                let (id, kind) = (object.id, object.kind);
                shelved.push(Shelved { id, kind, version, added, report: row.id.clone(), value });
            }
        }
        self.seen.insert(row.id.clone());
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.shelved.values().map(Vec::len).sum::<usize>() >= OBJECTS_MAX
    }

    /// Tells the originators of these reports that they leave, each once.
    pub fn tell(&mut self, reports: BTreeSet<String>) -> Outcome {
        let new: Vec<String> = reports.into_iter().filter(|report| !self.told.contains(report)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let mut reach = self.reach()?;
        for report in new {
            if !self.is_known(&mut reach, &report)? {
                let (to, level) = (self.terms.client.clone(), self.terms.level);
                let onward = Onward { to, way: Way::Taxii, level };
                reach.ask(&about(ReportAsk::Release { report: report.clone(), onward }))?;
            }
            self.told.insert(report);
        }
        Ok(())
    }

    /// Whether its originator was told already, by a server before this one; our own need nobody's word.
    fn is_known(&self, reach: &mut Reach, report: &str) -> Outcome<bool> {
        let answer = reach.ask(&Request::Matter { matter: report.to_owned() })?;
        let Ok(matter) = serde_json::from_value::<MatterShown>(answer) else { return Ok(false) };
        let releases = matter.report.map(|report| report.releases).unwrap_or_default();
        let is_same = |way: &str, to: &str| way == "taxii" && to == self.terms.client;
        Ok(matter.ours || releases.iter().any(|release| is_same(&release.way, &release.to)))
    }
}

fn about(ask: ReportAsk) -> Request {
    Request::Report { ask: Box::new(ask) }
}

fn reports(reach: &mut Reach, conversation: &str, before: Option<u64>) -> Outcome<Vec<ListedMatter>> {
    let filter = Filter {
        kind: Some("report".to_owned()),
        with_ended: true,
        conversation: Some(conversation.to_owned()),
        before,
        ..Filter::default()
    };
    let answer = reach.ask(&Request::Matters { filter })?;
    Ok(serde_json::from_value(answer["matters"].clone()).unwrap_or_default())
}

impl Collection {
    fn of(row: &Value) -> Option<Collection> {
        let conversation = row["id"].as_str()?.to_owned();
        let part = |from: usize, until: usize| conversation.get(from..until);
        let parts = [part(0, 8)?, part(8, 12)?, part(12, 16)?, part(16, 20)?, part(20, 32)?];
        Some(Collection { id: parts.join("-"), title: row["subject"].as_str()?.to_owned(), conversation })
    }

    /// As TAXII shows it (section 5.2).
    pub fn facts(&self) -> Value {
        json!({
            "id": self.id,
            "title": self.title,
            "can_read": true,
            "can_write": false,
            "media_types": [super::serve::STIX],
        })
    }
}

/// Objects that are kept at hand.
const OBJECTS_MAX: usize = 500_000;
