//! `couloir channel`

use couloir_engine::channel::Paper;
use couloir_engine::{StateKey, Write};
use couloir_wire::cbor;
use couloir_wire::id::{ChannelId, InvitationId, RouteId};
use couloir_wire::papers::{Charter, Invited, Paper as _};
use couloir_wire::route::{Carrier, RouteSpec, url_option};
use serde_json::json;

use super::kept;
use crate::clerk::Node;
use crate::clerk::names;
use crate::clerk::papers::{self, Agreed};
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::values::window_ms;
use crate::keys;
use crate::routes::names_a_host;
use crate::words::{Failure, Outcome};

/// The channel of this node.
#[derive(clap::Args)]
pub struct Channel {
    #[command(subcommand)]
    verb: ChannelVerb,
}

#[derive(clap::Subcommand)]
enum ChannelVerb {
    Create(Create),
}

/// Draw up a channel: its name and its routes.
///
/// Any one route is enough; all are used at once. Take unlike ones, run by different people.
#[derive(clap::Args)]
pub struct Create {
    /// The channel's name.
    #[arg(long, value_name = "NAME")]
    name: String,
    /// A route: `https://HOST:PORT#pin=HEX` as a relay prints it when it starts, `folder:/PATH`, or
    /// `quic://HOST:PORT` of this node. May be repeated.
    #[arg(long = "route", value_name = "URL", required = true)]
    routes: Vec<String>,
    #[command(flatten)]
    shape: Shape,
}

/// What each steady route does in every window, whether or not anything is said.
#[derive(Debug, Clone, clap::Args)]
pub struct Shape {
    /// Length of a window: 100ms, 200ms, 500ms, 1s, 2s, 5s, 10s, 30s or 60s.
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = window_ms)]
    window: u32,
    /// Octets of a cell: 512, 1024, 2048, 4096 or 8192.
    #[arg(long, value_name = "OCTETS", default_value_t = 2048)]
    cell: u16,
    /// Cells written in each window, 1 to 4.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    lanes: u8,
}

impl Channel {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        match &self.verb {
            ChannelVerb::Create(create) => create.run(out, args),
        }
    }
}

impl Create {
    fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let name = names::name("channel's name", &self.name)?;
        let now_ms = jiff::Timestamp::now().as_millisecond();
        let mut routes = Vec::new();
        for url in &self.routes {
            routes.push(self.shape.route(url, &routes, now_ms)?);
        }
        let mut kept = kept(args)?;
        let mut channel = papers::channel_of(kept.reader())?;
        if channel.charter.is_some() {
            return Err(Failure::refused(
                "this node has a channel already",
                "one home holds one channel; make another home: couloir init",
            ));
        }
        let charter = draft(&Agreed::of(&channel)?, name, routes, now_ms)?;
        charter.check().map_err(|error| {
            Failure::usage(format!("the charter cannot be: {error}"), "change the routes")
        })?;
        channel.draft = Some(Paper(cbor::encode(&charter)));
        kept.store().apply(&[Write::State(StateKey::Channel, Some(channel.encode()))])?;
        tell(out, &charter)
    }
}

fn draft(agreed: &Agreed, name: String, routes: Vec<RouteSpec>, now_ms: i64) -> Outcome<Charter> {
    Ok(Charter {
        version: 1,
        previous: None,
        channel: ChannelId(keys::random()?),
        name,
        inviter: agreed.own_certificate.unverified().side,
        // Nobody yet: an invitation puts the name here.
        invited: Invited::Named("nobody".to_owned()),
        invitation: InvitationId::default(),
        routes,
        turns: TURNS,
        live_ms: LIVE_MS,
        notes_may_expire: true,
        tells_shown: true,
        created_ms: now_ms,
    })
}

fn tell(out: &Out, charter: &Charter) -> Outcome {
    let routes: Vec<_> = charter.routes.iter().map(route_json).collect();
    let answer = json!({ "channel": charter.channel.to_string(), "name": charter.name, "routes": routes });
    out.answer(&answer, || {
        format!("Routes of the channel: {}.\nNext: couloir invite --for SIDE --out FILE.", routes.len())
    })
}

/// A route as commands show it.
pub fn route_json(route: &RouteSpec) -> serde_json::Value {
    json!({
        "id": route.id.to_string(),
        "url": route.url,
        "window_ms": route.window_ms,
        "cell": route.cell_len,
        "lanes": route.lanes,
        "ruler": route.ruler,
        "from": crate::cli::values::rfc3339(route.from_ms),
        "retired": route.retired_ms.map(crate::cli::values::rfc3339),
    })
}

impl Shape {
    /// The route that `url` names, in use from `from_ms` on. `others` are the charter's routes so far.
    pub fn route(&self, url: &str, others: &[RouteSpec], from_ms: i64) -> Outcome<RouteSpec> {
        let carrier = Carrier::of(url);
        check_place(url, carrier)?;
        let route = RouteSpec {
            id: RouteId(keys::random()?),
            url: url.to_owned(),
            window_ms: self.window,
            cell_len: self.cell,
            lanes: self.lanes,
            ruler: ruler(url, carrier, others)?,
            from_ms,
            retired_ms: None,
        };
        route.check().map_err(|error| {
            Failure::usage(format!("{url}: {error}"), "see couloir channel create --help")
        })?;
        if others.iter().any(|other| other.url == url && other.retired_ms.is_none()) {
            return Err(Failure::usage(format!("{url} is given twice"), "take unlike routes"));
        }
        Ok(route)
    }
}

fn check_place(url: &str, carrier: Option<Carrier>) -> Outcome {
    let is_hex = |pin: &str| pin.len() == 64 && pin.chars().all(|c| c.is_ascii_hexdigit());
    match carrier {
        Some(Carrier::Relay) if !url_option(url, "pin").is_some_and(is_hex) => Err(Failure::usage(
            format!("{url} has no pin of its certificate"),
            "take the line that couloir-relay prints when it starts: https://HOST:PORT#pin=HEX",
        )),
        Some(Carrier::Relay) if !names_a_host(url) => Err(Failure::usage(
            format!("{url} names no host and port that can be reached"),
            "take the line that couloir-relay prints when it starts: https://HOST:PORT#pin=HEX",
        )),
        Some(Carrier::Direct) if !names_a_host(url) => Err(Failure::usage(
            format!("{url} names no host and port that can be reached"),
            "write quic://HOST:PORT of this node",
        )),
        Some(Carrier::Folder) if !url.starts_with("folder:/") => {
            Err(Failure::usage(format!("{url} is no absolute path"), "write folder:/PATH"))
        }
        _ => Ok(()),
    }
}

/// A relay says its ruler in its URL, and has number 0 if it does not. For a folder the charter
/// chooses: the number that the fewest routes have, so that their marks interleave.
fn ruler(url: &str, carrier: Option<Carrier>, others: &[RouteSpec]) -> Outcome<u8> {
    if let Some(said) = url_option(url, "ruler") {
        return said.parse().ok().filter(|number| *number < RULERS).ok_or_else(|| {
            Failure::usage(
                format!("{url}: a ruler has the number 0, 1 or 2"),
                "take the line that the relay prints",
            )
        });
    }
    let count = |number: &u8| others.iter().filter(|route| route.ruler == *number).count();
    match carrier {
        Some(Carrier::Folder) => Ok((0..RULERS).min_by_key(count).unwrap_or_default()),
        _ => Ok(0),
    }
}

/// Of the schedule's table; the last one is for recovery.
const TURNS: u8 = 16;
/// How long a relay keeps a cell of the lowest level: 1 h.
const LIVE_MS: u64 = 3_600_000;
const RULERS: u8 = 3;
