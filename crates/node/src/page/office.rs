//! What all requests to the page share.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use couloir_engine::status::StatusView;
use tokio::sync::{Semaphore, watch};

use super::doors::{Doors, Entered, Standing};
use super::history::{History, Told};
use super::taste::Taste;
use super::tongue::Language;
use crate::clerk::Node;
use crate::clerk::served::Served;
use crate::keys;
use crate::release;
use crate::shell::Handle;
use crate::words::{Failure, Outcome};

/// One node's page.
pub struct Office {
    /// The node.
    pub handle: Handle,
    /// The `Host` that browsers must name: address and port.
    pub host: String,
    /// Where everything lies: a secret part of every path, so that other servers on loopback, which share
    /// our cookies' host, are not sent them.
    pub folder: String,
    /// How often something changed that open pages show.
    pub changes: watch::Sender<u64>,
    /// Pages that follow.
    pub followers: Arc<Semaphore>,
    /// Requests at once.
    pub requests: Semaphore,
    key_path: PathBuf,
    doors: Mutex<Doors>,
    language: Mutex<Option<Language>>,
    history: Mutex<History>,
    readers: Mutex<Vec<Served>>,
    spent: Mutex<VecDeque<String>>,
}

impl Office {
    /// Of a node at `host`, with its settings.
    pub fn new(handle: Handle, host: String, key_path: PathBuf, idle: Duration) -> Outcome<Office> {
        let served = Served::new(handle.clone())?;
        let language = Taste::of(served.reader())?.language;
        Ok(Office {
            handle,
            host,
            folder: fresh_token()?,
            changes: watch::Sender::new(0),
            followers: Arc::new(Semaphore::new(FOLLOWERS_MAX)),
            requests: Semaphore::new(REQUESTS_MAX),
            key_path,
            doors: Mutex::new(Doors::new(idle)),
            language: Mutex::new(language),
            history: Mutex::default(),
            readers: Mutex::new(vec![served]),
            spent: Mutex::default(),
        })
    }

    /// The address at which the page lies.
    pub fn url(&self) -> String {
        format!("http://{}/{}/", self.host, self.folder)
    }

    /// A link that opens the page once, for a person or for nobody in particular.
    pub fn open(&self, person: Option<String>) -> Outcome<String> {
        let ticket = fresh_token()?;
        hold(&self.doors).give(&ticket, person, Instant::now());
        Ok(format!("{}enter?ticket={ticket}", self.url()))
    }

    /// Somebody comes with a ticket; the cookie of the session that this began.
    pub fn enter(&self, ticket: &str, cookie: Option<&str>) -> Outcome<(Entered, String)> {
        let fresh = fresh_token()?;
        let entered = hold(&self.doors).enter(ticket, cookie, &fresh, Instant::now());
        if entered == Entered::Twice {
            self.tell(Told::LinkUsedTwice);
            self.announce();
        }
        Ok((entered, fresh))
    }

    /// How the session of a cookie stands.
    pub fn standing(&self, cookie: Option<&str>, acts: bool) -> Standing {
        hold(&self.doors).standing(cookie, acts, Instant::now())
    }

    /// Locks a session.
    pub fn lock(&self, cookie: &str) {
        hold(&self.doors).lock(cookie);
        self.announce();
    }

    /// Ends a session.
    pub fn leave(&self, cookie: &str) {
        hold(&self.doors).leave(cookie);
        self.announce();
    }

    /// Who a session belongs to, where that was said.
    pub fn person(&self, cookie: &str) -> Option<String> {
        hold(&self.doors).person(cookie)
    }

    /// Opens a locked session if the passphrase is its person's, or the home's if it is nobody's. Takes as long as
    /// Argon2id does.
    pub fn unlock(&self, cookie: &str, passphrase: &str) -> bool {
        if !hold(&self.doors).may_try(cookie) {
            return false;
        }
        let is_right = match self.person(cookie) {
            Some(person) => {
                self.with_node(|served| release::authentic(served.reader(), &person, passphrase)).is_ok()
            }
            None => {
                let typed = keys::Passphrase::new(passphrase.to_owned());
                typed.and_then(|typed| keys::open_store_key(&self.key_path, &typed)).is_ok()
            }
        };
        match is_right {
            true => hold(&self.doors).unlock(cookie, Instant::now()),
            false => self.tell(Told::WrongPassphrase),
        }
        is_right
    }

    /// After how long without use a session locks.
    pub fn idle(&self) -> Duration {
        hold(&self.doors).idle()
    }

    /// The page's language, if one was chosen.
    pub fn language(&self) -> Option<Language> {
        *hold(&self.language)
    }

    /// Keeps other settings.
    pub fn set_taste(&self, taste: Taste) -> Outcome {
        let language = taste.language;
        self.handle.with_store(move |store| taste.keep(store))??;
        *hold(&self.language) = language;
        Ok(())
    }

    /// What the routes and the line did lately.
    pub fn history(&self) -> MutexGuard<'_, History> {
        hold(&self.history)
    }

    /// Lays something on the desk that must be read.
    pub fn tell(&self, told: Told) {
        hold(&self.history).tell(told);
        self.announce();
    }

    /// Tells every open page that something changed, or that its session may have ended.
    pub fn announce(&self) {
        self.changes.send_modify(|number| *number += 1);
    }

    /// Whether this form's token comes for the first time: what was sent twice by a double click is
    /// said once. A form without one is as good.
    pub fn is_first(&self, token: &str) -> bool {
        let mut spent = hold(&self.spent);
        if !token.is_empty() && spent.iter().any(|known| known == token) {
            return false;
        }
        if spent.len() >= SPENT_MAX {
            spent.pop_front();
        }
        spent.push_back(token.to_owned());
        true
    }

    /// Whether what this form holds was said already.
    pub fn is_spent(&self, token: &str) -> bool {
        !token.is_empty() && hold(&self.spent).iter().any(|known| known == token)
    }

    /// Works with the node and a reader of its own, which is kept for the next request.
    pub fn with_node<T>(&self, work: impl FnOnce(&mut Served) -> Outcome<T>) -> Outcome<T> {
        let idle = hold(&self.readers).pop();
        let mut served = idle.map_or_else(|| Served::new(self.handle.clone()), Ok)?;
        let outcome = work(&mut served);
        let mut readers = hold(&self.readers);
        if readers.len() < READERS_MAX {
            readers.push(served);
        }
        outcome
    }

    /// Looks how the line stands, remembers it, and tells open pages if it changed.
    pub fn look(&self) -> Outcome<StatusView> {
        let status = self.handle.status()?.view;
        if hold(&self.history).note(&status) {
            self.announce();
        }
        Ok(status)
    }
}

/// A panic elsewhere leaves what is behind these locks whole.
fn hold<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// 128 random bits in hexadecimal.
pub fn fresh_token() -> Outcome<String> {
    let octets: [u8; 16] = keys::random().map_err(Failure::from)?;
    Ok(keys::hex(&octets))
}

/// Pages that follow at once: a desk has a handful of windows.
const FOLLOWERS_MAX: usize = 16;
/// Requests at once; more are told to come again.
const REQUESTS_MAX: usize = 64;
/// Readers of the store kept between requests.
const READERS_MAX: usize = 4;
/// Tokens of forms remembered.
const SPENT_MAX: usize = 256;
