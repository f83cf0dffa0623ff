//! What a node does for matters by itself: it sums them up for lists, reveals what is bound, and ends what is late.
//!
//! *Reveal.* Once both posts of a swap are bound, the node says what its commitment binds it to. It does so on every
//! start and on every new step, so that neither a crash nor a restart keeps it from it; never before the other's
//! commitment is in the log. *Late.* A swap whose deadline passed with a commitment lacking is aborted in words, so that a
//! commitment that comes later cannot bring it back. *Restored.* A store from a backup may lack that it was ended meanwhile:
//! such a node lets the other one reveal first, until the link has stood for a while.

use couloir_talks::matter::Matter;
use couloir_talks::swap::Owed;
use couloir_wire::cbor;
use couloir_wire::entry::{Body, Opened, SwapAct};
use couloir_wire::id::EntryId;
use couloir_wire::limits::ENTRY_OCTETS_MAX;
use couloir_wire::time::WallTime;
use serde_json::json;

use super::table::{Steps, Table};
use crate::clerk::{Node, answer};
use crate::socket::How;
use crate::store::{Reader, Store, StoreError, Summary, Wanted};
use crate::words::Outcome;

/// Folds the matters whose rows are stale, until none is.
pub fn refresh<N: Node>(node: &mut N) -> Outcome {
    let mut table = None;
    loop {
        let stale = node.reader().stale_matters(BATCH)?;
        if stale.is_empty() {
            return Ok(());
        }
        let table = match &table {
            Some(table) => table,
            None => table.insert(Table::of(node.reader())?),
        };
        let reader = node.reader();
        let sum = |(id, marks): &(EntryId, u64)| Ok((*id, *marks, summary(table, reader, *id)?));
        let summed = stale.iter().map(sum).collect::<Outcome<Vec<_>>>()?;
        node.with_store(move |store| store.put_summaries(&summed))??;
    }
}

/// What a list shows of a matter; none if it is none.
fn summary(table: &Table, reader: &Reader, id: EntryId) -> Outcome<Option<Summary>> {
    let steps = table.steps(reader, id)?;
    // As before every deadline: what depends on the time is seen by the time of the list.
    let now = WallTime(i64::MIN);
    Ok(steps.matter(table).ok().map(|matter| Summary {
        kind: matter.kind().to_owned(),
        title: matter.title().to_owned(),
        state: matter.state(now).to_owned(),
        is_open: matter.is_open(now),
        is_ours: steps
            .entries
            .iter()
            .any(|entry| entry.id == id && table.sides.is_same(entry.author, table.own)),
        waits_for_us: matter.waits_for(table.own, &table.sides, now),
        waits_for_them: table.waits_for_others(&matter, now),
        due_ms: matter.due(now).map(|at| at.0),
        detail: detail(table, &matter),
    }))
}

fn detail(table: &Table, matter: &Matter<'_>) -> String {
    let Matter::Case(case) = matter else { return String::new() };
    let counts: serde_json::Map<_, _> = case
        .picture(table.own_side)
        .into_iter()
        .filter_map(|(status, count)| Some((super::case::word(&status)?, json!(count))))
        .collect();
    json!({ "persons": case.subjects.len(), "counts": counts }).to_string()
}

/// Whether what the other desk said may be missing here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sure {
    /// All that it said before is here, as far as anybody can tell.
    Yes,
    /// The store was restored from a backup, and the link does not stand long enough.
    No,
}

/// From now on nothing is revealed first until the link has stood for [`SETTLING_MS`].
pub fn begin_again(store: &mut Store) -> Result<(), StoreError> {
    store.put_setting(RESTORED, Some("yes"))
}

/// How sure the node is, the link having stood for so long.
pub fn sure<N: Node>(node: &mut N, stood_ms: u64) -> Outcome<Sure> {
    if node.reader().setting(RESTORED)?.is_none() {
        return Ok(Sure::Yes);
    }
    if stood_ms < SETTLING_MS {
        return Ok(Sure::No);
    }
    node.with_store(|store| store.put_setting(RESTORED, None))??;
    Ok(Sure::Yes)
}

/// Says what is to be said by itself; returns when it is to be looked at again, in milliseconds since 1970.
pub fn keep<N: Node>(node: &mut N, sure: Sure) -> Outcome<Option<i64>> {
    refresh(node)?;
    let wanted = Wanted { kind: Some("swap".to_owned()), only_open: true, by_due: true, ..Wanted::default() };
    let open = node.reader().matters(&wanted, SWAPS_LOOKED_AT)?;
    let mut next = None;
    for row in open {
        let table = Table::of(node.reader())?;
        let steps = table.steps(node.reader(), row.opening.id)?;
        if let Some(act) = own_word(&table, node.reader(), &steps, sure)? {
            let how = How { conversation: Some(row.opening.conversation), ..How::default() };
            let body = Body::Swap { of: Some(row.opening.id), act };
            // What two persons had bound is shown by the node alone.
            node.say_released(answer::say(body, &how, 0))?;
        }
        let due = row.summary.due_ms.filter(|due| *due > table.now.0);
        next = [next, due].into_iter().flatten().min();
    }
    Ok(next)
}

/// What our node is to say of a swap.
fn own_word(table: &Table, reader: &Reader, steps: &Steps, sure: Sure) -> Outcome<Option<SwapAct>> {
    let Ok(Matter::Swap(swap)) = steps.matter(table) else { return Ok(None) };
    let commitment = match swap.owes(table.own, table.now, sure == Sure::Yes) {
        None => return Ok(None),
        Some(Owed::EndsLate) => return Ok(Some(SwapAct::Abort { why: LATE.to_owned() })),
        Some(Owed::Reveals(commitment)) => commitment,
    };
    let kept = reader.kept_opening(commitment.0)?;
    let opened = kept.and_then(|octets| cbor::decode_strict::<Opened>(&octets, ENTRY_OCTETS_MAX).ok());
    Ok(Some(match opened {
        Some(opened) => SwapAct::Reveal(opened),
        None => SwapAct::Abort { why: LOST.to_owned() },
    }))
}

/// As long as a backlog of talks takes on a slow route.
pub const SETTLING_MS: u64 = 10 * 60_000;
const RESTORED: &str = "restored";
/// Matters folded in one transaction.
const BATCH: usize = 64;
/// Swaps that are open at once; a desk has a handful.
const SWAPS_LOOKED_AT: usize = 256;
/// Why a node aborts by itself.
const LATE: &str = "the deadline passed before both were bound";
/// A store that was restored from before it bound itself.
const LOST: &str = "what this desk was bound to is not in its store any more";
