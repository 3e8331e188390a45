//! Finds the transaction that wrote the key of a conflict, for explanations.
//!
//! Invariant: never fails a commit: a name that cannot be found is left out.

use std::collections::HashMap;

use crate::block::envelope::TxEnvelope;
use crate::block::tx::CommitTx;
use crate::block::updates::{KeyUpdate, UpdateBatch};
use crate::commit::conflict::Conflict;
use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::store::key;
use wasmcc_types::Height;

/// Finds the writers of conflicts while one block is validated. Caches them: many transactions
/// conflict with few.
pub(crate) struct WriterNames<'a> {
    ledger: &'a Ledger,
    number: u64,
    txs: &'a [CommitTx],
    known: HashMap<Height, Option<String>>,
}

impl<'a> WriterNames<'a> {
    /// Makes a finder for the block with this number and these transactions.
    pub(crate) fn new(ledger: &'a Ledger, number: u64, txs: &'a [CommitTx]) -> Self {
        Self { ledger, number, txs, known: HashMap::new() }
    }

    /// Sets the writer. `updates` are the changes of the block so far.
    pub(crate) fn add(&mut self, conflict: &mut Conflict, updates: &UpdateBatch) {
        // A deleted key has no version; the changes of the block or the history have its last
        // write.
        let at = match &*conflict {
            Conflict::Key { now: Some(now), .. }
            | Conflict::PrivateKey { now: Some(now), .. }
            | Conflict::Range { now: Some(now), .. } => Some(*now),
            Conflict::Key { namespace, key, .. }
            | Conflict::Range { namespace, key: Some(key), .. } => {
                let update =
                    updates.public(namespace, key).map(|update: &KeyUpdate| update.version);
                update.or_else(|| self.last_write(namespace, key).ok().flatten())
            }
            Conflict::PrivateKey { namespace, collection, key_hash, .. } => {
                updates.hashed(namespace, collection, key_hash).map(|update| update.version)
            }
            Conflict::Range { newest, .. } => newest.as_ref().map(|newest| newest.version),
            Conflict::DuplicateTxId { .. } | Conflict::Refused { .. } => None,
        };
        let name = at.and_then(|at| self.name(at));
        match conflict {
            Conflict::Range { newest: Some(newest), .. } => newest.writer = name,
            Conflict::Key { writer, .. }
            | Conflict::PrivateKey { writer, .. }
            | Conflict::Range { writer, .. } => *writer = name,
            Conflict::DuplicateTxId { .. } | Conflict::Refused { .. } => {}
        }
    }

    /// Returns the last write of a key that no longer exists.
    fn last_write(&self, namespace: &str, key: &str) -> Result<Option<Height>, LedgerError> {
        let (from, to) = key::history_range(namespace, key);
        let Some((_, heights)) = self.ledger.table.range(&from, &to).next_back().transpose()?
        else {
            return Ok(None);
        };
        Ok(key::heights(&heights).and_then(|heights| heights.last().copied()))
    }

    fn name(&mut self, at: Height) -> Option<String> {
        if at.block == self.number {
            return self.txs.get(usize::try_from(at.tx).ok()?)?.tx_id.clone();
        }
        let ledger = self.ledger;
        let look_up = || {
            let envelope = TxEnvelope::parse(&ledger.envelope(at).ok()?).ok()?;
            Some(envelope.into_channel_header().tx_id)
        };
        self.known.entry(at).or_insert_with(look_up).clone()
    }
}
