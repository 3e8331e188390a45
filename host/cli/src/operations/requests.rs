//! Routes requests and checks their senders.
//!
//! Invariant: a request takes a bounded time. Requests that a web site makes a browser send are
//! refused: they name their origin, or a foreign host.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::operations::health::{self, FailedCheck};
use crate::operations::{Subject, logspec};
use wasmcc_api::is_of_a_web_site;

/// Time limit for a whole request, and for the checks of `/healthz` within it.
const REQUEST: Duration = Duration::from_secs(10);
const CHECKS: Duration = Duration::from_secs(5);
/// Limit on the body of a request, in bytes.
const BODY_BYTES: usize = 64 << 10;

/// True if the client of a connection has shown a certificate.
#[derive(Clone, Copy)]
pub(super) struct Certified(pub(super) bool);

#[derive(Clone)]
struct Desk {
    subject: Arc<dyn Subject>,
    /// Allow one check and one measurement at a time: a disk that hangs must not block more and
    /// more threads.
    checking: Arc<Mutex<()>>,
    measuring: Arc<Mutex<()>>,
    asks_for_certificates: bool,
    /// True if only clients of this machine reach the address.
    is_local: bool,
}

/// Returns the routes.
pub(super) fn routes(
    subject: Arc<dyn Subject>,
    asks_for_certificates: bool,
    is_local: bool,
) -> Router {
    let (checking, measuring) = <(Arc<Mutex<()>>, Arc<Mutex<()>>)>::default();
    let desk = Desk { subject, checking, measuring, asks_for_certificates, is_local };
    Router::new()
        .route("/healthz", any(healthz))
        .route("/metrics", any(metrics))
        .route("/logspec", any(logspec))
        .route("/version", any(version))
        .fallback(async || {
            let text = "there are /healthz, /metrics, /logspec and /version\n";
            (StatusCode::NOT_FOUND, text)
        })
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(middleware::from_fn_with_state(desk.clone(), admit))
        .with_state(desk)
}

/// Refuses requests of web sites and of clients without a required certificate, and limits the
/// time.
async fn admit(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    if is_of_a_web_site(request.headers(), desk.is_local) {
        return (StatusCode::FORBIDDEN, "this address is not for web sites\n").into_response();
    }
    let certified = request.extensions().get::<Certified>().is_some_and(|client| client.0);
    let is_guarded = matches!(request.uri().path(), "/metrics" | "/logspec");
    if desk.asks_for_certificates && is_guarded && !certified {
        // Fabric: `core/middleware/require_cert.go`.
        let path = request.uri().path();
        tracing::warn!(path, "a client of the operations address has shown no certificate");
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let answer = timeout(REQUEST, next.run(request)).await;
    answer.unwrap_or_else(|_| StatusCode::REQUEST_TIMEOUT.into_response())
}

fn json_answer((status, text): (StatusCode, String)) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// Refuses a method as Fabric's handlers do.
fn wrong_method(method: &Method, member: &str) -> Response {
    let error = format!("invalid request method: {method}");
    json_answer((StatusCode::BAD_REQUEST, json!({ member: error }).to_string()))
}

async fn healthz(State(desk): State<Desk>, method: Method) -> Response {
    if method != Method::GET {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let checks = desk.look(&desk.checking, |subject| subject.failed_checks());
    let failed = timeout(CHECKS, checks).await.unwrap_or_else(|_| {
        let reason = format!("the checks did not end within {CHECKS:?}: does the disk hang?");
        vec![FailedCheck { component: "healthz".into(), reason }]
    });
    json_answer(health::answer(&failed))
}

async fn metrics(State(desk): State<Desk>, method: Method) -> Response {
    if method != Method::GET {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let text = desk.look(&desk.measuring, |subject| {
        subject.measure();
        wasmcc_metrics::text()
    });
    let text = text.await;
    ([(header::CONTENT_TYPE, wasmcc_metrics::CONTENT_TYPE)], text).into_response()
}

async fn logspec(
    method: Method,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Response {
    match (method, body) {
        (Method::GET, _) => json_answer(logspec::get()),
        (Method::PUT, Ok(body)) => match logspec::put(&body) {
            (StatusCode::NO_CONTENT, _) => StatusCode::NO_CONTENT.into_response(),
            refused => json_answer(refused),
        },
        (Method::PUT, Err(rejected)) => {
            let error = json!({ "error": rejected.body_text() }).to_string();
            json_answer((rejected.status(), error))
        }
        (method, _) => wrong_method(&method, "error"),
    }
}

async fn version(method: Method) -> Response {
    if method != Method::GET {
        return wrong_method(&method, "Error");
    }
    let mut version = json!({ "Version": env!("CARGO_PKG_VERSION") });
    // The build may set the commit.
    if let (Some(commit), Some(members)) = (option_env!("WASMCC_COMMIT"), version.as_object_mut())
        && !commit.is_empty()
    {
        members.insert("CommitSHA".into(), commit.into());
    }
    json_answer((StatusCode::OK, version.to_string()))
}

impl Desk {
    /// Calls the subject on a thread that may block.
    async fn look<T: Default + Send + 'static>(
        &self,
        one_at_a_time: &Arc<Mutex<()>>,
        at: impl FnOnce(&dyn Subject) -> T + Send + 'static,
    ) -> T {
        let looking = Arc::clone(one_at_a_time).lock_owned().await;
        let subject = Arc::clone(&self.subject);
        let looked = tokio::task::spawn_blocking(move || {
            let _until_it_has_ended = looking;
            at(subject.as_ref())
        });
        // A panic was logged.
        looked.await.unwrap_or_default()
    }
}
