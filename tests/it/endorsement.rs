//! Signed and unsigned answers of a peer.

use prost::Message;
use wasmcc_client::{ProposalBuilder, chaincode_action, qscc};
use wasmcc_ledger::TxRwSet;
use wasmcc_msp::Role;
use wasmcc_node::sandbox::{CHANNEL, Sandbox};
use wasmcc_tests::{Forge, call, guest, process};
use wasmcc_types::proto::protos;
use wasmcc_types::{sha256, sha256_all};

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("probe", &guest("probe")).unwrap();
    sandbox
}

fn payload(response: &protos::ProposalResponse) -> protos::ProposalResponsePayload {
    protos::ProposalResponsePayload::decode(response.payload.as_slice()).unwrap()
}

#[test]
fn the_proposal_hash_covers_all_but_transient_data() {
    let sandbox = sandbox();
    let user = sandbox.identity("User1").unwrap();
    let transient = [("secret".to_owned(), b"data".to_vec())];
    let proposal = ProposalBuilder::new(CHANNEL, "probe").args(["noop"]);
    let forge = Forge::new(proposal.transient(transient.into()), &user);
    assert_eq!(forge.payload().transient_map.len(), 1);
    let response = process(sandbox.peer(), forge.sign(&user)).unwrap().response;
    let header = forge.header();
    let visible =
        protos::ChaincodeProposalPayload { transient_map: Default::default(), ..forge.payload() };
    let expected = sha256_all([
        header.channel_header.as_slice(),
        &header.signature_header,
        &visible.encode_to_vec(),
    ]);
    assert_eq!(payload(&response).proposal_hash, expected);
}

#[test]
fn the_endorsement_is_the_peers_over_payload_and_endorser() {
    let sandbox = sandbox();
    let response = sandbox.evaluate(call("probe", "put k v")).unwrap().proposal_response;
    let endorsement = response.endorsement.unwrap();
    let channel = sandbox.peer().channels().get(CHANNEL).unwrap().config();
    let endorser = channel.msps().deserialize(&endorsement.endorser).unwrap();
    assert_eq!(endorser.msp_id(), "Org1MSP");
    assert!(endorser.has_role(Role::Peer));
    let signed = [response.payload.as_slice(), &endorsement.endorser].concat();
    endorser.verify(&signed, &endorsement.signature).unwrap();
    assert!(endorser.verify(&response.payload, &endorsement.signature).is_err());
}

#[test]
fn the_action_names_chaincode_answer_and_read_write_set() {
    let sandbox = sandbox();
    let endorsed = sandbox.evaluate(call("probe", "rmw k v")).unwrap();
    let response = &endorsed.proposal_response;
    assert_eq!((response.version, &response.timestamp), (1, &None));
    let action = chaincode_action(&response.payload).unwrap();
    let id = action.chaincode_id.unwrap();
    assert_eq!((id.name.as_str(), id.version.as_str(), id.path.as_str()), ("probe", "1.0", ""));
    assert_eq!(action.response, response.response);
    assert!(action.events.is_empty());
    let rwset = TxRwSet::decode(&action.results).unwrap();
    assert_eq!(rwset.encode(), action.results, "canonical");
    let names: Vec<&String> = rwset.namespaces.keys().collect();
    // The lookup of a chaincode: `_lifecycle` first, then LSCC.
    assert_eq!(names, ["_lifecycle", "lscc", "probe"]);
    assert_eq!(rwset.namespaces["_lifecycle"].reads[0].key, "namespaces/fields/probe/Sequence");
    assert_eq!(rwset.namespaces["lscc"].reads[0].key, "probe");
}

#[test]
fn the_peer_says_whose_event_it_is() {
    let sandbox = sandbox();
    let endorsed = sandbox.evaluate(call("probe", "event created payload")).unwrap();
    let events = chaincode_action(&endorsed.proposal_response.payload).unwrap().events;
    let expected = protos::ChaincodeEvent {
        chaincode_id: "probe".into(),
        tx_id: endorsed.tx_id,
        event_name: "created".into(),
        payload: b"payload".to_vec(),
    };
    assert_eq!(events, expected.encode_to_vec());
    let nameless = sandbox.endorse(call("probe", "event '' x")).unwrap().response;
    let text = "event name can not be empty string";
    assert_eq!((nameless.status, nameless.message.as_str()), (500, text));
}

#[test]
fn a_response_below_200_is_endorsed_even_if_nothing_is_in_it() {
    let sandbox = sandbox();
    for status in ["0", "-1", "199"] {
        let endorsed = sandbox.endorse(call("probe", &format!("status {status}"))).unwrap();
        assert_eq!(endorsed.response.status.to_string(), status);
        assert!(endorsed.proposal_response.endorsement.is_some(), "{status}");
    }
}

#[test]
fn a_refusal_has_no_event_and_keeps_the_rwset_from_500_on() {
    let sandbox = sandbox();
    // A rule of the shim refuses with 500, the probe itself with 400.
    let failed = sandbox.endorse(call("probe", "then put k v ; event e p ; put '' v")).unwrap();
    assert_eq!(failed.response.status, 500);
    let response = &failed.proposal_response;
    assert_eq!((response.version, &response.endorsement), (0, &None));
    let action = chaincode_action(&response.payload).unwrap();
    assert!(action.events.is_empty());
    assert_eq!(action.response, response.response);
    let rwset = TxRwSet::decode(&action.results).unwrap();
    assert_eq!(rwset.namespaces["probe"].writes[0].key, "k");
    assert!(response.interest.is_some());

    let refused = sandbox.endorse(call("probe", "then put k v ; event e p ; nonsense")).unwrap();
    let expected = protos::ProposalResponse {
        response: Some(protos::Response {
            status: 400,
            message: "no operation nonsense with 0 arguments".into(),
            payload: Vec::new(),
        }),
        ..Default::default()
    };
    assert_eq!(refused.proposal_response, expected, "nothing but the answer");
}

#[test]
fn the_interest_names_whose_state_was_touched() {
    let sandbox = sandbox();
    for (line, names) in [
        ("noop", &[][..]),
        ("status 500", &[]),
        ("get k", &["probe"]),
        ("put k v", &["probe"]),
        ("range a b", &["probe"]),
    ] {
        let response = sandbox.endorse(call("probe", line)).unwrap().proposal_response;
        let interest = response.interest.unwrap().chaincodes;
        let expected = names.iter().map(|name| (*name).to_owned());
        let expected: Vec<_> =
            expected.map(|name| protos::ChaincodeCall { name, ..Default::default() }).collect();
        assert_eq!(interest, expected, "{line}");
    }
}

#[test]
fn without_a_channel_nothing_is_endorsed() {
    let sandbox = sandbox();
    let user = sandbox.identity("User1").unwrap();
    let ask = |args: &[&str]| {
        let proposal = ProposalBuilder::new("", "qscc").args(args.iter().copied());
        sandbox.endorse_as(proposal, &user).unwrap().proposal_response
    };
    let good = ask(&["GetChainInfo", CHANNEL]);
    assert_eq!(good.response.as_ref().unwrap().status, 200);
    let expected =
        protos::ProposalResponse { response: good.response.clone(), ..Default::default() };
    assert_eq!(good, expected, "nothing but the answer");
    let failed = ask(&["GetChainInfo", "nowhere"]);
    assert_eq!((failed.version, &failed.endorsement, &failed.interest), (0, &None, &None));
    let action = chaincode_action(&failed.payload).unwrap();
    assert_eq!(action.response, failed.response);
    assert!(action.results.is_empty());
}

#[test]
fn a_system_chaincode_on_a_channel_is_endorsed_without_results() {
    let sandbox = sandbox();
    let user = sandbox.identity("User1").unwrap();
    let endorsed = sandbox.endorse_as(qscc::chain_info(CHANNEL), &user).unwrap();
    assert!(endorsed.proposal_response.endorsement.is_some());
    let action = chaincode_action(&endorsed.proposal_response.payload).unwrap();
    assert!(action.results.is_empty());
    let id = action.chaincode_id.unwrap();
    assert_eq!((id.name.as_str(), id.version.as_str()), ("qscc", "syscc"));
    assert_eq!(endorsed.fuel, 0);
}

#[test]
fn a_chaincode_sees_its_transaction_as_the_client_made_it() {
    let sandbox = sandbox();
    let user = sandbox.identity("User1").unwrap();
    let proposal = ProposalBuilder::new(CHANNEL, "probe").args(["info"]).nonce("nonce");
    let transient = [("b".to_owned(), vec![1]), ("a".to_owned(), vec![2])];
    let at = wasmcc_types::Timestamp { seconds: -5, nanos: 7 };
    let proposal = proposal.transient(transient.into()).timestamp(at);
    let bytes = proposal.clone().sign(&user).signed.proposal_bytes.len();
    let endorsed = sandbox.endorse_as(proposal, &user).unwrap();
    let creator = user.serialized();
    let binding = sha256(&[b"nonce", creator, &[0; 8]].concat());
    let binding: String = binding.iter().map(|byte| format!("{byte:02x}")).collect();
    let expected = [
        format!("tx_id={}", endorsed.tx_id),
        format!("channel={CHANNEL}"),
        format!("binding={binding}"),
        "timestamp=-5.000000007".into(),
        format!("creator={} bytes", creator.len()),
        "client=Org1MSP".into(),
        "transient=a,b".into(),
        "decorations=".into(),
        format!("proposal={bytes} bytes"),
        "peer=Org1MSP".into(),
    ];
    assert_eq!(endorsed.text().lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_client_decorates_nothing() {
    let sandbox = sandbox();
    let user = sandbox.identity("User1").unwrap();
    let proposal = ProposalBuilder::new(CHANNEL, "probe").args(["decorations"]);
    let mut forge = Forge::new(proposal, &user);
    let input = forge.invocation.chaincode_spec.as_mut().unwrap().input.as_mut().unwrap();
    input.decorations.insert("checked-by".into(), b"the peer".to_vec());
    let response = process(sandbox.peer(), forge.sign(&user)).unwrap().response.response.unwrap();
    assert_eq!((response.status, response.payload.as_slice()), (200, &b""[..]));
}

#[test]
fn a_system_chaincode_has_no_init() {
    let sandbox = sandbox();
    let user = sandbox.identity("User1").unwrap();
    for name in ["qscc", "cscc", "lscc", "_lifecycle"] {
        let proposal = ProposalBuilder::new(CHANNEL, name).args(["GetChainInfo", CHANNEL]);
        let endorsed = sandbox.endorse_as(proposal.init(true), &user).unwrap();
        let text = format!(
            "error in simulation: failed to execute transaction {}: invalid invocation: chaincode \
             '{name}' does not require initialization but called as init",
            endorsed.tx_id
        );
        let response = endorsed.proposal_response.response.unwrap();
        assert_eq!((response.status, response.message), (500, text));
    }
}
