//! A swap (a simultaneous exchange), computed from its steps (PROTOCOL §7.11).
//!
//! *Committing.* Each of two posts binds itself to one content. *Revealing.* Once both have, each node reveals by
//! itself. *Done.* Both reveals fit their commitments, and only then is either shown. *Off.* Somebody aborted before
//! both had revealed, a reveal did not fit, or the deadline passed with a commitment lacking. A commitment counts
//! only if its author's clock was before the deadline. *Restored.* A store from a backup may lack that the swap was ended
//! meanwhile: until such a node is sure of what was said, it reveals only after the other has.

use std::collections::BTreeMap;

use couloir_seal::sha256_of;
use couloir_wire::cbor;
use couloir_wire::entry::{Body, Entry, Opened, SwapAct, Swapped};
use couloir_wire::id::{Digest, EntryId, PostId};
use couloir_wire::time::WallTime;

use crate::sides::{Sides, Step, in_place};

/// How far a swap has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing<'e> {
    /// Commitments are lacking.
    Committing,
    /// Both are bound, and not both have revealed.
    Revealing,
    /// Both have revealed: what each showed, by post.
    Done(BTreeMap<PostId, &'e Swapped>),
    /// Neither is readable.
    Off(Why<'e>),
}

/// Why neither is readable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why<'e> {
    /// Somebody aborted; why, may be empty.
    Aborted(PostId, &'e str),
    /// What a post revealed is not what it was bound to.
    Unfit(PostId),
    /// Not both were bound in time.
    Late,
}

/// What a node says of a swap by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owed {
    /// That it is off: the deadline passed, and not both are bound.
    EndsLate,
    /// What it is bound to by this commitment.
    Reveals(Digest),
}

/// A swap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swap<'e> {
    /// The entry that opened it.
    pub id: EntryId,
    /// What it is about.
    pub subject: &'e str,
    /// Until when both must be bound.
    pub deadline: WallTime,
    /// What each post is bound to.
    pub commitments: BTreeMap<PostId, Digest>,
    reveals: BTreeMap<PostId, &'e Opened>,
    off: Option<Why<'e>>,
    /// Every step.
    pub steps: Vec<Step<'e>>,
}

/// What binds `author` to `opened` in `swap`.
pub fn commitment(swap: EntryId, author: PostId, opened: &Opened) -> Digest {
    let context = b"couloir/v1 swap\0";
    sha256_of(&[&context[..], &swap.0, &author.0, &cbor::encode(opened)].concat())
}

impl<'e> Swap<'e> {
    /// Of the entries of one matter; none if no swap was opened among them.
    pub fn of(entries: impl IntoIterator<Item = &'e Entry>, sides: &Sides) -> Option<Swap<'e>> {
        let mut swap: Option<Swap<'e>> = None;
        for entry in in_place(entries) {
            let Body::Swap { of, act } = &entry.body else { continue };
            match (&mut swap, act) {
                (None, SwapAct::Propose { subject, deadline }) if of.is_none() => {
                    swap = Some(Swap::open(entry, subject, *deadline));
                }
                (Some(open), act) if *of == Some(open.id) => {
                    let counts = open.take(entry, act, sides).is_some();
                    open.steps.push(Step { entry, counts });
                }
                _ => {}
            }
        }
        swap
    }

    fn open(entry: &'e Entry, subject: &'e str, deadline: WallTime) -> Swap<'e> {
        Swap {
            id: entry.id,
            subject,
            deadline,
            commitments: BTreeMap::new(),
            reveals: BTreeMap::new(),
            off: None,
            steps: vec![Step { entry, counts: true }],
        }
    }

    fn take(&mut self, entry: &'e Entry, act: &'e SwapAct, sides: &Sides) -> Option<()> {
        sides.of(entry.author)?;
        let author = entry.author;
        match act {
            SwapAct::Propose { .. } => None,
            SwapAct::Commit(digest) if entry.at_ms < self.deadline.0 => self.commit(author, *digest, sides),
            SwapAct::Commit(_) => None,
            SwapAct::Reveal(opened) => self.reveal(author, opened),
            SwapAct::Abort { why } => {
                let is_running = self.off.is_none() && self.reveals.len() < BOTH;
                self.off = self.off.or(is_running.then_some(Why::Aborted(author, why)));
                is_running.then_some(())
            }
        }
    }

    fn commit(&mut self, author: PostId, digest: Digest, sides: &Sides) -> Option<()> {
        let is_second = self.commitments.keys().next().is_none_or(|first| sides.is_other(author, *first));
        let is_fit = self.off.is_none() && self.commitments.len() < BOTH && is_second;
        if is_fit {
            self.commitments.insert(author, digest);
        }
        is_fit.then_some(())
    }

    fn reveal(&mut self, author: PostId, opened: &'e Opened) -> Option<()> {
        let bound = self.commitments.get(&author).filter(|_| self.commitments.len() == BOTH)?;
        if self.off.is_some() || self.reveals.contains_key(&author) {
            return None;
        }
        if commitment(self.id, author, opened) != *bound {
            self.off = Some(Why::Unfit(author));
            return None;
        }
        self.reveals.insert(author, opened);
        Some(())
    }

    /// How far it has come at `now`.
    pub fn standing(&self, now: WallTime) -> Standing<'e> {
        match self.off {
            Some(why) => Standing::Off(why),
            None if self.reveals.len() == BOTH => {
                Standing::Done(self.reveals.iter().map(|(post, opened)| (*post, &opened.content)).collect())
            }
            None if self.commitments.len() == BOTH => Standing::Revealing,
            None if now >= self.deadline => Standing::Off(Why::Late),
            None => Standing::Committing,
        }
    }

    /// What the node of `post` says by itself. `is_sure`: all that the other said is here, as far as anybody can tell.
    pub fn owes(&self, post: PostId, now: WallTime, is_sure: bool) -> Option<Owed> {
        if self.standing(now) == Standing::Off(Why::Late) {
            return Some(Owed::EndsLate);
        }
        let may_reveal = is_sure || self.reveals.keys().any(|revealed| *revealed != post);
        let is_due = self.standing(now) == Standing::Revealing && !self.reveals.contains_key(&post);
        self.commitments.get(&post).filter(|_| may_reveal && is_due).map(|bound| Owed::Reveals(*bound))
    }

    /// Whether `post` is to bind itself.
    pub fn waits_for(&self, post: PostId, sides: &Sides, now: WallTime) -> bool {
        let has_bound = self.commitments.keys().any(|bound| sides.is_same(*bound, post));
        self.standing(now) == Standing::Committing && !has_bound && sides.of(post).is_some()
    }
}

/// Two sides take part.
const BOTH: usize = 2;
