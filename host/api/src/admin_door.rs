//! The orderer's administrative address: HTTP/1.1, one request after the other on a connection.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_stream::StreamExt;
use tonic::codegen::http::{self, StatusCode};
use tonic::transport::server::Connected;

use crate::call::Call;
use crate::connection::Connection;
use crate::connection_table::ConnectionTable;
use crate::participation::{Participation, refused};
use crate::shutdown::Stopping;
use wasmcc_tls::{Acceptor, Door, Incoming, Opened};

/// Serves until the server stops.
pub(super) async fn serve(
    listener: TcpListener,
    acceptor: Option<Acceptor>,
    table: Arc<ConnectionTable>,
    api: Participation,
    mut stopping: Stopping,
) {
    let mut incoming = Door::new(Incoming::new(listener, table), acceptor).of_http1();
    let mut serving = JoinSet::new();
    loop {
        tokio::select! {
            opened = incoming.next() => match opened {
                Some(Ok(opened)) => {
                    serving.spawn(serve_one(opened, api.clone()));
                }
                Some(Err(_)) => {}
                None => return,
            },
            _ = serving.join_next(), if !serving.is_empty() => {}
            () = stopping.wait() => return,
        }
    }
}

async fn serve_one(opened: Opened<Connection>, api: Participation) {
    let client = opened.connect_info();
    let remote = client.connection.remote().map(tracing::field::display);
    let service = service_fn(|request: http::Request<hyper::body::Incoming>| {
        let mut extensions = http::Extensions::new();
        extensions.insert(client.clone());
        let api = &api;
        async move {
            let answer = match Call::begin(&extensions) {
                Ok(call) => {
                    call.settle();
                    api.answer(request).await
                }
                Err(refusal) => refused(StatusCode::SERVICE_UNAVAILABLE, refusal.message()),
            };
            Ok::<_, Infallible>(answer)
        }
    });
    let served = http1::Builder::new().serve_connection(TokioIo::new(opened), service).await;
    if let Err(error) = served {
        tracing::debug!(client = remote, %error, "a connection for channels has ended");
    }
}
