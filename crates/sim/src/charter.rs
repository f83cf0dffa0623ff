//! Officers: they amend the charter while everything fails, and sign what the other side proposes.

use couloir_engine::{Engine, Input};
use couloir_seal::papers::{digest, side_id, sign};
use couloir_wire::id::{Digest, RouteId};
use couloir_wire::papers::{Charter, Signed, SignedCharter};
use couloir_wire::route::RouteSpec;
use couloir_wire::time::WallTime;

use crate::chance::Chance;
use crate::scenario::{RouteKind, route, spec};
use crate::world::World;

impl World {
    /// The officer at `node` signs what waits, or else adds or retires a route.
    pub(crate) fn amend(&mut self, node: usize, chance: &mut Chance) {
        let Some(engine) = self.nodes[node].engine.as_ref().filter(|_| self.is_verified()) else { return };
        if let Some(proposed) = proposed(engine) {
            return self.sign_proposal(node, digest(&proposed));
        }
        let at = engine.status(self.nodes[node].now(self.now_ms, self.wall())).at;
        let Some(mut next) = successor(engine, at) else { return };
        let in_use = next.routes.iter().filter(|route| is_well_in_use(route, at)).count();
        if in_use < ROUTES_WANTED && chance.percent(60) {
            next.routes.push(self.new_route(at, chance));
        } else if let Some(route) = self.retirable(&next, in_use, chance) {
            next.routes[route].retired_ms = Some(at.0);
        } else {
            return;
        }
        if let Ok(paper) = Signed::unsigned(next) {
            self.tell(Some(node), "amends", || format!("version {}", paper.unverified().version));
            self.sign_and_adopt(node, paper);
        }
    }

    /// The officer at `node` signs the version with this hash, if it still waits.
    pub(crate) fn sign_proposal(&mut self, node: usize, hash: Digest) {
        let waiting = self.nodes[node].engine.as_ref().and_then(proposed);
        if let Some(paper) = waiting.filter(|paper| digest(paper) == hash) {
            self.tell(Some(node), "signs", || format!("version {}", paper.unverified().version));
            self.sign_and_adopt(node, paper);
        }
    }

    fn sign_and_adopt(&mut self, node: usize, mut paper: SignedCharter) {
        let Some(engine) = &self.nodes[node].engine else { return };
        let side = side_id(&engine.party().own.signet);
        sign(&mut paper, side, 0, &self.officers[self.model.posts[node]]);
        self.give(node, Input::Adopt(paper.encode()));
    }

    /// A relay that nobody used before.
    fn new_route(&mut self, at: WallTime, chance: &mut Chance) -> RouteSpec {
        let kind = RouteKind::Relay(chance.below(3) as u8);
        let index = self.routes.len();
        let mut spec = spec(&self.config, index, kind, RouteId(chance.id()));
        spec.from_ms = at.0;
        self.route_index.insert(spec.id, index);
        self.routes.push(route(&self.config, index, kind, spec.clone()));
        spec
    }

    /// One of the routes in use, if another stays. A disk that is put back knows those of the first version only.
    fn retirable(&self, charter: &Charter, in_use: usize, chance: &mut Chance) -> Option<usize> {
        let at = WallTime(charter.created_ms);
        let first = if self.loses_disks() { self.config.routes.len() } else { 0 };
        let of_use = |place: &usize| is_well_in_use(&charter.routes[*place], at);
        let may_go: Vec<usize> = (first..charter.routes.len()).filter(of_use).collect();
        (in_use > 1 && !may_go.is_empty()).then(|| chance.pick(&may_go))
    }

    /// Whether all running nodes have the same charter in force.
    pub(crate) fn have_one_charter(&self) -> bool {
        let running = self.nodes.iter().filter_map(|node| node.engine.as_ref());
        let mut charters = running.map(|engine| engine.party().charter_digest());
        let first = charters.next();
        charters.all(|charter| Some(charter) == first)
    }
}

/// The version that waits for a signature of this side.
fn proposed(engine: &Engine) -> Option<SignedCharter> {
    SignedCharter::decode(&engine.party().state.proposed.as_ref()?.0).ok()
}

/// The version after the one in force, unchanged so far.
fn successor(engine: &Engine, at: WallTime) -> Option<Charter> {
    let party = engine.party();
    let charter = party.charter()?.clone();
    Some(Charter {
        version: charter.version + 1,
        previous: party.charter_digest(),
        invited: party.invited_id()?,
        created_ms: at.0,
        ..charter
    })
}

/// Whether a route is in use, and has been for as long as clocks differ in a run without faults of theirs.
fn is_well_in_use(route: &RouteSpec, at: WallTime) -> bool {
    route.retired_ms.is_none() && route.is_in_use(at.shifted(-SETTLED_MS))
}

const ROUTES_WANTED: usize = 4;
const SETTLED_MS: i64 = 10 * 60_000;
