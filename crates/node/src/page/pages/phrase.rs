//! Verification: two desks read seven symbols to each other, and say whether they are the same.

use couloir_engine::status::PeerView;
use couloir_engine::{Input, LinkNumber};
use fast_qr::{QRBuilder, QRCode};
use maud::{Markup, html};

use super::{Act, Next, Page};
use crate::clerk::Node;
use crate::clerk::phrase::{Phrase, Symbol};
use crate::page::form::{Form, link};
use crate::page::tongue::Language;
use crate::page::visit::Visit;
use crate::words::Outcome;

/// The page.
pub const PAGE: Page = Page { name: "phrase", title: "phrase-title", key: Some('v'), is_way: true, show };

/// What is done on it.
pub const ACTS: &[Act] = &[Act { name: "same", run: same }, Act { name: "differ", run: differ }];

fn show(visit: &mut Visit<'_>) -> Outcome<Markup> {
    let link = asked(visit).map_or(LinkNumber::FIRST, |peer| peer.link);
    let phrase = visit.node.phrase(link)?.map(|view| Phrase::from(&view));
    let visit = &*visit;
    let several = asked(visit).filter(|_| visit.status.peers.len() > 1);
    Ok(html! {
        h1 { (visit.t("phrase-title")) }
        (peers(visit))
        @if let Some(peer) = several { h2 { bdi { (peer.side) } " · " bdi { (peer.post) } } }
        div #phrase data-live {
            @match &phrase {
                Some(phrase) => (compare(visit, phrase)),
                None => p.empty { (visit.t("phrase-none")) },
            }
        }
        @if phrase.is_some() && !is_said_here(visit) { (verdict(visit)) }
    })
}

/// The peer whose link's phrase is asked for: the one that the address names, else the first that was not compared here.
fn asked<'v>(visit: &'v Visit<'_>) -> Option<&'v PeerView> {
    let named = visit.caller.query.given("peer");
    let peers = &visit.status.peers;
    let is_named = |peer: &&PeerView| named.is_some_and(|named| peer.id.to_string() == named);
    peers.iter().find(is_named).or_else(|| peers.iter().find(|peer| !peer.verified.0)).or(peers.first())
}

/// Every post that this desk has a link with, if there are several.
fn peers(visit: &Visit<'_>) -> Markup {
    let (peers, asked) = (&visit.status.peers, asked(visit).map(|peer| peer.id));
    html! {
        @if peers.len() > 1 {
            ul.peers-of-phrase {
                @for peer in peers {
                    li {
                        a href=(link("phrase", &[("peer", &peer.id.to_string())]))
                            aria-current=[(Some(peer.id) == asked).then_some("true")] {
                            bdi { (peer.side) } " · " bdi { (peer.post) }
                        }
                        " " (visit.t(if peer.verified == (true, true) { "phrase-both" } else { "phrase-neither" }))
                    }
                }
            }
        }
    }
}

fn is_said_here(visit: &Visit<'_>) -> bool {
    asked(visit).is_some_and(|peer| peer.verified.0)
}

fn compare(visit: &Visit<'_>, phrase: &Phrase) -> Markup {
    html! {
        p.lead { (visit.t(standing(visit))) }
        p { (visit.t("phrase-how")) }
        ol.symbols {
            @for symbol in &phrase.symbols { (card(visit, symbol)) }
        }
        div.digits {
            div { h2 { (visit.t("phrase-digits")) } p.figures { (phrase.digits) } }
            div { h2 { (visit.t("phrase-code")) } (code(visit, &phrase.digits)) }
        }
    }
}

fn standing(visit: &Visit<'_>) -> &'static str {
    match asked(visit).map(|peer| peer.verified) {
        Some((true, true)) => "phrase-both",
        Some((true, false)) => "phrase-here",
        Some((false, true)) => "phrase-there",
        Some((false, false)) | None => "phrase-neither",
    }
}

/// A symbol with its names in both desks' languages side by side, this desk's first.
fn card(visit: &Visit<'_>, symbol: &Symbol) -> Markup {
    let own = visit.language();
    let others = Language::ALL.into_iter().filter(|language| *language != own);
    html! {
        li {
            span.glyph aria-hidden="true" { (symbol.symbol) }
            b lang=(own.tag()) { (name(symbol, own)) }
            @for language in others { span lang=(language.tag()) { (name(symbol, language)) } }
        }
    }
}

fn name(symbol: &Symbol, language: Language) -> &str {
    match language {
        Language::Ja => &symbol.ja,
        Language::Zh => &symbol.zh,
        Language::En => &symbol.en,
    }
}

/// The digits as a code that a telephone reads, so that nobody types them.
fn code(visit: &Visit<'_>, digits: &str) -> Markup {
    let Ok(code) = QRBuilder::new(digits).build() else { return html! {} };
    let side = code.size + 2 * QUIET;
    html! {
        svg.code viewBox=(format!("0 0 {side} {side}")) role="img" aria-label=(visit.t("phrase-code")) {
            rect.paper width=(side) height=(side) {}
            path.ink d=(modules(&code)) {}
        }
    }
}

fn modules(code: &QRCode) -> String {
    let dark = (0..code.size).flat_map(|y| (0..code.size).map(move |x| (x, y)));
    let dark = dark.filter(|(x, y)| code[*y][*x].value());
    dark.map(|(x, y)| format!("M{} {}h1v1h-1z", x + QUIET, y + QUIET)).collect()
}

fn verdict(visit: &Visit<'_>) -> Markup {
    html! {
        section.verdict {
            h2 { (visit.t("verdict-title")) }
            p { (visit.t("verdict-hint")) }
            div.buttons {
                form method="post" action="same" {
                    @if let Some(peer) = asked(visit) { input type="hidden" name="peer" value=(peer.id); }
                    button.main { (visit.t("verdict-same")) }
                }
                form method="post" action="differ" { button.danger { (visit.t("verdict-differ")) } }
            }
        }
    }
}

fn same(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    let named = form.text("peer");
    let peer = visit.status.peers.iter().find(|peer| peer.id.to_string() == named);
    let Some(link) = peer.map(|peer| peer.link) else { return Ok(Next::Go(PAGE.name.to_owned())) };
    visit.node.submit(Input::ConfirmPhrase(link))?;
    Ok(Next::Go(PAGE.name.to_owned()))
}

/// Nothing is sent and nothing confirmed; the page says what to do.
fn differ(visit: &mut Visit<'_>, _: &Form) -> Outcome<Next> {
    let steps = ["differ-step-stop", "differ-step-again", "differ-step-new", "differ-step-report"];
    let body = html! {
        section.ask role="alert" {
            h1 { (visit.t("differ-title")) }
            p.lead { (visit.t("differ-means")) }
            ol { @for step in steps { li { (visit.t(step)) } } }
            p { a href="phrase" { (visit.t("differ-back")) } }
        }
    };
    Ok(Next::Show { title: visit.t("differ-title"), body })
}

/// Modules of paper around a code, so that it is found.
const QUIET: usize = 4;
