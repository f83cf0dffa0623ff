//! `couloir run`

use std::io::IsTerminal;
use std::time::Duration;

use couloir_engine::Notice;
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::sync::oneshot;

use crate::clerk::served::Served;
use crate::clerk::{kept, lock_patiently, matters, notices, papers, search, statement, watch};
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::values::duration_ms;
use crate::home::Home;
use crate::page;
use crate::shell::{self, Ending, Event, Handle, Unlocked};
use crate::socket::server::Server;
use crate::words::{Code, Failure, Outcome};

/// Run the node until it is stopped by SIGTERM or SIGINT.
///
/// Prints one line, `ready`, once it serves. What the desk must read goes to stderr, a line each. The
/// page for the desk's browser is served on loopback; couloir open prints a link to it.
#[derive(clap::Args)]
pub struct Run {
    /// The port of the page on loopback; any that is free if 0.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    page_port: u16,
    /// After how long without use the page locks.
    #[arg(long, value_name = "DURATION", default_value = "15m", value_parser = duration_ms)]
    page_idle: u64,
    /// Serve no page.
    #[arg(long)]
    no_page: bool,
}

impl Run {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        start_diagnostics();
        let home = Home::open(args.folder()?)?;
        let lock = lock_patiently(&home)?;
        let preparing = thread("prepare", crate::routes::prepare)?;
        let store = kept::unlock(&home, args)?;
        let is_joining = check_channel(&store)?;
        // It only saves time.
        drop(preparing.join());
        let (at, socket, wish, runtime) = (home.clone(), home.socket_path(), self.wish(), runtime()?);
        let _inside = runtime.enter();
        let signals = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
        let [terminate, interrupt] = signals.map(|signal| signal.map_err(|error| no_machine(&error)));
        let (handle, ending) = shell::run(Unlocked { home, lock, store })?;
        let page = match wish.map(|wish| page::start(wish, &at, handle.clone())).transpose() {
            Err(failure) if failure.code == Code::TryAgain => {
                // A node that may not serve ends at once, and its own word says why.
                let ending = runtime.block_on(async { tokio::time::timeout(GRACE, ending).await });
                return ended(Some(ending.ok().and_then(Result::ok).ok_or(failure)?), is_joining);
            }
            page => page?,
        };
        let server = Server::listen(&socket, handle.clone(), page)?;
        runtime.spawn(probe(handle.clone()));
        prove_record(handle.clone())?;
        runtime.spawn(matters::keeper::run(handle.clone()));
        let indexed = handle.clone();
        thread("index", move || search::keep_up(&indexed))?;
        let events = handle.events();
        announce(out);
        let (ending, is_met) = runtime.block_on(serve(out, handle, events, [terminate?, interrupt?], ending));
        drop(server);
        notify(sd_notify::NotifyState::Stopping);
        runtime.shutdown_timeout(GRACE);
        ended(ending, is_joining && !is_met)
    }

    fn wish(&self) -> Option<page::Wish> {
        let idle = Duration::from_millis(self.page_idle);
        (!self.no_page).then_some(page::Wish { port: self.page_port, idle })
    }
}

/// A node without a channel would have nothing to do. Whether it has an invitation that was not answered
/// yet.
fn check_channel(store: &crate::store::Store) -> Outcome<bool> {
    let channel = papers::channel_of(store.reader())?;
    papers::Agreed::of(&channel)?.charter()?;
    Ok(papers::is_joining(&channel))
}

fn runtime() -> Outcome<Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(WORKERS).enable_all().build().map_err(|error| no_machine(&error))
}

fn no_machine(error: &std::io::Error) -> Failure {
    let what = format!("the machine gives no thread, timer or signal: {error}");
    Failure::new(Code::Failed, what, "raise its limits and start again")
}

fn announce(out: &Out) {
    // Nobody reading the line is no reason not to serve.
    let _ = out.answer(&json!({ "ready": true }), || "ready".to_owned());
    notify(sd_notify::NotifyState::Ready);
}

fn notify(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!("the service manager could not be told: {error}");
    }
}

/// Tells what the desk must read, until the node has ended. The other value says whether first contact
/// was completed meanwhile.
async fn serve(
    out: &Out,
    handle: Handle,
    mut events: Receiver<Event>,
    [mut terminate, mut interrupt]: [Signal; 2],
    mut ending: oneshot::Receiver<Ending>,
) -> (Option<Ending>, bool) {
    let mut is_met = false;
    loop {
        tokio::select! {
            ended = &mut ending => return (ended.ok(), is_met),
            event = events.recv() => {
                is_met |= matches!(&event, Ok(Event::Notice(notice)) if *notice.what() == Notice::Joined);
                tell(out, event);
            }
            _ = terminate.recv() => handle.stop_async().await,
            _ = interrupt.recv() => handle.stop_async().await,
        }
    }
}

fn tell(out: &Out, event: Result<Event, RecvError>) {
    match event {
        Ok(Event::Notice(notice)) => out.say(&notices::words(&notice)),
        Ok(Event::StoreFailed(why)) => {
            out.say(&format!(
                "{why}: nothing new is kept or sent until the store works again, and nothing is lost; look after the disk"
            ));
        }
        Ok(Event::StoreWorks) => out.say("the store works again"),
        Ok(Event::Appeared(_) | Event::Advanced(_) | Event::ProbesChanged)
        | Err(RecvError::Lagged(_) | RecvError::Closed) => {}
    }
}

/// Probes the official line, round by round, until the node ends.
async fn probe(handle: Handle) {
    let (mut probes, mut events) = (watch::Probes::default(), handle.events());
    loop {
        let node = handle.clone();
        let round = tokio::task::spawn_blocking(move || probe_once(&node, probes));
        let Ok(looked) = round.await else { return };
        probes = looked;
        let changed = tokio::time::timeout(probes.pause(), probes_changed(&mut events));
        if changed.await == Ok(Err(RecvError::Closed)) {
            return;
        }
    }
}

/// Proves what is on the record while nobody waits for it.
fn prove_record(handle: Handle) -> Outcome {
    let work = move || {
        let Ok(mut served) = Served::new(handle) else { return };
        while statement::check(&mut served).is_ok_and(|told| told["more"] == true) {}
    };
    thread("record", work).map(drop)
}

fn thread(name: &str, body: impl FnOnce() + Send + 'static) -> Outcome<std::thread::JoinHandle<()>> {
    let thread = std::thread::Builder::new().name(name.to_owned());
    thread.spawn(body).map_err(|error| no_machine(&error))
}

async fn probes_changed(events: &mut Receiver<Event>) -> Result<(), RecvError> {
    loop {
        match events.recv().await {
            Ok(Event::ProbesChanged) => return Ok(()),
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return Err(RecvError::Closed),
        }
    }
}

/// One round. What the store stands in the way of is made up for by the next one.
fn probe_once(handle: &Handle, mut probes: watch::Probes) -> watch::Probes {
    let watched = handle.with_store(|store| watch::list(store.reader()));
    let Ok(Ok(watched)) = watched else { return probes };
    let input = probes.round(&watched);
    if input.is_some_and(|input| handle.submit(input).is_err()) {
        probes.forget_told();
    }
    probes
}

fn ended(ending: Option<Ending>, is_joining: bool) -> Outcome {
    match ending {
        Some(Ending::Stopped) => Ok(()),
        Some(Ending::Halted(Notice::SecondSelf)) if is_joining => Err(Failure::refused(
            "another node uses the same invitation",
            "stop that node, or have the other side invite anew (couloir invite) and join with the new file",
        )),
        Some(Ending::Halted(notice)) => Err(halted(&notice)),
        Some(Ending::StoreLost(error)) => Err(error.into()),
        Some(Ending::NotRecovered(error)) => Err(error.into()),
        None => Err(Failure::new(
            Code::Failed,
            "the engine's thread is gone",
            "start again; nothing said is lost",
        )),
    }
}

fn halted(notice: &Notice) -> Failure {
    let code = if *notice == Notice::StoreDamaged { Code::Integrity } else { Code::Refused };
    Failure::new(code, format!("the node has stopped: {}", notices::words(notice)), "couloir doctor")
}

fn start_diagnostics() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("COULOIR_LOG");
    let filter = filter.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second subscriber in one process changes nothing.
    let _ = subscriber.with_target(false).with_ansi(std::io::stderr().is_terminal()).try_init();
}

/// Routes wait more than they work.
const WORKERS: usize = 2;
/// What an exchange under way may take when the node stops.
const GRACE: Duration = Duration::from_millis(500);
