//! Accepts connections, and closes those that the table of connections gives up.
//!
//! Invariant: never spins. If the system cannot give a connection, one without a stream is closed,
//! and the next attempt is made after a pause.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{Sleep, sleep};
use tokio_stream::Stream;
use tonic::transport::server::Connected;

use crate::connections::{Connections, Entry};
use wasmcc_tls as tls;

/// Pause after a failed attempt to accept a connection.
const PAUSE: Duration = Duration::from_secs(1);
/// The same if a connection was closed, which gives its file descriptor back.
const SHORT_PAUSE: Duration = Duration::from_millis(10);

/// The connections of a listener, as they come.
pub(crate) struct Incoming {
    listener: TcpListener,
    table: Arc<Connections>,
    pause: Option<Pin<Box<Sleep>>>,
    /// The last attempt failed.
    is_failing: bool,
}

/// A connection in the table of connections.
pub(crate) type Connection = tls::Watched<Reads>;

/// What reads a connection.
pub(crate) struct Reads {
    client: ClientConnection,
    /// Completes when the connection is to be closed.
    closed: oneshot::Receiver<()>,
    is_closed: bool,
}

/// What requests know of their connection.
#[derive(Clone)]
pub(crate) struct ClientConnection {
    pub(crate) remote: SocketAddr,
    pub(crate) entry: Entry,
}

impl Incoming {
    pub(crate) fn new(listener: TcpListener, table: Arc<Connections>) -> Self {
        Self { listener, table, pause: None, is_failing: false }
    }

    /// None: there is no room for it.
    fn opened(&mut self, stream: TcpStream, remote: SocketAddr) -> Option<Connection> {
        self.is_failing = false;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection stays slow");
        }
        let Some((entry, closed)) = self.table.admit() else {
            tracing::warn!(client = %remote, "refused a connection: all others have streams");
            return None;
        };
        let client = ClientConnection { remote, entry };
        Some(Connection::new(stream, Reads { client, closed, is_closed: false }))
    }

    fn failed(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.is_failing, true) {
            tracing::warn!(
                %error,
                "cannot accept a connection, trying again: is the limit of open files (ulimit -n) \
                 too low?"
            );
        }
        let pause = if self.table.make_room() { SHORT_PAUSE } else { PAUSE };
        self.pause = Some(Box::pin(sleep(pause)));
    }
}

impl Stream for Incoming {
    type Item = io::Result<Connection>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(cx));
                self.pause = None;
            }
            match ready!(self.listener.poll_accept(cx)) {
                Ok((stream, remote)) => {
                    if let Some(connection) = self.opened(stream, remote) {
                        return Poll::Ready(Some(Ok(connection)));
                    }
                }
                // The client has gone already.
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::ConnectionAborted
                            | ErrorKind::ConnectionReset
                            | ErrorKind::Interrupted
                    ) => {}
                Err(error) => self.failed(&error),
            }
        }
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
        // The sender says nothing; it is dropped.
        if self.is_closed || Pin::new(&mut self.closed).poll(cx).is_ready() {
            self.is_closed = true;
            // After the usual end of a connection, the transport would wait until the client has
            // read everything.
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
