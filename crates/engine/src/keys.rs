//! The epochs of a link: which key writes, which keys read (PROTOCOL §4.2).
//!
//! *A change of keys.* C commits and is then at the next epoch for reading; it goes on writing the
//! old one until it opens a cell of the new. P merges the commit and writes the new epoch at once.
//! Both read both. *Erasure.* [`EPOCH_LINGER_WINDOWS`] after the new epoch was first read the old one
//! goes; at most two live. *Hours.* Ratchets move on when told that no earlier hour will be asked for.

use std::cell::RefCell;
use std::collections::BTreeMap;

use couloir_seal::agreement::{Agreement, AgreementError};
use couloir_seal::link_keys::next_epoch;
use couloir_seal::{CipherSuite, Direction, Entropy, HourKey, HourRatchet, Secret32};
use couloir_wire::time::{Hour, Moment, WallTime};
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

/// Both directions' keys of one epoch.
struct Epoch {
    number: u64,
    write: HourRatchet,
    read: HourRatchet,
    cache: RefCell<Cache>,
}

#[derive(Default)]
struct Cache {
    write: BTreeMap<Hour, HourKey>,
    read: BTreeMap<Hour, HourKey>,
}

/// The keys of an established link.
pub struct Epochs {
    agreement: Agreement,
    salt: Secret32,
    suite: CipherSuite,
    own: Direction,
    /// Oldest first; one or two.
    live: Vec<Epoch>,
    writing: u64,
    /// When the cell was written that showed that the peer writes the newest epoch.
    switched: Option<WallTime>,
    /// When the newest cell was written that showed that the peer still wrote the older of two epochs.
    unswitched: Option<WallTime>,
    /// When the older of two epochs goes.
    erase_at: Option<Moment>,
}

#[derive(Encode, Decode)]
#[cbor(array)]
struct Stored {
    #[n(0)]
    agreement: ByteVec,
    #[n(1)]
    salt: Secret32,
    #[n(2)]
    is_null: bool,
    #[n(3)]
    is_committer: bool,
    #[n(4)]
    live: Vec<StoredEpoch>,
    #[n(5)]
    writing: u64,
    #[n(6)]
    switched_ms: Option<i64>,
}

#[derive(Encode, Decode)]
#[cbor(array)]
struct StoredEpoch {
    #[n(0)]
    number: u64,
    #[n(1)]
    write: ByteVec,
    #[n(2)]
    read: ByteVec,
}

impl Epochs {
    /// A link's first epoch: `salt` is what first contact or restart agreed on.
    pub fn new(
        agreement: Agreement,
        suite: CipherSuite,
        own: Direction,
        salt: &Secret32,
        first_hour: Hour,
    ) -> Epochs {
        let mut epochs = Epochs {
            writing: agreement.epoch(),
            agreement,
            salt: salt.clone(),
            suite,
            own,
            live: Vec::new(),
            switched: None,
            unswitched: None,
            erase_at: None,
        };
        epochs.begin(first_hour);
        epochs
    }

    /// The epoch that cells are written under.
    pub fn writing(&self) -> u64 {
        self.writing
    }

    /// Whether this node commits.
    pub fn is_committer(&self) -> bool {
        self.own == Direction::FromCommitter
    }

    /// Whether a change of keys is under way that the peer has not answered.
    pub fn is_changing(&self) -> bool {
        self.writing != self.newest()
    }

    /// SHA-256 of the newest epoch's authenticator.
    pub fn authenticator(&self) -> couloir_wire::id::Digest {
        self.agreement.authenticator()
    }

    /// Epochs to look for, most likely first: what the peer writes, then the other.
    pub fn readable(&self) -> impl Iterator<Item = u64> + '_ {
        let (first, second) = if self.is_changing() {
            (self.live.first(), self.live.get(1))
        } else {
            (self.live.last(), self.live.iter().rev().nth(1))
        };
        first.into_iter().chain(second).map(|epoch| epoch.number)
    }

    /// Epochs to look for in a window that opened at `opens`: the newest alone where the peer had changed to
    /// it well before, the older alone where the peer had yet to change well after.
    pub fn readable_at(&self, opens: WallTime) -> impl Iterator<Item = u64> + '_ {
        let is_later = |switched: WallTime| opens - switched > SWITCH_SLACK_MS;
        let is_earlier = |unswitched: WallTime| unswitched - opens > SWITCH_SLACK_MS;
        let newest = self.newest();
        let is_old = self.live.len() > 1 && self.unswitched.is_some_and(is_earlier);
        let is_new = !is_old && self.switched.is_some_and(is_later);
        self.readable().filter(move |number| if *number == newest { !is_old } else { !is_new })
    }

    /// The key under which a cell of `hour` is written in epoch `number`.
    pub fn write_key(&self, number: u64, hour: Hour) -> Option<HourKey> {
        let epoch = self.epoch(number)?;
        key_of(&epoch.write, &mut epoch.cache.borrow_mut().write, hour)
    }

    /// The key under which a cell of `hour` was written by the peer in epoch `number`.
    pub fn read_key(&self, number: u64, hour: Hour) -> Option<HourKey> {
        let epoch = self.epoch(number)?;
        key_of(&epoch.read, &mut epoch.cache.borrow_mut().read, hour)
    }

    /// A cell of epoch `number`, written about `written`, was opened. True if that is the first of a change of
    /// keys (durable state changed).
    pub fn opened(&mut self, number: u64, written: WallTime, now: Moment, linger_ms: u64) -> bool {
        if self.live.len() < 2 {
            return false;
        }
        if number != self.newest() {
            self.unswitched = self.unswitched.max(Some(written));
            return false;
        }
        if self.erase_at.is_none() {
            self.erase_at = Some(now + linger_ms);
        }
        let is_new = self.writing != number || self.switched.is_none();
        self.writing = number;
        self.switched.get_or_insert(written);
        is_new
    }

    /// When the older epoch goes, if that is decided.
    pub fn erases_at(&self) -> Option<Moment> {
        self.erase_at
    }

    /// Erases the older epoch if its time has come. True if durable state changed.
    pub fn erase(&mut self, now: Moment) -> bool {
        let is_due = self.erase_at.is_some_and(|at| at <= now) && self.live.len() > 1;
        if is_due {
            self.live.remove(0);
            self.erase_at = None;
        }
        is_due
    }

    /// C: the next epoch's commit, with P's update if there is a good one; `None` while one is unanswered.
    pub fn commit(
        &mut self,
        entropy: &mut Entropy,
        update: Option<&[u8]>,
        first_hour: Hour,
    ) -> Option<Result<Vec<u8>, AgreementError>> {
        if self.is_changing() || !self.is_committer() {
            return None;
        }
        let with_update = self.agreement.commit(entropy, update);
        let commit = match with_update {
            Err(_) if update.is_some() => self.agreement.commit(entropy, None),
            other => other,
        };
        if commit.is_ok() {
            self.begin(first_hour);
        }
        Some(commit)
    }

    /// P: an update for C's next commit.
    pub fn propose(&mut self, entropy: &mut Entropy) -> Result<Vec<u8>, AgreementError> {
        self.agreement.propose_update(entropy)
    }

    /// P: follows C's commit and writes the new epoch.
    pub fn follow(&mut self, commit: &[u8], first_hour: Hour) -> Result<(), AgreementError> {
        self.agreement.receive_commit(commit)?;
        self.begin(first_hour);
        self.writing = self.newest();
        Ok(())
    }

    /// Whether the keys with which `hour` would be written or read are erased.
    pub fn has_forgotten(&self, hour: Hour) -> bool {
        let writing = self.epoch(self.writing);
        writing.is_some_and(|epoch| epoch.write.hour() > hour || epoch.read.hour() > hour)
    }

    /// Erases the keys of every hour before `write` and `read`. True if durable state changed.
    pub fn forget_before(&mut self, write: Hour, read: Hour) -> bool {
        let mut is_changed = false;
        for epoch in &mut self.live {
            let before = (epoch.write.hour(), epoch.read.hour());
            epoch.write.advance(write);
            epoch.read.advance(read);
            let after = (epoch.write.hour(), epoch.read.hour());
            if before != after {
                let cache = epoch.cache.get_mut();
                cache.write.retain(|hour, _| *hour >= after.0);
                cache.read.retain(|hour, _| *hour >= after.1);
                is_changed = true;
            }
        }
        is_changed
    }

    /// For the store.
    pub fn encode(&self) -> Vec<u8> {
        let live = self.live.iter().map(|epoch| StoredEpoch {
            number: epoch.number,
            write: epoch.write.to_bytes().to_vec().into(),
            read: epoch.read.to_bytes().to_vec().into(),
        });
        couloir_wire::cbor::encode(&Stored {
            agreement: self.agreement.to_bytes().to_vec().into(),
            salt: self.salt.clone(),
            is_null: self.suite == CipherSuite::Null,
            is_committer: self.is_committer(),
            live: live.collect(),
            writing: self.writing,
            switched_ms: self.switched.map(|at| at.0),
        })
    }

    /// From the store. A change of keys that had been read starts its linger anew at `erase_at`.
    pub fn decode(octets: &[u8], erase_at: Moment) -> Option<Epochs> {
        let stored: Stored = couloir_wire::cbor::decode_strict(octets, octets.len()).ok()?;
        let epoch = |stored: &StoredEpoch| {
            let write = HourRatchet::from_bytes(&stored.write)?;
            let read = HourRatchet::from_bytes(&stored.read)?;
            Some(Epoch { number: stored.number, write, read, cache: RefCell::default() })
        };
        let live: Vec<Epoch> = stored.live.iter().map(epoch).collect::<Option<_>>()?;
        let newest = live.last()?.number;
        let lingers = live.len() > 1 && stored.writing == newest;
        Some(Epochs {
            agreement: Agreement::from_bytes(&stored.agreement).ok()?,
            salt: stored.salt,
            suite: if stored.is_null { CipherSuite::Null } else { CipherSuite::Real },
            own: if stored.is_committer { Direction::FromCommitter } else { Direction::FromProposer },
            live,
            writing: stored.writing,
            switched: stored.switched_ms.map(WallTime),
            unswitched: None,
            erase_at: lingers.then_some(erase_at),
        })
    }

    fn begin(&mut self, first_hour: Hour) {
        let secrets = next_epoch(&self.salt, &self.agreement.exporter());
        let ratchet = |direction| HourRatchet::new(self.suite, first_hour, secrets.key(direction).clone());
        let number = self.agreement.epoch();
        let (write, read) = (ratchet(self.own), ratchet(self.own.reversed()));
        self.live.push(Epoch { number, write, read, cache: RefCell::default() });
        self.salt = secrets.next_salt;
        (self.switched, self.unswitched) = (None, None);
        self.erase_at = None;
        if self.live.len() > 2 {
            self.live.remove(0);
        }
    }

    fn newest(&self) -> u64 {
        self.agreement.epoch()
    }

    fn epoch(&self, number: u64) -> Option<&Epoch> {
        self.live.iter().find(|epoch| epoch.number == number)
    }
}

/// By how much windows and what was armed ahead may make the peer's change of keys look earlier or later.
const SWITCH_SLACK_MS: i64 = 10 * 60_000;

/// The key of `hour`; a first request far ahead fills the cache with every hour on the way.
fn key_of(ratchet: &HourRatchet, cache: &mut BTreeMap<Hour, HourKey>, hour: Hour) -> Option<HourKey> {
    if let Some(key) = cache.get(&hour) {
        return Some(key.clone());
    }
    if hour < ratchet.hour() || hour.0 - ratchet.hour().0 > HourRatchet::STEPS_MAX {
        return None;
    }
    let mut walker = ratchet.clone();
    while walker.hour() <= hour {
        let at = walker.hour();
        cache.insert(at, walker.at(at)?);
        walker.advance(Hour(at.0 + 1));
    }
    cache.get(&hour).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use couloir_wire::id::NodeId;

    fn pair() -> (Epochs, Epochs, Entropy) {
        let mut entropy = Entropy::from_seed(&[5; 32]);
        let suite = CipherSuite::Null;
        let (join, offer) = Agreement::offer(&mut entropy, suite, NodeId([2; 16])).expect("offers");
        let (at_c, welcome) =
            Agreement::create(&mut entropy, suite, NodeId([1; 16]), &offer).expect("creates");
        let at_p = Agreement::join(&join, &welcome).expect("joins");
        let salt = Secret32::new([9; 32]);
        let c = Epochs::new(at_c, suite, Direction::FromCommitter, &salt, Hour(10));
        let p = Epochs::new(at_p, suite, Direction::FromProposer, &salt, Hour(10));
        (c, p, entropy)
    }

    fn token(key: Option<HourKey>) -> Option<couloir_wire::id::WriteToken> {
        Some(key?.write_token(couloir_wire::id::RouteId([1; 16]), couloir_wire::time::Window(1), 0))
    }

    #[test]
    fn what_one_end_writes_the_other_reads_through_a_change_of_keys() {
        let (mut c, mut p, mut entropy) = pair();
        let update = p.propose(&mut entropy).expect("proposes");
        let commit = c.commit(&mut entropy, Some(&update), Hour(11)).expect("idle").expect("commits");
        assert_eq!((c.writing(), c.is_changing()), (1, true));
        assert!(c.commit(&mut entropy, None, Hour(11)).is_none(), "one commit at a time");
        p.follow(&commit, Hour(11)).expect("follows");
        assert_eq!(p.writing(), 2);
        assert_eq!(c.readable().collect::<Vec<_>>(), [1, 2]);
        assert_eq!(token(p.write_key(2, Hour(12))), token(c.read_key(2, Hour(12))));
        assert!(!c.opened(1, WallTime(3), Moment(0), 600));
        assert_eq!(c.readable_at(WallTime(2 - SWITCH_SLACK_MS)).collect::<Vec<_>>(), [1]);
        assert_eq!(c.readable_at(WallTime(3 - SWITCH_SLACK_MS)).collect::<Vec<_>>(), [1, 2]);
        assert!(c.opened(2, WallTime(5), Moment(0), 600) && !c.is_changing());
        assert_eq!(c.readable_at(WallTime(SWITCH_SLACK_MS)).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(c.readable_at(WallTime(SWITCH_SLACK_MS + 6)).collect::<Vec<_>>(), [2]);
        assert_eq!(token(c.write_key(2, Hour(12))), token(p.read_key(2, Hour(12))));
        assert!(token(c.read_key(1, Hour(12))).is_some(), "the old epoch lingers");
        assert!(!c.erase(Moment(599)) && c.erase(Moment(600)));
        assert!(token(c.read_key(1, Hour(12))).is_none());
    }

    #[test]
    fn a_forgotten_hour_has_no_key_and_the_store_does_not_bring_it_back() {
        let (mut c, ..) = pair();
        assert!(token(c.read_key(1, Hour(10))).is_some());
        assert!(c.forget_before(Hour(12), Hour(11)));
        assert!(token(c.read_key(1, Hour(10))).is_none() && token(c.write_key(1, Hour(11))).is_none());
        let stored = Epochs::decode(&c.encode(), Moment(0)).expect("decodes");
        assert!(token(stored.read_key(1, Hour(10))).is_none());
        assert_eq!(token(stored.read_key(1, Hour(500))), token(c.read_key(1, Hour(500))));
    }
}
