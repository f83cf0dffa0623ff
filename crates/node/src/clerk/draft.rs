//! Drafts that another person releases, over any [`Node`].

use couloir_engine::{Input, LinkNumber, PhraseView, Say};
use couloir_wire::id::{EntryId, PostId};
use serde_json::{Value, json};

use super::matters::onward;
use super::{Node, about, answer, matters, names, statement};
use crate::book::Shelf;
use crate::cli::values::rfc3339;
use crate::release::{self, DRAFTS_MAX, Draft, Refused};
use crate::shell::Sight;
use crate::socket::{DraftAct, RecordAct, Request};
use crate::store::{Reader, Store};
use crate::words::{Failure, Outcome};

/// Does what a command asks of drafts.
pub fn act<N: Node>(node: &mut N, act: &DraftAct) -> Outcome<Value> {
    match act {
        DraftAct::Keep { by, word, request } => {
            release::authentic(node.reader(), by, word)?;
            Ok(json!({ "draft": keep(node, by, request, None)? }))
        }
        DraftAct::Persons => Ok(release::facts(&release::persons(node.reader())?)),
        DraftAct::List => Ok(json!({ "drafts": release::drafts(node.reader())? })),
        DraftAct::Release { number, by, word } => {
            release::authentic(node.reader(), by, word)?;
            release(node, *number, by)
        }
        DraftAct::Refuse { number, by, word, why } => {
            release::authentic(node.reader(), by, word)?;
            refuse(node, *number, by, why)?;
            Ok(json!({ "refused": number }))
        }
        DraftAct::Drop { number, by, word } => {
            release::authentic(node.reader(), by, word)?;
            forget(node, *number)?;
            Ok(json!({ "dropped": number }))
        }
    }
}

/// Keeps `request` until another person than `by` releases it; its number. `file` is the id under which its octets lie.
pub fn keep<N: Node>(node: &mut N, by: &str, request: &Request, file: Option<EntryId>) -> Outcome<u32> {
    check(node, request)?;
    let drafts = release::drafts(node.reader())?;
    if drafts.len() >= DRAFTS_MAX {
        return Err(Failure::refused("too many drafts wait", "release or drop some: couloir draft list"));
    }
    let number = release::next_number(node.reader())?;
    let at = rfc3339(jiff::Timestamp::now().as_millisecond());
    let draft = Draft { number, by: by.to_owned(), at, request: request.clone(), file, refused: None };
    node.with_store(move |store| release::keep_new(store, &draft))??;
    Ok(number)
}

/// Says what was drafted, in the name of another person than the one who drafted it.
pub fn release<N: Node>(node: &mut N, number: u32, by: &str) -> Outcome<Value> {
    let draft = of_another(node, number, by)?;
    check(node, &draft.request)?;
    let answer = said(&mut Released(node), &draft)?;
    node.with_store(move |store| release::drop_draft(store, number))??;
    Ok(answer)
}

/// Says that a draft of another person is not to be said, and why.
pub fn refuse<N: Node>(node: &mut N, number: u32, by: &str, why: &str) -> Outcome {
    let draft = of_another(node, number, by)?;
    let refused = Some(Refused { by: by.to_owned(), why: names::remark(why)? });
    let draft = Draft { refused, ..draft };
    Ok(node.with_store(move |store| release::keep_draft(store, &draft))??)
}

/// Throws a draft away, with its file.
pub fn forget<N: Node>(node: &mut N, number: u32) -> Outcome {
    let draft = find(node, number)?;
    Ok(node.with_store(move |store| {
        draft.file.map_or(Ok(()), |file| store.forget_import(file))?;
        release::drop_draft(store, number)
    })??)
}

/// A draft that waits for somebody else than whoever drafted it.
fn of_another<N: Node>(node: &N, number: u32, by: &str) -> Outcome<Draft> {
    let draft = find(node, number)?;
    if draft.by == by {
        let what = format!("{by} drafted it, and may not release it");
        return Err(Failure::refused(what, "ask another person of this post"));
    }
    if let Some(refused) = &draft.refused {
        let what = format!("{} refused it", refused.by);
        return Err(Failure::refused(what, "draft it anew"));
    }
    Ok(draft)
}

/// Refuses what cannot be drafted, and a step that its matter no longer allows.
fn check<N: Node>(node: &mut N, request: &Request) -> Outcome {
    match request {
        Request::Say { body, .. } => about::check(node, body),
        Request::Report { ask } => {
            let (report, to, how) = ask.forwarded().ok_or_else(no_draft)?;
            onward::passed(node, report, to, how).map(drop)
        }
        request if is_saying(request) => Ok(()),
        _ => Err(no_draft()),
    }
}

/// Does what [`is_saying`] lets be drafted.
fn said<N: Node>(node: &mut Released<'_, N>, draft: &Draft) -> Outcome<Value> {
    let say = match &draft.request {
        Request::Send { text, how } => answer::note(text, how, 0)?,
        Request::Say { body, how } => Say { id: draft.file, ..answer::say((**body).clone(), how, 0) },
        Request::Commit { swap, content, how } => return matters::swap::commit(node, swap, content, how),
        Request::Record { act: RecordAct::Say { draft, how } } => return statement::say(node, draft, how),
        Request::Record { act: RecordAct::Countersign { entry, verdict, reason } } => {
            return statement::countersign(node, entry, *verdict, reason.as_deref());
        }
        Request::Report { ask } => {
            let (report, to, how) = ask.forwarded().ok_or_else(no_draft)?;
            return onward::pass_on(node, report, to, how);
        }
        _ => return Err(no_draft()),
    };
    Ok(json!({ "id": node.say(say)?.to_string() }))
}

fn no_draft() -> Failure {
    Failure::usage(
        "that cannot be drafted",
        "draft a note, a statement, a report passed on, or an entry from a file",
    )
}

fn find<N: Node>(node: &N, number: u32) -> Outcome<Draft> {
    let mut drafts = release::drafts(node.reader())?.into_iter();
    drafts
        .find(|draft| draft.number == number)
        .ok_or_else(|| Failure::usage(format!("there is no draft {number}"), "see couloir draft list"))
}

/// What says something, and nothing else.
fn is_saying(request: &Request) -> bool {
    matches!(
        request,
        Request::Send { .. }
            | Request::Say { .. }
            | Request::Commit { .. }
            | Request::Record { act: RecordAct::Say { .. } | RecordAct::Countersign { .. } }
    )
}

/// A node that says what two persons have agreed to say.
struct Released<'n, N>(&'n mut N);

impl<N: Node> Node for Released<'_, N> {
    fn is_running(&self) -> bool {
        self.0.is_running()
    }

    fn say(&mut self, say: Say) -> Outcome<EntryId> {
        self.0.say_released(say)
    }

    fn say_released(&mut self, say: Say) -> Outcome<EntryId> {
        self.0.say_released(say)
    }

    fn submit(&mut self, input: Input) -> Outcome {
        self.0.submit(input)
    }

    fn show(&mut self, shown: Vec<(PostId, EntryId)>) -> Outcome {
        self.0.show(shown)
    }

    fn status(&mut self) -> Outcome<Sight> {
        self.0.status()
    }

    fn phrase(&mut self, link: LinkNumber) -> Outcome<Option<PhraseView>> {
        self.0.phrase(link)
    }

    fn reader(&self) -> &Reader {
        self.0.reader()
    }

    fn shelf(&self) -> &Shelf {
        self.0.shelf()
    }

    fn with_store<T: Send + 'static>(
        &mut self,
        act: impl FnOnce(&mut Store) -> T + Send + 'static,
    ) -> Outcome<T> {
        self.0.with_store(act)
    }

    fn probes_changed(&mut self) {
        self.0.probes_changed();
    }

    fn drill(&mut self) -> Outcome<u64> {
        self.0.drill()
    }
}
