//! Threads for short blocking calls, and places for waiting calls.
//!
//! Invariant: a waiting call holds a place, not a thread, and only after its signature and its
//! rights were checked. Each kind of call has its own places. No organization and no connection can
//! hold all of them. When a client disconnects or the server stops, the wait ends at once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prost::Message;
use tokio::sync::Semaphore;
use tonic::Status;

use crate::call::Call;
use crate::shutdown::{Stopping, stops};
use crate::status::not_run;
use wasmcc_types::proto::msp::SerializedIdentity;
use wasmcc_workers::WorkersError;

/// Maximum number of short calls that run at the same time.
const THREADS: usize = 128;

/// The event that a call waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Waiting {
    /// A transaction is committed.
    CommitStatus,
    /// A chaincode's events.
    ChaincodeEvents,
    /// Blocks; the method of the call.
    Blocks(&'static str),
    /// The next envelope.
    Envelopes,
}

/// The state that services with waiting calls share.
#[derive(Clone)]
pub(super) struct Waits {
    permits: Arc<Semaphore>,
    places: Arc<Places>,
    stopping: Stopping,
}

struct Places {
    /// Number of places of each kind.
    limit: usize,
    connections: usize,
    taken: Mutex<Taken>,
}

type Kind = std::mem::Discriminant<Waiting>;

#[derive(Default)]
struct Taken {
    all: HashMap<Kind, usize>,
    by_org: HashMap<(Kind, Arc<str>), usize>,
    by_connection: HashMap<(Kind, u64), usize>,
    /// The connections on which an organization holds places of any kind.
    connections: HashMap<Arc<str>, HashMap<u64, usize>>,
}

/// The place of a waiting call; dropping this releases it.
pub(super) struct WaitingPlace {
    of: Arc<Places>,
    kind: Kind,
    org: Arc<str>,
    call: Call,
}

impl Waiting {
    fn method(self) -> &'static str {
        match self {
            Self::CommitStatus => "/gateway.Gateway/CommitStatus",
            Self::ChaincodeEvents => "/gateway.Gateway/ChaincodeEvents",
            Self::Blocks(method) => method,
            Self::Envelopes => "/orderer.AtomicBroadcast/Broadcast",
        }
    }
}

impl Waits {
    /// Allows at most `limit` waiting calls of each kind, for a server with at most `connections`
    /// connections.
    pub(super) fn new(limit: usize, connections: usize, stopping: Stopping) -> Self {
        let permits = Arc::new(Semaphore::new(THREADS));
        let places = Places { limit, connections, taken: Mutex::default() };
        Self { permits, places: Arc::new(places), stopping }
    }

    /// Runs a short blocking call.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Status> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| stops())?;
        let call = move || {
            let _held_until_the_call_ends = permit;
            call()
        };
        let done = tokio::task::spawn_blocking(call).await;
        done.map_err(|_| not_run(WorkersError::Panicked))
    }

    /// Takes a place for a call whose signature (by `identity`) and rights were checked. Fabric:
    /// `internal/peer/node/grpc_limiters.go`, without shares.
    pub(super) fn place(
        &self,
        waiting: Waiting,
        identity: &[u8],
        call: &Call,
    ) -> Result<WaitingPlace, Status> {
        let identity = SerializedIdentity::decode(identity).unwrap_or_default();
        let (kind, org) = (std::mem::discriminant(&waiting), Arc::from(identity.mspid));
        self.places.take(waiting, kind, &org, call.connection().id())?;
        call.settle();
        Ok(WaitingPlace { of: Arc::clone(&self.places), kind, org, call: call.clone() })
    }

    /// Returns a signal that completes when the server stops.
    pub(super) fn stopping(&self) -> Stopping {
        self.stopping.clone()
    }
}

impl Places {
    fn take(
        &self,
        waiting: Waiting,
        kind: Kind,
        org: &Arc<str>,
        connection: u64,
    ) -> Result<(), Status> {
        let limit = self.limit;
        let method = waiting.method();
        let refused = |whose: &str, share: usize| {
            Err(Status::resource_exhausted(format!(
                "too many requests for {method}, exceeding concurrency limit ({limit}): {whose} \
                 may have {share}; end some, or start the peer with a larger --waiting-calls"
            )))
        };
        let share_of = |part: usize| (limit / part).max(1);
        let mut taken = self.lock();
        let taken = &mut *taken;
        if taken.all.get(&kind).copied().unwrap_or_default() >= share_of(1) {
            return refused("all clients together", share_of(1));
        }
        let held = taken.by_org.get(&(kind, Arc::clone(org))).copied().unwrap_or_default();
        if held >= share_of(2) {
            return refused(&format!("the organization {org}"), share_of(2));
        }
        let held = taken.by_connection.get(&(kind, connection)).copied().unwrap_or_default();
        if held >= share_of(4) {
            return refused("one connection", share_of(4));
        }
        let own = taken.connections.entry(Arc::clone(org)).or_default();
        let most = (self.connections / 2).max(1);
        if !own.contains_key(&connection) && own.len() >= most {
            return Err(Status::resource_exhausted(format!(
                "the organization {org} has calls that wait on {} connections, which is half of \
                 those that the peer may have; use fewer connections, or start the peer with a \
                 larger --connections",
                own.len()
            )));
        }
        *own.entry(connection).or_default() += 1;
        *taken.all.entry(kind).or_default() += 1;
        *taken.by_org.entry((kind, Arc::clone(org))).or_default() += 1;
        *taken.by_connection.entry((kind, connection)).or_default() += 1;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lowers a count; removes it at zero, so that the maps stay small.
fn give_back<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

impl Drop for WaitingPlace {
    fn drop(&mut self) {
        let connection = self.call.connection().id();
        let mut taken = self.of.lock();
        give_back(&mut taken.all, &self.kind);
        give_back(&mut taken.by_org, &(self.kind, Arc::clone(&self.org)));
        give_back(&mut taken.by_connection, &(self.kind, connection));
        if let Some(own) = taken.connections.get_mut(&self.org) {
            give_back(own, &connection);
            if own.is_empty() {
                taken.connections.remove(&self.org);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::watch;
    use tonic::codegen::http::Extensions;

    use super::*;
    use crate::connection_table::{ConnectionTable, Entry, Patience};
    use wasmcc_tls::Client;

    fn client(table: &Arc<ConnectionTable>) -> (Entry, Call) {
        let (entry, _) = table.admit(None);
        let mut extensions = Extensions::new();
        let connection = Arc::clone(entry.connection());
        extensions.insert(Client { connection, certificate: None });
        let call = Call::begin(&extensions).unwrap();
        (entry, call)
    }

    fn identity(org: &str) -> Vec<u8> {
        SerializedIdentity { mspid: org.into(), ..Default::default() }.encode_to_vec()
    }

    #[test]
    fn no_organization_and_no_connection_holds_all_places() {
        let table = ConnectionTable::new(8, Patience::default());
        let waits = Waits::new(8, 8, Stopping(watch::channel(false).1));
        let clients: Vec<_> = (0..5).map(|_| client(&table)).collect();
        let take = |waiting, org: &str, of: usize| {
            waits.place(waiting, &identity(org), &clients[of].1).map_err(|status| {
                assert_eq!(status.code(), tonic::Code::ResourceExhausted);
                status.message().to_owned()
            })
        };
        let status = Waiting::CommitStatus;
        let mut places = vec![take(status, "A", 0).unwrap(), take(status, "A", 0).unwrap()];
        let refused = take(status, "A", 0).err().unwrap();
        assert!(refused.contains("one connection may have 2"), "{refused}");
        places.extend([take(status, "A", 1).unwrap(), take(status, "A", 2).unwrap()]);
        let refused = take(status, "A", 3).err().unwrap();
        assert!(refused.contains("organization A may have 4"), "{refused}");
        // Another organization has its own share, and another kind of call its own places.
        places.push(take(status, "B", 3).unwrap());
        places.push(take(Waiting::Envelopes, "A", 3).unwrap());
        let refused = take(Waiting::Envelopes, "A", 4).err().unwrap();
        assert!(refused.contains("organization A has calls that wait on 4 conn"), "{refused}");
        drop(places);
        let taken = waits.places.lock();
        assert!(taken.all.is_empty() && taken.by_org.is_empty());
        assert!(taken.by_connection.is_empty() && taken.connections.is_empty());
    }

    #[test]
    fn all_together_have_no_more_than_there_are() {
        let table = ConnectionTable::new(8, Patience::default());
        let waits = Waits::new(2, 8, Stopping(watch::channel(false).1));
        let clients: Vec<_> = (0..3).map(|_| client(&table)).collect();
        let take =
            |of: usize| waits.place(Waiting::Envelopes, &identity(&of.to_string()), &clients[of].1);
        let _two = (take(0).unwrap(), take(1).unwrap());
        let refused = take(2).err().unwrap();
        assert!(refused.message().contains("all clients together may have 2"), "{refused}");
    }

    #[test]
    fn a_share_is_never_without_a_place_and_the_refusal_says_so() {
        let table = ConnectionTable::new(8, Patience::default());
        let waits = Waits::new(3, 8, Stopping(watch::channel(false).1));
        let (_entry, call) = client(&table);
        let take = |org: &str| waits.place(Waiting::Envelopes, &identity(org), &call);
        let _place = take("A").unwrap();
        for (org, expected) in
            [("A", "organization A may have 1"), ("B", "one connection may have 1")]
        {
            let refused = take(org).err().unwrap();
            assert!(refused.message().contains(expected), "{refused}");
        }
    }
}
