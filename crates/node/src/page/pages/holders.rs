//! Who holds each post since when, and that the same signet said so.

use maud::{Markup, html};

use super::{Page, name_of, since};
use crate::clerk::holders::{self, Holder, PostHeld};
use crate::clerk::{Node, papers};
use crate::page::order;
use crate::page::visit::Visit;
use crate::words::Outcome;

/// The page.
pub const PAGE: Page = Page { name: "holders", title: "holders-title", key: Some('f'), is_way: false, show };

fn show(visit: &mut Visit<'_>) -> Outcome<Markup> {
    let posts = holders::posts(&papers::channels_of(visit.node.reader())?)?;
    let visit = &*visit;
    let posts = order::sorted(visit.language(), posts, |post| {
        format!("{} {}", post.side, post.post.as_deref().unwrap_or_default())
    });
    Ok(html! {
        h1 { (visit.t("holders-title")) }
        p.lead { (visit.t("holders-lead")) }
        div #holders data-live { @for post in &posts { (one(visit, post)) } }
    })
}

fn one(visit: &Visit<'_>, post: &PostHeld) -> Markup {
    let title = post.post.as_deref().unwrap_or_default();
    let is_own = visit.own().is_some_and(|own| own.side == post.side && own.post == title);
    html! {
        section.panel id=(format!("post-{}", post.post_id)) {
            h2 { (name_of(visit, &post.side, title, is_own)) }
            ul.rows { @for (index, holder) in post.holders.iter().enumerate().rev() { (row(visit, holder, index)) } }
            p.hint { (visit.t("holders-signet")) " " span.digest { (post.side_id.get(..SIGNET_DIGITS).unwrap_or(&post.side_id)) } }
        }
    }
}

/// The first was there when the channel was agreed; each later one was certified since, under the same signet.
fn row(visit: &Visit<'_>, holder: &Holder, index: usize) -> Markup {
    html! {
        li.row {
            span {
                @match &holder.holder {
                    Some(name) => b { bdi lang=(visit.language_of(name, false).tag()) { (name) } },
                    None => b { (visit.t("holders-nobody")) },
                }
                " · " (visit.t(if index == 0 { "holders-first" } else { "holders-same" }))
            }
            span.when { (since(visit, ms(&holder.since))) }
        }
    }
}

fn ms(at: &str) -> i64 {
    at.parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_millisecond)
}

/// What two desks compare of a signet's hash at a glance.
const SIGNET_DIGITS: usize = 16;
