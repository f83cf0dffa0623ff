//! What a statement says: its payload (docs/RECORD.md §3).

use couloir_wire::cbor;
use couloir_wire::id::{ChannelId, Digest, PostId, SideId, StatementId};
use couloir_wire::limits::{
    PEERS_MAX, SIDES_MAX, STATEMENT_OCTETS_MAX, STATEMENT_TEXT_OCTETS_MAX, STATEMENT_TEXTS_MAX,
};
use couloir_wire::text::{TextError, check_body, check_name};
use minicbor::{Decode, Encode};

use super::{RecordError, VERSION, check_previous, check_that, check_time, is_rising};

/// What a statement asks of the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Asks {
    /// No answer.
    #[n(0)]
    Nothing,
    /// That it says that it has it.
    #[n(1)]
    Acknowledge,
    /// That it agrees to the text.
    #[n(2)]
    Agree,
}

impl Asks {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Asks::Nothing => "nothing",
            Asks::Acknowledge => "acknowledge",
            Asks::Agree => "agree",
        }
    }
}

/// Between whom a record is: there is one record for each audience.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(array)]
pub struct Audience {
    /// The channel.
    #[n(0)]
    pub channel: ChannelId,
    /// The sides, sorted: two, or a few.
    #[n(1)]
    pub sides: Vec<SideId>,
    /// The posts, the author's among them, sorted.
    #[n(2)]
    pub posts: Vec<PostId>,
}

impl Audience {
    /// The audience of these sides and posts, in whatever order they come.
    pub fn new(channel: ChannelId, mut sides: Vec<SideId>, mut posts: Vec<PostId>) -> Audience {
        sides.sort_unstable();
        sides.dedup();
        posts.sort_unstable();
        posts.dedup();
        Audience { channel, sides, posts }
    }

    pub(super) fn check(&self) -> Result<(), RecordError> {
        let is_few = (2..=SIDES_MAX).contains(&self.sides.len());
        check_that(is_few && is_rising(&self.sides), "list of sides")?;
        let has_few = (2..=PEERS_MAX).contains(&self.posts.len());
        check_that(has_few && is_rising(&self.posts), "list of posts")
    }
}

/// One language's version of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Text {
    /// The language: a tag of BCP 47, such as `ja` or `zh-Hans`.
    #[n(0)]
    pub lang: String,
    /// The title.
    #[n(1)]
    pub title: String,
    /// The text; lines end with U+000A.
    #[n(2)]
    pub text: String,
}

/// Which statement another one puts right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Corrects {
    /// The digest of the statement that it corrects.
    #[n(0)]
    pub statement: Digest,
    /// One more than that one's own number; a statement that corrects none has number 0.
    #[n(1)]
    pub number: u32,
}

/// What is said on the record.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Statement {
    /// [`VERSION`].
    #[n(1)]
    pub version: u8,
    /// Between whom.
    #[n(2)]
    pub audience: Audience,
    /// Random.
    #[n(3)]
    pub id: StatementId,
    /// The record's tips that its author saw, sorted.
    #[n(4)]
    pub previous: Vec<Digest>,
    /// The author's side.
    #[n(5)]
    pub side: SideId,
    /// The author.
    #[n(6)]
    pub author: PostId,
    /// The author's time, in milliseconds since 1970.
    #[n(7)]
    pub at_ms: i64,
    /// What it asks.
    #[n(8)]
    pub asks: Asks,
    /// The versions of its text, which are bound together.
    #[n(9)]
    pub texts: Vec<Text>,
    /// What it corrects, if anything.
    #[n(10)]
    pub corrects: Option<Corrects>,
}

impl Statement {
    /// The number of the correction that it is; 0 if it corrects nothing.
    pub fn number(&self) -> u32 {
        self.corrects.map_or(0, |corrects| corrects.number)
    }

    /// What is signed.
    pub(super) fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Reads what was signed.
    pub(super) fn decode(payload: &[u8]) -> Result<Statement, RecordError> {
        let statement: Statement =
            cbor::decode_strict(payload, STATEMENT_OCTETS_MAX).map_err(RecordError::Encoding)?;
        statement.check()?;
        Ok(statement)
    }

    /// Checks bounds, order and text.
    pub fn check(&self) -> Result<(), RecordError> {
        check_that(self.version == VERSION, "version")?;
        self.audience.check()?;
        check_that(self.audience.sides.contains(&self.side), "author's side")?;
        check_that(self.audience.posts.contains(&self.author), "author's post")?;
        check_previous(&self.previous)?;
        check_time(self.at_ms)?;
        self.check_corrects()?;
        self.check_texts()
    }

    fn check_corrects(&self) -> Result<(), RecordError> {
        check_that(self.corrects.is_none_or(|corrects| corrects.number > 0), "number of the correction")
    }

    fn check_texts(&self) -> Result<(), RecordError> {
        check_that((1..=STATEMENT_TEXTS_MAX).contains(&self.texts.len()), "number of texts")?;
        let octets: usize = self.texts.iter().map(|text| text.text.len()).sum();
        check_that(octets <= STATEMENT_TEXT_OCTETS_MAX, "length of all texts")?;
        let is_repeated = |i: usize| self.texts[..i].iter().any(|text| text.lang == self.texts[i].lang);
        check_that(!(0..self.texts.len()).any(is_repeated), "list of languages")?;
        self.texts.iter().try_for_each(check_text)
    }
}

fn check_text(text: &Text) -> Result<(), RecordError> {
    check_that(is_language(&text.lang), "language")?;
    check_name(&text.title).map_err(|cause| RecordError::Text { field: "title", cause })?;
    check_said(&text.text, STATEMENT_TEXT_OCTETS_MAX, "text")
}

/// A body whose characters stand in the order in which everybody reads them, its lines ended one way.
pub(super) fn check_said(text: &str, max: usize, field: &'static str) -> Result<(), RecordError> {
    let found = text.chars().find(|c| matches!(c, '\r' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'));
    let cause = found.map(|c| TextError::Invisible(c as u32));
    let cause = cause.map_or_else(|| check_body(text, max), Err);
    cause.map_err(|cause| RecordError::Text { field, cause })
}

/// The form of a tag of BCP 47: subtags of letters and digits, the first of letters alone.
fn is_language(tag: &str) -> bool {
    let is_subtag =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let first = tag.split('-').next().unwrap_or_default();
    let is_word = first.len() >= 2 && first.bytes().all(|b| b.is_ascii_lowercase());
    tag.len() <= LANGUAGE_OCTETS_MAX && is_word && tag.split('-').all(is_subtag)
}

/// RFC 5646 §4.4.1: what every registered combination needs.
const LANGUAGE_OCTETS_MAX: usize = 35;
