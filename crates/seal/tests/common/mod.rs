//! Two sides with their papers, as their people would draw them up.
#![allow(dead_code, reason = "each test file uses a part")]

use couloir_seal::entropy::Entropy;
use couloir_seal::identity::SigningKey;
use couloir_seal::papers::{digest, side_id, sign};
use couloir_wire::id::{ChannelId, Digest, InvitationId, PostId, RouteId, SideId};
use couloir_wire::papers::{
    Acceptance, Certificate, Charter, Invitation, Invited, OneTimeSecret, Signed, SignedAcceptance,
    SignedCertificate, SignedCharter, Signet,
};
use couloir_wire::route::RouteSpec;

pub const INVITATION: InvitationId = InvitationId([8; 16]);

/// A side with `officers` of whom `threshold` must sign.
pub struct Side {
    pub officers: Vec<SigningKey>,
    pub node: SigningKey,
    pub signet: Signet,
}

impl Side {
    pub fn new(seed: u8, name: &str, officers: usize, threshold: u8) -> Side {
        let mut entropy = Entropy::from_seed(&[seed; 32]);
        let officers: Vec<_> = (0..officers).map(|_| SigningKey::generate(&mut entropy)).collect();
        let keys = officers.iter().map(|key| key.public().clone()).collect();
        let signet = Signet { version: 1, name: name.into(), threshold, officers: keys };
        Side { node: SigningKey::generate(&mut entropy), officers, signet }
    }

    pub fn id(&self) -> SideId {
        side_id(&self.signet)
    }

    pub fn certificate(&self) -> SignedCertificate {
        let mut certificate = Signed::unsigned(self.certificate_body()).expect("well formed");
        (0..self.signet.threshold).for_each(|n| self.sign(&mut certificate, n));
        certificate
    }

    pub fn certificate_body(&self) -> Certificate {
        Certificate {
            side: self.id(),
            post: PostId([1; 16]),
            title: "連絡課長".into(),
            serial: 1,
            holder: Some("山田 花子".into()),
            since_ms: 1_790_000_000_000,
            node: self.node.public().clone(),
            tls_key: Digest([2; 32]),
        }
    }

    pub fn sign<T: couloir_seal::papers::Signable>(&self, paper: &mut Signed<T>, officer: u8) {
        sign(paper, self.id(), officer, &self.officers[usize::from(officer)]);
    }
}

pub fn route(id: u8) -> RouteSpec {
    RouteSpec {
        id: RouteId([id; 16]),
        url: "https://relay.example:7443#pin=ab".into(),
        window_ms: 2_000,
        cell_len: 2_048,
        lanes: 1,
        ruler: 0,
        from_ms: 0,
        retired_ms: None,
    }
}

/// The first version of a charter, signed by `inviter`.
pub fn first_charter(inviter: &Side, for_side: &str) -> SignedCharter {
    let body = Charter {
        version: 1,
        previous: None,
        channel: ChannelId([3; 16]),
        name: "Hotline".into(),
        inviter: inviter.id(),
        invited: Invited::Named(for_side.into()),
        invitation: INVITATION,
        routes: vec![route(1)],
        turns: 16,
        live_ms: 3_600_000,
        notes_may_expire: true,
        tells_shown: true,
        created_ms: 1_790_000_000_000,
    };
    let mut charter = Signed::unsigned(body).expect("well formed");
    (0..inviter.signet.threshold).for_each(|n| inviter.sign(&mut charter, n));
    charter
}

/// The version after `first`, changed by `change` and signed by both.
pub fn successor(
    first: &SignedCharter,
    inviter: &Side,
    invited: &Side,
    change: impl FnOnce(&mut Charter),
) -> SignedCharter {
    let mut body = first.unverified().clone();
    body.version = 2;
    body.previous = Some(digest(first));
    body.invited = Invited::Known(invited.id());
    change(&mut body);
    let mut charter = Signed::unsigned(body).expect("well formed");
    for side in [inviter, invited] {
        (0..side.signet.threshold).for_each(|n| side.sign(&mut charter, n));
    }
    charter
}

pub fn acceptance(joiner: &Side, charter: &SignedCharter) -> SignedAcceptance {
    let body = Acceptance {
        charter: digest(charter),
        signet: joiner.signet.clone(),
        certificate: joiner.certificate(),
    };
    let mut acceptance = Signed::unsigned(body).expect("well formed");
    (0..joiner.signet.threshold).for_each(|n| joiner.sign(&mut acceptance, n));
    acceptance
}

pub fn invitation(inviter: &Side, for_side: &str) -> Invitation {
    Invitation {
        id: INVITATION,
        signet: inviter.signet.clone(),
        certificate: inviter.certificate(),
        charter: first_charter(inviter, for_side),
        secret: OneTimeSecret([9; 32]),
        first_hour: 497_222,
        expires_ms: 1_790_000_000_000,
    }
}
