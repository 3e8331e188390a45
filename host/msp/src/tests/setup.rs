//! Tests that setting up a new organization is limited, and done once.

use std::error::Error;

use prost::Message;
use rcgen::{CertificateRevocationListParams, KeyIdMethod, KeyPair, SerialNumber};
use time::OffsetDateTime;

use crate::membership::Msp;
use crate::setup_limits::{MAX_ENTRIES, MAX_ORGS};
use crate::{ChannelConfig, ConfigError, Network, NetworkSpec};
use wasmcc_types::ChannelId;
use wasmcc_types::proto::common::policy::PolicyType;
use wasmcc_types::proto::common::signature_policy::{NOutOf, Type};
use wasmcc_types::proto::common::{
    Config, ConfigGroup, ConfigPolicy, ConfigValue, Policy, SignaturePolicy,
    SignaturePolicyEnvelope,
};
use wasmcc_types::proto::msp::{FabricMspConfig, FabricOuIdentifier, MspConfig};

use super::authorities::{Authority, ca_params, config, member_params};
use super::validation::simple;

/// Sets a list of an MSP to a number of entries.
type SetList<'a> = &'a dyn Fn(&mut FabricMspConfig, usize);

/// A channel of two organizations.
fn channel() -> Config {
    let network = Network::in_memory(&NetworkSpec::with_orgs(2)).unwrap();
    let genesis = network.genesis(ChannelId::parse("mychannel").unwrap());
    ChannelConfig::from_genesis_block(&genesis.block().unwrap()).unwrap().config().clone()
}

fn application(channel: &mut Config) -> &mut ConfigGroup {
    channel.channel_group.as_mut().unwrap().groups.get_mut("Application").unwrap()
}

/// Replaces the first organization of the channel.
fn with_org(channel: &Config, msp: &FabricMspConfig) -> Config {
    let mut channel = channel.clone();
    let org = application(&mut channel).groups.get_mut("Org1MSP").unwrap();
    let value = MspConfig { r#type: 0, config: msp.encode_to_vec() }.encode_to_vec();
    org.values.get_mut("MSP").unwrap().value = value;
    channel
}

fn update(config: &Config) -> Result<ChannelConfig, ConfigError> {
    ChannelConfig::from_config("mychannel", config)
}

fn stored(config: &Config) -> ChannelConfig {
    ChannelConfig::from_stored("mychannel", config).unwrap()
}

#[track_caller]
fn refused(config: &Config) -> String {
    let error = update(config).unwrap_err();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}

/// An empty revocation list of the CA, which names the key identifier.
fn revocation_list(authority: &Authority, number: u64, key_id: KeyIdMethod) -> Vec<u8> {
    let now = OffsetDateTime::now_utc();
    let list = CertificateRevocationListParams {
        this_update: now,
        next_update: now + time::Duration::days(1),
        crl_number: SerialNumber::from(number),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: key_id,
    };
    list.signed_by(&authority.issuer).unwrap().der().to_vec()
}

fn checks_of(config: &FabricMspConfig) -> u64 {
    Msp::from_config(config).unwrap().setup_checks()
}

#[test]
fn lists_of_an_organization_have_as_many_entries_as_they_may() {
    let (root, _) = simple();
    let (admin, _) = root.issue(member_params("admin", &["sales"]));
    let good = config(&[&root], &[], &admin);
    let list = revocation_list(&root, 1, KeyIdMethod::Sha256);
    let unit = FabricOuIdentifier {
        certificate: root.pem.clone().into_bytes(),
        organizational_unit_identifier: "sales".to_owned(),
    };
    let channel = channel();
    let lists: [(&str, SetList<'_>); 7] = [
        ("root CAs", &|msp, count| msp.root_certs = vec![root.pem.clone().into(); count]),
        ("intermediate CAs", &|msp, n| msp.intermediate_certs = vec![root.pem.clone().into(); n]),
        ("TLS root CAs", &|msp, count| msp.tls_root_certs = vec![root.pem.clone().into(); count]),
        ("TLS intermediate CAs", &|msp, n| {
            msp.tls_root_certs = vec![root.pem.clone().into()];
            msp.tls_intermediate_certs = vec![root.pem.clone().into(); n];
        }),
        ("revocation lists", &|msp, count| msp.revocation_list = vec![list.clone(); count]),
        ("admins", &|msp, count| msp.admins = vec![admin.clone().into(); count]),
        ("organizational units", &|msp, n| {
            msp.organizational_unit_identifiers = vec![unit.clone(); n];
        }),
    ];
    for (what, set) in lists {
        let mut msp = good.clone();
        set(&mut msp, MAX_ENTRIES);
        update(&with_org(&channel, &msp)).unwrap();
        set(&mut msp, MAX_ENTRIES + 1);
        let over = with_org(&channel, &msp);
        let opened = stored(&over);
        assert!(opened.msps().msp("TestMSP").is_some(), "what is in force stays usable");
        assert_eq!(
            refused(&over),
            format!(
                "the MSP of Application/Org1MSP is not usable: the configuration of MSP 'TestMSP' \
                 is not valid: it has 101 {what}, and an organization may have 100: remove those \
                 that nobody needs any more"
            )
        );
    }
}

#[test]
fn a_list_is_checked_once_for_each_key() {
    let key = KeyPair::generate().unwrap();
    let same_key = || KeyPair::from_pem(&key.serialize_pem()).unwrap();
    let authorities: Vec<Authority> = (0..20)
        .map(|number| Authority::root_of(ca_params(&format!("root{number}")), same_key()))
        .collect();
    let (admin, _) = authorities[0].issue(member_params("admin", &[]));
    let mut msp = config(&authorities.iter().collect::<Vec<_>>(), &[], &admin);
    let before = checks_of(&msp);
    assert_eq!(before, 20 + 1, "each root, and the admin");
    let list = |number| revocation_list(&authorities[7], number, KeyIdMethod::Sha256);
    msp.revocation_list = (1..=20).map(list).collect();
    assert_eq!(checks_of(&msp) - before, 20);
    // The same list again.
    let first = msp.revocation_list[0].clone();
    msp.revocation_list.push(first);
    assert_eq!(checks_of(&msp) - before, 20);
}

#[test]
fn keys_times_lists_are_refused_unless_they_are_in_force() {
    let key_id = || KeyIdMethod::PreSpecified(vec![7; 20]);
    let authority = |number: usize| {
        let mut params = ca_params(&format!("root{number}"));
        params.key_identifier_method = key_id();
        Authority::root_with(params)
    };
    let authorities: Vec<Authority> = (0..32).map(authority).collect();
    let (admin, _) = authorities[0].issue(member_params("admin", &[]));
    let mut msp = config(&authorities.iter().collect::<Vec<_>>(), &[], &admin);
    let list = |number| revocation_list(&authorities[0], number, key_id());
    msp.revocation_list = (1..=30).map(list).collect();
    assert_eq!(checks_of(&msp), 32 + 30 * 32 + 1);
    let channel = channel();
    update(&with_org(&channel, &msp)).unwrap();
    msp.revocation_list.push(list(31));
    let over = with_org(&channel, &msp);
    let text = refused(&over);
    assert_eq!(
        text,
        "the MSP of Application/Org1MSP is not usable: setting up the organization takes more than \
         1000 checks of signatures: list fewer CAs that have the same name or key identifier, \
         fewer revocation lists or fewer admins"
    );
    // A peer that has set up the organization refuses an update with the same text as one that has
    // not.
    let opened = stored(&over);
    assert_eq!(opened.msps().msp("TestMSP").unwrap().setup_checks(), 32 + 31 * 32 + 1);
    assert_eq!(refused(&over), text);
}

#[test]
fn chains_of_cas_and_admins_count() {
    let (root, inner) = (Authority::root("root"), Authority::root("other"));
    let below = root.below(ca_params("below"));
    let (admin, _) = below.issue(member_params("admin", &[]));
    let mut msp = config(&[&root, &inner], &[&below], &admin);
    assert_eq!(checks_of(&msp), 2 + 1 + 2);
    msp.admins = vec![admin.into_bytes(); 3];
    assert_eq!(checks_of(&msp), 2 + 1 + 3 * 2);
}

#[test]
fn organizations_that_stay_the_same_are_kept() {
    let mut channel = channel();
    let (_, msp) = simple();
    let current = update(&channel).unwrap();
    channel.sequence += 1;
    let next = update(&with_org(&channel, &msp)).unwrap();
    let of = |config: &ChannelConfig, id: &str| -> *const Msp { config.msps().msp(id).unwrap() };
    for id in ["Org2MSP", "OrdererMSP"] {
        assert_eq!(of(&current, id), of(&next, id), "{id}");
    }
    assert!(next.msps().msp("Org1MSP").is_none());
    let validated = update(next.config()).unwrap();
    assert_eq!(of(&next, "TestMSP"), of(&validated, "TestMSP"));
}

#[test]
fn a_configuration_has_so_many_organizations() {
    let mut channel = channel();
    let groups = &mut application(&mut channel).groups;
    for number in groups.len()..=MAX_ORGS {
        groups.insert(format!("More{number}"), ConfigGroup::default());
    }
    assert_eq!(refused(&channel), "the configuration has more than 1000 organizations");
    application(&mut channel).groups.pop_last();
    assert_eq!(refused(&channel), "the organization Application/More10 has no Fabric MSP");
}

#[test]
fn an_organization_has_no_groups_of_its_own() {
    let mut channel = channel();
    let org = application(&mut channel).groups.values_mut().next().unwrap();
    org.groups.insert("Below".to_owned(), ConfigGroup::default());
    assert_eq!(refused(&channel), "ApplicationOrg config does not allow sub-groups");
    stored(&channel);
}

#[test]
fn a_genesis_block_has_so_many_elements_and_paths() {
    let mut channel = channel();
    let fill = |name: &str, count: usize| -> ConfigGroup {
        let name = |number: usize| (format!("{name}{number}"), ConfigValue::default());
        ConfigGroup { values: (0..count).map(name).collect(), ..ConfigGroup::default() }
    };
    let root = channel.channel_group.as_mut().unwrap();
    root.groups.insert("More".to_owned(), fill("", 20_000));
    assert_eq!(refused(&channel), "the configuration has more than 20000 elements");
    stored(&channel);
    let root = channel.channel_group.as_mut().unwrap();
    root.groups.insert("More".to_owned(), fill(&"n".repeat(249), 16_000));
    let expected = "the configuration has more than 4194304 bytes in the paths of its elements";
    assert_eq!(refused(&channel), expected);
    let root = channel.channel_group.as_mut().unwrap();
    root.groups.insert("More".to_owned(), fill(&"n".repeat(249), 15_000));
    let expected = "initializing channelconfig failed: Disallowed channel group: More";
    assert_eq!(refused(&channel), expected);
}

#[test]
fn policies_of_a_configuration_have_so_many_rules_and_principals() {
    let mut channel = channel();
    let empty = SignaturePolicy { r#type: Some(Type::NOutOf(NOutOf { n: 0, rules: Vec::new() })) };
    let all = Type::NOutOf(NOutOf { n: 0, rules: vec![empty; 3_999] });
    let envelope = SignaturePolicyEnvelope {
        rule: Some(SignaturePolicy { r#type: Some(all) }),
        ..Default::default()
    };
    let policy = Policy { r#type: PolicyType::Signature.into(), value: envelope.encode_to_vec() };
    let policy = ConfigPolicy { policy: Some(policy), ..ConfigPolicy::default() };
    let org = application(&mut channel).groups.get_mut("Org2MSP").unwrap();
    for number in 0..49 {
        org.policies.insert(format!("Large{number:02}"), policy.clone());
    }
    update(&channel).unwrap();
    let org = application(&mut channel).groups.get_mut("Org2MSP").unwrap();
    org.policies.insert("Large49".to_owned(), policy);
    assert_eq!(
        refused(&channel),
        "the policies of the channel are not usable: policy /Channel/Application/Org2MSP/Large49 \
         is not usable: the policy has more than 200000 rules and principals, with those of the \
         channel's other policies"
    );
    assert!(stored(&channel).policies().get("/Channel/Application/Org2MSP/Large49").is_some());
}

#[test]
fn values_of_a_configuration_have_so_many_fields() {
    let mut channel = channel();
    // Many empty entries of the ACLs.
    let value = ConfigValue { value: [0x0a, 0x00].repeat(700_000), ..ConfigValue::default() };
    application(&mut channel).values.insert("ACLs".to_owned(), value);
    let text = refused(&channel);
    assert!(text.contains("failed to deserialize values: value ACLs: "), "{text}");
    assert!(text.contains("more than 400000 fields"), "{text}");
    stored(&channel);
}
