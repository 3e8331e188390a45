//! Calls of CSCC: joins channels, and lists those that a peer has joined.

use prost::Message;

use crate::ProposalBuilder;
use wasmcc_types::CSCC;
use wasmcc_types::proto::common::Block;

/// Joins the peer to the channel of a genesis block; an admin of the peer's organization signs.
pub fn join(genesis: &Block) -> ProposalBuilder {
    ProposalBuilder::new("", CSCC).args([b"JoinChain".to_vec(), genesis.encode_to_vec()])
}

/// Asks for the `protos.ChannelQueryResponse` of all channels.
pub fn channels() -> ProposalBuilder {
    ProposalBuilder::new("", CSCC).args(["GetChannels"])
}

/// Asks for the `common.Block` with the configuration in force.
pub fn config_block(channel_id: &str) -> ProposalBuilder {
    ProposalBuilder::new(channel_id, CSCC).args(["GetConfigBlock", channel_id])
}
