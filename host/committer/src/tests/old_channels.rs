//! Tests channels without the capability V2_0, judged as by Fabric 2.5.

use prost::Message;

use crate::tests::support::{CC, Draft, Fixture, commit_entries, policy_bytes, vscc};
use wasmcc_types::proto::common::Capabilities;
use wasmcc_types::proto::protos::ChaincodeEvent;
use wasmcc_types::proto::protos::TxValidationCode::{self, *};

fn channel(capability: &str) -> Fixture {
    let fixture = Fixture::with_genesis(|root| {
        let application = root.groups.get_mut("Application").unwrap();
        let capabilities = [(capability.to_owned(), Default::default())].into();
        let value = application.values.get_mut("Capabilities").unwrap();
        value.value = Capabilities { capabilities }.encode_to_vec();
    });
    fixture.define_basic();
    fixture
}

fn judged(fixture: &Fixture, draft: &Draft) -> TxValidationCode {
    let committer = fixture.committer(vscc(&fixture.channels));
    commit_entries(&committer, vec![draft.envelope().encode_to_vec()]).unwrap().codes()[0]
}

#[test]
fn system_chaincodes_have_the_rules_of_their_time() {
    let fixture = channel("V1_4_2");
    let invoked = |name: &str| judged(&fixture, &fixture.draft(name));
    let written = |name: &str| judged(&fixture, &fixture.draft(CC).put(name, "key", b"value"));
    for name in ["qscc", "cscc"] {
        assert_eq!(invoked(name), Valid, "{name}");
    }
    assert_eq!(written("qscc"), Valid);
    for name in ["vscc", "escc"] {
        assert_eq!((invoked(name), written(name)), (IllegalWriteset, IllegalWriteset), "{name}");
    }
    for name in ["cscc", "lscc"] {
        assert_eq!(written(name), IllegalWriteset, "{name}");
    }
    // There is no `_lifecycle`, so it counts as an undefined chaincode.
    assert_eq!(
        (invoked("_lifecycle"), written("_lifecycle")),
        (InvalidOtherReason, InvalidOtherReason)
    );
    assert_eq!(judged(&fixture, &fixture.draft(CC).put(CC, "key", b"value")), Valid);
}

#[test]
fn before_v1_2_only_what_is_written_counts() {
    for (capability, code) in [("V1_1", Valid), ("V1_2", EndorsementPolicyFailure)] {
        let fixture = channel(capability);
        assert_eq!(judged(&fixture, &fixture.draft(CC).endorsed_by(&[])), code);
        let written = fixture.draft(CC).put(CC, "key", b"value").endorsed_by(&[]);
        assert_eq!(judged(&fixture, &written), EndorsementPolicyFailure);
    }
    for (capability, code) in [("V1_1", Valid), ("V1_2", InvalidOtherReason)] {
        let fixture = channel(capability);
        let mut draft = fixture.draft(CC);
        let event = ChaincodeEvent { chaincode_id: "other".into(), ..Default::default() };
        draft.action.events = event.encode_to_vec();
        assert_eq!(judged(&fixture, &draft), code);
    }
}

#[test]
fn before_v1_3_keys_have_no_policies_of_their_own() {
    for (capability, code) in [("V1_2", Valid), ("V1_3", EndorsementPolicyFailure)] {
        let fixture = channel(capability);
        let policy = policy_bytes("OR('Org2MSP.peer')");
        fixture.force(fixture.draft(CC).put(CC, "key", b"1").protect(CC, "key", &policy));
        assert_eq!(judged(&fixture, &fixture.draft(CC).put(CC, "key", b"2")), code);
    }
}
