//! Replays the corpora of the fuzzers: each decoder of the crate that takes this in, over its folder of seeds.

use std::fs;
use std::path::PathBuf;

use super::decoders::DECODERS;

/// The seeds of a decoder, with their names.
fn seeds(decoder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(decoder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.expect("a readable folder").path());
    paths.map(|path| (path.display().to_string(), fs::read(&path).expect("a readable seed"))).collect()
}

#[test]
fn each_seed_is_accepted_or_refused_as_its_name_says() {
    for (name, decode) in DECODERS {
        for (path, octets) in seeds(name) {
            assert_eq!(decode(&octets), path.contains("/good-"), "{path}");
        }
    }
}

#[test]
fn each_decoder_has_seeds_of_both_kinds() {
    for (name, _) in DECODERS {
        let seeds = seeds(name);
        assert!(seeds.iter().any(|(path, _)| path.contains("/good-")), "{name}");
        assert!(seeds.iter().any(|(path, _)| path.contains("/bad-")), "{name}");
    }
}

#[test]
fn no_truncation_or_flipped_bit_of_a_seed_panics() {
    for (name, decode) in DECODERS {
        for (_, octets) in seeds(name) {
            for len in 0..octets.len().min(2_000) {
                decode(&octets[..len]);
            }
            for at in 0..octets.len().min(500) {
                let mut changed = octets.clone();
                changed[at] ^= 1 << (at % 8);
                decode(&changed);
            }
        }
    }
}
