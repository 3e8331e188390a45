//! Serves HTTP connections of the operations address and of the page.
//!
//! Invariant: there are at most [`CONNECTIONS`] connections, and each of them ends.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tonic::transport::server::Connected;

use crate::operations::requests::Certified;
use wasmcc_tls::{Acceptor, Opened};

/// Limit on connections; further ones wait.
const CONNECTIONS: usize = 64;
/// Time limit for the head of a request, also of the next one on a connection.
const HEAD: Duration = Duration::from_secs(30);
/// Time limit of a connection. The request in progress is then the last one; clients reconnect.
const CONNECTION: Duration = Duration::from_secs(300);
/// Time limit of that last request. Longer than any request takes: a call from the page waits at
/// most 60 s for the peer, up to four times. A browser repeats a request if its connection ends
/// without an answer.
const LAST_REQUEST: Duration = Duration::from_secs(300);
/// Pause after a failed accept.
const PAUSE: Duration = Duration::from_millis(100);

/// The server.
pub(crate) struct Server {
    pub(crate) listener: TcpListener,
    pub(crate) acceptor: Option<Acceptor>,
    pub(crate) routes: Router,
}

impl Server {
    /// Serves without end.
    pub(crate) async fn run(self) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            // The semaphore is never closed.
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let connection = match self.listener.accept().await {
                Ok((connection, _)) => connection,
                Err(error) => {
                    tracing::debug!(%error, "cannot accept a connection");
                    sleep(PAUSE).await;
                    continue;
                }
            };
            let (acceptor, routes) = (self.acceptor.clone(), self.routes.clone());
            tokio::spawn(async move {
                let _until_it_ends = place;
                serve(connection, acceptor, routes).await;
            });
        }
    }
}

async fn serve(connection: TcpStream, acceptor: Option<Acceptor>, routes: Router) {
    let opened = match acceptor {
        // Without TLS there is no handshake; HTTP/1.1 follows directly.
        None => Opened::Plain(connection, false),
        Some(acceptor) => match acceptor.accept(connection).await {
            Some(opened) => opened,
            None => return,
        },
    };
    let certified = Certified(opened.connect_info().certificate.is_some());
    serve_until(opened, routes.layer(Extension(certified)), sleep(CONNECTION)).await;
}

/// Serves requests until `then` completes; the request in progress is still answered.
async fn serve_until<C>(connection: C, routes: Router, then: impl Future<Output = ()>)
where
    C: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = TowerToHyperService::new(routes);
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(connection), service);
    let mut serving = pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = then => {
            serving.as_mut().graceful_shutdown();
            // After the last answer, the connection may end at any time.
            timeout(LAST_REQUEST, serving).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::post;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::{Notify, oneshot};

    use super::*;

    #[tokio::test]
    async fn a_request_is_answered_though_the_time_of_its_connection_is_over() {
        let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let handler = {
            let (begun, go_on) = (Arc::clone(&begun), Arc::clone(&go_on));
            async move || {
                begun.notify_one();
                go_on.notified().await;
                "done"
            }
        };
        let routes = Router::new().route("/call", post(handler));
        let (mut client, server) = tokio::io::duplex(4096);
        let (end, over) = oneshot::channel::<()>();
        let serving = tokio::spawn(serve_until(server, routes, async { drop(over.await) }));
        let request = b"POST /call HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n";
        client.write_all(request).await.unwrap();
        begun.notified().await;
        end.send(()).unwrap();
        tokio::task::yield_now().await;
        go_on.notify_one();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("done"), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
        serving.await.unwrap();
    }
}
