//! The first block of a channel.
//!
//! Does not parse the configuration in it.

use crate::block::envelope::TxEnvelope;
use crate::error::LedgerError;
use wasmcc_types::ChannelId;
use wasmcc_types::proto::common::Block;

/// Returns the channel that a genesis block names, and its only transaction.
pub(crate) fn genesis_channel(genesis: &Block) -> Result<(ChannelId, TxEnvelope), LedgerError> {
    let envelopes = genesis.data.as_ref().map_or(&[][..], |data| &data.data);
    let [envelope] = envelopes else {
        return Err(LedgerError::NotGenesis { reason: "it must hold one transaction" });
    };
    let tx = TxEnvelope::parse(envelope)?;
    Ok((ChannelId::parse(&tx.channel_header.channel_id)?, tx))
}
