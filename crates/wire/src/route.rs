//! A route as the charter names it: an immutable value with a random id.

use crate::id::RouteId;
use crate::time::{WallTime, WindowLength};
use minicbor::{Decode, Encode};

/// One route of a charter. A change of any parameter is a new route with a new id.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct RouteSpec {
    /// Random, never reused.
    #[n(0)]
    pub id: RouteId,
    /// Where it lies: `https://host:port#pin=HEX`, `folder:/path`, `quic://host:port`.
    #[n(1)]
    pub url: String,
    /// Length of its windows, in milliseconds; one of [`WindowLength::PERMITTED_MS`].
    #[n(2)]
    pub window_ms: u32,
    /// Octets of a cell; the largest octets of a cell on a prompt route.
    #[n(3)]
    pub cell_len: u16,
    /// Cells written in each window, 1 to 4.
    #[n(4)]
    pub lanes: u8,
    /// Number of the ruler by which its cells expire: 0, 1 or 2.
    #[n(5)]
    pub ruler: u8,
    /// In use from this time on, in milliseconds since 1970.
    #[n(6)]
    pub from_ms: i64,
    /// No longer written from this time on.
    #[n(7)]
    pub retired_ms: Option<i64>,
}

impl RouteSpec {
    /// The length of its windows; the default for a length that the decoder should have refused.
    pub fn window(&self) -> WindowLength {
        WindowLength::from_ms(self.window_ms).unwrap_or(WindowLength::DEFAULT)
    }

    /// What carries it.
    pub fn carrier(&self) -> Option<Carrier> {
        Carrier::of(&self.url)
    }

    /// Whether the route is in use at `time`.
    pub fn is_in_use(&self, time: WallTime) -> bool {
        self.from_ms <= time.0 && self.retired_ms.is_none_or(|retired| time.0 < retired)
    }

    /// Checks every field against the closed lists.
    pub fn check(&self) -> Result<(), RouteError> {
        let carrier = self.carrier().ok_or(RouteError::Scheme)?;
        let is_printable = self.url.chars().all(|c| !c.is_control() && !crate::text::is_invisible(c));
        if self.url.len() > URL_OCTETS_MAX || !is_printable {
            return Err(RouteError::Url);
        }
        if WindowLength::from_ms(self.window_ms).is_none() {
            return Err(RouteError::Window);
        }
        if carrier.is_steady() && !CELL_LENGTHS.contains(&self.cell_len) {
            return Err(RouteError::Cell);
        }
        let is_shaped = (1..=4).contains(&self.lanes) && self.ruler < 3;
        if is_shaped { Ok(()) } else { Err(RouteError::Shape) }
    }

    /// The value of `key` in the part of the URL after `#`, as in `#pin=HEX&ruler=1`.
    pub fn option(&self, key: &str) -> Option<&str> {
        url_option(&self.url, key)
    }
}

/// The value of `key` in the fragment of `url`: `key=value` pairs joined by `&`.
pub fn url_option<'u>(url: &'u str, key: &str) -> Option<&'u str> {
    let (_, fragment) = url.split_once('#')?;
    fragment.split('&').find_map(|pair| pair.split_once('=').filter(|(k, _)| *k == key).map(|(_, v)| v))
}

/// What carries a route's cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Carrier {
    /// A store-and-forward server, over HTTPS. Steady.
    Relay,
    /// A shared folder. Steady.
    Folder,
    /// QUIC between the two nodes, without cover. Prompt.
    Direct,
}

impl Carrier {
    /// The carrier that a URL's scheme names.
    pub fn of(url: &str) -> Option<Carrier> {
        let (scheme, _) = url.split_once(':')?;
        match scheme {
            "https" => Some(Carrier::Relay),
            "folder" => Some(Carrier::Folder),
            "quic" => Some(Carrier::Direct),
            _ => None,
        }
    }

    /// Whether the same exchange happens in every window, whatever is said.
    pub fn is_steady(self) -> bool {
        self != Carrier::Direct
    }
}

/// Why a route was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// The scheme is none of ours.
    #[error("a route begins with https://, folder:/ or quic://")]
    Scheme,
    /// The URL is too long or holds invisible characters.
    #[error("the route's URL is longer than {URL_OCTETS_MAX} octets or holds invisible characters")]
    Url,
    /// The window is not on the list.
    #[error("a window is 100ms, 200ms, 500ms, 1s, 2s, 5s, 10s, 30s or 60s long")]
    Window,
    /// The cell length is not on the list.
    #[error("a cell has 512, 1024, 2048, 4096 or 8192 octets")]
    Cell,
    /// Lanes or ruler are out of range.
    #[error("a route has 1 to 4 lanes and ruler 0, 1 or 2")]
    Shape,
}

/// Permitted lengths of a steady route's cells, in octets.
pub const CELL_LENGTHS: [u16; 5] = [512, 1024, 2048, 4096, 8192];
const URL_OCTETS_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_follow_the_hash() {
        let url = "https://127.0.0.1:7443#pin=ab&ruler=2";
        assert_eq!(url_option(url, "pin"), Some("ab"));
        assert_eq!(url_option(url, "ruler"), Some("2"));
        assert_eq!(url_option(url, "rule"), None);
        assert_eq!(Carrier::of("gopher://x"), None);
    }
}
