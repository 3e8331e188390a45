//! A contract on Fabric's contract API for Node behaves like the same contract as a component on
//! this project's SDK.

use serde_json::Value;
use wasmcc_client as client;
use wasmcc_client::lscc;
use wasmcc_node::sandbox::{CHANNEL, Sandbox};
use wasmcc_tests::pair::{Mode, Pair, Twins, rwset};
use wasmcc_tests::{ExternalChaincode, Program, Served, call, guest, process, trusting};
use wasmcc_types::proto::protos::ChaincodeEvent;
use xtask::node_components;

use prost::Message;

/// Returns two peers with the contract `records`, and with the component `wasm`.
fn pair(mode: Mode, component: Vec<u8>) -> Pair {
    let pair = Pair::new(mode, Twins::new("records", component, Program::NodeContract, &[]));
    pair.deploy_component("wasm", "probe");
    pair
}

fn everything_is_the_same(mode: Mode, component: Vec<u8>) {
    all_functions_are_the_same(&pair(mode, component));
}

/// Calls the functions of `records`, on two peers that have the probe as `wasm`.
pub(crate) fn all_functions_are_the_same(pair: &Pair) {
    state(pair);
    queries(pair);
    answers(pair);
    calls(pair);
}

fn state(pair: &Pair) {
    let put = pair.submit("Put k v");
    let writes = &rwset(&put).unwrap().namespaces["records"].writes;
    assert_eq!(writes[0].value, br#"{"text":"v","version":1}"#);
    assert_eq!(put.response.unwrap().payload, b"1");
    assert_eq!(pair.text("Records:Get k"), "v");
    pair.submit("Put k w");
    assert_eq!(pair.text("Read k"), r#"{"text":"w","version":2}"#);
    assert_eq!(pair.refused("Get nothing"), "there is no nothing");
    assert_eq!(pair.refused("Delete nothing"), "there is no nothing");
    pair.submit("Delete k");
    assert_eq!(pair.refused("Get k"), "there is no k");
    pair.submit("Put k again");
    let history: Vec<Value> = serde_json::from_str(&pair.text("History k")).unwrap();
    let texts: Vec<_> = history.iter().map(|change| change["record"]["text"].as_str()).collect();
    assert_eq!(texts, [Some("again"), None, Some("w"), Some("v")]);
    assert_eq!(history[1]["isDelete"], true);
}

fn queries(pair: &Pair) {
    pair.submit("PutMany row 250");
    let keys = |rows: &Value| {
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| row["key"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = keys(&serde_json::from_str(&pair.text("Rows row rox")).unwrap());
    assert_eq!((all.len(), all[249].as_str()), (250, "row00249"));
    assert_eq!(pair.text("Rows x y"), "[]");
    let (mut paged, mut bookmark, mut pages) = (Vec::new(), "''".to_owned(), 0);
    while !bookmark.is_empty() {
        let page = pair.text(&format!("Page row rox 120 {bookmark}"));
        let page: Value = serde_json::from_str(&page).unwrap();
        paged.append(&mut keys(&page["rows"]));
        bookmark = page["bookmark"].as_str().unwrap().to_owned();
        pages += 1;
    }
    assert_eq!((pages, paged), (3, all));
}

fn answers(pair: &Pair) {
    let announced = pair.submit("Announce sold five");
    let events = client::chaincode_action(&announced.payload).unwrap().events;
    let event = ChaincodeEvent::decode(events.as_slice()).unwrap();
    assert_eq!((event.chaincode_id.as_str(), event.event_name.as_str()), ("records", "sold"));
    assert_eq!(event.payload, b"five");
    assert_eq!(pair.refused("Fail k because"), "because");
    let words = pair.text("Who");
    let (msp, tx_id) = words.split_once(' ').unwrap();
    assert_eq!((msp, tx_id.len()), ("Org1MSP", 64));
}

fn calls(pair: &Pair) {
    pair.submit("Put mine here");
    let called = pair.submit(r#"Call wasm ["put","k","its"]"#);
    assert_eq!(rwset(&called).unwrap().namespaces["wasm"].writes[0].value, b"its");
    assert_eq!(pair.text(r#"Call wasm ["get","k"]"#), "its");
    assert_eq!(pair.refused(r#"Call wasm ["status","500","no"]"#), "no");
    let back = pair.submit_to("wasm", "then cc2cc records Get mine ; cc2cc records Put mine there");
    let namespaces = rwset(&back).unwrap().namespaces;
    assert_eq!(namespaces["records"].writes[0].value, br#"{"text":"there","version":2}"#);
    assert_eq!(back.response.unwrap().payload, b"here2");
    let around = pair.refused(r#"Call wasm ["cc2cc","records","Get","mine"]"#);
    assert!(around.contains(&format!("({CHANNEL}) exists")), "{around}");
}

#[test]
fn a_contract_that_connects_does_what_a_component_does() {
    everything_is_the_same(Mode::ChaincodeConnects, guest("records"));
}

#[test]
fn a_contract_that_is_connected_to_does_what_a_component_does() {
    everything_is_the_same(Mode::PeerConnects, guest("records"));
}

#[test]
fn a_component_that_is_made_of_it_does_what_it_does_on_node() {
    let component = node_components::test_chaincode("records.js").unwrap();
    let pair = pair(Mode::PeerConnects, component);
    all_functions_are_the_same(&pair);
    for line in ["org.hyperledger.fabric:GetMetadata", "Nonsense", "Nobody:Get k", "Put k"] {
        pair.evaluate(line);
    }
}

/// The libraries of Go and Node differ in these; the SDK follows Go.
#[test]
fn what_a_contract_api_decides_for_itself_reaches_the_client_as_it_is() {
    let pair = pair(Mode::PeerConnects, guest("records"));
    let [wasm, other] = [&pair.wasm, &pair.other].map(|peer| {
        let ask = |line: &str| {
            let processed = process(peer, pair.propose(line).signed).unwrap();
            processed.response.response.unwrap()
        };
        let metadata = ask("org.hyperledger.fabric:GetMetadata");
        assert_eq!(metadata.status, 200, "{}", metadata.message);
        let metadata: Value = serde_json::from_slice(&metadata.payload).unwrap();
        let refusals = ["Nonsense", "Nobody:Get k", "Put k"].map(|line| {
            let response = ask(line);
            assert!(response.status >= 400 && response.payload.is_empty(), "{line}");
            response.message
        });
        (metadata, refusals)
    });
    assert_eq!(
        other.1[..2],
        [
            "You've asked to invoke a function that does not exist: Nonsense",
            "Contract name is not known: Nobody"
        ]
    );
    assert_eq!(other.1[2], "Expected 2 parameters, but 1 have been supplied");
    assert_eq!(
        wasm.1,
        [
            "Function Nonsense not found in contract Records",
            "Contract not found with name Nobody",
            "incorrect number of params. Expected 2, received 1: parameter text is missing"
        ]
    );
    let functions = |metadata: &Value| {
        let transactions = metadata["contracts"]["Records"]["transactions"].as_array().unwrap();
        let names = transactions.iter().map(|transaction| {
            let parameters = transaction["parameters"].as_array().map_or(0, Vec::len);
            (transaction["name"].as_str().unwrap().to_owned(), parameters)
        });
        let mut names: Vec<_> = names.filter(|(name, _)| name != "Crash").collect();
        names.sort();
        names
    };
    assert_eq!(functions(&other.0), functions(&wasm.0));
    assert_eq!(other.0["info"]["title"], "records");
}

#[test]
fn a_contract_that_crashes_ends_its_transaction_and_is_used_again() {
    let sandbox = Sandbox::builder().external(trusting()).build().unwrap();
    let served = Served::start(std::sync::Arc::clone(sandbox.peer()));
    let definition = lscc::Definition {
        channel_id: CHANNEL.into(),
        name: "records".into(),
        version: "1.0".into(),
        ..Default::default()
    };
    sandbox.install(&definition, br#"{"external": true}"#).unwrap();
    let connect =
        || ExternalChaincode::connect(Program::NodeContract, "records:1.0", served.address());
    let contract = connect();
    sandbox.instantiate(lscc::deploy(definition)).unwrap();
    sandbox.submit(call("records", "Put k v")).unwrap();
    let crashed = sandbox.endorse(call("records", "Crash k")).unwrap();
    let text = &crashed.response.message;
    assert!(text.ends_with("chaincode stream terminated"), "{text}");
    assert!(crashed.rwset.is_none() && crashed.proposal_response.endorsement.is_none());
    assert_eq!(contract.wait(), Some(3));
    let _again = connect();
    assert_eq!(sandbox.evaluate(call("records", "Get k")).unwrap().text(), "v");
}
