//! Users: they say things, read the log, compare the phrase, come and go.

use couloir_engine::{Input, LinkNumber, Say};
use couloir_wire::cell::{Desk, Official};
use couloir_wire::entry::{Body, Precedence};
use couloir_wire::id::EntryId;

use crate::memory_store::digest_of;
use crate::model::ANSWER_BASE_MS;
use crate::world::{Event, World};

impl World {
    /// The user at `node` says something, and will again.
    pub(crate) fn speak(&mut self, node: usize) {
        let Some(mean_ms) = self.config.talk_mean_ms else { return };
        let wait_ms = self.talk.wait_ms(mean_ms);
        self.after(wait_ms, Event::Talk(node));
        if self.is_talking && self.nodes[node].engine.is_some() {
            if self.config.has_matters && self.talk.percent(40) {
                return self.speak_of_matters(node);
            }
            let body = self.draw_body(node);
            self.say_somehow(node, body);
        }
    }

    /// `node` says `body` now, with a precedence and an expiry of its mood.
    fn say_somehow(&mut self, node: usize, body: Body) {
        let precedence = self.draw_precedence();
        let expires_after_ms = self.talk.percent(8).then(|| self.talk.between(10, 200) * 60_000);
        let when_verified = self.talk.percent(50);
        self.say(node, body, precedence, (expires_after_ms, when_verified));
    }

    /// `node` says `body` now, as routine and for good.
    pub fn say_plainly(&mut self, node: usize, body: Body) {
        self.say(node, body, Precedence::Routine, (None, true));
    }

    fn say(
        &mut self,
        node: usize,
        body: Body,
        precedence: Precedence,
        (expires_after_ms, when_verified): (Option<u64>, bool),
    ) {
        let id = match &body {
            Body::File { .. } => Some(EntryId(self.talk.id())),
            _ => None,
        };
        let token = self.model.say(node, self.now_ms, body.clone(), precedence, expires_after_ms.is_some());
        if let Some((id, octets)) = id.zip(self.model.files.get(&(token as usize))) {
            self.nodes[node].store.import_file(id, octets.clone());
        }
        self.tell(Some(node), "say", || format!("token {token} {precedence:?} {}", body.word()));
        let say = Say { id, precedence, expires_after_ms, when_verified, ..Say::plain(token, body) };
        self.give(node, Input::Say(Box::new(say)));
    }

    fn draw_precedence(&mut self) -> Precedence {
        let weights = [Precedence::Flash, Precedence::Immediate, Precedence::Priority, Precedence::Routine];
        weights[[3, 3, 3, 3, 3, 2, 2, 1, 1, 0][self.talk.below(10) as usize]]
    }

    fn draw_body(&mut self, node: usize) -> Body {
        let kind = self.talk.below(40);
        match if self.config.is_talk_light { kind + 4 } else { kind } {
            0 => self.draw_file(),
            1 | 2 => self.draw_answer(node).unwrap_or_else(|| self.note(80)),
            3 => {
                let octets = self.talk.between(2_000, 60_000);
                self.note(octets)
            }
            _ => {
                let octets = self.talk.between(10, 600);
                self.note(octets)
            }
        }
    }

    /// A note of about `octets` octets that carries its token.
    pub fn note(&mut self, octets: u64) -> Body {
        let words =
            ["本日の件、承知しました。", "今日之事，已知悉。", "We confirm receipt of your message. "];
        let word = words[self.talk.below(3) as usize];
        let mut text = format!("{:08x} ", self.model.next_token());
        while (text.len() as u64) < octets {
            text.push_str(word);
        }
        Body::note(text)
    }

    fn draw_file(&mut self) -> Body {
        let len = self.talk.between(1, 150_000);
        let octets: Vec<u8> = (0..len).map(|at| (at * 31 + len) as u8).collect();
        let token = self.model.next_token();
        let digest = digest_of(&octets);
        self.model.files.insert(token as usize, octets);
        Body::File { name: format!("{token:08x}.pdf"), len, digest }
    }

    fn draw_answer(&mut self, node: usize) -> Option<Body> {
        let (_, last) = self.nodes[node].store.log().next_back()?;
        let token = self.model.next_token() as i64;
        let is_there = !last.is_own && !last.encoded.is_empty();
        is_there.then_some(Body::Answer { entry: last.id, deferred_until_ms: Some(ANSWER_BASE_MS + token) })
    }

    /// The user at `node` reads what is new and compares the phrase, and will again.
    pub(crate) fn read(&mut self, node: usize) {
        self.after(READ_MS, Event::Read(node));
        if self.nodes[node].engine.is_none() || self.nodes[node].is_retired {
            return;
        }
        self.check_silence(node);
        if !self.has_confirmed(node) {
            self.confirm_phrase(node);
        }
        if self.config.has_matters {
            self.keep_matters(node);
        }
        let unread = std::mem::take(&mut self.nodes[node].unread);
        let store = &self.nodes[node].store;
        let is_peers = |id: &EntryId| store.entry(*id).is_some_and(|entry| !entry.is_own);
        let shown: Vec<EntryId> = unread.into_iter().filter(is_peers).collect();
        if !shown.is_empty() {
            self.model.shown(node, &shown);
            let peer = self.nodes[node].engine.as_ref().and_then(|engine| engine.party().peer.clone());
            let Some(author) = peer.map(|peer| peer.post()) else { return };
            self.give(node, Input::Shown { author, entries: shown });
        }
    }

    /// The user at `node` says that the phrase is the same, if both desks show the same.
    fn confirm_phrase(&mut self, node: usize) {
        let phrase = self.phrase(node);
        let is_same = (0..self.nodes.len())
            .filter(|other| self.model.posts[*other] != self.model.posts[node])
            .any(|other| self.phrase(other) == phrase);
        if phrase.is_some() && is_same {
            self.tell(Some(node), "confirms", || "the phrase".to_owned());
            self.give(node, Input::ConfirmPhrase(LinkNumber::FIRST));
        }
    }

    /// Whether the user at `node` has said that the phrase is the same.
    pub(crate) fn has_confirmed(&self, node: usize) -> bool {
        let now = self.nodes[node].now(self.now_ms, self.wall());
        let status = self.nodes[node].engine.as_ref().map(|engine| engine.status(now));
        status.is_some_and(|status| status.peers.iter().any(|peer| peer.verified.0))
    }

    /// The phrase that the desk of `node` shows.
    pub(crate) fn phrase(&self, node: usize) -> Option<String> {
        Some(self.nodes[node].engine.as_ref()?.phrase(LinkNumber::FIRST)?.digits)
    }

    /// An officer comes or goes, tests the line, or tells how the official line is.
    pub(crate) fn officer_acts(&mut self, node: usize, choice: u64) {
        let input = match choice {
            0 => Input::SetDesk(Desk::Here),
            1 => Input::SetDesk(Desk::Away),
            2 => Input::Drill,
            3 => Input::SetOfficial { state: Official::Down, why: "電話が通じない".to_owned() },
            4 => Input::SetOfficial { state: Official::Up, why: String::new() },
            _ => Input::Reseed([choice as u8; 32]),
        };
        self.give(node, input);
    }
}

/// How often a user looks.
const READ_MS: u64 = 5_000;
