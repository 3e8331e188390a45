//! QSCC: blocks and transactions of a channel (fabric `core/scc/qscc/query.go`).

use std::sync::Arc;

use prost::Message;

use crate::chaincode::{AccessControl, NativeChaincode, Stub};
use crate::syscc::invoked::refuse_chaincodes;
use wasmcc_channel::Channels;
use wasmcc_ledger::Ledger;
use wasmcc_types::{QSCC, Response, hex};

/// A chaincode that asks holds the state that a commit may wait for.
const REJECTING: &str =
    "Rejecting invoke of QSCC from another chaincode because of potential for deadlocks";

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
        refuse_chaincodes(QSCC, stub.proposal, REJECTING)?;
        let function = String::from_utf8_lossy(function);
        let channel = String::from_utf8_lossy(channel);
        if function != "GetChainInfo" && rest.is_empty() {
            return Err(format!("missing 3rd argument for {function}"));
        }
        let target = self.channels.get_as(stub.peer_msp_id, &channel);
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
            let number = block_number(&text)
                .map_err(|why| format!("Failed to parse block number with error {why}"))?;
            let failed = |why: &str| format!("Failed to get block number {number}, error {why}");
            // The largest number stands for the newest block.
            let at = if number == u64::MAX { ledger.height().saturating_sub(1) } else { number };
            let block = ledger.block(at).map_err(|e| failed(&e.to_string()))?;
            let missing = || failed(&format!("no such block number [{at}] in index"));
            Ok(block.ok_or_else(missing)?.encode_to_vec())
        }
        "GetBlockByHash" => {
            let failed = |why: &str| format!("Failed to get block hash {text}, error {why}");
            let block = ledger.block_by_hash(wanted).map_err(|e| failed(&e.to_string()))?;
            let missing = || failed(&format!("no such block hash [{}] in index", hex(wanted)));
            Ok(block.ok_or_else(missing)?.encode_to_vec())
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

/// A number as Go reads it: decimal digits alone (`strconv.ParseUint`).
fn block_number(text: &str) -> Result<u64, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let why = match text.parse() {
        Ok(number) if digits => return Ok(number),
        _ if digits => "value out of range",
        _ => "invalid syntax",
    };
    Err(format!("strconv.ParseUint: parsing {text:?}: {why}"))
}

impl NativeChaincode for Qscc {
    fn invoke(&self, stub: &mut Stub<'_>) -> Response {
        match self.query(stub) {
            Ok(payload) => Response::success(payload),
            Err(text) => Response::error(text),
        }
    }
}
