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

/// The policies, serialized `protos.ApplicationPolicy`s, that the endorsements of this response
/// would have to satisfy all, as the channel's state is now. The error says why the transaction
/// would not be valid however it is endorsed.
pub fn needed_policies(
    channel: &Channel,
    header: &ChannelHeader,
    payload: &[u8],
) -> Result<BTreeSet<Vec<u8>>, String> {
    let payload = ResponsePayload::open(Bytes::copy_from_slice(payload))
        .map_err(|error| format!("the proposal response cannot be read: {error}"))?;
    let (snapshot, config) = (channel.ledger().snapshot(), channel.config());
    let invocation = Invocation::read(header, &payload, config.capabilities().v2_0)
        .map_err(|invalid| Trouble::from(invalid).to_string())?;
    let definitions = BlockDefinitions::new(snapshot, config);
    let mut policies = BTreeSet::new();
    for namespace in &invocation.namespaces {
        let failed = |trouble: Trouble| trouble.to_string();
        let definition = definitions.get(namespace).map_err(failed)?;
        definition.validator().map_err(|invalid| failed(invalid.into()))?;
        let written = invocation.rwset.namespaces.get(namespace);
        let required = required_policies(namespace, written, &definition, &definitions);
        policies.extend(required.map_err(failed)?.into_keys());
    }
    Ok(policies)
}
