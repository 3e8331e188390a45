//! The stream of events.

use super::*;

/// Returns the blocks and names of the first `count` events.
async fn events(
    served: &Served,
    request: gateway::SignedChaincodeEventsRequest,
    count: usize,
) -> Vec<(u64, String)> {
    let mut stream = served.gateway().chaincode_events(request).await.unwrap().into_inner();
    let mut seen = Vec::new();
    while seen.len() < count {
        let message = stream.message().await.unwrap().unwrap();
        let names = message.events.into_iter().map(|event| event.event_name);
        seen.extend(names.map(|name| (message.block_number, name)));
    }
    seen
}

#[tokio::test]
async fn events_are_those_of_valid_transactions_of_the_chaincode() {
    let served = Served::start(Fake::default()).await;
    served.peer.grow(46);
    let from = |number| Some(seek_position::Type::Specified(SeekSpecified { number }));
    let expected = [(23, "ev1"), (24, "second"), (38, "outer")];
    let expected: Vec<_> = expected.map(|(block, name)| (block, name.to_owned())).into();
    let seen = events(&served, events_request("mychannel", from(0), ""), 3).await;
    assert_eq!(seen, expected);
    let seen = events(&served, events_request("mychannel", from(24), ""), 2).await;
    assert_eq!(seen, expected[1..]);

    // A transaction that this peer does not have yet may be in a later block.
    let of_block_23 = "a57a51a8c5d4e89f45c85113368a00820a1c4a2cdf7f5f0b2e0f54664145da41";
    let seen = events(&served, events_request("mychannel", from(0), of_block_23), 2).await;
    assert_eq!(seen, expected[1..]);
    served.peer.commit(of_block_23, TxValidationCode::Valid, 23);
    let seen = events(&served, events_request("mychannel", from(24), of_block_23), 2).await;
    assert_eq!(seen, expected[1..]);
}

#[tokio::test]
async fn events_begin_with_the_next_block_by_default() {
    let served = Served::start(Fake::default()).await;
    served.peer.grow(24);
    let request = events_request("mychannel", None, "");
    let mut stream = served.gateway().chaincode_events(request).await.unwrap().into_inner();
    served.peer.grow(46);
    let first = stream.message().await.unwrap().unwrap();
    assert_eq!(first.block_number, 24);
}

#[tokio::test]
async fn events_cannot_begin_anywhere() {
    let served = Served::start(Fake::default()).await;
    let unknown = events_request("other", None, "");
    let status = served.gateway().chaincode_events(unknown).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    let newest = Some(seek_position::Type::Newest(SeekNewest {}));
    let newest = events_request("mychannel", newest, "");
    let status = served.gateway().chaincode_events(newest).await.unwrap_err();
    let text = "invalid start position type: *orderer.SeekPosition_Newest";
    assert_eq!(shape(&status), (Code::InvalidArgument, text));
}

#[tokio::test]
async fn who_asks_for_nothing_is_refused_by_the_policy_or_gets_nothing() {
    let standings = [("Org1MSP", Standing::NoChannel)].into();
    let served = Served::start(Fake { standings, ..Fake::default() }).await;
    for (channel, text) in [
        (
            "",
            "Invalid channel ID name during check policy on signed data. Name must be different \
             from nil.",
        ),
        ("nowhere", "Failed to get policy manager for channel [nowhere]"),
    ] {
        let request = events_request(channel, None, "");
        let status = served.gateway().chaincode_events(request).await.unwrap_err();
        assert_eq!(shape(&status), (Code::PermissionDenied, text));
        let wanted = gateway::CommitStatusRequest {
            channel_id: channel.to_owned(),
            transaction_id: "tx".to_owned(),
            ..Default::default()
        };
        let request = gateway::SignedCommitStatusRequest {
            request: wanted.encode_to_vec(),
            ..commit_status_request("")
        };
        let status = served.gateway().commit_status(request).await.unwrap_err();
        assert_eq!(shape(&status), (Code::PermissionDenied, text));
    }

    let served = Served::start(Fake::default()).await;
    served.peer.grow(46);
    let start_position = seek_position::Type::Specified(SeekSpecified { number: 0 });
    let request = gateway::ChaincodeEventsRequest {
        channel_id: "mychannel".to_owned(),
        start_position: Some(SeekPosition { r#type: Some(start_position) }),
        ..Default::default()
    };
    let signed = |signature: &[u8]| gateway::SignedChaincodeEventsRequest {
        request: request.encode_to_vec(),
        signature: signature.to_vec(),
    };
    served.gateway().chaincode_events(signed(b"good")).await.unwrap();
    let status = served.gateway().chaincode_events(signed(b"none")).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
}
