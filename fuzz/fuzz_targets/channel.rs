//! Any octets into the decoder `channel`.

#![no_main]

#[path = "../../crates/engine/tests/decoders/mod.rs"]
mod decoders;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    decoders::by_name("channel")(octets);
});
