//! The channel's papers, read and checked: who we are, who the peer is, what the charter says.

use couloir_seal::Authentic;
use couloir_seal::identity::node_id;
use couloir_seal::papers::{
    PaperError, digest, side_id, verify_acceptance, verify_certificate, verify_first_charter,
    verify_revocation, verify_successor,
};
use couloir_seal::phrase;
use couloir_seal::rendezvous::{End, Rendezvous};
use couloir_wire::id::{ConversationId, Digest, NodeId, PostId, SideId};
use couloir_wire::papers::{
    Acceptance, Charter, Invited, OneTimeSecret, PaperFormatError, SignedAcceptance, SignedCertificate,
    SignedCharter, SignedRevocation, Signet, read,
};

use crate::channel::{ChannelState, Paper};

/// Why a paper was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartyError {
    /// It cannot be read.
    #[error(transparent)]
    Format(#[from] PaperFormatError),
    /// It does not hold.
    #[error(transparent)]
    Paper(#[from] PaperError),
    /// It does not fit what the channel has.
    #[error("{0}")]
    Unfit(&'static str),
}

/// One member of the channel: its side and its node.
#[derive(Debug, Clone)]
pub struct Member {
    /// The side's signet.
    pub signet: Signet,
    /// The post's certificate; its signatures hold.
    pub certificate: SignedCertificate,
    /// The node that the certificate names.
    pub node: NodeId,
}

impl Member {
    fn read(signet: &[u8], certificate: &[u8]) -> Result<Member, PartyError> {
        let signet: Signet = read(signet)?;
        let certificate = SignedCertificate::decode(certificate)?;
        verify_certificate(&certificate, &signet)?;
        Ok(Member { node: node_id(&certificate.unverified().node), signet, certificate })
    }

    /// The post's id.
    pub fn post(&self) -> PostId {
        self.certificate.unverified().post
    }

    /// The side's id.
    pub fn side(&self) -> SideId {
        side_id(&self.signet)
    }

    fn in_phrase(&self) -> phrase::Party {
        phrase::Party { side: self.side(), certificate: digest(&self.certificate), node: self.node }
    }
}

/// The papers of one node's channel.
pub struct Party {
    /// What is durable of them.
    pub state: ChannelState,
    /// Ourselves.
    pub own: Member,
    /// The other side; known to the joiner from the start, to the inviter from first contact on.
    pub peer: Option<Member>,
    first: Option<SignedCharter>,
    current: Option<SignedCharter>,
}

impl Party {
    /// Reads and checks the stored papers.
    pub fn read(state: ChannelState) -> Result<Party, PartyError> {
        let own = Member::read(&state.own_signet, &state.own_certificate)?;
        let first = state.charter.as_ref().map(|paper| SignedCharter::decode(&paper.0)).transpose()?;
        let mut party = Party { own, peer: None, current: first.clone(), first, state };
        party.peer = party.read_peer()?;
        for amendment in party.state.amendments.clone() {
            party.current = Some(party.check_amendment(&amendment.0)?);
        }
        Ok(party)
    }

    fn read_peer(&self) -> Result<Option<Member>, PartyError> {
        if let Some((signet, certificate)) = &self.state.inviter {
            return Member::read(&signet.0, &certificate.0).map(Some);
        }
        let (Some(acceptance), Some(first)) = (&self.state.acceptance, &self.first) else { return Ok(None) };
        let (acceptance, _) = verify_acceptance(&SignedAcceptance::decode(&acceptance.0)?, first)?;
        Ok(Some(member_of(acceptance)))
    }

    /// Which end of the channel we are; `None` without a charter.
    pub fn end(&self) -> Option<End> {
        self.first.as_ref()?;
        Some(if self.state.inviter.is_some() { End::Joiner } else { End::Inviter })
    }

    /// The rendezvous secret; `None` before an invitation.
    pub fn rendezvous(&self) -> Option<Rendezvous> {
        let invitation = self.state.invitation.as_ref()?;
        Some(Rendezvous::from_invitation(&OneTimeSecret(invitation.secret), invitation.id))
    }

    /// The charter's first version, as the inviter's officers signed it.
    pub fn first_charter(&self) -> Option<&SignedCharter> {
        self.first.as_ref()
    }

    /// The charter in force.
    pub fn charter(&self) -> Option<&Charter> {
        self.current.as_ref().map(SignedCharter::unverified)
    }

    /// SHA-256 of the charter in force.
    pub fn charter_digest(&self) -> Option<Digest> {
        self.current.as_ref().map(digest)
    }

    /// The channel's first conversation.
    pub fn conversation(&self) -> Option<ConversationId> {
        self.charter().map(|charter| ChannelState::conversation(charter.channel))
    }

    /// Whether our node commits key changes: its id sorts first.
    pub fn is_committer(&self) -> bool {
        self.peer.as_ref().is_some_and(|peer| self.own.node < peer.node)
    }

    /// What the phrase is made of, but for the nonces.
    pub fn transcript(&self, authenticator: Digest) -> Option<phrase::Transcript> {
        let (own, peer) = (self.own.in_phrase(), self.peer.as_ref()?.in_phrase());
        let (inviter, joiner) = if self.end()? == End::Inviter { (own, peer) } else { (peer, own) };
        let first = self.first.as_ref()?;
        let invitation = first.unverified().invitation;
        Some(phrase::Transcript { authenticator, inviter, joiner, charter: digest(first), invitation })
    }

    /// The inviter's first look at who joins. Nothing is changed unless it holds.
    pub fn take_acceptance(&mut self, signed: &SignedAcceptance) -> Result<(), PartyError> {
        let first = self.first.as_ref().ok_or(PartyError::Unfit("there is no charter yet"))?;
        let member = member_of(verify_acceptance(signed, first)?.0);
        if member.node == self.own.node {
            return Err(PartyError::Unfit("the acceptance names our own node"));
        }
        self.state.acceptance = Some(Paper(signed.encode()));
        self.peer = Some(member);
        Ok(())
    }

    /// The next charter version, if it holds and both sides signed it. Nothing is changed.
    pub fn check_amendment(&self, octets: &[u8]) -> Result<SignedCharter, PartyError> {
        let signed = SignedCharter::decode(octets)?;
        let (inviter, invited) = self.signets()?;
        let current = self.current.as_ref().ok_or(PartyError::Unfit("there is no charter yet"))?;
        verify_successor(&signed, current, inviter, invited)?;
        Ok(signed)
    }

    /// Puts a checked version into force.
    pub fn amend(&mut self, signed: SignedCharter) {
        self.state.amendments.push(Paper(signed.encode()));
        self.state.proposed = None;
        self.current = Some(signed);
    }

    /// Whether this version is in force already, or was.
    pub fn is_known(&self, version: &SignedCharter) -> bool {
        let past = self.state.amendments.iter().filter_map(|paper| SignedCharter::decode(&paper.0).ok());
        past.chain(self.first.clone()).any(|known| digest(&known) == digest(version))
    }

    /// A version that one side signed: its content fits, and every signature on it holds for that side.
    pub fn check_proposal(&self, octets: &[u8]) -> Result<SignedCharter, PartyError> {
        let signed = SignedCharter::decode(octets)?;
        let current = self.current.as_ref().ok_or(PartyError::Unfit("there is no charter yet"))?;
        let (inviter, invited) = self.signets()?;
        match verify_successor(&signed, current, inviter, invited) {
            Ok(_) | Err(PaperError::TooFew { .. }) => Ok(signed),
            Err(error) => Err(error.into()),
        }
    }

    /// A revocation of a node of either side, signed by that side.
    pub fn check_revocation(&self, octets: &[u8]) -> Result<NodeId, PartyError> {
        let signed = SignedRevocation::decode(octets)?;
        let side = signed.unverified().side;
        let members = [Some(&self.own), self.peer.as_ref()];
        let member = members.into_iter().flatten().find(|member| member.side() == side);
        let member =
            member.ok_or(PartyError::Unfit("the revocation is by a side that is not in the channel"))?;
        Ok(verify_revocation(&signed, &member.signet)?.get().node)
    }

    /// Whether `node` was revoked.
    pub fn is_revoked(&self, node: NodeId) -> bool {
        let revoked = |paper: &Paper| SignedRevocation::decode(&paper.0).ok().map(|r| r.unverified().node);
        self.state.revocations.iter().any(|paper| revoked(paper) == Some(node))
    }

    /// The sides' ids as later charter versions name them.
    pub fn invited_id(&self) -> Option<Invited> {
        let (_, invited) = self.signets().ok()?;
        Some(Invited::Known(side_id(invited)))
    }

    fn signets(&self) -> Result<(&Signet, &Signet), PartyError> {
        let peer = self.peer.as_ref().ok_or(PartyError::Unfit("the other side has not joined yet"))?;
        let is_inviter = self.end() == Some(End::Inviter);
        let (own, peer) = (&self.own.signet, &peer.signet);
        Ok(if is_inviter { (own, peer) } else { (peer, own) })
    }
}

fn member_of(acceptance: Authentic<Acceptance>) -> Member {
    let Acceptance { signet, certificate, .. } = acceptance.into_inner();
    Member { node: node_id(&certificate.unverified().node), signet, certificate }
}

/// Checks an invitation as `couloir join` and the simulator do: charter and certificate hold.
pub fn check_inviter(
    charter: &SignedCharter,
    certificate: &SignedCertificate,
    signet: &Signet,
) -> Result<(), PaperError> {
    verify_first_charter(charter, signet)?;
    verify_certificate(certificate, signet).map(drop)
}
