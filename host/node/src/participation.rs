//! Joins the orderer to channels and removes it (fabric
//! `orderer/common/channelparticipation/validator.go`, `orderer/common/multichannel/registrar.go`).

use prost::Message;

use crate::Peer;
use wasmcc_api::{JoinRefusal, LeaveRefusal};
use wasmcc_channel::ChannelError;
use wasmcc_ledger::data_hash;
use wasmcc_msp::ChannelConfig;
use wasmcc_types::proto::common::{
    Block, ChannelHeader, ConfigEnvelope, Envelope, HeaderType, Payload,
};
use wasmcc_types::with_causes;

impl Peer {
    /// Makes the orderer create a channel from its genesis block, or order for a channel that peers
    /// of this process have joined by the same block.
    pub(crate) fn order_for(&self, genesis: &Block) -> Result<String, JoinRefusal> {
        check_block(genesis).map_err(|error| JoinRefusal::Invalid(error.to_string()))?;
        let config = ChannelConfig::from_genesis_block(genesis);
        let config = config.map_err(|error| JoinRefusal::Invalid(with_causes(&error)))?;
        if genesis.header.as_ref().is_some_and(|header| header.number > 0) {
            let why = "this orderer joins a channel by its genesis block: it follows no others";
            return Err(JoinRefusal::Failed(why.to_owned()));
        }
        if self.is_leaving(config.channel_id().as_str()) {
            return Err(JoinRefusal::PendingRemoval);
        }
        match self.channels.join_as_orderer(genesis) {
            Ok(_) => {
                let channel = config.channel_id();
                tracing::info!(%channel, "the orderer joined");
                Ok(channel.to_string())
            }
            Err(ChannelError::Joined(_)) => Err(JoinRefusal::Exists),
            Err(error @ ChannelError::Names(_)) => Err(JoinRefusal::Invalid(error.to_string())),
            Err(error) => Err(JoinRefusal::Failed(error.to_string())),
        }
    }
}

impl Peer {
    /// Removes the orderer from a channel. Accepted envelopes are still committed, and no further
    /// ones are accepted. The blocks stay, because the peers of this process need them.
    pub(crate) fn stop_ordering(&self, channel: &str) -> Result<(), LeaveRefusal> {
        if !self.channels.orders(channel) {
            return Err(LeaveRefusal::Unknown);
        }
        self.end_orderer(channel)?;
        tracing::info!(%channel, "the orderer was removed");
        Ok(())
    }
}

/// The reason why a block cannot be used to join a channel. The texts are Fabric's.
#[derive(Debug, thiserror::Error)]
enum InvalidJoinBlock {
    #[error("block is not a config block")]
    NoConfig,
    #[error("invalid block: does not have metadata")]
    NoMetadata,
    #[error("invalid block: Header.DataHash is different from Hash(block.Data)")]
    DataHash,
    #[error("invalid config: contains consortiums: system channel not supported")]
    SystemChannel,
    #[error("invalid config: must contain application config")]
    NoApplication,
}

/// Fabric: `ValidateJoinBlock`.
fn check_block(block: &Block) -> Result<(), InvalidJoinBlock> {
    let first = block.data.iter().flat_map(|data| &data.data).next();
    let first = first.and_then(|first| read_config(first));
    let group = first.ok_or(InvalidJoinBlock::NoConfig)?;
    if block.metadata.as_ref().is_none_or(|metadata| metadata.metadata.is_empty()) {
        return Err(InvalidJoinBlock::NoMetadata);
    }
    let hash = block.header.as_ref().map(|header| header.data_hash.as_slice());
    let computed = block.data.as_ref().map(data_hash);
    if hash != computed.as_ref().map(|hash| &hash[..]) {
        return Err(InvalidJoinBlock::DataHash);
    }
    if group.contains("Consortiums") {
        return Err(InvalidJoinBlock::SystemChannel);
    }
    if !group.contains("Application") {
        return Err(InvalidJoinBlock::NoApplication);
    }
    Ok(())
}

/// Returns the names of the groups of a configuration.
fn read_config(envelope: &[u8]) -> Option<std::collections::BTreeSet<String>> {
    let payload = Envelope::decode(envelope).ok()?.payload;
    let payload = Payload::decode(payload.as_slice()).ok()?;
    let header = ChannelHeader::decode(payload.header?.channel_header.as_slice()).ok()?;
    if header.r#type != i32::from(HeaderType::Config) {
        return None;
    }
    let config = ConfigEnvelope::decode(payload.data.as_slice()).ok()?.config?;
    Some(config.channel_group?.groups.into_keys().collect())
}
