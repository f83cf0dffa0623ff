//! A relay process and a client of it, for tests and benches.

#![allow(dead_code, reason = "each test and bench uses its own part")]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use couloir_relay::core::slot_of;
use couloir_wire::exchange::{ACCESS_KEY_LEN, CellSize, Exchange, ExchangeAnswer, Put, Shape};
use couloir_wire::id::{Slot, WriteToken};
use couloir_wire::time::{WallTime, Window, WindowLength};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned};
use sha2::{Digest, Sha256};

pub const LENGTH: WindowLength = WindowLength::DEFAULT;

/// A relay as its operator would run it.
pub struct RelayProcess {
    child: Child,
    _stdout: BufReader<ChildStdout>,
    pub address: SocketAddr,
    pub pin: String,
    pub ready: String,
}

impl RelayProcess {
    /// Starts the binary with its store in `data` and more `arguments`.
    pub fn start(data: &Path, arguments: &[&str]) -> RelayProcess {
        Self::spawn(Command::new(env!("CARGO_BIN_EXE_couloir-relay")), data, arguments)
    }

    /// Starts `command` as the relay's binary.
    pub fn spawn(mut command: Command, data: &Path, arguments: &[&str]) -> RelayProcess {
        command.arg("run").arg("--data").arg(data).args(["--listen", "127.0.0.1:0"]).args(arguments);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the relay's binary");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut ready = String::new();
        stdout.read_line(&mut ready).expect("a ready line");
        let (address, pin) = parse_ready(&ready).unwrap_or_else(|| panic!("no ready line: {ready:?}"));
        RelayProcess { child, _stdout: stdout, address, pin, ready }
    }

    pub fn client(&self) -> Client {
        Client::connect(self.address, &self.pin).expect("a connection")
    }

    /// Ends it as `kill -9` does.
    pub fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }

    /// Asks it to stop; its exit code.
    pub fn stop(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().expect("kill");
        self.child.wait().expect("ended").code()
    }

    /// Waits until it ends by itself; its exit code.
    pub fn wait(mut self) -> Option<i32> {
        self.child.wait().expect("ended").code()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Processor time that it has used.
    pub fn processor_time(&self) -> Duration {
        processor_time(&format!("/proc/{}/stat", self.child.id()))
    }

    /// Memory that it had resident at most, in octets.
    pub fn resident_octets_max(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("running");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a figure");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1_024
    }
}

impl Drop for RelayProcess {
    fn drop(&mut self) {
        // Already ended, or ends here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn parse_ready(line: &str) -> Option<(SocketAddr, String)> {
    let (address, options) = line.trim().strip_prefix("ready https://")?.split_once("#pin=")?;
    let pin = options.split('&').next()?;
    Some((address.parse().ok()?, pin.to_owned()))
}

/// Processor time, user and system, that the process of this `stat` file has used.
pub fn processor_time(path: &str) -> Duration {
    let stat = std::fs::read_to_string(path).expect("running");
    let fields = stat.rsplit(')').next().expect("fields").split(' ');
    let ticks: u64 = fields.skip(12).take(2).map(|field| field.parse::<u64>().expect("a number")).sum();
    Duration::from_millis(ticks * 10)
}

/// One connection.
pub struct Client {
    stream: StreamOwned<ClientConnection, TcpStream>,
}

impl Client {
    pub fn connect(address: SocketAddr, pin: &str) -> io::Result<Client> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(Duration::from_secs(60)))?;
        let name = ServerName::try_from("couloir-relay").expect("a name");
        let connection = ClientConnection::new(client_config(pin), name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, socket);
        stream.flush()?;
        Ok(Client { stream })
    }

    /// The exchange and its answer over HTTP.
    pub fn exchange(&mut self, exchange: &Exchange) -> io::Result<ExchangeAnswer> {
        let shape = exchange.shape().expect("well formed");
        let (status, body) = self.post(&exchange.encode().expect("well formed"))?;
        assert_eq!(status, 200);
        ExchangeAnswer::decode(&body, shape).map_err(io::Error::other)
    }

    /// Status and body of the answer to `body`.
    pub fn post(&mut self, body: &[u8]) -> io::Result<(u16, Vec<u8>)> {
        self.request("POST", "/cells", body)
    }

    pub fn request(&mut self, method: &str, path: &str, body: &[u8]) -> io::Result<(u16, Vec<u8>)> {
        let head = request_head(method, path, body.len());
        self.send(&[head.as_bytes(), body].concat())?;
        self.receive()
    }

    pub fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.stream.write_all(octets)?;
        self.stream.flush()
    }

    /// Status and body of the next answer.
    pub fn receive(&mut self) -> io::Result<(u16, Vec<u8>)> {
        let (status, head) = self.receive_head()?;
        let len = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
        let mut body = vec![0; len.parse().map_err(io::Error::other)?];
        self.stream.read_exact(&mut body)?;
        Ok((status, body))
    }

    fn receive_head(&mut self) -> io::Result<(u16, String)> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut octet = [0];
            self.stream.read_exact(&mut octet)?;
            head.extend(octet);
        }
        let head = String::from_utf8(head).map_err(io::Error::other)?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Ok((status.ok_or(io::ErrorKind::InvalidData)?, head))
    }

    /// Reads until the relay closes; how many octets came.
    pub fn drain(&mut self) -> usize {
        let mut rest = Vec::new();
        // However it ended, it ended.
        let _ = self.stream.read_to_end(&mut rest);
        rest.len()
    }

    pub fn suite_and_group(&self) -> (String, String) {
        let suite = self.stream.conn.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()));
        let group =
            self.stream.conn.negotiated_key_exchange_group().map(|group| format!("{:?}", group.name()));
        (suite.unwrap_or_default(), group.unwrap_or_default())
    }
}

pub fn request_head(method: &str, path: &str, len: usize) -> String {
    let kind = "content-type: application/octet-stream";
    format!("{method} {path} HTTP/1.1\r\nhost: relay\r\n{kind}\r\ncontent-length: {len}\r\n\r\n")
}

/// TLS that accepts the certificate with `pin` and no other.
pub fn client_config(pin: &str) -> Arc<ClientConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = PinVerifier { pin: pin.to_owned(), provider: Arc::clone(&provider) };
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_protocol_versions(&[&rustls::version::TLS13]).expect("TLS 1.3");
    let mut config =
        builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

#[derive(Debug)]
struct PinVerifier {
    pin: String,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let key = ParsedCertificate::try_from(leaf)?.subject_public_key_info();
        let pin = couloir_wire::id::Digest(Sha256::digest(&key).into()).to_string();
        if pin == self.pin { Ok(ServerCertVerified::assertion()) } else { Err(Error::General("pin".into())) }
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, leaf, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

pub fn wall_time() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    WallTime(since.as_millis() as i64)
}

/// A token that only `number` has.
pub fn token(number: u64) -> WriteToken {
    let mut octets = [0x5a; 32];
    octets[..8].copy_from_slice(&number.to_be_bytes());
    WriteToken(octets)
}

pub fn slot(number: u64) -> Slot {
    slot_of(&token(number))
}

/// A cell that only `number` has.
pub fn cell(number: u64, size: CellSize) -> Vec<u8> {
    number.to_be_bytes().into_iter().cycle().take(size.octets()).collect()
}

/// PUTs cell `number` in the present window, and GETs what `gets` names.
pub fn exchange(number: u64, gets: &[u64]) -> Exchange {
    exchange_at(LENGTH.window_at(wall_time()), number, gets)
}

pub fn exchange_at(window: Window, number: u64, gets: &[u64]) -> Exchange {
    Exchange {
        access_key: [0; ACCESS_KEY_LEN],
        window_length: LENGTH,
        puts: vec![Put { token: token(number), window, cell: cell(number, CellSize::DEFAULT) }],
        gets: gets.iter().map(|number| slot(*number)).collect(),
    }
}

pub fn shape(gets: usize) -> Shape {
    Shape::new(CellSize::DEFAULT, 1, gets).expect("in bounds")
}
