//! All captured bytes, checked against every rule that applies to them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use prost::Message;
use wasmcc_client as client;
use wasmcc_ledger::{TxEnvelope, TxRwSet, commit_hash, data_hash, header_hash, tx_filter};
use wasmcc_msp::{ChannelConfig, NetworkSpec, Role};
use wasmcc_node::Peer;
use wasmcc_peer::endorser::{Checks, UnpackedProposal};
use wasmcc_tests::{Peers, golden, process};
use wasmcc_types::proto::common::{self, Block};
use wasmcc_types::proto::protos::{self, ProposalResponse, SignedProposal};
use wasmcc_types::{compute_tx_id, sha256_all};

/// For each set: the folder of its proposals, the suffixes of proposals and responses, and its
/// channel.
const SETS: [(&str, &str, &str, &str); 3] = [
    ("channel", ".signedproposal", ".proposalresponse", "channel/b000.block"),
    ("proposals/go-noinit", PROPOSAL, RESPONSE, "mychannel.genesis.block"),
    ("proposals/node-low", PROPOSAL, RESPONSE, "mychannel.genesis.block"),
];
const PROPOSAL: &str = ".signed_proposal.bin";
const RESPONSE: &str = ".proposal_response.bin";

/// A captured proposal and its response, if there is one.
struct Case {
    name: String,
    signed: Vec<u8>,
    response: Option<ProposalResponse>,
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn block(name: &str) -> Block {
    Block::decode(read(&golden(name)).as_slice()).unwrap()
}

/// Returns the blocks 0 to 45 of the captured channel.
fn blocks() -> Vec<Block> {
    (0..46).map(|number| block(&format!("channel/b{number:03}.block"))).collect()
}

/// Returns all cases of a set, ordered by name.
fn cases(folder: &str, proposal: &str, response: &str) -> Vec<Case> {
    let folder = golden(folder);
    let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
    let names: BTreeSet<String> = names.map(|name| name.into_string().unwrap()).collect();
    let names = names.iter().filter_map(|name| name.strip_suffix(proposal));
    let case = |name: &str| {
        let answer = folder.join(format!("{name}{response}"));
        let answer = answer.exists().then(|| read(&answer));
        Case {
            name: name.to_owned(),
            signed: read(&folder.join(format!("{name}{proposal}"))),
            response: answer.map(|bytes| ProposalResponse::decode(bytes.as_slice()).unwrap()),
        }
    };
    names.map(case).collect()
}

#[test]
fn every_proposal_is_signed_and_named_by_the_rules() {
    let (mut checked, mut wrong) = (0, Vec::new());
    for (folder, proposal, response, genesis) in SETS {
        let config = ChannelConfig::from_genesis_block(&block(genesis)).unwrap();
        for Case { name, signed, .. } in cases(folder, proposal, response) {
            let Ok(signed) = SignedProposal::decode(signed.as_slice()) else {
                wrong.push(name);
                continue;
            };
            let unpacked = UnpackedProposal::unpack(signed.clone()).expect(&name);
            let header = &unpacked.signature_header;
            let (nonce, creator) = (header.nonce.as_slice(), header.creator.as_slice());
            let epoch = unpacked.channel_header.epoch.to_le_bytes();
            let binding = sha256_all([nonce, creator, epoch.as_slice()]);
            assert_eq!(unpacked.context.binding(), binding, "{name}");
            let named = unpacked.channel_header.tx_id == compute_tx_id(nonce, creator);
            let creator = config.msps().deserialize(creator).expect(&name);
            assert!(creator.has_role(Role::Client) || creator.has_role(Role::Admin), "{name}");
            let verified = creator.verify(&signed.proposal_bytes, &signed.signature).is_ok();
            let valid = unpacked.validate(config.msps(), &mut Checks::unwatched());
            assert_eq!(valid.is_ok(), named && verified, "{name}");
            match (named, verified) {
                (true, true) => checked += 1,
                (true, false) => assert_eq!(name, "x-bad-signature"),
                (false, _) => assert!(verified && name == "x-wrong-txid"),
            }
            if valid.is_err() {
                wrong.push(name);
            }
        }
    }
    assert_eq!(checked, 76);
    let once = ["x-bad-signature", "x-garbage", "x-wrong-txid"];
    assert_eq!(wrong, [once, once].concat());
}

#[test]
fn the_binding_is_the_one_that_a_chaincode_saw() {
    let (folder, proposal, response, _) = SETS[0];
    let cases = cases(folder, proposal, response);
    let Case { signed, response, .. } = cases.into_iter().find(|case| case.name == "ok").unwrap();
    let unpacked = SignedProposal::decode(signed.as_slice()).unwrap();
    let unpacked = UnpackedProposal::unpack(unpacked).unwrap();
    let seen = String::from_utf8(response.unwrap().response.unwrap().payload).unwrap();
    let binding: String = unpacked.context.binding().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(seen.split(' ').nth(2), Some(binding.as_str()), "{seen}");
}

#[test]
fn every_answer_is_about_its_proposal_and_signed_by_a_peer() {
    let (mut answers, mut payloads, mut endorsements, mut rwsets) = (0, 0, 0, 0);
    for (folder, proposal, response, genesis) in SETS {
        let config = ChannelConfig::from_genesis_block(&block(genesis)).unwrap();
        for Case { name, signed, response } in cases(folder, proposal, response) {
            let Some(response) = response else { continue };
            answers += 1;
            let status = response.response.unwrap().status;
            assert_eq!(response.endorsement.is_some(), status < 400, "{name}");
            assert_eq!(response.version, i32::from(status < 400), "{name}");
            if response.payload.is_empty() {
                assert!(status >= 400, "{name}");
                continue;
            }
            payloads += 1;
            let signed = SignedProposal::decode(signed.as_slice()).unwrap();
            let unpacked = UnpackedProposal::unpack(signed).unwrap();
            let payload = response.payload.as_slice();
            let payload = protos::ProposalResponsePayload::decode(payload).unwrap();
            assert_eq!(payload.proposal_hash, unpacked.hash, "{name}");
            assert_eq!(payload.encode_to_vec(), response.payload, "{name}");
            let action = client::chaincode_action(&response.payload).unwrap();
            assert_eq!(action.encode_to_vec(), payload.extension, "{name}");
            let rwset = TxRwSet::decode(&action.results).unwrap();
            assert_eq!(rwset.encode(), action.results, "{name}");
            rwsets += 1;
            let Some(endorsement) = response.endorsement else { continue };
            let endorser = config.msps().deserialize(&endorsement.endorser).unwrap();
            assert!(endorser.has_role(Role::Peer), "{name}");
            let message = [response.payload, endorsement.endorser].concat();
            endorser.verify(&message, &endorsement.signature).expect(&name);
            endorsements += 1;
        }
    }
    assert_eq!((answers, payloads, endorsements, rwsets), (74, 66, 52, 66));
}

#[test]
fn every_block_hangs_together_to_the_byte() {
    let config = ChannelConfig::from_genesis_block(&block("channel/b000.block")).unwrap();
    let (mut signatures, mut endorsements, mut rwsets) = (0, 0, 0);
    let mut previous = Vec::new();
    for (number, block) in blocks().into_iter().enumerate() {
        let header = block.header.clone().unwrap();
        assert_eq!(header.number, number as u64);
        assert_eq!(header.previous_hash, previous);
        previous = header_hash(&header).to_vec();
        let data = block.data.as_ref().unwrap();
        assert_eq!(header.data_hash, data_hash(data));
        assert_eq!(block.encode_to_vec(), read(&golden(&format!("channel/b{number:03}.block"))));
        for entry in &data.data {
            let envelope = common::Envelope::decode(&entry[..]).unwrap();
            let parsed = TxEnvelope::parse(entry).unwrap();
            if number > 0 {
                let header = &*parsed.signature_header;
                let header = common::SignatureHeader::decode(header).unwrap();
                let creator = config.msps().deserialize(&header.creator).unwrap();
                creator.verify(&envelope.payload, &envelope.signature).unwrap();
                signatures += 1;
            }
            if !parsed.is_endorser_tx() {
                continue;
            }
            let rwset = parsed.rwset().unwrap().unwrap();
            assert_eq!(rwset.encode(), parsed.action().unwrap().results, "block {number}");
            rwsets += 1;
            endorsements += verify_endorsements(&config, &envelope);
        }
    }
    assert_eq!((signatures, endorsements, rwsets), (56, 56, 56));
}

fn verify_endorsements(config: &ChannelConfig, envelope: &common::Envelope) -> usize {
    let payload = common::Payload::decode(envelope.payload.as_slice()).unwrap();
    let transaction = protos::Transaction::decode(payload.data.as_slice()).unwrap();
    let action = transaction.actions[0].payload.as_slice();
    let action = protos::ChaincodeActionPayload::decode(action).unwrap().action.unwrap();
    for endorsement in &action.endorsements {
        let endorser = config.msps().deserialize(&endorsement.endorser).unwrap();
        let message = [&action.proposal_response_payload[..], &endorsement.endorser].concat();
        endorser.verify(&message, &endorsement.signature).unwrap();
    }
    action.endorsements.len()
}

/// Returns a peer of this project that has joined the captured channel.
fn guest_of(genesis: &Block) -> Arc<Peer> {
    // The captured peers had LevelDB.
    let peer =
        Peers::new(&NetworkSpec::default()).peer(|config| config.ledger.rich_queries = false);
    let admin = peer.network().org("Org1MSP").unwrap().admin().unwrap();
    let joined = process(&peer, client::cscc::join(genesis).sign(&admin).signed).unwrap();
    assert_eq!(joined.response.response.unwrap().status, 200);
    peer
}

#[test]
fn the_whole_channel_is_committed_again_with_the_same_verdicts() {
    let blocks = blocks();
    let peer = guest_of(&blocks[0]);
    let committer = peer.committer("mychannel").unwrap();
    let mut codes = BTreeMap::<u8, usize>::new();
    for block in &blocks[1..] {
        // The other peer's metadata of the block is hidden.
        let bare = Block { metadata: None, ..block.clone() };
        let committed = committer.commit(bare).unwrap();
        assert_eq!(tx_filter(&committed.block), tx_filter(block), "block {}", committed.number);
        assert_eq!(Some(&committed.commit_hash), commit_hash(block).as_ref());
        for code in tx_filter(block) {
            *codes.entry(*code).or_default() += 1;
        }
    }
    let ledger = Arc::clone(committer.channel().ledger());
    assert_eq!(ledger.height(), 46);
    assert_eq!(codes.into_iter().collect::<Vec<_>>(), [(0, 48), (10, 1), (11, 6), (12, 1)]);
    let tip = ledger.info().current_block_hash;
    assert_eq!(tip[..], header_hash(blocks[45].header.as_ref().unwrap()));
}
