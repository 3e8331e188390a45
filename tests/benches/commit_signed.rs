//! Validation and commit of blocks of 500 transfers, each signed by its creator and by endorsers of
//! two organizations, to a ledger on disk, beside its limit: the same signatures verified on all
//! processors. In turns, so that what else the machine does hits both.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use prost::Message;
use wasmcc_client as client;
use wasmcc_client::{ProposalBuilder, lscc};
use wasmcc_msp::{
    Identity, Network, NetworkSpec, SignaturePolicy, SigningIdentity, forget_signatures,
};
use wasmcc_node::{Peer, PeerConfig};
use wasmcc_types::Opened;
use wasmcc_types::proto::common::Envelope;
use wasmcc_types::proto::protos::TxValidationCode;

const CHANNEL: &str = "mychannel";
const ORGS: [&str; 2] = ["Org1MSP", "Org2MSP"];
const POLICY: &str = "AND('Org1MSP.peer','Org2MSP.peer')";
const TXS: usize = 500;
const ROUNDS: usize = 15;

/// A peer of two organizations on disk, with accounts.
struct Node {
    peer: Arc<Peer>,
    user: SigningIdentity,
    _folder: tempfile::TempDir,
}

/// A signature of a block, with what it is of.
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
            let open = |index| node.call(&["open", &format!("{side}{index}"), "1000000"]);
            node.commit((0..TXS).map(open).collect());
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

    /// A block's transfers, none of them in conflict.
    fn transfers(&self) -> Vec<Envelope> {
        let transfer =
            |index| self.call(&["transfer", &format!("from{index}"), &format!("to{index}"), "1"]);
        (0..TXS).map(transfer).collect()
    }

    fn commit(&self, envelopes: Vec<Envelope>) -> Duration {
        let committer = self.peer.committer(CHANNEL).unwrap();
        let begin = Instant::now();
        let block = committer.commit_envelopes(envelopes).unwrap();
        let took = begin.elapsed();
        assert!(block.codes().iter().all(|code| *code == TxValidationCode::Valid));
        took
    }

    /// All signatures of a block.
    fn signatures(&self, envelopes: &[Envelope]) -> Vec<Signed> {
        let config = self.peer.channels().get(CHANNEL).unwrap().config();
        let mut found = Vec::new();
        for envelope in envelopes {
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
    let (mut commits, mut limits) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let envelopes = node.transfers();
        let signatures = node.signatures(&envelopes);
        assert_eq!(signatures.len(), 3 * TXS);
        forget_signatures();
        let limit = verify(&signatures);
        // A block that comes from elsewhere: nobody here has seen its signatures.
        forget_signatures();
        let commit = node.commit(envelopes);
        if round > 0 {
            limits.push(limit);
            commits.push(commit);
        }
    }
    let (commit, limit) = (median(commits), median(limits));
    println!("commit signed: ms {:.2}", commit * 1e3);
    println!("commit signed: limit_ms {:.2}", limit * 1e3);
    println!("commit signed: to_limit {:.3}", commit / limit);
}
