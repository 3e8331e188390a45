//! Chaincodes that call each other.

use std::sync::Arc;

use wasmcc_client::lscc::{self, Definition};
use wasmcc_msp::NetworkSpec;
use wasmcc_node::Peer;
use wasmcc_node::sandbox::{Endorsed, Sandbox};
use wasmcc_tests::{Peers, call, create_channel, deploy, guest, install_code, process, submit};
use wasmcc_types::proto::protos::{self, TxValidationCode};

/// Returns a sandbox with the same chaincode under the names `a` and `b`.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new().unwrap();
    for name in ["a", "b"] {
        sandbox.deploy(name, &guest("probe")).unwrap();
    }
    sandbox
}

fn endorse(sandbox: &Sandbox, line: &str) -> Endorsed {
    sandbox.endorse(call("a", line)).unwrap()
}

/// Returns the text of a refused call, without its prefix.
fn refusal(endorsed: &Endorsed) -> &str {
    assert_eq!(endorsed.response.status, 500);
    let prefix = format!("INVOKE_CHAINCODE failed: transaction ID: {}: ", endorsed.tx_id);
    let text = endorsed.response.message.strip_prefix(&prefix);
    text.unwrap_or_else(|| panic!("{}", endorsed.response.message))
}

fn written<'a>(endorsed: &'a Endorsed, namespace: &str) -> Vec<&'a str> {
    let namespaces = &endorsed.rwset.as_ref().unwrap().namespaces;
    let writes = namespaces.get(namespace).map(|ns| ns.writes.as_slice()).unwrap_or_default();
    writes.iter().map(|write| write.key.as_str()).collect()
}

#[test]
fn a_call_on_the_same_channel_is_part_of_the_transaction() {
    let sandbox = sandbox();
    let endorsed = endorse(&sandbox, "then put k mine ; cc2cc b put k its ; cc2cc b get k");
    assert_eq!(endorsed.response.status, 200);
    assert_eq!(endorsed.text(), "", "not even the callee reads what it wrote");
    assert_eq!(written(&endorsed, "a"), ["k"]);
    assert_eq!(written(&endorsed, "b"), ["k"]);
    let lscc = &endorsed.rwset.as_ref().unwrap().namespaces["lscc"].reads;
    let looked_up: Vec<&str> = lscc.iter().map(|read| read.key.as_str()).collect();
    assert_eq!(looked_up, ["a", "b"]);
    let interest = endorsed.proposal_response.interest.as_ref().unwrap();
    let names: Vec<&str> = interest.chaincodes.iter().map(|called| called.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);

    let committed = sandbox.commit(vec![endorsed]).unwrap();
    assert_eq!(committed[0].code, TxValidationCode::Valid);
    assert_eq!(endorse(&sandbox, "get k").text(), "mine");
    assert_eq!(endorse(&sandbox, "cc2cc b get k").text(), "its");
}

#[test]
fn what_a_callee_read_is_validated() {
    let sandbox = sandbox();
    let reader = endorse(&sandbox, "cc2cc b get k");
    sandbox.submit(call("b", "put k new")).unwrap();
    let late = sandbox.commit(vec![reader]).unwrap().remove(0);
    assert_eq!(late.code, TxValidationCode::MvccReadConflict);
}

#[test]
fn a_callee_sees_the_same_transaction() {
    let sandbox = sandbox();
    let info = |line: &str| {
        let call = call("a", line).nonce("one nonce").transient("t", "x");
        let at = wasmcc_types::Timestamp { seconds: 1_700_000_000, nanos: 5 };
        sandbox.evaluate(call.timestamp(at)).unwrap().text()
    };
    let (own, called) = (info("info"), info("cc2cc b info"));
    let lines = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with("proposal=")).map(str::to_owned).collect()
    };
    assert_eq!(lines(&own), lines(&called));
    assert!(called.contains("transient=t\n"), "{called}");
    assert!(called.contains("timestamp=1700000000.000000005\n"), "{called}");
}

#[test]
fn the_event_of_a_callee_is_dropped() {
    let sandbox = sandbox();
    let endorsed = endorse(&sandbox, "cc2cc b event inner x");
    assert_eq!(endorsed.response.status, 200);
    assert_eq!(endorsed.event, None);
    let endorsed = endorse(&sandbox, "then event outer y ; cc2cc b event inner x");
    assert_eq!(endorsed.event.unwrap().name, "outer");
}

#[test]
fn a_callee_that_fails_leaves_its_writes_in_the_set() {
    let sandbox = sandbox();
    let endorsed = endorse(&sandbox, "then try cc2cc b then put k v ; put own w");
    // The semicolon ended the outer operation; the callee must fail after its write.
    assert_eq!(endorsed.response.status, 200);
    let line = "try cc2cc b then put k v ; nonsense";
    let endorsed = endorse(&sandbox, line);
    assert_eq!(endorsed.text(), "refused: no operation nonsense with 0 arguments\n");
    assert_eq!(written(&endorsed, "b"), ["k"]);
    assert!(endorsed.proposal_response.endorsement.is_some(), "the caller decides");
    let submitted = sandbox.submit(call("a", line)).unwrap();
    assert_eq!(submitted.code, TxValidationCode::Valid);
    assert_eq!(endorse(&sandbox, "cc2cc b get k").text(), "v");
}

#[test]
fn a_callee_that_dies_is_an_answer_to_its_caller() {
    let sandbox = sandbox();
    sandbox.deploy("hostile", &guest("hostile")).unwrap();
    let endorsed = endorse(&sandbox, "try cc2cc hostile panic at-the-disco");
    assert_eq!(endorsed.response.status, 200);
    let text = endorsed.text();
    // The chaincode's own text, as behind a Fabric peer, which forwards its ERROR.
    let beginning = "refused: chaincode trapped: unreachable code (a panic or an abort): ";
    assert!(text.starts_with(beginning), "{text}");
    assert!(text.contains("at-the-disco"), "{text}");
}

#[test]
fn an_unknown_chaincode_is_not_called() {
    let sandbox = sandbox();
    let endorsed = endorse(&sandbox, "cc2cc nosuchcc get k");
    // The text of a Fabric 2.5 peer, golden/streams.
    assert_eq!(
        refusal(&endorsed),
        "execute failed: invalid invocation: [channel mychannel] failed to get chaincode container \
         info for nosuchcc: chaincode nosuchcc not found"
    );
}

#[test]
fn a_version_in_the_address_is_ignored() {
    let sandbox = sandbox();
    assert_eq!(endorse(&sandbox, "cc2cc b:9.9 get k").response.status, 200);
}

#[test]
fn cycles_are_refused() {
    let sandbox = sandbox();
    for line in ["cc2cc a get k", "cc2cc b cc2cc a get k"] {
        let endorsed = endorse(&sandbox, line);
        let tx_id = &endorsed.tx_id;
        // The text of a Fabric 2.5 peer, golden/streams.
        let refused = format!("execute failed: error sending: txid: {tx_id}(mychannel) exists");
        assert!(refusal(&endorsed).ends_with(&refused), "{}", endorsed.response.message);
        let again = sandbox.endorse(call("a", line)).unwrap();
        assert_eq!(again.response.status, 500);
    }
    // The chaincodes still work.
    assert_eq!(endorse(&sandbox, "cc2cc b get k").response.status, 200);
}

#[test]
fn of_the_system_chaincodes_cscc_and_qscc_answer_no_chaincode() {
    let sandbox = sandbox();
    let data = endorse(&sandbox, "cc2cc lscc getccdata mychannel b");
    let data: protos::ChaincodeData =
        prost::Message::decode(data.response.payload.as_slice()).unwrap();
    assert_eq!((data.name.as_str(), data.version.as_str()), ("b", "1.0"));
    for (line, text) in [
        (
            "cc2cc cscc GetChannels",
            "Rejecting invoke of CSCC from another chaincode, original invocation for 'a'",
        ),
        (
            "cc2cc qscc GetChainInfo mychannel",
            "Rejecting invoke of QSCC from another chaincode because of potential for deadlocks, \
             original invocation for 'a'",
        ),
        ("cc2cc qscc GetChainInfo", "Incorrect number of arguments, 1"),
    ] {
        // It is an answer, which the caller may forward or ignore.
        let refused = endorse(&sandbox, line);
        assert_eq!((refused.response.status, refused.response.message.as_str()), (500, text));
        assert_eq!(endorse(&sandbox, &format!("try {line}")).response.status, 200);
    }
    let install = endorse(&sandbox, "cc2cc lscc install package");
    assert_eq!(install.response.message, "a chaincode may not call install of lscc");
}

#[test]
fn escc_and_vscc_are_unknown_to_callers_like_any_other_name() {
    let sandbox = sandbox();
    for name in ["escc", "vscc", "nosuchcc"] {
        let endorsed = endorse(&sandbox, &format!("try cc2cc {name} x"));
        assert_eq!(endorsed.response.status, 200, "{}", endorsed.response.message);
        let text = format!(
            "execute failed: invalid invocation: [channel mychannel] failed to get chaincode \
             container info for {name}: chaincode {name} not found"
        );
        assert!(endorsed.text().trim_end().ends_with(&text), "{}", endorsed.text());
        let namespaces = endorsed.rwset.as_ref().unwrap().namespaces.clone();
        let read = |namespace: &str| {
            let keys = namespaces[namespace].reads.iter().map(|read| read.key.clone());
            keys.collect::<Vec<_>>()
        };
        assert_eq!(read("lscc"), ["a".to_owned(), name.to_owned()]);
        assert!(read("_lifecycle").contains(&format!("namespaces/fields/{name}/Sequence")));
    }
}

/// Returns a peer on two channels with `a` on both, and the identity `Admin` that commits there.
fn two_channels() -> (Arc<Peer>, wasmcc_msp::SigningIdentity) {
    let peer = Peers::new(&NetworkSpec::default()).peer(|_| {});
    let admin = peer.network().org("Org1MSP").unwrap().admin().unwrap();
    let install = lscc::install("a", "1.0", guest("probe")).sign(&admin);
    assert_eq!(process(&peer, install.signed).unwrap().response.response.unwrap().status, 200);
    for channel in ["mychannel", "other"] {
        peer.create_channel(channel).unwrap();
        let definition = Definition {
            channel_id: channel.into(),
            name: "a".into(),
            version: "1.0".into(),
            ..Definition::default()
        };
        let deployed = submit(&peer, channel, lscc::deploy(definition), &admin);
        assert_eq!(deployed, Ok(TxValidationCode::Valid));
    }
    (peer, admin)
}

fn proposal(channel: &str, line: &str) -> wasmcc_client::ProposalBuilder {
    wasmcc_client::ProposalBuilder::new(channel, "a").args(line.split(' '))
}

fn answer(
    peer: &Peer,
    line: &str,
    who: &wasmcc_msp::SigningIdentity,
) -> (protos::ProposalResponse, String) {
    let proposal = proposal("mychannel", line).sign(who);
    (process(peer, proposal.signed).unwrap().response, proposal.tx_id.to_string())
}

#[test]
fn a_call_to_another_channel_only_reads() {
    let (peer, admin) = two_channels();
    let put = submit(&peer, "other", proposal("other", "put k there"), &admin);
    assert_eq!(put, Ok(TxValidationCode::Valid));
    // The same chaincode in the same transaction, but on another channel: no cycle.
    let (response, _) = answer(&peer, "cc2cc-on other a get k", &admin);
    assert_eq!(response.response.unwrap().payload, b"there");
    let action = wasmcc_client::chaincode_action(&response.payload).unwrap();
    let rwset = wasmcc_ledger::TxRwSet::decode(&action.results).unwrap();
    assert!(!rwset.namespaces.contains_key("a"), "what it read there is not validated here");

    let line = "cc2cc-on other a put k lost";
    assert_eq!(
        submit(&peer, "mychannel", proposal("mychannel", line), &admin),
        Ok(TxValidationCode::Valid)
    );
    for channel in ["mychannel", "other"] {
        let read = proposal(channel, "get k").sign(&admin);
        let read = process(&peer, read.signed).unwrap().response.response.unwrap().payload;
        assert_eq!(read, if channel == "other" { &b"there"[..] } else { &b""[..] });
    }
}

#[test]
fn a_channel_that_the_peer_has_not_joined_cannot_be_called() {
    let (peer, admin) = two_channels();
    let (response, tx_id) = answer(&peer, "cc2cc-on nowhere a get k", &admin);
    assert_eq!(
        response.response.unwrap().message,
        format!(
            "INVOKE_CHAINCODE failed: transaction ID: {tx_id}: Failed to get policy manager for \
             channel [nowhere]"
        )
    );
}

#[test]
fn who_may_not_write_to_the_other_channel_may_not_call_there() {
    let network = Peers::new(&NetworkSpec::with_orgs(2));
    let peer = network.peer(|_| {});
    let admin = peer.network().org("Org1MSP").unwrap().admin().unwrap();
    let stranger = peer.network().org("Org2MSP").unwrap().user("User1").unwrap();
    let install = lscc::install("a", "1.0", guest("probe")).sign(&admin);
    process(&peer, install.signed).unwrap();
    peer.create_channel("mychannel").unwrap();
    // Only Org1 is on the other channel.
    let id = wasmcc_types::ChannelId::parse("other").unwrap();
    let mut genesis = peer.network().genesis(id);
    genesis.application_orgs.retain(|org| org.name == "Org1MSP");
    let join = wasmcc_client::cscc::join(&genesis.block().unwrap()).sign(&admin);
    assert_eq!(process(&peer, join.signed).unwrap().response.response.unwrap().status, 200);
    let definition = Definition {
        channel_id: "mychannel".into(),
        name: "a".into(),
        version: "1.0".into(),
        ..Definition::default()
    };
    submit(&peer, "mychannel", lscc::deploy(definition), &admin).unwrap();

    let (response, tx_id) = answer(&peer, "cc2cc-on other a get k", &stranger);
    assert_eq!(
        response.response.unwrap().message,
        format!(
            "INVOKE_CHAINCODE failed: transaction ID: {tx_id}: Failed evaluating policy on signed \
             data during check policy on channel [other] with policy \
             [/Channel/Application/Writers]: [implicit policy evaluation failed - 0 sub-policies \
             were satisfied, but this policy requires 1 of the 'Writers' sub-policies to be \
             satisfied]"
        )
    );
}

#[test]
fn calls_nest_up_to_the_limit() {
    let peer = Peers::new(&NetworkSpec::default()).peer(|config| config.support.call_depth = 2);
    let admin = peer.network().org("Org1MSP").unwrap().admin().unwrap();
    peer.create_channel("mychannel").unwrap();
    for name in ["a", "b", "c", "d"] {
        let install = lscc::install(name, "1.0", guest("probe")).sign(&admin);
        process(&peer, install.signed).unwrap();
        let definition = Definition {
            channel_id: "mychannel".into(),
            name: name.into(),
            version: "1.0".into(),
            ..Definition::default()
        };
        submit(&peer, "mychannel", lscc::deploy(definition), &admin).unwrap();
    }
    let (response, _) = answer(&peer, "cc2cc b cc2cc c get k", &admin);
    assert_eq!(response.response.unwrap().status, 200);
    let (response, tx_id) = answer(&peer, "cc2cc b cc2cc c cc2cc d get k", &admin);
    assert_eq!(
        response.response.unwrap().message,
        format!(
            "INVOKE_CHAINCODE failed: transaction ID: {tx_id}: chaincodes call each other more \
             than 2 deep"
        )
    );
}

/// A refusal that depends on this peer cannot be ignored by the caller.
#[test]
fn a_callee_that_only_this_peer_cannot_run_ends_the_whole_transaction() {
    let network = Peers::new(&NetworkSpec::default());
    let (complete, lacking) = (network.peer(|_| {}), network.peer(|_| {}));
    create_channel(&complete, "mychannel");
    for name in ["a", "b"] {
        deploy(&complete, "mychannel", name, "probe");
    }
    install_code(&lacking, "a", "1.0", &guest("probe"));
    let blocks = complete.channels().get("mychannel").unwrap();
    let block = |number| blocks.ledger().block(number).unwrap().unwrap();
    let admin = lacking.network().org("Org1MSP").unwrap().admin().unwrap();
    let join = wasmcc_client::cscc::join(&block(0)).sign(&admin);
    process(&lacking, join.signed).unwrap();
    let committer = lacking.committer("mychannel").unwrap();
    for number in 1..blocks.ledger().height() {
        committer.commit(block(number)).unwrap();
    }

    let (response, _) = answer(&complete, "try cc2cc b get k", &admin);
    assert_eq!(response.response.unwrap().status, 200);
    let (response, tx_id) = answer(&lacking, "try cc2cc b get k", &admin);
    assert_eq!((&response.endorsement, response.payload.len()), (&None, 0));
    let expected = format!(
        "error in simulation: failed to execute transaction {tx_id}: INVOKE_CHAINCODE failed: \
         transaction ID: {tx_id}: execute failed: invalid invocation: [channel mychannel] failed \
         to get chaincode container info for b: failed security checks: chaincode b:1.0 is not \
         installed on this peer"
    );
    assert_eq!(response.response.unwrap().message, expected);
    // A missing chaincode is missing on every peer, so it is an answer.
    let (response, _) = answer(&lacking, "try cc2cc nosuchcc get k", &admin);
    assert!(response.endorsement.is_some());
}
