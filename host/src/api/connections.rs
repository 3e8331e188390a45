//! How many connections a server has.
//!
//! Invariant: none is refused. One beyond the limit waits in the listen backlog of the system until
//! another ends, and the log says so once each time that the limit is reached.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio_stream::Stream;
use tonic::transport::server::{Connected, TcpConnectInfo, TcpIncoming};

type Permit = OwnedSemaphorePermit;
type Acquiring = Pin<Box<dyn Future<Output = Result<Permit, AcquireError>> + Send>>;

/// The connections of a listener, as they come and as there is room for them.
pub(super) struct Connections {
    incoming: TcpIncoming,
    places: Arc<Semaphore>,
    limit: usize,
    /// For the next one.
    place: Place,
}

enum Place {
    None,
    Waiting(Acquiring),
    Taken(Permit),
}

/// A connection, which has its place until it is dropped.
pub(super) struct Connection {
    stream: TcpStream,
    _place: Permit,
}

impl Connections {
    /// At most `limit` at a time, at least one.
    pub(super) fn new(listener: TcpListener, limit: usize) -> Self {
        let limit = limit.clamp(1, Semaphore::MAX_PERMITS);
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        Self { incoming, places: Arc::new(Semaphore::new(limit)), limit, place: Place::None }
    }

    /// A place for the next connection, when there is one.
    fn poll_place(&mut self, cx: &mut Context<'_>) -> Poll<Option<Permit>> {
        loop {
            self.place = match std::mem::replace(&mut self.place, Place::None) {
                Place::Taken(place) => return Poll::Ready(Some(place)),
                Place::None => match Arc::clone(&self.places).try_acquire_owned() {
                    Ok(place) => Place::Taken(place),
                    Err(_) => {
                        tracing::warn!(
                            limit = self.limit,
                            "there are as many connections as this peer may have, more have to \
                             wait: start it with a larger --connections if these are needed"
                        );
                        Place::Waiting(Box::pin(Arc::clone(&self.places).acquire_owned()))
                    }
                },
                Place::Waiting(mut acquiring) => match acquiring.as_mut().poll(cx) {
                    // Nobody closes the semaphore.
                    Poll::Ready(place) => return Poll::Ready(place.ok()),
                    Poll::Pending => {
                        self.place = Place::Waiting(acquiring);
                        return Poll::Pending;
                    }
                },
            }
        }
    }
}

impl Stream for Connections {
    type Item = io::Result<Connection>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(place) = ready!(self.poll_place(cx)) else { return Poll::Ready(None) };
        match Pin::new(&mut self.incoming).poll_next(cx) {
            Poll::Ready(next) => {
                let connection = |stream| Connection { stream, _place: place };
                Poll::Ready(next.map(|opened| opened.map(connection)))
            }
            Poll::Pending => {
                self.place = Place::Taken(place);
                Poll::Pending
            }
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.stream.connect_info()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
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

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt;

    use super::*;

    #[tokio::test]
    async fn one_beyond_the_limit_waits_until_another_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut connections = Connections::new(listener, 2);
        let mut clients = Vec::new();
        for _ in 0..3 {
            clients.push(TcpStream::connect(address).await.unwrap());
        }
        let (first, second) = (connections.next().await, connections.next().await);
        let peer_of = |connection: Option<io::Result<Connection>>| {
            connection.unwrap().unwrap().connect_info().remote_addr().unwrap()
        };
        // All three are in the backlog, so one more would come at once.
        let waits = |cx: &mut Context<'_>| {
            Poll::Ready(Pin::new(&mut connections).poll_next(cx).is_pending())
        };
        assert!(std::future::poll_fn(waits).await);
        assert_eq!(peer_of(first), clients[0].local_addr().unwrap());
        let third = connections.next().await;
        assert_eq!(peer_of(third), clients[2].local_addr().unwrap());
        drop(second);
    }
}
