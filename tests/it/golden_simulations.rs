//! The captured channel's chaincode runs again at the heights at which it was endorsed: its reads
//! and writes must be the same bytes.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};

use prost::Message;
use wasmcc_channel::collections::LocalPeers;
use wasmcc_client as client;
use wasmcc_committer::{Committer, EndorsementValidator, ValidationFailure, ValidationRequest};
use wasmcc_ledger::{Ledger, TxEnvelope, TxRwSet, tx_filter};
use wasmcc_msp::NetworkSpec;
use wasmcc_node::Peer;
use wasmcc_peer::chaincode::{ChaincodeInfo, Execution, TxParams};
use wasmcc_peer::endorser::UnpackedProposal;
use wasmcc_runtime::wait;
use wasmcc_tests::{Peers, golden, guest, install_code, on_peer_thread, process};
use wasmcc_types::proto::common::{Block, Envelope, Payload};
use wasmcc_types::proto::protos::{
    self, ChaincodeAction, ChaincodeActionPayload, ChaincodeProposalPayload, Proposal,
    ProposalResponse, ProposalResponsePayload, SignedProposal, Transaction, TxValidationCode,
};
use wasmcc_types::{TxId, sha256};

const CHANNEL: &str = "mychannel";
const CHAINCODE: &str = "vec";
const ORG: &str = "Org1MSP";
/// The transient data of all transactions that wrote private data. No block contains it, but all
/// contain its hash.
const SECRET: &[u8] = b"secret-1";

/// A transaction of the captured channel, or a captured proposal, with the Fabric peer's result.
struct Case {
    name: String,
    proposal: Arc<UnpackedProposal>,
    action: ChaincodeAction,
}

impl Case {
    /// Makes a case of a client's proposal and the peer's response.
    fn new(name: String, proposal: Proposal, response: &[u8]) -> Self {
        let payload = ProposalResponsePayload::decode(response).unwrap();
        let signed =
            SignedProposal { proposal_bytes: proposal.encode_to_vec(), ..Default::default() };
        let proposal = UnpackedProposal::unpack(signed).unwrap();
        assert_eq!(proposal.hash[..], payload.proposal_hash, "{name}");
        let action = ChaincodeAction::decode(payload.extension.as_slice()).unwrap();
        Self { name, proposal, action }
    }

    /// Makes a case of a transaction in a block; None if another chaincode made it. Its proposal is
    /// rebuilt from the parts in the transaction.
    fn of_transaction(name: String, bytes: &[u8]) -> Option<Self> {
        let envelope = TxEnvelope::parse(bytes).unwrap();
        if !envelope.is_endorser_tx()
            || envelope.action().unwrap().chaincode_id.as_ref().unwrap().name != CHAINCODE
        {
            return None;
        }
        let envelope = Envelope::decode(bytes).unwrap();
        let payload = Payload::decode(envelope.payload.as_slice()).unwrap();
        let tx = Transaction::decode(payload.data.as_slice()).unwrap();
        let tx = ChaincodeActionPayload::decode(tx.actions[0].payload.as_slice()).unwrap();
        let input = tx.chaincode_proposal_payload.as_slice();
        let mut input = ChaincodeProposalPayload::decode(input).unwrap();
        input.transient_map = BTreeMap::from([("v".to_owned(), SECRET.to_vec())]);
        let proposal = Proposal {
            header: payload.header.unwrap().encode_to_vec(),
            payload: input.encode_to_vec(),
            extension: Vec::new(),
        };
        Some(Self::new(name, proposal, &tx.action.unwrap().proposal_response_payload))
    }
}

fn blocks() -> Vec<Block> {
    let block = |number| fs::read(golden(&format!("channel/b{number:03}.block"))).unwrap();
    (0..46).map(|number| Block::decode(block(number).as_slice()).unwrap()).collect()
}

/// Returns the captured proposals whose responses have read-write sets.
fn captured() -> Vec<Case> {
    let read =
        |name: &str, kind: &str| fs::read(golden(&format!("channel/{name}.{kind}"))).unwrap();
    let case = |name: &str| {
        let response = read(name, "proposalresponse");
        let response = ProposalResponse::decode(response.as_slice()).unwrap();
        let signed = SignedProposal::decode(read(name, "signedproposal").as_slice()).unwrap();
        let proposal = Proposal::decode(signed.proposal_bytes.as_slice()).unwrap();
        Case::new(name.to_owned(), proposal, &response.payload)
    };
    ["ok", "s399", "s500", "cc2cc"].map(case).into()
}

/// Looks the chaincode up and runs it on the current state, as the endorser does. The endorser
/// itself would require a signature, which blocks do not contain.
fn simulate(peer: &Peer, ledger: &Arc<Ledger>, case: &Case) -> (Execution, ChaincodeInfo, Vec<u8>) {
    let proposal = &case.proposal;
    let tx_id = TxId::parse(proposal.tx_id()).unwrap();
    let simulator = ledger.simulator_for(&tx_id, ORG);
    let tx = TxParams {
        channel_id: CHANNEL.into(),
        tx_id,
        proposal: Arc::clone(&proposal.context),
        org: ORG.into(),
        simulator: Some(Arc::new(Mutex::new(simulator))),
        meter: Arc::new(peer.support().meter()),
        share: Arc::default(),
        depth: 0,
    };
    let (input, support) = (proposal.input.clone(), peer.support());
    let info = support.chaincode_info(&tx, CHAINCODE).unwrap();
    let execution = on_peer_thread(|| wait(support.invoke(&tx, CHAINCODE, &info, input)));
    let simulator = Arc::into_inner(tx.simulator.unwrap()).unwrap().into_inner().unwrap();
    let results = simulator.finish();
    if let Some(private) = &results.private {
        ledger.keep_transient(proposal.tx_id(), ORG.as_bytes(), private).unwrap();
    }
    (execution.unwrap(), info, results.public.encode())
}

fn compare(peer: &Peer, ledger: &Arc<Ledger>, case: &Case) {
    let (execution, info, results) = simulate(peer, ledger, case);
    let (name, golden) = (&case.name, &case.action);
    let sets = [&results, &golden.results].map(|bytes| TxRwSet::decode(bytes).unwrap());
    assert_eq!(sets[0], sets[1], "{name}");
    assert_eq!(results, golden.results, "{name}");
    let response = protos::Response {
        status: execution.response.status,
        message: execution.response.message,
        payload: execution.response.payload,
    };
    assert_eq!(Some(&response), golden.response.as_ref(), "{name}");
    let events = execution.event.map(|event| event.encode_to_vec()).unwrap_or_default();
    assert_eq!(events, golden.events, "{name}");
    let id =
        protos::ChaincodeId { name: CHAINCODE.into(), version: info.version, ..<_>::default() };
    assert_eq!(Some(&id), golden.chaincode_id.as_ref(), "{name}");
}

/// Returns a peer that has joined the captured channel and has its chaincode installed.
fn guest_of(genesis: &Block) -> Arc<Peer> {
    // The packages of the channel's definitions are missing; in development mode, a component of
    // the same name and version replaces them.
    let peer = Peers::new(&NetworkSpec::default()).peer(|config| {
        config.support.external.dev = true;
        // The captured peer had LevelDB.
        config.ledger.rich_queries = false;
    });
    let admin = peer.network().org("Org1MSP").unwrap().admin().unwrap();
    let joined = process(&peer, client::cscc::join(genesis).sign(&admin).signed).unwrap();
    assert_eq!(joined.response.response.unwrap().status, 200);
    install_code(&peer, CHAINCODE, "1", &guest("vec"));
    install_code(&peer, "gocc", "1", &guest("gocc"));
    peer
}

/// Repeats the other peer's verdicts on endorsements. `golden` validates the endorsements again.
struct AsJudged(Vec<String>);

impl EndorsementValidator for AsJudged {
    fn validate(&self, request: &ValidationRequest<'_>) -> Result<(), ValidationFailure> {
        match self.0.iter().any(|tx_id| **tx_id == **request.tx_id) {
            true => Err(ValidationFailure::Policy("as the other peer said".into())),
            false => Ok(()),
        }
    }
}

fn tx_ids_with(verdict: TxValidationCode, blocks: &[Block]) -> Vec<String> {
    let txs = blocks.iter().flat_map(|block| {
        let envelopes = block.data.as_ref().unwrap().data.iter();
        envelopes.zip(tx_filter(block)).filter(|(_, code)| i32::from(**code) == verdict as i32)
    });
    txs.map(|(bytes, _)| TxEnvelope::parse(bytes).unwrap().into_channel_header().tx_id).collect()
}

/// Returns an identity of the captured channel's peer for every endorser, so that private data are
/// kept for its organization.
fn endorser(bytes: &[u8]) -> Vec<u8> {
    let envelope = Envelope::decode(bytes).unwrap();
    let payload = Payload::decode(envelope.payload.as_slice()).unwrap();
    let tx = Transaction::decode(payload.data.as_slice()).unwrap();
    let tx = ChaincodeActionPayload::decode(tx.actions[0].payload.as_slice()).unwrap();
    tx.action.unwrap().endorsements.remove(0).endorser
}

#[test]
fn a_captured_channels_chaincode_reads_and_writes_the_same_bytes_here() {
    let hashed = Case::of_transaction("b025".into(), &blocks()[25].data.as_ref().unwrap().data[0]);
    let written = TxRwSet::decode(&hashed.unwrap().action.results).unwrap();
    let written = &written.namespaces[CHAINCODE].collections["collA"].writes[0];
    assert_eq!(written.value_hash, sha256(SECRET));

    let blocks = blocks();
    let peer = guest_of(&blocks[0]);
    let failed = tx_ids_with(TxValidationCode::EndorsementPolicyFailure, &blocks);
    let identity = endorser(&blocks[25].data.as_ref().unwrap().data[0]);
    let channel = peer.channels().get(CHANNEL).unwrap();
    let committer = Committer::new(channel, Arc::new(AsJudged(failed)))
        .with_peers(LocalPeers::new([(ORG, identity.as_slice())]));
    let ledger = Arc::clone(committer.channel().ledger());
    let (mut compared, mut codes) = (0, BTreeMap::<u8, usize>::new());
    let mut check = |case: &Case| {
        compare(&peer, &ledger, case);
        compared += 1;
    };
    for block in &blocks[1..] {
        let number = block.header.as_ref().unwrap().number;
        // All transactions of a block were endorsed before it was cut, with no other block in
        // between.
        for (index, envelope) in block.data.as_ref().unwrap().data.iter().enumerate() {
            let name = format!("block {number}, transaction {index}");
            let Some(case) = Case::of_transaction(name, envelope) else { continue };
            check(&case);
            *codes.entry(tx_filter(block)[index]).or_default() += 1;
        }
        let bare = Block { metadata: None, ..block.clone() };
        let committed = committer.commit(bare).unwrap();
        assert_eq!(tx_filter(&committed.block), tx_filter(block), "block {number}");
    }
    // 41 transactions, including those that are invalid: 0 is VALID, 10 an endorsement policy, 11 a
    // version, 12 a phantom.
    assert_eq!(codes.into_iter().collect::<Vec<_>>(), [(0, 37), (10, 1), (11, 2), (12, 1)]);
    captured().iter().for_each(&mut check);
    assert_eq!(compared, 45);
}
