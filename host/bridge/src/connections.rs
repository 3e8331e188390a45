//! The connections of a server and the number of streams on each.
//!
//! A peer opens its stream as soon as it is connected. A connection without a stream is closed
//! after a time limit, when the server stops, and when a new connection exceeds the limit. Then the
//! one without a stream for the longest time is closed first, so idle clients cannot keep peers
//! out.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// Minimum period of the check for unused connections.
const PERIOD: Duration = Duration::from_millis(5);

/// The table of connections.
pub(crate) struct Connections {
    state: Mutex<State>,
    limit: usize,
    without_stream: Duration,
}

#[derive(Default)]
struct State {
    open: BTreeMap<u64, Open>,
    next: u64,
    is_stopping: bool,
}

struct Open {
    streams: usize,
    /// The time when it was opened, or when its last stream ended.
    unused_since: Instant,
    /// Dropping this closes the connection.
    #[expect(dead_code, reason = "dropped")]
    close: oneshot::Sender<()>,
}

/// A connection in the table.
#[derive(Clone)]
pub(crate) struct Entry {
    table: Arc<Connections>,
    number: u64,
}

/// A stream on a connection; dropping it marks the stream's end.
pub(crate) struct InUse(Entry);

impl Connections {
    /// Allows `limit` connections, each without a stream for at most this time.
    pub(crate) fn new(limit: usize, without_stream: Duration) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), limit, without_stream })
    }

    /// Adds a new connection. Also returns a receiver that completes when it has to be closed.
    /// Returns None after `stop`, or if the limit is reached and all connections have streams.
    pub(crate) fn admit(self: &Arc<Self>) -> Option<(Entry, oneshot::Receiver<()>)> {
        let mut state = self.lock();
        if state.is_stopping || state.open.len() >= self.limit && !state.close_longest_unused() {
            return None;
        }
        let (close, closed) = oneshot::channel();
        let number = state.next;
        state.next += 1;
        state.open.insert(number, Open { streams: 0, unused_since: Instant::now(), close });
        Some((Entry { table: Arc::clone(self), number }, closed))
    }

    /// Closes a connection without a stream, if there is one.
    pub(crate) fn close_unused(&self) -> bool {
        self.lock().close_longest_unused()
    }

    /// Closes the connections without a stream, and admits no more.
    pub(crate) fn stop(&self) {
        let mut state = self.lock();
        state.is_stopping = true;
        state.open.retain(|_, open| open.streams > 0);
    }

    /// Closes connections that have been without a stream for too long, periodically.
    pub(crate) async fn watch(&self) -> Infallible {
        let period = (self.without_stream / 4).max(PERIOD);
        loop {
            tokio::time::sleep(period).await;
            let is_used =
                |open: &Open| open.streams > 0 || open.unused_since.elapsed() < self.without_stream;
            self.lock().open.retain(|_, open| is_used(open));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Closes the connection without a stream for the longest time. Returns false if all have
    /// streams.
    fn close_longest_unused(&mut self) -> bool {
        let unused = self.open.iter().filter(|(_, open)| open.streams == 0);
        let longest = unused.min_by_key(|(_, open)| open.unused_since).map(|(number, _)| *number);
        longest.is_some_and(|number| self.open.remove(&number).is_some())
    }
}

impl Entry {
    /// Records the start of a stream.
    pub(crate) fn begin(&self) -> InUse {
        if let Some(open) = self.table.lock().open.get_mut(&self.number) {
            open.streams += 1;
        }
        InUse(self.clone())
    }

    /// Closes the connection with all its streams.
    pub(crate) fn close(&self) {
        self.table.lock().open.remove(&self.number);
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        if let Some(open) = self.0.table.lock().open.get_mut(&self.0.number) {
            open.streams -= 1;
            open.unused_since = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot::error::TryRecvError;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    fn is_open(closed: &mut oneshot::Receiver<()>) -> bool {
        closed.try_recv() == Err(TryRecvError::Empty)
    }

    #[test]
    fn a_newcomer_takes_the_room_of_the_connection_that_is_unused_for_the_longest_time() {
        let table = Connections::new(3, LONG);
        let [(first, mut one), (second, mut two), (_, mut three)] =
            [(); 3].map(|()| table.admit().unwrap());
        let stream = first.begin();
        let (fourth, mut four) = table.admit().unwrap();
        assert!(is_open(&mut one) && !is_open(&mut two) && is_open(&mut three));
        drop((second.begin(), stream));
        // The first connection was used after the third.
        let (fifth, mut five) = table.admit().unwrap();
        assert!(is_open(&mut one) && !is_open(&mut three));
        let _streams = [first.begin(), fourth.begin(), fifth.begin()];
        assert!(table.admit().is_none() && !table.close_unused());
        first.close();
        assert!(!is_open(&mut one) && is_open(&mut four) && is_open(&mut five));
        assert!(table.admit().is_some());
    }

    #[tokio::test]
    async fn connections_without_a_stream_are_closed_after_a_time_and_by_a_stop() {
        let table = Connections::new(3, Duration::from_millis(1));
        let (used, mut one) = table.admit().unwrap();
        let (_, unused) = table.admit().unwrap();
        let _stream = used.begin();
        tokio::select! {
            never = table.watch() => match never {},
            closed = unused => closed.unwrap_err(),
        };
        assert!(is_open(&mut one));
        let (_, mut late) = table.admit().unwrap();
        table.stop();
        assert!(is_open(&mut one) && !is_open(&mut late));
        assert!(table.admit().is_none());
    }
}
