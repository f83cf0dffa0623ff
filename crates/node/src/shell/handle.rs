//! How the rest of the process talks to the engine's thread.

use std::sync::atomic::{AtomicU64, Ordering};

use couloir_engine::status::StatusView;
use couloir_engine::{Engine, Input, LinkNumber, Notice, Now, PhraseView, Refusal, Say};
use couloir_wire::id::EntryId;
use tokio::sync::{OwnedSemaphorePermit, broadcast, mpsc, oneshot};

use crate::book::Shelf;
use crate::store::Store;

/// A running node, from another thread of its process. Its methods wait by blocking the thread and
/// must not be called from an async task.
#[derive(Clone)]
pub struct Handle {
    jobs: Jobs,
    events: broadcast::Sender<Event>,
    shelf: Shelf,
}

/// What a running node tells everybody who listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// These entries are new in the log.
    Appeared(Vec<EntryId>),
    /// These entries of ours reached a further state.
    Advanced(Vec<EntryId>),
    /// The desk must read this.
    Notice(Notice),
    /// The store failed, in words; the node goes on trying.
    StoreFailed(String),
    /// The store works again.
    StoreWorks,
    /// Other addresses are to be probed.
    ProbesChanged,
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandleError {
    /// The engine refused; nothing was kept.
    #[error("the engine refused")]
    Refused(Refusal),
    /// The store is in trouble, in words; nothing was kept.
    #[error("{0}")]
    StoreFailed(String),
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopped,
}

/// The node at a glance.
#[derive(Debug, Clone)]
pub struct Sight {
    /// As the engine sees it; while the store is in trouble, as it was when that began.
    pub view: StatusView,
    /// What is wrong with the store, in words.
    pub trouble: Option<String>,
}

/// The queue to the engine's thread.
pub(crate) type Jobs = mpsc::Sender<Job>;

/// The answer to something handed in.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, HandleError>>;

/// Looks at the engine; there is none while the store is in trouble.
pub(crate) type Look = Box<dyn FnOnce(Option<(&Engine, Now)>) + Send>;

/// One thing for the engine's thread to do.
pub(crate) enum Job {
    /// Something happened; room in the queue is given back once it is taken.
    Happened(Input, Option<OwnedSemaphorePermit>),
    /// Say this.
    Say(Box<Say>, Reply<EntryId>),
    /// Take this and tell whether it was refused.
    Submit(Input, Reply<()>),
    /// Look at the engine.
    Ask(Look),
    /// Look at the node; also while the store is in trouble.
    Status(oneshot::Sender<Sight>),
    /// Act on the store between two batches.
    Store(Box<dyn FnOnce(&mut Store) + Send>),
    /// End.
    Stop,
}

impl Handle {
    pub(crate) fn new(jobs: Jobs, events: broadcast::Sender<Event>) -> Handle {
        Handle { jobs, events, shelf: Shelf::default() }
    }

    /// Hands in something to be said (its token is ours to choose); the answer comes once it is
    /// durable. Several may be under way; they are kept in the order of the calls.
    pub fn begin_say(&self, mut say: Say) -> oneshot::Receiver<Result<EntryId, HandleError>> {
        static TOKENS: AtomicU64 = AtomicU64::new(1);
        say.token = TOKENS.fetch_add(1, Ordering::Relaxed);
        let (reply, answer) = oneshot::channel();
        // If the node stops, the reply is dropped, and whoever waits for the answer learns it.
        drop(self.jobs.blocking_send(Job::Say(Box::new(say), reply)));
        answer
    }

    /// Says something; returns once it is durable.
    pub fn say(&self, say: Say) -> Result<EntryId, HandleError> {
        self.begin_say(say).blocking_recv().unwrap_or(Err(HandleError::Stopped))
    }

    /// Hands in what has no answer of its own; returns once it is durable, or refused.
    pub fn submit(&self, input: Input) -> Result<(), HandleError> {
        let (reply, answer) = oneshot::channel();
        self.send(Job::Submit(input, reply))?;
        answer.blocking_recv().unwrap_or(Err(HandleError::Stopped))
    }

    /// Hands in what happened; returns at once, before it is durable.
    pub fn tell(&self, input: Input) -> Result<(), HandleError> {
        self.send(Job::Happened(input, None))
    }

    /// The node at a glance.
    pub fn status(&self) -> Result<Sight, HandleError> {
        let (reply, answer) = oneshot::channel();
        self.send(Job::Status(reply))?;
        answer.blocking_recv().map_err(|_| HandleError::Stopped)
    }

    /// The phrase of a link, once its first contact is complete.
    pub fn phrase(&self, link: LinkNumber) -> Result<Option<PhraseView>, HandleError> {
        self.ask(move |engine, _| engine.phrase(link))
    }

    /// Looks at the engine.
    pub fn ask<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Engine, Now) -> T + Send + 'static,
    ) -> Result<T, HandleError> {
        let (reply, answer) = oneshot::channel();
        let ask = move |engine: Option<(&Engine, Now)>| {
            let seen = engine.map(|(engine, now)| look(engine, now));
            drop(reply.send(seen.ok_or_else(|| HandleError::StoreFailed(RESTING.to_owned()))));
        };
        self.send(Job::Ask(Box::new(ask)))?;
        answer.blocking_recv().unwrap_or(Err(HandleError::Stopped))
    }

    /// Acts on the store between two batches. What takes long moves nothing that leaves, but keeps
    /// the engine waiting.
    pub fn with_store<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Store) -> T + Send + 'static,
    ) -> Result<T, HandleError> {
        let (reply, answer) = oneshot::channel();
        self.send(Job::Store(Box::new(move |store| drop(reply.send(act(store))))))?;
        answer.blocking_recv().map_err(|_| HandleError::Stopped)
    }

    /// From now on, what the node tells.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Tells everybody who listens.
    pub fn announce(&self, event: Event) {
        // Nobody need listen.
        drop(self.events.send(event));
    }

    /// What is on the record, as the whole process shares it.
    pub fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// Asks the node to end; returns at once.
    pub fn stop(&self) {
        drop(self.jobs.blocking_send(Job::Stop));
    }

    /// Asks the node to end, from an async task.
    pub async fn stop_async(&self) {
        drop(self.jobs.send(Job::Stop).await);
    }

    fn send(&self, job: Job) -> Result<(), HandleError> {
        self.jobs.blocking_send(job).map_err(|_| HandleError::Stopped)
    }
}

const RESTING: &str = "the store failed and is being tried again";
