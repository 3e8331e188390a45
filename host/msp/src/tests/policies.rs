//! Tests which signatures satisfy a policy.

use std::collections::BTreeMap;

use prost::Message;

use crate::{
    Msp, MspManager, Network, NetworkSpec, PolicyError, PolicyManager, SignaturePolicy, SignedData,
    SigningIdentity,
};
use wasmcc_types::proto::common::implicit_meta_policy::Rule as MetaRule;
use wasmcc_types::proto::common::policy::PolicyType;
use wasmcc_types::proto::common::signature_policy::{NOutOf, Type};
use wasmcc_types::proto::common::{
    ConfigGroup, ConfigPolicy, ImplicitMetaPolicy, Policy, SignaturePolicy as Rule,
    SignaturePolicyEnvelope,
};

/// Three organizations and their signers by name: `peer1`, `client2`, `other2`, `admin3`.
struct Signers {
    msps: MspManager,
    by_name: BTreeMap<String, SigningIdentity>,
}

impl Signers {
    fn new() -> Self {
        let network = Network::in_memory(&NetworkSpec::with_orgs(3)).unwrap();
        let mut by_name = BTreeMap::new();
        for (index, org) in network.orgs().iter().enumerate() {
            let number = index + 1;
            by_name.insert(format!("peer{number}"), org.peer().unwrap());
            by_name.insert(format!("client{number}"), org.user("User1").unwrap());
            by_name.insert(format!("other{number}"), org.user("User2").unwrap());
            by_name.insert(format!("admin{number}"), org.admin().unwrap());
        }
        let msps = network.orgs().iter().map(|org| Msp::from_config(org.msp_config()).unwrap());
        Self { msps: MspManager::new(msps), by_name }
    }

    /// Returns signatures of these signers, named and separated by spaces.
    fn signed(&self, names: &str) -> Vec<SignedData> {
        let sign = |name: &str| {
            let signer = &self.by_name[name];
            SignedData {
                identity: signer.serialized().to_vec(),
                data: b"data".to_vec(),
                signature: signer.sign(b"data"),
            }
        };
        names.split_whitespace().map(sign).collect()
    }

    fn satisfy(&self, policy: &str, names: &str) -> bool {
        let policy = SignaturePolicy::from_text(policy).unwrap();
        policy.evaluate(&self.signed(names), &self.msps).is_ok()
    }
}

#[test]
fn policies_hold_for_the_right_signers() {
    let signers = Signers::new();
    let table = [
        ("OR('Org1MSP.member')", "client1", true),
        ("OR('Org1MSP.member')", "client2", false),
        ("OR('Org1MSP.member')", "", false),
        ("OR('Org1MSP.admin')", "admin1", true),
        ("OR('Org1MSP.admin')", "client1", false),
        ("OR('Org1MSP.peer')", "peer1", true),
        ("OR('Org1MSP.client')", "peer1", false),
        ("OR('Org1MSP.orderer')", "peer1 client1 admin1", false),
        ("AND('Org1MSP.member', 'Org2MSP.member')", "client1", false),
        ("AND('Org1MSP.member', 'Org2MSP.member')", "client1 peer2", true),
        ("AND('Org1MSP.member', 'Org2MSP.member')", "peer2 client1", true),
        ("OutOf(2, 'Org1MSP.peer', 'Org2MSP.peer', 'Org3MSP.peer')", "peer1 peer3", true),
        ("OutOf(2, 'Org1MSP.peer', 'Org2MSP.peer', 'Org3MSP.peer')", "peer1 client3", false),
        ("OR('Org1MSP.peer', AND('Org2MSP.peer', 'Org3MSP.admin'))", "peer2 admin3", true),
        ("OR('Org1MSP.peer', AND('Org2MSP.peer', 'Org3MSP.admin'))", "peer2 peer3", false),
        ("OutOf(0, 'Org1MSP.peer')", "", true),
        ("OutOf(2, 'Org1MSP.peer')", "peer1", false),
        ("OR('UnknownMSP.member')", "client1 peer2", false),
    ];
    for (policy, names, expected) in table {
        assert_eq!(signers.satisfy(policy, names), expected, "{policy} with {names}");
    }
}

#[test]
fn a_signer_counts_once() {
    let signers = Signers::new();
    let two_members = "AND('Org1MSP.member', 'Org1MSP.member')";
    assert!(!signers.satisfy(two_members, "client1"));
    assert!(!signers.satisfy(two_members, "client1 client1"));
    assert!(signers.satisfy(two_members, "client1 other1"));
    // A different text around the same certificate is the same signer.
    let mut signed = signers.signed("client1 client1");
    signed[1].identity = signed[1].identity.clone();
    let end = signed[1].identity.len();
    let mut identity =
        wasmcc_types::proto::msp::SerializedIdentity::decode(&signed[1].identity[..end]).unwrap();
    identity.id_bytes.extend(b"\n\n");
    signed[1].identity = identity.encode_to_vec();
    let policy = SignaturePolicy::from_text(two_members).unwrap();
    assert!(policy.evaluate(&signed, &signers.msps).is_err());
}

#[test]
fn signers_are_used_up_greedily_as_in_fabric() {
    let signers = Signers::new();
    let policy = "AND('Org1MSP.member', 'Org1MSP.admin')";
    // The admin also is a member: if it is used up first, it is missing later.
    assert!(!signers.satisfy(policy, "admin1 client1"));
    assert!(signers.satisfy(policy, "client1 admin1"));
    // A failed inner rule releases the signers that it used.
    let policy =
        "AND(OutOf(1, AND('Org1MSP.peer', 'Org2MSP.peer'), 'Org1MSP.peer'), 'Org3MSP.peer')";
    assert!(signers.satisfy(policy, "peer1 peer3"));
}

#[test]
fn wrong_signatures_are_ignored() {
    let signers = Signers::new();
    let policy = SignaturePolicy::from_text("OR('Org1MSP.member')").unwrap();
    let mut signed = signers.signed("client1 client1");
    signed[0].signature = signers.by_name["client1"].sign(b"other data");
    assert!(policy.evaluate(&signed[..1], &signers.msps).is_err());
    assert!(policy.evaluate(&signed, &signers.msps).is_ok());
    signed[1].identity.truncate(20);
    assert!(policy.evaluate(&signed, &signers.msps).is_err());
}

#[test]
fn broken_envelopes_are_refused() {
    let signed_by = |index| Rule { r#type: Some(Type::SignedBy(index)) };
    let envelope = |rule| SignaturePolicyEnvelope {
        version: 0,
        rule,
        identities: SignaturePolicy::any_member(["Org1MSP"]).identities,
    };
    let compile = |rule| SignaturePolicy::from_envelope(&envelope(rule));
    assert!(compile(Some(signed_by(0))).is_ok());
    for index in [1, -1, i32::MAX, i32::MIN] {
        let error = compile(Some(signed_by(index))).unwrap_err();
        assert!(matches!(error, PolicyError::IndexOutOfRange { .. }), "{index}");
    }
    assert!(matches!(compile(None), Err(PolicyError::Empty)));
    assert!(matches!(compile(Some(Rule { r#type: None })), Err(PolicyError::Empty)));
    let mut deep = signed_by(0);
    for _ in 0..60 {
        deep = Rule { r#type: Some(Type::NOutOf(NOutOf { n: 1, rules: vec![deep] })) };
    }
    assert!(matches!(compile(Some(deep)), Err(PolicyError::TooLarge { .. })));
    let rules = vec![signed_by(0); 5000];
    let wide = Rule { r#type: Some(Type::NOutOf(NOutOf { n: 1, rules })) };
    assert!(matches!(compile(Some(wide)), Err(PolicyError::TooLarge { .. })));

    let mut newer = envelope(Some(signed_by(0)));
    newer.version = 1;
    let bytes = newer.encode_to_vec();
    assert!(matches!(SignaturePolicy::from_bytes(&bytes), Err(PolicyError::Version(1))));
    assert!(matches!(SignaturePolicy::from_bytes(&[0xff]), Err(PolicyError::Decode(_))));
}

#[test]
fn any_member_of_the_channel_is_sorted() {
    let envelope = SignaturePolicy::any_member(["B", "A"]);
    let policy = SignaturePolicy::from_envelope(&envelope).unwrap();
    assert_eq!(policy.to_string(), "OR('A.member', 'B.member')");
}

fn config_policy(kind: PolicyType, value: Vec<u8>) -> ConfigPolicy {
    let policy = Some(Policy { r#type: kind.into(), value });
    ConfigPolicy { version: 0, policy, mod_policy: String::new() }
}

fn meta(sub_policy: &str, rule: MetaRule) -> ConfigPolicy {
    let value = ImplicitMetaPolicy { sub_policy: sub_policy.to_owned(), rule: rule.into() };
    config_policy(PolicyType::ImplicitMeta, value.encode_to_vec())
}

/// A channel whose Application group needs signatures of Org1MSP to OrgNMSP for `Sign`.
fn channel(orgs: usize) -> ConfigGroup {
    let mut application = ConfigGroup::default();
    for number in 1..=orgs {
        let policy = SignaturePolicy::from_text(&format!("OR('Org{number}MSP.peer')")).unwrap();
        let value = policy.envelope().encode_to_vec();
        let mut org = ConfigGroup::default();
        org.policies.insert("Sign".to_owned(), config_policy(PolicyType::Signature, value));
        application.groups.insert(format!("Org{number}"), org);
    }
    for (name, rule) in
        [("Any", MetaRule::Any), ("All", MetaRule::All), ("Majority", MetaRule::Majority)]
    {
        application.policies.insert(name.to_owned(), meta("Sign", rule));
    }
    application.policies.insert("Nothing".to_owned(), meta("Missing", MetaRule::Any));
    let mut root = ConfigGroup::default();
    root.groups.insert("Application".to_owned(), application);
    root.policies.insert("Upper".to_owned(), meta("Majority", MetaRule::All));
    root
}

#[test]
fn implicit_meta_policies_count_organizations() {
    let signers = Signers::new();
    let table = [
        (3, "Any", "peer1", true),
        (3, "Any", "client1", false),
        (3, "All", "peer1 peer2", false),
        (3, "All", "peer1 peer2 peer3", true),
        (3, "Majority", "peer1", false),
        (3, "Majority", "peer3 peer1", true),
        (2, "Majority", "peer1", false),
        (2, "Majority", "peer1 peer2", true),
        (1, "Majority", "peer1", true),
        (0, "Any", "", true),
        (0, "All", "", true),
        (0, "Majority", "", true),
        (3, "Nothing", "peer1 peer2 peer3", false),
    ];
    for (orgs, name, names, expected) in table {
        let manager = PolicyManager::from_config(&channel(orgs)).unwrap();
        let policy = manager.get(&format!("/Channel/Application/{name}")).unwrap();
        let verdict = policy.evaluate(&signers.signed(names), &signers.msps);
        assert_eq!(verdict.is_ok(), expected, "{orgs} orgs, {name} with {names}: {verdict:?}");
    }
    let manager = PolicyManager::from_config(&channel(3)).unwrap();
    let upper = manager.get("Upper").unwrap();
    assert!(upper.evaluate(&signers.signed("peer1 peer2"), &signers.msps).is_ok());
    let error = upper.evaluate(&signers.signed("peer1"), &signers.msps).unwrap_err();
    assert_eq!(
        error.to_string(),
        "implicit policy evaluation failed - 0 sub-policies were satisfied, but this policy \
         requires 1 of the 'Majority' sub-policies to be satisfied"
    );
}

#[test]
fn policies_are_found_by_absolute_and_relative_names() {
    let manager = PolicyManager::from_config(&channel(1)).unwrap();
    for name in ["/Channel/Application/Any", "Application/Any", "Application/Org1/Sign", "Upper"] {
        assert!(manager.get(name).is_some(), "{name}");
    }
    for name in ["", "/", "Any", "/Application/Any", "/Channel", "/ChannelUpper", "Application/"] {
        assert!(manager.get(name).is_none(), "{name}");
    }
    let sign = manager.get("Application/Org1/Sign").unwrap();
    assert_eq!(sign.as_signature_policy().unwrap().to_string(), "OR('Org1MSP.peer')");
    assert_eq!(manager.names().count(), 6);
}

#[test]
fn broken_channel_policies_are_named() {
    let broken = |policy: ConfigPolicy| {
        let mut root = channel(1);
        root.policies.insert("Broken".to_owned(), policy);
        PolicyManager::from_config(&root).unwrap_err()
    };
    for policy in [
        ConfigPolicy::default(),
        config_policy(PolicyType::Signature, vec![0xff]),
        config_policy(PolicyType::Signature, vec![]),
        config_policy(PolicyType::ImplicitMeta, vec![0xff]),
        config_policy(PolicyType::ImplicitMeta, vec![0x10, 9]),
        config_policy(PolicyType::Msp, vec![]),
    ] {
        let error = broken(policy).to_string();
        assert!(error.contains("/Channel/Broken"), "{error}");
    }
    let mut root = channel(1);
    root.groups.insert("a/b".to_owned(), ConfigGroup::default());
    assert!(matches!(PolicyManager::from_config(&root), Err(PolicyError::Name(_))));
    let mut deep = ConfigGroup::default();
    for _ in 0..20 {
        deep = ConfigGroup { groups: [("g".to_owned(), deep)].into(), ..ConfigGroup::default() };
    }
    assert!(matches!(PolicyManager::from_config(&deep), Err(PolicyError::TooLarge { .. })));
}

#[test]
fn a_key_takes_those_policies_that_can_be_evaluated() {
    use wasmcc_types::check_key_policy;
    let unit = b"\x1a\x0d\x08\x01\x12\x09\x0a\x07Org1MSP";
    let text = "OutOf(2, 'A.member', OR('B.client', 'C.peer'), 'D.orderer')";
    let whole = SignaturePolicy::from_text(text).unwrap().envelope().encode_to_vec();
    let nested = |depth: usize| {
        let mut rule = gate(0, Vec::new());
        for _ in 1..depth {
            rule = gate(1, vec![rule]);
        }
        SignaturePolicyEnvelope { version: 0, rule: Some(rule), identities: Vec::new() }
            .encode_to_vec()
    };
    let wide = |rules: usize| {
        let rule = Some(gate(0, vec![gate(0, Vec::new()); rules]));
        SignaturePolicyEnvelope { version: 0, rule, identities: Vec::new() }.encode_to_vec()
    };
    let many = |identities: usize| {
        let identities = vec![Default::default(); identities];
        SignaturePolicyEnvelope { version: 7, rule: Some(gate(0, Vec::new())), identities }
            .encode_to_vec()
    };
    let damaged = (0..whole.len()).flat_map(|index| {
        let cut = whole[..index].to_vec();
        let changed = [0x00, 0x08, 0x12, 0x1a, 0x7f, 0x80, 0xff].map(|byte| {
            let mut changed = whole.clone();
            changed[index] = byte;
            changed
        });
        changed.into_iter().chain([cut])
    });
    let made = [
        whole.clone(),
        [b"\x12\x02\x08\x00", &unit[..]].concat(),
        [b"\x12\x08\x12\x06\x08\x09\x12\x02\x08\x00", &unit[..]].concat(),
        b"nonsense".to_vec(),
        b"\x08\x00".to_vec(),
        b"\x12\x00".to_vec(),
        b"\x12\x02\x08\x00".to_vec(),
        b"\x12\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01".to_vec(),
        nested(49),
        nested(50),
        nested(60),
        wide(4095),
        wide(4096),
        many(4096),
        many(4097),
    ];
    let (mut taken, mut refused) = (0, 0);
    for policy in made.into_iter().chain(damaged).filter(|policy| !policy.is_empty()) {
        let envelope = SignaturePolicyEnvelope::decode(policy.as_slice());
        let evaluated =
            envelope.is_ok_and(|policy| SignaturePolicy::from_envelope(&policy).is_ok());
        assert_eq!(check_key_policy(&policy).is_ok(), evaluated, "{policy:?}");
        *if evaluated { &mut taken } else { &mut refused } += 1;
    }
    assert!(taken > 20 && refused > 100, "{taken} {refused}");
    assert_eq!(check_key_policy(b""), Ok(()), "it removes the policy");
}

fn gate(n: i32, rules: Vec<Rule>) -> Rule {
    Rule { r#type: Some(Type::NOutOf(NOutOf { n, rules })) }
}
