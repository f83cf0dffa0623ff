//! Octets that are wiped when dropped, never printed, and compared in constant time.

use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// `N` secret octets.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret<const N: usize>([u8; N]);

/// A symmetric key, salt or seed.
pub type Secret32 = Secret<32>;

impl<const N: usize> Secret<N> {
    /// Takes over `octets`; the caller's copy, if any, is the caller's to wipe.
    pub fn new(octets: [u8; N]) -> Secret<N> {
        Secret(octets)
    }

    /// A copy of `octets`, or nothing if there are not exactly `N`.
    pub fn from_slice(octets: &[u8]) -> Option<Secret<N>> {
        octets.try_into().ok().map(Secret)
    }

    /// The octets themselves, for a cipher or the encrypted store.
    pub fn expose(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> PartialEq for Secret<N> {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl<const N: usize> Eq for Secret<N> {}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Secret(_) = self;
        f.write_str("Secret(..)")
    }
}

// For state that is itself encoded for the encrypted store, and for nothing that travels.
impl<C, const N: usize> minicbor::Encode<C> for Secret<N> {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C, const N: usize> minicbor::Decode<'b, C> for Secret<N> {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let bytes = d.bytes()?;
        Secret::from_slice(bytes).ok_or_else(|| minicbor::decode::Error::message("secret: wrong length"))
    }
}
