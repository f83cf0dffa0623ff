//! Text from people and peers: what is accepted as a name, and as a body.

use unicode_normalization::is_nfc;

/// Why a text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
    /// It is longer than the limit.
    #[error("it is longer than {max} {unit}")]
    TooLong {
        /// The limit.
        max: usize,
        /// What the limit counts.
        unit: &'static str,
    },
    /// It holds a control character or one that changes the direction of writing.
    #[error("it holds the invisible character U+{0:04X}")]
    Invisible(u32),
    /// It is not in Unicode's normal form C.
    #[error("it is not in Unicode normal form C")]
    NotNormal,
}

/// Checks a name of a side, post, holder, channel or file: 1 to 100 characters, NFC, nothing
/// invisible and nothing that turns the direction of writing.
pub fn check_name(text: &str) -> Result<(), TextError> {
    check(text, NAME_CHARS_MAX, "characters", text.chars().count(), |c| c.is_control() || is_invisible(c))
}

/// Checks the body of an entry: up to `max_octets`, NFC; line breaks and tabs are welcome, other
/// control characters are not. Direction marks stay: whoever renders isolates them.
pub fn check_body(text: &str, max_octets: usize) -> Result<(), TextError> {
    check(text, max_octets, "octets", text.len(), |c| c.is_control() && !matches!(c, '\n' | '\t' | '\r'))
}

fn check(
    text: &str,
    max: usize,
    unit: &'static str,
    len: usize,
    is_refused: impl Fn(char) -> bool,
) -> Result<(), TextError> {
    if text.is_empty() {
        return Err(TextError::Empty);
    }
    if len > max {
        return Err(TextError::TooLong { max, unit });
    }
    if let Some(refused) = text.chars().find(|c| is_refused(*c)) {
        return Err(TextError::Invisible(refused as u32));
    }
    if text.is_ascii() || is_nfc(text) { Ok(()) } else { Err(TextError::NotNormal) }
}

/// Appends `c` as it may go to a terminal: what is not seen, or turns the direction of writing, as `<U+202E>`.
pub fn push_visible(out: &mut String, c: char) {
    match c {
        c if c.is_control() || is_invisible(c) => out.push_str(&format!("<U+{:04X}>", u32::from(c))),
        c => out.push(c),
    }
}

/// Characters that show nothing or reorder what follows (Unicode UAX #9, and joiners of no width).
pub fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
        | '\u{061C}' | '\u{00AD}' | '\u{2028}' | '\u{2029}' | '\u{E0000}'..='\u{E007F}')
}

const NAME_CHARS_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_deceive_are_refused() {
        for text in ["", "a\u{202E}b", "a\nb", "a\u{0}", "\u{FEFF}x", "e\u{301}", &"x".repeat(101)] {
            assert!(check_name(text).is_err(), "{text:?}");
        }
        for text in ["外務省アジア大洋州局", "外交部亚洲司", "Director, Liaison Division"] {
            assert_eq!(check_name(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn a_body_keeps_its_lines() {
        assert_eq!(check_body("一\n二\t三", 100), Ok(()));
        assert_eq!(check_body("a\u{1b}[2J", 100), Err(TextError::Invisible(0x1b)));
        assert!(check_body("four", 3).is_err());
    }
}
