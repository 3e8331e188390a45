//! Concurrent calls: endorsing, launching, ordering.

use std::collections::BTreeMap;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};
use std::{fs, thread};

use wasmcc_client as client;
use wasmcc_client::ProposalBuilder;
use wasmcc_ledger::TxEnvelope;
use wasmcc_msp::NetworkSpec;
use wasmcc_node::Peer;
use wasmcc_tests::program::{Process, Site};
use wasmcc_tests::{Peers, create_channel, deploy, evaluate, process, submit, user};
use wasmcc_types::proto::protos::{ProposalResponse, SignedProposal, TxValidationCode};

const CHANNEL: &str = "mychannel";
const THREADS: usize = 16;

fn peer(peers: &Peers) -> Arc<Peer> {
    let peer = peers.peer(|config| config.batch.timeout = Duration::from_millis(10));
    create_channel(&peer, CHANNEL);
    peer
}

/// Runs `job` in this many threads that start together, and returns their results.
fn together<T: Send>(threads: usize, job: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(threads);
    thread::scope(|scope| {
        let (start, job) = (&start, &job);
        let spawn = |number| {
            scope.spawn(move || {
                start.wait();
                job(number)
            })
        };
        let running: Vec<_> = (0..threads).map(spawn).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn proposals_to_several_chaincodes_do_not_get_in_each_others_way() {
    let peer = peer(&Peers::new(&NetworkSpec::default()));
    for name in ["one", "two", "three"] {
        deploy(&peer, CHANNEL, name, "probe");
        let fill = ProposalBuilder::new(CHANNEL, name).args(["mput", name, "16"]);
        assert_eq!(submit(&peer, CHANNEL, fill, &user(&peer)), Ok(TxValidationCode::Valid));
    }
    let answers = together(THREADS, |number| {
        let ask = |round: usize| {
            let name = ["one", "two", "three"][(number + round) % 3];
            let key = format!("{name}{number:05}");
            String::from_utf8(evaluate(&peer, CHANNEL, name, &["get", &key]).payload).unwrap()
        };
        (0..6).map(ask).collect::<Vec<String>>()
    });
    for (number, answers) in answers.into_iter().enumerate() {
        assert_eq!(answers, vec![number.to_string(); 6]);
    }
}

#[test]
fn a_cold_chaincode_is_launched_once_for_all_who_ask() {
    let site = Site::new();
    let peer = site.peer(&["--data", "data"]);
    peer.deploy("probe");
    peer.terminate().ok();
    // Afterwards, it is neither in memory nor compiled on disk.
    for compiled in fs::read_dir(site.path("data/compiled")).unwrap() {
        fs::remove_file(compiled.unwrap().path()).unwrap();
    }
    let peer = site.peer(&["--data", "data", "--workers", "16"]);
    let query = ["query", "-n", "probe", "-c", r#"{"Args":["get","k"]}"#];
    let asked: Vec<Process> = (0..THREADS).map(|_| peer.start(&query)).collect();
    for process in asked {
        process.end().ok();
    }
    let log = peer.terminate().ok().err;
    assert_eq!(log.matches("launched chaincode=probe:1.0").count(), 1, "{log}");
}

#[test]
fn a_proposal_sent_many_times_at_once_has_one_answer() {
    let peer = peer(&Peers::new(&NetworkSpec::default()));
    deploy(&peer, CHANNEL, "probe", "probe");
    let proposal = ProposalBuilder::new(CHANNEL, "probe").args(["rmw", "k", "x"]);
    let signed = proposal.sign(&user(&peer)).signed;
    let answers = together(THREADS, |_| process(&peer, signed.clone()).unwrap().response);
    let (good, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.endorsement.is_some());
    // It ran alone, or after another had ended and with its result.
    assert!(!good.is_empty());
    assert!(good.iter().all(|answer| answer.payload == good[0].payload));
    for answer in refused {
        let response = answer.response.unwrap();
        assert_eq!(response.status, 500);
        assert!(response.message.contains("exists"), "{}", response.message);
    }
}

fn endorse(peer: &Peer, args: &[&str]) -> (SignedProposal, ProposalResponse, String) {
    let proposal = ProposalBuilder::new(CHANNEL, "probe").args(args.iter().copied());
    let proposal = proposal.sign(&user(peer));
    let response = process(peer, proposal.signed.clone()).unwrap().response;
    (proposal.signed, response, proposal.tx_id.to_string())
}

#[test]
fn what_many_order_is_committed_exactly_once() {
    let peer = peer(&Peers::new(&NetworkSpec::default()));
    deploy(&peer, CHANNEL, "probe", "probe");
    let orderer = peer.orderer(CHANNEL).unwrap().unwrap();
    let signer = user(&peer);
    let ordered = together(4, |number| {
        let order = |round: usize| {
            let key = format!("{number}-{round}");
            let (signed, response, tx_id) = endorse(&peer, &["put", &key, "v"]);
            let envelope = client::transaction(&signed, &[response]).unwrap();
            orderer.order(client::sign_envelope(envelope, &signer)).unwrap();
            tx_id
        };
        (0..50).map(order).collect::<Vec<String>>()
    });
    let committer = peer.committer(CHANNEL).unwrap();
    let deadline = Instant::now() + Duration::from_secs(600);
    for tx_id in ordered.iter().flatten() {
        let verdict = committer.notifier().wait_for_tx(tx_id, deadline).unwrap();
        assert!(matches!(verdict, Some((TxValidationCode::Valid, _))), "{verdict:?}");
    }
    let ledger = committer.channel().ledger();
    let mut seen = BTreeMap::<String, usize>::new();
    for number in 0..ledger.height() {
        for entry in ledger.block(number).unwrap().unwrap().data.unwrap().data {
            let envelope = TxEnvelope::parse(&entry).unwrap();
            *seen.entry(envelope.into_channel_header().tx_id).or_default() += 1;
        }
    }
    for tx_id in ordered.iter().flatten() {
        assert_eq!(seen.remove(tx_id), Some(1));
    }
    assert_eq!(seen.len(), 2, "the genesis block and the deployment: {seen:?}");
}
