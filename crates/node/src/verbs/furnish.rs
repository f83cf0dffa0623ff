//! `couloir furnish`: a store as large as years of work make it, to be measured.

use couloir_engine::store::StoredEntry;
use couloir_engine::{Snapshot, StateKey, Talk, Write};
use couloir_wire::entry::{
    Body, Bundle, CaseAct, CaseFile, DeliveryState, Entry, Marking, Note, Opening, Person, Precedence,
    Rendering, ReportAct, Status, Translation,
};
use couloir_wire::id::{ConversationId, Digest, EntryId, PostId};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::kept;
use crate::clerk::Node as _;
use crate::clerk::papers;
use crate::clerk::row::Posts;
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::store::Store;
use crate::words::{Failure, Outcome};

/// Fill the store of a home with made-up entries, to measure what a desk does with years of work.
///
/// For measurements alone: what is made up cannot be told from what was said, and is never sent.
#[derive(clap::Args)]
pub struct Furnish {
    /// Entries in all.
    #[arg(long, default_value = "1000000")]
    entries: u64,
    /// Conversations among which they are.
    #[arg(long, default_value = "200")]
    conversations: u64,
    /// Cases among them.
    #[arg(long, default_value = "2000")]
    cases: u64,
    /// Reports among them.
    #[arg(long, default_value = "20000")]
    reports: u64,
}

impl Furnish {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let mut kept = kept(args)?;
        let channel = papers::channel_of(kept.reader())?;
        let own = papers::Agreed::of(&channel)?.own_certificate.unverified().post;
        let posts: Vec<PostId> = Posts::of(kept.reader())?.all().collect();
        let [_, _] = posts[..] else {
            return Err(Failure::later("the other side is not known yet", "complete first contact"));
        };
        let mut talk = Talk::default();
        let states = kept.reader().state(StateKey::Talk)?.map(|octets| (StateKey::Talk, octets));
        let mut snapshot = Snapshot { states: states.into_iter().collect(), ..Snapshot::default() };
        talk.recover(&mut snapshot).map_err(crate::shell::HostError::from)?;
        let store = kept.store();
        let mut mill =
            Mill { talk, own, posts, dice: Dice(1), places: Vec::new(), batch: Vec::new(), last: None };
        mill.open(self.conversations);
        for index in 0..self.entries.saturating_sub(self.conversations) {
            mill.say(self, index);
            mill.write(store, BATCH)?;
        }
        mill.end(store)?;
        while store.index_some(INDEXED)? >= INDEXED {}
        store.settle()?;
        out.answer(&json!({ "entries": self.entries }), || format!("{} entries.", self.entries))
    }
}

/// What makes entries.
struct Mill {
    talk: Talk,
    own: PostId,
    posts: Vec<PostId>,
    dice: Dice,
    places: Vec<ConversationId>,
    batch: Vec<Write>,
    /// The last note, to be answered or translated.
    last: Option<(EntryId, ConversationId)>,
}

impl Mill {
    fn open(&mut self, count: u64) {
        for index in 0..count {
            let mut members = self.posts.clone();
            members.sort_unstable();
            let marking = Marking::ALL[index as usize % Marking::ALL.len()];
            let subject = format!("{}（{index}）", self.dice.one_of(&SUBJECTS));
            let opening = Opening { subject, marking, members, predecessor: None, expires_after_ms: None };
            let id = self.id(index);
            let place = ConversationId::opened_by(id);
            self.places.push(place);
            self.keep(id, place, Body::Open(opening), index);
        }
    }

    fn say(&mut self, wish: &Furnish, index: u64) {
        let place = self.places[self.dice.below(self.places.len() as u64) as usize];
        let every = |count: u64| count > 0 && index % (wish.entries / count).max(1) == 1;
        let id = self.id(index + wish.conversations);
        let body = match (every(wish.cases), every(wish.reports), index % 50, self.last) {
            (true, _, _, _) => Body::Case { of: None, act: CaseAct::Raise(self.case(index)) },
            (_, true, _, _) => Body::Report(self.report(index)),
            (_, _, 7, Some((of, at))) if at == place => Body::Translate(self.translation(of)),
            (_, _, 13, Some((entry, at))) if at == place => Body::Answer { entry, deferred_until_ms: None },
            _ => Body::Note(self.note(place)),
        };
        if matches!(body, Body::Note(_)) {
            self.last = Some((id, place));
        }
        self.keep(id, place, body, index + wish.conversations);
    }

    fn note(&mut self, place: ConversationId) -> Note {
        let sentences = 1 + self.dice.below(4);
        let text: String = (0..sentences).map(|_| self.dice.sentence()).collect();
        let reply_to = self.last.filter(|(_, at)| *at == place && self.dice.below(3) == 0).map(|(id, _)| id);
        Note { text, lang: "ja".parse().ok(), reply_to, quote: None }
    }

    fn translation(&mut self, of: EntryId) -> Translation {
        let text = self.dice.one_of(&CHINESE).to_owned();
        let lang = "zh-Hans".parse().expect("a tag of ours");
        Translation { of, lang, rendering: Rendering::Unofficial, by: "王".to_owned(), text }
    }

    fn case(&mut self, index: u64) -> CaseFile {
        let person = Person {
            number: 1,
            name: format!("{}{index}", self.dice.one_of(&NAMES)),
            lang: None,
            romanised: String::new(),
            born: None,
            nationality: vec!["JP".to_owned()],
            remark: String::new(),
            status: Status::Detained,
        };
        CaseFile {
            title: format!("{}の件 {index}", person.name),
            persons: vec![person],
            what: self.dice.sentence(),
            when: None,
            place: self.dice.one_of(&PLACES).to_owned(),
            legal_basis: String::new(),
            clocks: Vec::new(),
        }
    }

    fn report(&mut self, index: u64) -> ReportAct {
        let bundle = json!({
            "type": "bundle",
            "id": format!("bundle--00000000-0000-4000-8000-{index:012}"),
            "objects": [{
                "type": "indicator", "spec_version": "2.1",
                "id": format!("indicator--00000000-0000-4000-8000-{index:012}"),
                "created": "2026-10-01T00:00:00.000Z", "modified": "2026-10-01T00:00:00.000Z",
                "name": self.dice.sentence(), "pattern_type": "stix", "valid_from": "2026-10-01T00:00:00Z",
                "pattern": format!("[ipv4-addr:value = '198.51.100.{}']", index % 250),
            }],
        });
        let title = format!("{} {index}", self.dice.one_of(&SUBJECTS));
        ReportAct::Share { title, bundle: Bundle::Here(bundle.to_string()), answers: None }
    }

    /// Unique, and in the order of time.
    fn id(&mut self, index: u64) -> EntryId {
        let random = [self.dice.next(), self.dice.next()].map(u64::to_be_bytes).concat();
        let random = random.try_into().unwrap_or_default();
        EntryId::new(random, at_ms(index))
    }

    fn keep(&mut self, id: EntryId, conversation: ConversationId, body: Body, index: u64) {
        let author = if index.is_multiple_of(2) { self.own } else { self.other() };
        let parents = self.talk.parents(conversation);
        let (at_ms, salt) = (at_ms(index), [index as u8; 16]);
        let entry = Entry {
            id,
            conversation,
            author,
            parents,
            at_ms,
            precedence: Precedence::Routine,
            expires_ms: None,
            salt,
            marking: None,
            body,
        };
        let encoded = entry.encode();
        self.talk.advance(&entry, Digest(Sha256::digest(&encoded).into()));
        let (number, is_own) = (Some(self.talk.next_number()), author == self.own);
        let state = if index.is_multiple_of(199) { DeliveryState::Delivered } else { DeliveryState::Shown };
        self.batch.push(Write::Entry(StoredEntry { id, encoded, is_own, state, number, has_gap: false }));
    }

    fn other(&self) -> PostId {
        self.posts.iter().copied().find(|post| *post != self.own).unwrap_or(self.own)
    }

    fn write(&mut self, store: &mut Store, count: usize) -> Outcome {
        if self.batch.len() >= count {
            store.apply(&self.batch)?;
            self.batch.clear();
        }
        Ok(())
    }

    fn end(mut self, store: &mut Store) -> Outcome {
        self.batch.push(Write::State(StateKey::Talk, Some(self.talk.encode())));
        for place in &self.places {
            let state = self.talk.encode_conversation(*place);
            self.batch.push(Write::State(StateKey::Conversation(*place), state));
        }
        self.write(store, 0)
    }
}

/// The same numbers in every run.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.below(texts.len() as u64) as usize]
    }

    fn sentence(&mut self) -> String {
        let number = self.below(90_000);
        format!(
            "{}の{}について、{}（第{number}号）。",
            self.one_of(&PLACES),
            self.one_of(&SUBJECTS),
            self.one_of(&ENDINGS)
        )
    }
}

/// Over the years before 2026, evenly.
fn at_ms(index: u64) -> i64 {
    1_640_000_000_000 + index as i64 * 150_000
}

const BATCH: usize = 2_000;
const INDEXED: usize = 4_000;
const SUBJECTS: [&str; 12] = [
    "訪問日程",
    "領事面会",
    "査証の手続",
    "警備計画",
    "通訳の手配",
    "共同発表",
    "邦人保護",
    "出入国記録",
    "捜査共助",
    "大会の安全",
    "空港の動線",
    "連絡体制",
];
const PLACES: [&str; 10] = ["北京", "東京", "上海", "大阪", "広州", "福岡", "瀋陽", "名古屋", "大連", "札幌"];
const ENDINGS: [&str; 8] = [
    "貴方のご意向をお聞かせください",
    "明日正午までにご連絡します",
    "先方の回答を待っています",
    "資料を別途お送りします",
    "当方に異存ありません",
    "なお検討を要します",
    "来週改めて協議したく存じます",
    "関係機関に確認中です",
];
const NAMES: [&str; 6] = ["山田太郎", "鈴木花子", "高橋一郎", "佐藤次郎", "田中三郎", "渡辺四郎"];
const CHINESE: [&str; 4] =
    ["请贵方告知意见。", "我方明日中午前联系。", "资料另行送上。", "有关部门正在核实。"];
