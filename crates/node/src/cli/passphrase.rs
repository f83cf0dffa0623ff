//! The passphrase: by file or by prompt, never by an argument.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::home_args::HomeArgs;
use crate::keys::Passphrase;
use crate::words::{Code, Failure, Outcome};

/// The passphrase of an existing home.
pub fn existing(args: &HomeArgs) -> Outcome<Passphrase> {
    let typed = match file_of(args) {
        Some(path) => from_file(&path)?,
        None => ask("Passphrase: ")?,
    };
    sealed(&typed)
}

/// The passphrase of an officer's key, which at a terminal may be another than that of the home.
pub fn of_key(path: &Path, args: &HomeArgs) -> Outcome<Passphrase> {
    let typed = match file_of(args) {
        Some(file) => from_file(&file)?,
        None => ask(&format!("Passphrase of {}: ", path.display()))?,
    };
    sealed(&typed)
}

/// A passphrase for a new officer's key: asked for twice.
pub fn chosen_for_key(path: &Path, args: &HomeArgs) -> Outcome<Passphrase> {
    twice(&format!("New passphrase of {}: ", path.display()), args)
}

/// A passphrase for a new home: asked for twice.
pub fn chosen(args: &HomeArgs) -> Outcome<Passphrase> {
    twice("New passphrase: ", args)
}

fn twice(words: &str, args: &HomeArgs) -> Outcome<Passphrase> {
    if let Some(path) = file_of(args) {
        return sealed(&from_file(&path)?);
    }
    let first = ask(words)?;
    let second = ask("The same again: ")?;
    if *first != *second {
        return Err(Failure::usage("the two passphrases differ", "repeat the command"));
    }
    sealed(&first)
}

/// What a person of the post is known by: from a file, or typed.
pub fn of_person(file: Option<&Path>, name: &str) -> Outcome<Zeroizing<String>> {
    file.map_or_else(|| ask(&format!("Passphrase of {name}: ")), from_file)
}

/// A passphrase, not empty.
pub fn sealed(text: &str) -> Outcome<Passphrase> {
    Ok(Passphrase::new(text.to_owned())?)
}

fn file_of(args: &HomeArgs) -> Option<PathBuf> {
    let named = || std::env::var_os(FILE_VARIABLE).filter(|name| !name.is_empty());
    args.passphrase_file.clone().or_else(|| named().map(PathBuf::from))
}

fn from_file(path: &Path) -> Outcome<Zeroizing<String>> {
    let file = File::open(path).map_err(|error| Failure::io(path, &error))?;
    // Reserved in full, so that no copy is left behind by growing.
    let mut text = Zeroizing::new(String::with_capacity(OCTETS_MAX + 1));
    file.take(OCTETS_MAX as u64 + 1).read_to_string(&mut text).map_err(|error| Failure::io(path, &error))?;
    let line = text.lines().next().unwrap_or_default();
    checked(Zeroizing::new(line.to_owned()))
}

fn ask(words: &str) -> Outcome<Zeroizing<String>> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(
            "no passphrase was given and there is no terminal to ask at",
            "name a file: --passphrase-file FILE, or COULOIR_PASSPHRASE_FILE",
        ));
    }
    let typed = rpassword::prompt_password(words).map_err(|error| {
        Failure::new(
            Code::Failed,
            format!("the terminal cannot be read: {error}"),
            "use --passphrase-file FILE",
        )
    })?;
    checked(Zeroizing::new(typed))
}

fn checked(text: Zeroizing<String>) -> Outcome<Zeroizing<String>> {
    match text.len() {
        0 => Err(Failure::usage("the passphrase is empty", "choose one of several words")),
        len if len > OCTETS_MAX => {
            Err(Failure::usage("the passphrase is longer than 1,024 octets", "choose a shorter one"))
        }
        _ => Ok(text),
    }
}

/// Names the passphrase's file where `--passphrase-file` does not.
const FILE_VARIABLE: &str = "COULOIR_PASSPHRASE_FILE";
/// More than anybody types, and all that is read of a file.
const OCTETS_MAX: usize = 1024;
