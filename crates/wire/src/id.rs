//! Identifiers. Random or hashed octets, shown as lower-case hexadecimal.

use core::{fmt, str::FromStr};

/// The text was not the expected number of hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} hexadecimal digits")]
pub struct IdError {
    /// How many digits this kind of id has.
    pub expected: usize,
}

fn parse_hex<const N: usize>(text: &str) -> Result<[u8; N], IdError> {
    let error = IdError { expected: 2 * N };
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return Err(error);
    }
    let mut out = [0; N];
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        let nibble = |digit: u8| (digit as char).to_digit(16).ok_or(error);
        *byte = (nibble(pair[0])? << 4 | nibble(pair[1])?) as u8;
    }
    Ok(out)
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident: $len:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Number of octets.
            pub const LEN: usize = $len;
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut digits = [0; 2 * $len];
                for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
                    pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
                }
                f.write_str(core::str::from_utf8(&digits).unwrap_or_default())
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                parse_hex(text).map(Self)
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }
        impl<'d> serde::Deserialize<'d> for $name {
            fn deserialize<D: serde::Deserializer<'d>>(from: D) -> Result<Self, D::Error> {
                <String as serde::Deserialize>::deserialize(from)?.parse().map_err(serde::de::Error::custom)
            }
        }
        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.bytes(&self.0)?.ok()
            }
        }
        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                let at = d.position();
                let bytes = d.bytes()?;
                bytes.try_into().map(Self).map_err(|_| {
                    minicbor::decode::Error::message(concat!(stringify!($name), ": wrong length")).at(at)
                })
            }
        }
    )*};
}

ids! {
    /// A side: SHA-256 of its signet's encoding.
    SideId: 32;
    /// A post: random, kept through every holder and node.
    PostId: 16;
    /// A node: the first half of SHA-256 of its public signing keys.
    NodeId: 16;
    /// A channel: random.
    ChannelId: 16;
    /// An invitation: random.
    InvitationId: 16;
    /// A route: random, never reused; a changed route is a new one.
    RouteId: 16;
    /// One thing said: random, its last [`ENTRY_ID_TIME_OCTETS`] the author's time.
    EntryId: 16;
    /// A conversation: the id of the entry that opened it; the channel's first one is named after the channel.
    ConversationId: 16;
    /// A statement: random.
    StatementId: 16;
    /// One life of a node's streams: random, new after every re-establishment.
    IncarnationId: 16;
    /// SHA-256 of something: an entry with its salt, a charter, a public key.
    Digest: 32;
    /// The one-time address under which a relay keeps a cell: SHA-256 of its write token.
    Slot: 32;
    /// What proves the right to fill a slot: whoever knows it can write, once.
    WriteToken: 32;
}

impl EntryId {
    /// The id of what is said at `at_ms` milliseconds since 1970.
    pub fn new(random: [u8; 16], at_ms: i64) -> EntryId {
        let mut octets = random;
        let at = at_ms.to_be_bytes();
        octets[EntryId::LEN - ENTRY_ID_TIME_OCTETS..].copy_from_slice(&at[at.len() - ENTRY_ID_TIME_OCTETS..]);
        EntryId(octets)
    }

    /// Its octets with its author's time in front: in this order, what is said together lies together.
    pub fn time_first(self) -> [u8; EntryId::LEN] {
        let mut octets = self.0;
        octets.rotate_right(ENTRY_ID_TIME_OCTETS);
        octets
    }

    /// The id of which [`EntryId::time_first`] gave these octets.
    pub fn from_time_first(octets: [u8; EntryId::LEN]) -> EntryId {
        let mut octets = octets;
        octets.rotate_left(ENTRY_ID_TIME_OCTETS);
        EntryId(octets)
    }
}

impl ConversationId {
    /// The id of the conversation that an entry opens.
    pub fn opened_by(opening: EntryId) -> ConversationId {
        ConversationId(opening.0)
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";
/// Octets of an entry's id that tell when it was said, so that a store finds together what was said
/// together; eighty random bits are left. A reader does not rely on them.
pub const ENTRY_ID_TIME_OCTETS: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text() {
        let id = EntryId([0xab; 16]);
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn an_entrys_id_begins_random_and_ends_with_its_time() {
        let id = EntryId::new([0xab; 16], 0x0123_4567_89ab);
        assert_eq!(id.to_string(), "abababababababababab0123456789ab");
    }

    #[test]
    fn a_text_of_another_length_or_alphabet_is_refused() {
        for text in ["", "ab", &"g".repeat(32), &"é".repeat(16), &"a".repeat(33)] {
            assert_eq!(text.parse::<EntryId>(), Err(IdError { expected: 32 }), "{text}");
        }
    }
}
