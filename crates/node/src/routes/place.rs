//! Where routes lie from this machine.
//!
//! ```toml
//! [[route]]
//! for = "folder:/srv/shared"        # beginning of a route's URL, or its id
//! path = "/mnt/shared"              # folder: where it is mounted here
//!
//! [[route]]
//! for = "https://relay.example:7443"
//! address = "10.0.0.7:7443"         # relay or direct: connect there instead
//!
//! [[route]]
//! for = "quic://line.example:9000"
//! listen = "0.0.0.0:9000"           # direct: the listening side binds this
//! ```

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use couloir_wire::route::RouteSpec;
use serde::Deserialize;

/// The file `routes.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Places {
    #[serde(default)]
    route: Vec<Place>,
}

/// Where one route, or several of one beginning, lie from here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Beginning of a route's URL, or its id.
    #[serde(rename = "for")]
    selects: String,
    /// A folder's path here.
    path: Option<PathBuf>,
    /// Where a relay or the other node is reached: host and port.
    address: Option<String>,
    /// Where the listening side of a direct route binds.
    listen: Option<SocketAddr>,
}

/// Why the file is unusable.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// It cannot be read.
    #[error("{}: {}", .0.display(), .1)]
    File(PathBuf, io::Error),
    /// It is not what it should be.
    #[error("{}: line {}: {}", .0.display(), .1, .2.message().replace('\n', ", "))]
    Format(PathBuf, usize, Box<toml::de::Error>),
}

impl Places {
    /// Reads the file; none means that all routes lie where the charter says.
    pub fn read(path: &Path) -> Result<Places, PlaceError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Places::default()),
            Err(error) => return Err(PlaceError::File(path.to_path_buf(), error)),
        };
        toml::from_str(&text).map_err(|error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            PlaceError::Format(path.to_path_buf(), before.matches('\n').count() + 1, Box::new(error))
        })
    }

    /// Where `spec` lies from here: the first entry for it.
    pub fn of(&self, spec: &RouteSpec) -> Place {
        let id = spec.id.to_string();
        let is_for = |place: &&Place| spec.url.starts_with(&place.selects) || place.selects == id;
        let mut place = self.route.iter().find(is_for).cloned().unwrap_or_default();
        place.selects = spec.url.clone();
        place
    }
}

impl Place {
    /// The folder of a `folder:/path` route.
    pub(super) fn folder(&self) -> PathBuf {
        let of_url = || PathBuf::from(before_hash(&self.selects).trim_start_matches("folder:"));
        self.path.clone().unwrap_or_else(of_url)
    }

    /// Host, port and path (without a slash at its end) of an `https://` URL.
    pub(super) fn split_https(&self, url: &str) -> Option<(String, u16, String)> {
        let rest = before_hash(url).strip_prefix("https://")?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = split_authority(authority, Some(443))?;
        Some((host, port, path.trim_end_matches('/').to_owned()))
    }

    /// Where to connect instead of `host` and `port`.
    pub(super) fn address(&self, host: String, port: u16) -> (String, u16) {
        let address = self.address.as_deref().and_then(|address| split_authority(address, Some(port)));
        address.unwrap_or((host, port))
    }

    /// Host and port of a `quic://` route, as the connecting side reaches it.
    pub(super) fn direct(&self) -> Option<(String, u16)> {
        let authority = before_hash(&self.selects).strip_prefix("quic://")?.trim_end_matches('/');
        let (host, port) = split_authority(authority, None)?;
        Some(self.address(host, port))
    }

    /// Where the listening side binds, if it is not what the URL names.
    pub(super) fn listen(&self) -> Option<SocketAddr> {
        self.listen
    }
}

/// Whether `url` names a host and a port that can be connected to: `https://HOST[:PORT][/PATH]` or
/// `quic://HOST:PORT`.
pub fn names_a_host(url: &str) -> bool {
    let authority = |rest: &str, usual| {
        let authority = rest.split('/').next().unwrap_or_default();
        split_authority(authority, usual)
    };
    let place = match before_hash(url).split_once("://") {
        Some(("https", rest)) => authority(rest, Some(443)),
        Some(("quic", rest)) => authority(rest, None),
        _ => None,
    };
    place.is_some_and(|(host, port)| port > 0 && is_host(&host))
}

/// A name in any script, or an address.
fn is_host(host: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_');
    host.chars().all(is_name) || host.parse::<std::net::Ipv6Addr>().is_ok()
}

fn before_hash(url: &str) -> &str {
    url.split('#').next().unwrap_or(url)
}

/// `host:port`, `[v6]:port`, or `host` where there is a usual port.
fn split_authority(authority: &str, usual: Option<u16>) -> Option<(String, u16)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (host, port.strip_prefix(':'))
        }
        None => match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = match port {
        Some(port) => port.parse().ok()?,
        None => usual?,
    };
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_are_split_at_their_port() {
        let split = |text| split_authority(text, Some(443));
        assert_eq!(split("relay.example:7443"), Some(("relay.example".to_owned(), 7443)));
        assert_eq!(split("[::1]:7443"), Some(("::1".to_owned(), 7443)));
        assert_eq!(split("relay.example"), Some(("relay.example".to_owned(), 443)));
        assert_eq!((split(":1"), split("a:b"), split_authority("a", None)), (None, None, None));
    }

    #[test]
    fn a_place_that_cannot_be_connected_to_is_none() {
        for url in ["https://relay.example/x#pin=0", "https://[::1]:7443", "quic://外務.example:9000"] {
            assert!(names_a_host(url), "{url}");
        }
        for url in [
            "https://",
            "https://a b:1",
            "https://u@h:1",
            "https://h:99999",
            "quic://h",
            "quic://:1",
            "quic://h:0",
        ] {
            assert!(!names_a_host(url), "{url}");
        }
    }

    #[test]
    fn a_mistyped_key_is_an_error() {
        assert!(toml::from_str::<Places>("[[route]]\nfor = \"x\"\npaht = \"/mnt\"").is_err());
    }
}
