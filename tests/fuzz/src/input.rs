//! Decisions from a fuzzer's bytes. Few transactions and short payloads, so that events of one
//! transaction interact.
//!
//! Invariant: every byte sequence is valid; the events end when it is used up.

use wasmcc_protocol::TxKey;
use wasmcc_protocol::promises::{PeerEvent, ShimEvent};
use wasmcc_types::proto::protos::ChaincodeMessage;

/// The unread bytes.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// Starts with all bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Reads a byte.
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    /// Reads one bit of the next byte.
    pub fn flag(&mut self) -> bool {
        self.byte().is_some_and(|byte| byte & 1 == 1)
    }

    /// Reads a length of one byte and that many bytes, or the rest.
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
            // One type in four is undefined.
            r#type: if kind < 192 { kind % 27 } else { kind },
            payload: self.payload(),
            txid: (*tx.tx_id).into(),
            channel_id: (*tx.channel_id).into(),
            timestamp: more.then(Default::default),
            proposal: more.then(Default::default),
            chaincode_event: more.then(Default::default),
        }))
    }

    /// Returns the next event of a peer's half.
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

    /// Returns the next event of a chaincode's half.
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
