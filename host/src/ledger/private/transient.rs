//! The transient store: private sets of simulations whose transactions are not in a block yet.
//! Fabric: `core/transientstore`.
//!
//! Several sets may wait for one transaction, if endorsers did not agree; the hash in the block
//! says which of them counts. Proposals cost their clients nothing, so what waits is bounded: a set
//! goes when its transaction is in a block, after so many blocks, and after so much time; and one
//! client may have only its share waiting.
//!
//! Invariant: what is kept is on disk, and the sums are those of the rows: both change together.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use prost::Message;

use crate::ledger::config::LedgerConfig;
use crate::ledger::error::LedgerError;
use crate::ledger::private::rows;
use crate::ledger::store::Batch;
use crate::ledger::store::Table;
use crate::proto::rwset::TxPvtReadWriteSet;
use crate::types::sha256;

/// How often the times of all sets are looked at, at most.
const LOOK_EVERY_SECS: u64 = 10;

/// The waiting sets of one channel.
pub(crate) struct TransientStore {
    table: Table,
    /// The lock keeps changes of the store apart.
    sums: Mutex<Sums>,
}

/// The bytes that wait.
#[derive(Default)]
struct Sums {
    total: u64,
    /// By the hash of the client's identity; of clients that have something waiting.
    by_creator: HashMap<[u8; 32], u64>,
    /// When the times of all sets were looked at last, in seconds since 1970.
    looked: u64,
}

/// What the row of a set's age says of it.
#[derive(Clone, Copy)]
struct Waiting {
    bytes: u64,
    /// When it came, in seconds since 1970; sets of earlier versions do not say.
    since: Option<u64>,
    creator: [u8; 32],
}

/// Sets that go, each once, by their rows of age.
#[derive(Default)]
struct Removal {
    sets: BTreeMap<Vec<u8>, Waiting>,
}

/// Which sets have waited for too long.
pub(crate) struct Bounds {
    /// Those that came below this height.
    below: u64,
    /// Those that came in this second since 1970 or before.
    up_to: u64,
    /// This second since 1970.
    now: u64,
}

impl Bounds {
    /// What a configuration allows at a height, now.
    pub(crate) fn now(config: &LedgerConfig, height: u64) -> Self {
        let below = height.saturating_sub(config.transient_retention_blocks);
        let now = now();
        Self { below, up_to: now.saturating_sub(config.transient_retention_secs), now }
    }
}

impl Sums {
    fn add(&mut self, set: &Waiting) {
        self.total += set.bytes;
        *self.by_creator.entry(set.creator).or_default() += set.bytes;
    }

    fn remove(&mut self, set: &Waiting) {
        self.total -= set.bytes.min(self.total);
        if let Some(bytes) = self.by_creator.get_mut(&set.creator) {
            *bytes -= set.bytes.min(*bytes);
            if *bytes == 0 {
                self.by_creator.remove(&set.creator);
            }
        }
    }

    /// Whether so much more may wait.
    fn check(&self, set: &Waiting, config: &LedgerConfig) -> Result<(), LedgerError> {
        let limit = config.max_transient_bytes_of_client;
        let own = self.by_creator.get(&set.creator).copied().unwrap_or_default();
        if own.saturating_add(set.bytes) > limit {
            return Err(LedgerError::TransientShareUsed { limit });
        }
        let limit = config.max_transient_bytes;
        if self.total.saturating_add(set.bytes) > limit {
            return Err(LedgerError::TransientStoreFull { limit });
        }
        Ok(())
    }
}

impl Waiting {
    fn encode(&self) -> Vec<u8> {
        let since = self.since.unwrap_or_default();
        [&self.bytes.to_be_bytes()[..], &since.to_be_bytes(), &self.creator].concat()
    }

    fn decode(row: &[u8]) -> Result<Self, LedgerError> {
        let parts = || {
            let (bytes, rest) = row.split_first_chunk()?;
            let bytes = u64::from_be_bytes(*bytes);
            if rest.is_empty() {
                return Some(Self { bytes, since: None, creator: [0; 32] });
            }
            let (since, creator) = rest.split_first_chunk()?;
            let creator = creator.try_into().ok()?;
            Some(Self { bytes, since: Some(u64::from_be_bytes(*since)), creator })
        };
        parts().ok_or(LedgerError::CorruptPrivateData { what: "a waiting set has no length" })
    }
}

impl TransientStore {
    pub(crate) fn new(table: Table) -> Self {
        Self { table, sums: Mutex::default() }
    }

    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    /// Adds up what is there, and removes the sets of transactions that are `committed`.
    pub(crate) fn load(
        &self,
        committed: impl Fn(&str) -> Result<bool, LedgerError>,
    ) -> Result<(), LedgerError> {
        let mut sums = self.lock();
        *sums = Sums::default();
        let mut removal = Removal::default();
        for row in self.sets_by_age(rows::ages()) {
            let (row, set) = row?;
            sums.add(&set);
            if committed(&rows::age_parts(&row)?.0)? {
                removal.add(row, set);
            }
        }
        self.remove(&mut sums, removal)
    }

    /// Keeps a set that a client's simulation made at a height. Nothing happens if it is there
    /// already. `creator` is the client's serialized identity.
    pub(crate) fn keep(
        &self,
        tx_id: &str,
        creator: &[u8],
        set: &TxPvtReadWriteSet,
        height: u64,
        config: &LedgerConfig,
    ) -> Result<(), LedgerError> {
        let set = set.encode_to_vec();
        let hash = sha256(&set);
        {
            let mut sums = self.lock();
            if !self.table.contains(&rows::waiting(tx_id, &hash))? {
                let waiting = Waiting {
                    bytes: set.len() as u64,
                    since: Some(now()),
                    creator: sha256(creator),
                };
                if sums.check(&waiting, config).is_err() {
                    // Where no blocks come, nothing else looks at what is too old.
                    self.remove_old(&mut sums, &Bounds::now(config, height))?;
                }
                sums.check(&waiting, config)?;
                let mut batch = Batch::default();
                batch.put(rows::age(height, tx_id, &hash), waiting.encode());
                let value = [&height.to_be_bytes()[..], &set].concat();
                batch.put(rows::waiting(tx_id, &hash), value);
                self.table.apply(batch)?;
                sums.add(&waiting);
            }
        }
        // Without the lock: one flush may do for many.
        self.table.flush()
    }

    /// All sets that wait for a transaction.
    pub(crate) fn sets(&self, tx_id: &str) -> Result<Vec<TxPvtReadWriteSet>, LedgerError> {
        let (from, to) = rows::waiting_for(tx_id);
        let sets = self.table.range(&from, &to).map(|row| {
            let (_, value) = row?;
            let set = value.get(8..).and_then(|set| TxPvtReadWriteSet::decode(set).ok());
            set.ok_or(LedgerError::CorruptPrivateData { what: "a waiting set does not parse" })
        });
        sets.collect()
    }

    /// Removes the sets of transactions that are in a block, however often it names them, and those
    /// that have waited for too long.
    pub(crate) fn forget<'a>(
        &self,
        tx_ids: impl Iterator<Item = &'a str>,
        bounds: &Bounds,
    ) -> Result<(), LedgerError> {
        let mut sums = self.lock();
        if sums.total == 0 {
            return Ok(());
        }
        let mut removal = Removal::default();
        for tx_id in tx_ids {
            let (from, to) = rows::waiting_for(tx_id);
            for row in self.table.range(&from, &to) {
                let (row, value) = row?;
                let height = value
                    .first_chunk()
                    .ok_or(LedgerError::CorruptPrivateData { what: "a waiting set has no age" })?;
                let hash = row.get(from.len()..).unwrap_or_default();
                let age = rows::age(u64::from_be_bytes(*height), tx_id, hash);
                let set = self.table.get(&age, Waiting::decode)?;
                removal.add(
                    age,
                    set.ok_or(LedgerError::CorruptPrivateData { what: "a set has no age" })?,
                );
            }
        }
        self.remove(&mut sums, removal)?;
        self.remove_old(&mut sums, bounds)
    }

    /// Heights are looked at in order; for the times all sets must be looked at, so that happens
    /// only now and then.
    fn remove_old(&self, sums: &mut Sums, bounds: &Bounds) -> Result<(), LedgerError> {
        let mut removal = Removal::default();
        for row in self.sets_by_age(rows::ages_below(bounds.below)) {
            let (row, set) = row?;
            removal.add(row, set);
        }
        if bounds.now >= sums.looked.saturating_add(LOOK_EVERY_SECS) {
            sums.looked = bounds.now;
            for row in self.sets_by_age(rows::ages()) {
                let (row, set) = row?;
                if set.since.is_some_and(|since| since <= bounds.up_to) {
                    removal.add(row, set);
                }
            }
        }
        self.remove(sums, removal)
    }

    /// The only place where sets go, and where sums become smaller.
    fn remove(&self, sums: &mut Sums, removal: Removal) -> Result<(), LedgerError> {
        if removal.sets.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::default();
        for row in removal.sets.keys() {
            let (tx_id, hash) = rows::age_parts(row)?;
            batch.delete(rows::waiting(&tx_id, &hash));
            batch.delete(row.clone());
        }
        self.table.apply(batch)?;
        removal.sets.values().for_each(|set| sums.remove(set));
        Ok(())
    }

    fn sets_by_age(
        &self,
        (from, to): (Vec<u8>, Vec<u8>),
    ) -> impl Iterator<Item = Result<(Vec<u8>, Waiting), LedgerError>> {
        self.table.range(&from, &to).map(|row| {
            let (row, value) = row?;
            Ok((row, Waiting::decode(&value)?))
        })
    }

    fn lock(&self) -> MutexGuard<'_, Sums> {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sets that wait, in bytes.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> u64 {
        let sums = self.lock();
        assert_eq!(sums.by_creator.values().sum::<u64>(), sums.total);
        let rows = self.sets_by_age(rows::ages()).map(|row| row.unwrap().1.bytes);
        assert_eq!(rows.sum::<u64>(), sums.total, "the sums are those of the rows");
        sums.total
    }
}

impl Removal {
    fn add(&mut self, age: Vec<u8>, set: Waiting) {
        self.sets.insert(age, set);
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
