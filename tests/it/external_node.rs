//! A chaincode on Fabric's Node shim does what the same chaincode does as a component.

use std::sync::Arc;
use std::time::Duration;

use wasmcc::client::lscc::{self, Definition};
use wasmcc::client::{self, ClientProposal, ProposalBuilder, cscc};
use wasmcc::msp::{NetworkSpec, SigningIdentity};
use wasmcc::node::Peer;
use wasmcc::proto::protos::{self, TxValidationCode};
use wasmcc::sandbox::CHANNEL;
use wasmcc::types::ChannelId;
use wasmcc_tests::{NodeChaincode, Peers, Served, guest, process};

/// Who connects to whom.
#[derive(Clone, Copy)]
enum Mode {
    ChaincodeConnects,
    PeerConnects,
}

/// Two peers of one organization that get the same proposals. The chaincode `probe` of the one is a
/// component, that of the other runs on Node.
struct Pair {
    wasm: Arc<Peer>,
    node: Arc<Peer>,
    user: SigningIdentity,
    _chaincode: NodeChaincode,
    _served: Served,
}

impl Pair {
    fn new(mode: Mode) -> Self {
        let network = Peers::new(&NetworkSpec::default());
        let members = network.network();
        let org = members.org("Org1MSP").unwrap();
        let admin = org.admin().unwrap();
        let genesis = members.genesis(ChannelId::parse(CHANNEL).unwrap()).block().unwrap();
        let [wasm, node] = [(), ()].map(|()| {
            let peer = network.peer(|config| {
                config.support.external.connect_wait = Duration::from_secs(60);
            });
            process(&peer, cscc::join(&genesis).sign(&admin).signed).unwrap();
            peer
        });
        let served = Served::start(Arc::clone(&node));
        let mut chaincode = None;
        let description = match mode {
            Mode::ChaincodeConnects => r#"{"external": true}"#.to_owned(),
            Mode::PeerConnects => {
                let chaincode = chaincode.insert(NodeChaincode::serve("probe:1.0", 0));
                let address = chaincode.address();
                format!(r#"{{"address": "{address}", "dial_timeout": "10s"}}"#)
            }
        };
        for (peer, code) in [(&wasm, guest("probe")), (&node, description.into_bytes())] {
            let install = lscc::install("probe", "1.0", code).sign(&admin);
            let installed = process(peer, install.signed).unwrap().response.response.unwrap();
            assert_eq!(installed.status, 200, "{}", installed.message);
        }
        let connect = || NodeChaincode::connect("probe:1.0", served.address());
        let chaincode = chaincode.unwrap_or_else(connect);
        let user = org.user("User1").unwrap();
        let this = Self { wasm, node, user, _chaincode: chaincode, _served: served };
        let deploy = lscc::deploy(Definition {
            channel_id: CHANNEL.into(),
            name: "probe".into(),
            version: "1.0".into(),
            init_args: vec![b"first".to_vec(), b"7".to_vec()],
            ..Definition::default()
        });
        let deploy = deploy.sign(&admin);
        for peer in [&this.wasm, &this.node] {
            let deployed = process(peer, deploy.signed.clone()).unwrap().response;
            commit(peer, &deploy, deployed, &admin);
        }
        this
    }

    fn propose(&self, line: &str) -> ClientProposal {
        let words = line.split(' ').map(|word| if word == "''" { "" } else { word });
        ProposalBuilder::new(CHANNEL, "probe").args(words).sign(&self.user)
    }

    /// What both peers answer: response, reads, writes and event, byte for byte.
    #[track_caller]
    fn same(&self, proposal: &ClientProposal, line: &str) -> protos::ProposalResponse {
        let [wasm, node] = [&self.wasm, &self.node]
            .map(|peer| process(peer, proposal.signed.clone()).unwrap().response);
        assert_eq!(node.response, wasm.response, "{line}");
        assert!(node.payload == wasm.payload, "{line}: {:?}", (action(&node), action(&wasm)));
        assert_eq!(node.interest, wasm.interest, "{line}");
        node
    }

    #[track_caller]
    fn evaluate(&self, line: &str) -> protos::Response {
        self.same(&self.propose(line), line).response.unwrap()
    }

    #[track_caller]
    fn text(&self, line: &str) -> String {
        let response = self.evaluate(line);
        assert_eq!(response.status, 200, "{line}: {}", response.message);
        String::from_utf8(response.payload).unwrap()
    }

    #[track_caller]
    fn submit(&self, line: &str) {
        let proposal = self.propose(line);
        let response = self.same(&proposal, line);
        for peer in [&self.wasm, &self.node] {
            commit(peer, &proposal, response.clone(), &self.user);
        }
    }
}

#[track_caller]
fn commit(
    peer: &Peer,
    proposal: &ClientProposal,
    response: protos::ProposalResponse,
    signer: &SigningIdentity,
) {
    let said = response.response.clone();
    let envelope = client::transaction(&proposal.signed, &[response]);
    let envelope = envelope.unwrap_or_else(|error| panic!("{error}: {said:?}"));
    let committer = peer.committer(CHANNEL).unwrap();
    let block = committer.commit_envelopes(vec![client::sign_envelope(envelope, signer)]);
    assert_eq!(block.unwrap().codes, [TxValidationCode::Valid]);
}

/// For people who look at a difference.
fn action(response: &protos::ProposalResponse) -> Option<wasmcc::ledger::TxRwSet> {
    let action = client::chaincode_action(&response.payload).ok()?;
    wasmcc::ledger::TxRwSet::decode(&action.results).ok()
}

fn everything_is_the_same(mode: Mode) {
    let pair = Pair::new(mode);
    assert_eq!(pair.text("get init"), "first 7");
    state(&pair);
    queries(&pair);
    answers(&pair);
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
    assert_eq!(pair.text("getmeta k"), "policy");
    assert_eq!(pair.text("get k"), "again");
}

fn queries(pair: &Pair) {
    pair.submit("mput row 250");
    let all = pair.text("range row rox");
    assert_eq!(all.lines().count(), 250);
    assert_eq!(all.lines().last(), Some("row00249=249"));
    // Read ahead is what a peer does, so it counts wherever one stops within a batch.
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
    everything_is_the_same(Mode::ChaincodeConnects);
}

#[test]
fn a_chaincode_that_is_connected_to_does_what_a_component_does() {
    everything_is_the_same(Mode::PeerConnects);
}
