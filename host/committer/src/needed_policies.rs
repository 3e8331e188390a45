//! What the committer would ask of a transaction's endorsements, asked before there is a
//! transaction.

use std::collections::BTreeSet;

use prost::bytes::Bytes;

use crate::definitions::BlockDefinitions;
use crate::invocation::Invocation;
use crate::required_policies::required_policies;
use crate::verdict::Trouble;
use wasmcc_channel::Channel;
use wasmcc_types::ResponsePayload;
use wasmcc_types::proto::common::ChannelHeader;

/// Why a transaction would not be valid, however it is endorsed.
#[derive(Debug, thiserror::Error)]
pub enum NeverValid {
    /// The response cannot be read.
    #[error("the proposal response cannot be read: {0}")]
    Response(prost::DecodeError),
    /// The committer would refuse it, or cannot judge it now; its reason.
    #[error("{0}")]
    Refused(String),
}

impl From<Trouble> for NeverValid {
    fn from(trouble: Trouble) -> Self {
        Self::Refused(trouble.to_string())
    }
}

/// The policies, serialized `protos.ApplicationPolicy`s, that the endorsements of this response
/// would have to satisfy all, as the channel's state is now.
pub fn needed_policies(
    channel: &Channel,
    header: &ChannelHeader,
    payload: &[u8],
) -> Result<BTreeSet<Vec<u8>>, NeverValid> {
    let payload =
        ResponsePayload::open(Bytes::copy_from_slice(payload)).map_err(NeverValid::Response)?;
    let (snapshot, config) = (channel.ledger().snapshot(), channel.config());
    let invocation =
        Invocation::read(header, &payload, config.capabilities().v2_0).map_err(Trouble::from)?;
    let definitions = BlockDefinitions::new(snapshot, config);
    let mut policies = BTreeSet::new();
    for namespace in &invocation.namespaces {
        let definition = definitions.get(namespace)?;
        definition.validator().map_err(Trouble::from)?;
        let written = invocation.rwset.namespaces.get(namespace);
        let required = required_policies(namespace, written, &definition, &definitions)?;
        policies.extend(required.into_keys());
    }
    Ok(policies)
}
