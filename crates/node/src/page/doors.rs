//! Who may come in: links that open the page once, and the sessions that they began.
//!
//! A *ticket* is what `couloir open` puts into its link. It opens one session, within a minute. Whoever
//! comes with it a second time is refused, and the session that it began is locked: one of the two was
//! not the officer. A *session* is a cookie; it locks when nobody used it for a while, and opens again
//! by a new ticket or by the passphrase.

use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

/// What a browser holds; only its hash is kept.
type Token = String;
type TokenHash = [u8; 32];

/// Tickets and sessions of one node.
pub struct Doors {
    tickets: Vec<Ticket>,
    sessions: Vec<Session>,
    idle: Duration,
}

struct Ticket {
    hash: TokenHash,
    until: Instant,
    /// Who it was given to, where that matters.
    person: Option<String>,
    /// The session that it began.
    began: Option<TokenHash>,
}

struct Session {
    hash: TokenHash,
    person: Option<String>,
    used: Instant,
    is_locked: bool,
    /// Wrong passphrases since it was locked.
    misses: u32,
}

/// What became of a ticket.
#[derive(Debug, PartialEq, Eq)]
pub enum Entered {
    /// It began a session.
    Begun,
    /// The same browser came again with it, and is in already.
    Already,
    /// It was used before by somebody else: that session is locked.
    Twice,
    /// Too late, or never given out.
    Unknown,
}

/// How a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may read and write.
    Open,
    /// It may be opened again.
    Locked {
        /// Whether a passphrase may still be tried.
        may_try: bool,
    },
    /// There is none.
    Absent,
}

impl Doors {
    /// Without tickets or sessions; a session locks after `idle`.
    pub fn new(idle: Duration) -> Doors {
        Doors { tickets: Vec::new(), sessions: Vec::new(), idle }
    }

    /// Gives out a ticket, to a person who is known by name or to nobody in particular.
    pub fn give(&mut self, token: &str, person: Option<String>, now: Instant) {
        self.tickets.retain(|ticket| now < ticket.until + TICKET_REMEMBERED);
        make_room(&mut self.tickets, TICKETS_MAX);
        self.tickets.push(Ticket { hash: hash(token), until: now + TICKET_LIFE, person, began: None });
    }

    /// Somebody comes with a ticket; `fresh` is the cookie that a new session gets, `cookie` the one
    /// that the browser has.
    pub fn enter(&mut self, token: &str, cookie: Option<&str>, fresh: &Token, now: Instant) -> Entered {
        let wanted = hash(token);
        let Some(ticket) = self.tickets.iter_mut().find(|ticket| ticket.hash == wanted) else {
            return Entered::Unknown;
        };
        if let Some(began) = ticket.began {
            return self.come_again(began, cookie);
        }
        if now >= ticket.until {
            return Entered::Unknown;
        }
        ticket.began = Some(hash(fresh));
        let person = ticket.person.clone();
        make_room(&mut self.sessions, SESSIONS_MAX);
        self.sessions.push(Session { hash: hash(fresh), person, used: now, is_locked: false, misses: 0 });
        Entered::Begun
    }

    fn come_again(&mut self, began: TokenHash, cookie: Option<&str>) -> Entered {
        if cookie.map(hash) == Some(began) {
            return Entered::Already;
        }
        self.sessions.retain(|session| session.hash != began);
        Entered::Twice
    }

    /// How the session of this cookie stands; if a person `acts`, it is used.
    pub fn standing(&mut self, cookie: Option<&str>, acts: bool, now: Instant) -> Standing {
        let idle = self.idle;
        let Some(session) = cookie.and_then(|cookie| self.session(cookie)) else { return Standing::Absent };
        session.is_locked |= now.saturating_duration_since(session.used) >= idle;
        if session.is_locked {
            return Standing::Locked { may_try: session.misses < MISSES_MAX };
        }
        if acts {
            session.used = now;
        }
        Standing::Open
    }

    /// Locks the session of this cookie.
    pub fn lock(&mut self, cookie: &str) {
        if let Some(session) = self.session(cookie) {
            session.is_locked = true;
        }
    }

    /// Whether a passphrase may be tried; counts as a miss until [`Doors::unlock`].
    pub fn may_try(&mut self, cookie: &str) -> bool {
        let Some(session) = self.session(cookie) else { return false };
        session.misses += 1;
        session.misses <= MISSES_MAX
    }

    /// Opens a locked session again.
    pub fn unlock(&mut self, cookie: &str, now: Instant) {
        if let Some(session) = self.session(cookie) {
            (session.used, session.is_locked, session.misses) = (now, false, 0);
        }
    }

    /// Who the session of this cookie belongs to, where that was said.
    pub fn person(&mut self, cookie: &str) -> Option<String> {
        self.session(cookie)?.person.clone()
    }

    /// Ends the session of this cookie.
    pub fn leave(&mut self, cookie: &str) {
        let wanted = hash(cookie);
        self.sessions.retain(|session| session.hash != wanted);
    }

    /// After how long a session locks.
    pub fn idle(&self) -> Duration {
        self.idle
    }

    fn session(&mut self, cookie: &str) -> Option<&mut Session> {
        let wanted = hash(cookie);
        self.sessions.iter_mut().find(|session| session.hash == wanted)
    }
}

fn hash(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}

/// The oldest goes.
fn make_room<T>(held: &mut Vec<T>, max: usize) {
    if held.len() >= max {
        held.remove(0);
    }
}

/// Long enough to copy a link into a browser.
const TICKET_LIFE: Duration = Duration::from_secs(60);
/// A used ticket is known that long, so that its second use is seen.
const TICKET_REMEMBERED: Duration = Duration::from_secs(24 * 3_600);
/// Tickets that are remembered.
const TICKETS_MAX: usize = 256;
/// Browsers at one desk.
const SESSIONS_MAX: usize = 8;
/// Wrong passphrases, each as slow as Argon2id makes it.
const MISSES_MAX: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_secs(900);

    fn fresh(name: &str) -> Token {
        name.to_owned()
    }

    #[test]
    fn a_link_opens_one_session_and_the_second_comer_closes_it() {
        let (mut doors, now) = (Doors::new(IDLE), Instant::now());
        doors.give("ticket", None, now);
        assert_eq!(doors.enter("ticket", None, &fresh("a"), now), Entered::Begun);
        assert_eq!(doors.standing(Some("a"), true, now), Standing::Open);
        assert_eq!(doors.enter("ticket", Some("a"), &fresh("b"), now), Entered::Already);
        assert_eq!(doors.enter("ticket", None, &fresh("c"), now), Entered::Twice);
        assert_eq!(doors.standing(Some("a"), true, now), Standing::Absent);
        assert_eq!(doors.standing(Some("c"), true, now), Standing::Absent);
    }

    #[test]
    fn a_link_is_too_late_after_a_minute() {
        let (mut doors, now) = (Doors::new(IDLE), Instant::now());
        doors.give("ticket", None, now);
        assert_eq!(doors.enter("ticket", None, &fresh("a"), now + TICKET_LIFE), Entered::Unknown);
        assert_eq!(doors.enter("guess", None, &fresh("a"), now), Entered::Unknown);
    }

    #[test]
    fn a_session_locks_when_nobody_uses_it_and_what_runs_by_itself_is_no_use() {
        let (mut doors, now) = (Doors::new(IDLE), Instant::now());
        doors.give("ticket", None, now);
        doors.enter("ticket", None, &fresh("a"), now);
        assert_eq!(doors.standing(Some("a"), false, now + IDLE / 2), Standing::Open);
        assert_eq!(doors.standing(Some("a"), true, now + IDLE), Standing::Locked { may_try: true });
        doors.unlock("a", now + IDLE);
        assert_eq!(doors.standing(Some("a"), true, now + IDLE), Standing::Open);
    }

    #[test]
    fn passphrases_are_tried_five_times() {
        let (mut doors, now) = (Doors::new(IDLE), Instant::now());
        doors.give("ticket", None, now);
        doors.enter("ticket", None, &fresh("a"), now);
        doors.lock("a");
        assert_eq!((0..7).filter(|_| doors.may_try("a")).count(), 5);
        assert_eq!(doors.standing(Some("a"), true, now), Standing::Locked { may_try: false });
    }
}
