//! The channel's conversations.

use couloir_wire::entry::{Body, Marking, Opening};
use couloir_wire::id::{ConversationId, PostId};
use couloir_wire::limits::CONVERSATIONS_MAX;
use serde::Serialize;
use serde_json::{Value, json};

use super::Node;
use super::papers::{self, Agreed};
use super::row::{Author, Posts};
use crate::cli::values::rfc3339;
use crate::store::{ConversationRow, LogRow};
use crate::words::{Failure, Outcome};

/// One conversation of `couloir conversation list --json`. Keys are stable.
#[derive(Debug, Clone, Serialize)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// What it is about; the channel's name for its first one.
    pub subject: String,
    /// How its entries may be passed on.
    pub marking: Option<Marking>,
    /// Who takes part.
    pub members: Vec<Author>,
    /// The conversation that this one continues.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predecessor: Option<ConversationId>,
    /// Notes and files in it are forgotten so long after they were said, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_after_ms: Option<u64>,
    /// Entries in it.
    pub entries: u64,
    /// Entries of the other side's in it that no desk of ours was shown.
    pub unread: u64,
    /// When its newest entry was said.
    pub last: Option<String>,
    /// The posts that take part.
    #[serde(skip)]
    pub posts: Vec<PostId>,
    /// Its newest entry.
    #[serde(skip)]
    pub newest: Option<LogRow>,
}

/// Every conversation: the channel's first one, which is always there, then the others in the order in which they came.
pub fn all<N: Node>(node: &N) -> Outcome<Vec<Conversation>> {
    let known = Known::of(node)?;
    let mut rows = node.reader().conversations()?;
    for (id, _) in &known.firsts {
        if !rows.iter().any(|row| row.id == *id) {
            rows.push(node.reader().conversation(*id)?);
        }
    }
    rows.sort_by_key(|row| known.place(row.id));
    Ok(rows.into_iter().filter_map(|row| conversation(row, &known)).collect())
}

/// At most `count` conversations after the first `skipped`, the newest first; and whether there are more. The channel's
/// first one is there even if nothing was said in it.
pub fn newest<N: Node>(node: &N, skipped: usize, count: usize) -> Outcome<(Vec<Conversation>, bool)> {
    let known = Known::of(node)?;
    let (mut rows, all) = node.reader().conversations_newest(skipped, count)?;
    let has_more = skipped + rows.len() < all;
    for (id, _) in &known.firsts {
        let row = node.reader().conversation(*id)?;
        if row.count == 0 && !has_more && !rows.iter().any(|row| row.id == *id) {
            rows.push(row);
        }
    }
    Ok((rows.into_iter().filter_map(|row| conversation(row, &known)).collect(), has_more))
}

/// One conversation; the channel's first one if none is named.
pub fn one<N: Node>(node: &N, id: Option<ConversationId>) -> Outcome<Conversation> {
    let known = Known::of(node)?;
    let row = node.reader().conversation(id.unwrap_or(known.first()))?;
    let unknown =
        || Failure::usage("there is no such conversation", "see the list: couloir conversation list");
    conversation(row, &known).ok_or_else(unknown)
}

/// The conversations that continue this one: ids and subjects.
pub fn successors<N: Node>(node: &N, of: ConversationId) -> Outcome<Vec<(ConversationId, String)>> {
    let openings = node.reader().of_kind("conversation", false, None, CONVERSATIONS_MAX)?;
    let continues = |row: &LogRow| match row.body() {
        Some(Body::Open(opening)) if opening.predecessor == Some(of) => {
            Some((row.conversation, opening.subject.clone()))
        }
        _ => None,
    };
    Ok(openings.iter().filter_map(continues).collect())
}

/// Every conversation and what it is about; less work than [`all`].
pub fn subjects<N: Node>(node: &N) -> Outcome<Vec<(ConversationId, String)>> {
    let known = Known::of(node)?;
    let openings = node.reader().of_kind("conversation", false, None, CONVERSATIONS_MAX)?;
    let subject = |row: &LogRow| match row.body() {
        Some(Body::Open(opening)) => Some((row.conversation, opening.subject.clone())),
        _ => None,
    };
    let others = openings.iter().filter_map(subject);
    let firsts = known.firsts.iter().map(|(id, opening)| (*id, opening.subject.clone()));
    Ok(firsts.chain(others).collect())
}

/// The posts, and the first conversation of each link, which no entry opens.
struct Known {
    firsts: Vec<(ConversationId, Opening)>,
    posts: Posts,
}

impl Known {
    fn of<N: Node>(node: &N) -> Outcome<Known> {
        let posts = Posts::of(node.reader())?;
        let mut firsts = Vec::new();
        for channel in papers::channels_of(node.reader())? {
            let id = papers::first_conversation(&channel)?;
            let name = papers::channel_name(&channel)?;
            let peer = Agreed::of(&channel)?.peer.filter(|_| channel.introduced.is_some());
            let opening = Opening {
                subject: peer
                    .map_or(name.clone(), |(_, peer)| format!("{name}: {}", peer.unverified().title)),
                marking: Marking::Red,
                members: posts.members(id).to_vec(),
                predecessor: None,
                expires_after_ms: None,
            };
            firsts.push((id, opening));
        }
        Ok(Known { firsts, posts })
    }

    fn first(&self) -> ConversationId {
        self.firsts.first().map_or(ConversationId::default(), |(id, _)| *id)
    }

    /// The first conversations come first, in the order of the links.
    fn place(&self, id: ConversationId) -> usize {
        self.firsts.iter().position(|(first, _)| *first == id).unwrap_or(self.firsts.len())
    }
}

/// The channel's posts as JSON.
pub fn posts<N: Node>(node: &N) -> Outcome<Value> {
    let channel = papers::channel_of(node.reader())?;
    let own = Agreed::of(&channel)?.own_certificate.unverified().post;
    let posts = Posts::of(node.reader())?;
    let facts = |post: PostId| {
        let Author { side, post: title } = posts.author(post);
        json!({ "id": post.to_string(), "side": side, "post": title, "own": post == own })
    };
    Ok(json!({ "posts": posts.all().map(facts).collect::<Vec<_>>() }))
}

/// None while its opening is not here.
fn conversation(row: ConversationRow, known: &Known) -> Option<Conversation> {
    let opening = match row.opening.as_ref().and_then(|opening| opening.body()) {
        Some(Body::Open(opening)) => opening,
        _ => &known.firsts.iter().find(|(id, _)| *id == row.id)?.1,
    };
    let is_first = known.place(row.id) < known.firsts.len();
    Some(Conversation {
        id: row.id,
        subject: opening.subject.clone(),
        marking: Some(opening.marking).filter(|_| !is_first),
        members: opening.members.iter().map(|post| known.posts.author(*post)).collect(),
        predecessor: opening.predecessor,
        expires_after_ms: opening.expires_after_ms,
        entries: row.count,
        unread: row.unread,
        last: row.last.as_ref().map(|last| rfc3339(last.at_ms)),
        posts: opening.members.clone(),
        newest: row.last,
    })
}
