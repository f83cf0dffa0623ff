//! From a request to an answer (TAXII 2.1, sections 4 and 5).

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::query::{Page, Query};
use super::shelf::{Collection, Shelf, Shelved};
use crate::words::Failure;

/// What a running server has.
pub struct Desk {
    host: String,
    token: String,
    shelf: Mutex<Shelf>,
}

impl Desk {
    /// At this address, for who has this token.
    pub fn new(address: SocketAddr, token: String, shelf: Shelf) -> Desk {
        Desk { host: address.to_string(), token, shelf: Mutex::new(shelf) }
    }
}

/// What is answered.
struct Answer {
    status: StatusCode,
    /// JSON.
    text: String,
    /// When the first and the last of the objects were added.
    added: Option<(String, String)>,
}

impl Answer {
    fn of(value: &impl Serialize) -> Answer {
        // Our own types always have a JSON form.
        let text = serde_json::to_string(value).unwrap_or_default();
        Answer { status: StatusCode::OK, text, added: None }
    }

    fn error(status: StatusCode, title: &str) -> Answer {
        let value = json!({ "title": title, "http_status": status.as_u16().to_string() });
        Answer { status, ..Answer::of(&value) }
    }
}

/// Answers every request.
pub async fn serve(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    let (path, query) =
        (request.uri().path().to_owned(), request.uri().query().unwrap_or_default().to_owned());
    let refused = refusal(&desk, request.method(), request.headers());
    let answer = match refused {
        Some(answer) => answer,
        // Asking the node waits; one request at a time asks it.
        None => {
            tokio::task::spawn_blocking(move || answer(&desk, &path, &query)).await.unwrap_or_else(|_| {
                Answer::error(StatusCode::INTERNAL_SERVER_ERROR, "the server failed; see its messages")
            })
        }
    };
    response(answer)
}

fn refusal(desk: &Desk, method: &Method, headers: &HeaderMap) -> Option<Answer> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if text(header::HOST) != desk.host {
        return Some(Answer::error(StatusCode::FORBIDDEN, "another host was asked for"));
    }
    let given = text(header::AUTHORIZATION);
    let token = given.strip_prefix("Token ").or_else(|| given.strip_prefix("Bearer ")).unwrap_or_default();
    if !is_same(token, &desk.token) {
        return Some(Answer::error(StatusCode::UNAUTHORIZED, "send Authorization: Token TOKEN"));
    }
    if method != Method::GET {
        return Some(Answer::error(StatusCode::METHOD_NOT_ALLOWED, "this server is read-only"));
    }
    let accept = text(header::ACCEPT);
    let is_fit = accept.is_empty() || accept.contains("*/*") || accept.contains("application/taxii+json");
    (!is_fit).then(|| Answer::error(StatusCode::NOT_ACCEPTABLE, "ask for application/taxii+json;version=2.1"))
}

/// In time that does not depend on where they differ.
fn is_same(given: &str, token: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(given.as_bytes(), token.as_bytes()).is_ok()
}

fn answer(desk: &Desk, path: &str, query: &str) -> Answer {
    let mut shelf = desk.shelf.lock().unwrap_or_else(PoisonError::into_inner);
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let found = match parts.as_slice() {
        ["taxii2"] => Ok(Answer::of(&discovery(desk))),
        ["api"] => Ok(Answer::of(&api_root())),
        ["api", "collections"] => shelf.collections().map(|all| {
            Answer::of(&json!({ "collections": all.iter().map(Collection::facts).collect::<Vec<_>>() }))
        }),
        ["api", "collections", id, rest @ ..] => of_collection(&mut shelf, id, rest, query),
        _ => Ok(Answer::error(StatusCode::NOT_FOUND, "there is nothing here; begin at /taxii2/")),
    };
    found.unwrap_or_else(|failure| {
        tracing::warn!("{failure}");
        Answer::error(StatusCode::SERVICE_UNAVAILABLE, &failure.what)
    })
}

fn of_collection(shelf: &mut Shelf, id: &str, rest: &[&str], query: &str) -> Result<Answer, Failure> {
    let Some(collection) = shelf.collection(id)? else {
        return Ok(Answer::error(StatusCode::NOT_FOUND, "there is no such collection"));
    };
    let Some(mut query) = Query::read(query) else {
        return Ok(Answer::error(StatusCode::BAD_REQUEST, "a filter is not understood"));
    };
    match rest {
        [] => Ok(Answer::of(&collection.facts())),
        ["manifest"] => listed(shelf, &collection, &query, manifest),
        ["objects"] => released(shelf, &collection, &query),
        ["objects", object] => {
            query.ids = vec![(*object).to_owned()];
            released(shelf, &collection, &query)
        }
        ["objects", object, "versions"] => {
            query.ids = vec![(*object).to_owned()];
            query.versions = vec![super::query::Version::All];
            listed(shelf, &collection, &query, versions)
        }
        _ => Ok(Answer::error(StatusCode::NOT_FOUND, "there is nothing here")),
    }
}

/// Objects leave once their originators are told.
fn released(shelf: &mut Shelf, collection: &Collection, query: &Query) -> Result<Answer, Failure> {
    let (answer, reports) = {
        let page = query.page(shelf.objects(collection)?);
        if page.found.is_empty() && !query.ids.is_empty() {
            return Ok(Answer::error(StatusCode::NOT_FOUND, "there is no such object"));
        }
        let reports: BTreeSet<String> = page.found.iter().map(|each| each.report.clone()).collect();
        (enveloped(&page), reports)
    };
    shelf.tell(reports)?;
    Ok(answer)
}

fn listed(
    shelf: &mut Shelf,
    collection: &Collection,
    query: &Query,
    shown: fn(&Page<'_>) -> Value,
) -> Result<Answer, Failure> {
    let page = query.page(shelf.objects(collection)?);
    Ok(Answer { added: added(&page), ..Answer::of(&with_next(shown(&page), &page)) })
}

fn enveloped(page: &Page<'_>) -> Answer {
    let envelope = Envelope {
        objects: page.found.iter().map(|each| &*each.value).collect(),
        more: page.next.is_some(),
        next: page.next.map(|next| next.to_string()),
    };
    Answer { added: added(page), ..Answer::of(&envelope) }
}

/// Objects on their way (section 3.7); without any it is empty.
#[derive(Serialize)]
struct Envelope<'p> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    objects: Vec<&'p RawValue>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

fn manifest(page: &Page<'_>) -> Value {
    let facts = |each: &&Shelved| {
        json!({
            "id": each.id,
            "date_added": stamp(each.added),
            "version": stamp(each.version),
            "media_type": STIX,
        })
    };
    json!({ "objects": page.found.iter().map(facts).collect::<Vec<_>>() })
}

fn versions(page: &Page<'_>) -> Value {
    json!({ "versions": page.found.iter().map(|each| stamp(each.version)).collect::<Vec<_>>() })
}

fn with_next(mut value: Value, page: &Page<'_>) -> Value {
    if let Some(next) = page.next {
        value["more"] = json!(true);
        value["next"] = json!(next.to_string());
    }
    value
}

fn added(page: &Page<'_>) -> Option<(String, String)> {
    let (first, last) = (page.found.first()?, page.found.last()?);
    Some((stamp(first.added), stamp(last.added)))
}

fn stamp(at: jiff::Timestamp) -> String {
    format!("{at:.6}")
}

fn discovery(desk: &Desk) -> Value {
    let root = format!("http://{}/api/", desk.host);
    json!({ "title": "Couloir", "default": root, "api_roots": [root] })
}

fn api_root() -> Value {
    json!({ "title": "Reports by conversation", "versions": [TAXII], "max_content_length": 1 })
}

fn response(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.text));
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(TAXII));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if answer.status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Token"));
    }
    if let Some((first, last)) = answer.added {
        let dates = [("x-taxii-date-added-first", first), ("x-taxii-date-added-last", last)];
        for (name, date) in dates {
            if let Ok(date) = HeaderValue::from_str(&date) {
                headers.insert(HeaderName::from_static(name), date);
            }
        }
    }
    response
}

/// The media type of every answer (section 1.6.8.1).
const TAXII: &str = "application/taxii+json;version=2.1";
/// The media type of what lies in collections.
pub const STIX: &str = "application/stix+json;version=2.1";
