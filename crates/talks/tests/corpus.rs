//! Replays the corpora of the fuzzers.

mod decoders;
#[path = "../../wire/tests/replay/mod.rs"]
mod replay;
