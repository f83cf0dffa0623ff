//! Deterministic CBOR (RFC 8949 §4.2.1): one encoding of each value, and nothing after it.
//!
//! The library underneath accepts overlong integers, indefinite lengths, repeated keys and trailing
//! octets. So what was decoded is encoded again and must give the same octets (PROTOCOL §2).

use minicbor::{Decode, Encode};

/// Why octets were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// Longer than this kind of value may be.
    #[error("it is {len} octets long, of at most {max}")]
    TooLong {
        /// Octets given.
        len: usize,
        /// Octets permitted.
        max: usize,
    },
    /// Not this kind of value: cut short, of another shape, or out of range.
    #[error("it is not well formed: {0}")]
    Malformed(String),
    /// Well formed, and followed by something.
    #[error("{0} octets follow its end")]
    Trailing(usize),
    /// A value written otherwise than deterministic CBOR writes it.
    #[error("it is not in its one deterministic encoding")]
    NotDeterministic,
}

/// Decodes exactly one value that fills `bytes`, of at most `max_len` octets, in its one encoding.
pub fn decode_strict<'b, T>(bytes: &'b [u8], max_len: usize) -> Result<T, CborError>
where
    T: Decode<'b, ()> + Encode<()>,
{
    if bytes.len() > max_len {
        return Err(CborError::TooLong { len: bytes.len(), max: max_len });
    }
    let mut decoder = minicbor::Decoder::new(bytes);
    let value: T = decoder.decode().map_err(|error| CborError::Malformed(error.to_string()))?;
    match bytes.len() - decoder.position() {
        0 if encode(&value) == bytes => Ok(value),
        0 => Err(CborError::NotDeterministic),
        rest => Err(CborError::Trailing(rest)),
    }
}

/// The one encoding of `value`.
pub fn encode<T: Encode<()>>(value: &T) -> Vec<u8> {
    minicbor::to_vec(value).expect("our types always encode, and a vector never refuses octets")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Encode, Decode)]
    #[cbor(array)]
    struct Pair {
        #[n(0)]
        number: u32,
        #[n(1)]
        name: String,
    }

    fn decode(bytes: &[u8]) -> Result<Pair, CborError> {
        decode_strict(bytes, 16)
    }

    #[test]
    fn a_value_survives_its_encoding() {
        let pair = Pair { number: 7, name: "七".into() };
        assert_eq!(decode(&encode(&pair)), Ok(pair));
    }

    #[test]
    fn every_other_way_to_write_it_is_refused() {
        assert!(decode(&[0x82, 0x07, 0x61, b'a']).is_ok());
        let overlong = [0x82, 0x18, 0x07, 0x61, b'a'];
        let indefinite = [0x9f, 0x07, 0x61, b'a', 0xff];
        let one_more = [0x83, 0x07, 0x61, b'a', 0x00];
        let chunked = [0x82, 0x07, 0x7f, 0x61, b'a', 0xff];
        for bytes in [&overlong[..], &indefinite, &one_more, &chunked] {
            assert!(decode(bytes).is_err(), "{bytes:02x?}");
        }
        assert_eq!(decode(&overlong), Err(CborError::NotDeterministic));
        assert_eq!(decode(&[0x82, 0x07, 0x61, b'a', 0, 0]), Err(CborError::Trailing(2)));
        assert_eq!(decode(&[0; 17]), Err(CborError::TooLong { len: 17, max: 16 }));
        assert!(matches!(decode(&[0x82, 0x07]), Err(CborError::Malformed(_))));
    }
}
