//! Chaincodes in Rust, compiled into the peer: the system chaincodes.

use std::fmt::Display;

use crate::chaincode::lent::Lent;
use crate::chaincode::tx_params::SharedSimulator;
use wasmcc_runtime::{Backend, BackendError};
use wasmcc_types::{ChaincodeEvent, ProposalContext, Response, TxId};

/// A chaincode of the peer itself. It is called through the same handler as every other one.
pub trait NativeChaincode: Send + Sync {
    /// Called for each transaction. Returns the payload of a response of status 200.
    fn invoke(&self, stub: &mut Stub<'_>) -> Result<Vec<u8>, NativeError>;

    /// Returns true if clients and chaincodes may call it. If not, it does not exist for them:
    /// Fabric 2.x has it as a plugin.
    fn is_built_in(&self) -> bool {
        true
    }
}

/// The reason why a native chaincode refuses a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NativeError {
    /// Status 500.
    #[error("{0}")]
    Failed(String),
    /// Another status.
    #[error("{message}")]
    Status {
        /// 400 or more.
        status: i32,
        /// The text.
        message: String,
    },
}

impl NativeError {
    /// Makes an error of status 500 with the text of `error`.
    pub fn failed(error: impl Display) -> Self {
        Self::Failed(error.to_string())
    }

    /// Returns the response with this status and text.
    pub(super) fn into_response(self) -> Response {
        match self {
            Self::Failed(message) => Response::error(message),
            Self::Status { status, message } => Response { status, message, payload: Vec::new() },
        }
    }
}

/// A native chaincode's view of its transaction.
pub struct Stub<'a> {
    /// The arguments; the first one is the function.
    pub args: &'a [Vec<u8>],
    /// The channel's name; empty for a proposal to the peer itself.
    pub channel_id: &'a str,
    /// The transaction.
    pub tx_id: &'a TxId,
    /// The MSP id of the organization whose peer simulates.
    pub peer_msp_id: &'a str,
    /// True if another chaincode makes the call.
    pub called_by_chaincode: bool,
    /// The parts of the proposal that the client signed.
    pub proposal: &'a ProposalContext,
    /// Values that the caller has already decoded.
    pub lent: Lent<'a>,
    /// For reads and writes beyond its own namespace; None for a proposal to the peer itself.
    pub simulator: Option<&'a SharedSimulator>,
    pub(super) backend: &'a mut dyn Backend,
    pub(super) event: Option<ChaincodeEvent>,
}

impl Stub<'_> {
    /// Returns the function's name; empty if there are no arguments.
    pub fn function(&self) -> String {
        self.args.first().map(|f| String::from_utf8_lossy(f).into_owned()).unwrap_or_default()
    }

    /// Returns argument `index` (0 is the function) as text, with invalid UTF-8 replaced.
    pub fn text_arg(&self, index: usize) -> Option<String> {
        self.args.get(index).map(|arg| String::from_utf8_lossy(arg).into_owned())
    }

    /// Returns a value of the chaincode's own namespace.
    pub fn get_state(&mut self, key: &str) -> Result<Option<Vec<u8>>, BackendError> {
        self.backend.get_state("", key).wait()
    }

    /// Writes to the chaincode's own namespace.
    pub fn put_state(&mut self, key: &str, value: Vec<u8>) -> Result<(), BackendError> {
        self.backend.put_state("", key, value).wait()
    }

    /// Sets the event of the transaction; replaces an earlier one.
    pub fn set_event(&mut self, name: &str, payload: Vec<u8>) {
        self.event = Some(ChaincodeEvent { name: name.to_owned(), payload });
    }

    /// Returns all rows of the chaincode's own namespace from `start` to `end`, which is excluded.
    pub fn range(
        &mut self,
        start: &str,
        end: &str,
    ) -> Result<Vec<(String, Vec<u8>)>, BackendError> {
        let mut batch = self.backend.get_state_by_range("", start, end, None).wait()?;
        let mut rows = Vec::new();
        loop {
            rows.extend(batch.rows.into_iter().map(|row| (row.key, row.value)));
            if !batch.has_more {
                self.backend.query_close(&batch.id).wait()?;
                return Ok(rows);
            }
            batch = self.backend.query_next(&batch.id).wait()?;
        }
    }
}
