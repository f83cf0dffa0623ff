//! Which papers hold: signatures of officers, m of n, and how papers refer to each other
//! (PROTOCOL §3).
//!
//! Every signature that a paper carries must hold, be by an officer of a side concerned, and enough
//! distinct officers of each must have signed. One bad signature refuses the paper: whoever carried it
//! cannot smuggle anything along.

use couloir_wire::cbor;
use couloir_wire::id::{Digest, SideId};
use couloir_wire::papers::{
    Acceptance, Certificate, Charter, Invited, Paper, PaperSignature, Revocation, Signed, SignedAcceptance,
    SignedCertificate, SignedCharter, SignedRevocation, Signet,
};
use couloir_wire::route::RouteSpec;

use crate::identity::{Context, SigningKey, is_signed};
use crate::kdf::sha256;
use crate::proof::Authentic;

/// A kind of paper that officers sign.
pub trait Signable: Paper {
    /// The context of its signatures.
    const CONTEXT: Context;
}

impl Signable for Certificate {
    const CONTEXT: Context = Context::Certificate;
}
impl Signable for Revocation {
    const CONTEXT: Context = Context::Revocation;
}
impl Signable for Charter {
    const CONTEXT: Context = Context::Charter;
}
impl Signable for Acceptance {
    const CONTEXT: Context = Context::Acceptance;
}

/// Why a paper does not hold (the peer, or whoever carried the paper).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PaperError {
    /// It is by another side than the one it is checked against.
    #[error("the {paper} is by another side")]
    OtherSide {
        /// Which paper.
        paper: &'static str,
    },
    /// A signature is by nobody who may sign it.
    #[error("the {paper} carries a signature of somebody who is no officer of a side concerned")]
    Stranger {
        /// Which paper.
        paper: &'static str,
    },
    /// A signature does not hold.
    #[error("the {paper} carries a signature of officer {officer} that does not hold")]
    Signature {
        /// Which paper.
        paper: &'static str,
        /// The officer's place in the signet.
        officer: u8,
    },
    /// Too few officers of a side have signed.
    #[error("the {paper} is signed by {signed} of the {needed} officers needed")]
    TooFew {
        /// Which paper.
        paper: &'static str,
        /// Officers who signed.
        signed: usize,
        /// Officers who must sign.
        needed: usize,
    },
    /// It does not belong to the paper that it must refer to.
    #[error("the {paper} has another {field} than it must have")]
    Mismatch {
        /// Which paper.
        paper: &'static str,
        /// What differs.
        field: &'static str,
    },
}

/// The id of a side: SHA-256 of its signet's encoding.
pub fn side_id(signet: &Signet) -> SideId {
    SideId(sha256(&[&cbor::encode(signet)]))
}

/// SHA-256 of what was signed: how papers refer to each other.
pub fn digest<T: Paper>(signed: &Signed<T>) -> Digest {
    Digest(sha256(&[signed.octets()]))
}

/// Adds the signature of `side`'s officer number `officer`.
pub fn sign<T: Signable>(signed: &mut Signed<T>, side: SideId, officer: u8, key: &SigningKey) {
    let signature = key.sign(T::CONTEXT, signed.octets());
    signed.add(PaperSignature { side, officer, signature });
}

/// The certificate, if its side's officers signed it.
pub fn verify_certificate(
    signed: &SignedCertificate,
    signet: &Signet,
) -> Result<Authentic<Certificate>, PaperError> {
    check_that::<Certificate>(signed.unverified().side == side_id(signet))?;
    verify(signed, &[signet])
}

/// The revocation, if its side's officers signed it.
pub fn verify_revocation(
    signed: &SignedRevocation,
    signet: &Signet,
) -> Result<Authentic<Revocation>, PaperError> {
    check_that::<Revocation>(signed.unverified().side == side_id(signet))?;
    verify(signed, &[signet])
}

/// The first version of a charter, if the inviting side's officers signed it.
pub fn verify_first_charter(
    signed: &SignedCharter,
    inviter: &Signet,
) -> Result<Authentic<Charter>, PaperError> {
    check_that::<Charter>(signed.unverified().inviter == side_id(inviter))?;
    must_match::<Charter>(signed.unverified().version == 1, "version")?;
    verify(signed, &[inviter])
}

/// The next version of a charter, if both sides' officers signed it and it follows `current`.
pub fn verify_successor(
    signed: &SignedCharter,
    current: &SignedCharter,
    inviter: &Signet,
    invited: &Signet,
) -> Result<Authentic<Charter>, PaperError> {
    check_follows(signed.unverified(), current)?;
    check_that::<Charter>(signed.unverified().inviter == side_id(inviter))?;
    check_that::<Charter>(signed.unverified().invited == Invited::Known(side_id(invited)))?;
    verify(signed, &[inviter, invited])
}

/// The acceptance, if the side that it names signed it, certified its post, is the one that the
/// charter names, and means this charter. With it the certificate inside, which holds too.
pub fn verify_acceptance(
    signed: &SignedAcceptance,
    charter: &SignedCharter,
) -> Result<(Authentic<Acceptance>, Authentic<Certificate>), PaperError> {
    let acceptance = signed.unverified();
    must_match::<Acceptance>(acceptance.charter == digest(charter), "charter")?;
    let named = Invited::Named(acceptance.signet.name.clone());
    must_match::<Acceptance>(charter.unverified().invited == named, "side's name")?;
    check_that::<Acceptance>(charter.unverified().inviter != side_id(&acceptance.signet))?;
    let certificate = verify_certificate(&acceptance.certificate, &acceptance.signet)?;
    Ok((verify(signed, &[&acceptance.signet])?, certificate))
}

fn check_follows(next: &Charter, current: &SignedCharter) -> Result<(), PaperError> {
    let previous = current.unverified();
    let is_next = previous.version.checked_add(1) == Some(next.version);
    must_match::<Charter>(is_next, "version")?;
    must_match::<Charter>(next.previous == Some(digest(current)), "version before it")?;
    must_match::<Charter>(next.channel == previous.channel, "channel")?;
    must_match::<Charter>(next.inviter == previous.inviter, "inviter")?;
    must_match::<Charter>(next.invitation == previous.invitation, "invitation")?;
    must_match::<Charter>(next.turns == previous.turns && next.live_ms == previous.live_ms, "schedule")?;
    let is_kept = |old: &RouteSpec| next.routes.iter().any(|new| is_same_route(old, new));
    must_match::<Charter>(previous.routes.iter().all(is_kept), "route under an old id")
}

/// A route's parameters never change; it can only be retired, once.
fn is_same_route(old: &RouteSpec, new: &RouteSpec) -> bool {
    let may_retire = old.retired_ms.is_none() || old.retired_ms == new.retired_ms;
    may_retire && RouteSpec { retired_ms: old.retired_ms, ..new.clone() } == *old
}

fn verify<T: Signable + Clone>(signed: &Signed<T>, signets: &[&Signet]) -> Result<Authentic<T>, PaperError> {
    let sides: Vec<(SideId, &Signet)> = signets.iter().map(|signet| (side_id(signet), *signet)).collect();
    let is_concerned = |signature: &PaperSignature| sides.iter().any(|(side, _)| *side == signature.side);
    if !signed.signatures().iter().all(is_concerned) {
        return Err(PaperError::Stranger { paper: T::WORD });
    }
    for (side, signet) in sides {
        check_officers(signed, side, signet)?;
    }
    Ok(Authentic::mint(signed.unverified().clone()))
}

/// Officers are distinct because a signed paper holds each at most once.
fn check_officers<T: Signable>(signed: &Signed<T>, side: SideId, signet: &Signet) -> Result<(), PaperError> {
    let mut count = 0;
    for signature in signed.signatures().iter().filter(|signature| signature.side == side) {
        let officer = signature.officer;
        let key = signet.officers.get(usize::from(officer));
        let key = key.ok_or(PaperError::Stranger { paper: T::WORD })?;
        if !is_signed(key, T::CONTEXT, signed.octets(), &signature.signature) {
            return Err(PaperError::Signature { paper: T::WORD, officer });
        }
        count += 1;
    }
    let needed = usize::from(signet.threshold);
    if count < needed {
        return Err(PaperError::TooFew { paper: T::WORD, signed: count, needed });
    }
    Ok(())
}

fn check_that<T: Paper>(is_same_side: bool) -> Result<(), PaperError> {
    is_same_side.then_some(()).ok_or(PaperError::OtherSide { paper: T::WORD })
}

fn must_match<T: Paper>(is_so: bool, field: &'static str) -> Result<(), PaperError> {
    is_so.then_some(()).ok_or(PaperError::Mismatch { paper: T::WORD, field })
}
