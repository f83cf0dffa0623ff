//! Routes: one row each way, the last day as a strip; the line's tests.

use couloir_engine::status::{RouteState, RouteView};
use couloir_engine::{Input, RouteTrouble};
use maud::{Markup, html};

use super::{Act, Next, Page, time};
use crate::clerk::Node;
use crate::page::form::Form;
use crate::page::history::{Mark, QUARTER_MS, Quarter};
use crate::page::visit::Visit;
use crate::words::Outcome;

/// The page.
pub const PAGE: Page = Page { name: "routes", title: "routes-title", key: Some('r'), is_way: true, show };

/// What is done on it.
pub const ACTS: &[Act] = &[Act { name: "drill", run: drill }];

fn show(visit: &mut Visit<'_>) -> Outcome<Markup> {
    let visit = &*visit;
    Ok(html! {
        h1 { (visit.t("routes-title")) }
        div #lines data-live {
            p.lead { (summary(visit)) }
            @for route in &visit.status.routes { (route_rows(visit, route)) }
            (legend(visit))
            (drills(visit))
        }
        form.buttons method="post" action="drill" { button { (visit.t("drill-now")) } }
    })
}

/// That some routes do not work is no alarm while one does.
fn summary(visit: &Visit<'_>) -> String {
    let routes = visit.status.routes.iter().filter(|route| route.state != RouteState::Retired);
    let all = routes.clone().count();
    let works = routes.filter(|route| route.state == RouteState::Working).count();
    let id = match works {
        0 => "routes-none-work",
        works if works == all => "routes-all-work",
        _ => "routes-some-work",
    };
    visit.tn(id, &[("works", works.into()), ("all", all.into())])
}

fn route_rows(visit: &Visit<'_>, route: &RouteView) -> Markup {
    let strip = visit.office.history().strip(route.id);
    let place = route.spec.url.split('#').next().unwrap_or_default();
    let peers = &visit.status.peers;
    let peer = peers.iter().find(|peer| peer.link == route.link).filter(|_| peers.len() > 1);
    let (class, word) = state(route.state);
    html! {
        section.route {
            header {
                h2 {
                    @if let Some(peer) = peer { bdi { (peer.post) } " · " }
                    bdi.place lang="en" { (place) }
                }
                span.state.(class) { (visit.t(word)) }
                @if let Some(trouble) = route.trouble { span.trouble { (visit.t(trouble_word(trouble))) } }
                @if route.is_searching { span.trouble { (visit.t("route-searching")) } }
            }
            table {
                caption.unseen { (visit.t("routes-table")) }
                thead { tr {
                    th scope="col" { (visit.t("route-way")) }
                    th scope="col" { (visit.t("route-strip")) }
                    th scope="col" { (visit.t("route-last")) }
                    th scope="col" { (visit.t("route-delay")) }
                    th scope="col" { (visit.t("route-losses")) }
                } }
                tbody {
                    tr {
                        th scope="row" { (visit.t("route-out")) }
                        td { (drawn(visit, &strip, |quarter| quarter.out)) }
                        td { @if let Some(at) = route.last_out { (time(visit, at.0)) } @else { "–" } }
                        td { "–" }
                        td { (visit.tn("route-lost", &[("lost", route.losses.into())])) }
                    }
                    tr {
                        th scope="row" { (visit.t("route-in")) }
                        td { (drawn(visit, &strip, |quarter| quarter.back)) }
                        td { @if let Some(at) = route.last_in { (time(visit, at.0)) } @else { "–" } }
                        td { @if let Some(ms) = route.delay_ms { (delay(ms)) } @else { "–" } }
                        td { "–" }
                    }
                }
            }
        }
    }
}

fn delay(ms: u64) -> String {
    if ms < 10_000 { format!("{ms} ms") } else { format!("{} s", ms / 1_000) }
}

/// A day in quarters of an hour. What it shows is also said, for whoever cannot see it.
fn drawn(visit: &Visit<'_>, strip: &[Quarter], mark: impl Fn(&Quarter) -> Mark) -> Markup {
    let seen: Vec<Mark> = strip.iter().map(mark).collect();
    let worst = seen.iter().max().copied().unwrap_or_default();
    let width = seen.len() * QUARTER_WIDTH;
    html! {
        svg.strip viewBox=(format!("0 0 {width} {STRIP_HEIGHT}")) preserveAspectRatio="none" role="img" aria-label=(visit.t(mark_word(worst))) {
            @for (index, mark) in seen.iter().enumerate() {
                rect.(mark_class(*mark)) x=(index * QUARTER_WIDTH) y=(0) width=(QUARTER_WIDTH - 1) height=(STRIP_HEIGHT) {
                    title { (visit.dates().clock(strip[index].number * QUARTER_MS)) " " (visit.t(mark_word(*mark))) }
                }
            }
        }
    }
}

fn mark_class(mark: Mark) -> &'static str {
    match mark {
        Mark::Unseen => "unseen-quarter",
        Mark::Works => "works",
        Mark::Lossy => "lossy",
        Mark::Silent => "silent",
    }
}

fn mark_word(mark: Mark) -> &'static str {
    match mark {
        Mark::Unseen => "mark-unseen",
        Mark::Works => "mark-works",
        Mark::Lossy => "mark-lossy",
        Mark::Silent => "mark-silent",
    }
}

fn legend(visit: &Visit<'_>) -> Markup {
    html! {
        ul.legend {
            @for mark in Mark::ALL { li { span.mark.(mark_class(mark)) {} (visit.t(mark_word(mark))) } }
        }
    }
}

fn state(state: RouteState) -> (&'static str, &'static str) {
    match state {
        RouteState::New => ("quiet", "route-new"),
        RouteState::Working => ("good", "route-working"),
        RouteState::OutOnly => ("doubt", "route-out-only"),
        RouteState::Down => ("doubt", "route-down"),
        RouteState::Paused => ("bad", "route-paused"),
        RouteState::Retired => ("quiet", "route-retired"),
    }
}

fn trouble_word(trouble: RouteTrouble) -> &'static str {
    match trouble {
        RouteTrouble::Unreachable => "trouble-unreachable",
        RouteTrouble::WrongCertificate => "trouble-certificate",
        RouteTrouble::Malformed => "trouble-malformed",
        RouteTrouble::Full => "trouble-full",
        RouteTrouble::Forbidden => "trouble-forbidden",
        RouteTrouble::Missing => "trouble-missing",
        RouteTrouble::Late => "trouble-late",
    }
}

fn drills(visit: &Visit<'_>) -> Markup {
    let history = visit.office.history();
    html! {
        section.panel aria-labelledby="drills-title" {
            h2 #drills-title { (visit.t("drills-title")) }
            p.hint { (visit.t("drills-means")) }
            ul.rows {
                @for drill in history.drills() {
                    li.row.drill {
                        b.drill-word { (visit.t("drill-word")) }
                        @match drill.after_ms {
                            Some(ms) => span.state.good { (visit.tn("drill-answered", &[("after", delay(ms).into())])) },
                            None => span.state.doubt { (visit.t("drill-missed")) },
                        }
                        span.when { (time(visit, drill.at_ms)) }
                    }
                }
            }
            @if history.drills().next().is_none() { p.empty { (visit.t("drills-none")) } }
        }
    }
}

/// Its outcome comes as a notice: nobody waits for it here.
fn drill(visit: &mut Visit<'_>, _: &Form) -> Outcome<Next> {
    visit.node.submit(Input::Drill)?;
    Ok(Next::Go(PAGE.name.to_owned()))
}

const QUARTER_WIDTH: usize = 4;
const STRIP_HEIGHT: usize = 20;
