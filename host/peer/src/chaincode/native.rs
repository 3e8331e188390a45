//! Chaincodes in Rust, compiled into the peer: the system chaincodes.

use crate::chaincode::lent::Lent;
use crate::chaincode::tx_params::SharedSimulator;
use wasmcc_runtime::{Backend, BackendError};
use wasmcc_types::{ProposalContext, Response, TxId};

/// A chaincode of the peer itself. It stands behind the same handler as every other one.
pub trait NativeChaincode: Send + Sync {
    /// Runs once, when the chaincode is launched for the first time on a channel.
    fn init(&self, _stub: &mut Stub<'_>) -> Response {
        Response::success("")
    }

    /// Runs for each transaction.
    fn invoke(&self, stub: &mut Stub<'_>) -> Response;

    /// Whether clients and chaincodes may call it. To them a chaincode that is not built in does
    /// not exist: Fabric 2.x has it as a plugin.
    fn is_built_in(&self) -> bool {
        true
    }
}

/// What a native chaincode sees of its transaction.
pub struct Stub<'a> {
    /// What it is called with; the first one is the function.
    pub args: &'a [Vec<u8>],
    /// The channel's name; empty for a proposal to the peer itself.
    pub channel_id: &'a str,
    /// The transaction.
    pub tx_id: &'a TxId,
    /// The MSP id of the organization whose peer simulates.
    pub peer_msp_id: &'a str,
    /// Whether another chaincode asks, not the client's proposal.
    pub called_by_chaincode: bool,
    /// What the client signed.
    pub proposal: &'a ProposalContext,
    /// What the caller has opened already.
    pub lent: Lent<'a>,
    /// What it reads and writes beyond its own namespace; none for a proposal to the peer itself.
    pub simulator: Option<&'a SharedSimulator>,
    pub(super) backend: &'a mut dyn Backend,
}

impl Stub<'_> {
    /// The function's name; empty if there are no arguments.
    pub fn function(&self) -> String {
        self.args.first().map(|f| String::from_utf8_lossy(f).into_owned()).unwrap_or_default()
    }

    /// Argument `index` (0 is the function) as text, with invalid UTF-8 replaced.
    pub fn text_arg(&self, index: usize) -> Option<String> {
        self.args.get(index).map(|arg| String::from_utf8_lossy(arg).into_owned())
    }

    /// A value of the chaincode's own namespace.
    pub fn get_state(&mut self, key: &str) -> Result<Option<Vec<u8>>, BackendError> {
        self.backend.get_state("", key).wait()
    }

    /// Writes to the chaincode's own namespace.
    pub fn put_state(&mut self, key: &str, value: Vec<u8>) -> Result<(), BackendError> {
        self.backend.put_state("", key, value).wait()
    }

    /// All rows of the chaincode's own namespace from `start` to `end`, which is excluded.
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
