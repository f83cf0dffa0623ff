//! One request of somebody who is in: what a page needs to be rendered.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use couloir_engine::status::StatusView;
use couloir_wire::entry::Precedence;
use couloir_wire::id::PostId;
use maud::Markup;

use super::dates::{Dates, now_ms};
use super::form::Form;
use super::frame;
use super::office::Office;
use super::pages::Page;
use super::serve::html;
use super::taste::Taste;
use super::tongue::{Filling, Language};
use crate::clerk::Node;
use crate::clerk::papers;
use crate::clerk::row::{Author, Posts};
use crate::clerk::served::Served;
use crate::release::{self, Draft};
use crate::store::{LogRow, Reader};
use crate::words::{Failure, Outcome};

fn own(agreed: &papers::Agreed) -> (PostId, Author) {
    let certificate = agreed.own_certificate.unverified();
    (certificate.post, Author { side: agreed.own.name.clone(), post: certificate.title.clone() })
}

/// Who asks, and how.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The session's cookie.
    pub cookie: Option<String>,
    /// Who came in, where that was said.
    pub person: Option<String>,
    /// Whether a person asks.
    pub look: Look,
    /// The language to answer in.
    pub language: Language,
    /// The query.
    pub query: Form,
    /// What scripts and styles of the answer run by.
    pub nonce: String,
}

/// Who looks at the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// A person went there.
    Person,
    /// The script fetched it for a page that is seen.
    Visible,
    /// The script fetched it for a page that is behind others.
    Hidden,
}

/// A request under way.
pub struct Visit<'o> {
    /// What all requests share.
    pub office: &'o Office,
    /// The node.
    pub node: &'o mut Served,
    /// Who asks.
    pub caller: Caller,
    /// The desk's settings.
    pub taste: Taste,
    /// How the line stands.
    pub status: StatusView,
    /// The names of posts.
    pub posts: Posts,
    /// The present, in milliseconds since 1970.
    pub now_ms: i64,
    /// The number of the last change before anything was read.
    pub change: u64,
    /// Drafts that wait for a person, where two are needed to say something.
    pub drafts: Option<Vec<Draft>>,
    /// The newest of what the other side said.
    pub heard: Heard,
    own: Option<(PostId, Author)>,
}

/// The newest entries of the other side's, by their numbers in the log; 0 if there is none. Only counted where somebody wants
/// to be told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Heard {
    /// Of any precedence.
    pub any: u64,
    /// Immediate.
    pub immediate: u64,
    /// Flash.
    pub flash: u64,
}

impl Heard {
    fn of(reader: &Reader, taste: &Taste) -> Outcome<Heard> {
        if !taste.notify && !taste.sound {
            return Ok(Heard::default());
        }
        let rows = reader.log_before(None, LOOKED_AT_ROWS)?;
        let newest = |is_meant: fn(Precedence) -> bool| {
            let theirs = rows.iter().filter(|row| !row.is_own && is_meant(row.precedence));
            theirs.filter_map(|row| row.number).max().unwrap_or(0)
        };
        Ok(Heard {
            any: newest(|_| true),
            immediate: newest(|precedence| precedence == Precedence::Immediate),
            flash: newest(|precedence| precedence == Precedence::Flash),
        })
    }
}

/// More at once is as good as all of it.
const LOOKED_AT_ROWS: usize = 30;

/// What waits, where two persons are needed.
fn drafts(reader: &Reader) -> Outcome<Option<Vec<Draft>>> {
    if release::is_on(reader)? { release::drafts(reader).map(Some) } else { Ok(None) }
}

impl<'o> Visit<'o> {
    /// Begins.
    pub fn new(office: &'o Office, node: &'o mut Served, caller: Caller) -> Outcome<Visit<'o>> {
        let change = *office.changes.borrow();
        let status = node.status()?.view;
        let channel = papers::channel_of(node.reader())?;
        let (posts, own) =
            (Posts::of(node.reader())?, papers::Agreed::of(&channel).ok().map(|agreed| own(&agreed)));
        let (drafts, taste) = (drafts(node.reader())?, Taste::of(node.reader())?);
        let heard = Heard::of(node.reader(), &taste)?;
        Ok(Visit { office, node, caller, taste, status, posts, now_ms: now_ms(), change, drafts, heard, own })
    }

    /// The language of the answer.
    pub fn language(&self) -> Language {
        self.caller.language
    }

    /// A message.
    pub fn t(&self, id: &str) -> String {
        self.language().t(id)
    }

    /// A message with its fillings.
    pub fn tn(&self, id: &str, fillings: &[(&str, Filling<'_>)]) -> String {
        self.language().tn(id, fillings)
    }

    /// How this desk writes times.
    pub fn dates(&self) -> Dates {
        self.taste.own_dates(self.language())
    }

    /// How the other desk writes them, if its zone was chosen.
    pub fn their_dates(&self) -> Option<Dates> {
        self.taste.their_dates(self.language())
    }

    /// A time, as short as stays plain.
    pub fn brief(&self, ms: i64) -> String {
        self.dates().brief(ms, self.now_ms)
    }

    /// The language in which somebody most likely writes.
    pub fn tongue_of(&self, is_own: bool) -> Language {
        let own = self.language();
        let other = self.taste.their_language.unwrap_or(match own {
            Language::Ja => Language::Zh,
            Language::Zh => Language::Ja,
            Language::En => Language::Zh,
        });
        if is_own { own } else { other }
    }

    /// The language of a text: what its author said, or what its characters tell.
    pub fn language_of(&self, text: &str, is_own: bool) -> Language {
        Language::of_text(text, self.tongue_of(is_own))
    }

    /// Our own post, by its names in the papers.
    pub fn own(&self) -> Option<&Author> {
        self.own.as_ref().map(|(_, author)| author)
    }

    /// Our own post.
    pub fn own_post(&self) -> Option<PostId> {
        self.own.as_ref().map(|(post, _)| *post)
    }

    /// What people cite an entry by; the same at every desk.
    pub fn cited(&self, row: &LogRow) -> String {
        format!("{}{}", row.cited, self.posts.letter(row.conversation, row.author))
    }

    /// Whether both desks said that the phrase is the same.
    pub fn is_verified(&self) -> bool {
        self.status.peers.iter().all(|peer| peer.verified == (true, true)) && !self.status.peers.is_empty()
    }

    /// How many drafts wait to be released or refused.
    pub fn drafts_waiting(&self) -> usize {
        self.drafts.iter().flatten().filter(|draft| draft.refused.is_none()).count()
    }

    /// After how long without use this session locks.
    pub fn idle(&self) -> Duration {
        self.office.idle()
    }

    /// A page in its frame.
    pub fn render(&mut self, page: &'static Page) -> Outcome<Response> {
        let body = (page.show)(self)?;
        let title = self.t(page.title);
        Ok(html(StatusCode::OK, frame::frame(self, page.name, &title, &body)))
    }

    /// What is no page of the table, in the same frame.
    pub fn whole(&self, title: &str, body: &Markup) -> Response {
        html(StatusCode::OK, frame::frame(self, "", title, body))
    }

    /// Why something was not done, in the same frame.
    pub fn failed(&self, failure: &Failure) -> Response {
        let body = frame::failure(self.language(), failure);
        html(frame::status_of(failure.code), frame::frame(self, "", &self.t("failed-title"), &body))
    }
}
