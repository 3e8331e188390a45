//! The data of the page: a peer, and its events since this process started.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::web::calls::Calls;
use crate::web::failure::Failure;
use crate::web::feed::Feed;
use crate::web::params::Params;
use wasmcc_audit::LaboratoryConfig;
use wasmcc_channel::Channel;
use wasmcc_node::Peer;

/// How long a request waits for a free slot.
const TURN: Duration = Duration::from_secs(10);
/// Limit on simultaneous reads.
const READERS: usize = 8;
/// Limit on simultaneous streams.
const STREAMS: usize = 32;
/// The number of contract descriptions that are kept.
const DESCRIPTIONS: usize = 100;

/// Makes the configuration for replays.
pub(crate) type MakeLaboratory = Box<dyn Fn() -> anyhow::Result<LaboratoryConfig> + Send + Sync>;

/// See the head of this file.
pub(crate) struct Site {
    /// The peer with the channels.
    pub(crate) peer: Arc<Peer>,
    /// The events.
    pub(crate) feed: Arc<Feed>,
    /// Calls of chaincodes; None on a read-only page.
    pub(crate) calls: Option<Calls>,
    /// For replays.
    pub(crate) laboratory: MakeLaboratory,
    /// Limits on simultaneous work for the page.
    pub(crate) turns: Turns,
    /// Cached descriptions of packages and metadata of contracts.
    pub(crate) descriptions: Mutex<HashMap<String, Value>>,
}

/// Limits on simultaneous work.
pub(crate) struct Turns {
    /// Reads.
    pub(super) readers: Arc<Semaphore>,
    /// Streams.
    pub(super) streams: Arc<Semaphore>,
    /// Replays, one at a time: each rebuilds the state of a channel.
    pub(super) replays: Arc<Semaphore>,
}

impl Default for Turns {
    fn default() -> Self {
        let places = |places| Arc::new(Semaphore::new(places));
        Self { readers: places(READERS), streams: places(STREAMS), replays: places(1) }
    }
}

/// An answer to a request.
pub(super) enum Answer {
    /// JSON, for most requests.
    Json(Value),
    /// A whole value, to be saved.
    Bytes(Vec<u8>),
}

impl From<Value> for Answer {
    fn from(value: Value) -> Self {
        Self::Json(value)
    }
}

/// A function that answers a request; it may block.
pub(super) type Read = fn(&Site, &mut Params) -> Result<Answer, Failure>;

impl Site {
    /// Returns the channel that a request names.
    pub(super) fn channel(&self, params: &mut Params) -> Result<Arc<Channel>, Failure> {
        let name = params.text("channel")?;
        let found = self.peer.channels().get(&name);
        found.ok_or_else(|| {
            let names = self.peer.channels().ids().join(", ");
            Failure::missing(format!("this peer is not on a channel {name:?}; it is on {names}"))
        })
    }

    /// Runs a read on a thread that may block, after waiting for a free slot.
    pub(super) async fn read(
        self: Arc<Self>,
        read: Read,
        places: Arc<Semaphore>,
        query: Option<String>,
    ) -> Result<Answer, Failure> {
        let Ok(Ok(turn)) = timeout(TURN, places.acquire_owned()).await else {
            return Err(Failure::busy("too many requests at once: try again"));
        };
        let work = move || {
            let _until_it_is_done = turn;
            let mut params = Params::parse(query.as_deref())?;
            let answer = read(&self, &mut params)?;
            params.end()?;
            Ok(answer)
        };
        // A panic was logged.
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|_| Err(Failure::busy("it could not be read: see the log")))
    }

    /// Returns the cached description for a key, or calls `describe`. Failures are not cached.
    pub(super) fn describe(&self, package: &str, describe: impl FnOnce() -> Value) -> Value {
        if let Some(known) = lock(&self.descriptions).get(package) {
            return known.clone();
        }
        let described = describe();
        if described.is_null() || !described["error"].is_null() {
            return described;
        }
        let mut known = lock(&self.descriptions);
        if known.len() >= DESCRIPTIONS {
            known.clear();
        }
        known.insert(package.to_owned(), described.clone());
        described
    }
}

/// Returns a random id of this many bytes, in hexadecimal.
pub(super) fn random_id<const BYTES: usize>() -> String {
    let bytes: [u8; BYTES] = rand::random();
    wasmcc_types::hex(&bytes)
}

/// Locks a mutex, also after a panic: no panic leaves these values inconsistent.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
