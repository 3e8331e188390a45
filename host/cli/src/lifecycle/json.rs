//! Results as JSON in the form of Fabric's command: the fields of the messages, bytes in base64.
//! Empty fields are left out.

use serde_json::{Map, Value, json};

use crate::transient::to_base64;
use wasmcc_types::proto::common::{SignaturePolicy, SignaturePolicyEnvelope, signature_policy};
use wasmcc_types::proto::lifecycle::chaincode_source::Type as Source;
use wasmcc_types::proto::lifecycle::query_chaincode_definitions_result::ChaincodeDefinition;
use wasmcc_types::proto::lifecycle::{
    ChaincodeSource, CheckCommitReadinessResult, QueryApprovedChaincodeDefinitionResult,
    QueryChaincodeDefinitionResult, QueryInstalledChaincodeResult,
    query_approved_chaincode_definitions_result as all,
};
use wasmcc_types::proto::protos::collection_config::Payload;
use wasmcc_types::proto::protos::{
    ApplicationPolicy, CollectionConfigPackage, CollectionPolicyConfig, application_policy,
    collection_policy_config,
};

/// Removes empty fields, as Go's JSON does.
fn filled(fields: Value) -> Value {
    let Value::Object(fields) = fields else { return fields };
    let empty = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_i64() == Some(0),
        Value::Array(_) | Value::Object(_) | Value::Bool(true) => false,
    };
    Value::Object(fields.into_iter().filter(|(_, value)| !empty(value)).collect::<Map<_, _>>())
}

/// Returns the package of an approval; empty if the organization's peers run none.
pub(super) fn package_id(source: Option<&ChaincodeSource>) -> &str {
    match source.and_then(|source| source.r#type.as_ref()) {
        Some(Source::LocalPackage(local)) => &local.package_id,
        Some(Source::Unavailable(_)) | None => "",
    }
}

fn source(source: Option<&ChaincodeSource>) -> Value {
    match source.and_then(|source| source.r#type.as_ref()) {
        Some(Source::LocalPackage(local)) => {
            json!({ "Type": { "LocalPackage": { "package_id": local.package_id } } })
        }
        Some(Source::Unavailable(_)) => json!({ "Type": { "Unavailable": {} } }),
        None => Value::Null,
    }
}

fn collections(package: Option<&CollectionConfigPackage>) -> Value {
    let Some(package) = package else { return Value::Null };
    let configs = package.config.iter().map(|config| {
        let Some(Payload::StaticCollectionConfig(config)) = &config.payload else {
            return json!({});
        };
        let fields = filled(json!({
            "name": config.name,
            "member_orgs_policy": members(config.member_orgs_policy.as_ref()),
            "required_peer_count": config.required_peer_count,
            "maximum_peer_count": config.maximum_peer_count,
            "block_to_live": config.block_to_live,
            "member_only_read": config.member_only_read,
            "member_only_write": config.member_only_write,
            "endorsement_policy": application_policy(config.endorsement_policy.as_ref()),
        }));
        json!({ "Payload": { "StaticCollectionConfig": fields } })
    });
    match configs.collect::<Vec<_>>() {
        configs if configs.is_empty() => json!({}),
        configs => json!({ "config": configs }),
    }
}

fn members(policy: Option<&CollectionPolicyConfig>) -> Value {
    let Some(policy) = policy else { return Value::Null };
    let payload = policy.payload.as_ref();
    let payload = payload.map(|collection_policy_config::Payload::SignaturePolicy(policy)| {
        json!({ "SignaturePolicy": signature_policy(policy) })
    });
    json!({ "Payload": payload })
}

fn application_policy(policy: Option<&ApplicationPolicy>) -> Value {
    use application_policy::Type;
    let Some(policy) = policy else { return Value::Null };
    let policy = policy.r#type.as_ref().map(|policy| match policy {
        Type::SignaturePolicy(policy) => json!({ "SignaturePolicy": signature_policy(policy) }),
        Type::ChannelConfigPolicyReference(name) => {
            json!({ "ChannelConfigPolicyReference": name })
        }
    });
    json!({ "Type": policy })
}

fn signature_policy(policy: &SignaturePolicyEnvelope) -> Value {
    let identities = policy.identities.iter().map(|principal| {
        filled(json!({
            "principal_classification": principal.principal_classification,
            "principal": to_base64(&principal.principal),
        }))
    });
    filled(json!({
        "version": policy.version,
        "rule": policy.rule.as_ref().map(rule),
        "identities": listed(identities),
    }))
}

/// The nesting is limited by the decoder of the message.
fn rule(policy: &SignaturePolicy) -> Value {
    use signature_policy::Type;
    let policy = policy.r#type.as_ref().map(|policy| match policy {
        Type::SignedBy(identity) => json!({ "SignedBy": identity }),
        Type::NOutOf(some) => {
            let rules = listed(some.rules.iter().map(rule));
            json!({ "NOutOf": filled(json!({ "n": some.n, "rules": rules })) })
        }
    });
    json!({ "Type": policy })
}

/// Returns None in place of an empty list.
fn listed(values: impl Iterator<Item = Value>) -> Option<Vec<Value>> {
    Some(values.collect()).filter(|list: &Vec<Value>| !list.is_empty())
}

/// Converts a message with the fields of a definition to JSON.
macro_rules! definition {
    ($message:expr, $($more:tt)*) => {{
        let message = $message;
        filled(json!({
            $($more)*
            "sequence": message.sequence,
            "version": message.version,
            "endorsement_plugin": message.endorsement_plugin,
            "validation_plugin": message.validation_plugin,
            "validation_parameter": to_base64(&message.validation_parameter),
            "collections": collections(message.collections.as_ref()),
            "init_required": message.init_required,
        }))
    }};
}

pub(super) fn approved(found: &QueryApprovedChaincodeDefinitionResult) -> Value {
    definition!(found, "source": source(found.source.as_ref()),)
}

pub(super) fn approved_of(found: &all::ApprovedChaincodeDefinition) -> Value {
    definition!(found, "name": found.name, "source": source(found.source.as_ref()),)
}

pub(super) fn committed(found: &QueryChaincodeDefinitionResult) -> Value {
    definition!(found, "approvals": found.approvals,)
}

pub(super) fn committed_of(found: &ChaincodeDefinition) -> Value {
    definition!(found, "name": found.name,)
}

pub(super) fn installed(found: &QueryInstalledChaincodeResult) -> Value {
    let references = found.references.iter().map(|(channel, references)| {
        let chaincodes = references.chaincodes.iter();
        let chaincodes = chaincodes.map(|cc| json!({ "name": cc.name, "version": cc.version }));
        (channel.clone(), json!({ "chaincodes": chaincodes.collect::<Vec<_>>() }))
    });
    let references: Map<String, Value> = references.collect();
    let references = if references.is_empty() { Value::Null } else { references.into() };
    filled(json!({
        "package_id": found.package_id,
        "label": found.label,
        "references": references,
    }))
}

pub(super) fn readiness(found: &CheckCommitReadinessResult) -> Value {
    let mismatches = found.mismatches.iter().map(|(org, found)| {
        let items: Vec<&str> = found.items.iter().map(|item| described(item)).collect();
        (org.clone(), json!({ "items": items }))
    });
    let mismatches: Map<String, Value> = mismatches.collect();
    let mismatches = if mismatches.is_empty() { Value::Null } else { mismatches.into() };
    filled(json!({ "approvals": found.approvals, "mismatches": mismatches }))
}

/// Returns Fabric's text for a mismatch (`mismatchItemWithDescription`).
fn described(item: &str) -> &str {
    match item {
        "ChaincodeParameters" => "ChaincodeParameters (Check the Sequence, ChaincodeName)",
        "EndorsementInfo" => "EndorsementInfo (Check the Version, InitRequired, EndorsementPlugin)",
        "ValidationInfo" => "ValidationInfo (Check the ValidationParameter, ValidationPlugin)",
        "Collections" => "Collections (Check the Collections)",
        other => other,
    }
}
