//! gRPC connections and calls. Fabric: `common/grpcmetrics/metrics.go`,
//! `internal/pkg/comm/metrics.go`.

use std::sync::Arc;
use std::time::Instant;

use prometheus::{HistogramVec, IntCounter, IntCounterVec};

use crate::names::ByNames;
use crate::registry::Families;
use crate::{UNKNOWN, get};

const OF_METHOD: &[&str] = &["service", "method"];
const ENDED: &[&str] = &["service", "method", "code"];
/// The names of gRPC's status codes, by number, as Go prints them.
const CODES: [&str; 17] = [
    "OK",
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
];

/// Connections and calls of clients.
pub struct Calls {
    /// Connections that were opened.
    pub connections_opened: IntCounter,
    /// Connections that have ended, out of those opened.
    pub connections_closed: IntCounter,
    unary: Kinds,
    stream: Kinds,
    messages_received: IntCounterVec,
    messages_sent: IntCounterVec,
    by_path: ByNames<Method>,
}

/// The metric families of one kind of call.
struct Kinds {
    received: IntCounterVec,
    completed: IntCounterVec,
    duration: HistogramVec,
}

/// The kind of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// One request, one response.
    Unary,
    /// Requests or responses are a stream.
    Stream,
}

/// A method of a service.
struct Method {
    service: Box<str>,
    method: Box<str>,
    kind: CallKind,
}

/// The messages of the streams of a method.
#[derive(Clone)]
pub struct StreamMessages {
    /// Messages from clients.
    pub received: IntCounter,
    /// Messages to clients.
    pub sent: IntCounter,
}

/// A call in progress. It counts as cancelled if it is dropped before [`ended`](Self::ended).
pub struct OpenCall {
    method: Arc<Method>,
    since: Instant,
    is_ended: bool,
}

/// Records the start of a call of an existing method; `path` is "/service/method".
pub fn call(path: &str, kind: CallKind) -> OpenCall {
    let all = &get().calls;
    let (service, method) =
        path.strip_prefix('/').and_then(|path| path.split_once('/')).unwrap_or((UNKNOWN, UNKNOWN));
    let make = |service: &str, method: &str| Method {
        // As in Fabric: at one time, its labels could not contain full stops.
        service: service.replace('.', "_").into(),
        method: method.into(),
        kind,
    };
    let known = all.by_path.get(service, method, || make(service, method));
    let method = known.unwrap_or_else(|| Arc::new(make(UNKNOWN, UNKNOWN)));
    all.of(kind).received.with_label_values(&[&*method.service, &*method.method]).inc();
    OpenCall { method, since: Instant::now(), is_ended: false }
}

impl Calls {
    pub(crate) fn new(f: &mut Families) -> Self {
        Self {
            connections_opened: f.counter(
                "grpc_comm_conn_opened",
                "gRPC connections opened. Open minus closed is the active number of connections.",
            ),
            connections_closed: f.counter(
                "grpc_comm_conn_closed",
                "gRPC connections closed. Open minus closed is the active number of connections.",
            ),
            unary: Kinds {
                received: f.counters(
                    "grpc_server_unary_requests_received",
                    OF_METHOD,
                    "The number of unary requests received.",
                ),
                completed: f.counters(
                    "grpc_server_unary_requests_completed",
                    ENDED,
                    "The number of unary requests completed.",
                ),
                duration: f.histograms(
                    "grpc_server_unary_request_duration",
                    ENDED,
                    "The time to complete a unary request in seconds.",
                ),
            },
            stream: Kinds {
                received: f.counters(
                    "grpc_server_stream_requests_received",
                    OF_METHOD,
                    "The number of stream requests received.",
                ),
                completed: f.counters(
                    "grpc_server_stream_requests_completed",
                    ENDED,
                    "The number of stream requests completed.",
                ),
                duration: f.histograms(
                    "grpc_server_stream_request_duration",
                    ENDED,
                    "The time to complete a stream request in seconds.",
                ),
            },
            messages_received: f.counters(
                "grpc_server_stream_messages_received",
                OF_METHOD,
                "The number of stream messages received.",
            ),
            messages_sent: f.counters(
                "grpc_server_stream_messages_sent",
                OF_METHOD,
                "The number of stream messages sent.",
            ),
            by_path: ByNames::default(),
        }
    }

    fn of(&self, kind: CallKind) -> &Kinds {
        match kind {
            CallKind::Unary => &self.unary,
            CallKind::Stream => &self.stream,
        }
    }
}

impl OpenCall {
    /// Returns the message counters of the method's streams.
    pub fn messages(&self) -> StreamMessages {
        let all = &get().calls;
        let labels = [&*self.method.service, &*self.method.method];
        StreamMessages {
            received: all.messages_received.with_label_values(&labels),
            sent: all.messages_sent.with_label_values(&labels),
        }
    }

    /// Records the end of the call, with gRPC's status code.
    pub fn ended(mut self, code: usize) {
        self.count(code);
    }

    fn count(&mut self, code: usize) {
        self.is_ended = true;
        let code = CODES.get(code).copied().unwrap_or("Unknown");
        let labels = [&*self.method.service, &*self.method.method, code];
        let families = get().calls.of(self.method.kind);
        families.completed.with_label_values(&labels).inc();
        families.duration.with_label_values(&labels).observe(self.since.elapsed().as_secs_f64());
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        if !self.is_ended {
            self.count(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_counted_when_it_begins_and_when_it_ends() {
        call("/test.Service/One", CallKind::Unary).ended(5);
        let many = call("/test.Service/Many", CallKind::Stream);
        many.messages().received.inc_by(2);
        many.messages().sent.inc();
        drop(many);
        let text = crate::text();
        for line in [
            "grpc_server_unary_requests_received{method=\"One\",service=\"test_Service\"} 1\n",
            "grpc_server_unary_requests_completed{code=\"NotFound\",method=\"One\",\
             service=\"test_Service\"} 1\n",
            "grpc_server_stream_requests_completed{code=\"Canceled\",method=\"Many\",\
             service=\"test_Service\"} 1\n",
            "grpc_server_stream_messages_received{method=\"Many\",service=\"test_Service\"} 2\n",
            "grpc_server_stream_messages_sent{method=\"Many\",service=\"test_Service\"} 1\n",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
    }
}
