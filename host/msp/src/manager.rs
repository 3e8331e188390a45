//! All organizations of a channel, with a cache of recent identities.
//!
//! Does not decide what an identity may do: policies do.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use foldhash::fast::RandomState;
use prost::Message;

use crate::error::MspError;
use crate::identity::Identity;
use crate::membership::Msp;
use wasmcc_types::proto::msp::SerializedIdentity;

/// Entries of one generation of the cache. There are two generations.
const GENERATION_ENTRIES: usize = 512;
/// Longest identity that is cached, in bytes. A client can append anything to its certificate, so
/// only usual sizes are cached.
const MAX_CACHED_BYTES: usize = 8 * 1024;

/// The organizations of one channel, or a peer's own one.
#[derive(Debug)]
pub struct MspManager {
    orgs: BTreeMap<String, Arc<Msp>>,
    cache: RwLock<Generations>,
}

/// Identities by their serialized bytes. The keys have hundreds of bytes, so a quick hash is used;
/// this is safe because only valid identities are entered.
type Identities = HashMap<Vec<u8>, Arc<Identity>, RandomState>;

/// Identities by their serialized bytes. A full young generation becomes the old one; entries that
/// are used again move back. This bounds the cache, and a hit needs only a read lock.
#[derive(Debug, Default)]
struct Generations {
    young: Identities,
    old: Identities,
}

impl MspManager {
    /// Combines organizations. If two have the same id, the first one is used.
    pub fn new(orgs: impl IntoIterator<Item = impl Into<Arc<Msp>>>) -> Self {
        let mut by_id = BTreeMap::new();
        for org in orgs {
            let org = org.into();
            by_id.entry(org.id().to_owned()).or_insert(org);
        }
        Self { orgs: by_id, cache: RwLock::default() }
    }

    /// The MSP ids, sorted.
    pub fn msp_ids(&self) -> impl Iterator<Item = &str> {
        self.orgs.keys().map(String::as_str)
    }

    /// The organization with this MSP id.
    pub fn msp(&self, msp_id: &str) -> Option<&Msp> {
        self.orgs.get(msp_id).map(Arc::as_ref)
    }

    /// Reads and validates a serialized identity. Equal bytes are validated only once while they
    /// are cached.
    pub fn deserialize(&self, serialized: &[u8]) -> Result<Arc<Identity>, MspError> {
        if let Some(identity) = self.cached(serialized) {
            return Ok(identity);
        }
        let parts = SerializedIdentity::decode(serialized).map_err(MspError::Serialized)?;
        let Some(org) = self.orgs.get(&parts.mspid) else {
            return Err(MspError::UnknownMsp { msp_id: parts.mspid });
        };
        let identity = Arc::new(org.identity(&parts.id_bytes)?);
        if serialized.len() <= MAX_CACHED_BYTES {
            let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
            cache.insert(serialized.to_vec(), identity.clone());
        }
        Ok(identity)
    }

    fn cached(&self, serialized: &[u8]) -> Option<Arc<Identity>> {
        {
            let cache = self.cache.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(identity) = cache.young.get(serialized) {
                return Some(identity.clone());
            }
            if !cache.old.contains_key(serialized) {
                return None;
            }
        }
        let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        let (key, identity) = cache.old.remove_entry(serialized)?;
        cache.insert(key, identity.clone());
        Some(identity)
    }
}

impl Generations {
    fn insert(&mut self, key: Vec<u8>, identity: Arc<Identity>) {
        if self.young.len() >= GENERATION_ENTRIES {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, identity);
    }
}
