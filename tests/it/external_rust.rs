//! A chaincode on the Rust crate `fabric-shim` behaves like the same chaincode as a component.
//!
//! The crate deliberately is not followed where it differs from Fabric's own shims: a range from ""
//! begins before U+0001, and stopping at the last row of a batch does not request the next batch.

use wasmcc_client as client;
use wasmcc_tests::pair::{Mode, Pair, Twins, rwset};
use wasmcc_tests::{Program, guest};
use xtask::rust_chaincode::Profile;

const RUST: Program = Program::RustShim(Profile::Debug);

fn everything_is_the_same(mode: Mode) {
    let pair = Pair::new(mode, Twins::new("probe", guest("probe"), RUST, &["first", "7"]));
    pair.deploy_component("wasm", "probe");
    assert_eq!(pair.text("get init"), "first 7");
    state(&pair);
    answers(&pair);
    calls(&pair);
}

fn state(pair: &Pair) {
    assert_eq!(pair.text("noop"), "");
    pair.submit("put k v");
    assert_eq!(pair.text("get k"), "v");
    pair.submit("del k");
    assert_eq!(pair.text("get k"), "");
    pair.submit("mput row 1000");
    let all = pair.text("range row rox");
    assert_eq!(all.lines().count(), 1000);
    assert_eq!(all.lines().last(), Some("row00999=999"));
    for rows in [0, 1, 99, 101, 999] {
        assert_eq!(pair.text(&format!("range row rox {rows}")).lines().count(), rows);
    }
    assert_eq!(pair.text("range x y"), "");
}

fn answers(pair: &Pair) {
    let sold = pair.submit("event sold five");
    let event = client::chaincode_action(&sold.payload).unwrap().events;
    assert!(event.windows(4).any(|bytes| bytes == b"sold"));
    for (line, status, message) in [
        ("status 201 fine", 201, "fine"),
        ("status 404 missing x", 404, "missing"),
        ("status 500 broken x", 500, "broken"),
    ] {
        let response = pair.evaluate(line);
        assert_eq!((response.status, response.message.as_str()), (status, message));
    }
}

fn calls(pair: &Pair) {
    let called = pair.submit("cc2cc wasm put k its");
    assert_eq!(rwset(&called).unwrap().namespaces["wasm"].writes[0].value, b"its");
    assert_eq!(pair.text("cc2cc wasm get k"), "its");
    let back = pair.submit_to("wasm", "then cc2cc probe put k mine ; rmw k too");
    assert_eq!(rwset(&back).unwrap().namespaces["probe"].writes[0].value, b"mine");
    assert_eq!(pair.text("get k"), "mine");
    assert_eq!(pair.refused("cc2cc wasm status 500 no"), "no");
    for name in ["nobody", "probe"] {
        let text = pair.refused(&format!("cc2cc {name} get k"));
        assert!(text.starts_with("INVOKE_CHAINCODE failed: transaction ID: "), "{text}");
    }
}

#[test]
fn a_chaincode_that_is_connected_to_does_what_a_component_does() {
    everything_is_the_same(Mode::PeerConnects);
}

#[test]
fn a_chaincode_that_connects_does_what_a_component_does() {
    everything_is_the_same(Mode::ChaincodeConnects);
}

#[test]
fn a_transfer_writes_what_it_writes_as_a_component() {
    let pair = Pair::new(Mode::PeerConnects, Twins::new("transfer", guest("transfer"), RUST, &[]));
    pair.submit("open alice 100");
    pair.submit("open bob 5");
    let paid = pair.submit("transfer alice bob 30");
    let writes = &rwset(&paid).unwrap().namespaces["transfer"].writes;
    assert_eq!(writes[1].value, br#"{"owner":"bob","balance":35}"#);
    assert_eq!(pair.text("noop"), "");
    assert_eq!(pair.refused("transfer alice carol 1"), "no account carol");
    assert_eq!(pair.refused("transfer alice alice 1"), "alice cannot pay itself");
    assert_eq!(pair.refused("transfer bob alice 36"), "bob has too little");
    let text = "no function transfer with 1 arguments";
    assert_eq!(pair.refused("transfer alice"), text);
}
