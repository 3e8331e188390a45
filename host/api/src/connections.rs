//! Accepts the connections of a listener.
//!
//! Invariant: never spins. If the system cannot give a connection, an idle one is closed, the next
//! attempt is made after a pause, and one line is logged.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Sleep, sleep};
use tokio_stream::Stream;

use crate::connection::{Connection, Reads};
use crate::connection_table::ConnectionTable;

/// Pause after a failed attempt to accept a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// What gives connections.
pub(super) trait Accept: Unpin {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>>;
}

impl Accept for TcpListener {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        TcpListener::poll_accept(self, cx)
    }
}

/// See the head of this file.
pub(super) struct Connections<L> {
    listener: L,
    table: Arc<ConnectionTable>,
    pause: Option<Pin<Box<Sleep>>>,
    /// The last attempt failed.
    failing: bool,
}

impl<L: Accept> Connections<L> {
    /// Enters them into `table`.
    pub(super) fn new(listener: L, table: Arc<ConnectionTable>) -> Self {
        Self { listener, table, pause: None, failing: false }
    }

    fn opened(&mut self, stream: TcpStream, remote: SocketAddr) -> Connection {
        self.failing = false;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection stays slow");
        }
        let (entry, closed) = self.table.admit(Some(remote));
        Connection::new(stream, Reads::new(entry, closed))
    }

    fn failed(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.failing, true) {
            tracing::warn!(
                %error,
                "cannot take a connection, trying again: is the limit of open files (ulimit -n) \
                 too low?"
            );
        }
        self.table.make_room();
        self.pause = Some(Box::pin(sleep(PAUSE)));
    }
}

impl<L: Accept> Stream for Connections<L> {
    type Item = io::Result<Connection>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(cx));
                self.pause = None;
            }
            match ready!(self.listener.poll_accept(cx)) {
                Ok((stream, remote)) => {
                    return Poll::Ready(Some(Ok(self.opened(stream, remote))));
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

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt;

    use super::*;
    use crate::connection_table::Patience;

    /// Has no room for so many times.
    struct Full(TcpListener, usize, usize);

    impl Accept for Full {
        fn poll_accept(
            &mut self,
            cx: &mut Context<'_>,
        ) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
            self.2 += 1;
            if self.2 > self.1 {
                return self.0.poll_accept(cx);
            }
            // EMFILE.
            Poll::Ready(Err(io::Error::from_raw_os_error(24)))
        }
    }

    #[tokio::test]
    async fn a_system_without_room_is_asked_again_after_a_pause() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let table = ConnectionTable::new(2, Patience::default());
        let (_entry, idle) = table.admit(None);
        let mut connections = Connections::new(Full(listener, 2, 0), table);
        // Its waker is not called, so the next attempt comes only with the pause.
        connections.next().await.unwrap().unwrap();
        assert!(connections.listener.2 <= 4, "{} attempts", connections.listener.2);
        assert!(idle.await.is_err(), "an idle connection makes room");
    }
}
