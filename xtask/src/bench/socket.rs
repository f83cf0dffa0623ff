//! A client of a running node's socket: one JSON object a line, answers in order.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Instant;

use anyhow::{Context, bail};
use serde_json::{Value, json};

/// A connection to a node.
pub struct Client {
    from: BufReader<UnixStream>,
    to: UnixStream,
}

/// An entry that a followed log showed, and when.
#[derive(Debug)]
pub struct Shown {
    pub at: Instant,
    pub row: Value,
}

impl Client {
    /// Connects to the node whose home is `home`.
    pub fn connect(home: &Path) -> anyhow::Result<Client> {
        let to = UnixStream::connect(home.join("socket")).context("the node's socket")?;
        let mut client = Client { from: BufReader::new(to.try_clone()?), to };
        client.line().context("the node's greeting")?;
        Ok(client)
    }

    /// Asks one thing and waits for its answer.
    pub fn ask(&mut self, request: &Value) -> anyhow::Result<Value> {
        writeln!(self.to, "{request}")?;
        self.answer()
    }

    /// The next answer; rows before it are dropped.
    pub fn answer(&mut self) -> anyhow::Result<Value> {
        loop {
            let line = self.line()?;
            if let Some(answer) = line.get("ok") {
                return Ok(answer.clone());
            }
            if let Some(error) = line.get("error") {
                bail!("the node answers {error}");
            }
        }
    }

    /// Says texts as fast as the node takes them, and waits until all are durable.
    pub fn say_all(&mut self, texts: &[String]) -> anyhow::Result<()> {
        let mut to = self.to.try_clone()?;
        let requests: Vec<String> = texts.iter().map(|text| format!("{}\n", say(text))).collect();
        let writer = thread::spawn(move || {
            requests.chunks(64).try_for_each(|some| to.write_all(some.concat().as_bytes()))
        });
        for _ in texts {
            self.answer()?;
        }
        writer.join().map_err(|_| anyhow::anyhow!("the writing thread panicked"))??;
        Ok(())
    }

    /// All rows of the log.
    pub fn log(&mut self) -> anyhow::Result<Vec<Value>> {
        writeln!(self.to, "{}", json!({"do": "log", "after": null, "is_followed": false}))?;
        let mut rows = Vec::new();
        loop {
            let mut line = self.line()?;
            if let Some(row) = line.get_mut("row") {
                rows.push(row.take());
            } else if line.get("ok").is_some() {
                return Ok(rows);
            } else {
                bail!("the node answers {line}");
            }
        }
    }

    /// Follows the log from after the row of this number, or from its start, on a thread of its own, until the
    /// connection ends.
    pub fn follow(mut self, after: Option<u64>) -> anyhow::Result<Receiver<Shown>> {
        writeln!(self.to, "{}", json!({"do": "log", "after": after, "is_followed": true}))?;
        let (shown, rows) = channel();
        thread::spawn(move || self.pass_on(&shown));
        Ok(rows)
    }

    fn pass_on(&mut self, shown: &Sender<Shown>) {
        while let Ok(mut line) = self.line() {
            let at = Instant::now();
            let Some(row) = line.get_mut("row").map(Value::take) else { return };
            if shown.send(Shown { at, row }).is_err() {
                return;
            }
        }
    }

    fn line(&mut self) -> anyhow::Result<Value> {
        let mut line = String::new();
        if self.from.read_line(&mut line)? == 0 {
            bail!("the node closed the connection");
        }
        Ok(serde_json::from_str(&line)?)
    }
}

/// A request to say a text.
pub fn say(text: &str) -> Value {
    json!({"do": "send", "text": text, "precedence": "routine"})
}
