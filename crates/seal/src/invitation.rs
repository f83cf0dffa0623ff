//! The invitation's file, and what is checked before anybody acts on it (PROTOCOL §3.6).
//!
//! The file is a line that says what it is, a SHA-256 that shows damage on the way, and the invitation.
//! It is trusted because of who carried it; what its signatures add is that it was not changed.

use couloir_wire::cbor;
use couloir_wire::papers::{self, Invitation, PAPER_OCTETS_MAX, PaperFormatError};
use couloir_wire::time::WallTime;
use zeroize::Zeroizing;

use crate::kdf::sha256;
use crate::papers::{PaperError, verify_certificate, verify_first_charter};

/// Octets of an invitation's file: a full invitation, its line and its checksum.
pub const INVITATION_FILE_OCTETS_MAX: usize = 256 * 1024;

const MAGIC: &[u8] = b"couloir invitation 1\n";
const _: () = assert!(MAGIC.len() + 32 + PAPER_OCTETS_MAX < INVITATION_FILE_OCTETS_MAX);

/// Why an invitation cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvitationError {
    /// The file is something else (operator).
    #[error("this file is not an invitation")]
    NotAnInvitation,
    /// The file was cut or changed on its way (operator).
    #[error("the invitation is damaged; have it copied or sent again")]
    Damaged,
    /// It is whole, and not what an invitation must be (inviter).
    #[error("the invitation is malformed: {0}")]
    Format(PaperFormatError),
    /// A paper in it does not hold (inviter, or whoever carried it).
    #[error("a paper in the invitation does not hold")]
    Paper(#[source] PaperError),
    /// It is past its time (operator).
    #[error("the invitation has expired; ask for a new one")]
    Expired,
    /// It names another side (operator).
    #[error("the invitation is for {named:?}, not for this side")]
    OtherSide {
        /// The side it names.
        named: String,
    },
}

/// The file's octets. They hold the one-time secret.
pub fn write(invitation: &Invitation) -> Zeroizing<Vec<u8>> {
    let body = Zeroizing::new(cbor::encode(invitation));
    Zeroizing::new([MAGIC, &sha256(&[&body]), &body].concat())
}

/// The invitation in a file, its certificate and its charter checked against its own signet.
pub fn read(file: &[u8]) -> Result<Invitation, InvitationError> {
    let rest = file.strip_prefix(MAGIC).ok_or(InvitationError::NotAnInvitation)?;
    let (sum, body) = rest.split_first_chunk::<32>().ok_or(InvitationError::Damaged)?;
    if sha256(&[body]) != *sum {
        return Err(InvitationError::Damaged);
    }
    let invitation: Invitation = papers::read(body).map_err(InvitationError::Format)?;
    verify_certificate(&invitation.certificate, &invitation.signet).map_err(InvitationError::Paper)?;
    let charter =
        verify_first_charter(&invitation.charter, &invitation.signet).map_err(InvitationError::Paper)?;
    if charter.get().invitation != invitation.id {
        let mismatch = PaperError::Mismatch { paper: "charter", field: "invitation" };
        return Err(InvitationError::Paper(mismatch));
    }
    Ok(invitation)
}

/// Whether the side called `side` may use the invitation at `now`.
pub fn check_usable(invitation: &Invitation, side: &str, now: WallTime) -> Result<(), InvitationError> {
    if invitation.expires() <= now {
        return Err(InvitationError::Expired);
    }
    match invitation.for_side() {
        Some(named) if named != side => Err(InvitationError::OtherSide { named: named.to_owned() }),
        _ => Ok(()),
    }
}
