//! Carries out what a command asks of a node, whether the node runs or not.
//!
//! [`answer::answer`] is the only place where requests turn into inputs and readings. It works over
//! a [`Node`]: a running one's handle behind the socket, or the store itself with an engine that
//! keeps and does not serve. [`Reach`] finds out which it is.

pub mod about;
pub mod answer;
pub mod conversations;
pub mod draft;
pub mod files;
pub mod find;
pub mod glance;
pub mod holders;
pub mod kept;
pub mod log;
pub mod matters;
pub mod metadata;
pub mod names;
pub mod notices;
pub mod papers;
pub mod phrase;
pub mod record;
pub mod row;
pub mod search;
pub mod served;
pub mod statement;
pub mod watch;

use std::time::{Duration, Instant};

use std::collections::BTreeMap;

use couloir_engine::{Input, LinkNumber, PhraseView, Say};
use couloir_wire::id::{EntryId, PostId};
use serde_json::Value;

use crate::book::Shelf;
use crate::cli::home_args::HomeArgs;
use crate::home::{Home, HomeError, HomeLock};
use crate::shell::Sight;
use crate::socket::Request;
use crate::socket::client::Client;
use crate::store::{Reader, Store};
use crate::words::Outcome;
use kept::Kept;
use row::Row;

/// What the engine is told once entries were shown: each author's apart.
fn by_author(shown: Vec<(PostId, EntryId)>) -> impl Iterator<Item = Input> {
    let mut by_author: BTreeMap<PostId, Vec<EntryId>> = BTreeMap::new();
    shown.into_iter().for_each(|(author, entry)| by_author.entry(author).or_default().push(entry));
    by_author.into_iter().map(|(author, entries)| Input::Shown { author, entries })
}

/// A node as requests need it.
pub trait Node {
    /// Whether it runs: windows open, drills are tested.
    fn is_running(&self) -> bool;
    /// Says something; returns once it is durable. Refused where two persons are needed.
    fn say(&mut self, say: Say) -> Outcome<EntryId>;
    /// Says what one person drafted and another released, or what one person alone may say.
    fn say_released(&mut self, say: Say) -> Outcome<EntryId>;
    /// Hands in what has no answer of its own; returns once it is durable.
    fn submit(&mut self, input: Input) -> Outcome;
    /// Tells that the desk was shown these entries of these posts; it need not be durable when this returns.
    fn show(&mut self, shown: Vec<(PostId, EntryId)>) -> Outcome;
    /// The node at a glance.
    fn status(&mut self) -> Outcome<Sight>;
    /// The phrase of a link, once its first contact is complete.
    fn phrase(&mut self, link: LinkNumber) -> Outcome<Option<PhraseView>>;
    /// What was committed.
    fn reader(&self) -> &Reader;
    /// What is on the record.
    fn shelf(&self) -> &Shelf;
    /// Acts on the store between two batches.
    fn with_store<T: Send + 'static>(
        &mut self,
        act: impl FnOnce(&mut Store) -> T + Send + 'static,
    ) -> Outcome<T>;
    /// Other addresses are to be probed from now on.
    fn probes_changed(&mut self);
    /// Tests the line and waits for its answer, in milliseconds.
    fn drill(&mut self) -> Outcome<u64>;
}

/// How a command reaches its node.
pub enum Reach {
    /// It runs, and this is its socket.
    Running(Client),
    /// It does not run; the command has the store to itself.
    Kept(Box<Kept>),
}

impl Reach {
    /// The node of a home: through its socket if it runs, else from its store.
    pub fn open(args: &HomeArgs) -> Outcome<Reach> {
        let home = Home::open(args.folder()?)?;
        let patience = Instant::now() + STARTING_PATIENCE;
        loop {
            if let Some(client) = Client::connect(&home.socket_path())? {
                return Ok(Reach::Running(client));
            }
            match home.lock() {
                Ok(lock) => return Ok(Reach::Kept(Box::new(Kept::open(&home, lock, args)?))),
                // A node that is starting holds the lock before it listens.
                Err(HomeError::Busy(_)) if Instant::now() < patience => std::thread::sleep(LOOK_AGAIN),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The node of a home if it runs; its store is left alone, so that a node can start meanwhile.
    pub fn running(args: &HomeArgs) -> Outcome<Option<Reach>> {
        let home = Home::open(args.folder()?)?;
        Ok(Client::connect(&home.socket_path())?.map(Reach::Running))
    }

    /// Asks one thing; entries that come before the answer go to `row`.
    pub fn ask_rows(&mut self, request: &Request, row: &mut dyn FnMut(Row) -> Outcome) -> Outcome<Value> {
        match self {
            Reach::Running(client) => client.ask(request, row),
            Reach::Kept(kept) => answer::answer(&mut **kept, request, row),
        }
    }

    /// Asks one thing that has one answer.
    pub fn ask(&mut self, request: &Request) -> Outcome<Value> {
        self.ask_rows(request, &mut |_| Ok(()))
    }

    /// Whether the node runs.
    pub fn is_running(&self) -> bool {
        matches!(self, Reach::Running(_))
    }
}

/// The right to write a home's store; a command that has it gives it back soon, so it is waited for.
pub fn lock_patiently(home: &Home) -> Outcome<HomeLock> {
    let patience = Instant::now() + STARTING_PATIENCE;
    loop {
        match home.lock() {
            Err(HomeError::Busy(_)) if Instant::now() < patience && !is_served(home) => {
                std::thread::sleep(LOOK_AGAIN);
            }
            outcome => return Ok(outcome?),
        }
    }
}

fn is_served(home: &Home) -> bool {
    matches!(Client::connect(&home.socket_path()), Ok(Some(_)))
}

/// How long another process may hold the home before a command gives up.
const STARTING_PATIENCE: Duration = Duration::from_secs(5);
/// How often it looks again meanwhile.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
