//! `couloir invite`

use std::path::PathBuf;

use couloir_engine::channel::{ChannelState, InvitationState, Paper};
use couloir_engine::{StateKey, Write};
use couloir_seal::invitation;
use couloir_wire::id::InvitationId;
use couloir_wire::papers::{Charter, Invitation, Invited, OneTimeSecret, Signed, SignedCharter};
use couloir_wire::time::{Hour, WallTime};
use serde_json::json;
use zeroize::Zeroizing;

use super::kept;
use super::officer::{OfficerArgs, Officers};
use crate::clerk::papers::{self, Agreed, unreadable};
use crate::clerk::{Node, names};
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::plain::one_line;
use crate::cli::values::{duration_ms, local, path, rfc3339};
use crate::home::write_private;
use crate::keys;
use crate::words::{Failure, Outcome};

/// Invite the other side into the channel.
///
/// The file holds a one-time secret: hand it over in person or by courier. An invitation that was
/// not used is replaced by a new one.
#[derive(clap::Args)]
pub struct Invite {
    #[command(flatten)]
    officer: OfficerArgs,
    /// The invited side's name, exactly as it calls itself.
    #[arg(long = "for", value_name = "SIDE")]
    side: String,
    /// The invitation's file; it must not exist yet.
    #[arg(long, value_name = "FILE", value_parser = path)]
    out: PathBuf,
    /// How long it may be used.
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = duration_ms)]
    expires: u64,
}

struct Terms {
    id: InvitationId,
    secret: Zeroizing<[u8; 32]>,
    now: WallTime,
    expires: WallTime,
}

impl Invite {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let side = names::name("invited side's name", &self.side)?;
        let mut kept = kept(args)?;
        let mut channel = papers::channel_of(kept.reader())?;
        let agreed = Agreed::of(&channel)?;
        let charter = offered(&channel, &agreed, &side)?;
        let officers = self.officer.open(args)?;
        let terms = self.terms()?;
        let charter =
            signed(Charter { invitation: terms.id, created_ms: terms.now.0, ..charter }, &agreed, &officers)?;
        let invitation = invitation_of(&agreed, &charter, &terms);
        self.write(&invitation)?;
        keep(&mut channel, &charter, &terms);
        kept.store().apply(&[Write::State(StateKey::Channel, Some(channel.encode()))])?;
        self.tell(out, &side, &terms)
    }

    fn terms(&self) -> Outcome<Terms> {
        let now = WallTime(jiff::Timestamp::now().as_millisecond());
        let expires = now.shifted(i64::try_from(self.expires).unwrap_or(i64::MAX));
        Ok(Terms { id: InvitationId(keys::random()?), secret: Zeroizing::new(keys::random()?), now, expires })
    }

    fn write(&self, made: &Invitation) -> Outcome {
        if self.out.exists() {
            return Err(Failure::io(&self.out, &std::io::ErrorKind::AlreadyExists.into()));
        }
        let path = std::path::absolute(&self.out).map_err(|error| Failure::io(&self.out, &error))?;
        write_private(&path, &invitation::write(made)).map_err(|error| Failure::io(&self.out, &error))
    }

    fn tell(&self, out: &Out, side: &str, terms: &Terms) -> Outcome {
        let answer = json!({
            "invitation": terms.id.to_string(),
            "for": side,
            "file": self.out,
            "expires": rfc3339(terms.expires.0),
        });
        out.answer(&answer, || {
            format!(
                "{} invites {} until {}. Hand it over in person or by courier.\nNext: couloir run; the other side: couloir join FILE, couloir run.",
                self.out.display(), one_line(side), local(terms.expires.0),
            )
        })
    }
}

/// The charter to be offered: the draft, or what an unused invitation offered before.
fn offered(channel: &ChannelState, agreed: &Agreed, side: &str) -> Outcome<Charter> {
    if agreed.peer.is_some() {
        return Err(Failure::refused(
            "this channel has its peer already",
            "one home holds one channel of two posts; make another home: couloir init",
        ));
    }
    if agreed.own.name == side {
        return Err(Failure::usage(
            "the invitation would be for this side itself",
            "name the other side: --for SIDE",
        ));
    }
    let before = agreed.charter.as_ref().map(|charter| charter.unverified().clone());
    let charter = papers::draft_of(channel)?.or(before);
    let charter = charter.ok_or_else(|| {
        Failure::refused(
            "there is no channel to invite into",
            "draw one up: couloir channel create --name NAME --route URL",
        )
    })?;
    Ok(Charter { invited: Invited::Named(side.to_owned()), ..charter })
}

fn signed(charter: Charter, agreed: &Agreed, officers: &Officers) -> Outcome<SignedCharter> {
    let mut signed = Signed::unsigned(charter).map_err(unreadable)?;
    officers.sign(&mut signed, &agreed.own)?;
    couloir_seal::papers::verify_first_charter(&signed, &agreed.own)
        .map_err(|error| super::officer::unsigned(&error))?;
    Ok(signed)
}

fn invitation_of(agreed: &Agreed, charter: &SignedCharter, terms: &Terms) -> Invitation {
    Invitation {
        id: terms.id,
        signet: agreed.own.clone(),
        certificate: agreed.own_certificate.clone(),
        charter: charter.clone(),
        secret: OneTimeSecret(*terms.secret),
        first_hour: Hour::of(terms.now).0,
        expires_ms: terms.expires.0,
    }
}

fn keep(channel: &mut ChannelState, charter: &SignedCharter, terms: &Terms) {
    channel.draft = None;
    channel.charter = Some(Paper(charter.encode()));
    channel.invitation = Some(InvitationState {
        id: terms.id,
        secret: *terms.secret,
        is_own: true,
        expires_ms: terms.expires.0,
        taken: None,
        is_void: false,
    });
}
