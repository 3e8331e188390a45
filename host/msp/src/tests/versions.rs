//! Tests that the rules of organizations follow the capabilities of their channel.

use prost::Message;

use crate::membership::MspVersion;
use crate::setup_limits::Checks;
use crate::{ChannelConfig, Msp, Network, NetworkSpec, Principal, Role};
use wasmcc_types::ChannelId;
use wasmcc_types::proto::common::{Capabilities, ConfigValue};
use wasmcc_types::proto::msp::FabricMspConfig;

use super::authorities::{Authority, member_params};
use super::validation::{node_ous, reason, simple};

const VERSIONS: [MspVersion; 4] =
    [MspVersion::V1_0, MspVersion::V1_1, MspVersion::V1_3, MspVersion::V1_4_3];

fn set_up(config: &FabricMspConfig, version: MspVersion) -> Result<Msp, crate::MspError> {
    Msp::set_up(config, version, &mut Checks::unlimited())
}

fn with_units() -> (Authority, FabricMspConfig) {
    let (root, mut config) = simple();
    config.admins.clear();
    config.fabric_node_ous = Some(node_ous(&root));
    (root, config)
}

#[test]
fn units_name_clients_and_peers_first() {
    let (root, config) = with_units();
    let valid = |unit: &str| {
        let (member, _) = root.issue(member_params("member", &[unit]));
        VERSIONS.map(|version| {
            let identity = set_up(&config, version).unwrap().identity(member.as_bytes());
            identity.is_ok_and(|it| [Role::Peer, Role::Admin].iter().any(|role| it.has_role(*role)))
        })
    };
    assert_eq!(valid("peer"), [false, true, true, true]);
    assert_eq!(valid("admin"), [false, false, false, true]);
    let (admin, _) = root.issue(member_params("member", &["admin"]));
    let verdicts = VERSIONS
        .map(|version| set_up(&config, version).unwrap().identity(admin.as_bytes()).is_ok());
    assert_eq!(verdicts, [true, false, false, true]);
}

#[test]
fn listed_admins_are_clients_first() {
    let (root, mut config) = with_units();
    let (admin, _) = root.issue(member_params("member", &["admin"]));
    config.admins = vec![admin.into_bytes()];
    let verdicts = VERSIONS.map(|version| set_up(&config, version).is_ok());
    assert_eq!(verdicts, [true, false, false, true]);
    // Without listed admins, an organization of V1_4_3 needs a unit of admins.
    config.admins.clear();
    config.fabric_node_ous = None;
    assert_eq!(VERSIONS.map(|version| set_up(&config, version).is_ok()), [true, true, true, false]);
}

#[test]
fn clients_and_peers_need_units_before_v1_4_3_even_if_they_are_off() {
    let (root, mut config) = simple();
    let mut units = node_ous(&root);
    (units.enable, units.peer_ou_identifier) = (false, None);
    config.fabric_node_ous = Some(units);
    assert_eq!(
        VERSIONS.map(|version| set_up(&config, version).is_ok()),
        [true, false, false, true]
    );
    let text = reason(set_up(&config, MspVersion::V1_3));
    assert!(text.ends_with("NodeOUs. PeerOU must be different from nil."), "{text}");
}

#[test]
fn compound_principals_are_known_from_v1_3_on() {
    let (root, config) = simple();
    let (member, _) = root.issue(member_params("member", &[]));
    let role = Principal::Member { msp_id: "TestMSP".to_owned() };
    for version in VERSIONS {
        let identity = set_up(&config, version).unwrap().identity(member.as_bytes()).unwrap();
        assert!(identity.matches(&role));
        let is_new = version >= MspVersion::V1_3;
        assert_eq!(identity.matches(&Principal::All(vec![role.clone()])), is_new);
        assert_eq!(identity.matches(&Principal::Anyone), is_new);
    }
}

#[test]
fn a_channel_has_the_rules_of_its_capabilities() {
    let network = Network::in_memory(&NetworkSpec::default()).unwrap();
    let genesis = network.genesis(ChannelId::parse("mychannel").unwrap());
    let channel = ChannelConfig::from_genesis_block(&genesis.block().unwrap()).unwrap();
    let mut config = channel.config().clone();
    let admin = network.orgs()[0].admin().unwrap();
    for (capability, is_valid) in
        [("V1_3", false), ("V1_4_2", false), ("V1_1", false), ("V2_0", true), ("V1_4_3", true)]
    {
        let capabilities = [(capability.to_owned(), Default::default())].into();
        let value = Capabilities { capabilities }.encode_to_vec();
        let value = ConfigValue { value, ..ConfigValue::default() };
        let root = config.channel_group.as_mut().unwrap();
        root.values.insert("Capabilities".to_owned(), value);
        let channel = ChannelConfig::from_stored("mychannel", &config).unwrap();
        let identity = channel.msps().deserialize(admin.serialized());
        assert_eq!(identity.is_ok(), is_valid, "{capability}");
    }
}
