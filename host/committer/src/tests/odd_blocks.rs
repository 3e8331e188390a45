//! Tests odd blocks, which no client library makes and which some implementations of a peer do not
//! survive. Each entry gets a verdict, and the channel continues.

use prost::Message;

use crate::tests::endorsements::{ORG_1, define};
use crate::tests::support::{CC, Draft, Fixture, commit_entries, policy_bytes, vscc};
use wasmcc_ledger::Snapshot;
use wasmcc_types::proto::common::ChannelHeader;
use wasmcc_types::proto::kvrwset::{KvMetadataWrite, KvWrite};
use wasmcc_types::proto::protos::TxValidationCode::{self, *};
use wasmcc_types::proto::rwset::{NsReadWriteSet, TxReadWriteSet};

/// Returns the verdicts on a block, and checks that the next one is committed.
fn judged(fixture: &Fixture, drafts: &[Draft]) -> Vec<TxValidationCode> {
    let committer = fixture.committer(vscc(&fixture.channels));
    let entries = drafts.iter().map(|draft| draft.envelope().encode_to_vec()).collect();
    let codes = commit_entries(&committer, entries).unwrap().codes();
    let next = committer.commit_envelopes(vec![fixture.draft(CC).envelope()]).unwrap();
    assert_eq!(next.codes(), [Valid]);
    codes
}

fn basic() -> Fixture {
    let fixture = Fixture::new();
    define(&fixture, CC, ORG_1, &[("c", None)]);
    fixture
}

fn delete(mut draft: Draft, key: &str) -> Draft {
    let write = KvWrite { key: key.into(), is_delete: true, value: Vec::new() };
    draft.rwset.namespaces.entry(CC.into()).or_default().writes.push(write);
    draft
}

fn without_metadata(mut draft: Draft, key: &str) -> Draft {
    let write = KvMetadataWrite { key: key.into(), entries: Vec::new() };
    draft.rwset.namespaces.entry(CC.into()).or_default().metadata_writes.push(write);
    draft
}

/// Returns the value of a key, and whether it has an endorsement policy of its own.
fn now(fixture: &Fixture, key: &str) -> Option<(String, bool)> {
    let snapshot: Snapshot = fixture.channel.ledger().snapshot();
    let found = snapshot.get(CC, key).unwrap()?;
    let has_policy = !found.metadata().unwrap().is_empty();
    Some((String::from_utf8(found.value).unwrap(), has_policy))
}

#[test]
fn a_delete_and_a_metadata_write_of_one_key() {
    let policy = policy_bytes(ORG_1);
    let fixture = basic();
    let keys = ["two", "turned", "one", "new"];
    let put = |draft: Draft, key: &&str| draft.put(CC, key, b"value");
    fixture.force(keys[..3].iter().fold(fixture.draft(CC), put));
    let codes = judged(
        &fixture,
        &[
            delete(fixture.draft(CC), "two"),
            fixture.draft(CC).protect(CC, "two", &policy),
            fixture.draft(CC).protect(CC, "turned", &policy),
            delete(fixture.draft(CC), "turned"),
            delete(fixture.draft(CC), "one").protect(CC, "one", &policy),
            delete(fixture.draft(CC), "new"),
            fixture.draft(CC).protect(CC, "new", &policy),
        ],
    );
    // The endorser of the delete did not know the key's policy.
    let overtaken = EndorsementPolicyFailure;
    assert_eq!(codes, [Valid, Valid, Valid, overtaken, Valid, Valid, Valid]);
    let found = keys.map(|key| now(&fixture, key));
    assert_eq!(found, [None, Some(("value".into(), true)), None, None]);
}

#[test]
fn a_key_that_one_set_writes_twice() {
    let policy = policy_bytes(ORG_1);
    let fixture = basic();
    let keys = ["put-put", "put-delete", "delete-put", "delete-delete", "none-none"];
    let first = |draft: Draft, key: &&str| draft.put(CC, key, b"old").protect(CC, key, &policy);
    fixture.force(keys.iter().fold(fixture.draft(CC), first));
    let put = |draft: Draft, key: &str, value: &[u8]| draft.put(CC, key, value);
    let draft = fixture.draft(CC);
    let draft = put(put(draft, "put-put", b"1"), "put-put", b"2");
    let draft = delete(put(draft, "put-delete", b"1"), "put-delete");
    let draft = put(delete(draft, "delete-put"), "delete-put", b"1");
    let draft = delete(delete(draft, "delete-delete"), "delete-delete");
    let draft = without_metadata(without_metadata(draft, "none-none"), "none-none");
    let draft = put(put(draft, "absent", b"1"), "absent", b"2");
    assert_eq!(judged(&fixture, &[draft]), [Valid]);
    // Fabric adds up the flags of a key's operations: two of one kind give the flag of the next
    // kind.
    let kept = Some(("old".to_owned(), false));
    assert_eq!(keys.map(|key| now(&fixture, key)), [kept.clone(), None, None, kept, None]);
    assert_eq!(now(&fixture, "absent"), None);
    let ledger = fixture.channel.ledger();
    let history = |key| {
        let rows = ledger.history(CC, key).unwrap().map(Result::unwrap);
        rows.map(|row| String::from_utf8(row.value).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(history("put-put"), ["1", "old"], "the first write of each transaction");
    assert_eq!(history("absent"), ["1"]);
    assert_eq!(history("none-none"), ["old"]);
    let at = ledger.height();
    let before = ledger.snapshot().value_before(CC, "put-put", at).unwrap();
    assert_eq!(before.as_deref(), Some(b"old".as_slice()));
}

#[test]
fn a_collection_that_one_namespace_names_twice() {
    let fixture = basic();
    let sets = ["a", "b"].map(|key| {
        let draft = fixture.draft(CC).put_private(CC, "c", key);
        let set = TxReadWriteSet::decode(draft.rwset.encode().as_slice()).unwrap();
        set.ns_rwset[0].collection_hashed_rwset[0].clone()
    });
    let ns = NsReadWriteSet {
        namespace: CC.into(),
        collection_hashed_rwset: sets.to_vec(),
        ..Default::default()
    };
    let mut draft = fixture.draft(CC);
    draft.action.results = TxReadWriteSet { data_model: 0, ns_rwset: vec![ns] }.encode_to_vec();
    assert_eq!(judged(&fixture, &[draft]), [Valid]);
    let snapshot = fixture.channel.ledger().snapshot();
    for key in ["a", "b"] {
        assert!(snapshot.get_private_hash(CC, "c", key).unwrap().is_some(), "{key}");
    }
}

/// The first namespace in the set that fails determines the verdict.
#[test]
fn namespaces_that_are_not_in_order() {
    let fixture = basic();
    define(&fixture, "a", ORG_1, &[]);
    define(&fixture, "b", ORG_1, &[]);
    fixture.force(fixture.draft("a").put("a", "key", b"1").put("b", "key", b"1"));
    let draft = fixture.draft(CC).scan("a", "", "z").read("b", "key", None);
    let mut reversed = draft.clone();
    let mut set = TxReadWriteSet::decode(draft.rwset.encode().as_slice()).unwrap();
    set.ns_rwset.reverse();
    reversed.action.results = set.encode_to_vec();
    reversed.nonce = b"another".to_vec();
    assert_eq!(judged(&fixture, &[draft, reversed]), [PhantomReadConflict, MvccReadConflict]);
}

#[test]
fn an_action_without_payload() {
    let fixture = basic();
    let mut bare = fixture.draft(CC).put(CC, "key", b"value");
    bare.edit_tx = |tx| tx.actions[0].payload.clear();
    let good = fixture.draft(CC).put(CC, "key", b"value");
    let codes = judged(&fixture, &[bare.clone(), good, bare]);
    assert_eq!(codes, [InvalidEndorserTransaction, Valid, InvalidEndorserTransaction]);
}

#[test]
fn sets_that_do_not_parse_and_others_behind_them() {
    let fixture = basic();
    let bad = |results: &[u8]| {
        let mut draft = fixture.draft(CC);
        draft.action.results = results.to_vec();
        draft
    };
    let ns = NsReadWriteSet { namespace: CC.into(), rwset: vec![0xff; 3], ..Default::default() };
    let inner = TxReadWriteSet { data_model: 0, ns_rwset: vec![ns] }.encode_to_vec();
    let good = || fixture.draft(CC).put(CC, "key", b"value").put_private(CC, "c", "key");
    let codes = judged(&fixture, &[bad(&[0xff; 3]), good(), bad(&inner), good()]);
    assert_eq!(codes, [BadRwset, Valid, BadRwset, Valid]);
}

#[test]
fn a_collection_without_a_name() {
    let fixture = basic();
    fixture.define("legacy", ORG_1);
    let codes = judged(
        &fixture,
        &[
            fixture.draft(CC).put_private(CC, "", "key"),
            fixture.draft("legacy").put_private("legacy", "", "key").put("legacy", "key", b"1"),
            fixture.draft(CC).put_private(CC, "c", "key"),
        ],
    );
    // LSCC's chaincodes have no policies of collections.
    assert_eq!(codes, [EndorsementPolicyFailure, Valid, Valid]);
}

/// Changes a transaction so that it is refused before VSCC.
type Spoil = fn(&mut Draft);

/// A transaction that is refused before VSCC does not change a policy and delays no other.
#[test]
fn metadata_of_transactions_that_are_refused_before_vscc() {
    let policy = policy_bytes("OR('Org2MSP.peer')");
    let refused: [(Spoil, TxValidationCode); 5] = [
        (|draft| draft.header.epoch = 1, BadCommonHeader),
        (|draft| draft.header.tx_id = "00".repeat(32), BadProposalTxid),
        (
            |draft| draft.edit_payload = |p| p.header.as_mut().unwrap().signature_header.clear(),
            BadCommonHeader,
        ),
        (|draft| draft.action.chaincode_id = None, InvalidOtherReason),
        (|draft| draft.action.events = vec![0xff; 3], InvalidOtherReason),
    ];
    for (spoil, code) in refused {
        let fixture = basic();
        fixture.force(fixture.draft(CC).put(CC, "key", b"value").put_private(CC, "c", "key"));
        let protect = |draft: Draft| {
            draft.protect(CC, "key", &policy).protect_private(CC, "c", "key", &policy)
        };
        let mut spoiled = protect(fixture.draft(CC));
        spoil(&mut spoiled);
        let write = || fixture.draft(CC).put(CC, "key", b"2").put_private(CC, "c", "key");
        let codes = judged(&fixture, &[spoiled, write(), protect(fixture.draft(CC)), write()]);
        assert_eq!(codes, [code, Valid, Valid, EndorsementPolicyFailure]);
    }
}

/// The ledger indexes a transaction without an id by the computed id, which is then used up.
#[test]
fn a_transaction_that_names_no_id() {
    let fixture = basic();
    let good = fixture.draft(CC).put(CC, "key", b"value");
    let mut nameless = good.clone();
    nameless.edit_payload = |payload| {
        let header = payload.header.as_mut().unwrap();
        let mut channel = ChannelHeader::decode(header.channel_header.as_slice()).unwrap();
        channel.tx_id.clear();
        header.channel_header = channel.encode_to_vec();
    };
    let codes = judged(&fixture, &[nameless.clone(), good.clone()]);
    assert_eq!(codes, [BadProposalTxid, Valid]);
    assert_eq!(judged(&fixture, &[nameless, good]), [BadProposalTxid, DuplicateTxid]);
}
