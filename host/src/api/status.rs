//! gRPC errors as Fabric's gateway shapes them.

use prost::Message;
use tonic::{Code, Status};

use crate::proto::gateway::ErrorDetail;
use crate::workers::WorkersError;

/// Clients of the gateway read every detail as this, whatever its type says; it says so all the
/// same.
const DETAIL_TYPE: &str = "type.googleapis.com/gateway.ErrorDetail";

/// `google.rpc.Status`, which travels in `grpc-status-details-bin`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
    #[prost(string, tag = "2")]
    pub(super) message: String,
    #[prost(message, repeated, tag = "3")]
    pub(super) details: Vec<prost_types::Any>,
}

/// An error that says which peer or orderer it comes from (fabric
/// `internal/pkg/gateway/apiutils.go`, `newRpcError`).
pub(super) fn with_detail(code: Code, message: &str, detail: ErrorDetail) -> Status {
    let detail = prost_types::Any { type_url: DETAIL_TYPE.into(), value: detail.encode_to_vec() };
    let details = RpcStatus { code: code.into(), message: message.into(), details: vec![detail] };
    Status::with_details(code, message, details.encode_to_vec().into())
}

/// A job that was not run, or not to its end.
pub(super) fn not_run(error: WorkersError) -> Status {
    match error {
        WorkersError::Busy { .. } => Status::resource_exhausted(error.to_string()),
        WorkersError::Panicked => Status::internal(error.to_string()),
    }
}
