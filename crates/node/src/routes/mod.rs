//! Routes: what carries sealed cells from here.
//!
//! *Steady* routes (relay, folder) have a queue of armed exchanges each, by window, and a task that
//! lets one exchange leave at its instant, whatever else happens. *Prompt* routes (direct) have a task
//! that keeps one connection and passes frames both ways as they come. The engine's thread arms,
//! disarms and sends; tasks answer with jobs. Where a route lies from here may be overridden in
//! `routes.toml`.

mod direct;
mod folder;
mod peering;
mod place;
mod queue;
mod relay;
mod steady;
#[cfg(test)]
mod tests;
mod tls;

use std::collections::BTreeMap;
use std::sync::Arc;

use couloir_engine::status::RouteState;
use couloir_engine::{Armed, Input};
use couloir_wire::id::RouteId;
use couloir_wire::route::{Carrier, RouteSpec};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::home::Home;
use crate::shell::{Clock, Host, Jobs};
use crate::store::{Reader, StoreError};

pub use place::{Place, PlaceError, Places, names_a_host};
pub use tls::{DirectKeys, TlsKeyError, prepare};

use direct::Direct;
use peering::Peering;
use queue::Queue;
use steady::{Line, Steady};

/// All routes of a running node.
pub(crate) struct Routes {
    runtime: tokio::runtime::Handle,
    jobs: Jobs,
    clock: Clock,
    places: Places,
    keys: Arc<DirectKeys>,
    peering: watch::Sender<Peering>,
    queues: BTreeMap<RouteId, Arc<Queue>>,
    directs: BTreeMap<RouteId, Arc<Direct>>,
    tasks: BTreeMap<RouteId, AbortHandle>,
}

/// Why routes cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum RoutesError {
    /// The file that says where they lie.
    #[error(transparent)]
    Places(#[from] PlaceError),
    /// The node's QUIC key.
    #[error(transparent)]
    Keys(#[from] TlsKeyError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Routes {
    /// No routes yet. Must be called inside the async runtime that is to carry them.
    pub(crate) fn new(home: &Home, store: &Reader, jobs: Jobs, clock: Clock) -> Result<Routes, RoutesError> {
        Ok(Routes {
            runtime: tokio::runtime::Handle::current(),
            jobs,
            clock,
            places: Places::read(&home.routes_path())?,
            keys: Arc::new(DirectKeys::load(store)?),
            peering: watch::Sender::new(Peering::default()),
            queues: BTreeMap::new(),
            directs: BTreeMap::new(),
            tasks: BTreeMap::new(),
        })
    }

    /// Begins what the channel has and ends what it no longer has.
    pub(crate) fn sync(&mut self, host: &mut Host, clock: Clock) {
        let routes = host.engine().status(clock.now()).routes.into_iter();
        let routes = routes.filter(|view| view.state != RouteState::Retired);
        let specs: BTreeMap<RouteId, RouteSpec> = routes.map(|view| (view.id, view.spec)).collect();
        let peering = Peering::of(host.store().reader());
        self.peering.send_if_modified(|known| std::mem::replace(known, peering.clone()) != peering);
        let gone: Vec<RouteId> = self.tasks.keys().filter(|id| !specs.contains_key(id)).copied().collect();
        gone.into_iter().for_each(|id| self.end(id));
        self.queues.retain(|id, _| specs.contains_key(id));
        for spec in specs.into_values() {
            if !self.tasks.contains_key(&spec.id) {
                self.begin(spec);
            }
        }
    }

    /// Lets an exchange leave at its instant.
    pub(crate) fn arm(&mut self, armed: Armed) {
        self.queue(armed.route).arm(armed);
    }

    /// Forgets what is armed for a route.
    pub(crate) fn disarm(&mut self, route: RouteId) {
        self.queue(route).disarm();
    }

    /// Sends a frame over a prompt route, if it stands.
    pub(crate) fn send(&self, route: RouteId, frame: Vec<u8>) {
        if let Some(direct) = self.directs.get(&route) {
            direct.send(frame);
        }
    }

    /// What a fresh engine must be told: which prompt routes stand.
    pub(crate) fn standing(&self) -> Vec<Input> {
        let standing = self.directs.iter().filter(|(_, direct)| direct.stands());
        standing.map(|(id, _)| Input::DirectUp(*id)).collect()
    }

    /// Ends all routes.
    pub(crate) fn stop(&mut self) {
        let all: Vec<RouteId> = self.tasks.keys().copied().collect();
        all.into_iter().for_each(|id| self.end(id));
    }

    /// Whether something is armed for a route that has no task yet.
    pub(crate) fn is_behind(&self) -> bool {
        self.queues.len() > self.tasks.len() && self.queues.keys().any(|id| !self.tasks.contains_key(id))
    }

    fn queue(&mut self, route: RouteId) -> &Arc<Queue> {
        self.queues.entry(route).or_default()
    }

    fn begin(&mut self, spec: RouteSpec) {
        let place = self.places.of(&spec);
        let (id, jobs, clock) = (spec.id, self.jobs.clone(), self.clock);
        let task = match spec.carrier() {
            Some(Carrier::Direct) => {
                let direct = Arc::new(Direct::new(id, jobs));
                self.directs.insert(id, direct.clone());
                self.runtime.spawn(direct.run(place, self.keys.clone(), self.peering.subscribe()))
            }
            Some(Carrier::Relay) => {
                let line = Line::Relay(Box::new(relay::RelayLine::new(&spec, &place)));
                let steady = Steady { queue: self.queue(id).clone(), jobs, clock, line };
                self.runtime.spawn(steady.run())
            }
            Some(Carrier::Folder) => {
                let line = Line::Folder(folder::FolderLine::new(&spec, &place));
                let steady = Steady { queue: self.queue(id).clone(), jobs, clock, line };
                self.runtime.spawn(steady.run())
            }
            None => return,
        };
        self.tasks.insert(id, task.abort_handle());
    }

    fn end(&mut self, id: RouteId) {
        if let Some(task) = self.tasks.remove(&id) {
            task.abort();
        }
        self.queues.remove(&id);
        if let Some(direct) = self.directs.remove(&id) {
            direct.close();
        }
    }
}
