//! Routes requests to the services of an address.

use std::convert::Infallible;
use std::task::{Context, Poll};
use std::time::Duration;

use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::{Code, Status};

use crate::answers::Answers;
use crate::arriving::Arrivals;
use crate::atomic_broadcast::AtomicBroadcast;
use crate::call::Call;
use crate::chaincode_support::ChaincodeSupport;
use crate::discovery::Discovery;
use crate::endorser::Endorser;
use crate::gateway::Gateway;
use crate::measured::Measured;
use crate::metadata::keep_known;
use crate::outlet;
use crate::peer_deliver::PeerDeliver;
use crate::plain_text::plain;
use crate::self_description::SelfDescription;
use crate::shutdown::Stopping;
use crate::snapshot::Snapshot;
use crate::trailers::{self, Accepted};
use wasmcc_types::proto::discovery::discovery_server::{self, DiscoveryServer};
use wasmcc_types::proto::gateway::gateway_server::{self, GatewayServer};
use wasmcc_types::proto::orderer::atomic_broadcast_server::{self, AtomicBroadcastServer};
use wasmcc_types::proto::protos::chaincode_support_server::{self, ChaincodeSupportServer};
use wasmcc_types::proto::protos::deliver_server::{self, DeliverServer};
use wasmcc_types::proto::protos::endorser_server::{self, EndorserServer};
use wasmcc_types::proto::protos::snapshot_server::{self, SnapshotServer};

/// Routes a request to the service that its path begins with. tonic's own router would depend on a
/// web framework.
#[derive(Clone)]
pub(super) struct Routes {
    peer: Option<PeerServers>,
    orderer: AtomicBroadcastServer<AtomicBroadcast>,
    description: SelfDescription,
    arrivals: Arrivals,
    answers: Answers,
    /// Time limit for receiving the whole request of a unary call.
    patience: Duration,
}

/// The services of a peer.
pub(super) struct OfPeer {
    pub(super) endorser: Endorser,
    pub(super) gateway: Gateway,
    pub(super) chaincode_support: ChaincodeSupport,
    pub(super) deliver: PeerDeliver,
    pub(super) discovery: Discovery,
    pub(super) snapshot: Snapshot,
}

#[derive(Clone)]
struct PeerServers {
    endorser: EndorserServer<Endorser>,
    gateway: GatewayServer<Gateway>,
    chaincode_support: ChaincodeSupportServer<ChaincodeSupport>,
    deliver: DeliverServer<PeerDeliver>,
    discovery: DiscoveryServer<Discovery>,
    snapshot: SnapshotServer<Snapshot>,
}

/// Maximum number of bytes of a method's path that an open call keeps, for the text of an error.
const PATH_BYTES: usize = 1_000;

/// The services of a peer's address, besides the orderer's.
const OF_PEER: [&str; 6] = [
    endorser_server::SERVICE_NAME,
    gateway_server::SERVICE_NAME,
    chaincode_support_server::SERVICE_NAME,
    deliver_server::SERVICE_NAME,
    discovery_server::SERVICE_NAME,
    snapshot_server::SERVICE_NAME,
];

impl Routes {
    /// Creates the routes, for messages of at most `message_bytes` in both directions.
    pub(super) async fn new(
        peer: Option<OfPeer>,
        orderer: AtomicBroadcast,
        message_bytes: usize,
        (arrivals, answers): (Arrivals, Answers),
        (patience, stopping): (Duration, Stopping),
    ) -> Self {
        let of_peer = peer.iter().flat_map(|_| OF_PEER);
        let names = of_peer.chain([atomic_broadcast_server::SERVICE_NAME]);
        Self {
            description: SelfDescription::new(names, stopping).await,
            peer: peer.map(|peer| PeerServers::new(peer, message_bytes)),
            orderer: AtomicBroadcastServer::new(orderer)
                .max_decoding_message_size(message_bytes)
                .max_encoding_message_size(message_bytes),
            arrivals,
            answers,
            patience,
        }
    }
}

impl PeerServers {
    fn new(peer: OfPeer, message_bytes: usize) -> Self {
        let OfPeer { endorser, gateway, chaincode_support, deliver, discovery, snapshot } = peer;
        Self {
            endorser: EndorserServer::new(endorser)
                .max_decoding_message_size(message_bytes)
                .max_encoding_message_size(message_bytes),
            gateway: GatewayServer::new(gateway)
                .max_decoding_message_size(message_bytes)
                .max_encoding_message_size(message_bytes),
            chaincode_support: ChaincodeSupportServer::new(chaincode_support)
                .max_decoding_message_size(message_bytes)
                .max_encoding_message_size(message_bytes),
            deliver: DeliverServer::new(deliver)
                .max_decoding_message_size(message_bytes)
                .max_encoding_message_size(message_bytes),
            discovery: DiscoveryServer::new(discovery)
                .max_decoding_message_size(message_bytes)
                .max_encoding_message_size(message_bytes),
            snapshot: SnapshotServer::new(snapshot)
                .max_decoding_message_size(message_bytes)
                .max_encoding_message_size(message_bytes),
        }
    }
}

impl Service<http::Request<Body>> for Routes {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        // All services are always ready; they have their own queues.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let measured = Measured::begin(request.uri().path());
        let call = match Call::begin(request.extensions()) {
            Ok(call) => call,
            Err(refusal) => {
                let answer = measured.answered(refusal.into_http());
                return Box::pin(async { Ok(plain(answer)) });
            }
        };
        let room = trailers::room(request.headers());
        request.extensions_mut().insert(call.clone());
        request.extensions_mut().insert(Accepted(room));
        keep_known(request.headers_mut());
        let path = request.uri().path();
        let path = path.get(..PATH_BYTES).unwrap_or(path).to_owned();
        let request = request.map(|body| self.arrivals.count(measured.request(body), call.clone()));
        let (answering, patience) = (self.dispatch(request), self.patience);
        let answers = self.answers.clone();
        Box::pin(async move {
            let mut answer = tokio::select! {
                answer = answering => name_unknown(outlet::attach(answer?), &path),
                overdue = call.clone().overdue(patience) => overdue.into_http(),
            };
            if measured.is_unary() {
                answer = answers.hold(answer, &call).await;
            }
            let answer = plain(trailers::fit(measured.answered(answer), room));
            Ok(answers.hold_error(answer, &call))
        })
    }
}

impl Routes {
    fn dispatch(
        &mut self,
        request: http::Request<Body>,
    ) -> BoxFuture<http::Response<Body>, Infallible> {
        let path = request.uri().path();
        let service = path.strip_prefix('/').and_then(|path| path.split('/').next());
        let service = service.unwrap_or_default();
        if let Some(refusal) = self.refusal(service, &request) {
            return Box::pin(async { Ok(refusal) });
        }
        match (service, &mut self.peer) {
            (atomic_broadcast_server::SERVICE_NAME, _) => self.orderer.call(request),
            (endorser_server::SERVICE_NAME, Some(peer)) => peer.endorser.call(request),
            (gateway_server::SERVICE_NAME, Some(peer)) => peer.gateway.call(request),
            (deliver_server::SERVICE_NAME, Some(peer)) => peer.deliver.call(request),
            (discovery_server::SERVICE_NAME, Some(peer)) => peer.discovery.call(request),
            (snapshot_server::SERVICE_NAME, Some(peer)) => peer.snapshot.call(request),
            (chaincode_support_server::SERVICE_NAME, Some(peer)) => {
                peer.chaincode_support.call(request)
            }
            (other, _) => match self.description.server(other).cloned() {
                Some(server) => self.description.call(&server, request),
                None => {
                    Box::pin(async { Ok(Status::unimplemented("no such service").into_http()) })
                }
            },
        }
    }

    /// Returns the refusal of a request that no service handles: it is not a gRPC call, or the
    /// service is not offered at this address. Text and status are those of grpc-go.
    fn refusal(
        &self,
        service: &str,
        request: &http::Request<Body>,
    ) -> Option<http::Response<Body>> {
        let of_peer = self.peer.is_some() && OF_PEER.contains(&service);
        let of_orderer = service == atomic_broadcast_server::SERVICE_NAME;
        let is_here = of_peer || of_orderer || self.description.has(service);
        let plain = |status| {
            let mut response = http::Response::new(Body::empty());
            *response.status_mut() = status;
            Some(response)
        };
        let content_type = request.headers().get(http::header::CONTENT_TYPE);
        let is_post = request.method() == http::Method::POST;
        match (is_post && is_grpc(content_type), is_here) {
            (true, true) => None,
            (true, false) => {
                let who = if self.peer.is_some() { "peer" } else { "orderer" };
                let text = format!("this {who} has no service {service}");
                Some(Status::unimplemented(text).into_http())
            }
            (false, false) => plain(http::StatusCode::NOT_FOUND),
            (false, true) if !is_post => {
                let mut response = plain(http::StatusCode::METHOD_NOT_ALLOWED)?;
                let post = http::HeaderValue::from_static("POST");
                response.headers_mut().insert(http::header::ALLOW, post);
                Some(response)
            }
            (false, true) => plain(http::StatusCode::UNSUPPORTED_MEDIA_TYPE),
        }
    }
}

/// Replaces the answer of a service that has no such method by one with grpc-go's text. Returns
/// other answers unchanged.
fn name_unknown(answer: http::Response<Body>, path: &str) -> http::Response<Body> {
    let headers = answer.headers();
    let code = headers.get("grpc-status").map(|code| Code::from_bytes(code.as_bytes()));
    let is_unknown = code == Some(Code::Unimplemented);
    match path.strip_prefix('/').and_then(|path| path.split_once('/')) {
        Some((service, method)) if is_unknown && !headers.contains_key("grpc-message") => {
            let text = format!("unknown method {method} for service {service}");
            Status::unimplemented(text).into_http()
        }
        _ => answer,
    }
}

/// Returns whether the type is `application/grpc`, alone or with an encoding of the messages.
fn is_grpc(content_type: Option<&http::HeaderValue>) -> bool {
    let Some(kind) = content_type.and_then(|value| value.to_str().ok()) else { return false };
    let rest = kind.strip_prefix("application/grpc");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['+', ';', ' ']))
}
