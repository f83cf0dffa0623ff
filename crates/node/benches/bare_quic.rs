//! The peer of a prompt note: a bare QUIC message one way, with a commit to an encrypted SQLite store before it
//! leaves and after it arrives. Prints `median_ms`.
//!
//! `cargo bench -p couloir --bench bare_quic`

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quinn::{ClientConfig, Connection, Endpoint, ServerConfig};
use rusqlite::Connection as Store;
use rustls::RootCertStore;
use rustls::pki_types::PrivatePkcs8KeyDer;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const MESSAGES: usize = 300;
const OCTETS: usize = 200;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let (near, far) = (open(&folder.path().join("near"))?, open(&folder.path().join("far"))?);
    let (sender, receiver) = connect().await?;
    let mut delays = exchange(&sender, receiver, near, far).await?;
    delays.sort_unstable();
    let ms = |at: usize| delays[at].as_secs_f64() * 1e3;
    println!("p99_ms {:.3}", ms(MESSAGES * 99 / 100));
    println!("median_ms {:.3}", ms(MESSAGES / 2));
    Ok(())
}

/// A store with the settings of a node's.
fn open(path: &Path) -> Result<Store, Failure> {
    let store = Store::open(path)?;
    store.execute_batch(
        "PRAGMA key = \"x'4242424242424242424242424242424242424242424242424242424242424242'\"; PRAGMA journal_mode = WAL; \
         PRAGMA synchronous = FULL; CREATE TABLE messages (number INTEGER PRIMARY KEY, octets BLOB)",
    )?;
    Ok(store)
}

fn keep(store: &Store, octets: &[u8]) -> Result<(), Failure> {
    store.prepare_cached("INSERT INTO messages (octets) VALUES (?1)")?.execute([octets])?;
    Ok(())
}

/// Both ends of a connection over loopback.
async fn connect() -> Result<(Connection, Connection), Failure> {
    let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
    let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
    let server = ServerConfig::with_single_cert(vec![own.cert.der().clone()], key.into())?;
    let server = Endpoint::server(server, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let mut roots = RootCertStore::empty();
    roots.add(own.cert.der().clone())?;
    let mut client = Endpoint::client(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    client.set_default_client_config(ClientConfig::with_root_certificates(Arc::new(roots))?);
    let address = server.local_addr()?;
    let accepted = tokio::spawn(async move {
        let connection = server.accept().await.ok_or("the endpoint closed")?.await?;
        // The endpoint lives as long as the connection is read.
        Ok::<_, Failure>((connection, server))
    });
    let sender = client.connect(address, "localhost")?.await?;
    let (receiver, server) = accepted.await??;
    std::mem::forget((server, client));
    Ok((sender, receiver))
}

/// How long each message took, from before the first commit to after the second.
async fn exchange(
    from: &Connection,
    to: Connection,
    near: Store,
    far: Store,
) -> Result<Vec<Duration>, Failure> {
    let mut out = from.open_uni().await?;
    let (arrived, mut arrivals) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        let mut stream = to.accept_uni().await?;
        let mut octets = [0; OCTETS];
        while stream.read_exact(&mut octets).await.is_ok() {
            keep(&far, &octets)?;
            arrived.send(Instant::now()).await?;
        }
        Ok::<_, Failure>(())
    });
    let mut delays = Vec::new();
    for number in 0..MESSAGES {
        let octets = [number as u8; OCTETS];
        let begin = Instant::now();
        keep(&near, &octets)?;
        out.write_all(&octets).await?;
        delays.push(arrivals.recv().await.ok_or("the receiver ended")? - begin);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(delays)
}
