//! Transactions from submission to their block.

use tokio::sync::watch;

use super::*;
use crate::budget::{Budget, Jobs};
use crate::call::Call;
use crate::deliver::Bounds;
use crate::door::Door;
use crate::gateway::Gateway;
use crate::outgoing::Outgoing;
use crate::shutdown::Stopping;
use crate::waits::Waits;
use wasmcc_types::proto::gateway::gateway_server;

async fn submit(order: Result<(), OrderError>, envelope: Option<common::Envelope>) -> Status {
    let served = Served::start(Fake { order, ..Fake::default() }).await;
    let request = gateway::SubmitRequest { prepared_transaction: envelope, ..Default::default() };
    match served.gateway().submit(request).await {
        Ok(_) => Status::ok(""),
        Err(status) => status,
    }
}

#[tokio::test]
async fn submit_wants_a_signed_transaction() {
    let unsigned = common::Envelope { payload: b"p".to_vec(), signature: Vec::new() };
    let signed = common::Envelope { signature: b"s".to_vec(), ..unsigned.clone() };
    let status = submit(Ok(()), None).await;
    assert_eq!(shape(&status), (Code::InvalidArgument, "a prepared transaction is required"));
    let status = submit(Ok(()), Some(unsigned)).await;
    assert_eq!(shape(&status), (Code::InvalidArgument, "prepared transaction must be signed"));
    assert_eq!(submit(Ok(()), Some(signed)).await.code(), Code::Ok);
}

#[tokio::test]
async fn the_orderers_refusals_are_told_apart() {
    let signed = common::Envelope { payload: b"p".to_vec(), signature: b"s".to_vec() };
    let refused = |error| submit(Err(error), Some(signed.clone()));
    let status = refused(OrderError::BadRequest("no header".into())).await;
    let text = "received unsuccessful response from orderer: status=BAD_REQUEST, info=no header";
    assert_eq!(shape(&status), (Code::Aborted, text));
    assert!(status.details().is_empty(), "Fabric says it once");
    let status = refused(OrderError::Unavailable("stopping".into())).await;
    let text = "no orderers could successfully process transaction";
    assert_eq!(shape(&status), (Code::Unavailable, text));
    assert!(details(&status)[0].message.ends_with("info=stopping"));
}

#[tokio::test]
async fn submit_names_a_channel_that_its_peer_has_joined() {
    let signed = common::Envelope { payload: b"p".to_vec(), signature: b"s".to_vec() };
    let standings = [("Org1MSP", Standing::NoChannel)].into();
    let served = Served::start(Fake { standings, ..Fake::default() }).await;
    let request = gateway::SubmitRequest {
        channel_id: "nowhere".into(),
        prepared_transaction: Some(signed),
        ..Default::default()
    };
    let status = served.gateway().submit(request).await.unwrap_err();
    let text = "failed to get config for channel [nowhere]: could not get last config for channel \
                nowhere";
    assert_eq!(shape(&status), (Code::FailedPrecondition, text));
}

#[tokio::test]
async fn commit_status_comes_with_the_block() {
    let served = Served::start(Fake::default()).await;
    served.peer.commit("early", TxValidationCode::Valid, 7);
    let answer = served.gateway().commit_status(commit_status_request("early")).await.unwrap();
    let answer = answer.into_inner();
    assert_eq!((answer.result(), answer.block_number), (TxValidationCode::Valid, 7));

    let mut gateway = served.gateway();
    let waiting =
        tokio::spawn(async move { gateway.commit_status(commit_status_request("late")).await });
    served.peer.commit("late", TxValidationCode::MvccReadConflict, 8);
    let answer = waiting.await.unwrap().unwrap().into_inner();
    assert_eq!((answer.result(), answer.block_number), (TxValidationCode::MvccReadConflict, 8));
}

#[tokio::test]
async fn more_wait_for_commits_than_there_are_threads() {
    let served = Served::start(Fake::default()).await;
    let waiting: Vec<_> = (0..200)
        .map(|number| {
            let mut gateway = served.gateway();
            let request = commit_status_request(&format!("tx{number}"));
            tokio::spawn(async move { gateway.commit_status(request).await })
        })
        .collect();
    for number in 0..200 {
        served.peer.commit(&format!("tx{number}"), TxValidationCode::Valid, number);
    }
    for (number, waiting) in waiting.into_iter().enumerate() {
        let answer = waiting.await.unwrap().unwrap().into_inner();
        assert_eq!(answer.block_number, number as u64);
    }
}

/// Without a transport, which has the same deadline and its own answer.
#[tokio::test]
async fn commit_status_ends_at_the_deadline() {
    let (_running, stopping) = watch::channel(false);
    let waits = Waits::new(1, 1, Stopping(stopping));
    let (budget, message_bytes) = (Budget::new(1_000), 1_000);
    let outgoing = Outgoing::new(message_bytes, 1_000);
    let bounds = Bounds { budget: budget.clone(), outgoing, message_bytes };
    let jobs = Jobs::new(Arc::new(Workers::new(1, 1).unwrap()), budget, false);
    let peer = Arc::new(Fake::default());
    let door = Door::new("Org1MSP".into(), String::new(), BTreeMap::new());
    let gateway = Gateway::new(peer, jobs, (waits, bounds), door);
    let mut request = Request::new(commit_status_request("never"));
    request.extensions_mut().insert(Call::without_a_client());
    request.metadata_mut().insert("grpc-timeout", "1n".parse().unwrap());
    let status = gateway_server::Gateway::commit_status(&gateway, request).await.unwrap_err();
    assert_eq!(shape(&status), (Code::DeadlineExceeded, "context deadline exceeded"));
}

#[tokio::test]
async fn who_waits_for_a_block_is_told_why_the_channel_commits_nothing() {
    let served = Served::start(Fake::default()).await;
    served.peer.ledger.lock().unwrap().interruption = Some("the disk is full");
    let text = "channel 'mychannel' commits nothing until this peer can write again: the disk is \
                full";
    let status = served.gateway().commit_status(commit_status_request("tx")).await.unwrap_err();
    assert_eq!(shape(&status), (Code::Unavailable, text));
    let request = events_request("mychannel", None, "");
    let mut events = served.gateway().chaincode_events(request).await.unwrap().into_inner();
    let status = events.message().await.unwrap_err();
    assert_eq!(shape(&status), (Code::Unavailable, text));
}

#[tokio::test]
async fn commit_status_checks_who_asks() {
    let served = Served::start(Fake::default()).await;
    let forged = gateway::SignedCommitStatusRequest {
        signature: b"forged".to_vec(),
        ..commit_status_request("tx")
    };
    let status = served.gateway().commit_status(forged).await.unwrap_err();
    assert_eq!(
        shape(&status),
        (Code::PermissionDenied, "could not find policy gateway/CommitStatus for me")
    );

    let empty = gateway::SignedCommitStatusRequest::default();
    let status = served.gateway().commit_status(empty).await.unwrap_err();
    assert_eq!(shape(&status), (Code::InvalidArgument, "a commit status request is required"));

    let status = served.gateway().commit_status(commit_status_request("")).await.unwrap_err();
    assert_eq!(shape(&status), (Code::InvalidArgument, "transaction ID should not be empty"));
}
