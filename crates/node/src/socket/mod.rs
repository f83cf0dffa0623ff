//! The socket of a running node: one request a line, one answer a line, both JSON.
//!
//! The server greets with [`Greeting`]. Every request is answered in the order in which it came, so a
//! client may send many before it reads. A request for entries is answered by `{"row": ..}` lines
//! before its `{"ok": ..}`. Lines are bounded; whoever sends a longer one is cut off.

pub mod client;
pub mod server;

use couloir_wire::entry::{Body, Marking, Precedence, Swapped};
use couloir_wire::id::ConversationId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clerk::matters::Filter;
use crate::clerk::matters::report::ReportAsk;
use crate::clerk::row::Row;
use crate::clerk::search::Sought;
use crate::clerk::statement::{Draft, VerdictWord};
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
    /// Say anything that has no request of its own. Answer: `{"id"}` once it is durable.
    Say {
        /// What.
        body: Box<Body>,
        /// How.
        #[serde(flatten)]
        how: How,
    },
    /// Which entry people mean. Answer: `{"id", "conversation", "kind", "own"}`.
    FindEntry {
        /// Its id, the beginning of it, or what it is cited by.
        entry: String,
    },
    /// Which conversation people mean. Answer: `{"id"}`.
    FindConversation {
        /// Its id, the beginning of it, or its subject.
        conversation: String,
    },
    /// In which zones times are shown; another one is kept if it is named, none if it is empty. Answer: `{"own", "theirs"}`.
    Clocks {
        /// Of this desk, as IANA names it.
        own: Option<String>,
        /// Of the other desk.
        theirs: Option<String>,
    },
    /// Every conversation. Answer: `{"conversations": [..]}`.
    Conversations,
    /// The channel's posts. Answer: `{"posts": [{"id", "side", "post", "own"}]}`.
    Posts,
    /// Matters of a kind, or all. Answer: `{"matters": [..]}`.
    Matters {
        /// Which.
        filter: Filter,
    },
    /// One matter. Answer: [`crate::clerk::matters::MatterShown`].
    Matter {
        /// The entry that opened it, or any step of it: its id, the beginning of it, or what it is cited by.
        matter: String,
    },
    /// Bind our side in a swap. Answer: `{"id", "commitment"}` once it is durable.
    Commit {
        /// The swap, as [`Request::Matter`] takes it.
        swap: String,
        /// To what.
        content: Box<Swapped>,
        /// How.
        #[serde(flatten)]
        how: How,
    },
    /// Say a file. Answer: `{"id", "len", "metadata"}` once it is durable.
    SendFile {
        /// Where it lies, absolute.
        path: String,
        /// What it is called.
        name: String,
        /// Take metadata out of it if it is a picture.
        #[serde(default)]
        strip: bool,
        /// How.
        #[serde(flatten)]
        how: How,
    },
    /// The log's entries with numbers above `after`; then, if `is_followed`, every new one.
    Log {
        /// Number of the last entry that is known; all if none is.
        after: Option<u64>,
        /// Of this conversation alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        conversation: Option<ConversationId>,
        /// Go on until the client hangs up.
        is_followed: bool,
    },
    /// Look something up; its entries come as rows, the newest first. Answer: `{"before", "behind"}`.
    Search {
        /// What is looked for.
        sought: Box<Sought>,
        /// At most so many.
        count: usize,
    },
    /// Something about a report. Answers: see [`ReportAsk`].
    Report {
        /// What.
        ask: Box<ReportAsk>,
    },
    /// Let no more of this node's files leave, or let them go on. Answer: `{"held"}`.
    HoldFiles {
        /// Whether they wait.
        is_held: bool,
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
    Phrase {
        /// Of the link with this post; of the first one that was not compared here if there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        peer: Option<String>,
    },
    /// The desk says that the phrase is the same.
    Verify {
        /// As in [`Request::Phrase`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        peer: Option<String>,
    },
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
    /// The channel's papers as each link has them, without secrets. Answer: `{"channels"}`, hexadecimal.
    Papers,
    /// Take back, or decline, the charter version that waits.
    Withdraw,
    /// Adopt a paper that our officers signed, in hexadecimal.
    Adopt {
        /// As `wire::papers` encodes it.
        paper: String,
    },
    /// Begin a further link, unless the same one waits. Answer: `{"channels"}`, the link's, with its secret.
    BeginLink {
        /// Its channel, in hexadecimal.
        channel: String,
    },
    /// Introduce two posts to each other: each by its title, by `SIDE, TITLE`, or by the beginning of its id.
    Introduce {
        /// One.
        one: String,
        /// The other.
        other: String,
    },
    /// This node is the one that holds the post: every link that it froze is made anew.
    Thaw,
    /// Write a backup to an absolute path that does not exist.
    Backup {
        /// Where to.
        path: String,
    },
    /// What one person drafts and another releases.
    Draft {
        /// What is asked of drafts.
        act: DraftAct,
    },
    /// What is on the record.
    Record {
        /// What is asked of it.
        act: RecordAct,
    },
    /// Check the store. Answer: `{"problems": [words]}`.
    Check,
    /// Give a link that opens the page once. Answer: `{"url"}`.
    Open {
        /// Who comes in, where two persons are needed to say something.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        person: Option<Named>,
    },
}

/// A person of this post, and what tells that it is them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Their name.
    pub by: String,
    /// Their passphrase.
    pub word: String,
}

impl std::fmt::Debug for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Named {{ by: {:?} }}", self.by)
    }
}

/// What a command asks of drafts. `word` is the person's passphrase.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum DraftAct {
    /// Keep it until another person releases it. Answer: `{"draft"}`, its number.
    Keep {
        /// Who drafts.
        by: String,
        /// Their passphrase.
        word: String,
        /// What is to be done: something that says an entry.
        request: Box<Request>,
    },
    /// Who drafts and releases. Answer: `{"persons": [names], "two_persons"}`.
    Persons,
    /// What waits. Answer: `{"drafts": [..]}`.
    List,
    /// Say it. Answer: as that of what was drafted.
    Release {
        /// The draft.
        number: u32,
        /// Who releases.
        by: String,
        /// Their passphrase.
        word: String,
    },
    /// Say that it is not to be said. Answer: `{"refused"}`, its number.
    Refuse {
        /// The draft.
        number: u32,
        /// Who refuses.
        by: String,
        /// Their passphrase.
        word: String,
        /// Why; may be empty.
        why: String,
    },
    /// Throw it away. Answer: `{"dropped"}`.
    Drop {
        /// The draft.
        number: u32,
        /// Who does.
        by: String,
        /// Their passphrase.
        word: String,
    },
}

impl std::fmt::Debug for DraftAct {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DraftAct::Keep { by, word: _, request } => {
                write!(f, "Keep {{ by: {by:?}, request: {request:?} }}")
            }
            DraftAct::Persons => write!(f, "Persons"),
            DraftAct::List => write!(f, "List"),
            DraftAct::Release { number, by, word: _ } => {
                write!(f, "Release {{ number: {number}, by: {by:?} }}")
            }
            DraftAct::Refuse { number, by, word: _, why } => {
                write!(f, "Refuse {{ number: {number}, by: {by:?}, why: {why:?} }}")
            }
            DraftAct::Drop { number, by, word: _ } => write!(f, "Drop {{ number: {number}, by: {by:?} }}"),
        }
    }
}

/// What a command asks of the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RecordAct {
    /// Put a statement on the record. Answer: `{"id", "item"}` once it is durable.
    Say {
        /// What it says.
        draft: Draft,
        /// How.
        how: How,
    },
    /// Countersign a statement. Answer: `{"id", "item"}` once it is durable.
    Countersign {
        /// The entry with the statement.
        entry: String,
        /// What it says.
        verdict: VerdictWord,
        /// Why it declines.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A part of the record. Answer: [`crate::clerk::record::RecordPage`].
    Show {
        /// Of this conversation's audience; of the whole channel's if there is none.
        conversation: Option<ConversationId>,
        /// Statements after this place.
        after: usize,
        /// At most so many.
        count: usize,
    },
    /// Prove some of what came since. Answer: `{"more", "done", "of"}`.
    Prove,
    /// Write the record to an absolute path that does not exist. Answer: `{"path", "len", "head", "items", "sha256"}`.
    Export {
        /// Of this conversation's audience; of the whole channel's if there is none.
        conversation: Option<ConversationId>,
        /// Where to.
        path: String,
        /// The strictest marking that may be held there.
        level: Marking,
    },
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
    /// Where; the channel's first conversation if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
    /// How it may be passed on, where not as the conversation says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marking: Option<Marking>,
}

impl Default for How {
    /// As routine, for good, in the channel's first conversation.
    fn default() -> How {
        How {
            precedence: Precedence::Routine,
            expires_after_ms: None,
            when_verified: false,
            conversation: None,
            marking: None,
        }
    }
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
/// Octets of an answer: a matter of 200 persons with everything that was said of it.
pub const ANSWER_OCTETS_MAX: usize = 64 * 1024 * 1024;
/// Commands at once; a desk has a handful.
pub const CLIENTS_MAX: usize = 64;
/// Requests of one client that wait for their answers.
pub const PIPELINED_MAX: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_survives_its_line() {
        let how = How {
            precedence: Precedence::Flash,
            expires_after_ms: Some(5),
            when_verified: true,
            ..How::default()
        };
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
        let how = How::default();
        let line = serde_json::to_string(&Request::Send { text, how }).expect("encodes");
        assert!(line.len() < LINE_OCTETS_MAX);
    }
}
