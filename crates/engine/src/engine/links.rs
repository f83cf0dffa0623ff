//! A node's engine: one talk, and one link for each other node of the channel (PROTOCOL §4.9).
//!
//! *A step.* [`Engine::handle`] hands what happened to the links that it concerns, lets every link do what is due,
//! and passes on what one link asks of the others. If anything durable changed, the step's only output is one
//! batch of all links to persist, and the engine waits. Then every link speaks.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use couloir_seal::Entropy;
use couloir_seal::identity::SigningKey;
use couloir_wire::entry::{Body, DeliveryState, Entry};
use couloir_wire::id::{ConversationId, EntryId, PostId, RouteId};
use couloir_wire::limits::PEERS_MAX;
use couloir_wire::time::Moment;

use super::further::LINKED;
use super::{Crossing, LinkEngine, PhraseView, RecoverError, Setup};
use crate::input::{Input, Now, Say};
use crate::link::Frozen;
use crate::output::{Notice, Output, Refusal};
use crate::party::{Member, Party};
use crate::planted::planted;
use crate::store::{LinkNumber, LinkSnapshot, Snapshot, Write};
use crate::talk::Talk;

/// When to call [`Engine::handle`] again although nothing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wake {
    /// At the latest then.
    pub at: Moment,
}

/// A node's engine.
pub struct Engine {
    signing: Arc<SigningKey>,
    suite: couloir_seal::CipherSuite,
    pub(super) entropy: Entropy,
    pub(super) talk: Talk,
    /// The first one began the channel, or joined it.
    pub(super) links: BTreeMap<LinkNumber, LinkEngine>,
    batch: Batch,
    queue: VecDeque<Output>,
    is_persisting: bool,
    pub(super) is_serving: bool,
    /// It was told that its post has passed on, and all is said.
    is_over: bool,
}

/// What the links' turns changed, in the order of the turns: one link numbers what another one took.
#[derive(Default)]
struct Batch {
    writes: Vec<Write>,
    /// Whose the next write is, if nothing else is said.
    of: LinkNumber,
}

impl Batch {
    fn take_from(&mut self, link: &mut LinkEngine) {
        let writes = link.take_writes();
        if writes.is_empty() {
            return;
        }
        if std::mem::replace(&mut self.of, link.number) != link.number {
            self.writes.push(Write::OfLink(link.number));
        }
        self.writes.extend(writes);
    }
}

/// What is to be done, in order. Borrows the engine, so that the next input waits for it.
#[must_use = "undrained outputs are never performed"]
pub struct Outputs<'e> {
    engine: &'e mut Engine,
}

impl Outputs<'_> {
    /// Performs every output in order; tells when the engine wants to be woken. While a batch is
    /// outstanding it wants nothing but [`Engine::persisted`].
    pub fn drain(self, perform: impl FnMut(Output)) -> Option<Wake> {
        self.engine.queue.drain(..).for_each(perform);
        if self.engine.is_persisting {
            return None;
        }
        self.engine.links.values().filter_map(LinkEngine::wakes_at).min().map(|at| Wake { at })
    }
}

impl Engine {
    /// An engine as the store remembers it. It only keeps until [`Input::Serve`].
    pub fn recover(now: Now, setup: Setup, mut snapshot: Snapshot) -> Result<Engine, RecoverError> {
        let mut engine = Engine {
            signing: Arc::new(setup.signing),
            suite: setup.suite,
            entropy: Entropy::from_seed(&setup.seed),
            talk: Talk::default(),
            links: BTreeMap::new(),
            batch: Batch::default(),
            queue: VecDeque::new(),
            is_persisting: false,
            is_serving: false,
            is_over: false,
        };
        let links = std::mem::take(&mut snapshot.links);
        let first = links.contains_key(&LinkNumber::FIRST);
        if !first || links.len() > PEERS_MAX {
            return Err(RecoverError::Damaged("channel"));
        }
        for (number, stored) in links {
            // The first link draws what a node with one link draws.
            let seed = if number == LinkNumber::FIRST { setup.seed } else { engine.entropy.array() };
            let link = engine.link(now, number, seed, stored, &snapshot.undelivered)?;
            engine.links.insert(number, link);
        }
        engine.recover_talk(now, snapshot)?;
        Ok(engine)
    }

    pub(super) fn link(
        &self,
        now: Now,
        number: LinkNumber,
        seed: [u8; 32],
        stored: LinkSnapshot,
        undelivered: &[(EntryId, DeliveryState)],
    ) -> Result<LinkEngine, RecoverError> {
        let setup = super::recover::LinkSetup {
            number,
            signing: self.signing.clone(),
            suite: self.suite,
            seed,
            undelivered: undelivered.iter().copied().collect(),
        };
        LinkEngine::recover(now, setup, stored)
    }

    fn recover_talk(&mut self, now: Now, mut snapshot: Snapshot) -> Result<(), RecoverError> {
        self.talk.recover(&mut snapshot)?;
        self.on(LinkNumber::FIRST, |link| link.recover_held(now, &snapshot.unnumbered));
        Ok(())
    }

    /// Takes what happened, as one atomic step. An empty list is a wake-up. Must not be called while a
    /// batch is outstanding.
    pub fn handle(&mut self, now: Now, inputs: impl IntoIterator<Item = Input>) -> Outputs<'_> {
        debug_assert!(!self.is_persisting, "a batch is outstanding");
        self.links.values_mut().for_each(|link| link.begin_turn(now));
        for input in inputs {
            self.on_input(now, input);
        }
        self.each(|link| link.tick(now));
        self.cross(now);
        self.settle(now);
        Outputs { engine: self }
    }

    /// The outstanding batch is durable. If it could not be made so, drop the engine instead and
    /// recover from the store: what memory holds is then ahead of the disk.
    pub fn persisted(&mut self, now: Now) -> Outputs<'_> {
        if std::mem::take(&mut self.is_persisting) {
            self.speak(now);
        }
        Outputs { engine: self }
    }

    fn settle(&mut self, now: Now) {
        self.each(LinkEngine::collect_states);
        let batch = std::mem::take(&mut self.batch).writes;
        if batch.is_empty() {
            return self.speak(now);
        }
        if planted!(SaysBeforeSync) {
            self.each(LinkEngine::say_too_soon);
            self.gather();
        }
        self.queue.push_back(Output::Persist(batch));
        self.is_persisting = true;
    }

    fn speak(&mut self, now: Now) {
        self.each(|link| link.speak(now));
        self.gather();
        self.end_if_replaced();
    }

    /// A node that was replaced ends once all that it said is with everybody who can have it.
    fn end_if_replaced(&mut self) {
        let Some(successor) = self.party().successor().filter(|_| self.is_serving) else { return };
        let is_over =
            self.links.values().any(LinkEngine::has_all) && !self.links.values().any(LinkEngine::has_left);
        if is_over && !std::mem::replace(&mut self.is_over, true) {
            self.queue.push_back(Output::Halt(Notice::Replaced(successor)));
        }
    }

    /// What all links want done. What several of them would tell the desk it is told once.
    fn gather(&mut self) {
        let mut told = BTreeSet::new();
        let are_several = self.links.len() > 1;
        for link in self.links.values_mut() {
            let peer = link.party.peer.as_ref().filter(|_| are_several).map(Member::name);
            for output in link.take_outputs() {
                let output = match (output, &peer) {
                    (Output::Notice(what), Some(peer)) if what.is_of_link() => {
                        Output::Notice(Notice::Of { peer: peer.clone(), what: Box::new(what) })
                    }
                    (output, _) => output,
                };
                let is_new = match &output {
                    Output::Notice(notice) => told.insert(notice.clone()),
                    _ => true,
                };
                self.queue.extend(is_new.then_some(output));
            }
        }
    }

    /// One link's turn, with the talk.
    pub(super) fn on<R: Default>(
        &mut self,
        number: LinkNumber,
        turn: impl FnOnce(&mut LinkEngine) -> R,
    ) -> R {
        let Some(link) = self.links.get_mut(&number) else { return R::default() };
        std::mem::swap(&mut self.talk, &mut link.talk);
        let result = turn(link);
        std::mem::swap(&mut self.talk, &mut link.talk);
        self.batch.take_from(link);
        result
    }

    fn each(&mut self, mut turn: impl FnMut(&mut LinkEngine)) {
        for link in self.links.values_mut() {
            std::mem::swap(&mut self.talk, &mut link.talk);
            turn(link);
            std::mem::swap(&mut self.talk, &mut link.talk);
            self.batch.take_from(link);
        }
    }

    fn on_input(&mut self, now: Now, input: Input) {
        match input {
            Input::Serve => {
                self.is_serving = true;
                self.each(|link| link.serve(now));
            }
            Input::Say(say) => self.say(now, *say),
            Input::Shown { author, entries } => self.show(author, &entries),
            Input::HoldFiles(is_held) => self.each(|link| link.hold_files(is_held)),
            Input::SetDesk(desk) => self.each(|link| link.set_desk(now, desk)),
            Input::ConfirmPhrase(link) => self.on(link, LinkEngine::confirm_phrase),
            Input::Drill => self.each(|link| link.drill(now)),
            Input::SetOfficial { state, why } => self.each(|link| link.set_official(now, state, &why)),
            Input::Adopt(paper) => self.adopt(now, &paper),
            Input::Withdraw(version) => self.withdraw(version),
            Input::Thaw(link) => self.on(link, |link| link.thaw(now)),
            Input::Exchanged(exchanged) => {
                self.on_route(exchanged.route, |link| link.on_exchanged(now, exchanged));
            }
            Input::DirectUp(route) => self.on_route(route, |link| link.on_direct_up(now, route)),
            Input::DirectDown(route) => self.on_route(route, |link| link.on_direct_down(route)),
            Input::DirectTook { route, frames } => {
                self.on_route(route, |link| link.on_direct_took(route, frames));
            }
            Input::DirectArrived { route, frame } => {
                self.on_route(route, |link| link.on_direct_frame(now, route, &frame));
            }
            Input::Fetched(link, fetched) => self.on(link, |link| link.on_fetched(fetched)),
            Input::Reseed(fresh) => {
                self.entropy.reseed(&fresh);
                self.each(|link| link.reseed(&fresh));
            }
            Input::Link(channel) => {
                if let Err(why) = self.begin_link(now, &channel) {
                    self.refuse_paper(why);
                }
            }
            Input::Introduce { one, other } => self.introduce(one, other),
        }
    }

    /// A turn of the link that a route belongs to; of the first if it is no link's any more.
    fn on_route(&mut self, route: RouteId, turn: impl FnOnce(&mut LinkEngine)) {
        let link = self.links.values().find(|link| link.has_route(route)).map(|link| link.number);
        self.on(link.unwrap_or_default(), turn);
    }

    /// What links ask of each other, until none asks any more.
    fn cross(&mut self, now: Now) {
        loop {
            let asked: Vec<(LinkNumber, Crossing)> =
                self.links.values_mut().flat_map(LinkEngine::take_crossings).collect();
            if asked.is_empty() {
                return;
            }
            asked.into_iter().for_each(|(from, crossing)| self.cross_one(now, from, crossing));
        }
    }

    fn cross_one(&mut self, now: Now, from: LinkNumber, crossing: Crossing) {
        match crossing {
            Crossing::Expired(id) => self.each(|link| link.forget_entry(id)),
            Crossing::Verified => self.release_kept(),
            Crossing::Paper(octets) => self.each(|link| {
                if link.number != from {
                    link.take_from_other_link(now, &octets);
                }
            }),
            // Whoever introduces twice, or everybody to everybody, does no harm.
            Crossing::Introduced(channel) => match self.begin_link(now, &channel) {
                Ok(()) | Err(LINKED) => {}
                Err(why) => self.on(from, |link| link.notice(Notice::PaperRefused(why.to_owned()))),
            },
        }
    }

    /// Somebody says something: it is kept, or refused and nothing of it remains.
    fn say(&mut self, now: Now, say: Say) {
        let (token, when_verified) = (say.token, say.when_verified);
        let refuse = |engine: &mut Engine, refusal| {
            engine.on(LinkNumber::FIRST, |link| link.refuse(token, refusal));
        };
        let carriers = match self.carriers(&say) {
            Ok(carriers) => carriers,
            Err(refusal) => return refuse(self, refusal),
        };
        let is_verified = carriers.iter().all(|link| self.links[link].watch.is_verified());
        let is_verified_here = carriers.iter().all(|link| self.links[link].watch.is_verified_here);
        let first = carriers[0];
        let drafted = self.on(first, |link| Some(link.draft(now, say)));
        let entry = match drafted {
            Some(Ok(entry)) => entry,
            Some(Err(refusal)) => return refuse(self, refusal),
            None => return,
        };
        if is_verified {
            self.on(first, |link| link.keep(&entry));
            self.carry(&entry, &carriers);
        } else if when_verified || is_verified_here {
            self.on(first, |link| link.keep_until_verified(&entry));
        } else {
            return refuse(self, Refusal::NotVerified);
        }
        self.on(first, |link| link.said(token, entry.id));
    }

    /// The links over which what is said there goes: one for each other member.
    fn carriers(&self, say: &Say) -> Result<Vec<LinkNumber>, Refusal> {
        if let Body::Open(opening) = &say.body {
            let carriers = self.links_of(&opening.members)?;
            let is_revoked = |link: &LinkNumber| self.links[link].link.frozen == Some(Frozen::Revoked);
            let refusal = "the node of a member was revoked: open it without that post";
            return match carriers.iter().any(is_revoked) {
                true => Err(Refusal::Unacceptable(refusal.into())),
                false => Ok(carriers),
            };
        }
        let Some(named) = say.conversation else { return Ok(vec![LinkNumber::FIRST]) };
        self.carriers_in(named)
    }

    fn carriers_in(&self, conversation: ConversationId) -> Result<Vec<LinkNumber>, Refusal> {
        let is_its_first = |link: &&LinkEngine| link.party.conversation() == Some(conversation);
        if let Some(link) = self.links.values().find(is_its_first) {
            return Ok(vec![link.number]);
        }
        let known = self.talk.conversation(conversation).ok_or(Refusal::NoSuchConversation)?;
        if known.members.is_empty() {
            // Its opening has not come: nobody but the one peer can have said anything in it.
            let only = self.links.len() == 1;
            return if only { Ok(vec![LinkNumber::FIRST]) } else { Err(Refusal::NoSuchConversation) };
        }
        self.links_of(&known.members)
    }

    fn links_of(&self, members: &[PostId]) -> Result<Vec<LinkNumber>, Refusal> {
        let own = self.party().own.post();
        let stranger = || Refusal::Unacceptable("a member is no post that this node has a link with".into());
        let others: BTreeSet<PostId> = members.iter().copied().filter(|member| *member != own).collect();
        if !members.contains(&own) || others.is_empty() {
            return Err(Refusal::Unacceptable("a conversation has this post and another one".into()));
        }
        others.into_iter().map(|post| self.link_to(post).ok_or_else(stranger)).collect()
    }

    pub(super) fn link_to(&self, post: PostId) -> Option<LinkNumber> {
        let is_peer = |link: &&LinkEngine| link.party.peer.as_ref().map(Member::post) == Some(post);
        self.links.values().find(is_peer).map(|link| link.number)
    }

    /// The entry leaves for every other member. Its state is that of the reader who is furthest behind.
    fn carry(&mut self, entry: &Entry, carriers: &[LinkNumber]) {
        let encoded = entry.encode();
        for carrier in carriers {
            self.on(*carrier, |link| {
                link.send_entry(entry, &encoded);
                if carriers.len() > 1 {
                    link.write(Write::EntryState(entry.id, DeliveryState::Kept));
                }
            });
        }
    }

    /// A phrase was compared: what was kept until then goes, if it is the last one of its readers.
    fn release_kept(&mut self) {
        let kept = self.talk.unnumbered.values().filter(|kept| kept.is_own);
        let mut kept: Vec<Entry> = kept.filter_map(|kept| Entry::decode(&kept.encoded).ok()).collect();
        kept.sort_by_key(|entry| (entry.at_ms, entry.id));
        for entry in kept {
            let carriers = match &entry.body {
                Body::Open(opening) => self.links_of(&opening.members),
                _ => self.carriers_in(entry.conversation),
            };
            let Ok(carriers) = carriers else { continue };
            if carriers.iter().all(|link| self.links[link].watch.is_verified()) {
                self.on(carriers[0], |link| link.number_kept(&entry));
                self.carry(&entry, &carriers);
            }
        }
    }

    /// Our page or log displayed entries; their author is told.
    fn show(&mut self, author: PostId, entries: &[EntryId]) {
        if let Some(link) = self.link_to(author) {
            self.on(link, |link| link.show(entries));
        }
    }

    /// A paper that our officers signed, for every link that it concerns.
    fn adopt(&mut self, now: Now, paper: &[u8]) {
        let mut refused = None;
        let mut is_taken = false;
        self.each(|link| match link.adopt(now, paper) {
            Ok(()) => is_taken = true,
            Err(error) => refused = Some(refused.take().unwrap_or(error)),
        });
        if let Some(error) = refused.filter(|_| !is_taken) {
            self.on(LinkNumber::FIRST, |link| link.refuse(0, Refusal::Charter(error.to_string())));
        }
    }

    /// The desk takes back, or declines, the charter version that waits.
    fn withdraw(&mut self, version: couloir_wire::id::Digest) {
        let mut is_taken = false;
        self.each(|link| is_taken |= link.withdraw(version));
        if !is_taken {
            let refusal = Refusal::Charter("no version with that hash waits for a signature".into());
            self.on(LinkNumber::FIRST, |link| link.refuse(0, refusal));
        }
    }

    /// The papers of the first link: who we are, and with whom the channel began.
    pub fn party(&self) -> &Party {
        &self.links[&LinkNumber::FIRST].party
    }

    /// Every link, and its papers.
    pub fn parties(&self) -> impl Iterator<Item = (LinkNumber, &Party)> {
        self.links.iter().map(|(number, link)| (*number, &link.party))
    }

    /// The phrase of a link, once its first contact is complete.
    pub fn phrase(&self, link: LinkNumber) -> Option<PhraseView> {
        self.links.get(&link)?.phrase()
    }

    /// Octets held for peers: what they said that is not complete.
    pub fn held_octets(&self) -> u64 {
        self.links.values().map(LinkEngine::held_octets).sum()
    }

    /// The node at a glance.
    pub fn status(&self, now: Now) -> crate::status::StatusView {
        let own_waiting = self.talk.unnumbered.values().filter(|kept| kept.is_own).count() as u64;
        let mut views = self.links.values().map(|link| link.status(now, own_waiting));
        let first = views.next().unwrap_or_default();
        views.fold(first, |mut view, further| {
            view.add(further);
            view
        })
    }
}

impl LinkEngine {
    fn take_crossings(&mut self) -> Vec<(LinkNumber, Crossing)> {
        std::mem::take(&mut self.crossing).into_iter().map(|crossing| (self.number, crossing)).collect()
    }

    fn reseed(&mut self, fresh: &[u8; 32]) {
        self.entropy.reseed(fresh);
    }
}
