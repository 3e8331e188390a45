//! The server itself: limits, panics, shutdown.

use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic_prost::ProstCodec;

use super::*;
use wasmcc_peer::endorser::unpacked_bytes;
use wasmcc_types::proto::orderer::atomic_broadcast_client::AtomicBroadcastClient;
use wasmcc_types::proto::protos::deliver_client::DeliverClient;

/// A peer that signals its calls, and answers when the test allows it.
fn stuck() -> (Fake, std::sync::mpsc::Receiver<()>, std::sync::mpsc::Sender<()>) {
    let (begun, has_begun) = std::sync::mpsc::channel::<()>();
    let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
    let may_go_on = Mutex::new(may_go_on);
    let peer = Fake::answering(move || {
        begun.send(()).unwrap();
        may_go_on.lock().unwrap().recv().unwrap();
        Ok(golden_response("ok"))
    });
    (peer, has_begun, go_on)
}

#[tokio::test]
async fn a_busy_peer_says_so_at_once() {
    let (peer, has_begun, go_on) = stuck();
    let workers = Workers::new(1, 0).unwrap();
    let served = Served::with(peer, workers, ServerConfig::default()).await;
    let proposal: protos::SignedProposal = golden("ok.signedproposal");
    let (mut endorser, first) = (served.endorser(), proposal.clone());
    // A worker that is not waiting yet also refuses; a client would retry.
    let first = tokio::spawn(async move {
        loop {
            match endorser.process_proposal(first.clone()).await {
                Err(status) if status.code() == Code::ResourceExhausted => {}
                answer => return answer,
            }
        }
    });
    tokio::task::spawn_blocking(move || has_begun.recv().unwrap()).await.unwrap();
    let status = served.endorser().process_proposal(proposal).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.message().contains("busy"), "{status}");
    go_on.send(()).unwrap();
    first.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_panic_is_an_internal_error_and_the_peer_lives_on() {
    let broken = std::sync::atomic::AtomicBool::new(true);
    let peer = Fake::answering(move || {
        assert!(!broken.swap(false, std::sync::atomic::Ordering::SeqCst), "on purpose");
        Ok(golden_response("ok"))
    });
    let served = Served::start(peer).await;
    let proposal: protos::SignedProposal = golden("ok.signedproposal");
    let status = served.endorser().process_proposal(proposal.clone()).await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    served.endorser().process_proposal(proposal).await.unwrap();
}

#[tokio::test]
async fn requests_beyond_the_bytes_in_work_are_refused() {
    let (peer, has_begun, go_on) = stuck();
    let proposal: protos::SignedProposal = golden("ok.signedproposal");
    let of_first = proposal.encoded_len() + unpacked_bytes(&proposal, usize::MAX);
    let config = ServerConfig { request_bytes: of_first + 100, ..ServerConfig::default() };
    let served = Served::with(peer, Workers::new(1, 8).unwrap(), config).await;
    let (mut endorser, first) = (served.endorser(), proposal.clone());
    let first = tokio::spawn(async move { endorser.process_proposal(first).await });
    let first_begun = move || has_begun.recv().map(|()| has_begun);
    let _has_begun = tokio::task::spawn_blocking(first_begun).await.unwrap().unwrap();

    // The queue has room, but the budget of bytes is used up for every kind of request.
    let payload = vec![0; 200];
    let envelope = common::Envelope { payload, signature: b"good".to_vec() };
    let submit = gateway::SubmitRequest {
        prepared_transaction: Some(envelope.clone()),
        ..Default::default()
    };
    let mut orderer = AtomicBroadcastClient::new(served.channel.clone());
    let broadcast = orderer.broadcast(tokio_stream::iter([envelope])).await.unwrap();
    let refused = async {
        [
            served.endorser().process_proposal(proposal.clone()).await.unwrap_err(),
            served.gateway().evaluate(evaluate_request()).await.unwrap_err(),
            served.gateway().endorse(endorse_request()).await.unwrap_err(),
            served.gateway().submit(submit).await.unwrap_err(),
            broadcast.into_inner().message().await.unwrap_err(),
        ]
    };
    let refused = tokio::time::timeout(Duration::from_secs(20), refused).await;
    for refused in refused.expect("none waits for the first") {
        assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
        assert!(refused.message().contains("requests in progress may use"), "{refused}");
    }
    go_on.send(()).unwrap();
    first.await.unwrap().unwrap();
    go_on.send(()).unwrap();
    served.endorser().process_proposal(proposal).await.unwrap();
}

#[tokio::test]
async fn large_messages_and_unknown_services_are_refused() {
    let config = ServerConfig { message_bytes: 1_000, ..ServerConfig::default() };
    let served = Served::with(Fake::default(), Workers::new(1, 1).unwrap(), config).await;
    let large = protos::SignedProposal { proposal_bytes: vec![0; 2_000], ..Default::default() };
    let status = served.endorser().process_proposal(large).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange);
    let large =
        || tokio_stream::iter([common::Envelope { payload: vec![0; 2_000], ..Default::default() }]);
    let mut orderer = AtomicBroadcastClient::new(served.channel.clone());
    let mut answers = orderer.broadcast(large()).await.unwrap().into_inner();
    assert_eq!(answers.message().await.unwrap_err().code(), Code::OutOfRange);
    let mut deliver = DeliverClient::new(served.channel.clone());
    let mut answers = deliver.deliver(large()).await.unwrap().into_inner();
    assert_eq!(answers.message().await.unwrap_err().code(), Code::OutOfRange);

    use wasmcc_types::proto::protos::chaincode_client::ChaincodeClient;
    let mut other = ChaincodeClient::new(served.channel.clone());
    let status = other.connect(tokio_stream::empty()).await.unwrap_err();
    let text = "this peer has no service protos.Chaincode";
    assert_eq!(shape(&status), (Code::Unimplemented, text));
}

#[tokio::test]
async fn an_orderers_address_has_the_orderers_services_alone() {
    let listener = Listener::orderer("127.0.0.1:0");
    let workers = Workers::new(1, 1).unwrap();
    let served = Served::at(listener, Fake::default(), workers, ServerConfig::default()).await;
    let envelope = common::Envelope { payload: vec![1], signature: b"good".to_vec() };
    let mut orderer = AtomicBroadcastClient::new(served.channel.clone());
    let answers = orderer.broadcast(tokio_stream::iter([envelope])).await.unwrap();
    let answer = answers.into_inner().message().await.unwrap().unwrap();
    assert_eq!(answer.status(), common::Status::Success, "{answer:?}");
    let status = served.gateway().evaluate(evaluate_request()).await.unwrap_err();
    let text = "this orderer has no service gateway.Gateway";
    assert_eq!(shape(&status), (Code::Unimplemented, text));
    let proposal: protos::SignedProposal = golden("ok.signedproposal");
    let status = served.endorser().process_proposal(proposal).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
}

#[tokio::test]
async fn all_addresses_share_the_bounds_of_their_server() {
    let listeners = ["Org1MSP", "Org2MSP"].map(|org| Listener::peer_of("127.0.0.1:0", org));
    let config = ServerConfig { waiting_calls: 4, ..ServerConfig::default() };
    let server = Server::bind(listeners, config).await.unwrap();
    let addresses: Vec<_> = server.addresses().map(|(_, address)| address).collect();
    let workers = Arc::new(Workers::new(1, 1).unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async { drop(stopped.await) };
    let peer = Fake { others: vec![Box::new(|| Ok(golden_response("ok")))], ..Fake::default() };
    peer.grow(1);
    let serving = tokio::spawn(server.serve(Arc::new(peer), workers, stopped));
    let mut streams = Vec::new();
    for (number, address) in [addresses[0], addresses[1], addresses[1]].iter().enumerate() {
        let channel = Channel::from_shared(format!("http://{address}")).unwrap();
        let mut gateway = GatewayClient::new(channel.connect().await.unwrap());
        // "me" belongs to an organization without a name, which may have half of the places.
        let opened = gateway.chaincode_events(events_request("mychannel", None, "")).await;
        match number {
            0 | 1 => streams.push((opened.unwrap(), gateway)),
            _ => assert_eq!(opened.unwrap_err().code(), Code::ResourceExhausted),
        }
    }
    drop((streams, stop));
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stop_ends_waits_and_streams() {
    let served = Served::start(Fake::default()).await;
    served.peer.grow(1);
    let mut gateway = served.gateway();
    let waiting =
        tokio::spawn(async move { gateway.commit_status(commit_status_request("never")).await });
    let request = events_request("mychannel", None, "");
    let mut stream = served.gateway().chaincode_events(request).await.unwrap().into_inner();
    let Served { stop, serving, channel, .. } = served;
    stop.send(()).unwrap();
    assert_eq!(stream.message().await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(waiting.await.unwrap().unwrap_err().code(), Code::Unavailable);
    drop(channel);
    let ended = tokio::time::timeout(Duration::from_secs(5), serving).await;
    ended.expect("the server ends before its grace does").unwrap();
}

#[tokio::test]
async fn metadata_may_hold_a_long_token_and_not_more_than_a_connection_may_keep() {
    let served = Served::start(Fake::default()).await;
    let call = async |bytes: usize| {
        let mut request = Request::new(golden::<protos::SignedProposal>("ok.signedproposal"));
        request.metadata_mut().insert("authorization", "a".repeat(bytes).parse().unwrap());
        served.endorser().process_proposal(request).await
    };
    for bytes in [100, 20_000, 60_000] {
        call(bytes).await.unwrap();
    }
    assert!(call(70_000).await.is_err());
    call(100).await.unwrap();
}

#[tokio::test]
async fn an_unknown_method_is_named() {
    let served = Served::start(Fake::default()).await;
    for (path, text) in [
        ("/protos.Endorser/Nope", "unknown method Nope for service protos.Endorser"),
        ("/gateway.Gateway/Nope", "unknown method Nope for service gateway.Gateway"),
        ("/protos.Deliver/Nope", "unknown method Nope for service protos.Deliver"),
        (
            "/orderer.AtomicBroadcast/Nope",
            "unknown method Nope for service orderer.AtomicBroadcast",
        ),
        ("/discovery.Discovery/Nope", "unknown method Nope for service discovery.Discovery"),
        ("/foo.Bar/Nope", "this peer has no service foo.Bar"),
    ] {
        let mut client = Grpc::new(served.channel.clone());
        client.ready().await.unwrap();
        let codec = ProstCodec::<protos::SignedProposal, protos::ProposalResponse>::default();
        let request = Request::new(protos::SignedProposal::default());
        let refused = client.unary(request, PathAndQuery::from_static(path), codec).await;
        assert_eq!(shape(&refused.unwrap_err()), (Code::Unimplemented, text));
    }
}
