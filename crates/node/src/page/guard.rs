//! Which requests come in at all, and what every answer carries.
//!
//! Loopback is no trust boundary: any page in the same browser can send requests here, and any user of
//! the machine. So the `Host` must be ours to the letter (a name that was bound anew to loopback is
//! refused); what writes must come from our own pages by `Origin` and `Sec-Fetch-Site`; and so must what
//! follows the line. Cookies come after that.

use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::response::Response;

/// Why a request is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It names another host.
    WrongHost,
    /// Another site's page sent it.
    Foreign,
    /// It is neither read nor write.
    WrongMethod,
}

impl Refusal {
    /// Its status.
    pub fn status(self) -> StatusCode {
        match self {
            Refusal::WrongHost => StatusCode::MISDIRECTED_REQUEST,
            Refusal::Foreign => StatusCode::FORBIDDEN,
            Refusal::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
        }
    }
}

/// What a request wants, as far as its sender matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// To come in by a link, from wherever it was clicked.
    Enter,
    /// To read a page.
    Read,
    /// To follow the line.
    Follow,
    /// To write.
    Write,
}

/// Whether `headers` may come with such a request, `host` being ours.
pub fn check(host: &str, want: Want, headers: &HeaderMap) -> Result<(), Refusal> {
    let mut hosts = headers.get_all(header::HOST).iter();
    if hosts.next().map(HeaderValue::as_bytes) != Some(host.as_bytes()) || hosts.next().is_some() {
        return Err(Refusal::WrongHost);
    }
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    let origin = headers.get(header::ORIGIN).map(HeaderValue::as_bytes);
    let own_origin = format!("http://{host}");
    let is_origin_own = origin == Some(own_origin.as_bytes());
    let is_from_us = site == Some(b"same-origin");
    let is_permitted = match want {
        Want::Enter => origin.is_none() || is_origin_own,
        Want::Read => {
            matches!(site, None | Some(b"same-origin" | b"none")) && (origin.is_none() || is_origin_own)
        }
        Want::Follow => is_from_us && (origin.is_none() || is_origin_own),
        Want::Write => is_from_us && is_origin_own,
    };
    if is_permitted { Ok(()) } else { Err(Refusal::Foreign) }
}

/// What a request of this method for this name wants.
pub fn want(method: &Method, name: Option<&str>) -> Result<Want, Refusal> {
    match (method, name) {
        (&Method::GET, Some("enter")) => Ok(Want::Enter),
        (&Method::GET, Some("events")) => Ok(Want::Follow),
        (&Method::GET | &Method::HEAD, _) => Ok(Want::Read),
        (&Method::POST, _) => Ok(Want::Write),
        _ => Err(Refusal::WrongMethod),
    }
}

/// Adds what every answer carries. Scripts and styles run by the answer's `nonce` alone.
pub fn protect(response: &mut Response, nonce: &str) {
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; \
         img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types couloir"
    );
    let headers = response.headers_mut();
    // Hexadecimal digits fit into a header.
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in ALWAYS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
}

/// `Referrer-Policy` lets our own forms say their origin; with `no-referrer` browsers say `null`.
const ALWAYS: [(&str, &str); 8] = [
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("x-frame-options", "DENY"),
    (
        "permissions-policy",
        "camera=(), microphone=(), geolocation=(), usb=(), serial=(), payment=(), display-capture=()",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "127.0.0.1:8790";

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    fn is_permitted(want: Want, more: &[(&'static str, &'static str)]) -> bool {
        check(HOST, want, &headers(&[&[("host", HOST)], more].concat())).is_ok()
    }

    const OWN: (&str, &str) = ("origin", "http://127.0.0.1:8790");
    const SAME: (&str, &str) = ("sec-fetch-site", "same-origin");

    #[test]
    fn another_host_is_refused_whatever_it_wants() {
        for host in ["localhost:8790", "127.0.0.1", "127.0.0.1:8791", "evil.example:8790", "127.0.0.1.:8790"]
        {
            let wrong = headers(&[("host", host), OWN, SAME]);
            assert_eq!(check(HOST, Want::Read, &wrong), Err(Refusal::WrongHost), "{host}");
        }
        assert_eq!(check(HOST, Want::Read, &headers(&[])), Err(Refusal::WrongHost));
    }

    #[test]
    fn only_our_own_pages_write() {
        assert!(is_permitted(Want::Write, &[OWN, SAME]));
        assert!(!is_permitted(Want::Write, &[]));
        assert!(!is_permitted(Want::Write, &[OWN]));
        assert!(!is_permitted(Want::Write, &[SAME]));
        assert!(!is_permitted(Want::Write, &[("origin", "null"), SAME]));
        assert!(!is_permitted(
            Want::Write,
            &[("origin", "http://127.0.0.1:9999"), ("sec-fetch-site", "same-site")]
        ));
        assert!(!is_permitted(Want::Write, &[OWN, ("sec-fetch-site", "cross-site")]));
    }

    #[test]
    fn only_our_own_pages_follow_and_other_sites_read_nothing() {
        assert!(is_permitted(Want::Follow, &[SAME]) && !is_permitted(Want::Follow, &[]));
        assert!(is_permitted(Want::Read, &[("sec-fetch-site", "none")]));
        assert!(!is_permitted(Want::Read, &[("sec-fetch-site", "same-site")]));
        assert!(is_permitted(Want::Enter, &[("sec-fetch-site", "cross-site")]));
    }
}
