//! QSCC: returns blocks and transactions of a channel (fabric `core/scc/qscc/query.go`).

use std::sync::Arc;

use prost::Message;

use crate::chaincode::{AccessControl, AccessError, NativeChaincode, NativeError, Stub};
use crate::syscc::invoked::{CallerError, refuse_chaincodes};
use wasmcc_channel::Channels;
use wasmcc_ledger::{Ledger, LedgerError};
use wasmcc_types::{QSCC, hex};

/// A calling chaincode would hold the state, and a commit may wait for that.
const REJECTING: &str =
    "Rejecting invoke of QSCC from another chaincode because of potential for deadlocks";

/// Arguments: function, channel, and the number, hash or id to look up.
pub struct Qscc {
    channels: Arc<Channels>,
    access: Arc<dyn AccessControl>,
}

/// The reason why QSCC refuses a call. The texts are Fabric's.
#[derive(Debug, thiserror::Error)]
enum QsccError {
    #[error("Incorrect number of arguments, {0}")]
    Arguments(usize),
    #[error(transparent)]
    Caller(#[from] CallerError),
    #[error("missing 3rd argument for {0}")]
    NoTarget(String),
    #[error("Invalid chain ID, {0}")]
    UnknownChannel(String),
    #[error("access denied for [{function}][{channel}]: [{error}]")]
    Denied { function: String, channel: String, error: AccessError },
    #[error("Requested function {0} not found.")]
    UnknownFunction(String),
    #[error("Failed to parse block number with error strconv.ParseUint: parsing {text:?}: {why}")]
    Number { text: String, why: &'static str },
    #[error("Failed to get {wanted}, error {why}")]
    NotFound { wanted: QsccTarget, why: NotFoundCause },
}

/// The object of a look-up.
#[derive(Debug, thiserror::Error)]
enum QsccTarget {
    #[error("block number {0}")]
    BlockNumber(u64),
    #[error("block hash {0}")]
    BlockHash(String),
    #[error("transaction with id {0}")]
    Transaction(String),
    #[error("block for txID {0}")]
    BlockOfTransaction(String),
}

/// The reason why it was not found.
#[derive(Debug, thiserror::Error)]
enum NotFoundCause {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("no such {what} [{key}] in index")]
    Missing { what: &'static str, key: String },
}

impl Qscc {
    /// Makes QSCC for `channels`.
    pub fn new(channels: Arc<Channels>, access: Arc<dyn AccessControl>) -> Self {
        Self { channels, access }
    }

    fn query(&self, stub: &Stub<'_>) -> Result<Vec<u8>, QsccError> {
        let [function, channel, rest @ ..] = stub.args else {
            return Err(QsccError::Arguments(stub.args.len()));
        };
        refuse_chaincodes(QSCC, stub.proposal, REJECTING)?;
        let function = String::from_utf8_lossy(function);
        let channel = String::from_utf8_lossy(channel);
        if function != "GetChainInfo" && rest.is_empty() {
            return Err(QsccError::NoTarget(function.into()));
        }
        let target = self.channels.get_as(stub.peer_msp_id, &channel);
        let target = target.ok_or_else(|| QsccError::UnknownChannel(channel.clone().into()))?;
        self.access
            .check(&format!("{QSCC}/{function}"), &channel, stub.peer_msp_id, stub.proposal)
            .map_err(|error| {
                let (function, channel) = (function.clone().into(), channel.into());
                QsccError::Denied { function, channel, error }
            })?;
        let wanted = rest.first().map_or(&[][..], Vec::as_slice);
        answer(target.ledger(), &function, wanted)
    }
}

fn answer(ledger: &Ledger, function: &str, wanted: &[u8]) -> Result<Vec<u8>, QsccError> {
    let text = String::from_utf8_lossy(wanted);
    let missing = |what, key: &str| NotFoundCause::Missing { what, key: key.to_owned() };
    let (wanted, found) = match function {
        "GetChainInfo" => return Ok(ledger.info().encode_to_vec()),
        "GetBlockByNumber" => {
            let number = block_number(&text)?;
            // The largest number means the newest block.
            let at = if number == u64::MAX { ledger.height().saturating_sub(1) } else { number };
            let found = look_up(ledger.block(at), || missing("block number", &at.to_string()));
            (QsccTarget::BlockNumber(number), found)
        }
        "GetBlockByHash" => {
            let found =
                look_up(ledger.block_by_hash(wanted), || missing("block hash", &hex(wanted)));
            (QsccTarget::BlockHash(text.into()), found)
        }
        "GetTransactionByID" => {
            let found = ledger.transaction_by_id(&text);
            let found = look_up(found, || missing("transaction ID", &text));
            (QsccTarget::Transaction(text.into()), found)
        }
        "GetBlockByTxID" => {
            let found = ledger.block_by_tx_id(&text);
            let found = look_up(found, || missing("transaction ID", &text));
            (QsccTarget::BlockOfTransaction(text.into()), found)
        }
        _ => return Err(QsccError::UnknownFunction(function.to_owned())),
    };
    found.map_err(|why| QsccError::NotFound { wanted, why })
}

/// Serializes the message that was found.
fn look_up<M: Message>(
    found: Result<Option<M>, LedgerError>,
    missing: impl FnOnce() -> NotFoundCause,
) -> Result<Vec<u8>, NotFoundCause> {
    Ok(found?.ok_or_else(missing)?.encode_to_vec())
}

/// Reads a number as Go does: only decimal digits (`strconv.ParseUint`).
fn block_number(text: &str) -> Result<u64, QsccError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let why = match text.parse() {
        Ok(number) if digits => return Ok(number),
        _ if digits => "value out of range",
        _ => "invalid syntax",
    };
    Err(QsccError::Number { text: text.to_owned(), why })
}

impl NativeChaincode for Qscc {
    fn invoke(&self, stub: &mut Stub<'_>) -> Result<Vec<u8>, NativeError> {
        self.query(stub).map_err(NativeError::failed)
    }
}
