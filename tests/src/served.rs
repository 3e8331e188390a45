//! A peer with its gRPC server.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::Status;
use tonic::transport::{self, Channel};
use wasmcc_api::{Listener, Server, ServerConfig};
use wasmcc_node::Peer;
use wasmcc_types::proto::protos;
use wasmcc_types::proto::protos::endorser_client::EndorserClient;
use wasmcc_workers::Workers;

/// Serves a peer until it is dropped.
pub struct Served {
    addresses: Vec<SocketAddr>,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
    runtime: Runtime,
}

impl Served {
    /// Serves on a free port of this machine.
    pub fn start(peer: Arc<Peer>) -> Self {
        Self::with(peer, ServerConfig::default())
    }

    /// As [`start`](Self::start), with this configuration.
    pub fn with(peer: Arc<Peer>, config: ServerConfig) -> Self {
        Self::with_workers(peer, config, Workers::new(1, 8).expect("there are threads"))
    }

    /// As [`with`](Self::with), with these workers.
    pub fn with_workers(peer: Arc<Peer>, config: ServerConfig, workers: Workers) -> Self {
        Self::at(vec![Listener::peer("127.0.0.1:0")], peer, config, workers)
    }

    /// As [`start`](Self::start), at the addresses of `listeners`.
    pub fn at(
        listeners: Vec<Listener>,
        peer: Arc<Peer>,
        config: ServerConfig,
        workers: Workers,
    ) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("there are threads");
        let server = runtime.block_on(Server::bind(listeners, config));
        let server = server.expect("there is a free port");
        let addresses = server.addresses().map(|(_, address)| address).collect();
        let workers = Arc::new(workers);
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = runtime.spawn(async move {
            let served = server.serve(peer, workers, async { drop(stopped.await) }).await;
            served.expect("the server does not fail");
        });
        Self { addresses, stop: Some(stop), serving: Some(serving), runtime }
    }

    /// Sends a proposal, and returns the pending call. Aborting it cancels the call.
    pub fn propose(
        &self,
        signed: protos::SignedProposal,
    ) -> JoinHandle<Result<protos::ProposalResponse, Status>> {
        let address = format!("http://{}", self.address());
        self.runtime.spawn(async move {
            let mut client = EndorserClient::new(connected(address).await?);
            Ok(client.process_proposal(signed).await?.into_inner())
        })
    }

    /// Opens a new connection.
    ///
    /// # Panics
    /// Panics if the server does not accept it.
    pub fn connect(&self) -> Channel {
        self.connect_to(0)
    }

    /// As [`connect`](Self::connect), to one of several addresses.
    ///
    /// # Panics
    /// Panics if the server does not accept it.
    pub fn connect_to(&self, listener: usize) -> Channel {
        let address = format!("http://{}", self.addresses[listener]);
        self.wait(connected(address)).expect("the server listens")
    }

    /// Runs a future on the runtime of the server.
    pub fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Returns its first address.
    pub fn address(&self) -> SocketAddr {
        self.addresses[0]
    }
}

async fn connected(address: String) -> Result<Channel, Status> {
    let failed = |error: transport::Error| Status::unavailable(error.to_string());
    Channel::from_shared(address)
        .map_err(|error| Status::unavailable(error.to_string()))?
        .connect()
        .await
        .map_err(failed)
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(serving) = self.serving.take() {
            // A failed test has already reported it.
            let _ = self.runtime.block_on(serving);
        }
    }
}
