//! What may be typed after `couloir`. One file per verb; its arguments' comments are the help.

mod announcement;
mod answer;
mod backup;
mod case;
mod channel;
mod charter;
mod clocks;
mod conversation;
mod desk;
mod doctor;
mod draft;
mod drill;
mod edit;
mod file;
mod furnish;
mod init;
mod invite;
mod join;
mod link;
mod log;
mod matter;
mod meeting;
mod office;
mod officer;
mod open;
mod phrase;
mod posture;
mod record;
mod reference;
pub mod relay;
mod release;
mod report;
mod restore;
mod run;
mod save;
mod search;
mod send;
mod side;
mod statement;
mod status;
mod swap;
mod taxii;
mod tour;
mod translate;
mod verify;
mod withdraw;

use clap::Subcommand;
use couloir_wire::entry::Body;
use couloir_wire::id::{ConversationId, EntryId};

use crate::clerk::Reach;
use crate::clerk::kept::Kept;
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::socket::{How, Request};
use crate::words::{Failure, Outcome};
use relay::Relay;

/// Every verb.
#[derive(Subcommand)]
pub enum Verb {
    Init(init::Init),
    Channel(channel::Channel),
    Invite(invite::Invite),
    Join(join::Join),
    Link(link::Link),
    Phrase(phrase::Phrase),
    Verify(verify::Verify),
    Run(run::Run),
    Open(open::Open),
    Send(send::Send),
    Conversation(conversation::Conversation),
    Edit(edit::Edit),
    Withdraw(withdraw::Withdraw),
    Translate(translate::Translate),
    Meeting(meeting::Meeting),
    Case(case::Case),
    Swap(swap::Swap),
    Announcement(announcement::Announcement),
    Log(log::Log),
    Save(save::Save),
    Search(search::Search),
    Status(status::Status),
    Drill(drill::Drill),
    File(file::File),
    Desk(desk::Desk),
    Clocks(clocks::Clocks),
    Answer(answer::Answer),
    Posture(posture::Posture),
    Charter(charter::Charter),
    Statement(statement::Statement),
    Draft(draft::Draft),
    Release(release::Release),
    Record(record::Record),
    Report(report::Report),
    Taxii(taxii::Taxii),
    Side(side::Side),
    Backup(backup::Backup),
    Restore(restore::Restore),
    Doctor(doctor::Doctor),
    Tour(tour::Tour),
    #[command(hide = true)]
    Relay(Relay),
    #[command(hide = true)]
    Furnish(furnish::Furnish),
    #[command(hide = true)]
    Reference(reference::Reference),
}

impl Verb {
    /// Does it.
    pub fn run(self, out: &Out, args: &HomeArgs) -> Outcome {
        match self {
            Verb::Init(verb) => verb.run(out, args),
            Verb::Channel(verb) => verb.run(out, args),
            Verb::Invite(verb) => verb.run(out, args),
            Verb::Join(verb) => verb.run(out, args),
            Verb::Link(verb) => verb.run(out, args),
            Verb::Phrase(verb) => verb.run(out, args),
            Verb::Verify(verb) => verb.run(out, args),
            Verb::Run(verb) => verb.run(out, args),
            Verb::Open(verb) => verb.run(out, args),
            Verb::Send(verb) => verb.run(out, args),
            Verb::Conversation(verb) => verb.run(out, args),
            Verb::Edit(verb) => verb.run(out, args),
            Verb::Withdraw(verb) => verb.run(out, args),
            Verb::Translate(verb) => verb.run(out, args),
            Verb::Meeting(verb) => verb.run(out, args),
            Verb::Case(verb) => verb.run(out, args),
            Verb::Swap(verb) => verb.run(out, args),
            Verb::Announcement(verb) => verb.run(out, args),
            Verb::Log(verb) => verb.run(out, args),
            Verb::Save(verb) => verb.run(out, args),
            Verb::Search(verb) => verb.run(out, args),
            Verb::Status(verb) => verb.run(out, args),
            Verb::Drill(verb) => verb.run(out, args),
            Verb::File(verb) => verb.run(out, args),
            Verb::Desk(verb) => verb.run(out, args),
            Verb::Clocks(verb) => verb.run(out, args),
            Verb::Answer(verb) => verb.run(out, args),
            Verb::Posture(verb) => verb.run(out, args),
            Verb::Charter(verb) => verb.run(out, args),
            Verb::Statement(verb) => verb.run(out, args),
            Verb::Draft(verb) => verb.run(out, args),
            Verb::Release(verb) => verb.run(out, args),
            Verb::Record(verb) => verb.run(out, args),
            Verb::Report(verb) => verb.run(out, args),
            Verb::Taxii(verb) => verb.run(out, args),
            Verb::Side(verb) => verb.run(out, args),
            Verb::Backup(verb) => verb.run(out, args),
            Verb::Restore(verb) => verb.run(out, args),
            Verb::Doctor(verb) => verb.run(out, args),
            Verb::Tour(verb) => verb.run(out),
            // It ends the process its own way: see `cli::main`.
            Verb::Relay(_) => Ok(()),
            Verb::Furnish(verb) => verb.run(out, args),
            Verb::Reference(verb) => verb.run(out),
        }
    }
}

/// The store of a node that must not run meanwhile: set-up changes what a running node holds.
fn kept(args: &HomeArgs) -> Outcome<Kept> {
    match Reach::open(args)? {
        Reach::Kept(kept) => Ok(*kept),
        Reach::Running(_) => Err(Failure::later(
            "the node is running, and set-up needs it stopped",
            "stop couloir run, then repeat",
        )),
    }
}

/// An entry that a person named.
struct Found {
    id: EntryId,
    conversation: ConversationId,
}

/// The entry that a person named.
fn find_entry(reach: &mut Reach, typed: &str) -> Outcome<Found> {
    let answer = reach.ask(&Request::FindEntry { entry: typed.to_owned() })?;
    Ok(Found { id: id_in(&answer, "id")?, conversation: id_in(&answer, "conversation")? })
}

/// The same; what is cited without its conversation is meant in this one.
fn find_in(reach: &mut Reach, conversation: Option<ConversationId>, typed: &str) -> Outcome<Found> {
    let is_citation = typed.ends_with(|c: char| c.is_ascii_uppercase()) && !typed.contains('/');
    match conversation.filter(|_| is_citation) {
        Some(conversation) => find_entry(reach, &format!("{conversation}/{typed}")),
        None => find_entry(reach, typed),
    }
}

/// The conversation that a person named.
fn find_conversation(reach: &mut Reach, typed: &str) -> Outcome<ConversationId> {
    let answer = reach.ask(&Request::FindConversation { conversation: typed.to_owned() })?;
    id_in(&answer, "id")
}

fn id_in<T: std::str::FromStr>(answer: &serde_json::Value, key: &str) -> Outcome<T> {
    let wrong =
        |_| Failure::usage("the node's answer is not understood", "use the couloir of the same version");
    text_of(answer, key).parse().map_err(wrong)
}

/// Says `body` about an entry, in its conversation.
fn say_about(reach: &mut Reach, found: &Found, body: Body) -> Outcome<serde_json::Value> {
    let how = How { conversation: Some(found.conversation), ..How::default() };
    reach.ask(&Request::Say { body: Box::new(body), how })
}

/// The text under a key of an answer.
fn text_of<'v>(answer: &'v serde_json::Value, key: &str) -> &'v str {
    answer.get(key).and_then(|value| value.as_str()).unwrap_or_default()
}
