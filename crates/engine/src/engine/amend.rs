//! Charter amendments and revocations (PROTOCOL §3.6).

use couloir_seal::identity::node_id;
use couloir_wire::cell::Stream;
use couloir_wire::id::Digest;
use couloir_wire::papers::{SignedCertificate, SignedCharter, SignedRevocation};

use super::{Crossing, LinkEngine};
use crate::channel::Paper;
use crate::control::Control;
use crate::input::Now;
use crate::link::Frozen;
use crate::output::{Notice, Output};
use crate::party::{PartyError, Whose};
use crate::store::StateKey;

/// Who brought a paper.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bearer {
    Own,
    Peer,
}

impl LinkEngine {
    /// A paper that our officers signed.
    pub(super) fn adopt(&mut self, now: Now, octets: &[u8]) -> Result<(), PartyError> {
        self.take_paper(now, octets, Bearer::Own)
    }

    /// A paper that came over another link of this node, and was taken there. It may not concern this one.
    pub(super) fn take_from_other_link(&mut self, now: Now, octets: &[u8]) {
        drop(self.take_paper(now, octets, Bearer::Own));
    }

    /// A paper that the peer sent.
    pub(super) fn on_peer_paper(&mut self, now: Now, octets: &[u8]) {
        match self.take_paper(now, octets, Bearer::Peer) {
            Ok(()) => self.crossing.push(Crossing::Paper(octets.to_vec())),
            Err(error) => self.notice(Notice::PaperRefused(error.to_string())),
        }
    }

    fn take_paper(&mut self, now: Now, octets: &[u8], bearer: Bearer) -> Result<(), PartyError> {
        if SignedRevocation::decode(octets).is_ok() {
            return self.take_revocation(octets, bearer);
        }
        if let Ok(certificate) = SignedCertificate::decode(octets) {
            return self.take_certificate(now, certificate, bearer);
        }
        let signed = SignedCharter::decode(octets)?;
        if self.party.is_known(&signed) {
            return Ok(());
        }
        match self.party.check_amendment(octets) {
            Ok(signed) => self.put_in_force(now, signed, bearer),
            Err(PartyError::Paper(couloir_seal::papers::PaperError::TooFew { .. })) => {
                let proposal = self.party.check_proposal(octets)?;
                self.propose(&proposal, bearer)?;
            }
            Err(error) => {
                if let Some(rival) = self.party.check_rival(octets).map_err(|_| error)? {
                    self.party.amend_instead(rival);
                    self.in_force(now);
                }
            }
        }
        Ok(())
    }

    fn put_in_force(&mut self, now: Now, signed: SignedCharter, bearer: Bearer) {
        if bearer == Bearer::Own {
            self.tell(&Control::Paper(signed.encode().into()));
        }
        self.party.amend(signed);
        self.in_force(now);
    }

    fn in_force(&mut self, now: Now) {
        let version = self.party.charter().map_or(0, |charter| charter.version);
        self.dirty(StateKey::Channel);
        self.notice(Notice::Amended(version));
        if self.is_serving {
            self.sync_routes(now);
        }
    }

    /// One side signed: it waits for the other. Of two that crossed the one with the lower hash waits.
    fn propose(&mut self, proposal: &SignedCharter, bearer: Bearer) -> Result<(), PartyError> {
        let digest = couloir_seal::papers::digest(proposal);
        let paper = Some(Paper(proposal.encode()));
        if self.party.state.proposed == paper || self.party.state.withdrawn == Some(digest) {
            return Ok(());
        }
        if let Some((other, waiting)) = self.party.proposed().filter(|(other, _)| *other != digest) {
            if bearer == Bearer::Own {
                return Err(PartyError::Unfit("another version waits for its signatures"));
            }
            if self.party.is_signed_by_us(&waiting) && other < digest {
                return Ok(());
            }
            self.notice(Notice::AmendmentWithdrawn(other));
        }
        self.party.state.proposed = paper;
        self.dirty(StateKey::Channel);
        match bearer {
            Bearer::Own => self.tell(&Control::Paper(proposal.encode().into())),
            Bearer::Peer => self.notice(Notice::AmendmentWaits(digest)),
        }
        Ok(())
    }

    /// The desk takes back, or declines, the version that waits. If the other side's signature is under way
    /// already, it comes into force all the same.
    /// False if that version does not wait here.
    pub(super) fn withdraw(&mut self, version: Digest) -> bool {
        if self.party.proposed().is_none_or(|(waiting, _)| waiting != version) {
            return false;
        }
        self.party.state.proposed = None;
        self.party.state.withdrawn = Some(version);
        self.dirty(StateKey::Channel);
        self.tell(&Control::Withdraw(version));
        true
    }

    /// The other side took back, or declined, a version.
    pub(super) fn on_peer_withdrew(&mut self, version: Digest) {
        if self.party.proposed().is_some_and(|(waiting, _)| waiting == version) {
            self.party.state.proposed = None;
            self.dirty(StateKey::Channel);
            self.notice(Notice::AmendmentWithdrawn(version));
        }
    }

    fn take_revocation(&mut self, octets: &[u8], bearer: Bearer) -> Result<(), PartyError> {
        let node = self.party.check_revocation(octets)?;
        if self.party.is_revoked(node) {
            return Ok(());
        }
        self.party.state.revocations.push(Paper(octets.to_vec()));
        self.dirty(StateKey::Channel);
        self.notice(Notice::Revoked(node));
        if bearer == Bearer::Own {
            self.tell(&Control::Paper(octets.to_vec().into()));
        }
        if node == self.party.own.node {
            self.end_if_revoked();
        } else if self.party.peer.as_ref().is_some_and(|peer| peer.node == node) {
            self.freeze(Frozen::Revoked);
        }
        Ok(())
    }

    /// Succession: a post has another holder, or another node.
    fn take_certificate(
        &mut self,
        now: Now,
        signed: SignedCertificate,
        bearer: Bearer,
    ) -> Result<(), PartyError> {
        let Some(whose) = self.party.check_certificate(&signed)? else { return Ok(()) };
        let node = node_id(&signed.unverified().node);
        let is_other = match whose {
            Whose::Own => node != self.party.own.node,
            Whose::Peers => self.party.peer.as_ref().is_some_and(|peer| peer.node != node),
        };
        match (whose, bearer) {
            // We go on until all that we said is with the peer: the link is ours until then.
            (Whose::Own, _) if is_other => self.pass_on(&signed),
            // The link is the old node's until the new one is heard, or a person brings its certificate.
            (Whose::Peers, Bearer::Peer) if is_other => {}
            (Whose::Peers, Bearer::Own) if is_other => {
                self.put_certificate(signed);
                self.meet_successor(now);
            }
            (_, Bearer::Peer) => self.put_certificate(signed),
            (_, Bearer::Own) => {
                self.tell(&Control::Paper(signed.encode().into()));
                self.put_certificate(signed);
            }
        }
        Ok(())
    }

    fn put_certificate(&mut self, signed: SignedCertificate) {
        let certificate = signed.unverified();
        self.notice(Notice::Succession {
            title: certificate.title.clone(),
            holder: certificate.holder.clone(),
            since_ms: certificate.since_ms,
            node: node_id(&certificate.node),
        });
        self.party.take_certificate(signed);
        self.dirty(StateKey::Channel);
    }

    /// Our post passes to another node: nothing new is said here, and this one ends ([`super::Engine`]).
    fn pass_on(&mut self, signed: &SignedCertificate) {
        self.party.state.successor = Some(Paper(signed.encode()));
        self.dirty(StateKey::Channel);
    }

    /// A certificate that came with a rendezvous message. What does not hold is passed over, and so is the
    /// message, whose signature then does not hold either.
    pub(super) fn take_certificate_of(&mut self, now: Now, signed: &SignedCertificate) {
        let Ok(Some(Whose::Peers)) = self.party.check_certificate(signed) else { return };
        let node = node_id(&signed.unverified().node);
        let is_other = self.party.peer.as_ref().is_some_and(|peer| peer.node != node);
        self.put_certificate(signed.clone());
        if is_other {
            self.meet_successor(now);
        }
    }

    /// The peer's post has another node: the officers have settled who it is, and the link is made with it.
    fn meet_successor(&mut self, now: Now) {
        self.link.frozen = None;
        self.link.fresh_cell_at = None;
        self.link.hello_waiting = None;
        // Nothing of the new node's was ever opened: both say what they have to on every turn.
        self.link.was_heard = false;
        self.make_anew(now);
    }

    /// A node that its side revoked ends once the peer has heard of it.
    pub(super) fn end_if_revoked(&mut self) {
        let own = self.party.own.node;
        let is_told =
            self.party.peer.is_none() || self.link.epochs.is_some() && !self.is_left(Stream::Control);
        if is_told && self.party.is_revoked(own) {
            self.batch.after.push(Output::Halt(Notice::Revoked(own)));
        }
    }

    fn is_left(&self, stream: Stream) -> bool {
        self.link.send.base(stream) < self.link.send.end(stream)
    }

    /// Whether something is still to reach the peer: of a link that stands, papers too.
    pub(super) fn has_left(&self) -> bool {
        let is_linked = self.link.epochs.is_some();
        let mut streams = Stream::ALL.iter().filter(|stream| is_linked || **stream != Stream::Control);
        self.link.frozen != Some(Frozen::Revoked) && streams.any(|stream| self.is_left(*stream))
    }

    /// Whether the link stands, and all that we said is with the peer.
    pub(super) fn has_all(&self) -> bool {
        let stands = self.link.epochs.is_some() && self.link.frozen != Some(Frozen::Revoked);
        stands && !self.has_left()
    }

    /// After a restart of the link, which empties the control stream: every paper that the peer may lack.
    pub(super) fn tell_papers(&mut self) {
        let state = &self.party.state;
        let papers = state.amendments.iter().chain(&state.proposed);
        let papers = papers.chain(&state.certificates).chain(&state.revocations);
        let papers = papers.map(|paper| Control::Paper(paper.0.clone().into()));
        let papers: Vec<_> = papers.chain(state.withdrawn.map(Control::Withdraw)).collect();
        papers.iter().for_each(|paper| self.tell(paper));
    }
}
