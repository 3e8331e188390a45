//! Messages with their payloads decoded.

use std::sync::Arc;

use prost::Message as _;
use prost::bytes::Bytes;

use crate::{ProtocolError, Request, TxKey};
use wasmcc_types::proto::protos;
use wasmcc_types::{ChaincodeEvent, Entry, Response, decode_bounded, fields_in};

pub use wasmcc_types::proto::protos::chaincode_message::Type as MessageType;

/// A decoded `protos.ChaincodeMessage`. Unused fields are left out: the timestamp, which no side
/// sets, and the ids of an event, which the peer sets itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// The chaincode sends its id: `label:hash`, or `name:version` in old lifecycles.
    Register {
        /// The id under which the peer launched it.
        name: String,
    },
    /// The peer accepts the registration.
    Registered,
    /// The peer is ready to send transactions.
    Ready {
        /// Unset before Fabric 3.1.
        params: protos::ChaincodeAdditionalParams,
    },
    /// INIT or TRANSACTION: the peer calls the chaincode.
    Invoke(InvokeMessage),
    /// The chaincode has finished.
    Completed {
        /// The transaction.
        tx: TxKey,
        /// Its result.
        completed: Completed,
    },
    /// To the peer: the transaction failed. To the chaincode: the request failed.
    Error {
        /// The transaction; empty if there is none.
        tx: TxKey,
        /// The text.
        text: String,
    },
    /// A request of the chaincode.
    Request {
        /// The transaction.
        tx: TxKey,
        /// The request.
        request: Request,
    },
    /// The peer's answer to a successful request.
    Response {
        /// The transaction.
        tx: TxKey,
        /// Its format depends on the [`Request`].
        payload: Vec<u8>,
    },
    /// Checks that the stream is alive; the chaincode returns it.
    Keepalive,
}

/// A call of a chaincode by the peer.
#[derive(Clone, Debug, PartialEq)]
pub struct InvokeMessage {
    /// The transaction.
    pub tx: TxKey,
    /// INIT or TRANSACTION.
    pub entry: Entry,
    /// The arguments.
    pub input: protos::ChaincodeInput,
    /// The client's signed proposal, shared by all nested calls.
    pub proposal: Option<Arc<protos::SignedProposal>>,
}

/// The result of a chaincode's function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completed {
    /// Its status may be an error.
    pub response: Response,
    /// At most one event in a transaction.
    pub event: Option<ChaincodeEvent>,
}

impl Message {
    /// Decodes a message from the wire. The only errors are [`ProtocolError::UnknownType`] and
    /// [`ProtocolError::Malformed`].
    pub fn decode(wire: protos::ChaincodeMessage) -> Result<Self, ProtocolError> {
        let tx = TxKey::new(wire.channel_id, wire.txid);
        let Ok(kind) = MessageType::try_from(wire.r#type) else {
            return Err(ProtocolError::UnknownType { tx, number: wire.r#type });
        };
        let payload = wire.payload;
        let malformed =
            |tx: &TxKey, source| ProtocolError::Malformed { tx: tx.clone(), kind, source };
        let message = match kind {
            MessageType::Register => {
                let id = protos::ChaincodeId::decode(Bytes::from(payload))
                    .map_err(|e| malformed(&tx, e))?;
                Self::Register { name: id.name }
            }
            MessageType::Registered => Self::Registered,
            // A shim ignores parameters that it cannot decode, since later peers may send other
            // ones (`shim/handler.go`, `handleEstablished`).
            MessageType::Ready => Self::Ready {
                params: protos::ChaincodeAdditionalParams::decode(Bytes::from(payload))
                    .unwrap_or_default(),
            },
            MessageType::Init | MessageType::Transaction => {
                let entry = match kind {
                    MessageType::Init => Entry::Init,
                    _ => Entry::Invoke,
                };
                let most = fields_in(payload.len());
                let input =
                    decode_bounded(Bytes::from(payload), most).map_err(|e| malformed(&tx, e))?;
                Self::Invoke(InvokeMessage {
                    tx,
                    entry,
                    input,
                    proposal: wire.proposal.map(Arc::new),
                })
            }
            MessageType::Completed => {
                let response = protos::Response::decode(Bytes::from(payload))
                    .map_err(|e| malformed(&tx, e))?;
                Self::Completed { tx, completed: Completed::new(response, wire.chaincode_event) }
            }
            MessageType::Error => {
                // Fabric takes any bytes as text.
                let text = String::from_utf8(payload)
                    .unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned());
                Self::Error { tx, text }
            }
            MessageType::Response => Self::Response { tx, payload },
            MessageType::Keepalive => Self::Keepalive,
            kind => match Request::decode(kind, payload.into()) {
                Some(request) => {
                    Self::Request { request: request.map_err(|e| malformed(&tx, e))?, tx }
                }
                None => return Err(ProtocolError::UnknownType { tx, number: wire.r#type }),
            },
        };
        Ok(message)
    }

    /// Encodes the message for the wire.
    pub fn encode(self) -> protos::ChaincodeMessage {
        let kind = self.kind();
        let wire = |tx: TxKey, payload| protos::ChaincodeMessage {
            r#type: kind.into(),
            payload,
            txid: (*tx.tx_id).into(),
            channel_id: (*tx.channel_id).into(),
            ..Default::default()
        };
        match self {
            Self::Registered | Self::Keepalive => wire(TxKey::default(), Vec::new()),
            Self::Register { name } => {
                let id = protos::ChaincodeId { name, ..Default::default() };
                wire(TxKey::default(), id.encode_to_vec())
            }
            Self::Ready { params } => wire(TxKey::default(), params.encode_to_vec()),
            Self::Invoke(InvokeMessage { tx, input, proposal, .. }) => protos::ChaincodeMessage {
                proposal: proposal.map(Arc::unwrap_or_clone),
                ..wire(tx, input.encode_to_vec())
            },
            Self::Completed { tx, completed: Completed { response, event } } => {
                let Response { status, message, payload } = response;
                let response = protos::Response { status, message, payload };
                protos::ChaincodeMessage {
                    chaincode_event: event.map(|event| protos::ChaincodeEvent {
                        event_name: event.name,
                        payload: event.payload,
                        ..Default::default()
                    }),
                    ..wire(tx, response.encode_to_vec())
                }
            }
            Self::Error { tx, text } => wire(tx, text.into_bytes()),
            Self::Request { tx, request } => wire(tx, request.encode()),
            Self::Response { tx, payload } => wire(tx, payload),
        }
    }

    /// Returns the message's type on the wire.
    pub fn kind(&self) -> MessageType {
        match self {
            Self::Register { .. } => MessageType::Register,
            Self::Registered => MessageType::Registered,
            Self::Ready { .. } => MessageType::Ready,
            Self::Invoke(InvokeMessage { entry: Entry::Init, .. }) => MessageType::Init,
            Self::Invoke(InvokeMessage { entry: Entry::Invoke, .. }) => MessageType::Transaction,
            Self::Completed { .. } => MessageType::Completed,
            Self::Error { .. } => MessageType::Error,
            Self::Request { request, .. } => request.kind(),
            Self::Response { .. } => MessageType::Response,
            Self::Keepalive => MessageType::Keepalive,
        }
    }

    /// Returns the transaction that the message names, if any.
    pub(super) fn named_tx(&self) -> Option<&TxKey> {
        self.tx().filter(|tx| !tx.tx_id.is_empty())
    }

    /// Returns the transaction that the message belongs to, if any.
    pub fn tx(&self) -> Option<&TxKey> {
        match self {
            Self::Register { .. } | Self::Registered | Self::Ready { .. } | Self::Keepalive => None,
            Self::Invoke(InvokeMessage { tx, .. })
            | Self::Completed { tx, .. }
            | Self::Error { tx, .. }
            | Self::Request { tx, .. }
            | Self::Response { tx, .. } => Some(tx),
        }
    }
}

impl Completed {
    /// Drops an event without a name; the shims refuse to send one.
    fn new(response: protos::Response, event: Option<protos::ChaincodeEvent>) -> Self {
        let protos::Response { status, message, payload } = response;
        Self {
            response: Response { status, message, payload },
            event: event
                .filter(|event| !event.event_name.is_empty())
                .map(|event| ChaincodeEvent { name: event.event_name, payload: event.payload }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(kind: i32, payload: &[u8]) -> protos::ChaincodeMessage {
        protos::ChaincodeMessage {
            r#type: kind,
            payload: payload.to_vec(),
            txid: "t1".into(),
            channel_id: "ch".into(),
            ..Default::default()
        }
    }

    #[test]
    fn every_type_but_undefined_is_known_and_survives() {
        let known: Vec<i32> =
            (-1..30).filter(|&kind| Message::decode(wire(kind, &[])).is_ok()).collect();
        assert_eq!(known, (1..26).filter(|&kind| kind != 12).collect::<Vec<_>>());
        for kind in known {
            let message = Message::decode(wire(kind, &[])).unwrap();
            let encoded = message.clone().encode();
            assert_eq!(encoded.r#type, kind);
            let expected = match message.tx() {
                Some(_) => wire(kind, &[]),
                None => protos::ChaincodeMessage { r#type: kind, ..Default::default() },
            };
            assert_eq!(encoded, expected);
        }
    }

    #[test]
    fn unreadable_payload_names_type_and_transaction() {
        let error = Message::decode(wire(MessageType::PutState.into(), &[0xff])).unwrap_err();
        assert_eq!(error.to_string(), "[t1] failed to unmarshal the payload of PUT_STATE");
        assert_eq!(error.tx(), Some(&TxKey::new("ch", "t1")));
        assert!(std::error::Error::source(&error).is_some());
    }

    #[test]
    fn unreadable_ready_parameters_are_ignored() {
        let message = Message::decode(wire(MessageType::Ready.into(), &[0xff])).unwrap();
        assert_eq!(message, Message::Ready { params: Default::default() });
    }

    #[test]
    fn error_text_need_not_be_utf8() {
        let message = Message::decode(wire(MessageType::Error.into(), b"a\xffb")).unwrap();
        let tx = TxKey::new("ch", "t1");
        assert_eq!(message, Message::Error { tx, text: "a\u{fffd}b".into() });
    }

    #[test]
    fn event_without_name_is_no_event() {
        let event = |event_name: &str| {
            let event_name = event_name.to_owned();
            let event = protos::ChaincodeEvent { event_name, ..Default::default() };
            let wire = protos::ChaincodeMessage {
                chaincode_event: Some(event),
                ..wire(MessageType::Completed.into(), &[])
            };
            match Message::decode(wire) {
                Ok(Message::Completed { completed, .. }) => completed.event,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(event(""), None);
        assert_eq!(event("sold").map(|event| event.name).as_deref(), Some("sold"));
    }
}
