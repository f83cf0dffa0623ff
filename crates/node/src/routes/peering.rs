//! What direct routes must know of the two sides.

use couloir_engine::StateKey;
use couloir_engine::channel::ChannelState;
use couloir_wire::id::Digest;

use crate::clerk::papers::Agreed;
use crate::store::Reader;

/// Who listens, and by which key the other is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Peering {
    /// Whether this side made the invitation: it listens, the other connects.
    pub(super) is_inviter: bool,
    /// SHA-256 of the peer's public QUIC key, once its papers are here.
    pub(super) peer: Option<Digest>,
}

impl Peering {
    /// As the store's channel has it. What cannot be read is not known.
    pub(super) fn of(store: &Reader) -> Peering {
        let state = store.state(StateKey::Channel).ok().flatten();
        let channel = state.and_then(|octets| ChannelState::decode(&octets).ok());
        channel.map_or_else(Peering::default, |channel| Peering::of_channel(&channel))
    }

    fn of_channel(channel: &ChannelState) -> Peering {
        let agreed = Agreed::of(channel).ok().and_then(|agreed| agreed.peer);
        Peering {
            is_inviter: channel.inviter.is_none() && channel.charter.is_some(),
            peer: agreed.map(|(_, certificate)| certificate.unverified().tls_key),
        }
    }
}
