//! Times and dates in entries: WallTime as people write it, and dates of which the day may be unknown.

use core::fmt;
use core::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};

use crate::time::WallTime;

/// In JSON as RFC 3339 in UTC.
impl Serialize for WallTime {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&Timestamp::from_millisecond(self.0).map_err(S::Error::custom)?)
    }
}

impl<'d> Deserialize<'d> for WallTime {
    fn deserialize<D: Deserializer<'d>>(from: D) -> Result<WallTime, D::Error> {
        let text = String::deserialize(from)?;
        let time = text.parse::<Timestamp>().map_err(|_| {
            D::Error::custom(format_args!("{text:?} is no time such as 2026-11-23T09:30:00+09:00"))
        })?;
        Ok(WallTime(time.as_millisecond()))
    }
}

/// Milliseconds, within the years that people can write.
impl<C> Encode<C> for WallTime {
    fn encode<W: encode::Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.i64(self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for WallTime {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let ms = d.i64()?;
        let is_writable = Timestamp::from_millisecond(ms).is_ok();
        is_writable.then_some(WallTime(ms)).ok_or_else(|| decode::Error::message("no time of any year"))
    }
}

/// A date of the Gregorian calendar whose day, or month and day, may not be known: `1980`, `1980-05`, `1980-05-17`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(array)]
pub struct PartialDate {
    /// The year, 1 to 9999.
    #[n(0)]
    year: u16,
    /// The month, 1 to 12; 0 if it is not known.
    #[n(1)]
    month: u8,
    /// The day of the month; 0 if it is not known.
    #[n(2)]
    day: u8,
}

/// The text or the numbers are no date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a date is written like 1980, 1980-05 or 1980-05-17")]
pub struct DateError;

impl PartialDate {
    /// The year, and what is known of month and day.
    pub fn parts(self) -> (u16, Option<u8>, Option<u8>) {
        let known = |number: u8| (number > 0).then_some(number);
        (self.year, known(self.month), known(self.day))
    }

    /// Whether it is a date, as far as it is known.
    pub fn is_valid(self) -> bool {
        let (month, day) = (self.month.max(1), self.day.max(1));
        let year = i16::try_from(self.year).unwrap_or_default();
        let is_nested = self.day == 0 || self.month > 0;
        let is_date = i8::try_from(month).ok().zip(i8::try_from(day).ok());
        year >= 1 && is_nested && is_date.is_some_and(|(month, day)| Date::new(year, month, day).is_ok())
    }
}

impl FromStr for PartialDate {
    type Err = DateError;

    fn from_str(text: &str) -> Result<PartialDate, DateError> {
        let mut parts = text.split('-');
        let mut number = |len: usize| match parts.next() {
            None => Ok(None),
            Some(part) if part.len() == len && part.bytes().all(|c| c.is_ascii_digit()) => {
                part.parse::<u16>().map(Some).map_err(|_| DateError)
            }
            Some(_) => Err(DateError),
        };
        let (year, month, day) = (number(4)?.ok_or(DateError)?, number(2)?, number(2)?);
        if parts.next().is_some() || month == Some(0) || day == Some(0) {
            return Err(DateError);
        }
        let date = PartialDate { year, month: month.unwrap_or(0) as u8, day: day.unwrap_or(0) as u8 };
        date.is_valid().then_some(date).ok_or(DateError)
    }
}

impl fmt::Display for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.year)?;
        [self.month, self.day]
            .into_iter()
            .filter(|part| *part > 0)
            .try_for_each(|part| write!(f, "-{part:02}"))
    }
}

impl Serialize for PartialDate {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'d> Deserialize<'d> for PartialDate {
    fn deserialize<D: Deserializer<'d>>(from: D) -> Result<PartialDate, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_may_lack_its_day() {
        for text in ["1980", "1980-05", "1980-05-17", "2024-02-29"] {
            assert_eq!(text.parse::<PartialDate>().map(|date| date.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "80", "1980-13", "1980-00", "2023-02-29", "1980-05-17-1", "1980-5", "٢٠٢٦", "0000"]
        {
            assert_eq!(text.parse::<PartialDate>(), Err(DateError), "{text}");
        }
    }
}
