//! Text cut into pairs of characters: what two characters of Chinese or Japanese are found by.
//!
//! FTS5's own cutters find no words in either language. So every pair of neighbouring characters is a term
//! of the index, and every single one that is not ASCII. A term is written in digits and letters alone, four for a
//! character, so that no text is ever syntax.

use icu_casemap::CaseMapper;
use unicode_normalization::UnicodeNormalization;

/// Widths and cases are one: `ｶﾞ` is `ガ`, `ＡＢＣ` is `abc`.
pub fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let normal: String = text.nfkc().collect();
    CaseMapper::new().fold_string(&normal).into_owned()
}

/// The terms of a folded text, each once.
pub(super) fn terms(folded: &str) -> Vec<String> {
    let mut keys: Vec<u64> = folded.split_whitespace().flat_map(keys).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter().map(term).collect()
}

/// The terms that a text must have if it holds `word`; none if the word is too short to be looked up.
pub(super) fn terms_of_word(word: &str) -> Vec<String> {
    let pairs: Vec<u64> = keys(word).filter(|key| *key >= PAIR).collect();
    let mut keys = if pairs.is_empty() { keys(word).collect() } else { pairs };
    keys.dedup();
    keys.into_iter().map(term).collect()
}

/// A pair is the first character above the second; a single character stands below all pairs.
fn keys(word: &str) -> impl Iterator<Item = u64> {
    let seconds = word.chars().skip(1).map(Some).chain([None]);
    word.chars().zip(seconds).flat_map(|(first, second)| {
        let single = (!first.is_ascii()).then_some(u64::from(first));
        let pair = second.map(|second| (u64::from(first) << PAIR_BITS) | u64::from(second));
        [single, pair.filter(|pair| *pair >= PAIR)].into_iter().flatten()
    })
}

fn term(key: u64) -> String {
    let mut term = String::with_capacity(2 * DIGITS);
    if key >= PAIR {
        push(&mut term, key >> PAIR_BITS);
    }
    push(&mut term, key & (PAIR - 1));
    term
}

/// A character in base 36.
fn push(term: &mut String, mut code: u64) {
    let mut digits = [b'0'; DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdefghijklmnopqrstuvwxyz"[(code % 36) as usize];
        code /= 36;
    }
    term.extend(digits.map(char::from));
}

const PAIR_BITS: u32 = 21;
/// Above every single character.
const PAIR: u64 = 1 << PAIR_BITS;
const DIGITS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(text: &str, word: &str) -> bool {
        let terms = terms(&folded(text));
        let wanted = terms_of_word(&folded(word));
        !wanted.is_empty() && wanted.iter().all(|term| terms.contains(term))
    }

    #[test]
    fn one_character_upwards_is_found_wherever_it_stands() {
        for word in ["査", "査証", "証", "旅券", "京", "10", "visa", "ガイド", "ｶﾞｲ"] {
            assert!(finds("査証と旅券 Ｖｉｓａ 10月 北京ｶﾞｲﾄﾞ", word), "{word}");
        }
        for word in ["証旅", "北大", "passport", "a"] {
            assert!(!finds("査証と旅券 Ｖｉｓａ 10月 北京ｶﾞｲﾄﾞ", word), "{word}");
        }
    }

    #[test]
    fn cases_and_widths_of_many_scripts_are_one() {
        assert_eq!(folded("ＡＢＣ Straße ΣΊΣΥΦΟΣ ㌔"), folded("abc STRASSE σίσυφος キロ"));
    }

    #[test]
    fn a_term_is_digits_and_letters_whatever_the_text() {
        for term in terms("\u{10FFFF}\u{0}\"OR\" *(会:") {
            assert!(term.bytes().all(|c| c.is_ascii_alphanumeric()) && !term.starts_with('z'), "{term}");
        }
    }
}
