//! One request: `POST /cells` with an exchange, answered by an answer of constant size.
//!
//! A well-formed exchange is always answered 200, whatever became of it; a malformed one 400 with an
//! empty body; anything else does not exist (404). What unusually large requests and answers hold of
//! memory is taken from two budgets, and an answer gives its share back when its last octet left;
//! usual ones never wait for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use couloir_wire::exchange::{
    EXCHANGE_PATH, Exchange, Put, PutOutcome, REQUEST_LEN_MAX, Shape, append_found, begin_answer,
};
use couloir_wire::ruler::Ruler;
use couloir_wire::time::{WallTime, WindowLength};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::access::Access;
use crate::core::admit;
use crate::limits::{ANSWER_OCTETS_FREE, ANSWERS_OCTETS, EXCHANGE_MS, REQUEST_OCTETS_FREE, REQUESTS_OCTETS};
use crate::store::{Store, StorePut};

/// What every request needs.
pub struct Relay {
    ruler: Ruler,
    access: Mutex<Access>,
    store: Store,
    requests: Arc<Semaphore>,
    answers: Arc<Semaphore>,
}

/// Why a connection is closed without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Cut {
    /// The request did not end, or memory or disk were not free, in time.
    #[error("the exchange took too long")]
    TooSlow,
    /// The store failed or the relay stops: nothing may be acknowledged.
    #[error("the store has stopped")]
    Stopped,
}

impl Relay {
    /// A relay over `store`.
    pub fn new(ruler: Ruler, access: Access, store: Store) -> Relay {
        let budget = |octets| Arc::new(Semaphore::new(octets));
        let (requests, answers) = (budget(REQUESTS_OCTETS), budget(ANSWERS_OCTETS));
        Relay { ruler, access: Mutex::new(access), store, requests, answers }
    }

    /// Its store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Answers `request`.
    pub async fn handle(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Cut> {
        if request.uri().path() != EXCHANGE_PATH || request.method() != Method::POST {
            return Ok(empty(StatusCode::NOT_FOUND));
        }
        let answer =
            tokio::time::timeout(Duration::from_millis(EXCHANGE_MS), self.answer(request.into_body()));
        answer.await.unwrap_or(Err(Cut::TooSlow))
    }

    async fn answer(&self, body: Incoming) -> Result<Response<Full<Bytes>>, Cut> {
        let Some((exchange, shape)) = self.read(body).await? else {
            return Ok(empty(StatusCode::BAD_REQUEST));
        };
        let permit = take(&self.answers, shape.answer_len(), ANSWER_OCTETS_FREE).await?;
        let octets = self.exchange(exchange, shape).await?;
        let mut response = Response::new(Full::new(Bytes::from_owner(Budgeted { octets, _permit: permit })));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        Ok(response)
    }

    /// The exchange in `body`; none if it is malformed.
    async fn read(&self, body: Incoming) -> Result<Option<(Exchange, Shape)>, Cut> {
        let len = body.size_hint().upper().map_or(REQUEST_LEN_MAX, |len| len as usize);
        if len > REQUEST_LEN_MAX {
            return Ok(None);
        }
        let _permit = take(&self.requests, len, REQUEST_OCTETS_FREE).await?;
        let Ok(octets) = Limited::new(body, REQUEST_LEN_MAX).collect().await else { return Ok(None) };
        let Ok(exchange) = Exchange::decode(&octets.to_bytes()) else { return Ok(None) };
        let shape = exchange.shape().ok();
        Ok(shape.map(|shape| (exchange, shape)))
    }

    /// The encoded answer to `exchange`: PUTs first, so that GETs see them.
    async fn exchange(&self, exchange: Exchange, shape: Shape) -> Result<Vec<u8>, Cut> {
        let now = wall_time();
        let gets = if self.is_admitted(now, &exchange) { Some(exchange.gets) } else { None };
        let outcomes = match gets {
            Some(_) => self.put(now, exchange.window_length, exchange.puts).await?,
            None => vec![PutOutcome::Refused; shape.lanes()],
        };
        let mut out = begin_answer(shape, now, &outcomes);
        match gets {
            Some(slots) => {
                slots.iter().for_each(|slot| self.store.append_found(now, slot, shape.cell(), &mut out))
            }
            None => (0..shape.gets()).for_each(|_| append_found(&mut out, None, shape.cell())),
        }
        Ok(out)
    }

    /// What became of `puts`, in order, once that is durable.
    async fn put(&self, now: WallTime, length: WindowLength, puts: Vec<Put>) -> Result<Vec<PutOutcome>, Cut> {
        let admitted: Vec<_> = puts.iter().map(|put| admit(self.ruler, now, length, put)).collect();
        let cells = puts.into_iter().map(|put| put.cell);
        let both = admitted.iter().zip(cells);
        let puts = both.filter_map(|(admission, cell)| Some(StorePut { admission: (*admission)?, cell }));
        let outcomes = self.store.put(now, puts.collect()).await.map_err(|_| Cut::Stopped)?;
        let mut outcomes = outcomes.into_iter();
        let merge = |admission: &Option<_>| admission.as_ref().and_then(|_| outcomes.next());
        Ok(admitted.iter().map(merge).map(|outcome| outcome.unwrap_or(PutOutcome::WrongWindow)).collect())
    }

    fn is_admitted(&self, now: WallTime, exchange: &Exchange) -> bool {
        let mut access = self.access.lock().unwrap_or_else(PoisonError::into_inner);
        access.admit(now, &exchange.access_key, exchange.puts.len())
    }
}

/// An answer and its share of the budget, given back when the last octet left.
struct Budgeted {
    octets: Vec<u8>,
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Budgeted {
    fn as_ref(&self) -> &[u8] {
        &self.octets
    }
}

/// A share of `octets` of `budget`, none up to `octets_free`.
async fn take(
    budget: &Arc<Semaphore>,
    octets: usize,
    octets_free: usize,
) -> Result<OwnedSemaphorePermit, Cut> {
    let octets = if octets <= octets_free { 0 } else { octets };
    let octets = u32::try_from(octets).map_err(|_| Cut::Stopped)?;
    Arc::clone(budget).acquire_many_owned(octets).await.map_err(|_| Cut::Stopped)
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

/// The system's clock.
pub fn wall_time() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
