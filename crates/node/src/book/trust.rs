//! By whom items of the record may be signed here, from the channel's papers.

use couloir_engine::channel::ChannelState;
use couloir_seal::papers::side_id;
use couloir_seal::record::{Audience, Papers};
use couloir_wire::entry::Body;
use couloir_wire::id::{ChannelId, ConversationId, EntryId, PostId, SideId};
use couloir_wire::papers::Signet;

use crate::clerk::papers::{self, Agreed};
use crate::store::Reader;
use crate::words::Outcome;

/// Signets, certificates and revocations of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trust {
    channel: Option<ChannelId>,
    signets: Vec<Signet>,
    certificates: Vec<Vec<u8>>,
    revocations: Vec<Vec<u8>>,
    posts: Vec<(PostId, SideId)>,
    /// The first conversation of each link, and the posts at its ends.
    firsts: Vec<(ConversationId, Vec<PostId>)>,
}

fn put<T: PartialEq>(list: &mut Vec<T>, value: T) {
    if !list.contains(&value) {
        list.push(value);
    }
}

impl Trust {
    /// What the papers of every link say; our own side comes first.
    pub fn of(channels: &[ChannelState]) -> Outcome<Trust> {
        let mut trust = Trust::default();
        for channel in channels {
            trust.learn(channel)?;
        }
        Ok(trust)
    }

    fn learn(&mut self, channel: &ChannelState) -> Outcome {
        let agreed = Agreed::of(channel)?;
        if let Some(charter) = &agreed.charter {
            self.channel = Some(charter.unverified().channel);
            let ends = papers::ends_of(channel)?;
            let ends = ends.iter().map(|(_, certificate)| certificate.unverified().post).collect();
            self.firsts.push((papers::first_conversation(channel)?, ends));
        }
        for (signet, certificate) in [(agreed.own, agreed.own_certificate)].into_iter().chain(agreed.peer) {
            let certificate = certificate.unverified();
            put(&mut self.signets, signet);
            put(&mut self.posts, (certificate.post, certificate.side));
        }
        // What an earlier holder or node signed stays signed.
        let certificates =
            papers::first_certificates(channel)?.into_iter().chain(papers::successions(channel)?);
        certificates.for_each(|certificate| put(&mut self.certificates, certificate.encode()));
        channel.revocations.iter().for_each(|paper| put(&mut self.revocations, paper.0.clone()));
        Ok(())
    }

    /// What proves items.
    pub fn papers(&self) -> Papers {
        let mut papers = Papers::new(self.signets.iter().cloned());
        // They were checked when they came; what does not hold proves nothing.
        self.certificates.iter().for_each(|octets| drop(papers.learn_certificate(octets)));
        self.revocations.iter().for_each(|octets| drop(papers.learn_revocation(octets)));
        papers
    }

    /// Our own side.
    pub fn own_side(&self) -> Option<SideId> {
        self.signets.first().map(side_id)
    }

    /// The signets, our own first.
    pub fn signets(&self) -> &[Signet] {
        &self.signets
    }

    /// The audience of a conversation; none while its opening is not here.
    pub fn audience(&self, reader: &Reader, conversation: ConversationId) -> Outcome<Option<Audience>> {
        let Some(channel) = self.channel else { return Ok(None) };
        let first = self.firsts.iter().find(|(id, _)| *id == conversation);
        let members: Vec<PostId> = match first {
            Some((_, ends)) => ends.clone(),
            None => match reader.row(EntryId(conversation.0))?.as_ref().and_then(|row| row.body()) {
                Some(Body::Open(opening)) => opening.members.clone(),
                _ => return Ok(None),
            },
        };
        let side = |member: &PostId| {
            let known = self.posts.iter().find(|(post, _)| post == member);
            known.map(|(_, side)| *side)
        };
        let sides = members.iter().filter_map(side).collect();
        Ok(Some(Audience::new(channel, sides, members)))
    }
}
