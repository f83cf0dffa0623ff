//! The keys.

use maud::{Markup, html};

use super::{PAGES, Page};
use crate::page::frame::GO;
use crate::page::visit::Visit;
use crate::words::Outcome;

/// The page.
pub const PAGE: Page = Page { name: "keys", title: "keys-title", key: Some('k'), is_way: true, show };

/// Keys that work everywhere, and the message that says what for.
const KEYS: [(&str, &str); 11] = [
    ("Ctrl+Enter", "key-send"),
    ("Enter", "key-enter"),
    ("Ctrl+K", "key-palette"),
    ("?", "key-help"),
    ("/", "key-search"),
    ("c", "key-write"),
    ("j", "key-next"),
    ("k", "key-previous"),
    ("r", "key-reply"),
    ("o", "key-originals"),
    ("Esc", "key-escape"),
];

fn show(visit: &mut Visit<'_>) -> Outcome<Markup> {
    let visit = &*visit;
    Ok(html! {
        h1 { (visit.t("keys-title")) }
        p { (visit.t("keys-hint")) " " a href="settings" { (visit.t("settings-title")) } }
        table.keys {
            caption.unseen { (visit.t("keys-title")) }
            thead { tr { th scope="col" { (visit.t("keys-key")) } th scope="col" { (visit.t("keys-what")) } } }
            tbody {
                @for (key, id) in KEYS { tr { th scope="row" { kbd { (key) } } td { (visit.t(id)) } } }
                @for page in PAGES.iter().filter(|page| page.key.is_some()) {
                    tr { th scope="row" { kbd { (GO) } " " kbd { (page.key.unwrap_or(' ')) } } td { (visit.t(page.title)) } }
                }
            }
        }
    })
}
