//! What direct routes must know of the two sides.

use couloir_engine::StateKey;
use couloir_engine::channel::{ChannelState, Paper};
use couloir_wire::id::Digest;
use couloir_wire::papers::{SignedAcceptance, SignedCertificate};

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
        match &channel.inviter {
            Some((_, certificate)) => Peering { is_inviter: false, peer: key_in(certificate) },
            None => {
                let acceptance = channel.acceptance.as_ref();
                let acceptance = acceptance.and_then(|paper| SignedAcceptance::decode(&paper.0).ok());
                let peer = acceptance.map(|paper| paper.unverified().certificate.unverified().tls_key);
                Peering { is_inviter: channel.charter.is_some(), peer }
            }
        }
    }
}

fn key_in(certificate: &Paper) -> Option<Digest> {
    SignedCertificate::decode(&certificate.0).ok().map(|paper| paper.unverified().tls_key)
}
