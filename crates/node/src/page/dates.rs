//! Times as officers read them: their zone, their calendar, their language.

use std::cell::RefCell;
use std::collections::BTreeMap;

use icu_calendar::Date;
use icu_datetime::fieldsets::YMDE;
use icu_datetime::fieldsets::zone::ExemplarCity;
use icu_datetime::{DateTimeFormatter, NoCalendarFormatter};
use icu_locale_core::Locale;
use icu_time::zone::IanaParser;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Serialize};

use super::tongue::Language;

/// A calendar in which a day is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Calendar {
    /// 2026.
    #[default]
    Gregorian,
    /// 令和8年.
    Japanese,
    /// 丙午年十月.
    Chinese,
}

impl Calendar {
    /// All, in the order in which the page offers them.
    pub const ALL: [Calendar; 3] = [Calendar::Gregorian, Calendar::Japanese, Calendar::Chinese];

    /// The word in forms and in locale tags.
    pub fn word(self) -> &'static str {
        match self {
            Calendar::Gregorian => "gregory",
            Calendar::Japanese => "japanese",
            Calendar::Chinese => "chinese",
        }
    }

    /// Reverses [`Calendar::word`].
    pub fn of_word(word: &str) -> Option<Calendar> {
        Calendar::ALL.into_iter().find(|calendar| calendar.word() == word)
    }
}

/// How one desk writes times.
#[derive(Debug, Clone)]
pub struct Dates {
    /// The language.
    pub language: Language,
    /// The calendar.
    pub calendar: Calendar,
    /// The zone.
    pub zone: TimeZone,
}

impl Dates {
    /// The day of an instant: `令和8年11月23日月曜日`.
    pub fn day(&self, ms: i64) -> String {
        day(self.language, self.calendar, &self.zoned(ms))
    }

    /// Hour and minute: `14:31`.
    pub fn clock(&self, ms: i64) -> String {
        self.zoned(ms).strftime("%H:%M").to_string()
    }

    /// Day and time, as short as stays plain: only the time if it is the day of `now_ms`.
    pub fn brief(&self, ms: i64, now_ms: i64) -> String {
        let (at, now) = (self.zoned(ms), self.zoned(now_ms));
        let pattern = match (at.date() == now.date(), at.year() == now.year()) {
            (true, _) => "%H:%M",
            (false, true) => "%m-%d %H:%M",
            (false, false) => "%Y-%m-%d %H:%M",
        };
        at.strftime(pattern).to_string()
    }

    /// Whether two instants are of one day here.
    pub fn is_same_day(&self, a_ms: i64, b_ms: i64) -> bool {
        self.zoned(a_ms).date() == self.zoned(b_ms).date()
    }

    /// The zone's city and its offset at an instant: `東京 UTC+9`.
    pub fn place(&self, ms: i64) -> String {
        let offset = offset_words(self.zoned(ms).offset().seconds());
        match self.zone.iana_name().and_then(|name| city(self.language, name)) {
            Some(city) => format!("{city} {offset}"),
            None => offset,
        }
    }

    fn zoned(&self, ms: i64) -> Zoned {
        Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(self.zone.clone())
    }
}

/// An instant for a `datetime` attribute.
pub fn machine(ms: i64) -> String {
    crate::cli::values::rfc3339(ms)
}

/// The present, in milliseconds since 1970.
pub fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

fn offset_words(seconds: i32) -> String {
    let sign = if seconds < 0 { '−' } else { '+' };
    let (hours, minutes) = (seconds.abs() / 3600, seconds.abs() / 60 % 60);
    if minutes == 0 { format!("UTC{sign}{hours}") } else { format!("UTC{sign}{hours}:{minutes:02}") }
}

type DayFormatter = DateTimeFormatter<YMDE>;

thread_local! {
    /// Making one reads much data; they belong to their thread.
    static DAYS: RefCell<BTreeMap<(Language, Calendar), Option<DayFormatter>>> =
        const { RefCell::new(BTreeMap::new()) };
}

fn day(language: Language, calendar: Calendar, at: &Zoned) -> String {
    let date = Date::try_new_iso(at.year().into(), at.month().unsigned_abs(), at.day().unsigned_abs());
    let written = DAYS.with_borrow_mut(|made| {
        let formatter = made.entry((language, calendar)).or_insert_with(|| formatter(language, calendar));
        Some(formatter.as_ref()?.format(&date.ok()?).to_string())
    });
    written.unwrap_or_else(|| at.strftime("%Y-%m-%d").to_string())
}

fn formatter(language: Language, calendar: Calendar) -> Option<DayFormatter> {
    let locale: Locale = format!("{}-u-ca-{}", language.tag(), calendar.word()).parse().ok()?;
    DateTimeFormatter::try_new(locale.into(), YMDE::long()).ok()
}

fn city(language: Language, iana: &str) -> Option<String> {
    let locale: Locale = language.tag().parse().ok()?;
    let zone = IanaParser::new().parse(iana);
    if !iana.contains('/') || iana.starts_with("Etc/") || zone == icu_time::TimeZone::UNKNOWN {
        return None;
    }
    let formatter = NoCalendarFormatter::try_new(locale.into(), ExemplarCity).ok()?;
    Some(formatter.format(&zone.without_offset()).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_795_402_800_000;

    fn dates(language: Language, calendar: Calendar, zone: &str) -> Dates {
        Dates { language, calendar, zone: TimeZone::get(zone).expect("a zone") }
    }

    #[test]
    fn a_day_is_written_in_the_officers_calendar() {
        let day = |language, calendar| dates(language, calendar, "Asia/Tokyo").day(NOON);
        assert_eq!(day(Language::Ja, Calendar::Japanese), "令和8年11月23日月曜日");
        assert_eq!(day(Language::Zh, Calendar::Gregorian), "2026年11月23日星期一");
        assert_eq!(day(Language::En, Calendar::Gregorian), "Monday, November 23, 2026");
        assert!(day(Language::Zh, Calendar::Chinese).contains("丙午年十月"));
    }

    #[test]
    fn a_place_has_its_city_and_its_offset() {
        assert_eq!(dates(Language::Ja, Calendar::Japanese, "Asia/Tokyo").place(NOON), "東京 UTC+9");
        assert_eq!(dates(Language::Zh, Calendar::Chinese, "Asia/Shanghai").place(NOON), "上海 UTC+8");
        assert_eq!(dates(Language::Zh, Calendar::Gregorian, "Etc/UTC").place(NOON), "UTC+0");
        assert_eq!(dates(Language::Ja, Calendar::Japanese, "UTC").place(NOON), "UTC+0");
        assert_eq!(dates(Language::En, Calendar::Gregorian, "Asia/Kolkata").place(NOON), "Kolkata UTC+5:30");
    }

    #[test]
    fn a_time_of_today_needs_no_day() {
        let tokyo = dates(Language::Ja, Calendar::Gregorian, "Asia/Tokyo");
        assert_eq!(tokyo.brief(NOON, NOON + 60_000), "12:00");
        assert_eq!(tokyo.brief(NOON, NOON + 86_400_000), "11-23 12:00");
    }
}
