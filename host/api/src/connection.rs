//! The bytes of one connection.
//!
//! Invariant: a connection that the server closes reads as ended by the client, so every read that
//! waits for it ends.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tonic::transport::server::Connected;

use crate::connection_table::{ClientConnection, Entry};
use wasmcc_tls as tls;

/// A connection, which has its entry in the table until it is dropped.
pub(super) struct Connection {
    stream: TcpStream,
    entry: Entry,
    /// Completes when the server closes the connection.
    closed: oneshot::Receiver<()>,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, entry: Entry, closed: oneshot::Receiver<()>) -> Self {
        Self { stream, entry, closed }
    }
}

impl Connected for Connection {
    type ConnectInfo = Arc<ClientConnection>;

    fn connect_info(&self) -> Self::ConnectInfo {
        Arc::clone(self.entry.connection())
    }
}

impl tls::Connection for Connection {
    fn remote(&self) -> Option<SocketAddr> {
        self.entry.connection().remote()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // The sender says nothing; it is dropped.
        if Pin::new(&mut self.closed).poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.entry.connection().has_read(buffer.filled().len() - before);
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
