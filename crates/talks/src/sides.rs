//! Which post is of which side, and entries in their place.

use std::collections::BTreeMap;

use couloir_wire::entry::Entry;
use couloir_wire::id::{PostId, SideId};

/// The channel's posts by side.
#[derive(Debug, Clone, Default)]
pub struct Sides(BTreeMap<PostId, SideId>);

impl Sides {
    /// Every post that speaks in the channel, or did.
    pub fn new(posts: impl IntoIterator<Item = (PostId, SideId)>) -> Sides {
        Sides(posts.into_iter().collect())
    }

    /// Every post.
    pub fn posts(&self) -> impl Iterator<Item = PostId> {
        self.0.keys().copied()
    }

    /// The side of a post; none if it is no post of the channel.
    pub fn of(&self, post: PostId) -> Option<SideId> {
        self.0.get(&post).copied()
    }

    /// Whether two posts are of one side.
    pub fn is_same(&self, one: PostId, other: PostId) -> bool {
        one == other || (self.of(one).is_some() && self.of(one) == self.of(other))
    }

    /// Whether two posts are of two sides.
    pub fn is_other(&self, one: PostId, other: PostId) -> bool {
        self.of(one).is_some() && self.of(other).is_some() && self.of(one) != self.of(other)
    }
}

/// One step of a matter, as its timeline shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'e> {
    /// The entry.
    pub entry: &'e Entry,
    /// Whether it changed anything: its author was entitled, and it came in time.
    pub counts: bool,
}

/// Entries in their place (PROTOCOL §7.1), each once, in whatever order and however often they came.
pub fn in_place<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Vec<&'e Entry> {
    #[cfg(feature = "planted")]
    if crate::planted::is(crate::planted::Bug::FoldsAsTheyCame) {
        return entries.into_iter().collect();
    }
    let placed: BTreeMap<_, _> = entries.into_iter().map(|entry| (entry.place(), entry)).collect();
    placed.into_values().collect()
}
