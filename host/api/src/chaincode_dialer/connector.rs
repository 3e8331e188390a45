//! Opens the connection to a chaincode server, and tells when the server has said something.
//!
//! A server may take long until its first message of a stream, but a server of gRPC says something
//! as soon as a client is connected (its SETTINGS, or its part of the TLS handshake). Fabric's peer
//! waits for that when it dials (grpc-go, `WithBlock`), and tonic does not.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tonic::codegen::Service;
use tonic::codegen::http::Uri;

/// Connects to one address.
pub(super) struct Connector {
    address: Arc<str>,
    heard: Arc<watch::Sender<bool>>,
}

/// A connection that sets a signal with its first bytes, or its end.
pub(super) struct Heard {
    stream: TcpStream,
    heard: Option<Arc<watch::Sender<bool>>>,
}

impl Connector {
    /// Connects to "host:port". The signal is set when the server has said something.
    pub(super) fn new(address: &str) -> (Self, watch::Receiver<bool>) {
        let (heard, signal) = watch::channel(false);
        (Self { address: address.into(), heard: Arc::new(heard) }, signal)
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Heard>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<Heard>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let (address, heard) = (Arc::clone(&self.address), Arc::clone(&self.heard));
        Box::pin(async move {
            let stream = TcpStream::connect(&*address).await?;
            stream.set_nodelay(true)?;
            Ok(TokioIo::new(Heard { stream, heard: Some(heard) }))
        })
    }
}

impl AsyncRead for Heard {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if read.is_ready()
            && let Some(heard) = self.heard.take()
        {
            heard.send_replace(true);
        }
        read
    }
}

impl AsyncWrite for Heard {
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
