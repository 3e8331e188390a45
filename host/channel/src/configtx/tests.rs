//! Tests how updates are computed, authorized and applied, and which ones are refused.

use std::path::Path;

use prost::Message;

use crate::configtx::validator::check_successor;
use crate::configtx::{
    add_signature, compute_update, config_map, new_update, open_update, propose, validate,
};
use wasmcc_msp::{ChannelConfig, Network, NetworkSpec, SigningIdentity};
use wasmcc_types::ChannelId;
use wasmcc_types::proto::common::{
    Block, Capabilities, Config, ConfigGroup, ConfigPolicy, ConfigSignature, ConfigUpdate,
    ConfigValue, Envelope, OrdererAddresses, Payload,
};
use wasmcc_types::proto::orderer::{BatchSize, ConsensusType};

fn network() -> Network {
    Network::in_memory(&NetworkSpec::with_orgs(2)).unwrap()
}

fn channel(network: &Network) -> ChannelConfig {
    let genesis = network.genesis(ChannelId::parse("mychannel").unwrap());
    ChannelConfig::from_genesis_block(&genesis.block().unwrap()).unwrap()
}

fn golden() -> ChannelConfig {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
    let bytes = std::fs::read(root.join("mychannel.genesis.block")).unwrap();
    ChannelConfig::from_genesis_block(&Block::decode(bytes.as_slice()).unwrap()).unwrap()
}

/// Computes the update for an edit of the channel group.
fn update(current: &ChannelConfig, edit: impl FnOnce(&mut ConfigGroup)) -> ConfigUpdate {
    let mut updated: Config = current.config().clone();
    edit(updated.channel_group.as_mut().unwrap());
    compute_update(current.channel_id().as_str(), current.config(), &updated).unwrap()
}

fn sign(update: &ConfigUpdate, signers: &[SigningIdentity]) -> Envelope {
    let mut envelope = new_update(update);
    for signer in signers {
        envelope = add_signature(&envelope, signer, vec![7; 24], Default::default()).unwrap();
    }
    envelope
}

fn with_signatures(update: &ConfigUpdate, signatures: Vec<ConfigSignature>) -> Envelope {
    let envelope = new_update(update);
    let mut opened = open_update(&envelope).unwrap();
    opened.signatures = signatures;
    let mut payload = Payload::decode(&envelope.payload[..]).unwrap();
    payload.data = opened.encode_to_vec();
    Envelope { payload: payload.encode_to_vec(), signature: Vec::new() }
}

fn group<'a>(root: &'a mut ConfigGroup, path: &[&str]) -> &'a mut ConfigGroup {
    path.iter().fold(root, |group, name| group.groups.get_mut(*name).unwrap())
}

fn set_batch_size(root: &mut ConfigGroup, messages: u32) {
    let value = group(root, &["Orderer"]).values.get_mut("BatchSize").unwrap();
    let size = BatchSize::decode(value.value.as_slice()).unwrap();
    value.value = BatchSize { max_message_count: messages, ..size }.encode_to_vec();
}

fn set_capability(group: &mut ConfigGroup, name: &str) {
    let capabilities = [(name.to_owned(), Default::default())].into();
    let value = Capabilities { capabilities }.encode_to_vec();
    group.values.get_mut("Capabilities").unwrap().value = value;
}

fn orderer_admin(network: &Network) -> SigningIdentity {
    network.orderer().unwrap().admin().unwrap()
}

fn admins(network: &Network) -> Vec<SigningIdentity> {
    network.orgs().iter().map(|org| org.admin().unwrap()).collect()
}

#[track_caller]
fn refused(current: &ChannelConfig, envelope: &Envelope, text: &str) {
    let error = propose(current, envelope).unwrap_err().to_string();
    assert!(error.contains(text), "{error}");
}

#[test]
fn a_configuration_survives_the_way_through_the_map() {
    for config in [golden(), channel(&network())] {
        let group = config.config().channel_group.as_ref().unwrap();
        let elements = config_map::map(Some(group)).unwrap();
        assert!(elements.contains_key("[Group]  /Channel/Application"));
        assert!(elements.contains_key("[Value]  /Channel/Orderer/BatchSize"));
        assert!(elements.contains_key("[Policy] /Channel/Application/Writers"));
        assert_eq!(config_map::to_config(&elements).unwrap(), *group);
    }
}

#[test]
fn a_value_changes_with_the_next_version_and_nothing_else_does() {
    let network = network();
    let current = channel(&network);
    let update = update(&current, |root| set_batch_size(root, 7));
    let read = update.read_set.as_ref().unwrap();
    assert!(read.groups["Orderer"].values.is_empty(), "only what changes is named");
    let envelope = sign(&update, &[orderer_admin(&network)]);
    let proposed = propose(&current, &envelope).unwrap();
    assert_eq!(proposed.config.batch_limits().max_message_count, 7);
    assert_eq!(proposed.config.sequence(), 1);
    let root = proposed.envelope.config.as_ref().unwrap().channel_group.as_ref().unwrap();
    assert_eq!(root.groups["Orderer"].values["BatchSize"].version, 1);
    assert_eq!((root.version, root.groups["Orderer"].version), (0, 0));
    let before = current.config().channel_group.as_ref().unwrap();
    assert_eq!(root.groups["Application"], before.groups["Application"]);

    let validated = validate(&current, &proposed.envelope).unwrap();
    assert_eq!(validated.config(), proposed.config.config());
    // The same update is refused the second time.
    let again = validate(&validated, &proposed.envelope).unwrap_err().to_string();
    assert_eq!(again, "config currently at sequence 1, cannot validate config at sequence 1");
    refused(&validated, &envelope, "but key is at version 1");
}

#[test]
fn an_organization_is_added_with_the_admins_of_the_majority() {
    let network = network();
    let current = channel(&network);
    let three = Network::in_memory(&NetworkSpec::with_orgs(3)).unwrap();
    let newcomer = channel(&three).config().channel_group.clone().unwrap();
    let newcomer = newcomer.groups["Application"].groups["Org3MSP"].clone();
    let update = update(&current, |root| {
        group(root, &["Application"]).groups.insert("Org3MSP".into(), newcomer);
    });
    let write = update.write_set.as_ref().unwrap();
    assert_eq!(write.groups["Application"].version, 1);
    assert_eq!(write.groups["Application"].groups.len(), 3, "all members are named");
    let [first, second] = <[_; 2]>::try_from(admins(&network)).unwrap();
    refused(
        &current,
        &sign(&update, &[first]),
        "error authorizing update: error validating DeltaSet: policy for [Group]  \
         /Channel/Application not satisfied: implicit policy evaluation failed - 1 sub-policies \
         were satisfied, but this policy requires 2 of the 'Admins' sub-policies to be satisfied",
    );
    let [first, _] = <[_; 2]>::try_from(admins(&network)).unwrap();
    let proposed = propose(&current, &sign(&update, &[first, second])).unwrap();
    let orgs: Vec<_> = proposed.config.application_orgs().iter().map(|org| &org.name).collect();
    assert_eq!(orgs, ["Org1MSP", "Org2MSP", "Org3MSP"]);
    let member = three.orgs()[2].user("User1").unwrap();
    assert!(proposed.config.msps().deserialize(member.serialized()).is_ok());
}

#[test]
fn a_golden_configuration_takes_no_update_without_signatures() {
    let current = golden();
    let update = update(&current, |root| set_batch_size(root, 3));
    refused(
        &current,
        &new_update(&update),
        "policy for [Value]  /Channel/Orderer/BatchSize not satisfied: implicit policy evaluation \
         failed - 0 sub-policies were satisfied",
    );
}

#[test]
fn signatures_count_only_if_they_hold() {
    let network = network();
    let current = channel(&network);
    let update = update(&current, |root| set_batch_size(root, 7));
    // Administrators of another organization and plain members may not change it.
    refused(&current, &sign(&update, &admins(&network)), "0 sub-policies were satisfied");
    let node = network.orderer().unwrap().peer().unwrap();
    refused(&current, &sign(&update, &[node]), "0 sub-policies were satisfied");
    // A signature over another update.
    let mut other = update.clone();
    other.write_set.as_mut().unwrap().groups.get_mut("Orderer").unwrap().mod_policy = "x".into();
    let signed = open_update(&sign(&other, &[orderer_admin(&network)])).unwrap();
    let forged = with_signatures(&update, signed.signatures);
    refused(&current, &forged, "0 sub-policies were satisfied");
}

#[test]
fn signatures_do_not_multiply_a_large_update() {
    let network = network();
    let current = channel(&network);
    let mut update = update(&current, |root| set_batch_size(root, 7));
    let value = ConfigValue { value: vec![7; 1 << 20], ..Default::default() };
    update.write_set.as_mut().unwrap().values.insert("Large".into(), value);
    let signatures = |count| vec![ConfigSignature::default(); count];
    let text = "more than 268435456 bytes for its signatures to sign";
    refused(&current, &with_signatures(&update, signatures(256)), text);
    refused(&current, &with_signatures(&update, signatures(200)), "mod_policy not set");
}

#[test]
fn what_the_update_relies_on_must_be_in_force() {
    let network = network();
    let current = channel(&network);
    let admin = || orderer_admin(&network);
    let base = update(&current, |root| set_batch_size(root, 7));
    let edited = |edit: fn(&mut ConfigUpdate)| {
        let mut edited = base.clone();
        edit(&mut edited);
        sign(&edited, &[admin()])
    };
    let refuses = |edit: fn(&mut ConfigUpdate), text: &str| refused(&current, &edited(edit), text);
    refuses(
        |u| u.channel_id = "other".into(),
        "ConfigUpdate for channel 'other' but envelope for channel 'mychannel'",
    );
    refuses(
        |u| group(u.read_set.as_mut().unwrap(), &["Orderer"]).version = 4,
        "error validating ReadSet: proposed update requires that key [Group]  /Channel/Orderer be \
         at version 4, but it is currently at version 0",
    );
    refuses(
        |u| {
            let read = u.read_set.as_mut().unwrap();
            read.groups.insert("Consortiums".into(), ConfigGroup::default());
        },
        "existing config does not contain element for [Group]  /Channel/Consortiums but was in \
         the read set",
    );
    refuses(
        |u| {
            let orderer = group(u.write_set.as_mut().unwrap(), &["Orderer"]);
            orderer.values.get_mut("BatchSize").unwrap().version = 5;
        },
        "attempt to set key [Value]  /Channel/Orderer/BatchSize to version 5, but key is at \
         version 0",
    );
    refuses(
        |u| {
            let write = u.write_set.as_mut().unwrap();
            let unknown =
                ConfigGroup { version: 3, mod_policy: "Admins".into(), ..Default::default() };
            write.groups.insert("Unknown".into(), unknown);
        },
        "attempted to set key [Group]  /Channel/Unknown to version 3, but key does not exist",
    );
    refuses(
        |u| u.write_set.clone_from(&u.read_set),
        "delta set was empty -- update would have no effect",
    );
    refuses(
        |u| {
            let orderer = group(u.write_set.as_mut().unwrap(), &["Orderer"]);
            orderer.values.get_mut("BatchSize").unwrap().mod_policy.clear();
        },
        "invalid mod_policy for element [Value]  /Channel/Orderer/BatchSize: mod_policy not set",
    );
    refuses(
        |u| {
            let orderer = group(u.write_set.as_mut().unwrap(), &["Orderer"]);
            orderer.values.insert("no/name".into(), ConfigValue::default());
        },
        "error mapping WriteSet: illegal characters in key: [Value]  : config ID 'no/name' \
         contains illegal characters",
    );
}

#[test]
fn elements_without_a_policy_cannot_be_changed() {
    let network = network();
    let mut config = channel(&network).config().clone();
    let root = config.channel_group.as_mut().unwrap();
    let value = group(root, &["Orderer"]).values.get_mut("BatchSize").unwrap();
    value.mod_policy = "/Channel/Nobody".into();
    let current = ChannelConfig::from_config("mychannel", &config).unwrap();
    let update = update(&current, |root| set_batch_size(root, 7));
    refused(
        &current,
        &sign(&update, &[orderer_admin(&network)]),
        "unexpected missing policy /Channel/Nobody for item [Value]  /Channel/Orderer/BatchSize",
    );
}

#[test]
fn what_no_channel_could_run_with_is_refused() {
    let network = network();
    let current = channel(&network);
    let orderer =
        |edit: fn(&mut ConfigGroup)| sign(&update(&current, edit), &[orderer_admin(&network)]);
    refused(
        &current,
        &orderer(|root| set_batch_size(root, 0)),
        "initializing channelconfig failed: could not create channel Orderer sub-group config: \
         Attempted to set the batch size max message count to an invalid value: 0",
    );
    refused(
        &current,
        &orderer(|root| set_capability(group(root, &["Orderer"]), "V9_9")),
        "config update is not compatible: config requires unsupported orderer capabilities: \
         Orderer capability V9_9 is required but not supported: Orderer capability V9_9 is \
         required but not supported",
    );
    let all = || {
        let mut all = admins(&network);
        all.push(orderer_admin(&network));
        all
    };
    let with_all = |edit: fn(&mut ConfigGroup)| sign(&update(&current, edit), &all());
    refused(
        &current,
        &with_all(|root| drop(root.groups.remove("Orderer"))),
        "config update is not compatible: config does not contain orderer config",
    );
    refused(
        &current,
        &with_all(|root| drop(root.groups.remove("Application"))),
        "current config has application section, but new config does not",
    );
    refused(
        &current,
        &with_all(|root| set_capability(root, "V9_9")),
        "config update is not compatible: config requires unsupported channel capabilities: \
         Channel capability V9_9 is required but not supported",
    );
    refused(
        &current,
        &with_all(|root| {
            let consortiums = ConfigGroup { mod_policy: "Admins".into(), ..Default::default() };
            root.groups.insert("Consortiums".into(), consortiums);
        }),
        "current config has no consortiums section, but new config does",
    );
    refused(
        &current,
        &with_all(|root| {
            let application = group(root, &["Application"]);
            let msp = application.groups["Org2MSP"].values["MSP"].value.clone();
            let first = group(application, &["Org1MSP"]);
            first.values.get_mut("MSP").unwrap().value = msp;
            let second = application.groups.remove("Org2MSP").unwrap();
            let policies = second.policies;
            group(application, &["Org1MSP"]).policies = policies;
        }),
        "application org Org1MSP attempted to change MSP ID from Org1MSP to Org2MSP",
    );
}

#[test]
fn the_consensus_may_change_with_the_capability_for_it() {
    // Fabric: common/channelconfig/bundle_test.go, `ConsensusTypeChange` and
    // `ConsensusTypeMigration Green Path`. The orderer has further rules.
    let network = network();
    let raft = |root: &mut ConfigGroup| {
        let value = group(root, &["Orderer"]).values.get_mut("ConsensusType").unwrap();
        let raft = ConsensusType { r#type: "etcdraft".into(), ..ConsensusType::default() };
        value.value = raft.encode_to_vec();
    };
    let current = channel(&network);
    let envelope = sign(&update(&current, raft), &[orderer_admin(&network)]);
    let proposed = propose(&current, &envelope).unwrap();
    validate(&current, &proposed.envelope).unwrap();

    let mut old = current.config().clone();
    let root = old.channel_group.as_mut().unwrap();
    set_capability(root, "V1_3");
    let addresses = OrdererAddresses { addresses: vec!["orderer:7050".into()] }.encode_to_vec();
    let addresses = ConfigValue { value: addresses, ..ConfigValue::default() };
    root.values.insert("OrdererAddresses".into(), addresses);
    let mut next = old.clone();
    let old = ChannelConfig::from_config("mychannel", &old).unwrap();
    raft(next.channel_group.as_mut().unwrap());
    let next = ChannelConfig::from_config("mychannel", &next).unwrap();
    let error = check_successor(&old, &next).unwrap_err().to_string();
    assert_eq!(error, "attempted to change consensus type from solo to etcdraft");
    check_successor(&old, &old).unwrap();
}

#[test]
fn another_result_than_that_of_the_update_is_refused() {
    let network = network();
    let current = channel(&network);
    let update = update(&current, |root| set_batch_size(root, 7));
    let proposed = propose(&current, &sign(&update, &[orderer_admin(&network)])).unwrap();
    let mut envelope = proposed.envelope;
    set_batch_size(envelope.config.as_mut().unwrap().channel_group.as_mut().unwrap(), 8);
    let error = validate(&current, &envelope).unwrap_err().to_string();
    assert_eq!(error, "ConfigEnvelope LastUpdate did not produce the supplied config result");
    envelope.last_update = None;
    assert!(validate(&current, &envelope).is_err());
    envelope.config = None;
    assert!(validate(&current, &envelope).is_err());
}

#[test]
fn groups_nest_to_a_limit() {
    let current = channel(&network());
    let mut nested = ConfigGroup::default();
    for _ in 0..40 {
        nested = ConfigGroup { groups: [("g".to_owned(), nested)].into(), ..Default::default() };
    }
    let update = ConfigUpdate {
        channel_id: "mychannel".into(),
        read_set: Some(nested.clone()),
        write_set: Some(nested),
    };
    refused(&current, &new_update(&update), "more than 8 levels of groups");
}

#[test]
fn what_is_removed_and_what_is_new_shows_in_the_versions() {
    let network = network();
    let current = channel(&network);
    let update = update(&current, |root| {
        let application = group(root, &["Application"]);
        application.policies.remove("LifecycleEndorsement");
        let policy = application.policies["Endorsement"].clone();
        application.policies.insert("Extra".into(), ConfigPolicy { version: 9, ..policy });
    });
    let write = &update.write_set.as_ref().unwrap().groups["Application"];
    assert_eq!(write.version, 1);
    assert!(!write.policies.contains_key("LifecycleEndorsement"));
    assert_eq!(write.policies["Extra"].version, 0);
    let proposed = propose(&current, &sign(&update, &admins(&network))).unwrap();
    assert!(proposed.config.policies().get("/Channel/Application/Extra").is_some());
    assert!(proposed.config.policies().get("/Channel/Application/LifecycleEndorsement").is_none());
    let error = compute_update("mychannel", current.config(), current.config()).unwrap_err();
    assert_eq!(error.to_string(), "no differences detected between original and updated config");
}

#[test]
fn updates_of_configtxgen_channels_are_taken_from_their_admins() {
    // A structure made by configtxgen, with organizations whose keys the test has.
    let network = network();
    let mut config = golden().config().clone();
    let known = channel(&network).config().channel_group.clone().unwrap();
    let root = config.channel_group.as_mut().unwrap();
    for name in ["Application", "Orderer"] {
        group(root, &[name]).groups.clone_from(&known.groups[name].groups);
    }
    let addresses = OrdererAddresses { addresses: vec!["orderer:7050".into()] }.encode_to_vec();
    let endpoints = ConfigValue { value: addresses, ..ConfigValue::default() };
    group(root, &["Orderer", "OrdererMSP"]).values.insert("Endpoints".into(), endpoints);
    let current = ChannelConfig::from_config("mychannel", &config).unwrap();
    let update = update(&current, |root| set_batch_size(root, 3));
    let proposed = propose(&current, &sign(&update, &[orderer_admin(&network)])).unwrap();
    assert_eq!(proposed.config.batch_limits().max_message_count, 3);
}
