//! Requests with many empty elements, which take two bytes each on the wire and many in memory.

use wasmcc_types::proto::discovery::SignedRequest;
use wasmcc_types::proto::discovery::discovery_client::DiscoveryClient;

use super::*;

/// Returns this many bytes of empty elements of a list, by its key.
fn empty(key: u8, bytes: usize) -> Vec<u8> {
    [key, 0].repeat(bytes / 2)
}

/// Returns one field with bytes.
fn field(key: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![key];
    prost::encoding::encode_varint(bytes.len() as u64, &mut field);
    field.extend_from_slice(bytes);
    field
}

#[tokio::test]
async fn queries_are_counted_before_they_are_read() {
    let served = Served::start(Fake::default()).await;
    let request = SignedRequest { payload: empty(0x12, 1 << 20), signature: Vec::new() };
    let refused = DiscoveryClient::new(served.channel.clone()).discover(request).await.unwrap_err();
    let text = "failed parsing request: failed to decode Protobuf message: it has more than 20000 \
                fields: send less at a time";
    assert_eq!(shape(&refused), (Code::Unknown, text));
}

#[tokio::test]
async fn organizations_are_counted_before_they_are_read() {
    let served = Served::start(Fake::default()).await;
    let endorsing_organizations = vec![String::new(); 1 << 20];
    let request = gateway::EndorseRequest { endorsing_organizations, ..endorse_request() };
    let refused = served.gateway().endorse(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::Internal);
    assert!(refused.message().contains(" fields: send less at a time"), "{refused}");
}

#[tokio::test]
async fn arguments_count_with_what_they_take_in_memory() {
    let config = ServerConfig { request_bytes: 1 << 20, ..ServerConfig::default() };
    let served = Served::with(Fake::default(), Workers::new(1, 8).unwrap(), config).await;
    let proposal = |args: &[u8]| {
        let spec = field(0x0a, &field(0x1a, args));
        let payload = field(0x0a, &spec);
        let proposal_bytes = field(0x12, &payload);
        protos::SignedProposal { proposal_bytes, signature: b"good".to_vec() }
    };
    let mut endorser = served.endorser();
    let many = proposal(&empty(0x0a, 100_000));
    let refused = endorser.process_proposal(many).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
    assert!(refused.message().contains("this one needs "), "{refused}");
    // The same number of bytes in one argument is accepted; that proposal has no header.
    let one = proposal(&field(0x0a, &[0; 100_000]));
    let unread = endorser.process_proposal(one).await;
    assert!(!matches!(&unread, Err(status) if status.code() == Code::ResourceExhausted));
}
