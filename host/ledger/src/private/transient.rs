//! The transient store: private sets of simulations whose transactions are not in a block yet.
//! Fabric: `core/transientstore`.
//!
//! Several sets may wait for one transaction, if endorsers disagreed; the hash in the block selects
//! one. Proposals cost clients nothing, so the waiting sets are bounded, and each client has a
//! share. A set is removed when its transaction is in a block, after a number of blocks, and after
//! a time.
//!
//! Invariant: kept sets are on disk, and the sums in memory equal those of the rows: both change
//! together.

use std::collections::{BTreeMap, HashMap};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use prost::Message;

use crate::config::LedgerConfig;
use crate::error::LedgerError;
use crate::private::rows;
use crate::store::{Batch, Table};
use wasmcc_types::proto::rwset::TxPvtReadWriteSet;
use wasmcc_types::sha256;

/// Shortest interval between two checks of the arrival times of all sets.
const LOOK_EVERY_SECS: u64 = 10;

/// The waiting sets of one channel.
pub(crate) struct TransientStore {
    table: Table,
    /// The lock also serializes changes of the store.
    sums: Mutex<Sums>,
}

/// Bytes of the waiting sets.
#[derive(Default)]
struct Sums {
    total: u64,
    /// By the hash of the client's identity; only clients with waiting sets.
    by_creator: HashMap<[u8; 32], u64>,
    /// The last check of all arrival times, in seconds since 1970.
    looked: u64,
}

/// The contents of a row of `age`.
#[derive(Clone, Copy)]
struct WaitingSet {
    bytes: u64,
    /// Arrival in seconds since 1970; None for sets of early versions.
    since: Option<u64>,
    creator: [u8; 32],
}

/// The sets to remove, without duplicates, by their rows of `age`.
#[derive(Default)]
struct Removal {
    sets: BTreeMap<Vec<u8>, WaitingSet>,
}

/// Limits on the age of waiting sets.
pub(crate) struct WaitingBounds {
    /// Sets that arrived below this height are too old.
    below: u64,
    /// Sets that arrived at or before this second since 1970 are too old.
    up_to: u64,
    /// The current second since 1970.
    now: u64,
}

impl WaitingBounds {
    /// The limits of a configuration at a height, now.
    pub(crate) fn now(config: &LedgerConfig, height: u64) -> Self {
        let below = height.saturating_sub(config.transient_retention_blocks);
        let now = now();
        Self { below, up_to: now.saturating_sub(config.transient_retention_secs), now }
    }
}

impl Sums {
    fn add(&mut self, set: &WaitingSet) {
        self.total += set.bytes;
        *self.by_creator.entry(set.creator).or_default() += set.bytes;
    }

    fn remove(&mut self, set: &WaitingSet) {
        self.total -= set.bytes.min(self.total);
        if let Some(bytes) = self.by_creator.get_mut(&set.creator) {
            *bytes -= set.bytes.min(*bytes);
            if *bytes == 0 {
                self.by_creator.remove(&set.creator);
            }
        }
    }

    /// Checks the limits before a set is added.
    fn check(&self, set: &WaitingSet, config: &LedgerConfig) -> Result<(), LedgerError> {
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

impl WaitingSet {
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

    /// Computes the sums, and removes the sets of transactions that are `committed`.
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

    /// Keeps a set of a client's simulation at a height. Does nothing if it is kept already.
    /// `creator` is the client's serialized identity.
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
                let waiting = WaitingSet {
                    bytes: set.len() as u64,
                    since: Some(now()),
                    creator: sha256(creator),
                };
                if sums.check(&waiting, config).is_err() {
                    // Without new blocks, old sets are removed only here.
                    self.remove_old(&mut sums, &WaitingBounds::now(config, height))?;
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
        // The lock is released first, so that one flush can serve several callers.
        self.table.flush()
    }

    /// Returns all sets that wait for a transaction.
    pub(crate) fn sets(&self, tx_id: &str) -> Result<Vec<TxPvtReadWriteSet>, LedgerError> {
        let (from, to) = rows::waiting_for(tx_id);
        let sets = self.table.range(&from, &to).map(|row| {
            let (_, value) = row?;
            let set = value.get(8..).and_then(|set| TxPvtReadWriteSet::decode(set).ok());
            set.ok_or(LedgerError::CorruptPrivateData { what: "a waiting set does not parse" })
        });
        sets.collect()
    }

    /// Removes the sets of transactions that are in a block, and sets that are too old. Ids may
    /// occur repeatedly.
    pub(crate) fn forget<'a>(
        &self,
        tx_ids: impl Iterator<Item = &'a str>,
        bounds: &WaitingBounds,
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
                let set = self.table.get(&age, WaitingSet::decode)?;
                removal.add(
                    age,
                    set.ok_or(LedgerError::CorruptPrivateData { what: "a set has no age" })?,
                );
            }
        }
        self.remove(&mut sums, removal)?;
        self.remove_old(&mut sums, bounds)
    }

    /// Removes old sets. Heights are ordered. To check the times, all sets are read, so that
    /// happens only at intervals.
    fn remove_old(&self, sums: &mut Sums, bounds: &WaitingBounds) -> Result<(), LedgerError> {
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

    /// Removes sets and reduces the sums; nothing else does.
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
    ) -> impl Iterator<Item = Result<(Vec<u8>, WaitingSet), LedgerError>> {
        self.table.range(&from, &to).map(|row| {
            let (row, value) = row?;
            Ok((row, WaitingSet::decode(&value)?))
        })
    }

    fn lock(&self) -> MutexGuard<'_, Sums> {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of the waiting sets.
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
    fn add(&mut self, age: Vec<u8>, set: WaitingSet) {
        self.sets.insert(age, set);
    }
}

/// Returns the seconds since 1970, by a clock that starts at the system time and is monotonic
/// afterwards. So a change of the system time does not age waiting sets.
fn now() -> u64 {
    static BEGUN: LazyLock<(Instant, u64)> = LazyLock::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        (Instant::now(), since.map_or(0, |since| since.as_secs()))
    });
    BEGUN.1.saturating_add(BEGUN.0.elapsed().as_secs())
}
