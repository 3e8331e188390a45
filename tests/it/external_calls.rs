//! Chaincodes behind streams that wait for each other.

use std::thread;

use wasmcc_bridge::ProgramConfig;
use wasmcc_client::ProposalBuilder;
use wasmcc_msp::NetworkSpec;
use wasmcc_tests::bridged::{Bridged, program};
use wasmcc_tests::{Peers, create_channel, deploy_code, guest, install_code, process, user};
use wasmcc_types::proto::protos;

const CHANNELS: [&str; 2] = ["mychannel", "yourchannel"];

/// Serves a component that runs one transaction at a time.
fn serve(name: &str) -> Bridged {
    serve_component(name, "probe")
}

fn serve_component(name: &str, component: &str) -> Bridged {
    let config = ProgramConfig { transactions: 1, ..ProgramConfig::default() };
    Bridged::serve(program(&format!("{name}:1.0"), &guest(component), config), None)
}

/// Returns a peer with two channels and the component under two names, each behind one worker.
fn peer(peers: &Peers) -> (std::sync::Arc<wasmcc_node::Peer>, Vec<Bridged>) {
    let peer = peers.peer(|_| {});
    CHANNELS.iter().for_each(|channel| create_channel(&peer, channel));
    let servers = ["one", "two"].map(|name| {
        let server = serve(name);
        install_code(&peer, name, "1.0", &server.connection());
        CHANNELS.iter().for_each(|channel| deploy_code(&peer, channel, name, "1.0"));
        server
    });
    (peer, servers.into())
}

fn ask(peer: &wasmcc_node::Peer, name: &str, line: &str) -> protos::Response {
    let proposal = ProposalBuilder::new(CHANNELS[0], name).args(line.split(' '));
    let processed = process(peer, proposal.sign(&user(peer)).signed);
    processed.unwrap().response.response.unwrap()
}

#[test]
fn a_chaincode_calls_itself_on_another_channel() {
    let peers = Peers::new(&NetworkSpec::default());
    let (peer, _servers) = peer(&peers);
    let answer = ask(&peer, "one", "cc2cc-on yourchannel one cc2cc-on mychannel two get init");
    assert_eq!((answer.status, answer.message.as_str()), (200, ""));
}

/// As on a Fabric peer: the callee's ERROR becomes an answer for the caller.
#[test]
fn a_callee_that_dies_is_an_answer_with_its_own_words() {
    let peers = Peers::new(&NetworkSpec::default());
    let (peer, _servers) = peer(&peers);
    let hostile = serve_component("hostile", "hostile");
    install_code(&peer, "hostile", "1.0", &hostile.connection());
    deploy_code(&peer, CHANNELS[0], "hostile", "1.0");
    let answer = ask(&peer, "one", "try cc2cc hostile panic at-the-disco");
    assert_eq!(answer.status, 200, "{}", answer.message);
    let text = String::from_utf8(answer.payload).unwrap();
    assert!(text.starts_with("refused: chaincode trapped: unreachable code"), "{text}");
    assert!(text.contains("at-the-disco"), "{text}");
}

#[test]
fn chaincodes_that_call_each_other_at_the_same_time_all_come_to_an_end() {
    let peers = Peers::new(&NetworkSpec::default());
    let (peer, _servers) = peer(&peers);
    thread::scope(|scope| {
        for (caller, callee) in [("one", "two"), ("two", "one")].repeat(8) {
            let peer = &peer;
            scope.spawn(move || {
                for _ in 0..4 {
                    let answer = ask(peer, caller, &format!("cc2cc {callee} range a z"));
                    assert_eq!((answer.status, answer.message.as_str()), (200, ""));
                }
            });
        }
    });
}
