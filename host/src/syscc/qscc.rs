//! QSCC: blocks and transactions of a channel (fabric `core/scc/qscc/query.go`).

use std::sync::Arc;

use prost::Message;

use crate::chaincode::{AccessControl, NativeChaincode, Stub};
use crate::channel::Channels;
use crate::ledger::Ledger;
use crate::types::Response;

/// Arguments: function, channel, and what to look for.
pub struct Qscc {
    channels: Arc<Channels>,
    access: Arc<dyn AccessControl>,
}

impl Qscc {
    /// Answers for `channels`.
    pub fn new(channels: Arc<Channels>, access: Arc<dyn AccessControl>) -> Self {
        Self { channels, access }
    }

    fn query(&self, stub: &Stub<'_>) -> Result<Vec<u8>, String> {
        let [function, channel, rest @ ..] = stub.args else {
            return Err(format!("Incorrect number of arguments, {}", stub.args.len()));
        };
        let function = String::from_utf8_lossy(function);
        let channel = String::from_utf8_lossy(channel);
        if function != "GetChainInfo" && rest.is_empty() {
            return Err(format!("missing 3rd argument for {function}"));
        }
        let target = self.channels.get(&channel);
        let target = target.ok_or_else(|| format!("Invalid chain ID, {channel}"))?;
        self.access
            .check(&format!("qscc/{function}"), &channel, stub.peer_msp_id, stub.proposal)
            .map_err(|why| format!("access denied for [{function}][{channel}]: [{why}]"))?;
        let wanted = rest.first().map_or(&[][..], Vec::as_slice);
        answer(target.ledger(), &function, wanted)
    }
}

fn answer(ledger: &Ledger, function: &str, wanted: &[u8]) -> Result<Vec<u8>, String> {
    let text = String::from_utf8_lossy(wanted);
    match function {
        "GetChainInfo" => Ok(ledger.info().encode_to_vec()),
        "GetBlockByNumber" => {
            let number: u64 =
                text.parse().map_err(|e| format!("Failed to parse block number with error {e}"))?;
            let failed = |why: &str| format!("Failed to get block number {number}, error {why}");
            let block = ledger.block(number).map_err(|e| failed(&e.to_string()))?;
            Ok(block.ok_or_else(|| failed("no such block number"))?.encode_to_vec())
        }
        "GetBlockByHash" => {
            let failed = |why: &str| format!("Failed to get block hash {text}, error {why}");
            let block = ledger.block_by_hash(wanted).map_err(|e| failed(&e.to_string()))?;
            Ok(block.ok_or_else(|| failed("no such block hash"))?.encode_to_vec())
        }
        "GetTransactionByID" => {
            let failed =
                |why: &str| format!("Failed to get transaction with id {text}, error {why}");
            let found = ledger.transaction_by_id(&text).map_err(|e| failed(&e.to_string()))?;
            let missing = || failed(&format!("no such transaction ID [{text}] in index"));
            Ok(found.ok_or_else(missing)?.encode_to_vec())
        }
        "GetBlockByTxID" => {
            let failed = |why: &str| format!("Failed to get block for txID {text}, error {why}");
            let block = ledger.block_by_tx_id(&text).map_err(|e| failed(&e.to_string()))?;
            let missing = || failed(&format!("no such transaction ID [{text}] in index"));
            Ok(block.ok_or_else(missing)?.encode_to_vec())
        }
        _ => Err(format!("Requested function {function} not found.")),
    }
}

impl NativeChaincode for Qscc {
    fn invoke(&self, stub: &mut Stub<'_>) -> Response {
        match self.query(stub) {
            Ok(payload) => Response::success(payload),
            Err(text) => Response::error(text),
        }
    }
}
