//! A relay: one exchange is one POST over a kept TLS connection (PROTOCOL §5.5).

use std::sync::Arc;

use couloir_engine::{Armed, RouteAnswer, RouteTrouble};
use couloir_wire::exchange::{ACCESS_KEY_LEN, EXCHANGE_PATH, Exchange, ExchangeAnswer, ExchangeError, Shape};
use couloir_wire::route::RouteSpec;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::place::Place;
use super::tls;

/// A relay and the connection to it.
pub(super) struct RelayLine {
    target: Option<Target>,
    access_key: [u8; ACCESS_KEY_LEN],
    connection: Option<SendRequest<Full<Bytes>>>,
}

struct Target {
    host: String,
    port: u16,
    /// As the request names it: host and port.
    authority: String,
    path: String,
    name: ServerName<'static>,
    tls: Arc<rustls::ClientConfig>,
}

impl RelayLine {
    /// Not connected yet. A URL that names no pin is never connected to.
    pub(super) fn new(spec: &RouteSpec, place: &Place) -> RelayLine {
        let access_key = spec.option("key").and_then(crate::keys::unhex);
        let access_key = access_key.and_then(|octets| octets.try_into().ok()).unwrap_or_default();
        RelayLine { target: Target::of(spec, place), access_key, connection: None }
    }

    /// Connects, if the last connection is gone.
    pub(super) async fn connect(&mut self) -> Result<(), RouteTrouble> {
        if self.connection.as_ref().is_some_and(|connection| !connection.is_closed()) {
            return Ok(());
        }
        let target = self.target.as_ref().ok_or(RouteTrouble::WrongCertificate)?;
        self.connection = Some(target.connect().await?);
        Ok(())
    }

    /// Gives the connection up.
    pub(super) fn hang_up(&mut self) {
        self.connection = None;
    }

    /// One exchange. A connection on which anything went wrong is given up.
    pub(super) async fn exchange(&mut self, armed: &Armed) -> Result<RouteAnswer, RouteTrouble> {
        let answered = self.post(armed).await;
        if answered.is_err() {
            self.hang_up();
        }
        answered
    }

    async fn post(&mut self, armed: &Armed) -> Result<RouteAnswer, RouteTrouble> {
        let (shape, body) = self.body(armed).map_err(|_| RouteTrouble::Malformed)?;
        let target = self.target.as_ref().ok_or(RouteTrouble::WrongCertificate)?;
        let connection = self.connection.as_mut().ok_or(RouteTrouble::Unreachable)?;
        connection.ready().await.map_err(|_| RouteTrouble::Unreachable)?;
        let request = target.request(body).ok_or(RouteTrouble::Malformed)?;
        let response = connection.send_request(request).await.map_err(|_| RouteTrouble::Unreachable)?;
        let octets = read_answer(response, shape).await?;
        let answer = ExchangeAnswer::decode(&octets, shape).map_err(|_| RouteTrouble::Malformed)?;
        Ok(RouteAnswer { time: Some(answer.time), puts: answer.puts, gets: answer.gets, listed: Vec::new() })
    }

    fn body(&self, armed: &Armed) -> Result<(Shape, Bytes), ExchangeError> {
        let exchange = Exchange {
            access_key: self.access_key,
            window_length: armed.length,
            puts: armed.puts.clone(),
            gets: armed.gets.iter().map(|get| get.slot).collect(),
        };
        Ok((exchange.shape()?, exchange.encode()?.into()))
    }
}

impl Target {
    fn of(spec: &RouteSpec, place: &Place) -> Option<Target> {
        let pin = tls::pin_of(&spec.url)?;
        let (host, port, path) = place.split_https(&spec.url)?;
        let name = ServerName::try_from(host.clone()).ok()?;
        let authority =
            if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let (host, port) = place.address(host, port);
        let path = format!("{path}{EXCHANGE_PATH}");
        Some(Target { host, port, authority, path, name, tls: tls::relay_client(pin) })
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, RouteTrouble> {
        let unreachable = |_| RouteTrouble::Unreachable;
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(unreachable)?;
        tcp.set_nodelay(true).map_err(unreachable)?;
        let tls = TlsConnector::from(self.tls.clone()).connect(self.name.clone(), tcp).await;
        let tls = tls.map_err(|error| tls::trouble_of(&error))?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(tls)).await.map_err(|_| RouteTrouble::Unreachable)?;
        tokio::spawn(async move {
            // How it ends shows in the next exchange.
            drop(connection.await);
        });
        Ok(sender)
    }

    fn request(&self, body: Bytes) -> Option<Request<Full<Bytes>>> {
        let request = Request::post(&self.path)
            .header(hyper::header::HOST, &self.authority)
            .header(hyper::header::CONTENT_TYPE, "application/octet-stream");
        request.body(Full::new(body)).ok()
    }
}

async fn read_answer(response: Response<Incoming>, shape: Shape) -> Result<Bytes, RouteTrouble> {
    if response.status() != StatusCode::OK {
        return Err(RouteTrouble::Malformed);
    }
    let body = Limited::new(response.into_body(), shape.answer_len());
    let body = body.collect().await.map_err(|error| {
        let is_long = error.is::<http_body_util::LengthLimitError>();
        if is_long { RouteTrouble::Malformed } else { RouteTrouble::Unreachable }
    })?;
    Ok(body.to_bytes())
}
