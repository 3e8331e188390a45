//! Explains why transactions of a stored block did not satisfy signatures and policies. The
//! committer's reasons at commit are determined again from the blocks of a peer that is not
//! running.

use std::sync::Arc;

use crate::error::AuditError;
use crate::vscc::DirectVscc;
use wasmcc_channel::Channels;
use wasmcc_committer::{EndorsementValidator, explain};
use wasmcc_ledger::{LedgerError, LedgerFolder, Step};
use wasmcc_peer::syscc::Vscc;
use wasmcc_types::ChannelId;

/// Returns a reason for each transaction of a block, in its order; None where nothing was found.
pub fn explain_block(
    folder: &LedgerFolder,
    channel: &ChannelId,
    number: u64,
    on_step: &mut dyn FnMut(Step),
) -> Result<Vec<Option<String>>, AuditError> {
    let (ledgers, block) = folder.before_block(channel, number, on_step)?;
    let channels = Arc::new(Channels::open(Arc::new(ledgers))?);
    let missing =
        || LedgerError::UnknownChannel { channel: channel.to_string(), known: Vec::new() };
    let found = channels.get(channel).ok_or_else(missing)?;
    let vscc: Arc<dyn EndorsementValidator> = Arc::new(DirectVscc(Vscc::new(channels)));
    let entries = block.data.unwrap_or_default().data;
    Ok(explain(&found, &vscc, entries)?)
}
