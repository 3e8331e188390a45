//! Why the transactions of a stored block did not satisfy signatures and policies: what the
//! committer said when it judged the block, made again from the blocks of a peer that is not
//! running.

use std::sync::Arc;

use anyhow::{Context, Result};

use wasmcc_channel::Channels;
use wasmcc_committer::{EndorsementValidator, ValidationFailure, ValidationRequest, explain};
use wasmcc_ledger::{LedgerFolder, Step};
use wasmcc_peer::syscc::{APPLICATION_POLICY, Vscc, VsccError};
use wasmcc_types::ChannelId;

/// The reasons for the transactions of a block, in its order; None for those against which nothing
/// is found.
pub fn explain_block(
    folder: &LedgerFolder,
    channel: &ChannelId,
    number: u64,
    on_step: &mut dyn FnMut(Step),
) -> Result<Vec<Option<String>>> {
    let (ledgers, block) = folder.before_block(channel, number, on_step)?;
    let channels = Arc::new(Channels::open(Arc::new(ledgers))?);
    let found = channels.get(channel).with_context(|| format!("channel {channel} is not there"))?;
    let vscc: Arc<dyn EndorsementValidator> = Arc::new(DirectVscc(Vscc::new(channels)));
    let entries = block.data.unwrap_or_default().data;
    Ok(explain(&found, &vscc, entries)?)
}

/// VSCC without a chaincode's life around it.
struct DirectVscc(Vscc);

impl EndorsementValidator for DirectVscc {
    fn validate(&self, request: &ValidationRequest<'_>) -> Result<(), ValidationFailure> {
        let kind = APPLICATION_POLICY.as_bytes().to_vec();
        let args = [kind, Vec::new(), request.policy.to_vec()];
        self.0.validate_lent(request.transaction, &args).map_err(|error| match error {
            VsccError::Invalid(reason) => ValidationFailure::Policy(reason),
            VsccError::Unavailable(reason) => ValidationFailure::Infrastructure(reason),
        })
    }
}
