//! Tests that a configuration that Fabric refuses does not come into force, and that one in force
//! opens anyway.

use prost::Message;
use rcgen::{IsCa, KeyPair, PKCS_ED25519};

use crate::{ChannelConfig, Network, NetworkSpec};
use wasmcc_types::ChannelId;
use wasmcc_types::proto::common::{
    BlockDataHashingStructure, Capabilities, Config, ConfigGroup, ConfigValue, Consenter,
    Consortium, HashingAlgorithm, OrdererAddresses, Orderers,
};
use wasmcc_types::proto::msp::{FabricMspConfig, MspConfig};
use wasmcc_types::proto::orderer::{ChannelRestrictions, ConsensusType, KafkaBrokers};
use wasmcc_types::proto::protos::AcLs;

use super::authorities::{Authority, ca_params};

fn channel() -> Config {
    let network = Network::in_memory(&NetworkSpec::with_orgs(2)).unwrap();
    let genesis = network.genesis(ChannelId::parse("mychannel").unwrap());
    ChannelConfig::from_genesis_block(&genesis.block().unwrap()).unwrap().config().clone()
}

fn group<'a>(root: &'a mut ConfigGroup, path: &[&str]) -> &'a mut ConfigGroup {
    path.iter().fold(root, |group, name| group.groups.get_mut(*name).unwrap())
}

fn put(group: &mut ConfigGroup, key: &str, value: &impl Message) {
    let value = ConfigValue { value: value.encode_to_vec(), ..ConfigValue::default() };
    group.values.insert(key.to_owned(), value);
}

fn capabilities(names: &[&str]) -> Capabilities {
    let names = names.iter().map(|name| ((*name).to_owned(), Default::default()));
    Capabilities { capabilities: names.collect() }
}

fn addresses(addresses: &[&str]) -> OrdererAddresses {
    let addresses = addresses.iter().map(|&address| address.to_owned()).collect();
    OrdererAddresses { addresses }
}

fn edited(edit: impl FnOnce(&mut ConfigGroup)) -> Config {
    let mut config = channel();
    edit(config.channel_group.as_mut().unwrap());
    config
}

fn text_of(config: &Config) -> String {
    ChannelConfig::from_config("mychannel", config).unwrap_err().to_string()
}

type Edit = fn(&mut ConfigGroup);

const UNPARSABLE: &[u8] = &[0xff, 0xff];

fn spoil(group: &mut ConfigGroup, key: &str) {
    let value = ConfigValue { value: UNPARSABLE.to_vec(), ..ConfigValue::default() };
    group.values.insert(key.to_owned(), value);
}

const NO_ENDPOINTS: &str = "could not create channel Orderer sub-group config: Orderer Org \
                            OrdererMSP cannot contain endpoints value until V1_4_2+ \
                            capabilities have been enabled";

/// The end of Fabric's text, and the edit that causes it.
type Case = (&'static str, Edit);

const OF_THE_CHANNEL: &[Case] = &[
    ("failed to deserialize values: Unexpected key Foo", |root| {
        put(root, "Foo", &capabilities(&[]));
    }),
    ("failed to deserialize values: value OrdererAddresses: failed to decode", |root| {
        spoil(root, "OrdererAddresses");
    }),
    ("Unknown hashing algorithm type: MD5", |root| {
        put(root, "HashingAlgorithm", &HashingAlgorithm { name: "MD5".into() });
    }),
    ("Unknown hashing algorithm type: ", |root| {
        root.values.remove("HashingAlgorithm");
    }),
    ("BlockDataHashStructure width only supported at MaxUint32 in this version", |root| {
        put(root, "BlockDataHashingStructure", &BlockDataHashingStructure { width: 7 });
    }),
    ("BlockDataHashStructure width only supported at MaxUint32 in this version", |root| {
        root.values.remove("BlockDataHashingStructure");
    }),
    ("Must set some OrdererAddresses", |root| {
        root.values.remove("Capabilities");
    }),
    ("Must set some OrdererAddresses", |root| {
        put(root, "Capabilities", &capabilities(&["V1_3"]));
    }),
    (NO_ENDPOINTS, |root| {
        put(root, "Capabilities", &capabilities(&["V1_3"]));
        put(root, "OrdererAddresses", &addresses(&["a:1"]));
        put(group(root, &["Orderer", "OrdererMSP"]), "Endpoints", &addresses(&["a:1"]));
    }),
    ("global OrdererAddresses are not allowed with V3_0 capability", |root| {
        put(root, "Capabilities", &capabilities(&["V3_0"]));
        put(root, "OrdererAddresses", &addresses(&["a:1"]));
    }),
    ("Disallowed channel group: Foo", |root| {
        root.groups.insert("Foo".into(), ConfigGroup::default());
    }),
];

const OF_ITS_GROUPS: &[Case] = &[
    (
        "could not create channel Application sub-group config: failed to deserialize values: \
     Unexpected key Foo",
        |root| put(group(root, &["Application"]), "Foo", &capabilities(&[])),
    ),
    (
        "could not create channel Application sub-group config: ACLs may not be specified \
     without the required capability",
        |root| {
            put(group(root, &["Application"]), "Capabilities", &capabilities(&["V1_1"]));
            put(group(root, &["Application"]), "ACLs", &AcLs::default());
        },
    ),
    (
        "could not create channel Application sub-group config: failed to deserialize values: \
     Unexpected key Endpoints",
        |root| {
            let org = group(root, &["Application", "Org1MSP"]);
            put(org, "Endpoints", &addresses(&["a:1"]));
        },
    ),
    (
        "could not create channel Application sub-group config: failed to deserialize values: \
     value AnchorPeers: ",
        |root| spoil(group(root, &["Application", "Org1MSP"]), "AnchorPeers"),
    ),
    (
        "could not create channel Orderer sub-group config: failed to deserialize values: \
     Unexpected key BatchSizes",
        |root| put(group(root, &["Orderer"]), "BatchSizes", &capabilities(&[])),
    ),
    (
        "could not create channel Orderer sub-group config: failed to deserialize values: \
     Unexpected key AnchorPeers",
        |root| spoil(group(root, &["Orderer", "OrdererMSP"]), "AnchorPeers"),
    ),
    (
        "could not create channel Orderer sub-group config: Attempted to set the batch size \
     max message count to an invalid value: 0",
        |root| drop(group(root, &["Orderer"]).values.remove("BatchSize")),
    ),
    (
        "could not create channel Orderer sub-group config: Attempted to set the batch timeout \
     to a invalid value: time: invalid duration \"\"",
        |root| drop(group(root, &["Orderer"]).values.remove("BatchTimeout")),
    ),
    (
        "could not create channel Orderer sub-group config: some orderer organizations \
     endpoints are empty: [OrdererMSP]",
        |root| put(root, "Capabilities", &capabilities(&["V3_0"])),
    ),
    (
        "could not create channel Consortiums sub-group config: failed to deserialize values: \
     Unexpected key Foo",
        |root| {
            let mut consortium = ConfigGroup::default();
            put(&mut consortium, "Foo", &capabilities(&[]));
            let groups = [("Sample".to_owned(), consortium)].into();
            let consortiums = ConfigGroup { groups, ..ConfigGroup::default() };
            root.groups.insert("Consortiums".to_owned(), consortiums);
        },
    ),
];

#[test]
fn what_fabric_refuses_comes_into_force_nowhere() {
    for (text, edit) in OF_THE_CHANNEL.iter().chain(OF_ITS_GROUPS) {
        let config = edited(edit);
        let refused = text_of(&config);
        let expected = format!("initializing channelconfig failed: {text}");
        assert!(refused.starts_with(&expected), "{refused}\n{expected}");
        if refused.contains("AnchorPeers") || refused.contains("OrdererAddresses:") {
            continue;
        }
        ChannelConfig::from_ordered("mychannel", &config).unwrap();
        ChannelConfig::from_stored("mychannel", &config).unwrap();
    }
}

#[test]
fn values_that_nobody_reads_are_no_obstacle_once_in_force() {
    let config = edited(|root| {
        spoil(group(root, &["Application", "Org1MSP"]), "AnchorPeers");
        spoil(root, "OrdererAddresses");
        put(group(root, &["Orderer"]), "Capabilities", &capabilities(&["V9_9"]));
    });
    ChannelConfig::from_ordered("mychannel", &config).unwrap();
    ChannelConfig::from_stored("mychannel", &config).unwrap();
    let config = edited(|root| {
        put(group(root, &["Orderer"]), "Capabilities", &capabilities(&["V9_9"]));
    });
    assert_eq!(text_of(&config), "Orderer capability V9_9 is required but not supported");
}

#[test]
fn brokers_are_checked_as_long_as_fabric_knows_them() {
    // Fabric: common/channelconfig/orderer_test.go, `TestKafkaBrokers`.
    let with = |broker: &str, names: &[&str]| {
        edited(|root| {
            put(root, "Capabilities", &capabilities(names));
            put(group(root, &["Orderer", "OrdererMSP"]), "Endpoints", &addresses(&["a:1"]));
            let brokers = KafkaBrokers { brokers: vec![broker.to_owned()] };
            put(group(root, &["Orderer"]), "KafkaBrokers", &brokers);
        })
    };
    for broker in ["127.0.0.1:9092", "foo.bar:9092", ":9092"] {
        ChannelConfig::from_config("mychannel", &with(broker, &["V2_0"])).unwrap();
    }
    let bad = [
        "127.0.0.1",
        "foo.bar",
        "127.0.0.1:-1",
        "localhost:65536",
        "foo.bar.:9092",
        ".127.0.0.1:9092",
        "-foo.bar:9092",
        "foo_bar:9092",
        "foo:1:2",
        "foo:+1",
        "foo:",
    ];
    for broker in bad {
        let text = text_of(&with(broker, &["V2_0"]));
        assert!(text.ends_with(&format!("config: Invalid broker entry: {broker}")), "{text}");
        ChannelConfig::from_config("mychannel", &with(broker, &["V3_0"])).unwrap();
    }
}

#[test]
fn all_values_of_fabric_2_5_and_3_are_known() {
    let common = |root: &mut ConfigGroup| {
        put(root, "Consortium", &Consortium { name: "SampleConsortium".into() });
        put(root, "HashingAlgorithm", &HashingAlgorithm { name: "SHA3_256".into() });
        put(group(root, &["Orderer", "OrdererMSP"]), "Endpoints", &addresses(&["a:1"]));
        let orderer = group(root, &["Orderer"]);
        put(orderer, "ChannelRestrictions", &ChannelRestrictions { max_count: 7 });
        put(orderer, "KafkaBrokers", &KafkaBrokers { brokers: vec!["kafka:9092".into()] });
    };
    let of_2_5 = edited(|root| {
        common(root);
        put(root, "OrdererAddresses", &addresses(&["a:1"]));
        let raft = ConsensusType { r#type: "etcdraft".into(), ..ConsensusType::default() };
        put(group(root, &["Orderer"]), "ConsensusType", &raft);
    });
    let config = ChannelConfig::from_config("mychannel", &of_2_5).unwrap();
    assert_eq!(config.consensus_type(), Some("etcdraft"));
    let of_3 = edited(|root| {
        common(root);
        put(root, "Capabilities", &capabilities(&["V3_0"]));
        let orderer = group(root, &["Orderer"]);
        let bft = ConsensusType { r#type: "BFT".into(), ..ConsensusType::default() };
        put(orderer, "ConsensusType", &bft);
        let consenter = Consenter { id: 1, host: "a".into(), port: 1, ..Consenter::default() };
        put(orderer, "Orderers", &Orderers { consenter_mapping: vec![consenter] });
    });
    let config = ChannelConfig::from_config("mychannel", &of_3).unwrap();
    assert_eq!(config.consensus_type(), Some("BFT"));
    assert!(config.channel_capabilities().v3_0 && config.channel_capabilities().v1_4_2);
    assert!(config.orderer_capabilities().v1_4_2 && !config.is_in_maintenance());
}

/// Sets the TLS CAs of the first organization.
fn with_tls(roots: &[&str], intermediates: &[&str]) -> Config {
    edited(|root| {
        let value = group(root, &["Application", "Org1MSP"]).values.get_mut("MSP").unwrap();
        let config = MspConfig::decode(value.value.as_slice()).unwrap();
        let mut msp = FabricMspConfig::decode(config.config.as_slice()).unwrap();
        let list = |pems: &[&str]| pems.iter().map(|pem| pem.as_bytes().to_vec()).collect();
        (msp.tls_root_certs, msp.tls_intermediate_certs) = (list(roots), list(intermediates));
        value.value = MspConfig { config: msp.encode_to_vec(), ..config }.encode_to_vec();
    })
}

#[test]
fn the_cas_of_tls_are_checked_where_they_are_new() {
    let (root, other) = (Authority::root("root"), Authority::root("other"));
    let below = root.below(ca_params("below"));
    let last = below.below(ca_params("last"));
    let mut params = ca_params("server");
    params.is_ca = IsCa::ExplicitNoCa;
    let server = Authority::root_with(params);
    let member = || KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let unknown = Authority::root_of(ca_params("unknown"), member());
    let good: [(&[&str], &[&str]); 5] = [
        (&[], &[]),
        (&[&root.pem, &other.pem], &[&below.pem, &last.pem]),
        (&[&root.pem, &root.pem], &[&root.pem]),
        (&[&below.pem], &[&last.pem]),
        (&[&unknown.pem], &[&below.pem]),
    ];
    for (roots, intermediates) in good {
        let config = with_tls(roots, intermediates);
        ChannelConfig::from_config("mychannel", &config).unwrap();
    }
    let bad: [(&[&str], &[&str], &str); 4] = [
        (&["garbage"], &[], "root certificate of TLS"),
        (&[&root.pem], &["garbage"], "intermediate certificate of TLS"),
        (&[&server.pem], &[], "root certificate of TLS"),
        (&[&other.pem], &[&below.pem], "intermediate certificate of TLS"),
    ];
    for (roots, intermediates, part) in bad {
        let config = with_tls(roots, intermediates);
        // An organization in force is shared, but an update is refused anyway.
        let stored = ChannelConfig::from_stored("mychannel", &config).unwrap();
        ChannelConfig::from_ordered("mychannel", &config).unwrap();
        let error = ChannelConfig::from_config("mychannel", &config).unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.ends_with(&format!("is not valid: {part}")), "{cause}");
        drop(stored);
    }
}
