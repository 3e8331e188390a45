//! Proposals, with both services.

use super::*;

#[tokio::test]
async fn the_endorser_passes_answers_and_refusals_on() {
    let served = Served::start(Fake::default()).await;
    let proposal: protos::SignedProposal = golden("ok.signedproposal");
    let answer = served.endorser().process_proposal(proposal.clone()).await.unwrap();
    assert_eq!(answer.into_inner(), golden_response("ok"));

    let served =
        Served::start(Fake::answering(|| Err(Rejected::invalid("epoch is non-zero")))).await;
    let status = served.endorser().process_proposal(proposal).await.unwrap_err();
    assert_eq!(shape(&status), (Code::Unknown, "error validating proposal: epoch is non-zero"));
}

#[tokio::test]
async fn evaluate_gives_the_result_of_the_chaincode() {
    let served = Served::start(Fake::default()).await;
    let answer = served.gateway().evaluate(evaluate_request()).await.unwrap().into_inner();
    let result = answer.result.unwrap();
    let expected = golden_response("ok").payload;
    let expected = protos::ProposalResponsePayload::decode(expected.as_slice()).unwrap();
    let expected = protos::ChaincodeAction::decode(expected.extension.as_slice()).unwrap();
    assert_eq!(result.status, 200);
    assert_eq!(result.payload, expected.response.unwrap().payload);
    assert!(!result.payload.is_empty());
}

#[tokio::test]
async fn a_chaincodes_error_keeps_its_text() {
    let served = Served::start(Fake::answering(|| Ok(golden_response("s500")))).await;
    let said = golden_response("s500").response.unwrap().message;
    let status = served.gateway().evaluate(evaluate_request()).await.unwrap_err();
    let detail = format!("chaincode response 500, {said}");
    let text = format!("evaluate call to endorser returned error: {detail}");
    assert_eq!(shape(&status), (Code::Unknown, text.as_str()));
    assert_eq!(details(&status)[0].message, detail);

    let status = served.gateway().endorse(endorse_request()).await.unwrap_err();
    let text = "failed to endorse transaction, see attached details for more info";
    assert_eq!(shape(&status), (Code::Aborted, text));
    let details = details(&status);
    assert_eq!(details.len(), 1);
    assert_eq!((details[0].msp_id.as_str(), &details[0].message), ("Org1MSP", &detail));
    assert!(details[0].address.starts_with("127.0.0.1:"), "{}", details[0].address);
}

#[tokio::test]
async fn a_peers_error_is_not_taken_for_the_chaincodes() {
    let served = Served::start(peer_says("channel 'x' not found")).await;
    let status = served.gateway().evaluate(evaluate_request()).await.unwrap_err();
    let text = "failed to evaluate transaction, see attached details for more info";
    assert_eq!(shape(&status), (Code::Aborted, text));
    assert_eq!(details(&status)[0].message, "channel 'x' not found");
}

#[tokio::test]
async fn a_refused_proposal_need_not_be_tried_elsewhere() {
    let served = Served::start(Fake::answering(|| Err(Rejected::new("access denied")))).await;
    let status = served.gateway().evaluate(evaluate_request()).await.unwrap_err();
    let text = "evaluate call to endorser returned error: access denied";
    assert_eq!(shape(&status), (Code::FailedPrecondition, text));
    let status = served.gateway().endorse(endorse_request()).await.unwrap_err();
    assert_eq!(status.code(), Code::Aborted);
    assert_eq!(details(&status)[0].message, "access denied");
}

#[tokio::test]
async fn malformed_proposals_are_invalid_arguments() {
    let served = Served::start(Fake::default()).await;
    let garbage =
        protos::SignedProposal { proposal_bytes: b"\xff\xff".to_vec(), ..Default::default() };
    for proposed_transaction in [None, Some(garbage)] {
        let request = gateway::EvaluateRequest {
            proposed_transaction: proposed_transaction.clone(),
            ..Default::default()
        };
        let status = served.gateway().evaluate(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        let text = status.message().strip_prefix("failed to unpack transaction proposal: ");
        let unread = "error unmarshalling Proposal: failed to decode Protobuf message: ";
        let is_garbage = proposed_transaction.is_some();
        assert_eq!(text.map(|text| text.starts_with(unread)), Some(is_garbage), "{status}");
        let request = gateway::EndorseRequest { proposed_transaction, ..Default::default() };
        let status = served.gateway().endorse(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(status.message().starts_with(unread), is_garbage, "{status}");
    }
    let empty = || Some(protos::SignedProposal::default());
    let request = gateway::EvaluateRequest { proposed_transaction: empty(), ..Default::default() };
    let status = served.gateway().evaluate(request).await.unwrap_err();
    let text = "failed to unpack transaction proposal: a signed proposal is required";
    assert_eq!(shape(&status), (Code::InvalidArgument, text));
    let request = gateway::EndorseRequest { proposed_transaction: empty(), ..Default::default() };
    let status = served.gateway().endorse(request).await.unwrap_err();
    let text = "the proposed transaction must contain a signed proposal";
    assert_eq!(shape(&status), (Code::InvalidArgument, text));
}

#[tokio::test]
async fn a_gateway_evaluates_what_has_a_channel_and_a_chaincode() {
    type Edit = fn(&mut Edited);
    let edits: [(Edit, &str); 5] = [
        (|parts| parts.spec = None, "no chaincode spec is provided, channel id [mychannel]"),
        (
            |parts| {
                // The gateway decodes only these headers, and reports them first.
                parts.header.extension.clear();
                parts.header.channel_id.clear();
            },
            "no channel id provided",
        ),
        (|parts| parts.header.channel_id.clear(), "no channel id provided"),
        (
            |parts| parts.spec.as_mut().unwrap().chaincode_id = None,
            "no chaincode id is provided, channel id [mychannel]",
        ),
        (
            |parts| parts.spec.as_mut().unwrap().chaincode_id = Some(Default::default()),
            "no chaincode name is provided, channel id [mychannel]",
        ),
    ];
    let served = Served::start(Fake::default()).await;
    for (edit, reason) in edits {
        let edited = edited(edit);
        let request =
            gateway::EvaluateRequest { proposed_transaction: Some(edited), ..Default::default() };
        let status = served.gateway().evaluate(request).await.unwrap_err();
        let text = format!("failed to unpack transaction proposal: {reason}");
        assert_eq!(shape(&status), (Code::InvalidArgument, text.as_str()));
    }
}

/// The endorser refuses parts of a proposal that the gateway does not decode.
#[tokio::test]
async fn the_endorser_refuses_what_it_alone_reads() {
    type Edit = fn(&mut Edited);
    let edits: [(Edit, &str); 3] = [
        (|parts| parts.header.extension.clear(), "ChaincodeHeaderExtension.ChaincodeId is nil"),
        (
            |parts| parts.spec.as_mut().unwrap().input = None,
            "chaincode input did not contain any input",
        ),
        (
            |parts| {
                let extension = protos::ChaincodeHeaderExtension {
                    chaincode_id: Some(Default::default()),
                    ..Default::default()
                };
                parts.header.extension = extension.encode_to_vec();
            },
            "ChaincodeHeaderExtension.ChaincodeId.Name is empty",
        ),
    ];
    let served = Served::start(others(vec![Box::new(|| Ok(golden_response("ok")))])).await;
    for (edit, reason) in edits {
        let proposed_transaction = Some(edited(edit));
        let request = gateway::EvaluateRequest {
            proposed_transaction: proposed_transaction.clone(),
            ..Default::default()
        };
        let status = served.gateway().evaluate(request).await.unwrap_err();
        let text = format!("evaluate call to endorser returned error: {reason}");
        assert_eq!(shape(&status), (Code::FailedPrecondition, text.as_str()));
        assert_eq!(details(&status)[0].message, reason);
        let request = gateway::EndorseRequest { proposed_transaction, ..Default::default() };
        let status = served.gateway().endorse(request.clone()).await.unwrap_err();
        let text = "failed to endorse transaction, see attached details for more info";
        assert_eq!(shape(&status), (Code::Aborted, text));
        assert_eq!(details(&status)[0].message, reason);
        let endorsing_organizations = ["Org1MSP", "Org2MSP"].map(str::to_owned).to_vec();
        let request = gateway::EndorseRequest { endorsing_organizations, ..request };
        let status = served.gateway().endorse(request).await.unwrap_err();
        assert_eq!(details(&status).len(), 2);
    }
    let request = gateway::EndorseRequest {
        proposed_transaction: Some(edited(|parts| parts.spec = None)),
        ..Default::default()
    };
    let status = served.gateway().endorse(request).await.unwrap_err();
    assert_eq!(status.code(), Code::Aborted);
    let reason = "chaincode invocation spec did not contain chaincode spec";
    assert_eq!(details(&status)[0].message, reason);
}

#[tokio::test]
async fn no_peer_endorses_without_a_channel() {
    let standings = [("Org1MSP", Standing::NoChannel)].into();
    let served = Served::start(Fake { standings, ..Fake::default() }).await;
    let proposal = edited(|parts| parts.header.channel_id.clear());
    let request =
        gateway::EndorseRequest { proposed_transaction: Some(proposal), ..Default::default() };
    let status = served.gateway().endorse(request.clone()).await.unwrap_err();
    let text = "no combination of peers can be derived which satisfy the endorsement policy: No \
                metadata was found for chaincode vec in channel ";
    assert_eq!(shape(&status), (Code::FailedPrecondition, text));
    let endorsing_organizations = vec!["Org1MSP".to_owned()];
    let request = gateway::EndorseRequest { endorsing_organizations, ..request };
    let status = served.gateway().endorse(request).await.unwrap_err();
    let text = "failed to find any endorsing peers for org(s): Org1MSP";
    assert_eq!(shape(&status), (Code::Unavailable, text));
}

#[tokio::test]
async fn endorse_gives_the_unsigned_transaction() {
    let served = Served::start(Fake::default()).await;
    let answer = served.gateway().endorse(endorse_request()).await.unwrap().into_inner();
    let envelope = answer.prepared_transaction.unwrap();
    assert!(envelope.signature.is_empty());
    assert!(envelope.payload.ends_with(&golden_response("ok").payload));

    let unsigned = protos::ProposalResponse { endorsement: None, ..golden_response("ok") };
    let served = Served::start(Fake::answering(move || Ok(unsigned.clone()))).await;
    let status = served.gateway().endorse(endorse_request()).await.unwrap_err();
    assert_eq!(shape(&status), (Code::Aborted, "failed to assemble transaction: no endorsements"));
}

#[tokio::test]
async fn other_organizations_have_no_peer_here() {
    let served = Served::start(Fake::default()).await;
    let orgs = |orgs: &[&str]| orgs.iter().map(|org| (*org).to_owned()).collect::<Vec<_>>();
    let request = gateway::EndorseRequest {
        endorsing_organizations: orgs(&["Org1MSP", "Org2MSP", "Org3MSP"]),
        ..endorse_request()
    };
    let status = served.gateway().endorse(request).await.unwrap_err();
    let text = "failed to find any endorsing peers for org(s): Org2MSP, Org3MSP";
    assert_eq!(shape(&status), (Code::Unavailable, text));

    let target = |names: &[&str]| gateway::EvaluateRequest {
        target_organizations: orgs(names),
        ..evaluate_request()
    };
    let status = served.gateway().evaluate(target(&["Org2MSP"])).await.unwrap_err();
    let text = "no peers available to evaluate chaincode vec in channel mychannel";
    assert_eq!(shape(&status), (Code::FailedPrecondition, text));
    served.gateway().evaluate(target(&["Org2MSP", "Org1MSP"])).await.unwrap();
}

fn others(answers: Vec<Box<Says>>) -> Fake {
    Fake { others: answers, ..Fake::default() }
}

/// Returns the number of endorsements in a transaction of the fake peer.
fn endorsements(envelope: &common::Envelope) -> usize {
    let payload = golden_response("ok").payload;
    envelope.payload.windows(payload.len()).filter(|bytes| *bytes == payload).count()
}

#[tokio::test]
async fn endorsements_are_collected_until_they_are_enough() {
    let ok = || -> Box<Says> { Box::new(|| Ok(golden_response("ok"))) };
    let broken = || -> Box<Says> { Box::new(|| Err(Rejected::new("no"))) };
    for answers in [vec![ok()], vec![ok(), broken()], vec![broken(), ok()]] {
        let served = Served::start(others(answers)).await;
        let answer = served.gateway().endorse(endorse_request()).await.unwrap().into_inner();
        assert_eq!(endorsements(&answer.prepared_transaction.unwrap()), 2);
    }
    let served = Served::start(others(vec![broken(), broken()])).await;
    let status = served.gateway().endorse(endorse_request()).await.unwrap_err();
    let text = "failed to collect enough transaction endorsements, see attached details for more \
                info";
    assert_eq!(shape(&status), (Code::Aborted, text));
    let said: Vec<_> = details(&status).into_iter().map(|d| (d.msp_id, d.message)).collect();
    let no = |org: &str| (org.to_owned(), "no".to_owned());
    assert_eq!(said, [no("Org2MSP"), no("Org3MSP")]);
}

#[tokio::test]
async fn endorsements_that_do_not_count_are_left_out() {
    let ok = || -> Box<Says> { Box::new(|| Ok(golden_response("ok"))) };
    let served =
        Served::start(Fake { outsider: Some("Org1MSP"), ..others(vec![ok(), ok()]) }).await;
    let answer = served.gateway().endorse(endorse_request()).await.unwrap();
    let receipts = Receipt::read_all(answer.metadata());
    let by: Vec<&str> = receipts.iter().map(|receipt| receipt.msp_id.as_str()).collect();
    assert_eq!(by, ["Org2MSP", "Org3MSP"]);
    assert_eq!(endorsements(&answer.into_inner().prepared_transaction.unwrap()), 2);
}

/// Returns how often peers borrowed a proposal during one request; it must be the same proposal
/// each time.
fn lent(served: &Served) -> usize {
    let lent = std::mem::take(&mut *served.peer.lent.lock().unwrap());
    assert!(lent.iter().all(|context| Arc::ptr_eq(context, &lent[0])), "unpacked once");
    lent.len()
}

#[tokio::test]
async fn a_proposal_is_unpacked_once_and_lent_to_all_who_look_at_it() {
    let ok = || -> Box<Says> { Box::new(|| Ok(golden_response("ok"))) };
    let served = Served::start(others(vec![ok(), ok()])).await;

    served.gateway().evaluate(evaluate_request()).await.unwrap();
    assert_eq!(lent(&served), 2, "a standing and the evaluation");

    served.gateway().endorse(endorse_request()).await.unwrap();
    let text = "a standing, two endorsements with a look for more after each, the transaction";
    assert_eq!(lent(&served), 6, "{text}");

    let endorsing_organizations = ["Org1MSP", "Org2MSP", "Org3MSP"].map(str::to_owned).to_vec();
    let request = gateway::EndorseRequest { endorsing_organizations, ..endorse_request() };
    served.gateway().endorse(request).await.unwrap();
    assert_eq!(lent(&served), 7, "three standings, three endorsements, the transaction");

    let proposal: protos::SignedProposal = golden("ok.signedproposal");
    served.endorser().process_proposal(proposal).await.unwrap();
    assert_eq!(lent(&served), 1);
}

#[tokio::test]
async fn endorsers_that_disagree_are_not_enough() {
    let other = || -> Box<Says> {
        Box::new(|| {
            let payload = b"else".to_vec();
            Ok(protos::ProposalResponse { payload, ..golden_response("ok") })
        })
    };
    let orgs = vec!["Org1MSP".to_owned(), "Org2MSP".to_owned()];
    for endorsing_organizations in [orgs, Vec::new()] {
        let served = Served::start(others(vec![other()])).await;
        let request = gateway::EndorseRequest { endorsing_organizations, ..endorse_request() };
        let status = served.gateway().endorse(request).await.unwrap_err();
        assert!(status.message().starts_with("failed to collect enough"), "{status}");
        let details = details(&status);
        assert_eq!(details.len(), 1);
        let text = "ProposalResponsePayloads do not match";
        assert_eq!((details[0].msp_id.as_str(), details[0].message.as_str()), ("Org2MSP", text));
    }
}

#[tokio::test]
async fn wanted_organizations_endorse_all_and_evaluate_each() {
    let ok = || -> Box<Says> { Box::new(|| Ok(golden_response("ok"))) };
    let answer = protos::Response { status: 200, message: "two".into(), ..Default::default() };
    let two = move || {
        Ok(protos::ProposalResponse { response: Some(answer.clone()), ..Default::default() })
    };
    let served = Served::start(others(vec![Box::new(two), ok()])).await;
    let orgs = |orgs: &[&str]| orgs.iter().map(|org| (*org).to_owned()).collect::<Vec<_>>();
    let request = gateway::EndorseRequest {
        endorsing_organizations: orgs(&["Org3MSP"]),
        ..endorse_request()
    };
    let answer = served.gateway().endorse(request).await.unwrap().into_inner();
    assert_eq!(endorsements(&answer.prepared_transaction.unwrap()), 1);
    let request =
        gateway::EvaluateRequest { target_organizations: orgs(&["Org2MSP"]), ..evaluate_request() };
    let answer = served.gateway().evaluate(request).await.unwrap().into_inner();
    assert_eq!(answer.result.unwrap().message, "two");
}

#[tokio::test]
async fn a_server_answers_for_its_organization() {
    let peer = others(vec![Box::new(|| Err(Rejected::new("two says no")))]);
    let (listener, config) = (Listener::peer_of("127.0.0.1:0", "Org2MSP"), ServerConfig::default());
    let served = Served::at(listener, peer, Workers::new(2, 8).unwrap(), config).await;
    let proposal: protos::SignedProposal = golden("ok.signedproposal");
    let status = served.endorser().process_proposal(proposal).await.unwrap_err();
    assert_eq!(status.message(), "two says no");
    // The client is of Org1MSP, which also has a peer here.
    let status = served.gateway().evaluate(evaluate_request()).await.unwrap_err();
    assert_eq!(details(&status)[0].msp_id, "Org2MSP");
    let target_organizations = vec!["Org1MSP".to_owned()];
    let request = gateway::EvaluateRequest { target_organizations, ..evaluate_request() };
    served.gateway().evaluate(request).await.unwrap();
    let status = served.gateway().endorse(endorse_request()).await.unwrap_err();
    assert_eq!(details(&status)[0].msp_id, "Org2MSP");
}

#[tokio::test]
async fn details_have_the_address_of_the_organization_that_they_are_of() {
    let no = |text: &'static str| -> Box<Says> { Box::new(move || Err(Rejected::new(text))) };
    let peer = Fake { answer: no("one"), others: vec![no("two"), no("three")], ..Fake::default() };
    let named = |org: &str, host: &str| (org.to_owned(), format!("{host}:7051"));
    let advertised = [named("Org1MSP", "peer0.one"), named("Org2MSP", "peer0.two")].into();
    let config = ServerConfig { advertised, ..ServerConfig::default() };
    let served = Served::with(peer, Workers::new(2, 8).unwrap(), config).await;
    let orgs = ["Org1MSP", "Org2MSP", "Org3MSP"].map(str::to_owned).to_vec();
    let request = gateway::EndorseRequest { endorsing_organizations: orgs, ..endorse_request() };
    let status = served.gateway().endorse(request).await.unwrap_err();
    let addresses: Vec<String> = details(&status).into_iter().map(|d| d.address).collect();
    let own = served.address.strip_prefix("http://").unwrap();
    assert_eq!(addresses, ["peer0.one:7051", "peer0.two:7051", own]);
}

#[tokio::test]
async fn a_chaincode_that_nobody_defined_or_runs_is_no_ones_to_call() {
    let peer = |one, two| Fake {
        standings: [("Org1MSP", one), ("Org2MSP", two)].into(),
        ..others(vec![Box::new(|| Ok(golden_response("ok")))])
    };
    let nobody = "no peers available to evaluate chaincode vec in channel mychannel";
    let no_plan = "no combination of peers can be derived which satisfy the endorsement policy: ";
    let no_channel = "failed to get config for channel [mychannel]: could not get last config for \
                      channel mychannel";
    for (standing, why) in [
        (Standing::NoChannel, "No metadata was found for chaincode vec in channel mychannel"),
        (Standing::Unknown, "No metadata was found for chaincode vec in channel mychannel"),
        (Standing::Elsewhere, "required chaincodes are not installed on sufficient peers"),
    ] {
        let served = Served::start(peer(standing, standing)).await;
        let status = served.gateway().evaluate(evaluate_request()).await.unwrap_err();
        let expected = match standing {
            Standing::NoChannel => (Code::Unavailable, no_channel),
            _ => (Code::FailedPrecondition, nobody),
        };
        assert_eq!(shape(&status), expected);
        let status = served.gateway().endorse(endorse_request()).await.unwrap_err();
        let text = format!("{no_plan}{why}");
        assert_eq!(shape(&status), (Code::FailedPrecondition, text.as_str()));
        let endorsing_organizations = vec!["Org2MSP".to_owned()];
        let request = gateway::EndorseRequest { endorsing_organizations, ..endorse_request() };
        let status = served.gateway().endorse(request).await.unwrap_err();
        let text = "failed to find any endorsing peers for org(s): Org2MSP";
        assert_eq!(shape(&status), (Code::Unavailable, text));
    }
    // The gateway's own peer has not joined the channel.
    let served = Served::start(peer(Standing::NoChannel, Standing::Here)).await;
    let status = served.gateway().evaluate(evaluate_request()).await.unwrap_err();
    assert_eq!(shape(&status), (Code::Unavailable, no_channel));
    let status = served.gateway().endorse(endorse_request()).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    let status = served.gateway().commit_status(commit_status_request("tx")).await.unwrap_err();
    assert_eq!(
        shape(&status),
        (Code::PermissionDenied, "Failed to get policy manager for channel [mychannel]")
    );
    // The peer of another organization runs the chaincode.
    let served = Served::start(peer(Standing::Elsewhere, Standing::Here)).await;
    served.gateway().evaluate(evaluate_request()).await.unwrap();
    let endorsed = served.gateway().endorse(endorse_request()).await.unwrap();
    let receipts = Receipt::read_all(endorsed.metadata());
    assert_eq!(receipts[0].msp_id, "Org2MSP");
}

#[tokio::test]
async fn each_endorsement_tells_what_it_cost() {
    let receipt = |msp_id: &str| Receipt { msp_id: msp_id.into(), fuel: 700, host_calls: 2 };
    let served = Served::start(others(vec![Box::new(|| Ok(golden_response("ok")))])).await;
    let evaluated = served.gateway().evaluate(evaluate_request()).await.unwrap();
    assert_eq!(Receipt::read_all(evaluated.metadata()), [receipt("Org1MSP")]);
    let endorsed = served.gateway().endorse(endorse_request()).await.unwrap();
    let both = [receipt("Org1MSP"), receipt("Org2MSP")];
    assert_eq!(Receipt::read_all(endorsed.metadata()), both);
    let proposal: protos::SignedProposal = golden("ok.signedproposal");
    let processed = served.endorser().process_proposal(proposal).await.unwrap();
    assert_eq!(Receipt::read_all(processed.metadata()), [receipt("Org1MSP")]);
    let served = Served::start(Fake::answering(|| Ok(golden_response("s500")))).await;
    let status = served.gateway().evaluate(evaluate_request()).await.unwrap_err();
    assert_eq!(Receipt::read_all(status.metadata()), [receipt("Org1MSP")]);
}

/// By default a client accepts 16 KiB of headers, one in Java or C++ 8 KiB.
#[tokio::test]
async fn long_reasons_arrive_whole_where_the_client_takes_them_and_cut_elsewhere() {
    let reason = "no such asset \u{e9}; ".repeat(3_600);
    let said = reason.clone();
    let served = Served::start(Fake::answering(move || {
        let response =
            protos::Response { status: 500, message: said.clone(), ..Default::default() };
        let response = Some(response);
        Ok(protos::ProposalResponse { response, payload: b"p".to_vec(), ..Default::default() })
    }))
    .await;
    let status = served.gateway().evaluate(evaluate_request()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unknown);
    assert!(status.message().ends_with(" more bytes)"), "{}", status.message());
    assert!(details(&status)[0].message.len() > 1_000);
    let status = served.gateway().endorse(endorse_request()).await.unwrap_err();
    assert!(details(&status)[0].message.contains("no such asset \u{e9}; "));
    // The connection is still usable, and the body has room for the whole text.
    let proposal: protos::SignedProposal = golden("ok.signedproposal");
    let answer = served.endorser().process_proposal(proposal).await.unwrap().into_inner();
    assert_eq!(answer.response.unwrap().message, reason);

    let channel = Channel::from_shared(served.address.clone()).unwrap();
    let channel = channel.http2_max_header_list_size(16 << 20).connect().await.unwrap();
    let mut request = Request::new(evaluate_request());
    request.metadata_mut().insert("wasmcc-trailer-bytes", "1048576".parse().unwrap());
    let status = GatewayClient::new(channel).evaluate(request).await.unwrap_err();
    assert_eq!(details(&status)[0].message, format!("chaincode response 500, {reason}"));
    assert!(status.message().ends_with(&reason));
}
