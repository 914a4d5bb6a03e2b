//! Clients that stop reading.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// How long a client may take no byte of what it is being sent. While it takes none, its answer is
/// not asked for more, so no other deadline is met: its connection, the upstream's and the open
/// record would be held for as long as it pleases.
pub(super) const STALL_MAX: Duration = Duration::from_secs(60);

/// A connection that ends when a write waits for longer than it may.
pub(super) struct Stalled<S> {
    inner: S,
    max: Duration,
    sleep: Pin<Box<Sleep>>,
    waiting: bool,
}

impl<S> Stalled<S> {
    pub(super) fn new(inner: S, max: Duration) -> Self {
        Self {
            inner,
            max,
            sleep: Box::pin(sleep(max)),
            waiting: false,
        }
    }

    /// What a write came to, or an error where it has waited for too long.
    fn judge<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waiting = false;
            return written;
        }
        if !self.waiting {
            self.waiting = true;
            self.sleep.as_mut().reset(Instant::now() + self.max);
        }
        ready!(self.sleep.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stalled<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stalled<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.judge(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.judge(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const MAX: Duration = Duration::from_millis(600);

    #[tokio::test]
    async fn a_client_that_reads_slowly_is_served_and_one_that_stops_is_not() {
        let (mut client, server) = duplex(16);
        let mut server = Stalled::new(server, MAX);
        let began = Instant::now();
        let writing = tokio::spawn(async move { server.write_all(&[7; 112]).await });
        for _ in 0..6 {
            tokio::time::sleep(MAX / 3).await;
            client.read_exact(&mut [0; 16]).await.expect("served");
        }
        writing.await.expect("no panic").expect("all of it fitted");
        assert!(
            began.elapsed() >= MAX * 3 / 2,
            "though it took longer in all"
        );

        let (client, server) = duplex(16);
        let mut server = Stalled::new(server, MAX);
        let began = Instant::now();
        let error = server.write_all(&[7; 80]).await.expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(began.elapsed() >= MAX);
        drop(client);
    }
}
