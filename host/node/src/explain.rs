//! Computes why transactions of a stored block were not valid because of signatures or policies.
//! The committer judges the block again, from the blocks of a peer that is not running.

use std::sync::Arc;

use wasmcc_channel::{ChannelError, Channels};
use wasmcc_committer::{
    CommitError, EndorsementValidator, ValidationFailure, ValidationRequest, explain,
};
use wasmcc_ledger::{LedgerError, LedgerFolder, Step};
use wasmcc_peer::syscc::{APPLICATION_POLICY, Vscc, VsccError};
use wasmcc_types::ChannelId;

/// Why the reasons are not known.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The channel's configuration cannot be read.
    #[error(transparent)]
    Channels(#[from] ChannelError),
    /// The folder does not have the channel.
    #[error("channel {0} is not there")]
    NoChannel(ChannelId),
    /// The block cannot be judged.
    #[error(transparent)]
    Judge(#[from] CommitError),
}

/// The reasons for the transactions of a block, in its order; None for those without a fault.
pub fn explain_block(
    folder: &LedgerFolder,
    channel: &ChannelId,
    number: u64,
    on_step: &mut dyn FnMut(Step),
) -> Result<Vec<Option<String>>, ExplainError> {
    let (ledgers, block) = folder.before_block(channel, number, on_step)?;
    let channels = Arc::new(Channels::open(Arc::new(ledgers))?);
    let found = channels.get(channel);
    let found = found.ok_or_else(|| ExplainError::NoChannel(channel.clone()))?;
    let vscc: Arc<dyn EndorsementValidator> = Arc::new(DirectVscc(Vscc::new(channels)));
    let entries = block.data.unwrap_or_default().data;
    Ok(explain(&found, &vscc, entries)?)
}

/// VSCC as a plain call, not as a chaincode.
struct DirectVscc(Vscc);

impl EndorsementValidator for DirectVscc {
    fn validate(&self, request: &ValidationRequest<'_>) -> Result<(), ValidationFailure> {
        let kind = APPLICATION_POLICY.as_bytes().to_vec();
        let args = [kind, request.envelope.to_vec(), request.policy.to_vec()];
        self.0.validate(&args).map_err(|error| match error {
            VsccError::Invalid(reason) => ValidationFailure::Policy(reason),
            VsccError::Unavailable(reason) => ValidationFailure::Infrastructure(reason),
        })
    }
}
