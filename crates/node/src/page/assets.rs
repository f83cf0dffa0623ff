//! Files that the page is made of. They lie in the program; nothing is fetched from elsewhere.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

/// One file.
pub struct Asset {
    /// The name under which it lies beside the pages.
    pub name: &'static str,
    kind: &'static str,
    octets: &'static [u8],
}

/// All of them.
pub const ASSETS: [Asset; 3] = [
    Asset {
        name: "desk.css",
        kind: "text/css; charset=utf-8",
        octets: include_bytes!("../../assets/desk.css"),
    },
    Asset {
        name: "desk.js",
        kind: "text/javascript; charset=utf-8",
        octets: include_bytes!("../../assets/desk.js"),
    },
    Asset { name: "icon.svg", kind: "image/svg+xml", octets: include_bytes!("../../assets/icon.svg") },
];

/// The file of this name.
pub fn find(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

impl Asset {
    /// Gives it.
    pub fn give(&self) -> Response {
        ([(CONTENT_TYPE, self.kind)], self.octets).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_them_are_small() {
        let octets: usize = ASSETS.iter().map(|asset| asset.octets.len()).sum();
        assert!(octets < 90_000, "{octets}");
    }

    #[test]
    fn nothing_is_fetched_from_elsewhere() {
        for asset in &ASSETS {
            let text = String::from_utf8_lossy(asset.octets).replace("http://www.w3.org/2000/svg", "");
            for word in ["http:", "https:", "//cdn", "@import", "url("] {
                assert!(!text.contains(word), "{} holds {word}", asset.name);
            }
        }
    }
}
