//! The channel's papers, read and checked: who we are, who the peer is, what the charter says.

use couloir_seal::Authentic;
use couloir_seal::identity::node_id;
use couloir_seal::papers::{
    PaperError, digest, side_id, verify_acceptance, verify_certificate, verify_first_charter,
    verify_revocation, verify_successor,
};
use couloir_seal::phrase;
use couloir_seal::rendezvous::{End, Rendezvous};
use couloir_seal::sha256_of;
use couloir_wire::id::{ConversationId, Digest, InvitationId, NodeId, PostId, RouteId, SideId};
use couloir_wire::papers::{
    Acceptance, Charter, Invited, OneTimeSecret, PaperFormatError, SignedAcceptance, SignedCertificate,
    SignedCharter, SignedRevocation, Signet, read,
};
use couloir_wire::route::{Carrier, RouteSpec};

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

    /// Side and title, for a desk.
    pub fn name(&self) -> String {
        format!("{}, {}", self.signet.name, self.certificate.unverified().title)
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

/// To which of the two a paper belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Ours.
    Own,
    /// The other side's.
    Peers,
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
    /// What the charter in force says for this link: a further one has routes of its own where the channel's lie.
    terms: Option<Charter>,
    /// Of a further link: the signets of the channel's two sides, the inviter's first.
    sides: Option<(Signet, Signet)>,
}

impl Party {
    /// Reads and checks the stored papers.
    pub fn read(state: ChannelState) -> Result<Party, PartyError> {
        let own = Member::read(&state.own_signet, &state.own_certificate)?;
        let first = state.charter.as_ref().map(|paper| SignedCharter::decode(&paper.0)).transpose()?;
        let mut party =
            Party { own, peer: None, current: None, first: first.clone(), terms: None, sides: None, state };
        if let Some(introduced) = &party.state.introduced {
            party.sides = Some((read(&introduced.inviter)?, read(&introduced.invited)?));
        }
        party.put_in_force(first);
        party.peer = party.read_peer()?;
        for certificate in party.state.certificates.clone() {
            let taken = SignedCertificate::decode(&certificate.0)?;
            party.check_certificate(&taken)?;
            party.succeed(taken);
        }
        for amendment in party.state.amendments.clone() {
            party.put_in_force(Some(party.check_amendment(&amendment.0)?));
        }
        Ok(party)
    }

    fn put_in_force(&mut self, signed: Option<SignedCharter>) {
        let link = self.state.introduced.as_ref().and(self.state.invitation.as_ref()).map(|own| own.id);
        self.terms = signed.as_ref().map(|signed| terms(signed.unverified(), link));
        self.current = signed;
    }

    fn read_peer(&self) -> Result<Option<Member>, PartyError> {
        if let (Some(introduced), Some((inviter, invited))) = (&self.state.introduced, &self.sides) {
            let side = SignedCertificate::decode(&introduced.peer)?.unverified().side;
            let signet = if side == side_id(inviter) { inviter } else { invited };
            return Member::read(&couloir_wire::cbor::encode(signet), &introduced.peer).map(Some);
        }
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
        let is_joiner = match &self.state.introduced {
            Some(introduced) => !introduced.is_inviter,
            None => self.state.inviter.is_some(),
        };
        Some(if is_joiner { End::Joiner } else { End::Inviter })
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

    /// The charter in force, with the routes of this link.
    pub fn charter(&self) -> Option<&Charter> {
        self.terms.as_ref()
    }

    /// The charter in force, as it was signed.
    pub fn signed_charter(&self) -> Option<&SignedCharter> {
        self.current.as_ref()
    }

    /// SHA-256 of the charter in force.
    pub fn charter_digest(&self) -> Option<Digest> {
        self.current.as_ref().map(digest)
    }

    /// The link's first conversation: the channel's, or a further link's own.
    pub fn conversation(&self) -> Option<ConversationId> {
        let charter = self.charter()?;
        match (&self.state.introduced, &self.state.invitation) {
            (Some(_), Some(invitation)) => Some(ConversationId(invitation.id.0)),
            _ => Some(ChannelState::conversation(charter.channel)),
        }
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
        let further = self.state.introduced.as_ref().and(self.state.invitation.as_ref());
        let invitation = further.map_or(first.unverified().invitation, |own| own.id);
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

    /// Whether `octets` are a version that both sides signed for the place of the one in force: each side
    /// drew one up before it heard of the other's. Of the two the one with the lower hash is in force.
    pub fn check_rival(&self, octets: &[u8]) -> Result<Option<SignedCharter>, PartyError> {
        let signed = SignedCharter::decode(octets)?;
        let (inviter, invited) = self.signets()?;
        let before = self.state.amendments.iter().rev().nth(1).or(self.state.charter.as_ref());
        let before = before.ok_or(PartyError::Unfit("there is no charter yet"))?;
        verify_successor(&signed, &SignedCharter::decode(&before.0)?, inviter, invited)?;
        Ok(Some(signed).filter(|signed| self.charter_digest() > Some(digest(signed))))
    }

    /// Puts a version that [`Party::check_rival`] gave in the place of the one in force.
    pub fn amend_instead(&mut self, signed: SignedCharter) {
        self.state.amendments.pop();
        self.amend(signed);
    }

    /// The version that waits for a signature, by its hash.
    pub fn proposed(&self) -> Option<(Digest, SignedCharter)> {
        let signed = SignedCharter::decode(&self.state.proposed.as_ref()?.0).ok()?;
        Some((digest(&signed), signed))
    }

    /// Whether our officers signed this version, or one of them did.
    pub fn is_signed_by_us(&self, version: &SignedCharter) -> bool {
        version.signatures().iter().any(|signature| signature.side == self.own.side())
    }

    /// Puts a checked version into force.
    pub fn amend(&mut self, signed: SignedCharter) {
        self.state.amendments.push(Paper(signed.encode()));
        self.state.proposed = None;
        self.state.withdrawn = None;
        self.put_in_force(Some(signed));
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
        let signet = self.signet_of(signed.unverified().side);
        let signet =
            signet.ok_or(PartyError::Unfit("the revocation is by a side that is not in the channel"))?;
        Ok(verify_revocation(&signed, signet)?.get().node)
    }

    /// A certificate that follows the one in force of its post: the same post, signed by the same signet, with
    /// a higher serial number. `None` if it, or a later one, is in force.
    pub fn check_certificate(&self, signed: &SignedCertificate) -> Result<Option<Whose>, PartyError> {
        let certificate = signed.unverified();
        let signet = self.signet_of(certificate.side);
        let signet =
            signet.ok_or(PartyError::Unfit("the certificate is by a side that is not in the channel"))?;
        verify_certificate(signed, signet)?;
        let members = [(Whose::Own, Some(&self.own)), (Whose::Peers, self.peer.as_ref())];
        let is_its =
            |member: &&Member| (member.side(), member.post()) == (certificate.side, certificate.post);
        let member = members.into_iter().find_map(|(whose, member)| Some((whose, member.filter(is_its)?)));
        let (whose, member) = member.ok_or(PartyError::Unfit("the certificate is of another post"))?;
        if certificate.serial <= member.certificate.unverified().serial {
            return Ok(None);
        }
        if self.is_revoked(node_id(&certificate.node)) {
            return Err(PartyError::Unfit("the certificate is of a node that was revoked"));
        }
        let is_full = self.state.certificates.len() >= CERTIFICATES_MAX;
        if is_full { Err(PartyError::Unfit("there are too many certificates")) } else { Ok(Some(whose)) }
    }

    /// Puts a certificate into force that [`Party::check_certificate`] let pass.
    pub fn take_certificate(&mut self, signed: SignedCertificate) {
        self.state.certificates.push(Paper(signed.encode()));
        self.succeed(signed);
    }

    fn succeed(&mut self, signed: SignedCertificate) {
        let (side, post) = (signed.unverified().side, signed.unverified().post);
        let members = [Some(&mut self.own), self.peer.as_mut()];
        let is_its = |member: &&mut Member| (member.side(), member.post()) == (side, post);
        for member in members.into_iter().flatten().filter(is_its) {
            member.node = node_id(&signed.unverified().node);
            member.certificate = signed.clone();
        }
    }

    /// Whether our post had another node before this one.
    pub fn is_successor(&self) -> bool {
        let first = SignedCertificate::decode(&self.state.own_certificate);
        first.is_ok_and(|first| node_id(&first.unverified().node) != self.own.node)
    }

    /// The node to which our post passes.
    pub fn successor(&self) -> Option<NodeId> {
        let signed = SignedCertificate::decode(&self.state.successor.as_ref()?.0).ok()?;
        Some(node_id(&signed.unverified().node))
    }

    /// Our certificate, if it is not the first one.
    pub fn own_successor(&self) -> Option<SignedCertificate> {
        let is_first = self.own.certificate.encode() == self.state.own_certificate;
        Some(self.own.certificate.clone()).filter(|_| !is_first)
    }

    /// Whether `node` was revoked.
    pub fn is_revoked(&self, node: NodeId) -> bool {
        self.revocation_of(node).is_some()
    }

    /// The paper that revokes `node`.
    pub fn revocation_of(&self, node: NodeId) -> Option<&Paper> {
        let revoked = |paper: &Paper| SignedRevocation::decode(&paper.0).ok().map(|r| r.unverified().node);
        self.state.revocations.iter().find(|paper| revoked(paper) == Some(node))
    }

    /// The sides' ids as later charter versions name them.
    pub fn invited_id(&self) -> Option<Invited> {
        let (_, invited) = self.signets().ok()?;
        Some(Invited::Known(side_id(invited)))
    }

    /// The signet of one of the sides that this node knows.
    fn signet_of(&self, side: SideId) -> Option<&Signet> {
        let ends = [Some(&self.own), self.peer.as_ref()].into_iter().flatten().map(|member| &member.signet);
        let sides = self.sides.iter().flat_map(|(inviter, invited)| [inviter, invited]);
        ends.chain(sides).find(|signet| side_id(signet) == side)
    }

    /// The signets of the channel's two sides, the inviter's first.
    pub fn signets(&self) -> Result<(&Signet, &Signet), PartyError> {
        if let Some((inviter, invited)) = &self.sides {
            return Ok((inviter, invited));
        }
        let peer = self.peer.as_ref().ok_or(PartyError::Unfit("the other side has not joined yet"))?;
        let is_inviter = self.end() == Some(End::Inviter);
        let (own, peer) = (&self.own.signet, &peer.signet);
        Ok(if is_inviter { (own, peer) } else { (peer, own) })
    }
}

/// A charter's terms for the further link `link`: routes of its own at the same relays and folders. A direct route
/// joins two nodes, and is not a further one's.
fn terms(charter: &Charter, link: Option<InvitationId>) -> Charter {
    let Some(link) = link else { return charter.clone() };
    let is_shared = |route: &&RouteSpec| route.carrier() != Some(Carrier::Direct);
    let routes = charter
        .routes
        .iter()
        .filter(is_shared)
        .map(|route| RouteSpec { id: further_route(link, route.id), ..route.clone() });
    Charter { routes: routes.collect(), ..charter.clone() }
}

/// The id of a further link's route where the channel has `route` (PROTOCOL §4.9).
fn further_route(link: InvitationId, route: RouteId) -> RouteId {
    let text = [b"couloir/v1 route of a further link".as_slice(), &link.0, &route.0].concat();
    let Digest(digest) = sha256_of(&text);
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    RouteId(id)
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

/// Successions of both posts together: decades of them.
const CERTIFICATES_MAX: usize = 256;

#[cfg(test)]
mod tests;
