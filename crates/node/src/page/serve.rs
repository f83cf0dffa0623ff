//! From a request to an answer.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use couloir_wire::limits::TEXT_OCTETS_MAX;

use super::doors::{Entered, Standing};
use super::form::Form;
use super::guard::{self, Want};
use super::office::{Office, fresh_token};
use super::pages::{self, Next};
use super::tongue::Language;
use super::visit::{Caller, Look, Visit};
use super::{assets, live, outside, transfer};
use crate::words::{Failure, Outcome};

/// Answers every request.
pub async fn serve(State(office): State<Arc<Office>>, request: Request) -> Response {
    // Without entropy no script runs and no cookie is given.
    let nonce = fresh_token().unwrap_or_default();
    let is_head = request.method() == Method::HEAD;
    let mut response = match office.requests.try_acquire() {
        Ok(_place) => answer(&office, request, &nonce).await,
        Err(_full) => outside::busy(),
    };
    guard::protect(&mut response, &nonce);
    if is_head {
        *response.body_mut() = Body::empty();
    }
    response
}

async fn answer(office: &Arc<Office>, request: Request, nonce: &str) -> Response {
    let path = request.uri().path().to_owned();
    let name = path.strip_prefix('/').and_then(|path| path.strip_prefix(office.folder.as_str()));
    let name = name.and_then(|rest| rest.strip_prefix('/'));
    let checked = guard::want(request.method(), name)
        .and_then(|want| guard::check(&office.host, want, request.headers()).map(|()| want));
    let want = match checked {
        Ok(want) => want,
        Err(refusal) => return outside::refused(refusal),
    };
    let Some(name) = name else { return outside::nothing_here(nonce) };
    let caller = caller(office, &request, nonce);
    if let Some(asset) = assets::find(name).filter(|_| want == Want::Read) {
        return asset.give();
    }
    match want {
        Want::Enter => enter(office, &caller),
        Want::Read | Want::Follow | Want::Write => {
            inside(office, name.to_owned(), want, caller, request).await
        }
    }
}

fn caller(office: &Office, request: &Request, nonce: &str) -> Caller {
    let headers = request.headers();
    let wanted = text(headers, "accept-language").and_then(Language::wanted);
    let language = office.language().or(wanted).unwrap_or_default();
    let look = match text(headers, "x-desk-look") {
        None => Look::Person,
        Some("visible") => Look::Visible,
        Some(_) => Look::Hidden,
    };
    let cookie = cookie(headers, &cookie_name(office));
    Caller {
        person: cookie.as_deref().and_then(|cookie| office.person(cookie)),
        cookie,
        look,
        language,
        query: Form::read(request.uri().query().unwrap_or_default().as_bytes()),
        nonce: nonce.to_owned(),
    }
}

/// Somebody who may come in, or may not yet.
async fn inside(
    office: &Arc<Office>,
    name: String,
    want: Want,
    caller: Caller,
    request: Request,
) -> Response {
    let acts = caller.look == Look::Person && want != Want::Follow;
    let cookie = caller.cookie.clone().unwrap_or_default();
    match office.standing(caller.cookie.as_deref(), acts) {
        Standing::Absent => outside::no_session(&caller),
        Standing::Locked { .. } if want == Want::Write && name == "unlock" => {
            unlock(office, cookie, caller, request).await
        }
        Standing::Locked { may_try } if want == Want::Write && matches!(&*name, "say" | "draft") => {
            keep_for_later(office, &caller, may_try, request).await
        }
        Standing::Locked { may_try } => outside::locked(&caller, may_try, false),
        Standing::Open if want == Want::Follow => live::follow(office, cookie, caller.query.number("since")),
        Standing::Open if name == "attach" && want == Want::Write => {
            transfer::receive(office, caller, request).await
        }
        Standing::Open if name == "file" => transfer::give(office, &caller).await,
        Standing::Open if want == Want::Write => write(office, name, caller, request).await,
        Standing::Open => read(office, name, caller).await,
    }
}

fn enter(office: &Office, caller: &Caller) -> Response {
    match office.enter(caller.query.text("ticket"), caller.cookie.as_deref()) {
        Ok((Entered::Begun, fresh)) => outside::entered(caller, Some(&set_cookie(office, &fresh))),
        Ok((Entered::Already, _)) => outside::entered(caller, None),
        Ok((Entered::Twice, _)) => outside::used_twice(caller),
        Ok((Entered::Unknown, _)) => outside::no_session(caller),
        Err(_) => outside::busy(),
    }
}

async fn unlock(office: &Arc<Office>, cookie: String, caller: Caller, request: Request) -> Response {
    let form = match body(&caller, request).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let node = Arc::clone(office);
    let key = cookie.clone();
    let tried = tokio::task::spawn_blocking(move || node.unlock(&key, form.text("passphrase")));
    match (tried.await, office.standing(Some(&cookie), false)) {
        (Ok(true), _) => go("desk"),
        (_, Standing::Locked { may_try }) => outside::locked(&caller, may_try, false),
        _ => outside::no_session(&caller),
    }
}

/// What was being written when the session locked is kept as a draft; nothing else is done or shown.
async fn keep_for_later(office: &Arc<Office>, caller: &Caller, may_try: bool, request: Request) -> Response {
    let form = match body(caller, request).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let node = Arc::clone(office);
    let kept = tokio::task::spawn_blocking(move || {
        node.with_node(|served| pages::composer::keep_form(&node, served, &form))
    });
    let is_kept = kept.await.is_ok_and(|kept| kept.is_ok());
    outside::locked(caller, may_try, is_kept)
}

async fn read(office: &Arc<Office>, name: String, caller: Caller) -> Response {
    let Some(page) = pages::page(&name) else { return outside::no_page(&caller) };
    in_visit(office, caller, move |visit| visit.render(page)).await
}

async fn write(office: &Arc<Office>, name: String, caller: Caller, request: Request) -> Response {
    let Some(act) = pages::act(&name) else { return outside::no_page(&caller) };
    let form = match body(&caller, request).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    in_visit(office, caller, move |visit| {
        let then = (act.run)(visit, &form)?;
        Ok(next(visit, then))
    })
    .await
}

/// What comes after an act.
pub fn next(visit: &Visit<'_>, next: Next) -> Response {
    match next {
        Next::Go(link) => go(&link),
        Next::Nothing => StatusCode::NO_CONTENT.into_response(),
        Next::Show { title, body } => visit.whole(&title, &body),
        Next::Take { name, kind, octets } => transfer::whole(&name, kind, octets),
        Next::Out => {
            let mut response = go("desk");
            if let Ok(cookie) = HeaderValue::from_str(&set_cookie(visit.office, "; Max-Age=0")) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            response
        }
    }
}

/// Works with a visit on a thread that may wait; a failure becomes a page that says what to do.
pub async fn in_visit(
    office: &Arc<Office>,
    caller: Caller,
    work: impl FnOnce(&mut Visit<'_>) -> Outcome<Response> + Send + 'static,
) -> Response {
    let (office, again) = (Arc::clone(office), caller.clone());
    let worked = tokio::task::spawn_blocking(move || {
        office.with_node(|node| {
            let mut visit = Visit::new(&office, node, caller)?;
            let outcome = work(&mut visit);
            Ok(outcome.unwrap_or_else(|failure| visit.failed(&failure)))
        })
    });
    match worked.await {
        Ok(Ok(response)) => response,
        Ok(Err(failure)) => outside::failed(&again, &failure),
        Err(_ended) => outside::busy(),
    }
}

/// A form's body.
async fn body(caller: &Caller, request: Request) -> Result<Form, Response> {
    let kind = text(request.headers(), "content-type").unwrap_or_default().to_owned();
    if kind.split(';').next() != Some("application/x-www-form-urlencoded") {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response());
    }
    let octets = to_bytes(request.into_body(), FORM_OCTETS_MAX).await;
    octets.map(|octets| Form::read(&octets)).map_err(|_| {
        let what = format!("what was written is too long: at most {} KiB", TEXT_OCTETS_MAX / 1024);
        let next = "go back, where it still stands, and say it in parts or attach it as a file";
        outside::failed(caller, &Failure::usage(what, next))
    })
}

/// Goes on with another page.
pub fn go(link: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    // Links of ours are ASCII.
    if let Ok(link) = HeaderValue::from_str(link) {
        response.headers_mut().insert(header::LOCATION, link);
    }
    response
}

/// A page of ours.
pub fn html(status: StatusCode, markup: maud::Markup) -> Response {
    (status, Html(markup.into_string())).into_response()
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Cookies know no port: two nodes' cookies on one machine must not have one name.
fn cookie_name(office: &Office) -> String {
    format!("couloir-{}", office.host.rsplit(':').next().unwrap_or_default())
}

fn set_cookie(office: &Office, value: &str) -> String {
    format!("{}={value}; Path=/{}/; HttpOnly; SameSite=Strict", cookie_name(office), office.folder)
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
}

/// The longest text with every octet escaped, and room for the rest of the form.
const FORM_OCTETS_MAX: usize = 3 * TEXT_OCTETS_MAX + 16 * 1024;
