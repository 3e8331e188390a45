//! Feeds random input to each state machine, which must not panic and must keep its promises.

use proptest::prelude::*;

use crate::TxKey;
use crate::promises::{PeerEvent, ShimEvent, check_peer, check_shim};
use wasmcc_types::proto::protos::ChaincodeMessage;

fn tx() -> impl Strategy<Value = TxKey> {
    (0..3_u8, 0..2_u8)
        .prop_map(|(tx, channel)| TxKey::new("c".repeat(channel.into()), tx.to_string()))
}

/// Message types in and out of range. An empty payload is valid for every type.
fn wire() -> impl Strategy<Value = ChaincodeMessage> {
    let kind = prop_oneof![8 => 0..27, 1 => any::<i32>()];
    let payload = prop_oneof![3 => Just(Vec::new()), 1 => any::<Vec<u8>>()];
    (kind, tx(), payload, any::<bool>()).prop_map(|(kind, tx, payload, more)| ChaincodeMessage {
        r#type: kind,
        payload,
        txid: (*tx.tx_id).into(),
        channel_id: (*tx.channel_id).into(),
        timestamp: more.then(Default::default),
        proposal: more.then(Default::default),
        chaincode_event: more.then(Default::default),
    })
}

/// As `wire`, but only types that do not end a stream that is ready.
fn wire_that(accepted: &'static [i32]) -> impl Strategy<Value = ChaincodeMessage> {
    (wire(), prop::sample::select(accepted))
        .prop_map(|(wire, kind)| ChaincodeMessage { r#type: kind, ..wire })
}

fn peer_event() -> impl Strategy<Value = PeerEvent> {
    let from_chaincode = &[6, 7, 8, 9, 10, 11, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25];
    prop_oneof![
        20 => wire_that(from_chaincode).prop_map(|wire| PeerEvent::Wire(wire.into())),
        1 => wire().prop_map(|wire| PeerEvent::Wire(wire.into())),
        1 => Just(PeerEvent::Launched),
        1 => Just(PeerEvent::Refused),
        10 => tx().prop_map(PeerEvent::Execute),
        8 => any::<Result<Vec<u8>, String>>().prop_map(PeerEvent::Served),
        3 => any::<usize>().prop_map(PeerEvent::Timeout),
        1 => Just(PeerEvent::KeepaliveDue),
        1 => Just(PeerEvent::Disconnected),
    ]
}

fn shim_event() -> impl Strategy<Value = ShimEvent> {
    prop_oneof![
        20 => wire_that(&[3, 5, 5, 7, 13, 13, 18]).prop_map(|wire| ShimEvent::Wire(wire.into())),
        1 => wire().prop_map(|wire| ShimEvent::Wire(wire.into())),
        15 => tx().prop_map(ShimEvent::Request),
        8 => (tx(), any::<Result<i32, String>>())
            .prop_map(|(tx, outcome)| ShimEvent::Completed(tx, outcome)),
        1 => Just(ShimEvent::Disconnected),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn peer_side_keeps_its_promises(
        skips_handshake: bool,
        events in prop::collection::vec(peer_event(), 0..80),
    ) {
        check_peer(skips_handshake, events);
    }

    #[test]
    fn shim_side_keeps_its_promises(
        skips_handshake: bool,
        events in prop::collection::vec(shim_event(), 0..80),
    ) {
        check_shim(skips_handshake, events);
    }
}
