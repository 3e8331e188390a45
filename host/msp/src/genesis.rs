//! Makes the first block of a channel, as configtxgen does.
//!
//! Invariant: the same specification leads to the same bytes, without a clock or randomness.
//! Therefore the nonce is a hash of the configuration, and there is no timestamp.

use prost::Message;

use crate::batch_limits::BatchLimits;
use crate::policy::{PolicyError, SignaturePolicy};
use wasmcc_types::proto::common::implicit_meta_policy::Rule;
use wasmcc_types::proto::common::policy::PolicyType;
use wasmcc_types::proto::common::{
    Block, BlockData, BlockDataHashingStructure, BlockHeader, BlockMetadata, Capabilities,
    Capability, ChannelHeader, Config, ConfigEnvelope, ConfigGroup, ConfigPolicy, ConfigValue,
    Envelope, HashingAlgorithm, Header, HeaderType, ImplicitMetaPolicy, LastConfig, Metadata,
    OrdererBlockMetadata, Payload, Policy, SignatureHeader,
};
use wasmcc_types::proto::msp::{FabricMspConfig, MspConfig};
use wasmcc_types::proto::orderer::{BatchSize, BatchTimeout, ConsensusType};
use wasmcc_types::{ChannelId, duration, hex, sha256, sha256_all};

const ADMINS: &str = "Admins";
/// Number of entries in a block's metadata; 0 has signatures, 1 the last configuration.
const METADATA_ENTRIES: usize = 5;

/// The specification of a new channel.
#[derive(Clone, Debug)]
pub struct GenesisSpec {
    /// The channel's name.
    pub channel_id: ChannelId,
    /// The organizations with peers, at least one. Groups are named after their MSP ids.
    pub application_orgs: Vec<FabricMspConfig>,
    /// The organization that orders; if None, the first organization with peers does.
    pub orderer_org: Option<FabricMspConfig>,
    /// The limits at which the orderer cuts a block.
    pub batch_limits: BatchLimits,
}

impl GenesisSpec {
    /// A channel of these organizations with default limits and no orderer organization.
    pub fn new(channel_id: ChannelId, application_orgs: Vec<FabricMspConfig>) -> Self {
        let batch_limits = BatchLimits::default();
        Self { channel_id, application_orgs, orderer_org: None, batch_limits }
    }

    /// Makes the block. Fails if an MSP id has characters that policies do not allow (letters,
    /// digits, '.' and '-' are allowed).
    pub fn block(&self) -> Result<Block, PolicyError> {
        let config = Config { sequence: 0, channel_group: Some(self.channel_group()?) };
        let config = ConfigEnvelope { config: Some(config), last_update: None }.encode_to_vec();
        // configtxgen draws 24 random bytes; a hash works as well and is reproducible.
        let nonce = sha256_all([self.channel_id.as_bytes(), &config])[..24].to_vec();
        let channel_header = ChannelHeader {
            r#type: HeaderType::Config.into(),
            version: 1,
            channel_id: self.channel_id.to_string(),
            // The creator is empty, so the transaction id depends on the nonce alone.
            tx_id: hex(&sha256(&nonce)),
            ..ChannelHeader::default()
        };
        let signature_header = SignatureHeader { creator: Vec::new(), nonce };
        let payload = Payload {
            header: Some(Header {
                channel_header: channel_header.encode_to_vec(),
                signature_header: signature_header.encode_to_vec(),
            }),
            data: config,
        };
        let envelope = Envelope { payload: payload.encode_to_vec(), signature: Vec::new() };
        Ok(first_block(envelope.encode_to_vec()))
    }

    fn channel_group(&self) -> Result<ConfigGroup, PolicyError> {
        let mut channel = group();
        add_common_policies(&mut channel);
        add_value(&mut channel, "HashingAlgorithm", &HashingAlgorithm { name: "SHA256".into() });
        let structure = BlockDataHashingStructure { width: u32::MAX };
        add_value(&mut channel, "BlockDataHashingStructure", &structure);
        add_value(&mut channel, "Capabilities", &capability("V2_0"));
        channel.groups.insert("Orderer".to_owned(), self.orderer_group()?);
        channel.groups.insert("Application".to_owned(), self.application_group()?);
        Ok(channel)
    }

    fn orderer_group(&self) -> Result<ConfigGroup, PolicyError> {
        let mut orderer = group();
        add_common_policies(&mut orderer);
        add_meta_policy(&mut orderer, "BlockValidation", "Writers", Rule::Any);
        let BatchLimits { max_message_count, absolute_max_bytes, preferred_max_bytes, timeout } =
            self.batch_limits;
        let size = BatchSize { max_message_count, absolute_max_bytes, preferred_max_bytes };
        add_value(&mut orderer, "BatchSize", &size);
        // Reading the block would refuse a timeout of zero.
        let timeout = duration::format(timeout.max(BatchLimits::NO_WAIT));
        add_value(&mut orderer, "BatchTimeout", &BatchTimeout { timeout });
        let consensus = ConsensusType { r#type: "solo".into(), ..ConsensusType::default() };
        add_value(&mut orderer, "ConsensusType", &consensus);
        add_value(&mut orderer, "Capabilities", &capability("V2_0"));
        if let Some(org) = self.orderer_org.as_ref().or(self.application_orgs.first()) {
            orderer.groups.insert(org.name.clone(), org_group(org, false)?);
        }
        Ok(orderer)
    }

    fn application_group(&self) -> Result<ConfigGroup, PolicyError> {
        let mut application = group();
        add_common_policies(&mut application);
        for name in ["LifecycleEndorsement", "Endorsement"] {
            add_meta_policy(&mut application, name, "Endorsement", Rule::Majority);
        }
        add_value(&mut application, "Capabilities", &capability("V2_5"));
        for org in &self.application_orgs {
            application.groups.insert(org.name.clone(), org_group(org, true)?);
        }
        Ok(application)
    }
}

/// Makes the group of an organization with peers, for a channel's Application group. Fails like
/// [`GenesisSpec::block`].
pub fn application_org(org: &FabricMspConfig) -> Result<ConfigGroup, PolicyError> {
    org_group(org, true)
}

/// Makes a group with the policies of test-network's configtx.yaml. Without roles for clients and
/// peers, the policies are those of Fabric's sampleconfig/configtx.yaml.
fn org_group(org: &FabricMspConfig, has_peers: bool) -> Result<ConfigGroup, PolicyError> {
    let id = &org.name;
    let mut policies = vec![(ADMINS, format!("OR('{id}.admin')"))];
    if has_peers && has_roles(org) {
        policies.extend([
            ("Readers", format!("OR('{id}.admin', '{id}.peer', '{id}.client')")),
            ("Writers", format!("OR('{id}.admin', '{id}.client')")),
            ("Endorsement", format!("OR('{id}.peer')")),
        ]);
    } else {
        let names = ["Readers", "Writers", "Endorsement"];
        let names = &names[..if has_peers { 3 } else { 2 }];
        policies.extend(names.iter().map(|name| (*name, format!("OR('{id}.member')"))));
    }
    let mut result = group();
    for (name, text) in policies {
        let value = SignaturePolicy::from_text(&text)?.envelope().encode_to_vec();
        add_policy(&mut result, name, PolicyType::Signature, value);
    }
    add_value(&mut result, "MSP", &MspConfig { r#type: 0, config: org.encode_to_vec() });
    Ok(result)
}

/// True if the organization has NodeOUs, which distinguish its clients and peers.
fn has_roles(org: &FabricMspConfig) -> bool {
    let units = org.fabric_node_ous.as_ref().filter(|units| units.enable);
    units.is_some_and(|units| {
        units.client_ou_identifier.is_some() && units.peer_ou_identifier.is_some()
    })
}

fn group() -> ConfigGroup {
    ConfigGroup { mod_policy: ADMINS.to_owned(), ..ConfigGroup::default() }
}

fn add_common_policies(group: &mut ConfigGroup) {
    add_meta_policy(group, "Readers", "Readers", Rule::Any);
    add_meta_policy(group, "Writers", "Writers", Rule::Any);
    add_meta_policy(group, ADMINS, ADMINS, Rule::Majority);
}

fn add_meta_policy(group: &mut ConfigGroup, name: &str, sub_policy: &str, rule: Rule) {
    let meta = ImplicitMetaPolicy { sub_policy: sub_policy.to_owned(), rule: rule.into() };
    add_policy(group, name, PolicyType::ImplicitMeta, meta.encode_to_vec());
}

fn add_policy(group: &mut ConfigGroup, name: &str, kind: PolicyType, value: Vec<u8>) {
    let policy = Some(Policy { r#type: kind.into(), value });
    let policy = ConfigPolicy { version: 0, policy, mod_policy: ADMINS.to_owned() };
    group.policies.insert(name.to_owned(), policy);
}

fn add_value(group: &mut ConfigGroup, name: &str, message: &impl Message) {
    let value = message.encode_to_vec();
    let value = ConfigValue { version: 0, value, mod_policy: ADMINS.to_owned() };
    group.values.insert(name.to_owned(), value);
}

fn capability(name: &str) -> Capabilities {
    Capabilities { capabilities: [(name.to_owned(), Capability {})].into() }
}

/// Makes block 0 with one transaction (Fabric: common/genesis/genesis.go, `factory.Block`).
fn first_block(transaction: Vec<u8>) -> Block {
    let data_hash = sha256(&transaction).to_vec();
    let last_config = Some(LastConfig { index: 0 });
    let orderer = OrdererBlockMetadata { last_config, consenter_metadata: Vec::new() };
    let entry = |value| Metadata { value, signatures: Vec::new() }.encode_to_vec();
    let mut metadata = vec![Vec::new(); METADATA_ENTRIES];
    metadata[0] = entry(orderer.encode_to_vec());
    metadata[1] = entry(LastConfig { index: 0 }.encode_to_vec());
    Block {
        header: Some(BlockHeader { number: 0, previous_hash: Vec::new(), data_hash }),
        data: Some(BlockData { data: vec![transaction.into()] }),
        metadata: Some(BlockMetadata { metadata }),
    }
}
