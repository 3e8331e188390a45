//! The listening side.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::transport;

use crate::atomic_broadcast::AtomicBroadcast;
use crate::budget::{Budget, Jobs};
use crate::chaincode_support::ChaincodeSupport;
use crate::connection_table::{ConnectionTable, Patience};
use crate::connections::Connections;
use crate::deliver::Deliverer;
use crate::deliver_config::DeliverConfig;
use crate::door::Door;
use crate::endorser::Endorser;
use crate::entrance::Entrance;
use crate::gateway::Gateway;
use crate::peer::Peer;
use crate::peer_deliver::PeerDeliver;
use crate::routes::Routes;
use crate::shutdown::Stopping;
use crate::waits::Waits;
use wasmcc_tls as tls;
use wasmcc_tls::Acceptor;
use wasmcc_types::ServerTls;
use wasmcc_workers::Workers;

/// Bounds of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// The largest message, in both directions; Fabric's peers allow 100 MiB.
    pub message_bytes: usize,
    /// Connections at a time. For one more, one without an open call is closed; while all are in
    /// use, the calls of more are refused.
    pub connections: usize,
    /// Bytes of requests that are in work, or wait for a worker, of all clients together; more are
    /// refused. Requests that have not come as a whole may have as many again, a connection's a
    /// quarter of that.
    pub request_bytes: usize,
    /// Calls that one connection may have open.
    pub calls_per_connection: u32,
    /// How long open calls may go on when the server stops.
    pub grace: Duration,
    /// None: without TLS.
    pub tls: Option<ServerTls>,
    /// The MSP id of the organization as whose peer it answers; without, the peer's first.
    pub msp_id: Option<String>,
    /// Where clients reach the peers of the organizations, by MSP id, for the details of errors;
    /// for those that are not in it, the address of this server. Fabric:
    /// `peer.gossip.externalEndpoint`.
    pub advertised: BTreeMap<String, String>,
    /// Calls of all clients together that wait for blocks, and as many that wait for events, for
    /// transactions, and for envelopes. Half of each for one organization, a quarter for one
    /// connection. Fabric: `peer.limits.concurrency.deliverService`.
    pub waiting_calls: usize,
    /// How long silent clients are waited for.
    pub patience: Patience,
    /// How blocks are delivered.
    pub deliver: DeliverConfig,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            message_bytes: 100 << 20,
            connections: 900,
            request_bytes: 512 << 20,
            calls_per_connection: 1_024,
            grace: Duration::from_secs(10),
            tls: None,
            msp_id: None,
            advertised: BTreeMap::new(),
            waiting_calls: 2_500,
            patience: Patience::default(),
            deliver: DeliverConfig::default(),
        }
    }
}

/// A peer's services on a socket that is open already, so that no client comes too early.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    acceptor: Option<Acceptor>,
    config: ServerConfig,
}

impl Server {
    /// Opens the socket; port 0 takes any that is free.
    pub async fn bind(address: &str, config: ServerConfig) -> std::io::Result<Self> {
        let acceptor = config.tls.as_ref().map(Acceptor::new).transpose();
        let acceptor = acceptor.map_err(std::io::Error::other)?;
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, acceptor, config })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets [`ServerConfig::advertised`] when it is known where all servers listen.
    pub fn advertise(&mut self, addresses: BTreeMap<String, String>) {
        self.config.advertised = addresses;
    }

    /// Serves until `shutdown` completes, then lets open calls end. Streams and calls that wait for
    /// a block end at once, a chaincode's stream when no transaction runs on it.
    pub async fn serve(
        self,
        peer: Arc<dyn Peer>,
        workers: Arc<Workers>,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), transport::Error> {
        let Self { listener, address, acceptor, config } = self;
        let (stop, stopping) = watch::channel(false);
        let patience = config.patience.clone();
        let waits =
            Waits::new(config.waiting_calls, config.connections, Stopping(stopping.clone()));
        let entrance = Entrance::new(patience.entrance);
        let org = config.msp_id.or_else(|| peer.msp_ids().into_iter().next());
        let org: Arc<str> = org.unwrap_or_default().into();
        let budget = Budget::new(config.request_bytes);
        let jobs = Jobs::new(workers, budget.clone());
        let endorser =
            Endorser::new(Arc::clone(&peer), jobs.clone(), Arc::clone(&org), config.message_bytes);
        let stopped = Stopping(stopping.clone());
        let chaincodes = ChaincodeSupport::new(Arc::clone(&peer), stopped, entrance.clone());
        let deliverer = Deliverer::new(
            Arc::clone(&peer),
            Arc::clone(&org),
            waits.clone(),
            entrance.clone(),
            config.deliver,
        );
        let entering = (waits.clone(), entrance);
        let orderer = AtomicBroadcast::new(Arc::clone(&peer), entering, budget, deliverer.clone());
        let door = Door::new(org, address.to_string(), config.advertised);
        let gateway = Gateway::new(peer, jobs, waits, door);
        let deliver = PeerDeliver(deliverer);
        let bounds = (config.message_bytes, config.request_bytes, patience.request);
        let routes = Routes::new(endorser, gateway, chaincodes, deliver, orderer, bounds);
        let table = ConnectionTable::new(config.connections, patience.clone());
        let incoming = tls::Door::new(Connections::new(listener, Arc::clone(&table)), acceptor);
        let shutdown = async {
            shutdown.await;
            stop.send_replace(true);
        };
        let server = transport::Server::builder()
            .max_concurrent_streams(config.calls_per_connection)
            .http2_keepalive_interval(Some(patience.ping_every))
            .http2_keepalive_timeout(Some(patience.ping_timeout));
        let serving = server.serve_with_incoming_shutdown(routes, incoming, shutdown);
        let grace = async {
            Stopping(stopping).wait().await;
            tokio::time::sleep(config.grace).await;
        };
        tokio::select! {
            served = serving => served,
            () = table.watch() => Ok(()),
            () = grace => Ok(()),
        }
    }
}
