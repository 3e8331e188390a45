//! The stream of what happens, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::web::failure::Failure;
use crate::web::feed::Feed;
use crate::web::params::Params;
use crate::web::site::Site;

/// Entries that a page gets of the time before it opened.
const BEFORE: u64 = 200;
/// Entries that are sent at once.
const AT_ONCE: usize = 100;
/// Parts that wait for a page that does not read.
const WAITING: usize = 4;
/// A sign of life, so that a page that has gone is noticed.
const ALIVE: Duration = Duration::from_secs(15);

/// Answers with a stream that does not end by itself. A page that lost its connection says which
/// entry was the last: a browser by itself, a script by the parameter `after`.
pub(super) async fn live(
    State(site): State<Arc<Site>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let mut params = Params::parse(uri.query())?;
    let after: u64 = params.parsed_or_default("after")?;
    params.end()?;
    let Ok(place) = Arc::clone(&site.turns.streams).try_acquire_owned() else {
        return Err(Failure::busy("too many pages follow what happens: close one"));
    };
    let newest = *site.feed.newest().borrow();
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let last = last.or(Some(after).filter(|after| *after > 0));
    // A number of another process, which ran before this one, means nothing here.
    let last = last.filter(|last| *last <= newest).unwrap_or(newest.saturating_sub(BEFORE));
    let (parts, stream) = mpsc::channel(WAITING);
    let feed = Arc::clone(&site.feed);
    tokio::spawn(async move {
        let _until_it_ends = place;
        send(&feed, last, &parts).await;
    });
    let head = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((head, Body::from_stream(ReceiverStream::new(stream))).into_response())
}

/// Sends until the page has gone.
async fn send(feed: &Feed, mut last: u64, parts: &mpsc::Sender<Result<Bytes, Infallible>>) {
    let mut newest = feed.newest();
    // A browser says that the stream is open when it has got something.
    if parts.send(Ok(Bytes::from_static(b"retry: 1000\n\n"))).await.is_err() {
        return;
    }
    loop {
        newest.mark_unchanged();
        let entries = feed.after(last, AT_ONCE);
        let mut text = String::new();
        for entry in &entries {
            // JSON has no ends of lines in it.
            text.push_str(&format!("id: {}\ndata: {}\n\n", entry.number, entry.text));
            last = entry.number;
        }
        if text.is_empty() {
            let waited = tokio::select! {
                changed = newest.changed() => changed.is_ok(),
                () = parts.closed() => false,
                () = tokio::time::sleep(ALIVE) => {
                    text.push_str(": alive\n\n");
                    true
                }
            };
            if !waited {
                return;
            }
        }
        if !text.is_empty() && parts.send(Ok(text.into())).await.is_err() {
            return;
        }
    }
}
