//! Any octets into the decoder `stix`.

#![no_main]

#[path = "../../crates/talks/tests/decoders/mod.rs"]
mod decoders;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    decoders::by_name("stix")(octets);
});
