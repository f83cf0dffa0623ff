//! The channel's papers, as commands read them.

use couloir_engine::StateKey;
use couloir_engine::channel::ChannelState;
use couloir_wire::papers::{
    self, Charter, PaperFormatError, Signed, SignedAcceptance, SignedCertificate, SignedCharter, Signet,
};

use crate::keys::{hex, unhex};
use crate::store::Reader;
use crate::words::{Code, Failure, Outcome};

/// What the store keeps of the channel.
pub fn channel_of(reader: &Reader) -> Outcome<ChannelState> {
    let octets = reader.state(StateKey::Channel)?;
    octets
        .and_then(|octets| ChannelState::decode(&octets).ok())
        .ok_or_else(|| damaged("the channel's papers"))
}

/// The same without its secrets, for a command on the other side of the socket.
pub fn without_secrets(channel: &ChannelState) -> String {
    let mut public = channel.clone();
    public.invitation = None;
    hex(&public.encode())
}

/// Reverses [`without_secrets`].
pub fn from_hex(text: &str) -> Outcome<ChannelState> {
    unhex(text)
        .and_then(|octets| ChannelState::decode(&octets).ok())
        .ok_or_else(|| damaged("the node's answer"))
}

/// The parties and the charter in force, read from a [`ChannelState`].
pub struct Agreed {
    /// Our side's signet.
    pub own: Signet,
    /// Our post's certificate.
    pub own_certificate: SignedCertificate,
    /// The other side's signet and certificate, once it is known.
    pub peer: Option<(Signet, SignedCertificate)>,
    /// The newest charter version in force.
    pub charter: Option<SignedCharter>,
    /// A version that waits for the other side's signature, or for ours.
    pub proposed: Option<SignedCharter>,
}

impl Agreed {
    /// Reads the papers. They were checked when they came.
    pub fn of(channel: &ChannelState) -> Outcome<Agreed> {
        let charter = channel.amendments.last().or(channel.charter.as_ref());
        Ok(Agreed {
            own: papers::read(&channel.own_signet).map_err(unreadable)?,
            own_certificate: Signed::decode(&channel.own_certificate).map_err(unreadable)?,
            peer: peer_of(channel)?,
            charter: charter.map(|paper| Signed::decode(&paper.0)).transpose().map_err(unreadable)?,
            proposed: channel
                .proposed
                .as_ref()
                .map(|paper| Signed::decode(&paper.0))
                .transpose()
                .map_err(unreadable)?,
        })
    }

    /// The charter in force, or the sentence that there is none.
    pub fn charter(&self) -> Outcome<&SignedCharter> {
        self.charter.as_ref().ok_or_else(|| {
            Failure::refused(
                "there is no charter yet",
                "create a channel and invite, or join: couloir channel create",
            )
        })
    }
}

/// Whether we joined by an invitation that the inviting side's node has not answered yet.
pub fn is_joining(channel: &ChannelState) -> bool {
    channel.invitation.as_ref().is_some_and(|invitation| !invitation.is_own && invitation.taken.is_none())
}

fn peer_of(channel: &ChannelState) -> Outcome<Option<(Signet, SignedCertificate)>> {
    if let Some((signet, certificate)) = &channel.inviter {
        let signet = papers::read(&signet.0).map_err(unreadable)?;
        return Ok(Some((signet, Signed::decode(&certificate.0).map_err(unreadable)?)));
    }
    let Some(acceptance) = &channel.acceptance else { return Ok(None) };
    let acceptance = SignedAcceptance::decode(&acceptance.0).map_err(unreadable)?;
    let accepted = acceptance.unverified();
    Ok(Some((accepted.signet.clone(), accepted.certificate.clone())))
}

/// The draft of a channel that nobody was invited to yet.
pub fn draft_of(channel: &ChannelState) -> Outcome<Option<Charter>> {
    channel.draft.as_ref().map(|paper| papers::read(&paper.0)).transpose().map_err(unreadable)
}

/// A stored paper cannot be read.
pub fn unreadable(error: PaperFormatError) -> Failure {
    damaged(&format!("a stored paper ({error})"))
}

fn damaged(what: &str) -> Failure {
    Failure::new(Code::Integrity, format!("{what} cannot be read"), "couloir restore FILE --home NEWDIR")
}
