//! Finds the policies that a transaction's endorsements would have to satisfy, before the
//! transaction exists.

use std::collections::BTreeSet;
use std::sync::Arc;

use prost::Message;
use prost::bytes::Bytes;

use crate::commit::Committer;
use crate::definitions::{BlockDefinitions, NamespaceDefinition, signature_policy};
use crate::invocation::Invocation;
use crate::required_policies::required_policies;
use crate::verdict::Trouble;
use wasmcc_channel::Channel;
use wasmcc_channel::collections::DefinedCollections;
use wasmcc_types::proto::common::ChannelHeader;
use wasmcc_types::proto::protos::application_policy::Type;
use wasmcc_types::proto::protos::{ApplicationPolicy, ChaincodeCall, ChaincodeInterest};
use wasmcc_types::{LSCC, ResponsePayload};

/// Why a transaction cannot become valid, whatever its endorsements.
#[derive(Debug, thiserror::Error)]
pub enum NeverValid {
    /// The response cannot be read.
    #[error("the proposal response cannot be read: {0}")]
    Response(prost::DecodeError),
    /// A definition cannot be satisfied.
    #[error(transparent)]
    Unsatisfiable(#[from] NoPolicies),
    /// The committer would refuse it, or cannot judge it now. Contains the committer's reason.
    #[error("{0}")]
    Refused(String),
}

impl From<Trouble> for NeverValid {
    fn from(trouble: Trouble) -> Self {
        Self::Refused(trouble.to_string())
    }
}

impl Committer {
    /// Returns all policies that the endorsements of this response would have to satisfy in the
    /// channel's current state, as serialized `protos.ApplicationPolicy`s.
    pub fn needed_policies(
        &self,
        header: &ChannelHeader,
        payload: &[u8],
    ) -> Result<BTreeSet<Vec<u8>>, NeverValid> {
        let payload =
            ResponsePayload::open(Bytes::copy_from_slice(payload)).map_err(NeverValid::Response)?;
        let config = self.channel().config();
        let invocation =
            Invocation::read(header, &payload, config.capabilities()).map_err(Trouble::from)?;
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

/// Why the policies of an interest cannot be determined. The texts are Fabric's.
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
    /// The policy of the chaincode, or of a collection, refers to a policy that the channel does
    /// not have.
    #[error(
        "No metadata was found for chaincode {name} in channel {channel}; the channel has no \
         policy {policy}"
    )]
    UnknownPolicy {
        /// The chaincode.
        name: String,
        /// The channel.
        channel: String,
        /// The name of the missing policy.
        policy: String,
    },
    /// The chaincode does not have this collection.
    #[error("collection {collection} doesn't exist in collection config for chaincode {name}")]
    NoCollection {
        /// The collection.
        collection: String,
        /// The chaincode.
        name: String,
    },
    /// The interest disregards the policy of this chaincode, and no other policy remains.
    #[error(
        "requested to disregard chaincode {0}'s policy but key and collection policies are \
         missing, either disable DisregardNamespacePolicy or specify at least one key policy or at \
         least one collection policy"
    )]
    Disregarded(String),
    /// The interest contains no chaincode.
    #[error("no principal sets remained after filtering")]
    Nothing,
}

/// Returns the policies that a client's interest needs, in the form of
/// [`Committer::needed_policies`] (fabric `discovery/endorsement/endorsement.go`,
/// `computePrincipalSets`, and `discovery/support/chaincode/support.go`, `PoliciesByChaincode`).
/// The error is for the log.
pub fn interest_policies(
    channel: &Channel,
    interest: &ChaincodeInterest,
) -> Result<BTreeSet<Vec<u8>>, NoPolicies> {
    let definitions = BlockDefinitions::new(channel.ledger().snapshot(), channel.config());
    let mut policies = BTreeSet::new();
    for call in &interest.chaincodes {
        let definition = called_definition(channel, &definitions, call)?;
        let mut own: Vec<Vec<u8>> = Vec::new();
        for collection in &call.collection_names {
            // Reads of an unknown collection are refused elsewhere; otherwise the chaincode's
            // policy applies.
            let of_collection = definitions.collection_policy(&definition, collection).ok();
            let of_collection = of_collection.flatten();
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

/// Refuses an interest in chaincodes and collections that the channel does not define (fabric
/// `discovery/endorsement/endorsement.go`, `loadMetadataAndFilters`).
pub fn check_interest(channel: &Channel, interest: &ChaincodeInterest) -> Result<(), NoPolicies> {
    let definitions = BlockDefinitions::new(channel.ledger().snapshot(), channel.config());
    let mut calls = interest.chaincodes.iter();
    calls.try_for_each(|call| called_definition(channel, &definitions, call).map(drop))
}

/// Returns the definition of a chaincode, after checking the collections that a call reads.
fn called_definition(
    channel: &Channel,
    definitions: &BlockDefinitions,
    call: &ChaincodeCall,
) -> Result<Arc<NamespaceDefinition>, NoPolicies> {
    let undefined = || {
        let (name, channel) = (call.name.clone(), channel.ledger().channel_id().to_string());
        NoPolicies::Undefined { name, channel }
    };
    // The only system chaincode that discovery supports is `_lifecycle`.
    if call.name == LSCC {
        return Err(undefined());
    }
    let definition = definitions.get(&call.name).map_err(|_| undefined())?;
    check_reference(channel, &call.name, &definition.policy)?;
    if call.no_private_reads || call.collection_names.is_empty() {
        return Ok(definition);
    }
    let state = definitions.snapshot();
    let mut read = |ns: &str, key: &str| state.get(ns, key).map(|found| found.map(|row| row.value));
    let defined = DefinedCollections::look_up(&call.name, &mut read).map_err(|_| undefined())?;
    match call.collection_names.iter().find(|name| defined.get(name).is_none()) {
        None => Ok(definition),
        Some(collection) => {
            let (collection, name) = (collection.clone(), call.name.clone());
            Err(NoPolicies::NoCollection { collection, name })
        }
    }
}

/// Refuses a chaincode's `protos.ApplicationPolicy` that refers to a policy that the channel does
/// not have. Fabric's text, then the cause (fabric `core/chaincode/lifecycle/metadata_provider.go`,
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
