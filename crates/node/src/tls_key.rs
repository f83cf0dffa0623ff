//! The node's key for direct routes: what its certificate paper names as `tls_key`.

use couloir_wire::id::Digest;
use rcgen::{CertificateParams, KeyPair, PKCS_ED25519, PublicKeyData};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::words::{Code, Failure, Outcome};

/// A fresh key and a certificate that it signed itself. Peers know it by its public key alone: the
/// certificate's names and dates mean nothing.
pub struct TlsKey {
    /// PKCS #8 in DER.
    pub key: Zeroizing<Vec<u8>>,
    /// X.509 in DER.
    pub certificate: Vec<u8>,
    /// SHA-256 of the certificate's SubjectPublicKeyInfo in DER.
    pub spki_digest: Digest,
}

impl TlsKey {
    /// A new Ed25519 key.
    pub fn generate() -> Outcome<TlsKey> {
        let pair = KeyPair::generate_for(&PKCS_ED25519).map_err(no_key)?;
        let params = CertificateParams::new(vec![NAME.to_owned()]).map_err(no_key)?;
        let certificate = params.self_signed(&pair).map_err(no_key)?;
        Ok(TlsKey {
            key: Zeroizing::new(pair.serialize_der()),
            certificate: certificate.der().to_vec(),
            spki_digest: Digest(Sha256::digest(pair.subject_public_key_info()).into()),
        })
    }
}

fn no_key(error: rcgen::Error) -> Failure {
    Failure::new(
        Code::Failed,
        format!("the key for direct routes cannot be made: {error}"),
        "repeat the command",
    )
}

/// The same for all, so that it tells none apart.
const NAME: &str = "couloir";
