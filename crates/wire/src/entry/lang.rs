//! Languages of texts, as BCP 47 tags.

use core::fmt;
use core::str::FromStr;

use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};
use serde::{Deserialize, Serialize};

/// The language of a text: a BCP 47 tag such as `ja`, `zh-Hans`, `en`. Han characters take their shapes from it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Lang(String);

/// The text is no language tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a language is written like ja, zh-Hans or en, in at most {LANG_CHARS_MAX} letters")]
pub struct LangError;

impl Lang {
    /// The tag.
    pub fn tag(&self) -> &str {
        &self.0
    }
}

impl FromStr for Lang {
    type Err = LangError;

    fn from_str(tag: &str) -> Result<Lang, LangError> {
        let is_subtag =
            |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_alphanumeric());
        let first = tag.split('-').next().unwrap_or_default();
        let is_language = (2..=3).contains(&first.len()) && first.bytes().all(|c| c.is_ascii_lowercase());
        let is_tag = tag.len() <= LANG_CHARS_MAX && is_language && tag.split('-').all(is_subtag);
        is_tag.then(|| Lang(tag.to_owned())).ok_or(LangError)
    }
}

impl TryFrom<String> for Lang {
    type Error = LangError;

    fn try_from(tag: String) -> Result<Lang, LangError> {
        tag.parse()
    }
}

impl From<Lang> for String {
    fn from(lang: Lang) -> String {
        lang.0
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<C> Encode<C> for Lang {
    fn encode<W: encode::Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.str(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Lang {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        d.str()?.parse().map_err(|_| decode::Error::message("no language tag"))
    }
}

/// A language, a script, a region and a variant.
pub const LANG_CHARS_MAX: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_language_tags_are_languages() {
        for tag in ["ja", "zh-Hans", "en", "zh-Hant-TW"] {
            assert_eq!(tag.parse::<Lang>().map(String::from), Ok(tag.to_owned()));
        }
        for tag in ["", "j", "JA", "ja_JP", "ja-", "zh-Hans-and-much-more-of-it", "日本"] {
            assert_eq!(tag.parse::<Lang>(), Err(LangError), "{tag}");
        }
    }
}
