//! The reads of one connection.
//!
//! Invariant: a connection that the server closes reads as closed by the client, so every waiting
//! read ends.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tonic::transport::server::Connected;

use crate::connection_table::{ClientConnection, ConnectionTable, Entry};
use wasmcc_tls as tls;

/// Pause after a failed attempt to accept a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// A connection; dropping it removes its entry from the table.
pub(super) type Connection = tls::Watched<Reads>;

/// Performs the reads of a connection.
pub(super) struct Reads {
    entry: Entry,
    /// Completes when the server closes the connection.
    closed: oneshot::Receiver<()>,
}

impl Reads {
    pub(super) fn new(entry: Entry, closed: oneshot::Receiver<()>) -> Self {
        Self { entry, closed }
    }
}

impl tls::Admission for ConnectionTable {
    type Reads = Reads;

    fn admit(self: &Arc<Self>, remote: SocketAddr) -> Option<Reads> {
        let (entry, closed) = self.admit(Some(remote));
        Some(Reads::new(entry, closed))
    }

    fn make_room(&self) -> Duration {
        self.close_least_used();
        PAUSE
    }
}

impl Connected for Reads {
    type ConnectInfo = Arc<ClientConnection>;

    fn connect_info(&self) -> Self::ConnectInfo {
        Arc::clone(self.entry.connection())
    }
}

impl tls::Reading for Reads {
    fn poll_read(
        &mut self,
        stream: &mut TcpStream,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // The sender never sends a value; it is dropped.
        if Pin::new(&mut self.closed).poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let read = Pin::new(stream).poll_read(cx, buffer);
        self.entry.connection().has_read(buffer.filled().len() - before);
        read
    }

    fn remote(&self) -> Option<SocketAddr> {
        self.entry.connection().remote()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection_table::Patience;
    use wasmcc_tls::Admission as _;

    #[tokio::test]
    async fn an_idle_connection_makes_room_for_what_the_system_cannot_give() {
        let table = ConnectionTable::new(2, Patience::default());
        let (_entry, idle) = table.admit(None);
        table.make_room();
        assert!(idle.await.is_err(), "it is closed");
    }
}
