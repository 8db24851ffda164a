//! A connection whose bytes count against what one audit may carry.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The bytes of one proxy, in both directions.
#[derive(Debug)]
pub(super) struct Allowance {
    /// The most there may be; 0 for no limit.
    pub(super) most: u64,
    carried: AtomicU64,
}

impl Allowance {
    pub(super) fn new(most: u64) -> Arc<Self> {
        Arc::new(Self {
            most,
            carried: AtomicU64::default(),
        })
    }

    pub(super) fn carried(&self) -> u64 {
        self.carried.load(Ordering::Relaxed)
    }

    pub(super) fn is_spent(&self) -> bool {
        self.most > 0 && self.carried() >= self.most
    }
}

/// A connection to a server. It breaks when the allowance is spent.
#[derive(Debug)]
pub(super) struct Counted {
    stream: TcpStream,
    allowance: Arc<Allowance>,
    own: Arc<AtomicU64>,
}

impl Counted {
    pub(super) fn new(stream: TcpStream, allowance: Arc<Allowance>) -> Self {
        Self {
            stream,
            allowance,
            own: Arc::default(),
        }
    }

    /// The bytes of this connection alone.
    pub(super) fn own_bytes(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.own)
    }

    fn count(&self, bytes: usize) -> io::Result<()> {
        self.own.fetch_add(bytes as u64, Ordering::Relaxed);
        self.allowance
            .carried
            .fetch_add(bytes as u64, Ordering::Relaxed);
        if self.allowance.is_spent() {
            return Err(io::Error::other("the bytes of this audit are used up"));
        }
        Ok(())
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, into))?;
        Poll::Ready(self.count(into.filled().len() - before))
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        Poll::Ready(self.count(written).map(|()| written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
