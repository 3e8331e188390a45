//! Limits the memory of blocks and events for streams, and of the answers of unary calls.
//!
//! A client may open a stream and read it slowly, or not at all. So each message of a stream
//! reserves its bytes in one budget before it is encoded, and releases them when the transport has
//! sent it. A stream without room waits, and does not keep its block meanwhile. The first bytes of
//! each stream do not count, so that small blocks never wait. `answers` reserves room for the
//! answers of unary calls, which do not wait.
//!
//! Invariant: an organization has at most half of the room that the others leave, a connection and
//! a client a quarter. One that has nothing may have a message of any size. Streams that wait
//! because the whole budget is used get room in the order of their requests. Unary answers do not
//! wait: they get room at once or fail.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prost::Message;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

use crate::call::Call;
use crate::connection_table::ClientConnection;
use crate::free::Free;
use crate::waits::WaitingPlace;
use wasmcc_types::proto::msp::SerializedIdentity;
use wasmcc_types::{self as types, sha256};

/// Bytes of each stream that are not counted in the budget.
const FREE_BYTES: usize = 32 << 10;
/// Number of blocks that are read and encoded at the same time; they are counted only afterwards.
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
    /// By the time of the request.
    waiting: BTreeMap<u64, Waiting>,
}

struct Waiting {
    holders: Holders,
    bytes: usize,
    granted: oneshot::Sender<Room>,
}

/// A user of the budget.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Holder {
    Org(Arc<str>),
    /// By the hash of its identity.
    Client([u8; 32]),
    Connection(u64),
    Stream(u64),
}

type Holders = Arc<[Holder]>;

/// The share of one stream.
#[derive(Clone)]
pub(super) struct Share {
    of: Outgoing,
    holders: Holders,
    free: Arc<Free>,
    place: Option<Arc<WaitingPlace>>,
}

/// Reserved room for one message; dropping this releases it.
pub(super) struct Room {
    bytes: usize,
    from: Source,
}

enum Source {
    Free {
        free: Arc<Free>,
        /// A stream's place is released once these messages were sent, too.
        _place: Option<Arc<WaitingPlace>>,
    },
    Budget(Outgoing, Holders),
}

/// A request for room; dropping this withdraws it.
pub(super) struct Asked {
    of: Outgoing,
    /// None: it was granted at once.
    id: Option<u64>,
    granted: oneshot::Receiver<Room>,
}

impl Holder {
    /// Returns its limit, from the bytes that the others leave.
    fn share(&self, left: usize) -> usize {
        match self {
            Self::Org(_) => left / 2,
            Self::Client(_) | Self::Connection(_) => left / 4,
            // A stream has one large block at a time.
            Self::Stream(_) => left / 128,
        }
    }
}

impl Outgoing {
    /// Creates a budget of `limit` bytes, but at least two messages of `message_bytes`.
    pub(super) fn new(message_bytes: usize, limit: usize) -> Self {
        let limit = limit.max(message_bytes.saturating_mul(2));
        let turns = Semaphore::new(TURNS);
        Self(Arc::new(Shared { limit, turns, state: Mutex::default() }))
    }

    /// Returns the share of a new stream of `identity`, whose signature was checked.
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
        let free = Arc::new(Free::new(FREE_BYTES));
        Share { of: self.clone(), holders, free, place }
    }

    /// Reserves room for an answer, if there is some now. `owner` is the client, if its signature
    /// was checked.
    pub(super) fn take_now(
        &self,
        bytes: usize,
        owner: Option<&types::Share>,
        connection: &ClientConnection,
    ) -> Option<Room> {
        let free = connection.free_answers();
        if free.take(bytes) {
            let from = Source::Free { free: Arc::clone(free), _place: None };
            return Some(Room { bytes, from });
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

    /// Grants room to waiting streams, as far as there is some.
    fn grant(&self) {
        loop {
            let granted = self.lock().take_next(self.0.limit);
            let Some(Waiting { holders, bytes, granted }) = granted else { return };
            let from = Source::Budget(self.clone(), holders);
            // If the stream has gone, dropping the room releases it.
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
    /// Takes room for the first stream whose shares allow it.
    fn take_next(&mut self, limit: usize) -> Option<Waiting> {
        let mut waiting = self.waiting.iter();
        let (id, first) = waiting.find(|(_, Waiting { holders, bytes, .. })| {
            self.is_within_shares(holders, *bytes, limit)
        })?;
        if self.used + first.bytes > limit {
            // Later requests do not overtake it, however small they are.
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

impl Share {
    /// Waits until one more block may be read and encoded.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.of.0.turns.acquire().await.ok()
    }

    /// Requests room for a message.
    pub(super) fn ask(&self, bytes: usize) -> Asked {
        let (sender, granted) = oneshot::channel();
        if self.free.take(bytes) {
            let from = Source::Free { free: Arc::clone(&self.free), _place: self.place.clone() };
            // The receiver still exists.
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

    /// True if these bytes are not counted in the budget (see `Free`).
    pub(super) fn is_free(&self) -> bool {
        matches!(self.from, Source::Free { .. })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        match &self.from {
            Source::Free { free, .. } => free.give_back(self.bytes),
            Source::Budget(of, holders) => {
                of.lock().give_back(holders, self.bytes);
                of.grant();
            }
        }
    }
}

impl Asked {
    /// Returns the room, if it was granted.
    pub(super) fn now(&mut self) -> Option<Room> {
        self.granted.try_recv().ok()
    }

    /// Waits until the room is granted.
    pub(super) async fn granted(&mut self) -> Option<Room> {
        (&mut self.granted).await.ok()
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let Some(id) = self.id else { return };
        let gone = self.of.lock().waiting.remove(&id);
        if gone.is_some() {
            // Other streams may have waited behind this one.
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
        /// Creates clients with a budget of this many KiB.
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
        // The whole organization has half of the budget.
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
        // Waiting streams have got the room, as far as the shares of their clients allow.
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
        // The uncounted bytes of each connection, then a quarter of the budget.
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
