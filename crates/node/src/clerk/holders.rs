//! Who has held each post since when, as its side's officers certified it.

use couloir_engine::channel::ChannelState;
use couloir_seal::identity::node_id;
use couloir_seal::papers::side_id;
use couloir_wire::papers::{Certificate, SignedCertificate, Signet};
use serde::Serialize;

use super::papers::{self, Agreed};
use crate::cli::values::rfc3339;
use crate::words::Outcome;

/// A post of `couloir side holders --json`. Keys are stable.
#[derive(Debug, Clone, Serialize)]
pub struct PostHeld {
    /// Its side's name.
    pub side: String,
    /// The hash of its side's signet, under which each of its certificates was signed.
    pub side_id: String,
    /// Its title, as the newest certificate has it.
    pub post: Option<String>,
    /// The post.
    pub post_id: String,
    /// Who held it, the first one first.
    pub holders: Vec<Holder>,
}

/// One certificate of a post.
#[derive(Debug, Clone, Serialize)]
pub struct Holder {
    /// Who, where the certificate names them.
    pub holder: Option<String>,
    /// Since when.
    pub since: String,
    /// On which node.
    pub node: String,
    /// Which certificate of the side's it is.
    pub serial: u64,
}

/// Each post with its certificates, oldest first. What is not signed under the post's own signet was never taken in.
pub fn posts<'c>(links: impl IntoIterator<Item = &'c ChannelState>) -> Outcome<Vec<PostHeld>> {
    let mut all: Vec<PostHeld> = Vec::new();
    for channel in links {
        for post in of_link(channel)? {
            if !all.iter().any(|known| known.post_id == post.post_id) {
                all.push(post);
            }
        }
    }
    Ok(all)
}

/// Of the two posts of a link.
fn of_link(channel: &ChannelState) -> Outcome<Vec<PostHeld>> {
    let agreed = Agreed::of(channel)?;
    let signets: Vec<&Signet> =
        [Some(&agreed.own), agreed.peer.as_ref().map(|(signet, _)| signet)].into_iter().flatten().collect();
    let (firsts, later) = (papers::first_certificates(channel)?, papers::successions(channel)?);
    let of_post = |(first, signet): (&SignedCertificate, &Signet)| {
        let post = first.unverified().post;
        let all = [first].into_iter().chain(later.iter().filter(move |next| next.unverified().post == post));
        let all: Vec<&Certificate> = all.map(|signed| signed.unverified()).collect();
        PostHeld {
            side: signet.name.clone(),
            side_id: side_id(signet).to_string(),
            post: all.last().map(|certificate| certificate.title.clone()),
            post_id: post.to_string(),
            holders: all.into_iter().map(Holder::of).collect(),
        }
    };
    Ok(firsts.iter().zip(signets).map(of_post).collect())
}

impl Holder {
    fn of(certificate: &Certificate) -> Holder {
        Holder {
            holder: certificate.holder.clone(),
            since: rfc3339(certificate.since_ms),
            node: node_id(&certificate.node).to_string(),
            serial: certificate.serial.into(),
        }
    }
}
