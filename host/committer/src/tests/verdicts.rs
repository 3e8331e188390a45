//! Tests that any contents of a block or the state lead to a verdict, and the channel continues.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use prost::Message;

use crate::tests::endorsements::{ORG_1, define, define_raw};
use crate::tests::support::{CC, Draft, Fixture, Port, policy_bytes, vscc, yes};
use crate::{ValidationFailure, ValidationRequest};
use wasmcc_types::proto::lifecycle::ChaincodeValidationInfo;
use wasmcc_types::proto::protos::TxValidationCode::*;
use wasmcc_types::proto::protos::{
    ApplicationPolicy, ChaincodeData, ChaincodeDeploymentSpec, ChaincodeId, ChaincodeSpec,
    CollectionConfig, CollectionConfigPackage, ProposalResponsePayload, StaticCollectionConfig,
    TxValidationCode, application_policy, collection_config,
};

const KEY: &str = "basic~collection";

/// Collections whose bytes are not a `ChaincodeData`: the time to live is not UTF-8 there.
fn collections(block_to_live: u64) -> Vec<u8> {
    let config = StaticCollectionConfig { name: "c".into(), block_to_live, ..Default::default() };
    let payload = Some(collection_config::Payload::StaticCollectionConfig(config));
    CollectionConfigPackage { config: vec![CollectionConfig { payload }] }.encode_to_vec()
}

/// Returns the verdicts on a block with their reasons, and checks that the next block is committed.
fn judged(fixture: &Fixture, drafts: &[Draft]) -> (Vec<TxValidationCode>, Vec<String>) {
    let committer = fixture.committer(vscc(&fixture.channels));
    let envelopes = drafts.iter().map(Draft::envelope).collect();
    let codes = committer.commit_envelopes(envelopes).unwrap().codes();
    let reason = |draft: &Draft| committer.notifier().reason(&draft.tx_id()).unwrap_or_default();
    let reasons = drafts.iter().map(reason).collect();
    let next = committer.commit_envelopes(vec![fixture.draft("unknown").envelope()]).unwrap();
    assert_eq!(next.codes(), [InvalidChaincode]);
    (codes, reasons)
}

#[test]
fn collections_are_no_definition_of_the_name_that_their_key_is() {
    for block_to_live in [0, 1, 127, 128, u64::MAX] {
        let fixture = Fixture::new();
        fixture.define_basic();
        let stored = collections(block_to_live);
        fixture.force(fixture.draft("lscc").put("lscc", KEY, &stored));
        let drafts = [
            fixture.draft(KEY),
            fixture.draft(KEY).put(KEY, "key", b"value"),
            fixture.draft(CC).put(KEY, "key", b"value"),
            fixture.draft(CC).put_private(KEY, "c", "key"),
            fixture.draft(CC).read(KEY, "key", None),
        ];
        let (codes, reasons) = judged(&fixture, &drafts);
        let bad = InvalidChaincode;
        assert_eq!(codes, [bad, bad, bad, bad, Valid], "{block_to_live}");
        assert_eq!(reasons[0], format!("chaincode {KEY} not found"));
    }
}

#[test]
fn a_validator_that_no_peer_has_makes_transactions_invalid() {
    let fixture = Fixture::new();
    // Names of system chaincodes are not validators either, though peers have them.
    for (index, plugin) in ["mychecks", "escc", "VSCC", "vscc "].into_iter().enumerate() {
        let name = format!("cc{index}");
        let policy = wasmcc_msp::SignaturePolicy::from_text(ORG_1).unwrap().envelope().clone();
        let policy = application_policy::Type::SignaturePolicy(policy);
        let info = ChaincodeValidationInfo {
            validation_plugin: plugin.into(),
            validation_parameter: ApplicationPolicy { r#type: Some(policy) }.encode_to_vec(),
        };
        let none = CollectionConfigPackage::default();
        define_raw(&fixture, &name, "ChaincodeDefinition", &info, &none);
        let legacy = ChaincodeData {
            name: format!("old{index}"),
            version: "1".into(),
            vscc: plugin.into(),
            policy: policy_bytes(ORG_1),
            ..Default::default()
        };
        fixture.force(fixture.draft("lscc").put("lscc", &legacy.name, &legacy.encode_to_vec()));
        let drafts = [
            fixture.draft(&name),
            fixture.draft(&name).put(&name, "key", b"value"),
            fixture.draft(&legacy.name).put(&legacy.name, "key", b"value"),
        ];
        let (codes, reasons) = judged(&fixture, &drafts);
        assert_eq!(codes, [InvalidOtherReason; 3], "{plugin}");
        let text = format!("plugin with name {plugin} couldn't be used: plugin with name");
        assert_eq!(reasons[0], format!("{text} {plugin} wasn't found"));
    }
    // Another definition repairs it, and the gateway reports the error before anything is ordered.
    let header = fixture.draft("cc0").header;
    let payload = ProposalResponsePayload {
        extension: fixture.draft("cc0").action.encode_to_vec(),
        ..Default::default()
    };
    let committer = fixture.committer(yes());
    let needed = committer.needed_policies(&header, &payload.encode_to_vec());
    assert!(needed.unwrap_err().to_string().contains("wasn't found"));
    define(&fixture, "cc0", ORG_1, &[]);
    assert_eq!(fixture.codes([&fixture.draft("cc0")]), [Valid]);
}

#[test]
fn a_definition_that_cannot_be_read_is_none() {
    let fixture = Fixture::new();
    let none = CollectionConfigPackage::default();
    define_raw(&fixture, "other", "Other", &Default::default(), &none);
    let mut drafts = vec![fixture.draft("other")];
    for (name, key) in [
        ("a", "namespaces/fields/a/ValidationInfo"),
        ("b", "namespaces/fields/b/Collections"),
        ("c", "namespaces/metadata/c"),
    ] {
        define(&fixture, name, ORG_1, &[]);
        fixture.force(fixture.draft("_lifecycle").put("_lifecycle", key, &[0xff]));
        drafts.push(fixture.draft(name).put(name, "key", b"value").put_private(name, "c", "key"));
    }
    fixture.force(fixture.draft("lscc").put("lscc", "old", &[0xff]));
    drafts.push(fixture.draft("old").put("old", "key", b"value"));
    let (codes, reasons) = judged(&fixture, &drafts);
    assert_eq!(codes, [InvalidChaincode; 5]);
    let expected = "chaincode other has bad definition: not a chaincode type: Other";
    assert_eq!(reasons[0], expected);
    let expected = "chaincode a has bad definition: could not unmarshal state for key";
    assert!(reasons[1].starts_with(expected), "{}", reasons[1]);
}

#[test]
fn lscc_judges_by_rows_that_cannot_be_read() {
    let fixture = Fixture::new();
    fixture.force(fixture.draft("lscc").put("lscc", CC, &[0xff]));
    let id = ChaincodeId { name: CC.into(), version: "2".into(), ..Default::default() };
    let spec = ChaincodeSpec { chaincode_id: Some(id), ..Default::default() };
    let spec = ChaincodeDeploymentSpec { chaincode_spec: Some(spec), ..Default::default() };
    let data = ChaincodeData {
        name: CC.into(),
        version: "2".into(),
        vscc: "vscc".into(),
        policy: policy_bytes(ORG_1),
        ..Default::default()
    };
    let mut upgrade = fixture.draft("lscc").put("lscc", CC, &data.encode_to_vec());
    upgrade.args = vec![b"upgrade".to_vec(), b"mychannel".to_vec(), spec.encode_to_vec()];
    let (codes, reasons) = judged(&fixture, &[upgrade]);
    assert_eq!(codes, [EndorsementPolicyFailure]);
    assert!(reasons[0].contains("chaincode basic has bad definition"), "{}", reasons[0]);
}

#[test]
fn nobody_writes_the_configuration_but_a_configuration() {
    let fixture = Fixture::new();
    fixture.define_basic();
    define(&fixture, "", ORG_1, &[]);
    let config = fixture.channel.ledger().stored_config().unwrap();
    // Even if the validator accepts it.
    let of_lscc = fixture.draft("lscc").put("", "CHANNEL_CONFIG_ENV_BYTES", b"none");
    let block = fixture.committer(yes()).commit_envelopes(vec![of_lscc.envelope()]).unwrap();
    assert_eq!(block.codes(), [IllegalWriteset]);
    let drafts = [
        fixture.draft(CC).put("", "CHANNEL_CONFIG_ENV_BYTES", b"none"),
        fixture.draft(CC).put("", "key", b"value"),
    ];
    assert_eq!(judged(&fixture, &drafts).0, [InvalidChaincode; 2]);
    assert_eq!(fixture.channel.ledger().stored_config().unwrap(), config);
}

#[test]
fn whoever_reads_beside_the_configuration_is_no_configuration() {
    let fixture = Fixture::new();
    fixture.define_basic();
    let draft = fixture.draft(CC).read("", "key", None).put(CC, "key", b"value");
    assert_eq!(judged(&fixture, &[draft.clone(), draft]).0, [Valid, DuplicateTxid]);
}

#[test]
fn of_two_collections_of_one_name_the_first_counts_and_an_empty_policy_is_none() {
    let fixture = Fixture::new();
    define(&fixture, CC, ORG_1, &[("c", None), ("c", Some("OR('Org2MSP.peer')"))]);
    assert_eq!(fixture.codes([&fixture.draft(CC).put_private(CC, "c", "key")]), [Valid]);
    let config = StaticCollectionConfig {
        name: "c".into(),
        endorsement_policy: Some(ApplicationPolicy::default()),
        ..Default::default()
    };
    let payload = Some(collection_config::Payload::StaticCollectionConfig(config));
    let package = CollectionConfigPackage { config: vec![CollectionConfig { payload }] };
    let policy = wasmcc_msp::SignaturePolicy::from_text(ORG_1).unwrap().envelope().clone();
    let policy = application_policy::Type::SignaturePolicy(policy);
    let info = ChaincodeValidationInfo {
        validation_plugin: "vscc".into(),
        validation_parameter: ApplicationPolicy { r#type: Some(policy) }.encode_to_vec(),
    };
    define_raw(&fixture, "empty", "ChaincodeDefinition", &info, &package);
    let draft = fixture.draft("empty").put_private("empty", "c", "key");
    assert_eq!(fixture.codes([&draft]), [Valid]);
}

/// Returns the verdicts on ten transactions; the validation of the fourth panics `panics` times.
fn with_panics(panics: usize) -> Vec<TxValidationCode> {
    let fixture = Fixture::new();
    fixture.define_basic();
    let drafts: Vec<Draft> = (0..10).map(|_| fixture.draft(CC)).collect();
    let (fourth, calls) = (drafts[3].tx_id(), AtomicUsize::new(0));
    let port = Port(move |request: &ValidationRequest<'_>| -> Result<(), ValidationFailure> {
        if request.tx_id.as_str() == fourth && calls.fetch_add(1, Ordering::Relaxed) < panics {
            panic!("on purpose");
        }
        Ok(())
    });
    let committer = fixture.committer(Arc::new(port)).with_threads(2);
    let envelopes = drafts.iter().map(Draft::envelope).collect();
    let codes = committer.commit_envelopes(envelopes).unwrap().codes();
    let verdict = fixture.channel.ledger().tx_validation(&drafts[3].tx_id()).unwrap();
    assert_eq!(verdict, Some((codes[3], 2)), "whoever waits for it hears of it");
    assert!(committer.commit_envelopes(vec![fixture.draft(CC).envelope()]).is_ok());
    codes
}

#[test]
fn a_panic_over_one_transaction_costs_that_one_and_only_if_it_comes_again() {
    assert_eq!(with_panics(1), [Valid; 10]);
    let mut expected = [Valid; 10];
    expected[3] = InvalidOtherReason;
    assert_eq!(with_panics(2), expected);
}

#[test]
fn a_listener_that_panics_is_alone_with_it() {
    let fixture = Fixture::new();
    fixture.define_basic();
    let committer = fixture.committer(yes());
    let draft = fixture.draft(CC);
    let (sender, receiver) = std::sync::mpsc::channel();
    let of_panic = committer.notifier().watch_tx(&draft.tx_id(), |_| panic!("on purpose"));
    let subscription = committer.notifier().subscribe(|_| panic!("on purpose"));
    let watch = committer.notifier().watch_tx(&draft.tx_id(), move |verdict| {
        sender.send(verdict).unwrap();
    });
    let block = committer.commit_envelopes(vec![draft.envelope()]).unwrap();
    assert_eq!(receiver.recv(), Ok(Some((Valid, block.number))));
    assert!(committer.commit_envelopes(vec![fixture.draft(CC).envelope()]).is_ok());
    drop((of_panic, subscription, watch));
}
