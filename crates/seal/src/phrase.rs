//! The phrase that both desks read to each other (PROTOCOL §4.3).
//!
//! *Commit, then reveal.* In epoch 1 the joiner sends the hash of its nonce and of the transcript, the
//! inviter sends its nonce, the joiner reveals its own. Whoever sits between them has chosen everything
//! before knowing what the phrase will be, and so has one guess in 2^42. *Transcript.* All that the two
//! must have in common: the epoch's authenticator, both sides' signets, certificates and node ids, the
//! charter, the invitation.

use std::fmt;
use std::sync::LazyLock;

use couloir_wire::id::{Digest, InvitationId, NodeId, SideId};
use subtle::ConstantTimeEq;

use crate::kdf::{Prk, sha256};

/// Symbols in a phrase.
pub const PHRASE_LEN: usize = 7;

/// What one party is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Party {
    /// SHA-256 of its signet.
    pub side: SideId,
    /// SHA-256 of its post's certificate.
    pub certificate: Digest,
    /// Its node.
    pub node: NodeId,
}

/// What both must have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transcript {
    /// Of epoch 1 of the link.
    pub authenticator: Digest,
    /// The inviting party.
    pub inviter: Party,
    /// The joining party.
    pub joiner: Party,
    /// SHA-256 of the charter's first version.
    pub charter: Digest,
    /// The invitation.
    pub invitation: InvitationId,
}

impl Transcript {
    /// SHA-256 of all of it, every part of fixed length.
    pub fn digest(&self) -> Digest {
        let Transcript { authenticator, inviter, joiner, charter, invitation } = self;
        Digest(sha256(&[
            b"couloir/v1 transcript\0",
            &authenticator.0,
            &inviter.side.0,
            &inviter.certificate.0,
            &inviter.node.0,
            &joiner.side.0,
            &joiner.certificate.0,
            &joiner.node.0,
            &charter.0,
            &invitation.0,
        ]))
    }
}

/// What the joiner sends first.
pub fn commitment(joiner_nonce: &Digest, transcript: &Transcript) -> Digest {
    Digest(sha256(&[b"couloir/v1 commitment\0", &joiner_nonce.0, &transcript.digest().0]))
}

/// Whether the joiner reveals the nonce that it committed to. If not, somebody meddles.
pub fn is_committed(commitment_sent: &Digest, joiner_nonce: &Digest, transcript: &Transcript) -> bool {
    commitment_sent.0.ct_eq(&commitment(joiner_nonce, transcript).0).into()
}

/// Seven symbols of 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phrase([u8; PHRASE_LEN]);

impl Phrase {
    /// The phrase of this transcript and both nonces.
    pub fn new(transcript: &Transcript, inviter_nonce: &Digest, joiner_nonce: &Digest) -> Phrase {
        let nonces = [inviter_nonce.0, joiner_nonce.0].concat();
        let drawn = Prk::extract(&nonces, &transcript.digest().0).expand("couloir/v1 phrase", &[]);
        let (first, _) = drawn.expose().split_first_chunk::<8>().expect("32 octets hold 8");
        let bits = u64::from_be_bytes(*first);
        // The first 42 bits, six at a time.
        Phrase(core::array::from_fn(|place| (bits >> (58 - 6 * place)) as u8 & 63))
    }

    /// The symbols' numbers.
    pub fn numbers(&self) -> [u8; PHRASE_LEN] {
        self.0
    }

    /// The symbols.
    pub fn symbols(&self) -> [&'static Symbol; PHRASE_LEN] {
        self.0.map(|number| &symbols()[usize::from(number)])
    }
}

impl fmt::Display for Phrase {
    /// As digits: each symbol's number in two of them, as in `05 63 17 00 42 31 28`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.0.iter().map(|number| format!("{number:02}")).collect();
        f.write_str(&words.join(" "))
    }
}

/// One of the 64 symbols and its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Symbol {
    /// 0 to 63.
    pub number: u8,
    /// The symbol, an emoji.
    pub symbol: &'static str,
    /// Its English name.
    pub en: &'static str,
    /// Its Japanese name.
    pub ja: &'static str,
    /// Its name in simplified Chinese.
    pub zh: &'static str,
}

/// All 64, by number.
pub fn symbols() -> &'static [Symbol] {
    static SYMBOLS: LazyLock<Vec<Symbol>> = LazyLock::new(|| {
        let lines = include_str!("../data/sas-symbols.tsv").lines();
        lines.filter(|line| !line.starts_with('#')).map(symbol).collect()
    });
    &SYMBOLS
}

fn symbol(line: &'static str) -> Symbol {
    let mut fields = line.split('\t');
    let mut field = || fields.next().expect("the table, which a test reads whole, has five columns");
    let number = field().parse().expect("the table's first column is a number");
    Symbol { number, symbol: field(), en: field(), ja: field(), zh: field() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcript() -> Transcript {
        let party = |n: u8| Party {
            side: SideId([n; 32]),
            certificate: Digest([n + 1; 32]),
            node: NodeId([n + 2; 16]),
        };
        Transcript {
            authenticator: Digest([9; 32]),
            inviter: party(10),
            joiner: party(20),
            charter: Digest([30; 32]),
            invitation: InvitationId([31; 16]),
        }
    }

    #[test]
    fn the_table_has_64_symbols_with_three_distinct_names_each() {
        let numbers: Vec<u8> = symbols().iter().map(|symbol| symbol.number).collect();
        assert_eq!(numbers, (0..64).collect::<Vec<u8>>());
        for name in [|s: &Symbol| s.symbol, |s: &Symbol| s.en, |s: &Symbol| s.ja, |s: &Symbol| s.zh] {
            let names: std::collections::BTreeSet<_> = symbols().iter().map(name).collect();
            assert_eq!(names.len(), 64);
            assert!(names.iter().all(|name| !name.is_empty()));
        }
    }

    #[test]
    fn whatever_differs_gives_another_phrase() {
        let (a, b) = (Digest([1; 32]), Digest([2; 32]));
        let base = Phrase::new(&transcript(), &a, &b);
        let mut others = vec![Phrase::new(&transcript(), &b, &b), Phrase::new(&transcript(), &a, &a)];
        let changes: [fn(&mut Transcript); 9] = [
            |t| t.authenticator.0[0] ^= 1,
            |t| t.inviter.side.0[0] ^= 1,
            |t| t.inviter.certificate.0[0] ^= 1,
            |t| t.inviter.node.0[0] ^= 1,
            |t| t.joiner.side.0[0] ^= 1,
            |t| t.joiner.certificate.0[0] ^= 1,
            |t| t.joiner.node.0[0] ^= 1,
            |t| t.charter.0[0] ^= 1,
            |t| t.invitation.0[0] ^= 1,
        ];
        for change in changes {
            let mut changed = transcript();
            change(&mut changed);
            assert!(!is_committed(&commitment(&b, &transcript()), &b, &changed));
            others.push(Phrase::new(&changed, &a, &b));
        }
        assert!(!others.contains(&base));
        assert!(is_committed(&commitment(&b, &transcript()), &b, &transcript()));
        assert!(!is_committed(&commitment(&b, &transcript()), &a, &transcript()));
    }

    #[test]
    fn digits_and_symbols_say_the_same() {
        let phrase = Phrase::new(&transcript(), &Digest([1; 32]), &Digest([2; 32]));
        let numbers = phrase.symbols().map(|symbol| format!("{:02}", symbol.number));
        assert_eq!(phrase.to_string(), numbers.join(" "));
    }
}
