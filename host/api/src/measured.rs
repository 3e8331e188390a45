//! Measures calls for the metrics.
//!
//! Invariant: only existing methods are counted, so clients cannot add series.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::{self, HeaderMap};

use crate::framing::Messages;
use wasmcc_metrics::{CallKind, IntCounter, OpenCall};

/// Methods with one request and one response.
const UNARY: [&str; 10] = [
    "/protos.Endorser/ProcessProposal",
    "/gateway.Gateway/Evaluate",
    "/gateway.Gateway/Endorse",
    "/gateway.Gateway/Submit",
    "/gateway.Gateway/CommitStatus",
    "/discovery.Discovery/Discover",
    "/protos.Snapshot/Generate",
    "/protos.Snapshot/Cancel",
    "/protos.Snapshot/QueryPendings",
    "/grpc.health.v1.Health/Check",
];
/// Methods with streams.
const STREAMS: [&str; 8] = [
    "/gateway.Gateway/ChaincodeEvents",
    "/protos.ChaincodeSupport/Register",
    "/protos.Deliver/Deliver",
    "/protos.Deliver/DeliverFiltered",
    "/protos.Deliver/DeliverWithPrivateData",
    "/orderer.AtomicBroadcast/Broadcast",
    "/orderer.AtomicBroadcast/Deliver",
    "/grpc.health.v1.Health/Watch",
];

/// A call; None if it is not counted.
pub(super) struct Measured(Option<(OpenCall, CallKind)>);

impl Measured {
    /// Records the start of a call of the method with this path.
    pub(super) fn begin(path: &str) -> Self {
        let kind = match path {
            _ if UNARY.contains(&path) => CallKind::Unary,
            _ if STREAMS.contains(&path) => CallKind::Stream,
            _ => return Self(None),
        };
        Self(Some((wasmcc_metrics::call(path, kind), kind)))
    }

    /// Returns whether the call is unary.
    pub(super) fn is_unary(&self) -> bool {
        matches!(self.0, Some((_, CallKind::Unary)))
    }

    /// Wraps a stream's request to count its messages.
    pub(super) fn request(&self, body: Body) -> Body {
        match &self.0 {
            Some((call, CallKind::Stream)) => {
                let counter = call.messages().received;
                Body::new(MeasuredBody { body, call: None, messages: Messages::default(), counter })
            }
            _ => body,
        }
    }

    /// Records the response; a stream ends with its body.
    pub(super) fn answered(self, response: http::Response<Body>) -> http::Response<Body> {
        let Some((call, kind)) = self.0 else { return response };
        // An error without a body has its code in the headers.
        match (code(response.headers()), kind) {
            (None, CallKind::Stream) => {
                let (counter, messages) = (call.messages().sent, Messages::default());
                let call = Some(call);
                response.map(|body| Body::new(MeasuredBody { body, call, messages, counter }))
            }
            (code, _) => {
                call.ended(code.unwrap_or_default());
                response
            }
        }
    }
}

fn code(headers: &HeaderMap) -> Option<usize> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok()
}

/// The body of a stream in one direction.
struct MeasuredBody {
    body: Body,
    /// Some for a response, whose trailers contain the status of the call.
    call: Option<OpenCall>,
    messages: Messages,
    counter: IntCounter,
}

impl http_body::Body for MeasuredBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            let completed = self.messages.see(data);
            self.counter.inc_by(completed);
        }
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(code) = frame.trailers_ref().and_then(code)
            && let Some(call) = self.call.take()
        {
            call.ended(code);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
