//! `_lifecycle` compared with a real peer's transactions: the same calls on the same state have the
//! same read-write sets.

use std::fs;

use prost::Message;
use wasmcc_client as client;
use wasmcc_client::{ProposalBuilder, lifecycle};
use wasmcc_ledger::TxRwSet;
use wasmcc_node::sandbox::{CHANNEL, Sandbox};
use wasmcc_tests::{golden, package};
use wasmcc_types::proto::common::{Block, Envelope, Payload};
use wasmcc_types::proto::lifecycle::chaincode_source::{Local, Type as Source};
use wasmcc_types::proto::lifecycle::{ApproveChaincodeDefinitionForMyOrgArgs, ChaincodeSource};
use wasmcc_types::proto::protos::{
    ChaincodeActionPayload, ChaincodeInvocationSpec, ChaincodeProposalPayload, Transaction,
    TxValidationCode,
};

/// Returns the arguments of the first transaction of a captured block, and its read-write set.
fn captured(block: u64) -> (Vec<Vec<u8>>, Vec<u8>) {
    let bytes = fs::read(golden("channel").join(format!("b{block:03}.block"))).unwrap();
    let block = Block::decode(bytes.as_slice()).unwrap();
    let envelope = Envelope::decode(block.data.unwrap().data.remove(0)).unwrap();
    let payload = Payload::decode(envelope.payload.as_slice()).unwrap();
    let transaction = Transaction::decode(payload.data.as_slice()).unwrap();
    let action = ChaincodeActionPayload::decode(transaction.actions[0].payload.as_slice()).unwrap();
    let proposal =
        ChaincodeProposalPayload::decode(action.chaincode_proposal_payload.as_slice()).unwrap();
    let spec = ChaincodeInvocationSpec::decode(proposal.input.as_slice()).unwrap();
    let args = spec.chaincode_spec.unwrap().input.unwrap().args;
    let endorsed = action.action.unwrap().proposal_response_payload;
    (args, client::chaincode_action(&endorsed).unwrap().results)
}

/// Endorses and commits; returns the serialized read-write set.
fn submit(sandbox: &Sandbox, proposal: ProposalBuilder) -> Vec<u8> {
    let admin = sandbox.identity("Admin").unwrap();
    let endorsed = sandbox.endorse_as(proposal, &admin).unwrap().accepted().unwrap();
    let payload = &endorsed.proposal_response.payload;
    let results = client::chaincode_action(payload).unwrap().results;
    let committed = sandbox.commit(vec![endorsed]).unwrap();
    assert_eq!(committed[0].code, TxValidationCode::Valid);
    results
}

/// Commits a transaction that only adds a block, without changing the chaincodes of the captured
/// channel.
fn fill(sandbox: &Sandbox) {
    let definition = lifecycle::ChaincodeDefinition {
        channel_id: CHANNEL.into(),
        name: format!("filler{}", sandbox.ledger().height()),
        version: "1".into(),
        sequence: 1,
        ..Default::default()
    };
    submit(sandbox, lifecycle::approve(definition, None));
}

#[test]
fn approvals_and_commits_have_the_read_write_sets_of_a_real_peer() {
    let sandbox = Sandbox::new().unwrap();
    // Approval and commit of three chaincodes, the last one with init and collections. The versions
    // that were read show in which blocks they were.
    for block in [1, 2, 7, 8, 10, 11] {
        while sandbox.ledger().height() < block {
            fill(&sandbox);
        }
        let (args, expected) = captured(block);
        let results = submit(&sandbox, ProposalBuilder::new(CHANNEL, "_lifecycle").args(args));
        let read = |bytes: &[u8]| TxRwSet::decode(bytes).unwrap();
        assert_eq!(read(&results), read(&expected), "block {block}");
        assert_eq!(results, expected, "block {block}");
    }

    // The last one runs a service that is not available. A chaincode that also writes nothing
    // replaces it, so its init has the same set.
    let package = package("hostile", "vec_1", &[]);
    let id = wasmcc_peer::chaincode::package_id(&package).unwrap();
    let admin = sandbox.identity("Admin").unwrap();
    sandbox.endorse_as(lifecycle::install(package), &admin).unwrap().accepted().unwrap();
    let (args, _) = captured(10);
    let mut approval = ApproveChaincodeDefinitionForMyOrgArgs::decode(args[1].as_slice()).unwrap();
    approval.source =
        Some(ChaincodeSource { r#type: Some(Source::LocalPackage(Local { package_id: id })) });
    let args = [args[0].clone(), approval.encode_to_vec()];
    submit(&sandbox, ProposalBuilder::new(CHANNEL, "_lifecycle").args(args));
    let init = ProposalBuilder::new(CHANNEL, "vec").args([""]).init(true);
    assert_eq!(submit(&sandbox, init), captured(12).1);
}
