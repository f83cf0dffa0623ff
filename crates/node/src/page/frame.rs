//! What is around every page: the line at the top, the way to the other pages, what the script needs.

use axum::http::StatusCode;
use couloir_engine::Frozen;
use couloir_engine::status::PeerView;
use couloir_wire::cell::Desk;
use maud::{DOCTYPE, Markup, html};

use super::pages::{PAGES, Page, name_of};
use super::taste::{Keys, Theme};
use super::tongue::Language;
use super::visit::Visit;
use crate::words::{Code, Failure};

/// A page called `title`, `current` being its name in the table.
pub fn frame(visit: &Visit<'_>, current: &str, title: &str, body: &Markup) -> Markup {
    let theme = visit.taste.theme;
    html! {
        (DOCTYPE)
        html lang=(visit.language().tag()) data-theme=[(theme != Theme::Auto).then(|| theme.word())] {
            (head(visit, title, is_written_on(body)))
            body data-keys=(visit.taste.keys.word()) data-as-of=(visit.now_ms) data-change=(visit.change) data-question[current.is_empty()]
                data-notify=[visit.taste.notify.then(|| visit.t("something-new"))] data-sound[visit.taste.sound] {
                a.skip href="#main" { (visit.t("skip")) }
                header #line data-live data-heard=(visit.heard.any) data-immediate=(visit.heard.immediate) data-flash=(visit.heard.flash) { (line(visit)) }
                nav #ways aria-label=(visit.t("ways")) { (ways(visit, current)) }
                main #main tabindex="-1" {
                    @if is_written_on(body) { noscript { p.hint.unlocked { (visit.t("written-on")) } } }
                    (body)
                }
                footer #foot { (foot(visit)) }
                (comforts(visit))
            }
        }
    }
}

/// Whether somebody writes on a page: what is half written is not taken away by a browser that knows nothing of it.
fn is_written_on(body: &Markup) -> bool {
    body.0.contains("<textarea")
}

fn head(visit: &Visit<'_>, title: &str, is_written_on: bool) -> Markup {
    let nonce = &visit.caller.nonce;
    // Without scripts nobody fetches the locked page: the browser itself does.
    let idle = visit.idle().as_secs() + 5;
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) " · " (NAME) }
            link rel="icon" href="icon.svg";
            link rel="stylesheet" href="desk.css" nonce=(nonce);
            script src="desk.js" nonce=(nonce) defer {}
            @if !is_written_on { noscript { meta http-equiv="refresh" content=(idle); } }
        }
    }
}

/// Posture and peers, in words, on every page.
fn line(visit: &Visit<'_>) -> Markup {
    let posture = &visit.status.posture;
    let (class, word) =
        if posture.is_active { ("active", "posture-active") } else { ("standby", "posture-standby") };
    html! {
        a.posture.(class) href="desk" { span.lamp {} (visit.t(word)) }
        ul.peers {
            @for peer in &visit.status.peers {
                li {
                    a.holder href="holders" title=(visit.t("holders-title")) { (name_of(visit, &peer.side, &peer.post, false)) }
                    span.state.(link_class(peer)) { (visit.t(link_word(peer))) }
                    span.state.(desk_class(peer.desk.0)) { (visit.t(desk_word(peer.desk.0))) }
                }
            }
            @if visit.status.peers.is_empty() { li { (visit.t("peers-none")) } }
        }
        (own_desk(visit))
    }
}

/// Our own desk, and the button that says otherwise.
fn own_desk(visit: &Visit<'_>) -> Markup {
    let is_here = visit.status.desk.0 == Desk::Here;
    let (state, act) = if is_here { ("own-here", "own-leave") } else { ("own-away", "own-come") };
    html! {
        form.own method="post" action="presence" {
            @if let Some(own) = visit.own() { (name_of(visit, &own.side, &own.post, true)) }
            @if let Some(person) = &visit.caller.person { span.person { bdi { (person) } } }
            span.state.(if is_here { "good" } else { "quiet" }) { (visit.t(state)) }
            button.small name="is" value=(if is_here { "away" } else { "here" }) { (visit.t(act)) }
        }
    }
}

/// How a peer's link is drawn.
pub fn link_class(peer: &PeerView) -> &'static str {
    match (peer.frozen.is_some(), peer.is_alive) {
        (true, _) => "bad",
        (false, true) => "good",
        (false, false) => "doubt",
    }
}

/// How a peer's link is said.
pub fn link_word(peer: &PeerView) -> &'static str {
    match (peer.frozen, peer.is_alive) {
        (Some(Frozen::Revoked), _) => "link-revoked",
        (Some(_), _) => "link-frozen",
        (None, true) => "link-alive",
        (None, false) => "link-silent",
    }
}

/// How a peer's desk is drawn.
pub fn desk_class(desk: Desk) -> &'static str {
    match desk {
        Desk::Here => "good",
        Desk::Away => "quiet",
        Desk::Unknown => "doubt",
    }
}

/// How a peer's desk is said.
pub fn desk_word(desk: Desk) -> &'static str {
    match desk {
        Desk::Here => "desk-here",
        Desk::Away => "desk-away",
        Desk::Unknown => "desk-unknown",
    }
}

fn ways(visit: &Visit<'_>, current: &str) -> Markup {
    html! {
        ul {
            @for page in PAGES.iter().filter(|page| page.is_way && is_offered(visit, page)) {
                li {
                    a href=(page.name) aria-current=[is_current(page, current).then_some("page")] {
                        (visit.t(page.title))
                    }
                }
            }
        }
        form.languages method="post" action="language" {
            input type="hidden" name="from" value=(current);
            @for language in Language::ALL {
                button.plain name="language" value=(language.word()) lang=(language.tag())
                    aria-pressed=(language == visit.language()) { (language.own_name()) }
            }
        }
    }
}

/// Drafts wait only where two persons are needed.
fn is_offered(visit: &Visit<'_>, page: &Page) -> bool {
    visit.drafts.is_some() || page.name != "release"
}

/// A thread and an entry lie within the conversations.
fn is_current(page: &Page, current: &str) -> bool {
    let way = if matches!(current, "thread" | "entry") { "conversations" } else { current };
    page.name == way
}

fn foot(visit: &Visit<'_>) -> Markup {
    let dates = visit.dates();
    let as_of = visit.tn("as-of", &[("time", dates.clock(visit.now_ms).into())]);
    html! {
        p { span #as-of { (as_of) } " · " (dates.place(visit.now_ms)) }
        form method="post" action="lock" { button.small { (visit.t("lock")) } }
    }
}

/// What only the script shows: words that it needs, the palette, the keys.
fn comforts(visit: &Visit<'_>) -> Markup {
    html! {
        p #stale role="status" hidden data-words=(visit.tn("stale", &[("time", "{time}".into())])) {}
        dialog #palette aria-label=(visit.t("palette")) {
            label for="palette-text" { (visit.t("palette")) }
            input #palette-text type="search" autocomplete="off" role="combobox" aria-expanded="true"
                aria-controls="palette-list";
            ul #palette-list role="listbox" aria-label=(visit.t("palette")) {
                @for page in PAGES.iter().filter(|page| (page.is_way || page.key.is_some()) && is_offered(visit, page)) {
                    li role="option" data-go=(page.name) { (visit.t(page.title)) (hint(visit, page)) }
                }
            }
        }
    }
}

fn hint(visit: &Visit<'_>, page: &Page) -> Markup {
    html! {
        @if let Some(key) = page.key.filter(|_| visit.taste.keys == Keys::On) { kbd { (GO) " " (key) } }
    }
}

/// The same in every language.
pub const NAME: &str = "Couloir";
/// The key before a page's own.
pub const GO: &str = "g";

/// Why something was not done, and what to do. The detail is the node's own sentence.
pub fn failure(language: Language, failure: &Failure) -> Markup {
    html! {
        section.failure role="alert" {
            h1 { (language.t("failed-title")) }
            p { (language.t(code_words(failure.code))) }
            p.detail lang="en" { bdi { (failure.what) "; " (failure.next) } }
            p { a href="desk" { (language.t("to-desk")) } }
        }
    }
}

fn code_words(code: Code) -> &'static str {
    match code {
        Code::Failed => "failed-machine",
        Code::Usage => "failed-usage",
        Code::Refused => "failed-refused",
        Code::OutOfReach => "failed-reach",
        Code::Degraded => "failed-degraded",
        Code::Integrity => "failed-integrity",
        Code::TryAgain => "failed-later",
    }
}

/// The status of an answer that says so.
pub fn status_of(code: Code) -> StatusCode {
    match code {
        Code::Usage => StatusCode::UNPROCESSABLE_ENTITY,
        Code::Refused => StatusCode::FORBIDDEN,
        Code::TryAgain | Code::OutOfReach => StatusCode::SERVICE_UNAVAILABLE,
        Code::Failed | Code::Degraded | Code::Integrity => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
