//! The ledger's verdicts on the transactions of a block, and the changes of the valid ones.
//!
//! Invariant: a verdict changes only from VALID to DUPLICATE_TXID, INVALID_WRITESET,
//! MVCC_READ_CONFLICT or PHANTOM_READ_CONFLICT.

use std::collections::{HashMap, HashSet};

use crate::block::config_tx::is_config;
use crate::block::known_state::KnownState;
use crate::block::matched::MatchedBlock;
use crate::block::rwset::TxRwSet;
use crate::block::tx::{CommitTx, tx_id};
use crate::block::updates::UpdateBatch;
use crate::commit::committed::CachedState;
use crate::commit::conflict::Conflict;
use crate::commit::refused_write::find_refused_write;
use crate::commit::validate::find_conflict;
use crate::commit::writer_names::WriterNames;
use crate::error::LedgerError;
use crate::ledger::{Ledger, Tip};
use wasmcc_types::proto::protos::TxValidationCode;
use wasmcc_types::{Height, sha256_all};

/// The verdicts on a block, and the commit hash.
pub(crate) struct BlockOutcome {
    pub(crate) codes: Vec<TxValidationCode>,
    pub(crate) conflicts: Vec<Option<Conflict>>,
    pub(crate) commit_hash: Vec<u8>,
}

/// The outcome of a block, and the changes of its valid transactions.
type Judged = (BlockOutcome, UpdateBatch);

impl BlockOutcome {
    fn new(
        tip: &Tip,
        txs: &[CommitTx],
        conflicts: Vec<Option<Conflict>>,
        updates: &UpdateBatch,
    ) -> Self {
        let code = |(tx, conflict): (&CommitTx, &Option<Conflict>)| {
            conflict.as_ref().map_or(tx.code, Conflict::code)
        };
        let codes: Vec<_> = txs.iter().zip(&conflicts).map(code).collect();
        let commit_hash = next_commit_hash(tip, &codes, updates);
        Self { codes, conflicts, commit_hash }
    }
}

impl Ledger {
    /// Validates the transactions of the next block and collects the changes of the valid ones.
    /// `known` is state that was read before. `writes` returns true for the transactions whose
    /// writes have to satisfy CouchDB's rules.
    pub(crate) fn judge(
        &self,
        tip: &Tip,
        txs: &[CommitTx],
        known: KnownState,
        writes: impl Fn(usize) -> bool,
    ) -> Result<Judged, LedgerError> {
        let known = known.of_height(tip.height);
        let mut conflicts = self.find_duplicates(txs, &known)?;
        let mut updates = UpdateBatch::default();
        let state = CachedState::new(&self.table, known.into_rows());
        let mut writers = WriterNames::new(self, tip.height, txs);
        for (index, (tx, conflict)) in txs.iter().zip(&mut conflicts).enumerate() {
            let Some(rwset) = valid_rwset(tx) else { continue };
            if conflict.is_none() && writes(index) {
                *conflict = find_refused_write(rwset);
            }
            if conflict.is_none() {
                *conflict = find_conflict(rwset, &updates, &state)?;
                if let Some(conflict) = conflict {
                    writers.add(conflict, &updates);
                }
            }
            if conflict.is_none() {
                updates.apply(rwset, Height::new(tip.height, index as u64), &state)?;
            }
        }
        Ok((BlockOutcome::new(tip, txs, conflicts, &updates), updates))
    }

    /// Collects the changes of a block whose verdicts are final.
    pub(crate) fn trust(&self, tip: &Tip, txs: &[CommitTx]) -> Result<Judged, LedgerError> {
        let mut updates = UpdateBatch::default();
        let state = CachedState::new(&self.table, HashMap::new());
        for (index, tx) in txs.iter().enumerate() {
            if let Some(rwset) = valid_rwset(tx) {
                updates.apply(rwset, Height::new(tip.height, index as u64), &state)?;
            }
        }
        Ok((BlockOutcome::new(tip, txs, vec![None; txs.len()], &updates), updates))
    }

    /// Finds chaincode transactions whose id is in the ledger already, or belongs to an earlier
    /// transaction of this block that is valid so far. Fabric: `checkTxIdDupsLedger`,
    /// `markTXIdDuplicates`.
    fn find_duplicates(
        &self,
        txs: &[CommitTx],
        known: &KnownState,
    ) -> Result<Vec<Option<Conflict>>, LedgerError> {
        let mut seen = HashSet::with_capacity(txs.len());
        txs.iter()
            .enumerate()
            .map(|(place, tx)| {
                let from_chaincode = |_: &&str| valid_rwset(tx).is_some_and(|set| !is_config(set));
                let Some(tx_id) = tx_id(tx).filter(from_chaincode) else {
                    return Ok(None);
                };
                let found = if known.is_new(place) { None } else { self.tx_entry(tx_id)? };
                if let Some(entry) = found {
                    return Ok(Some(Conflict::DuplicateTxId { block: Some(entry.height.block) }));
                }
                Ok((!seen.insert(tx_id)).then_some(Conflict::DuplicateTxId { block: None }))
            })
            .collect()
    }
}

/// Checks that a block continues the chain and has as many transactions as there are verdicts.
pub(crate) fn check_block(
    block: &MatchedBlock,
    tip: &Tip,
    verdicts: usize,
) -> Result<(), LedgerError> {
    let header = block.header();
    let number = header.number;
    if number != tip.height {
        return Err(LedgerError::BlockNumber { expected: tip.height, got: number });
    }
    if number == 0 && !header.previous_hash.is_empty() {
        return Err(LedgerError::NotGenesis { reason: "it names a predecessor" });
    }
    if number > 0 && header.previous_hash != tip.current_hash {
        return Err(LedgerError::PreviousHash { number });
    }
    let envelopes = block.entries().len();
    if envelopes != verdicts {
        return Err(LedgerError::VerdictCount { number, envelopes, verdicts });
    }
    Ok(())
}

/// Returns the hash of the verdicts, the changes and the previous commit hash; empty for a genesis
/// block. Fabric: `kvLedger.addBlockCommitHash`.
fn next_commit_hash(tip: &Tip, codes: &[TxValidationCode], updates: &UpdateBatch) -> Vec<u8> {
    if tip.height == 0 {
        return Vec::new();
    }
    let mut head = Vec::with_capacity(codes.len() + 10);
    prost::encoding::encode_varint(codes.len() as u64, &mut head);
    head.extend(codes.iter().map(|code| *code as i32 as u8));
    sha256_all([&head[..], &updates.deterministic_bytes(), &tip.commit_hash]).to_vec()
}

fn valid_rwset(tx: &CommitTx) -> Option<&TxRwSet> {
    tx.rwset.as_ref().filter(|_| tx.code == TxValidationCode::Valid)
}
