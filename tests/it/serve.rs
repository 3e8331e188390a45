//! `wasmcc serve` and what it stands on, before a peer on the loopback.

use std::time::Duration;

use wasmcc::bridge::{PeerAddress, PeerClient, Stop};
use wasmcc::types::{ChaincodeEvent, Response};
use wasmcc_tests::mock_peer::{MockListener, MockPeer, Service, args, component_program};
use wasmcc_tests::program::program;
use wasmcc_tests::{guest, guest_path};

const BULK: [&str; 3] = ["mput", "row", "250"];

fn text(response: &Response) -> String {
    String::from_utf8_lossy(&response.payload).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_reads_and_writes_behind_a_peer() {
    let service = Service::start(&guest("probe"), None).await;
    let mut peer = MockPeer::dial(&service.address, None, false).await.unwrap();
    let ok = |outcome: Result<(Response, Option<ChaincodeEvent>), String>| {
        let (response, _) = outcome.unwrap();
        assert_eq!(response.status, 200, "{}", response.message);
        text(&response)
    };
    ok(peer.call(args(["put", "k", "v"])).await);
    assert_eq!(ok(peer.call(args(["get", "k"])).await), "v");
    assert_eq!(ok(peer.call(args(["mget", "k", "none"])).await), "v\n-\n");
    ok(peer.call(args(["del", "k"])).await);
    assert_eq!(ok(peer.call(args(["get", "k"])).await), "");

    ok(peer.call(args(BULK)).await);
    let rows = ok(peer.call(args(["range", "row", "rox"])).await);
    assert_eq!(rows.lines().count(), 250);
    let asked = peer.ledger.take_log();
    let count = |name: &str| asked.iter().filter(|asked| asked.as_str() == name).count();
    assert_eq!((count("PUT_STATE"), count("WRITE_BATCH_STATE")), (251, 0));
    assert_eq!((count("QUERY_STATE_NEXT"), count("QUERY_STATE_CLOSE")), (2, 1));

    let early = ok(peer.call(args(["range", "row", "rox", "3"])).await);
    assert_eq!(early, "row00000=0\nrow00001=1\nrow00002=2\n");
    let asked = peer.ledger.take_log();
    assert_eq!(asked, ["GET_STATE_BY_RANGE", "QUERY_STATE_CLOSE"]);
    let page = ok(peer.call(args(["page", "row", "rox", "2", ""])).await);
    assert_eq!(page, "row00000=0\nrow00001=1\ncount=2 bookmark=row00002\n");
    let history = ok(peer.call(args(["history", "k"])).await);
    assert_eq!(history, "tx-old 0 v\n");
    let called = ok(peer.call(args(["cc2cc", "other", "x", "y"])).await);
    assert_eq!(called, "other got 2");
    let info = ok(peer.call(args(["info"])).await);
    assert!(info.contains("channel=ch\n") && info.contains("timestamp=7.000000008\n"), "{info}");
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_are_used_when_the_peer_offers_them() {
    let service = Service::start(&guest("probe"), None).await;
    let mut peer = MockPeer::dial(&service.address, None, true).await.unwrap();
    peer.call(args(["batch", "row", "250"])).await.unwrap();
    assert_eq!(peer.ledger.take_log(), ["WRITE_BATCH_STATE"; 3]);
    let (response, _) = peer.call(args(["mget", "row00249", "none"])).await.unwrap();
    assert_eq!(text(&response), "249\n-\n");
    assert_eq!(peer.ledger.take_log(), ["GET_STATE_MULTIPLE"]);

    let mut old = MockPeer::dial(&service.address, None, false).await.unwrap();
    old.call(args(["batch", "row", "3"])).await.unwrap();
    assert_eq!(old.ledger.take_log(), ["PUT_STATE"; 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_errors_and_panics_reach_the_peer() {
    let service = Service::start(&guest("probe"), None).await;
    let mut peer = MockPeer::dial(&service.address, None, false).await.unwrap();
    let (_, event) = peer.call(args(["event", "sold", "car"])).await.unwrap();
    let event = event.unwrap();
    assert_eq!((event.name.as_str(), event.payload.as_slice()), ("sold", &b"car"[..]));
    let (response, _) = peer.call(args(["status", "404", "no such car"])).await.unwrap();
    assert_eq!((response.status, response.message.as_str()), (404, "no such car"));
    peer.ledger.refuse("GET_STATE", "the disk is gone");
    let (response, _) = peer.call(args(["get", "k"])).await.unwrap();
    assert!(response.status >= 500, "{response:?}");
    assert!(response.message.contains("the disk is gone"), "{response:?}");

    let hostile = Service::start(&guest("hostile"), None).await;
    let mut peer = MockPeer::dial(&hostile.address, None, false).await.unwrap();
    let error = peer.call(args(["panic", "on purpose"])).await.unwrap_err();
    assert!(error.contains("chaincode trapped") && error.contains("on purpose"), "{error}");
    let error = peer.call(args(["loop"])).await.unwrap_err();
    assert!(error.contains("timeout expired") || error.contains("fuel"), "{error}");
    assert!(peer.call(args([""])).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_peers_are_served_at_once_and_a_lost_one_harms_nobody() {
    let service = Service::start(&guest("probe"), None).await;
    let mut first = MockPeer::dial(&service.address, None, false).await.unwrap();
    let mut second = MockPeer::dial(&service.address, None, true).await.unwrap();
    first.call(args(["put", "k", "1"])).await.unwrap();
    second.call(args(["put", "k", "2"])).await.unwrap();
    let (response, _) = first.call(args(["get", "k"])).await.unwrap();
    assert_eq!(text(&response), "1");
    // The stream breaks while the chaincode waits for an answer.
    first.begin_and_hang_up(args(["get", "k"])).await;
    let (response, _) = second.call(args(["get", "k"])).await.unwrap();
    assert_eq!(text(&response), "2");
    let mut again = MockPeer::dial(&service.address, None, false).await.unwrap();
    assert!(again.call(args(["noop"])).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_the_running_transaction_end() {
    let service = Service::start(&guest("probe"), None).await;
    let mut peer = MockPeer::dial(&service.address, None, false).await.unwrap();
    let stop = service.stop_handle();
    peer.ledger.before_answers(move || stop.stop());
    let (response, _) = peer.call(args(["get", "k"])).await.unwrap();
    assert_eq!(response.status, 200);
    assert!(peer.ended().await);
    service.ended().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_and_mutual_tls() {
    use wasmcc::msp::{Network, NetworkSpec};
    use wasmcc::types::{ClientTls, ServerTls};

    let network = Network::in_memory(&NetworkSpec::default()).unwrap();
    let org = &network.orgs()[0];
    let (server, client) = (org.tls("peer0").unwrap(), org.tls("Admin").unwrap());
    let root = org.tls_ca_certificate().to_owned();
    let identity = Some((client.certificate.clone(), client.key.clone()));
    let (anonymous, known) = (
        ClientTls { root: root.clone(), identity: None, domain: Some("localhost".into()) },
        ClientTls { root: root.clone(), identity, domain: Some("localhost".into()) },
    );
    for client_ca in [None, Some(root)] {
        let mutual = client_ca.is_some();
        let (certificate, key) = (server.certificate.clone(), server.key.clone());
        let tls = ServerTls { certificate, key, client_ca };
        let service = Service::start(&guest("probe"), Some(tls)).await;
        let mut peer = MockPeer::dial(&service.address, Some(&known), false).await.unwrap();
        assert!(peer.call(args(["noop"])).await.is_ok());
        let unknown = MockPeer::dial(&service.address, Some(&anonymous), false).await;
        assert_eq!(unknown.is_err(), mutual);
        assert!(MockPeer::dial(&service.address, None, false).await.is_err());
    }
}

/// The program itself, set up by the environment variables of Fabric's samples.
#[tokio::test(flavor = "multi_thread")]
async fn the_program_serves_two_components_until_it_is_told_to_end() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    let (probe, transfer) = (guest_path("probe").display(), guest_path("transfer").display());
    let mut child = Command::new(program())
        .arg("serve")
        .args([&format!("{probe}=probe:1@127.0.0.1:0"), &format!("{transfer}=tr:2@127.0.0.1:0")])
        .envs([("CHAINCODE_TLS_DISABLED", "true"), ("CORE_PEER_LOCALMSPID", "Org1MSP")])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut address = |id: &str| {
        let line = lines.next().unwrap();
        line.strip_prefix(&format!("serving {id} on ")).unwrap().to_owned()
    };
    let (first, second) = (address("probe:1"), address("tr:2"));
    let mut peer = MockPeer::dial(&first, None, false).await.unwrap();
    assert_eq!(peer.name.as_deref(), Some("probe:1"));
    peer.call(args(["put", "k", "v"])).await.unwrap();
    let other = MockPeer::dial(&second, None, false).await.unwrap();
    assert_eq!(other.name.as_deref(), Some("tr:2"));
    let kill = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    assert!(peer.ended().await && other.ended().await);
    assert!(child.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_refuses_the_id_ends_the_dial_in_with_both_ids() {
    let listener = MockListener::bind().await;
    let address = listener.address.to_string();
    let program = component_program("probe:1", &guest("probe"));
    let (_stop, stopped) = Stop::new();
    let client = PeerClient::connect(&PeerAddress { address, tls: None }).await.unwrap();
    let serving = tokio::spawn(client.serve(program, stopped, Duration::from_secs(1)));
    listener.refuse("expected package id probe:2").await;
    let error = serving.await.unwrap().unwrap_err().to_string();
    assert!(error.contains("'probe:1'") && error.contains("probe:2"), "{error}");
}
