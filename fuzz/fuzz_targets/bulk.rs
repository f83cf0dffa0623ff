//! Any octets into the decoder `bulk`.

#![no_main]

#[path = "../../crates/engine/tests/decoders/mod.rs"]
mod decoders;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    decoders::by_name("bulk")(octets);
});
