//! A peer behind its gRPC door.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use wasmcc::api::{Server, ServerConfig};
use wasmcc::node::Peer;
use wasmcc::workers::Workers;

/// Serves a peer until it is dropped.
pub struct Served {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
    runtime: Runtime,
}

impl Served {
    /// On a free port of this machine.
    pub fn start(peer: Arc<Peer>) -> Self {
        Self::with(peer, ServerConfig::default())
    }

    /// As [`start`](Self::start), as `config` says.
    pub fn with(peer: Arc<Peer>, config: ServerConfig) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("there are threads");
        let server = runtime.block_on(Server::bind("127.0.0.1:0", config));
        let server = server.expect("there is a free port");
        let address = server.address();
        let workers = Arc::new(Workers::new(1, 8).expect("there are threads"));
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = runtime.spawn(async move {
            let served = server.serve(peer, workers, async { drop(stopped.await) }).await;
            served.expect("the server does not fail");
        });
        Self { address, stop: Some(stop), serving: Some(serving), runtime }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(serving) = self.serving.take() {
            // A test that failed has said so already.
            let _ = self.runtime.block_on(serving);
        }
    }
}
