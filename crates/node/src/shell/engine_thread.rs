//! The thread that owns engine and store.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use couloir_engine::{Input, Notice, Output};
use couloir_wire::id::EntryId;
use tokio::sync::{OwnedSemaphorePermit, broadcast, mpsc, oneshot};

use super::handle::{Reply, Sight};
use super::{
    Clock, EVENTS_KEPT, Event, HOURLY, Handle, HandleError, Host, HostError, JOBS_AT_ONCE_MAX,
    JOBS_WAITING_MAX, Job, REST_MAX, REST_MIN,
};
use crate::home::{Home, HomeLock};
use crate::keys;
use crate::routes::{Routes, RoutesError};
use crate::store::{Store, StoreError};

/// A home that was opened for a node to run in.
pub struct Unlocked {
    /// Where it is.
    pub home: Home,
    /// Held as long as the node runs.
    pub lock: HomeLock,
    /// Its store.
    pub store: Store,
}

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store makes no engine.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The routes' settings or keys are unusable.
    #[error(transparent)]
    Routes(#[from] RoutesError),
    /// The machine has no thread left.
    #[error("the machine gives no thread or timer")]
    Machine(#[source] std::io::Error),
}

/// How a node ended.
#[derive(Debug)]
pub enum Ending {
    /// It was asked to.
    Stopped,
    /// Going on would do harm.
    Halted(Notice),
    /// The disk did not confirm a write, or holds something else than was written.
    StoreLost(StoreError),
    /// After a failure of the store, what it remembers makes no engine.
    NotRecovered(HostError),
}

/// Runs the node: engine on a thread of its own, routes on the async runtime this is called in. It
/// serves when this returns; how it ends comes over the channel.
pub fn run(unlocked: Unlocked) -> Result<(Handle, oneshot::Receiver<Ending>), StartError> {
    let clock = Clock::start();
    let (jobs, queue) = mpsc::channel(JOBS_WAITING_MAX);
    let (events, _) = broadcast::channel(EVENTS_KEPT);
    let routes = Routes::new(&unlocked.home, unlocked.store.reader(), jobs.clone(), clock)?;
    let host = Host::recover(unlocked.store, clock).map_err(|failed| failed.1)?;
    let (ended, ending) = oneshot::channel();
    let handle = Handle::new(jobs, events.clone());
    let timer = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let mut thread = EngineThread {
        clock,
        routes,
        events,
        queue,
        says: BTreeMap::new(),
        submitting: None,
        appeared: Vec::new(),
        advanced: Vec::new(),
        halt: None,
        hourly: Instant::now() + HOURLY,
        timer: timer.map_err(StartError::Machine)?,
        is_stopping: false,
        troubled: None,
        waiting: VecDeque::new(),
    };
    let lock = unlocked.lock;
    let body = move || {
        let ending = thread.work(host);
        drop(lock);
        drop(ended.send(ending));
    };
    std::thread::Builder::new().name("engine".to_owned()).spawn(body).map_err(StartError::Machine)?;
    Ok((handle, ending))
}

struct EngineThread {
    clock: Clock,
    routes: Routes,
    events: broadcast::Sender<Event>,
    queue: mpsc::Receiver<Job>,
    /// Who waits for what was said, by token.
    says: BTreeMap<u64, Reply<EntryId>>,
    /// Who waits for the one thing submitted in this step.
    submitting: Option<Reply<()>>,
    /// Entries that appeared in this step.
    appeared: Vec<EntryId>,
    /// Entries that reached a further state in this step.
    advanced: Vec<EntryId>,
    halt: Option<Notice>,
    hourly: Instant,
    timer: tokio::runtime::Runtime,
    is_stopping: bool,
    /// The store failed, and has not worked since: the node as it was then.
    troubled: Option<Sight>,
    /// What was asked and not answered yet when the store failed, or while it rests.
    waiting: VecDeque<Job>,
}

/// Jobs of one turn, sorted.
#[derive(Default)]
struct Turn {
    inputs: Vec<Input>,
    /// Given back once the inputs are taken.
    permits: Vec<OwnedSemaphorePermit>,
    others: VecDeque<Job>,
}

impl EngineThread {
    fn work(&mut self, mut host: Host) -> Ending {
        let mut rest = REST_MIN;
        // Connections are made while the engine's first step becomes durable.
        self.routes.sync(&mut host, self.clock);
        let mut first = self.routes.standing();
        first.insert(0, Input::Serve);
        loop {
            let (error, began) = (self.serve(&mut host, first), Instant::now());
            let error = match error {
                Ok(ending) => return self.end(host.into_store(), ending),
                Err(error) if error.is_fatal() => return Ending::StoreLost(error),
                Err(error) => error,
            };
            self.note_trouble(&host, &error);
            let store = host.into_store();
            rest = if began.elapsed() > REST_MAX { REST_MIN } else { (rest * 2).min(REST_MAX) };
            host = match self.recover(store, error, rest) {
                Ok(host) => host,
                Err(ending) => return ending,
            };
            first = self.routes.standing();
            first.insert(0, Input::Serve);
        }
    }

    /// Tells once that the store failed, and keeps what can be shown meanwhile.
    fn note_trouble(&mut self, host: &Host, error: &StoreError) {
        if self.troubled.is_none() {
            let view = host.engine().status(self.clock.now());
            self.troubled = Some(Sight { view, trouble: Some(error.to_string()) });
            self.tell(Event::StoreFailed(error.to_string()));
        }
    }

    fn end(&mut self, store: Store, ending: Ending) -> Ending {
        self.routes.stop();
        // What cannot be settled now is settled when the store is opened again.
        drop(store.settle());
        ending
    }

    /// Steps until the node ends or the store fails.
    fn serve(&mut self, host: &mut Host, first: Vec<Input>) -> Result<Ending, StoreError> {
        self.step(host, first)?;
        self.after_step(host);
        if self.troubled.take().is_some() {
            self.tell(Event::StoreWorks);
        }
        loop {
            if let Some(notice) = self.halt.take() {
                return Ok(Ending::Halted(notice));
            }
            if self.is_stopping {
                return Ok(Ending::Stopped);
            }
            let mut jobs: Vec<Job> = std::mem::take(&mut self.waiting).into();
            if jobs.is_empty() {
                jobs = self.wait(host.wake());
            }
            self.turn(host, jobs)?;
            self.after_step(host);
            if Instant::now() >= self.hourly {
                self.every_hour(host)?;
            }
        }
    }

    fn after_step(&mut self, host: &mut Host) {
        if host.take_channel_changed() || self.routes.is_behind() {
            self.routes.sync(host, self.clock);
        }
    }

    fn turn(&mut self, host: &mut Host, jobs: Vec<Job>) -> Result<(), StoreError> {
        let Turn { inputs, permits, others } = self.sort(jobs);
        self.waiting = others;
        self.step(host, inputs)?;
        drop(permits);
        while let Some(job) = self.waiting.pop_front() {
            self.carry_out(host, job)?;
        }
        Ok(())
    }

    fn carry_out(&mut self, host: &mut Host, job: Job) -> Result<(), StoreError> {
        match job {
            Job::Submit(input, reply) => {
                self.submitting = Some(reply);
                self.step(host, vec![input])?;
                if let Some(reply) = self.submitting.take() {
                    drop(reply.send(Ok(())));
                }
            }
            Job::Ask(ask) => ask(Some((host.engine(), self.clock.now()))),
            Job::Status(reply) => {
                let view = host.engine().status(self.clock.now());
                drop(reply.send(Sight { view, trouble: None }));
            }
            Job::Store(act) => act(host.store()),
            Job::Happened(..) | Job::Say(..) | Job::Stop => {}
        }
        Ok(())
    }

    fn sort(&mut self, jobs: Vec<Job>) -> Turn {
        let mut turn = Turn::default();
        for job in jobs {
            match job {
                Job::Happened(input, permit) => {
                    turn.inputs.push(input);
                    turn.permits.extend(permit);
                }
                Job::Say(say, reply) => {
                    self.says.insert(say.token, reply);
                    turn.inputs.push(Input::Say(say));
                }
                Job::Stop => self.is_stopping = true,
                Job::Submit(..) | Job::Ask(_) | Job::Status(_) | Job::Store(_) => {
                    turn.others.push_back(job);
                }
            }
        }
        turn
    }

    fn step(&mut self, host: &mut Host, inputs: Vec<Input>) -> Result<(), StoreError> {
        let outcome = host.step(inputs, |output| self.perform(output));
        self.tell_entries();
        outcome
    }

    /// One event each for all entries of a step.
    fn tell_entries(&mut self) {
        let (appeared, advanced) = (std::mem::take(&mut self.appeared), std::mem::take(&mut self.advanced));
        if !appeared.is_empty() {
            self.tell(Event::Appeared(appeared));
        }
        if !advanced.is_empty() {
            self.tell(Event::Advanced(advanced));
        }
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Arm(armed) => self.routes.arm(armed),
            Output::Disarm(route) => self.routes.disarm(route),
            Output::DirectSend { route, frame } => self.routes.send(route, frame),
            Output::Said { token, id } => self.answer(token, Ok(id)),
            Output::Refused { token: 0, refusal } => {
                if let Some(reply) = self.submitting.take() {
                    drop(reply.send(Err(HandleError::Refused(refusal))));
                }
            }
            Output::Refused { token, refusal } => self.answer(token, Err(HandleError::Refused(refusal))),
            Output::Appeared(ids) => self.appeared.extend(ids),
            Output::Advanced(ids) => self.advanced.extend(ids),
            Output::Notice(notice) => self.tell(Event::Notice(notice)),
            Output::Halt(notice) => self.halt = Some(notice),
            Output::Persist(_) | Output::Fetch(..) => {}
        }
    }

    fn answer(&mut self, token: u64, answer: Result<EntryId, HandleError>) {
        if let Some(reply) = self.says.remove(&token) {
            drop(reply.send(answer));
        }
    }

    fn tell(&self, event: Event) {
        // Nobody need listen.
        drop(self.events.send(event));
    }

    /// All jobs that wait, after waiting for one, or for `wake`.
    fn wait(&mut self, wake: Option<couloir_wire::time::Moment>) -> Vec<Job> {
        let mut until = tokio::time::Instant::from_std(self.hourly);
        if let Some(wake) = wake {
            until = until.min(self.clock.instant(wake));
        }
        self.wait_until(until)
    }

    fn wait_until(&mut self, until: tokio::time::Instant) -> Vec<Job> {
        let mut jobs = Vec::new();
        let queue = &mut self.queue;
        let come = self.timer.block_on(async {
            tokio::time::timeout_at(until, queue.recv_many(&mut jobs, JOBS_AT_ONCE_MAX)).await
        });
        // The channel ends only with every handle and route; then nobody can ask for anything.
        self.is_stopping |= come == Ok(0);
        jobs
    }

    fn every_hour(&mut self, host: &mut Host) -> Result<(), StoreError> {
        self.hourly = Instant::now() + HOURLY;
        host.store().settle()?;
        if let Ok(seed) = keys::random() {
            self.step(host, vec![Input::Reseed(seed)])?;
        }
        Ok(())
    }

    /// Rests, then makes the engine anew; what is asked meanwhile is told why it must wait.
    fn recover(&mut self, mut store: Store, error: StoreError, mut rest: Duration) -> Result<Host, Ending> {
        let mut words = error.to_string();
        loop {
            self.fail_waiting(&mut store, &words);
            self.rest(&mut store, &words, rest);
            if self.is_stopping {
                return Err(self.end(store, Ending::Stopped));
            }
            let (back, error) = match Host::recover(store, self.clock) {
                Ok(host) => return Ok(host),
                Err(failed) => *failed,
            };
            match error {
                HostError::Store(error) if error.is_fatal() => return Err(Ending::StoreLost(error)),
                HostError::Store(error) => words = error.to_string(),
                error => return Err(Ending::NotRecovered(error)),
            }
            (store, rest) = (back, (rest * 2).min(REST_MAX));
        }
    }

    fn rest(&mut self, store: &mut Store, words: &str, rest: Duration) {
        let began = tokio::time::Instant::now();
        let mut until = began + rest;
        while tokio::time::Instant::now() < until && !self.is_stopping {
            for job in self.wait_until(until) {
                match job {
                    // Who says something may have made space: it is tried soon, and then answered.
                    Job::Say(..) | Job::Submit(..) => {
                        self.waiting.push_back(job);
                        until = until.min(began + REST_MIN);
                    }
                    job => self.answer_resting(job, store, words),
                }
            }
        }
    }

    fn answer_resting(&mut self, job: Job, store: &mut Store, words: &str) {
        let failed = || HandleError::StoreFailed(words.to_owned());
        match job {
            Job::Stop => self.is_stopping = true,
            Job::Say(_, reply) => drop(reply.send(Err(failed()))),
            Job::Submit(_, reply) => drop(reply.send(Err(failed()))),
            Job::Ask(ask) => ask(None),
            Job::Status(reply) => {
                if let Some(sight) = self.troubled.clone() {
                    drop(reply.send(sight));
                }
            }
            Job::Store(act) => act(store),
            // The engine that armed or awaited this is gone; the next one asks anew.
            Job::Happened(..) => {}
        }
    }

    fn fail_waiting(&mut self, store: &mut Store, words: &str) {
        for job in std::mem::take(&mut self.waiting) {
            self.answer_resting(job, store, words);
        }
        for (_, reply) in std::mem::take(&mut self.says) {
            drop(reply.send(Err(HandleError::StoreFailed(words.to_owned()))));
        }
        if let Some(reply) = self.submitting.take() {
            drop(reply.send(Err(HandleError::StoreFailed(words.to_owned()))));
        }
    }
}
