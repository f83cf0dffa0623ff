//! The one place where errors become words for people: what is wrong, what to do next, exit code.

use std::fmt;
use std::io;

use couloir_engine::{RecoverError, Refusal};
use couloir_seal::invitation::InvitationError;
use couloir_wire::text::TextError;
use serde::{Deserialize, Serialize};

use crate::home::HomeError;
use crate::keys::KeyError;
use crate::routes::RoutesError;
use crate::shell::{HandleError, HostError, StartError};
use crate::store::{FileError, StoreError};

/// Exit codes, for scripts. They are documented in `docs/CLI.md` and never change meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum Code {
    /// The machine, a file or a folder stood in the way.
    Failed = 1,
    /// The command makes no sense as given.
    Usage = 2,
    /// Policy forbids it: not verified, another side's invitation, a charter that does not allow it.
    Refused = 3,
    /// The peer answers on no route.
    OutOfReach = 4,
    /// It works, and something needs attention.
    Degraded = 5,
    /// A signature, hash or stored state is not what it must be.
    Integrity = 6,
    /// Not now: the same command may work later.
    TryAgain = 75,
}

impl Code {
    /// All, with what each means.
    pub const ALL: [(Code, &'static str); 7] = [
        (Code::Failed, "failed: the machine, a file or a folder stood in the way"),
        (Code::Usage, "usage: the command makes no sense as given"),
        (Code::Refused, "refused: not verified yet, or not permitted"),
        (Code::OutOfReach, "the peer is out of reach on all routes"),
        (Code::Degraded, "degraded: it works, and something needs attention"),
        (Code::Integrity, "integrity: a signature, hash or stored state is wrong"),
        (Code::TryAgain, "not now: the same command may work later"),
    ];
}

impl From<Code> for u8 {
    fn from(code: Code) -> u8 {
        code as u8
    }
}

impl TryFrom<u8> for Code {
    type Error = String;
    fn try_from(number: u8) -> Result<Code, String> {
        let known = Code::ALL.iter().find(|(code, _)| *code as u8 == number);
        known.map(|(code, _)| *code).ok_or_else(|| format!("no exit code {number}"))
    }
}

/// Why a command did not do what was asked, for a person and for a script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What is wrong: one sentence without its full stop.
    pub what: String,
    /// What to do: one sentence without its full stop, or the command to type.
    pub next: String,
    /// The exit code.
    pub code: Code,
    /// Whether the answer that was given already says so to programs.
    #[serde(skip)]
    pub is_answered: bool,
}

/// What a verb ends with.
pub type Outcome<T = ()> = Result<T, Failure>;

/// What the node answered is no answer.
pub fn unreadable_answer(error: &serde_json::Error) -> Failure {
    Failure::later(format!("the node's answer is unreadable: {error}"), "restart couloir run")
}

impl Failure {
    /// A failure in words.
    pub fn new(code: Code, what: impl Into<String>, next: impl Into<String>) -> Failure {
        Failure { what: what.into(), next: next.into(), code, is_answered: false }
    }

    /// The same, after an answer that already says so to programs.
    pub fn answered(self) -> Failure {
        Failure { is_answered: true, ..self }
    }

    /// The command makes no sense as given.
    pub fn usage(what: impl Into<String>, next: impl Into<String>) -> Failure {
        Failure::new(Code::Usage, what, next)
    }

    /// Policy forbids it.
    pub fn refused(what: impl Into<String>, next: impl Into<String>) -> Failure {
        Failure::new(Code::Refused, what, next)
    }

    /// Not now.
    pub fn later(what: impl Into<String>, next: impl Into<String>) -> Failure {
        Failure::new(Code::TryAgain, what, next)
    }

    /// Reading or writing `path` failed.
    pub fn io(path: &std::path::Path, error: &io::Error) -> Failure {
        Failure::new(Code::Failed, format!("{}: {}", path.display(), cause_of(error)), remedy_of(error))
    }

    /// A name that people will read is not acceptable.
    pub fn name(what: &str, error: &TextError) -> Failure {
        Failure::usage(
            format!("the {what} is refused: {error}"),
            "choose a plain name of 1 to 100 characters",
        )
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.next)
    }
}

/// The system's own words; those of a library would name files that nobody asked for.
fn cause_of(error: &io::Error) -> String {
    match (error.raw_os_error(), error.kind()) {
        (None, io::ErrorKind::AlreadyExists) => "it exists already".to_owned(),
        (None, io::ErrorKind::NotFound) => "there is no such folder".to_owned(),
        (None, io::ErrorKind::PermissionDenied) => "this user may not write there".to_owned(),
        (None, io::ErrorKind::StorageFull) => "the disk is full".to_owned(),
        (None, io::ErrorKind::ReadOnlyFilesystem) => "the file system is read-only".to_owned(),
        (None, io::ErrorKind::InvalidData) => "it is not valid UTF-8".to_owned(),
        _ => error.to_string(),
    }
}

fn remedy_of(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "check the path",
        io::ErrorKind::PermissionDenied => "check who owns it and its mode",
        io::ErrorKind::AlreadyExists => "choose another path, or move what is there away",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make space and repeat the command",
        io::ErrorKind::IsADirectory => "name a file",
        io::ErrorKind::InvalidData => "name the right file",
        io::ErrorKind::ReadOnlyFilesystem => "make it writable, or choose another path",
        _ => "look after the disk, then repeat the command",
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        match refusal {
            Refusal::NoChannel => Failure::refused(
                "there is no channel with a peer yet",
                "create one (couloir channel create, couloir invite) or join one (couloir join)",
            ),
            Refusal::NotVerified => Failure::refused(
                "the phrase has not been compared",
                "read it to each other (couloir phrase), then: couloir verify; or keep the entry until then: --when-verified",
            ),
            Refusal::Frozen => {
                Failure::refused("the link is frozen", "see why with couloir doctor, which says what to do")
            }
            Refusal::Unacceptable(why) => {
                Failure::usage(format!("it cannot be said: {why}"), "change it and repeat")
            }
            Refusal::Charter(why) => {
                Failure::refused(format!("the charter does not allow it: {why}"), "see couloir charter show")
            }
            Refusal::Replaced => Failure::refused(
                "this post has passed to another node",
                "say it there; this one ends once the other desk has all that was said here",
            ),
            Refusal::NoSuchEntry => {
                Failure::usage("there is no such entry", "see the ids in couloir log --json")
            }
            Refusal::NoSuchConversation => {
                Failure::usage("there is no such conversation", "see couloir conversation list")
            }
            Refusal::TooMany => Failure::refused(
                "the channel holds as many conversations as it may",
                "go on in one of them: couloir conversation list",
            ),
        }
    }
}

impl From<HandleError> for Failure {
    fn from(error: HandleError) -> Failure {
        match error {
            HandleError::Refused(refusal) => refusal.into(),
            HandleError::StoreFailed(why) => {
                Failure::later(why, "look after the disk, then repeat the command")
            }
            HandleError::Stopped => Failure::later("the node is stopping", "repeat the command"),
        }
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Failure {
        match error {
            HostError::Store(error) => error.into(),
            HostError::Recover(error) => error.into(),
            HostError::Keys(error) => error.into(),
            HostError::NoSigningKey => Failure::new(
                Code::Integrity,
                "the node's signing key is not in the store",
                "restore a backup: couloir restore FILE --home NEWDIR",
            ),
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Failure {
        match error {
            StartError::Host(error) => error.into(),
            StartError::Routes(error) => error.into(),
            StartError::Machine(cause) => Failure::new(
                Code::Failed,
                format!("the machine gives no thread or timer: {cause}"),
                remedy_of(&cause),
            ),
        }
    }
}

impl From<RoutesError> for Failure {
    fn from(error: RoutesError) -> Failure {
        let what = error.to_string();
        Failure::new(Code::Failed, what, "correct routes.toml in the home, or see couloir charter show")
    }
}

impl From<RecoverError> for Failure {
    fn from(error: RecoverError) -> Failure {
        if let RecoverError::NotCertified { .. } = error {
            return Failure::refused(
                error.to_string(),
                "couloir side request --out FILE, couloir side certify FILE --officer FILE, couloir side adopt FILE",
            );
        }
        Failure::new(Code::Integrity, error.to_string(), "couloir restore FILE --home NEWDIR")
    }
}

impl From<HomeError> for Failure {
    fn from(error: HomeError) -> Failure {
        let what = error.to_string();
        match error {
            HomeError::Exists(_) => Failure::new(Code::Failed, what, "choose another folder: --home DIR"),
            HomeError::Absent(_) => Failure::new(Code::Failed, what, "make one: couloir init --home DIR"),
            HomeError::Open(folder) => {
                Failure::new(Code::Failed, what, format!("close it: chmod 700 {}", folder.display()))
            }
            HomeError::Busy(_) => {
                Failure::later(what, "wait until it has ended, or stop the node that runs there")
            }
            HomeError::Folder(_, cause) => Failure::new(Code::Failed, what, remedy_of(&cause)),
        }
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Failure {
        let what = error.to_string();
        match error {
            KeyError::EmptyPassphrase => Failure::usage(what, "choose one of several words"),
            KeyError::WrongPassphrase(_) => Failure::new(Code::Failed, what, "repeat with the right one"),
            KeyError::Damaged(_) => {
                Failure::new(Code::Integrity, what, "restore it: couloir restore FILE --home NEWDIR")
            }
            KeyError::File(_, cause) => Failure::new(Code::Failed, what, remedy_of(&cause)),
            KeyError::Machine => Failure::later(what, "close other programs and repeat"),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        let what = error.to_string();
        match error {
            StoreError::WrongKey(_) | StoreError::Damaged(_) => {
                Failure::new(Code::Integrity, what, "restore a backup: couloir restore FILE --home NEWDIR")
            }
            StoreError::Newer(_) => Failure::new(Code::Failed, what, "install the version that wrote it"),
            StoreError::Full => {
                Failure::new(Code::Failed, what, "make space and repeat; nothing said before is lost")
            }
            StoreError::SyncFailed => Failure::new(
                Code::Failed,
                what,
                "look after the disk, then start again; nothing said before is lost",
            ),
            StoreError::Busy => Failure::later(what, "repeat the command"),
            StoreError::Database(_) => Failure::new(Code::Failed, what, "couloir doctor"),
            StoreError::File(_, cause) => Failure::new(Code::Failed, what, remedy_of(&cause)),
        }
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Failure {
        let what = error.to_string();
        match error {
            FileError::TooLong => Failure::usage(what, "cut it into parts of at most 1 GiB"),
            FileError::NoFile => Failure::usage(what, "see the ids in couloir log"),
            FileError::Incomplete { .. } => Failure::later(what, "wait; couloir status shows the progress"),
            FileError::WrongHash => Failure::new(Code::Integrity, what, "ask its author to send it again"),
            FileError::Outside(path, cause) => Failure::io(&path, &cause),
            FileError::Store(cause) => cause.into(),
        }
    }
}

impl From<InvitationError> for Failure {
    fn from(error: InvitationError) -> Failure {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        let what = format!("{error}{cause}");
        match error {
            InvitationError::NotAnInvitation => {
                Failure::usage(what, "name the file that couloir invite wrote")
            }
            InvitationError::Damaged => Failure::new(Code::Integrity, what, "then repeat the command"),
            InvitationError::Format(_) | InvitationError::Paper(_) => {
                Failure::new(Code::Integrity, what, "do not use it; ask the inviting side for another one")
            }
            InvitationError::Expired => Failure::refused(what, "the other side makes one: couloir invite"),
            InvitationError::OtherSide { .. } => {
                Failure::refused(what, "ask for one that names this side exactly: couloir invite --for SIDE")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives_its_number() {
        for (code, _) in Code::ALL {
            assert_eq!(Code::try_from(u8::from(code)), Ok(code));
        }
        assert!(Code::try_from(77).is_err());
    }
}
