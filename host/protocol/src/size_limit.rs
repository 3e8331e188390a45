//! Limits the size of messages.
//!
//! gRPC ends the whole stream when a message is too large. So the size is computed before a message
//! is encoded, and only the message's transaction fails.

use prost::encoding::int32;
use prost::{Message as _, length_delimiter_len};

use crate::{Completed, InvokeMessage, Message, ProtocolError, TxKey};
use wasmcc_types::proto::protos;

/// The largest message that Fabric's peers and shims send and accept, in bytes
/// (`peer.maxSendMsgSize` of core.yaml, fabric-chaincode-go `shim/internal/config.go`).
pub const MESSAGE_BYTES: usize = 100 << 20;

/// The largest message that may be sent, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct SizeLimit(pub(super) usize);

impl SizeLimit {
    /// Checks that a message may be sent. The only error is [`ProtocolError::TooLarge`].
    pub(super) fn check(self, message: &Message) -> Result<(), ProtocolError> {
        let (bytes, limit) = (message.wire_bytes(), self.0);
        if bytes <= limit {
            return Ok(());
        }
        Err(ProtocolError::TooLarge { kind: message.kind(), bytes, limit })
    }

    /// Returns ERROR with the text cut to the size limit: a text may quote a large request.
    pub(super) fn error(self, tx: TxKey, mut text: String) -> Message {
        let around = Message::Error { tx: tx.clone(), text: String::new() }.wire_bytes();
        // The text's own tag and length take at most ten bytes.
        let room = self.0.saturating_sub(around + 10);
        if text.len() > room {
            text.truncate(text.floor_char_boundary(room));
        }
        Message::Error { tx, text }
    }
}

impl Message {
    /// Returns the size of the message on the wire in bytes.
    pub fn wire_bytes(&self) -> usize {
        let (payload, more) = match self {
            Self::Registered | Self::Keepalive => (0, 0),
            Self::Register { name } => (field(name.len()), 0),
            Self::Ready { params } => (params.encoded_len(), 0),
            Self::Invoke(InvokeMessage { input, proposal, .. }) => {
                let proposal = proposal.as_ref().map_or(0, |signed| embedded(signed.encoded_len()));
                (input.encoded_len(), proposal)
            }
            Self::Completed { completed: Completed { response, event }, .. } => {
                let status = match response.status {
                    0 => 0,
                    status => int32::encoded_len(1, &status),
                };
                let response =
                    status + field(response.message.len()) + field(response.payload.len());
                let event = event.as_ref();
                let event = event.map(|event| field(event.name.len()) + field(event.payload.len()));
                (response, event.map_or(0, embedded))
            }
            Self::Error { text, .. } => (text.len(), 0),
            Self::Request { request, .. } => (request.encoded_len(), 0),
            Self::Response { payload, .. } => (payload.len(), 0),
        };
        let kind = protos::ChaincodeMessage { r#type: self.kind().into(), ..Default::default() };
        let tx = self.tx().map_or(0, |tx| field(tx.tx_id.len()) + field(tx.channel_id.len()));
        kind.encoded_len() + field(payload) + tx + more
    }
}

/// Returns the size of a field of bytes or text with a tag of one byte. Empty ones are not sent.
fn field(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { embedded(bytes) }
}

/// Returns the size of a field that is a message, which is sent even if it is empty.
fn embedded(bytes: usize) -> usize {
    1 + length_delimiter_len(bytes) + bytes
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::Request;
    use wasmcc_types::{ChaincodeEvent, Entry, Response};

    fn messages(bytes: usize, status: i32) -> Vec<Message> {
        let tx = TxKey::new("c".repeat(bytes % 200), "t".repeat(bytes % 300));
        let text = "x".repeat(bytes);
        let signed =
            protos::SignedProposal { proposal_bytes: vec![1; bytes], signature: vec![2; 70] };
        let input = protos::ChaincodeInput { args: vec![vec![1; bytes]; 3], ..Default::default() };
        let invoke = |proposal| InvokeMessage {
            tx: tx.clone(),
            entry: Entry::Invoke,
            input: input.clone(),
            proposal,
        };
        let response = Response { status, message: text.clone(), payload: vec![3; bytes] };
        let completed = |event| Completed { response: response.clone(), event };
        let event = ChaincodeEvent { name: text.clone(), payload: vec![4; bytes] };
        let put =
            protos::PutState { key: text.clone(), value: vec![5; bytes], ..Default::default() };
        let params =
            protos::ChaincodeAdditionalParams { use_write_batch: true, ..Default::default() };
        vec![
            Message::Register { name: text.clone() },
            Message::Registered,
            Message::Ready { params },
            Message::Invoke(invoke(None)),
            Message::Invoke(invoke(Some(Arc::new(signed)))),
            Message::Completed { tx: tx.clone(), completed: completed(None) },
            Message::Completed { tx: tx.clone(), completed: completed(Some(event)) },
            Message::Error { tx: tx.clone(), text },
            Message::Request { tx: tx.clone(), request: Request::PutState(put) },
            Message::Response { tx, payload: vec![6; bytes] },
            Message::Keepalive,
        ]
    }

    #[test]
    fn the_size_is_known_before_encoding() {
        for bytes in [0, 1, 2, 120, 127, 128, 129, 16_380, 16_384, 2_097_152] {
            for message in messages(bytes, if bytes % 2 == 0 { 200 } else { -1 }) {
                let (said, kind) = (message.wire_bytes(), message.kind());
                assert_eq!(said, message.encode().encoded_len(), "{kind:?} of {bytes}");
            }
        }
        assert_eq!(messages(0, 0)[5].wire_bytes(), 2);
    }

    #[test]
    fn a_message_may_be_as_large_as_the_limit_and_no_larger() {
        for message in messages(1000, 200) {
            let bytes = message.wire_bytes();
            assert_eq!(SizeLimit(bytes).check(&message), Ok(()));
            let error = SizeLimit(bytes - 1).check(&message).unwrap_err();
            let kind = message.kind().as_str_name();
            let text = format!(
                "a message ({kind}) of {bytes} bytes is longer than the limit of {} bytes",
                bytes - 1
            );
            assert_eq!(error.to_string(), text);
        }
    }

    #[test]
    fn the_text_of_an_error_is_cut_to_what_may_be_sent() {
        let tx = TxKey::new("ch", "t1");
        for limit in 0..2000 {
            let limit = SizeLimit(limit);
            let message = limit.error(tx.clone(), "é".repeat(500));
            let Message::Error { text, .. } = &message else { panic!() };
            assert!(text.is_empty() || limit.check(&message).is_ok());
            assert!(text.len() == 1000 || message.wire_bytes() + 12 > limit.0 || text.is_empty());
        }
        let whole = SizeLimit(MESSAGE_BYTES).error(tx.clone(), "no".into());
        assert_eq!(whole, Message::Error { tx, text: "no".into() });
    }
}
