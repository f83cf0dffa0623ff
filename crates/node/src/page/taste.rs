//! How this desk wants its page: kept in the home, so that every browser shows it so.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::dates::{Calendar, Dates};
use super::tongue::Language;
use crate::store::{Reader, Store, StoreError};
use crate::words::{Failure, Outcome};

/// Settings of the page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Taste {
    /// The page's language; the browser's own until one is chosen.
    pub language: Option<Language>,
    /// Dark, light, or as the machine is.
    pub theme: Theme,
    /// This desk's calendar.
    pub calendar: Calendar,
    /// This desk's time zone, as IANA names it; the machine's if empty.
    pub zone: String,
    /// The language in which the other desk writes, where Han characters alone do not tell.
    pub their_language: Option<Language>,
    /// The other desk's calendar.
    pub their_calendar: Calendar,
    /// The other desk's time zone; none is shown if empty.
    pub their_zone: String,
    /// Whether keys without Ctrl are taken.
    pub keys: Keys,
    /// Whether the browser says that something new came, without saying what.
    pub notify: bool,
    /// Whether something new is heard, by its precedence.
    pub sound: bool,
}

/// Dark or light.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// As the machine is.
    #[default]
    Auto,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// All, in the order in which the page offers them.
    pub const ALL: [Theme; 3] = [Theme::Auto, Theme::Light, Theme::Dark];

    /// The word in forms.
    pub fn word(self) -> &'static str {
        match self {
            Theme::Auto => "auto",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }
}

/// Whether single keys do something (WCAG 2.1.4 wants a way to turn them off).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keys {
    /// They do.
    #[default]
    On,
    /// They do not.
    Off,
}

impl Keys {
    /// Both, in the order in which the page offers them.
    pub const ALL: [Keys; 2] = [Keys::On, Keys::Off];

    /// The word in forms.
    pub fn word(self) -> &'static str {
        match self {
            Keys::On => "on",
            Keys::Off => "off",
        }
    }
}

impl Taste {
    /// As the home keeps it. What cannot be read is as if nothing had been chosen.
    pub fn of(reader: &Reader) -> Outcome<Taste> {
        let kept = reader.setting(SETTING)?;
        Ok(kept.and_then(|kept| serde_json::from_str(&kept).ok()).unwrap_or_default())
    }

    /// Keeps it in the home.
    pub fn keep(&self, store: &mut Store) -> Result<(), StoreError> {
        store.put_setting(SETTING, Some(&serde_json::to_string(self).unwrap_or_default()))
    }

    /// How this desk writes times in `language`.
    pub fn own_dates(&self, language: Language) -> Dates {
        Dates { language, calendar: self.calendar, zone: zone(&self.zone).unwrap_or_else(TimeZone::system) }
    }

    /// How the other desk writes times; in the words of `language`, so that they can be read here.
    pub fn their_dates(&self, language: Language) -> Option<Dates> {
        let zone = zone(&self.their_zone)?;
        Some(Dates { language, calendar: self.their_calendar, zone })
    }
}

/// A zone by its IANA name.
pub fn zone(name: &str) -> Option<TimeZone> {
    if name.is_empty() { None } else { TimeZone::get(name).ok() }
}

/// The name of a zone that exists, or none.
pub fn known_zone(name: &str) -> Outcome<String> {
    let is_known = name.is_empty() || zone(name).is_some();
    let unknown = || Failure::usage("there is no such time zone", "write it like Asia/Tokyo");
    is_known.then(|| name.to_owned()).ok_or_else(unknown)
}

const SETTING: &str = "page";
