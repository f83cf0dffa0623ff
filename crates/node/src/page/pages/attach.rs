//! Sending a file: how long it takes on each route, and what becomes of its metadata, said before it goes.

use couloir_engine::status::{RouteState, RouteView};
use couloir_wire::cell::STATUS_OCTETS;
use maud::{Markup, html};

use super::letter::size;
use crate::clerk::conversations::Conversation;
use crate::clerk::files::Metadata;
use crate::page::visit::Visit;

/// The form.
pub fn form(visit: &Visit<'_>, place: &Conversation) -> Markup {
    html! {
        (sent(visit))
        details.attach {
            summary { (visit.t("attach-title")) }
            form.stack method="post" action="attach" enctype="multipart/form-data" {
                input type="hidden" name="conversation" value=(place.id);
                p.hint { (visit.t("attach-hint")) }
                // Before the file: an upload is read in the order of its fields.
                label.tick { input type="checkbox" name="strip" value="yes" checked; " " (visit.t("attach-strip")) }
                label for="file" { (visit.t("attach-file")) }
                input #file name="file" type="file" required;
                p #of-file.hint role="status" hidden data-can=(visit.t("attach-can")) data-cannot=(visit.t("attach-cannot")) {}
                (carriers(visit))
                div.buttons { button { (visit.t("attach-send")) } }
            }
        }
    }
}

/// What became of the metadata of the file that was just sent.
fn sent(visit: &Visit<'_>) -> Markup {
    let asked = visit.caller.query.text("metadata");
    let words = [
        (Metadata::TakenOut, "attach-taken-out"),
        (Metadata::CannotBe, "attach-not-taken-out"),
        (Metadata::Stays, "attach-stays"),
    ];
    let words = words.into_iter().find(|(metadata, _)| metadata.word() == asked);
    html! { @if let Some((_, words)) = words { p #metadata.kept role="status" { (visit.t(words)) } } }
}

/// How long files take on each route that works now.
fn carriers(visit: &Visit<'_>) -> Markup {
    let works = |route: &&RouteView| matches!(route.state, RouteState::Working | RouteState::OutOnly);
    let routes: Vec<&RouteView> = visit.status.routes.iter().filter(works).collect();
    if routes.is_empty() {
        return html! { p.warn { (visit.t("attach-no-route")) } };
    }
    html! {
        table #carriers data-s=(unit(visit, "span-seconds")) data-m=(unit(visit, "span-minutes")) data-h=(unit(visit, "span-hours")) data-d=(unit(visit, "span-days")) {
            caption { (visit.t("attach-routes")) }
            thead { tr {
                th scope="col" { (visit.t("attach-route")) }
                @for octets in EXAMPLES { th scope="col" { (size(octets)) } }
                th.this scope="col" hidden { (visit.t("attach-this")) }
            } }
            tbody { @for route in routes { (carrier(visit, route)) } }
        }
    }
}

/// A message with a place for a number, which the script fills.
fn unit(visit: &Visit<'_>, words: &'static str) -> String {
    visit.tn(words, &[("n", "{n}".into())])
}

fn carrier(visit: &Visit<'_>, route: &RouteView) -> Markup {
    let rate = rate(route);
    html! {
        tr data-rate=[rate.map(|rate| rate.to_string())] {
            th scope="row" { bdi.place lang="en" { (route.spec.url.split('#').next().unwrap_or_default()) } }
            @for octets in EXAMPLES {
                td { @match rate { Some(rate) => (span(visit, octets / rate.max(1))), None => (visit.t("attach-prompt")) } }
            }
            td.this hidden { @if rate.is_none() { (visit.t("attach-prompt")) } }
        }
    }
}

/// Octets of files that a steady route can carry in a second, at least; a prompt one has no measure of its own.
fn rate(route: &RouteView) -> Option<u64> {
    let spec = &route.spec;
    let is_steady = spec.carrier().is_some_and(|carrier| carrier.is_steady());
    let inside = u64::from(spec.cell_len).saturating_sub(AROUND_OCTETS);
    is_steady.then(|| inside * u64::from(spec.lanes) * 1_000 / u64::from(spec.window_ms.max(1)))
}

/// So many seconds, as people say it.
fn span(visit: &Visit<'_>, seconds: u64) -> String {
    let (words, per) = match seconds {
        0..=90 => ("span-seconds", 1),
        91..=5_400 => ("span-minutes", 60),
        5_401..=172_800 => ("span-hours", 3_600),
        _ => ("span-days", 86_400),
    };
    visit.tn(words, &[("n", (seconds.div_ceil(per)).max(1).to_string().into())])
}

/// Sizes whose time is said in any case.
const EXAMPLES: [u64; 2] = [1_000_000, 100_000_000];
/// Of a cell, what is no file: its seal, its status, the heads of its frames.
const AROUND_OCTETS: u64 = STATUS_OCTETS as u64 + 96;
