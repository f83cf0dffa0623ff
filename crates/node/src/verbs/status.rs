//! `couloir status`

use crate::clerk::Reach;
use crate::clerk::glance::Glance;
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::socket::Request;
use crate::words::{Outcome, unreadable_answer};

/// Show how the line stands.
///
/// With `--json`: `running`, `at`, `posture {state: standby|active, since, official, why,
/// peer_official}`, `desk {state, since}`, `clock_off_ms`, `peers [{id, side, post, holder, in_office_since, node, link {state:
/// alive|silent, since}, last_heard, desk {state: here|away|unknown, since}, verified,
/// verified_here, verified_there, hears_us, unacknowledged, epoch, drill {last, answered, after_ms},
/// frozen}]`, `routes [{peer, id, url, state: new|working|out-only|down|paused|retired, trouble, last_out,
/// last_in, delay_ms, losses, searching}]`, `files [{entry, own, done, len, damaged, held}]`, `needs` (matters that wait for
/// an answer of this desk, as `couloir meeting list` has them, the soonest due first), `overdue` (cases of which a clock has
/// run out), `store` (`null`, or
/// what is wrong with it; the rest is then as it was when that began).
#[derive(clap::Args)]
pub struct Status {}

impl Status {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let glance = glance(&mut Reach::open(args)?)?;
        out.answer(&glance, || glance.words())
    }
}

/// The node at a glance.
pub fn glance(reach: &mut Reach) -> Outcome<Glance> {
    let answer = reach.ask(&Request::Status)?;
    serde_json::from_value(answer).map_err(|error| unreadable_answer(&error))
}
