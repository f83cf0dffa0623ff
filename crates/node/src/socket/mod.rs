//! The socket of a running node: one request a line, one answer a line, both JSON.
//!
//! The server greets with [`Greeting`]. Every request is answered in the order in which it came, so a
//! client may send many before it reads. A request for entries is answered by `{"row": ..}` lines
//! before its `{"ok": ..}`. Lines are bounded; whoever sends a longer one is cut off.

pub mod client;
pub mod server;

use couloir_wire::entry::Precedence;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clerk::row::Row;
use crate::words::Failure;

/// The server's first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// The protocol's version: [`VERSION`].
    pub couloir: u32,
}

/// What a command asks of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// Say a text. Answer: `{"id"}` once it is durable.
    Send {
        /// The text.
        text: String,
        /// How.
        #[serde(flatten)]
        how: How,
    },
    /// Say a file. Answer: `{"id", "len"}` once it is durable.
    SendFile {
        /// Where it lies, absolute.
        path: String,
        /// What it is called.
        name: String,
        /// How.
        #[serde(flatten)]
        how: How,
    },
    /// The log's entries with numbers above `after`; then, if `is_followed`, every new one.
    Log {
        /// Number of the last entry that is known; all if none is.
        after: Option<u64>,
        /// Go on until the client hangs up.
        is_followed: bool,
    },
    /// Write a received file to an absolute path. Answer: `{"path", "len"}`.
    Save {
        /// The file's entry.
        entry: String,
        /// Where to.
        path: String,
    },
    /// The node at a glance.
    Status,
    /// The phrase to compare. Answer: [`crate::clerk::phrase::Phrase`].
    Phrase,
    /// The desk says that the phrase is the same.
    Verify,
    /// Test the line. Answer: `{"answered": true, "after_ms"}`.
    Drill,
    /// The officer came or left.
    Desk {
        /// Whether somebody is there.
        is_here: bool,
    },
    /// Answer an entry without an answer.
    Answer {
        /// The entry.
        entry: String,
        /// Deferred until, in milliseconds since 1970; withheld if there is none.
        until_ms: Option<i64>,
    },
    /// The official line, as a person sees it.
    Official {
        /// Whether it works.
        is_up: bool,
        /// Why.
        why: String,
    },
    /// Probe this address from now on.
    WatchAdd {
        /// The address.
        url: String,
    },
    /// Probe this address no longer.
    WatchRemove {
        /// The address.
        url: String,
    },
    /// The addresses that are probed. Answer: `{"watch": [url]}`.
    WatchList,
    /// The channel's papers without its secrets. Answer: `{"channel"}`, hexadecimal.
    Papers,
    /// Adopt a paper that our officers signed, in hexadecimal.
    Adopt {
        /// As `wire::papers` encodes it.
        paper: String,
    },
    /// This node is the one that holds the post.
    Thaw,
    /// Write a backup to an absolute path that does not exist.
    Backup {
        /// Where to.
        path: String,
    },
    /// Check the store. Answer: `{"problems": [words]}`.
    Check,
}

/// How something is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct How {
    /// One of [`Precedence::word`].
    #[serde(with = "precedence_word")]
    pub precedence: Precedence,
    /// Both sides forget it so long after it was said, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_after_ms: Option<u64>,
    /// Keep it, if the phrase has not been compared yet, until it has.
    #[serde(default)]
    pub when_verified: bool,
}

/// One line of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Line {
    /// An entry of the log; more lines follow.
    Row(Box<Row>),
    /// The answer.
    Ok(Value),
    /// Why there is no answer.
    Error(Failure),
}

mod precedence_word {
    use super::Precedence;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(precedence: &Precedence, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(precedence.word())
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Precedence, D::Error> {
        let word = String::deserialize(from)?;
        let known = Precedence::ALL.into_iter().find(|precedence| precedence.word() == word);
        known.ok_or_else(|| D::Error::custom("no such precedence"))
    }
}

/// Of this protocol. Client and server of one machine come from one package.
pub const VERSION: u32 = 1;
/// Octets of a line: the longest text with every octet escaped, and room for the rest.
pub const LINE_OCTETS_MAX: usize = 512 * 1024;
/// Commands at once; a desk has a handful.
pub const CLIENTS_MAX: usize = 64;
/// Requests of one client that wait for their answers.
pub const PIPELINED_MAX: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_survives_its_line() {
        let how = How { precedence: Precedence::Flash, expires_after_ms: Some(5), when_verified: true };
        let requests = [
            Request::Send { text: "外\n務".into(), how },
            Request::Answer { entry: "ab".into(), until_ms: None },
            Request::Status,
        ];
        for request in requests {
            let line = serde_json::to_string(&request).expect("encodes");
            assert_eq!(serde_json::from_str::<Request>(&line).expect("decodes"), request, "{line}");
        }
    }

    #[test]
    fn the_longest_text_fits_in_a_line() {
        let text = "\u{9}".repeat(couloir_wire::limits::TEXT_OCTETS_MAX);
        let how = How { precedence: Precedence::Routine, expires_after_ms: None, when_verified: false };
        let line = serde_json::to_string(&Request::Send { text, how }).expect("encodes");
        assert!(line.len() < LINE_OCTETS_MAX);
    }
}
