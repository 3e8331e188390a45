//! Streams on which no signed request was accepted yet.
//!
//! Invariant: such a stream holds no place of an accepted one. Their number and their time are
//! bounded. If there are too many, the oldest is ended, so that a client that sends its signed
//! request at once always gets in.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};
use tonic::Status;

use crate::call::Call;
use crate::waits::{Waiting, WaitingPlace, Waits};

/// Streams of all clients together.
const STREAMS: usize = 1_024;
/// Streams of one connection.
const STREAMS_OF_ONE: usize = 128;

/// Shared by the services of a server.
#[derive(Clone)]
pub(super) struct Entrance {
    queue: Arc<Mutex<Queue>>,
    patience: Duration,
}

#[derive(Default)]
struct Queue {
    next_id: u64,
    /// By age: the connection of each, and what ends it when it is dropped.
    streams: BTreeMap<u64, (u64, oneshot::Sender<()>)>,
}

/// A stream at the entrance, until it is dropped.
pub(super) struct Entering {
    id: u64,
    queue: Arc<Mutex<Queue>>,
    call: Call,
    made_room: oneshot::Receiver<()>,
    patience: Duration,
    deadline: Instant,
}

/// How far a stream has come.
pub(super) enum Admission {
    /// No request of it was accepted yet.
    Entering(Entering),
    /// It holds a place.
    Placed(#[expect(dead_code, reason = "held, not used")] WaitingPlace),
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Entrance {
    /// Streams have `patience` until a signed request has to be accepted.
    pub(super) fn new(patience: Duration) -> Self {
        Self { queue: Arc::default(), patience }
    }

    /// Lets a stream in.
    pub(super) fn enter(&self, call: Call) -> Result<Entering, Status> {
        let connection = call.connection().id();
        let (end, made_room) = oneshot::channel();
        let mut queue = lock(&self.queue);
        let own = queue.streams.values().filter(|(of, _)| *of == connection).count();
        if own >= STREAMS_OF_ONE {
            return Err(Status::resource_exhausted(format!(
                "this connection has {own} streams on which no signed request was accepted yet, \
                 which is as many as it may have"
            )));
        }
        if queue.streams.len() >= STREAMS {
            queue.streams.pop_first();
        }
        queue.next_id += 1;
        let id = queue.next_id;
        queue.streams.insert(id, (connection, end));
        drop(queue);
        let (queue, patience) = (Arc::clone(&self.queue), self.patience);
        let deadline = Instant::now() + patience;
        Ok(Entering { id, queue, call, made_room, patience, deadline })
    }
}

impl Entering {
    /// Completes when the stream has waited for too long.
    pub(super) async fn overdue(&mut self) -> Status {
        tokio::select! {
            () = sleep_until(self.deadline) => Status::deadline_exceeded(format!(
                "no signed request was accepted on this stream within {:?}", self.patience
            )),
            _ = &mut self.made_room => Status::resource_exhausted(format!(
                "{STREAMS} streams wait for their first signed request, and this one had waited \
                 for the longest time"
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
    /// Completes when no signed request was accepted in time.
    pub(super) async fn overdue(&mut self) -> Status {
        match self {
            Self::Entering(entering) => entering.overdue().await,
            Self::Placed(_) => pending().await,
        }
    }

    /// Gives the stream a place, if it has none: a signed request was accepted.
    pub(super) fn accept(
        &mut self,
        waits: &Waits,
        waiting: Waiting,
        identity: &[u8],
    ) -> Result<(), Status> {
        if let Self::Entering(entering) = self {
            *self = Self::Placed(waits.place(waiting, identity, entering.call())?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
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
            streams.extend((0..STREAMS_OF_ONE).map(|_| entrance.enter(call.clone()).unwrap()));
            let refused = entrance.enter(call).err().unwrap();
            assert_eq!(refused.code(), Code::ResourceExhausted);
        }
        let _newcomer = entrance.enter(call()).unwrap();
        let ended = streams[0].overdue().await;
        assert_eq!(ended.code(), Code::ResourceExhausted, "{ended}");
        assert!(lock(&entrance.queue).streams.contains_key(&streams[1].id));
        drop(streams);
        assert_eq!(lock(&entrance.queue).streams.len(), 1);
    }
}
