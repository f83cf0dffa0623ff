//! Chance from one seed: generators for whoever draws in order, and noise for what must not depend
//! on how much was drawn before.

use couloir_seal::Entropy;

/// A generator for one purpose of one seed. Purposes do not disturb each other.
pub struct Chance(Entropy);

impl Chance {
    /// The generator of `purpose` under `seed`.
    pub fn new(seed: u64, purpose: u64) -> Chance {
        Chance(Entropy::from_seed(&octets_of(seed, purpose)))
    }

    /// Uniform below `bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0.below(bound.max(1))
    }

    /// Uniform from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True in `percent` of a hundred cases.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of `choices`, which must not be empty.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// 32 octets.
    pub fn seed(&mut self) -> [u8; 32] {
        self.0.array()
    }

    /// 16 octets, for an id.
    pub fn id(&mut self) -> [u8; 16] {
        self.0.array()
    }

    /// Mean `mean_ms`, from nearly nothing to several times as much.
    pub fn wait_ms(&mut self, mean_ms: u64) -> u64 {
        let factor = [1, 2, 5, 10, 10, 15, 27][self.below(7) as usize];
        1 + self.below(mean_ms.max(1) * factor / 5)
    }
}

/// A number that depends on `seed` and `parts` alone: what a network does to an exchange must be
/// the same whether or not anything was said.
pub fn noise(seed: u64, parts: [u64; 3]) -> u64 {
    parts.into_iter().fold(mixed(seed), |state, part| mixed(state ^ mixed(part)))
}

/// SplitMix64 (Steele, Lea, Flood 2014).
fn mixed(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn octets_of(seed: u64, purpose: u64) -> [u8; 32] {
    let mut out = [0; 32];
    for (index, chunk) in out.chunks_exact_mut(8).enumerate() {
        chunk.copy_from_slice(&noise(seed, [purpose, index as u64, 0]).to_be_bytes());
    }
    out
}
