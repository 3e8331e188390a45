//! The listening side: `protos.Chaincode/Connect`, which peers dial.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::server::{TcpConnectInfo, TcpIncoming};
use tonic::transport::{self, Server};
use tonic::{Request, Response, Status, Streaming};

use crate::error::BridgeError;
use crate::program::Program;
use crate::session::{Session, StreamBounds};
use crate::stop::Stop;
use wasmcc_tls::{Acceptor, Client, Door};
use wasmcc_types::ServerTls;
use wasmcc_types::proto::protos::ChaincodeMessage;
use wasmcc_types::proto::protos::chaincode_server;

/// Pause after a failed attempt to accept a connection.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// fabric-chaincode-go `shim/chaincodeserver.go` and its defaults in `internal/server.go`.
pub(super) const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(60);
pub(super) const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// Bounds of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// None: without TLS.
    pub tls: Option<ServerTls>,
    /// Bounds of each stream.
    pub stream: StreamBounds,
    /// Streams that one connection may have open; a peer opens one.
    pub streams_per_connection: u32,
    /// How long transactions may continue when the server stops.
    pub grace: Duration,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            tls: None,
            stream: StreamBounds::default(),
            streams_per_connection: 16,
            grace: Duration::from_secs(10),
        }
    }
}

/// One chaincode on an open socket, so that peers can connect before it serves. `Connect` does not
/// name a chaincode, so every chaincode needs an address of its own.
pub struct ChaincodeServer {
    listener: TcpListener,
    address: SocketAddr,
    program: Arc<Program>,
    acceptor: Option<Acceptor>,
    config: ServerConfig,
}

impl ChaincodeServer {
    /// Opens the socket; port 0 takes any that is free.
    pub async fn bind(
        address: &str,
        program: Arc<Program>,
        config: ServerConfig,
    ) -> Result<Self, BridgeError> {
        let failed = |source| BridgeError::Listen { address: address.to_owned(), source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        Self::on(listener, program, config)
    }

    /// Uses a socket that is open already.
    pub fn on(
        listener: TcpListener,
        program: Arc<Program>,
        config: ServerConfig,
    ) -> Result<Self, BridgeError> {
        let failed = |source| BridgeError::Listen { address: "its socket".to_owned(), source };
        let address = listener.local_addr().map_err(failed)?;
        let acceptor = config.tls.as_ref().map(Acceptor::new).transpose();
        let acceptor = acceptor.map_err(BridgeError::UnusableTls)?;
        Ok(Self { listener, address, program, acceptor, config })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it serves.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Serves any number of peers until `stop`, then lets the transactions that run end.
    pub async fn serve(self, stop: Stop) -> Result<(), BridgeError> {
        let Self { listener, address, program, acceptor, config } = self;
        let failed = |source: transport::Error| BridgeError::Transport {
            what: format!("the server on {address} failed"),
            source,
        };
        let bounds = config.stream;
        let service =
            chaincode_server::ChaincodeServer::new(Service { program, bounds, stop: stop.clone() })
                .max_decoding_message_size(bounds.message_bytes)
                .max_encoding_message_size(bounds.message_bytes);
        let server = Server::builder()
            .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
            .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
            .max_concurrent_streams(config.streams_per_connection);
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let incoming = Box::pin(incoming.then(async |opened| {
            if let Err(error) = &opened {
                // For example, too many open files. An immediate retry would only use processor
                // time.
                tracing::warn!(%error, "cannot accept a connection, trying again");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
            opened
        }));
        let incoming = Door::new(incoming, acceptor);
        let (mut stopped, mut late) = (stop.clone(), stop);
        let serving = server
            .serve_with_incoming_shutdown(service, incoming, async move { stopped.wait().await });
        let grace = async {
            late.wait().await;
            tokio::time::sleep(config.grace).await;
        };
        tokio::select! {
            served = serving => served.map_err(failed),
            () = grace => Err(BridgeError::Unfinished { address }),
        }
    }
}

struct Service {
    program: Arc<Program>,
    bounds: StreamBounds,
    stop: Stop,
}

type PeerStream = Pin<Box<dyn Stream<Item = Result<ChaincodeMessage, Status>> + Send>>;

#[tonic::async_trait]
impl chaincode_server::Chaincode for Service {
    type ConnectStream = PeerStream;

    async fn connect(
        &self,
        request: Request<Streaming<ChaincodeMessage>>,
    ) -> Result<Response<PeerStream>, Status> {
        let client = request.extensions().get::<Client<TcpConnectInfo>>();
        let peer = client.and_then(|client| client.connection.remote_addr());
        let peer = peer.map_or_else(|| "unknown".into(), |at| at.to_string());
        let chaincode = self.program.id().to_owned();
        tracing::info!(%peer, %chaincode, "a peer has connected");
        let (session, outgoing) = Session::open(Arc::clone(&self.program), self.bounds);
        let stop = self.stop.clone();
        tokio::spawn(async move {
            let opening = std::future::ready(Ok(request.into_inner()));
            match session.run(opening, stop).await {
                Ok(()) => tracing::info!(%peer, %chaincode, "the stream has ended"),
                Err(error @ (BridgeError::Closed { .. } | BridgeError::Status { .. })) => {
                    tracing::info!(%peer, "{error}");
                }
                Err(error) => tracing::error!(%peer, "{error}"),
            }
        });
        Ok(Response::new(Box::pin(outgoing.map(Ok))))
    }
}
