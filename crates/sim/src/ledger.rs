//! The record among the talk: users put statements on it and answer them, and both desks must hold the same.
//!
//! Signatures are real. Whoever may say what is seen by the record, not by the user: each proves everything anew.

use std::collections::BTreeMap;

use couloir_engine::StateKey;
use couloir_engine::channel::ChannelState;
use couloir_seal::identity::SigningKey;
use couloir_seal::papers::{digest, side_id};
use couloir_seal::proof::Authentic;
use couloir_seal::record::{
    Act, Asks, Audience, Papers, Said, Statement, Text, VERSION, Verdict, countersign, say,
};
use couloir_talks::record::{Item, Record};
use couloir_wire::cbor;
use couloir_wire::entry::{Body, Entry};
use couloir_wire::id::{EntryId, StatementId};
use couloir_wire::limits::COUNTERSIGNATURES_OF_ONE_MAX;
use couloir_wire::papers::{
    Certificate, PAPER_OCTETS_MAX, SignedAcceptance, SignedCertificate, SignedCharter, Signet,
};
use couloir_wire::time::WallTime;

use crate::checks::{Check, Verdict as Checked, require};
use crate::world::World;

/// What one machine holds of the record.
struct Ledger {
    own: SignedCertificate,
    papers: Papers,
    audience: Audience,
    now: WallTime,
    /// Statements and countersignatures.
    entries: Vec<Entry>,
    /// The statements that hold, by their entries.
    said: BTreeMap<EntryId, Authentic<Said>>,
}

impl Ledger {
    /// None while the other side is not known.
    fn of(channel: &ChannelState, now: WallTime, entries: Vec<Entry>) -> Option<Ledger> {
        let own = SignedCertificate::decode(&channel.own_certificate).ok()?;
        let signet = cbor::decode_strict::<Signet>(&channel.own_signet, PAPER_OCTETS_MAX).ok()?;
        let (other, certificate) = other(channel)?;
        let charter = SignedCharter::decode(&channel.charter.as_ref()?.0).ok()?;
        let sides = [&signet, &other].map(side_id).to_vec();
        let posts = [&own, &certificate].map(|signed| signed.unverified().post).to_vec();
        let mut papers = Papers::new([signet, other]);
        for certificate in [&own, &certificate] {
            papers.learn_certificate(&certificate.encode()).ok()?;
        }
        let audience = Audience::new(charter.unverified().channel, sides, posts);
        let proven = |entry: &Entry| match &entry.body {
            Body::Statement(document) => Some((entry.id, papers.prove(document).ok()?)),
            _ => None,
        };
        let said = entries.iter().filter_map(proven).collect();
        Some(Ledger { own, papers, audience, now, entries, said })
    }

    fn certificate(&self) -> &Certificate {
        self.own.unverified()
    }

    /// The record, its items taken as `entries` come.
    fn record<'e>(&self, entries: impl Iterator<Item = &'e Entry>) -> Record {
        let mut record = Record::new(self.audience.clone());
        for item in entries.filter_map(|entry| self.item(entry)) {
            // What is another audience's is missing in the count.
            let _ = record.add(item);
        }
        record
    }

    fn item(&self, entry: &Entry) -> Option<Item> {
        match &entry.body {
            Body::Statement(_) => self.said.get(&entry.id).cloned().map(Item::Statement),
            Body::Countersign { statement, countersignature } => {
                let said = self.said.get(statement)?;
                let mark = self.papers.prove_countersignature(countersignature, said).ok()?;
                Some(Item::Countersignature(mark))
            }
            _ => None,
        }
    }

    /// A statement of the other side that this desk may still answer.
    fn unanswered(&self, record: &Record) -> Option<(EntryId, &Authentic<Said>)> {
        let (own, side) = (self.certificate().post, self.certificate().side);
        let may_answer = |said: &Authentic<Said>| {
            let answered = record.said_by(said.get().digest, own).len();
            said.get().statement.side != side && answered < COUNTERSIGNATURES_OF_ONE_MAX
        };
        self.said.iter().find(|(_, said)| may_answer(said)).map(|(entry, said)| (*entry, said))
    }

    fn statement(&self, key: &SigningKey, words: String, id: StatementId, record: &Record) -> Option<Body> {
        let statement = Statement {
            version: VERSION,
            audience: self.audience.clone(),
            id,
            previous: record.previous(),
            side: self.certificate().side,
            author: self.certificate().post,
            at_ms: self.now.0,
            asks: Asks::Agree,
            texts: vec![Text {
                lang: "ja".to_owned(), title: words, text: "双方は一致した。".to_owned()
            }],
            corrects: None,
        };
        say(key, &self.own, &statement).ok().map(Body::Statement)
    }

    fn answer(&self, key: &SigningKey, verdict: Verdict, record: &Record) -> Option<Body> {
        let (statement, said) = self.unanswered(record)?;
        let act = Act {
            version: VERSION,
            statement: said.get().digest,
            previous: record.previous(),
            side: self.certificate().side,
            author: self.certificate().post,
            at_ms: self.now.0,
            verdict,
            certificate: digest(&self.own),
            reason: None,
        };
        let countersignature = countersign(key, &self.own, said, &act).ok()?;
        Some(Body::Countersign { statement, countersignature })
    }
}

/// The other side's signet and certificate.
fn other(channel: &ChannelState) -> Option<(Signet, SignedCertificate)> {
    if let Some((signet, certificate)) = &channel.inviter {
        let signet = cbor::decode_strict(&signet.0, PAPER_OCTETS_MAX).ok()?;
        return Some((signet, SignedCertificate::decode(&certificate.0).ok()?));
    }
    let acceptance = SignedAcceptance::decode(&channel.acceptance.as_ref()?.0).ok()?;
    let accepted = acceptance.unverified();
    Some((accepted.signet.clone(), accepted.certificate.clone()))
}

impl World {
    fn ledger(&self, node: usize) -> Option<Ledger> {
        let machine = &self.nodes[node];
        let engine = machine.engine.as_ref()?;
        let channel = ChannelState::decode(machine.store.state(StateKey::Channel)?).ok()?;
        let kept = machine.store.entries().filter(|entry| entry.number.is_some() || entry.is_own);
        let entries = kept.filter_map(|entry| Entry::decode(&entry.encoded).ok());
        let is_of_record =
            |entry: &Entry| matches!(entry.body, Body::Statement(_) | Body::Countersign { .. });
        let now = engine.status(machine.now(self.now_ms, self.wall())).at;
        Ledger::of(&channel, now, entries.filter(is_of_record).collect())
    }

    /// The user at `node` answers a statement, or says one.
    pub(crate) fn speak_on_record(&mut self, node: usize) -> Option<Body> {
        let (ledger, words) = (self.ledger(node)?, self.words());
        let (id, answers) = (StatementId(self.talk.id()), self.talk.percent(60));
        let verdict = [Verdict::Acknowledge, Verdict::Agree][self.talk.below(2) as usize];
        let (key, record) = (self.nodes[node].signing_key(), ledger.record(ledger.entries.iter()));
        let answer = answers.then(|| ledger.answer(&key, verdict, &record)).flatten();
        answer.or_else(|| ledger.statement(&key, words, id, &record))
    }

    /// Both desks hold one record, in whatever order its items came.
    pub(crate) fn check_record(&mut self) {
        let desks = (0..self.nodes.len()).filter(|node| !self.nodes[*node].is_retired);
        let ledgers: Vec<Ledger> = desks.filter_map(|node| self.ledger(node)).collect();
        let records: Vec<Record> =
            ledgers.iter().map(|ledger| ledger.record(ledger.entries.iter())).collect();
        self.judge(ledgers.iter().zip(&records).try_for_each(|(ledger, record)| ledger.check(record)));
        let is_same = records.windows(2).all(|pair| pair[0] == pair[1] && pair[0].head() == pair[1].head());
        self.judge(require(Check::SameHead, is_same, || {
            let heads: Vec<_> = records.iter().map(|record| (record.len(), record.head())).collect();
            format!("two desks hold other records: {heads:?}")
        }));
        self.tally.on_record = records.iter().map(|record| record.len() as u64).min().unwrap_or(0);
    }
}

impl Ledger {
    /// Everything that was said counts, and the order in which it came changes nothing.
    fn check(&self, record: &Record) -> Checked {
        let backwards = self.record(self.entries.iter().rev());
        let is_same = backwards == *record && backwards.states() == record.states();
        require(Check::SameHead, is_same, || {
            format!("the record has {} items, and backwards {}", record.len(), backwards.len())
        })?;
        let items = self.entries.iter().filter(|entry| self.item(entry).is_some()).count();
        require(Check::SameHead, items == self.entries.len(), || {
            format!("{items} of {} items on the record hold", self.entries.len())
        })
    }
}
