//! Checks that a configuration may come into force: it has only values and groups that Fabric
//! knows, and these as Fabric requires. Fabric: `common/channelconfig`, `NewChannelConfig`.
//!
//! Does not set up organizations and policies, and does not check a configuration in force: a peer
//! has to open what it has committed.
//!
//! Invariant: accepts what Fabric accepts: Fabric 3 with the capability V3_0, else Fabric 2.5. The
//! texts are Fabric's.

use prost::{DecodeError, Message};

use crate::batch_limits::BatchLimits;
use crate::capabilities::{ApplicationCapabilities, ChannelCapabilities};
use crate::channel_config::ConfigError;
use wasmcc_types::proto::common::{
    BlockDataHashingStructure, Capabilities, ConfigGroup, Consortium, HashingAlgorithm,
    OrdererAddresses, Orderers, Policy,
};
use wasmcc_types::proto::msp::MspConfig;
use wasmcc_types::proto::orderer::{
    BatchSize, BatchTimeout, ChannelRestrictions, ConsensusType, KafkaBrokers,
};
use wasmcc_types::proto::protos::{AcLs, AnchorPeers};
use wasmcc_types::{DEFINITION_FIELDS, decode_bounded};

/// A value that a group may have.
struct Known {
    key: &'static str,
    parse: fn(&[u8]) -> Result<(), DecodeError>,
}

const CHANNEL: &[Known] = &[
    known::<HashingAlgorithm>("HashingAlgorithm"),
    known::<BlockDataHashingStructure>("BlockDataHashingStructure"),
    known::<OrdererAddresses>("OrdererAddresses"),
    known::<Consortium>("Consortium"),
    known::<Capabilities>("Capabilities"),
];
const APPLICATION: &[Known] = &[known::<AcLs>("ACLs"), known::<Capabilities>("Capabilities")];
const ORDERER: &[Known] = &[
    known::<ConsensusType>("ConsensusType"),
    known::<BatchSize>("BatchSize"),
    known::<BatchTimeout>("BatchTimeout"),
    known::<KafkaBrokers>("KafkaBrokers"),
    known::<ChannelRestrictions>("ChannelRestrictions"),
    known::<Orderers>("Orderers"),
    known::<Capabilities>("Capabilities"),
];
const CONSORTIUM: &[Known] = &[known::<Policy>("ChannelCreationPolicy")];
const APPLICATION_ORG: &[Known] = &[known::<AnchorPeers>("AnchorPeers"), known::<MspConfig>("MSP")];
const ORDERER_ORG: &[Known] = &[known::<OrdererAddresses>("Endpoints"), known::<MspConfig>("MSP")];
const CONSORTIUM_ORG: &[Known] = &[known::<MspConfig>("MSP")];

const fn known<M: Message + Default>(key: &'static str) -> Known {
    Known { key, parse: |bytes| decode_bounded::<M>(bytes, DEFINITION_FIELDS).map(drop) }
}

/// Checks the channel's group and all groups below it.
pub(crate) fn check(
    root: &ConfigGroup,
    channel: ChannelCapabilities,
    application: ApplicationCapabilities,
) -> Result<(), ConfigError> {
    check_channel(root, channel, application).map_err(ConfigError::Bundle)
}

fn check_channel(
    root: &ConfigGroup,
    has: ChannelCapabilities,
    application: ApplicationCapabilities,
) -> Result<(), String> {
    check_values(root, CHANNEL)?;
    let HashingAlgorithm { name } = value(root, "HashingAlgorithm");
    if !matches!(name.as_str(), "SHA256" | "SHA3_256") {
        return Err(format!("Unknown hashing algorithm type: {name}"));
    }
    let BlockDataHashingStructure { width } = value(root, "BlockDataHashingStructure");
    if width != u32::MAX {
        let text = "BlockDataHashStructure width only supported at MaxUint32 in this version";
        return Err(text.to_owned());
    }
    let OrdererAddresses { addresses } = value(root, "OrdererAddresses");
    if !has.v1_4_2 && addresses.is_empty() {
        return Err("Must set some OrdererAddresses".to_owned());
    }
    if has.v3_0 && !addresses.is_empty() {
        let text = "global OrdererAddresses are not allowed with V3_0 capability, use org specific \
                    addresses only";
        return Err(text.to_owned());
    }
    for (name, group) in &root.groups {
        let checked = match name.as_str() {
            "Application" => check_application(group, application),
            "Orderer" => check_orderer(group, has),
            "Consortiums" => group.groups.values().try_for_each(check_consortium),
            _ => return Err(format!("Disallowed channel group: {name}")),
        };
        checked.map_err(|error| {
            format!("could not create channel {name} sub-group config: {error}")
        })?;
    }
    Ok(())
}

fn check_application(group: &ConfigGroup, has: ApplicationCapabilities) -> Result<(), String> {
    check_values(group, APPLICATION)?;
    if !has.v1_2 && group.values.contains_key("ACLs") {
        return Err("ACLs may not be specified without the required capability".to_owned());
    }
    group.groups.values().try_for_each(|org| check_values(org, APPLICATION_ORG))
}

fn check_orderer(group: &ConfigGroup, has: ChannelCapabilities) -> Result<(), String> {
    check_values(group, ORDERER)?;
    BatchLimits::from_values(value(group, "BatchSize"), &value(group, "BatchTimeout"))?;
    let KafkaBrokers { brokers } = value(group, "KafkaBrokers");
    // Fabric 3 keeps the value only for old blocks.
    if !has.v3_0
        && let Some(broker) = brokers.iter().find(|broker| !is_broker(broker))
    {
        return Err(format!("Invalid broker entry: {broker}"));
    }
    let mut without_endpoints = Vec::new();
    for (name, org) in &group.groups {
        if !has.v1_4_2 && org.values.contains_key("Endpoints") {
            return Err(format!(
                "Orderer Org {name} cannot contain endpoints value until V1_4_2+ capabilities have \
                 been enabled"
            ));
        }
        check_values(org, ORDERER_ORG)?;
        let OrdererAddresses { addresses } = value(org, "Endpoints");
        if addresses.is_empty() {
            without_endpoints.push(name.as_str());
        }
    }
    if has.v3_0 && !without_endpoints.is_empty() {
        let names = without_endpoints.join(" ");
        return Err(format!("some orderer organizations endpoints are empty: [{names}]"));
    }
    Ok(())
}

fn check_consortium(group: &ConfigGroup) -> Result<(), String> {
    check_values(group, CONSORTIUM)?;
    for org in group.groups.values() {
        if !org.groups.is_empty() {
            return Err("organizations do not support sub-groups".to_owned());
        }
        check_values(org, CONSORTIUM_ORG)?;
    }
    Ok(())
}

/// Fabric: standardvalues.go, `DeserializeProtoValuesFromGroup`.
fn check_values(group: &ConfigGroup, known: &[Known]) -> Result<(), String> {
    for (key, value) in &group.values {
        let Some(known) = known.iter().find(|known| known.key == key) else {
            return Err(format!("failed to deserialize values: Unexpected key {key}"));
        };
        (known.parse)(&value.value)
            .map_err(|error| format!("failed to deserialize values: value {key}: {error}"))?;
    }
    Ok(())
}

/// Returns a value; the default if it is missing or does not parse.
fn value<M: Message + Default>(group: &ConfigGroup, key: &str) -> M {
    let value = group.values.get(key);
    let value = value.and_then(|value| decode_bounded(&value.value[..], DEFINITION_FIELDS).ok());
    value.unwrap_or_default()
}

/// Fabric: orderer.go, `brokerEntrySeemsValid`.
fn is_broker(broker: &str) -> bool {
    let Some((host, port)) = broker.split_once(':') else { return false };
    let is_port = port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let is_end = |byte: Option<u8>| byte.is_none_or(|byte| byte.is_ascii_alphanumeric());
    let mut bytes = host.bytes();
    is_port && host.bytes().all(is_inner) && is_end(bytes.next()) && is_end(bytes.next_back())
}
