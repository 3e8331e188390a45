//! A TCP connection whose reads go through a hook, below TLS.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tonic::transport::server::Connected;

use crate::door::Connection;

/// Performs the reads of a connection, and is dropped with it.
pub trait Reading: Unpin {
    /// Reads from the stream, or fails to end the connection.
    fn poll_read(
        &mut self,
        stream: &mut TcpStream,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>>;

    /// Returns the client's address, if it is known.
    fn remote(&self) -> Option<SocketAddr> {
        None
    }
}

/// A connection whose reads are performed by `R`. Writes go to the stream directly.
pub struct Watched<R> {
    stream: TcpStream,
    reading: R,
}

impl<R> Watched<R> {
    /// Wraps a stream.
    pub fn new(stream: TcpStream, reading: R) -> Self {
        Self { stream, reading }
    }
}

impl<R: Connected> Connected for Watched<R> {
    type ConnectInfo = R::ConnectInfo;

    fn connect_info(&self) -> R::ConnectInfo {
        self.reading.connect_info()
    }
}

impl<R: Reading + Connected + Send + 'static> Connection for Watched<R> {
    fn remote(&self) -> Option<SocketAddr> {
        self.reading.remote()
    }
}

impl<R: Reading> AsyncRead for Watched<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { stream, reading } = &mut *self;
        reading.poll_read(stream, cx, buffer)
    }
}

impl<R: Unpin> AsyncWrite for Watched<R> {
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
