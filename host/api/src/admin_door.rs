//! The orderer's administrative address: HTTP/1.1, requests on a connection one after the other.
//!
//! Invariant: requests that a web site makes a browser send are refused.

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
use crate::web_site::is_of_a_web_site;
use wasmcc_tls::{Acceptor, Door, Incoming, Opened};

/// The answer to requests that a web site makes a browser send.
const NOT_FOR_SITES: &str = "this address is not for web sites: on its own machine it is \
                             called localhost, or by its number";

/// Serves until the server stops.
pub(super) async fn serve(
    listener: TcpListener,
    acceptor: Option<Acceptor>,
    table: Arc<ConnectionTable>,
    api: Participation,
    mut stopping: Stopping,
) {
    // With TLS, the client checks the name of the server.
    let is_local =
        acceptor.is_none() && listener.local_addr().is_ok_and(|address| address.ip().is_loopback());
    let mut incoming = Door::new(Incoming::new(listener, table), acceptor).of_http1();
    let mut serving = JoinSet::new();
    loop {
        tokio::select! {
            opened = incoming.next() => match opened {
                Some(Ok(opened)) => {
                    serving.spawn(serve_one(opened, api.clone(), is_local));
                }
                Some(Err(_)) => {}
                None => return,
            },
            _ = serving.join_next(), if !serving.is_empty() => {}
            () = stopping.wait() => return,
        }
    }
}

async fn serve_one(opened: Opened<Connection>, api: Participation, is_local: bool) {
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
                    match is_of_a_web_site(request.headers(), is_local) {
                        true => refused(StatusCode::FORBIDDEN, NOT_FOR_SITES),
                        false => api.answer(request).await,
                    }
                }
                Err(refusal) => refused(StatusCode::SERVICE_UNAVAILABLE, refusal.message()),
            };
            Ok::<_, Infallible>(answer)
        }
    });
    let served = http1::Builder::new().serve_connection(TokioIo::new(opened), service).await;
    if let Err(error) = served {
        tracing::debug!(
            client = remote,
            %error,
            "a connection to the channel participation API has ended"
        );
    }
}
