//! Tests every verdict that one channel can have, and lists why it cannot have the others.

use std::collections::BTreeSet;

use prost::Message;

use crate::tests::support::{CC, Draft, Fixture, commit_entries, edit_action, vscc, yes};
use wasmcc_types::proto::common::{Capabilities, Envelope, HeaderType};
use wasmcc_types::proto::protos::TxValidationCode::{self, *};
use wasmcc_types::proto::protos::{
    ChaincodeDeploymentSpec, ChaincodeId, ChaincodeSpec, ProposalResponsePayload,
};
use wasmcc_types::proto::rwset::{NsReadWriteSet, TxReadWriteSet};

/// Commits entries one after the other on a channel of its own and returns their verdicts.
type Give = fn(&Fixture) -> Vec<TxValidationCode>;

/// The origin of a code, which is the last of the returned verdicts.
enum Origin {
    Given(Give),
    /// Never produced by this committer, with the reason.
    Never(&'static str),
}

use Origin::{Given, Never};

fn commit(fixture: &Fixture, entries: Vec<Vec<u8>>) -> Vec<TxValidationCode> {
    let committer = fixture.committer(vscc(&fixture.channels));
    commit_entries(&committer, entries).unwrap().codes()
}

fn one(fixture: &Fixture, edit: fn(&mut Draft)) -> Vec<TxValidationCode> {
    let mut draft = fixture.draft(CC).put(CC, "key", b"value");
    edit(&mut draft);
    commit(fixture, vec![draft.envelope().encode_to_vec()])
}

fn garbled_response(tx: &mut wasmcc_types::proto::protos::Transaction) {
    edit_action(tx, |action| {
        let bytes = &mut action.action.as_mut().unwrap().proposal_response_payload;
        let response = ProposalResponsePayload::decode(bytes.as_slice()).unwrap();
        *bytes = ProposalResponsePayload { extension: Vec::new(), ..response }.encode_to_vec();
    });
}

/// A call of LSCC in the form of an upgrade.
fn upgrade(fixture: &Fixture, name: &str) -> Draft {
    let id = ChaincodeId { name: name.into(), version: "2".into(), ..Default::default() };
    let spec = ChaincodeSpec { chaincode_id: Some(id), ..Default::default() };
    let spec = ChaincodeDeploymentSpec { chaincode_spec: Some(spec), ..Default::default() };
    let mut draft = fixture.draft("lscc");
    draft.args = vec![b"upgrade".to_vec(), b"mychannel".to_vec(), spec.encode_to_vec()];
    draft
}

fn old_channel() -> Fixture {
    Fixture::with_genesis(|root| {
        let application = root.groups.get_mut("Application").unwrap();
        let capabilities =
            Capabilities { capabilities: [("V1_4_2".to_owned(), Default::default())].into() };
        let value = application.values.get_mut("Capabilities").unwrap();
        value.value = capabilities.encode_to_vec();
    })
}

/// Two upgrades in one block, and a transaction between them.
fn upgraded_twice() -> Vec<TxValidationCode> {
    let fixture = old_channel();
    fixture.define_basic();
    let entries = vec![
        upgrade(&fixture, CC).envelope().encode_to_vec(),
        fixture.draft(CC).envelope().encode_to_vec(),
        upgrade(&fixture, CC).envelope().encode_to_vec(),
    ];
    let codes = commit_entries(&fixture.committer(yes()), entries).unwrap().codes();
    assert_eq!(codes[2], Valid, "the last upgrade counts");
    assert_eq!(codes[0], ChaincodeVersionConflict);
    codes[..2].to_vec()
}

fn same_namespace_twice() -> Vec<u8> {
    let ns = NsReadWriteSet { namespace: "ns".into(), ..Default::default() };
    TxReadWriteSet { data_model: 0, ns_rwset: vec![ns.clone(), ns] }.encode_to_vec()
}

fn origin(code: TxValidationCode) -> Origin {
    match code {
        Valid => Given(|f| one(f, |_| {})),
        NilEnvelope => Given(|f| commit(f, vec![Vec::new()])),
        BadPayload => Given(|f| {
            let envelope = Envelope { payload: vec![0xff; 3], signature: b"s".to_vec() };
            commit(f, vec![envelope.encode_to_vec()])
        }),
        BadCommonHeader => Given(|f| one(f, |draft| draft.header.epoch = 1)),
        BadCreatorSignature => Given(|f| {
            let envelope = f.draft(CC).envelope();
            let forged = Envelope { signature: b"forged".to_vec(), ..envelope };
            commit(f, vec![forged.encode_to_vec()])
        }),
        InvalidEndorserTransaction => {
            Given(|f| one(f, |draft| draft.edit_tx = |tx| tx.actions.clear()))
        }
        InvalidConfigTransaction => {
            Given(|f| one(f, |draft| draft.header.r#type = HeaderType::Config.into()))
        }
        UnsupportedTxPayload => {
            Given(|f| one(f, |draft| draft.header.r#type = HeaderType::ConfigUpdate.into()))
        }
        BadProposalTxid => Given(|f| one(f, |draft| draft.header.tx_id = "00".repeat(32))),
        DuplicateTxid => Given(|f| {
            let entry = f.draft(CC).envelope().encode_to_vec();
            [commit(f, vec![entry.clone()]), commit(f, vec![entry])].concat()
        }),
        EndorsementPolicyFailure => Given(|f| one(f, |draft| draft.endorsers.clear())),
        MvccReadConflict => Given(|f| {
            let entry = |draft: Draft| draft.envelope().encode_to_vec();
            let write = entry(f.draft(CC).put(CC, "key", b"1"));
            commit(f, vec![write, entry(f.draft(CC).read(CC, "key", None))])
        }),
        PhantomReadConflict => Given(|f| {
            let write = f.draft(CC).put(CC, "b", b"1").envelope().encode_to_vec();
            let scan = f.draft(CC).scan(CC, "a", "c").envelope().encode_to_vec();
            commit(f, vec![write, scan])
        }),
        TargetChainNotFound => Given(|f| one(f, |draft| draft.header.channel_id = "other".into())),
        ExpiredChaincode => Given(|_| {
            let fixture = old_channel();
            fixture.define_basic();
            one(&fixture, |draft| draft.action.chaincode_id.as_mut().unwrap().version = "0".into())
        }),
        ChaincodeVersionConflict => Given(|_| upgraded_twice()),
        BadHeaderExtension => Given(|f| one(f, |draft| draft.header.extension = vec![0xff; 3])),
        BadResponsePayload => Given(|f| one(f, |draft| draft.edit_tx = garbled_response)),
        BadRwset => Given(|f| one(f, |draft| draft.action.results = vec![0xff; 3])),
        IllegalWriteset => Given(|f| one(f, |draft| draft.action.results = same_namespace_twice())),
        InvalidWriteset => {
            Given(|f| one(f, |draft| *draft = draft.clone().put(CC, "_key", b"value")))
        }
        InvalidChaincode => {
            Given(|f| one(f, |draft| *draft = draft.clone().put("unknown", "key", b"value")))
        }
        InvalidOtherReason => Given(|f| commit(f, vec![vec![0xff; 3]])),
        UnknownTxType => Never("a header with another type is BAD_COMMON_HEADER before"),
        MarshalTxError => Never("what was parsed can be written again"),
        NilTxaction => Never("a transaction without an action is invalid before"),
        BadChannelHeader => Never("the channel header was parsed before"),
        NotValidated => Never("a block is stored when all of it is judged"),
    }
}

#[test]
fn every_verdict_is_given_or_cannot_be() {
    let mut never = BTreeSet::new();
    for number in 0..=255 {
        let Ok(code) = TxValidationCode::try_from(number) else { continue };
        match origin(code) {
            Given(give) => {
                let fixture = Fixture::new();
                fixture.define_basic();
                assert_eq!(give(&fixture).last(), Some(&code), "{code:?}");
            }
            Never(reason) => {
                assert!(!reason.is_empty());
                never.insert(code.as_str_name());
            }
        }
    }
    let expected = [
        "BAD_CHANNEL_HEADER",
        "MARSHAL_TX_ERROR",
        "NIL_TXACTION",
        "NOT_VALIDATED",
        "UNKNOWN_TX_TYPE",
    ];
    assert_eq!(never, expected.into());
}

#[test]
fn old_channels_know_no_invalid_chaincode() {
    let fixture = old_channel();
    fixture.define_basic();
    let unknown = |draft: &mut Draft| *draft = draft.clone().put("unknown", "key", b"value");
    assert_eq!(one(&fixture, unknown), [InvalidOtherReason]);
    let definition = |draft: &mut Draft| *draft = draft.clone().put("lscc", CC, b"data");
    assert_eq!(one(&fixture, definition), [IllegalWriteset]);
    assert_eq!(one(&fixture, |_| {}), [Valid]);
    // A chaincode that is upgraded in a block cannot be invoked in it, in any order.
    let other = upgrade(&fixture, "other").envelope().encode_to_vec();
    let entries = vec![other, fixture.draft(CC).envelope().encode_to_vec()];
    let codes = commit_entries(&fixture.committer(yes()), entries).unwrap().codes();
    assert_eq!(codes, [Valid, Valid]);
}
