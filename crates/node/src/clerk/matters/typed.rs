//! Parts of matters as people type them, on the command line and on the page.

use couloir_wire::entry::{Clock, Lang, LangText, PartialDate, Participant, Person, Place, Status, TimeSpan};
use couloir_wire::time::WallTime;

use crate::cli::values::time_ms;

/// Parts between semicolons: `NAME; CITY; ZONE`.
pub fn parts<const N: usize>(typed: &str, least: usize, form: &str) -> Result<[String; N], String> {
    let mut parts = [const { String::new() }; N];
    let given: Vec<&str> = typed.split(';').map(str::trim).collect();
    if given.len() < least || given.len() > N || given[..least].iter().any(|part| part.is_empty()) {
        return Err(format!("write it like \"{form}\""));
    }
    for (part, text) in parts.iter_mut().zip(given) {
        text.clone_into(part);
    }
    Ok(parts)
}

/// A text in a language: `ja=本文`.
pub fn lang_text(typed: &str) -> Result<LangText, String> {
    let (lang, text) = typed.split_once('=').ok_or("write it like \"ja=TEXT\"")?;
    let lang: Lang =
        lang.parse().map_err(|_| format!("{lang:?} is no language such as ja, zh-Hans or en"))?;
    Ok(LangText { lang, text: text.to_owned() })
}

/// A time, as [`time_ms`] reads it.
pub fn wall_time(typed: &str) -> Result<WallTime, String> {
    time_ms(typed).map(WallTime)
}

/// One of the words of a closed set, as JSON has them.
pub fn word<T: serde::de::DeserializeOwned>(typed: &str) -> Result<T, String> {
    serde_json::from_value(typed.into()).map_err(|error| error.to_string())
}

/// A person: `NAME; ROMANISED; BORN; COUNTRIES`.
pub fn person(typed: &str) -> Result<Person, String> {
    let [name, romanised, born, countries] = parts(typed, 1, "山田太郎; YAMADA Taro; 1980-05-17; JP")?;
    let born = Some(born).filter(|born| !born.is_empty()).map(|born| born.parse::<PartialDate>());
    Ok(Person {
        number: 1,
        name,
        lang: None,
        romanised,
        born: born.transpose().map_err(|error| error.to_string())?,
        nationality: countries
            .split([',', '/', ' '])
            .filter(|code| !code.is_empty())
            .map(str::to_owned)
            .collect(),
        remark: String::new(),
        status: Status::Reported,
    })
}

/// A clock: `WHAT; SOURCE; DUE`.
pub fn clock(typed: &str) -> Result<Clock, String> {
    let [what, source, due] = parts(typed, 3, "WHAT; SOURCE; 2026-12-01T09:00+09:00")?;
    Ok(Clock { what, source, due: wall_time(&due)? })
}

/// A window of time: `FROM/UNTIL`.
pub fn window(typed: &str) -> Result<TimeSpan, String> {
    let (from, until) = typed.split_once('/').ok_or("write it like FROM/UNTIL")?;
    let span = TimeSpan { from: wall_time(from)?, until: wall_time(until)? };
    if span.from < span.until { Ok(span) } else { Err("it ends before it begins".to_owned()) }
}

/// A place: `NAME; CITY; ZONE`.
pub fn place(typed: &str) -> Result<Place, String> {
    let [name, city, zone] = parts(typed, 3, "NAME; CITY; Asia/Tokyo")?;
    if jiff::tz::TimeZone::get(&zone).is_err() {
        return Err(format!("{zone:?} is no time zone such as Asia/Tokyo"));
    }
    Ok(Place { name, city, zone })
}

/// Somebody who comes: `NAME; ROLE; SIDE`.
pub fn participant(typed: &str) -> Result<Participant, String> {
    let [name, role, side] = parts(typed, 1, "NAME; ROLE; SIDE")?;
    Ok(Participant { name, role, side })
}
