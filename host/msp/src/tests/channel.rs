//! Tests configurations of channels: those of real tools, our own, and hostile ones.

use std::time::Duration;

use prost::Message;

use crate::{
    AclError, BatchLimits, ChannelConfig, ConfigError, GenesisSpec, Msp, Network, NetworkSpec,
    OrgEntry, SignedData, SigningIdentity, acl,
};
use wasmcc_types::proto::common::{
    Block, Config, ConfigEnvelope, ConfigGroup, ConfigValue, Envelope, Payload,
};
use wasmcc_types::proto::msp::FabricMspConfig;
use wasmcc_types::proto::orderer::BatchTimeout;
use wasmcc_types::proto::protos::{AcLs, ApiResource};
use wasmcc_types::{ChannelId, sha256_all};

use super::golden_block;

fn network() -> Network {
    Network::in_memory(&NetworkSpec::with_orgs(2)).unwrap()
}

fn genesis(network: &Network) -> GenesisSpec {
    network.genesis(ChannelId::parse("mychannel").unwrap())
}

fn config_of(block: &Block) -> Config {
    let entry = &block.data.as_ref().unwrap().data[0];
    let envelope = Envelope::decode(&entry[..]).unwrap();
    let payload = Payload::decode(envelope.payload.as_slice()).unwrap();
    ConfigEnvelope::decode(payload.data.as_slice()).unwrap().config.unwrap()
}

fn signed(signer: &SigningIdentity) -> SignedData {
    SignedData {
        identity: signer.serialized().to_vec(),
        data: b"data".to_vec(),
        signature: signer.sign(b"data"),
    }
}

#[test]
fn configtxgen_blocks_are_read() {
    let config = ChannelConfig::from_genesis_block(&golden_block("mychannel.genesis.block"));
    let config = config.unwrap();
    assert_eq!(config.channel_id().as_str(), "mychannel");
    assert_eq!(config.msps().msp_ids().collect::<Vec<_>>(), ["OrdererMSP", "Org1MSP"]);
    let org = OrgEntry { name: "Org1".to_owned(), msp_id: "Org1MSP".to_owned() };
    assert_eq!(config.application_orgs(), [org]);
    let capabilities = config.capabilities();
    assert!(capabilities.v1_3 && capabilities.v2_0 && capabilities.v2_5);
    let expected = BatchLimits { timeout: Duration::from_millis(100), ..BatchLimits::default() };
    assert_eq!(config.batch_limits(), expected);
    assert_eq!(config.acl("event/Block"), Some("/Channel/Application/Readers"));
    assert_eq!(config.acl("peer/Propose"), Some("/Channel/Application/Writers"));
    assert_eq!(config.acl("gateway/CommitStatus"), Some("/Channel/Application/Readers"));
    assert!(config.policies().get("/Channel/Application/LifecycleEndorsement").is_some());

    let config = ChannelConfig::from_genesis_block(&golden_block("channel/b000.block")).unwrap();
    let org = OrgEntry { name: "Org1MSP".to_owned(), msp_id: "Org1MSP".to_owned() };
    assert_eq!(config.application_orgs(), [org]);
}

#[test]
fn our_genesis_block_is_read_and_stays_the_same() {
    let network = network();
    let spec = genesis(&network);
    let block = spec.block().unwrap();
    assert_eq!(block.encode_to_vec(), spec.block().unwrap().encode_to_vec());
    let header = block.header.as_ref().unwrap();
    let entries = &block.data.as_ref().unwrap().data;
    let hash = sha256_all(entries.iter().map(|entry| &entry[..]));
    assert_eq!((header.number, header.data_hash.as_slice()), (0, hash.as_slice()));

    let config = ChannelConfig::from_genesis_block(&block).unwrap();
    assert_eq!(config.channel_id().as_str(), "mychannel");
    let ids: Vec<_> = config.msps().msp_ids().collect();
    assert_eq!(ids, ["OrdererMSP", "Org1MSP", "Org2MSP"]);
    assert!(config.capabilities().v2_5);
    assert_eq!(config.batch_limits(), BatchLimits::default());
}

#[test]
fn our_genesis_block_has_the_groups_of_configtxgen() {
    // Collects all names of groups, values and policies, without those of the organizations.
    fn names(prefix: &str, group: &ConfigGroup, out: &mut Vec<String>) {
        assert_eq!(group.mod_policy, "Admins");
        let values = group.values.keys().chain(group.policies.keys());
        out.extend(values.map(|name| format!("{prefix}/{name}")));
        for (name, group) in &group.groups {
            let is_org = prefix.contains('/');
            let name = if is_org { "<org>" } else { name };
            names(&format!("{prefix}/{name}"), group, out);
        }
    }
    let list = |block: &Block| {
        let mut out = Vec::new();
        names("Channel", config_of(block).channel_group.as_ref().unwrap(), &mut out);
        out.sort();
        out
    };
    let theirs = list(&golden_block("mychannel.genesis.block"));
    let network = Network::in_memory(&NetworkSpec::default()).unwrap();
    let ours = list(&genesis(&network).block().unwrap());
    let missing: Vec<_> = theirs.iter().filter(|name| !ours.contains(name)).collect();
    // Orderer addresses, a limit that is not set, and ACLs that equal the defaults.
    let expected = [
        "Channel/Application/ACLs",
        "Channel/Orderer/<org>/Endpoints",
        "Channel/Orderer/ChannelRestrictions",
    ];
    assert_eq!(missing, expected);
    assert!(ours.iter().all(|name| theirs.contains(name)), "{ours:#?}");
    let metadata = |block: &Block| block.metadata.clone();
    let golden = golden_block("mychannel.genesis.block");
    assert_eq!(metadata(&genesis(&network).block().unwrap()), metadata(&golden));
}

#[test]
fn one_organization_can_do_everything() {
    let mut spec = genesis(&network());
    spec.orderer_org = None;
    spec.batch_limits.timeout = Duration::from_millis(500);
    let config = ChannelConfig::from_genesis_block(&spec.block().unwrap()).unwrap();
    assert_eq!(config.msps().msp_ids().collect::<Vec<_>>(), ["Org1MSP", "Org2MSP"]);
    assert_eq!(config.batch_limits().timeout, Duration::from_millis(500));
    assert!(config.policies().get("/Channel/Orderer/Org1MSP/Writers").is_some());
    assert_eq!(config.application_orgs().len(), 2);
}

#[test]
fn members_of_an_organization_without_node_ous_read_write_and_endorse() {
    // Like cryptogen without EnableNodeOUs.
    let network = network();
    let mut spec = genesis(&network);
    let org = network.org("Org1MSP").unwrap();
    let without = spec.application_orgs.iter_mut().find(|org| org.name == "Org1MSP").unwrap();
    without.fabric_node_ous = None;
    without.admins = vec![org.identity("Admin").unwrap().certificate.clone().into_bytes()];
    let config = ChannelConfig::from_genesis_block(&spec.block().unwrap()).unwrap();
    let (client, peer) = (org.user("User1").unwrap(), org.peer().unwrap());
    config.check_acl("peer/Propose", &signed(&client)).unwrap();
    config.check_acl("event/Block", &signed(&client)).unwrap();
    let endorsement = config.policies().get("/Channel/Application/Org1MSP/Endorsement").unwrap();
    endorsement.evaluate(&[signed(&peer)], config.msps()).unwrap();
    let stranger = network.org("Org2MSP").unwrap().peer().unwrap();
    assert!(endorsement.evaluate(&[signed(&stranger)], config.msps()).is_err());
}

#[test]
fn resources_ask_for_the_default_policies() {
    let network = network();
    let config = ChannelConfig::from_genesis_block(&genesis(&network).block().unwrap()).unwrap();
    let org = network.org("Org2MSP").unwrap();
    let (client, peer) = (org.user("User1").unwrap(), org.peer().unwrap());
    config.check_acl("peer/Propose", &signed(&client)).unwrap();
    config.check_acl("event/Block", &signed(&client)).unwrap();
    config.check_acl("event/Block", &signed(&peer)).unwrap();
    config.check_acl_for("peer/Propose", client.serialized()).unwrap();
    let unknown = config.check_acl_for("peer/Propose", b"nobody").unwrap_err();
    assert!(matches!(unknown, AclError::Denied { .. }), "{unknown}");

    let error = config.check_acl("peer/Propose", &signed(&peer)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Failed evaluating policy on signed data during check policy on channel [mychannel] with \
         policy [/Channel/Application/Writers]: [implicit policy evaluation failed - 0 \
         sub-policies were satisfied, but this policy requires 1 of the 'Writers' sub-policies to \
         be satisfied]"
    );
    let mut forged = signed(&client);
    forged.signature = client.sign(b"other data");
    assert!(matches!(config.check_acl("event/Block", &forged), Err(AclError::Denied { .. })));
    for resource in ["nonsense", "lscc/Install", "cscc/GetChannels"] {
        let error = config.check_acl(resource, &signed(&client)).unwrap_err();
        assert_eq!(error.to_string(), format!("Unmapped policy for {resource}"));
    }
}

#[test]
fn a_channel_can_have_its_own_acls() {
    let network = network();
    let mut config = config_of(&genesis(&network).block().unwrap());
    let refer = |policy: &str| ApiResource { policy_ref: policy.to_owned() };
    let acls = AcLs {
        acls: [
            ("peer/Propose".to_owned(), refer("/Channel/Application/Readers")),
            ("event/Block".to_owned(), refer("/Channel/Application/Missing")),
            ("lscc/Install".to_owned(), refer("/Channel/Application/Readers")),
            ("my/Resource".to_owned(), refer("/Channel/Application/Admins")),
        ]
        .into(),
    };
    let application = config.channel_group.as_mut().unwrap().groups.get_mut("Application");
    let value = ConfigValue { value: acls.encode_to_vec(), ..ConfigValue::default() };
    application.unwrap().values.insert("ACLs".to_owned(), value);
    let config = ChannelConfig::from_config("mychannel", &config).unwrap();
    let org = network.org("Org1MSP").unwrap();
    let peer = signed(&org.peer().unwrap());
    config.check_acl("peer/Propose", &peer).unwrap();
    let error = config.check_acl("event/Block", &peer).unwrap_err();
    let missing = "/Channel/Application/Missing";
    let text = format!(
        "failed evaluating policy on signed data during check policy [{missing}]: [policy \
         {missing} not found]"
    );
    assert_eq!(error.to_string(), text);
    let error = config.check_acl("lscc/Install", &peer).unwrap_err();
    assert!(matches!(error, AclError::Unmapped(_)), "{error}");
    let error = config.check_acl("my/Resource", &peer).unwrap_err();
    assert!(matches!(error, AclError::DeniedByConfig { .. }), "{error}");
}

#[test]
fn acls_name_policies_of_the_application_group() {
    // Fabric: common/channelconfig/acls_test.go.
    let network = network();
    let mut config = config_of(&genesis(&network).block().unwrap());
    let refer = |policy: &str| ApiResource { policy_ref: policy.to_owned() };
    let names = [("Foo", "foo"), ("Bar", "/Channel/foo"), ("event/Block", "Admins"), ("unset", "")];
    let acls = names.map(|(resource, policy)| (resource.to_owned(), refer(policy)));
    let application = config.channel_group.as_mut().unwrap().groups.get_mut("Application");
    let value = AcLs { acls: acls.into() }.encode_to_vec();
    let value = ConfigValue { value, ..ConfigValue::default() };
    application.unwrap().values.insert("ACLs".to_owned(), value);
    let config = ChannelConfig::from_config("mychannel", &config).unwrap();
    assert_eq!(config.acl("Foo"), Some("/Channel/Application/foo"));
    assert_eq!(config.acl("Bar"), Some("/Channel/foo"));
    assert_eq!(config.acl("event/Block"), Some("/Channel/Application/Admins"));
    assert_eq!(config.acl("unset"), None);
    assert_eq!(config.acl("event/FilteredBlock"), Some("/Channel/Application/Readers"));
}

#[test]
fn the_peers_own_organization_decides_about_its_resources() {
    let network = network();
    let org = network.org("Org1MSP").unwrap();
    let local = Msp::from_config(org.msp_config()).unwrap();
    let (admin, client) = (signed(&org.admin().unwrap()), signed(&org.user("User1").unwrap()));
    let stranger = signed(&network.org("Org2MSP").unwrap().admin().unwrap());
    let install = "_lifecycle/InstallChaincode";
    acl::check_local_acl(install, &admin, &local).unwrap();
    acl::check_local_acl("cscc/GetChannels", &client, &local).unwrap();
    let error = acl::check_local_acl(install, &client, &local).unwrap_err().to_string();
    assert!(error.contains("The identity is not an admin under this MSP [Org1MSP]"), "{error}");
    for resource in [install, "cscc/GetChannels"] {
        let error = acl::check_local_acl(resource, &stranger, &local).unwrap_err();
        assert!(matches!(error, AclError::LocalSigner { .. }), "{error}");
    }
    let mut forged = admin;
    forged.data.push(0);
    let error = acl::check_local_acl(install, &forged, &local).unwrap_err();
    assert!(matches!(error, AclError::Signature(_)), "{error}");
    let error = acl::check_local_acl("my/Resource", &client, &local).unwrap_err();
    assert!(matches!(error, AclError::Unmapped(_)));
    let error = acl::check_local_acl("peer/Propose", &client, &local).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Failed getting local MSP principal during channelless check policy with policy \
         [/Channel/Application/Writers]: [MSP Principal role [/Channel/Application/Writers] not \
         recognized]"
    );
}

#[test]
fn incomplete_configurations_say_what_is_missing() {
    let good = config_of(&genesis(&network()).block().unwrap());
    let read = |change: &dyn Fn(&mut ConfigGroup)| {
        let mut config = good.clone();
        change(config.channel_group.as_mut().unwrap());
        let error = ChannelConfig::from_config("mychannel", &config).unwrap_err();
        error.to_string()
    };
    let text = read(&|root| drop(root.groups.remove("Application")));
    assert_eq!(text, "the block has no Application group");
    let text = read(&|root| {
        let application = root.groups.get_mut("Application").unwrap();
        application.groups.get_mut("Org1MSP").unwrap().values.clear();
    });
    assert_eq!(text, "the organization Application/Org1MSP has no Fabric MSP");
    let text = read(&|root| {
        root.values.get_mut("Capabilities").unwrap().value = vec![0x0a, 4, 0x0a, 2, b'V', b'9'];
    });
    assert_eq!(text, "Channel capability V9 is required but not supported");
    let text = read(&|root| {
        let orderer = root.groups.get_mut("Orderer").unwrap();
        let timeout = BatchTimeout { timeout: "soon".to_owned() };
        orderer.values.get_mut("BatchTimeout").unwrap().value = timeout.encode_to_vec();
    });
    let failed = "initializing channelconfig failed: could not create channel Orderer sub-group \
                  config: Attempted to set the batch";
    let expected = format!("{failed} timeout to a invalid value: time: invalid duration \"soon\"");
    assert_eq!(text, expected);
    let text = read(&|root| {
        let orderer = root.groups.get_mut("Orderer").unwrap();
        orderer.values.get_mut("BatchSize").unwrap().value = Vec::new();
    });
    assert_eq!(text, format!("{failed} size max message count to an invalid value: 0"));
    let text = read(&|root| {
        let other = root.groups["Application"].groups["Org2MSP"].clone();
        let application = root.groups.get_mut("Application").unwrap();
        let org = application.groups.get_mut("Org1MSP").unwrap();
        *org = other.clone();
        // The same id again, with another list of certificates.
        let msp = &mut org.values.get_mut("MSP").unwrap().value;
        let mut config = wasmcc_types::proto::msp::MspConfig::decode(msp.as_slice()).unwrap();
        let root = network().org("Org1MSP").unwrap().msp_config().root_certs[0].clone();
        let more = FabricMspConfig { tls_root_certs: vec![root], ..FabricMspConfig::default() };
        config.config.extend(more.encode_to_vec());
        *msp = config.encode_to_vec();
    });
    assert_eq!(text, "two different definitions for MSP 'Org2MSP'");
    let mut no_orderer = good.clone();
    no_orderer.channel_group.as_mut().unwrap().groups.remove("Orderer");
    let config = ChannelConfig::from_config("mychannel", &no_orderer).unwrap();
    assert_eq!(config.batch_limits(), BatchLimits::default());
    assert!(matches!(
        ChannelConfig::from_config("My Channel", &good),
        Err(ConfigError::ChannelId(_))
    ));
}

#[test]
fn blocks_without_a_configuration_are_refused() {
    let empty = ChannelConfig::from_genesis_block(&Block::default()).unwrap_err();
    assert!(matches!(empty, ConfigError::Missing(_)), "{empty}");
    let transaction = ChannelConfig::from_genesis_block(&golden_block("channel/b004.block"));
    assert!(matches!(transaction, Err(ConfigError::NotConfig(3))));
}
