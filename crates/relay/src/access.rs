//! For whom a relay works: anybody, or the holders of access keys, one key per channel.
//!
//! The relay keeps no account of which key stored which cell; a key bounds the rate of PUTs only,
//! counted by the minute in memory.

use couloir_wire::exchange::ACCESS_KEY_LEN;
use couloir_wire::time::WallTime;
use subtle::ConstantTimeEq;

use crate::limits::{ACCESS_KEYS_MAX, PUTS_PER_MINUTE_DEFAULT};

/// Who may use the relay, and how much of its allowance each has used in this minute.
pub struct Access {
    keys: Option<Vec<Allowance>>,
}

struct Allowance {
    key: [u8; ACCESS_KEY_LEN],
    puts_per_minute: u32,
    minute: i64,
    used: u32,
}

/// An access key file cannot be used. The operator is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// A line is not `KEY` or `KEY PUTS-PER-MINUTE`.
    #[error("line {line} is not 32 hexadecimal digits, not all zero, and optionally PUTs per minute")]
    Line {
        /// Its number, from 1.
        line: usize,
    },
    /// It holds no key at all, or too many.
    #[error("it must hold 1 to {ACCESS_KEYS_MAX} keys")]
    Count,
}

impl Access {
    /// Anybody may use the relay.
    pub fn open() -> Access {
        Access { keys: None }
    }

    /// Only holders of the keys in `text` may: on each line 32 hexadecimal digits, optionally a space
    /// and the PUTs allowed per minute. Empty lines and lines that begin with `#` count for nothing.
    pub fn from_text(text: &str) -> Result<Access, AccessError> {
        let lines = text.lines().map(str::trim).zip(1..).filter(|(line, _)| !line.is_empty());
        let keys: Vec<Allowance> = lines
            .filter(|(line, _)| !line.starts_with('#'))
            .map(|(text, line)| Allowance::from_line(text).ok_or(AccessError::Line { line }))
            .collect::<Result<_, _>>()?;
        match keys.len() {
            1..=ACCESS_KEYS_MAX => Ok(Access { keys: Some(keys) }),
            _ => Err(AccessError::Count),
        }
    }

    /// Whether the holder of `key` may store `puts` cells more at `now`; if so, they are counted.
    /// Takes the same time for every key.
    pub fn admit(&mut self, now: WallTime, key: &[u8; ACCESS_KEY_LEN], puts: usize) -> bool {
        let Some(keys) = &mut self.keys else { return true };
        let mut found = None;
        for (at, allowance) in keys.iter().enumerate() {
            if bool::from(allowance.key.ct_eq(key)) {
                found = Some(at);
            }
        }
        found.and_then(|at| keys.get_mut(at)).is_some_and(|allowance| allowance.take(now, puts))
    }
}

impl Allowance {
    fn from_line(line: &str) -> Option<Allowance> {
        let mut words = line.split_whitespace();
        let key = key_from_hex(words.next()?)?;
        let puts_per_minute = match words.next() {
            Some(word) => word.parse().ok()?,
            None => PUTS_PER_MINUTE_DEFAULT,
        };
        words.next().is_none().then_some(Allowance { key, puts_per_minute, minute: 0, used: 0 })
    }

    fn take(&mut self, now: WallTime, puts: usize) -> bool {
        let minute = now.0.div_euclid(60_000);
        if minute != self.minute {
            (self.minute, self.used) = (minute, 0);
        }
        let wanted = u32::try_from(puts).unwrap_or(u32::MAX).saturating_add(self.used);
        let admitted = wanted <= self.puts_per_minute;
        if admitted {
            self.used = wanted;
        }
        admitted
    }
}

fn key_from_hex(text: &str) -> Option<[u8; ACCESS_KEY_LEN]> {
    let id: couloir_wire::id::RouteId = text.parse().ok()?;
    (id.0 != [0; ACCESS_KEY_LEN]).then_some(id.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: WallTime = WallTime(1_790_000_000_000);

    #[test]
    fn an_open_relay_takes_everybody() {
        assert!(Access::open().admit(NOW, &[0; 16], 4));
    }

    #[test]
    fn only_listed_keys_are_admitted_and_only_for_their_allowance() {
        let text = format!("# a channel\n{} 3\n\n{}\n", "ab".repeat(16), "cd".repeat(16));
        let mut access = Access::from_text(&text).expect("two keys");
        assert!(!access.admit(NOW, &[0; 16], 1));
        assert!(!access.admit(NOW, &[0xaa; 16], 1));
        assert!(access.admit(NOW, &[0xab; 16], 2));
        assert!(!access.admit(NOW, &[0xab; 16], 2));
        assert!(access.admit(NOW.shifted(60_000), &[0xab; 16], 2));
        assert!(access.admit(NOW, &[0xcd; 16], 4));
    }

    #[test]
    fn a_file_without_keys_or_with_other_lines_is_refused() {
        let zero = "0".repeat(32);
        for (text, error) in [
            ("", AccessError::Count),
            ("# none\n", AccessError::Count),
            ("\nabc", AccessError::Line { line: 2 }),
            (zero.as_str(), AccessError::Line { line: 1 }),
        ] {
            assert_eq!(Access::from_text(text).err(), Some(error), "{text}");
        }
    }
}
