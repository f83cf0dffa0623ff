//! Settings: language, theme, calendars and zones, keys.

use maud::{Markup, html};

use super::{Act, Next, Page, choice};
use crate::page::dates::Calendar;
use crate::page::form::Form;
use crate::page::taste::{Keys, Taste, Theme, known_zone};
use crate::page::tongue::Language;
use crate::page::visit::Visit;
use crate::words::Outcome;

/// The page.
pub const PAGE: Page = Page { name: "settings", title: "settings-title", key: Some('e'), is_way: true, show };

/// What is done on it, and from the frame.
pub const ACTS: &[Act] = &[
    Act { name: "settings", run: keep },
    Act { name: "language", run: language },
    Act { name: "lock", run: lock },
    Act { name: "leave", run: leave },
];

fn show(visit: &mut Visit<'_>) -> Outcome<Markup> {
    let visit = &*visit;
    Ok(html! {
        h1 { (visit.t("settings-title")) }
        form.grid method="post" action="settings" {
            (own(visit))
            (theirs(visit))
            div.buttons { button.main { (visit.t("settings-keep")) } }
        }
        form method="post" action="leave" { button { (visit.t("leave")) } }
    })
}

fn own(visit: &Visit<'_>) -> Markup {
    let taste = &visit.taste;
    let themes = Theme::ALL.map(|theme| (theme.word(), visit.t(theme_word(theme))));
    let keys = Keys::ALL.map(|keys| (keys.word(), visit.t(keys_word(keys))));
    html! {
        fieldset {
            legend { (visit.t("settings-own")) }
            (field(visit, "language", choice("language", &languages(visit, "settings-browser"), taste.language.map_or("", Language::word))))
            (field(visit, "theme", choice("theme", &themes, taste.theme.word())))
            (field(visit, "calendar", choice("calendar", &calendars(visit), taste.calendar.word())))
            (field(visit, "zone", zone_field("zone", &taste.zone)))
            (field(visit, "keys", choice("keys", &keys, taste.keys.word())))
            (tick(visit, "notify", "settings-notify", taste.notify))
            (tick(visit, "sound", "settings-sound", taste.sound))
            p.hint { (visit.t("settings-notify-means")) }
            div.buttons #tunes hidden {
                @for (tune, words) in TUNES { button.small type="button" data-tune=(tune) { (visit.t(words)) } }
            }
        }
    }
}

fn theirs(visit: &Visit<'_>) -> Markup {
    let taste = &visit.taste;
    html! {
        fieldset {
            legend { (visit.t("settings-theirs")) }
            (field(visit, "their-language", choice("their-language", &languages(visit, "settings-guess"), taste.their_language.map_or("", Language::word))))
            (field(visit, "their-calendar", choice("their-calendar", &calendars(visit), taste.their_calendar.word())))
            (field(visit, "their-zone", zone_field("their-zone", &taste.their_zone)))
        }
        datalist #zones { @for name in ZONES_OFFERED { option value=(name) {} } }
    }
}

fn field(visit: &Visit<'_>, name: &'static str, control: Markup) -> Markup {
    html! { div.field { label for=(name) { (visit.t(label(name))) } (control) } }
}

fn label(name: &str) -> &'static str {
    match name {
        "language" => "settings-language",
        "theme" => "settings-theme",
        "calendar" | "their-calendar" => "settings-calendar",
        "zone" | "their-zone" => "settings-zone",
        "keys" => "settings-keys",
        _ => "settings-their-language",
    }
}

fn tick(visit: &Visit<'_>, name: &str, words: &'static str, is_on: bool) -> Markup {
    html! { label.tick { input type="checkbox" name=(name) value="on" checked[is_on]; " " (visit.t(words)) } }
}

fn zone_field(name: &str, value: &str) -> Markup {
    html! { input id=(name) name=(name) value=(value) list="zones" autocomplete="off" placeholder=(ZONES_OFFERED[0]); }
}

fn languages(visit: &Visit<'_>, otherwise: &'static str) -> Vec<(&'static str, String)> {
    let known = Language::ALL.into_iter().map(|language| (language.word(), language.own_name().to_owned()));
    std::iter::once(("", visit.t(otherwise))).chain(known).collect()
}

fn calendars(visit: &Visit<'_>) -> [(&'static str, String); 3] {
    Calendar::ALL.map(|calendar| {
        let id = match calendar {
            Calendar::Gregorian => "calendar-gregorian",
            Calendar::Japanese => "calendar-japanese",
            Calendar::Chinese => "calendar-chinese",
        };
        (calendar.word(), visit.t(id))
    })
}

fn theme_word(theme: Theme) -> &'static str {
    match theme {
        Theme::Auto => "theme-auto",
        Theme::Light => "theme-light",
        Theme::Dark => "theme-dark",
    }
}

fn keys_word(keys: Keys) -> &'static str {
    match keys {
        Keys::On => "keys-on",
        Keys::Off => "keys-off",
    }
}

fn keep(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    let taste = Taste {
        language: Language::of_word(form.text("language")),
        theme: Theme::ALL.into_iter().find(|theme| theme.word() == form.text("theme")).unwrap_or_default(),
        calendar: Calendar::of_word(form.text("calendar")).unwrap_or_default(),
        zone: known_zone(form.given("zone").unwrap_or_default())?,
        their_language: Language::of_word(form.text("their-language")),
        their_calendar: Calendar::of_word(form.text("their-calendar")).unwrap_or_default(),
        their_zone: known_zone(form.given("their-zone").unwrap_or_default())?,
        keys: Keys::ALL.into_iter().find(|keys| keys.word() == form.text("keys")).unwrap_or_default(),
        notify: form.text("notify") == "on",
        sound: form.text("sound") == "on",
    };
    visit.office.set_taste(taste)?;
    Ok(Next::Go(PAGE.name.to_owned()))
}

fn language(visit: &mut Visit<'_>, form: &Form) -> Outcome<Next> {
    let language = Language::of_word(form.text("language"));
    visit.office.set_taste(Taste { language, ..visit.taste.clone() })?;
    let from = super::page(form.text("from")).map_or("desk", |page| page.name);
    Ok(Next::Go(from.to_owned()))
}

fn lock(visit: &mut Visit<'_>, _: &Form) -> Outcome<Next> {
    visit.office.lock(visit.caller.cookie.as_deref().unwrap_or_default());
    Ok(Next::Go("desk".to_owned()))
}

fn leave(visit: &mut Visit<'_>, _: &Form) -> Outcome<Next> {
    visit.office.leave(visit.caller.cookie.as_deref().unwrap_or_default());
    Ok(Next::Out)
}

/// What the script can sound, to be tried.
const TUNES: [(&str, &str); 3] =
    [("flash", "precedence-flash"), ("immediate", "precedence-immediate"), ("other", "settings-tune-other")];
/// Offered while somebody types; any other that exists is taken too.
const ZONES_OFFERED: [&str; 12] = [
    "Asia/Tokyo",
    "Asia/Shanghai",
    "Asia/Seoul",
    "Asia/Taipei",
    "Asia/Singapore",
    "Asia/Kolkata",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Zurich",
    "America/New_York",
    "America/Los_Angeles",
    "UTC",
];
