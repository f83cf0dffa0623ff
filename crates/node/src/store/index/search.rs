//! Looking something up.

use couloir_wire::entry::{Body, Marking};
use couloir_wire::id::{ConversationId, EntryId, PostId};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rusqlite::{OptionalExtension, ToSql, params};

use super::super::read::{LOG_ROW, log_row};
use super::super::{LogRow, Reader, StoreError};
use super::{folded, grams, is_taken_back, mark, texts};

/// What is looked for. Every part that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lookup {
    /// Words that it says, each somewhere.
    pub words: String,
    /// Who said it.
    pub by: Option<PostId>,
    /// Said at this time or later, in milliseconds since 1970.
    pub from_ms: Option<i64>,
    /// Said before this time.
    pub until_ms: Option<i64>,
    /// Its kind, as [`Body::word`].
    pub kind: Option<String>,
    /// How it may be passed on.
    pub marking: Option<Marking>,
    /// Where it was said.
    pub conversation: Option<ConversationId>,
    /// The matter that it belongs to.
    pub matter: Option<EntryId>,
    /// Only what came before the entry with this log number.
    pub before: Option<u64>,
}

/// What was found, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The entries.
    pub rows: Vec<LogRow>,
    /// There may be more before the entry with this log number.
    pub before: Option<u64>,
    /// Entries that the index has not come to yet and that were not looked at.
    pub behind: u64,
}

impl Lookup {
    /// Whether anything is asked for.
    pub fn is_empty(&self) -> bool {
        Lookup { before: None, words: self.words.trim().to_owned(), ..self.clone() } == Lookup::default()
    }
}

/// A search under way.
struct Search<'w> {
    wanted: &'w Lookup,
    words: Vec<String>,
    /// Conversations of the marking that is wanted.
    marked: Vec<(ConversationId, i64)>,
    count: usize,
    found: Found,
    looked_at: usize,
}

impl Reader {
    /// The newest entries that are `wanted`, at most `count`.
    pub fn search(&self, wanted: &Lookup, count: usize) -> Result<Found, StoreError> {
        let words = folded(&wanted.words).split_whitespace().map(str::to_owned).collect();
        let marked = wanted.marking.map_or(Ok(Vec::new()), |marking| self.marked(marking))?;
        let found = Found { behind: self.behind()?, ..Found::default() };
        let mut search = Search { wanted, words, marked, count, found, looked_at: 0 };
        if let Some(matter) = wanted.matter {
            let rows = self.matter(matter)?.into_iter().rev().map(Ok);
            search.take(self, rows)?;
            return Ok(search.found);
        }
        let before = self.row_before(wanted.before)?;
        let mark = mark(&self.connection)?;
        let newest = "WHERE e.row < ?1 AND e.row > ?2 AND e.number IS NOT NULL ORDER BY e.row DESC LIMIT ?3";
        let query = search.query(self)?;
        let below = if query.is_some() { mark } else { 0 };
        self.walk(&mut search, newest, &[&before, &below, &(NEWEST_ROWS as i64)])?;
        if let Some(query) = query.filter(|_| !search.is_over()) {
            self.look_up(&mut search, &query, before.min(mark.saturating_add(1)))?;
        }
        Ok(search.found)
    }

    fn walk(&self, search: &mut Search<'_>, which: &str, values: &[&dyn ToSql]) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(&format!("{LOG_ROW} {which}"))?;
        let rows = statement.query_map(values, log_row)?;
        search.take(self, rows.map(|row| row.map_err(StoreError::from)))
    }

    fn look_up(&self, search: &mut Search<'_>, query: &str, before: i64) -> Result<(), StoreError> {
        let sql =
            LOG_ROW.replace("FROM entry e JOIN", "FROM said s CROSS JOIN entry e ON e.row = s.rowid JOIN");
        let sql = format!(
            "{sql} WHERE s.said MATCH ?1 AND s.rowid < ?2 AND e.number IS NOT NULL ORDER BY s.rowid DESC"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params![query, before], log_row)?;
        search.take(self, rows.map(|row| row.map_err(StoreError::from)))
    }

    fn behind(&self) -> Result<u64, StoreError> {
        let sql = "SELECT ifnull((SELECT max(row) FROM entry), 0) - row FROM indexed";
        let behind: i64 = self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        Ok((behind as u64).saturating_sub(NEWEST_ROWS as u64))
    }

    /// The row of the entry with this log number; above all if there is none.
    fn row_before(&self, number: Option<u64>) -> Result<i64, StoreError> {
        let Some(number) = number else { return Ok(i64::MAX) };
        let mut find = self.connection.prepare_cached("SELECT row FROM entry WHERE number = ?1")?;
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        Ok(find.query_row([number], |row| row.get(0)).optional()?.unwrap_or(i64::MAX))
    }

    /// Conversations whose opening says that their entries are so marked.
    fn marked(&self, marking: Marking) -> Result<Vec<(ConversationId, i64)>, StoreError> {
        let openings = self.of_kind("conversation", false, None, couloir_wire::limits::CONVERSATIONS_MAX)?;
        let is_so =
            |row: &&LogRow| matches!(row.body(), Some(Body::Open(opening)) if opening.marking == marking);
        let marked = openings.iter().filter(is_so).map(|row| {
            Ok(self.conversation_number(row.conversation)?.map(|number| (row.conversation, number)))
        });
        Ok(marked.collect::<Result<Vec<_>, StoreError>>()?.into_iter().flatten().collect())
    }
}

impl Search<'_> {
    fn is_over(&self) -> bool {
        self.found.rows.len() >= self.count || self.looked_at >= CANDIDATES
    }

    /// Takes rows that fit until enough were found, or enough was read.
    fn take(
        &mut self,
        reader: &Reader,
        rows: impl Iterator<Item = Result<LogRow, StoreError>>,
    ) -> Result<(), StoreError> {
        for row in rows {
            let row = row?;
            self.looked_at += 1;
            let number = row.number;
            if self.fits(&row) && !is_out(reader, &row)? {
                self.found.rows.push(row);
            }
            if self.is_over() {
                self.found.before = number;
                return Ok(());
            }
        }
        Ok(())
    }

    fn fits(&self, row: &LogRow) -> bool {
        let wanted = self.wanted;
        let Some(entry) = row.entry.as_ref().filter(|_| row.number.is_some()) else { return false };
        wanted.by.is_none_or(|by| by == row.author)
            && wanted.from_ms.is_none_or(|from_ms| row.at_ms >= from_ms)
            && wanted.until_ms.is_none_or(|until_ms| row.at_ms < until_ms)
            && wanted.kind.as_ref().is_none_or(|kind| *kind == row.kind)
            && wanted.conversation.is_none_or(|conversation| conversation == row.conversation)
            && wanted.marking.is_none_or(|marking| match entry.marking {
                Some(own) => own == marking,
                None => self.marked.iter().any(|(conversation, _)| *conversation == row.conversation),
            })
            && self.says(&entry.body)
    }

    fn says(&self, body: &Body) -> bool {
        if self.words.is_empty() {
            return true;
        }
        let text = folded(&texts(body));
        self.words.iter().all(|word| text.contains(word.as_str()))
    }

    /// What the index is asked; nothing if it knows nothing of what is wanted.
    fn query(&self, reader: &Reader) -> Result<Option<String>, StoreError> {
        let wanted = self.wanted;
        let mut all: Vec<String> = self.words.iter().flat_map(|word| grams::terms_of_word(word)).collect();
        all.extend(wanted.by.map(of_author));
        all.extend(wanted.kind.as_deref().map(of_kind));
        all.extend(self.marked_query());
        all.extend(self.months());
        if let Some(conversation) = wanted.conversation {
            // One of which nothing is known holds nothing.
            all.push(of_conversation(reader.conversation_number(conversation)?.unwrap_or(0)));
        }
        Ok((!all.is_empty()).then(|| all.join(" AND ")))
    }

    fn marked_query(&self) -> Option<String> {
        let own = of_marking(Some(self.wanted.marking?));
        let places: Vec<String> = self.marked.iter().map(|(_, number)| of_conversation(*number)).collect();
        if places.is_empty() {
            return Some(own);
        }
        Some(format!("({own} OR ({} AND ({})))", of_marking(None), places.join(" OR ")))
    }

    /// The months between two times, if they are few.
    fn months(&self) -> Option<String> {
        let (from_ms, until_ms) = (self.wanted.from_ms?, self.wanted.until_ms?);
        if from_ms >= until_ms || until_ms.saturating_sub(from_ms) > MONTHS * MONTH_STEP_MS {
            return None;
        }
        let steps = (0..=MONTHS + 1).map(|step| from_ms.saturating_add(step * MONTH_STEP_MS).min(until_ms));
        let mut months: Vec<String> = steps.map(of_month).collect();
        months.dedup();
        Some(format!("({})", months.join(" OR ")))
    }
}

/// Whether its text was taken back; the index knows, and the newest rows are not in it.
fn is_out(reader: &Reader, row: &LogRow) -> Result<bool, StoreError> {
    row.entry.as_ref().map_or(Ok(true), |entry| is_taken_back(&reader.connection, entry))
}

pub(super) fn of_conversation(number: i64) -> String {
    format!("zc{number}")
}

pub(super) fn of_author(post: PostId) -> String {
    format!("za{post}")
}

pub(super) fn of_kind(kind: &str) -> String {
    let letters: String = kind.chars().filter(char::is_ascii_lowercase).collect();
    format!("zk{letters}")
}

pub(super) fn of_marking(marking: Option<Marking>) -> String {
    marking.map_or_else(|| "zmx".to_owned(), |marking| format!("zm{}", marking as u8))
}

pub(super) fn of_month(at_ms: i64) -> String {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let date = at.to_zoned(TimeZone::UTC).date();
    format!("zd{}m{}", date.year(), date.month())
}

/// Newest entries that are looked at without the index.
const NEWEST_ROWS: usize = 2_000;
/// So many entries are read for one answer; the rest is asked for.
const CANDIDATES: usize = 4_000;
/// Less than a month: none is passed over.
const MONTH_STEP_MS: i64 = 27 * 86_400_000;
/// More months are as good as no bound.
const MONTHS: i64 = 40;
