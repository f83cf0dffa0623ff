//! Charter amendments and revocations (PROTOCOL §3.6).

use couloir_wire::cell::Stream;
use couloir_wire::papers::{SignedCharter, SignedRevocation};

use super::Engine;
use crate::channel::Paper;
use crate::control::Control;
use crate::input::Now;
use crate::link::Frozen;
use crate::output::{Notice, Output, Refusal};
use crate::party::PartyError;
use crate::store::StateKey;

/// Who brought a paper.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bearer {
    Own,
    Peer,
}

impl Engine {
    /// A paper that our officers signed.
    pub(super) fn adopt(&mut self, now: Now, octets: &[u8]) {
        if let Err(error) = self.take_paper(now, octets, Bearer::Own) {
            self.refuse(0, Refusal::Charter(error.to_string()));
        }
    }

    /// A paper that the peer sent.
    pub(super) fn on_peer_paper(&mut self, now: Now, octets: &[u8]) {
        if let Err(error) = self.take_paper(now, octets, Bearer::Peer) {
            self.notice(Notice::PaperRefused(error.to_string()));
        }
    }

    fn take_paper(&mut self, now: Now, octets: &[u8], bearer: Bearer) -> Result<(), PartyError> {
        if SignedRevocation::decode(octets).is_ok() {
            return self.take_revocation(octets, bearer);
        }
        let signed = SignedCharter::decode(octets)?;
        if self.party.is_known(&signed) {
            return Ok(());
        }
        match self.party.check_amendment(octets) {
            Ok(signed) => self.put_in_force(now, signed, bearer),
            Err(PartyError::Paper(couloir_seal::papers::PaperError::TooFew { .. })) => {
                let proposal = self.party.check_proposal(octets)?;
                self.propose(&proposal, bearer);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn put_in_force(&mut self, now: Now, signed: SignedCharter, bearer: Bearer) {
        let version = signed.unverified().version;
        if bearer == Bearer::Own {
            self.tell(&Control::Paper(signed.encode().into()));
        }
        self.party.amend(signed);
        self.dirty(StateKey::Channel);
        self.notice(Notice::Amended(version));
        if self.is_serving {
            self.sync_routes(now);
        }
    }

    /// One side signed: it waits for the other.
    fn propose(&mut self, proposal: &SignedCharter, bearer: Bearer) {
        let digest = couloir_seal::papers::digest(proposal);
        let paper = Some(Paper(proposal.encode()));
        if self.party.state.proposed == paper {
            return;
        }
        self.party.state.proposed = paper;
        self.dirty(StateKey::Channel);
        match bearer {
            Bearer::Own => self.tell(&Control::Paper(proposal.encode().into())),
            Bearer::Peer => self.notice(Notice::AmendmentWaits(digest)),
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
        } else {
            self.freeze(Frozen::Revoked);
        }
        Ok(())
    }

    /// A node that its side revoked ends once the peer has heard of it.
    pub(super) fn end_if_revoked(&mut self) {
        let own = self.party.own.node;
        let control = Stream::Control;
        let is_told = self.party.peer.is_none()
            || self.link.epochs.is_some() && self.link.send.base(control) == self.link.send.end(control);
        if is_told && self.party.is_revoked(own) {
            self.batch.after.push(Output::Halt(Notice::Revoked(own)));
        }
    }

    /// After a restart of the link, which empties the control stream: every paper that the peer may lack.
    pub(super) fn tell_papers(&mut self) {
        let state = &self.party.state;
        let papers = state.amendments.iter().chain(&state.proposed).chain(&state.revocations);
        let papers: Vec<_> = papers.map(|paper| Control::Paper(paper.0.clone().into())).collect();
        papers.iter().for_each(|paper| self.tell(paper));
    }
}
