//! Decisions made of a fuzzer's bytes. Few transactions and short payloads, so that what happens
//! to one of them has to do with what happened before.
//!
//! Invariant: every sequence of bytes is a good one; when it is used up, there is no more to do.

use wasmcc_protocol::TxKey;
use wasmcc_protocol::promises::{PeerEvent, ShimEvent};
use wasmcc_types::proto::protos::ChaincodeMessage;

/// What is left of the bytes.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// All of them.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next byte.
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    /// One bit of the next byte.
    pub fn flag(&mut self) -> bool {
        self.byte().is_some_and(|byte| byte & 1 == 1)
    }

    /// A length in one byte, and as many bytes, or what is left.
    fn payload(&mut self) -> Vec<u8> {
        let length = usize::from(self.byte().unwrap_or(0)).min(self.0.len());
        let (payload, rest) = self.0.split_at(length);
        self.0 = rest;
        payload.to_vec()
    }

    fn outcome(&mut self) -> Result<Vec<u8>, String> {
        if self.flag() { Ok(self.payload()) } else { Err("failed".into()) }
    }

    fn tx(&mut self) -> TxKey {
        let byte = self.byte().unwrap_or(0);
        TxKey::new("c".repeat((byte & 1).into()), (byte >> 1 & 3).to_string())
    }

    fn wire(&mut self) -> Option<Box<ChaincodeMessage>> {
        let kind = i32::from(self.byte()?);
        let tx = self.tx();
        let more = self.flag();
        Some(Box::new(ChaincodeMessage {
            // One type in four is one that nobody knows.
            r#type: if kind < 192 { kind % 27 } else { kind },
            payload: self.payload(),
            txid: (*tx.tx_id).into(),
            channel_id: (*tx.channel_id).into(),
            timestamp: more.then(Default::default),
            proposal: more.then(Default::default),
            chaincode_event: more.then(Default::default),
        }))
    }

    /// The next thing that happens to a peer's half.
    pub fn peer_event(&mut self) -> Option<PeerEvent> {
        Some(match self.byte()? % 16 {
            0..7 => PeerEvent::Wire(self.wire()?),
            7..11 => PeerEvent::Execute(self.tx()),
            11 | 12 => PeerEvent::Served(self.outcome()),
            13 => PeerEvent::Timeout(self.byte()?.into()),
            14 => match self.byte()? % 4 {
                0 => PeerEvent::Launched,
                1 => PeerEvent::Refused,
                _ => PeerEvent::KeepaliveDue,
            },
            _ => PeerEvent::Disconnected,
        })
    }

    /// The next thing that happens to a chaincode's half.
    pub fn shim_event(&mut self) -> Option<ShimEvent> {
        Some(match self.byte()? % 16 {
            0..8 => ShimEvent::Wire(self.wire()?),
            8..12 => ShimEvent::Request(self.tx()),
            12..15 => {
                let tx = self.tx();
                let outcome = self.outcome().map(|payload| payload.len() as i32);
                ShimEvent::Completed(tx, outcome)
            }
            _ => ShimEvent::Disconnected,
        })
    }
}
