//! The configuration of a channel: organizations, policies, capabilities and block sizes.
//!
//! Read-only: a configuration update makes a new value. Does not decide whether an update is
//! allowed.

use std::collections::BTreeMap;
use std::sync::Arc;

use prost::{DecodeError, Message};

use crate::acl::{self, AclError};
use crate::batch_limits::BatchLimits;
use crate::capabilities::ApplicationCapabilities;
use crate::error::MspError;
use crate::identity::Identity;
use crate::manager::MspManager;
use crate::membership::Msp;
use crate::policy::{PolicyError, PolicyManager, SignedData, valid_identities};
use wasmcc_types::proto::common::{
    Block, Capabilities, ChannelHeader, Config, ConfigEnvelope, ConfigGroup, Envelope, HeaderType,
    Payload,
};
use wasmcc_types::proto::msp::{FabricMspConfig, MspConfig};
use wasmcc_types::proto::orderer::{BatchSize, BatchTimeout, ConsensusType};
use wasmcc_types::proto::protos::AcLs;
use wasmcc_types::{ChannelId, InvalidId, duration};

/// The configuration of a channel.
#[derive(Debug)]
pub struct ChannelConfig {
    channel_id: ChannelId,
    config: Config,
    msps: Arc<MspManager>,
    policies: PolicyManager,
    application_orgs: Vec<OrgEntry>,
    orderer: Option<OrdererGroup>,
    capabilities: ApplicationCapabilities,
    batch_limits: BatchLimits,
    acls: BTreeMap<String, String>,
}

/// The channel's Orderer group, except for the limits of blocks.
#[derive(Debug)]
struct OrdererGroup {
    consensus_type: String,
    orgs: Vec<OrgEntry>,
}

/// An organization of the channel's Application or Orderer group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrgEntry {
    /// The name of its group in the configuration, as used in policy paths.
    pub name: String,
    /// The id of its MSP, as used in identities. Often the same as the name, but not always.
    pub msp_id: String,
}

/// Why a channel's configuration is unusable.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A message between the block and the configuration is missing.
    #[error("the block has no {0}")]
    Missing(&'static str),
    /// A message does not parse.
    #[error("the {what} does not parse")]
    Decode {
        /// Which message.
        what: String,
        /// The cause.
        #[source]
        source: DecodeError,
    },
    /// The transaction is not a configuration transaction.
    #[error("the block holds a transaction of type {0}, not a configuration")]
    NotConfig(i32),
    /// The channel's name is invalid.
    #[error("the channel has no valid name")]
    ChannelId(#[from] InvalidId),
    /// An organization has no MSP, or one that is not of X.509.
    #[error("the organization {org} has no Fabric MSP")]
    NoMsp {
        /// The path of its group.
        org: String,
    },
    /// An organization's MSP is unusable.
    #[error("the MSP of {org} is not usable")]
    Msp {
        /// The path of its group.
        org: String,
        /// The cause.
        #[source]
        source: MspError,
    },
    /// Two organizations have the same MSP id and different MSPs.
    #[error("two different definitions for MSP '{0}'")]
    ConflictingMsp(String),
    /// A policy is unusable.
    #[error("the policies of the channel are not usable")]
    Policy(#[from] PolicyError),
    /// The channel requires a capability that this version does not have.
    #[error("{group} capability {name} is required but not supported")]
    Capability {
        /// Channel or Application.
        group: &'static str,
        /// Its name.
        name: String,
    },
    /// Capabilities are required, but the Orderer group has none, so its orderers would not know
    /// them.
    #[error("cannot enable {0} capabilities without orderer support first")]
    NoOrdererCapabilities(&'static str),
    /// A value is out of its range.
    #[error("{what} is not valid: {value}")]
    Value {
        /// Which value.
        what: &'static str,
        /// The value.
        value: String,
    },
}

impl ChannelConfig {
    /// Reads the configuration transaction of a genesis or other configuration block.
    pub fn from_genesis_block(block: &Block) -> Result<Self, ConfigError> {
        let (channel_id, config) = unpack(block)?;
        Self::from_config(&channel_id, &config)
    }

    /// Reads a configuration. It does not name its channel, so `channel_id` does.
    pub fn from_config(channel_id: &str, config: &Config) -> Result<Self, ConfigError> {
        let channel_id = ChannelId::parse(channel_id)?;
        let root = config.channel_group.as_ref().ok_or(ConfigError::Missing("channel group"))?;
        let application = root.groups.get("Application");
        let application = application.ok_or(ConfigError::Missing("Application group"))?;
        ApplicationCapabilities::check_channel(&capabilities(root)?)?;

        let mut msps = BTreeMap::new();
        let application_orgs = read_orgs("Application", application, &mut msps)?;
        let (mut batch_limits, mut orderer_group) = (BatchLimits::default(), None);
        if let Some(orderer) = root.groups.get("Orderer") {
            check_orderer_capabilities(root, orderer, application)?;
            batch_limits = read_batch_limits(orderer)?;
            let consensus_type = value::<ConsensusType>(orderer, "ConsensusType")?;
            orderer_group = Some(OrdererGroup {
                consensus_type: consensus_type.unwrap_or_default().r#type,
                orgs: read_orgs("Orderer", orderer, &mut msps)?,
            });
        }
        let acls = value::<AcLs>(application, "ACLs")?.unwrap_or_default().acls;
        Ok(Self {
            channel_id,
            config: config.clone(),
            msps: Arc::new(MspManager::new(msps.into_values().map(|(_, msp)| msp))),
            policies: PolicyManager::from_config(root)?,
            application_orgs,
            orderer: orderer_group,
            capabilities: ApplicationCapabilities::new(&capabilities(application)?)?,
            batch_limits,
            acls: acls.into_iter().map(|(name, api)| (name, api.policy_ref)).collect(),
        })
    }

    /// The channel's name.
    pub fn channel_id(&self) -> &ChannelId {
        &self.channel_id
    }

    /// Number of changes of the configuration.
    pub fn sequence(&self) -> u64 {
        self.config.sequence
    }

    /// The configuration as Fabric's message.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The organizations of the Application and Orderer groups.
    pub fn msps(&self) -> &Arc<MspManager> {
        &self.msps
    }

    /// The policies of all groups.
    pub fn policies(&self) -> &PolicyManager {
        &self.policies
    }

    /// The organizations that have peers, by name of their groups.
    pub fn application_orgs(&self) -> &[OrgEntry] {
        &self.application_orgs
    }

    /// The organizations that order, by name of their groups.
    pub fn orderer_orgs(&self) -> &[OrgEntry] {
        self.orderer.as_ref().map_or(&[], |orderer| &orderer.orgs)
    }

    /// How the channel is ordered, as `solo` or `etcdraft`; None without an Orderer group.
    pub fn consensus_type(&self) -> Option<&str> {
        self.orderer.as_ref().map(|orderer| orderer.consensus_type.as_str())
    }

    /// The capabilities of the channel.
    pub fn capabilities(&self) -> ApplicationCapabilities {
        self.capabilities
    }

    /// When blocks are cut.
    pub fn batch_limits(&self) -> BatchLimits {
        self.batch_limits
    }

    /// Returns the policy of a channel's resource: the channel's own, else Fabric's default.
    pub fn acl(&self, resource: &str) -> Option<&str> {
        self.own_acl(resource).or_else(|| acl::default_policy(resource))
    }

    /// Checks the signature, and that the signer may use a resource of the channel.
    pub fn check_acl(&self, resource: &str, signed: &SignedData) -> Result<(), AclError> {
        let signers = valid_identities(std::slice::from_ref(signed), &self.msps);
        self.check_signers(resource, &signers)
    }

    /// As [`check_acl`](Self::check_acl), for a signer whose signature was checked before. One whom
    /// the channel does not know satisfies no policy.
    pub fn check_acl_for(&self, resource: &str, creator: &[u8]) -> Result<(), AclError> {
        let signer = self.msps.deserialize(creator).ok();
        self.check_signers(resource, signer.as_slice())
    }

    fn check_signers(&self, resource: &str, signers: &[Arc<Identity>]) -> Result<(), AclError> {
        let Some(name) = self.acl(resource) else {
            return Err(AclError::Unmapped(resource.to_owned()));
        };
        let policy = name.to_owned();
        let Some(found) = self.policies.get(name) else {
            return Err(AclError::PolicyNotFound { policy });
        };
        found.evaluate_identities(signers).map_err(|source| match self.own_acl(resource) {
            Some(_) => AclError::DeniedByConfig { policy, source },
            None => AclError::Denied { channel: self.channel_id.to_string(), policy, source },
        })
    }

    fn own_acl(&self, resource: &str) -> Option<&str> {
        // A channel cannot override what the peer's own organization controls.
        if acl::local_policy(resource).is_some() {
            return None;
        }
        self.acls.get(resource).map(String::as_str).filter(|name| !name.is_empty())
    }
}

fn unpack(block: &Block) -> Result<(String, Config), ConfigError> {
    let entries = block.data.as_ref().map(|data| data.data.as_slice()).unwrap_or_default();
    let [entry] = entries else {
        return Err(ConfigError::Missing("single configuration transaction"));
    };
    let envelope: Envelope = decode("envelope", entry)?;
    let payload: Payload = decode("payload", &envelope.payload)?;
    let header = payload.header.ok_or(ConfigError::Missing("payload header"))?;
    let header: ChannelHeader = decode("channel header", &header.channel_header)?;
    if header.r#type != HeaderType::Config as i32 {
        return Err(ConfigError::NotConfig(header.r#type));
    }
    let envelope: ConfigEnvelope = decode("configuration envelope", &payload.data)?;
    let config = envelope.config.ok_or(ConfigError::Missing("configuration"))?;
    Ok((header.channel_id, config))
}

fn decode<M: Message + Default>(what: &str, bytes: &[u8]) -> Result<M, ConfigError> {
    M::decode(bytes).map_err(|source| ConfigError::Decode { what: what.to_owned(), source })
}

fn value<M: Message + Default>(group: &ConfigGroup, key: &str) -> Result<Option<M>, ConfigError> {
    let value = group.values.get(key);
    value.map(|value| decode(&format!("value {key}"), &value.value)).transpose()
}

fn capabilities(group: &ConfigGroup) -> Result<Vec<String>, ConfigError> {
    let capabilities = value::<Capabilities>(group, "Capabilities")?.unwrap_or_default();
    Ok(capabilities.capabilities.into_keys().collect())
}

/// Adds the MSPs of a group's organizations. An MSP may be in several groups if it is the same
/// everywhere (Fabric: common/channelconfig/msp.go, `ProposeMSP`).
fn read_orgs(
    group_name: &str,
    group: &ConfigGroup,
    msps: &mut BTreeMap<String, (Vec<u8>, Msp)>,
) -> Result<Vec<OrgEntry>, ConfigError> {
    let mut entries = Vec::new();
    for (name, org) in &group.groups {
        let path = format!("{group_name}/{name}");
        let config = value::<MspConfig>(org, "MSP")?.filter(|config| config.r#type == 0);
        let Some(config) = config else { return Err(ConfigError::NoMsp { org: path }) };
        let fabric: FabricMspConfig = decode(&format!("MSP of {path}"), &config.config)?;
        entries.push(OrgEntry { name: name.clone(), msp_id: fabric.name.clone() });
        match msps.get(&fabric.name) {
            Some((known, _)) if *known == config.config => {}
            Some(_) => return Err(ConfigError::ConflictingMsp(fabric.name)),
            None => {
                let msp = Msp::from_config(&fabric)
                    .map_err(|source| ConfigError::Msp { org: path, source })?;
                msps.insert(fabric.name, (config.config, msp));
            }
        }
    }
    Ok(entries)
}

/// Fabric: common/channelconfig/bundle.go, `preValidate`.
fn check_orderer_capabilities(
    root: &ConfigGroup,
    orderer: &ConfigGroup,
    application: &ConfigGroup,
) -> Result<(), ConfigError> {
    let has = |group: &ConfigGroup| group.values.contains_key("Capabilities");
    let group = match has(orderer) {
        true => return Ok(()),
        false if has(root) => "channel",
        false if has(application) => "application",
        false => return Ok(()),
    };
    Err(ConfigError::NoOrdererCapabilities(group))
}

fn read_batch_limits(orderer: &ConfigGroup) -> Result<BatchLimits, ConfigError> {
    let mut limits = BatchLimits::default();
    if let Some(size) = value::<BatchSize>(orderer, "BatchSize")? {
        let BatchSize { max_message_count, absolute_max_bytes, preferred_max_bytes } = size;
        if max_message_count == 0 || preferred_max_bytes == 0 || absolute_max_bytes == 0 {
            return Err(ConfigError::Value { what: "BatchSize", value: format!("{size:?}") });
        }
        if preferred_max_bytes > absolute_max_bytes {
            let value = format!("{preferred_max_bytes} preferred of {absolute_max_bytes} bytes");
            return Err(ConfigError::Value { what: "BatchSize", value });
        }
        limits.max_message_count = max_message_count;
        limits.absolute_max_bytes = absolute_max_bytes;
        limits.preferred_max_bytes = preferred_max_bytes;
    }
    if let Some(BatchTimeout { timeout }) = value(orderer, "BatchTimeout")? {
        limits.timeout = duration::parse(&timeout)
            .filter(|timeout| !timeout.is_zero())
            .ok_or(ConfigError::Value { what: "BatchTimeout", value: timeout })?;
    }
    Ok(limits)
}

/// Whether a channel's consensus is that of several orderers.
pub fn is_cluster(config: &Config) -> bool {
    let orderer = config.channel_group.as_ref().and_then(|group| group.groups.get("Orderer"));
    let value = orderer.and_then(|orderer| orderer.values.get("ConsensusType"));
    let consensus = value.and_then(|value| ConsensusType::decode(value.value.as_slice()).ok());
    consensus.is_some_and(|consensus| consensus.r#type != "solo")
}
