//! The captured channel's chaincode runs again, here, at the heights at which it was endorsed
//! there: what it reads and writes must be the same bytes.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};

use prost::Message;
use wasmcc::chaincode::{Execution, TxParams};
use wasmcc::client;
use wasmcc::endorser::UnpackedProposal;
use wasmcc::ledger::{Ledger, TxEnvelope, TxRwSet, tx_filter};
use wasmcc::msp::NetworkSpec;
use wasmcc::node::Peer;
use wasmcc::proto::common::{Block, Envelope, Payload};
use wasmcc::proto::protos::{
    ChaincodeAction, ChaincodeActionPayload, ChaincodeProposalPayload, Proposal, ProposalResponse,
    ProposalResponsePayload, SignedProposal, Transaction,
};
use wasmcc::types::{Entry, TxId, sha256};
use wasmcc_tests::{Peers, golden, guest, install_code, on_peer_thread, process};

const CHANNEL: &str = "mychannel";
const CHAINCODE: &str = "vec";
/// The key in which Fabric keeps that a chaincode was initialized, and its version then.
const INITIALIZED: &str = "\u{0}\u{10FFFF}initialized";
/// The transient data of all transactions that wrote private data: no block has it, but all have
/// its hash, and it is this.
const SECRET: &[u8] = b"secret-1";

/// A transaction of the captured channel, or a captured proposal, and what a Fabric peer made of
/// it.
struct Case {
    name: String,
    proposal: UnpackedProposal,
    action: ChaincodeAction,
}

impl Case {
    /// As a client proposed it, and as it came out.
    fn new(name: String, proposal: Proposal, response: &[u8]) -> Self {
        let payload = ProposalResponsePayload::decode(response).unwrap();
        let signed =
            SignedProposal { proposal_bytes: proposal.encode_to_vec(), ..Default::default() };
        let proposal = UnpackedProposal::unpack(signed).unwrap();
        assert_eq!(proposal.hash[..], payload.proposal_hash, "{name}");
        let action = ChaincodeAction::decode(payload.extension.as_slice()).unwrap();
        Self { name, proposal, action }
    }

    /// A transaction of a block; None if another chaincode made it. Its proposal is put together
    /// again from what the transaction has of it.
    fn of_transaction(name: String, bytes: &[u8]) -> Option<Self> {
        let envelope = TxEnvelope::parse(bytes).unwrap();
        if !envelope.is_endorser_tx()
            || envelope.action().unwrap().chaincode_id.unwrap().name != CHAINCODE
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

    fn function(&self) -> &[u8] {
        &self.proposal.input.args[0]
    }

    /// What this peer cannot do yet: write private data, read it in the clear, and look up a callee
    /// that `_lifecycle` defines.
    fn is_out_of_reach(&self) -> bool {
        let calls: [&[u8]; 6] = [b"ppriv", b"gpriv", b"dpriv", b"purge", b"setprivep", b"cc2cc"];
        calls.contains(&self.function())
    }
}

fn blocks() -> Vec<Block> {
    let block = |number| fs::read(golden(&format!("channel/b{number:03}.block"))).unwrap();
    (0..46).map(|number| Block::decode(block(number).as_slice()).unwrap()).collect()
}

/// The proposals that were captured beside the blocks, those whose answers have read-write sets.
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

/// Runs the chaincode on the state as it is now; gives its answer and the bytes of its namespace.
fn simulate(peer: &Peer, ledger: &Arc<Ledger>, case: &Case) -> (Execution, Vec<u8>) {
    let proposal = &case.proposal;
    let tx_id = TxId::parse(proposal.tx_id()).unwrap();
    let mut simulator = ledger.simulator(&tx_id);
    // As Fabric does before it calls a chaincode that has to be initialized.
    let initialized = simulator.get_state(CHAINCODE, INITIALIZED).unwrap();
    let entry = match initialized {
        Some(_) => Entry::Invoke,
        None => Entry::Init,
    };
    if entry == Entry::Init {
        simulator.put_state(CHAINCODE, INITIALIZED, b"1".to_vec()).unwrap();
    }
    let tx = TxParams {
        channel_id: CHANNEL.into(),
        tx_id,
        signed_proposal: Arc::clone(&proposal.signed),
        proposal: Arc::clone(&proposal.context),
        org: "Org1MSP".into(),
        simulator: Some(Arc::new(Mutex::new(simulator))),
        depth: 0,
    };
    let input = proposal.input.clone();
    let support = peer.support();
    let execution = on_peer_thread(|| support.execute(&tx, CHAINCODE, "1", entry, input));
    let simulator = Arc::into_inner(tx.simulator.unwrap()).unwrap().into_inner().unwrap();
    let mut rwset = simulator.finish().public;
    rwset.namespaces.retain(|namespace, _| namespace == CHAINCODE);
    (execution.unwrap(), rwset.encode())
}

/// What a Fabric peer recorded in the chaincode's namespace.
fn expected(case: &Case) -> Vec<u8> {
    let mut rwset = TxRwSet::decode(&case.action.results).unwrap();
    assert_eq!(rwset.encode(), case.action.results, "{}", case.name);
    rwset.namespaces.retain(|namespace, _| namespace == CHAINCODE);
    rwset.encode()
}

fn compare(peer: &Peer, ledger: &Arc<Ledger>, case: &Case) {
    let (execution, rwset) = simulate(peer, ledger, case);
    let name = &case.name;
    assert_eq!(rwset, expected(case), "{name}: {:?}", TxRwSet::decode(&rwset).unwrap());
    let response = case.action.response.as_ref().unwrap();
    assert_eq!(execution.response.status, response.status, "{name}");
    assert_eq!(execution.response.message, response.message, "{name}");
    assert_eq!(execution.response.payload, response.payload, "{name}");
    let event = execution.event.map(|event| event.encode_to_vec()).unwrap_or_default();
    assert_eq!(event, case.action.events, "{name}");
}

/// A peer that has joined the captured channel and has its chaincode installed.
fn guest_of(genesis: &Block) -> Arc<Peer> {
    let peer = Peers::new(&NetworkSpec::default()).peer(|_| {});
    let admin = peer.network().org("Org1MSP").unwrap().admin().unwrap();
    let joined = process(&peer, client::cscc::join(genesis).sign(&admin).signed).unwrap();
    assert_eq!(joined.response.response.unwrap().status, 200);
    install_code(&peer, CHAINCODE, "1", &guest("vec"));
    peer
}

#[test]
fn a_captured_channels_chaincode_reads_and_writes_the_same_bytes_here() {
    let hashed = Case::of_transaction("b025".into(), &blocks()[25].data.as_ref().unwrap().data[0]);
    let written = TxRwSet::decode(&hashed.unwrap().action.results).unwrap();
    let written = &written.namespaces[CHAINCODE].collections["collA"].writes[0];
    assert_eq!(written.value_hash, sha256(SECRET));

    let blocks = blocks();
    let peer = guest_of(&blocks[0]);
    let committer = peer.committer(CHANNEL).unwrap();
    let ledger = Arc::clone(committer.channel().ledger());
    let (mut compared, mut codes) = (0, BTreeMap::<u8, usize>::new());
    let mut out_of_reach = Vec::new();
    let mut check = |case: &Case| match case.is_out_of_reach() {
        true => out_of_reach.push(String::from_utf8_lossy(case.function()).into_owned()),
        false => {
            compare(&peer, &ledger, case);
            compared += 1;
        }
    };
    for block in &blocks[1..] {
        let number = block.header.as_ref().unwrap().number;
        // All transactions of a block were endorsed before it was cut, and none in between.
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
    // 41 transactions, also those that lost at commit: 0 is VALID, 10 an endorsement policy, 11 a
    // version, 12 a phantom.
    assert_eq!(codes.into_iter().collect::<Vec<_>>(), [(0, 37), (10, 1), (11, 2), (12, 1)]);
    captured().iter().for_each(&mut check);
    assert_eq!(
        out_of_reach,
        [
            "ppriv",
            "ppriv",
            "ppriv",
            "gpriv",
            "setprivep",
            "dpriv",
            "ppriv",
            "purge",
            "cc2cc",
            "cc2cc"
        ]
    );
    assert_eq!(compared, 35);
}
