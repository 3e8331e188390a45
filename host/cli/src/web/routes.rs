//! The routes of the page's API.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Router, middleware};
use tokio::sync::Semaphore;

use crate::web::calls::Kind;
use crate::web::failure::Failure;
use crate::web::guard::{Guard, admit};
use crate::web::site::{Answer, Read, Site};
use crate::web::{assets, calls, chain, chaincodes, live, past, state};

/// Limit on the body of a call, in bytes.
const BODY_BYTES: usize = 8 << 20;

/// Returns all routes.
pub(super) fn routes(site: Arc<Site>, guard: Guard) -> Router {
    let reads: [(&str, Read); 12] = [
        ("/api/chain", chain::chain),
        ("/api/blocks", chain::blocks),
        ("/api/block", chain::block),
        ("/api/transaction", chain::transaction),
        ("/api/state", state::state),
        ("/api/history", state::history),
        ("/api/private", state::private),
        ("/api/value", state::value),
        ("/api/chaincodes", chaincodes::all),
        ("/api/metadata", chaincodes::metadata),
        ("/api/costs", chain::costs),
        ("/api/payload", calls::payload),
    ];
    let replays: [(&str, Read); 2] =
        [("/api/explain", past::explain), ("/api/replay", past::replay)];
    let (guard, turns) = (Arc::new(guard), &site.turns);
    let reads = reads.into_iter().map(|(path, by)| (path, read(by, &turns.readers)));
    let replays = replays.into_iter().map(|(path, by)| (path, read(by, &turns.replays)));
    let token = guard.token.clone();
    let readers = Arc::clone(&turns.readers);
    let about = move |State(site): State<Arc<Site>>, uri: Uri| {
        let (token, readers) = (token.clone(), Arc::clone(&readers));
        async move {
            let answer = site.read(chain::about, readers, uri.query().map(str::to_owned)).await;
            answered(answer.map(|answer| chain::with_token(answer, token.as_deref())))
        }
    };
    let router = Router::new()
        .route("/api/about", get(about))
        .route("/api/live", get(live::live))
        .route("/api/evaluate", call(Kind::Evaluate))
        .route("/api/submit", call(Kind::Submit));
    let all = reads.chain(replays);
    let router = all.fold(router, |router, (path, by)| router.route(path, by));
    assets::add(router)
        .fallback(async |uri: Uri| Failure::missing(format!("there is no {}", uri.path())))
        .method_not_allowed_fallback(async || {
            let text = "this address is read with GET; calls are made with POST";
            Failure::with(StatusCode::METHOD_NOT_ALLOWED, text)
        })
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(middleware::from_fn_with_state(guard, admit))
        .with_state(site)
}

fn read(by: Read, places: &Arc<Semaphore>) -> MethodRouter<Arc<Site>> {
    let places = Arc::clone(places);
    get(move |State(site): State<Arc<Site>>, uri: Uri| async move {
        answered(site.read(by, places, uri.query().map(str::to_owned)).await)
    })
}

fn call(kind: Kind) -> MethodRouter<Arc<Site>> {
    post(move |State(site): State<Arc<Site>>, body: Result<Bytes, BytesRejection>| async move {
        let body = body.map_err(|refused| {
            let text = format!("{}; a call has {BODY_BYTES} bytes at most", refused.body_text());
            Failure::with(refused.status(), text)
        });
        let Some(calls) = &site.calls else {
            return Failure::forbidden("this page is read-only").into_response();
        };
        match body {
            Ok(body) => answered(calls.call(kind, &body).await.map(Answer::Json)),
            Err(failure) => failure.into_response(),
        }
    })
}

fn answered(answer: Result<Answer, Failure>) -> Response {
    match answer {
        Ok(Answer::Json(value)) => {
            let kind = [(header::CONTENT_TYPE, "application/json")];
            (kind, value.to_string()).into_response()
        }
        Ok(Answer::Bytes(bytes)) => {
            let head = [
                (header::CONTENT_TYPE, "application/octet-stream"),
                (header::CONTENT_DISPOSITION, "attachment; filename=\"value\""),
            ];
            (head, bytes).into_response()
        }
        Err(failure) => failure.into_response(),
    }
}
