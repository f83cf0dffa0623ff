//! `couloir init`

use std::path::PathBuf;

use couloir_engine::channel::ChannelState;
use couloir_engine::{StateKey, Write};
use couloir_seal::identity::{SigningKey, node_id};
use couloir_seal::papers::{side_id, verify_certificate};
use couloir_wire::cbor;
use couloir_wire::id::PostId;
use couloir_wire::papers::{Certificate, Signed, Signet};
use serde_json::json;

use super::officer::{OfficerArgs, Officers};
use super::side::paper::read_signet;
use crate::clerk::names;
use crate::clerk::papers::unreadable;
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::passphrase;
use crate::cli::plain::one_line;
use crate::cli::values::path;
use crate::home::Home;
use crate::keys::{self, Passphrase};
use crate::store::{Store, secrets};
use crate::tls_key::TlsKey;
use crate::words::Outcome;

/// Make a post and its node: of a new side with one officer, or of a side that has its officers.
///
/// The one officer's signing key goes into a file of its own, `officer-1.key`: take it off this machine
/// once the channel stands. The node never opens it.
#[derive(clap::Args)]
pub struct Init {
    /// A new side's name, as the other side will read it.
    #[arg(long, value_name = "NAME", required_unless_present = "signet", conflicts_with = "signet")]
    side: Option<String>,
    /// The signet of a side that exists (couloir side create). Its officers certify the post: at once with
    /// --officer, else couloir side request, certify, adopt.
    #[arg(long, value_name = "FILE", value_parser = path)]
    signet: Option<PathBuf>,
    #[command(flatten)]
    officers: OfficerArgs,
    /// The post's title.
    #[arg(long, value_name = "TITLE")]
    post: String,
    /// The person in the post.
    #[arg(long, value_name = "NAME")]
    holder: Option<String>,
}

/// The side of the new post, and whoever of its officers is here.
struct Founders {
    signet: Signet,
    officers: Officers,
    /// The key of the one officer of a new side.
    new: Option<SigningKey>,
}

struct Made {
    signet: Signet,
    certificate: Signed<Certificate>,
    officer_key: Option<PathBuf>,
}

impl Init {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let post = names::name("post's title", &self.post)?;
        let holder = self.holder.as_deref().map(|typed| names::name("holder's name", typed)).transpose()?;
        let founders = self.founders(args)?;
        let home = Home::create(args.folder()?)?;
        let passphrase = passphrase::chosen(args)?;
        let made = make(&home, &passphrase, founders, post, holder);
        if made.is_err() {
            take_back(&home);
        }
        tell(out, &home, &made?)
    }

    fn founders(&self, args: &HomeArgs) -> Outcome<Founders> {
        if let Some(path) = &self.signet {
            let (signet, officers) = (read_signet(path)?, self.officers.open_named(args)?);
            return Ok(Founders { signet, officers, new: None });
        }
        let name = names::name("side's name", self.side.as_deref().unwrap_or_default())?;
        let key = SigningKey::generate(&mut keys::machine_entropy()?);
        let signet = Signet { version: 1, name, threshold: 1, officers: vec![key.public().clone()] };
        let same = SigningKey::from_seeds(key.seeds().clone());
        Ok(Founders { signet, officers: Officers::of(same), new: Some(key) })
    }
}

fn tell(out: &Out, home: &Home, made: &Made) -> Outcome {
    let certificate = made.certificate.unverified();
    let is_certified = verify_certificate(&made.certificate, &made.signet).is_ok();
    let node = node_id(&certificate.node);
    let answer = json!({
        "home": home.folder(),
        "side": { "name": made.signet.name, "id": certificate.side.to_string() },
        "post": { "title": certificate.title, "id": certificate.post.to_string() },
        "node": node.to_string(),
        "officer_key": made.officer_key,
        "certified": is_certified,
    });
    out.answer(&answer, || {
        let (side, post) = (one_line(&made.signet.name), one_line(&certificate.title));
        let key = made.officer_key.as_ref().map(|path| {
            format!("\nThe officer's key is {}: take it off this machine once the channel stands.", path.display())
        });
        let next = match is_certified {
            true => "couloir channel create, or couloir join.",
            false => "the officers certify the post: couloir side request --out FILE, couloir side certify FILE, couloir side adopt FILE.",
        };
        format!("{side}, {post}: node {node} in {}.{}\nNext: {next}", home.folder().display(), key.unwrap_or_default())
    })
}

fn make(
    home: &Home,
    passphrase: &Passphrase,
    founders: Founders,
    title: String,
    holder: Option<String>,
) -> Outcome<Made> {
    let _lock = home.lock()?;
    let mut entropy = keys::machine_entropy()?;
    let node = SigningKey::generate(&mut entropy);
    let tls = TlsKey::generate()?;
    let Founders { signet, officers, new } = founders;
    let mut certificate = Signed::unsigned(Certificate {
        side: side_id(&signet),
        post: PostId(entropy.array()),
        title,
        serial: 1,
        holder,
        since_ms: jiff::Timestamp::now().as_millisecond(),
        node: node.public().clone(),
        tls_key: tls.spki_digest,
    })
    .map_err(unreadable)?;
    officers.sign(&mut certificate, &signet)?;
    let officer_key = new.as_ref().map(|_| home.officer_path(1));
    if let (Some(path), Some(key)) = (&officer_key, &new) {
        keys::write_officer_key(path, key, passphrase)?;
    }
    let key = keys::create_store_key(&home.key_path(), passphrase)?;
    let mut store = Store::create(&home.store_path(), &key)?;
    store.put_secret(secrets::SIGNING, node.seeds().expose())?;
    store.put_secret(secrets::TLS_KEY, &tls.key)?;
    store.put_secret(secrets::TLS_CERTIFICATE, &tls.certificate)?;
    let channel = ChannelState::new(cbor::encode(&signet), certificate.encode());
    store.apply(&[Write::State(StateKey::Channel, Some(channel.encode()))])?;
    Ok(Made { signet, certificate, officer_key })
}

/// A home that was half made would be in the way of the next attempt.
fn take_back(home: &Home) {
    let made: [PathBuf; 3] = [home.officer_path(1), home.key_path(), home.store_path()];
    for path in made {
        // What was not made yet cannot be removed, and need not be.
        let _ = std::fs::remove_file(path);
    }
}
