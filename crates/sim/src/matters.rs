//! Cases, swaps, meetings and announcements among the talk: both desks must compute the same of them, in whatever order their
//! steps came, and a swap shows both or none.
//!
//! Users open them and take steps as they find things in their own store. What a node does by itself (it reveals once both are
//! bound, it ends what is late) is done here as the shell does it, from what its store holds.

use std::collections::{BTreeMap, BTreeSet};

use couloir_engine::StateKey;
use couloir_engine::channel::ChannelState;
use couloir_talks::announcement::Announcement;
use couloir_talks::matter::{Matter, act_word};
use couloir_talks::meeting::Meeting;
use couloir_talks::sides::Sides;
use couloir_talks::swap::{Owed, Standing, Swap, Why, commitment};
use couloir_wire::entry::{
    AnnouncementAct, Body, CaseAct, CaseFile, Entry, LangText, MeetingAct, Opened, Person, Place, Plan,
    PublicLine, Publicity, Stance, StanceReport, Status, StatusReport, SwapAct, Swapped, TimeSpan,
};
use couloir_wire::id::{EntryId, PostId, SideId};
use couloir_wire::papers::SignedCertificate;
use couloir_wire::time::WallTime;

use crate::checks::{Check, Verdict, require};
use crate::world::World;

/// What one machine knows of matters.
struct Desk {
    own: PostId,
    now: WallTime,
    sides: Sides,
    entries: Vec<Entry>,
}

impl Desk {
    fn openings(&self) -> impl Iterator<Item = EntryId> {
        let opens = |entry: &&Entry| entry.body.of().is_none();
        self.entries.iter().filter(opens).map(|entry| entry.id)
    }

    fn matter(&self, id: EntryId) -> Option<Matter<'_>> {
        Matter::of(id, &self.entries, &self.sides)
    }

    /// Who committed to, and who revealed, a swap, counted without folding it.
    fn said_of(&self, swap: EntryId) -> [BTreeSet<PostId>; 2] {
        let mut said = [BTreeSet::new(), BTreeSet::new()];
        for entry in self.entries.iter().filter(|entry| entry.body.of() == Some(swap)) {
            match &entry.body {
                Body::Swap { act: SwapAct::Commit(_), .. } => said[0].insert(entry.author),
                Body::Swap { act: SwapAct::Reveal(_), .. } => said[1].insert(entry.author),
                _ => false,
            };
        }
        said
    }
}

impl World {
    fn desk(&self, node: usize) -> Option<Desk> {
        let machine = &self.nodes[node];
        let engine = machine.engine.as_ref()?;
        let channel = ChannelState::decode(machine.store.state(StateKey::Channel)?).ok()?;
        let own = SignedCertificate::decode(&channel.own_certificate).ok()?.unverified().post;
        let kept = machine.store.entries().filter(|entry| entry.number.is_some() || entry.is_own);
        let entries = kept.filter_map(|entry| Entry::decode(&entry.encoded).ok());
        let entries: Vec<Entry> =
            entries.filter(|entry| Matter::KINDS.contains(&entry.body.word())).collect();
        let posts = entries.iter().map(|entry| entry.author).chain([own]);
        let sides = Sides::new(posts.map(|post| (post, side_of(post))));
        let now = engine.status(machine.now(self.now_ms, self.wall())).at;
        Some(Desk { own, now, sides, entries })
    }

    /// The user at `node` opens a matter or takes a step in one.
    pub(crate) fn speak_of_matters(&mut self, node: usize) {
        let Some(desk) = self.desk(node) else { return };
        let openings: Vec<EntryId> = desk.openings().collect();
        let body = match self.talk.below(14) {
            0 | 1 => self.raise(),
            2 | 3 => self.open_swap(desk.now),
            4 => Some(Body::Meeting { of: None, act: MeetingAct::Propose(self.plan(desk.now)) }),
            5 => Some(Body::Announcement { of: None, act: AnnouncementAct::Propose(self.line(desk.now)) }),
            6 => self.speak_on_record(node),
            7 => self.correct(node),
            _ if openings.is_empty() => self.raise(),
            _ => {
                let chosen = openings[self.talk.below(openings.len() as u64) as usize];
                self.step_in(node, &desk, chosen)
            }
        };
        if let Some(body) = body {
            self.say_plainly(node, body);
        }
    }

    pub(crate) fn words(&self) -> String {
        format!("{:08x} 名簿", self.model.next_token())
    }

    fn raise(&mut self) -> Option<Body> {
        let count = self.talk.between(1, 4) as u16;
        let file = CaseFile {
            title: self.words(),
            persons: (1..=count).map(person).collect(),
            what: String::new(),
            when: None,
            place: String::new(),
            legal_basis: String::new(),
            clocks: Vec::new(),
        };
        Some(Body::Case { of: None, act: CaseAct::Raise(file) })
    }

    fn open_swap(&mut self, now: WallTime) -> Option<Body> {
        let deadline = WallTime(now.0 + self.talk.between(1, 30) as i64 * 60_000);
        Some(Body::Swap { of: None, act: SwapAct::Propose { subject: self.words(), deadline } })
    }

    fn step_in(&mut self, node: usize, desk: &Desk, id: EntryId) -> Option<Body> {
        match desk.matter(id)? {
            Matter::Case(_) => Some(Body::Case { of: Some(id), act: self.case_act() }),
            Matter::Swap(swap) if swap.waits_for(desk.own, &desk.sides, desk.now) => {
                self.commit(node, desk, id)
            }
            Matter::Swap(swap) => {
                let is_off = self.talk.percent(10) && swap.standing(desk.now) == Standing::Committing;
                is_off.then(|| Body::Swap { of: Some(id), act: SwapAct::Abort { why: self.words() } })
            }
            Matter::Meeting(meeting) => {
                Some(Body::Meeting { of: Some(id), act: self.meeting_act(desk, &meeting)? })
            }
            Matter::Announcement(line) => {
                Some(Body::Announcement { of: Some(id), act: self.announcement_act(desk, &line)? })
            }
            Matter::Report(_) => None,
        }
    }

    /// Only whoever is asked takes a plan: who else may do what is seen by the fold.
    fn meeting_act(&mut self, desk: &Desk, meeting: &Meeting<'_>) -> Option<MeetingAct> {
        let is_asked = meeting.waits_for(desk.own, &desk.sides);
        Some(match self.talk.below(5) {
            0 => MeetingAct::Counter(self.plan(desk.now)),
            1 => MeetingAct::Cancel { why: self.words() },
            2 => MeetingAct::Held { at: desk.now, remark: self.words() },
            _ if is_asked => MeetingAct::Accept { plan: meeting.plan_entry, window: 0, place: 0 },
            _ => return None,
        })
    }

    fn announcement_act(&mut self, desk: &Desk, line: &Announcement<'_>) -> Option<AnnouncementAct> {
        let is_asked = line.waits_for(desk.own, &desk.sides);
        Some(match self.talk.below(5) {
            0 => AnnouncementAct::Counter(self.line(desk.now)),
            1 => AnnouncementAct::Decline { why: self.words() },
            2 => AnnouncementAct::Published { at: desk.now, at_place: self.words() },
            _ if is_asked => AnnouncementAct::Agree { line: line.line_entry },
            _ => return None,
        })
    }

    fn plan(&mut self, now: WallTime) -> Plan {
        let from = WallTime(now.0 + self.talk.between(1, 100) as i64 * 3_600_000);
        let (name, city) = ("連絡室".to_owned(), "東京".to_owned());
        Plan {
            subject: self.words(),
            windows: vec![TimeSpan { from, until: WallTime(from.0 + 3_600_000) }],
            places: vec![Place { name, city, zone: "Asia/Tokyo".to_owned() }],
            participants: Vec::new(),
            agenda: Vec::new(),
            publicity: Publicity::Undisclosed,
            recognition: None,
            fallback: None,
        }
    }

    fn line(&mut self, now: WallTime) -> PublicLine {
        let texts = "ja".parse().map(|lang| LangText { lang, text: "両国は一致した。".to_owned() });
        let embargo = WallTime(now.0 + self.talk.between(1, 60) as i64 * 60_000);
        let texts = texts.into_iter().collect();
        PublicLine { subject: self.words(), texts, embargo, if_asked: String::new() }
    }

    /// Whether the author is entitled is seen by the fold.
    fn case_act(&mut self) -> CaseAct {
        let (persons, text) = (Vec::new(), self.words());
        match self.talk.below(4) {
            0 => CaseAct::Status(StatusReport { persons, status: Status::Indicted, since: None, text }),
            1 => CaseAct::Answer(StanceReport { persons, stance: Stance::Held, on: None, text }),
            2 => CaseAct::Remark { text },
            _ => CaseAct::Close { why: text },
        }
    }

    /// What it is bound to is on its disk before it is said.
    fn commit(&mut self, node: usize, desk: &Desk, id: EntryId) -> Option<Body> {
        let mut nonce = [0; 32];
        nonce.iter_mut().for_each(|octet| *octet = self.talk.below(256) as u8);
        let opened = Opened { nonce, content: Swapped::Text(self.words()) };
        let digest = commitment(id, desk.own, &opened);
        self.nodes[node].store.keep_opening(digest, opened);
        Some(Body::Swap { of: Some(id), act: SwapAct::Commit(digest) })
    }

    /// What `node` says of swaps by itself.
    pub(crate) fn keep_matters(&mut self, node: usize) {
        let Some(desk) = self.desk(node) else { return };
        let openings: Vec<EntryId> = desk.openings().collect();
        for id in openings {
            let Some(Matter::Swap(swap)) = desk.matter(id) else { continue };
            if let Some(act) = self.own_word(node, &desk, &swap) {
                self.say_plainly(node, Body::Swap { of: Some(id), act });
            }
        }
    }

    fn own_word(&self, node: usize, desk: &Desk, swap: &Swap<'_>) -> Option<SwapAct> {
        let opened = match swap.owes(desk.own, desk.now, true)? {
            Owed::EndsLate => return Some(SwapAct::Abort { why: self.words() }),
            Owed::Reveals(bound) => self.nodes[node].store.opening(&bound),
        };
        Some(opened.map_or_else(|| SwapAct::Abort { why: self.words() }, SwapAct::Reveal))
    }

    /// Swaps that are still to be revealed somewhere, in words.
    pub(crate) fn unsettled(&self) -> Vec<String> {
        let desks = (0..self.nodes.len()).filter(|node| !self.nodes[*node].is_retired);
        let desks: Vec<Desk> = desks.filter_map(|node| self.desk(node)).collect();
        let is_under_way = |desk: &Desk, id: EntryId| {
            let Some(Matter::Swap(swap)) = desk.matter(id) else { return false };
            matches!(swap.standing(desk.now), Standing::Revealing | Standing::Off(Why::Late))
        };
        let of = |desk: &Desk| desk.openings().filter(|id| is_under_way(desk, *id)).collect::<Vec<_>>();
        desks.iter().flat_map(of).map(|id| format!("the swap {id} is under way")).collect()
    }

    /// Both desks compute the same, and nothing is shown alone.
    pub(crate) fn check_matters(&mut self) {
        let desks = (0..self.nodes.len()).filter(|node| !self.nodes[*node].is_retired);
        let desks: Vec<Desk> = desks.filter_map(|node| self.desk(node)).collect();
        let verdict = same_everywhere(&desks)
            .and(desks.iter().try_for_each(same_backwards))
            .and(desks.iter().try_for_each(nothing_alone));
        self.judge(verdict);
        let done = |desk: &Desk| {
            let is_done =
                |id: &EntryId| desk.matter(*id).is_some_and(|matter| matter.state(desk.now) == "done");
            desk.openings().filter(is_done).count() as u64
        };
        self.tally.swaps_done = desks.iter().map(done).min().unwrap_or(0);
    }
}

fn same_everywhere(desks: &[Desk]) -> Verdict {
    let all: BTreeMap<EntryId, usize> = desks.iter().flat_map(Desk::openings).map(|id| (id, 0)).collect();
    for id in all.keys() {
        let seen: Vec<_> = desks.iter().map(|desk| (desk, desk.matter(*id))).collect();
        let is_same = seen.windows(2).all(|pair| pair[0].1 == pair[1].1);
        require(Check::SameState, is_same, || {
            let states: Vec<_> = seen
                .iter()
                .map(|(desk, matter)| {
                    let steps = |matter: &Matter<'_>| {
                        matter
                            .steps()
                            .iter()
                            .map(|step| (act_word(&step.entry.body), step.counts))
                            .collect::<Vec<_>>()
                    };
                    matter.as_ref().map(|matter| (matter.state(desk.now), steps(matter)))
                })
                .collect();
            format!("two desks compute {id} otherwise: {states:?}")
        })?;
    }
    Ok(())
}

/// The order in which steps came changes nothing.
fn same_backwards(desk: &Desk) -> Verdict {
    let backwards: Vec<Entry> = desk.entries.iter().rev().cloned().collect();
    desk.openings().try_for_each(|id| {
        let is_same = desk.matter(id) == Matter::of(id, &backwards, &desk.sides);
        require(Check::SameState, is_same, || format!("{id} is otherwise when its steps come backwards"))
    })
}

/// Whoever revealed, both were bound.
fn nothing_alone(desk: &Desk) -> Verdict {
    for id in desk.openings() {
        let [bound, revealed] = desk.said_of(id);
        let is_fine = revealed.is_empty() || bound.len() == 2;
        require(Check::Together, is_fine, || format!("{id} was revealed with {} bound", bound.len()))?;
    }
    Ok(())
}

fn side_of(PostId(post): PostId) -> SideId {
    let mut side = [0; 32];
    side[..16].copy_from_slice(&post);
    SideId(side)
}

fn person(number: u16) -> Person {
    Person {
        number,
        name: "山田太郎".to_owned(),
        lang: None,
        romanised: String::new(),
        born: None,
        nationality: Vec::new(),
        remark: String::new(),
        status: Status::Arrested,
    }
}
