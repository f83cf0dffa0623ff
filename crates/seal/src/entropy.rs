//! All randomness of the pure crates: a generator that somebody else seeds.
//!
//! The shell seeds it from the operating system and reseeds it now and then; the simulator seeds it
//! with a number, and the same number gives the same run.

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};

use crate::{kdf, secret::Secret};

/// A seeded ChaCha20 generator. Its state is wiped when dropped and is never printed.
pub struct Entropy(ChaCha20Rng);

impl Entropy {
    /// The generator of `seed`. Equal seeds give equal octets.
    pub fn from_seed(seed: &[u8; 32]) -> Entropy {
        Entropy(ChaCha20Rng::from_seed(*seed))
    }

    /// Fills `out`.
    pub fn fill(&mut self, out: &mut [u8]) {
        self.0.fill_bytes(out);
    }

    /// `N` octets, as for a nonce or an id.
    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }

    /// `N` octets to be kept secret.
    pub fn secret<const N: usize>(&mut self) -> Secret<N> {
        Secret::new(self.array())
    }

    /// A number below `bound`, each equally likely; 0 if `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        // The highest multiple of `bound` that fits: numbers from there up are drawn again.
        let fair = u64::MAX - u64::MAX % bound;
        loop {
            let drawn = self.0.next_u64();
            if drawn < fair {
                return drawn % bound;
            }
        }
    }

    /// Mixes `fresh` in: afterwards the state is unknown to whoever lacks either of the two.
    pub fn reseed(&mut self, fresh: &[u8; 32]) {
        let old = self.secret::<32>();
        let seed = kdf::Prk::extract(old.expose(), fresh).expand("couloir/v1 entropy", &[]);
        self.0 = ChaCha20Rng::from_seed(*seed.expose());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_stream() {
        let mut one = Entropy::from_seed(&[7; 32]);
        let mut two = Entropy::from_seed(&[7; 32]);
        assert_eq!(one.array::<64>(), two.array::<64>());
        two.reseed(&[1; 32]);
        assert_ne!(one.array::<64>(), two.array::<64>());
    }

    #[test]
    fn a_drawn_number_is_below_its_bound_and_reaches_all_of_it() {
        let mut entropy = Entropy::from_seed(&[9; 32]);
        let mut seen = [0u32; 6];
        (0..6_000).for_each(|_| seen[entropy.below(6) as usize] += 1);
        assert!(seen.iter().all(|count| (800..1_200).contains(count)), "{seen:?}");
        assert_eq!((entropy.below(0), entropy.below(1)), (0, 0));
    }
}
