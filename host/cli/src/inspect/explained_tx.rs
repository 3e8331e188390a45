//! Explains the verdict of a transaction from the blocks of a data folder.

use serde_json::{Value, json};

use crate::output;
use wasmcc_audit::{AuditError, explain_block};
use wasmcc_ledger::{Conflict, InspectedTx, LedgerError, LedgerFolder, NewestRow, Step};
use wasmcc_types::proto::protos::TxValidationCode;
use wasmcc_types::{ChannelId, Height};

/// Returns the reason for each verdict: the conflict, or the finding of the committer.
///
/// Errors: only `Interrupted`.
pub(super) fn reasons(
    folder: &LedgerFolder,
    channel: &ChannelId,
    found: &[InspectedTx],
    on_step: &mut dyn FnMut(Step),
) -> Result<Vec<Option<String>>, LedgerError> {
    let mut reasons = Vec::with_capacity(found.len());
    for tx in found {
        reasons.push(match &tx.conflict {
            Some(conflict) => Some(conflict.to_string()),
            None if tx.code == TxValidationCode::Valid => None,
            None => match explain_block(folder, channel, tx.height.block, on_step) {
                Ok(block) => {
                    let index = usize::try_from(tx.height.tx).unwrap_or(usize::MAX);
                    block.into_iter().nth(index).flatten()
                }
                Err(AuditError::Ledger(error @ LedgerError::Interrupted)) => return Err(error),
                // The verdict matters; the reason is optional.
                Err(error) => Some(format!("the reason cannot be determined any more: {error}")),
            },
        });
    }
    Ok(reasons)
}

pub(super) fn as_text(tx: &InspectedTx, reason: &Option<String>) -> String {
    let Height { block, tx: index } = tx.height;
    let code = tx.code.as_str_name();
    match reason {
        Some(reason) => {
            let reason = output::shown(reason);
            format!("transaction {index} of block {block}: {code}\n  {reason}")
        }
        None => format!("transaction {index} of block {block}: {code}"),
    }
}

/// A transaction and its verdict; `reason` is a text.
pub(crate) fn as_json(tx: &InspectedTx, reason: &Option<String>) -> Value {
    json!({
        "reason": reason,
        "block": tx.height.block,
        "transaction": tx.height.tx,
        "code": tx.code.as_str_name(),
        "conflict": tx.conflict.as_ref().map(conflict_json),
    })
}

/// A conflict, with the other transaction.
pub(crate) fn conflict_json(conflict: &Conflict) -> Value {
    let at = |height: &Option<Height>| height.map(|height| height.to_string());
    let mut value = match conflict {
        Conflict::Key { namespace, key, read, now, writer } => json!({
            "namespace": namespace, "key": key,
            "read": at(read), "now": at(now), "writer": writer,
        }),
        Conflict::PrivateKey { namespace, collection, key_hash, read, now, writer } => json!({
            "namespace": namespace, "collection": collection, "key_hash": output::hex(key_hash),
            "read": at(read), "now": at(now), "writer": writer,
        }),
        Conflict::Range { namespace, start_key, end_key, key, read, now, writer, newest } => {
            let newest = newest.as_ref().map(|NewestRow { key, version, writer }| {
                json!({ "key": key, "version": version.to_string(), "writer": writer })
            });
            json!({
                "namespace": namespace, "start_key": start_key, "end_key": end_key, "key": key,
                "read": at(read), "now": at(now), "writer": writer, "newest": newest,
            })
        }
        Conflict::DuplicateTxId { block } => json!({ "first_in_block": block }),
        Conflict::Refused { namespace, key, .. } => json!({ "namespace": namespace, "key": key }),
    };
    value["text"] = json!(conflict.to_string());
    value
}
