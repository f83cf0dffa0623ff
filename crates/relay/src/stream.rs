//! A connection whose client must take its answer in time.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// Wraps a stream; fails if what was written is not flushed within `patience` of the first time
/// that it stalled. A client that takes an octet now and then does not extend it.
pub struct Unstalled<S> {
    inner: S,
    patience: Duration,
    deadline: Pin<Box<Sleep>>,
    is_stalled: bool,
}

impl<S: AsyncWrite + Unpin> Unstalled<S> {
    /// Watches over `inner`.
    pub fn new(inner: S, patience: Duration) -> Unstalled<S> {
        Unstalled { inner, patience, deadline: Box::pin(tokio::time::sleep(patience)), is_stalled: false }
    }

    fn watch<T>(&mut self, cx: &mut Context<'_>, progress: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if progress.is_ready() {
            return progress;
        }
        if !self.is_stalled {
            self.is_stalled = true;
            let patience = self.patience;
            self.deadline.as_mut().reset(Instant::now() + patience);
        }
        ready!(self.deadline.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Unstalled<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Unstalled<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.watch(cx, progress)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.inner).poll_flush(cx);
        let progress = self.watch(cx, progress);
        if progress.is_ready() {
            self.is_stalled = false;
        }
        progress
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.watch(cx, progress)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.watch(cx, progress)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(500);

    #[tokio::test]
    async fn a_client_that_takes_an_octet_now_and_then_is_cut_off() {
        let (mut client, server) = tokio::io::duplex(16);
        let mut server = Unstalled::new(server, PATIENCE);
        let began = Instant::now();
        let trickle = async {
            while client.read_u8().await.is_ok() {
                tokio::time::sleep(PATIENCE / 10).await;
            }
        };
        let answer = async {
            server.write_all(&[0; 1_000]).await?;
            server.flush().await
        };
        let outcome = tokio::select! { biased; outcome = answer => outcome, () = trickle => Ok(()) };
        assert_eq!(outcome.expect_err("cut off").kind(), io::ErrorKind::TimedOut);
        assert!((PATIENCE..4 * PATIENCE).contains(&began.elapsed()));
    }
}
