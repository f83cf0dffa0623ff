//! Who may read it: sides' and nodes' identities, link keys, cells, signed papers.
//!
//! Pure: entropy comes in through [`entropy::Entropy`], nothing here reads a clock, a file or a
//! socket. Content is sealed under symmetric keys that both ends of a link hold ([`link_keys`]), so
//! that nothing said is signed; signatures are for papers ([`identity`], [`papers`], [`rendezvous`]), and
//! for what is put on the record on purpose ([`record`]). [`agreement`] is the only file that names the key-agreement library. What came
//! out of an AEAD or a checked signature is a [`proof::Authentic`], and nothing else is.

#![forbid(unsafe_code)]

pub mod agreement;
pub mod cells;
pub mod entropy;
pub mod identity;
pub mod invitation;
mod kdf;
pub mod link_keys;
pub mod papers;
pub mod phrase;
pub mod proof;
pub mod record;
pub mod rendezvous;
pub mod secret;

pub use cells::{CELL_OVERHEAD, CellKey};
pub use entropy::Entropy;
pub use link_keys::{CipherSuite, Direction, EpochSecrets, HourKey, HourRatchet};
pub use proof::Authentic;
pub use rendezvous::Rendezvous;
pub use secret::{Secret, Secret32};

/// SHA-256 of octets: how entries and files are named by what they are.
pub fn sha256_of(octets: &[u8]) -> couloir_wire::id::Digest {
    couloir_wire::id::Digest(kdf::sha256(&[octets]))
}
