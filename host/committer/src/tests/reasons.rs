//! Tests the human-readable reasons of transactions that are not valid.

use prost::Message;

use crate::tests::endorsements::{BOTH, ORG_1, ORG_2, define};
use crate::tests::support::{CC, Draft, Fixture, policy_bytes, vscc};
use crate::{Notifier, explain};
use wasmcc_types::{hex, sha256};

const NOT_SATISFIED: &str =
    "VSCC error: policy evaluation failed, err signature set did not satisfy policy; the policy is";
const BY_ONE: &str = "endorsed by peer0.org1.example.com of Org1MSP";

/// Commits one block and returns the notifier's reasons; `explain` must find the same ones.
fn reasons(fixture: &Fixture, drafts: &[Draft]) -> Vec<Option<String>> {
    let endorsements = vscc(&fixture.channels);
    let envelopes: Vec<_> = drafts.iter().map(Draft::envelope).collect();
    let entries: Vec<_> =
        envelopes.iter().map(|envelope| envelope.encode_to_vec().into()).collect();
    let before = explain(&fixture.channel, &endorsements, entries).unwrap();
    let committer = fixture.committer(endorsements);
    committer.commit_envelopes(envelopes).unwrap();
    let known = |draft: &Draft| committer.notifier().reason(&draft.tx_id());
    let known: Vec<_> = drafts.iter().map(known).collect();
    assert_eq!(known, before);
    known
}

#[test]
fn a_policy_failure_names_what_is_protected_and_by_what_and_who_endorsed() {
    let fixture = Fixture::new();
    let collections = [("plain", None), ("other", Some(ORG_2))];
    define(&fixture, CC, ORG_1, &collections);
    define(&fixture, "strict", BOTH, &[]);
    let org_2 = policy_bytes(ORG_2);
    fixture.force(fixture.draft(CC).put(CC, "key", b"1").put_private(CC, "plain", "key"));
    let protect = fixture.draft(CC).protect(CC, "key", &org_2);
    fixture.force(protect.protect_private(CC, "plain", "key", &org_2));
    fixture.force(fixture.draft(CC).put(CC, "bad", b"1"));
    fixture.force(fixture.draft(CC).protect(CC, "bad", &[0xff]));
    let hash = hex(&sha256(b"key"));
    let found = reasons(
        &fixture,
        &[
            fixture.draft(CC).put(CC, "free", b"1"),
            fixture.draft(CC).put("strict", "k", b"1"),
            fixture.draft(CC).put("strict", "k", b"1").endorsed_by(&[]),
            fixture.draft(CC).put(CC, "key", b"2"),
            fixture.draft(CC).put_private(CC, "other", "k"),
            fixture.draft(CC).put_private(CC, "plain", "key"),
            fixture.draft(CC).put_private(CC, "nowhere", "k"),
            fixture.draft(CC).put(CC, "bad", b"2"),
        ],
    );
    let failed = |what: &str, policy: &str, who: &str| {
        Some(format!("{what}: {NOT_SATISFIED} {policy}, {who}"))
    };
    let (both, org_2) = ("AND('Org1MSP.peer', 'Org2MSP.peer')", "OR('Org2MSP.peer')");
    let nobody = "endorsed by nobody whose signature is valid";
    let private = format!("the private key of {CC}/plain with hash {hash}");
    let expected = [
        None,
        failed("chaincode strict", both, BY_ONE),
        // The invoked chaincode is judged, too, and comes first.
        failed("chaincode basic", "OR('Org1MSP.peer')", nobody),
        failed("key \"key\" of basic", org_2, BY_ONE),
        failed("collection basic/other", org_2, BY_ONE),
        failed(&private, org_2, BY_ONE),
        Some("basic: no such collection 'nowhere'".into()),
        Some("key \"bad\" of basic: its endorsement policy does not parse".into()),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_key_whose_policy_was_changed_in_the_same_block_is_named_with_who_did_so() {
    let fixture = Fixture::new();
    define(&fixture, CC, ORG_1, &[("collection", None)]);
    let setup = fixture.draft(CC).put(CC, "key", b"1").put_private(CC, "collection", "key");
    fixture.force(setup);
    let org_1 = policy_bytes(ORG_1);
    let first = fixture.draft(CC).protect(CC, "key", &org_1);
    let second = fixture.draft(CC).protect_private(CC, "collection", "key", &org_1);
    let (one, two) = (first.tx_id(), second.tx_id());
    let third = fixture.draft(CC).put(CC, "key", b"2");
    let fourth = fixture.draft(CC).put_private(CC, "collection", "key");
    let found = reasons(&fixture, &[first, second, third, fourth]);
    let changed = |what: &str, by: &str| {
        let start = format!("the endorsement policy of {what} has been changed by");
        Some(format!("{start} transaction {by}, earlier in this block"))
    };
    let private = format!("the private key of {CC}/collection with hash {}", hex(&sha256(b"key")));
    let expected = [None, None, changed("key \"key\" of basic", &one), changed(&private, &two)];
    assert_eq!(found, expected);
}

#[test]
fn the_last_thousand_reasons_are_remembered_and_a_duplicate_has_none() {
    let fixture = Fixture::new();
    fixture.define_basic();
    let committer = fixture.committer(vscc(&fixture.channels));
    let notifier: &Notifier = committer.notifier();
    let good = fixture.draft(CC).put(CC, "key", b"1");
    let twice = vec![good.envelope(), good.envelope()];
    assert_eq!(committer.commit_envelopes(twice).unwrap().codes().len(), 2);
    assert_eq!(notifier.reason(&good.tx_id()), None);
    let stale = fixture.draft(CC).read(CC, "key", None);
    committer.commit_envelopes(vec![stale.envelope()]).unwrap();
    let reason = "key \"key\" of basic was read at no version and is now at 2:0, written by";
    let reason = format!("{reason} transaction {}", good.tx_id());
    assert_eq!(notifier.reason(&stale.tx_id()), Some(reason));
    let mut unreadable = fixture.draft(CC);
    unreadable.action.results = b"\xff".to_vec();
    for (round, count) in [(0, 999_u32), (1, 1)] {
        let draft = |index: u32| {
            let nonce = [&index.to_be_bytes()[..], &[round]].concat();
            Draft { nonce, ..unreadable.clone() }
        };
        let drafts: Vec<_> = (0..count).map(draft).collect();
        committer.commit_envelopes(drafts.iter().map(Draft::envelope).collect()).unwrap();
        assert_eq!(notifier.reason(&stale.tx_id()).is_some(), round == 0);
        assert!(notifier.reason(&drafts[0].tx_id()).is_some());
    }
}
