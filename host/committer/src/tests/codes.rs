//! Tests every verdict that depends neither on a policy nor on a conflict.

use prost::Message;

use crate::tests::support::{CC, Draft, Fixture, commit_entries, edit_action, yes};
use wasmcc_types::proto::common::{ChannelHeader, Envelope, HeaderType, Payload, SignatureHeader};
use wasmcc_types::proto::protos::TxValidationCode::{self, *};
use wasmcc_types::proto::protos::{
    ChaincodeEvent, ChaincodeHeaderExtension, ChaincodeId, ProposalResponsePayload,
    TransactionAction,
};
use wasmcc_types::proto::rwset::{NsReadWriteSet, TxReadWriteSet};

type Case = (&'static str, TxValidationCode, fn(&mut Draft));

/// Bytes that are not a message.
const GARBAGE: [u8; 3] = [0xff; 3];

fn check(cases: &[Case]) {
    let fixture = Fixture::new();
    fixture.define_basic();
    let committer = fixture.committer(yes());
    for (name, code, spoil) in cases {
        let mut draft = fixture.draft(CC).put(CC, "key", b"value");
        spoil(&mut draft);
        let block = committer.commit_envelopes(vec![draft.envelope()]).unwrap();
        assert_eq!(block.codes(), [*code], "{name}");
    }
}

fn channel_header(payload: &mut Payload, edit: fn(&mut ChannelHeader)) {
    let bytes = &mut payload.header.as_mut().unwrap().channel_header;
    let mut header = ChannelHeader::decode(bytes.as_slice()).unwrap();
    edit(&mut header);
    *bytes = header.encode_to_vec();
}

fn signature_header(bytes: &mut Vec<u8>, edit: fn(&mut SignatureHeader)) {
    let mut header = SignatureHeader::decode(bytes.as_slice()).unwrap();
    edit(&mut header);
    *bytes = header.encode_to_vec();
}

fn extension(id: Option<ChaincodeId>) -> Vec<u8> {
    ChaincodeHeaderExtension { chaincode_id: id, ..Default::default() }.encode_to_vec()
}

#[test]
fn a_transaction_that_is_in_order_is_valid() {
    check(&[("in order", Valid, |_| {}), ("no writes", Valid, |d| d.rwset.namespaces.clear())]);
}

#[test]
fn headers_are_checked() {
    check(&[
        ("no header", BadCommonHeader, |d| d.edit_payload = |p| p.header = None),
        ("garbled channel header", BadCommonHeader, |d| {
            d.edit_payload = |p| p.header.as_mut().unwrap().channel_header = GARBAGE.to_vec();
        }),
        ("garbled signature header", BadCommonHeader, |d| {
            d.edit_payload = |p| p.header.as_mut().unwrap().signature_header = GARBAGE.to_vec();
        }),
        ("type", BadCommonHeader, |d| d.header.r#type = HeaderType::Message.into()),
        ("no such type", BadCommonHeader, |d| d.header.r#type = 77),
        ("epoch", BadCommonHeader, |d| d.header.epoch = 1),
        ("no nonce", BadCommonHeader, |d| d.nonce.clear()),
        ("no creator", BadCommonHeader, |d| {
            d.edit_payload = |p| {
                let bytes = &mut p.header.as_mut().unwrap().signature_header;
                signature_header(bytes, |header| header.creator.clear());
            }
        }),
        ("config", InvalidConfigTransaction, |d| d.header.r#type = HeaderType::Config.into()),
        ("config update", UnsupportedTxPayload, |d| {
            d.header.r#type = HeaderType::ConfigUpdate.into();
        }),
        ("tx id", BadProposalTxid, |d| d.header.tx_id = "ab".repeat(32)),
        ("upper-case tx id", BadProposalTxid, |d| d.header.tx_id = d.tx_id().to_uppercase()),
        ("other channel", TargetChainNotFound, |d| d.header.channel_id = "other".into()),
    ]);
}

#[test]
fn the_creator_must_be_a_member_and_have_signed() {
    check(&[
        ("garbled creator", BadCreatorSignature, |d| {
            d.edit_payload = |p| {
                let bytes = &mut p.header.as_mut().unwrap().signature_header;
                signature_header(bytes, |header| header.creator = GARBAGE.to_vec());
            }
        }),
        ("unknown organization", BadCreatorSignature, |d| {
            d.edit_payload = |p| {
                let bytes = &mut p.header.as_mut().unwrap().signature_header;
                signature_header(bytes, |header| {
                    let creator = String::from_utf8_lossy(&header.creator).into_owned();
                    header.creator = creator.replace("Org1MSP", "Org9MSP").into_bytes();
                });
            }
        }),
    ]);
    let fixture = Fixture::new();
    let envelope = fixture.draft(CC).envelope();
    let other = fixture.user(2).sign(&envelope.payload);
    let unsigned = Envelope { signature: Vec::new(), ..envelope.clone() };
    let forged = Envelope { signature: other, ..envelope };
    let block = fixture.committer(yes()).commit_envelopes(vec![unsigned, forged]).unwrap();
    assert_eq!(block.codes(), [BadCreatorSignature; 2]);
}

#[test]
fn the_action_must_be_what_was_proposed() {
    check(&[
        ("no transaction", InvalidEndorserTransaction, |d| d.edit_payload = |p| p.data.clear()),
        ("garbled transaction", InvalidEndorserTransaction, |d| {
            d.edit_payload = |p| p.data = GARBAGE.to_vec();
        }),
        ("no action", InvalidEndorserTransaction, |d| d.edit_tx = |tx| tx.actions.clear()),
        ("two actions", InvalidEndorserTransaction, |d| {
            d.edit_tx = |tx| tx.actions.push(TransactionAction::default());
        }),
        ("no action header", InvalidEndorserTransaction, |d| {
            d.edit_tx = |tx| tx.actions[0].header.clear();
        }),
        ("no nonce in the action", InvalidEndorserTransaction, |d| {
            d.edit_tx = |tx| signature_header(&mut tx.actions[0].header, |h| h.nonce.clear());
        }),
        ("other action header", InvalidEndorserTransaction, |d| {
            d.edit_tx = |tx| signature_header(&mut tx.actions[0].header, |h| h.nonce.push(0));
        }),
        ("garbled action", InvalidEndorserTransaction, |d| {
            d.edit_tx = |tx| tx.actions[0].payload = GARBAGE.to_vec();
        }),
        ("nothing endorsed", InvalidEndorserTransaction, |d| {
            d.edit_tx = |tx| edit_action(tx, |action| action.action = None);
        }),
        ("garbled response", InvalidEndorserTransaction, |d| {
            d.edit_tx = |tx| {
                edit_action(tx, |action| {
                    action.action.as_mut().unwrap().proposal_response_payload = GARBAGE.to_vec();
                })
            }
        }),
        ("no proposal", InvalidEndorserTransaction, |d| {
            d.edit_tx = |tx| edit_action(tx, |action| action.chaincode_proposal_payload.clear());
        }),
        ("other proposal", InvalidEndorserTransaction, |d| {
            d.edit_tx = |tx| edit_action(tx, |a| a.chaincode_proposal_payload.extend([0x12, 0]));
        }),
        ("other channel header", InvalidEndorserTransaction, |d| {
            d.edit_payload = |p| channel_header(p, |header| header.version = 7);
        }),
    ]);
}

#[test]
fn results_must_be_readable_and_consistent() {
    check(&[
        ("garbled extension", BadHeaderExtension, |d| d.header.extension = GARBAGE.to_vec()),
        ("no results", BadResponsePayload, |d| d.edit_tx = |tx| edit_results(tx, Vec::new())),
        ("garbled action", BadResponsePayload, |d| {
            d.edit_tx = |tx| edit_results(tx, GARBAGE.to_vec());
        }),
        ("garbled rwset", BadRwset, |d| d.action.results = GARBAGE.to_vec()),
        ("no chaincode proposed", InvalidOtherReason, |d| d.header.extension = extension(None)),
        ("no chaincode endorsed", InvalidOtherReason, |d| d.action.chaincode_id = None),
        ("chaincode without name", InvalidChaincode, |d| {
            d.header.extension = extension(Some(ChaincodeId::default()));
        }),
        ("other chaincode", InvalidChaincode, |d| {
            d.action.chaincode_id.as_mut().unwrap().name = "other".into();
        }),
        ("chaincode without version", InvalidChaincode, |d| {
            d.action.chaincode_id.as_mut().unwrap().version.clear();
        }),
        ("garbled event", InvalidOtherReason, |d| d.action.events = GARBAGE.to_vec()),
        ("event of another chaincode", InvalidOtherReason, |d| {
            let event = ChaincodeEvent { chaincode_id: "other".into(), ..Default::default() };
            d.action.events = event.encode_to_vec();
        }),
        ("own event", Valid, |d| {
            let event = ChaincodeEvent { chaincode_id: CC.into(), ..Default::default() };
            d.action.events = event.encode_to_vec();
        }),
        ("a namespace twice", IllegalWriteset, |d| {
            let ns = NsReadWriteSet { namespace: "ns".into(), ..Default::default() };
            let rwset = TxReadWriteSet { data_model: 0, ns_rwset: vec![ns.clone(), ns] };
            d.action.results = rwset.encode_to_vec();
        }),
        ("a definition", InvalidChaincode, |d| *d = d.clone().put("lscc", CC, b"data")),
        ("an unknown namespace", InvalidChaincode, |d| *d = d.clone().put("other", "k", b"v")),
        ("reads of anything", Valid, |d| *d = d.clone().read("other", "key", None)),
        ("a system chaincode", InvalidChaincode, |d| {
            let id = ChaincodeId { name: "qscc".into(), ..Default::default() };
            d.header.extension = extension(Some(id));
            d.action.chaincode_id.as_mut().unwrap().name = "qscc".into();
        }),
    ]);
}

/// Replaces the results that the endorsers signed, but not the hash of the proposal.
fn edit_results(tx: &mut wasmcc_types::proto::protos::Transaction, extension: Vec<u8>) {
    edit_action(tx, |action| {
        let bytes = &mut action.action.as_mut().unwrap().proposal_response_payload;
        let response = ProposalResponsePayload::decode(bytes.as_slice()).unwrap();
        *bytes = ProposalResponsePayload { extension, ..response }.encode_to_vec();
    });
}

#[test]
fn entries_that_are_no_transactions_get_verdicts_in_their_places() {
    let fixture = Fixture::new();
    fixture.define_basic();
    let signed = |payload: Vec<u8>| Envelope { payload, signature: b"signature".to_vec() };
    let good = fixture.draft(CC).put(CC, "key", b"value");
    let entries = vec![
        Vec::new(),
        GARBAGE.to_vec(),
        signed(GARBAGE.to_vec()).encode_to_vec(),
        good.envelope().encode_to_vec(),
        signed(Vec::new()).encode_to_vec(),
    ];
    for threads in [1, 2, 8] {
        let committer = fixture.committer(yes()).with_threads(threads);
        let verdict = if threads == 1 { Valid } else { DuplicateTxid };
        let block = commit_entries(&committer, entries.clone()).unwrap();
        let expected = [NilEnvelope, InvalidOtherReason, BadPayload, verdict, BadCommonHeader];
        assert_eq!(block.codes(), expected);
    }
}

#[test]
fn of_two_faults_the_one_that_fabric_finds_first_counts() {
    check(&[
        ("header before signature", BadCommonHeader, |d| {
            d.header.epoch = 1;
            d.edit_payload = |p| p.data.clear();
        }),
        ("signature before type", BadCreatorSignature, |d| {
            d.header.r#type = HeaderType::ConfigUpdate.into();
            d.edit_payload = |p| {
                let bytes = &mut p.header.as_mut().unwrap().signature_header;
                signature_header(bytes, |header| header.creator = GARBAGE.to_vec());
            }
        }),
        ("tx id before action", BadProposalTxid, |d| {
            d.header.tx_id = "00".repeat(32);
            d.edit_tx = |tx| tx.actions.clear();
        }),
        ("action before channel", InvalidEndorserTransaction, |d| {
            d.header.channel_id = "other".into();
            d.edit_tx = |tx| tx.actions.clear();
        }),
        ("channel before results", TargetChainNotFound, |d| {
            d.header.channel_id = "other".into();
            d.action.results = GARBAGE.to_vec();
        }),
        ("extension before results", BadHeaderExtension, |d| {
            d.header.extension = GARBAGE.to_vec();
            d.action.results = GARBAGE.to_vec();
        }),
        ("results before chaincode", BadRwset, |d| {
            d.action.chaincode_id = None;
            d.action.results = GARBAGE.to_vec();
        }),
        ("chaincode before event", InvalidChaincode, |d| {
            d.action.chaincode_id.as_mut().unwrap().version.clear();
            d.action.events = GARBAGE.to_vec();
        }),
    ]);
}
