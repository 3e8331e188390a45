//! Checks the collections of a definition (fabric `core/chaincode/lifecycle/scc.go`,
//! `validateCollectionConfigs`, `validateCollConfigsAgainstCommittedDef`). The texts are Fabric's.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;

use crate::collections::error::CollectionsError;
use wasmcc_msp::{MspManager, SignaturePolicy};
use wasmcc_types::proto::common::msp_principal::Classification;
use wasmcc_types::proto::common::signature_policy::Type as Rule;
use wasmcc_types::proto::common::{self, MspPrincipal, MspRole, OrganizationUnit};
use wasmcc_types::proto::protos::collection_config::Payload;
use wasmcc_types::proto::protos::collection_policy_config::Payload as PolicyPayload;
use wasmcc_types::proto::protos::{CollectionConfigPackage, StaticCollectionConfig};

/// Checks the collections one after another: names, peer counts, and that each member policy is an
/// OR of principals. If `msps` is given, members must be organizations of the channel. Returns the
/// collections.
pub fn check_package<'a>(
    package: &'a CollectionConfigPackage,
    msps: Option<&MspManager>,
) -> Result<Vec<&'a StaticCollectionConfig>, CollectionsError> {
    let collections = package.config.iter().map(|config| match &config.payload {
        Some(Payload::StaticCollectionConfig(config)) => Ok(config),
        _ => Err(CollectionsError::NoPayload),
    });
    let collections = collections.collect::<Result<Vec<_>, _>>()?;
    let mut names = BTreeSet::new();
    for config in &collections {
        let name = config.name.as_str();
        if !is_name(name) {
            return Err(CollectionsError::Name { name: name.to_owned() });
        }
        if !names.insert(name) {
            return Err(CollectionsError::Duplicate { name: name.to_owned() });
        }
        check_counts(config)?;
        let envelope = member_policy(config)?;
        SignaturePolicy::from_envelope(envelope)
            .map_err(|error| CollectionsError::MemberPolicy { name: name.to_owned(), error })?;
        if let Some(n) = first_other_gate(envelope.rule.as_ref()) {
            return Err(CollectionsError::NotAlternatives { name: name.to_owned(), n });
        }
        if let Some(msps) = msps {
            check_members(config, msps)?;
        }
    }
    Ok(collections)
}

/// Checks that the members of a collection are organizations of the channel.
fn check_members(
    config: &StaticCollectionConfig,
    msps: &MspManager,
) -> Result<(), CollectionsError> {
    let name = &config.name;
    for principal in &member_policy(config)?.identities {
        let org = match principal.principal_classification() {
            Classification::Role | Classification::OrganizationUnit => {
                org_of(principal).map_err(|(what, error)| CollectionsError::Principal {
                    name: name.clone(),
                    what,
                    error,
                })?
            }
            Classification::Identity => match msps.deserialize(&principal.principal) {
                Ok(_) => continue,
                Err(_) => {
                    return Err(CollectionsError::ForeignIdentity { name: name.clone() });
                }
            },
            other => {
                let (name, classification) = (name.clone(), other.as_str_name());
                return Err(CollectionsError::Classification { name, classification });
            }
        };
        if msps.msp(&org).is_none() {
            return Err(CollectionsError::ForeignOrg { name: name.clone(), org });
        }
    }
    Ok(())
}

/// Checks that all collections of the channel remain, with the same time to live.
pub fn check_against_committed(
    proposed: &[&StaticCollectionConfig],
    committed: &CollectionConfigPackage,
) -> Result<(), CollectionsError> {
    if committed.config.is_empty() {
        return Ok(());
    }
    if proposed.is_empty() {
        return Err(CollectionsError::AllMissing);
    }
    let proposed: BTreeMap<&str, _> =
        proposed.iter().map(|config| (config.name.as_str(), config)).collect();
    for old in &committed.config {
        let Some(Payload::StaticCollectionConfig(old)) = &old.payload else {
            return Err(CollectionsError::UnknownType);
        };
        let name = &old.name;
        let Some(new) = proposed.get(name.as_str()) else {
            return Err(CollectionsError::Missing { name: name.clone() });
        };
        if new.block_to_live != old.block_to_live {
            let (name, existing) = (name.clone(), old.block_to_live);
            return Err(CollectionsError::BlockToLive { name, existing });
        }
    }
    Ok(())
}

/// `^[A-Za-z0-9-]+([A-Za-z0-9_-]+)*$`
fn is_name(name: &str) -> bool {
    let in_name = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-');
    !name.is_empty() && !name.starts_with('_') && name.bytes().all(in_name)
}

fn check_counts(config: &StaticCollectionConfig) -> Result<(), CollectionsError> {
    let StaticCollectionConfig { name, required_peer_count, maximum_peer_count, .. } = config;
    if maximum_peer_count < required_peer_count {
        return Err(CollectionsError::MaximumBelowRequired {
            name: name.clone(),
            maximum: *maximum_peer_count,
            required: *required_peer_count,
        });
    }
    if *required_peer_count < 0 {
        let (name, required) = (name.clone(), *required_peer_count);
        return Err(CollectionsError::RequiredBelowZero { name, required });
    }
    Ok(())
}

fn member_policy(
    config: &StaticCollectionConfig,
) -> Result<&common::SignaturePolicyEnvelope, CollectionsError> {
    let name = &config.name;
    let policy = config
        .member_orgs_policy
        .as_ref()
        .ok_or_else(|| CollectionsError::NoMemberPolicy { name: name.clone() })?;
    match &policy.payload {
        Some(PolicyPayload::SignaturePolicy(envelope)) => Ok(envelope),
        None => Err(CollectionsError::EmptyMemberPolicy { name: name.clone() }),
    }
}

/// Returns the `n` of the first gate that requires more or less than one rule; None if the policy
/// is an OR of principals. The depth of the rules was checked before.
fn first_other_gate(rule: Option<&common::SignaturePolicy>) -> Option<i32> {
    let gate = match rule?.r#type.as_ref()? {
        Rule::NOutOf(gate) => gate,
        Rule::SignedBy(_) => return None,
    };
    if gate.n != 1 {
        return Some(gate.n);
    }
    gate.rules.iter().find_map(|rule| first_other_gate(Some(rule)))
}

/// Returns the MSP id in a role or an organizational unit.
fn org_of(principal: &MspPrincipal) -> Result<String, (&'static str, prost::DecodeError)> {
    let bytes = principal.principal.as_slice();
    match principal.principal_classification() {
        Classification::Role => {
            MspRole::decode(bytes).map(|role| role.msp_identifier).map_err(|e| ("MSPRole", e))
        }
        _ => OrganizationUnit::decode(bytes)
            .map(|unit| unit.msp_identifier)
            .map_err(|e| ("OrganizationUnit", e)),
    }
}
