//! Two sides that put things on one record.
#![allow(dead_code, reason = "each user takes a part")]

use couloir_seal::entropy::Entropy;
use couloir_seal::identity::{SigningKey, node_id};
use couloir_seal::papers::{side_id, sign};
use couloir_seal::proof::Authentic;
use couloir_seal::record::{
    Act, Asks, Audience, Corrects, Papers, Said, Statement, Text, VERSION, Verdict, countersign, say,
};
use couloir_talks::record::{Item, Record};
use couloir_wire::id::{ChannelId, Digest, PostId, StatementId};
use couloir_wire::papers::{Certificate, Revocation, Signed, SignedCertificate, SignedRevocation, Signet};

/// When the stories begin: in September 2026.
pub const BEGIN_MS: i64 = 1_790_000_000_000;

/// A side with officers of whom some must sign, one post, one node.
pub struct Side {
    pub officers: Vec<SigningKey>,
    pub node: SigningKey,
    pub signet: Signet,
    pub certificate: SignedCertificate,
}

impl Side {
    pub fn new(seed: u8, name: &str, title: &str) -> Side {
        let mut entropy = Entropy::from_seed(&[seed; 32]);
        let officers: Vec<_> = (0..3).map(|_| SigningKey::generate(&mut entropy)).collect();
        let node = SigningKey::generate(&mut entropy);
        let keys = officers.iter().map(|key| key.public().clone()).collect();
        let signet = Signet { version: 1, name: name.into(), threshold: 2, officers: keys };
        let certificate = Certificate {
            side: side_id(&signet),
            post: PostId([seed; 16]),
            title: title.into(),
            serial: 1,
            holder: None,
            since_ms: BEGIN_MS,
            node: node.public().clone(),
            tls_key: Digest([seed; 32]),
        };
        let mut certificate = Signed::unsigned(certificate).expect("well formed");
        [0, 2].iter().for_each(|n| sign(&mut certificate, side_id(&signet), *n, &officers[usize::from(*n)]));
        Side { officers, node, signet, certificate }
    }

    pub fn post(&self) -> PostId {
        self.certificate.unverified().post
    }

    pub fn revocation(&self, at_ms: i64) -> SignedRevocation {
        let node = node_id(self.node.public());
        let revocation = Revocation { side: side_id(&self.signet), serial: 2, node, at_ms };
        let mut signed = Signed::unsigned(revocation).expect("well formed");
        [0, 1]
            .iter()
            .for_each(|n| sign(&mut signed, side_id(&self.signet), *n, &self.officers[usize::from(*n)]));
        signed
    }
}

/// Both sides, what both know, and a running number for ids and times.
pub struct Desks {
    pub tokyo: Side,
    pub beijing: Side,
    pub papers: Papers,
    count: u32,
}

impl Desks {
    pub fn new() -> Desks {
        let tokyo = Side::new(1, "外務省", "連絡課長");
        let beijing = Side::new(2, "外交部", "联络处处长");
        let mut papers = Papers::new([tokyo.signet.clone(), beijing.signet.clone()]);
        for side in [&tokyo, &beijing] {
            papers.learn_certificate(&side.certificate.encode()).expect("it holds");
        }
        Desks { tokyo, beijing, papers, count: 0 }
    }

    pub fn audience(&self) -> Audience {
        let sides = [&self.tokyo, &self.beijing];
        let ids = sides.map(|side| side_id(&side.signet)).to_vec();
        Audience::new(ChannelId([3; 16]), ids, sides.map(Side::post).to_vec())
    }

    pub fn record(&self) -> Record {
        Record::new(self.audience())
    }

    pub fn signets(&self) -> Vec<Signet> {
        vec![self.tokyo.signet.clone(), self.beijing.signet.clone()]
    }

    /// A statement of `side` that saw `previous`, before it is signed.
    pub fn statement(&mut self, is_tokyo: bool, previous: &[Digest]) -> Statement {
        self.count += 1;
        let side = if is_tokyo { &self.tokyo } else { &self.beijing };
        let mut previous = previous.to_vec();
        previous.sort_unstable();
        Statement {
            version: VERSION,
            audience: self.audience(),
            id: StatementId([self.count as u8; 16]),
            previous,
            side: side_id(&side.signet),
            author: side.post(),
            at_ms: BEGIN_MS + i64::from(self.count) * 60_000,
            asks: Asks::Agree,
            texts: vec![
                text("ja", "共同発表", "双方は、意思疎通を継続することで一致した。"),
                text("zh-Hans", "共同发表", "双方一致同意继续保持沟通。"),
            ],
            corrects: None,
        }
    }

    pub fn sign(&self, statement: &Statement) -> Vec<u8> {
        let side = if statement.author == self.tokyo.post() { &self.tokyo } else { &self.beijing };
        say(&side.node, &side.certificate, statement).expect("acceptable")
    }

    pub fn say(&mut self, is_tokyo: bool, previous: &[Digest]) -> Authentic<Said> {
        let statement = self.statement(is_tokyo, previous);
        self.papers.prove(&self.sign(&statement)).expect("it holds")
    }

    pub fn correct(&mut self, is_tokyo: bool, said: &Said) -> Authentic<Said> {
        let statement = self.statement(is_tokyo, &[said.digest]);
        let corrects = Some(Corrects { statement: said.digest, number: said.statement.number() + 1 });
        self.papers.prove(&self.sign(&Statement { corrects, ..statement })).expect("it holds")
    }

    /// What the other side says to `said`, before it is signed.
    pub fn act(&mut self, said: &Said, verdict: Verdict) -> Act {
        self.count += 1;
        let side = self.other(said);
        Act {
            version: VERSION,
            statement: said.digest,
            previous: vec![said.digest],
            side: side_id(&side.signet),
            author: side.post(),
            at_ms: BEGIN_MS + i64::from(self.count) * 60_000,
            verdict,
            certificate: couloir_seal::papers::digest(&side.certificate),
            reason: (verdict == Verdict::Decline).then(|| "文言が未調整。".into()),
        }
    }

    pub fn countersign(&self, said: &Authentic<Said>, act: &Act) -> Vec<u8> {
        let side = self.other(said.get());
        countersign(&side.node, &side.certificate, said, act).expect("acceptable")
    }

    pub fn answer(&mut self, said: &Authentic<Said>, verdict: Verdict) -> Item {
        let act = self.act(said.get(), verdict);
        let octets = self.countersign(said, &act);
        Item::Countersignature(self.papers.prove_countersignature(&octets, said).expect("it holds"))
    }

    fn other(&self, said: &Said) -> &Side {
        if said.statement.author == self.tokyo.post() { &self.beijing } else { &self.tokyo }
    }
}

pub fn text(lang: &str, title: &str, text: &str) -> Text {
    Text { lang: lang.into(), title: title.into(), text: text.into() }
}

/// A story: a text that is declined, corrected, agreed; two statements at once; a later one that saw both.
pub fn story(desks: &mut Desks) -> Vec<Item> {
    let first = desks.say(true, &[]);
    let declined = desks.answer(&first, Verdict::Decline);
    let second = desks.correct(false, first.get());
    let seen = desks.answer(&second, Verdict::Acknowledge);
    let agreed = desks.answer(&second, Verdict::Agree);
    let tips = [declined.digest(), seen.digest(), agreed.digest()];
    let (left, right) = (desks.say(true, &tips), desks.say(false, &tips));
    let last = desks.say(true, &[left.get().digest, right.get().digest]);
    let statements = [first, second, left, right, last].map(Item::Statement);
    statements.into_iter().chain([declined, seen, agreed]).collect()
}
