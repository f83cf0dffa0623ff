//! What may be typed after `couloir`. One file per verb; its arguments' comments are the help.

mod answer;
mod backup;
mod channel;
mod charter;
mod desk;
mod doctor;
mod drill;
mod init;
mod invite;
mod join;
mod log;
mod officer;
mod phrase;
mod posture;
mod reference;
pub mod relay;
mod restore;
mod run;
mod save;
mod send;
mod status;
mod tour;
mod verify;

use clap::Subcommand;

use crate::clerk::Reach;
use crate::clerk::kept::Kept;
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::words::{Failure, Outcome};
use relay::Relay;

/// Every verb.
#[derive(Subcommand)]
pub enum Verb {
    Init(init::Init),
    Channel(channel::Channel),
    Invite(invite::Invite),
    Join(join::Join),
    Phrase(phrase::Phrase),
    Verify(verify::Verify),
    Run(run::Run),
    Send(send::Send),
    Log(log::Log),
    Save(save::Save),
    Status(status::Status),
    Drill(drill::Drill),
    Desk(desk::Desk),
    Answer(answer::Answer),
    Posture(posture::Posture),
    Charter(charter::Charter),
    Backup(backup::Backup),
    Restore(restore::Restore),
    Doctor(doctor::Doctor),
    Tour(tour::Tour),
    #[command(hide = true)]
    Relay(Relay),
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
            Verb::Phrase(verb) => verb.run(out, args),
            Verb::Verify(verb) => verb.run(out, args),
            Verb::Run(verb) => verb.run(out, args),
            Verb::Send(verb) => verb.run(out, args),
            Verb::Log(verb) => verb.run(out, args),
            Verb::Save(verb) => verb.run(out, args),
            Verb::Status(verb) => verb.run(out, args),
            Verb::Drill(verb) => verb.run(out, args),
            Verb::Desk(verb) => verb.run(out, args),
            Verb::Answer(verb) => verb.run(out, args),
            Verb::Posture(verb) => verb.run(out, args),
            Verb::Charter(verb) => verb.run(out, args),
            Verb::Backup(verb) => verb.run(out, args),
            Verb::Restore(verb) => verb.run(out, args),
            Verb::Doctor(verb) => verb.run(out, args),
            Verb::Tour(verb) => verb.run(out),
            // It ends the process its own way: see `cli::main`.
            Verb::Relay(_) => Ok(()),
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

/// The text under a key of an answer.
fn text_of<'v>(answer: &'v serde_json::Value, key: &str) -> &'v str {
    answer.get(key).and_then(|value| value.as_str()).unwrap_or_default()
}
