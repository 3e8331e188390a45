//! The policies that a transaction's endorsements would have to satisfy, found before there is a
//! transaction.

use std::collections::BTreeSet;

use prost::Message;
use prost::bytes::Bytes;

use crate::commit::Committer;
use crate::definitions::{BlockDefinitions, signature_policy};
use crate::invocation::Invocation;
use crate::required_policies::required_policies;
use crate::verdict::Trouble;
use wasmcc_channel::Channel;
use wasmcc_types::ResponsePayload;
use wasmcc_types::proto::common::ChannelHeader;
use wasmcc_types::proto::protos::application_policy::Type;
use wasmcc_types::proto::protos::{ApplicationPolicy, ChaincodeInterest};

/// Why a transaction would not be valid, however it is endorsed.
#[derive(Debug, thiserror::Error)]
pub enum NeverValid {
    /// The response cannot be read.
    #[error("the proposal response cannot be read: {0}")]
    Response(prost::DecodeError),
    /// A definition cannot be satisfied.
    #[error(transparent)]
    Unsatisfiable(#[from] NoPolicies),
    /// The committer would refuse it, or cannot judge it now; its reason.
    #[error("{0}")]
    Refused(String),
}

impl From<Trouble> for NeverValid {
    fn from(trouble: Trouble) -> Self {
        Self::Refused(trouble.to_string())
    }
}

impl Committer {
    /// The policies, serialized `protos.ApplicationPolicy`s, that the endorsements of this response
    /// would have to satisfy all, as the channel's state is now.
    pub fn needed_policies(
        &self,
        header: &ChannelHeader,
        payload: &[u8],
    ) -> Result<BTreeSet<Vec<u8>>, NeverValid> {
        let payload =
            ResponsePayload::open(Bytes::copy_from_slice(payload)).map_err(NeverValid::Response)?;
        let config = self.channel().config();
        let invocation = Invocation::read(header, &payload, config.capabilities().v2_0)
            .map_err(Trouble::from)?;
        let definitions = self.definitions().at(self.channel().ledger().snapshot(), config);
        let mut state = definitions.snapshot().reader();
        let mut policies = BTreeSet::new();
        for namespace in &invocation.namespaces {
            let definition = definitions.get(namespace)?;
            definition.validator().map_err(Trouble::from)?;
            let written = invocation.rwset.namespaces.get(namespace);
            let required =
                required_policies(namespace, written, &definition, &definitions, &mut state)?;
            for policy in required.keys().chain([&definition.policy]) {
                check_reference(self.channel(), namespace, policy)?;
            }
            policies.extend(required.into_keys());
        }
        Ok(policies)
    }
}

/// Why an interest calls for no policies. The texts are Fabric's.
#[derive(Debug, thiserror::Error)]
pub enum NoPolicies {
    /// The channel does not define the chaincode.
    #[error("No metadata was found for chaincode {name} in channel {channel}")]
    Undefined {
        /// The chaincode.
        name: String,
        /// The channel.
        channel: String,
    },
    /// The policy of the chaincode, or of a collection, refers to one that the channel lacks.
    #[error(
        "No metadata was found for chaincode {name} in channel {channel}; the channel has no \
         policy {policy}"
    )]
    UnknownPolicy {
        /// The chaincode.
        name: String,
        /// The channel.
        channel: String,
        /// The name that is referred to.
        policy: String,
    },
    /// The definition of a collection cannot be used; why not.
    #[error("{0}")]
    Collection(String),
    /// The policy of this chaincode is to be left out, and nothing else remains.
    #[error(
        "requested to disregard chaincode {0}'s policy but key and collection policies are \
         missing, either disable DisregardNamespacePolicy or specify at least one key policy or at \
         least one collection policy"
    )]
    Disregarded(String),
    /// The interest names no chaincode.
    #[error("no principal sets remained after filtering")]
    Nothing,
}

/// The policies, as of [`Committer::needed_policies`], that a client's interest calls for (fabric
/// `discovery/endorsement/endorsement.go`, `computePrincipalSets`, and
/// `discovery/support/chaincode/support.go`, `PoliciesByChaincode`). The error is for the log.
pub fn interest_policies(
    channel: &Channel,
    interest: &ChaincodeInterest,
) -> Result<BTreeSet<Vec<u8>>, NoPolicies> {
    let definitions = BlockDefinitions::new(channel.ledger().snapshot(), channel.config());
    let mut policies = BTreeSet::new();
    for call in &interest.chaincodes {
        let missing = |_| {
            let (name, channel) = (&call.name, channel.ledger().channel_id());
            NoPolicies::Undefined { name: name.clone(), channel: channel.to_string() }
        };
        let definition = definitions.get(&call.name).map_err(missing)?;
        check_reference(channel, &call.name, &definition.policy)?;
        let mut own: Vec<Vec<u8>> = Vec::new();
        for collection in &call.collection_names {
            let of_collection = definitions.collection_policy(&definition, collection);
            let of_collection = of_collection
                .map_err(|invalid| NoPolicies::Collection(Trouble::from(invalid).to_string()))?;
            let policy = of_collection.unwrap_or_else(|| definition.policy.clone());
            check_reference(channel, &call.name, &policy)?;
            if !own.contains(&policy) {
                own.push(policy);
            }
        }
        if own.is_empty() {
            own.push(definition.policy.clone());
        }
        if call.disregard_namespace_policy {
            if own.len() == 1 && call.key_policies.is_empty() {
                return Err(NoPolicies::Disregarded(call.name.clone()));
            }
            own.remove(0);
        }
        policies.extend(own);
        policies.extend(call.key_policies.iter().cloned().map(signature_policy));
    }
    if policies.is_empty() {
        return Err(NoPolicies::Nothing);
    }
    Ok(policies)
}

/// Refuses a serialized `protos.ApplicationPolicy` of a chaincode that refers to no policy of the
/// channel. Fabric's words, then the cause (fabric `core/chaincode/lifecycle/metadata_provider.go`,
/// `Metadata`, which logs it).
fn check_reference(channel: &Channel, chaincode: &str, policy: &[u8]) -> Result<(), NoPolicies> {
    let decoded = ApplicationPolicy::decode(policy).ok().and_then(|policy| policy.r#type);
    match decoded {
        Some(Type::ChannelConfigPolicyReference(policy))
            if channel.config().policies().get(&policy).is_none() =>
        {
            let channel = channel.ledger().channel_id().to_string();
            Err(NoPolicies::UnknownPolicy { name: chaincode.to_owned(), channel, policy })
        }
        _ => Ok(()),
    }
}
