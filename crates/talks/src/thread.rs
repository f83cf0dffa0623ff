//! What became of one entry: versions, withdrawal, translations, answers (PROTOCOL §7.5).

use couloir_wire::entry::{Body, Entry, Translation};
use couloir_wire::id::EntryId;

use crate::sides::in_place;

/// An entry with everything that was said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said<'e> {
    /// The entry.
    pub entry: &'e Entry,
    /// Its texts, oldest first; the last counts. Empty for what is no note.
    pub versions: Vec<Version<'e>>,
    /// The entry by which its author took it back.
    pub withdrawn: Option<EntryId>,
    /// Layers in other languages, oldest first.
    pub translations: Vec<(&'e Translation, &'e Entry)>,
    /// Deliberate answers without an answer, oldest first: until when; withheld if there is none.
    pub answers: Vec<(Option<i64>, &'e Entry)>,
    /// Notes that answer it, oldest first.
    pub replies: Vec<EntryId>,
}

/// A text that an entry had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version<'e> {
    /// The text.
    pub text: &'e str,
    /// When it was said, in milliseconds since 1970.
    pub at_ms: i64,
}

impl<'e> Said<'e> {
    /// Of an entry, and all that is about it.
    pub fn of(entry: &'e Entry, about: impl IntoIterator<Item = &'e Entry>) -> Said<'e> {
        let first = match &entry.body {
            Body::Note(note) => vec![Version { text: &note.text, at_ms: entry.at_ms }],
            _ => Vec::new(),
        };
        let mut said = Said {
            entry,
            versions: first,
            withdrawn: None,
            translations: Vec::new(),
            answers: Vec::new(),
            replies: Vec::new(),
        };
        in_place(about).into_iter().for_each(|later| said.take(later));
        said
    }

    fn take(&mut self, later: &'e Entry) {
        let is_authors = later.author == self.entry.author;
        match &later.body {
            _ if later.body.of() != Some(self.entry.id) => {}
            Body::Edit { text, .. } if is_authors && !self.versions.is_empty() => {
                self.versions.push(Version { text, at_ms: later.at_ms });
            }
            Body::Withdraw { .. } if is_authors && is_withdrawable(&self.entry.body) => {
                self.withdrawn = self.withdrawn.or(Some(later.id));
            }
            Body::Translate(translation) => self.translations.push((translation, later)),
            Body::Answer { deferred_until_ms, .. } => self.answers.push((*deferred_until_ms, later)),
            Body::Note(_) => self.replies.push(later.id),
            _ => {}
        }
    }

    /// The text that counts; none for what is no note or was taken back.
    pub fn text(&self) -> Option<&'e str> {
        self.versions.last().filter(|_| self.withdrawn.is_none()).map(|version| version.text)
    }
}

/// What is on the record, or a step of a matter, cannot be taken back: it has acts of its own for that.
fn is_withdrawable(body: &Body) -> bool {
    matches!(body, Body::Note(_) | Body::File { .. } | Body::Translate(_))
}
