//! Tests which endorsements are required for which writes.

use prost::Message;

use crate::interest_policies;
use crate::tests::support::{CC, Draft, Fixture, policy_bytes, yes};
use wasmcc_types::proto::lifecycle::state_data::Type;
use wasmcc_types::proto::lifecycle::{ChaincodeValidationInfo, StateData, StateMetadata};
use wasmcc_types::proto::protos::TxValidationCode::*;
use wasmcc_types::proto::protos::{
    ApplicationPolicy, ChaincodeAction, ChaincodeCall, ChaincodeData, ChaincodeInterest,
    CollectionConfig, CollectionConfigPackage, ProposalResponsePayload, StaticCollectionConfig,
    application_policy, collection_config,
};

pub(crate) const BOTH: &str = "AND('Org1MSP.peer','Org2MSP.peer')";
pub(crate) const ORG_1: &str = "OR('Org1MSP.peer')";
pub(crate) const ORG_2: &str = "OR('Org2MSP.peer')";

fn application_policy(text: &str) -> ApplicationPolicy {
    let envelope = wasmcc_msp::SignaturePolicy::from_text(text).unwrap().envelope().clone();
    ApplicationPolicy { r#type: Some(application_policy::Type::SignaturePolicy(envelope)) }
}

/// Defines a chaincode in `_lifecycle`, with collections and their policies.
pub(crate) fn define(
    fixture: &Fixture,
    name: &str,
    policy: &str,
    collections: &[(&str, Option<&str>)],
) {
    let collection = |(name, policy): &(&str, Option<&str>)| StaticCollectionConfig {
        name: (*name).to_owned(),
        endorsement_policy: policy.map(application_policy),
        ..Default::default()
    };
    let collections = collections.iter().map(|entry| CollectionConfig {
        payload: Some(collection_config::Payload::StaticCollectionConfig(collection(entry))),
    });
    let collections = CollectionConfigPackage { config: collections.collect() };
    let info = ChaincodeValidationInfo {
        validation_plugin: "vscc".into(),
        validation_parameter: application_policy(policy).encode_to_vec(),
    };
    define_raw(fixture, name, "ChaincodeDefinition", &info, &collections);
}

pub(crate) fn define_raw(
    fixture: &Fixture,
    name: &str,
    datatype: &str,
    info: &ChaincodeValidationInfo,
    collections: &CollectionConfigPackage,
) {
    let metadata = StateMetadata { datatype: datatype.into(), fields: vec![] }.encode_to_vec();
    let field = |bytes| StateData { r#type: Some(Type::Bytes(bytes)) }.encode_to_vec();
    let key = |field: &str| format!("namespaces/fields/{name}/{field}");
    let draft = fixture
        .draft("_lifecycle")
        .put("_lifecycle", &format!("namespaces/metadata/{name}"), &metadata)
        .put("_lifecycle", &key("ValidationInfo"), &field(info.encode_to_vec()))
        .put("_lifecycle", &key("Collections"), &field(collections.encode_to_vec()));
    fixture.force(draft);
}

#[test]
fn the_chaincodes_policy_counts_with_and_without_writes() {
    let fixture = Fixture::new();
    fixture.define(CC, BOTH);
    let (one, two) = (fixture.peer(1), fixture.peer(2));
    let write = |draft: Draft| draft.put(CC, "key", b"value");
    let enough = [
        write(fixture.draft(CC)).endorsed_by(&[&one, &two]),
        fixture.draft(CC).endorsed_by(&[&two, &one]),
    ];
    assert_eq!(fixture.codes(&enough), [Valid; 2]);
    let too_few = [
        write(fixture.draft(CC)),
        fixture.draft(CC),
        write(fixture.draft(CC)).endorsed_by(&[]),
        write(fixture.draft(CC)).endorsed_by(&[&one, &one]),
        write(fixture.draft(CC)).endorsed_by(&[&one, &fixture.user(2)]),
    ];
    assert_eq!(fixture.codes(&too_few), [EndorsementPolicyFailure; 5]);
}

#[test]
fn policies_of_keys_are_read_up_to_a_size() {
    let fixture = Fixture::new();
    fixture.define(CC, ORG_1);
    // The other organization's name makes it long.
    let long = |n: usize| format!("OR('Org1MSP.member', '{}{n}.member')", "x".repeat(1_000_000));
    let protect = |n: usize| {
        let (draft, key) = (fixture.draft(CC), n.to_string());
        draft.put(CC, &key, b"value").protect(CC, &key, &policy_bytes(&long(n)))
    };
    assert_eq!(fixture.codes(&[0, 1, 2, 3, 4].map(protect)), [Valid; 5]);
    let write = |keys: usize| {
        (0..keys).fold(fixture.draft(CC), |draft, n| draft.put(CC, &n.to_string(), b"value"))
    };
    assert_eq!(fixture.codes(&[write(5)]), [EndorsementPolicyFailure]);
    assert_eq!(fixture.codes(&[write(4)]), [Valid]);
}

#[test]
fn every_namespace_that_is_written_counts() {
    let fixture = Fixture::new();
    fixture.define(CC, ORG_1);
    fixture.define("strict", BOTH);
    let both = [&fixture.peer(1), &fixture.peer(2)];
    let drafts = [
        fixture.draft(CC).put(CC, "key", b"1").put("strict", "key", b"1"),
        fixture.draft(CC).put(CC, "key", b"1").put("strict", "key", b"1").endorsed_by(&both),
        fixture.draft(CC).put(CC, "key", b"2").read("strict", "absent", None),
        fixture.draft(CC).put_private("strict", "collection", "key"),
        fixture.draft(CC).protect("strict", "key", &policy_bytes(ORG_1)),
    ];
    let failure = EndorsementPolicyFailure;
    assert_eq!(fixture.codes(&drafts), [failure, Valid, Valid, failure, failure]);
}

#[test]
fn lifecycle_definitions_count_before_those_of_lscc() {
    let fixture = Fixture::new();
    fixture.define(CC, ORG_1);
    assert_eq!(fixture.codes(&[fixture.draft(CC)]), [Valid]);
    define(&fixture, CC, ORG_2, &[]);
    let by_two = fixture.draft(CC).endorsed_by(&[&fixture.peer(2)]);
    assert_eq!(fixture.codes(&[fixture.draft(CC), by_two]), [EndorsementPolicyFailure, Valid]);
}

#[test]
fn lifecycle_itself_needs_a_majority() {
    let fixture = Fixture::new();
    let one = fixture.draft("_lifecycle").put("_lifecycle", "key", b"value");
    let both = one.clone().endorsed_by(&[&fixture.peer(1), &fixture.peer(2)]);
    let approval = fixture.draft("_lifecycle");
    let approval = approval.put_private("_lifecycle", "_implicit_org_Org1MSP", "key");
    let others = fixture.draft("_lifecycle");
    let others = others.put_private("_lifecycle", "_implicit_org_Org2MSP", "key");
    let nobodys = fixture.draft("_lifecycle");
    let nobodys = nobodys.put_private("_lifecycle", "_implicit_org_Org9MSP", "key");
    let drafts = [one, both, approval, others, nobodys];
    let failure = EndorsementPolicyFailure;
    assert_eq!(fixture.codes(&drafts), [failure, Valid, Valid, failure, failure]);
}

#[test]
fn a_collections_policy_takes_the_place_of_the_chaincodes() {
    let fixture = Fixture::new();
    define(&fixture, CC, BOTH, &[("plain", None), ("easy", Some(ORG_1)), ("other", Some(ORG_2))]);
    let both = [&fixture.peer(1), &fixture.peer(2)];
    let private = |collection| fixture.draft(CC).put_private(CC, collection, "key");
    let drafts = [
        private("easy"),
        private("plain"),
        private("plain").endorsed_by(&both),
        private("other"),
        private("other").endorsed_by(&[&fixture.peer(2)]),
        private("easy").put_private(CC, "other", "key"),
        private("easy").put(CC, "key", b"value"),
        private("nowhere").endorsed_by(&both),
        private("_implicit_org_Org1MSP"),
        private("_implicit_org_Org2MSP"),
    ];
    let failure = EndorsementPolicyFailure;
    let expected =
        [Valid, failure, Valid, failure, Valid, failure, failure, failure, Valid, failure];
    assert_eq!(fixture.codes(&drafts), expected);
}

#[test]
fn a_keys_policy_takes_the_place_of_the_chaincodes() {
    let fixture = Fixture::new();
    define(&fixture, CC, ORG_1, &[("collection", None)]);
    let org_2 = policy_bytes(ORG_2);
    let (one, two) = (fixture.peer(1), fixture.peer(2));
    let setup = [
        fixture.draft(CC).put(CC, "key", b"1").put_private(CC, "collection", "key"),
        fixture.draft(CC).protect(CC, "key", &org_2).protect_private(
            CC,
            "collection",
            "key",
            &org_2,
        ),
    ];
    for draft in &setup {
        assert_eq!(fixture.codes([draft]), [Valid]);
    }
    let write = || fixture.draft(CC).put(CC, "key", b"2");
    let private = || fixture.draft(CC).put_private(CC, "collection", "key");
    let drafts = [
        write(),
        write().endorsed_by(&[&two]),
        write().put(CC, "free", b"1").endorsed_by(&[&two]),
        write().put(CC, "free", b"1").endorsed_by(&[&one, &two]),
        private(),
        private().endorsed_by(&[&two]),
        fixture.draft(CC).protect(CC, "key", &[]),
        fixture.draft(CC).protect_private(CC, "collection", "key", &[]),
    ];
    let failure = EndorsementPolicyFailure;
    let expected = [failure, Valid, failure, Valid, failure, Valid, failure, failure];
    assert_eq!(fixture.codes(&drafts), expected);
}

#[test]
fn a_key_whose_policy_changes_is_not_written_again_in_the_same_block() {
    let fixture = Fixture::new();
    define(&fixture, CC, ORG_1, &[("collection", None)]);
    let setup = fixture.draft(CC).put(CC, "key", b"1").put_private(CC, "collection", "key");
    assert_eq!(fixture.codes([&setup]), [Valid]);
    let org_1 = policy_bytes(ORG_1);
    let not_endorsed = fixture.draft(CC).protect(CC, "free", &org_1).endorsed_by(&[]);
    let drafts = [
        fixture.draft(CC).put(CC, "key", b"2"),
        fixture.draft(CC).protect(CC, "key", &org_1).put(CC, "key", b"3"),
        fixture.draft(CC).put(CC, "key", b"4"),
        fixture.draft(CC).put(CC, "other", b"1"),
        fixture.draft(CC).protect(CC, "key", &org_1),
        not_endorsed,
        fixture.draft(CC).put(CC, "free", b"1"),
        fixture.draft(CC).put_private(CC, "collection", "key"),
        fixture.draft(CC).protect_private(CC, "collection", "key", &org_1),
        fixture.draft(CC).put_private(CC, "collection", "key"),
        fixture.draft(CC).read(CC, "key", None),
    ];
    let failure = EndorsementPolicyFailure;
    let expected = [
        Valid,
        Valid,
        failure,
        Valid,
        failure,
        failure,
        Valid,
        Valid,
        Valid,
        failure,
        MvccReadConflict,
    ];
    assert_eq!(fixture.codes(&drafts), expected);
}

#[test]
fn a_keys_policy_that_does_not_parse_satisfies_nobody() {
    let fixture = Fixture::new();
    fixture.define_basic();
    let setup = fixture.draft(CC).put(CC, "key", b"1");
    assert_eq!(fixture.codes([&setup]), [Valid]);
    assert_eq!(fixture.codes([&fixture.draft(CC).protect(CC, "key", &[0xff])]), [Valid]);
    let drafts = [fixture.draft(CC).put(CC, "key", b"2"), fixture.draft(CC).put(CC, "k", b"2")];
    assert_eq!(fixture.codes(&drafts), [EndorsementPolicyFailure, Valid]);
}

#[test]
fn a_definition_without_policy_or_validation_is_no_definition() {
    let fixture = Fixture::new();
    let data = ChaincodeData { name: CC.into(), vscc: "vscc".into(), ..Default::default() };
    fixture.force(fixture.draft("lscc").put("lscc", CC, &data.encode_to_vec()));
    let policy = policy_bytes(ORG_1);
    let data = ChaincodeData { name: "b".into(), policy, ..Default::default() };
    fixture.force(fixture.draft("lscc").put("lscc", "b", &data.encode_to_vec()));
    let info = ChaincodeValidationInfo { validation_plugin: "vscc".into(), ..Default::default() };
    define_raw(&fixture, "c", "ChaincodeDefinition", &info, &CollectionConfigPackage::default());
    let drafts = [CC, "b", "c", "d"].map(|name| fixture.draft(name));
    assert_eq!(fixture.codes(&drafts), [InvalidChaincode; 4]);
}

#[test]
fn a_policy_that_the_channel_lacks_is_named_before_anything_is_ordered() {
    let fixture = Fixture::new();
    let reference = |name: &str| ApplicationPolicy {
        r#type: Some(application_policy::Type::ChannelConfigPolicyReference(name.to_owned())),
    };
    let define = |name: &str, policy: &str, of_collection: &str| {
        let info = ChaincodeValidationInfo {
            validation_plugin: "vscc".into(),
            validation_parameter: reference(policy).encode_to_vec(),
        };
        let collection = StaticCollectionConfig {
            name: "c".into(),
            endorsement_policy: Some(reference(of_collection)),
            ..Default::default()
        };
        let payload = Some(collection_config::Payload::StaticCollectionConfig(collection));
        let collections = CollectionConfigPackage { config: vec![CollectionConfig { payload }] };
        define_raw(&fixture, name, "ChaincodeDefinition", &info, &collections);
    };
    let known = "/Channel/Application/Endorsement";
    define("a", "Channel/Application/Endorsement", known);
    define("b", known, "Endorsement");
    define("d", known, "Application/Endorsement");
    let found = |name: &str| {
        let draft = fixture.draft(name).put_private(name, "c", "key");
        let action = ChaincodeAction { results: draft.rwset.encode(), ..draft.action };
        let payload =
            ProposalResponsePayload { extension: action.encode_to_vec(), ..Default::default() };
        let needed =
            fixture.committer(yes()).needed_policies(&draft.header, &payload.encode_to_vec());
        let call = ChaincodeCall {
            name: name.into(),
            collection_names: vec!["c".into()],
            ..Default::default()
        };
        let interest = ChaincodeInterest { chaincodes: vec![call] };
        let discovered = interest_policies(&fixture.channel, &interest);
        (needed.map_err(|why| why.to_string()), discovered.map_err(|why| why.to_string()))
    };
    let channel = fixture.channel.ledger().channel_id().to_string();
    for (name, policy) in [("a", "Channel/Application/Endorsement"), ("b", "Endorsement")] {
        let text = format!(
            "No metadata was found for chaincode {name} in channel {channel}; the channel has no \
             policy {policy}"
        );
        assert_eq!(found(name), (Err(text.clone()), Err(text)));
    }
    let (needed, discovered) = found("d");
    assert_eq!((needed.unwrap().len(), discovered.unwrap().len()), (1, 1));
}
