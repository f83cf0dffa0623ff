//! Any octets into the decoder `cell`.

#![no_main]

#[path = "../../crates/wire/tests/decoders/mod.rs"]
mod decoders;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    decoders::by_name("cell")(octets);
});
