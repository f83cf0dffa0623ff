//! Keys on this machine: what the passphrase opens, the node's own keys, officers' keys in files.
//!
//! A passphrase is stretched by Argon2id (RFC 9106, its second recommended choice: 64 MiB, three
//! passes) to a key that wraps a random secret in a small TOML file: the store's key in the home,
//! an officer's seeds in a file of their own. Changing the passphrase rewrites that file alone.

use std::io;
use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use couloir_seal::entropy::Entropy;
use couloir_seal::identity::SigningKey;
use couloir_seal::{Secret, Secret32};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::home::write_private;

/// What a person types, or a file holds. Never printed, wiped when dropped.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes over `text`; an empty one is refused.
    pub fn new(text: String) -> Result<Passphrase, KeyError> {
        let text = Zeroizing::new(text);
        if text.is_empty() { Err(KeyError::EmptyPassphrase) } else { Ok(Passphrase(text)) }
    }
}

/// The key that opens a store.
pub struct StoreKey(pub(crate) Secret32);

/// Why a key file could not be made or opened.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Nothing was typed.
    #[error("the passphrase is empty")]
    EmptyPassphrase,
    /// The passphrase does not open the file.
    #[error("the passphrase does not open {}", .0.display())]
    WrongPassphrase(PathBuf),
    /// The file is not one of ours, or was cut.
    #[error("{} is no key file, or is damaged", .0.display())]
    Damaged(PathBuf),
    /// The file cannot be read or written.
    #[error("{}: {}", .0.display(), .1)]
    File(PathBuf, io::Error),
    /// The machine has no memory for the stretching, or no entropy.
    #[error("the machine has not enough memory or entropy to open keys")]
    Machine,
}

/// Makes a new store key and the key file that `passphrase` opens.
pub fn create_store_key(path: &Path, passphrase: &Passphrase) -> Result<StoreKey, KeyError> {
    let key = Secret32::new(random()?);
    write_sealed(path, Kind::Store, passphrase, key.expose())?;
    Ok(StoreKey(key))
}

/// Opens the store key in the key file at `path`.
pub fn open_store_key(path: &Path, passphrase: &Passphrase) -> Result<StoreKey, KeyError> {
    let octets = read_sealed(path, Kind::Store, passphrase)?;
    let key = Secret32::from_slice(&octets).ok_or_else(|| KeyError::Damaged(path.to_path_buf()))?;
    Ok(StoreKey(key))
}

/// Lets `new` open the key file at `path` in place of `old`.
pub fn change_passphrase(path: &Path, old: &Passphrase, new: &Passphrase) -> Result<(), KeyError> {
    let key = open_store_key(path, old)?;
    write_sealed(path, Kind::Store, new, key.0.expose())
}

/// Writes an officer's signing key into a file of its own, which `passphrase` opens.
pub fn write_officer_key(path: &Path, key: &SigningKey, passphrase: &Passphrase) -> Result<(), KeyError> {
    write_sealed(path, Kind::Officer, passphrase, key.seeds().expose())
}

/// Opens an officer's signing key.
pub fn read_officer_key(path: &Path, passphrase: &Passphrase) -> Result<SigningKey, KeyError> {
    let octets = read_sealed(path, Kind::Officer, passphrase)?;
    let seeds = Secret::from_slice(&octets).ok_or_else(|| KeyError::Damaged(path.to_path_buf()))?;
    Ok(SigningKey::from_seeds(seeds))
}

/// Entropy of this machine, to seed engines and to draw ids.
pub fn machine_entropy() -> Result<Entropy, KeyError> {
    Ok(Entropy::from_seed(&Zeroizing::new(random::<32>()?)))
}

/// `N` octets from the operating system.
pub fn random<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut octets = [0; N];
    let flags = rustix::rand::GetRandomFlags::empty();
    match rustix::rand::getrandom(&mut octets, flags) {
        Ok(len) if len == N => Ok(octets),
        _ => Err(KeyError::Machine),
    }
}

/// What tells a passphrase without holding it: Argon2id over it, with its salt.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verifier {
    salt: String,
    hash: String,
}

impl Verifier {
    /// Of a passphrase.
    pub fn of(passphrase: &Passphrase) -> Result<Verifier, KeyError> {
        let salt = random::<SALT_LEN>()?;
        let hash = stretched(passphrase, &salt).ok_or(KeyError::Machine)?;
        Ok(Verifier { salt: hex(&salt), hash: hex(&hash[..]) })
    }

    /// Whether this is the passphrase.
    pub fn is(&self, typed: &Passphrase) -> bool {
        let hash = unhex(&self.salt).and_then(|salt| stretched(typed, &salt));
        hash.is_some_and(|hash| {
            aws_lc_rs::constant_time::verify_slices_are_equal(hex(&hash[..]).as_bytes(), self.hash.as_bytes())
                .is_ok()
        })
    }
}

fn stretched(passphrase: &Passphrase, salt: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(32)).ok()?;
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut hash = Zeroizing::new([0u8; 32]);
    argon.hash_password_into(passphrase.0.as_bytes(), salt, &mut hash[..]).ok()?;
    Some(hash)
}

/// What a sealed file holds; part of what its seal authenticates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Store,
    Officer,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Store => "store",
            Kind::Officer => "officer",
        }
    }
}

/// A key file. Octets are hexadecimal.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SealedFile {
    format: u8,
    holds: Kind,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: String,
    nonce: String,
    sealed: String,
}

fn write_sealed(path: &Path, kind: Kind, passphrase: &Passphrase, octets: &[u8]) -> Result<(), KeyError> {
    let (salt, nonce) = (random::<SALT_LEN>()?, random::<NONCE_LEN>()?);
    let mut file = SealedFile {
        format: FORMAT,
        holds: kind,
        memory_kib: MEMORY_KIB,
        passes: PASSES,
        lanes: LANES,
        salt: hex(&salt),
        nonce: hex(&nonce),
        sealed: String::new(),
    };
    let cipher = cipher(&file, passphrase, &salt).ok_or(KeyError::Machine)?;
    let payload = Payload { msg: octets, aad: kind.word().as_bytes() };
    file.sealed = hex(&cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| KeyError::Machine)?);
    let text = toml::to_string(&file).map_err(|_| KeyError::Machine)?;
    write_private(path, text.as_bytes()).map_err(|error| KeyError::File(path.to_path_buf(), error))
}

fn read_sealed(path: &Path, kind: Kind, passphrase: &Passphrase) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let damaged = || KeyError::Damaged(path.to_path_buf());
    let file = read_file(path, kind)?;
    let salt = unhex(&file.salt).ok_or_else(damaged)?;
    let nonce: [u8; NONCE_LEN] =
        unhex(&file.nonce).and_then(|octets| octets.try_into().ok()).ok_or_else(damaged)?;
    let sealed = unhex(&file.sealed).ok_or_else(damaged)?;
    let cipher = cipher(&file, passphrase, &salt).ok_or(KeyError::Machine)?;
    let payload = Payload { msg: &sealed, aad: kind.word().as_bytes() };
    let opened = cipher.decrypt(&XNonce::from(nonce), payload);
    opened.map(Zeroizing::new).map_err(|_| KeyError::WrongPassphrase(path.to_path_buf()))
}

fn read_file(path: &Path, kind: Kind) -> Result<SealedFile, KeyError> {
    let text = std::fs::read(path).map_err(|error| KeyError::File(path.to_path_buf(), error))?;
    let file = Some(text).filter(|text| text.len() <= FILE_OCTETS_MAX);
    let file = file.and_then(|text| toml::from_slice::<SealedFile>(&text).ok());
    let is_sane = |file: &SealedFile| {
        let is_payable = file.memory_kib <= MEMORY_KIB_MAX && file.passes <= PASSES_MAX;
        file.format == FORMAT && file.holds == kind && is_payable && file.lanes <= LANES_MAX
    };
    file.filter(is_sane).ok_or_else(|| KeyError::Damaged(path.to_path_buf()))
}

fn cipher(file: &SealedFile, passphrase: &Passphrase, salt: &[u8]) -> Option<XChaCha20Poly1305> {
    let params = Params::new(file.memory_kib, file.passes, file.lanes, Some(32)).ok()?;
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut key = Zeroizing::new([0u8; 32]);
    argon.hash_password_into(passphrase.0.as_bytes(), salt, &mut key[..]).ok()?;
    XChaCha20Poly1305::new_from_slice(&key[..]).ok()
}

/// Lower-case hexadecimal.
pub fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The octets of hexadecimal text; `None` if it is none.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let nibble = |digit: u8| (digit as char).to_digit(16).map(|value| value as u8);
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(nibble(*pair.first()?)? << 4 | nibble(*pair.get(1)?)?)).collect()
}

const FORMAT: u8 = 1;
/// RFC 9106 §4, second recommended option.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 4;
const SALT_LEN: usize = 16;
const NONCE_LEN: usize = 24;
/// What a key file may ask of this machine: 1 GiB, 16 passes, 16 lanes.
const MEMORY_KIB_MAX: u32 = 1024 * 1024;
const PASSES_MAX: u32 = 16;
const LANES_MAX: u32 = 16;
const FILE_OCTETS_MAX: usize = 4 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(text.to_owned()).expect("not empty")
    }

    #[test]
    fn only_the_passphrase_opens_the_store_key_and_it_can_change() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("key.toml");
        let key = create_store_key(&path, &passphrase("one")).expect("made");
        assert!(matches!(open_store_key(&path, &passphrase("two")), Err(KeyError::WrongPassphrase(_))));
        change_passphrase(&path, &passphrase("one"), &passphrase("two")).expect("changed");
        let again = open_store_key(&path, &passphrase("two")).expect("opens");
        assert_eq!(again.0, key.0);
        assert!(matches!(open_store_key(&path, &passphrase("one")), Err(KeyError::WrongPassphrase(_))));
    }

    #[test]
    fn a_key_file_of_another_kind_or_cut_short_is_damaged() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("key.toml");
        create_store_key(&path, &passphrase("one")).expect("made");
        assert!(matches!(read_officer_key(&path, &passphrase("one")), Err(KeyError::Damaged(_))));
        let text = std::fs::read(&path).expect("readable");
        std::fs::write(&path, &text[..text.len() / 2]).expect("writable");
        assert!(matches!(open_store_key(&path, &passphrase("one")), Err(KeyError::Damaged(_))));
    }

    #[test]
    fn an_officers_key_signs_the_same_after_its_file() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("officer-1.key");
        let key = SigningKey::generate(&mut machine_entropy().expect("entropy"));
        write_officer_key(&path, &key, &passphrase("one")).expect("written");
        let again = read_officer_key(&path, &passphrase("one")).expect("opens");
        assert_eq!(again.public(), key.public());
    }

    #[test]
    fn hexadecimal_is_strict() {
        assert_eq!(unhex("00ff"), Some(vec![0, 255]));
        assert_eq!((unhex("0"), unhex("zz")), (None, None));
        assert_eq!(hex(&[0, 255]), "00ff");
    }
}
