//! The listening side: `protos.Chaincode/Connect`, which peers dial.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_stream::{Stream, StreamExt as _};
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

use crate::connection::ClientConnection;
use crate::connections::{Connections, Entry};
use crate::error::BridgeError;
use crate::program::Program;
use crate::session::Session;
use crate::stop::Stop;
use crate::stream_bounds::StreamBounds;
use wasmcc_tls::{Acceptor, Client, Door, Incoming};
use wasmcc_types::ServerTls;
use wasmcc_types::proto::protos::{ChaincodeMessage, chaincode_server};

/// As fabric-chaincode-go `shim/chaincodeserver.go` and its defaults in `internal/server.go`.
pub(super) const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(60);
pub(super) const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// Bounds of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// None: without TLS.
    pub tls: Option<ServerTls>,
    /// Bounds of each stream.
    pub stream: StreamBounds,
    /// Maximum number of streams on a connection; a peer opens one.
    pub streams_per_connection: u32,
    /// Maximum number of connections. A further one replaces one without a stream, or is refused.
    pub connections: usize,
    /// Maximum time that a connection may be without a stream. Peers open theirs at once.
    pub without_stream: Duration,
    /// Time for running transactions to end when the server stops.
    pub grace: Duration,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            tls: None,
            stream: StreamBounds::default(),
            streams_per_connection: 16,
            connections: 256,
            without_stream: Duration::from_secs(30),
            grace: Duration::from_secs(10),
        }
    }
}

/// Serves one chaincode on an open socket, so that peers can connect before it serves. `Connect`
/// does not name a chaincode, so every chaincode needs its own address.
pub struct ChaincodeServer {
    listener: TcpListener,
    address: SocketAddr,
    program: Arc<Program>,
    acceptor: Option<Acceptor>,
    config: ServerConfig,
}

impl ChaincodeServer {
    /// Opens the socket; port 0 selects a free port.
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

    /// Returns the address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the program that it serves.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Serves any number of peers until `stop`, then lets running transactions end.
    pub async fn serve(self, stop: Stop) -> Result<(), BridgeError> {
        let Self { listener, address, program, acceptor, config } = self;
        let bounds = config.stream;
        let sessions = Arc::new(Sessions::default());
        let service = Service {
            program: Arc::clone(&program),
            bounds,
            stop: stop.clone(),
            sessions: Arc::clone(&sessions),
        };
        let service = chaincode_server::ChaincodeServer::new(service)
            .max_decoding_message_size(bounds.message_bytes)
            .max_encoding_message_size(bounds.message_bytes);
        let server = Server::builder()
            .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
            .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
            .max_concurrent_streams(config.streams_per_connection);
        let table = Connections::new(config.connections, config.without_stream);
        let incoming = Door::new(Incoming::new(listener, Arc::clone(&table)), acceptor);
        let (mut stopped, mut late) = (stop.clone(), stop);
        let stopping = async {
            stopped.wait().await;
            // The transport would wait for connections without a stream.
            table.stop();
        };
        let serving = server.serve_with_incoming_shutdown(service, incoming, stopping);
        let grace = async {
            late.wait().await;
            tokio::time::sleep(config.grace).await;
        };
        tokio::select! {
            served = serving => served.map_err(|error| {
                BridgeError::transport(format!("the server on {address} failed"), &error)
            }),
            never = table.watch() => match never {},
            // Without running transactions, only messages are left that a peer does not read.
            () = grace => match program.is_idle() {
                true => Ok(()),
                false => {
                    sessions.cut_off();
                    Err(BridgeError::Unfinished { address })
                }
            },
        }
    }
}

struct Service {
    program: Arc<Program>,
    bounds: StreamBounds,
    stop: Stop,
    sessions: Arc<Sessions>,
}

/// The sessions of all streams.
#[derive(Default)]
struct Sessions(Mutex<Vec<Weak<Session>>>);

impl Sessions {
    fn add(&self, session: &Arc<Session>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|other| other.strong_count() > 0);
        all.push(Arc::downgrade(session));
    }

    /// Logs the transactions that have not ended.
    fn cut_off(&self) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter_map(Weak::upgrade).for_each(|session| session.cut_off());
    }
}

type PeerStream = Pin<Box<dyn Stream<Item = Result<ChaincodeMessage, Status>> + Send>>;

#[tonic::async_trait]
impl chaincode_server::Chaincode for Service {
    type ConnectStream = PeerStream;

    async fn connect(
        &self,
        request: Request<Streaming<ChaincodeMessage>>,
    ) -> Result<Response<PeerStream>, Status> {
        let client = request.extensions().get::<Client<ClientConnection>>();
        let entry = client.map(|client| client.connection.entry.clone());
        let peer = client.map_or_else(|| "unknown".into(), |at| at.connection.remote.to_string());
        let in_use = entry.as_ref().map(Entry::begin);
        let chaincode = self.program.id().to_owned();
        tracing::info!(%peer, %chaincode, "a peer has connected");
        let (session, outgoing) = Session::open(Arc::clone(&self.program), self.bounds);
        self.sessions.add(&session);
        let stop = self.stop.clone();
        tokio::spawn(async move {
            let _in_use = in_use;
            let opening = std::future::ready(Ok(request.into_inner()));
            match session.run(opening, stop).await {
                Ok(()) => tracing::info!(%peer, %chaincode, "the stream has ended"),
                Err(error @ (BridgeError::Closed { .. } | BridgeError::Status { .. })) => {
                    tracing::info!(%peer, "{error}");
                }
                Err(error) => {
                    tracing::error!(%peer, "{error}");
                    // The peer would not read the end of the stream either.
                    if let (BridgeError::NotRead { .. }, Some(entry)) = (error, entry) {
                        entry.close();
                    }
                }
            }
        });
        Ok(Response::new(Box::pin(outgoing.map(Ok))))
    }
}
