//! The keys of a link, from an epoch's exporter to one cell (PROTOCOL §4.2).
//!
//! *Epochs.* Each epoch's exporter and the previous salt make a root, which yields at once the next
//! salt and one key per direction, and is gone ([`next_epoch`]). *Hours.* A direction's key moves on
//! by the hour ([`HourRatchet`]); what has been left behind cannot be computed back. *Cells.* The
//! hour's key gives, for each route, window and lane, a write token (whose hash is the slot) and a
//! cell key.
//!
//! A link uses one [`CipherSuite`]. `Null` replaces everything that is computed per cell by cheap
//! mixing with the same lengths, for years of simulation.

use couloir_wire::id::{RouteId, Slot, WriteToken};
use couloir_wire::time::{Hour, Window};
use zeroize::Zeroizing;

use crate::cells::{CellKey, mix};
use crate::kdf::{Prk, sha256};
use crate::secret::Secret32;

/// What seals the cells of a link and agrees on its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CipherSuite {
    /// XChaCha20-Poly1305 under HKDF-SHA256; MLS with suite 0x004E.
    Real,
    /// No cryptography at all: same lengths, opens only under the right key. For simulation.
    Null,
}

impl CipherSuite {
    pub(crate) fn to_octet(self) -> u8 {
        match self {
            CipherSuite::Real => 1,
            CipherSuite::Null => 0,
        }
    }

    pub(crate) fn from_octet(octet: u8) -> Option<CipherSuite> {
        [CipherSuite::Real, CipherSuite::Null].into_iter().find(|suite| suite.to_octet() == octet)
    }
}

/// Who writes under a key: the committer of the link's group or its proposer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// The node whose id sorts first writes.
    FromCommitter,
    /// The node whose id sorts second writes.
    FromProposer,
}

impl Direction {
    /// The other direction.
    pub fn reversed(self) -> Direction {
        match self {
            Direction::FromCommitter => Direction::FromProposer,
            Direction::FromProposer => Direction::FromCommitter,
        }
    }
}

/// What one epoch's root yields before it is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochSecrets {
    /// The salt of the next epoch.
    pub next_salt: Secret32,
    /// The key of the epoch's first hour, committer to proposer.
    pub from_committer: Secret32,
    /// The key of the epoch's first hour, proposer to committer.
    pub from_proposer: Secret32,
}

impl EpochSecrets {
    /// The first hour's key of `direction`.
    pub fn key(&self, direction: Direction) -> &Secret32 {
        match direction {
            Direction::FromCommitter => &self.from_committer,
            Direction::FromProposer => &self.from_proposer,
        }
    }
}

/// The secrets of an epoch from the salt that the epoch before left and this epoch's exporter.
pub fn next_epoch(previous_salt: &Secret32, exporter: &Secret32) -> EpochSecrets {
    let root = Prk::extract(previous_salt.expose(), exporter.expose());
    EpochSecrets {
        next_salt: root.expand("couloir/v1 salt", &[]),
        from_committer: root.expand("couloir/v1 from committer", &[]),
        from_proposer: root.expand("couloir/v1 from proposer", &[]),
    }
}

/// One direction's key in one epoch, which moves on by the hour and cannot move back.
#[derive(Clone, PartialEq, Eq)]
pub struct HourRatchet {
    suite: CipherSuite,
    hour: Hour,
    key: Secret32,
}

impl HourRatchet {
    /// No key is derived further ahead than a cell can live, 90 days and one for the clocks.
    pub const STEPS_MAX: u64 = 24 * 91;
    /// Octets of [`HourRatchet::to_bytes`].
    pub const ENCODED_LEN: usize = 1 + 8 + 32;

    /// The ratchet of an epoch whose first hour is `first_hour`.
    pub fn new(suite: CipherSuite, first_hour: Hour, key: Secret32) -> HourRatchet {
        HourRatchet { suite, hour: first_hour, key }
    }

    /// The earliest hour whose key still exists.
    pub fn hour(&self) -> Hour {
        self.hour
    }

    /// The key of `hour`, the ratchet itself staying where it is. None if the hour is erased or too
    /// far ahead. Costs two hashes per hour ahead: keep what is used often.
    pub fn at(&self, hour: Hour) -> Option<HourKey> {
        self.key_at(hour).map(|key| HourKey::new(self.suite, &key))
    }

    /// Erases every key before `hour`. An hour that is past already, or that lies further ahead than
    /// [`HourRatchet::STEPS_MAX`], changes nothing.
    pub fn advance(&mut self, hour: Hour) {
        if let Some(key) = self.key_at(hour) {
            (self.hour, self.key) = (hour, key);
        }
    }

    /// For the encrypted store: suite, hour (8 octets, big-endian), key.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(Self::ENCODED_LEN));
        out.push(self.suite.to_octet());
        out.extend_from_slice(&self.hour.0.to_be_bytes());
        out.extend_from_slice(self.key.expose());
        out
    }

    /// Reverses [`HourRatchet::to_bytes`]; None for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Option<HourRatchet> {
        let (suite, rest) = bytes.split_first()?;
        let (hour, key) = rest.split_first_chunk::<8>()?;
        let suite = CipherSuite::from_octet(*suite)?;
        Some(HourRatchet::new(suite, Hour(u64::from_be_bytes(*hour)), Secret32::from_slice(key)?))
    }

    fn key_at(&self, hour: Hour) -> Option<Secret32> {
        let steps = hour.0.checked_sub(self.hour.0)?;
        (steps <= Self::STEPS_MAX)
            .then(|| (0..steps).fold(self.key.clone(), |key, _| Prk::of(&key).expand("couloir/v1 next", &[])))
    }
}

/// The key of one hour and direction.
#[derive(Clone)]
pub struct HourKey(Kind);

#[derive(Clone)]
enum Kind {
    Real(Box<Prk>),
    Null(u64),
}

impl HourKey {
    pub(crate) fn new(suite: CipherSuite, key: &Secret32) -> HourKey {
        HourKey(match suite {
            CipherSuite::Real => Kind::Real(Box::new(Prk::of(key))),
            CipherSuite::Null => Kind::Null(mix(0, key.expose())),
        })
    }

    /// What proves the right to write the cell of this place.
    pub fn write_token(&self, route: RouteId, window: Window, lane: u8) -> WriteToken {
        let place = place(route, window, lane);
        let mut token = [0; 32];
        match &self.0 {
            Kind::Real(prk) => prk.expand_into("couloir/v1 write", &place, &mut token),
            Kind::Null(key) => null_expand(key ^ 1, &place, &mut token),
        }
        WriteToken(token)
    }

    /// The address under which a relay keeps the cell of `token`: its SHA-256.
    pub fn slot_of(token: &WriteToken) -> Slot {
        Slot(sha256(&[&token.0]))
    }

    /// The address of this place.
    pub fn slot(&self, route: RouteId, window: Window, lane: u8) -> Slot {
        Self::slot_of(&self.write_token(route, window, lane))
    }

    /// What seals the cell of this place.
    pub fn cell_key(&self, route: RouteId, window: Window, lane: u8) -> CellKey {
        let place = place(route, window, lane);
        match &self.0 {
            Kind::Real(prk) => CellKey::real(prk.expand("couloir/v1 cell", &place)),
            Kind::Null(key) => CellKey::null(mix(key ^ 2, &place)),
        }
    }
}

/// Route, window and lane, each of fixed width and big-endian.
fn place(route: RouteId, window: Window, lane: u8) -> [u8; 25] {
    let mut out = [0; 25];
    out[..16].copy_from_slice(&route.0);
    out[16..24].copy_from_slice(&window.0.to_be_bytes());
    out[24] = lane;
    out
}

fn null_expand(key: u64, context: &[u8], out: &mut [u8; 32]) {
    let mut state = mix(key, context);
    for word in out.chunks_exact_mut(8) {
        state = mix(state, b"expand");
        word.copy_from_slice(&state.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratchet() -> HourRatchet {
        HourRatchet::new(CipherSuite::Real, Hour(100), Secret32::new([3; 32]))
    }

    fn token(key: &HourKey) -> WriteToken {
        key.write_token(RouteId([1; 16]), Window(77), 0)
    }

    #[test]
    fn looking_ahead_and_moving_ahead_give_the_same_key() {
        let ahead = ratchet().at(Hour(105)).expect("ahead");
        let mut moved = ratchet();
        moved.advance(Hour(105));
        assert_eq!(token(&ahead), token(&moved.at(Hour(105)).expect("now")));
    }

    #[test]
    fn an_erased_hour_and_one_too_far_ahead_have_no_key() {
        let mut moved = ratchet();
        moved.advance(Hour(101));
        assert!(moved.at(Hour(100)).is_none());
        moved.advance(Hour(100));
        assert_eq!(moved.hour(), Hour(101));
        assert!(moved.at(Hour(101 + HourRatchet::STEPS_MAX)).is_some());
        assert!(moved.at(Hour(102 + HourRatchet::STEPS_MAX)).is_none());
    }

    #[test]
    fn a_ratchet_survives_the_store_and_nothing_else_does() {
        let bytes = ratchet().to_bytes();
        assert!(HourRatchet::from_bytes(&bytes) == Some(ratchet()));
        assert!(HourRatchet::from_bytes(&bytes[1..]).is_none());
        assert!(HourRatchet::from_bytes(&[&bytes[..], &[0]].concat()).is_none());
        assert!(HourRatchet::from_bytes(&[&[9], &bytes[1..]].concat()).is_none());
    }

    #[test]
    fn every_place_hour_and_direction_has_a_token_of_its_own() {
        let secrets = next_epoch(&Secret32::new([1; 32]), &Secret32::new([2; 32]));
        for suite in [CipherSuite::Real, CipherSuite::Null] {
            let mut tokens = std::collections::BTreeSet::new();
            for direction in [Direction::FromCommitter, Direction::FromProposer] {
                let ratchet = HourRatchet::new(suite, Hour(5), secrets.key(direction).clone());
                for (hour, route, window, lane) in
                    [(5, 0, 0, 0), (6, 0, 0, 0), (5, 1, 0, 0), (5, 0, 1, 0), (5, 0, 0, 1)]
                {
                    let key = ratchet.at(Hour(hour)).expect("in reach");
                    tokens.insert(key.write_token(RouteId([route; 16]), Window(window), lane));
                }
            }
            assert_eq!(tokens.len(), 10, "{suite:?}");
        }
    }
}
