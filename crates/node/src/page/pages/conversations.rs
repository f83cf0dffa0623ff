//! The conversations: what each is about, among whom, what is new; and opening another.

use couloir_wire::entry::{Body, Marking, Opening};
use couloir_wire::id::{ConversationId, PostId};
use maud::{Markup, html};

use super::composer::{expiries, members};
use super::drafts::{self, marking_of};
use super::letter::{gist_of, tag_of};
use super::marking::{markings, pill};
use super::matters::once;
use super::{Act, Next, Page, choice, name_of, time};
use crate::clerk::conversations::{self, Conversation};
use crate::clerk::names;
use crate::cli::values::duration_ms;
use crate::page::form::{Form, link};
use crate::page::order;
use crate::page::speak;
use crate::page::visit::Visit;
use crate::socket::How;
use crate::words::{Failure, Outcome};

/// The page.
pub const PAGE: Page =
    Page { name: "conversations", title: "talks-title", key: Some('c'), is_way: true, show };

/// What is done on it.
pub const ACTS: &[Act] = &[Act { name: "open-conversation", run: open }];

/// Conversations with what is waiting in them, the newest first.
pub struct Talks {
    shown: Vec<Conversation>,
    has_more: bool,
    drafts: Vec<(ConversationId, String)>,
}

impl Talks {
    /// Reads `count` of them after the first `skipped`.
    pub fn of(visit: &Visit<'_>, skipped: usize, count: usize) -> Outcome<Talks> {
        let (shown, has_more) = conversations::newest(visit.node, skipped, count)?;
        Ok(Talks { shown, has_more, drafts: drafts::all(visit)? })
    }

    /// Each as a row.
    pub fn list(&self, visit: &Visit<'_>) -> Markup {
        html! { ul.rows.talks { @for place in &self.shown { li { (self.row(visit, place)) } } } }
    }

    fn row(&self, visit: &Visit<'_>, place: &Conversation) -> Markup {
        let draft = self.drafts.iter().find(|(id, _)| *id == place.id).map(|(_, text)| text);
        html! {
            a.row.talk href=(link("thread", &[("conversation", &place.id.to_string())])) {
                span {
                    b { bdi lang=(subject_tag(visit, place)) { (place.subject) } } " " (pill(place.marking))
                    span.with { (visit.t("thread-members")) " " (members(visit, place)) }
                    (newest(visit, place, draft.map(String::as_str)))
                }
                span.when {
                    @if place.unread > 0 { span.count { (visit.tn("talks-unread", &[("count", place.unread.into())])) } " " }
                    @if let Some(row) = &place.newest { (time(visit, row.at_ms)) }
                }
            }
        }
    }
}

/// A draft, or the beginning of what was said last.
fn newest(visit: &Visit<'_>, place: &Conversation, draft: Option<&str>) -> Markup {
    if let Some(draft) = draft {
        let text: String = draft.chars().take(GIST_CHARS).collect();
        return html! { span.gist { span.draft { (visit.t("conversation-draft")) } " " bdi { (text) } } };
    }
    let Some((row, body)) = place.newest.as_ref().and_then(|row| Some((row, row.body()?))) else {
        return html! { span.gist { (visit.t("thread-empty")) } };
    };
    let text: String = gist_of(body).chars().take(GIST_CHARS).collect();
    html! { span.gist { (visit.cited(row)) " " bdi lang=(tag_of(visit, row)) { (text) } } }
}

/// The language of a subject, by its characters.
pub fn subject_tag(visit: &Visit<'_>, place: &Conversation) -> &'static str {
    visit.language_of(&place.subject, true).tag()
}

fn show(visit: &mut Visit<'_>) -> Outcome<Markup> {
    let skipped = visit.caller.query.number("skip").unwrap_or(0) as usize;
    let talks = Talks::of(visit, skipped, ROWS_SHOWN)?;
    let subjects = conversations::subjects(visit.node)?;
    let visit = &*visit;
    let after = visit.caller.query.text("after");
    Ok(html! {
        h1 { (visit.t("talks-title")) }
        div #talks data-live {
            (talks.list(visit))
            @if talks.has_more {
                p.older { a href=(link("conversations", &[("skip", &(skipped + ROWS_SHOWN).to_string())])) rel="next" { (visit.t("talks-more")) } }
            }
        }
        details.panel.new-talk open[!after.is_empty()] {
            summary { (visit.t("conversation-open")) }
            (opening(visit, &subjects, after))
        }
    })
}

fn opening(visit: &Visit<'_>, subjects: &[(ConversationId, String)], after: &str) -> Markup {
    let known: Vec<(String, &String)> = subjects.iter().map(|(id, words)| (id.to_string(), words)).collect();
    let known = known.iter().map(|(id, words)| (id.as_str(), (*words).clone()));
    let earlier: Vec<_> = std::iter::once(("", visit.t("conversation-after-none"))).chain(known).collect();
    html! {
        form.stack method="post" action="open-conversation" {
            (once())
            p.hint { (visit.t("conversation-open-means")) }
            label for="subject" { (visit.t("conversation-subject")) }
            input #subject name="subject" required maxlength="200" autocomplete="off" dir="auto";
            (with(visit))
            label for="marking" { (visit.t("marking-legend")) }
            (choice("marking", &markings(visit), Marking::Red.word()))
            label for="expires" { (visit.t("conversation-expiry")) }
            (choice("expires", &expiries(visit, false), ""))
            label for="after" { (visit.t("conversation-after")) }
            (choice("after", &earlier, after))
            div.buttons { button.main { (visit.t("conversation-open-go")) } }
        }
    }
}

/// The posts of the channel, ours always among them.
fn with(visit: &Visit<'_>) -> Markup {
    let own = visit.own_post();
    let others: Vec<PostId> = visit.posts.all().filter(|post| Some(*post) != own).collect();
    let others = order::sorted(visit.language(), others, |post| {
        let author = visit.posts.author(*post);
        format!("{} {}", author.side, author.post)
    });
    html! {
        fieldset.with {
            legend { (visit.t("conversation-members")) }
            @for post in others {
                @let author = visit.posts.author(post);
                label { input type="checkbox" name=(format!("with-{post}")) value="yes" checked; " " (name_of(visit, &author.side, &author.post, false)) }
            }
        }
    }
}

fn open(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    let own = visit.own_post();
    let is_in = |post: &PostId| Some(*post) == own || form.text(&format!("with-{post}")) == "yes";
    let mut members: Vec<PostId> = visit.posts.all().filter(is_in).collect();
    members.sort_unstable();
    if members.len() < 2 {
        return Err(Failure::usage("nobody else would read it", "choose at least one of the other posts"));
    }
    let expires = form.given("expires").map(duration_ms).transpose();
    let opening = Opening {
        subject: names::name("subject", form.text("subject"))?,
        marking: form.given("marking").and_then(marking_of).unwrap_or(Marking::Red),
        members,
        predecessor: form.parsed("after")?,
        expires_after_ms: expires.map_err(|wrong| Failure::usage(wrong, "choose one of the list"))?,
    };
    if !visit.office.is_first(form.text("once")) {
        return Ok(Next::Go(PAGE.name.to_owned()));
    }
    let how = How { when_verified: !visit.is_verified(), ..How::default() };
    let spoken = speak::say(visit, Body::Open(opening), how, None)?;
    let place = |id| link("thread", &[("conversation", &ConversationId::opened_by(id).to_string())]);
    Ok(spoken.then(place))
}

/// Conversations on one page.
const ROWS_SHOWN: usize = 60;
const GIST_CHARS: usize = 80;
