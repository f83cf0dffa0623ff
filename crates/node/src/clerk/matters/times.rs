//! Times as both sides' clocks show them, with city and offset.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clerk::Node;
use crate::cli::plain::one_line;
use crate::cli::values::rfc3339;
use crate::page::dates::{Calendar, Dates};
use crate::page::taste::{self, Taste};
use crate::page::tongue::Language;
use crate::store::Reader;
use crate::words::Outcome;

/// An instant, by every clock that matters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeShown {
    /// In UTC.
    pub at: String,
    /// By the clocks of this desk, of the other one if its zone is known, and of the place.
    pub clocks: Vec<ClockShown>,
}

/// An instant by one clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockShown {
    /// The zone's IANA name; empty if it has none.
    pub zone: String,
    /// City and offset: `Tokyo UTC+9`.
    pub place: String,
    /// Date and time there: `2026-12-01 10:00`.
    pub time: String,
}

/// The zones in which times are shown.
#[derive(Debug, Clone)]
pub struct Zones(Vec<TimeZone>);

impl Zones {
    /// Of both desks, as the settings say; of this one alone if the other's is not known.
    pub fn of(reader: &Reader) -> Outcome<Zones> {
        let taste = Taste::of(reader)?;
        let dates = [Some(taste.own_dates(Language::En)), taste.their_dates(Language::En)];
        Ok(Zones(dates.into_iter().flatten().map(|dates| dates.zone).collect()))
    }

    /// And of this place, if its zone is known here.
    pub fn with(&self, name: &str) -> Zones {
        let mut zones = self.clone();
        zones.0.extend(taste::zone(name));
        zones
    }

    /// An instant, once by each clock that differs.
    pub fn show(&self, ms: i64) -> TimeShown {
        let mut clocks: Vec<ClockShown> = Vec::new();
        for zone in &self.0 {
            let clock = clock(zone, ms);
            if !clocks.iter().any(|known| known.place == clock.place) {
                clocks.push(clock);
            }
        }
        TimeShown { at: rfc3339(ms), clocks }
    }
}

impl TimeShown {
    /// The same without what keeps a terminal in order.
    pub fn plain(&self) -> String {
        self.clocks
            .iter()
            .map(|clock| format!("{} ({})", clock.time, clock.place))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// For people: `2026-12-01 10:00 (Tokyo UTC+9), 09:00 (Shanghai UTC+8)`; the day is repeated where it differs.
    pub fn words(&self) -> String {
        let mut last_day = "";
        let clock = |clock: &'_ ClockShown, day: &str| {
            let time = clock.time.strip_prefix(day).unwrap_or(&clock.time).trim_start().to_owned();
            format!("{time} ({})", one_line(&clock.place))
        };
        let mut words = Vec::new();
        for each in &self.clocks {
            words.push(clock(each, last_day));
            last_day = each.time.split(' ').next().unwrap_or_default();
        }
        words.join(", ")
    }
}

/// What the clocks of both desks show now, after another zone was kept for either.
pub fn clocks<N: Node>(node: &mut N, own: Option<&str>, theirs: Option<&str>) -> Outcome<Value> {
    if own.is_some() || theirs.is_some() {
        let mut taste = Taste::of(node.reader())?;
        for (zone, kept) in [(own, &mut taste.zone), (theirs, &mut taste.their_zone)] {
            if let Some(zone) = zone {
                *kept = taste::known_zone(zone)?;
            }
        }
        node.with_store(move |store| taste.keep(store))??;
    }
    let (taste, now_ms) = (Taste::of(node.reader())?, Timestamp::now().as_millisecond());
    let theirs = taste.their_dates(Language::En).map(|dates| clock(&dates.zone, now_ms));
    Ok(json!({ "own": clock(&taste.own_dates(Language::En).zone, now_ms), "theirs": theirs }))
}

fn clock(zone: &TimeZone, ms: i64) -> ClockShown {
    let dates = Dates { language: Language::En, calendar: Calendar::Gregorian, zone: zone.clone() };
    let at = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone());
    ClockShown {
        zone: zone.iana_name().unwrap_or_default().to_owned(),
        place: dates.place(ms),
        time: at.strftime("%Y-%m-%d %H:%M").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_are_shown_with_city_and_offset_and_the_day_where_it_differs() {
        let zones =
            Zones(["Asia/Tokyo", "Asia/Shanghai"].map(|name| TimeZone::get(name).expect("a zone")).into());
        assert_eq!(
            zones.show(1_796_083_200_000).words().replace(['\u{2068}', '\u{2069}'], ""),
            "2026-12-01 09:00 (Tokyo UTC+9), 08:00 (Shanghai UTC+8)"
        );
        let words = zones.show(1_796_083_200_000 - 9 * 3_600_000 + 60_000).words();
        assert!(words.contains("2026-12-01 00:01") && words.contains("2026-11-30 23:01"), "{words}");
        assert_eq!(zones.with("Asia/Tokyo").show(0).clocks.len(), 2);
        assert_eq!(zones.with("Europe/London").show(0).clocks.len(), 3);
    }
}
