//! What was written and not sent: kept with the conversation in the encrypted store, so that neither a lock
//! nor a restart loses it.

use couloir_wire::entry::{Lang, Marking};
use couloir_wire::id::{ConversationId, EntryId};
use couloir_wire::limits::{QUOTE_OCTETS_MAX, TEXT_OCTETS_MAX};
use serde::{Deserialize, Serialize};

use crate::clerk::{Node, names};
use crate::page::form::Form;
use crate::page::visit::Visit;
use crate::words::Outcome;

/// What a composer holds. Whether it goes on the record is never remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    /// The text.
    pub text: String,
    /// Its language; by its characters if none was chosen.
    pub lang: Option<Lang>,
    /// How it may be passed on, where not as the conversation says.
    pub marking: Option<Marking>,
    /// How urgent, as the form has it.
    pub precedence: String,
    /// When it expires, as the form has it.
    pub expires: String,
    /// The entry that it answers.
    pub reply_to: Option<EntryId>,
    /// Words of that entry.
    pub quote: String,
}

impl Draft {
    /// What a form holds.
    pub fn of(form: &Form) -> Draft {
        Draft {
            text: form.text("text").replace("\r\n", "\n"),
            lang: form.given("lang").and_then(|tag| tag.parse().ok()),
            marking: form.given("marking").and_then(marking_of),
            precedence: form.text("precedence").to_owned(),
            expires: form.text("expires").to_owned(),
            reply_to: form.given("reply-to").and_then(|id| id.parse().ok()),
            quote: form.text("quote").replace("\r\n", "\n"),
        }
    }

    /// What is kept of a conversation.
    pub fn kept(visit: &Visit<'_>, conversation: ConversationId) -> Outcome<Draft> {
        let kept = visit.node.reader().setting(&name(conversation))?;
        Ok(kept.and_then(|kept| serde_json::from_str(&kept).ok()).unwrap_or_default())
    }

    /// Keeps it; nothing is kept of an empty one.
    pub fn keep<N: Node>(self, node: &mut N, conversation: ConversationId) -> Outcome {
        if self.text.len() > TEXT_OCTETS_MAX || self.quote.len() > QUOTE_OCTETS_MAX {
            return Err(names::too_long());
        }
        let value = (!self.text.trim().is_empty()).then(|| serde_json::to_string(&self).unwrap_or_default());
        let kept = node.with_store(move |store| store.put_setting(&name(conversation), value.as_deref()));
        Ok(kept??)
    }
}

/// Every conversation with a draft, and its text.
pub fn all(visit: &Visit<'_>) -> Outcome<Vec<(ConversationId, String)>> {
    let kept = visit.node.reader().settings_under(PREFIX)?;
    let draft = |(id, value): (String, String)| {
        let draft: Draft = serde_json::from_str(&value).ok()?;
        Some((id.parse().ok()?, draft.text))
    };
    Ok(kept.into_iter().filter_map(draft).collect())
}

/// A marking by its word.
pub fn marking_of(word: &str) -> Option<Marking> {
    Marking::ALL.into_iter().find(|marking| marking.word() == word)
}

fn name(conversation: ConversationId) -> String {
    format!("{PREFIX}{conversation}")
}

const PREFIX: &str = "draft:";
