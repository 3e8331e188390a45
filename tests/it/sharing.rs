//! Concurrent calls: waiting or computing calls block no other call, and ended calls free all
//! resources. The peer has one worker.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::task::JoinHandle;
use tonic::{Code, Status};
use wasmcc_client::ProposalBuilder;
use wasmcc_client::lscc::{self, Definition};
use wasmcc_msp::NetworkSpec;
use wasmcc_node::sandbox::CHANNEL;
use wasmcc_node::{Peer, PeerConfig};
use wasmcc_tests::{
    Peers, Scripted, Served, create_channel, deploy, deploy_code, install_code, on_peer_thread,
    trusting,
};
use wasmcc_types::proto::gateway::EvaluateRequest;
use wasmcc_types::proto::gateway::gateway_client::GatewayClient;
use wasmcc_types::proto::protos::chaincode_message::Type;
use wasmcc_types::proto::protos::{self, ChaincodeMessage};

const CONNECTS: &[u8] = br#"{"external": true}"#;

type Call = JoinHandle<Result<protos::ProposalResponse, Status>>;

/// A served peer with the components `probe` and `hostile` and, behind a stream, `cc`.
struct Site {
    served: Served,
    peer: Arc<Peer>,
    cc: Scripted,
}

impl Site {
    fn new(adjust: impl FnOnce(&mut PeerConfig)) -> Self {
        let peer = Peers::new(&NetworkSpec::default()).peer(|config| {
            config.support.external = trusting();
            adjust(config);
        });
        create_channel(&peer, CHANNEL);
        for name in ["probe", "hostile"] {
            deploy(&peer, CHANNEL, name, name);
        }
        let cc = external(&peer, 16);
        Self { served: Served::start(Arc::clone(&peer)), peer, cc }
    }

    /// Sends a call as one user.
    fn call_as(&self, user: &str, chaincode: &str, line: &str) -> Call {
        self.served.propose(self.signed(user, chaincode, line))
    }

    fn signed(&self, user: &str, chaincode: &str, line: &str) -> protos::SignedProposal {
        let user = self.peer.network().org("Org1MSP").unwrap().user(user).unwrap();
        ProposalBuilder::new(CHANNEL, chaincode).args(line.split(' ')).sign(&user).signed
    }

    fn call(&self, chaincode: &str, line: &str) -> Call {
        self.call_as("User1", chaincode, line)
    }

    /// Returns the result of a call.
    fn end(&self, call: Call) -> Result<protos::Response, Status> {
        self.served.wait(call).unwrap().map(|response| response.response.unwrap())
    }

    /// Receives a transaction of `cc`.
    fn hear(&mut self) -> ChaincodeMessage {
        let message = self.cc.hear();
        assert_eq!(message.r#type(), Type::Transaction);
        message
    }

    /// Waits until this many calls are in progress, with this many guests.
    fn in_progress(&self, calls: usize, guests: usize) {
        let support = self.peer.support();
        while (support.calls().taken(), support.instances().taken()) != (calls, guests) {
            thread::yield_now();
        }
    }

    fn is_fine(&self) {
        let answer = self.end(self.call_as("User2", "probe", "noop")).unwrap();
        assert_eq!((answer.status, answer.message.as_str()), (200, ""));
    }
}

/// Deploys `cc` and answers its `init`.
fn external(peer: &Arc<Peer>, outbox: usize) -> Scripted {
    install_code(peer, "cc", "1.0", CONNECTS);
    let (mut cc, _) = Scripted::ready_at(peer, outbox, "cc:1.0");
    thread::scope(|scope| {
        scope.spawn(|| deploy_code(peer, CHANNEL, "cc", "1.0"));
        let init = cc.hear();
        cc.complete(&init);
    });
    cc
}

fn abort(calls: Vec<Call>) {
    calls.iter().for_each(JoinHandle::abort);
}

#[test]
fn others_are_answered_beside_calls_that_wait_and_calls_that_compute() {
    let mut site = Site::new(|_| {});
    let waiting: Vec<Call> = (0..4).map(|_| site.call("cc", "never")).collect();
    let nested: Vec<Call> = (0..2).map(|_| site.call("probe", "cc2cc cc never")).collect();
    for _ in 0..6 {
        site.hear();
    }
    let computing: Vec<Call> = (0..4).map(|_| site.call("hostile", "loop")).collect();
    site.in_progress(10, 6);
    for _ in 0..10 {
        site.is_fine();
    }
    let own = site.end(site.call("hostile", "status 200"));
    assert_eq!(own.unwrap().status, 200, "even the same client's, at the same chaincode");
    let calls: Vec<Call> = [waiting, nested, computing].into_iter().flatten().collect();
    assert!(calls.iter().all(|call| !call.is_finished()));
    abort(calls);
    site.in_progress(0, 0);
    assert!(site.cc.stream.is_open());
    site.is_fine();
}

#[test]
fn a_client_that_leaves_gives_everything_back() {
    let mut site = Site::new(|_| {});
    for (chaincode, line, guests) in
        [("cc", "go", 0), ("probe", "cc2cc cc go", 1), ("hostile", "loop", 1)]
    {
        let signed = site.signed("User1", chaincode, line);
        let call = site.served.propose(signed.clone());
        let heard = (chaincode != "hostile").then(|| site.hear());
        site.in_progress(1, guests);
        call.abort();
        site.in_progress(0, 0);
        let Some(heard) = heard else { continue };
        // Its requests are now refused, and after its end the same can be sent again.
        let get = protos::GetState { key: "k".into(), ..Default::default() };
        assert_eq!(site.cc.ask_badly(&heard, Type::GetState, &get), "no ledger context");
        site.cc.complete(&heard);
        let again = site.served.propose(signed);
        let heard = site.hear();
        site.cc.complete(&heard);
        assert_eq!(site.end(again).unwrap().status, 200);
    }
}

#[test]
fn one_deadline_holds_for_a_transaction_and_all_that_it_calls() {
    let timeout = Duration::from_secs(8);
    let mut site = Site::new(|config| {
        config.support.execute_timeout = timeout;
        // The time limit ends them.
        config.limits.fuel = u64::MAX / 2;
        config.runtime = None;
    });
    let late = ": timeout expired while executing transaction";
    let lines = [
        ("cc", "never"),
        ("probe", "cc2cc cc never"),
        ("probe", "cc2cc hostile loop"),
        ("hostile", "loop"),
    ];
    let calls = lines.map(|(chaincode, line)| site.call(chaincode, line));
    for _ in 0..2 {
        site.hear();
    }
    for ((chaincode, line), call) in lines.into_iter().zip(calls) {
        let ended = site.end(call).unwrap();
        assert_eq!(ended.status, 500, "{chaincode} {line}");
        assert!(ended.message.ends_with(late), "{chaincode} {line}: {}", ended.message);
    }
    site.in_progress(0, 0);
}

#[test]
fn a_clients_own_deadline_ends_its_call() {
    let mut site = Site::new(|_| {});
    for (chaincode, line) in [("cc", "never"), ("hostile", "loop"), ("probe", "cc2cc cc never")] {
        let signed = site.signed("User1", chaincode, line);
        let mut gateway = GatewayClient::new(site.served.connect());
        let status = site.served.wait(async move {
            let proposed = EvaluateRequest {
                proposed_transaction: Some(signed),
                ..EvaluateRequest::default()
            };
            let mut request = tonic::Request::new(proposed);
            request.set_timeout(Duration::from_secs(2));
            gateway.evaluate(request).await.unwrap_err()
        });
        // The client's transport may be faster than the peer's answer.
        let ends = [Code::DeadlineExceeded, Code::Cancelled];
        assert!(ends.contains(&status.code()), "{status}");
        if line.ends_with("never") {
            site.hear();
        }
        site.in_progress(0, 0);
    }
}

#[test]
fn clients_of_one_chaincode_share_it() {
    let site = Site::new(|_| {});
    let computing: Vec<Call> = (0..6).map(|_| site.call("hostile", "loop")).collect();
    site.in_progress(6, 6);
    for _ in 0..5 {
        let answer = site.end(site.call_as("User2", "hostile", "status 200"));
        assert_eq!(answer.unwrap().status, 200);
    }
    assert!(computing.iter().all(|call| !call.is_finished()));
    abort(computing);
    site.in_progress(0, 0);
}

#[test]
fn who_has_a_full_share_is_told_so_and_others_still_get_in() {
    let mut site = Site::new(|config| config.support.calls = 4);
    let refused = |user: &str, chaincode: &str| {
        let status = site.end(site.call_as(user, chaincode, "noop")).unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
        status.message().to_owned()
    };
    let calls: Vec<Call> = (0..2).map(|_| site.call("cc", "never")).collect();
    site.in_progress(2, 0);
    let text = "the peer is busy: the client has 2 calls in progress, and may have 2 of them; try \
                again later";
    assert_eq!(refused("User1", "probe"), text);
    let text = "the peer is busy: chaincode cc has 2 calls in progress, and may have 2 of them; \
                try again later";
    assert_eq!(refused("User2", "cc"), text);
    site.is_fine();
    for _ in 0..2 {
        let heard = site.hear();
        site.cc.complete(&heard);
    }
    for call in calls {
        assert_eq!(site.end(call).unwrap().status, 200);
    }
}

#[test]
fn guests_that_one_client_has_called_leave_places_for_others() {
    let site = Site::new(|_| {});
    let half = 16;
    let mut computing: Vec<Call> = Vec::new();
    // The served peer's queue is shorter, so some may be refused at once.
    while site.peer.support().instances().taken() < half {
        computing.retain(|call| !call.is_finished());
        for _ in computing.len()..half {
            computing.push(site.call("hostile", "loop"));
        }
        thread::yield_now();
    }
    let full = site.end(site.call("probe", "noop")).unwrap();
    let text = "cannot run chaincode: the peer is busy: the client has 16 instances of chaincodes, \
                and may have 16 of them; try again later";
    assert!(full.message.ends_with(text), "{}", full.message);
    site.is_fine();
    abort(computing);
    site.in_progress(0, 0);
}

#[test]
fn a_chaincode_that_does_not_read_has_its_transactions_refused_not_its_stream_ended() {
    let trust = |config: &mut PeerConfig| config.support.external = trusting();
    let peer = Peers::new(&NetworkSpec::default()).peer(trust);
    create_channel(&peer, CHANNEL);
    let cc = external(&peer, 3);
    let mut site = Site { served: Served::start(Arc::clone(&peer)), peer, cc };
    let unread: Vec<Call> = (0..2).map(|_| site.call("cc", "go")).collect();
    site.in_progress(2, 0);
    let refused = site.end(site.call("cc", "go")).unwrap();
    let text = ": the chaincode does not read its messages: 2 of ";
    assert!(refused.status == 500 && refused.message.contains(text), "{}", refused.message);
    assert!(site.cc.stream.is_open());
    for _ in 0..2 {
        let heard = site.hear();
        site.cc.complete(&heard);
    }
    for call in unread {
        assert_eq!(site.end(call).unwrap().status, 200);
    }
}

#[test]
fn a_ledger_can_be_opened_again_though_a_chaincode_was_connected() {
    let network = Peers::new(&NetworkSpec::default());
    let data = tempfile::tempdir().unwrap();
    let open = || {
        network.peer(|config| {
            config.data = Some(data.path().to_owned());
            config.support.external = trusting();
        })
    };
    let peer = open();
    create_channel(&peer, CHANNEL);
    let mut cc = external(&peer, 8);
    // A stream that has not registered.
    let silent = Scripted::open_at(&peer, 8);
    drop(peer);
    assert!(cc.is_ended(), "its peer has gone");
    let peer = open();
    assert_eq!(peer.channels().ids(), [CHANNEL]);
    drop((cc, silent));
    let definition = Definition {
        channel_id: CHANNEL.into(),
        name: "cc".into(),
        version: "1.0".into(),
        ..Definition::default()
    };
    let admin = peer.network().org("Org1MSP").unwrap().admin().unwrap();
    let again = lscc::deploy(definition).sign(&admin).signed;
    let refused = on_peer_thread(|| peer.process(again)).unwrap().response.response.unwrap();
    assert!(refused.message.contains("exists"), "{}", refused.message);
}
