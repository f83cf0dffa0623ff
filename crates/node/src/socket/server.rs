//! The running node's end of the socket.
//!
//! A thread per client reads requests and a second one writes answers, in order. Notes are handed to
//! the engine without waiting for the one before, so that many share one commit; everything else is
//! carried out on the spot.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};

use couloir_engine::Say;
use couloir_wire::id::{ConversationId, EntryId};
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, oneshot};

use super::client::short;
use super::{CLIENTS_MAX, Greeting, How, LINE_OCTETS_MAX, Line, Named, PIPELINED_MAX, Request, VERSION};
use crate::clerk::row::Row;
use crate::clerk::served::Served;
use crate::clerk::{Node as _, answer, log};
use crate::page::Office;
use crate::release;
use crate::shell::{Event, Handle, HandleError};
use crate::words::{Code, Failure, Outcome};

/// A socket on which a node takes commands, removed when this is dropped.
pub struct Server {
    path: PathBuf,
}

/// What the threads of one client share with the others.
struct Desk {
    handle: Handle,
    runtime: tokio::runtime::Handle,
    page: Option<Arc<Office>>,
}

/// What is to be written next.
enum Pending {
    Line(Box<Line>),
    /// Will be known once the note is durable.
    Said(oneshot::Receiver<Result<EntryId, HandleError>>),
}

impl Server {
    /// Listens at `path`, on the runtime of the caller. The home's lock must be held: a socket that lies
    /// there is a dead node's. Links that are asked for open `page`.
    pub fn listen(path: &Path, handle: Handle, page: Option<Arc<Office>>) -> Outcome<Server> {
        let runtime = tokio::runtime::Handle::current();
        let wrong = |error| Failure::io(path, &error);
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(wrong(error)),
            _ => {}
        }
        let listener = UnixListener::bind(short(path)?).map_err(wrong)?;
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).map_err(wrong)?;
        let desk = Arc::new(Desk { handle, runtime, page });
        spawn("socket", move || accept(&listener, &desk)).map_err(wrong)?;
        Ok(Server { path: path.to_path_buf() })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What is gone already need not be removed.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(body).map(drop)
}

fn accept(listener: &UnixListener, desk: &Arc<Desk>) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        let client = Arc::clone(desk);
        if Arc::strong_count(desk) > CLIENTS_MAX + 1 {
            turn_away(stream);
            continue;
        }
        // Without a thread the client sees the connection close, and says so.
        let _ = spawn("client", move || drop(serve(&client, stream)));
    }
}

fn turn_away(mut stream: UnixStream) {
    let failure = Failure::later("too many commands at once", "repeat the command");
    if let Ok(line) = serde_json::to_string(&Line::Error(failure)) {
        // It is refused either way.
        let _ = writeln!(stream, "{}\n{line}", greeting());
    }
}

fn greeting() -> String {
    serde_json::to_string(&Greeting { couloir: VERSION }).unwrap_or_default()
}

/// Serves one client until it hangs up.
fn serve(desk: &Desk, stream: UnixStream) -> io::Result<()> {
    let (pending, answers) = sync_channel(PIPELINED_MAX);
    let mut out = BufWriter::new(stream.try_clone()?);
    writeln!(out, "{}", greeting())?;
    out.flush()?;
    spawn("answers", move || drop(write_answers(&answers, out)))?;
    let mut requests = BufReader::new(stream.try_clone()?);
    let mut client = Client { desk, stream, pending, served: None };
    let mut line = Vec::new();
    loop {
        line.clear();
        let len = (&mut requests).take(LINE_OCTETS_MAX as u64).read_until(b'\n', &mut line)?;
        if len == 0 || line.last() != Some(&b'\n') || !client.carry_out(&line) {
            return Ok(());
        }
    }
}

/// Writes what becomes known, in order; what is ready goes out together.
fn write_answers(answers: &Receiver<Pending>, mut out: BufWriter<UnixStream>) -> io::Result<()> {
    loop {
        let pending = match answers.try_recv() {
            Ok(pending) => pending,
            Err(TryRecvError::Disconnected) => return out.flush(),
            Err(TryRecvError::Empty) => {
                out.flush()?;
                let Ok(pending) = answers.recv() else { return Ok(()) };
                pending
            }
        };
        let line = match pending {
            Pending::Line(line) => line,
            Pending::Said(mut answer) => Box::new(said(match answer.try_recv() {
                Ok(outcome) => outcome,
                Err(_) => {
                    out.flush()?;
                    answer.blocking_recv().unwrap_or(Err(HandleError::Stopped))
                }
            })),
        };
        serde_json::to_writer(&mut out, &line)?;
        out.write_all(b"\n")?;
    }
}

fn said(outcome: Result<EntryId, HandleError>) -> Line {
    match outcome {
        Ok(id) => Line::Ok(json!({ "id": id.to_string() })),
        Err(error) => Line::Error(error.into()),
    }
}

struct Client<'d> {
    desk: &'d Desk,
    stream: UnixStream,
    pending: SyncSender<Pending>,
    served: Option<Served>,
}

impl Client<'_> {
    /// Carries out one line; false once nobody reads the answers.
    fn carry_out(&mut self, line: &[u8]) -> bool {
        match serde_json::from_slice::<Request>(line) {
            Ok(Request::Send { text, how }) => match self.note(&text, &how) {
                Ok(say) => self.pending.send(Pending::Said(self.desk.handle.begin_say(say))).is_ok(),
                Err(failure) => self.reply(Line::Error(failure)),
            },
            Ok(Request::Log { after, conversation, is_followed: true }) => {
                let outcome = self.follow(after, conversation);
                outcome.is_err_and(|failure| self.reply(Line::Error(failure)))
            }
            Ok(Request::Open { person }) if let Some(page) = self.desk.page.clone() => {
                let link = self.open(&page, person).map(|url| json!({ "url": url }));
                self.reply(link.map_or_else(Line::Error, Line::Ok))
            }
            Ok(request) => {
                let outcome = self.answer(&request);
                if let (Request::Draft { .. }, Some(page)) = (&request, &self.desk.page) {
                    page.announce();
                }
                self.reply(outcome.map_or_else(Line::Error, Line::Ok))
            }
            Err(error) => {
                let what = format!("the request is not understood: {error}");
                self.reply(Line::Error(Failure::usage(what, "use the couloir of the same version")))
            }
        }
    }

    /// A note that this post may say as it is.
    fn note(&mut self, text: &str, how: &How) -> Outcome<Say> {
        let say = answer::note(text, how, 0)?;
        let (served, _) = self.served()?;
        release::check(served.reader(), &say.body)?;
        Ok(say)
    }

    /// A link to the page, for a person whose passphrase was right, or for nobody in particular.
    fn open(&mut self, page: &Office, person: Option<Named>) -> Outcome<String> {
        if let Some(Named { by, word }) = &person {
            release::authentic(self.served()?.0.reader(), by, word)?;
        }
        page.open(person.map(|person| person.by))
    }

    fn reply(&self, line: Line) -> bool {
        self.pending.send(Pending::Line(Box::new(line))).is_ok()
    }

    fn served(&mut self) -> Outcome<(&mut Served, SyncSender<Pending>)> {
        if self.served.is_none() {
            self.served = Some(Served::new(self.desk.handle.clone())?);
        }
        match &mut self.served {
            Some(served) => Ok((served, self.pending.clone())),
            None => Err(HandleError::Stopped.into()),
        }
    }

    fn answer(&mut self, request: &Request) -> Outcome<serde_json::Value> {
        let (served, pending) = self.served()?;
        answer::answer(served, request, &mut |row| give(&pending, row))
    }

    /// Gives what is new as it comes, until the client hangs up.
    fn follow(&mut self, after: Option<u64>, conversation: Option<ConversationId>) -> Outcome {
        let mut events = self.desk.handle.events();
        let mut hung_up = self.watch_for_end()?;
        let runtime = self.desk.runtime.clone();
        let (served, pending) = self.served()?;
        let mut after = after;
        loop {
            after = log::log(served, after, conversation, &mut |row| give(&pending, row))?;
            if !runtime.block_on(is_there_more(&mut events, &mut hung_up)) {
                return Ok(());
            }
        }
    }

    /// Whoever follows has nothing more to ask: what comes next is the end of the connection.
    fn watch_for_end(&self) -> Outcome<oneshot::Receiver<()>> {
        let wrong = |error| Failure::io(Path::new("socket"), &error);
        let mut stream = self.stream.try_clone().map_err(wrong)?;
        let (ended, end) = oneshot::channel();
        let body = move || {
            // However this ends, the client is gone.
            let _ = stream.read(&mut [0]);
            drop(ended);
        };
        spawn("end", body).map_err(wrong)?;
        Ok(end)
    }
}

impl Drop for Client<'_> {
    fn drop(&mut self) {
        // Ends the thread that watches for the end; answers under way still go out.
        let _ = self.stream.shutdown(std::net::Shutdown::Read);
    }
}

fn give(pending: &SyncSender<Pending>, row: Row) -> Outcome {
    let line = Pending::Line(Box::new(Line::Row(Box::new(row))));
    pending.send(line).map_err(|_| Failure::new(Code::Failed, "the client hung up", "repeat the command"))
}

/// Waits until entries appear; false once the client hung up or the node stops.
async fn is_there_more(events: &mut broadcast::Receiver<Event>, hung_up: &mut oneshot::Receiver<()>) -> bool {
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Ok(Event::Appeared(_)) | Err(RecvError::Lagged(_)) => return true,
                Ok(_) => {}
                Err(RecvError::Closed) => return false,
            },
            _ = &mut *hung_up => return false,
        }
    }
}
