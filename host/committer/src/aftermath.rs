//! What is done about a block once it is in the ledger, found while it is judged.
//!
//! Invariant: nothing here changes a verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use crate::deploy_listener::{Approvals, DeployListener};
use crate::validator::{JudgedTx, TxKind};
use wasmcc_channel::definition::{LsccName, implicit_org, name_in_sequence_key};
use wasmcc_ledger::{CommitTx, CommittedBlock, Ledger};
use wasmcc_metrics::{TransactionKind, UNKNOWN};
use wasmcc_msp::ChannelConfig;
use wasmcc_types::proto::protos::TxValidationCode;
use wasmcc_types::{LIFECYCLE, LSCC};

/// Characters of a reason or id, of which a client chose some.
const MAX_LOGGED: usize = 1000;

/// What a judged block leads to.
#[derive(Default)]
pub(crate) struct Aftermath {
    /// The configuration that it brings.
    pub(crate) config: Option<ChannelConfig>,
    /// What its transactions define and approve.
    pub(crate) defining: Defining,
    /// The ids of its transactions.
    pub(crate) tx_ids: Vec<Option<String>>,
    /// Why transactions are not valid, as far as that is known without the ledger.
    pub(crate) reasons: Vec<Option<String>>,
    /// What they claim to be.
    pub(crate) kinds: Vec<TxKind>,
}

/// What each transaction of a block defines and approves.
#[derive(Default)]
pub(crate) struct Defining(Vec<(BTreeSet<String>, Approvals)>);

impl Aftermath {
    /// Also gives what the ledger gets.
    pub(crate) fn of(judged: Vec<JudgedTx>) -> (Self, Vec<CommitTx>) {
        let mut aftermath = Self::default();
        let mut txs = Vec::with_capacity(judged.len());
        for JudgedTx { tx, reason, config, kind, .. } in judged {
            aftermath.kinds.push(kind);
            aftermath.config = aftermath.config.or(config);
            aftermath.defining.0.push((deployed(&tx), approved(&tx)));
            aftermath.tx_ids.push(tx.tx_id.clone());
            aftermath.reasons.push(reason);
            txs.push(tx);
        }
        (aftermath, txs)
    }
}

impl Defining {
    /// Tells of what valid transactions define and approve.
    pub(crate) fn tell(
        self,
        codes: &[TxValidationCode],
        listener: &dyn DeployListener,
        ledger: &Arc<Ledger>,
    ) {
        let verdicts = self.0.into_iter().zip(codes);
        let valid = verdicts.filter(|(_, code)| **code == TxValidationCode::Valid);
        let (mut names, mut approvals) = (BTreeSet::new(), Approvals::new());
        for ((of_tx, approved), _) in valid {
            names.extend(of_tx);
            for (org, keys) in approved {
                approvals.entry(org).or_default().extend(keys);
            }
        }
        names.iter().for_each(|name| listener.deployed(ledger, name));
        if !approvals.is_empty() {
            listener.approved(ledger, &approvals);
        }
    }
}

/// The chaincodes that a transaction defines: with LSCC a key each, with `_lifecycle` a sequence.
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

/// What a transaction writes where organizations approve chaincodes.
fn approved(tx: &CommitTx) -> Approvals {
    let ns = tx.rwset.as_ref().and_then(|rwset| rwset.namespaces.get(LIFECYCLE));
    let collections = ns.into_iter().flat_map(|ns| &ns.collections);
    let approvals = collections.filter_map(|(name, collection)| {
        let keys = collection.writes.iter().map(|write| write.key_hash.clone()).collect();
        Some((implicit_org(name)?.to_owned(), keys))
    });
    approvals.filter(|(_, keys): &(_, BTreeSet<_>)| !keys.is_empty()).collect()
}

/// Why each transaction is not valid: what the ledger found, or what was found before it.
pub(crate) fn reasons_of(
    block: &CommittedBlock,
    before: Vec<Option<String>>,
) -> Vec<Option<String>> {
    let found = block.conflicts.iter().map(|conflict| conflict.as_ref().map(ToString::to_string));
    let reasons = found.zip(before).map(|(found, before)| found.or(before));
    reasons.map(|reason| reason.map(|reason| shorten(&reason).to_owned())).collect()
}

/// One line for the block, and one for each transaction that is not valid.
pub(crate) fn log(
    block: &CommittedBlock,
    tx_ids: &[Option<String>],
    reasons: &[Option<String>],
    started: Instant,
) {
    let mut valid = 0;
    for ((code, tx_id), reason) in block.codes.iter().zip(tx_ids).zip(reasons) {
        if *code == TxValidationCode::Valid {
            valid += 1;
            continue;
        }
        let tx_id = shorten(tx_id.as_deref().unwrap_or("unreadable"));
        let reason = reason.as_deref().unwrap_or_default();
        tracing::info!(tx_id, code = code.as_str_name(), reason, "invalidated transaction");
    }
    let (txs, ms) = (block.codes.len(), started.elapsed().as_millis());
    tracing::info!(number = block.number, txs, valid, ms, "committed block");
}

/// Counts the transactions of a block.
pub(crate) fn count(channel: &str, block: &CommittedBlock, kinds: &[TxKind]) {
    let mut counts: BTreeMap<TransactionKind<'_>, u64> = BTreeMap::new();
    for (code, kind) in block.codes.iter().zip(kinds) {
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
