//! The table of a server's connections: counts them, and closes unused ones.
//!
//! Invariant: a new connection is never queued. At the limit, the connection without an open call
//! for the longest time is closed for it. If all are in use, it becomes one of a few extra
//! connections, on which every call is refused with the reason.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, oneshot};
use tonic::Status;

use crate::free::Free;

/// Maximum number of streams of one connection without a signed request.
pub(super) const STREAMS_OF_ONE: usize = 128;
/// Bytes of the answers of each connection that are not counted in the budget.
const FREE_ANSWERS: usize = 64 << 10;
/// Extra connections beyond the limit, on which calls are only refused.
pub(super) const REFUSING: usize = 16;
/// Bytes that every client sends at first: the HTTP/2 preface has 24, a TLS ClientHello more.
const GREETING_BYTES: usize = 24;
/// Maximum lifetime of an extra connection after its first refusal, and without any.
const REFUSED: Duration = Duration::from_secs(1);
const UNREFUSED: Duration = Duration::from_secs(10);

/// Time limits for silent clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Until the first bytes of a connection.
    pub greeting: Duration,
    /// Until the first call on a connection.
    pub first_call: Duration,
    /// Until the next call on a connection without an open one.
    pub idle: Duration,
    /// Until the whole request of a unary call was received.
    pub request: Duration,
    /// Until a client has read an answer that counts in the budget of answers.
    pub answer: Duration,
    /// Until the signed request of a stream, or the registration of a chaincode.
    pub entrance: Duration,
    /// Interval of HTTP/2 PINGs to clients.
    pub ping_every: Duration,
    /// Until the answer to a PING.
    pub ping_timeout: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            greeting: Duration::from_secs(10),
            first_call: Duration::from_secs(60),
            idle: Duration::from_secs(10 * 60),
            request: Duration::from_secs(120),
            answer: Duration::from_secs(120),
            entrance: Duration::from_secs(10),
            ping_every: Duration::from_secs(60),
            ping_timeout: Duration::from_secs(20),
        }
    }
}

/// All connections of one server.
pub(super) struct ConnectionTable {
    limit: usize,
    patience: Patience,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next_id: u64,
    open: BTreeMap<u64, Arc<ClientConnection>>,
    /// True once the log has reported that the limit is reached.
    told: bool,
}

/// The state of one connection.
pub(super) struct ClientConnection {
    id: u64,
    remote: Option<SocketAddr>,
    table: Weak<ConnectionTable>,
    /// True while the connection is beyond the limit.
    beyond: AtomicBool,
    read_bytes: AtomicUsize,
    calls: Mutex<Calls>,
    /// Slots for streams without a signed request.
    entrance: Arc<Semaphore>,
    /// Budget for answers that are not sent yet.
    free_answers: Arc<Free>,
    /// Dropping the sender closes the connection.
    close: Mutex<Option<oneshot::Sender<()>>>,
}

struct Calls {
    open: usize,
    /// Number of open calls whose request was received and that are executing or hold a place.
    settled: usize,
    /// Number of calls that have ended.
    ended: u64,
    /// The time when the last call began or ended, or when the connection was opened.
    since: Instant,
}

/// A connection's entry in the table; dropping this removes it.
pub(super) struct Entry {
    table: Arc<ConnectionTable>,
    connection: Arc<ClientConnection>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ConnectionTable {
    /// Creates a table for at most `limit` connections, at least one.
    pub(super) fn new(limit: usize, patience: Patience) -> Arc<Self> {
        Arc::new(Self { limit: limit.max(1), patience, state: Mutex::default() })
    }

    /// Adds a new connection. The receiver completes when the server closes the connection.
    pub(super) fn admit(
        self: &Arc<Self>,
        remote: Option<SocketAddr>,
    ) -> (Entry, oneshot::Receiver<()>) {
        let mut state = lock(&self.state);
        let served = state.served().count();
        let beyond = served >= self.limit && !state.close_least_used();
        if served < self.limit {
            state.told = false;
        } else if !std::mem::replace(&mut state.told, true) {
            tracing::warn!(
                limit = self.limit,
                "the limit of connections is reached: idle ones are closed for new ones, and new \
                 ones are refused while all are in use; start the peer with a larger \
                 --connections if more are needed"
            );
        }
        if beyond {
            let client = remote.map(tracing::field::display);
            let error = "the limit of connections is reached, and all are in use";
            tracing::warn!(client, error, "a connection is refused");
            let refusing: Vec<_> = state.standing().filter(|other| other.is_beyond()).collect();
            let over = (refusing.len() + 1).saturating_sub(REFUSING);
            refusing.iter().take(over).for_each(|oldest| oldest.close());
        }
        let (close, closed) = oneshot::channel();
        state.next_id += 1;
        let id = state.next_id;
        let calls = Calls { open: 0, settled: 0, ended: 0, since: Instant::now() };
        let connection = Arc::new(ClientConnection {
            id,
            remote,
            table: Arc::downgrade(self),
            beyond: beyond.into(),
            read_bytes: AtomicUsize::new(0),
            calls: Mutex::new(calls),
            entrance: Arc::new(Semaphore::new(STREAMS_OF_ONE)),
            free_answers: Arc::new(Free::new(FREE_ANSWERS)),
            close: Mutex::new(Some(close)),
        });
        state.open.insert(id, Arc::clone(&connection));
        wasmcc_metrics::get().calls.connections_opened.inc();
        (Entry { table: Arc::clone(self), connection }, closed)
    }

    /// Returns whether a connection that was beyond the limit fits now.
    fn takes(&self, connection: &ClientConnection) -> bool {
        let state = lock(&self.state);
        let takes = state.served().count() < self.limit || state.close_least_used();
        if takes {
            connection.beyond.store(false, Ordering::Relaxed);
        }
        takes
    }

    /// Closes the least used connection, if one is not in use.
    pub(super) fn close_least_used(&self) {
        lock(&self.state).close_least_used();
    }

    /// Closes connections that have been silent for too long, periodically.
    pub(super) async fn watch(&self) {
        let Patience { greeting, first_call, idle, .. } = &self.patience;
        let shortest = *greeting.min(first_call).min(idle);
        let period = (shortest / 4).clamp(Duration::from_millis(5), Duration::from_secs(1));
        let mut ticks = tokio::time::interval(period);
        loop {
            ticks.tick().await;
            let now = Instant::now();
            let state = lock(&self.state);
            for connection in state.standing() {
                if connection.is_silent(now, &self.patience) {
                    connection.close();
                }
            }
        }
    }
}

impl State {
    /// Returns the connections that are not being closed, the oldest first.
    fn standing(&self) -> impl Iterator<Item = &Arc<ClientConnection>> {
        self.open.values().filter(|connection| !connection.is_closing())
    }

    /// Returns those of them within the limit.
    fn served(&self) -> impl Iterator<Item = &Arc<ClientConnection>> {
        self.standing().filter(|connection| !connection.is_beyond())
    }

    /// Closes the least used connection. Returns false if all are in use.
    fn close_least_used(&self) -> bool {
        let ranked =
            self.served().filter_map(|connection| Some((connection.uselessness()?, connection)));
        let least_used = ranked.min_by_key(|(rank, _)| *rank).map(|(_, connection)| connection);
        least_used.inspect(|connection| connection.close()).is_some()
    }
}

impl ClientConnection {
    /// Returns the id, unique among the connections of the server.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Returns the slots for its streams without a signed request.
    pub(super) fn entrance(&self) -> &Arc<Semaphore> {
        &self.entrance
    }

    /// Returns the bytes of its answers that do not count in the budget.
    pub(super) fn free_answers(&self) -> &Arc<Free> {
        &self.free_answers
    }

    /// Returns the client's address, if it is known.
    pub(super) fn remote(&self) -> Option<SocketAddr> {
        self.remote
    }

    /// Returns whether the client is on this machine.
    pub(super) fn is_local(&self) -> bool {
        self.remote.is_some_and(|remote| remote.ip().to_canonical().is_loopback())
    }

    /// Returns why calls are refused, if the connection is beyond the limit and still does not fit.
    pub(super) fn refusal(&self) -> Option<Status> {
        let table = self.table.upgrade().filter(|_| self.is_beyond())?;
        let limit = table.limit;
        (!table.takes(self)).then(|| {
            Status::resource_exhausted(format!(
                "the peer's limit of {limit} connections is reached, and all are in use; \
                 try again later, or start it with a larger --connections"
            ))
        })
    }

    fn is_beyond(&self) -> bool {
        self.beyond.load(Ordering::Relaxed)
    }

    /// Adds to the number of bytes that were read.
    pub(super) fn has_read(&self, bytes: usize) {
        // The sum is used only while it is small.
        if self.read_bytes.load(Ordering::Relaxed) < GREETING_BYTES {
            self.read_bytes.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    /// Records the start of a call.
    pub(super) fn call_begins(&self) {
        let mut calls = lock(&self.calls);
        calls.open += 1;
        if !self.is_beyond() {
            calls.since = Instant::now();
        }
    }

    /// Records that a call's request was received in full, so the connection now counts as in use.
    pub(super) fn call_settles(&self) {
        lock(&self.calls).settled += 1;
    }

    /// Records the end of a call.
    pub(super) fn call_ends(&self, is_settled: bool) {
        let mut calls = lock(&self.calls);
        calls.open -= 1;
        calls.settled -= usize::from(is_settled);
        calls.ended += 1;
        // A client that retries must not keep the connection on which it is refused.
        if !self.is_beyond() || calls.ended == 1 {
            calls.since = Instant::now();
        }
    }

    /// Closes the connection with all its calls.
    pub(super) fn close(&self) {
        drop(lock(&self.close).take());
    }

    pub(super) fn is_closing(&self) -> bool {
        lock(&self.close).is_none()
    }

    /// Returns the rank for closing, the smallest first; None if the connection is in use.
    fn uselessness(&self) -> Option<(u8, Instant)> {
        let calls = lock(&self.calls);
        let class = match *calls {
            Calls { open: 0, ended: 0, .. } => 0,
            Calls { open: 0, .. } => 1,
            Calls { settled: 0, .. } => 2,
            _ => return None,
        };
        Some((class, calls.since))
    }

    fn is_silent(&self, now: Instant, patience: &Patience) -> bool {
        let calls = lock(&self.calls);
        let beyond = self.is_beyond();
        let limit = match (beyond, calls.ended) {
            (true, 0) => UNREFUSED,
            (true, _) => REFUSED,
            (false, 0) if self.read_bytes.load(Ordering::Relaxed) < GREETING_BYTES => {
                patience.greeting
            }
            (false, 0) => patience.first_call,
            (false, _) => patience.idle,
        };
        let is_open = calls.open > 0 && !beyond;
        !is_open && now.saturating_duration_since(calls.since) > limit
    }
}

impl Entry {
    pub(super) fn connection(&self) -> &Arc<ClientConnection> {
        &self.connection
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        wasmcc_metrics::get().calls.connections_closed.inc();
        lock(&self.table.state).open.remove(&self.connection.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Opened(Entry, oneshot::Receiver<()>);

    impl Opened {
        fn new(table: &Arc<ConnectionTable>) -> Self {
            let (entry, closed) = table.admit(None);
            Self(entry, closed)
        }

        fn is_closed(&mut self) -> bool {
            self.1.try_recv() == Err(oneshot::error::TryRecvError::Closed)
        }

        fn connection(&self) -> &ClientConnection {
            &self.0.connection
        }
    }

    #[test]
    fn the_least_used_is_closed_for_a_newcomer() {
        let table = ConnectionTable::new(4, Patience::default());
        let [mut used, mut silent, mut idle, mut arriving] =
            std::array::from_fn(|_| Opened::new(&table));
        used.connection().call_begins();
        used.connection().call_settles();
        arriving.connection().call_begins();
        idle.connection().call_begins();
        idle.connection().call_ends(false);
        let mut newcomers = Vec::new();
        for closed in [&mut silent, &mut idle, &mut arriving] {
            assert!(!closed.is_closed());
            let newcomer = Opened::new(&table);
            assert!(newcomer.connection().refusal().is_none());
            newcomer.connection().call_begins();
            newcomer.connection().call_settles();
            newcomers.push(newcomer);
            assert!(closed.is_closed());
        }
        assert!(!used.is_closed() && !newcomers.iter_mut().any(Opened::is_closed));
    }

    #[test]
    fn a_newcomer_is_told_the_limit_when_all_are_in_use() {
        let table = ConnectionTable::new(1, Patience::default());
        let mut used = Opened::new(&table);
        used.connection().call_begins();
        used.connection().call_settles();
        let mut beyond: Vec<_> = (0..=REFUSING).map(|_| Opened::new(&table)).collect();
        let refusal = beyond[1].connection().refusal().unwrap();
        assert_eq!(refusal.code(), tonic::Code::ResourceExhausted);
        assert!(refusal.message().contains("--connections"), "{refusal}");
        let closed: Vec<_> = beyond.iter_mut().map(Opened::is_closed).collect();
        assert!(closed[0] && !closed[1..].contains(&true), "{closed:?}");
        assert!(!used.is_closed());
        used.connection().call_ends(true);
        assert!(beyond[1].connection().refusal().is_none(), "there is room");
        assert!(used.is_closed());
    }

    #[tokio::test]
    async fn silent_connections_are_closed() {
        let patience = Patience {
            greeting: Duration::from_millis(20),
            first_call: Duration::from_millis(40),
            idle: Duration::from_millis(60),
            ..Patience::default()
        };
        let table = ConnectionTable::new(4, patience);
        let [silent, greeted, idle, mut used] = std::array::from_fn(|_| Opened::new(&table));
        greeted.connection().has_read(GREETING_BYTES);
        for connection in [idle.connection(), used.connection()] {
            connection.call_begins();
        }
        idle.connection().call_ends(false);
        let all_closed = async {
            for Opened(_entry, closed) in [silent, greeted, idle] {
                assert!(closed.await.is_err());
            }
        };
        tokio::select! {
            () = table.watch() => {}
            () = all_closed => {}
        }
        assert!(!used.is_closed());
    }
}
