//! Values that people type: durations, times, precedences, languages.

use clap::ValueEnum;
use couloir_wire::entry::Precedence;
use couloir_wire::time::WindowLength;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp};

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
    let civil: DateTime = text.parse().map_err(|_| {
        format!("\"{text}\" is no time; write it like 2026-12-01T09:00 or 2026-12-01T00:00:00Z")
    })?;
    let zoned = civil.to_zoned(TimeZone::system()).map_err(|error| error.to_string())?;
    Ok(zoned.timestamp().as_millisecond())
}

/// A time as RFC 3339 in UTC with milliseconds, for programs.
pub fn rfc3339(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |instant| format!("{instant:.3}"))
}

/// A time in this machine's zone, for people.
pub fn local(ms: i64) -> String {
    let Ok(instant) = Timestamp::from_millisecond(ms) else { return ms.to_string() };
    instant.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
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
        assert!(time_ms("tomorrow").is_err());
    }
}
