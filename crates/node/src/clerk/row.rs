//! An entry as the log shows it.

use std::collections::BTreeMap;

use couloir_engine::channel::ChannelState;
use couloir_wire::entry::Body;
use couloir_wire::id::PostId;
use couloir_wire::papers::{self, Certificate, Signed, SignedAcceptance, Signet};
use serde::{Deserialize, Serialize};

use crate::cli::plain;
use crate::cli::values::{local, rfc3339};
use crate::store::LogRow;
use crate::words::Outcome;

use super::papers::unreadable;

/// One row of `couloir log --json`. Keys are stable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The entry's id.
    pub id: String,
    /// Its place in this node's log, from 1; permanent. None while it is kept until the phrase was compared.
    pub number: Option<u64>,
    /// Where it was said.
    pub conversation: String,
    /// Who said it.
    pub author: Author,
    /// Whether this node said it.
    pub own: bool,
    /// `note`, `file`, `withheld`, `deferred`, or `expired`.
    pub kind: String,
    /// A note's text; a file's name.
    pub text: String,
    /// The author's time.
    pub at: String,
    /// `flash`, `immediate`, `priority` or `routine`.
    pub precedence: String,
    /// `kept`, `carried`, `delivered` or `shown`.
    pub state: String,
    /// Whether something that its author had seen is missing before it.
    pub gap: bool,
    /// When both sides forget it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// A file's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A file's length in octets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub len: Option<u64>,
    /// Octets of a file that are acknowledged, or received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<u64>,
    /// The entry that is answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// Until when an answer is deferred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// Who said something, by the names in the papers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The side's name.
    pub side: String,
    /// The post's title.
    pub post: String,
}

/// Names of the channel's posts.
pub struct Posts(BTreeMap<PostId, Author>);

impl Posts {
    /// From the channel's papers.
    pub fn of(channel: &ChannelState) -> Outcome<Posts> {
        let mut posts = BTreeMap::new();
        let mut name = |signet: &[u8], certificate: &[u8]| -> Outcome {
            let signet: Signet = papers::read(signet).map_err(unreadable)?;
            let certificate = Signed::<Certificate>::decode(certificate).map_err(unreadable)?;
            let Certificate { post, title, .. } = certificate.unverified();
            posts.insert(*post, Author { side: signet.name, post: title.clone() });
            Ok(())
        };
        name(&channel.own_signet, &channel.own_certificate)?;
        if let Some((signet, certificate)) = &channel.inviter {
            name(&signet.0, &certificate.0)?;
        }
        if let Some(acceptance) = &channel.acceptance {
            let acceptance = SignedAcceptance::decode(&acceptance.0).map_err(unreadable)?;
            let accepted = acceptance.unverified();
            let author = Author {
                side: accepted.signet.name.clone(),
                post: accepted.certificate.unverified().title.clone(),
            };
            posts.insert(accepted.certificate.unverified().post, author);
        }
        Ok(Posts(posts))
    }

    /// The names of a post; its id where the papers do not name it.
    pub fn author(&self, post: PostId) -> Author {
        self.0.get(&post).cloned().unwrap_or_else(|| Author { side: String::new(), post: post.to_string() })
    }
}

impl Row {
    /// A row of the store; `progress` are the octets of a file that are acknowledged, or here.
    pub fn of(row: &LogRow, posts: &Posts, progress: Option<u64>) -> Row {
        let mut shown = Row {
            id: row.id.to_string(),
            number: row.number,
            conversation: row.conversation.to_string(),
            author: posts.author(row.author),
            own: row.is_own,
            kind: if row.body.is_some() { row.kind.clone() } else { "expired".to_owned() },
            text: String::new(),
            at: rfc3339(row.at_ms),
            precedence: row.precedence.word().to_owned(),
            state: row.state.word().to_owned(),
            gap: row.has_gap,
            expires: row.expires_ms.map(rfc3339),
            name: None,
            len: None,
            progress,
            entry: None,
            until: None,
        };
        if let Some(body) = &row.body {
            shown.add_body(body);
        }
        shown
    }

    fn add_body(&mut self, body: &Body) {
        match body {
            Body::Note { text } => self.text.clone_from(text),
            Body::File { name, len, .. } => {
                self.text.clone_from(name);
                self.name = Some(name.clone());
                self.len = Some(*len);
            }
            Body::Answer { entry, deferred_until_ms } => {
                self.entry = Some(entry.to_string());
                self.until = deferred_until_ms.map(rfc3339);
            }
        }
    }

    /// The row for people: two lines, nothing in it that moves the cursor.
    pub fn words(&self) -> String {
        let at = self
            .at
            .parse::<jiff::Timestamp>()
            .map_or_else(|_| self.at.clone(), |at| local(at.as_millisecond()));
        let urgent = if self.precedence == "routine" {
            String::new()
        } else {
            format!(" {}", self.precedence.to_uppercase())
        };
        let gap = if self.gap { "  (something before this is missing)\n" } else { "" };
        let author = plain::one_line(&format!("{}, {}", self.author.side, self.author.post));
        let short_id = self.id.get(..8).unwrap_or(&self.id);
        format!(
            "{gap}{:>5} {at}{urgent} {author} [{short_id}] {}\n      {}",
            self.number.map_or_else(|| "-".to_owned(), |number| number.to_string()),
            self.state,
            self.said()
        )
    }

    fn said(&self) -> String {
        let answered = || self.entry.as_deref().and_then(|id| id.get(..8)).unwrap_or_default();
        match self.kind.as_str() {
            "file" => {
                let (done, len) = (self.progress.unwrap_or(0), self.len.unwrap_or(0));
                format!("file {}: {done} of {len} octets", plain::one_line(&self.text))
            }
            "withheld" => format!("received [{}]; answer withheld", answered()),
            "deferred" => {
                format!(
                    "received [{}]; answer deferred until {}",
                    answered(),
                    self.until.as_deref().unwrap_or_default()
                )
            }
            "expired" => "(expired)".to_owned(),
            _ => plain::lines(&self.text, 6),
        }
    }
}
