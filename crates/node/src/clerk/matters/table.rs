//! What is needed to fold a matter: who is of which side, and who we are.

use couloir_talks::matter::Matter;
use couloir_wire::entry::{Body, Entry, Parent, Precedence};
use couloir_wire::id::{Digest, EntryId, PostId, SideId};
use couloir_wire::time::WallTime;

use super::times::Zones;
use crate::clerk::row::Posts;
use crate::clerk::{Node, find, papers};
use crate::store::{LogRow, Reader};
use crate::words::{Failure, Outcome};

/// The channel's posts and sides, as matters need them.
pub struct Table {
    /// The names of posts.
    pub posts: Posts,
    /// Which post is of which side.
    pub sides: couloir_talks::sides::Sides,
    /// Our post.
    pub own: PostId,
    /// Our side.
    pub own_side: SideId,
    /// In which zones times are shown.
    pub zones: Zones,
    /// The present.
    pub now: WallTime,
}

/// The entries of one matter.
pub struct Steps {
    /// The entry that opened it.
    pub id: EntryId,
    /// As the log has them, in their place.
    pub rows: Vec<LogRow>,
    /// The same, as they fold.
    pub entries: Vec<Entry>,
}

impl Table {
    /// From the channel's papers.
    pub fn of(reader: &Reader) -> Outcome<Table> {
        let channel = papers::channel_of(reader)?;
        let agreed = papers::Agreed::of(&channel)?;
        let (posts, own) = (Posts::of(reader)?, agreed.own_certificate.unverified());
        Ok(Table {
            sides: posts.sides(),
            posts,
            own: own.post,
            own_side: own.side,
            zones: Zones::of(reader)?,
            now: WallTime(jiff::Timestamp::now().as_millisecond()),
        })
    }

    /// The steps of a matter.
    pub fn steps(&self, reader: &Reader, id: EntryId) -> Outcome<Steps> {
        let rows = reader.steps(id, STEPS_MAX)?;
        let entries = rows.iter().filter_map(|row| row.entry.clone()).collect();
        Ok(Steps { id, rows, entries })
    }

    /// Whether another side than ours owes the next word.
    pub fn waits_for_others(&self, matter: &Matter<'_>, now: WallTime) -> bool {
        let others = self.sides.posts().filter(|post| self.sides.is_other(*post, self.own));
        others.into_iter().any(|post| matter.waits_for(post, &self.sides, now))
    }

    /// Refuses what would count for nothing at either desk.
    pub fn check(&self, reader: &Reader, body: &Body) -> Outcome {
        let Some(id) = body.of().filter(|_| Matter::KINDS.contains(&body.word())) else { return Ok(()) };
        let mut steps = self.steps(reader, id)?;
        steps.entries.push(self.imagined(&steps, body));
        let matter = steps.matter(self)?;
        if matter.kind() != body.word() {
            return Err(Failure::usage(
                format!("that is a {}, not a {}", matter.kind(), body.word()),
                format!("see couloir {} list", body.word()),
            ));
        }
        match matter.steps().last().filter(|step| step.entry.author == self.own && step.counts) {
            Some(_) => Ok(()),
            None => Err(Failure::refused(
                format!("this step would change nothing: see how the {} stands", body.word()),
                format!("couloir {} show {}", body.word(), short(id)),
            )),
        }
    }

    /// What we would say, after everything that we have seen.
    fn imagined(&self, steps: &Steps, body: &Body) -> Entry {
        let number = steps.entries.iter().map(Entry::number).max().unwrap_or(0);
        let conversation = steps.entries.iter().find(|entry| entry.id == steps.id);
        Entry {
            id: EntryId([0xFF; 16]),
            conversation: conversation.map(|entry| entry.conversation).unwrap_or_default(),
            author: self.own,
            parents: vec![Parent { id: steps.id, digest: Digest::default(), number }],
            at_ms: self.now.0,
            precedence: Precedence::Routine,
            expires_ms: None,
            salt: [0; 16],
            marking: None,
            body: body.clone(),
        }
    }
}

impl Steps {
    /// The matter, or the sentence that it is none.
    pub fn matter(&self, table: &Table) -> Outcome<Matter<'_>> {
        Matter::of(self.id, &self.entries, &table.sides).ok_or_else(|| {
            Failure::usage(
                format!("[{}] opened no meeting, case, swap, announcement or report", short(self.id)),
                "see the lists: couloir case list",
            )
        })
    }
}

/// The matter that a person named: by the entry that opened it, or by any step of it.
pub fn find_matter<N: Node>(node: &N, typed: &str) -> Outcome<EntryId> {
    let row = find::entry(node, typed)?;
    let is_step = Matter::KINDS.contains(&row.kind.as_str());
    // A report that answers a request is a matter of its own.
    let is_report = matches!(row.body(), Some(Body::Report(act)) if act.is_opening());
    Ok(row.about.filter(|_| is_step && !is_report).unwrap_or(row.id))
}

/// An id as people read it.
pub fn short(id: EntryId) -> String {
    id.to_string().chars().take(8).collect()
}

/// More steps than people take; whoever says more of one matter is not heard.
const STEPS_MAX: usize = 4_096;
