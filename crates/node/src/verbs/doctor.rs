//! `couloir doctor`

use clap::ValueEnum;
use couloir_engine::Frozen;
use serde_json::json;

use super::status::glance;
use crate::clerk::Reach;
use crate::clerk::glance::{Glance, Peer, Route};
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::home::Home;
use crate::socket::Request;
use crate::words::{Code, Failure, Outcome};

/// Check the home, the store, the clock, the routes and the link, and say what to do.
///
/// Exit code 0 if all is well, 5 if something needs attention, 6 if the store is damaged.
#[derive(clap::Args)]
pub struct Doctor {
    /// Settle the link that this node has frozen, once the other side has stopped all but one of its nodes.
    #[arg(long, value_enum, value_name = "NODE")]
    settle: Option<Settlement>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Settlement {
    /// The link of this node.
    This,
}

/// One finding.
#[derive(Debug, Clone, serde::Serialize)]
struct Finding {
    check: &'static str,
    state: Health,
    what: String,
    next: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
enum Health {
    Well,
    Attention,
    Damaged,
}

impl Doctor {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let home = Home::open(args.folder()?)?;
        let mut reach = Reach::open(args)?;
        if self.settle.is_some() {
            check_frozen(&glance(&mut reach)?)?;
            let answer = reach.ask(&Request::Thaw)?;
            return out.answer(&answer, || "The link is being made anew.".to_owned());
        }
        let seen = glance(&mut reach)?;
        let mut findings = vec![officer_key(&home), store(&mut reach, &seen)?];
        findings.extend(findings_of(&seen));
        if seen.store.is_none() {
            findings.extend(contact(&mut reach)?);
        }
        out.answer(&json!({ "findings": findings }), || {
            findings.iter().map(Finding::words).collect::<Vec<_>>().join("\n")
        })?;
        verdict(&findings).map_err(Failure::answered)
    }
}

/// Only the node that froze the link can settle it, and nobody brings a revoked node back.
fn check_frozen(glance: &Glance) -> Outcome {
    let frozen = glance.peers.iter().filter_map(|peer| peer.frozen.as_deref());
    // One that can be settled comes first.
    match frozen.min_by_key(|why| *why == Frozen::Revoked.word()) {
        Some(why) if why == Frozen::Revoked.word() => Err(Failure::refused(why, REVOKED_NEXT)),
        Some(_) => Ok(()),
        None => Err(Failure::refused(
            "this node has not frozen the link",
            "settle it at the desk whose couloir doctor says that it is frozen",
        )),
    }
}

fn verdict(findings: &[Finding]) -> Outcome {
    let worst = findings.iter().max_by_key(|finding| finding.state);
    match worst.map(|finding| (finding.state, finding)) {
        Some((Health::Damaged, finding)) => Err(finding.failure(Code::Integrity)),
        Some((Health::Attention, finding)) => Err(finding.failure(Code::Degraded)),
        _ => Ok(()),
    }
}

impl Finding {
    fn well(check: &'static str, what: impl Into<String>) -> Finding {
        Finding { check, state: Health::Well, what: what.into(), next: String::new() }
    }

    fn attention(check: &'static str, what: impl Into<String>, next: impl Into<String>) -> Finding {
        Finding { check, state: Health::Attention, what: what.into(), next: next.into() }
    }

    fn words(&self) -> String {
        let (mark, check, what) =
            (if self.state == Health::Well { "ok" } else { "!!" }, self.check, &self.what);
        let next = if self.next.is_empty() { String::new() } else { format!("; {}", self.next) };
        format!("{mark} {check}: {what}{next}")
    }

    fn failure(&self, code: Code) -> Failure {
        Failure::new(code, format!("{}: {}", self.check, self.what), self.next.clone())
    }
}

fn officer_key(home: &Home) -> Finding {
    let path = home.officer_path(1);
    if path.exists() {
        let next = "move it to a medium of its own; --officer FILE names it when it is needed";
        return Finding::attention("officer's key", format!("{} lies on this machine", path.display()), next);
    }
    Finding::well("officer's key", "not on this machine")
}

fn store(reach: &mut Reach, seen: &Glance) -> Outcome<Finding> {
    if let Some(trouble) = &seen.store {
        let next = "look after the disk; until it works nothing new is kept or sent, and nothing is lost";
        return Ok(Finding::attention("store", trouble, next));
    }
    let answer = reach.ask(&Request::Check)?;
    let first = answer["problems"].as_array().and_then(|problems| problems.first()).cloned();
    Ok(match first.as_ref().and_then(|problem| problem.as_str()) {
        None => Finding::well("store", "every page reads and fits"),
        Some(problem) => Finding {
            check: "store",
            state: Health::Damaged,
            what: problem.to_owned(),
            next: "restore a backup: couloir restore FILE --home NEWDIR".to_owned(),
        },
    })
}

/// First contact, unless it is complete.
fn contact(reach: &mut Reach) -> Outcome<Option<Finding>> {
    if !reach.is_running() {
        return Ok(None);
    }
    match reach.ask(&Request::Phrase { peer: None }) {
        Err(failure) if failure.code == Code::TryAgain => {
            Ok(Some(Finding::attention("peer", failure.what, failure.next)))
        }
        outcome => outcome.map(|_| None),
    }
}

fn findings_of(glance: &Glance) -> Vec<Finding> {
    if !glance.running {
        return vec![Finding::attention("node", "it does not run", "start it: couloir run")];
    }
    let mut findings = vec![Finding::well("node", "it runs"), clock(glance)];
    let goes_on = glance.routes.iter().any(|route| route.state == "working");
    let used = glance.routes.iter().filter(|route| route.state != "retired");
    findings.extend(used.map(|each| route(each, goes_on)));
    findings.extend(glance.peers.iter().map(peer));
    findings
}

fn clock(glance: &Glance) -> Finding {
    if glance.clock_off_ms.abs() < CLOCK_OFF_MS_MAX {
        return Finding::well("clock", "agrees with relays and peer");
    }
    let what = format!("off by {} s", glance.clock_off_ms / 1000);
    Finding::attention("clock", what, "set this machine's clock; the node corrects itself meanwhile")
}

/// `goes_on` says whether any route works.
fn route(route: &Route, goes_on: bool) -> Finding {
    let place = route.url.split('#').next().unwrap_or_default();
    let next = match goes_on {
        true => "the other routes go on meanwhile",
        false => "no route works: put one right; until then nothing leaves, and nothing is lost",
    };
    match (route.state.as_str(), &route.trouble) {
        ("working" | "new", _) => Finding::well("route", format!("{place} {}", route.state)),
        (state, Some(trouble)) => Finding::attention("route", format!("{place} {state}: {trouble}"), next),
        (state, None) => Finding::attention("route", format!("{place} {state}"), next),
    }
}

fn peer(peer: &Peer) -> Finding {
    if let Some(why) = &peer.frozen {
        let next = match why == Frozen::Revoked.word() {
            true => REVOKED_NEXT,
            false => "call the other desk; once it is put right there: couloir doctor --settle this",
        };
        return Finding::attention("link", format!("frozen: {why}"), next);
    }
    if !peer.verified {
        return Finding::attention(
            "link",
            "the phrase has not been compared by both desks",
            "couloir phrase, couloir verify",
        );
    }
    match (peer.link.state.as_str(), peer.hears_us) {
        ("alive", true) => Finding::well("link", "alive, and the peer hears us"),
        ("alive", false) => Finding::attention("link", "the peer does not hear us", "see the routes above"),
        _ => Finding::attention("link", "silent, cause unknown", "ask by another way; nothing said is lost"),
    }
}

/// What the schedule forgives without being told of it.
const CLOCK_OFF_MS_MAX: i64 = 60_000;

const REVOKED_NEXT: &str = "that is for good; the link goes on once their officers certify another node for the post (couloir side hand-over)";
