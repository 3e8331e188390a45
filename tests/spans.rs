//! Spans of transactions, as an OpenTelemetry collector receives them.
//!
//! `cargo xtask spans` runs it with a program that has the feature `otlp`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "it is a test")]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::mpsc::{self, Receiver, Sender};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use prost::Message;
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::{Service, http};
use tonic::server::{Grpc, UnaryService};
use tonic::{Request, Response, Status};
use wasmcc_tests::program::Site;

/// Time limit for spans.
const PATIENCE: Duration = Duration::from_secs(60);

// The used parts of OpenTelemetry's `trace.proto` and related messages.

#[derive(Clone, PartialEq, Message)]
struct Export {
    #[prost(message, repeated, tag = "1")]
    resources: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scopes: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<Attribute>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeSpans {
    #[prost(message, repeated, tag = "2")]
    spans: Vec<Span>,
}

#[derive(Clone, PartialEq, Message)]
struct Span {
    #[prost(bytes = "vec", tag = "2")]
    id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    parent: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<Attribute>,
}

#[derive(Clone, PartialEq, Message)]
struct Attribute {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    value: Option<Text>,
}

/// A value that is a text.
#[derive(Clone, PartialEq, Message)]
struct Text {
    #[prost(string, tag = "1")]
    text: String,
}

impl Span {
    fn has(&self, name: &str, value: &str) -> bool {
        text_of(&self.attributes, name) == Some(value)
    }
}

fn text_of<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    let found = attributes.iter().find(|attribute| attribute.name == name)?;
    Some(&found.value.as_ref()?.text)
}

/// Receives exports and returns empty answers.
#[derive(Default)]
struct Exports;

impl Decoder for Exports {
    type Item = Export;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Export>, Status> {
        Ok(Some(Export::decode(buffer).unwrap()))
    }
}

impl Encoder for Exports {
    type Item = ();
    type Error = Status;

    fn encode(&mut self, (): (), _: &mut EncodeBuf<'_>) -> Result<(), Status> {
        Ok(())
    }
}

impl Codec for Exports {
    type Encode = ();
    type Decode = Export;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

/// The collector.
#[derive(Clone)]
struct Collector(Sender<Export>);

impl UnaryService<Export> for Collector {
    type Response = ();
    type Future = Ready<Result<Response<()>, Status>>;

    fn call(&mut self, request: Request<Export>) -> Self::Future {
        // The test may have ended.
        let _ = self.0.send(request.into_inner());
        ready(Ok(Response::new(())))
    }
}

impl Service<http::Request<Body>> for Collector {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
        assert_eq!(request.uri().path(), path);
        let collector = self.clone();
        Box::pin(async move { Ok(Grpc::new(Exports).unary(collector, request).await) })
    }
}

/// Starts a collector on a free port, which lives as long as the runtime.
fn collect(tokio: &tokio::runtime::Runtime) -> (SocketAddr, Receiver<Export>) {
    let (sender, exports) = mpsc::channel();
    let bound = tokio.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = bound.local_addr().unwrap();
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(bound);
    let collector = Collector(sender);
    tokio.spawn(tonic::transport::Server::builder().serve_with_incoming(collector, incoming));
    (address, exports)
}

#[test]
fn a_collector_gets_the_spans_of_a_transaction() {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let (address, exports) = collect(&tokio);
    let site = Site::new();
    let args = ["--in-memory", "--otlp-endpoint", &format!("http://{address}")];
    let peer = site.peer(&args);
    peer.deploy("probe");
    let done = peer.invoke("probe", &["log", "hello"]);
    // Pending spans are sent at the end.
    peer.terminate().ok();

    let tx_id = &done["tx_id"].as_str().unwrap()[..8];
    let (mut spans, until) = (Vec::new(), Instant::now() + PATIENCE);
    let of_tx = |spans: &[Span], name: &str| {
        let named = |span: &&Span| span.name == name && span.has("chaincode", "probe");
        spans.iter().filter(named).find(|span| span.has("tx_id", tx_id)).cloned()
    };
    while of_tx(&spans, "endorse").is_none() || !spans.iter().any(|it| it.name == "commit_block") {
        let left = until.saturating_duration_since(Instant::now());
        let export = exports.recv_timeout(left).unwrap_or_else(|why| panic!("{why}: {spans:#?}"));
        for of in export.resources {
            let attributes = of.resource.unwrap().attributes;
            assert_eq!(text_of(&attributes, "service.name"), Some("wasmcc"));
            spans.extend(of.scopes.into_iter().flat_map(|scope| scope.spans));
        }
    }
    let endorse = of_tx(&spans, "endorse").unwrap();
    assert!(endorse.has("channel", "mychannel"), "{endorse:?}");
    let below = |parent: &Span, name: &str| {
        let found = spans.iter().find(|span| span.name == name && span.parent == parent.id);
        found.cloned().unwrap_or_else(|| panic!("no {name}: {spans:#?}"))
    };
    let execute = below(&endorse, "execute");
    // The contract's log lines are in this span.
    let invoke = below(&execute, "invoke");
    assert!(invoke.has("tx_id", tx_id), "{invoke:?}");
}
