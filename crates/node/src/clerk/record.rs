//! A record as commands show it: the same for a node's own and for a file of a stranger.

use std::fmt::Write as _;

use couloir_seal::record::{Audience, Countersignature, Signer, Text, head_of};
use couloir_talks::record::{Correction, Record, State};
use couloir_wire::entry::Body;
use couloir_wire::id::{Digest, EntryId};
use serde::{Deserialize, Serialize};

use super::row::{Author, Posts};
use super::statement::DraftText;
use crate::book::{Book, Fault};
use crate::cli::plain::{lines, one_line};
use crate::cli::values::{local_of, rfc3339};
use crate::store::{LogRow, Reader};
use crate::words::Outcome;

/// A record at a glance. Its keys are those of `--json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordShown {
    /// What two desks compare.
    pub head: String,
    /// The channel.
    pub channel: String,
    /// Statements, in the record's order.
    pub statements: Vec<StatementShown>,
    /// Items that are named and not there.
    pub missing: Vec<String>,
}

/// A statement and what has become of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementShown {
    /// Its place in the record's order, from 1.
    pub place: usize,
    /// Its digest.
    pub digest: String,
    /// When its author said it, by the author's clock.
    pub at: String,
    /// Who said it.
    pub by: SignerShown,
    /// What it asks: nothing, acknowledge, agree.
    pub asks: String,
    /// said, acknowledged, declined, agreed.
    pub standing: String,
    /// The number of the correction that it is; 0 if it corrects nothing.
    pub number: u32,
    /// The digest of the statement that it corrects.
    pub corrects: Option<String>,
    /// Digests of the statements that correct it.
    pub corrected_by: Vec<String>,
    /// Its texts, bound together.
    pub texts: Vec<TextShown>,
    /// Its countersignatures, in the record's order.
    pub countersignatures: Vec<CountersignatureShown>,
    /// Countersignatures beyond those that are shown.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_countersignatures: usize,
    /// How it came to this node; none in a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brought: Option<Brought>,
}

/// Who signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignerShown {
    /// The side's id.
    pub side: String,
    /// The side's name.
    pub name: String,
    /// The post's id.
    pub post: String,
    /// The post's title.
    pub title: String,
    /// The person in it, by the certificate.
    pub holder: Option<String>,
    /// The node that signed.
    pub node: String,
}

/// One language's version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextShown {
    /// Its language tag.
    pub lang: String,
    /// Its title.
    pub title: String,
    /// Its text.
    pub text: String,
}

impl From<&DraftText> for TextShown {
    fn from(text: &DraftText) -> TextShown {
        TextShown { lang: text.lang.clone(), title: text.title.clone(), text: text.text.clone() }
    }
}

/// A countersignature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountersignatureShown {
    /// Its digest.
    pub digest: String,
    /// acknowledged, declined, agreed.
    pub verdict: String,
    /// When, by its author's clock.
    pub at: String,
    /// Who countersigned.
    pub by: SignerShown,
    /// Why it declines, if it says so.
    pub reason: Option<String>,
}

impl RecordShown {
    /// A record as it stands.
    pub fn of(record: &Record) -> RecordShown {
        let states = record.states();
        let statements = (1..).zip(&states).map(|(place, state)| StatementShown::of(place, state));
        RecordShown {
            head: record.head().to_string(),
            channel: record.audience().channel.to_string(),
            statements: statements.collect(),
            missing: record.missing().iter().map(Digest::to_string).collect(),
        }
    }

    /// For people: each statement with what has become of it, then the head.
    pub fn words(&self) -> String {
        let mut out = String::new();
        let place_of = |digest: &str| self.place_of(digest);
        self.statements.iter().for_each(|statement| statement.push_words(&mut out, &place_of));
        let _ = write!(out, "Head of the record: {}", self.head);
        if !self.missing.is_empty() {
            let _ = write!(
                out,
                "\nThis is a part of a record: {} items that it names are missing.",
                self.missing.len()
            );
        }
        out
    }

    fn place_of(&self, digest: &str) -> String {
        let place = self.statements.iter().find(|statement| statement.digest == digest);
        place.map_or_else(|| "one that is missing".to_owned(), |statement| statement.place.to_string())
    }
}

impl StatementShown {
    /// A statement as it stands, at its place from 1.
    pub fn of(place: usize, state: &State<'_>) -> StatementShown {
        let said = state.said.get();
        let corrects = said.statement.corrects.filter(|_| state.correction != Correction::Misnumbered);
        StatementShown {
            place,
            digest: said.digest.to_string(),
            at: rfc3339(said.statement.at_ms),
            by: SignerShown::of(&said.signer),
            asks: said.statement.asks.word().to_owned(),
            standing: state.standing.word().to_owned(),
            number: said.statement.number(),
            corrects: corrects.map(|corrects| corrects.statement.to_string()),
            corrected_by: state.corrected_by.iter().map(Digest::to_string).collect(),
            texts: said.statement.texts.iter().map(TextShown::of).collect(),
            countersignatures: state
                .countersignatures
                .iter()
                .map(|mark| CountersignatureShown::of(mark.get()))
                .collect(),
            more_countersignatures: 0,
            brought: None,
        }
    }

    /// Leaves out what no desk would read: many more countersignatures than there are posts.
    pub fn bound(&mut self) {
        self.more_countersignatures = self.countersignatures.len().saturating_sub(COUNTERSIGNATURES_SHOWN);
        self.countersignatures.truncate(COUNTERSIGNATURES_SHOWN);
    }

    /// For people; `place_of` tells another statement's place.
    pub fn push_words(&self, out: &mut String, place_of: &dyn Fn(&str) -> String) {
        let brought = self.brought.as_ref().map(Brought::words).unwrap_or_default();
        let at = local_of(&self.at);
        let _ = writeln!(out, "{}. {at}  {}  {}{brought}", self.place, self.by.words(), self.standing);
        if self.asks != "nothing" {
            let _ = writeln!(out, "   asks to {}", self.asks);
        }
        if let Some(corrects) = &self.corrects {
            let _ = writeln!(out, "   correction {} of {}", self.number, place_of(corrects));
        }
        for by in &self.corrected_by {
            let _ = writeln!(out, "   corrected by {}", place_of(by));
        }
        for text in &self.texts {
            let _ = writeln!(
                out,
                "   [{}] {}\n      {}",
                one_line(&text.lang),
                one_line(&text.title),
                lines(&text.text, 6)
            );
        }
        for mark in &self.countersignatures {
            let reason = mark.reason.as_deref().map(|reason| format!(": {}", lines(reason, 6)));
            let reason = reason.unwrap_or_default();
            let at = local_of(&mark.at);
            let _ = writeln!(out, "   {at}  {}  {}{reason}", mark.by.words(), mark.verdict);
        }
        if self.more_countersignatures > 0 {
            let _ = writeln!(out, "   and {} more countersignatures", self.more_countersignatures);
        }
        let _ = writeln!(out, "   {}\n", self.digest);
    }
}

impl SignerShown {
    fn of(signer: &Signer) -> SignerShown {
        SignerShown {
            side: signer.side.to_string(),
            name: signer.side_name.clone(),
            post: signer.post.to_string(),
            title: signer.title.clone(),
            holder: signer.holder.clone(),
            node: signer.node.to_string(),
        }
    }

    /// Side, post, and the person if the certificate names one.
    pub fn words(&self) -> String {
        let holder = self.holder.as_deref().map(|holder| format!(" ({})", one_line(holder)));
        format!("{}, {}{}", one_line(&self.name), one_line(&self.title), holder.unwrap_or_default())
    }
}

impl TextShown {
    fn of(text: &Text) -> TextShown {
        TextShown { lang: text.lang.clone(), title: text.title.clone(), text: text.text.clone() }
    }
}

impl CountersignatureShown {
    fn of(countersignature: &Countersignature) -> CountersignatureShown {
        let Countersignature { digest, act, signer, .. } = countersignature;
        CountersignatureShown {
            digest: digest.to_string(),
            verdict: act.verdict.word().to_owned(),
            at: rfc3339(act.at_ms),
            by: SignerShown::of(signer),
            reason: act.reason.clone(),
        }
    }
}

/// A part of this node's record, as `couloir record show --json` answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordPage {
    /// What two desks compare.
    pub head: String,
    /// The channel.
    pub channel: String,
    /// Between whom the record is.
    pub members: Vec<Author>,
    /// How many statements there are.
    pub total: usize,
    /// Statements, in the record's order.
    pub statements: Vec<StatementShown>,
    /// Items that are named and not here.
    pub missing: Vec<String>,
}

/// How a statement came to this node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brought {
    /// The entry that brought it.
    pub entry: String,
    /// Where it was said.
    pub conversation: String,
    /// What people cite it by.
    pub cited: String,
    /// Whether this node said it.
    pub own: bool,
    /// `kept`, `carried`, `delivered` or `shown`.
    pub state: String,
}

/// A statement in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brief {
    /// Its digest.
    pub digest: String,
    /// When its author said it.
    pub at: String,
    /// Who said it.
    pub by: SignerShown,
    /// What it asks: nothing, acknowledge, agree.
    pub asks: String,
    /// said, acknowledged, declined, agreed.
    pub standing: String,
    /// Its titles, one a language.
    pub titles: Vec<TextShown>,
    /// How it came to this node.
    pub brought: Option<Brought>,
}

/// What an entry that claims to be on the record is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnRecord {
    /// Whether it counts.
    pub counts: bool,
    /// Why it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
    /// The item's digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The statement; of a countersignature, the one that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<StatementShown>,
    /// Of a countersignature: what it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// Of a countersignature: why it declines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl RecordPage {
    /// The record of an audience in which nothing was said yet.
    pub fn empty(audience: &Audience, posts: &Posts) -> RecordPage {
        RecordPage {
            head: head_of(&[]).to_string(),
            channel: audience.channel.to_string(),
            members: audience.posts.iter().map(|post| posts.author(*post)).collect(),
            total: 0,
            statements: Vec::new(),
            missing: Vec::new(),
        }
    }
}

impl Brought {
    /// By an entry of the log.
    pub fn of(entry: EntryId, row: Option<&LogRow>, posts: &Posts) -> Brought {
        Brought {
            entry: entry.to_string(),
            conversation: row.map(|row| row.conversation.to_string()).unwrap_or_default(),
            cited: row
                .map(|row| format!("{}{}", row.cited, posts.letter(row.conversation, row.author)))
                .unwrap_or_default(),
            own: row.is_some_and(|row| row.is_own),
            state: row.map(|row| row.state.word().to_owned()).unwrap_or_default(),
        }
    }

    fn words(&self) -> String {
        let state = if self.own { format!(", {}", self.state) } else { String::new() };
        format!("  [{} {}]{state}", self.cited, self.entry.get(..8).unwrap_or_default())
    }
}

impl Brief {
    /// Of a statement as it stands.
    pub fn of(state: &State<'_>) -> Brief {
        let said = state.said.get();
        let title = |text: &Text| TextShown { text: String::new(), ..TextShown::of(text) };
        Brief {
            digest: said.digest.to_string(),
            at: rfc3339(said.statement.at_ms),
            by: SignerShown::of(&said.signer),
            asks: said.statement.asks.word().to_owned(),
            standing: state.standing.word().to_owned(),
            titles: said.statement.texts.iter().map(title).collect(),
            brought: None,
        }
    }

    /// For people, on one line.
    pub fn words(&self) -> String {
        let brought = self.brought.as_ref().map(Brought::words).unwrap_or_default();
        let titles: Vec<String> = self.titles.iter().map(|text| one_line(&text.title)).collect();
        format!("{} asks to {}: {}{brought}", self.by.words(), self.asks, titles.join(" / "))
    }
}

impl OnRecord {
    /// What the book knows of an entry.
    pub fn of(book: &mut Book, reader: &Reader, row: &LogRow) -> Outcome<OnRecord> {
        let Some(digest) = book.item_of(row.id) else {
            let why_not = book.fault(reader, row)?.map(|fault: Fault| fault.to_string());
            return Ok(OnRecord { why_not, ..OnRecord::none() });
        };
        let entry = match row.body() {
            Some(Body::Countersign { statement, .. }) => *statement,
            _ => row.id,
        };
        let mut found = OnRecord { counts: true, digest: Some(digest.to_string()), ..OnRecord::none() };
        let said = book.item_of(entry).and_then(|item| book.statement(item));
        let place = said.map(|said| (said.get().digest, said.get().statement.audience.clone()));
        let Some((statement, audience)) = place else { return Ok(found) };
        let Some((record, page)) = book.page(&audience) else { return Ok(found) };
        let number = page.place(statement).map_or(0, |place| place.number);
        found.statement = page.state(record, statement).map(|state| StatementShown::of(number, &state));
        let marks = found.statement.as_mut().map(|shown| {
            let marks =
                shown.countersignatures.iter().find(|mark| mark.digest == digest.to_string()).cloned();
            shown.bound();
            marks
        });
        if let Some(mark) = marks.flatten() {
            (found.verdict, found.reason) = (Some(mark.verdict), mark.reason);
        }
        Ok(found)
    }

    fn none() -> OnRecord {
        OnRecord { counts: false, why_not: None, digest: None, statement: None, verdict: None, reason: None }
    }

    /// For the log, in a few lines at most.
    pub fn words(&self) -> String {
        let title = || {
            let texts = self.statement.iter().flat_map(|shown| &shown.texts);
            texts.map(|text| one_line(&text.title)).collect::<Vec<_>>().join(" / ")
        };
        if !self.counts {
            let why = self.why_not.as_deref().unwrap_or("it was not checked yet");
            return format!("NOT ON THE RECORD, it counts for nothing: {}", one_line(why));
        }
        let standing = self.statement.as_ref().map(|shown| shown.standing.as_str()).unwrap_or_default();
        match (&self.verdict, &self.reason) {
            (Some(verdict), Some(reason)) => {
                format!("ON THE RECORD: {verdict}: {}: {}", title(), lines(reason, 6))
            }
            (Some(verdict), None) => format!("ON THE RECORD: {verdict}: {}", title()),
            (None, _) => format!("ON THE RECORD: {} ({standing}): couloir record show", title()),
        }
    }
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// Countersignatures of one statement that are shown.
const COUNTERSIGNATURES_SHOWN: usize = 32;
