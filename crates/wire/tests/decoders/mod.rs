//! The decoders of what comes from outside, by name; shared with the fuzz targets.

use couloir_wire::cell::Content;
use couloir_wire::entry::Entry;
use couloir_wire::exchange::{CellSize, Exchange, ExchangeAnswer, Shape};

use couloir_wire::papers::{Acceptance, Certificate, Charter, Invitation, Signed, SignedRendezvous};
use couloir_wire::{cbor, papers};

/// Feeds octets to a decoder; whether it accepted them. Panics if what it accepted encodes otherwise.
pub type Decoder = fn(&[u8]) -> bool;

/// Every decoder.
pub const DECODERS: [(&str, Decoder); 6] = [
    ("cell", cell),
    ("exchange", exchange),
    ("answer", answer),
    ("entry", entry),
    ("papers", any_paper),
    ("rendezvous", rendezvous),
];

/// The decoder called `name`.
#[allow(dead_code, reason = "only the fuzz targets choose one")]
pub fn by_name(name: &str) -> Decoder {
    DECODERS.iter().find(|(known, _)| *known == name).expect("a decoder of this name").1
}

fn cell(octets: &[u8]) -> bool {
    let Ok(content) = Content::decode(octets) else { return false };
    let carried: usize = content.fragments.iter().map(|fragment| fragment.octets.len()).sum();
    assert!(carried <= octets.len(), "a cell holds more than its octets");
    true
}

fn exchange(octets: &[u8]) -> bool {
    let Ok(exchange) = Exchange::decode(octets) else { return false };
    assert_eq!(exchange.encode().expect("what was decoded encodes"), octets);
    true
}

fn answer(octets: &[u8]) -> bool {
    let shape = Shape::new(CellSize::from_octets(512).expect("512 is listed"), 1, 2).expect("a usual shape");
    let Ok(answer) = ExchangeAnswer::decode(octets, shape) else { return false };
    assert_eq!(answer.encode(shape.cell()).expect("what was decoded encodes"), octets);
    true
}

fn entry(octets: &[u8]) -> bool {
    let Ok(entry) = Entry::decode(octets) else { return false };
    assert_eq!(entry.encode(), octets);
    true
}

fn any_paper(octets: &[u8]) -> bool {
    let certificate = Signed::<Certificate>::decode(octets).map(|paper| paper.encode());
    let acceptance = Signed::<Acceptance>::decode(octets).map(|paper| paper.encode());
    let charter = Signed::<Charter>::decode(octets).map(|paper| paper.encode());
    let invitation = papers::read::<Invitation>(octets).map(|paper| cbor::encode(&paper));
    let accepted = [certificate, acceptance, charter, invitation]
        .into_iter()
        .flatten()
        .inspect(|again| assert_eq!(again, octets));
    accepted.count() > 0
}

fn rendezvous(octets: &[u8]) -> bool {
    let Ok(message) = SignedRendezvous::decode(octets) else { return false };
    assert_eq!(message.encode(), octets);
    true
}
