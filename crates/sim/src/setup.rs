//! Two sides, a charter, an invitation and its acceptance: what `init`, `channel create`, `invite`
//! and `join` leave in two stores.

use couloir_engine::StateKey;
use couloir_engine::channel::{ChannelState, InvitationState, Paper};
use couloir_seal::identity::SigningKey;
use couloir_seal::papers::{digest, side_id, sign};
use couloir_seal::{Entropy, Secret};
use couloir_wire::cbor;
use couloir_wire::id::{ChannelId, Digest, InvitationId, PostId};
use couloir_wire::papers::{
    Acceptance, Certificate, Charter, Invited, PaperFormatError, Signed, SignedCertificate, Signet,
};
use couloir_wire::route::RouteSpec;
use couloir_wire::ruler::LIVE_MS;
use couloir_wire::time::WallTime;

use crate::memory_store::MemoryStore;

/// The two offices of a run: their keys and stores before either ever ran.
pub struct Offices {
    /// The keys of both sides' officers; the inviter's first.
    pub officers: [SigningKey; 2],
    /// Seeds of the two nodes' signing keys.
    pub seeds: [Secret<64>; 2],
    /// Their stores.
    pub stores: [MemoryStore; 2],
}

struct Side {
    officer: SigningKey,
    node: SigningKey,
    signet: Signet,
    certificate: SignedCertificate,
}

/// Sets up a channel over `routes`, drawn up at `now`.
pub fn offices(
    entropy: &mut Entropy,
    now: WallTime,
    routes: Vec<RouteSpec>,
) -> Result<Offices, PaperFormatError> {
    let inviter = side(entropy, now, "日本国外務省")?;
    let invited = side(entropy, now, "中国外交部")?;
    let id = InvitationId(entropy.array());
    let invitation = |is_own| InvitationState {
        id,
        secret: [0; 32],
        is_own,
        expires_ms: now.0 + INVITATION_MS,
        taken: None,
        is_void: false,
    };
    let secret: [u8; 32] = entropy.array();
    let with_secret = |is_own| InvitationState { secret, ..invitation(is_own) };

    let mut charter = Signed::unsigned(charter(entropy, now, &inviter, id, routes))?;
    sign(&mut charter, side_id(&inviter.signet), 0, &inviter.officer);
    let mut acceptance = Signed::unsigned(Acceptance {
        charter: digest(&charter),
        signet: invited.signet.clone(),
        certificate: invited.certificate.clone(),
    })?;
    sign(&mut acceptance, side_id(&invited.signet), 0, &invited.officer);

    let mut first = papers_of(&inviter);
    first.charter = Some(Paper(charter.encode()));
    first.invitation = Some(with_secret(true));
    let mut second = papers_of(&invited);
    second.charter = Some(Paper(charter.encode()));
    second.invitation = Some(with_secret(false));
    second.acceptance = Some(Paper(acceptance.encode()));
    second.inviter = Some((Paper(cbor::encode(&inviter.signet)), Paper(inviter.certificate.encode())));
    Ok(Offices {
        officers: [inviter.officer, invited.officer],
        seeds: [inviter.node.seeds().clone(), invited.node.seeds().clone()],
        stores: [store_of(&first), store_of(&second)],
    })
}

fn side(entropy: &mut Entropy, now: WallTime, name: &str) -> Result<Side, PaperFormatError> {
    let (officer, node) = (SigningKey::generate(entropy), SigningKey::generate(entropy));
    let signet =
        Signet { version: 1, name: name.to_owned(), threshold: 1, officers: vec![officer.public().clone()] };
    let mut certificate = Signed::unsigned(Certificate {
        side: side_id(&signet),
        post: PostId(entropy.array()),
        title: "Director, Liaison Division".to_owned(),
        serial: 1,
        holder: None,
        since_ms: now.0,
        node: node.public().clone(),
        tls_key: Digest(entropy.array()),
    })?;
    sign(&mut certificate, side_id(&signet), 0, &officer);
    Ok(Side { officer, node, signet, certificate })
}

fn charter(
    entropy: &mut Entropy,
    now: WallTime,
    inviter: &Side,
    invitation: InvitationId,
    routes: Vec<RouteSpec>,
) -> Charter {
    Charter {
        version: 1,
        previous: None,
        channel: ChannelId(entropy.array()),
        name: "東京・北京".to_owned(),
        inviter: side_id(&inviter.signet),
        invited: Invited::Named("中国外交部".to_owned()),
        invitation,
        routes,
        turns: 16,
        live_ms: LIVE_MS,
        notes_may_expire: true,
        tells_shown: true,
        created_ms: now.0,
    }
}

fn papers_of(side: &Side) -> ChannelState {
    ChannelState::new(cbor::encode(&side.signet), side.certificate.encode())
}

fn store_of(channel: &ChannelState) -> MemoryStore {
    let mut store = MemoryStore::default();
    store.put_state(StateKey::Channel, channel.encode());
    store
}

/// Longer than any simulated run.
const INVITATION_MS: i64 = 400 * 24 * 3_600_000;
