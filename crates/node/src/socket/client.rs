//! A command's end of the socket.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::{ANSWER_OCTETS_MAX, Greeting, Line, Request, VERSION};
use crate::clerk::row::Row;
use crate::words::{Code, Failure, Outcome};

/// A connection to a running node.
pub struct Client {
    from: BufReader<UnixStream>,
    to: UnixStream,
}

impl Client {
    /// Connects, if a node listens at `socket`; `None` if none does, or if it ends before it greets.
    pub fn connect(socket: &Path) -> Outcome<Option<Client>> {
        let stream = match UnixStream::connect(short(socket)?) {
            Ok(stream) => stream,
            Err(error) if is_nobody_there(&error) => return Ok(None),
            Err(error) => return Err(Failure::io(socket, &error)),
        };
        let from = stream.try_clone().map_err(|error| Failure::io(socket, &error))?;
        let mut client = Client { from: BufReader::new(from), to: stream };
        let is_ending = match client.from.fill_buf() {
            Ok(greeting) => greeting.is_empty(),
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        };
        if is_ending {
            return Ok(None);
        }
        client.check_greeting()?;
        Ok(Some(client))
    }

    fn check_greeting(&mut self) -> Outcome {
        let line = self.read_line()?;
        match serde_json::from_str::<Greeting>(&line) {
            Ok(Greeting { couloir: VERSION }) => Ok(()),
            _ => Err(Failure::new(
                Code::Failed,
                "the running node is of another version than this program",
                "restart it: couloir run",
            )),
        }
    }

    /// Asks one thing; every entry that comes before the answer goes to `row`.
    pub fn ask(&mut self, request: &Request, row: &mut dyn FnMut(Row) -> Outcome) -> Outcome<Value> {
        self.send(request)?;
        loop {
            match self.receive()? {
                Line::Row(entry) => row(*entry)?,
                Line::Ok(value) => return Ok(value),
                Line::Error(failure) => return Err(failure),
            }
        }
    }

    /// Sends a request without waiting for its answer.
    pub fn send(&mut self, request: &Request) -> Outcome {
        let mut line = serde_json::to_string(request).map_err(|error| broken(&error.to_string()))?;
        line.push('\n');
        self.to.write_all(line.as_bytes()).map_err(|error| broken(&error.to_string()))
    }

    /// Waits for the next line.
    pub fn receive(&mut self) -> Outcome<Line> {
        let line = self.read_line()?;
        serde_json::from_str(&line).map_err(|error| broken(&error.to_string()))
    }

    /// From now on [`Client::receive_if_any`] waits no longer than this.
    pub fn set_patience(&mut self, patience: Duration) -> Outcome {
        self.to.set_read_timeout(Some(patience)).map_err(|error| broken(&error.to_string()))
    }

    /// The next line, if one begins to come in time.
    pub fn receive_if_any(&mut self) -> Outcome<Option<Line>> {
        match self.from.fill_buf() {
            Ok(_) => self.receive().map(Some),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(None),
            Err(error) => Err(broken(&error.to_string())),
        }
    }

    fn read_line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        let bounded = &mut (&mut self.from).take(ANSWER_OCTETS_MAX as u64);
        match bounded.read_line(&mut line) {
            Ok(0) => Err(broken("it closed the connection")),
            Ok(_) if line.ends_with('\n') => Ok(line),
            Ok(_) => Err(broken("it sent half a line")),
            Err(error) => Err(broken(&error.to_string())),
        }
    }
}

/// A path to `socket` that fits into a socket's address, which takes 107 octets.
pub fn short(socket: &Path) -> Outcome<PathBuf> {
    if socket.as_os_str().len() < ADDRESS_OCTETS_MAX {
        return Ok(socket.to_path_buf());
    }
    let folder = socket.parent().unwrap_or(Path::new("/"));
    let name = socket.file_name().unwrap_or_default();
    let near = std::env::current_dir()
        .ok()
        .and_then(|here| folder.strip_prefix(here).ok().map(|path| path.join(name)));
    match near {
        Some(path) if path.as_os_str().len() < ADDRESS_OCTETS_MAX => Ok(path),
        _ => Err(Failure::usage(
            format!("the path {} is too long for a socket", socket.display()),
            "go into a folder near it, or choose a shorter home",
        )),
    }
}

fn is_nobody_there(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused)
}

fn broken(why: &str) -> Failure {
    Failure::later(
        format!("the running node did not answer: {why}"),
        "see whether couloir run still runs, then repeat",
    )
}

const ADDRESS_OCTETS_MAX: usize = 107;

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_node_that_ends_before_it_greets_is_nobody_there() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let socket = folder.path().join("socket");
        let listener = UnixListener::bind(&socket).expect("bound");
        let ending = std::thread::spawn(move || drop(listener.accept().expect("accepted")));
        assert!(Client::connect(&socket).expect("no failure").is_none());
        ending.join().expect("ended");
    }
}
