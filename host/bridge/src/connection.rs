//! One connection of a client. It is closed when the table of connections removes it.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tonic::transport::server::Connected;

use crate::connections::{Connections, Entry};
use wasmcc_tls as tls;

/// Pause after a failed attempt to accept a connection.
const PAUSE: Duration = Duration::from_secs(1);
/// The pause if a connection was closed, which frees a file descriptor.
const SHORT_PAUSE: Duration = Duration::from_millis(10);

/// Performs the reads of a connection.
pub(crate) struct Reads {
    client: ClientConnection,
    /// Completes when the connection is to be closed.
    closed: oneshot::Receiver<()>,
    is_closed: bool,
}

/// Properties of the connection, for its requests.
#[derive(Clone)]
pub(crate) struct ClientConnection {
    pub(crate) remote: SocketAddr,
    pub(crate) entry: Entry,
}

impl tls::Admission for Connections {
    type Reads = Reads;

    fn admit(self: &Arc<Self>, remote: SocketAddr) -> Option<Reads> {
        let Some((entry, closed)) = self.admit() else {
            tracing::warn!(client = %remote, "refused a connection: all others have streams");
            return None;
        };
        let client = ClientConnection { remote, entry };
        Some(Reads { client, closed, is_closed: false })
    }

    fn make_room(&self) -> Duration {
        if self.close_unused() { SHORT_PAUSE } else { PAUSE }
    }
}

impl Connected for Reads {
    type ConnectInfo = ClientConnection;

    fn connect_info(&self) -> ClientConnection {
        self.client.clone()
    }
}

impl tls::Reading for Reads {
    fn poll_read(
        &mut self,
        stream: &mut TcpStream,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(stream).poll_read(cx, buffer);
        if read.is_ready() {
            return read;
        }
        // The sender never sends a value; it is dropped.
        if self.is_closed || Pin::new(&mut self.closed).poll(cx).is_ready() {
            self.is_closed = true;
            // If the connection ended normally, the transport would wait until the client has read
            // everything.
            return Poll::Ready(Err(ErrorKind::ConnectionAborted.into()));
        }
        Poll::Pending
    }

    fn remote(&self) -> Option<SocketAddr> {
        Some(self.client.remote)
    }
}

impl Drop for Reads {
    fn drop(&mut self) {
        self.client.entry.close();
    }
}
