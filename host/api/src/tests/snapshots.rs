//! `protos.Snapshot`, with the refusals of Fabric's service.

use wasmcc_types::proto::common::SignatureHeader;
use wasmcc_types::proto::protos::snapshot_client::SnapshotClient;
use wasmcc_types::proto::protos::{SignedSnapshotRequest, SnapshotQuery, SnapshotRequest};

use super::*;

fn signed(request: impl Message, signature: &[u8]) -> SignedSnapshotRequest {
    SignedSnapshotRequest { request: request.encode_to_vec(), signature: signature.to_vec() }
}

fn request(channel: &str, block_number: u64) -> SnapshotRequest {
    let header = SignatureHeader { creator: b"me".to_vec(), ..Default::default() };
    SnapshotRequest { signature_header: Some(header), channel_id: channel.into(), block_number }
}

fn query(channel: &str) -> SnapshotQuery {
    let SnapshotRequest { signature_header, channel_id, .. } = request(channel, 0);
    SnapshotQuery { signature_header, channel_id }
}

#[tokio::test]
async fn administrators_submit_list_and_cancel_requests() {
    let served = Served::start(Fake::default()).await;
    let mut client = SnapshotClient::new(served.channel.clone());
    for block in [7, 9] {
        client.generate(signed(request("mychannel", block), b"admin")).await.unwrap();
    }
    client.cancel(signed(request("mychannel", 7), b"admin")).await.unwrap();
    let pending = client.query_pendings(signed(query("mychannel"), b"admin")).await.unwrap();
    assert_eq!(pending.into_inner().block_numbers, [9]);
}

#[tokio::test]
async fn refusals_have_the_texts_and_the_code_of_fabric() {
    let served = Served::start(Fake::default()).await;
    let mut client = SnapshotClient::new(served.channel.clone());
    let no_header = SnapshotRequest { signature_header: None, ..request("mychannel", 1) };
    let malformed = SignedSnapshotRequest { request: vec![0xff], signature: vec![] };
    for (request, text) in [
        (malformed, "failed to unmarshal snapshot request: "),
        (signed(no_header, b"admin"), "missing signature header"),
        (signed(request("mychannel", 1), b"user"), "organization Org1MSP has no peer here"),
        (signed(request("", 1), b"admin"), "missing channel ID"),
    ] {
        let refused = client.generate(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unknown);
        assert!(refused.message().starts_with(text), "{refused}");
    }
    let refused = client.query_pendings(signed(query("other"), b"admin")).await.unwrap_err();
    assert_eq!(refused.message(), "cannot find ledger for channel other");
}
