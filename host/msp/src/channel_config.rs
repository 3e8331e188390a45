//! The configuration of a channel: organizations, policies, capabilities and block sizes.
//!
//! Read-only: a configuration update makes a new value. Does not decide whether an update is
//! allowed.

use std::collections::BTreeMap;
use std::sync::Arc;

use prost::{DecodeError, Message};

use crate::acl::{self, AclError, absolute};
use crate::batch_limits::BatchLimits;
use crate::capabilities::{ApplicationCapabilities, ChannelCapabilities, OrdererCapabilities};
use crate::config_reader::{ConfigReader, check_orderer_capabilities};
use crate::config_rules;
use crate::error::MspError;
use crate::identity::Identity;
use crate::manager::MspManager;
use crate::policy::{PolicyError, PolicyManager, SignedData, valid_identities};
use wasmcc_types::proto::common::{
    Block, ChannelHeader, Config, ConfigEnvelope, ConfigGroup, Envelope, HeaderType, Payload,
};
use wasmcc_types::proto::orderer::ConsensusType;
use wasmcc_types::proto::orderer::consensus_type::State;
use wasmcc_types::proto::protos::AcLs;
use wasmcc_types::{ChannelId, DEFINITION_FIELDS, InvalidId, decode_bounded};

/// The configuration of a channel.
#[derive(Debug)]
pub struct ChannelConfig {
    channel_id: ChannelId,
    config: Config,
    msps: Arc<MspManager>,
    policies: PolicyManager,
    application_orgs: Vec<OrgEntry>,
    orderer: Option<OrdererGroup>,
    channel_capabilities: ChannelCapabilities,
    capabilities: ApplicationCapabilities,
    batch_limits: BatchLimits,
    acls: BTreeMap<String, String>,
}

/// The channel's Orderer group, except for the limits of blocks.
#[derive(Debug)]
struct OrdererGroup {
    consensus: ConsensusType,
    capabilities: OrdererCapabilities,
    orgs: Vec<OrgEntry>,
}

impl OrdererGroup {
    fn read(group: &ConfigGroup, reader: &mut ConfigReader) -> Result<Self, ConfigError> {
        let names = reader.capabilities(group)?;
        if reader.is_new() {
            OrdererCapabilities::check(&names)?;
        }
        Ok(Self {
            consensus: reader.value(group, "ConsensusType")?.unwrap_or_default(),
            capabilities: OrdererCapabilities::new(&names),
            orgs: reader.orgs("Orderer", group)?,
        })
    }
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
        /// The message.
        what: String,
        /// The cause.
        #[source]
        source: DecodeError,
    },
    /// The transaction is not a configuration transaction.
    #[error("the block holds a transaction of type {0}, not a configuration")]
    NotConfig(i32),
    /// The channel's name is invalid.
    #[error("initializing configtx manager failed: bad channel ID: {}", .0.of_channel())]
    ChannelId(InvalidId),
    /// An organization has no MSP, or one that does not use X.509.
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
    /// An organization's group has sub-groups. Names the group that holds all organizations.
    #[error("{0}Org config does not allow sub-groups")]
    SubGroups(String),
    /// The configuration exceeds a limit.
    #[error("the configuration has more than {limit} {what}")]
    TooLarge {
        /// The kind of item that exceeds it.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A policy is unusable.
    #[error("the policies of the channel are not usable")]
    Policy(#[from] PolicyError),
    /// The channel requires a capability that this version does not have.
    #[error("{group} capability {name} is required but not supported")]
    Capability {
        /// Channel, Orderer or Application.
        group: &'static str,
        /// Its name.
        name: String,
    },
    /// The Orderer group has no capabilities although another group requires some. Its orderers
    /// would not know them.
    #[error("cannot enable {0} capabilities without orderer support first")]
    NoOrdererCapabilities(&'static str),
    /// A group or value is not as Fabric requires. The text is Fabric's.
    #[error("initializing channelconfig failed: {0}")]
    Bundle(String),
}

impl ChannelConfig {
    /// Reads the configuration transaction of a genesis or other configuration block.
    pub fn from_genesis_block(block: &Block) -> Result<Self, ConfigError> {
        let (channel_id, config) = config_of_block(block)?;
        Self::from_config(&channel_id, &config)
    }

    /// Reads a configuration that is to come into force. `channel_id` names its channel, because
    /// the configuration does not. Fails if Fabric would refuse the configuration, or if it exceeds
    /// the limits of updates and genesis blocks.
    pub fn from_config(channel_id: &str, config: &Config) -> Result<Self, ConfigError> {
        Self::read(channel_id, config, ConfigReader::of_new())
    }

    /// As [`from_config`](Self::from_config), for a configuration in a block. Checks only the
    /// limits: an orderer of an earlier version may have accepted the configuration, and the
    /// verdict on a block must not change.
    pub fn from_ordered(channel_id: &str, config: &Config) -> Result<Self, ConfigError> {
        Self::read(channel_id, config, ConfigReader::limited())
    }

    /// As [`from_config`](Self::from_config), for a configuration in force. It may exceed the
    /// limits, too, because it may be older than they are.
    pub fn from_stored(channel_id: &str, config: &Config) -> Result<Self, ConfigError> {
        Self::read(channel_id, config, ConfigReader::unlimited())
    }

    fn read(channel_id: &str, config: &Config, reader: ConfigReader) -> Result<Self, ConfigError> {
        let channel_id = ChannelId::parse(channel_id).map_err(ConfigError::ChannelId)?;
        let root = config.channel_group.as_ref().ok_or(ConfigError::Missing("channel group"))?;
        reader.check_size(root)?;
        let application = root.groups.get("Application");
        let application = application.ok_or(ConfigError::Missing("Application group"))?;
        let orderer = root.groups.get("Orderer");
        orderer.map_or(Ok(()), |group| check_orderer_capabilities(root, group, application))?;
        let channel_capabilities = ChannelCapabilities::new(&reader.capabilities(root)?)?;
        let capabilities = ApplicationCapabilities::new(&reader.capabilities(application)?)?;
        let mut reader = reader.with_version(channel_capabilities.msp_version);
        if reader.is_new() {
            config_rules::check(root, channel_capabilities, capabilities)?;
        }

        let application_orgs = reader.orgs("Application", application)?;
        let batch_limits = orderer.map(|group| reader.batch_limits(group)).transpose()?;
        let orderer = orderer.map(|group| OrdererGroup::read(group, &mut reader)).transpose()?;
        let acls = reader.value::<AcLs>(application, "ACLs")?.unwrap_or_default().acls;
        Ok(Self {
            channel_id,
            config: config.clone(),
            policies: reader.policies(root)?,
            application_orgs,
            orderer,
            channel_capabilities,
            capabilities,
            batch_limits: batch_limits.unwrap_or_default(),
            acls: acls.into_iter().map(|(name, api)| (name, absolute(api.policy_ref))).collect(),
            msps: Arc::new(MspManager::new(reader.into_msps())),
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

    /// The organizations that have peers, by the names of their groups.
    pub fn application_orgs(&self) -> &[OrgEntry] {
        &self.application_orgs
    }

    /// The organizations that order, by the names of their groups.
    pub fn orderer_orgs(&self) -> &[OrgEntry] {
        self.orderer.as_ref().map_or(&[], |orderer| &orderer.orgs)
    }

    /// The type of consensus, such as `solo` or `etcdraft`; None without an Orderer group.
    pub fn consensus_type(&self) -> Option<&str> {
        self.consensus().map(|consensus| consensus.r#type.as_str())
    }

    /// The type, state and metadata of the consensus; None without an Orderer group.
    pub fn consensus(&self) -> Option<&ConsensusType> {
        self.orderer.as_ref().map(|orderer| &orderer.consensus)
    }

    /// True if the orderers are in maintenance mode, as a change of the type of consensus requires.
    pub fn is_in_maintenance(&self) -> bool {
        self.consensus().is_some_and(|consensus| consensus.state() == State::Maintenance)
    }

    /// The capabilities of the channel's peers.
    pub fn capabilities(&self) -> ApplicationCapabilities {
        self.capabilities
    }

    /// The capabilities of the channel's orderers; none without an Orderer group.
    pub fn orderer_capabilities(&self) -> OrdererCapabilities {
        self.orderer.as_ref().map(|orderer| orderer.capabilities).unwrap_or_default()
    }

    /// The capabilities of the channel as a whole.
    pub fn channel_capabilities(&self) -> ChannelCapabilities {
        self.channel_capabilities
    }

    /// The limits at which blocks are cut.
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

    /// As [`check_acl`](Self::check_acl), for a signer whose signature was checked before. A signer
    /// that is not a member of the channel satisfies no policy.
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
        // A channel cannot override the policies of resources that the peer's own organization
        // controls.
        if acl::local_policy(resource).is_some() {
            return None;
        }
        self.acls.get(resource).map(String::as_str).filter(|name| !name.is_empty())
    }
}

/// Returns the channel and the configuration of a configuration block. Checks neither.
pub fn config_of_block(block: &Block) -> Result<(String, Config), ConfigError> {
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
    decode_bounded(bytes, DEFINITION_FIELDS)
        .map_err(|source| ConfigError::Decode { what: what.to_owned(), source })
}

/// True if a channel's type of consensus has several orderers.
pub fn is_cluster(config: &Config) -> bool {
    let orderer = config.channel_group.as_ref().and_then(|group| group.groups.get("Orderer"));
    let value = orderer.and_then(|orderer| orderer.values.get("ConsensusType"));
    let consensus = value.and_then(|value| ConsensusType::decode(value.value.as_slice()).ok());
    consensus.is_some_and(|consensus| consensus.r#type != "solo")
}
