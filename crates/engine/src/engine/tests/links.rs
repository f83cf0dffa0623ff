//! Further links: who may introduce whom, and who may say and learn what.

use couloir_wire::entry::{Marking, Opening, Parent};
use couloir_wire::id::ConversationId;

use super::*;
use crate::Write;
use crate::control::{Control, Introduction};

const ENTRY: EntryId = EntryId([11; 16]);
const STRANGER: PostId = PostId([77; 16]);
const PLACE: ConversationId = ConversationId([66; 16]);

impl Offices {
    /// The certificate of a further post of the side of `node`.
    pub(super) fn further_post(&self, node: usize, officer: &SigningKey) -> SignedCertificate {
        let own = self.engines[node].party.own.certificate.unverified();
        let key = SigningKey::generate(&mut Entropy::from_seed(&[91; 32]));
        let certificate = Certificate { post: STRANGER, node: key.public().clone(), ..own.clone() };
        let mut signed = Signed::unsigned(certificate).expect("a certificate");
        sign(&mut signed, self.engines[node].party.own.side(), 0, officer);
        signed
    }

    /// The peer of `node` introduces the post of `certificate`.
    pub(super) fn introduced(&mut self, node: usize, certificate: &SignedCertificate) {
        let introduction = Introduction {
            id: InvitationId([8; 16]),
            secret: [9; 32],
            is_inviter: false,
            certificate: certificate.encode().into(),
        };
        let octets = Control::Introduce(introduction).encode();
        let at = now(self.now_ms);
        self.engines[node].on(LinkNumber::FIRST, |link| link.on_control(at, &octets));
        self.pass(1);
    }
}

#[test]
fn an_introduction_begins_one_link_with_an_unverified_phrase_and_routes_of_its_own() {
    let mut offices = Offices::linked();
    let certificate = offices.further_post(0, &offices.officers[0]);
    offices.introduced(1, &certificate);
    assert_eq!(offices.engines[1].links.len(), 1, "before the phrase was compared");
    offices.verify();
    offices.introduced(1, &certificate);
    offices.introduced(1, &certificate);
    let engine = &offices.engines[1];
    assert_eq!(engine.links.len(), 2);
    let further = &engine.links[&LinkNumber(1)];
    assert!(!further.watch.is_verified_here && further.phrase().is_none());
    assert_eq!(further.party.charter().expect("a charter").routes.len(), 0, "a direct route joins two nodes");
    assert_ne!(further.party.conversation(), engine.party.conversation());
    let told = |notice: &Notice| matches!(notice, Notice::Introduced { title, .. } if !title.is_empty());
    assert_eq!(offices.notices[1].iter().filter(|notice| told(notice)).count(), 1);
}

#[test]
fn an_introduction_without_the_side_s_signatures_begins_nothing_and_is_told() {
    let mut offices = Offices::linked();
    offices.verify();
    let forged = offices.further_post(0, &offices.officers[1]);
    offices.introduced(1, &forged);
    assert_eq!(offices.engines[1].links.len(), 1);
    assert!(matches!(offices.notices[1].last(), Some(Notice::PaperRefused(_))));
}

/// Of a conversation of `members`.
fn opening(members: Vec<PostId>) -> Opening {
    Opening {
        subject: "別件".to_owned(),
        marking: Marking::Red,
        members,
        predecessor: None,
        expires_after_ms: None,
    }
}

/// What the peer says in a conversation of `members`, after its opening.
fn said_among(engine: &mut Engine, members: [PostId; 2]) -> Entry {
    let mut members = members.to_vec();
    members.sort_unstable();
    let opening = opening(members);
    let opened = EntryId(PLACE.0);
    let mut entry = said_by_peer(engine, opened, Body::Open(opening), None);
    entry.conversation = PLACE;
    entry.author = engine.party.own.post();
    let digest = couloir_seal::sha256_of(&entry.encode());
    engine.talk.known.insert(opened);
    engine.talk.advance(&entry, digest);
    let parents = vec![Parent { id: opened, digest, number: 1 }];
    Entry { conversation: PLACE, parents, ..said_by_peer(engine, ENTRY, Body::note("一言"), None) }
}

#[test]
fn who_is_no_member_puts_no_word_into_a_conversation_and_is_given_none() {
    for is_member in [false, true] {
        let mut offices = Offices::linked();
        offices.verify();
        let engine = &mut offices.engines[0];
        let [own, peer] = engine.ends().expect("a peer");
        let said = said_among(engine, [own, if is_member { peer } else { STRANGER }]);
        engine.on(LinkNumber::FIRST, |link| link.on_entry(now(2_000), &said.encode()));
        assert_eq!(engine.talk.known.contains(&ENTRY), is_member);
        let ours = Entry { author: own, ..said };
        assert_eq!(engine.on(LinkNumber::FIRST, |link| link.is_for_peer(&ours)), is_member);
        let listed = engine.on(LinkNumber::FIRST, |link| link.conversations_with_peer());
        assert_eq!(listed.contains(&PLACE), is_member);
    }
}

#[test]
fn a_conversation_with_a_post_without_a_link_is_refused_and_nothing_of_it_kept() {
    let mut offices = Offices::linked();
    offices.verify();
    let engine = &mut offices.engines[0];
    let own = engine.party.own.post();
    said_among(engine, [own, STRANGER]);
    let say = crate::Say { conversation: Some(PLACE), ..crate::Say::plain(3, Body::note("一言")) };
    let mut refused = false;
    let at = now(offices.now_ms);
    offices.engines[0].handle(at, [Input::Say(Box::new(say))]).drain(|output| {
        refused |= matches!(output, Output::Refused { token: 3, .. });
        assert!(!matches!(output, Output::Said { .. }));
    });
    assert!(refused);
}

#[test]
fn what_one_link_took_and_another_numbers_in_one_step_is_written_in_that_order() {
    let mut offices = Offices::linked();
    offices.verify();
    let certificate = offices.further_post(0, &offices.officers[0]);
    offices.introduced(1, &certificate);
    let engine = &mut offices.engines[1];
    let [own, peer] = engine.ends().expect("a peer");
    let first = said_among(engine, [own, peer]);
    let members = [own, peer, STRANGER].to_vec();
    let opening = opening(members);
    let opened = Entry { parents: Vec::new(), body: Body::Open(opening), ..first.clone() };
    engine.talk.advance(&opened, Digest([1; 32]));
    let parent = Parent { id: first.id, digest: couloir_seal::sha256_of(&first.encode()), number: 2 };
    let child = Entry { id: EntryId([12; 16]), author: STRANGER, parents: vec![parent], ..first.clone() };
    engine.on(LinkNumber(1), |link| link.on_entry(now(20_000), &child.encode()));
    engine.on(LinkNumber::FIRST, |link| link.on_entry(now(20_000), &first.encode()));
    let mut written = Vec::new();
    engine.handle(now(20_000), Vec::new()).drain(|output| {
        if let Output::Persist(writes) = output {
            written = writes;
        }
    });
    let place = |is_it: &dyn Fn(&Write) -> bool| written.iter().position(is_it).expect("written");
    let took = place(&|write| matches!(write, Write::Entry(stored) if stored.id == child.id));
    let numbered = place(&|write| matches!(write, Write::EntryAppears { id, .. } if *id == child.id));
    assert!(took < numbered, "{written:?}");
}
