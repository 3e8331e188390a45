//! The stream of what happens, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::mpsc;
use tokio::time::timeout;
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
/// Time limit of a stream: it ends well before its connection does.
const STREAM: Duration = Duration::from_secs(60);
/// What is sent at the limit, so that the page knows that nothing is wrong.
const AGAIN: &str = "event: again\ndata:\n\n";
/// A sign of life, so that a page that has gone is noticed.
const ALIVE: Duration = Duration::from_secs(15);

/// The way to a page.
type Parts = mpsc::Sender<Result<Bytes, Infallible>>;

/// Answers with a stream, which ends now and then. A page says which entry was the last when it
/// asks again: a browser by itself, a script by the parameter `after`.
pub(super) async fn live(
    State(site): State<Arc<Site>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let mut params = Params::parse(uri.query())?;
    let after = params.optional("after");
    params.end()?;
    let Ok(place) = Arc::clone(&site.turns.streams).try_acquire_owned() else {
        return Err(Failure::busy("too many pages follow what happens: close one"));
    };
    let newest = *site.feed.newest().borrow();
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let last = begin(site.feed.run(), last.or(after.as_deref()), newest);
    let (parts, stream) = mpsc::channel(WAITING);
    let feed = Arc::clone(&site.feed);
    tokio::spawn(async move {
        let _until_it_ends = place;
        send_for(STREAM, &feed, last, &parts).await;
    });
    let head = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((head, Body::from_stream(ReceiverStream::new(stream))).into_response())
}

/// The number of the entry that is before those to send. `last` is the id of the last one that the
/// page has; if it is of another process, which ran before this one, all of this one are to send.
fn begin(run: &str, last: Option<&str>, newest: u64) -> u64 {
    let Some(last) = last else { return newest.saturating_sub(BEFORE) };
    let own = last.rsplit_once('-').filter(|(of, _)| *of == run);
    own.and_then(|(_, number)| number.parse().ok()).filter(|last| *last <= newest).unwrap_or(0)
}

/// Sends until then, or until the page has gone.
async fn send_for(limit: Duration, feed: &Feed, last: u64, parts: &Parts) {
    let _ = timeout(limit, send(feed, last, parts)).await;
    // One that does not read gets what is there already.
    let _ = parts.try_send(Ok(Bytes::from_static(AGAIN.as_bytes())));
}

/// Sends until the page has gone.
async fn send(feed: &Feed, mut last: u64, parts: &Parts) {
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
            let (run, number) = (feed.run(), entry.number);
            text.push_str(&format!("id: {run}-{number}\ndata: {}\n\n", entry.text));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_goes_on_after_its_last_entry_and_of_another_run_gets_all() {
        assert_eq!(begin("ab", Some("ab-7"), 300), 7);
        for other in ["cd-7", "cd-299", "7", "NaN", "", "ab-", "ab-301"] {
            assert_eq!(begin("ab", Some(other), 300), 0, "{other}");
        }
        assert_eq!((begin("ab", None, 300), begin("ab", None, 10)), (300 - BEFORE, 0));
    }

    #[tokio::test]
    async fn a_stream_that_ends_by_itself_says_so() {
        let feed = Feed::default();
        feed.said("something");
        let (parts, mut stream) = mpsc::channel(WAITING);
        // It is over when nothing more can be sent at once.
        send_for(Duration::ZERO, &feed, 0, &parts).await;
        drop(parts);
        let mut all = String::new();
        while let Some(Ok(part)) = stream.recv().await {
            all.push_str(std::str::from_utf8(&part).unwrap());
        }
        assert!(all.contains("something") && all.ends_with(AGAIN), "{all}");
    }
}
