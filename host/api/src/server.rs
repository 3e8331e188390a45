//! The listening side.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::transport;

use crate::admin_door;
use crate::connection_table::Patience;
use crate::deliver_config::DeliverConfig;
use crate::listener::{Listener, Role};
use crate::peer::Peer;
use crate::routes::Routes;
use crate::services::Services;
use crate::shutdown::Stopping;
use wasmcc_tls as tls;
use wasmcc_tls::Acceptor;
use wasmcc_types::NO_TIME_LIMIT;
use wasmcc_workers::Workers;

/// Maximum size of a call's metadata, which is enough for a token. A connection without an
/// authenticated client may use that much memory, so many of them stay small. Fabric's peers accept
/// 16 MiB.
const METADATA_BYTES: u32 = 64 << 10;

/// Limits of a server, over all its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// Maximum size of a message, in both directions; Fabric's peers allow 100 MiB. Calls with
    /// larger messages are refused.
    pub message_bytes: usize,
    /// Maximum number of connections. For a further one, a connection without an open call is
    /// closed. If all are in use, calls on further connections are refused.
    pub connections: usize,
    /// Bytes of requests that are executing or waiting for a worker, of all clients together;
    /// further requests are refused. Requests that are still being received may use the same amount
    /// again, of which one connection may use a quarter. Unsent blocks, events and responses to
    /// proposals may use the same amount again; all other answers, a quarter of it.
    pub request_bytes: usize,
    /// Maximum number of open calls of a connection; at least 1, since clients wait for their turn.
    pub calls_per_connection: u32,
    /// Time for open calls to end when the server stops.
    pub grace: Duration,
    /// The addresses of the organizations' peers for clients, by MSP id, for the details of errors.
    /// Organizations that are not listed have the address of the listener. Fabric:
    /// `peer.gossip.externalEndpoint`.
    pub advertised: BTreeMap<String, String>,
    /// Maximum number of calls, of all clients together, that wait for blocks. The same number may
    /// wait for events, for transactions, and for envelopes. One organization may use half of each,
    /// one connection a quarter. Fabric: `peer.limits.concurrency.deliverService`.
    pub waiting_calls: usize,
    /// Time limits for silent clients.
    pub patience: Patience,
    /// Settings for the delivery of blocks.
    pub deliver: DeliverConfig,
    /// True if the runtime has several threads, with stacks of
    /// [`STACK_BYTES`](wasmcc_workers::STACK_BYTES). Then a call that is likely to be short begins
    /// on one of them while the peer is otherwise idle.
    pub deep_stacks: bool,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            message_bytes: 100 << 20,
            connections: 900,
            request_bytes: 512 << 20,
            calls_per_connection: 1_024,
            grace: Duration::from_secs(10),
            advertised: BTreeMap::new(),
            waiting_calls: 2_500,
            patience: Patience::default(),
            deliver: DeliverConfig::default(),
            deep_stacks: false,
        }
    }
}

impl ServerConfig {
    /// Corrects values that a server cannot use. Times are added to the present time, which would
    /// overflow with `Duration::MAX`.
    fn usable(mut self) -> Self {
        self.calls_per_connection = self.calls_per_connection.max(1);
        let Patience {
            greeting,
            first_call,
            idle,
            request,
            answer,
            entrance,
            ping_every,
            ping_timeout,
        } = &mut self.patience;
        let silent = [greeting, first_call, idle, request, answer, entrance];
        for time in silent.into_iter().chain([&mut self.grace, ping_every, ping_timeout]) {
            *time = (*time).min(NO_TIME_LIMIT);
        }
        self
    }
}

/// The services of peers and of their orderer on open sockets, so that clients can connect before
/// they are served.
///
/// Invariant: all addresses share the limits of the configuration.
pub struct Server {
    sockets: Vec<Socket>,
    config: ServerConfig,
}

struct Socket {
    listener: TcpListener,
    address: SocketAddr,
    acceptor: Option<Acceptor>,
    role: Role,
}

/// A listener cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct BindError {
    /// The address.
    pub address: String,
    /// The reason.
    #[source]
    pub source: io::Error,
}

impl Server {
    /// Opens the sockets, in order.
    ///
    /// # Errors
    /// One of them cannot be opened, or its TLS material cannot be used.
    pub async fn bind(
        listeners: impl IntoIterator<Item = Listener>,
        config: ServerConfig,
    ) -> Result<Self, BindError> {
        let mut sockets = Vec::new();
        for listener in listeners {
            let address = listener.address.clone();
            let socket = Socket::open(listener).await;
            sockets.push(socket.map_err(|source| BindError { address, source })?);
        }
        Ok(Self { sockets, config: config.usable() })
    }

    /// Returns the addresses on which it listens, in the order of the listeners.
    pub fn addresses(&self) -> impl Iterator<Item = (&Role, SocketAddr)> {
        self.sockets.iter().map(|socket| (&socket.role, socket.address))
    }

    /// Returns the first address.
    ///
    /// # Panics
    /// If there is no listener.
    pub fn address(&self) -> SocketAddr {
        self.sockets.first().expect("a server has an address").address
    }

    /// Sets [`ServerConfig::advertised`], for callers that need the ports of the server first.
    pub fn advertise(&mut self, addresses: BTreeMap<String, String>) {
        self.config.advertised = addresses;
    }

    /// Serves until `shutdown` completes, then lets open calls end. Streams, and calls that wait
    /// for a block, end at once. A chaincode's stream ends when no transaction is running on it.
    pub async fn serve(
        self,
        peer: Arc<dyn Peer>,
        workers: Arc<Workers>,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), transport::Error> {
        let (stop, stopping) = watch::channel(false);
        let services =
            Services::new(peer, workers, self.config.clone(), Stopping(stopping.clone()));
        self.serve_all(services, (stop, Stopping(stopping)), shutdown).await
    }

    pub(super) async fn serve_all(
        self,
        services: Services,
        (stop, stopping): (watch::Sender<bool>, Stopping),
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), transport::Error> {
        let Self { sockets, config } = self;
        let grace = config.grace;
        let mut serving = JoinSet::new();
        for socket in sockets {
            let routes = match &socket.role {
                Role::Peer(msp_id) => services.of_peer(msp_id.clone(), socket.address).await,
                Role::Orderer => services.of_orderer().await,
                Role::OrdererAdmin => {
                    let (api, table) = (services.participation(), Arc::clone(&services.table));
                    let Socket { listener, acceptor, .. } = socket;
                    let served =
                        admin_door::serve(listener, acceptor, table, api, stopping.clone());
                    serving.spawn(async move {
                        served.await;
                        Ok(())
                    });
                    continue;
                }
            };
            serving.spawn(socket.serve(routes, &services, stopping.clone()));
        }
        let all_end = async {
            while let Some(ended) = serving.join_next().await {
                ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?;
            }
            Ok(())
        };
        let overdue = async {
            shutdown.await;
            stop.send_replace(true);
            tokio::time::sleep(grace).await;
        };
        tokio::select! {
            served = all_end => served,
            () = services.table.watch() => Ok(()),
            () = overdue => Ok(()),
        }
    }
}

impl Socket {
    async fn open(Listener { address, tls, role }: Listener) -> io::Result<Self> {
        let acceptor = match role {
            Role::OrdererAdmin => Acceptor::for_known_http,
            Role::Peer(_) | Role::Orderer => Acceptor::new,
        };
        let acceptor = tls.as_ref().map(acceptor).transpose().map_err(io::Error::other)?;
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, acceptor, role })
    }

    fn serve(
        self,
        routes: Routes,
        services: &Services,
        mut stopping: Stopping,
    ) -> impl Future<Output = Result<(), transport::Error>> + Send + 'static {
        let Self { listener, acceptor, .. } = self;
        let connections = tls::Incoming::new(listener, Arc::clone(&services.table));
        let patience = &services.patience;
        let server = transport::Server::builder()
            .max_concurrent_streams(services.calls_per_connection)
            .http2_max_header_list_size(METADATA_BYTES)
            .http2_keepalive_interval(Some(patience.ping_every))
            .http2_keepalive_timeout(Some(patience.ping_timeout));
        let incoming = tls::Door::new(connections, acceptor);
        let stop = async move { stopping.wait().await };
        server.serve_with_incoming_shutdown(routes, incoming, stop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_stop_every_client_are_none() {
        let mut asked = ServerConfig { calls_per_connection: 0, ..ServerConfig::default() };
        asked.patience.entrance = Duration::MAX;
        let (used, default) = (asked.usable(), ServerConfig::default());
        assert_eq!(used.calls_per_connection, 1);
        assert_eq!(used.patience.entrance, NO_TIME_LIMIT);
        assert_eq!(used.patience.idle, default.patience.idle);
        assert_eq!(default.clone().usable(), default);
    }
}
