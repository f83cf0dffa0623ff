//! Replays the corpora of the fuzzers.

mod decoders;
mod replay;
