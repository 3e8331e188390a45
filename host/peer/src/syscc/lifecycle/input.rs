//! Validates a definition (fabric `scc.go`, `validateInput`), and fills in its defaults
//! (`lifecycle.go`, `SetChaincodeDefinitionDefaults`).

use prost::Message;

use crate::chaincode::Stub;
use crate::syscc::lifecycle::Lifecycle;
use crate::syscc::lifecycle::error::{CommittedError, InvalidDefinition, LifecycleError};
use crate::syscc::lifecycle::state::{PublicState, simulator};
use wasmcc_channel::collections::{check_against_committed, check_package, lscc_key};
use wasmcc_channel::definition::{Definition, Parameters, ReadableState};
use wasmcc_msp::ChannelConfig;
use wasmcc_types::proto::lifecycle::{ChaincodeEndorsementInfo, ChaincodeValidationInfo};
use wasmcc_types::proto::protos::application_policy::Type as PolicyType;
use wasmcc_types::proto::protos::{ApplicationPolicy, ChaincodeData, CollectionConfigPackage};
use wasmcc_types::{ESCC, SYSTEM_CHAINCODES, VSCC};

const DEFAULT_POLICY: &str = "/Channel/Application/Endorsement";

/// The fields that the arguments of three functions have in common.
pub(super) struct ProposedDefinition {
    pub(super) name: String,
    pub(super) definition: Definition,
}

/// Makes a `ProposedDefinition` from any of the three messages.
macro_rules! proposed {
    ($args:expr) => {{
        let args = $args;
        let endorsement_info = wasmcc_types::proto::lifecycle::ChaincodeEndorsementInfo {
            version: args.version,
            init_required: args.init_required,
            endorsement_plugin: args.endorsement_plugin,
        };
        let validation_info = wasmcc_types::proto::lifecycle::ChaincodeValidationInfo {
            validation_plugin: args.validation_plugin,
            validation_parameter: args.validation_parameter,
        };
        let collections = args.collections.unwrap_or_default();
        $crate::syscc::lifecycle::input::ProposedDefinition::new(
            args.name,
            args.sequence,
            endorsement_info,
            validation_info,
            collections,
        )
    }};
}
pub(super) use proposed;

impl ProposedDefinition {
    pub(super) fn new(
        name: String,
        sequence: i64,
        endorsement_info: ChaincodeEndorsementInfo,
        validation_info: ChaincodeValidationInfo,
        collections: CollectionConfigPackage,
    ) -> Self {
        let parameters = Parameters { endorsement_info, validation_info, collections };
        Self { name, definition: Definition { sequence, parameters } }
    }

    /// Fills in values that the client left empty.
    pub(super) fn set_defaults(&mut self, config: &ChannelConfig) -> Result<(), LifecycleError> {
        let Parameters { endorsement_info, validation_info, .. } = &mut self.definition.parameters;
        if endorsement_info.endorsement_plugin.is_empty() {
            endorsement_info.endorsement_plugin = ESCC.into();
        }
        if validation_info.validation_plugin.is_empty() {
            validation_info.validation_plugin = VSCC.into();
        }
        if validation_info.validation_parameter.is_empty() {
            let channel = config.channel_id();
            if config.policies().get(DEFAULT_POLICY).is_none() {
                let channel = channel.to_string();
                return Err(LifecycleError::NoDefaultPolicy { channel, policy: DEFAULT_POLICY });
            }
            let policy = PolicyType::ChannelConfigPolicyReference(DEFAULT_POLICY.to_owned());
            let policy = ApplicationPolicy { r#type: Some(policy) };
            validation_info.validation_parameter = policy.encode_to_vec();
        }
        Ok(())
    }
}

impl Lifecycle {
    /// Checks that the channel could agree on this definition.
    pub(super) fn validate(
        &self,
        stub: &Stub<'_>,
        proposed: &ProposedDefinition,
    ) -> Result<(), InvalidDefinition> {
        let name = proposed.name.as_str();
        let Parameters { endorsement_info, collections, .. } = &proposed.definition.parameters;
        if !is_name(name) {
            return Err(InvalidDefinition::Name(name.to_owned()));
        }
        if SYSTEM_CHAINCODES.contains(&name) {
            return Err(InvalidDefinition::SystemName(name.to_owned()));
        }
        let version = endorsement_info.version.as_str();
        let allowed = |c: u8| c.is_ascii_alphanumeric() || b"_.+-".contains(&c);
        if version.is_empty() || !version.bytes().all(allowed) {
            return Err(InvalidDefinition::Version(version.to_owned()));
        }
        let config = self.config(stub)?;
        let refused = InvalidDefinition::Collections;
        let collections = check_package(collections, Some(config.msps())).map_err(refused)?;
        let committed = committed_collections(stub, name)
            .map_err(|error| InvalidDefinition::Committed { name: name.to_owned(), error })?;
        match committed {
            Some(committed) => check_against_committed(&collections, &committed).map_err(refused),
            None => Ok(()),
        }
    }
}

/// Returns the collections of a chaincode that `_lifecycle` or LSCC defines (fabric
/// `deployedcc_infoprovider.go`, `ChaincodeInfo`). Reads the same keys as Fabric.
fn committed_collections(
    stub: &Stub<'_>,
    name: &str,
) -> Result<Option<CollectionConfigPackage>, CommittedError> {
    let simulator = simulator(stub)?;
    let found = Definition::find(name, &mut PublicState::new(simulator))?;
    if let Some(definition) = found {
        return Ok(Some(definition.parameters.collections));
    }
    let mut lscc = PublicState::of_lscc(simulator);
    let Some(data) = lscc.get(name)? else { return Ok(None) };
    ChaincodeData::decode(data.as_slice()).map_err(CommittedError::Data)?;
    let collections = lscc.get(&lscc_key(name))?;
    let collections = CollectionConfigPackage::decode(collections.unwrap_or_default().as_slice());
    collections.map(Some).map_err(CommittedError::Collections)
}

/// `^[a-zA-Z0-9]+([-_][a-zA-Z0-9]+)*$`.
fn is_name(name: &str) -> bool {
    name.split(['-', '_'])
        .all(|part| !part.is_empty() && part.bytes().all(|c| c.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_fabric() {
        for good in ["a", "0", "a-b", "a_b-0", "ABC"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "-a", "a-", "a--b", "a_-b", "a.b", "é", "a b"] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
