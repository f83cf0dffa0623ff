//! `couloir side adopt`

use std::path::PathBuf;

use couloir_engine::channel::{ChannelState, Paper};
use couloir_engine::{StateKey, Write};
use couloir_seal::Secret;
use couloir_seal::identity::SigningKey;
use couloir_seal::papers::side_id;
use couloir_wire::papers::{Certificate, SignedCertificate};

use super::paper::{PaperFile, ToSign};
use crate::clerk::Reach;
use crate::clerk::papers::{self, Agreed};
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::keys::hex;
use crate::socket::Request;
use crate::store::secrets;
use crate::verbs::office::Office;
use crate::verbs::officer::unsigned;
use crate::words::{Failure, Outcome};

/// Put a paper into force that enough officers have signed.
///
/// A certificate of another node for this post ends this one, once the other desk has all that was said here; on
/// the new machine it makes its home that of the post. The other side's papers can be adopted, too.
#[derive(clap::Args)]
pub(super) struct Adopt {
    /// The paper.
    file: PathBuf,
}

impl Adopt {
    /// Does it.
    pub(super) fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let paper = PaperFile::read(&self.file)?;
        adopt(&paper, Office::open(args)?, args)?;
        out.answer(&paper.facts(), || format!("In force: {}", paper.words()))
    }
}

/// Puts `paper` into force.
pub(super) fn adopt(paper: &PaperFile, mut office: Office, args: &HomeArgs) -> Outcome {
    paper.verify().map_err(|error| unsigned(&error))?;
    if let ToSign::Certificate(signed) = &paper.paper {
        check_newest(signed, &office)?;
        if office.is_stopped() && take_here(signed, paper, &mut office)? {
            return Ok(());
        }
    }
    drop(office);
    Reach::open(args)?.ask(&Request::Adopt { paper: hex(&paper.encode_paper()) }).map(drop)
}

/// Of a post's certificates the one with the highest serial is in force (PROTOCOL §3.4), of two the first: another would
/// change nothing.
fn check_newest(signed: &SignedCertificate, office: &Office) -> Outcome {
    let certificate = signed.unverified();
    for channel in office.channels.iter().filter(|channel| channel.charter.is_some()) {
        let ends = papers::ends_of(channel)?;
        let mut known = ends.iter().map(|(_, known)| known.unverified());
        let is_its = |known: &&Certificate| (known.side, known.post) == (certificate.side, certificate.post);
        let is_outdone = |known: &Certificate| known.serial >= certificate.serial && known != certificate;
        if known.find(is_its).is_some_and(is_outdone) {
            return Err(Failure::refused(
                "another certificate of that post came into force meanwhile",
                "see couloir side holders; for another one: couloir side request",
            ));
        }
    }
    Ok(())
}

/// What no engine can do: the first certificate of a home, and that of the node which this machine becomes. False if
/// it is neither.
fn take_here(signed: &SignedCertificate, paper: &PaperFile, office: &mut Office) -> Outcome<bool> {
    let agreed = Agreed::of(&office.channel)?;
    if side_id(&paper.signet) != side_id(&agreed.own) {
        return Ok(false);
    }
    let current = agreed.own_certificate.unverified();
    let certificate = signed.unverified();
    if certificate.post != current.post {
        return Err(Failure::usage("the certificate is of another post", "adopt it in that post's home"));
    }
    let is_ours = certificate.node == current.node;
    if is_ours && office.channel.charter.is_some() {
        return Ok(false);
    }
    if !is_ours && !is_next(certificate, office)? {
        return Ok(false);
    }
    let store = office.stopped_store()?;
    let mut channels = Vec::new();
    for (link, octets) in store.reader().channels()? {
        let mut channel =
            ChannelState::decode(&octets).map_err(|_| papers::damaged("the channel's papers"))?;
        match channel.charter {
            None => channel.own_certificate = signed.encode(),
            Some(_) => channel.certificates.push(Paper(signed.encode())),
        }
        channel.successor = None;
        channels.push((link, channel.encode()));
    }
    if !is_ours {
        store.become_next(&channels)?;
    } else if let Some((_, channel)) = channels.into_iter().next() {
        store.apply(&[Write::State(StateKey::Channel, Some(channel))])?;
    }
    Ok(true)
}

/// Whether the certificate names the keys that this machine made for its post.
fn is_next(certificate: &Certificate, office: &mut Office) -> Outcome<bool> {
    let seeds = office.stopped_store()?.reader().secret(secrets::NEXT_SIGNING)?;
    let key = seeds.and_then(|seeds| Secret::from_slice(&seeds)).map(SigningKey::from_seeds);
    Ok(key.is_some_and(|key| *key.public() == certificate.node))
}
