//! Checks the collections of a definition (fabric `core/chaincode/lifecycle/scc.go`,
//! `validateCollectionConfigs`, `validateCollConfigsAgainstCommittedDef`). The texts are Fabric's.

use std::collections::BTreeSet;

use prost::Message;

use wasmcc_msp::{MspManager, SignaturePolicy};
use wasmcc_types::proto::common::msp_principal::Classification;
use wasmcc_types::proto::common::signature_policy::Type as Rule;
use wasmcc_types::proto::common::{self, MspPrincipal, MspRole, OrganizationUnit};
use wasmcc_types::proto::protos::collection_config::Payload;
use wasmcc_types::proto::protos::collection_policy_config::Payload as PolicyPayload;
use wasmcc_types::proto::protos::{CollectionConfigPackage, StaticCollectionConfig};

/// Checks what needs no channel: names, peer counts, and that member policies are alternatives.
/// Returns the collections.
pub fn check_package(
    package: &CollectionConfigPackage,
) -> Result<Vec<&StaticCollectionConfig>, String> {
    let mut names = BTreeSet::new();
    let mut collections = Vec::with_capacity(package.config.len());
    for config in &package.config {
        let Some(Payload::StaticCollectionConfig(config)) = &config.payload else {
            return Err("collection config contains unexpected payload type: <nil>".into());
        };
        let name = config.name.as_str();
        if !is_name(name) {
            return Err(format!(
                "invalid collection name '{name}'. Names can only consist of alphanumerics, '_', \
                 and '-' and cannot begin with '_'"
            ));
        }
        if !names.insert(name) {
            return Err(format!(
                "collection-name: {name} -- found duplicate in collection configuration"
            ));
        }
        check_counts(config)?;
        let envelope = member_policy(config)?;
        SignaturePolicy::from_envelope(envelope).map_err(|error| {
            format!("invalid member org policy for collection '{name}': {error}")
        })?;
        check_alternatives(envelope.rule.as_ref()).map_err(|why| {
            format!("collection-name: {name} -- error in member org policy: {why}")
        })?;
        collections.push(config);
    }
    Ok(collections)
}

/// Checks that the members of a collection are organizations of the channel.
pub fn check_members(config: &StaticCollectionConfig, msps: &MspManager) -> Result<(), String> {
    let name = &config.name;
    for principal in &member_policy(config)?.identities {
        let org = match principal.principal_classification() {
            Classification::Role | Classification::OrganizationUnit => {
                org_of(principal).map_err(|(what, error)| {
                    let text = "cannot unmarshal identity bytes into";
                    format!("collection-name: {name} -- {text} {what}: {error}")
                })?
            }
            Classification::Identity => match msps.deserialize(&principal.principal) {
                Ok(_) => continue,
                Err(_) => {
                    return Err(format!(
                        "collection-name: {name} -- contains an identity that is not part of the \
                         channel"
                    ));
                }
            },
            other => {
                return Err(format!(
                    "collection-name: {name} -- principal type {} is not supported",
                    other.as_str_name()
                ));
            }
        };
        if msps.msp(&org).is_none() {
            return Err(format!(
                "collection-name: {name} -- collection member '{org}' is not part of the channel"
            ));
        }
    }
    Ok(())
}

/// Checks that all collections of the channel remain, with the same time to live.
pub fn check_against_committed(
    proposed: &[&StaticCollectionConfig],
    committed: &CollectionConfigPackage,
) -> Result<(), String> {
    if committed.config.is_empty() {
        return Ok(());
    }
    if proposed.is_empty() {
        return Err(
            "the proposed collection config does not contain previously defined collections".into(),
        );
    }
    for old in &committed.config {
        let Some(Payload::StaticCollectionConfig(old)) = &old.payload else {
            return Err("unknown collection configuration type".into());
        };
        let name = &old.name;
        let Some(new) = proposed.iter().find(|new| new.name == *name) else {
            return Err(format!(
                "existing collection [{name}] missing in the proposed collection configuration"
            ));
        };
        if new.block_to_live != old.block_to_live {
            return Err(format!(
                "the BlockToLive in an existing collection [{name}] modified. Existing value [{}]",
                old.block_to_live
            ));
        }
    }
    Ok(())
}

/// `^[A-Za-z0-9-]+([A-Za-z0-9_-]+)*$`
fn is_name(name: &str) -> bool {
    let in_name = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-');
    !name.is_empty() && !name.starts_with('_') && name.bytes().all(in_name)
}

fn check_counts(config: &StaticCollectionConfig) -> Result<(), String> {
    let StaticCollectionConfig { name, required_peer_count, maximum_peer_count, .. } = config;
    if maximum_peer_count < required_peer_count {
        return Err(format!(
            "collection-name: {name} -- maximum peer count ({maximum_peer_count}) cannot be less \
             than the required peer count ({required_peer_count})"
        ));
    }
    if *required_peer_count < 0 {
        return Err(format!(
            "collection-name: {name} -- requiredPeerCount ({required_peer_count}) cannot be less \
             than zero"
        ));
    }
    Ok(())
}

fn member_policy(
    config: &StaticCollectionConfig,
) -> Result<&common::SignaturePolicyEnvelope, String> {
    let name = &config.name;
    let policy = config
        .member_orgs_policy
        .as_ref()
        .ok_or_else(|| format!("collection member policy is not set for collection '{name}'"))?;
    match &policy.payload {
        Some(PolicyPayload::SignaturePolicy(envelope)) => Ok(envelope),
        None => Err(format!("collection member org policy is empty for collection '{name}'")),
    }
}

/// Checks that each principal of a rule satisfies it alone. The depth of rules was checked before.
fn check_alternatives(rule: Option<&common::SignaturePolicy>) -> Result<(), String> {
    let Some(Rule::NOutOf(gate)) = rule.and_then(|rule| rule.r#type.as_ref()) else {
        return Ok(());
    };
    if gate.n != 1 {
        let n = gate.n;
        return Err(format!("signature policy is not an OR concatenation, NOutOf {n}"));
    }
    gate.rules.iter().try_for_each(|rule| check_alternatives(Some(rule)))
}

/// The organization of a role or an organizational unit.
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
