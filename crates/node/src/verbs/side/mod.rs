//! `couloir side`: who speaks for an organisation, and who does no longer.

mod adopt;
mod certify;
mod create;
mod hand_over;
mod holders;
pub(super) mod paper;
mod request;
pub(super) mod revoke;
mod signet;

use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::words::Outcome;

/// A side: the organisation, known by its officers' signing keys.
#[derive(clap::Args)]
pub struct Side {
    #[command(subcommand)]
    verb: SideVerb,
}

#[derive(clap::Subcommand)]
enum SideVerb {
    Create(create::Create),
    Signet(signet::WriteSignet),
    Request(request::Request),
    Certify(certify::Certify),
    Adopt(adopt::Adopt),
    HandOver(hand_over::HandOver),
    Holders(holders::Holders),
    Revoke(revoke::Revoke),
}

impl Side {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        match &self.verb {
            SideVerb::Create(verb) => verb.run(out, args),
            SideVerb::Signet(verb) => verb.run(out, args),
            SideVerb::Request(verb) => verb.run(out, args),
            SideVerb::Certify(verb) => verb.run(out, args),
            SideVerb::Adopt(verb) => verb.run(out, args),
            SideVerb::HandOver(verb) => verb.run(out, args),
            SideVerb::Holders(verb) => verb.run(out, args),
            SideVerb::Revoke(verb) => verb.run(out, args),
        }
    }
}
