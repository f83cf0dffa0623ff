//! `couloir charter`

use couloir_engine::channel::ChannelState;
use couloir_seal::identity::node_id;
use couloir_seal::papers::{digest, side_id};
use couloir_wire::id::{Digest, NodeId, RouteId, SideId};
use couloir_wire::papers::{
    Charter as CharterPaper, Invited, PaperSignature, Signed, SignedCertificate, SignedCharter, Signet,
};
use serde_json::{Value, json};

use super::channel::{Shape, route_json};
use super::officer::OfficerArgs;
use super::side::revoke::revoke;
use super::text_of;
use crate::clerk::Reach;
use crate::clerk::papers::{self, Agreed};
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::plain::one_line;
use crate::cli::values::rfc3339;
use crate::keys::hex;
use crate::socket::Request;
use crate::words::{Failure, Outcome};

/// The channel's signed document: sides, posts, routes.
///
/// A change is a new version that both sides' officers sign: one side draws it up, the other side's
/// node reports that it waits, and its officers sign it by its hash.
#[derive(clap::Args)]
pub struct Charter {
    #[command(subcommand)]
    verb: CharterVerb,
}

#[derive(clap::Subcommand)]
enum CharterVerb {
    /// Show the charter in force, and the version that waits for a signature.
    Show,
    /// Propose one more route.
    AddRoute {
        /// As in `couloir channel create --route`.
        url: String,
        #[command(flatten)]
        shape: Shape,
        #[command(flatten)]
        officer: OfficerArgs,
    },
    /// Propose that a route is no longer written.
    RetireRoute {
        /// The route's id, or the beginning of it.
        id: String,
        #[command(flatten)]
        officer: OfficerArgs,
    },
    /// Revoke a node of our own side, for good.
    ///
    /// The node tells the other side's node, which then takes nothing from it any more, and ends.
    RevokeNode {
        /// The node's id.
        id: NodeId,
        #[command(flatten)]
        officer: OfficerArgs,
    },
    /// Take back the version that waits, or decline the other side's.
    ///
    /// If the other side has signed it meanwhile, it comes into force all the same.
    Withdraw,
    /// Sign the version that waits.
    Sign {
        /// Its hash, as `charter show` and the node's notice tell it.
        hash: Digest,
        #[command(flatten)]
        officer: OfficerArgs,
    },
}

impl Charter {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let mut reach = Reach::open(args)?;
        let answer = reach.ask(&Request::Papers)?;
        let channels = papers::of_answer(&answer)?;
        let channel = channels[0].clone();
        let agreed = Agreed::of(&channel)?;
        let mut desk = Desk { reach, args, agreed, channel };
        match &self.verb {
            CharterVerb::Show => desk.show(out),
            CharterVerb::AddRoute { url, shape, officer } => desk.add_route(out, url, shape, officer),
            CharterVerb::RetireRoute { id, officer } => desk.retire_route(out, id, officer),
            CharterVerb::RevokeNode { id, officer } => {
                revoke(out, args, &mut desk.reach, &channels, *id, officer)
            }
            CharterVerb::Withdraw => {
                let answer = desk.reach.ask(&Request::Withdraw)?;
                out.answer(&answer, || format!("Withdrawn: {}.", text_of(&answer, "withdrawn")))
            }
            CharterVerb::Sign { hash, officer } => desk.sign(out, *hash, officer),
        }
    }
}

/// What each of these verbs works with.
struct Desk<'a> {
    reach: Reach,
    args: &'a HomeArgs,
    agreed: Agreed,
    channel: ChannelState,
}

impl Desk<'_> {
    fn show(&self, out: &Out) -> Outcome {
        let draft = papers::draft_of(&self.channel)?;
        let in_force = self.agreed.charter.as_ref().map(charter_json);
        let answer = json!({
            "charter": in_force.or(draft.as_ref().map(draft_json)),
            "proposed": self.agreed.proposed.as_ref().map(charter_json),
            "own": party_json(&self.agreed.own, &self.agreed.own_certificate),
            "peer": self.agreed.peer.as_ref().map(|(signet, certificate)| party_json(signet, certificate)),
        });
        out.answer(&answer, || show_words(&answer))
    }

    fn add_route(&mut self, out: &Out, url: &str, shape: &Shape, officer: &OfficerArgs) -> Outcome {
        let next = self.next_version()?;
        let route = shape.route(url, &next.routes, now_ms())?;
        let added = route.id.to_string();
        let routes = next.routes.iter().cloned().chain([route]).collect();
        self.propose(out, CharterPaper { routes, ..next }, officer, json!({ "route": added }))
    }

    fn retire_route(&mut self, out: &Out, typed: &str, officer: &OfficerArgs) -> Outcome {
        let mut next = self.next_version()?;
        let id = find_route(&next, typed)?;
        let rest = next.routes.iter().filter(|route| route.retired_ms.is_none() && route.id != id).count();
        if rest == 0 {
            return Err(Failure::refused(
                "it is the last route",
                "add another one first: couloir charter add-route URL",
            ));
        }
        for route in next.routes.iter_mut().filter(|route| route.id == id) {
            route.retired_ms = Some(now_ms());
        }
        self.propose(out, next, officer, json!({ "route": id.to_string() }))
    }

    /// The version after the one in force, unchanged so far.
    fn next_version(&self) -> Outcome<CharterPaper> {
        if self.agreed.proposed.is_some() {
            return Err(Failure::later(
                "a version waits for its signatures already",
                "see couloir charter show; sign it, or take it back: couloir charter withdraw",
            ));
        }
        let current = self.agreed.charter()?;
        let charter = current.unverified().clone();
        Ok(CharterPaper {
            version: charter.version + 1,
            previous: Some(digest(current)),
            invited: Invited::Known(self.invited()?),
            created_ms: now_ms(),
            ..charter
        })
    }

    fn invited(&self) -> Outcome<SideId> {
        let own = side_id(&self.agreed.own);
        let is_inviter = self.agreed.charter()?.unverified().inviter == own;
        let (peer, _) = self.agreed.peer.as_ref().ok_or_else(|| {
            Failure::later(
                "the other side is not known yet",
                "let both nodes run until first contact is complete",
            )
        })?;
        Ok(if is_inviter { side_id(peer) } else { own })
    }

    fn propose(&mut self, out: &Out, next: CharterPaper, officer: &OfficerArgs, told: Value) -> Outcome {
        let signed = Signed::unsigned(next)
            .map_err(|error| Failure::usage(format!("the charter cannot be: {error}"), "change the route"))?;
        self.sign_and_adopt(out, signed, officer, told)
    }

    fn sign(&mut self, out: &Out, hash: Digest, officer: &OfficerArgs) -> Outcome {
        let proposed = self.agreed.proposed.clone().filter(|proposed| digest(proposed) == hash);
        let proposed = proposed.ok_or_else(|| {
            Failure::usage("no version with that hash waits for a signature", "see couloir charter show")
        })?;
        self.sign_and_adopt(out, proposed, officer, json!({}))
    }

    fn sign_and_adopt(
        &mut self,
        out: &Out,
        mut paper: SignedCharter,
        officer: &OfficerArgs,
        mut told: Value,
    ) -> Outcome {
        officer.open(self.args)?.sign(&mut paper, &self.agreed.own)?;
        self.reach.ask(&Request::Adopt { paper: hex(&paper.encode()) })?;
        told["version"] = json!(paper.unverified().version);
        told["hash"] = json!(digest(&paper).to_string());
        let (own, peer) =
            (self.signed_by(&paper, Some(&self.agreed.own)), self.signed_by(&paper, self.peer()));
        out.answer(&told, || match (own, peer) {
            (Ok(()), Ok(())) => {
                format!("Both sides have signed: version {} is in force.", paper.unverified().version)
            }
            (Ok(()), Err(_)) => format!(
                "Signed for our side. In force once the other side has signed: couloir charter sign {}",
                digest(&paper)
            ),
            (Err(missing), _) => format!(
                "Signed; {missing} more of our officers must sign: couloir charter sign {} --officer FILE",
                digest(&paper)
            ),
        })
    }

    fn peer(&self) -> Option<&Signet> {
        self.agreed.peer.as_ref().map(|(signet, _)| signet)
    }

    /// Whether enough officers of a side have signed; else how many are missing.
    fn signed_by(&self, paper: &SignedCharter, signet: Option<&Signet>) -> Result<(), usize> {
        let Some(signet) = signet else { return Err(1) };
        let is_theirs = |signature: &&PaperSignature| signature.side == side_id(signet);
        let signed = paper.signatures().iter().filter(is_theirs).count();
        let missing = usize::from(signet.threshold).saturating_sub(signed);
        if missing == 0 { Ok(()) } else { Err(missing) }
    }
}

fn find_route(charter: &CharterPaper, typed: &str) -> Outcome<RouteId> {
    let in_use = charter.routes.iter().filter(|route| route.retired_ms.is_none());
    let found: Vec<RouteId> =
        in_use.map(|route| route.id).filter(|id| id.to_string().starts_with(typed)).collect();
    match found.as_slice() {
        [id] => Ok(*id),
        [] => Err(Failure::usage("no route in use has that id", "see couloir charter show")),
        _ => Err(Failure::usage("more than one route begins so", "give more digits")),
    }
}

fn charter_json(charter: &SignedCharter) -> Value {
    let mut shown = draft_json(charter.unverified());
    shown["hash"] = json!(digest(charter).to_string());
    let signatures = charter.signatures().iter();
    shown["signed_by"] =
        signatures.map(|s| json!({ "side": s.side.to_string(), "officer": s.officer + 1 })).collect();
    shown
}

fn draft_json(charter: &CharterPaper) -> Value {
    json!({
        "version": charter.version,
        "hash": null,
        "channel": charter.channel.to_string(),
        "name": charter.name,
        "routes": charter.routes.iter().map(route_json).collect::<Vec<_>>(),
        "turns": charter.turns,
        "live_ms": charter.live_ms,
        "notes_may_expire": charter.notes_may_expire,
        "tells_shown": charter.tells_shown,
        "created": rfc3339(charter.created_ms),
    })
}

fn party_json(signet: &Signet, certificate: &SignedCertificate) -> Value {
    let certificate = certificate.unverified();
    json!({
        "side": signet.name,
        "side_id": side_id(signet).to_string(),
        "post": certificate.title,
        "post_id": certificate.post.to_string(),
        "holder": certificate.holder,
        "node": node_id(&certificate.node).to_string(),
    })
}

fn show_words(answer: &Value) -> String {
    let mut lines = Vec::new();
    for (key, label) in [("own", "our side"), ("peer", "other side")] {
        let party = &answer[key];
        if !party.is_null() {
            lines.push(format!(
                "{label}: {}, {}; node {}",
                one_line(text_of(party, "side")),
                one_line(text_of(party, "post")),
                text_of(party, "node")
            ));
        }
    }
    for (key, label) in [("charter", "in force"), ("proposed", "waits for signatures")] {
        let charter = &answer[key];
        if !charter.is_null() {
            lines.push(format!(
                "{label}: {} version {}, hash {}",
                one_line(text_of(charter, "name")),
                charter["version"],
                charter["hash"].as_str().unwrap_or("none yet")
            ));
            let routes = charter["routes"].as_array().into_iter().flatten();
            lines.extend(routes.map(|route| {
                format!(
                    "  route {} {} window {} ms{}",
                    text_of(route, "id"),
                    one_line(text_of(route, "url")),
                    route["window_ms"],
                    route["retired"].as_str().map(|at| format!(", retired {at}")).unwrap_or_default()
                )
            }));
        }
    }
    lines.join("\n")
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
