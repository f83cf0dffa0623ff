//! Cells: what one key seals once (PROTOCOL §4.2).

use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

use crate::proof::Authentic;
use crate::secret::Secret32;

/// Octets that sealing adds: nonce and tag.
pub const CELL_OVERHEAD: usize = NONCE_LEN + TAG_LEN;

const NONCE_LEN: usize = 24;
const TAG_LEN: usize = 16;

/// The key of one cell.
pub struct CellKey(Kind);

enum Kind {
    Real(Secret32),
    Null(u64),
}

impl CellKey {
    pub(crate) fn real(key: Secret32) -> CellKey {
        CellKey(Kind::Real(key))
    }

    pub(crate) fn null(key: u64) -> CellKey {
        CellKey(Kind::Null(key))
    }

    /// The cell: `nonce`, ciphertext, tag; [`CELL_OVERHEAD`] longer than `plaintext`. The nonce is
    /// random, since cover and content of one window are sealed under one key.
    pub fn seal(self, nonce: [u8; NONCE_LEN], plaintext: &[u8]) -> Vec<u8> {
        let mut cell = Vec::with_capacity(plaintext.len() + CELL_OVERHEAD);
        cell.extend_from_slice(&nonce);
        match self.0 {
            Kind::Real(key) => {
                let sealed = cipher(&key).encrypt(&XNonce::from(nonce), plaintext);
                cell.extend(sealed.expect("a cell is far shorter than the cipher's limit"));
            }
            Kind::Null(key) => {
                cell.extend_from_slice(plaintext);
                cell.extend_from_slice(&null_tag(key, &nonce, plaintext));
            }
        }
        cell
    }

    /// What was sealed, if `cell` was sealed under this key and is unchanged.
    pub fn open(&self, cell: &[u8]) -> Option<Authentic<Vec<u8>>> {
        let (nonce, sealed) = cell.split_first_chunk::<NONCE_LEN>()?;
        let plaintext = match &self.0 {
            Kind::Real(key) => cipher(key).decrypt(&XNonce::from(*nonce), sealed).ok(),
            Kind::Null(key) => {
                let (plaintext, tag) = sealed.split_last_chunk::<TAG_LEN>()?;
                (null_tag(*key, nonce, plaintext) == *tag).then(|| plaintext.to_vec())
            }
        };
        plaintext.map(Authentic::mint)
    }
}

fn cipher(key: &Secret32) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.expose().into())
}

fn null_tag(key: u64, nonce: &[u8; NONCE_LEN], plaintext: &[u8]) -> [u8; TAG_LEN] {
    // Four lanes, so that no step waits for the one before it.
    let state = mix(key, nonce);
    let mut lanes = [state, state ^ 1, state ^ 2, state ^ 3];
    let mut blocks = plaintext.chunks_exact(32);
    for block in &mut blocks {
        for (lane, word) in lanes.iter_mut().zip(block.chunks_exact(8)) {
            *lane = step(*lane, u64::from_le_bytes(word.try_into().expect("eight octets")));
        }
    }
    let folded = lanes.into_iter().fold(plaintext.len() as u64, step);
    let first = mix(folded, blocks.remainder());
    let mut tag = [0; TAG_LEN];
    tag[..8].copy_from_slice(&first.to_be_bytes());
    tag[8..].copy_from_slice(&mix(first, b"tag").to_be_bytes());
    tag
}

const ODD: u64 = 0x9E37_79B9_7F4A_7C15;

fn step(state: u64, word: u64) -> u64 {
    (state ^ word).wrapping_mul(ODD).rotate_left(29) ^ (state >> 7)
}

/// A cheap mixing of octets for the null suite. Every octet and the length count; no secrecy at all.
pub(crate) fn mix(seed: u64, octets: &[u8]) -> u64 {
    let mut chunks = octets.chunks_exact(8);
    let mut state = step(seed ^ ODD, octets.len() as u64);
    for chunk in &mut chunks {
        state = step(state, u64::from_le_bytes(chunk.try_into().expect("eight octets")));
    }
    for octet in chunks.remainder() {
        state = step(state, u64::from(*octet));
    }
    step(step(state, ODD), state >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(octet: u8) -> [CellKey; 2] {
        [CellKey::real(Secret32::new([octet; 32])), CellKey::null(u64::from(octet))]
    }

    #[test]
    fn a_cell_opens_under_its_key_alone() {
        for (key, (same, other)) in keys(1).into_iter().zip(keys(1).into_iter().zip(keys(2))) {
            let cell = key.seal([5; 24], b"the line stands");
            assert_eq!(cell.len(), 15 + CELL_OVERHEAD);
            assert_eq!(same.open(&cell).map(Authentic::into_inner).as_deref(), Some(&b"the line stands"[..]));
            assert!(other.open(&cell).is_none());
        }
    }

    #[test]
    fn a_cell_changed_in_any_bit_or_cut_anywhere_does_not_open() {
        for (key, same) in keys(1).into_iter().zip(keys(1)) {
            let cell = key.seal([5; 24], &[0x2a; 64]);
            for bit in 0..cell.len() * 8 {
                let mut changed = cell.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert!(same.open(&changed).is_none(), "bit {bit}");
            }
            assert!((0..cell.len()).all(|len| same.open(&cell[..len]).is_none()));
        }
    }
}
