//! Values that people type: durations, times, precedences, languages.

use std::convert::Infallible;
use std::path::PathBuf;

use crate::page::tongue::Language;
use clap::ValueEnum;
use couloir_wire::entry::{Marking, Precedence};
use couloir_wire::time::WindowLength;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp, Zoned};

/// How urgent an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PrecedenceWord {
    /// Before everything else.
    Flash,
    /// Before priority.
    Immediate,
    /// Before routine.
    Priority,
    /// The ordinary.
    Routine,
}

impl From<PrecedenceWord> for Precedence {
    fn from(word: PrecedenceWord) -> Precedence {
        match word {
            PrecedenceWord::Flash => Precedence::Flash,
            PrecedenceWord::Immediate => Precedence::Immediate,
            PrecedenceWord::Priority => Precedence::Priority,
            PrecedenceWord::Routine => Precedence::Routine,
        }
    }
}

/// How something may be passed on: the Traffic Light Protocol, version 2.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MarkingWord {
    /// To the world.
    Clear,
    /// To the community.
    Green,
    /// To the organisation and its clients, who need to know.
    Amber,
    /// To the organisation alone.
    #[value(name = "amber+strict")]
    AmberStrict,
    /// To those who are present.
    Red,
}

impl From<MarkingWord> for Marking {
    fn from(word: MarkingWord) -> Marking {
        match word {
            MarkingWord::Clear => Marking::Clear,
            MarkingWord::Green => Marking::Green,
            MarkingWord::Amber => Marking::Amber,
            MarkingWord::AmberStrict => Marking::AmberStrict,
            MarkingWord::Red => Marking::Red,
        }
    }
}

/// A language of symbols' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    /// Japanese.
    Ja,
    /// Simplified Chinese.
    Zh,
    /// English.
    En,
}

impl From<Lang> for Language {
    fn from(lang: Lang) -> Language {
        match lang {
            Lang::Ja => Language::Ja,
            Lang::Zh => Language::Zh,
            Lang::En => Language::En,
        }
    }
}

/// A path that can be written in an answer: what is not valid UTF-8 is refused before this is asked.
pub fn path(text: &str) -> Result<PathBuf, Infallible> {
    Ok(PathBuf::from(text))
}

/// A duration such as `200ms`, `90s`, `1h30m` or `7d`, in milliseconds; a day has 24 hours.
pub fn duration_ms(text: &str) -> Result<u64, String> {
    let wrong = || format!("\"{text}\" is no duration; write it like 200ms, 90s, 1h30m or 7d");
    let span: Span = text.parse().map_err(|_| wrong())?;
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    let ms = u64::try_from(length.as_millis()).map_err(|_| wrong())?;
    if ms == 0 { Err(wrong()) } else { Ok(ms) }
}

/// A permitted length of a window, in milliseconds.
pub fn window_ms(text: &str) -> Result<u32, String> {
    let ms = u32::try_from(duration_ms(text)?).unwrap_or(u32::MAX);
    let known = WindowLength::from_ms(ms).map(|_| ms);
    known.ok_or_else(|| "a window is 100ms, 200ms, 500ms, 1s, 2s, 5s, 10s, 30s or 60s long".to_owned())
}

/// A time such as `2026-12-01T09:00` (this machine's zone) or `2026-12-01T00:00:00Z`, in
/// milliseconds since 1970.
pub fn time_ms(text: &str) -> Result<i64, String> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant.as_millisecond());
    }
    if let Ok(zoned) = text.parse::<Zoned>() {
        return Ok(zoned.timestamp().as_millisecond());
    }
    // A zone that is not understood must not be passed over.
    let civil = Some(text).filter(|text| !text.contains('[')).and_then(|text| text.parse::<DateTime>().ok());
    let civil = civil.ok_or_else(|| {
        format!("\"{text}\" is no time; write it like 2026-12-01T09:00 or 2026-12-01T00:00:00Z")
    })?;
    let zoned = civil.to_zoned(TimeZone::system()).map_err(|error| error.to_string())?;
    Ok(zoned.timestamp().as_millisecond())
}

/// The beginning of a day such as `2026-10-01`, in this machine's zone; or a time as [`time_ms`] takes it.
pub fn day_ms(text: &str) -> Result<i64, String> {
    match text.parse::<Date>() {
        Ok(date) if text.len() == DAY_CHARS => start_of(date),
        _ => time_ms(text),
    }
}

/// The end of such a day; or a time.
pub fn day_end_ms(text: &str) -> Result<i64, String> {
    match text.parse::<Date>() {
        Ok(date) if text.len() == DAY_CHARS => start_of(date.tomorrow().map_err(|error| error.to_string())?),
        _ => time_ms(text),
    }
}

fn start_of(date: Date) -> Result<i64, String> {
    let zoned = date.to_zoned(TimeZone::system()).map_err(|error| error.to_string())?;
    Ok(zoned.timestamp().as_millisecond())
}

/// `2026-10-01`
const DAY_CHARS: usize = 10;

/// A time as RFC 3339 in UTC with milliseconds, for programs.
pub fn rfc3339(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |instant| format!("{instant:.3}"))
}

/// A time in this machine's zone, for people.
pub fn local(ms: i64) -> String {
    let Ok(instant) = Timestamp::from_millisecond(ms) else { return ms.to_string() };
    instant.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A time that [`rfc3339`] wrote, in this machine's zone.
pub fn local_of(at: &str) -> String {
    at.parse::<Timestamp>().map_or_else(|_| at.to_owned(), |at| local(at.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        let read: Vec<_> = ["200ms", "2s", "1h30m", "7d", "90 s"].map(duration_ms).into_iter().collect();
        assert_eq!(read, [200, 2_000, 5_400_000, 604_800_000, 90_000].map(Ok));
        for text in ["", "7", "-2s", "0s", "soon", "1 month"] {
            assert!(duration_ms(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_listed_windows_are_taken() {
        assert_eq!(window_ms("200ms"), Ok(200));
        assert!(window_ms("3s").is_err());
    }

    #[test]
    fn a_time_with_its_zone_is_exact() {
        assert_eq!(time_ms("2026-12-01T09:00:00+09:00"), time_ms("2026-12-01T00:00:00Z"));
        assert_eq!(rfc3339(1_796_083_200_123), "2026-12-01T00:00:00.123Z");
        assert_eq!(time_ms("2026-12-01T09:00[+09:00]"), time_ms("2026-12-01T00:00:00Z"));
        assert!(time_ms("tomorrow").is_err() && time_ms("2026-12-01T09:00[Nowhere/Town]").is_err());
    }
}
