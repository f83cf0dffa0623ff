//! An entry as the log shows it.

use std::collections::BTreeMap;

use couloir_talks::sides::Sides;
use couloir_wire::entry::{AnnouncementAct, Body, CaseAct, MeetingAct, Note, ReportAct, SwapAct};
use couloir_wire::id::{ConversationId, PostId, SideId};
use couloir_wire::papers::{Certificate, Signet};
use serde::{Deserialize, Serialize};

use crate::cli::plain;
use crate::cli::values::{local_of, rfc3339};
use crate::store::{LogRow, Reader};
use crate::words::Outcome;

use super::files::Progress;
use super::papers;
use super::record::OnRecord;

/// One row of `couloir log --json`. Keys are stable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The entry's id.
    pub id: String,
    /// Its place in this node's log, from 1; permanent. None while it is kept until the phrase was compared.
    pub number: Option<u64>,
    /// Where it was said.
    pub conversation: String,
    /// What people cite it by: its number in the conversation and its author's letter. The same at every desk.
    pub cited: String,
    /// Who said it.
    pub author: Author,
    /// Whether this node said it.
    pub own: bool,
    /// `note`, `file`, `withheld`, `deferred`, `conversation`, `edit`, `withdrawal`, `translation`, `statement`,
    /// `countersignature`, `meeting`, `case`, `report`, `swap`, `announcement`, or `expired`.
    pub kind: String,
    /// A note's text; a file's name; of others what a person reads first.
    pub text: String,
    /// The author's time.
    pub at: String,
    /// `flash`, `immediate`, `priority` or `routine`.
    pub precedence: String,
    /// `kept`, `carried`, `delivered` or `shown`.
    pub state: String,
    /// Whether something that its author had seen is missing before it.
    pub gap: bool,
    /// Whether its author saw something before it in other words than this node: somebody told the two differently.
    #[serde(default)]
    pub differs: bool,
    /// Whether its author took it back; then nothing of what it said is shown.
    #[serde(default)]
    pub withdrawn: bool,
    /// Of a note that was edited: its text now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<String>,
    /// Whether it changes nothing, because what it edits or takes back is not its author's.
    #[serde(default)]
    pub void: bool,
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
    /// Whether all of a received file came, and its hash is not what its author said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damaged: Option<bool>,
    /// The entry that it is about: what it answers, changes or translates, or the matter it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// Until when an answer is deferred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// How it may be passed on, where not as the conversation says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marking: Option<String>,
    /// What a statement or countersignature is, by its signatures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<OnRecord>,
    /// All that it says, where a text does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<serde_json::Value>,
}

/// Who said something, by the names in the papers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The side's name.
    pub side: String,
    /// The post's title.
    pub post: String,
}

/// The channel's posts, and who reads which conversation.
pub struct Posts {
    posts: Vec<(PostId, SideId, Author)>,
    /// The posts of each conversation, in the order that all of them share.
    members: BTreeMap<ConversationId, Vec<PostId>>,
}

impl Posts {
    /// From the papers of every link, and what opened each conversation. The posts of the first link come first, the
    /// inviter's before the other.
    pub fn of(reader: &Reader) -> Outcome<Posts> {
        let (mut posts, mut members) = (Vec::<(PostId, SideId, Author)>::new(), reader.members()?);
        let mut inviter = None;
        for channel in papers::channels_of(reader)? {
            if let Some(charter) = papers::Agreed::of(&channel)?.charter {
                inviter = Some(charter.unverified().inviter);
            }
            let ends = papers::ends_of(&channel)?;
            let ends = ends.iter().map(|(signet, certificate)| author(signet, certificate.unverified()));
            let ends: Vec<_> = ends.collect();
            if let Ok(first) = papers::first_conversation(&channel) {
                members.insert(first, ends.iter().map(|(post, ..)| *post).collect());
            }
            let is_new =
                |(post, ..): &(PostId, SideId, Author)| !posts.iter().any(|(known, ..)| known == post);
            let new: Vec<_> = ends.into_iter().filter(is_new).collect();
            posts.extend(new);
        }
        let mut posts = Posts { posts, members };
        posts.order_members(inviter);
        Ok(posts)
    }

    /// The inviting side's posts come first, at every desk.
    fn order_members(&mut self, inviter: Option<SideId>) {
        let side =
            |post: &PostId| self.posts.iter().find(|(known, ..)| known == post).map(|(_, side, _)| *side);
        let place = |post: &PostId| (side(post) != inviter, *post);
        let ordered = self.members.iter().map(|(id, members)| {
            let mut members = members.clone();
            members.sort_by_key(place);
            (*id, members)
        });
        self.members = ordered.collect();
    }

    /// Who reads a conversation; nobody is known before its opening is here.
    pub fn members(&self, conversation: ConversationId) -> &[PostId] {
        self.members.get(&conversation).map_or(&[], Vec::as_slice)
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = PostId> {
        self.posts.iter().map(|(post, ..)| *post)
    }

    /// Which post is of which side.
    pub fn sides(&self) -> Sides {
        Sides::new(self.posts.iter().map(|(post, side, _)| (*post, *side)))
    }

    /// A side's name; its id where the papers do not name it.
    pub fn side(&self, side: SideId) -> String {
        let known =
            self.posts.iter().find(|(_, known, _)| *known == side).map(|(_, _, author)| author.side.clone());
        known.unwrap_or_else(|| side.to_string())
    }

    /// The names of a post; its id where the papers do not name it.
    pub fn author(&self, post: PostId) -> Author {
        let known = self.posts.iter().find(|(known, ..)| *known == post).map(|(_, _, author)| author.clone());
        known.unwrap_or_else(|| Author { side: String::new(), post: post.to_string() })
    }

    /// The letter that a post's entries are cited with: by its place among those who read the conversation.
    pub fn letter(&self, conversation: ConversationId, post: PostId) -> String {
        let place = self.members(conversation).iter().position(|member| *member == post);
        let letter = place.and_then(|place| ('A'..='Z').chain('a'..='z').nth(place));
        letter.map_or_else(|| "?".to_owned(), |letter| letter.to_string())
    }
}

fn author(signet: &Signet, certificate: &Certificate) -> (PostId, SideId, Author) {
    let author = Author { side: signet.name.clone(), post: certificate.title.clone() };
    (certificate.post, certificate.side, author)
}

impl Row {
    /// A row of the store, and how far it has come if it is a file.
    pub fn of(row: &LogRow, posts: &Posts, progress: Option<Progress>) -> Row {
        let mut shown = Row {
            id: row.id.to_string(),
            number: row.number,
            conversation: row.conversation.to_string(),
            cited: format!("{}{}", row.cited, posts.letter(row.conversation, row.author)),
            author: posts.author(row.author),
            own: row.is_own,
            kind: if row.entry.is_some() { row.kind.clone() } else { "expired".to_owned() },
            text: String::new(),
            at: rfc3339(row.at_ms),
            precedence: row.precedence.word().to_owned(),
            state: row.state.word().to_owned(),
            gap: row.has_gap,
            differs: false,
            withdrawn: false,
            edited: None,
            void: false,
            expires: row.expires_ms.map(rfc3339),
            name: None,
            len: None,
            progress: progress.map(|file| file.done),
            damaged: progress.map(|file| file.is_damaged),
            entry: row.about.map(|entry| entry.to_string()),
            until: None,
            marking: None,
            record: None,
            body: None,
        };
        if let Some(entry) = &row.entry {
            shown.marking = entry.marking.map(|marking| marking.word().to_owned());
            shown.add_body(&entry.body);
        }
        shown
    }

    fn add_body(&mut self, body: &Body) {
        self.text = gist(body).to_owned();
        match body {
            Body::File { name, len, .. } => {
                self.name = Some(name.clone());
                self.len = Some(*len);
            }
            Body::Answer { deferred_until_ms, .. } => self.until = deferred_until_ms.map(rfc3339),
            Body::Note(Note { lang: None, quote: None, .. }) => {}
            // What is revealed is shown with the swap, once both have.
            Body::Swap { act: SwapAct::Reveal(_), .. } => {}
            // Our own types always have a JSON form.
            _ => self.body = serde_json::to_value(body).ok(),
        }
    }

    /// Its author took it back.
    pub fn take_back(&mut self) {
        self.withdrawn = true;
        self.text.clear();
        (self.name, self.body) = (None, None);
    }

    /// The row for people: two lines, nothing in it that moves the cursor.
    pub fn words(&self) -> String {
        let at = local_of(&self.at);
        let urgent = if self.precedence == "routine" {
            String::new()
        } else {
            format!(" {}", self.precedence.to_uppercase())
        };
        let gap = if self.gap { "  (something before this is missing)\n" } else { "" };
        let differs =
            if self.differs { "  (its author was told something before this in other words)\n" } else { "" };
        let author = plain::one_line(&format!("{}, {}", self.author.side, self.author.post));
        let short_id = self.id.get(..8).unwrap_or(&self.id);
        format!(
            "{gap}{differs}{:>5} {at}{urgent} {author} [{short_id}] {}\n      {}",
            self.cited,
            self.state,
            self.said()
        )
    }

    fn said(&self) -> String {
        if self.withdrawn {
            return format!("({} withdrawn)", self.kind);
        }
        let answered = || self.entry.as_deref().and_then(|id| id.get(..8)).unwrap_or_default();
        match self.kind.as_str() {
            "file" => {
                let (done, len) = (self.progress.unwrap_or(0), self.len.unwrap_or(0));
                let damaged = if self.damaged == Some(true) { ", damaged" } else { "" };
                format!("file {}: {done} of {len} octets{damaged}", plain::one_line(&self.text))
            }
            "withheld" => format!("received [{}]; answer withheld", answered()),
            "deferred" => {
                format!(
                    "received [{}]; answer deferred until {}",
                    answered(),
                    self.until.as_deref().map(local_of).unwrap_or_default()
                )
            }
            "expired" => "(expired)".to_owned(),
            "statement" | "countersignature" if let Some(record) = &self.record => record.words(),
            "note" => match &self.edited {
                Some(text) => format!("{}\n      (edited)", plain::lines(text, 6)),
                None => plain::lines(&self.text, 6),
            },
            kind => {
                let about = self.entry.as_deref().and_then(|id| id.get(..8));
                let about = about.map(|id| format!(" of [{id}]")).unwrap_or_default();
                let void = if self.void { " (changes nothing)" } else { "" };
                plain::lines(&format!("{kind}{about}{void}: {}", self.text), 6)
            }
        }
    }
}

/// What a person reads first of what is said.
pub fn gist(body: &Body) -> &str {
    match body {
        Body::Note(note) => &note.text,
        Body::File { name, .. } => name,
        Body::Answer { .. } | Body::Withdraw { .. } | Body::Statement(_) | Body::Countersign { .. } => "",
        Body::Open(opening) => &opening.subject,
        Body::Edit { text, .. } => text,
        Body::Translate(translation) => &translation.text,
        Body::Meeting { act, .. } => match act {
            MeetingAct::Propose(plan) | MeetingAct::Counter(plan) => &plan.subject,
            MeetingAct::Accept { .. } => "accepted",
            MeetingAct::Cancel { why: text } | MeetingAct::Held { remark: text, .. } => text,
        },
        Body::Case { act, .. } => case_gist(act),
        Body::Report(act) => match act {
            ReportAct::Share { title, .. } | ReportAct::Request { title, .. } => title,
            ReportAct::Reply { text, .. } => text,
            ReportAct::Released { to, .. } => to,
        },
        Body::Swap { act, .. } => match act {
            SwapAct::Propose { subject, .. } => subject,
            SwapAct::Commit(_) => "committed",
            SwapAct::Reveal(_) => "revealed",
            SwapAct::Abort { why } => why,
        },
        Body::Announcement { act, .. } => match act {
            AnnouncementAct::Propose(line) | AnnouncementAct::Counter(line) => &line.subject,
            AnnouncementAct::Agree { .. } => "agreed",
            AnnouncementAct::Decline { why: text } | AnnouncementAct::Published { at_place: text, .. } => {
                text
            }
        },
    }
}

fn case_gist(act: &CaseAct) -> &str {
    match act {
        CaseAct::Raise(file) => &file.title,
        CaseAct::Add(person) => &person.name,
        CaseAct::Status(report) => &report.text,
        CaseAct::Answer(report) => &report.text,
        CaseAct::Clock(clock) => &clock.what,
        CaseAct::Access(report) => &report.text,
        CaseAct::Remark { text } | CaseAct::Close { why: text } | CaseAct::Met { text, .. } => text,
    }
}
