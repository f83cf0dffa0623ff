//! `couloir join`

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use couloir_engine::channel::{ChannelState, InvitationState, Paper};
use couloir_engine::{StateKey, Write};
use couloir_seal::invitation::{self, INVITATION_FILE_OCTETS_MAX};
use couloir_seal::papers::{digest, verify_acceptance};
use couloir_wire::cbor;
use couloir_wire::papers::{Acceptance, Invitation, Signed, SignedAcceptance};
use couloir_wire::time::WallTime;
use serde_json::json;
use zeroize::Zeroizing;

use super::kept;
use super::officer::{OfficerArgs, Officers, unsigned};
use crate::clerk::Node;
use crate::clerk::papers::{self, Agreed, unreadable};
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::plain::one_line;
use crate::words::{Failure, Outcome};

/// Accept an invitation into a channel.
///
/// Until first contact is complete it may be replaced by a newer invitation into the same channel.
#[derive(clap::Args)]
pub struct Join {
    #[command(flatten)]
    officer: OfficerArgs,
    /// The invitation that the other side wrote.
    file: PathBuf,
}

impl Join {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let invitation = invitation::read(&read_bounded(&self.file)?)?;
        let mut kept = kept(args)?;
        let mut channel = papers::channel_of(kept.reader())?;
        let agreed = Agreed::of(&channel)?;
        check(&invitation, &channel, &agreed)?;
        let acceptance = accept(&invitation, &agreed, &self.officer.open(args)?)?;
        keep(&mut channel, &invitation, &acceptance);
        let channel = Write::State(StateKey::Channel, Some(channel.encode()));
        // What was said to the inviting node under an earlier invitation is void.
        kept.store().apply(&[channel, Write::State(StateKey::Link, None)])?;
        tell(out, &invitation)
    }
}

/// Reads no more than an invitation can be.
fn read_bounded(path: &Path) -> Outcome<Zeroizing<Vec<u8>>> {
    let wrong = |error| Failure::io(path, &error);
    let mut octets = Zeroizing::new(Vec::with_capacity(INVITATION_FILE_OCTETS_MAX + 1));
    let file = File::open(path).map_err(wrong)?;
    file.take(INVITATION_FILE_OCTETS_MAX as u64 + 1).read_to_end(&mut octets).map_err(wrong)?;
    if octets.len() > INVITATION_FILE_OCTETS_MAX {
        return Err(invitation::InvitationError::NotAnInvitation.into());
    }
    Ok(octets)
}

fn check(invitation: &Invitation, channel: &ChannelState, agreed: &Agreed) -> Outcome {
    let offered = invitation.charter.unverified().channel;
    let joined = agreed.charter.as_ref().map(|charter| charter.unverified().channel);
    let is_other = channel.invitation.as_ref().is_some_and(|before| before.id != invitation.id);
    let is_renewed = papers::is_joining(channel) && joined == Some(offered) && is_other;
    if joined.is_some() && !is_renewed {
        return Err(Failure::refused(
            "this node has a channel already",
            "one home holds one channel; make another home: couloir init",
        ));
    }
    let now = WallTime(jiff::Timestamp::now().as_millisecond());
    Ok(invitation::check_usable(invitation, &agreed.own.name, now)?)
}

fn accept(invitation: &Invitation, agreed: &Agreed, officers: &Officers) -> Outcome<SignedAcceptance> {
    let acceptance = Acceptance {
        charter: digest(&invitation.charter),
        signet: agreed.own.clone(),
        certificate: agreed.own_certificate.clone(),
    };
    let mut signed = Signed::unsigned(acceptance).map_err(unreadable)?;
    officers.sign(&mut signed, &agreed.own)?;
    verify_acceptance(&signed, &invitation.charter).map_err(|error| unsigned(&error))?;
    Ok(signed)
}

fn keep(channel: &mut ChannelState, invitation: &Invitation, acceptance: &SignedAcceptance) {
    channel.draft = None;
    channel.charter = Some(Paper(invitation.charter.encode()));
    channel.acceptance = Some(Paper(acceptance.encode()));
    channel.inviter = Some((Paper(cbor::encode(&invitation.signet)), Paper(invitation.certificate.encode())));
    channel.invitation = Some(InvitationState {
        id: invitation.id,
        secret: invitation.secret.0,
        is_own: false,
        expires_ms: invitation.expires_ms,
        taken: None,
        is_void: false,
    });
}

fn tell(out: &Out, invitation: &Invitation) -> Outcome {
    let charter = invitation.charter.unverified();
    let certificate = invitation.certificate.unverified();
    let answer = json!({
        "channel": charter.channel.to_string(),
        "name": charter.name,
        "inviter": { "side": invitation.signet.name, "post": certificate.title },
        "routes": charter.routes.len(),
    });
    out.answer(&answer, || {
        format!(
            "Joined {} of {}, {}.\nNext: couloir run, then couloir phrase --wait.",
            one_line(&charter.name),
            one_line(&invitation.signet.name),
            one_line(&certificate.title),
        )
    })
}
