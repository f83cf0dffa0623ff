//! One entry with all that became of it, and what may be done to it: a new version, taking it back, a translation.

use couloir_wire::entry::{Body, Rendering, Translation};
use couloir_wire::id::EntryId;
use maud::{Markup, html};

use super::composer::languages;
use super::letter::{self, Letter, cite, gist_of, kind_word, place_of, tag_of};
use super::{Act, Next, Page, choice, layers, name_of, time};
use crate::clerk::conversations::{self, Conversation};
use crate::clerk::{Node, names};
use crate::page::form::{Form, link};
use crate::page::speak;
use crate::page::tongue::Language;
use crate::page::visit::Visit;
use crate::socket::How;
use crate::store::LogRow;
use crate::words::{Failure, Outcome};

/// The page; `id` names the entry.
pub const PAGE: Page = Page { name: "entry", title: "entry-title", key: None, is_way: false, show };

/// What is done on it.
pub const ACTS: &[Act] = &[
    Act { name: "edit", run: edit },
    Act { name: "withdraw", run: withdraw },
    Act { name: "translate", run: translate },
];

fn show(visit: &mut Visit<'_>) -> Outcome<Markup> {
    let row = named(visit, visit.caller.query.text("id"))?;
    let place = conversations::one(visit.node, Some(row.conversation))?;
    let letter = Letter::read(visit, row, place.marking)?;
    let visit = &*visit;
    Ok(html! {
        (head(visit, &letter, &place))
        div #letters data-live { (letter::letter(visit, &letter)) (said_of_it(visit, &letter)) }
        (what_can_be_done(visit, &letter))
    })
}

fn named(visit: &Visit<'_>, typed: &str) -> Outcome<LogRow> {
    let unknown = || Failure::usage("there is no such entry", "look for it: search");
    let id: EntryId = typed.parse().map_err(|_| unknown())?;
    visit.node.reader().row(id)?.ok_or_else(unknown)
}

fn head(visit: &Visit<'_>, letter: &Letter, place: &Conversation) -> Markup {
    html! {
        p.up {
            a href="conversations" { (visit.t("talks-title")) } " / "
            a href=(place_of(visit, &letter.row)) { bdi { (place.subject) } }
        }
        h1 { (visit.tn("entry-named", &[("entry", visit.cited(&letter.row).into())])) }
    }
}

/// Every later entry about this one.
fn said_of_it(visit: &Visit<'_>, letter: &Letter) -> Markup {
    html! {
        @if !letter.about.is_empty() {
            h2 { (visit.t("entry-about")) }
            ul.rows {
                @for row in &letter.about { li.row.about { (cite(visit, row)) (about(visit, row)) span.when { (time(visit, row.at_ms)) } } }
            }
        }
    }
}

fn about(visit: &Visit<'_>, row: &LogRow) -> Markup {
    let author = visit.posts.author(row.author);
    let text: String = row.body().map_or("", gist_of).chars().take(GIST_CHARS).collect();
    html! {
        span {
            (name_of(visit, &author.side, &author.post, row.is_own)) " "
            @if let Some(body) = row.body() { (visit.t(kind_word(body))) " " }
            bdi.gist lang=(tag_of(visit, row)) { (text) }
        }
    }
}

fn what_can_be_done(visit: &Visit<'_>, letter: &Letter) -> Markup {
    let row = &letter.row;
    let Some(said) = letter.said().filter(|said| said.withdrawn.is_none()) else { return html! {} };
    let is_note = matches!(row.body(), Some(Body::Note(_)));
    let can_withdraw =
        row.is_own && matches!(row.body(), Some(Body::Note(_) | Body::File { .. } | Body::Translate(_)));
    html! {
        @if is_note { (translate_form(visit, row)) }
        @if is_note && row.is_own { (edit_form(visit, row, said.text().unwrap_or_default())) }
        @if can_withdraw { (withdraw_form(visit, row)) }
    }
}

fn edit_form(visit: &Visit<'_>, row: &LogRow, text: &str) -> Markup {
    html! {
        details.panel #edit {
            summary { (visit.t("edit-title")) }
            form method="post" action="edit" {
                input type="hidden" name="entry" value=(row.id);
                p.hint { (visit.t("edit-means")) }
                label.unseen for="edited" { (visit.t("write-text")) }
                textarea #edited name="text" rows="6" dir="auto" lang=(tag_of(visit, row)) required { (text) }
                div.buttons { button.main { (visit.t("edit-go")) } }
            }
        }
    }
}

fn withdraw_form(visit: &Visit<'_>, row: &LogRow) -> Markup {
    html! {
        details.panel #withdraw {
            summary { (visit.t("withdraw-title")) }
            form method="post" action="withdraw" {
                input type="hidden" name="entry" value=(row.id);
                p { (visit.t("withdraw-means")) }
                div.buttons { button.danger { (visit.t("withdraw-go")) } }
            }
        }
    }
}

fn translate_form(visit: &Visit<'_>, row: &LogRow) -> Markup {
    let renderings = [Rendering::Unofficial, Rendering::Official, Rendering::Machine];
    let renderings = renderings.map(|each| (rendering_value(each), visit.t(layers::rendering_word(each))));
    let into: Vec<_> = languages(visit).into_iter().filter(|(tag, _)| !tag.is_empty()).collect();
    html! {
        details.panel #translate {
            summary { (visit.t("translate-title")) }
            form.stack method="post" action="translate" {
                input type="hidden" name="entry" value=(row.id);
                p.hint { (visit.t("translate-means")) }
                label for="lang" { (visit.t("translate-into")) }
                (choice("lang", &into, offered(visit, row).tag()))
                label for="rendering" { (visit.t("translate-rendering")) }
                (choice("rendering", &renderings, "unofficial"))
                label for="by" { (visit.t("translate-by")) }
                input #by name="by" required maxlength="200" autocomplete="off" dir="auto";
                label for="translated" { (visit.t("write-text")) }
                textarea #translated name="text" rows="6" dir="auto" lang=(offered(visit, row).tag()) required {}
                div.buttons { button.main { (visit.t("translate-go")) } }
            }
        }
    }
}

/// Of their notes, our language; of ours, theirs.
fn offered(visit: &Visit<'_>, row: &LogRow) -> Language {
    visit.tongue_of(!row.is_own)
}

fn rendering_value(rendering: Rendering) -> &'static str {
    match rendering {
        Rendering::Official => "official",
        Rendering::Unofficial => "unofficial",
        Rendering::Machine => "machine",
    }
}

/// Says something about an entry, in its conversation.
fn say_of(visit: &mut Visit<'_>, row: &LogRow, body: Body) -> Outcome<Next> {
    let when_verified = !visit.is_verified();
    let how = How { conversation: Some(row.conversation), when_verified, ..How::default() };
    Ok(speak::say(visit, body, how, None)?.then(|_| link(PAGE.name, &[("id", &row.id.to_string())])))
}

fn edit(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    let row = own(visit, form)?;
    let text = names::text(form.text("text").replace("\r\n", "\n").trim_end())?;
    say_of(visit, &row, Body::Edit { entry: row.id, text })
}

fn withdraw(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    let row = own(visit, form)?;
    say_of(visit, &row, Body::Withdraw { entry: row.id })
}

fn own(visit: &Visit<'_>, form: &Form) -> Outcome<LogRow> {
    let row = named(visit, form.text("entry"))?;
    let others = || Failure::usage("that entry is not this desk's own", "answer it instead");
    if row.is_own { Ok(row) } else { Err(others()) }
}

fn translate(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    let row = named(visit, form.text("entry"))?;
    let no_language = |_| Failure::usage("there is no such language", "choose one of the list");
    let known = [Rendering::Official, Rendering::Unofficial, Rendering::Machine];
    let rendering = known.into_iter().find(|each| rendering_value(*each) == form.text("rendering"));
    let translation = Translation {
        of: row.id,
        lang: form.text("lang").parse().map_err(no_language)?,
        rendering: rendering.unwrap_or(Rendering::Unofficial),
        by: names::name("translator's name", form.text("by"))?,
        text: names::text(form.text("text").replace("\r\n", "\n").trim_end())?,
    };
    say_of(visit, &row, Body::Translate(translation))
}

const GIST_CHARS: usize = 120;
