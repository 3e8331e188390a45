//! The effects of a block after it is in the ledger, collected while the block is judged.
//!
//! Invariant: nothing here changes a verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use crate::deploy_listener::{Approvals, DeployListener};
use crate::validator::{JudgedTx, TxKind};
use wasmcc_channel::definition::{LsccName, implicit_org, name_in_sequence_key};
use wasmcc_ledger::{CommitTx, CommittedBlock, CommittedTx, KnownState, Ledger};
use wasmcc_metrics::{TransactionKind, UNKNOWN};
use wasmcc_msp::ChannelConfig;
use wasmcc_types::proto::protos::TxValidationCode;
use wasmcc_types::{LIFECYCLE, LSCC};

/// Longest reason or id in the log, in characters; clients choose some of them.
const MAX_LOGGED: usize = 1000;

/// The effects of a judged block.
#[derive(Default)]
pub(crate) struct Aftermath {
    /// The configuration in the block.
    config: Option<Box<ChannelConfig>>,
    /// Its transactions, in order.
    txs: Vec<SettledTx>,
}

/// A transaction of a block. The ledger may still change verdict and reason.
#[derive(Default)]
pub(crate) struct SettledTx {
    /// None if it could not be read.
    pub(crate) tx_id: Option<String>,
    pub(crate) code: TxValidationCode,
    /// Why it is not valid, human-readable.
    pub(crate) reason: Option<String>,
    /// The type that it claims to have.
    kind: TxKind,
    /// The chaincodes that it defines.
    deployed: BTreeSet<String>,
    /// The approvals that it writes.
    approved: Approvals,
}

impl Aftermath {
    /// Separates the part for the ledger, including the state that was read at `height`.
    pub(crate) fn of(judged: Vec<JudgedTx>, height: u64) -> (Self, Vec<CommitTx>, KnownState) {
        let mut aftermath = Self::default();
        let mut known = KnownState::at(height, judged.len());
        let mut txs = Vec::with_capacity(judged.len());
        for JudgedTx { tx, reason, config, kind, read, .. } in judged {
            known.push(read, config.is_none() && !tx.is_invalid());
            aftermath.config = aftermath.config.or(config);
            aftermath.txs.push(SettledTx {
                tx_id: tx.tx_id.clone(),
                code: tx.code,
                reason,
                kind,
                deployed: deployed(&tx),
                approved: approved(&tx),
            });
            txs.push(tx);
        }
        (aftermath, txs, known)
    }

    /// Adds the ledger's results; returns the block's configuration and its transactions.
    pub(crate) fn settle(
        self,
        block: &CommittedBlock,
    ) -> (Option<Box<ChannelConfig>>, Vec<SettledTx>) {
        let Self { config, mut txs } = self;
        for (tx, CommittedTx { code, conflict }) in txs.iter_mut().zip(&block.txs) {
            tx.code = *code;
            let found = conflict.as_ref().map(ToString::to_string).or_else(|| tx.reason.take());
            tx.reason = found.map(|reason| shorten(&reason).to_owned());
        }
        (config, txs)
    }
}

/// Reports the definitions and approvals of valid transactions.
pub(crate) fn tell(txs: &[SettledTx], listener: &dyn DeployListener, ledger: &Arc<Ledger>) {
    let (mut names, mut approvals) = (BTreeSet::new(), Approvals::new());
    for tx in txs.iter().filter(|tx| tx.code == TxValidationCode::Valid) {
        names.extend(&tx.deployed);
        for (org, keys) in &tx.approved {
            approvals.entry(org.clone()).or_default().extend(keys.iter().cloned());
        }
    }
    names.into_iter().for_each(|name| listener.deployed(ledger, name));
    if !approvals.is_empty() {
        listener.approved(ledger, &approvals);
    }
}

/// Returns the chaincodes that a transaction defines: a key with LSCC, a sequence with
/// `_lifecycle`.
fn deployed(tx: &CommitTx) -> BTreeSet<String> {
    let written = |namespace: &str| {
        let ns = tx.rwset.as_ref().and_then(|rwset| rwset.namespaces.get(namespace));
        ns.map_or(&[][..], |ns| ns.writes.as_slice()).iter().map(|write| write.key.as_str())
    };
    let sequence = |key: &str| name_in_sequence_key(key).map(str::to_owned);
    let names = written(LSCC).filter_map(LsccName::new);
    let names = names.map(|name| name.definition_key().to_owned());
    names.chain(written(LIFECYCLE).filter_map(sequence)).collect()
}

/// Returns the keys that a transaction writes to the collections in which organizations approve
/// chaincodes.
fn approved(tx: &CommitTx) -> Approvals {
    let ns = tx.rwset.as_ref().and_then(|rwset| rwset.namespaces.get(LIFECYCLE));
    let collections = ns.into_iter().flat_map(|ns| &ns.collections);
    let approvals = collections.filter_map(|(name, collection)| {
        let keys = collection.writes.iter().map(|write| write.key_hash.clone()).collect();
        Some((implicit_org(name)?.to_owned(), keys))
    });
    approvals.filter(|(_, keys): &(_, BTreeSet<_>)| !keys.is_empty()).collect()
}

/// Logs one line for the block, and one for each transaction that is not valid.
pub(crate) fn log(number: u64, txs: &[SettledTx], started: Instant) {
    let mut valid = 0;
    for SettledTx { tx_id, code, reason, .. } in txs {
        if *code == TxValidationCode::Valid {
            valid += 1;
            continue;
        }
        let tx_id = shorten(tx_id.as_deref().unwrap_or("unreadable"));
        let reason = reason.as_deref().unwrap_or_default();
        tracing::info!(tx_id, code = code.as_str_name(), reason, "invalidated transaction");
    }
    let (txs, ms) = (txs.len(), started.elapsed().as_millis());
    tracing::info!(number, txs, valid, ms, "committed block");
}

/// Counts the transactions of a block.
pub(crate) fn count(channel: &str, txs: &[SettledTx]) {
    let mut counts: BTreeMap<TransactionKind<'_>, u64> = BTreeMap::new();
    for SettledTx { code, kind, .. } in txs {
        let kind = TransactionKind {
            header_type: kind.header_type.map_or(UNKNOWN, |kind| kind.as_str_name()),
            chaincode: kind.chaincode.as_deref().unwrap_or(UNKNOWN),
            is_valid: *code == TxValidationCode::Valid,
            code: code.as_str_name(),
        };
        *counts.entry(kind).or_default() += 1;
    }
    let series = wasmcc_metrics::channel(channel);
    counts.into_iter().for_each(|(kind, count)| series.transactions(kind, count));
}

fn shorten(text: &str) -> &str {
    text.char_indices().nth(MAX_LOGGED).map_or(text, |(end, _)| &text[..end])
}
