//! The same proposal has the same result wherever and however often it is simulated.

use std::sync::{Arc, LazyLock};

use wasmcc_client::lscc::{self, Definition};
use wasmcc_client::{ProposalBuilder, chaincode_action, cscc};
use wasmcc_msp::{NetworkSpec, SigningIdentity};
use wasmcc_node::Peer;
use wasmcc_node::sandbox::CHANNEL;
use wasmcc_peer::endorser::Processed;
use wasmcc_tests::{Peers, guest, process, submit};
use wasmcc_types::proto::protos::{self, TxValidationCode};
use wasmcc_types::{ChannelId, Timestamp};

/// Two peers of one organization that share only the network: each has its own runtime, ledger and
/// compiled chaincode, and has committed the same deploy.
struct Twins {
    peers: [Arc<Peer>; 2],
    user: SigningIdentity,
}

impl Twins {
    /// Shared by all tests: none changes data that another one reads.
    fn get() -> &'static Self {
        static TWINS: LazyLock<Twins> = LazyLock::new(Twins::new);
        &TWINS
    }

    fn new() -> Self {
        let network = Peers::new(&NetworkSpec::default());
        let members = network.network();
        let org = members.org("Org1MSP").unwrap();
        let admin = org.admin().unwrap();
        let genesis = members.genesis(ChannelId::parse(CHANNEL).unwrap()).block().unwrap();
        let deploy = lscc::deploy(Definition {
            channel_id: CHANNEL.into(),
            name: "probe".into(),
            version: "1.0".into(),
            ..Definition::default()
        });
        let deploy = deploy.nonce("deploy").timestamp(Timestamp { seconds: 1, nanos: 0 });
        let peers = [(), ()].map(|()| {
            let peer = network.peer(|config| config.runtime = None);
            process(&peer, cscc::join(&genesis).sign(&admin).signed).unwrap();
            let install = lscc::install("probe", "1.0", guest("probe")).sign(&admin);
            process(&peer, install.signed).unwrap();
            let deployed = submit(&peer, CHANNEL, deploy.clone(), &admin);
            assert_eq!(deployed, Ok(TxValidationCode::Valid));
            peer
        });
        Self { peers, user: org.user("User1").unwrap() }
    }

    fn propose(&self, line: &str) -> protos::SignedProposal {
        let proposal = ProposalBuilder::new(CHANNEL, "probe").args(line.split(' '));
        proposal.sign(&self.user).signed
    }

    fn commit(&self, line: &str) {
        for peer in &self.peers {
            let proposal = ProposalBuilder::new(CHANNEL, "probe").args(line.split(' '));
            let committed = submit(peer, CHANNEL, proposal, &self.user);
            assert_eq!(committed, Ok(TxValidationCode::Valid));
        }
    }
}

/// Returns all but the signature, which differs each time.
fn unsigned(processed: Processed) -> Processed {
    let mut processed = processed;
    if let Some(endorsement) = &mut processed.response.endorsement {
        assert!(!std::mem::take(&mut endorsement.signature).is_empty());
    }
    processed
}

#[test]
fn a_proposal_simulated_twice_anywhere_gives_the_same_bytes_and_fuel() {
    let twins = Twins::get();
    twins.commit("mput row 120");
    for line in [
        "noop",
        "get row00007",
        "rmw row00007 x",
        "range row rox",
        "range row rox 30",
        "page row rox 7 row00010",
        "then put b 1 ; put a 2 ; del c ; setmeta a p ; event e x",
        "info",
        "hashmap",
        "status 500 words",
        "nonsense",
        "range \0 a",
    ] {
        let signed = twins.propose(line);
        let all = [0, 1, 0, 1]
            .map(|peer: usize| unsigned(process(&twins.peers[peer], signed.clone()).unwrap()));
        assert!(all[0].fuel > 0, "{line}");
        for other in &all[1..] {
            assert_eq!(&all[0], other, "{line}");
        }
    }
}

#[test]
fn a_trap_is_the_same_everywhere_too() {
    let twins = Twins::get();
    let members = twins.peers[0].network().org("Org1MSP").unwrap();
    let admin = members.admin().unwrap();
    for peer in &twins.peers {
        let install = lscc::install("hostile", "1.0", guest("hostile")).sign(&admin);
        process(peer, install.signed).unwrap();
        let deploy = lscc::deploy(Definition {
            channel_id: CHANNEL.into(),
            name: "hostile".into(),
            version: "1.0".into(),
            ..Definition::default()
        });
        assert_eq!(submit(peer, CHANNEL, deploy, &admin), Ok(TxValidationCode::Valid));
    }
    for misbehaviour in [&["panic", "words"][..], &["recurse"], &["grow"], &["sleep", "1"]] {
        let args = misbehaviour.iter().copied();
        let proposal = ProposalBuilder::new(CHANNEL, "hostile").args(args).sign(&twins.user);
        let [one, two] =
            [0, 1].map(|peer: usize| process(&twins.peers[peer], proposal.signed.clone()).unwrap());
        assert_eq!(one, two);
        assert_eq!(one.response.response.unwrap().status, 500);
    }
}

/// Returns the answer of `hashmap`, by name.
fn probe(twins: &Twins, nonce: &str, at: Timestamp) -> Vec<(String, String)> {
    let proposal = ProposalBuilder::new(CHANNEL, "probe").args(["hashmap"]);
    let signed = proposal.nonce(nonce).timestamp(at).sign(&twins.user).signed;
    let texts = twins.peers.each_ref().map(|peer| {
        let response = process(peer, signed.clone()).unwrap().response;
        let action = chaincode_action(&response.payload).unwrap();
        String::from_utf8(action.response.unwrap().payload).unwrap()
    });
    assert_eq!(texts[0], texts[1]);
    let pairs = texts[0].lines().map(|line| line.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn clocks_show_the_proposals_time_and_stand_still() {
    let twins = Twins::get();
    for (at, clock) in [
        (Timestamp { seconds: 1_700_000_000, nanos: 123_456_789 }, "1700000000.123456789"),
        (Timestamp { seconds: 0, nanos: 0 }, "0.000000000"),
        // WASI's clock cannot express times before 1970.
        (Timestamp { seconds: -1, nanos: 0 }, "0.000000000"),
        // A client's input must not cause a trap.
        (Timestamp { seconds: i64::MAX, nanos: 0 }, "0.000000000"),
    ] {
        let told = probe(twins, "nonce", at);
        assert_eq!(told[1], ("clock".into(), clock.into()));
        assert_eq!(told[2], ("elapsed".into(), "0".into()));
    }
}

#[test]
fn random_numbers_and_hash_orders_are_those_of_the_transaction() {
    let twins = Twins::get();
    let at = Timestamp { seconds: 1, nanos: 0 };
    let (one, again) = (probe(twins, "one", at), probe(twins, "one", at));
    assert_eq!(one, again);
    let two = probe(twins, "two", at);
    assert_ne!(one[0], two[0], "the order of a map");
    assert_ne!(one[3], two[3], "a random number");
    let later = probe(twins, "one", Timestamp { seconds: 2, nanos: 0 });
    assert_eq!((&one[0], &one[3]), (&later[0], &later[3]), "time takes no part in it");
}
