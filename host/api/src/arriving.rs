//! Limits the memory of requests that are still being received.
//!
//! gRPC keeps a message in memory until it is complete, and allocates all of it once its length is
//! known. So the announced lengths of incomplete messages are counted, per connection and in total.
//! A request that exceeds its connection's limit is refused. If the total exceeds its limit, the
//! connection with the largest sum is closed. That is never the connection of a client with small
//! requests.
//!
//! Invariant: a message is counted before tonic sees its first byte.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Bytes;

use crate::call::Call;
use crate::connection_table::ClientConnection;
use crate::framing::Messages;

/// The counts of a server, shared by its calls.
#[derive(Clone)]
pub(super) struct Arrivals(Arc<Bounds>);

struct Bounds {
    /// Limit of one message; tonic refuses larger ones when it reads their length.
    message_bytes: usize,
    of_one: usize,
    of_all: usize,
    /// The announced bytes of each connection, by its id.
    arriving: Mutex<BTreeMap<u64, Arriving>>,
}

struct Arriving {
    connection: Arc<ClientConnection>,
    bytes: usize,
}

/// The body of a request; it counts the request's messages.
struct CountedBody {
    body: Body,
    messages: Messages,
    counted: usize,
    call: Call,
    arrivals: Arrivals,
}

impl Arrivals {
    /// Allows messages of `message_bytes`, and `request_bytes` for all requests together, but at
    /// least two messages.
    pub(super) fn new(message_bytes: usize, request_bytes: usize) -> Self {
        // One message of the maximum size must always fit.
        let of_one = (request_bytes / 4).max(message_bytes);
        let of_all = request_bytes.max(message_bytes.saturating_mul(2));
        Self(Arc::new(Bounds { message_bytes, of_one, of_all, arriving: Mutex::default() }))
    }

    /// Wraps the body of a call's request.
    pub(super) fn count(&self, body: Body, call: Call) -> Body {
        let (messages, arrivals) = (Messages::default(), self.clone());
        Body::new(CountedBody { body, messages, counted: 0, call, arrivals })
    }

    /// Replaces the count of one call on a connection.
    ///
    /// # Errors
    /// The connection would exceed its limit.
    fn change(
        &self,
        connection: &Arc<ClientConnection>,
        before: usize,
        now: usize,
    ) -> Result<(), Status> {
        let Bounds { of_one, of_all, arriving, .. } = &*self.0;
        let mut arriving = arriving.lock().unwrap_or_else(PoisonError::into_inner);
        let id = connection.id();
        let own = arriving.get(&id).map_or(0, |of| of.bytes).saturating_sub(before) + now;
        if now > before && own > *of_one {
            return Err(too_much("this connection has", own, *of_one));
        }
        if own == 0 {
            arriving.remove(&id);
            return Ok(());
        }
        let new = || Arriving { connection: Arc::clone(connection), bytes: 0 };
        arriving.entry(id).or_insert_with(new).bytes = own;
        if now <= before {
            return Ok(());
        }
        // The bytes of closing connections are released soon, so they do not count.
        let open = || arriving.values().filter(|of| !of.connection.is_closing());
        let all: usize = open().map(|of| of.bytes).sum();
        if all > *of_all
            && let Some(most) = open().max_by_key(|of| of.bytes)
        {
            tracing::warn!(
                bytes = most.bytes,
                limit = *of_all,
                remote = ?most.connection.remote(),
                "closes the connection with the most bytes of incomplete requests"
            );
            most.connection.close();
        }
        Ok(())
    }
}

fn too_much(whose: &str, bytes: usize, limit: usize) -> Status {
    Status::resource_exhausted(format!(
        "{whose} incomplete requests of {bytes} bytes, more than its limit of {limit}; \
         send large requests one after the other, or start the peer with a larger --request-mib"
    ))
}

impl CountedBody {
    fn change(&mut self, now: usize) -> Result<(), Status> {
        if now != self.counted {
            self.arrivals.change(self.call.shared_connection(), self.counted, now)?;
            self.counted = now;
        }
        Ok(())
    }
}

impl http_body::Body for CountedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        let polled = ready!(Pin::new(&mut this.body).poll_frame(cx));
        if let Some(data) = polled.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()) {
            this.messages.see(data);
            let announced = this.messages.announced();
            let is_read = announced <= this.arrivals.0.message_bytes;
            if let Err(refused) = this.change(if is_read { announced } else { 0 }) {
                return Poll::Ready(Some(Err(refused)));
            }
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for CountedBody {
    fn drop(&mut self) {
        // A smaller count is never refused.
        let _ = self.change(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection_table::{ConnectionTable, Entry, Patience};

    fn connections(count: usize) -> Vec<Entry> {
        let table = ConnectionTable::new(usize::MAX, Patience::default());
        (0..count).map(|_| table.admit(None).0).collect()
    }

    #[test]
    fn a_connection_that_begins_too_much_loses_that_request_only() {
        let arrivals = Arrivals::new(100, 400);
        let entries = connections(2);
        let (one, two) = (entries[0].connection(), entries[1].connection());
        arrivals.change(one, 0, 60).unwrap();
        let refused = arrivals.change(one, 0, 41).unwrap_err();
        assert_eq!(refused.code(), tonic::Code::ResourceExhausted);
        assert!(refused.message().contains("101 bytes"), "{refused}");
        arrivals.change(two, 0, 100).unwrap();
        arrivals.change(one, 60, 0).unwrap();
        arrivals.change(one, 0, 100).unwrap();
        arrivals.change(one, 100, 0).unwrap();
        arrivals.change(two, 100, 0).unwrap();
        assert!(arrivals.0.arriving.lock().unwrap().is_empty());
    }

    #[test]
    fn of_all_connections_the_one_with_the_most_is_closed() {
        let arrivals = Arrivals::new(100, 400);
        let entries = connections(7);
        let connection = |number: usize| entries[number].connection();
        for number in 0..4 {
            arrivals.change(connection(number), 0, 90 + number).unwrap();
        }
        arrivals.change(connection(4), 0, 10).unwrap();
        let closing =
            || -> Vec<usize> { (0..7).filter(|number| connection(*number).is_closing()).collect() };
        assert_eq!(closing(), Vec::<usize>::new());
        arrivals.change(connection(5), 0, 50).unwrap();
        assert_eq!(closing(), [3], "the newcomer stays");
        arrivals.change(connection(6), 0, 10).unwrap();
        assert_eq!(closing(), [3], "what is being closed counts no more");
    }
}
