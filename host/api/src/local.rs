//! Serves callers in the peer's own process.
//!
//! Invariant: a local request goes through the same checks and limits as one that arrives over a
//! connection.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::watch;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};

use crate::connection_table::Entry;
use crate::peer::Peer;
use crate::routes::Routes;
use crate::server::ServerConfig;
use crate::services::Services;
use crate::shutdown::Stopping;
use wasmcc_tls::Client;
use wasmcc_workers::Workers;

/// Connects a client to the services of a peer without a socket: tonic's clients use it instead of
/// a channel. Clones count as one connection.
#[derive(Clone)]
pub struct Local {
    routes: Routes,
    entry: Arc<Entry>,
    /// Dropping this signals to waiting calls that the server stops.
    _running: Arc<watch::Sender<bool>>,
}

impl Local {
    /// Creates the services of the first organization's peer.
    pub async fn new(peer: Arc<dyn Peer>, workers: Arc<Workers>, config: ServerConfig) -> Self {
        let (running, stopping) = watch::channel(false);
        let services = Services::new(peer, workers, config, Stopping(stopping));
        let (entry, _) = services.table.admit(None);
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let routes = services.of_peer(None, nowhere).await;
        Self { routes, entry: Arc::new(entry), _running: Arc::new(running) }
    }
}

impl Service<http::Request<Body>> for Local {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.routes.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let connection = Arc::clone(self.entry.connection());
        request.extensions_mut().insert(Client { connection, certificate: None });
        self.routes.call(request)
    }
}
