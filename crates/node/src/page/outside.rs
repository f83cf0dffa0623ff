//! Pages for whoever is not in: they tell nothing about the node, and hold no word of it.

use axum::http::StatusCode;
use axum::http::header::{HeaderValue, SET_COOKIE};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use super::frame::{self, NAME};
use super::guard::Refusal;
use super::serve::html as answer;
use super::tongue::Language;
use super::visit::Caller;
use crate::words::Failure;

/// Too much at once.
pub fn busy() -> Response {
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}

/// A request that is not looked at.
pub fn refused(refusal: Refusal) -> Response {
    refusal.status().into_response()
}

/// A path outside our folder: an old address, or a guess.
pub fn nothing_here(nonce: &str) -> Response {
    answer(StatusCode::NOT_FOUND, in_all_languages(nonce, "door-open"))
}

/// There is no such page.
pub fn no_page(caller: &Caller) -> Response {
    answer(
        StatusCode::NOT_FOUND,
        door(caller, "no-page", html! { p { a href="desk" { (caller.language.t("to-desk")) } } }),
    )
}

/// Nobody is in by this browser.
pub fn no_session(caller: &Caller) -> Response {
    answer(StatusCode::FORBIDDEN, in_all_languages(&caller.nonce, "door-open"))
}

/// The link was used before by somebody else.
pub fn used_twice(caller: &Caller) -> Response {
    answer(StatusCode::FORBIDDEN, in_all_languages(&caller.nonce, "door-twice"))
}

/// The browser is in. It goes on by itself, from a page of ours, so that its cookie comes along.
pub fn entered(caller: &Caller, cookie: Option<&str>) -> Response {
    let words = html! { p { a href="desk" { (caller.language.t("to-desk")) } } };
    let markup = document(
        caller.language,
        &caller.nonce,
        true,
        &html! {
            main.door { h1 { (caller.language.t("door-in")) } (words) }
        },
    );
    let mut response = answer(StatusCode::OK, markup);
    if let Some(cookie) = cookie.and_then(|cookie| HeaderValue::from_str(cookie).ok()) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

/// The session is locked.
pub fn locked(caller: &Caller, may_try: bool, is_draft_kept: bool) -> Response {
    let t = |id| caller.language.t(id);
    let form = html! {
        @if is_draft_kept { p role="status" { (t("door-draft-kept")) } }
        @if may_try {
            form method="post" action="unlock" {
                label for="passphrase" { (t(if caller.person.is_some() { "door-passphrase-own" } else { "door-passphrase" })) }
                input #passphrase name="passphrase" type="password" autocomplete="off" required autofocus;
                button { (t("door-unlock")) }
            }
        }
        p { (t("door-open")) }
        pre { code { (COMMAND) } }
    };
    answer(StatusCode::LOCKED, door(caller, "door-locked", form))
}

/// The node does not answer.
pub fn failed(caller: &Caller, failure: &Failure) -> Response {
    let body = html! { main.door { (frame::failure(caller.language, failure)) } };
    answer(frame::status_of(failure.code), document(caller.language, &caller.nonce, false, &body))
}

fn door(caller: &Caller, title: &'static str, body: Markup) -> Markup {
    document(
        caller.language,
        &caller.nonce,
        false,
        &html! {
            main.door { h1 { (caller.language.t(title)) } (body) }
        },
    )
}

/// Whoever comes from outside may speak any of the languages.
fn in_all_languages(nonce: &str, id: &'static str) -> Markup {
    document(
        Language::En,
        nonce,
        false,
        &html! {
            main.door {
                h1 { (NAME) }
                @for language in Language::ALL { p lang=(language.tag()) { (language.t(id)) } }
                pre { code { (COMMAND) } }
            }
        },
    )
}

fn document(language: Language, nonce: &str, goes_on: bool, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                @if goes_on { meta http-equiv="refresh" content="0; url=desk"; }
                title { (NAME) }
                link rel="icon" href="icon.svg";
                link rel="stylesheet" href="desk.css" nonce=(nonce);
            }
            body.outside { (body) }
        }
    }
}

/// What the door says to type.
const COMMAND: &str = "couloir open";
