//! The log as commands show it.

use couloir_wire::entry::{Body, DeliveryState};
use couloir_wire::id::{ConversationId, EntryId, PostId};

use super::row::{Posts, Row};
use super::{Node, about, files, statement};
use crate::store::LogRow;
use crate::words::Outcome;

/// Gives every entry with a number above `after`, of one conversation or all, to `row`; the peer's are thereby shown. Returns the
/// last number given.
pub fn log<N: Node>(
    node: &mut N,
    after: Option<u64>,
    conversation: Option<ConversationId>,
    row: &mut dyn FnMut(Row) -> Outcome,
) -> Outcome<Option<u64>> {
    let (mut after, mut posts) = (after, None);
    loop {
        let page = match conversation {
            Some(conversation) => node.reader().thread_after(conversation, after, PAGE_ROWS)?,
            None => node.reader().log_after(after, PAGE_ROWS)?,
        };
        let Some(last) = page.last() else { return Ok(after) };
        after = last.number.or(after);
        let posts = match &mut posts {
            Some(posts) => posts,
            none => none.insert(Posts::of(node.reader())?),
        };
        for each in &page {
            row(row_of(node, each, posts)?)?;
        }
        let shown = newly_shown(&page);
        if !shown.is_empty() {
            node.show(shown)?;
        }
    }
}

/// A row, and what became of it: what was taken back shows nothing more of what it said.
pub fn row_of<N: Node>(node: &mut N, each: &LogRow, posts: &Posts) -> Outcome<Row> {
    let mut row = Row::of(each, posts, files::progress(node, each)?);
    let Some(entry) = &each.entry else { return Ok(row) };
    let reader = node.reader();
    row.differs = reader.is_told_differently(entry)?;
    if reader.is_taken_back(entry)? {
        row.take_back();
        return Ok(row);
    }
    match &entry.body {
        Body::Note(_) => row.edited = about::last_text(reader, each)?,
        Body::Edit { entry: of, .. } => row.void = !about::is_of_author(reader, each.author, *of, &["note"])?,
        Body::Withdraw { entry: of } => {
            row.void = !about::is_of_author(reader, each.author, *of, &about::WITHDRAWABLE)?;
        }
        Body::Statement(_) | Body::Countersign { .. } => row.record = Some(statement::facts(node, each)?),
        _ => {}
    }
    Ok(row)
}

/// Own entries that are kept until the phrase was compared, and have no place in the log yet.
pub fn waiting<N: Node>(
    node: &mut N,
    conversation: Option<ConversationId>,
    row: &mut dyn FnMut(Row) -> Outcome,
) -> Outcome {
    let posts = Posts::of(node.reader())?;
    let is_wanted = |each: &LogRow| conversation.is_none_or(|wanted| each.conversation == wanted);
    for each in node.reader().log_waiting()?.into_iter().filter(is_wanted) {
        row(row_of(node, &each, &posts)?)?;
    }
    Ok(())
}

fn newly_shown(page: &[LogRow]) -> Vec<(PostId, EntryId)> {
    let is_new = |row: &&LogRow| !row.is_own && row.state < DeliveryState::Shown;
    page.iter().filter(is_new).map(|row| (row.author, row.id)).collect()
}

/// Entries read from the store at once.
const PAGE_ROWS: usize = 256;
