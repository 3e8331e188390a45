//! Decodes the payloads of RESPONSE into the types of the port.
//!
//! An answer that cannot be decoded is reported as an error of the peer. Does not keep any state.

use prost::Message;

use wasmcc_protocol::MessageType;
use wasmcc_runtime::{BackendError, ErrorKind, KeyModification, KeyValue, QueryBatch};
use wasmcc_types::proto::{protos, queryresult};
use wasmcc_types::{Response, Timestamp};

/// Returns a failure with the peer's text, or with a text about the peer's answer.
pub(crate) fn failure(text: impl Into<String>) -> BackendError {
    BackendError::new(ErrorKind::LedgerFailure, text)
}

/// Decodes a message that is part of an answer.
pub(crate) fn decode<M: Message + Default>(payload: &[u8], what: &str) -> Result<M, BackendError> {
    M::decode(payload).map_err(|e| failure(format!("the peer's {what} cannot be read: {e}")))
}

/// Returns None for an empty payload: the ledger has no empty values, so the key does not exist.
pub(crate) fn value(payload: Vec<u8>) -> Option<Vec<u8>> {
    (!payload.is_empty()).then_some(payload)
}

/// Decodes the rows of a range query or a rich query.
pub(crate) fn states(
    payload: Vec<u8>,
    paginated: bool,
) -> Result<QueryBatch<KeyValue>, BackendError> {
    batch(payload, paginated, |bytes| {
        let row: queryresult::Kv = decode(bytes, "row")?;
        Ok(KeyValue { key: row.key, value: row.value })
    })
}

/// Decodes the changes of a key.
pub(crate) fn changes(payload: Vec<u8>) -> Result<QueryBatch<KeyModification>, BackendError> {
    batch(payload, false, |bytes| {
        let row: queryresult::KeyModification = decode(bytes, "change of a key")?;
        let timestamp = Timestamp::from(row.timestamp.unwrap_or_default());
        Ok(KeyModification {
            tx_id: row.tx_id,
            value: row.value,
            timestamp,
            is_delete: row.is_delete,
        })
    })
}

fn batch<Row>(
    payload: Vec<u8>,
    paginated: bool,
    row: impl Fn(&[u8]) -> Result<Row, BackendError>,
) -> Result<QueryBatch<Row>, BackendError> {
    let response: protos::QueryResponse = decode(&payload, "QueryResponse")?;
    // Frees each form of the rows before the next one is complete.
    drop(payload);
    let bookmark = match paginated {
        true => {
            let metadata: protos::QueryResponseMetadata =
                decode(&response.metadata, "QueryResponseMetadata")?;
            Some(metadata.bookmark)
        }
        false => None,
    };
    let rows = response.results.into_iter().map(|result| row(&result.result_bytes));
    let rows = rows.collect::<Result<_, _>>()?;
    Ok(QueryBatch { rows, has_more: response.has_more, id: response.id, bookmark })
}

/// Decodes the response of a called chaincode. The payload is a whole `ChaincodeMessage`.
pub(crate) fn called(payload: &[u8]) -> Result<Response, BackendError> {
    let message: protos::ChaincodeMessage = decode(payload, "ChaincodeMessage")?;
    match message.r#type() {
        MessageType::Completed => {
            let protos::Response { status, message, payload } =
                decode(&message.payload, "Response")?;
            Ok(Response { status, message, payload })
        }
        MessageType::Error => {
            let text = String::from_utf8_lossy(&message.payload);
            Err(BackendError::new(ErrorKind::CalleeFailed, text))
        }
        other => {
            Err(failure(format!("the called chaincode answered with {}", other.as_str_name())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn garbage_is_an_error_with_a_name() {
        let error = states(vec![0xff], false).unwrap_err();
        assert_eq!(error.kind, ErrorKind::LedgerFailure);
        assert!(error.text.starts_with("the peer's QueryResponse cannot be read: "), "{error}");
        assert!(changes(vec![0xff]).is_err() && called(&[0xff]).is_err());
        let empty = protos::QueryResponse::default().encode_to_vec();
        assert_eq!(states(empty, true).unwrap().bookmark.as_deref(), Some(""));
    }

    #[test]
    fn a_called_chaincode_answers_or_fails() {
        let message = |kind: MessageType, payload: Vec<u8>| {
            protos::ChaincodeMessage { r#type: kind.into(), payload, ..Default::default() }
                .encode_to_vec()
        };
        let response = protos::Response { status: 500, message: "no".into(), ..Default::default() };
        let answer = called(&message(MessageType::Completed, response.encode_to_vec())).unwrap();
        assert_eq!(answer, Response::error("no"));
        let error = called(&message(MessageType::Error, b"gone".to_vec())).unwrap_err();
        assert_eq!((error.kind, error.text.as_str()), (ErrorKind::CalleeFailed, "gone"));
        let odd = called(&message(MessageType::Ready, Vec::new())).unwrap_err();
        assert_eq!(odd.text, "the called chaincode answered with READY");
    }
}
