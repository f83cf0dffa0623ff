//! The library's cryptography: libcrux, with two things added.
//!
//! *Lengths.* libcrux's X-Wing (0.0.9) slices public keys and ciphertexts before it looks at their
//! length and panics on short ones, which a hostile peer could send. Here they are measured first.
//! *Randomness.* HPKE there draws from the operating system. Here its encapsulation draws from our
//! generator, so that one seed gives the same octets twice. HPKE asks for its generator through an
//! associated function, which has no place for an argument; so for the length of one call it lies
//! in a variable of the thread.

use std::cell::RefCell;
use std::sync::Mutex;

use hpke_rs::hpke_types::{AeadAlgorithm, KdfAlgorithm, KemAlgorithm};
use hpke_rs::libcrux::HpkeLibcrux;
use hpke_rs::{Hpke, HpkePublicKey, Mode};
use hpke_rs_crypto::error::Error;
use hpke_rs_crypto::{HpkeCrypto, HpkeTestRng, TryCryptoRng, TryRng};
use openmls::prelude::tls_codec::SecretVLBytes;
use openmls_libcrux_crypto::CryptoProvider;
use openmls_traits::crypto::OpenMlsCrypto;
use openmls_traits::types::{
    AeadType, Ciphersuite, CryptoError, ExporterSecret, HashType, HpkeAeadType, HpkeCiphertext, HpkeConfig,
    HpkeKdfType, HpkeKemType, HpkeKeyPair, KemOutput, SignatureScheme,
};
use zeroize::Zeroize;

use crate::entropy::Entropy;

/// Octets of an X-Wing public key: ML-KEM-768, then X25519.
const KEM_PUBLIC_LEN: usize = 1_184 + 32;
/// Octets of an X-Wing ciphertext.
const KEM_CIPHERTEXT_LEN: usize = 1_088 + 32;
/// Octets of an X-Wing private key: its seed.
const KEM_PRIVATE_LEN: usize = 32;

/// libcrux with lengths checked and HPKE's randomness ours.
pub(super) struct Crypto {
    libcrux: CryptoProvider,
    /// None where nothing may be encapsulated.
    entropy: Option<Mutex<Entropy>>,
}

impl Crypto {
    pub(super) fn new(entropy: Option<Entropy>) -> Result<Crypto, CryptoError> {
        Ok(Crypto { libcrux: CryptoProvider::new()?, entropy: entropy.map(Mutex::new) })
    }

    fn draw(&self) -> Result<Entropy, CryptoError> {
        let entropy = self.entropy.as_ref().ok_or(CryptoError::InsufficientRandomness)?;
        let mut entropy = entropy.lock().map_err(|_| CryptoError::InsufficientRandomness)?;
        Ok(Entropy::from_seed(entropy.secret().expose()))
    }
}

impl OpenMlsCrypto for Crypto {
    fn supports(&self, suite: Ciphersuite) -> Result<(), CryptoError> {
        self.libcrux.supports(suite)
    }

    fn supported_ciphersuites(&self) -> Vec<Ciphersuite> {
        vec![super::mls::SUITE]
    }

    fn hkdf_extract(&self, hash: HashType, salt: &[u8], ikm: &[u8]) -> Result<SecretVLBytes, CryptoError> {
        self.libcrux.hkdf_extract(hash, salt, ikm)
    }

    fn hmac(&self, hash: HashType, key: &[u8], message: &[u8]) -> Result<SecretVLBytes, CryptoError> {
        self.libcrux.hmac(hash, key, message)
    }

    fn hkdf_expand(
        &self,
        hash: HashType,
        prk: &[u8],
        info: &[u8],
        len: usize,
    ) -> Result<SecretVLBytes, CryptoError> {
        self.libcrux.hkdf_expand(hash, prk, info, len)
    }

    fn hash(&self, hash: HashType, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.libcrux.hash(hash, data)
    }

    fn aead_encrypt(
        &self,
        aead: AeadType,
        key: &[u8],
        data: &[u8],
        nonce: &[u8],
        aad: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.libcrux.aead_encrypt(aead, key, data, nonce, aad)
    }

    fn aead_decrypt(
        &self,
        aead: AeadType,
        key: &[u8],
        sealed: &[u8],
        nonce: &[u8],
        aad: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        self.libcrux.aead_decrypt(aead, key, sealed, nonce, aad)
    }

    /// Not needed: leaf keys are made from our own seeds.
    fn signature_key_gen(&self, _: SignatureScheme) -> Result<(Vec<u8>, Vec<u8>), CryptoError> {
        Err(CryptoError::UnsupportedSignatureScheme)
    }

    fn verify_signature(
        &self,
        scheme: SignatureScheme,
        data: &[u8],
        key: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        self.libcrux.verify_signature(scheme, data, key, signature)
    }

    fn sign(&self, scheme: SignatureScheme, data: &[u8], key: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.libcrux.sign(scheme, data, key)
    }

    fn hpke_seal(
        &self,
        config: HpkeConfig,
        key: &[u8],
        info: &[u8],
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<HpkeCiphertext, CryptoError> {
        check(is_ours(&config) && key.len() == KEM_PUBLIC_LEN, CryptoError::SenderSetupError)?;
        let key = HpkePublicKey::new(key.to_vec());
        let sealed = with_entropy(self.draw()?, || hpke().seal(&key, info, aad, plaintext, None, None, None));
        let (kem_output, ciphertext) = sealed.map_err(|_| CryptoError::HpkeEncryptionError)?;
        Ok(HpkeCiphertext { kem_output: kem_output.into(), ciphertext: ciphertext.into() })
    }

    fn hpke_open(
        &self,
        config: HpkeConfig,
        input: &HpkeCiphertext,
        key: &[u8],
        info: &[u8],
        aad: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let is_whole =
            input.kem_output.as_slice().len() == KEM_CIPHERTEXT_LEN && key.len() == KEM_PRIVATE_LEN;
        check(is_ours(&config) && is_whole, CryptoError::ReceiverSetupError)?;
        self.libcrux.hpke_open(config, input, key, info, aad)
    }

    /// Not needed: nobody joins from outside.
    fn hpke_setup_sender_and_export(
        &self,
        _: HpkeConfig,
        _: &[u8],
        _: &[u8],
        _: &[u8],
        _: usize,
    ) -> Result<(KemOutput, ExporterSecret), CryptoError> {
        Err(CryptoError::SenderSetupError)
    }

    /// Not needed: nobody joins from outside.
    fn hpke_setup_receiver_and_export(
        &self,
        _: HpkeConfig,
        _: &[u8],
        _: &[u8],
        _: &[u8],
        _: &[u8],
        _: usize,
    ) -> Result<ExporterSecret, CryptoError> {
        Err(CryptoError::ReceiverSetupError)
    }

    fn derive_hpke_keypair(&self, config: HpkeConfig, ikm: &[u8]) -> Result<HpkeKeyPair, CryptoError> {
        self.libcrux.derive_hpke_keypair(config, ikm)
    }
}

/// X-Wing, HKDF-SHA384, AES-256-GCM: the suite's HPKE and no other.
fn is_ours(config: &HpkeConfig) -> bool {
    let HpkeConfig(kem, kdf, aead) = config;
    *kem == HpkeKemType::XWingKemDraft6 && *kdf == HpkeKdfType::HkdfSha384 && *aead == HpkeAeadType::AesGcm256
}

fn hpke() -> Hpke<Seeded> {
    Hpke::new(Mode::Base, KemAlgorithm::XWingDraft06, KdfAlgorithm::HkdfSha384, AeadAlgorithm::Aes256Gcm)
}

fn check(is_so: bool, error: CryptoError) -> Result<(), CryptoError> {
    is_so.then_some(()).ok_or(error)
}

thread_local! {
    static LENT: RefCell<Option<Entropy>> = const { RefCell::new(None) };
}

/// Lends `entropy` to what `operation` does on this thread, and wipes it afterwards.
fn with_entropy<T>(entropy: Entropy, operation: impl FnOnce() -> T) -> T {
    LENT.with_borrow_mut(|lent| *lent = Some(entropy));
    let out = operation();
    LENT.with_borrow_mut(|lent| *lent = None);
    out
}

/// HPKE's cryptography: libcrux's, with a generator of ours.
#[derive(Debug)]
struct Seeded;

/// Lent entropy, or nothing: then it gives zeros, and encapsulation refuses to start.
struct Lent(Option<Entropy>);

impl HpkeCrypto for Seeded {
    type HpkePrng = Lent;

    fn name() -> String {
        "libcrux, seeded".to_owned()
    }

    fn supports_kdf(alg: KdfAlgorithm) -> Result<(), Error> {
        HpkeLibcrux::supports_kdf(alg)
    }

    fn supports_kem(alg: KemAlgorithm) -> Result<(), Error> {
        HpkeLibcrux::supports_kem(alg)
    }

    fn supports_aead(alg: AeadAlgorithm) -> Result<(), Error> {
        HpkeLibcrux::supports_aead(alg)
    }

    fn prng() -> Lent {
        Lent(LENT.with_borrow_mut(|lent| {
            lent.as_mut().map(|entropy| Entropy::from_seed(entropy.secret().expose()))
        }))
    }

    fn kdf_extract(alg: KdfAlgorithm, salt: &[u8], ikm: &[u8]) -> Result<Vec<u8>, Error> {
        HpkeLibcrux::kdf_extract(alg, salt, ikm)
    }

    fn kdf_expand(alg: KdfAlgorithm, prk: &[u8], info: &[u8], len: usize) -> Result<Vec<u8>, Error> {
        HpkeLibcrux::kdf_expand(alg, prk, info, len)
    }

    fn dh(alg: KemAlgorithm, public: &[u8], private: &[u8]) -> Result<Vec<u8>, Error> {
        HpkeLibcrux::dh(alg, public, private)
    }

    fn secret_to_public(alg: KemAlgorithm, private: &[u8]) -> Result<Vec<u8>, Error> {
        HpkeLibcrux::secret_to_public(alg, private)
    }

    /// Not needed: keys are derived from our own seeds.
    fn kem_key_gen(_: KemAlgorithm, _: &mut Lent) -> Result<(Vec<u8>, Vec<u8>), Error> {
        Err(Error::InsufficientRandomness)
    }

    fn kem_key_gen_derand(alg: KemAlgorithm, seed: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Error> {
        HpkeLibcrux::kem_key_gen_derand(alg, seed)
    }

    fn kem_encaps(alg: KemAlgorithm, key: &[u8], prng: &mut Lent) -> Result<(Vec<u8>, Vec<u8>), Error> {
        if alg != KemAlgorithm::XWingDraft06 || prng.0.is_none() {
            return Err(Error::InsufficientRandomness);
        }
        let key = libcrux_kem::PublicKey::decode(libcrux_kem::Algorithm::XWingKemDraft06, key)
            .map_err(|_| Error::KemInvalidPublicKey)?;
        let (shared, ciphertext) =
            key.encapsulate(prng).map_err(|e| Error::CryptoLibraryError(format!("{e:?}")))?;
        Ok((shared.encode(), ciphertext.encode()))
    }

    fn kem_decaps(alg: KemAlgorithm, ciphertext: &[u8], private: &[u8]) -> Result<Vec<u8>, Error> {
        HpkeLibcrux::kem_decaps(alg, ciphertext, private)
    }

    fn dh_validate_sk(alg: KemAlgorithm, private: &[u8]) -> Result<Vec<u8>, Error> {
        HpkeLibcrux::dh_validate_sk(alg, private)
    }

    fn aead_seal(
        alg: AeadAlgorithm,
        key: &[u8],
        nonce: &[u8],
        aad: &[u8],
        message: &[u8],
    ) -> Result<Vec<u8>, Error> {
        HpkeLibcrux::aead_seal(alg, key, nonce, aad, message)
    }

    fn aead_open(
        alg: AeadAlgorithm,
        key: &[u8],
        nonce: &[u8],
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, Error> {
        HpkeLibcrux::aead_open(alg, key, nonce, aad, sealed)
    }
}

impl TryRng for Lent {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut octets = [0; 4];
        self.try_fill_bytes(&mut octets)?;
        Ok(u32::from_le_bytes(octets))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut octets = [0; 8];
        self.try_fill_bytes(&mut octets)?;
        Ok(u64::from_le_bytes(octets))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        match &mut self.0 {
            Some(entropy) => entropy.fill(out),
            None => out.fill(0),
        }
        Ok(())
    }
}

impl TryCryptoRng for Lent {}

impl HpkeTestRng for Lent {
    type Error = Error;

    fn try_fill_test_bytes(&mut self, _: &mut [u8]) -> Result<(), Error> {
        Err(Error::InsufficientRandomness)
    }

    fn seed(&mut self, _: &[u8]) {}
}

impl Zeroize for Lent {
    fn zeroize(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crypto() -> Crypto {
        Crypto::new(Some(Entropy::from_seed(&[1; 32]))).expect("libcrux starts")
    }

    fn config() -> HpkeConfig {
        HpkeConfig(HpkeKemType::XWingKemDraft6, HpkeKdfType::HkdfSha384, HpkeAeadType::AesGcm256)
    }

    fn keys() -> HpkeKeyPair {
        crypto().derive_hpke_keypair(config(), &[2; 48]).expect("a key pair")
    }

    #[test]
    fn what_is_sealed_opens_and_one_seed_seals_alike() {
        let seal = || crypto().hpke_seal(config(), &keys().public, b"info", b"aad", b"text").expect("seal");
        let sealed = seal();
        assert_eq!(sealed, seal());
        let opened = crypto().hpke_open(config(), &sealed, &keys().private, b"info", b"aad");
        assert_eq!(opened, Ok(b"text".to_vec()));
    }

    #[test]
    fn keys_and_ciphertexts_of_another_length_are_refused() {
        let public = keys().public;
        for len in [0, 1, 1_183, 1_184, 1_215, 1_217] {
            let mut key = public.clone();
            key.resize(len, 0);
            assert!(crypto().hpke_seal(config(), &key, b"", b"", b"").is_err(), "key of {len}");
        }
        let sealed = crypto().hpke_seal(config(), &public, b"", b"", b"text").expect("seal");
        for len in [0, 1, 1_087, 1_088, 1_119, 1_121] {
            let mut kem_output = sealed.kem_output.as_slice().to_vec();
            kem_output.resize(len, 0);
            let cut = HpkeCiphertext { kem_output: kem_output.into(), ciphertext: sealed.ciphertext.clone() };
            assert!(crypto().hpke_open(config(), &cut, &keys().private, b"", b"").is_err(), "{len}");
        }
    }

    #[test]
    fn nothing_is_sealed_without_entropy() {
        let crypto = Crypto::new(None).expect("libcrux starts");
        assert!(crypto.hpke_seal(config(), &keys().public, b"", b"", b"").is_err());
    }
}
