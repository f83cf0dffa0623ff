//! `couloir side request`

use std::path::PathBuf;

use couloir_engine::channel::ChannelState;
use couloir_seal::identity::SigningKey;
use couloir_wire::papers::{Certificate, Signed, SignedRevocation};

use super::paper::{PaperFile, ToSign};
use crate::clerk::names;
use crate::clerk::papers::{self, Agreed, unreadable};
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::values::{path, time_ms};
use crate::keys;
use crate::store::secrets;
use crate::tls_key::TlsKey;
use crate::verbs::office::Office;
use crate::words::{Failure, Outcome};

/// Write the certificate that this post needs next, for the officers to sign.
#[derive(clap::Args)]
pub(super) struct Request {
    #[command(flatten)]
    pub(super) terms: Terms,
    /// The file; it must not exist yet.
    #[arg(long, value_name = "FILE", value_parser = path)]
    out: PathBuf,
}

/// What changes.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Terms {
    /// The person in the post from now on; whoever is in it if nobody is named.
    #[arg(long, value_name = "NAME")]
    holder: Option<String>,
    /// In office since; now if no time is given.
    #[arg(long, value_name = "TIME", value_parser = time_ms)]
    since: Option<i64>,
    /// The post goes on at this machine, whose home was restored from the old node's backup: with new keys.
    #[arg(long)]
    new_node: bool,
}

impl Request {
    /// Does it.
    pub(super) fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        if self.out.exists() {
            return Err(Failure::io(&self.out, &std::io::ErrorKind::AlreadyExists.into()));
        }
        let paper = self.terms.draw_up(&mut Office::open(args)?)?;
        paper.write_new(&self.out)?;
        let mut facts = paper.facts();
        facts["file"] = serde_json::json!(self.out);
        out.answer(&facts, || {
            format!("{}\nNext: couloir side certify {} --officer FILE", paper.words(), self.out.display())
        })
    }
}

impl Terms {
    /// The certificate, signed by nobody yet.
    pub(super) fn draw_up(&self, office: &mut Office) -> Outcome<PaperFile> {
        let agreed = Agreed::of(&office.channel)?;
        let current = agreed.own_certificate.unverified();
        let holder = self.holder.as_deref().map(|typed| names::name("holder's name", typed)).transpose()?;
        let mut next = Certificate {
            serial: next_serial(&office.channel)?,
            since_ms: self.since.unwrap_or_else(|| jiff::Timestamp::now().as_millisecond()),
            holder: holder.or_else(|| current.holder.clone()),
            ..current.clone()
        };
        if office.channel.charter.is_none() && !self.new_node {
            // Nobody knows this post yet: it is its first certificate.
            next.serial = current.serial;
        }
        if self.new_node {
            (next.node, next.tls_key) = new_keys(office)?;
        }
        let paper = Signed::unsigned(next).map_err(unreadable)?;
        Ok(PaperFile { signet: agreed.own, paper: ToSign::Certificate(paper) })
    }
}

/// Keys that become the node's once the certificate is adopted.
fn new_keys(office: &mut Office) -> Outcome<(couloir_wire::papers::PublicKey, couloir_wire::id::Digest)> {
    let store = office.stopped_store()?;
    let (key, tls) = (SigningKey::generate(&mut keys::machine_entropy()?), TlsKey::generate()?);
    store.put_secret(secrets::NEXT_TLS_KEY, &tls.key)?;
    store.put_secret(secrets::NEXT_TLS_CERTIFICATE, &tls.certificate)?;
    store.put_secret(secrets::NEXT_SIGNING, key.seeds().expose())?;
    Ok((key.public().clone(), tls.spki_digest))
}

/// Above every certificate and revocation of our side that we hold.
pub(super) fn next_serial(channel: &ChannelState) -> Outcome<u32> {
    let agreed = Agreed::of(channel)?;
    let own = agreed.own_certificate.unverified();
    let mut serial = own.serial;
    for paper in &channel.revocations {
        let revocation = SignedRevocation::decode(&paper.0).map_err(unreadable)?;
        if revocation.unverified().side == own.side {
            serial = serial.max(revocation.unverified().serial);
        }
    }
    if let Some(successor) = papers::successor_of(channel)? {
        serial = serial.max(successor.unverified().serial);
    }
    Ok(serial.saturating_add(1))
}
