//! First glance: how the line stands, what needs an answer, where something new was said.

use couloir_engine::status::PeerView;
use couloir_engine::{Frozen, Input};
use couloir_wire::cell::{Desk, Official};
use maud::{Markup, html};

use super::conversations::Talks;
use super::letter::{gist_of, kind_word, place_of, tag_of};
use super::{Act, Next, Page, matters, name_of, record, release, since, time};
use crate::clerk::matters::ListedMatter;
use crate::clerk::record::Brief;
use crate::clerk::{Node, names, statement};
use crate::page::form::Form;
use crate::page::frame::{desk_class, desk_word, link_class, link_word};
use crate::page::history::Told;
use crate::page::ledger::Ledger;
use crate::page::visit::Visit;
use crate::store::LogRow;
use crate::words::Outcome;

/// The page.
pub const PAGE: Page = Page { name: "desk", title: "desk-title", key: Some('d'), is_way: true, show };

/// What is done on it.
pub const ACTS: &[Act] = &[
    Act { name: "presence", run: presence },
    Act { name: "official", run: official },
    Act { name: "put-away", run: put_away },
];

fn show(visit: &mut Visit<'_>) -> Outcome<Markup> {
    let ledger = Ledger::of(visit.node.reader())?;
    let talks = Talks::of(visit, 0, ROWS_SHOWN)?;
    let asked = statement::asked(visit.node)?;
    let urgent = matters::urgent(visit)?;
    let visit = &*visit;
    Ok(html! {
        h1.unseen { (visit.t("desk-title")) }
        div #now data-live {
            (posture(visit))
            (release::waiting(visit))
            section.panel aria-labelledby="peers-title" {
                h2 #peers-title { (visit.t("peers-title")) }
                @for peer in &visit.status.peers { (peer_panel(visit, peer, &ledger)) }
                @if visit.status.peers.is_empty() { p.empty { (visit.t("peers-none")) } }
            }
            (owed(visit, &ledger, &asked, &urgent))
            (conversations(visit, &talks))
            (told(visit))
        }
        (official_form(visit))
    })
}

fn posture(visit: &Visit<'_>) -> Markup {
    let posture = &visit.status.posture;
    let (class, word, meaning) = match (posture.is_active, posture.own) {
        (true, _) => ("active", "posture-active", "posture-active-means"),
        (false, Official::Up) => ("standby", "posture-standby", "posture-standby-means"),
        (false, _) => ("standby", "posture-standby", "posture-standby-unsaid"),
    };
    html! {
        section.stance.(class) aria-labelledby="posture" {
            p.word #posture { (visit.t(word)) }
            @if let Some(at) = posture.since { p { (since(visit, at.0)) } }
            p.meaning { (visit.t(meaning)) }
            dl.pairs {
                dt { (visit.t("official-own")) }
                dd { (visit.t(official_word(posture.own))) @if !posture.own_why.is_empty() { " · " bdi { (posture.own_why) } } }
                dt { (visit.t("official-theirs")) }
                dd { (visit.t(official_word(posture.peer))) }
            }
        }
    }
}

fn official_word(state: Official) -> &'static str {
    match state {
        Official::Unknown => "official-unknown",
        Official::Up => "official-up",
        Official::Down => "official-down",
    }
}

/// One of the three things that are confused when all is quiet.
struct Silence {
    class: &'static str,
    word: &'static str,
    since_ms: Option<i64>,
    meaning: &'static str,
}

/// Link, desk, answer: three different silences.
fn peer_panel(visit: &Visit<'_>, peer: &PeerView, ledger: &Ledger) -> Markup {
    html! {
        article.peer {
            h3 { a.holder href="holders" { (name_of(visit, &peer.side, &peer.post, false)) } }
            ul.silences {
                @for silence in [of_link(peer), of_desk(peer), of_answer(ledger)] {
                    li.(silence.class) {
                        b { (visit.t(silence.word)) }
                        @if let Some(ms) = silence.since_ms { (since(visit, ms)) }
                        p { (visit.t(silence.meaning)) }
                    }
                }
            }
            @if peer.verified != (true, true) { p.warn { a href="phrase" { (visit.t("peer-unverified")) } } }
        }
    }
}

fn of_link(peer: &PeerView) -> Silence {
    let meaning = match (peer.frozen, peer.is_alive, peer.hears_us) {
        (Some(Frozen::Revoked), _, _) => "link-revoked-means",
        (Some(_), _, _) => "link-frozen-means",
        (None, true, true) => "link-alive-means",
        (None, true, false) => "link-deaf-means",
        (None, false, _) => "link-silent-means",
    };
    Silence { class: link_class(peer), word: link_word(peer), since_ms: peer.since.map(|at| at.0), meaning }
}

fn of_desk(peer: &PeerView) -> Silence {
    let (desk, since) = peer.desk;
    let meaning = match (desk, peer.is_alive) {
        (Desk::Here, _) => "desk-here-means",
        (Desk::Away, _) => "desk-away-means",
        (Desk::Unknown, true) => "desk-unsaid-means",
        (Desk::Unknown, false) => "desk-unknown-means",
    };
    Silence { class: desk_class(desk), word: desk_word(desk), since_ms: since.map(|at| at.0), meaning }
}

fn of_answer(ledger: &Ledger) -> Silence {
    match ledger.unanswered_since() {
        Some(ms) => {
            Silence { class: "doubt", word: "answer-none", since_ms: Some(ms), meaning: "answer-none-means" }
        }
        None => Silence {
            class: "good",
            word: "answer-nothing-open",
            since_ms: None,
            meaning: "answer-nothing-open-means",
        },
    }
}

fn owed(visit: &Visit<'_>, ledger: &Ledger, asked: &[Brief], urgent: &[ListedMatter]) -> Markup {
    let owed = ledger.owed_by_us();
    let count = owed.len() + asked.len() + urgent.len();
    html! {
        section.panel aria-labelledby="owed-title" {
            h2 #owed-title { (visit.t("owed-title")) @if count > 0 { " " span.count { (count) } } }
            @if count == 0 { p.empty { (visit.t("owed-none")) } }
            ul.rows {
                @for matter in urgent { li { (matters::row(visit, matter)) } }
                (record::asked_rows(visit, &asked[..asked.len().min(ROWS_SHOWN)]))
                @for (row, until_ms) in owed.iter().rev().take(ROWS_SHOWN) {
                    li { (owed_row(visit, row, *until_ms)) }
                }
            }
        }
    }
}

fn owed_row(visit: &Visit<'_>, row: &LogRow, until_ms: Option<i64>) -> Markup {
    let is_late = until_ms.is_some_and(|until_ms| until_ms < visit.now_ms);
    html! {
        a.row href=(place_of(visit, row)) {
            span.number { (visit.cited(row)) }
            (words_of(visit, row))
            span.when {
                @match until_ms {
                    Some(ms) => { span.state.(if is_late { "bad" } else { "doubt" }) { (visit.t("owed-until")) " " (time(visit, ms)) } }
                    None => { (time(visit, row.at_ms)) }
                }
            }
        }
    }
}

/// The beginning of what an entry says.
fn words_of(visit: &Visit<'_>, row: &LogRow) -> Markup {
    let text: String = row.body().map_or("", gist_of).chars().take(GIST_CHARS).collect();
    let kind = row.body().map(kind_word).filter(|kind| *kind != "kind-note");
    html! {
        span.gist {
            @if let Some(kind) = kind { (visit.t(kind)) " " }
            bdi lang=(tag_of(visit, row)) { (text) }
        }
    }
}

fn conversations(visit: &Visit<'_>, talks: &Talks) -> Markup {
    html! {
        section.panel aria-labelledby="talks-title" {
            h2 #talks-title { (visit.t("talks-title")) }
            (talks.list(visit))
            p { a href="conversations" { (visit.t("talks-all")) } }
        }
    }
}

fn told(visit: &Visit<'_>) -> Markup {
    let history = visit.office.history();
    html! {
        section.panel aria-labelledby="told-title" {
            h2 #told-title { (visit.t("told-title")) }
            ul.rows {
                @for line in history.told().take(ROWS_SHOWN) {
                    li.row.(if is_grave(&line.told) { "grave" } else { "" }) {
                        span { (told_words(visit, &line.told)) }
                        span.when { (time(visit, line.at_ms)) }
                        form method="post" action="put-away" {
                            button.small name="number" value=(line.number) { (visit.t("put-away")) }
                        }
                    }
                }
            }
            @if history.told().next().is_none() { p.empty { (visit.t("told-none")) } }
        }
    }
}

/// Whether it must catch the eye.
fn is_grave(told: &Told) -> bool {
    use couloir_engine::Notice as N;
    let grave_notice = |notice: &N| {
        matches!(
            notice,
            N::InvitationVoid
                | N::TwoNodes
                | N::FrozenThere
                | N::Contradiction
                | N::SecondSelf
                | N::StoreDamaged
                | N::Active(_)
                | N::FileDamaged(_)
                | N::Revoked(_)
        )
    };
    match told {
        Told::Node(notice) => grave_notice(notice),
        Told::StoreFailed(_) | Told::LinkUsedTwice | Told::WrongPassphrase => true,
        Told::StoreWorks => false,
    }
}

fn told_words(visit: &Visit<'_>, told: &Told) -> String {
    match told {
        Told::Node(notice) => super::super::notices::words(visit, notice),
        Told::StoreFailed(why) => visit.tn("told-store-failed", &[("why", why.as_str().into())]),
        Told::StoreWorks => visit.t("told-store-works"),
        Told::LinkUsedTwice => visit.t("told-link-twice"),
        Told::WrongPassphrase => visit.t("told-wrong-passphrase"),
    }
}

/// What a person says about the official line.
fn official_form(visit: &Visit<'_>) -> Markup {
    html! {
        details.panel {
            summary { (visit.t("official-say")) }
            form.stack method="post" action="official" {
                label for="why" { (visit.t("official-why")) }
                input #why name="why" maxlength="200" autocomplete="off";
                div.buttons {
                    button name="is" value="down" { (visit.t("official-say-down")) }
                    button name="is" value="up" { (visit.t("official-say-up")) }
                }
            }
        }
    }
}

fn presence(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    let desk = if form.text("is") == "here" { Desk::Here } else { Desk::Away };
    visit.node.submit(Input::SetDesk(desk))?;
    Ok(Next::Go(PAGE.name.to_owned()))
}

fn official(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    let state = if form.text("is") == "up" { Official::Up } else { Official::Down };
    let typed = form.given("why").map_or_else(|| visit.t("official-by-person"), str::to_owned);
    visit.node.submit(Input::SetOfficial { state, why: names::remark(&typed)? })?;
    Ok(Next::Go(PAGE.name.to_owned()))
}

fn put_away(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    visit.office.history().put_away(form.number("number").unwrap_or_default());
    Ok(Next::Go(PAGE.name.to_owned()))
}

const ROWS_SHOWN: usize = 12;
const GIST_CHARS: usize = 80;
