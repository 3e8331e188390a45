//! Calls of QSCC: queries of a channel's ledger.

use crate::ProposalBuilder;
use wasmcc_types::QSCC;

/// Asks for the `common.BlockchainInfo` of a channel.
pub fn chain_info(channel_id: &str) -> ProposalBuilder {
    call("GetChainInfo", channel_id)
}

/// Asks for a `common.Block`.
pub fn block_by_number(channel_id: &str, number: u64) -> ProposalBuilder {
    call("GetBlockByNumber", channel_id).args([number.to_string()])
}

/// Asks for the `common.Block` whose header has this hash.
pub fn block_by_hash(channel_id: &str, hash: &[u8]) -> ProposalBuilder {
    call("GetBlockByHash", channel_id).args([hash])
}

/// Asks for the `common.Block` that a transaction is in.
pub fn block_by_tx_id(channel_id: &str, tx_id: &str) -> ProposalBuilder {
    call("GetBlockByTxID", channel_id).args([tx_id])
}

/// Asks for the `protos.ProcessedTransaction`.
pub fn transaction_by_id(channel_id: &str, tx_id: &str) -> ProposalBuilder {
    call("GetTransactionByID", channel_id).args([tx_id])
}

/// Sends the call on the channel itself, so that all organizations of the channel may make it, not
/// only the peer's own.
fn call(function: &str, channel_id: &str) -> ProposalBuilder {
    ProposalBuilder::new(channel_id, QSCC).args([function, channel_id])
}
