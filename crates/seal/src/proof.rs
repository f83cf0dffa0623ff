//! The proof type that the layers above demand.

/// A value that came out of an AEAD that opened, or of a signature that was checked.
///
/// Only this crate can make one (`Authentic::mint`, crate-private): a reviewer greps for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authentic<T>(T);

impl<T> Authentic<T> {
    pub(crate) fn mint(value: T) -> Authentic<T> {
        Authentic(value)
    }

    /// The value.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// The value, its proof given up.
    pub fn into_inner(self) -> T {
        self.0
    }

    /// What a pure function makes of an authentic value is as authentic as the value.
    pub fn map<U>(self, derive: impl FnOnce(T) -> U) -> Authentic<U> {
        Authentic(derive(self.0))
    }
}
