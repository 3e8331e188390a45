//! The stream of events, as server-sent events.

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

/// Older entries that a new page gets.
const BEFORE: u64 = 200;
/// Most entries in one part.
const AT_ONCE: usize = 100;
/// Parts that may wait for a slow page.
const WAITING: usize = 4;
/// Time limit of a stream, well below that of its connection.
const STREAM: Duration = Duration::from_secs(60);
/// The last event of a stream that ends at its time limit; it tells the page to reconnect.
const AGAIN: &str = "event: again\ndata:\n\n";
/// Interval of comments on an idle stream, which detect a closed connection.
const ALIVE: Duration = Duration::from_secs(15);

/// The sender to a page.
type Parts = mpsc::Sender<Result<Bytes, Infallible>>;

/// Answers with a stream that ends at a time limit. A reconnecting page names its last entry: a
/// browser in a header, a script in the parameter `after`.
pub(super) async fn live(
    State(site): State<Arc<Site>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let mut params = Params::parse(uri.query())?;
    let after = params.optional("after");
    params.end()?;
    let Ok(place) = Arc::clone(&site.turns.streams).try_acquire_owned() else {
        return Err(Failure::busy("too many pages follow the events: close one"));
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

/// Returns the number of the entry before those to send. `last` is the id of the page's last entry.
/// If it belongs to an earlier process, all entries of this one are sent.
fn begin(run: &str, last: Option<&str>, newest: u64) -> u64 {
    let Some(last) = last else { return newest.saturating_sub(BEFORE) };
    let own = last.rsplit_once('-').filter(|(of, _)| *of == run);
    own.and_then(|(_, number)| number.parse().ok()).filter(|last| *last <= newest).unwrap_or(0)
}

/// Sends until the time limit, or until the page has gone.
async fn send_for(limit: Duration, feed: &Feed, last: u64, parts: &Parts) {
    let _ = timeout(limit, send(feed, last, parts)).await;
    // If the page reads too slowly, it gets no such event.
    let _ = parts.try_send(Ok(Bytes::from_static(AGAIN.as_bytes())));
}

/// Sends until the page has gone.
async fn send(feed: &Feed, mut last: u64, parts: &Parts) {
    let mut newest = feed.newest();
    // A browser reports the stream as open after the first bytes.
    if parts.send(Ok(Bytes::from_static(b"retry: 1000\n\n"))).await.is_err() {
        return;
    }
    loop {
        newest.mark_unchanged();
        let entries = feed.after(last, AT_ONCE);
        let mut text = String::new();
        for entry in &entries {
            // The JSON has no line breaks.
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
        // The stream has ended if nothing more arrives at once.
        send_for(Duration::ZERO, &feed, 0, &parts).await;
        drop(parts);
        let mut all = String::new();
        while let Some(Ok(part)) = stream.recv().await {
            all.push_str(std::str::from_utf8(&part).unwrap());
        }
        assert!(all.contains("something") && all.ends_with(AGAIN), "{all}");
    }
}
