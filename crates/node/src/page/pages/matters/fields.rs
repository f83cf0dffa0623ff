//! What people fill in: fields with their labels, and what becomes of them.

use couloir_wire::entry::{LangText, PartialDate};
use couloir_wire::time::WallTime;
use jiff::civil::DateTime;
use maud::{Markup, html};

use crate::clerk::names;
use crate::page::form::Form;
use crate::page::tongue::Language;
use crate::page::visit::Visit;
use crate::words::{Failure, Outcome};

/// A field: where it stands in its form, what it is called, and the message over it.
#[derive(Clone, Copy)]
pub struct Field<'f> {
    /// Makes ids of several forms on a page differ.
    pub form: &'f str,
    /// Its name.
    pub name: &'f str,
    /// The message over it.
    pub label: &'f str,
}

impl Field<'_> {
    fn id(&self) -> String {
        format!("{}-{}", self.form, self.name)
    }

    /// One line.
    pub fn line(&self, visit: &Visit<'_>, value: &str) -> Markup {
        html! {
            label for=(self.id()) { (visit.t(self.label)) }
            input id=(self.id()) name=(self.name) value=(value) dir="auto" autocomplete="off" maxlength="400";
        }
    }

    /// Several lines.
    pub fn area(&self, visit: &Visit<'_>, value: &str) -> Markup {
        html! {
            label for=(self.id()) { (visit.t(self.label)) }
            textarea id=(self.id()) name=(self.name) rows="3" dir="auto" { (value) }
        }
    }

    /// A time by this desk's clock.
    pub fn moment(&self, visit: &Visit<'_>) -> Markup {
        html! {
            label for=(self.id()) { (visit.t(self.label)) " " small { (visit.dates().place(visit.now_ms)) } }
            input id=(self.id()) name=(self.name) type="datetime-local";
        }
    }

    /// A choice among words, each with its message.
    pub fn choice(&self, visit: &Visit<'_>, options: &[(&str, &str)]) -> Markup {
        html! {
            label for=(self.id()) { (visit.t(self.label)) }
            select id=(self.id()) name=(self.name) {
                @for (value, words) in options { option value=(value) { (visit.t(words)) } }
            }
        }
    }
}

/// A text in each of the page's languages; those left empty are none.
pub fn texts(visit: &Visit<'_>, form: &str, given: &[LangText]) -> Markup {
    html! {
        @for language in Language::ALL {
            @let id = format!("{form}-text-{}", language.word());
            @let text = given.iter().find(|text| text.lang.to_string() == language.tag()).map_or("", |text| &*text.text);
            label for=(id) { (visit.t("field-line")) " " small lang=(language.tag()) { (language.own_name()) } }
            textarea id=(id) name=(format!("text-{}", language.word())) rows="2" dir="auto" lang=(language.tag()) { (text) }
        }
    }
}

/// What was filled in there.
pub fn texts_of(form: &Form) -> Outcome<Vec<LangText>> {
    let mut texts = Vec::new();
    for language in Language::ALL {
        let Some(text) = form.given(&format!("text-{}", language.word())) else { continue };
        let lang = language.tag().parse().map_err(|_| Failure::usage("no such language", "report this"))?;
        texts.push(LangText { lang, text: names::text(&text.replace("\r\n", "\n"))? });
    }
    Ok(texts)
}

/// A time that was filled in, by this desk's clock.
pub fn moment_of(visit: &Visit<'_>, form: &Form, name: &str) -> Outcome<Option<WallTime>> {
    let wrong = || Failure::usage("that is no time", "choose a day and an hour");
    let Some(typed) = form.given(name) else { return Ok(None) };
    let civil: DateTime = typed.parse().map_err(|_| wrong())?;
    let zoned = civil.to_zoned(visit.dates().zone).map_err(|_| wrong())?;
    Ok(Some(WallTime(zoned.timestamp().as_millisecond())))
}

/// The same, where there must be one.
pub fn needed_moment(visit: &Visit<'_>, form: &Form, name: &str) -> Outcome<WallTime> {
    let time = moment_of(visit, form, name)?;
    time.ok_or_else(|| Failure::usage("a time is missing", "choose a day and an hour"))
}

/// A date whose day or month may not be known.
pub fn date_of(form: &Form, name: &str) -> Outcome<Option<PartialDate>> {
    let date = form.given(name).map(str::parse::<PartialDate>).transpose();
    date.map_err(|_| Failure::usage("that is no date", "write it like 2026, 2026-11 or 2026-11-20"))
}

/// A remark of several lines, which may be empty.
pub fn remark_of(form: &Form, name: &str) -> Outcome<String> {
    names::remark(&form.text(name).replace("\r\n", "\n"))
}

/// Lines that say something, each read by itself.
pub fn lines_of<T>(form: &Form, name: &str, read: impl Fn(&str) -> Result<T, String>) -> Outcome<Vec<T>> {
    let lines = form.text(name).lines().map(str::trim).filter(|line| !line.is_empty());
    let read = |line: &str| {
        read(line).map_err(|wrong| Failure::usage(format!("{line:?}: {wrong}"), "write it as the hint says"))
    };
    lines.map(read).collect()
}

/// Numbers of persons: `1, 2, 9`; none means all.
pub fn numbers_of(form: &Form, name: &str) -> Outcome<Vec<u16>> {
    let typed = form.text(name).split([',', ' ', '、', '，']).filter(|part| !part.is_empty());
    let numbers: Result<Vec<u16>, _> = typed.map(str::parse).collect();
    let mut numbers =
        numbers.map_err(|_| Failure::usage("a person's number is no number", "write them like 1, 2, 9"))?;
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}
