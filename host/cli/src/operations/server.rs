//! The connections of the operations address, and of that of the page.
//!
//! Invariant: there are at most [`CONNECTIONS`], and each of them ends.

use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tonic::transport::server::Connected;

use crate::operations::requests::Certified;
use wasmcc_tls::{Acceptor, Opened};

/// Connections at a time; further ones wait.
const CONNECTIONS: usize = 64;
/// Time limit for the head of a request, also of the next one on a connection.
const HEAD: Duration = Duration::from_secs(30);
/// Time limit of a connection. Clients reconnect.
const CONNECTION: Duration = Duration::from_secs(300);
/// Pause after a failed accept.
const PAUSE: Duration = Duration::from_millis(100);

/// The server.
pub(crate) struct Server {
    pub(crate) listener: TcpListener,
    pub(crate) acceptor: Option<Acceptor>,
    pub(crate) routes: Router,
}

impl Server {
    /// Serves for ever.
    pub(crate) async fn run(self) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            // It is never closed.
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let connection = match self.listener.accept().await {
                Ok((connection, _)) => connection,
                Err(error) => {
                    tracing::debug!(%error, "cannot take a connection");
                    sleep(PAUSE).await;
                    continue;
                }
            };
            let (acceptor, routes) = (self.acceptor.clone(), self.routes.clone());
            tokio::spawn(async move {
                let _until_it_ends = place;
                // It may end at any time.
                let _ = timeout(CONNECTION, serve(connection, acceptor, routes)).await;
            });
        }
    }
}

async fn serve(connection: TcpStream, acceptor: Option<Acceptor>, routes: Router) {
    let opened = match acceptor {
        // What it begins with is none of the door's business: it speaks HTTP/1.1.
        None => Opened::Plain(connection, false),
        Some(acceptor) => match acceptor.accept(connection).await {
            Some(opened) => opened,
            None => return,
        },
    };
    let certified = Certified(opened.connect_info().certificate.is_some());
    let service = TowerToHyperService::new(routes.layer(Extension(certified)));
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(opened), service);
    if let Err(error) = serving.await {
        tracing::debug!(%error, "a connection ended");
    }
}
