//! The decoders of records and of bundles of reports, by name; shared with the fuzz targets.

use couloir_seal::record::{Papers, unproven_texts};
use couloir_talks::evidence::examine;
use couloir_talks::stix::StixBundle;
use couloir_wire::entry::Marking;

/// Feeds octets to a decoder; whether it accepted them. Panics if what it accepted is not held together.
pub type Decoder = fn(&[u8]) -> bool;

/// Every decoder.
pub const DECODERS: [(&str, Decoder); 3] = [("evidence", evidence), ("statement", statement), ("stix", stix)];

/// The decoder called `name`.
#[allow(dead_code, reason = "only the fuzz targets choose one")]
pub fn by_name(name: &str) -> Decoder {
    DECODERS.iter().find(|(known, _)| *known == name).expect("a decoder of this name").1
}

/// Without signets a file can be read, and nothing in it holds.
fn evidence(octets: &[u8]) -> bool {
    let Ok(examined) = examine(octets, Vec::new()) else { return false };
    assert!(examined.record.is_empty(), "something holds that nobody signed");
    true
}

fn statement(octets: &[u8]) -> bool {
    let mut papers = Papers::default();
    assert!(papers.prove(octets).is_err(), "it holds under no signet");
    assert!(papers.learn_from_countersignature(octets).is_err(), "it holds under no signet");
    unproven_texts(octets).is_ok()
}

fn stix(octets: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(octets) else { return false };
    let Ok(bundle) = StixBundle::read(text) else { return false };
    let (least, most) = (bundle.marking(Marking::Clear), bundle.marking(Marking::Red));
    assert!(!bundle.objects.is_empty() && least <= most && bundle.unmarked() <= bundle.objects.len());
    true
}
