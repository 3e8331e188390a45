//! A chaincode on Fabric's Node shim behaves like the same chaincode as a component.

use prost::Message;
use wasmcc_channel::collections::package_from_json;
use wasmcc_client as client;
use wasmcc_client::ProposalBuilder;
use wasmcc_msp::SignaturePolicy;
use wasmcc_node::sandbox::{CHANNEL, Sandbox};
use wasmcc_tests::pair::{Mode, Pair, Twins};
use wasmcc_tests::{Program, call, guest};
use xtask::node_components;

/// The peers' organization is a member, except of `theirs` and `closed`.
pub(crate) const COLLECTIONS: &str = r#"[
    {"name":"open","policy":"OR('Org1MSP.member')"},
    {"name":"short","policy":"OR('Org1MSP.member')","blockToLive":2},
    {"name":"theirs","policy":"OR('OrdererMSP.member')"},
    {"name":"closed","policy":"OR('Org1MSP.admin')","memberOnlyRead":true,
     "memberOnlyWrite":true}]"#;

fn everything_is_the_same(mode: Mode, component: Vec<u8>) -> Pair {
    let mut twins = Twins::new("probe", component, Program::NodeShim, &["first", "7"]);
    twins.definition.collections = Some(package_from_json(COLLECTIONS).unwrap());
    let pair = Pair::new(mode, twins);
    all_words_are_the_same(&pair);
    pair
}

/// Calls the probe's operations, on two peers where it was deployed with `first 7` and
/// [`COLLECTIONS`].
pub(crate) fn all_words_are_the_same(pair: &Pair) {
    assert_eq!(pair.text("get init"), "first 7");
    state(pair);
    queries(pair);
    private(pair);
    rich_queries(pair);
    answers(pair);
}

fn state(pair: &Pair) {
    pair.submit("put k v");
    assert_eq!(pair.text("get k"), "v");
    assert_eq!(pair.text("get nothing"), "");
    assert_eq!(pair.text("putread k z"), "v");
    pair.submit("rmw k x");
    assert_eq!(pair.text("mget k nothing k"), "vx\n-\nvx\n");
    pair.evaluate("empty k");
    pair.submit("del k");
    assert_eq!(pair.text("get k"), "");
    pair.submit("put k again");
    let history = pair.text("history k");
    let values: Vec<_> = history.lines().map(|line| line.rsplit(' ').next().unwrap()).collect();
    assert_eq!(values, ["again", "deleted", "vx", "v"]);
    pair.submit("setmeta k policy");
    assert_eq!(pair.text("getmeta k"), policy_of("policy"));
    assert_eq!(pair.text("get k"), "again");
}

/// Returns the policy that both probes make of a word: the peers of this organization.
fn policy_of(org: &str) -> String {
    let policy = SignaturePolicy::from_text(&format!("OR('{org}.peer')")).unwrap();
    String::from_utf8(policy.envelope().encode_to_vec()).unwrap()
}

fn queries(pair: &Pair) {
    pair.submit("mput row 250");
    let all = pair.text("range row rox");
    assert_eq!(all.lines().count(), 250);
    assert_eq!(all.lines().last(), Some("row00249=249"));
    // A peer records the rows that it reads ahead, so the stop within a batch matters.
    for rows in [0, 1, 99, 101, 199, 201, 249] {
        assert_eq!(pair.text(&format!("range row rox {rows}")).lines().count(), rows);
    }
    assert_eq!(pair.text("range '' ''").lines().count(), 252);
    assert_eq!(pair.text("range x y"), "");
    let page = pair.text("page row rox 3 ''");
    assert_eq!(page, "row00000=0\nrow00001=1\nrow00002=2\ncount=3 bookmark=row00003\n");
    assert!(pair.text("page row rox 200 row00100").ends_with("count=150 bookmark=\n"));
    pair.submit("comp t a 1");
    pair.submit("comp t b 2");
    assert_eq!(pair.text("pcomp t"), "t/a=1\nt/b=2\n");
    for change in 0..101 {
        pair.submit(&format!("put often {change}"));
    }
    assert_eq!(pair.text("history often").lines().count(), 101);
}

fn private(pair: &Pair) {
    for line in ["pput open k secret", "then pput open a 1 ; pput open b 2 ; pput short s v"] {
        pair.submit(line);
    }
    assert_eq!(pair.text("pget open k"), "secret");
    assert_eq!(pair.text("pget open nothing"), "");
    assert_eq!(pair.text("phash open k").len(), 64);
    assert_eq!(pair.text("phash theirs k"), "");
    assert_eq!(pair.text("prange open a c"), "a=1\nb=2\n");
    pair.submit("then pget open a ; pdel open a ; pput open b 3");
    pair.submit("psetmeta open b policy");
    assert_eq!(pair.text("pgetmeta open b"), policy_of("policy"));
    pair.submit("then put public v ; psetmeta '' public policy");
    assert_eq!(pair.text("pgetmeta '' public"), policy_of("policy"));
    assert_eq!(pair.text("getmeta public"), policy_of("policy"));
    pair.submit("ppurge open k");
    assert_eq!(pair.text("then pget open k ; phash open k ; pget short s"), "");
    assert_eq!(pair.text("prange open a z"), "b=3\n");
    pair.submit("pput theirs k v");
    let transient = ProposalBuilder::new(CHANNEL, "probe")
        .args(["pput-transient", "open", "t", "price"])
        .transient([("price".to_owned(), b"100".to_vec())].into());
    let transient = transient.sign(&pair.user);
    let endorsed = pair.same(&transient, "transient");
    pair.commit(&transient, &endorsed);
    assert_eq!(pair.text("pget open t"), "100");
    for (line, cause) in [
        ("pget theirs k", "private data matching public hash version is not available"),
        ("pput closed k v", "tx creator does not have write access permission on privatedata"),
        ("pget closed k", "tx creator does not have read access permission on privatedata"),
        ("prange closed a z", "tx creator does not have read access permission on privatedata"),
        ("pquery closed {}", "tx creator does not have read access permission on privatedata"),
        ("phash none k", "collection [none] not defined in the collection config for chaincode"),
        ("pput none k v", "collection mychannel/probe/none could not be found"),
        ("then put x v ; prange open a z", "unsuppored transaction. Queries on pvt data is"),
        ("then prange open a z ; put x v", "unsuppored transaction. Transaction has already"),
    ] {
        let response = pair.evaluate(line);
        assert_eq!(response.status, 500, "{line}");
        assert!(response.message.contains(cause), "{line}: {}", response.message);
    }
}

fn rich_queries(pair: &Pair) {
    let puts: Vec<_> = (0..150).map(|n| format!("put d{n:03} {{\"n\":{}}}", n % 7)).collect();
    pair.submit(&format!("then {}", puts.join(" ; ")));
    let query = r#"{"selector":{"n":{"$gt":2}},"fields":["n"]}"#;
    assert_eq!(pair.text(&format!("query {query}")).lines().count(), 84);
    let query = r#"{"selector":{"n":{"$gte":0}}}"#;
    assert_eq!(pair.text(&format!("query {query}")).lines().count(), 150);
    for rows in [0, 1, 99, 101, 149] {
        assert_eq!(pair.text(&format!("query {query} {rows}")).lines().count(), rows);
    }
    let puts: Vec<_> = (0..150).map(|n| format!("pput open d{n:03} {{\"n\":{n}}}")).collect();
    pair.submit(&format!("then {}", puts.join(" ; ")));
    assert_eq!(pair.text(&format!("pquery open {query}")).lines().count(), 150);
    let page = pair.text(&format!("querypage {query} 100 ''"));
    let bookmark = page.trim_end().rsplit_once("count=100 bookmark=").unwrap().1;
    let page = pair.text(&format!("querypage {query} 100 {bookmark}"));
    assert_eq!(page.lines().count(), 51);
    assert_eq!(pair.text(r#"querypage {"selector":{"x":1}} 5 ''"#), "count=0 bookmark=nil\n");
}

fn answers(pair: &Pair) {
    assert_eq!(pair.text("noop"), "");
    let sold = pair.same(&pair.propose("event sold five"), "event");
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
    for (line, what) in [
        ("query {}", "GET_QUERY_RESULT failed: transaction ID: "),
        ("pget c k", "GET_STATE failed: transaction ID: "),
        ("pput c k v", "PUT_STATE failed: transaction ID: "),
        ("ppurge c k", "PURGE_PRIVATE_DATA failed: transaction ID: "),
        ("cc2cc nobody get k", "INVOKE_CHAINCODE failed: transaction ID: "),
        ("cc2cc probe get k", "INVOKE_CHAINCODE failed: transaction ID: "),
        ("cc2cc-on elsewhere probe get k", "INVOKE_CHAINCODE failed: transaction ID: "),
    ] {
        let response = pair.evaluate(line);
        assert_eq!(response.status, 500, "{line}");
        assert_eq!(response.message.matches(" failed: transaction ID: ").count(), 1, "{line}");
        assert!(response.message.starts_with(what), "{line}: {}", response.message);
    }
}

#[test]
fn a_chaincode_that_connects_does_what_a_component_does() {
    everything_is_the_same(Mode::ChaincodeConnects, guest("probe"));
}

#[test]
fn a_chaincode_that_is_connected_to_does_what_a_component_does() {
    everything_is_the_same(Mode::PeerConnects, guest("probe"));
}

/// Calls operations that the Rust component does not have: functions of Node's shim and modules.
fn functions(pair: &Pair) {
    for line in ["cid", "endorsers", "asked", "asked a '' \u{e4}", "order", "language", "modules"] {
        pair.text(line);
    }
    // A page of negative size has no limit.
    for line in [
        "awaited row rox",
        "awaited-page row rox 7",
        "awaited-page row rox -1",
        "awaited-history often",
    ] {
        assert!(pair.text(line).lines().count() > 6, "{line}");
    }
    assert_eq!(pair.text("awaited-private open").lines().last(), Some("t=100"));
    pair.submit("pcomposite open type");
    assert!(pair.text("awaited-pcomposite open type").ends_with("=v"));
    assert!(pair.text("page-composite t 1").contains(r#""fetchedRecordsCount":1"#));
    let refusals = pair.text("refusals");
    assert_eq!(refusals.lines().filter(|line| *line != "done").count(), 15, "{refusals}");
    assert!(refusals.contains("Failure: Cannot coerce to Uint8Array: array"), "{refusals}");
    assert_eq!(pair.text("base64 aGVsbG8="), "hello");
}

#[test]
fn a_component_that_is_made_of_it_does_what_it_does_on_node() {
    let component = node_components::test_chaincode("probe.js").unwrap();
    functions(&everything_is_the_same(Mode::PeerConnects, component));
}

/// On Node.js the peer refuses the whole message; a component continues.
#[test]
fn text_that_is_not_unicode_is_an_error_that_a_contract_can_catch() {
    let component = node_components::test_chaincode("probe.js").unwrap();
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("probe", &component).unwrap();
    let said = sandbox.evaluate(call("probe", "halves")).unwrap().text();
    assert_eq!(said.lines().count(), 8, "{said}");
    assert!(said.lines().all(|line| line.contains("half of a surrogate pair")), "{said}");
    assert_eq!(sandbox.evaluate(call("probe", "shown")).unwrap().text(), "");
}
