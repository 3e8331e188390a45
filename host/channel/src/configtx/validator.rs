//! Judges an update against the current configuration. Fabric: `common/configtx/validator.go` and
//! `update.go`; `ValidateNew` in `common/channelconfig/bundle.go`.
//!
//! Invariant: `validate` accepts what `propose` makes, as long as the configuration is the same.

use std::cell::LazyCell;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use prost::Message;

use crate::configtx::config_map::{self, ConfigMap, check_name};
use crate::configtx::envelope::open_update;
use crate::configtx::error::ConfigTxError;
use wasmcc_msp::policy::{Signed, SignedBytes, valid_signers};
use wasmcc_msp::{ChannelConfig, ConfigError, Identity};
use wasmcc_types::proto::common::{
    Config, ConfigEnvelope, ConfigGroup, ConfigSignature, ConfigUpdate, ConfigUpdateEnvelope,
    Envelope, SignatureHeader,
};
use wasmcc_types::{DEFINITION_FIELDS, decode_bounded};

/// Limit on the signatures of an update. A channel has about as many administrators as
/// organizations.
const MAX_SIGNATURES: usize = 1_000;

/// Limit on the bytes that all signatures of an update cover. Each one covers the whole update,
/// which is hashed once per signature.
const MAX_SIGNED_BYTES: usize = 256 << 20;

/// The result of an update.
#[derive(Debug)]
pub struct Proposed {
    /// The message for the block.
    pub envelope: ConfigEnvelope,
    /// The configuration in `envelope`, parsed.
    pub config: ChannelConfig,
}

/// Makes the next configuration from an envelope of type CONFIG_UPDATE. Fabric:
/// `proposeConfigUpdate` and `ChainSupport.ProposeConfigUpdate`.
pub fn propose(current: &ChannelConfig, update: &Envelope) -> Result<Proposed, ConfigTxError> {
    let opened = open_update(update)
        .map_err(ConfigTxError::during("error converting envelope to config update"))?;
    let channel_group =
        authorize(current, &opened).map_err(ConfigTxError::during("error authorizing update"))?;
    // The largest number has no successor.
    let sequence = current
        .sequence()
        .checked_add(1)
        .ok_or(ConfigTxError::Sequence { current: current.sequence(), got: current.sequence() })?;
    let config = Config { sequence, channel_group: Some(channel_group) };
    check_elements(&config)?;
    let next = ChannelConfig::from_config(current.channel_id().as_str(), &config);
    let next = next.map_err(unusable)?;
    if current.consensus().is_some() && next.consensus().is_none() {
        let text = "config does not contain orderer config";
        return Err(ConfigTxError::Incompatible(text.to_owned()));
    }
    check_consortiums(current, &next)?;
    check_successor(current, &next)?;
    let envelope = ConfigEnvelope { config: Some(config), last_update: Some(update.clone()) };
    Ok(Proposed { envelope, config: next })
}

/// Checks that a configuration follows from the current one by the update in it, and parses it.
/// Fabric: `Validate`, `Channel.Apply`.
pub fn validate(
    current: &ChannelConfig,
    envelope: &ConfigEnvelope,
) -> Result<ChannelConfig, ConfigTxError> {
    let config = envelope.config.as_ref();
    let config = config.ok_or(ConfigTxError::Missing("config envelope has nil config"))?;
    // The largest number has no successor.
    if current.sequence().checked_add(1) != Some(config.sequence) {
        let (current, got) = (current.sequence(), config.sequence);
        return Err(ConfigTxError::Sequence { current, got });
    }
    let update = envelope.last_update.as_ref();
    let update = open_update(update.ok_or(ConfigTxError::Missing("nil last update"))?)?;
    let channel_group = authorize(current, &update)?;
    if config.channel_group.as_ref() != Some(&channel_group) {
        return Err(ConfigTxError::OtherResult);
    }
    check_elements(config)?;
    let next = ChannelConfig::from_ordered(current.channel_id().as_str(), config);
    let next = next.map_err(ConfigTxError::Unusable)?;
    check_successor(current, &next)?;
    Ok(next)
}

/// Fabric: `authorizeUpdate`. Returns the channel group with the changes.
fn authorize(
    current: &ChannelConfig,
    envelope: &ConfigUpdateEnvelope,
) -> Result<ConfigGroup, ConfigTxError> {
    let update = decode_bounded(envelope.config_update.as_slice(), DEFINITION_FIELDS);
    let update: ConfigUpdate = update.map_err(ConfigTxError::decode("ConfigUpdate"))?;
    if update.channel_id != current.channel_id().as_str() {
        let expected = current.channel_id().to_string();
        return Err(ConfigTxError::Channel { got: update.channel_id, expected });
    }
    let existing = config_map::map(current.config().channel_group.as_ref())
        .map_err(ConfigTxError::during("error converting config to map"))?;
    let reads = config_map::map(update.read_set.as_ref())
        .map_err(ConfigTxError::during("error mapping ReadSet"))?;
    check_reads(&existing, &reads).map_err(ConfigTxError::during("error validating ReadSet"))?;
    let writes = config_map::map(update.write_set.as_ref())
        .map_err(ConfigTxError::during("error mapping WriteSet"))?;
    let unread = |(key, element): &(&String, &config_map::Element<'_>)| {
        reads.get(*key).is_none_or(|read| read.version() != element.version())
    };
    let changes: BTreeMap<&String, _> = writes.iter().filter(unread).collect();
    let headers = signature_headers(envelope)?;
    let signers = || valid_signers(signed(envelope, &headers), current.msps());
    check_changes(current, &existing, &changes, signers)
        .map_err(ConfigTxError::during("error validating DeltaSet"))?;
    // Written elements that did not change were read, so they are in the current configuration.
    let mut result = existing.clone();
    result.extend(changes.into_iter().map(|(key, element)| (key.clone(), *element)));
    config_map::to_config(&result)
        .map_err(ConfigTxError::during("could not turn configMap back to channelGroup"))
}

/// Fabric: `verifyReadSet`.
fn check_reads(existing: &ConfigMap<'_>, reads: &ConfigMap<'_>) -> Result<(), ConfigTxError> {
    for (key, read) in reads {
        let Some(found) = existing.get(key) else {
            return Err(ConfigTxError::NotThere(key.clone()));
        };
        if found.version() != read.version() {
            return Err(ConfigTxError::ReadVersion {
                key: key.clone(),
                wanted: read.version(),
                current: found.version(),
            });
        }
    }
    Ok(())
}

/// Fabric: `verifyDeltaSet`. A signer who may change a group may also add elements to it.
fn check_changes(
    current: &ChannelConfig,
    existing: &ConfigMap<'_>,
    changes: &BTreeMap<&String, &config_map::Element<'_>>,
    signers: impl FnOnce() -> Vec<Arc<Identity>>,
) -> Result<(), ConfigTxError> {
    if changes.is_empty() {
        return Err(ConfigTxError::NoEffect);
    }
    // Verified on first use: only after a version check has passed, and once for all policies.
    let signers = LazyCell::new(signers);
    let mut satisfied = HashSet::new();
    for (&key, change) in changes {
        check_mod_policy(change.mod_policy())
            .map_err(ConfigTxError::during(format!("invalid mod_policy for element {key}")))?;
        let version = change.version();
        let Some(found) = existing.get(key) else {
            if version != 0 {
                return Err(ConfigTxError::NewVersion { key: key.clone(), version });
            }
            continue;
        };
        if found.version().checked_add(1) != Some(version) {
            let current = found.version();
            return Err(ConfigTxError::WriteVersion { key: key.clone(), version, current });
        }
        let path = found.policy_path(key);
        if satisfied.contains(&path) {
            continue;
        }
        let Some(policy) = current.policies().get(&path) else {
            let policy = found.mod_policy().to_owned();
            return Err(ConfigTxError::NoPolicy { policy, key: key.clone() });
        };
        policy
            .evaluate_identities(&signers)
            .map_err(|source| ConfigTxError::Denied { key: key.clone(), source })?;
        satisfied.insert(path);
    }
    Ok(())
}

/// Fabric: `validateModPolicy`.
fn check_mod_policy(policy: &str) -> Result<(), ConfigTxError> {
    if policy.is_empty() {
        return Err(ConfigTxError::Missing("mod_policy not set"));
    }
    let path = policy.strip_prefix('/').unwrap_or(policy);
    for (index, element) in path.split('/').enumerate() {
        check_name(element)
            .map_err(ConfigTxError::during(format!("path element at {index} is invalid")))?;
    }
    Ok(())
}

/// The headers of an update's signatures, which name the signers.
fn signature_headers(
    envelope: &ConfigUpdateEnvelope,
) -> Result<Vec<SignatureHeader>, ConfigTxError> {
    let count = envelope.signatures.len();
    if count > MAX_SIGNATURES {
        return Err(ConfigTxError::TooLarge { what: "signatures", limit: MAX_SIGNATURES });
    }
    if envelope.config_update.len().saturating_mul(count) > MAX_SIGNED_BYTES {
        let what = "bytes for its signatures to sign (each signs the whole update)";
        return Err(ConfigTxError::TooLarge { what, limit: MAX_SIGNED_BYTES });
    }
    let header = |signature: &ConfigSignature| {
        SignatureHeader::decode(signature.signature_header.as_slice())
            .map_err(ConfigTxError::decode("SignatureHeader"))
    };
    envelope.signatures.iter().map(header).collect()
}

/// Fabric: `ConfigUpdateEnvelopeAsSignedData`. Borrows the update: a copy for each signature could
/// be a thousand times the size of the request.
fn signed<'a>(
    envelope: &'a ConfigUpdateEnvelope,
    headers: &'a [SignatureHeader],
) -> impl Iterator<Item = Signed<'a>> {
    envelope.signatures.iter().zip(headers).map(|(signature, header)| Signed {
        identity: &header.creator,
        data: SignedBytes::Parts([&signature.signature_header, &envelope.config_update]),
        signature: &signature.signature,
    })
}

/// Refuses a configuration with too many elements, or with names that Fabric does not accept,
/// before it is parsed.
pub fn check_elements(config: &Config) -> Result<(), ConfigTxError> {
    let elements = config_map::map(config.channel_group.as_ref());
    elements.map(drop).map_err(ConfigTxError::during("error converting config to map"))
}

/// Returns the refusal of a proposed configuration that cannot be used. Unsupported settings get
/// the text of Fabric's `checkResources` (orderer/common/multichannel/ledger_resources.go), which
/// contains the cause twice.
fn unusable(error: ConfigError) -> ConfigTxError {
    let group = match &error {
        ConfigError::Capability { group: "Channel", .. } => "channel",
        ConfigError::Capability { group: "Orderer", .. } => "orderer",
        ConfigError::Missing("Application group") => {
            let text = "current config has application section, but new config does not";
            return ConfigTxError::Successor(text.to_owned());
        }
        _ => return ConfigTxError::Unusable(error),
    };
    let text = format!("config requires unsupported {group} capabilities: {error}: {error}");
    ConfigTxError::Incompatible(text)
}

/// Consortiums exist only in system channels of orderers, which this program does not have.
fn check_consortiums(current: &ChannelConfig, next: &ChannelConfig) -> Result<(), ConfigTxError> {
    let has = |config: &ChannelConfig| {
        let root = config.config().channel_group.as_ref();
        root.is_some_and(|root| root.groups.contains_key("Consortiums"))
    };
    let text = match (has(current), has(next)) {
        (true, false) => "current config has consortiums section, but new config does not",
        (false, true) => "current config has no consortiums section, but new config does",
        _ => return Ok(()),
    };
    Err(ConfigTxError::Successor(text.to_owned()))
}

/// Checks that the next configuration keeps what it must. Fabric: `ValidateNew`.
pub(super) fn check_successor(
    current: &ChannelConfig,
    next: &ChannelConfig,
) -> Result<(), ConfigTxError> {
    let refuse = |text: String| Err(ConfigTxError::Successor(text));
    match (current.consensus_type(), next.consensus_type()) {
        (Some(_), None) => {
            return refuse(
                "current config has orderer section, but new config does not".to_owned(),
            );
        }
        // With this capability, the orderer checks that the channel is in maintenance mode.
        (Some(old), Some(new)) if old != new && !current.channel_capabilities().v1_4_2 => {
            return refuse(format!("attempted to change consensus type from {old} to {new}"));
        }
        _ => {}
    }
    let kinds = [
        ("orderer", current.orderer_orgs(), next.orderer_orgs()),
        ("application", current.application_orgs(), next.application_orgs()),
    ];
    for (kind, old, new) in kinds {
        for org in old {
            let Some(same) = new.iter().find(|other| other.name == org.name) else { continue };
            if same.msp_id != org.msp_id {
                let (name, from, to) = (&org.name, &org.msp_id, &same.msp_id);
                return refuse(format!(
                    "{kind} org {name} attempted to change MSP ID from {from} to {to}"
                ));
            }
        }
    }
    Ok(())
}
