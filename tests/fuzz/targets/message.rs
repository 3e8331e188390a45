//! Any bytes as a message: no panic, and a decoded message survives encoding.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prost::Message as _;
use wasmcc_protocol::{Message, proposal_context};
use wasmcc_types::proto::protos::{ChaincodeMessage, SignedProposal};

fuzz_target!(|bytes: &[u8]| {
    let signed = SignedProposal { proposal_bytes: bytes.to_vec(), ..Default::default() };
    _ = proposal_context(&signed.into());
    let Ok(wire) = ChaincodeMessage::decode(bytes) else { return };
    if let Some(proposal) = &wire.proposal {
        _ = proposal_context(&proposal.clone().into());
    }
    let Ok(message) = Message::decode(wire) else { return };
    let again = Message::decode(message.clone().encode()).expect("what was encoded can be decoded");
    assert_eq!(again, message);
});
