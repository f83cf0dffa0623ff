//! A TCP path that can fall silent: connections stay open and nothing comes through any more, as when a
//! network drops every packet.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

/// A path to one address.
pub struct Path {
    /// Where to connect instead.
    pub address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    is_silent: AtomicBool,
    /// Octets that went through, both ways together.
    carried: AtomicU64,
}

impl Path {
    /// Opens a path to `target` on a free port.
    pub fn to(target: SocketAddr) -> anyhow::Result<Path> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let state = Arc::<State>::default();
        let shared = Arc::clone(&state);
        thread::spawn(move || listener.incoming().flatten().for_each(|near| forward(near, target, &shared)));
        Ok(Path { address, state })
    }

    /// From here on nothing comes through, either way, for old and new connections.
    pub fn fall_silent(&self) {
        self.state.is_silent.store(true, Ordering::SeqCst);
    }

    /// Octets that went through so far, both ways together.
    pub fn carried(&self) -> u64 {
        self.state.carried.load(Ordering::SeqCst)
    }
}

fn forward(near: TcpStream, target: SocketAddr, state: &Arc<State>) {
    let Ok(far) = TcpStream::connect(target) else { return };
    // Without this the path would add delays that no network has.
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let (Ok(near_end), Ok(far_end)) = (near.try_clone(), far.try_clone()) else { return };
    let (one, other) = (Arc::clone(state), Arc::clone(state));
    thread::spawn(move || pump(near_end, far, &one));
    thread::spawn(move || pump(far_end, near, &other));
}

fn pump(mut from: TcpStream, mut to: TcpStream, state: &State) {
    let mut octets = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut octets) {
        if state.is_silent.load(Ordering::SeqCst) {
            continue;
        }
        state.carried.fetch_add(count as u64, Ordering::SeqCst);
        if to.write_all(&octets[..count]).is_err() {
            return;
        }
    }
    if !state.is_silent.load(Ordering::SeqCst) {
        // The other end may be gone already.
        let _ = to.shutdown(Shutdown::Write);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_path_carries_until_it_falls_silent_and_then_stays_open() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let path = Path::to(listener.local_addr().unwrap()).unwrap();
        let mut near = TcpStream::connect(path.address).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        near.write_all(b"one").unwrap();
        let mut octets = [0; 3];
        far.read_exact(&mut octets).unwrap();
        assert_eq!(&octets, b"one");
        assert_eq!(path.carried(), 3);
        path.fall_silent();
        near.write_all(b"two").unwrap();
        far.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let error = far.read(&mut octets).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    }
}
