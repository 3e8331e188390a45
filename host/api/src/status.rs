//! gRPC errors in the format of Fabric's gateway.

use prost::Message;
use tonic::{Code, Status};

use wasmcc_types::proto::gateway::ErrorDetail;
use wasmcc_workers::WorkersError;

/// The type of every detail. Clients of the gateway assume it without a check.
const DETAIL_TYPE: &str = "type.googleapis.com/gateway.ErrorDetail";

/// `google.rpc.Status`, the contents of `grpc-status-details-bin`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
    #[prost(string, tag = "2")]
    pub(super) message: String,
    #[prost(message, repeated, tag = "3")]
    pub(super) details: Vec<prost_types::Any>,
}

/// Returns an error with details about its peers or its orderer (fabric
/// `internal/pkg/gateway/apiutils.go`, `newRpcError`).
pub(super) fn with_details(
    code: Code,
    message: &str,
    details: impl Iterator<Item = ErrorDetail>,
) -> Status {
    let any = |detail: ErrorDetail| prost_types::Any {
        type_url: DETAIL_TYPE.into(),
        value: detail.encode_to_vec(),
    };
    let details = details.map(any).collect();
    let details = RpcStatus { code: code.into(), message: message.into(), details };
    Status::with_details(code, message, details.encode_to_vec().into())
}

/// Returns the details of a gateway's error about single peers and orderers; may be empty.
pub fn error_details(status: &Status) -> Vec<ErrorDetail> {
    let details = RpcStatus::decode(status.details()).unwrap_or_default().details;
    details.iter().filter_map(|any| ErrorDetail::decode(any.value.as_slice()).ok()).collect()
}

/// Returns the error of a job that was not run, or not completed.
pub(super) fn not_run(error: WorkersError) -> Status {
    match error {
        WorkersError::Busy { .. } => Status::resource_exhausted(error.to_string()),
        WorkersError::Panicked => Status::internal(error.to_string()),
        WorkersError::Stopped => Status::unavailable(error.to_string()),
    }
}
