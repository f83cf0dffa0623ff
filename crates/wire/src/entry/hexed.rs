//! Octets in JSON: lower-case hexadecimal.

use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

/// As a text.
pub fn serialize<S: Serializer>(octets: impl AsRef<[u8]>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&octets.as_ref().iter().map(|octet| format!("{octet:02x}")).collect::<String>())
}

/// From a text.
pub fn deserialize<'d, T: TryFrom<Vec<u8>>, D: Deserializer<'d>>(from: D) -> Result<T, D::Error> {
    let text = String::deserialize(from)?;
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
    let octets = digits.filter(|digits| digits.len() % 2 == 0);
    let octets = octets.map(|digits| digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect());
    octets
        .and_then(|octets: Vec<u8>| octets.try_into().ok())
        .ok_or_else(|| D::Error::custom("no hexadecimal octets"))
}
