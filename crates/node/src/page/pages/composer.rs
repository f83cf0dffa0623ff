//! Writing: who will read it, what it answers, how urgent, until when; and nothing leaves by accident.

use couloir_wire::entry::{Body, Lang, Note, Precedence};
use couloir_wire::id::ConversationId;
use couloir_wire::limits::QUOTE_OCTETS_MAX;
use maud::{Markup, html};

use super::drafts::{Draft, marking_of};
use super::letter::{self, precedence_word};
use super::marking::{self, marking_choice};
use super::{Act, Next, attach, choice, name_of, record};
use crate::clerk::conversations::{self, Conversation};
use crate::clerk::files::Metadata;
use crate::clerk::row::Author;
use crate::clerk::{Node, names};
use crate::cli::values::duration_ms;
use crate::page::form::{Form, link};
use crate::page::office::{Office, fresh_token};
use crate::page::speak;
use crate::page::tongue::Language;
use crate::page::visit::Visit;
use crate::socket::How;
use crate::store::LogRow;
use crate::words::{Failure, Outcome};

/// What is done by it.
pub const ACTS: &[Act] = &[Act { name: "say", run: say }, Act { name: "draft", run: keep_draft }];

/// Where one is after something was said in a conversation.
pub fn afterwards(conversation: ConversationId) -> String {
    format!("{}#write", link("thread", &[("conversation", &conversation.to_string())]))
}

/// The same, saying what became of a file's metadata.
pub fn after_file(conversation: ConversationId, metadata: Metadata) -> String {
    let page = [("conversation", &*conversation.to_string()), ("metadata", metadata.word())];
    format!("{}#write", link("thread", &page))
}

/// What a composer shows.
pub struct Composer<'c> {
    /// Where it writes.
    pub place: &'c Conversation,
    /// What it holds.
    pub draft: Draft,
    /// The entry that it answers.
    pub answered: Option<LogRow>,
}

impl<'c> Composer<'c> {
    /// With what was kept, or as the reply that the address asks for.
    pub fn of(visit: &Visit<'_>, place: &'c Conversation) -> Outcome<Composer<'c>> {
        let mut draft = Draft::kept(visit, place.id)?;
        if let Some(asked) = visit.caller.query.given("reply") {
            (draft.reply_to, draft.quote) = (asked.parse().ok(), String::new());
        }
        let answered = match draft.reply_to {
            Some(id) => visit.node.reader().row(id)?.filter(|row| row.conversation == place.id),
            None => None,
        };
        draft.reply_to = answered.as_ref().map(|row| row.id);
        if let (Some(row), true) = (&answered, draft.quote.is_empty() && draft.text.is_empty()) {
            draft.quote = row.body().map_or(String::new(), |body| quotable(letter::gist_of(body)));
        }
        Ok(Composer { place, draft, answered })
    }
}

/// The first paragraph, if it is short enough to be quoted as it is.
fn quotable(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    if first.chars().count() <= QUOTED_CHARS { first.to_owned() } else { String::new() }
}

/// Everybody else who reads a conversation.
pub fn readers<'p>(visit: &Visit<'_>, place: &'p Conversation) -> Vec<&'p Author> {
    let own = visit.own_post();
    let others = place.posts.iter().zip(&place.members).filter(|(post, _)| Some(**post) != own);
    others.map(|(_, author)| author).collect()
}

/// The same in words.
pub fn members(visit: &Visit<'_>, place: &Conversation) -> Markup {
    html! {
        @for (index, reader) in readers(visit, place).into_iter().enumerate() {
            @if index > 0 { (visit.t("list-comma")) }
            (name_of(visit, &reader.side, &reader.post, false))
        }
    }
}

/// How many will read it: where a side has several posts, by side.
fn summary(visit: &Visit<'_>, place: &Conversation) -> String {
    let readers = readers(visit, place);
    let by_side = by_side(&readers);
    if by_side.iter().all(|(_, count)| *count == 1) {
        return visit.tn("write-readers", &[("count", readers.len().into())]);
    }
    readers_words(visit.language(), &by_side)
}

/// Sides in the order in which they are named, with how many of their posts read.
fn by_side<'r>(readers: &[&'r Author]) -> Vec<(&'r str, usize)> {
    let mut sides: Vec<(&str, usize)> = Vec::new();
    for reader in readers {
        match sides.iter_mut().find(|(side, _)| *side == reader.side) {
            Some((_, count)) => *count += 1,
            None => sides.push((&reader.side, 1)),
        }
    }
    sides
}

fn readers_words(language: Language, by_side: &[(&str, usize)]) -> String {
    let of_side = |(side, count): &(&str, usize)| {
        language.tn("write-readers-of", &[("count", (*count).into()), ("side", (*side).into())])
    };
    let sides: Vec<String> = by_side.iter().map(of_side).collect();
    language.tn("write-readers-sides", &[("sides", sides.join(&language.t("list-comma")).into())])
}

/// The form.
pub fn form(visit: &Visit<'_>, composer: &Composer<'_>) -> Markup {
    let Composer { place, draft, .. } = composer;
    // Without entropy a double click is not noticed.
    let once = fresh_token().unwrap_or_default();
    html! {
        section #write.composer aria-labelledby="write-title" {
            h2 #write-title { (visit.t("write-title")) }
            form #say method="post" action="say" data-draft="draft" {
                input type="hidden" name="once" value=(once);
                input type="hidden" name="conversation" value=(place.id);
                p.readers { (summary(visit, place)) " " (members(visit, place)) }
                @if !visit.is_verified() { p.warn { (visit.t("write-unverified")) } }
                (speak::who_speaks(visit))
                (answered(visit, composer))
                label.unseen for="text" { (visit.t("write-text")) }
                textarea #text name="text" rows="5" dir="auto" lang=(writing_tag(visit, draft))
                    placeholder=(visit.t("write-hint")) required { (draft.text) }
                (conditions(visit, composer))
                div.buttons {
                    button.main type="submit" { (visit.t("write-send")) }
                    span.hint { (visit.t("write-send-keys")) }
                    button.small formaction="draft" formnovalidate { (visit.t("write-draft")) }
                }
            }
            (attach::form(visit, place))
        }
    }
}

fn writing_tag(visit: &Visit<'_>, draft: &Draft) -> String {
    draft.lang.as_ref().map_or_else(|| visit.language().tag().to_owned(), |lang| lang.tag().to_owned())
}

/// What is answered, and the words of it.
fn answered(visit: &Visit<'_>, composer: &Composer<'_>) -> Markup {
    let Some(row) = &composer.answered else { return html! {} };
    let author = visit.posts.author(row.author);
    html! {
        div.answered-entry {
            input type="hidden" name="reply-to" value=(row.id);
            p {
                (visit.t("reply-to")) " " (letter::cite(visit, row)) " "
                (name_of(visit, &author.side, &author.post, row.is_own)) " "
                a.drop href=(afterwards(composer.place.id)) data-drops-reply { (visit.t("reply-drop")) }
            }
            label for="quote" { (visit.t("quote-legend")) }
            textarea #quote name="quote" rows="2" dir="auto" { (composer.draft.quote) }
        }
    }
}

/// On the record or off it, how urgent, until when, in which language, for whom.
fn conditions(visit: &Visit<'_>, composer: &Composer<'_>) -> Markup {
    let Composer { place, draft, .. } = composer;
    let precedence = if draft.precedence.is_empty() { Precedence::Routine.word() } else { &draft.precedence };
    html! {
        div.conditions {
            fieldset.record {
                legend { (visit.t("record-legend")) }
                label.off { input type="radio" name="record" value="off" checked; span { (visit.t("record-off")) } }
                label.on { input type="radio" name="record" value="on"; span { (visit.t("record-on")) " " small { (visit.t("record-on-asks")) } } }
            }
            span.pair {
                label for="precedence" { (visit.t("precedence-legend")) }
                (choice("precedence", &precedences(visit), precedence))
            }
            span.pair {
                label for="marking" { (visit.t("marking-legend")) }
                (marking_choice(visit, place.marking, draft.marking))
            }
            span.pair {
                label for="expires" { (visit.t("expiry-legend")) }
                (choice("expires", &expiries(visit, place.expires_after_ms.is_some()), &draft.expires))
            }
            span.pair {
                label for="lang" { (visit.t("language-legend")) }
                (choice("lang", &languages(visit), draft.lang.as_ref().map_or("", Lang::tag)))
            }
        }
    }
}

fn precedences(visit: &Visit<'_>) -> Vec<(&'static str, String)> {
    let words = Precedence::ALL.iter().rev();
    words.map(|precedence| (precedence.word(), visit.t(precedence_word(*precedence)))).collect()
}

/// Times after which both sides forget it; the first is what the conversation says.
pub fn expiries(visit: &Visit<'_>, is_agreed: bool) -> Vec<(&'static str, String)> {
    let words = [
        ("", if is_agreed { "expiry-agreed" } else { "expiry-never" }),
        ("1h", "expiry-hour"),
        ("1d", "expiry-day"),
        ("7d", "expiry-week"),
        ("30d", "expiry-month"),
    ];
    words.into_iter().map(|(value, id)| (value, visit.t(id))).collect()
}

/// Languages of texts; the first is what the characters tell.
pub fn languages(visit: &Visit<'_>) -> Vec<(&'static str, String)> {
    let known = Language::ALL.into_iter().map(|language| (language.tag(), language.own_name().to_owned()));
    std::iter::once(("", visit.t("language-seen"))).chain(known).collect()
}

/// How a form wants something said. Until both desks compared the phrase it is kept, and the form said so.
pub fn how(visit: &Visit<'_>, form: &Form) -> Outcome<How> {
    let wanted = form.given("precedence").unwrap_or(Precedence::Routine.word());
    let precedence = Precedence::ALL.into_iter().find(|precedence| precedence.word() == wanted);
    let precedence =
        precedence.ok_or_else(|| Failure::usage("there is no such precedence", "choose one of the list"))?;
    let expires = form.given("expires").map(duration_ms).transpose();
    let expires_after_ms = expires.map_err(|wrong| Failure::usage(wrong, "choose one of the list"))?;
    let conversation = form.parsed("conversation")?;
    let marking = form.given("marking").and_then(marking_of);
    let when_verified = !visit.is_verified();
    Ok(How { precedence, expires_after_ms, when_verified, conversation, marking })
}

/// The note that a form holds; in the language that was chosen, or that its characters tell.
fn note(visit: &Visit<'_>, draft: &Draft) -> Outcome<Note> {
    let text = names::text(draft.text.trim_end())?;
    let seen = || visit.language_of(&text, true).tag().parse().ok();
    let lang = draft.lang.clone().or_else(seen);
    let quote = Some(draft.quote.trim()).filter(|quote| !quote.is_empty() && draft.reply_to.is_some());
    if quote.is_some_and(|quote| quote.len() > QUOTE_OCTETS_MAX) {
        return Err(Failure::usage("the quotation is too long", "quote fewer words"));
    }
    let quote = quote.map(names::text).transpose()?;
    Ok(Note { text, lang, reply_to: draft.reply_to, quote })
}

fn say(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    if form.text("record") == "on" {
        return Ok(record::from_composer(visit, form));
    }
    let (how, draft) = (how(visit, form)?, Draft::of(form));
    let note = note(visit, &draft)?;
    let place = conversations::one(visit.node, how.conversation)?;
    if how.precedence == Precedence::Flash && form.text("sure") != "yes" {
        return Ok(Next::Show { title: visit.t("flash-title"), body: ask_again(visit, form, &place) });
    }
    if !visit.office.is_first(form.text("once")) {
        return Ok(Next::Go(afterwards(place.id)));
    }
    let spoken = speak::say(visit, Body::Note(note), how, None)?;
    Draft::default().keep(visit.node, place.id)?;
    Ok(spoken.then(|_| afterwards(place.id)))
}

/// Flash interrupts whoever is there: it leaves when it was said twice.
fn ask_again(visit: &Visit<'_>, form: &Form, place: &Conversation) -> Markup {
    let marked = form.given("marking").and_then(marking_of).or(place.marking);
    html! {
        section.ask {
            h1 { (visit.t("flash-title")) }
            p { (visit.t("flash-means")) " " (members(visit, place)) " " (marking::pill(marked)) }
            blockquote.text dir="auto" lang=(visit.language_of(form.text("text"), true).tag()) { (form.text("text")) }
            form.buttons method="post" action="say" {
                @for name in FIELDS { input type="hidden" name=(name) value=(form.text(name)); }
                button.main.flash name="sure" value="yes" { (visit.t("flash-send")) }
                button name="sure" value="no" formaction="draft" { (visit.t("flash-back")) }
            }
        }
    }
}

fn keep_draft(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    let place = keep_form(visit.office, visit.node, form)?;
    Ok(if form.text("quietly") == "yes" { Next::Nothing } else { Next::Go(afterwards(place)) })
}

/// Keeps what a form holds, unless it was said already; also for somebody whose session locked meanwhile. Flash
/// is never remembered.
pub fn keep_form<N: Node>(office: &Office, node: &mut N, form: &Form) -> Outcome<ConversationId> {
    let place = conversations::one(node, form.parsed("conversation")?)?.id;
    let mut draft = Draft::of(form);
    if draft.precedence == Precedence::Flash.word() {
        draft.precedence = Precedence::Immediate.word().to_owned();
    }
    if !office.is_spent(form.text("once")) {
        draft.keep(node, place)?;
    }
    Ok(place)
}

/// All that the form holds.
const FIELDS: [&str; 9] =
    ["text", "precedence", "expires", "once", "conversation", "marking", "lang", "reply-to", "quote"];
/// What is quoted without being asked for.
const QUOTED_CHARS: usize = 160;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_posts_of_a_side_are_counted_by_side() {
        let author = |side: &str, post: &str| Author { side: side.to_owned(), post: post.to_owned() };
        let posts = [
            author("Japan", "A"),
            author("China", "X"),
            author("Japan", "B"),
            author("Japan", "C"),
            author("China", "Y"),
        ];
        let by_side = by_side(&posts.iter().collect::<Vec<_>>());
        assert_eq!(by_side, [("Japan", 3), ("China", 2)]);
        let plain =
            |language: Language| readers_words(language, &by_side).replace(['\u{2068}', '\u{2069}'], "");
        assert_eq!(plain(Language::En), "Will be read by 3 officers of Japan, 2 officers of China:");
        assert_eq!(plain(Language::Ja), "Japan 3 名、China 2 名の担当官が読みます：");
        assert_eq!(plain(Language::Zh), "将由Japan的 3 名官员、China的 2 名官员阅读：");
    }
}
