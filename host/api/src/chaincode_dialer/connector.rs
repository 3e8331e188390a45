//! Opens the connection to a chaincode server and signals the server's first bytes.
//!
//! A server may take long until its first message of a stream. But a gRPC server sends bytes as
//! soon as a client is connected: its SETTINGS, or its part of the TLS handshake. Fabric's peer
//! waits for that when it dials (grpc-go, `WithBlock`); tonic does not.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tonic::codegen::Service;
use tonic::codegen::http::Uri;

use wasmcc_tls as tls;

/// Connects to one address.
pub(super) struct Connector {
    address: Arc<str>,
    heard: Arc<watch::Sender<bool>>,
}

/// Sets a signal at the first bytes of a connection, or at its end.
pub(super) struct Heard(Option<Arc<watch::Sender<bool>>>);

impl Connector {
    /// Creates a connector to "host:port". The signal is set when the server has sent its first
    /// bytes.
    pub(super) fn new(address: &str) -> (Self, watch::Receiver<bool>) {
        let (heard, signal) = watch::channel(false);
        (Self { address: address.into(), heard: Arc::new(heard) }, signal)
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<tls::Watched<Heard>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<tls::Watched<Heard>>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let (address, heard) = (Arc::clone(&self.address), Arc::clone(&self.heard));
        Box::pin(async move {
            let stream = TcpStream::connect(&*address).await?;
            stream.set_nodelay(true)?;
            Ok(TokioIo::new(tls::Watched::new(stream, Heard(Some(heard)))))
        })
    }
}

impl tls::Reading for Heard {
    fn poll_read(
        &mut self,
        stream: &mut TcpStream,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(stream).poll_read(cx, buffer);
        if read.is_ready()
            && let Some(heard) = self.0.take()
        {
            heard.send_replace(true);
        }
        read
    }
}
