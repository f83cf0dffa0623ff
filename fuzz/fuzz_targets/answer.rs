//! Any octets into the decoder `answer`.

#![no_main]

#[path = "../../crates/wire/tests/decoders/mod.rs"]
mod decoders;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    decoders::by_name("answer")(octets);
});
