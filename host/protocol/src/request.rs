//! The requests of a chaincode to its peer.

use prost::bytes::Bytes;
use prost::{DecodeError, Message as _};

use crate::{MessageType, TxKey};
use wasmcc_types::proto::protos;
use wasmcc_types::{decode_bounded, fields_in};

macro_rules! requests {
    ($($(#[$doc:meta])* $name:ident($payload:ident),)*) => {
        /// A request of a chaincode. The peer answers with RESPONSE, whose payload depends on the
        /// request, or with ERROR.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Request {
            $($(#[$doc])* $name(protos::$payload),)*
        }

        impl Request {
            /// Returns the type of the message that carries it.
            pub fn kind(&self) -> MessageType {
                match self {
                    $(Self::$name(_) => MessageType::$name,)*
                }
            }

            /// Returns whether messages of this type are requests.
            pub(super) fn is_request(kind: MessageType) -> bool {
                matches!(kind, $(MessageType::$name)|*)
            }

            /// Decodes a request; None if messages of this type are not requests.
            pub(super) fn decode(
                kind: MessageType,
                payload: Bytes,
            ) -> Option<Result<Self, DecodeError>> {
                match kind {
                    $(MessageType::$name => {
                        let most = fields_in(payload.len());
                        let decoded: Result<protos::$payload, _> = decode_bounded(payload, most);
                        Some(decoded.map(Self::$name))
                    })*
                    _ => None,
                }
            }

            /// Returns the size of the message's payload in bytes.
            pub fn encoded_len(&self) -> usize {
                match self {
                    $(Self::$name(payload) => payload.encoded_len(),)*
                }
            }

            /// Returns the payload of the message.
            pub(super) fn encode(&self) -> Vec<u8> {
                match self {
                    $(Self::$name(payload) => payload.encode_to_vec(),)*
                }
            }
        }
    };
}

requests! {
    /// The value of a key. Answer: the value, empty when absent.
    GetState(GetState),
    /// Answer: empty.
    PutState(PutState),
    /// Answer: empty.
    DelState(DelState),
    /// Calls `name` or `name/channel`. Answer: a whole ChaincodeMessage, COMPLETED or ERROR.
    InvokeChaincode(ChaincodeSpec),
    /// Answer: QueryResponse.
    GetStateByRange(GetStateByRange),
    /// Answer: QueryResponse.
    GetQueryResult(GetQueryResult),
    /// Answer: QueryResponse.
    QueryStateNext(QueryStateNext),
    /// Answer: QueryResponse without results.
    QueryStateClose(QueryStateClose),
    /// Answer: QueryResponse.
    GetHistoryForKey(GetHistoryForKey),
    /// Answer: StateMetadataResult.
    GetStateMetadata(GetStateMetadata),
    /// Answer: empty.
    PutStateMetadata(PutStateMetadata),
    /// The hash of a private value. Answer: the hash, empty when absent.
    GetPrivateDataHash(GetState),
    /// Answer: empty.
    PurgePrivateData(PurgePrivateState),
    /// Many writes at once; only for peers that announced support in READY. Answer: empty.
    WriteBatchState(WriteBatchState),
    /// Many keys at once; only for peers that announced support in READY. Answer:
    /// GetStateMultipleResult.
    GetStateMultiple(GetStateMultiple),
}

/// Returns the text of ERROR for a request that failed because of `cause`
/// (`core/chaincode/handler.go`, `HandleTransaction`). [`PeerSide`](crate::PeerSide) uses it
/// itself.
pub fn failure_text(kind: MessageType, tx: &TxKey, cause: &str) -> String {
    format!("{} failed: transaction ID: {}: {cause}", kind.as_str_name(), tx.tx_id)
}
