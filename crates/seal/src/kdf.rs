//! HKDF-SHA256 (RFC 5869) for outputs of exactly one block, with length-prefixed labels.

use aws_lc_rs::hmac;
use zeroize::Zeroize;

use crate::secret::Secret32;

/// Longest label and context together; both are constants of ours and fixed-width numbers.
const INFO_MAX: usize = 128;

/// A pseudo-random key, with the hash of its pads computed once: an output costs two compressions
/// or three.
#[derive(Clone)]
pub(crate) struct Prk(hmac::Key);

impl Prk {
    /// HKDF-Extract(salt, ikm).
    pub(crate) fn extract(salt: &[u8], ikm: &[u8]) -> Prk {
        let salt = hmac::Key::new(hmac::HMAC_SHA256, salt);
        let mut prk = [0; 32];
        mac(&salt, ikm, &mut prk);
        let out = Prk(hmac::Key::new(hmac::HMAC_SHA256, &prk));
        prk.zeroize();
        out
    }

    /// A key that is uniform already.
    pub(crate) fn of(key: &Secret32) -> Prk {
        Prk(hmac::Key::new(hmac::HMAC_SHA256, key.expose()))
    }

    /// HKDF-Expand with info = length of label (1 octet), label, context; 32 octets.
    pub(crate) fn expand(&self, label: &str, context: &[u8]) -> Secret32 {
        let mut out = [0; 32];
        self.expand_into(label, context, &mut out);
        let secret = Secret32::new(out);
        out.zeroize();
        secret
    }

    /// As [`Prk::expand`], into octets that need no wiping.
    pub(crate) fn expand_into(&self, label: &str, context: &[u8], out: &mut [u8; 32]) {
        let mut info = [0u8; INFO_MAX];
        let (label_end, end) = (1 + label.len(), 1 + label.len() + context.len());
        assert!(end < INFO_MAX, "labels and contexts are constants of this crate");
        info[0] = label.len() as u8;
        info[1..label_end].copy_from_slice(label.as_bytes());
        info[label_end..end].copy_from_slice(context);
        // T(1) = HMAC(PRK, info || 0x01): one block is all that is ever asked for.
        info[end] = 1;
        mac(&self.0, &info[..=end], out);
    }
}

fn mac(key: &hmac::Key, message: &[u8], out: &mut [u8; 32]) {
    hmac::sign_to_buffer(key, message, out).expect("the output has the length of the hash");
}

/// SHA-256 of the parts one after the other; the caller sees to it that they cannot be cut otherwise.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    parts.iter().for_each(|part| context.update(part));
    context.finish().as_ref().try_into().expect("SHA-256 has 32 octets")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_block_equals_the_library_s_hkdf() {
        use aws_lc_rs::hkdf;
        let info: &[&[u8]] = &[b"\x05label", b"context"];
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"salt");
        let prk = salt.extract(b"input");
        let mut theirs = [0; 32];
        prk.expand(info, hkdf::HKDF_SHA256).expect("length").fill(&mut theirs).expect("length");
        let ours = Prk::extract(b"salt", b"input").expand("label", b"context");
        assert_eq!(ours.expose(), &theirs);
    }
}
