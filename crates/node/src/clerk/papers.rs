//! The channel's papers, as commands read them.

use couloir_engine::StateKey;
use couloir_engine::channel::ChannelState;
use couloir_seal::papers::side_id;
use couloir_wire::id::ConversationId;
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

/// The channel as each of the node's links has it, the first link's first.
pub fn channels_of(reader: &Reader) -> Outcome<Vec<ChannelState>> {
    reader.channels()?.values().map(|octets| read(octets)).collect()
}

/// A channel as the store keeps it.
pub fn read(octets: &[u8]) -> Outcome<ChannelState> {
    ChannelState::decode(octets).map_err(|_| damaged("the channel's papers"))
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

/// The channels in the answer to a request for papers; the first link's first.
pub fn of_answer(answer: &serde_json::Value) -> Outcome<Vec<ChannelState>> {
    let texts = answer["channels"].as_array().map(Vec::as_slice).unwrap_or_default();
    let channels = texts.iter().map(|text| from_hex(text.as_str().unwrap_or_default()));
    let channels: Vec<ChannelState> = channels.collect::<Outcome<_>>()?;
    if channels.is_empty() { Err(damaged("the node's answer")) } else { Ok(channels) }
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
        let own_certificate = Signed::decode(&channel.own_certificate).map_err(unreadable)?;
        let peer = match peer_of(channel)? {
            Some((signet, certificate)) => Some((signet, newest(channel, certificate)?)),
            None => None,
        };
        Ok(Agreed {
            own: papers::read(&channel.own_signet).map_err(unreadable)?,
            own_certificate: newest(channel, own_certificate)?,
            peer,
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

/// Until when our invitation, or the one that we joined by, can be used, if it was not used yet.
pub fn is_open_until(channel: &ChannelState) -> Option<i64> {
    let open = channel.invitation.as_ref().filter(|invitation| invitation.taken.is_none());
    open.map(|invitation| invitation.expires_ms)
}

fn peer_of(channel: &ChannelState) -> Outcome<Option<(Signet, SignedCertificate)>> {
    if let Some(introduced) = &channel.introduced {
        let certificate = SignedCertificate::decode(&introduced.peer).map_err(unreadable)?;
        let signets = [&introduced.inviter, &introduced.invited].map(|octets| papers::read::<Signet>(octets));
        let is_its = |signet: &Signet| side_id(signet) == certificate.unverified().side;
        let signet = signets.into_iter().flatten().find(is_its);
        return signet.map(|signet| Some((signet, certificate))).ok_or_else(|| damaged("a post's papers"));
    }
    if let Some((signet, certificate)) = &channel.inviter {
        let signet = papers::read(&signet.0).map_err(unreadable)?;
        return Ok(Some((signet, Signed::decode(&certificate.0).map_err(unreadable)?)));
    }
    let Some(acceptance) = &channel.acceptance else { return Ok(None) };
    let acceptance = SignedAcceptance::decode(&acceptance.0).map_err(unreadable)?;
    let accepted = acceptance.unverified();
    Ok(Some((accepted.signet.clone(), accepted.certificate.clone())))
}

/// The certificate in force of the post that `first` certified.
fn newest(channel: &ChannelState, first: SignedCertificate) -> Outcome<SignedCertificate> {
    let mut newest = first;
    for certificate in successions(channel)? {
        if certificate.unverified().post == newest.unverified().post {
            newest = certificate;
        }
    }
    Ok(newest)
}

/// Every certificate after the first ones, in the order in which they came into force.
pub fn successions(channel: &ChannelState) -> Outcome<Vec<SignedCertificate>> {
    channel.certificates.iter().map(|paper| Signed::decode(&paper.0).map_err(unreadable)).collect()
}

/// The certificate of the node to which our post passes.
pub fn successor_of(channel: &ChannelState) -> Outcome<Option<SignedCertificate>> {
    channel.successor.as_ref().map(|paper| Signed::decode(&paper.0)).transpose().map_err(unreadable)
}

/// The first certificates: ours, then the peer's.
pub fn first_certificates(channel: &ChannelState) -> Outcome<Vec<SignedCertificate>> {
    let own = Signed::decode(&channel.own_certificate).map_err(unreadable)?;
    Ok([Some(own), peer_of(channel)?.map(|(_, certificate)| certificate)].into_iter().flatten().collect())
}

/// The draft of a channel that nobody was invited to yet.
pub fn draft_of(channel: &ChannelState) -> Outcome<Option<Charter>> {
    channel.draft.as_ref().map(|paper| papers::read(&paper.0)).transpose().map_err(unreadable)
}

/// The first conversation of a link: the channel's, or a further link's own.
pub fn first_conversation(channel: &ChannelState) -> Outcome<ConversationId> {
    match (&channel.introduced, &channel.invitation) {
        (Some(_), Some(invitation)) => Ok(ConversationId(invitation.id.0)),
        _ => Ok(ChannelState::conversation(Agreed::of(channel)?.charter()?.unverified().channel)),
    }
}

/// The two posts of a link, the inviter's first; one before first contact.
pub fn ends_of(channel: &ChannelState) -> Outcome<Vec<(Signet, SignedCertificate)>> {
    let Agreed { own, own_certificate, peer, .. } = Agreed::of(channel)?;
    let is_joiner = match &channel.introduced {
        Some(introduced) => !introduced.is_inviter,
        None => channel.inviter.is_some(),
    };
    let own = Some((own, own_certificate));
    let ends = if is_joiner { [peer, own] } else { [own, peer] };
    Ok(ends.into_iter().flatten().collect())
}

/// What the channel is called.
pub fn channel_name(channel: &ChannelState) -> Outcome<String> {
    Ok(Agreed::of(channel)?.charter()?.unverified().name.clone())
}

/// A stored paper cannot be read.
pub fn unreadable(error: PaperFormatError) -> Failure {
    damaged(&format!("a stored paper ({error})"))
}

/// Something stored cannot be read.
pub fn damaged(what: &str) -> Failure {
    Failure::new(Code::Integrity, format!("{what} cannot be read"), "couloir restore FILE --home NEWDIR")
}
