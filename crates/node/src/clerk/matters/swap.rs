//! A swap as it is shown, and how our side binds itself.

use std::fmt::Write as _;

use couloir_talks::matter::Matter;
use couloir_talks::swap::{Standing, Swap, Why, commitment};
use couloir_wire::cbor;
use couloir_wire::entry::{Body, Opened, Person, SwapAct, Swapped};
use couloir_wire::id::PostId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::shown::who;
use super::table::{Table, find_matter, short};
use super::times::TimeShown;
use crate::clerk::row::Author;
use crate::clerk::{Node, answer};
use crate::cli::plain::lines;
use crate::keys;
use crate::socket::How;
use crate::words::{Failure, Outcome};

/// What is particular to a swap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwapShown {
    /// Until when both must be bound.
    pub deadline: TimeShown,
    /// Who is bound, and by which hash.
    pub bound: Vec<BoundShown>,
    /// What each showed, once both have; empty before, and for good if it is off.
    pub shown: Vec<RevealedShown>,
    /// Why neither is readable: `aborted`, `unfit` or `late`.
    pub off: Option<OffShown>,
}

/// Somebody is bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundShown {
    /// Who.
    pub by: Author,
    /// SHA-256 of what is bound, with its context.
    pub commitment: String,
    /// Whether it is our post.
    pub own: bool,
}

/// What somebody showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevealedShown {
    /// Who.
    pub by: Author,
    /// Whether it is our post.
    pub own: bool,
    /// A text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Or persons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persons: Option<Vec<Person>>,
}

/// Why neither is readable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffShown {
    /// `aborted`, `unfit` (what was revealed is not what was bound) or `late`.
    pub how: String,
    /// By whom, if by somebody.
    pub by: Option<Author>,
    /// In words.
    pub why: String,
}

impl SwapShown {
    /// As it stands.
    pub fn of(swap: &Swap<'_>, table: &Table) -> SwapShown {
        let bound = |(post, digest): (&PostId, &couloir_wire::id::Digest)| BoundShown {
            by: table.posts.author(*post),
            commitment: digest.to_string(),
            own: *post == table.own,
        };
        let standing = swap.standing(table.now);
        SwapShown {
            deadline: table.zones.show(swap.deadline.0),
            bound: swap.commitments.iter().map(bound).collect(),
            shown: match &standing {
                Standing::Done(shown) => {
                    shown.iter().map(|(post, content)| RevealedShown::of(*post, content, table)).collect()
                }
                Standing::Committing | Standing::Revealing | Standing::Off(_) => Vec::new(),
            },
            off: match standing {
                Standing::Off(why) => Some(OffShown::of(why, table)),
                Standing::Committing | Standing::Revealing | Standing::Done(_) => None,
            },
        }
    }

    /// For people.
    pub fn push_words(&self, out: &mut String) {
        let _ = writeln!(out, "both must be bound by {}", self.deadline.words());
        for bound in &self.bound {
            let _ = writeln!(out, "bound: {}", who(&bound.by));
        }
        if let Some(off) = &self.off {
            let by = off.by.as_ref().map(|by| format!(" by {}", who(by))).unwrap_or_default();
            let _ = writeln!(out, "off: {}{by}: {}", off.how, lines(&off.why, 2));
        }
        for shown in &self.shown {
            let _ = writeln!(out, "{} shows", who(&shown.by));
            if let Some(text) = &shown.text {
                let _ = writeln!(out, "  {}", lines(text, 2));
            }
            for person in shown.persons.iter().flatten() {
                let name = lines(&format!("{} {}", person.name, person.romanised), 2);
                let _ = writeln!(out, "  {}. {name}", person.number);
            }
        }
    }
}

impl RevealedShown {
    fn of(post: PostId, content: &Swapped, table: &Table) -> RevealedShown {
        let (text, persons) = match content {
            Swapped::Text(text) => (Some(text.clone()), None),
            Swapped::Persons(persons) => (None, Some(persons.clone())),
        };
        RevealedShown { by: table.posts.author(post), own: post == table.own, text, persons }
    }
}

impl OffShown {
    fn of(why: Why<'_>, table: &Table) -> OffShown {
        let (how, by, why) = match why {
            Why::Aborted(post, why) => ("aborted", Some(table.posts.author(post)), why),
            Why::Unfit(post) => ("unfit", Some(table.posts.author(post)), ""),
            Why::Late => ("late", None, ""),
        };
        OffShown { how: how.to_owned(), by, why: why.to_owned() }
    }
}

/// Binds our side: what it is bound to is durable here before the commitment is said.
pub fn commit<N: Node>(node: &mut N, typed: &str, content: &Swapped, how: &How) -> Outcome<Value> {
    let id = find_matter(node, typed)?;
    content.check().map_err(|error| Failure::usage(format!("{error}"), "say it shorter and plainly"))?;
    let table = Table::of(node.reader())?;
    let steps = table.steps(node.reader(), id)?;
    let Matter::Swap(swap) = steps.matter(&table)? else {
        return Err(Failure::usage(format!("[{}] is no swap", short(id)), "see couloir swap list"));
    };
    if !swap.waits_for(table.own, &table.sides, table.now) {
        return Err(Failure::refused(
            "your side is bound already, or the swap is over",
            format!("couloir swap show {}", short(id)),
        ));
    }
    let opened = Opened { nonce: keys::random()?, content: content.clone() };
    let digest = commitment(id, table.own, &opened);
    let octets = cbor::encode(&opened);
    node.with_store(move |store| store.keep_opening(digest.0, &octets))??;
    let body = Body::Swap { of: Some(id), act: SwapAct::Commit(digest) };
    let conversation = steps.entries.first().map(|entry| entry.conversation);
    let said = node.say(answer::say(body, &How { conversation, ..how.clone() }, 0))?;
    Ok(serde_json::json!({ "id": said.to_string(), "commitment": digest.to_string() }))
}

/// Refuses to abort what both are bound to: this node reveals by itself.
pub fn check_abort<N: Node>(node: &N, id: couloir_wire::id::EntryId) -> Outcome {
    let table = Table::of(node.reader())?;
    let steps = table.steps(node.reader(), id)?;
    let Matter::Swap(swap) = steps.matter(&table)? else { return Ok(()) };
    if swap.standing(table.now) == Standing::Revealing {
        return Err(Failure::refused(
            "both are bound: each node reveals by itself, and nothing is left to abort",
            format!("couloir swap show {}", short(id)),
        ));
    }
    Ok(())
}
