//! Bounds the blocks and events that are in memory for streams, and the answers of other calls.
//!
//! A client may open a stream and read it slowly, or not at all. So each message of a stream takes
//! its bytes from one budget before it is encoded, and returns them when the transport has sent it.
//! A stream that finds no room waits, and does not hold its block meanwhile. The first bytes of
//! each stream are free, so that small blocks wait for nobody. `answers` takes room for answers of
//! calls that have one, which do not wait.
//!
//! Invariant: an organization has at most half of the room that the others leave, a connection and
//! a client a quarter. Each that holds nothing may have one message. Those that lack room of all
//! get it in the order in which they asked, but for answers, which get it at once or not at all.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prost::Message;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

use crate::call::Call;
use crate::connection_table::ClientConnection;
use crate::waits::WaitingPlace;
use wasmcc_types::proto::msp::SerializedIdentity;
use wasmcc_types::{self as types, sha256};

/// What each stream has beside the budget.
const FREE_BYTES: usize = 32 << 10;
/// What the answers of each connection have beside it.
const FREE_ANSWERS: usize = 64 << 10;
/// Blocks that are read and encoded at the same time. They are not counted before that.
const TURNS: usize = 8;

/// The budget, shared by the services of a server.
#[derive(Clone)]
pub(super) struct Outgoing(Arc<Shared>);

struct Shared {
    limit: usize,
    turns: Semaphore,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    used: usize,
    held: HashMap<Holder, usize>,
    next_id: u64,
    /// By age.
    waiting: BTreeMap<u64, Waiting>,
}

struct Waiting {
    holders: Holders,
    bytes: usize,
    granted: oneshot::Sender<Room>,
}

/// Who has room.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Holder {
    Org(Arc<str>),
    /// By the hash of its identity.
    Client([u8; 32]),
    Connection(u64),
    Stream(u64),
}

type Holders = Arc<[Holder]>;

/// The part of one stream.
#[derive(Clone)]
pub(super) struct Share {
    of: Outgoing,
    holders: Holders,
    free: Arc<Free>,
}

/// What a stream, or the answers of a connection, have beside the budget.
pub(super) struct Free {
    limit: usize,
    used: AtomicUsize,
    /// A stream gives its place back when its messages were sent.
    _place: Option<Arc<WaitingPlace>>,
}

/// Room for one message, until it is dropped.
pub(super) struct Room {
    bytes: usize,
    from: Source,
}

enum Source {
    Free(Arc<Free>),
    Budget(Outgoing, Holders),
}

/// A stream that waits for room, until it is dropped.
pub(super) struct Asked {
    of: Outgoing,
    /// None: it did not have to wait.
    id: Option<u64>,
    granted: oneshot::Receiver<Room>,
}

impl Holder {
    /// Its part of the room that the others leave.
    fn share(&self, left: usize) -> usize {
        match self {
            Self::Org(_) => left / 2,
            Self::Client(_) | Self::Connection(_) => left / 4,
            // Of large blocks a stream has one at a time.
            Self::Stream(_) => left / 128,
        }
    }
}

impl Outgoing {
    /// For `limit` bytes, or two messages of `message_bytes` if that is more.
    pub(super) fn new(message_bytes: usize, limit: usize) -> Self {
        let limit = limit.max(message_bytes.saturating_mul(2));
        let turns = Semaphore::new(TURNS);
        Self(Arc::new(Shared { limit, turns, state: Mutex::default() }))
    }

    /// Returns the part of a new stream of `identity`, whose signature was checked.
    pub(super) fn share(
        &self,
        identity: &[u8],
        call: &Call,
        place: Option<Arc<WaitingPlace>>,
    ) -> Share {
        let org = SerializedIdentity::decode(identity).unwrap_or_default().mspid;
        let mut state = self.lock();
        state.next_id += 1;
        let holders = Arc::new([
            Holder::Org(org.into()),
            Holder::Client(sha256(identity)),
            Holder::Connection(call.connection().id()),
            Holder::Stream(state.next_id),
        ]);
        let free = Arc::new(Free::new(FREE_BYTES, place));
        Share { of: self.clone(), holders, free }
    }

    /// Takes room for an answer of so many bytes, if there is some now. `owner` is the client, if
    /// its signature was checked.
    pub(super) fn take_now(
        &self,
        bytes: usize,
        owner: Option<&types::Share>,
        connection: &ClientConnection,
    ) -> Option<Room> {
        let free = connection.free_answers();
        if free.take(bytes) {
            return Some(Room { bytes, from: Source::Free(Arc::clone(free)) });
        }
        let of_owner = owner.map(|types::Share { organization, client, .. }| {
            [Holder::Org(Arc::clone(organization)), Holder::Client(*client)]
        });
        let holders = of_owner.into_iter().flatten();
        let holders: Holders = holders.chain([Holder::Connection(connection.id())]).collect();
        let mut state = self.lock();
        let (limit, used) = (self.0.limit, state.used);
        if used + bytes > limit || !state.is_within_shares(&holders, bytes, limit) {
            return None;
        }
        state.take(&holders, bytes);
        Some(Room { bytes, from: Source::Budget(self.clone(), holders) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives room to those that wait, as far as there is some.
    fn grant(&self) {
        loop {
            let granted = self.lock().take_next(self.0.limit);
            let Some(Waiting { holders, bytes, granted }) = granted else { return };
            let from = Source::Budget(self.clone(), holders);
            // If the stream has gone meanwhile, the room comes back at once.
            drop(granted.send(Room { bytes, from }));
        }
    }

    #[cfg(test)]
    pub(super) fn used(&self) -> usize {
        self.lock().used
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }
}

impl State {
    /// Takes room for the first that may have it.
    fn take_next(&mut self, limit: usize) -> Option<Waiting> {
        let mut waiting = self.waiting.iter();
        let (id, first) = waiting.find(|(_, Waiting { holders, bytes, .. })| {
            self.is_within_shares(holders, *bytes, limit)
        })?;
        if self.used + first.bytes > limit {
            // Nobody overtakes it, however small.
            return None;
        }
        let id = *id;
        let taken = self.waiting.remove(&id)?;
        self.take(&taken.holders, taken.bytes);
        Some(taken)
    }

    fn take(&mut self, holders: &Holders, bytes: usize) {
        self.used += bytes;
        for holder in holders.iter() {
            *self.held.entry(holder.clone()).or_default() += bytes;
        }
    }

    fn is_within_shares(&self, holders: &Holders, bytes: usize, limit: usize) -> bool {
        holders.iter().all(|holder| {
            let own = self.held.get(holder).copied().unwrap_or_default();
            let left = limit.saturating_sub(self.used - own);
            own == 0 || own + bytes <= holder.share(left)
        })
    }

    fn give_back(&mut self, holders: &Holders, bytes: usize) {
        self.used -= bytes;
        for holder in holders.iter() {
            if let Some(held) = self.held.get_mut(holder) {
                *held -= bytes;
                if *held == 0 {
                    self.held.remove(holder);
                }
            }
        }
    }
}

impl Free {
    fn new(limit: usize, place: Option<Arc<WaitingPlace>>) -> Self {
        Self { limit, used: AtomicUsize::new(0), _place: place }
    }

    /// For the answers of a connection.
    pub(super) fn for_answers() -> Arc<Self> {
        Arc::new(Self::new(FREE_ANSWERS, None))
    }

    fn take(&self, bytes: usize) -> bool {
        let with = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= self.limit);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, with).is_ok()
    }
}

impl Share {
    /// Waits until one more block may be read and encoded.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.of.0.turns.acquire().await.ok()
    }

    /// Asks for room for a message of so many bytes.
    pub(super) fn ask(&self, bytes: usize) -> Asked {
        let (sender, granted) = oneshot::channel();
        if self.free.take(bytes) {
            let from = Source::Free(Arc::clone(&self.free));
            // The receiver is here.
            drop(sender.send(Room { bytes, from }));
            return Asked { of: self.of.clone(), id: None, granted };
        }
        let mut state = self.of.lock();
        state.next_id += 1;
        let id = state.next_id;
        let holders = Arc::clone(&self.holders);
        state.waiting.insert(id, Waiting { holders, bytes, granted: sender });
        drop(state);
        self.of.grant();
        Asked { of: self.of.clone(), id: Some(id), granted }
    }
}

impl Room {
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether it is beside the budget.
    pub(super) fn is_free(&self) -> bool {
        matches!(self.from, Source::Free(_))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        match &self.from {
            Source::Free(free) => drop(free.used.fetch_sub(self.bytes, Ordering::Relaxed)),
            Source::Budget(of, holders) => {
                of.lock().give_back(holders, self.bytes);
                of.grant();
            }
        }
    }
}

impl Asked {
    /// The room, if it is there.
    pub(super) fn now(&mut self) -> Option<Room> {
        self.granted.try_recv().ok()
    }

    /// Waits for the room.
    pub(super) async fn granted(&mut self) -> Option<Room> {
        (&mut self.granted).await.ok()
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let Some(id) = self.id else { return };
        let gone = self.of.lock().waiting.remove(&id);
        if gone.is_some() {
            // Others may have waited behind it.
            self.of.grant();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection_table::{ConnectionTable, Entry, Patience};
    use tonic::codegen::http::Extensions;
    use wasmcc_tls::Client;

    const KIB: usize = 1 << 10;

    struct Clients(Arc<ConnectionTable>, Vec<Entry>, Outgoing);

    impl Clients {
        /// With a budget of so many KiB.
        fn of(kib: usize) -> Self {
            let table = ConnectionTable::new(usize::MAX, Patience::default());
            Self(table, Vec::new(), Outgoing::new(0, kib * KIB))
        }

        fn connect(&mut self) -> Call {
            let (entry, _) = self.0.admit(None);
            let mut extensions = Extensions::new();
            let connection = Arc::clone(entry.connection());
            extensions.insert(Client { connection, certificate: None });
            self.1.push(entry);
            Call::begin(&extensions).unwrap()
        }

        fn stream(&self, call: &Call, org: &str, name: &str) -> Share {
            let identity = SerializedIdentity { mspid: org.into(), id_bytes: name.into() };
            self.2.share(&identity.encode_to_vec(), call, None)
        }
    }

    #[test]
    fn one_client_however_many_streams_it_has_leaves_room_to_others() {
        let mut clients = Clients::of(1_024);
        let mut greedy = Vec::new();
        for _ in 0..20 {
            let call = clients.connect();
            greedy.push(clients.stream(&call, "A", "greedy").ask(64 * KIB));
        }
        let rooms: Vec<_> = greedy.iter_mut().filter_map(Asked::now).collect();
        assert_eq!(rooms.len(), 4, "a quarter");
        assert_eq!(clients.2.used(), 256 * KIB);
        let call = clients.connect();
        let mut other = clients.stream(&call, "A", "other").ask(64 * KIB);
        let other = other.now().expect("another client of the organization has room");
        // The whole organization has half.
        let mut all = Vec::new();
        for client in 0..20 {
            let call = clients.connect();
            all.push(clients.stream(&call, "A", &client.to_string()).ask(64 * KIB));
        }
        let of_org: Vec<_> = all.iter_mut().filter_map(Asked::now).collect();
        assert_eq!(clients.2.used(), 512 * KIB);
        let call = clients.connect();
        let stranger = clients.stream(&call, "B", "stranger");
        let first = stranger.ask(64 * KIB).now().expect("another organization has room");
        let mut second = stranger.ask(64 * KIB);
        assert!(second.now().is_none(), "a stream has one large block at a time");
        drop(first);
        let second = second.now().expect("the room of the first");
        drop((rooms, other, of_org, second));
        // What waited has got the room, as far as its client may have it.
        let later: Vec<_> = greedy.iter_mut().chain(&mut all).filter_map(Asked::now).collect();
        assert!(clients.2.used() <= 512 * KIB && later.len() >= 4);
        drop((greedy, all, later));
        assert_eq!((clients.2.used(), clients.2.waiting()), (0, 0));
        assert!(clients.2.lock().held.is_empty());
    }

    #[test]
    fn small_messages_do_not_wait_and_large_ones_wait_in_order() {
        let mut clients = Clients::of(256);
        let call = clients.connect();
        let first = clients.stream(&call, "A", "a").ask(200 * KIB).now().expect("there is room");
        let call = clients.connect();
        let stream = clients.stream(&call, "B", "b");
        let mut large = stream.ask(100 * KIB);
        let call = clients.connect();
        let mut behind = clients.stream(&call, "C", "c").ask(40 * KIB);
        assert!(large.now().is_none() && behind.now().is_none(), "nobody overtakes");
        let small = stream.ask(FREE_BYTES).now().expect("it is free of charge");
        assert!(stream.ask(1).now().is_none(), "only the first bytes are free");
        drop(small);
        assert!(stream.ask(1).now().is_some());
        drop(large);
        assert!(behind.now().is_some(), "who goes away holds up nobody");
        drop((first, behind));
        assert_eq!((clients.2.used(), clients.2.waiting()), (0, 0));
    }

    #[test]
    fn answers_have_their_clients_share_at_once_or_not_at_all() {
        let mut clients = Clients::of(1_024);
        let of = |org: &str, name: &str| {
            let identity = SerializedIdentity { mspid: org.into(), id_bytes: name.into() };
            types::Share::new("mychannel", "basic", &identity.encode_to_vec())
        };
        let (greedy, other) = (of("A", "greedy"), of("A", "other"));
        let calls = [clients.connect(), clients.connect()];
        let take = |clients: &Clients, owner: &types::Share, of: usize| {
            clients.2.take_now(64 * KIB, Some(owner), calls[of].connection())
        };
        // The free part of each connection, then a quarter of the budget.
        let rooms: Vec<_> = (0..20).filter_map(|n| take(&clients, &greedy, n % 2)).collect();
        assert_eq!((rooms.len(), clients.2.used()), (2 + 4, 256 * KIB));
        assert_eq!(rooms.iter().filter(|room| room.is_free()).count(), 2);
        assert_eq!(clients.2.waiting(), 0);
        let others = take(&clients, &other, 1).expect("another client has room");
        let stream = clients.connect();
        let mut stream = clients.stream(&stream, "A", "greedy").ask(64 * KIB);
        assert!(stream.now().is_none(), "streams and answers share one budget");
        drop(rooms);
        assert!(stream.now().is_some());
        drop((others, stream));
        assert_eq!((clients.2.used(), clients.2.waiting()), (0, 0));
    }
}
