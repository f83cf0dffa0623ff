//! What is said, computed from entries. Pure: no clock, no keys, no engine.

#![forbid(unsafe_code)]

pub mod hold;
