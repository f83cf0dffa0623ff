//! The decoders of what the peer says in streams, and of stored papers, by name; shared with the fuzz targets.

use couloir_engine::bulk::BulkMessage;
use couloir_engine::channel::ChannelState;
use couloir_engine::control::Control;

/// Feeds octets to a decoder; whether it accepted them. Panics if what it accepted encodes otherwise.
pub type Decoder = fn(&[u8]) -> bool;

/// Every decoder.
pub const DECODERS: [(&str, Decoder); 3] = [("control", control), ("bulk", bulk), ("channel", channel)];

/// The decoder called `name`.
#[allow(dead_code, reason = "only the fuzz targets choose one")]
pub fn by_name(name: &str) -> Decoder {
    DECODERS.iter().find(|(known, _)| *known == name).expect("a decoder of this name").1
}

fn control(octets: &[u8]) -> bool {
    let Some(message) = Control::decode(octets) else { return false };
    assert_eq!(message.encode(), octets);
    true
}

fn bulk(octets: &[u8]) -> bool {
    match BulkMessage::decode(octets) {
        Some(BulkMessage::Piece { octets: piece, .. }) => piece.len() < octets.len(),
        Some(BulkMessage::Head { .. }) => true,
        None => false,
    }
}

fn channel(octets: &[u8]) -> bool {
    ChannelState::decode(octets).is_ok_and(|state| state.encode() == octets)
}
