//! `couloir link`: further posts of the channel, and who of them has a link with whom.

use std::path::{Path, PathBuf};

use couloir_engine::channel::{ChannelState, Introduced};
use couloir_engine::party::Party;
use couloir_engine::{StateKey, Write};
use couloir_seal::papers::side_id;
use couloir_wire::cbor;
use couloir_wire::id::InvitationId;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::side::paper::{PaperFile, ToSign, no_paper, read_bounded};
use super::status::glance;
use super::{kept, office::Office};
use crate::clerk::glance::Peer;
use crate::clerk::papers::{self, Agreed};
use crate::clerk::{Node, Reach};
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::plain::one_line;
use crate::cli::values::path;
use crate::home::write_private;
use crate::keys::{self, hex};
use crate::socket::Request;
use crate::words::{Failure, Outcome};

/// Further posts of the channel: each pair of posts has a link of its own, with a phrase of its own.
///
/// A further post is certified by its side's officers (couloir side certify). Its first link is with a post of its own
/// side, which hands it a file; that post then introduces it to the others.
#[derive(clap::Args)]
pub struct Link {
    #[command(subcommand)]
    verb: LinkVerb,
}

#[derive(clap::Subcommand)]
enum LinkVerb {
    /// Write this post's certificate, for the post that is to begin a link with it.
    Ask {
        /// The file; it must not exist yet.
        #[arg(long, value_name = "FILE", value_parser = path)]
        out: PathBuf,
    },
    /// Begin a link with another post of this side, by its certificate. Until that post is heard, the file can be made
    /// again.
    Begin {
        /// What couloir link ask, or couloir side certify, wrote.
        certificate: PathBuf,
        /// The file for the other post, which holds a secret: hand it over in person. It must not exist yet.
        #[arg(long, value_name = "FILE", value_parser = path)]
        out: PathBuf,
    },
    /// Join the channel as a further post, by the file of a post of this side.
    Join {
        /// What couloir link begin wrote.
        file: PathBuf,
    },
    /// Introduce two posts to each other with both of which this one has compared the phrase.
    Introduce {
        /// The two: each by its title, by "SIDE, TITLE", or by the beginning of its id.
        #[arg(num_args = 2, value_name = "POST", required_unless_present = "all")]
        posts: Vec<String>,
        /// Every two posts of the channel.
        #[arg(long, conflicts_with = "posts")]
        all: bool,
    },
    /// The posts that this one has a link with.
    List,
}

impl Link {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        match &self.verb {
            LinkVerb::Ask { out: file } => ask(out, args, file),
            LinkVerb::Begin { certificate, out: file } => begin(out, args, certificate, file),
            LinkVerb::Join { file } => join(out, args, file),
            LinkVerb::Introduce { posts, all } => introduce(out, args, posts, *all),
            LinkVerb::List => list(out, args),
        }
    }
}

fn ask(out: &Out, args: &HomeArgs, file: &Path) -> Outcome {
    check_new(file)?;
    let agreed = Agreed::of(&Office::open(args)?.channel)?;
    let paper = PaperFile { signet: agreed.own, paper: ToSign::Certificate(agreed.own_certificate) };
    paper.write(file)?;
    out.answer(&paper.facts(), || {
        format!(
            "{}: give it to a post of this side that is in the channel: couloir link begin",
            file.display()
        )
    })
}

fn begin(out: &Out, args: &HomeArgs, certificate: &Path, file: &Path) -> Outcome {
    check_new(file)?;
    let paper = PaperFile::read(certificate)?;
    paper.verify().map_err(|error| super::officer::unsigned(&error))?;
    let ToSign::Certificate(certificate) = &paper.paper else {
        return Err(Failure::usage("that paper is no certificate", "name what couloir link ask wrote"));
    };
    let mut reach = Reach::open(args)?;
    let channel = papers::of_answer(&reach.ask(&Request::Papers)?)?.swap_remove(0);
    let agreed = Agreed::of(&channel)?;
    if side_id(&paper.signet) != side_id(&agreed.own) {
        return Err(Failure::refused(
            "that post is of another side",
            "the other side's posts are introduced by it: couloir link introduce there",
        ));
    }
    let further = |own: &[u8], peer: &[u8], is_inviter, id, secret: [u8; 32]| -> Outcome<ChannelState> {
        let (inviter, invited) = sides_of(&channel)?;
        let introduced = Introduced { is_inviter, inviter, invited, peer: peer.to_vec() };
        Ok(ChannelState::of_further_link(&channel, own.to_vec(), id, secret, introduced))
    };
    let (own, peer) = (agreed.own_certificate.encode(), certificate.encode());
    let secret = Zeroizing::new(keys::random()?);
    let ours = further(&own, &peer, true, InvitationId(keys::random()?), *secret)?;
    let ours = hex(&Zeroizing::new(ours.encode()));
    // The secret is that of the link as the node has it: if the file is lost, the same is made again.
    let begun = papers::of_answer(&reach.ask(&Request::BeginLink { channel: ours })?)?.swap_remove(0);
    let begun = begun.invitation.ok_or_else(|| papers::damaged("the node's answer"))?;
    let theirs = further(&peer, &own, false, begun.id, begun.secret)?;
    let octets = Zeroizing::new([MAGIC, &*Zeroizing::new(theirs.encode())].concat());
    let path = std::path::absolute(file).map_err(|error| Failure::io(file, &error))?;
    write_private(&path, &octets).map_err(|error| Failure::io(file, &error))?;
    let facts = json!({ "file": file, "post": certificate.unverified().title });
    out.answer(&facts, || {
        format!(
            "{}: hand it over in person to {}.\nNext, there: couloir link join FILE, couloir run; then compare the phrase at both desks.",
            file.display(),
            one_line(&certificate.unverified().title),
        )
    })
}

/// The signets of the side that began the channel and of the one that it invited.
fn sides_of(channel: &ChannelState) -> Outcome<(Vec<u8>, Vec<u8>)> {
    if let Some(introduced) = &channel.introduced {
        return Ok((introduced.inviter.clone(), introduced.invited.clone()));
    }
    match &papers::ends_of(channel)?[..] {
        [(inviter, _), (invited, _)] => Ok((cbor::encode(inviter), cbor::encode(invited))),
        _ => Err(Failure::later(
            "the other side is not known yet",
            "complete first contact: couloir phrase --wait",
        )),
    }
}

fn join(out: &Out, args: &HomeArgs, file: &Path) -> Outcome {
    let octets = Zeroizing::new(read_bounded(file)?);
    let wrong = || no_paper(file, "no file for a further post", "name what couloir link begin wrote");
    let state = octets.strip_prefix(MAGIC).ok_or_else(wrong)?;
    let theirs = ChannelState::decode(state).map_err(|_| wrong())?;
    let mut kept = kept(args)?;
    let own = papers::channel_of(kept.reader())?;
    if own.charter.is_some() {
        return Err(Failure::refused(
            "this node is in a channel already",
            "make another home for the further post: couloir init",
        ));
    }
    let (agreed, named) = (Agreed::of(&own)?, Agreed::of(&theirs)?);
    if agreed.own_certificate.encode() != named.own_certificate.encode()
        || own.own_signet != theirs.own_signet
    {
        return Err(Failure::refused(
            "the file is for another post, or for an earlier certificate of this one",
            "have it made again: couloir link ask here, couloir link begin there",
        ));
    }
    // Everything in it is checked as the engine will check it at its start.
    let party = Party::read(theirs.clone()).map_err(|_| wrong())?;
    let (Some(peer), Some(_)) = (party.peer, &theirs.introduced) else { return Err(wrong()) };
    let channel = Write::State(StateKey::Channel, Some(theirs.encode()));
    kept.store().apply(&[channel, Write::State(StateKey::Link, None)])?;
    let title = peer.certificate.unverified().title.clone();
    out.answer(&json!({ "side": peer.signet.name, "post": title }), || {
        format!("Joined by {}.\nNext: couloir run, then couloir phrase --wait.", one_line(&title))
    })
}

fn introduce(out: &Out, args: &HomeArgs, posts: &[String], is_all: bool) -> Outcome {
    let mut reach = Reach::open(args)?;
    let pairs = match posts {
        [one, other] if !is_all => vec![(one.clone(), other.clone())],
        _ => pairs(&glance(&mut reach)?.peers),
    };
    for (one, other) in &pairs {
        reach.ask(&Request::Introduce { one: one.clone(), other: other.clone() })?;
    }
    out.answer(&json!({ "introduced": pairs.len() }), || match pairs.len() {
        0 => "There are no two posts to introduce: compare the phrase with them first.".to_owned(),
        _ => "On its way. They compare their phrases: couloir phrase --peer POST.".to_owned(),
    })
}

/// Every two posts with both of which the phrase was compared.
fn pairs(peers: &[Peer]) -> Vec<(String, String)> {
    let known: Vec<&Peer> = peers.iter().filter(|peer| peer.verified).collect();
    let with_later = |(place, one): (usize, &&Peer)| {
        let one = one.id.clone();
        known[place + 1..].iter().map(move |other| (one.clone(), other.id.clone())).collect::<Vec<_>>()
    };
    known.iter().enumerate().flat_map(with_later).collect()
}

fn list(out: &Out, args: &HomeArgs) -> Outcome {
    let peers = glance(&mut Reach::open(args)?)?.peers;
    let facts: Vec<Value> = peers
        .iter()
        .map(|peer| {
            json!({
                "id": peer.id,
                "side": peer.side,
                "post": peer.post,
                "verified": peer.verified,
                "link": peer.link.state,
                "frozen": peer.frozen,
            })
        })
        .collect();
    out.answer(&json!({ "links": facts }), || {
        let line = |peer: &Peer| {
            let phrase = if peer.verified { "phrase compared" } else { "phrase not compared" };
            let frozen = peer.frozen.as_ref().map(|why| format!(", frozen: {why}")).unwrap_or_default();
            one_line(&format!("{}, {}: {}, {phrase}{frozen}", peer.side, peer.post, peer.link.state))
        };
        peers.iter().map(line).collect::<Vec<_>>().join("\n")
    })
}

fn check_new(file: &Path) -> Outcome {
    match file.exists() {
        true => Err(Failure::io(file, &std::io::ErrorKind::AlreadyExists.into())),
        false => Ok(()),
    }
}

const MAGIC: &[u8] = b"couloir/v1 link\n";
