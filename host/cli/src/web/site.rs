//! What the page shows: a peer, and what has happened on it since this process began.

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

/// How long a request waits for its place.
const TURN: Duration = Duration::from_secs(10);
/// Requests that read at the same time.
const READERS: usize = 8;
/// Streams that are followed at the same time.
const STREAMS: usize = 32;
/// Descriptions of contracts that are kept.
const DESCRIPTIONS: usize = 100;

/// How transactions of the past run here.
pub(crate) type MakeLaboratory = Box<dyn Fn() -> anyhow::Result<LaboratoryConfig> + Send + Sync>;

/// See the head of this file.
pub(crate) struct Site {
    /// Whose channels they are.
    pub(crate) peer: Arc<Peer>,
    /// What happens.
    pub(crate) feed: Arc<Feed>,
    /// Calls of chaincodes; None: the page is for reading.
    pub(crate) calls: Option<Calls>,
    /// For replays.
    pub(crate) laboratory: MakeLaboratory,
    /// What bounds the work for the page.
    pub(crate) turns: Turns,
    /// By package id: what contracts say of themselves.
    pub(crate) descriptions: Mutex<HashMap<String, Value>>,
}

/// How much is done at the same time.
pub(crate) struct Turns {
    /// Reading.
    pub(super) readers: Arc<Semaphore>,
    /// Following.
    pub(super) streams: Arc<Semaphore>,
    /// One replay at a time: it makes the state of a channel again.
    pub(super) replays: Arc<Semaphore>,
}

impl Default for Turns {
    fn default() -> Self {
        let places = |places| Arc::new(Semaphore::new(places));
        Self { readers: places(READERS), streams: places(STREAMS), replays: places(1) }
    }
}

/// What a request gets.
pub(super) enum Answer {
    /// Most of them.
    Json(Value),
    /// A value as it is, to be saved.
    Bytes(Vec<u8>),
}

impl From<Value> for Answer {
    fn from(value: Value) -> Self {
        Self::Json(value)
    }
}

/// Answers one kind of request; it may block.
pub(super) type Read = fn(&Site, &mut Params) -> Result<Answer, Failure>;

impl Site {
    /// The channel that a request names.
    pub(super) fn channel(&self, params: &mut Params) -> Result<Arc<Channel>, Failure> {
        let name = params.text("channel")?;
        let found = self.peer.channels().get(&name);
        found.ok_or_else(|| {
            let names = self.peer.channels().ids().join(", ");
            Failure::missing(format!("this peer is not on a channel {name:?}; it is on {names}"))
        })
    }

    /// Reads on a thread that may block, when there is a place for it.
    pub(super) async fn read(
        self: Arc<Self>,
        read: Read,
        places: Arc<Semaphore>,
        query: Option<String>,
    ) -> Result<Answer, Failure> {
        let Ok(Ok(turn)) = timeout(TURN, places.acquire_owned()).await else {
            return Err(Failure::busy("too much is read at once: try again"));
        };
        let work = move || {
            let _until_it_is_done = turn;
            let mut params = Params::parse(query.as_deref())?;
            let answer = read(&self, &mut params)?;
            params.end()?;
            Ok(answer)
        };
        // A panic is in the log.
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|_| Err(Failure::busy("it could not be read: see the log")))
    }

    /// What `describe` says of a package, or has said before. What failed is tried again.
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

/// An id of so many bytes that nobody can guess, in hexadecimal.
pub(super) fn random_id<const BYTES: usize>() -> String {
    let bytes: [u8; BYTES] = rand::random();
    wasmcc_types::hex(&bytes)
}

/// Locks what no panic can leave half done.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
