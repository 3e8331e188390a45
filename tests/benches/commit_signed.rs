//! Validates and commits blocks of 500 transfers to a ledger on disk. Each transfer is signed by
//! its creator and by endorsers of two organizations. The lower bound is the time to verify these
//! signatures on all processors. Blocks arrive as bytes, so no signature is cached. They arrive
//! once in a stream, where one block is prepared while the previous one is committed, and once one
//! by one. All measurements alternate, so that other load of the machine affects all.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use prost::Message;
use wasmcc_client as client;
use wasmcc_client::{ProposalBuilder, lscc};
use wasmcc_ledger::{CommittedBlock, header_hash, new_block};
use wasmcc_msp::{
    Identity, Network, NetworkSpec, SignaturePolicy, SigningIdentity, forget_signatures,
};
use wasmcc_node::{Peer, PeerConfig};
use wasmcc_types::Opened;
use wasmcc_types::proto::common::{Block, Envelope};
use wasmcc_types::proto::protos::TxValidationCode;

const CHANNEL: &str = "mychannel";
const ORGS: [&str; 2] = ["Org1MSP", "Org2MSP"];
const POLICY: &str = "AND('Org1MSP.peer','Org2MSP.peer')";
const TXS: usize = 500;
/// Blocks of a stream, each with its own accounts.
const BLOCKS: usize = 6;
const ROUNDS: usize = 5;

/// A peer of two organizations on disk, with accounts.
struct Node {
    peer: Arc<Peer>,
    user: SigningIdentity,
    _folder: tempfile::TempDir,
}

/// A signature of a block, with its message and key.
struct Signed {
    signer: Arc<Identity>,
    message: Vec<u8>,
    signature: Vec<u8>,
}

impl Node {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let network = Network::in_memory(&NetworkSpec::with_orgs(2)).unwrap();
        let org = network.orgs().first().unwrap();
        let (user, admin) = (org.user("User1").unwrap(), org.admin().unwrap());
        let mut config = PeerConfig::new(network, ORGS[0]);
        config.more_orgs = vec![ORGS[1].to_owned()];
        config.data = Some(folder.path().to_owned());
        let peer = Peer::open(config).unwrap();
        peer.create_channel(CHANNEL).unwrap();
        let install = lscc::install("transfer", "1.0", support::guest("transfer")).sign(&admin);
        peer.process(install.signed).unwrap();
        let policy = SignaturePolicy::from_text(POLICY).unwrap();
        let definition = lscc::Definition {
            channel_id: CHANNEL.into(),
            name: "transfer".into(),
            version: "1.0".into(),
            policy: Some(policy.envelope().clone()),
            ..lscc::Definition::default()
        };
        let node = Self { peer, user, _folder: folder };
        let deploy = node.endorsed(lscc::deploy(definition), &admin, &ORGS[..1]);
        node.commit(vec![deploy]);
        for side in ["from", "to"] {
            for block in 0..BLOCKS {
                let open = |index| node.call(&["open", &account(side, block, index), "1000000"]);
                node.commit((0..TXS).map(open).collect());
            }
        }
        node
    }

    fn endorsed(&self, call: ProposalBuilder, user: &SigningIdentity, orgs: &[&str]) -> Envelope {
        let signed = call.sign(user).signed;
        let process = |org: &&str| self.peer.process_as(org, signed.clone()).unwrap().response;
        let responses: Vec<_> = orgs.iter().map(process).collect();
        client::sign_envelope(client::transaction(&signed, &responses).unwrap(), user)
    }

    fn call(&self, args: &[&str]) -> Envelope {
        let call = ProposalBuilder::new(CHANNEL, "transfer").args(args.iter().copied());
        self.endorsed(call, &self.user, &ORGS)
    }

    /// Returns transfers for all blocks, without conflicts.
    fn transfers(&self) -> Vec<Vec<Envelope>> {
        let transfer = |block, index| {
            let [from, to] = ["from", "to"].map(|side| account(side, block, index));
            self.call(&["transfer", &from, &to, "1"])
        };
        let block = |block| (0..TXS).map(|index| transfer(block, index)).collect();
        (0..BLOCKS).map(block).collect()
    }

    fn commit(&self, envelopes: Vec<Envelope>) {
        let committer = self.peer.committer(CHANNEL).unwrap();
        check(&committer.commit_envelopes(envelopes).unwrap());
    }

    /// Returns the next blocks of a channel, as an external orderer makes them.
    fn blocks(&self, envelopes: Vec<Vec<Envelope>>) -> Vec<Block> {
        let tip = self.peer.channels().get(CHANNEL).unwrap().ledger().info();
        let (mut number, mut hash) = (tip.height, tip.current_block_hash);
        let block = |envelopes: Vec<Envelope>| {
            let entries = envelopes.iter().map(Message::encode_to_vec).collect();
            let block = new_block(number, std::mem::take(&mut hash), entries);
            hash = header_hash(block.header.as_ref().unwrap()).to_vec();
            number += 1;
            block
        };
        envelopes.into_iter().map(block).collect()
    }

    /// Commits blocks in one stream.
    fn stream(&self, blocks: Vec<Block>) -> Duration {
        let committer = self.peer.committer(CHANNEL).unwrap();
        let begin = Instant::now();
        committer.commit_all(blocks, |block| check(block)).unwrap();
        begin.elapsed()
    }

    /// Commits each block before the next one arrives.
    fn one_by_one(&self, blocks: Vec<Block>) -> Duration {
        let committer = self.peer.committer(CHANNEL).unwrap();
        let begin = Instant::now();
        blocks.into_iter().for_each(|block| check(&committer.commit(block).unwrap()));
        begin.elapsed()
    }

    /// Returns all signatures of the transactions.
    fn signatures(&self, envelopes: &[Vec<Envelope>]) -> Vec<Signed> {
        let config = self.peer.channels().get(CHANNEL).unwrap().config();
        let mut found = Vec::new();
        for envelope in envelopes.iter().flatten() {
            let opened = Opened::open(envelope.encode_to_vec().into()).unwrap();
            let signed = |serialized: &[u8], message: Vec<u8>, signature: &[u8]| Signed {
                signer: config.msps().deserialize(serialized).unwrap(),
                message,
                signature: signature.to_vec(),
            };
            let (creator, message) = (self.user.serialized(), opened.payload.to_vec());
            found.push(signed(creator, message, &opened.signature));
            let endorsed = opened.endorsed().unwrap();
            found.extend(endorsed.endorsements.iter().map(|endorsement| {
                let message = [&*endorsed.response_payload, &*endorsement.endorser].concat();
                signed(&endorsement.endorser, message, &endorsement.signature)
            }));
        }
        found
    }
}

fn account(side: &str, block: usize, index: usize) -> String {
    format!("{side}{block}-{index}")
}

fn check(block: &CommittedBlock) {
    assert!(block.codes().iter().all(|code| *code == TxValidationCode::Valid));
}

/// Verifies on all processors.
fn verify(signatures: &[Signed]) -> Duration {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let begin = Instant::now();
    thread::scope(|scope| {
        for part in signatures.chunks(signatures.len().div_ceil(threads)) {
            scope.spawn(move || {
                for Signed { signer, message, signature } in part {
                    signer.verify(message, signature).unwrap();
                }
            });
        }
    });
    begin.elapsed()
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}

fn main() {
    let node = Node::open();
    let (mut limits, mut streams, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let transfers = node.transfers();
        let signatures = node.signatures(&transfers);
        assert_eq!(signatures.len(), 3 * TXS * BLOCKS);
        forget_signatures();
        let limit = verify(&signatures);
        let blocks = node.blocks(transfers);
        forget_signatures();
        let stream = node.stream(blocks);
        let blocks = node.blocks(node.transfers());
        forget_signatures();
        let one_by_one = node.one_by_one(blocks);
        // The first round fills caches.
        if round > 0 {
            limits.push(limit);
            streams.push(stream);
            alone.push(one_by_one);
        }
    }
    let [limit, stream, alone] =
        [limits, streams, alone].map(|times| median(times) / BLOCKS as f64);
    println!("commit signed: ms {:.2}", stream * 1e3);
    println!("commit signed: alone_ms {:.2}", alone * 1e3);
    println!("commit signed: limit_ms {:.2}", limit * 1e3);
    println!("commit signed: to_limit {:.3}", stream / limit);
    println!("commit signed: alone_to_limit {:.3}", alone / limit);
}
