//! `couloir side revoke`

use std::path::PathBuf;

use couloir_engine::channel::ChannelState;
use couloir_seal::identity::node_id;
use couloir_wire::id::NodeId;
use couloir_wire::papers::{Revocation, Signed};
use serde_json::json;

use super::paper::{PaperFile, ToSign};
use super::request::next_serial;
use crate::clerk::Reach;
use crate::clerk::papers::{self, Agreed, unreadable};
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::values::path;
use crate::keys::hex;
use crate::socket::Request;
use crate::verbs::office::Office;
use crate::verbs::officer::{OfficerArgs, unsigned};
use crate::words::{Failure, Outcome};

/// Revoke a node of our own side, for good.
///
/// The node tells the other side's node, which then takes nothing from it any more, and ends.
#[derive(clap::Args)]
pub(super) struct Revoke {
    /// The node's id.
    id: NodeId,
    #[command(flatten)]
    officer: OfficerArgs,
    /// Write the revocation into a file instead, for officers who are elsewhere: couloir side certify, adopt.
    #[arg(long, value_name = "FILE", value_parser = path)]
    out: Option<PathBuf>,
}

impl Revoke {
    /// Does it.
    pub(super) fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let Some(file) = &self.out else {
            let channels = Office::open(args)?.channels;
            return revoke(out, args, &mut Reach::open(args)?, &channels, self.id, &self.officer);
        };
        let mut paper = drawn_up(&Office::open(args)?.channels, self.id)?;
        paper.sign(&self.officer.open_named(args)?)?;
        paper.write_new(file)?;
        out.answer(&paper.facts(), || {
            format!("{}\nNext: couloir side certify {} --officer FILE", paper.words(), file.display())
        })
    }
}

/// Has the officers at hand sign a revocation, and tells the node.
pub(in crate::verbs) fn revoke(
    out: &Out,
    args: &HomeArgs,
    reach: &mut Reach,
    channels: &[ChannelState],
    id: NodeId,
    officer: &OfficerArgs,
) -> Outcome {
    let mut paper = drawn_up(channels, id)?;
    paper.sign(&officer.open(args)?)?;
    paper.verify().map_err(|error| unsigned(&error))?;
    reach.ask(&Request::Adopt { paper: hex(&paper.encode_paper()) })?;
    let answer = json!({ "revoked": id.to_string() });
    out.answer(&answer, || {
        format!("Revoked: {id}. Its couloir run tells the other side's node, then it ends for good.")
    })
}

fn drawn_up(channels: &[ChannelState], node: NodeId) -> Outcome<PaperFile> {
    let channel = &channels[0];
    let agreed = Agreed::of(channel)?;
    let own = agreed.own_certificate.unverified();
    let mut certificates = Vec::new();
    for channel in channels {
        certificates.extend(papers::first_certificates(channel)?);
        certificates.extend(papers::successions(channel)?);
    }
    let ours = certificates.iter().map(|signed| signed.unverified()).filter(|paper| paper.side == own.side);
    if !ours.into_iter().any(|certificate| node_id(&certificate.node) == node) {
        return Err(Failure::refused(
            "that node is not our side's",
            "the other side revokes its own; ours are in couloir side holders",
        ));
    }
    let at_ms = jiff::Timestamp::now().as_millisecond();
    let revocation = Revocation { side: own.side, serial: next_serial(channel)?, node, at_ms };
    let paper = Signed::unsigned(revocation).map_err(unreadable)?;
    Ok(PaperFile { signet: agreed.own, paper: ToSign::Revocation(paper) })
}
