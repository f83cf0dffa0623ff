//! Any octets into the decoder `exchange`.

#![no_main]

#[path = "../../crates/wire/tests/decoders/mod.rs"]
mod decoders;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    decoders::by_name("exchange")(octets);
});
