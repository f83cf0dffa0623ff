//! Further links: how they begin, and how two posts are introduced to each other (PROTOCOL §4.9).

use couloir_wire::cbor;
use couloir_wire::id::{InvitationId, PostId};
use couloir_wire::limits::PEERS_MAX;

use super::{Crossing, Engine, LinkEngine};
use crate::channel::{ChannelState, Introduced};
use crate::control::{Control, Introduction};
use crate::input::Now;
use crate::output::{Notice, Refusal};
use crate::party::{Member, Party};
use crate::store::{LinkNumber, LinkSnapshot, StateKey};
use crate::watch::Watch;

impl Engine {
    /// A further link begins, if it is to a post that has none; or the sentence why it does not.
    pub(super) fn begin_link(&mut self, now: Now, channel: &ChannelState) -> Result<(), &'static str> {
        let number = LinkNumber(self.links.keys().next_back().map_or(0, |last| last.0 + 1));
        let states = [(StateKey::Channel, channel.encode())].into();
        let stored = LinkSnapshot { states, ..LinkSnapshot::default() };
        let seed = self.entropy.array();
        let link = self.link(now, number, seed, stored, &[]);
        let mut link = link.map_err(|_| "the further post's papers do not hold")?;
        let peer = link.party.peer.clone().ok_or("the further post's papers are missing")?;
        if peer.post() == self.party().own.post() || self.link_to(peer.post()).is_some() {
            return Err(LINKED);
        }
        if self.links.len() >= PEERS_MAX {
            return Err("this node has as many links as it may have");
        }
        link.begin_further(&self.links[&LinkNumber::FIRST].watch, &peer);
        self.links.insert(number, link);
        if self.is_serving {
            self.on(number, |link| link.serve(now));
        }
        Ok(())
    }

    /// Introduces two of our peers to each other: each gets the other's certificate and the secret of their link.
    pub(super) fn introduce(&mut self, one: PostId, other: PostId) {
        let ends = [(one, other), (other, one)].map(|(to, about)| {
            let about = &self.links[&self.link_to(about)?].party.peer;
            Some((self.link_to(to)?, about.as_ref()?.certificate.encode()))
        });
        let [Some(inviter), Some(joiner)] = ends else {
            return self.refuse_paper("this node has no link with one of the two posts");
        };
        let is_verified = |link: LinkNumber| self.links[&link].watch.is_verified();
        if inviter.0 == joiner.0 || !is_verified(inviter.0) || !is_verified(joiner.0) {
            return self.refuse_paper("compare the phrase with both posts first");
        }
        let (id, secret) = (InvitationId(self.entropy.array()), self.entropy.array());
        for ((link, certificate), is_inviter) in [(inviter, true), (joiner, false)] {
            let introduction = Introduction { id, secret, is_inviter, certificate: certificate.into() };
            self.on(link, |link| link.tell(&Control::Introduce(introduction)));
        }
    }

    pub(super) fn refuse_paper(&mut self, why: &str) {
        self.on(LinkNumber::FIRST, |link| link.refuse(0, Refusal::Charter(why.into())));
    }
}

impl LinkEngine {
    /// This link begins beside the `first`: the desk is the same, the phrase is its own.
    fn begin_further(&mut self, first: &Watch, peer: &Member) {
        self.watch = first.of_further_link();
        [StateKey::Channel, StateKey::Link, StateKey::Watch].into_iter().for_each(|key| self.dirty(key));
        [StateKey::SendCursors, StateKey::RecvCursors].into_iter().for_each(|key| self.dirty(key));
        self.notice(Notice::Introduced {
            side: peer.signet.name.clone(),
            title: peer.certificate.unverified().title.clone(),
        });
    }

    /// The peer introduces another node of the channel.
    pub(super) fn on_introduction(&mut self, introduction: Introduction) {
        if !self.watch.is_verified() {
            return;
        }
        match introduced(&self.party, introduction) {
            Some(channel) => self.crossing.push(Crossing::Introduced(Box::new(channel))),
            None => self.notice(Notice::PaperRefused("an introduction does not hold".into())),
        }
    }
}

/// The channel of a further link, as `party`'s papers and an introduction make it. `None` if it does not hold.
fn introduced(party: &Party, introduction: Introduction) -> Option<ChannelState> {
    let (inviter, invited) = party.signets().ok()?;
    let introduced = Introduced {
        is_inviter: introduction.is_inviter,
        inviter: cbor::encode(inviter),
        invited: cbor::encode(invited),
        peer: introduction.certificate.to_vec(),
    };
    let own = party.own.certificate.encode();
    Some(ChannelState::of_further_link(&party.state, own, introduction.id, introduction.secret, introduced))
}

pub(super) const LINKED: &str = "this node has a link with that post already";
