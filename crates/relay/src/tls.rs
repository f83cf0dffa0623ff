//! The relay's certificate and its TLS: version 1.3 only, X25519MLKEM768 before all else.
//!
//! Nodes know a relay by its *pin*, SHA-256 of the certificate's SubjectPublicKeyInfo, so a
//! self-signed certificate is as good as any. There are no tickets and no early data: every
//! connection is a full handshake, alike for everybody.

use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use couloir_wire::id::Digest as Pin;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::{self, kx_group};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, ParsedCertificate};
use sha2::{Digest, Sha256};

/// Where the certificate comes from.
#[derive(Debug, Clone)]
pub enum CertificateSource {
    /// PEM files of the operator's: the chain, leaf first, and its key.
    Files {
        /// The chain.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// One of the relay's own, made at the first start and kept in this folder.
    Own(PathBuf),
}

/// Why there is no TLS. The operator is to blame, or the disk.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or written.
    #[error("{} cannot be used ({source}); check that it exists and who may read it", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file holds no PEM of the expected kind.
    #[error("{} holds no {what} in PEM; name the right file", .path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is missing.
        what: &'static str,
    },
    /// Certificate and key do not make a server.
    #[error("certificate and key cannot be used together ({0}); check that they belong to each other")]
    Unusable(#[from] rustls::Error),
    /// No certificate could be made.
    #[error("no certificate could be made ({0}); report this with the version of couloir-relay")]
    Make(#[from] rcgen::Error),
}

/// The server's TLS configuration and the pin that nodes know it by.
pub fn configure(source: &CertificateSource) -> Result<(Arc<ServerConfig>, Pin), TlsError> {
    let (chain, key) = load(source)?;
    let leaf = chain.first().ok_or(rustls::Error::NoCertificatesPresented)?;
    let public_key = ParsedCertificate::try_from(leaf)?.subject_public_key_info();
    let pin = Pin(Sha256::digest(&public_key).into());
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups = vec![kx_group::X25519MLKEM768, kx_group::X25519, kx_group::SECP256R1];
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok((Arc::new(config), pin))
}

type ChainAndKey = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn load(source: &CertificateSource) -> Result<ChainAndKey, TlsError> {
    match source {
        CertificateSource::Files { certificate, key } => Ok((read_chain(certificate)?, read_key(key)?)),
        CertificateSource::Own(folder) => {
            let path = folder.join(OWN_FILE);
            if !path.exists() {
                make_own(folder, &path)?;
            }
            Ok((read_chain(&path)?, read_key(&path)?))
        }
    }
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = read(path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let missing = || TlsError::Pem { path: path.to_owned(), what: "certificate" };
    chain.ok().filter(|chain| !chain.is_empty()).ok_or_else(missing)
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let key = PrivateKeyDer::from_pem_slice(&read(path)?);
    key.map_err(|_| TlsError::Pem { path: path.to_owned(), what: "private key" })
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Io { path: path.to_owned(), source })
}

/// Certificate and key of the relay's own, in the data folder.
const OWN_FILE: &str = "tls.pem";

/// Makes a certificate and puts it at `path` in one step: a crash leaves none or a whole one.
fn make_own(folder: &Path, path: &Path) -> Result<(), TlsError> {
    let key = rcgen::KeyPair::generate()?;
    let mut params = rcgen::CertificateParams::new(vec!["couloir-relay".to_owned()])?;
    params.distinguished_name.push(rcgen::DnType::CommonName, "couloir-relay");
    let pem = params.self_signed(&key)?.pem() + &key.serialize_pem();
    let half = folder.join("tls.pem.new");
    write_durably(&half, pem.as_bytes())
        .and_then(|()| std::fs::rename(&half, path))
        .and_then(|()| std::fs::File::open(folder)?.sync_all())
        .map_err(|source| TlsError::Io { path: path.to_owned(), source })
}

fn write_durably(path: &Path, octets: &[u8]) -> io::Result<()> {
    let mut options = std::fs::File::options();
    let options = options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(path)?;
    io::Write::write_all(&mut file, octets)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_keeps_its_own_certificate_and_shows_its_key_to_nobody_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let source = CertificateSource::Own(folder.path().to_owned());
        let (_, first) = configure(&source).expect("a certificate");
        let (_, second) = configure(&source).expect("the same certificate");
        assert_eq!(first, second);
        let mode =
            std::os::unix::fs::MetadataExt::mode(&folder.path().join(OWN_FILE).metadata().expect("a file"));
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn files_without_pem_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("empty");
        std::fs::write(&path, "nothing").expect("written");
        let source = CertificateSource::Files { certificate: path.clone(), key: path.clone() };
        let error = configure(&source).expect_err("no certificate").to_string();
        assert!(error.contains("empty holds no certificate"), "{error}");
    }
}
