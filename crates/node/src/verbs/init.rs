//! `couloir init`

use std::path::PathBuf;

use couloir_engine::channel::ChannelState;
use couloir_engine::{StateKey, Write};
use couloir_seal::Entropy;
use couloir_seal::identity::{SigningKey, node_id};
use couloir_seal::papers::{side_id, sign};
use couloir_wire::cbor;
use couloir_wire::id::{NodeId, PostId, SideId};
use couloir_wire::papers::{Certificate, Signed, Signet};
use serde_json::json;

use crate::clerk::names;
use crate::clerk::papers::unreadable;
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::passphrase;
use crate::cli::plain::one_line;
use crate::home::Home;
use crate::keys::{self, Passphrase};
use crate::store::{Store, secrets};
use crate::tls_key::TlsKey;
use crate::words::Outcome;

/// Make a side with one officer, a post, and its node.
///
/// The officer's signing key goes into a file of its own, `officer-1.key`: take it off this machine
/// once the channel stands. The node never opens it.
#[derive(clap::Args)]
pub struct Init {
    /// The side's name, as the other side will read it.
    #[arg(long, value_name = "NAME")]
    side: String,
    /// The post's title.
    #[arg(long, value_name = "TITLE")]
    post: String,
    /// The person in the post.
    #[arg(long, value_name = "NAME")]
    holder: Option<String>,
}

struct Made {
    side: SideId,
    post: PostId,
    node: NodeId,
}

impl Init {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let side = names::name("side's name", &self.side)?;
        let post = names::name("post's title", &self.post)?;
        let holder = self.holder.as_deref().map(|typed| names::name("holder's name", typed)).transpose()?;
        let home = Home::create(args.folder()?)?;
        let passphrase = passphrase::chosen(args)?;
        let made = make(&home, &passphrase, Names { side: &side, post: &post, holder });
        if made.is_err() {
            take_back(&home);
        }
        self.tell(out, &home, &made?)
    }

    fn tell(&self, out: &Out, home: &Home, made: &Made) -> Outcome {
        let officer_key = home.officer_path(1);
        let answer = json!({
            "home": home.folder(),
            "side": { "name": self.side.trim(), "id": made.side.to_string() },
            "post": { "title": self.post.trim(), "id": made.post.to_string() },
            "node": made.node.to_string(),
            "officer_key": officer_key,
        });
        out.answer(&answer, || {
            format!(
                "{}, {}: node {} in {}.\nThe officer's key is {}: take it off this machine once the channel stands.\nNext: couloir channel create, or couloir join.",
                one_line(&self.side), one_line(&self.post), made.node, home.folder().display(), officer_key.display(),
            )
        })
    }
}

struct Names<'n> {
    side: &'n str,
    post: &'n str,
    holder: Option<String>,
}

fn make(home: &Home, passphrase: &Passphrase, names: Names<'_>) -> Outcome<Made> {
    let _lock = home.lock()?;
    let mut entropy = keys::machine_entropy()?;
    let officer = SigningKey::generate(&mut entropy);
    let node = SigningKey::generate(&mut entropy);
    let tls = TlsKey::generate()?;
    let signet = signet_of(names.side, &officer);
    let certificate = certify(&signet, &officer, certificate_of(&signet, names, &node, &tls, &mut entropy))?;
    let Certificate { side, post, .. } = certificate.unverified();
    let made = Made { side: *side, post: *post, node: node_id(node.public()) };
    keys::write_officer_key(&home.officer_path(1), &officer, passphrase)?;
    let key = keys::create_store_key(&home.key_path(), passphrase)?;
    let mut store = Store::create(&home.store_path(), &key)?;
    store.put_secret(secrets::SIGNING, node.seeds().expose())?;
    store.put_secret(secrets::TLS_KEY, &tls.key)?;
    store.put_secret(secrets::TLS_CERTIFICATE, &tls.certificate)?;
    let channel = ChannelState::new(cbor::encode(&signet), certificate.encode());
    store.apply(&[Write::State(StateKey::Channel, Some(channel.encode()))])?;
    Ok(made)
}

fn signet_of(name: &str, officer: &SigningKey) -> Signet {
    Signet { version: 1, name: name.to_owned(), threshold: 1, officers: vec![officer.public().clone()] }
}

fn certificate_of(
    signet: &Signet,
    names: Names<'_>,
    node: &SigningKey,
    tls: &TlsKey,
    entropy: &mut Entropy,
) -> Certificate {
    Certificate {
        side: side_id(signet),
        post: PostId(entropy.array()),
        title: names.post.to_owned(),
        serial: 1,
        holder: names.holder,
        since_ms: jiff::Timestamp::now().as_millisecond(),
        node: node.public().clone(),
        tls_key: tls.spki_digest,
    }
}

fn certify(signet: &Signet, officer: &SigningKey, certificate: Certificate) -> Outcome<Signed<Certificate>> {
    let mut signed = Signed::unsigned(certificate).map_err(unreadable)?;
    sign(&mut signed, side_id(signet), 0, officer);
    Ok(signed)
}

/// A home that was half made would be in the way of the next attempt.
fn take_back(home: &Home) {
    let made: [PathBuf; 3] = [home.officer_path(1), home.key_path(), home.store_path()];
    for path in made {
        // What was not made yet cannot be removed, and need not be.
        let _ = std::fs::remove_file(path);
    }
}
