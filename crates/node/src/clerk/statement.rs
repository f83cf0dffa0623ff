//! Statements: said, answered, shown and carried out, over any [`Node`].

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{MutexGuard, PoisonError};

use couloir_seal::Secret;
use couloir_seal::identity::SigningKey;
use couloir_seal::record::{
    self, Act, Asks, Audience, Corrects, RecordError, Statement, Text, VERSION, Verdict,
};
use couloir_talks::evidence;
use couloir_wire::entry::Body;
use couloir_wire::id::{ConversationId, Digest, EntryId, StatementId};
use couloir_wire::limits::COUNTERSIGNATURES_OF_ONE_MAX;
use couloir_wire::papers::SignedCertificate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization;

use super::record::{Brief, RecordPage, StatementShown};
use super::row::Posts;
use super::{Node, answer, find, papers};
use crate::book::{Book, Shelf};
use crate::keys;
use crate::socket::How;
use crate::store::secrets;
use crate::words::{Code, Failure, Outcome};

/// A statement as a person drew it up. Its keys are those of `couloir statement say --from`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// Its texts, which are bound together.
    pub texts: Vec<DraftText>,
    /// What it asks: nothing, acknowledge, agree.
    #[serde(default)]
    pub asks: AsksWord,
    /// The entry with the statement that it corrects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrects: Option<String>,
}

/// One language's version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DraftText {
    /// Its language tag.
    pub lang: String,
    /// Its title.
    pub title: String,
    /// Its text.
    pub text: String,
}

/// What a statement asks of the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum AsksWord {
    /// No answer.
    #[default]
    Nothing,
    /// That it says that it has it.
    Acknowledge,
    /// That it agrees to the text.
    Agree,
}

/// What a desk says to a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictWord {
    /// It has it.
    Acknowledge,
    /// It agrees to the text.
    Agree,
    /// It does not agree.
    Decline,
}

impl From<AsksWord> for Asks {
    fn from(word: AsksWord) -> Asks {
        match word {
            AsksWord::Nothing => Asks::Nothing,
            AsksWord::Acknowledge => Asks::Acknowledge,
            AsksWord::Agree => Asks::Agree,
        }
    }
}

impl From<VerdictWord> for Verdict {
    fn from(word: VerdictWord) -> Verdict {
        match word {
            VerdictWord::Acknowledge => Verdict::Acknowledge,
            VerdictWord::Agree => Verdict::Agree,
            VerdictWord::Decline => Verdict::Decline,
        }
    }
}

/// The book, read to its end.
pub fn book<'s, N: Node>(node: &N, shelf: &'s Shelf) -> Outcome<MutexGuard<'s, Book>> {
    // Others look in between: a long record is proven step by step.
    while open(shelf).read_on(node.reader(), crate::book::STEP)? {}
    let mut book = open(shelf);
    book.read_all(node.reader())?;
    Ok(book)
}

/// A panic elsewhere leaves the book whole: what was not added is read again.
pub fn open(shelf: &Shelf) -> MutexGuard<'_, Book> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says a statement. Signs it with the post's key: whoever calls has asked a person twice.
pub fn say<N: Node>(node: &mut N, draft: &Draft, how: &How) -> Outcome<Value> {
    let (place, corrects) = corrected(node, draft)?.unzip();
    let place = place.or(how.conversation).map_or_else(|| first(node), Ok)?;
    let (key, certificate) = signer(node)?;
    let author = certificate.unverified();
    let shelf = Shelf::clone(node.shelf());
    let book = book(node, &shelf)?;
    let audience = audience(node, &book, place)?;
    let statement = Statement {
        version: VERSION,
        previous: book.record(&audience).map(couloir_talks::record::Record::previous).unwrap_or_default(),
        audience,
        id: StatementId(keys::random()?),
        side: author.side,
        author: author.post,
        at_ms: jiff::Timestamp::now().as_millisecond(),
        asks: draft.asks.into(),
        texts: draft.texts.iter().map(DraftText::normal).collect(),
        corrects,
    };
    let octets = record::say(&key, &certificate, &statement).map_err(unfit)?;
    drop(book);
    put(
        node,
        Body::Statement(octets),
        &How { conversation: Some(place), when_verified: false, ..how.clone() },
    )
}

/// Answers a statement with the post's countersignature: whoever calls has asked a person twice.
pub fn countersign<N: Node>(
    node: &mut N,
    entry: &str,
    verdict: VerdictWord,
    reason: Option<&str>,
) -> Outcome<Value> {
    let row = find::entry(node, entry)?;
    let (key, certificate) = signer(node)?;
    let author = certificate.unverified();
    let shelf = Shelf::clone(node.shelf());
    let book = book(node, &shelf)?;
    let item = book.item_of(row.id).ok_or_else(|| no_statement(entry))?;
    let said = book.statement(item).ok_or_else(|| no_statement(entry))?;
    if said.get().statement.side == author.side {
        let next = "the other side answers it; to change it: couloir statement correct";
        return Err(Failure::usage("that statement is this side's own", next));
    }
    let record = book.record(&said.get().statement.audience);
    if record.is_some_and(|record| record.said_by(item, author.post).len() >= COUNTERSIGNATURES_OF_ONE_MAX) {
        let what = "this post has answered that statement as often as counts";
        return Err(Failure::refused(what, "say what is new in a statement: couloir statement say"));
    }
    let act = Act {
        version: VERSION,
        statement: item,
        previous: record.map(couloir_talks::record::Record::previous).unwrap_or_default(),
        side: author.side,
        author: author.post,
        at_ms: jiff::Timestamp::now().as_millisecond(),
        verdict: verdict.into(),
        certificate: Digest(Sha256::digest(certificate.octets()).into()),
        reason: reason.map(normal),
    };
    let octets = record::countersign(&key, &certificate, said, &act).map_err(unfit)?;
    drop(book);
    let body = Body::Countersign { statement: row.id, countersignature: octets };
    put(node, body, &How { conversation: Some(row.conversation), ..How::default() })
}

/// A part of the record of a conversation's audience: at most `count` statements after place `after`.
pub fn page<N: Node>(
    node: &mut N,
    conversation: Option<ConversationId>,
    after: usize,
    count: usize,
) -> Outcome<RecordPage> {
    let place = conversation.map_or_else(|| first(node), Ok)?;
    let shelf = Shelf::clone(node.shelf());
    let mut book = book(node, &shelf)?;
    let audience = audience(node, &book, place)?;
    let posts = Posts::of(node.reader())?;
    let mut shown = RecordPage::empty(&audience, &posts);
    let Some((record, page)) = book.page(&audience) else { return Ok(shown) };
    shown.head = page.head().to_string();
    shown.total = page.order().len();
    shown.missing = record.missing().iter().map(Digest::to_string).collect();
    let wanted: Vec<Digest> = page.order().iter().skip(after).take(count).copied().collect();
    let mut found: Vec<StatementShown> = Vec::new();
    for (number, digest) in (after + 1..).zip(wanted) {
        let Some((record, page)) = book.page(&audience) else { break };
        let Some(state) = page.state(record, digest) else { continue };
        let mut statement = StatementShown::of(number, &state);
        statement.bound();
        if let Some(entry) = book.entry_of(digest) {
            statement.brought = Some(brought(node, &posts, entry)?);
        }
        found.push(statement);
        if json_octets(&found) > PAGE_OCTETS {
            break;
        }
    }
    shown.statements = found;
    Ok(shown)
}

/// Statements that ask something of this desk's side, in the record's order.
pub fn asked<N: Node>(node: &mut N) -> Outcome<Vec<Brief>> {
    let shelf = Shelf::clone(node.shelf());
    let mut book = open(&shelf);
    // A long record is proven in the background after a start; what was proven is shown meanwhile.
    book.read_on(node.reader(), crate::book::STEP)?;
    let Some(own) = book.trust().own_side() else { return Ok(Vec::new()) };
    let posts = Posts::of(node.reader())?;
    let mut briefs = Vec::new();
    for audience in book.audiences() {
        let Some((record, page)) = book.page(&audience) else { continue };
        let states = page.asked_of(record, own);
        let found: Vec<(Digest, Brief)> =
            states.iter().map(|state| (state.said.get().digest, Brief::of(state))).collect();
        for (digest, mut brief) in found {
            if let Some(entry) = book.entry_of(digest) {
                brief.brought = Some(brought(node, &posts, entry)?);
            }
            briefs.push(brief);
        }
    }
    Ok(briefs)
}

/// What an entry that claims to be on the record is.
pub fn facts<N: Node>(node: &N, row: &crate::store::LogRow) -> Outcome<super::record::OnRecord> {
    let mut book = open(node.shelf());
    book.read_on(node.reader(), crate::book::STEP)?;
    super::record::OnRecord::of(&mut book, node.reader(), row)
}

/// Proves a step of what came since; how far that is.
pub fn check<N: Node>(node: &mut N) -> Outcome<Value> {
    let shelf = Shelf::clone(node.shelf());
    let mut book = open(&shelf);
    let more = book.read_on(node.reader(), crate::book::STEP)?;
    let (done, of) = book.progress(node.reader())?;
    Ok(json!({ "more": more, "done": done, "of": of }))
}

/// Writes the record of a conversation's audience into a new file.
pub fn export<N: Node>(node: &mut N, conversation: Option<ConversationId>, path: &Path) -> Outcome<Value> {
    let (octets, mut told) = exported(node, conversation)?;
    told["path"] = json!(path);
    write_new(path, &octets)?;
    Ok(told)
}

/// The record of a conversation's audience as evidence, and what is to be told of it.
pub fn exported<N: Node>(node: &mut N, conversation: Option<ConversationId>) -> Outcome<(Vec<u8>, Value)> {
    let place = conversation.map_or_else(|| first(node), Ok)?;
    let shelf = Shelf::clone(node.shelf());
    let book = book(node, &shelf)?;
    let audience = audience(node, &book, place)?;
    let Some(record) = book.record(&audience) else {
        return Err(Failure::usage("nothing is on the record there", "see couloir record show"));
    };
    let octets = evidence::export(record, book.papers());
    let told = json!({
        "len": octets.len(), "head": record.head().to_string(), "items": record.len(),
        "sha256": keys::hex(&Sha256::digest(&octets)),
    });
    Ok((octets, told))
}

/// Writes a file that does not exist, for this user alone, durably.
pub fn write_new(path: &Path, octets: &[u8]) -> Outcome {
    let wrong = |error| Failure::io(path, &error);
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path).map_err(wrong)?;
    file.write_all(octets).and_then(|()| file.sync_all()).map_err(wrong)
}

impl DraftText {
    fn normal(&self) -> Text {
        let title = self.title.trim().nfc().collect();
        Text { lang: self.lang.clone(), title, text: normal(&self.text) }
    }
}

/// Normal form C, lines ended one way, nothing around it.
fn normal(typed: &str) -> String {
    typed.replace("\r\n", "\n").trim().nfc().collect()
}

/// Where the statement lies that a draft corrects, and under which number.
fn corrected<N: Node>(node: &N, draft: &Draft) -> Outcome<Option<(ConversationId, Corrects)>> {
    let Some(entry) = &draft.corrects else { return Ok(None) };
    let row = find::entry(node, entry)?;
    let book = book(node, node.shelf())?;
    let item = book.item_of(row.id).ok_or_else(|| no_statement(entry))?;
    let said = book.statement(item).ok_or_else(|| no_statement(entry))?;
    let number = said.get().statement.number().saturating_add(1);
    Ok(Some((row.conversation, Corrects { statement: item, number })))
}

fn audience<N: Node>(node: &N, book: &Book, place: ConversationId) -> Outcome<Audience> {
    let audience = book.audience(node.reader(), place)?;
    audience.filter(|audience| audience.sides.len() > 1).ok_or_else(|| {
        let what = "a statement needs a post of another side to hear it";
        Failure::refused(
            what,
            "join a channel first, or name another conversation: couloir conversation list",
        )
    })
}

fn first<N: Node>(node: &N) -> Outcome<ConversationId> {
    papers::first_conversation(&papers::channel_of(node.reader())?)
}

fn brought<N: Node>(node: &N, posts: &Posts, entry: EntryId) -> Outcome<super::record::Brought> {
    let row = node.reader().row(entry)?;
    Ok(super::record::Brought::of(entry, row.as_ref(), posts))
}

/// The post's key and certificate.
fn signer<N: Node>(node: &N) -> Outcome<(SigningKey, SignedCertificate)> {
    let seeds = node.reader().secret(secrets::SIGNING)?;
    let seeds = seeds.and_then(|seeds| Secret::from_slice(&seeds)).ok_or_else(|| {
        let what = "the node's signing key is not in the store";
        Failure::new(Code::Integrity, what, "restore a backup: couloir restore FILE --home NEWDIR")
    })?;
    let agreed = papers::Agreed::of(&papers::channel_of(node.reader())?)?;
    Ok((SigningKey::from_seeds(seeds), agreed.own_certificate))
}

fn put<N: Node>(node: &mut N, body: Body, how: &How) -> Outcome<Value> {
    let id = node.say(answer::say(body, how, 0))?;
    let shelf = Shelf::clone(node.shelf());
    let book = book(node, &shelf)?;
    let item = book.item_of(id).map(|item| item.to_string());
    Ok(json!({ "id": id.to_string(), "item": item }))
}

fn no_statement(entry: &str) -> Failure {
    Failure::usage(
        format!("{entry:?} is no statement that counts"),
        "see what is on the record: couloir record show",
    )
}

fn unfit(error: RecordError) -> Failure {
    Failure::usage(
        format!("it cannot be put on the record: {error}"),
        "give each text a language, a title of one line and at most 40 KiB in all",
    )
}

fn json_octets(value: &impl Serialize) -> usize {
    serde_json::to_string(value).map_or(0, |text| text.len())
}

/// Octets of one answer; a line of the socket has room for one more statement.
const PAGE_OCTETS: usize = 128 * 1024;
