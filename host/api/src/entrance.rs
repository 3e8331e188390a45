//! The entrance: streams whose first signed request was not accepted yet.
//!
//! A stream leaves the entrance when its request has arrived. The bytes of that request count in
//! the budget of requests while it is checked.
//!
//! Invariant: such a stream uses no place of accepted streams. Their number and their time are
//! limited. At the limit the oldest one is ended, so that a client that sends its signed request at
//! once is always admitted. Further streams of one connection wait until others of it have left the
//! entrance.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::{Instant, sleep_until, timeout_at};
use tonic::Status;

use crate::call::Call;
use crate::connection_table::STREAMS_OF_ONE;
use crate::waits::{Waiting, WaitingPlace, Waits};

/// Maximum number of streams of all clients together.
const STREAMS: usize = 1_024;

/// Shared by the services of a server.
#[derive(Clone)]
pub(super) struct Entrance {
    queue: Arc<Mutex<Queue>>,
    patience: Duration,
}

#[derive(Default)]
struct Queue {
    next_id: u64,
    /// By age; dropping the sender ends the stream.
    streams: BTreeMap<u64, oneshot::Sender<()>>,
}

/// A stream at the entrance; dropping this removes it.
pub(super) struct Entering {
    id: u64,
    queue: Arc<Mutex<Queue>>,
    call: Call,
    _of_connection: OwnedSemaphorePermit,
    made_room: oneshot::Receiver<()>,
    patience: Duration,
    deadline: Instant,
}

/// The progress of a stream.
pub(super) enum Admission {
    /// No request was accepted yet.
    Entering(Entering),
    /// Its first request has arrived and is being checked.
    Checking(Call),
    /// It holds a place.
    Placed(Arc<WaitingPlace>),
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Entrance {
    /// Creates the entrance; `patience` is the time limit until a signed request is accepted.
    pub(super) fn new(patience: Duration) -> Self {
        Self { queue: Arc::default(), patience }
    }

    /// Admits a stream as soon as its connection has fewer than [`STREAMS_OF_ONE`] here.
    pub(super) async fn enter(&self, call: Call) -> Result<Entering, Status> {
        let patience = self.patience;
        let places = Arc::clone(call.connection().entrance());
        let waited = timeout_at(Instant::now() + patience, places.acquire_owned()).await;
        let Ok(Ok(of_connection)) = waited else {
            return Err(Status::resource_exhausted(format!(
                "this connection has reached its limit of {STREAMS_OF_ONE} streams without a \
                 signed request, and none of them got one within {patience:?}; send the signed \
                 request of each stream at once, or end streams that are not used"
            )));
        };
        let (end, made_room) = oneshot::channel();
        let mut queue = lock(&self.queue);
        if queue.streams.len() >= STREAMS {
            queue.streams.pop_first();
        }
        queue.next_id += 1;
        let id = queue.next_id;
        queue.streams.insert(id, end);
        drop(queue);
        let (queue, deadline) = (Arc::clone(&self.queue), Instant::now() + patience);
        Ok(Entering {
            id,
            queue,
            call,
            _of_connection: of_connection,
            made_room,
            patience,
            deadline,
        })
    }
}

impl Entering {
    /// Completes with an error when the stream has waited for too long.
    pub(super) async fn overdue(&mut self) -> Status {
        tokio::select! {
            () = sleep_until(self.deadline) => Status::deadline_exceeded(format!(
                "no signed request was accepted on this stream within {:?}",
                self.patience
            )),
            _ = &mut self.made_room => Status::resource_exhausted(format!(
                "{STREAMS} streams wait for their first signed request, and this one had waited \
                 for the longest time; send the signed request at once"
            )),
        }
    }

    pub(super) fn call(&self) -> &Call {
        &self.call
    }
}

impl Drop for Entering {
    fn drop(&mut self) {
        lock(&self.queue).streams.remove(&self.id);
    }
}

impl Admission {
    /// Completes with an error if no signed request is accepted in time.
    pub(super) async fn overdue(&mut self) -> Status {
        match self {
            Self::Entering(entering) => entering.overdue().await,
            Self::Checking(_) | Self::Placed(_) => pending().await,
        }
    }

    /// Returns the place, if the stream holds one.
    pub(super) fn place(&self) -> Option<Arc<WaitingPlace>> {
        match self {
            Self::Placed(place) => Some(Arc::clone(place)),
            Self::Entering(_) | Self::Checking(_) => None,
        }
    }

    /// Records that a request has arrived.
    pub(super) fn leave_entrance(&mut self) {
        if let Self::Entering(entering) = self {
            *self = Self::Checking(entering.call.clone());
        }
    }

    /// Assigns the stream a place, unless it has one: a signed request was accepted.
    pub(super) fn accept(
        &mut self,
        waits: &Waits,
        waiting: Waiting,
        identity: &[u8],
    ) -> Result<(), Status> {
        let call = match self {
            Self::Entering(Entering { call, .. }) | Self::Checking(call) => call,
            Self::Placed(_) => return Ok(()),
        };
        *self = Self::Placed(Arc::new(waits.place(waiting, identity, call)?));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    use tonic::Code;
    use tonic::codegen::http::Extensions;

    use super::*;
    use crate::connection_table::{ConnectionTable, Patience};
    use wasmcc_tls::Client;

    #[tokio::test]
    async fn the_oldest_stream_makes_room_for_a_newcomer() {
        let table = ConnectionTable::new(usize::MAX, Patience::default());
        let mut entries = Vec::new();
        let mut call = || {
            let (entry, _) = table.admit(None);
            let mut extensions = Extensions::new();
            let connection = Arc::clone(entry.connection());
            extensions.insert(Client { connection, certificate: None });
            entries.push(entry);
            Call::begin(&extensions).unwrap()
        };
        let entrance = Entrance::new(Duration::from_secs(600));
        let mut streams = Vec::new();
        for _ in 0..STREAMS / STREAMS_OF_ONE {
            let call = call();
            for _ in 0..STREAMS_OF_ONE {
                streams.push(entrance.enter(call.clone()).await.unwrap());
            }
        }
        let _newcomer = entrance.enter(call()).await.unwrap();
        let ended = streams[0].overdue().await;
        assert_eq!(ended.code(), Code::ResourceExhausted, "{ended}");
        assert!(lock(&entrance.queue).streams.contains_key(&streams[1].id));
        drop(streams);
        assert_eq!(lock(&entrance.queue).streams.len(), 1);
    }

    #[tokio::test]
    async fn a_burst_of_one_connection_waits_for_requests_that_have_come() {
        let call = Call::without_a_client();
        let patient = Entrance::new(Duration::from_secs(600));
        let mut streams = Vec::new();
        for _ in 0..STREAMS_OF_ONE {
            let entering = patient.enter(call.clone()).await.unwrap();
            streams.push(Admission::Entering(entering));
        }
        let mut one_more = pin!(patient.enter(call.clone()));
        let polled = poll_fn(|cx| Poll::Ready(one_more.as_mut().poll(cx).is_ready())).await;
        assert!(!polled, "it is held back");
        let impatient = Entrance::new(Duration::ZERO);
        let refused = impatient.enter(call.clone()).await.err().unwrap();
        assert_eq!(refused.code(), Code::ResourceExhausted);
        assert!(refused.message().contains("send the signed request"), "{refused}");
        // While its request is checked the stream is open, but not at the entrance.
        streams[7].leave_entrance();
        one_more.await.unwrap();
    }
}
