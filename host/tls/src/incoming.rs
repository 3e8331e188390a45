//! Accepts the connections of a listener.
//!
//! Invariant: never spins. If the system cannot open another connection, an unused one is closed,
//! the next attempt is made after a pause, and one line is logged.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Sleep, sleep};
use tokio_stream::Stream;

use crate::watched::{Reading, Watched};

/// Decides which connections are accepted and kept.
pub trait Admission {
    /// Performs the reads of an accepted connection.
    type Reads: Reading;

    /// Admits a connection. Returns None if the limit of connections is reached.
    fn admit(self: &Arc<Self>, remote: SocketAddr) -> Option<Self::Reads>;

    /// Closes an unused connection because the system cannot open another one. Returns the pause
    /// before the next attempt.
    fn make_room(&self) -> Duration;
}

/// A stream of the admitted connections of a listener.
pub struct Incoming<A, L = TcpListener> {
    listener: L,
    admission: Arc<A>,
    pause: Option<Pin<Box<Sleep>>>,
    /// True after a failed attempt, so that only the first of several failures is logged.
    is_failing: bool,
}

/// A source of connections; the tests have another one.
trait Accept: Unpin {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>>;
}

impl Accept for TcpListener {
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        TcpListener::poll_accept(self, cx)
    }
}

impl<A, L> Incoming<A, L> {
    /// Accepts the connections of `listener` that `admission` admits.
    pub fn new(listener: L, admission: Arc<A>) -> Self {
        Self { listener, admission, pause: None, is_failing: false }
    }
}

impl<A: Admission, L> Incoming<A, L> {
    fn opened(&mut self, stream: TcpStream, remote: SocketAddr) -> Option<Watched<A::Reads>> {
        self.is_failing = false;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        Some(Watched::new(stream, self.admission.admit(remote)?))
    }

    fn failed(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.is_failing, true) {
            tracing::warn!(
                %error,
                "cannot accept a connection, trying again: is the limit of open files (ulimit -n) \
                 too low?"
            );
        }
        self.pause = Some(Box::pin(sleep(self.admission.make_room())));
    }
}

/// True if the error only means that the client has already disconnected.
fn is_gone(error: &io::Error) -> bool {
    use ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

impl<A: Admission, L: Accept> Stream for Incoming<A, L> {
    type Item = io::Result<Watched<A::Reads>>;

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
                Err(error) if is_gone(&error) => {}
                Err(error) => self.failed(&error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::io::{AsyncRead, ReadBuf};
    use tokio_stream::StreamExt;

    use super::*;

    /// Reads without any checks.
    struct Plain;

    impl Reading for Plain {
        fn poll_read(
            &mut self,
            stream: &mut TcpStream,
            cx: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(stream).poll_read(cx, buffer)
        }
    }

    /// Records its calls.
    #[derive(Default)]
    struct Asked(Mutex<Vec<&'static str>>);

    impl Admission for Asked {
        type Reads = Plain;

        fn admit(self: &Arc<Self>, _: SocketAddr) -> Option<Plain> {
            let mut asked = self.0.lock().unwrap();
            asked.push("admit");
            // The first connection is refused.
            (asked.iter().filter(|what| **what == "admit").count() > 1).then_some(Plain)
        }

        fn make_room(&self) -> Duration {
            self.0.lock().unwrap().push("make room");
            Duration::from_millis(1)
        }
    }

    /// A listener that first fails with these errors, in order; it counts its calls.
    struct Failing(TcpListener, Vec<i32>, usize);

    impl Accept for Failing {
        fn poll_accept(
            &mut self,
            cx: &mut Context<'_>,
        ) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
            self.2 += 1;
            match self.1.pop() {
                Some(code) => Poll::Ready(Err(io::Error::from_raw_os_error(code))),
                None => TcpListener::poll_accept(&self.0, cx),
            }
        }
    }

    /// Errors of the system: no file handle left; a client that has disconnected.
    const EMFILE: i32 = 24;
    const ECONNABORTED: i32 = 103;

    #[tokio::test]
    async fn a_system_without_room_is_asked_again_after_a_pause() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let _clients = [TcpStream::connect(address).await, TcpStream::connect(address).await];
        let admission = Arc::new(Asked::default());
        let failing = Failing(listener, vec![EMFILE, ECONNABORTED, EMFILE], 0);
        let mut connections = Incoming::new(failing, Arc::clone(&admission));
        // An error does not register the waker, so the next attempt is made only after the pause.
        connections.next().await.unwrap().unwrap();
        assert!(connections.listener.2 <= 7, "{} attempts", connections.listener.2);
        let asked = admission.0.lock().unwrap();
        assert_eq!(*asked, ["make room", "make room", "admit", "admit"]);
    }
}
