//! TLS 1.3 with X25519MLKEM768 alone, and certificates checked by the hash of their key.

use std::io;
use std::sync::Arc;

use couloir_engine::RouteTrouble;
use couloir_wire::id::Digest;
use couloir_wire::route::url_option;
use rcgen::{CertificateParams, KeyPair, PublicKeyData as _};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs as provider_of_rustls;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use zeroize::Zeroizing;

use super::peering::Peering;
use crate::store::{Reader, Store, StoreError, secrets};

/// The key and certificate by which this node is known on direct routes.
pub struct DirectKeys {
    key: Zeroizing<Vec<u8>>,
    certificate: CertificateDer<'static>,
}

/// Why a node has no QUIC key.
#[derive(Debug, thiserror::Error)]
pub enum TlsKeyError {
    /// It cannot be made.
    #[error("a QUIC key cannot be made")]
    Generate(#[source] rcgen::Error),
    /// It is not in the store.
    #[error("the node's QUIC key is not in the store")]
    Absent,
    /// The store stands in the way.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Lets the TLS library's generator seed itself, which takes it a tenth of a second; it would else do so
/// in the first handshake.
pub fn prepare() {
    // If it fails here, the handshake will tell.
    let _ = aws_lc_rs::rand::fill(&mut [0]);
}

impl DirectKeys {
    /// Makes a new key with its certificate and keeps both; returns the hash for the node's paper.
    pub fn create(store: &mut Store) -> Result<Digest, TlsKeyError> {
        let key = KeyPair::generate().map_err(TlsKeyError::Generate)?;
        let params = CertificateParams::new(vec![DIRECT_NAME.to_owned()]).map_err(TlsKeyError::Generate)?;
        let certificate = params.self_signed(&key).map_err(TlsKeyError::Generate)?;
        store.put_secret(secrets::TLS_KEY, &Zeroizing::new(key.serialize_der()))?;
        store.put_secret(secrets::TLS_CERTIFICATE, certificate.der())?;
        Ok(Digest(Sha256::digest(key.subject_public_key_info()).into()))
    }

    /// As the store has them.
    pub fn load(store: &Reader) -> Result<DirectKeys, TlsKeyError> {
        let key = store.secret(secrets::TLS_KEY)?.ok_or(TlsKeyError::Absent)?;
        let certificate = store.secret(secrets::TLS_CERTIFICATE)?.ok_or(TlsKeyError::Absent)?;
        Ok(DirectKeys { key, certificate: CertificateDer::from(certificate.to_vec()) })
    }

    /// The key of QUIC's stateless resets, the same through restarts.
    pub(super) fn reset_key(&self) -> Arc<dyn quinn::crypto::HmacKey> {
        let seed =
            Sha256::new().chain_update(b"couloir/v1 stateless reset").chain_update(&self.key[..]).finalize();
        Arc::new(aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &seed))
    }

    fn private(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.to_vec()))
    }

    /// For the side that connects: it knows whom it connects to.
    pub(super) fn client(&self, peer: Digest) -> Result<rustls::ClientConfig, Error> {
        let verifier = Arc::new(Pinned::new(Trust::Only(peer)));
        let config = rustls::ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_auth_cert(vec![self.certificate.clone()], self.private());
        config.map(|mut config| {
            config.alpn_protocols = vec![DIRECT_ALPN.to_vec()];
            config
        })
    }

    /// For the side that listens: before first contact a stranger is let in, afterwards the peer alone.
    pub(super) fn server(&self, peering: watch::Receiver<Peering>) -> Result<rustls::ServerConfig, Error> {
        let verifier = Arc::new(Pinned::new(Trust::Peer(peering)));
        let config = rustls::ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![self.certificate.clone()], self.private());
        config.map(|mut config| {
            config.alpn_protocols = vec![DIRECT_ALPN.to_vec()];
            config
        })
    }
}

/// For a relay whose certificate has a key of this hash.
pub(super) fn relay_client(pin: Digest) -> Arc<rustls::ClientConfig> {
    let verifier = Arc::new(Pinned::new(Trust::Only(pin)));
    let builder = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("the provider has TLS 1.3 suites");
    let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = rustls::client::Resumption::disabled();
    Arc::new(config)
}

/// The hash in `#pin=` of a relay's URL.
pub fn pin_of(url: &str) -> Option<Digest> {
    url_option(url, "pin")?.parse().ok()
}

/// SHA-256 of a certificate's public key, as SubjectPublicKeyInfo in DER.
pub(super) fn key_hash(certificate: &CertificateDer<'_>) -> Result<Digest, Error> {
    let spki = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
    Ok(Digest(Sha256::digest(&spki).into()))
}

/// What a failed handshake means for a route.
pub(super) fn trouble_of(error: &io::Error) -> RouteTrouble {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<Error>());
    match cause {
        Some(Error::InvalidCertificate(_)) => RouteTrouble::WrongCertificate,
        Some(_) => RouteTrouble::Malformed,
        None => RouteTrouble::Unreachable,
    }
}

/// Whose certificate is good.
#[derive(Debug)]
enum Trust {
    /// The one with this key.
    Only(Digest),
    /// The peer's; anybody's as long as the peer is unknown.
    Peer(watch::Receiver<Peering>),
}

/// Checks the key's hash and the handshake's signature, and nothing else of a certificate: names and
/// dates are the papers' business.
#[derive(Debug)]
struct Pinned {
    trust: Trust,
    provider: Arc<CryptoProvider>,
}

impl Pinned {
    fn new(trust: Trust) -> Pinned {
        Pinned { trust, provider: provider() }
    }

    fn check(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        let hash = key_hash(certificate)?;
        let is_good = match &self.trust {
            Trust::Only(pin) => hash == *pin,
            Trust::Peer(peering) => peering.borrow().peer.is_none_or(|peer| hash == peer),
        };
        let wrong = Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure);
        if is_good { Ok(()) } else { Err(wrong) }
    }
}

const NO_TLS12: Error = Error::PeerIncompatible(rustls::PeerIncompatible::Tls12NotOffered);

/// What both verifiers' traits ask for in the same words: TLS 1.3 alone, signatures as the library checks them.
macro_rules! signatures_of_tls13 {
    () => {
        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Err(NO_TLS12)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let algorithms = &self.provider.signature_verification_algorithms;
            rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.provider.signature_verification_algorithms.supported_schemes()
        }
    };
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check(certificate).map(|()| ServerCertVerified::assertion())
    }

    signatures_of_tls13!();
}

impl ClientCertVerifier for Pinned {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check(certificate).map(|()| ClientCertVerified::assertion())
    }

    signatures_of_tls13!();
}

fn provider() -> Arc<CryptoProvider> {
    let kx_groups = vec![provider_of_rustls::kx_group::X25519MLKEM768];
    Arc::new(CryptoProvider { kx_groups, ..provider_of_rustls::default_provider() })
}

/// The name in certificates and handshakes of direct routes: the same for everybody.
pub(super) const DIRECT_NAME: &str = "couloir";
const DIRECT_ALPN: &[u8] = b"couloir/1";
