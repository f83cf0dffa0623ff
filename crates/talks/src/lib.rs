//! What is said, computed from entries. Pure: no clock, no keys, no engine.
//!
//! Nothing here is ever sent. Each state is a function of a set of entries, in whatever order they came,
//! so that both desks compute the same.

#![forbid(unsafe_code)]

pub mod announcement;
pub mod case;
pub mod evidence;
pub mod hold;
pub mod matter;
pub mod meeting;
#[cfg(feature = "planted")]
pub mod planted;
pub mod record;
pub mod report;
pub mod sides;
pub mod stix;
pub mod swap;
pub mod thread;
