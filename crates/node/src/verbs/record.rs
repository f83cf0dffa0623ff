//! `couloir record`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use couloir_talks::evidence::{Examination, Fault, Place, examine};
use couloir_wire::id::ConversationId;
use couloir_wire::limits::EXPORT_OCTETS_MAX;
use couloir_wire::papers::{self, PAPER_OCTETS_MAX, Signet};
use serde_json::{Value, json};

use super::{find_conversation, text_of};
use crate::book::Trust;
use crate::clerk::record::{RecordPage, RecordShown};
use crate::clerk::{Reach, papers as papers_of_node, statement};
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::plain::one_line;
use crate::cli::values::{Lang, MarkingWord, local, rfc3339};
use crate::print;
use crate::socket::{RecordAct, Request};
use crate::words::{Code, Failure, Outcome};

/// What is on the record.
#[derive(clap::Args)]
pub struct Record {
    #[command(subcommand)]
    verb: RecordVerb,
}

#[derive(clap::Subcommand)]
enum RecordVerb {
    Show(Show),
    Export(Export),
    Verify(Verify),
}

/// Show what is on the record, and its head.
///
/// There is one record for each set of posts. Both desks show the same head once each has what the other said: compare it
/// by voice. What came and does not hold is not on it; `couloir log` shows it with the reason.
#[derive(clap::Args)]
struct Show {
    /// The record of those who take part in this conversation; of all the channel's posts if none is named.
    #[arg(long, value_name = "CONVERSATION")]
    conversation: Option<String>,
}

/// Write the record into a file that anybody can check with the sides' signets: couloir record verify.
///
/// `--pdf` also prints it for people: all languages side by side, who signed, fingerprints, and the file's hash as a QR code.
#[derive(clap::Args)]
struct Export {
    /// The file, which must not exist.
    file: PathBuf,
    /// The strictest marking that may be held where it goes; a record that is marked more strictly does not. What was said in
    /// the channel's first conversation is red.
    #[arg(long, value_enum, default_value = "red")]
    level: MarkingWord,
    #[command(flatten)]
    paper: OnPaper,
    /// The record of those who take part in this conversation; of all the channel's posts if none is named.
    #[arg(long, value_name = "CONVERSATION")]
    conversation: Option<String>,
}

/// Check an exported record: needs no home, no node and no network.
///
/// Every signature must lead to officers of a signet that you give and trust. Exit code 0: everything holds. 5:
/// everything holds, and it is only a part of a record. 6: something does not hold, and which item and why. Whether it ends where
/// the record ends is seen by comparing its head with what a desk shows.
#[derive(clap::Args)]
pub struct Verify {
    /// The exported record.
    file: PathBuf,
    /// A side's signet, as `couloir side signet --out FILE` writes it and as you have it from that side. Once for each side.
    #[arg(long = "signet", value_name = "FILE", required = true)]
    signets: Vec<PathBuf>,
    #[command(flatten)]
    paper: OnPaper,
}

impl Record {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        match &self.verb {
            RecordVerb::Show(show) => show.run(out, args),
            RecordVerb::Export(export) => export.run(out, args),
            RecordVerb::Verify(verify) => verify.run(out),
        }
    }
}

impl Show {
    fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let mut reach = Reach::open(args)?;
        let place =
            self.conversation.as_deref().map(|typed| find_conversation(&mut reach, typed)).transpose()?;
        let record = whole_record(out, &mut reach, place)?;
        out.answer(&record, || shown_words(&record))
    }
}

impl Export {
    fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let path = std::path::absolute(&self.file).map_err(|error| Failure::io(&self.file, &error))?;
        let mut reach = Reach::open(args)?;
        let place =
            self.conversation.as_deref().map(|typed| find_conversation(&mut reach, typed)).transpose()?;
        prove(out, &mut reach)?;
        let path =
            path.to_str().ok_or_else(|| Failure::usage("the path is not valid UTF-8", "choose another"))?;
        let answer = reach.ask(&Request::Record {
            act: RecordAct::Export { conversation: place, path: path.to_owned(), level: self.level.into() },
        })?;
        self.paper.print(out, || self.signets(&mut reach), &self.file)?;
        out.answer(&answer, || {
            format!(
                "Wrote {} octets.\nHead of the record: {}\nSHA-256 of the file: {}",
                answer["len"],
                text_of(&answer, "head"),
                text_of(&answer, "sha256")
            )
        })
    }
}

/// The same on paper.
#[derive(clap::Args)]
struct OnPaper {
    /// Also print it for people, into this PDF, which must not exist. Needs fonts of its languages on this machine.
    #[arg(long, value_name = "FILE")]
    pdf: Option<PathBuf>,
    /// The language of the PDF's labels.
    #[arg(long, value_enum, default_value = "en", requires = "pdf")]
    lang: Lang,
}

impl OnPaper {
    /// Prints the exported record at `file`, checked under `signets`.
    fn print(&self, out: &Out, signets: impl FnOnce() -> Outcome<Vec<Signet>>, file: &Path) -> Outcome {
        let Some(pdf) = &self.pdf else { return Ok(()) };
        let octets = read(file, EXPORT_OCTETS_MAX)?;
        if octets.len() > LONG_OCTETS {
            out.say("checking and printing it takes a while");
        }
        let found = examine(&octets, signets()?).map_err(|error| {
            Failure::new(Code::Integrity, format!("{}: {error}", file.display()), "export it again")
        })?;
        statement::write_new(pdf, &print::print(&found, &octets, self.lang.into())?)
    }
}

impl Export {
    /// Of both sides, from the channel's papers.
    fn signets(&self, reach: &mut Reach) -> Outcome<Vec<Signet>> {
        let answer = reach.ask(&Request::Papers)?;
        Ok(Trust::of(&papers_of_node::of_answer(&answer)?)?.signets().to_vec())
    }
}

/// Lets the node prove what came since, and says how far it is if that takes long.
fn prove(out: &Out, reach: &mut Reach) -> Outcome {
    let begin = Instant::now();
    loop {
        let told = reach.ask(&Request::Record { act: RecordAct::Prove })?;
        if told["more"] != json!(true) {
            return Ok(());
        }
        if begin.elapsed() > WORTH_SAYING {
            out.say(&format!("proven {} of {}", told["done"], told["of"]));
        }
    }
}

/// All of a record, read in parts.
pub fn whole_record(
    out: &Out,
    reach: &mut Reach,
    conversation: Option<ConversationId>,
) -> Outcome<RecordPage> {
    prove(out, reach)?;
    let mut record: Option<RecordPage> = None;
    loop {
        let after = record.as_ref().map_or(0, |record| record.statements.len());
        let answer =
            reach.ask(&Request::Record { act: RecordAct::Show { conversation, after, count: PART } })?;
        let part: RecordPage = serde_json::from_value(answer).map_err(|error| {
            let what = format!("the node's answer is not understood: {error}");
            Failure::usage(what, "use the couloir of the same version")
        })?;
        let is_end = part.statements.is_empty();
        let mut statements = record.map(|record| record.statements).unwrap_or_default();
        statements.extend(part.statements);
        let found = RecordPage { statements, ..part };
        if is_end || found.statements.len() >= found.total {
            return Ok(found);
        }
        record = Some(found);
    }
}

fn shown_words(record: &RecordPage) -> String {
    let places: BTreeMap<&str, usize> =
        record.statements.iter().map(|shown| (shown.digest.as_str(), shown.place)).collect();
    let place_of =
        |digest: &str| places.get(digest).map_or("one that is missing".to_owned(), usize::to_string);
    let mut words = String::new();
    record.statements.iter().for_each(|shown| shown.push_words(&mut words, &place_of));
    if record.statements.is_empty() {
        words.push_str("Nothing is on the record.\n");
    }
    if !record.missing.is_empty() {
        let count = record.missing.len();
        words.push_str(&format!("{count} items that others name have not come yet.\n"));
    }
    words.push_str(&format!("Head of the record: {}", record.head));
    words
}

impl Verify {
    fn run(&self, out: &Out) -> Outcome {
        let signets = self.read_signets()?;
        let octets = read(&self.file, EXPORT_OCTETS_MAX)?;
        let found = examine(&octets, signets).map_err(|error| {
            let what = format!("{} is no exported record of this format: {error}", self.file.display());
            Failure::new(Code::Integrity, what, "ask for the file again, and for its version of Couloir")
        })?;
        let shown = RecordShown::of(&found.record);
        out.answer(&answer(&found, &shown), || words(&found, &shown))?;
        self.verdict(&found)?;
        self.paper.print(out, || self.read_signets(), &self.file)
    }

    fn read_signets(&self) -> Outcome<Vec<Signet>> {
        self.signets.iter().map(|path| signet(path)).collect()
    }

    fn verdict(&self, found: &Examination) -> Outcome {
        let file = self.file.display();
        if let Some(first) = found.faults.first() {
            let more = match found.faults.len() {
                1 => String::new(),
                count => format!(", and {} more", count - 1),
            };
            let what = format!("{file} does not hold: {}: {}{more}", place(first.place), first.cause);
            return Err(Failure::new(Code::Integrity, what, "do not rely on it; ask both sides for theirs")
                .answered());
        }
        if !found.is_whole() {
            let what =
                format!("{file} holds and is a part of a record: {} items are missing", found.missing.len());
            return Err(Failure::new(Code::Degraded, what, "ask for the whole record").answered());
        }
        Ok(())
    }
}

fn answer(found: &Examination, shown: &RecordShown) -> Value {
    let faults = found
        .faults
        .iter()
        .map(|fault| json!({ "where": place(fault.place), "why": fault.cause.to_string() }));
    let revoked = found.revoked_later.iter().map(|(signer, at)| {
        json!({ "node": signer.node.to_string(), "name": signer.side_name, "title": signer.title, "at": rfc3339(at.0) })
    });
    json!({
        "verdict": verdict_word(found),
        "faults": faults.collect::<Vec<_>>(),
        "record": shown,
        "signets_not_given": found.strangers.iter().map(|side| side.to_string()).collect::<Vec<_>>(),
        "revoked_later": revoked.collect::<Vec<_>>(),
    })
}

fn verdict_word(found: &Examination) -> &'static str {
    match (found.holds(), found.is_whole()) {
        (false, _) => "broken",
        (true, false) => "partial",
        (true, true) => "whole",
    }
}

fn words(found: &Examination, shown: &RecordShown) -> String {
    let mut lines = vec![shown.words()];
    lines.extend(found.faults.iter().map(fault_words));
    lines.extend(found.strangers.iter().map(|side| format!("The signet of the side {side} was not given.")));
    lines.extend(found.revoked_later.iter().map(|(signer, at)| {
        let title = one_line(&signer.title);
        format!("The node of {title} was revoked later, at {}: its times are its own word.", local(at.0))
    }));
    if found.holds() {
        lines.push("Everything in it holds. Compare its head with what a desk shows.".to_owned());
    }
    lines.join("\n")
}

fn fault_words(fault: &Fault) -> String {
    format!("DOES NOT HOLD: {}: {}", place(fault.place), fault.cause)
}

fn place(place: Place) -> String {
    match place {
        Place::File => "the file".to_owned(),
        Place::Paper(at) => format!("paper {at}"),
        Place::Statement(at) => format!("statement {at}"),
        Place::Countersignature(at, below) => format!("countersignature {below} of statement {at}"),
    }
}

/// A signet from a file.
fn signet(path: &Path) -> Outcome<Signet> {
    papers::read(&read(path, PAPER_OCTETS_MAX)?).map_err(|error| {
        let what = format!("{} is no signet: {error}", path.display());
        Failure::new(Code::Integrity, what, "have it written anew: couloir side signet --out FILE")
    })
}

/// A file of at most `max` octets.
fn read(path: &Path, max: usize) -> Outcome<Vec<u8>> {
    let facts = std::fs::metadata(path).map_err(|error| Failure::io(path, &error))?;
    if facts.len() > max as u64 {
        let what = format!("{} is longer than {max} octets", path.display());
        return Err(Failure::new(Code::Integrity, what, "check the path"));
    }
    std::fs::read(path).map_err(|error| Failure::io(path, &error))
}

/// Statements asked for at once.
const PART: usize = 64;
/// Who waits longer than this is told how far it is.
const WORTH_SAYING: Duration = Duration::from_secs(1);
/// A record longer than this takes more than a moment to print.
const LONG_OCTETS: usize = 4 << 20;
