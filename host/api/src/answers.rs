//! Limits the memory of unary answers until they are sent.
//!
//! A client may read its answers slowly, or not at all, after their calls have ended. So an answer
//! reserves its bytes in a budget, and releases them when the transport has sent it. It cannot wait
//! for room, because it is in memory already. Without room the client gets an error instead, and
//! the text of an error without room is cut. A connection whose client does not read an answer for
//! too long is closed.
//!
//! Invariant: a queued answer keeps exactly its own bytes; tonic's larger buffer is dropped.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::{self, HeaderMap, HeaderValue};

use crate::call::Call;
use crate::outgoing::{Outgoing, Room};
use crate::plain_text::plain;
use crate::trailers;
use wasmcc_types::Share;

/// Smaller answers and errors are not counted: an open call itself uses more memory.
const UNCOUNTED: usize = 512;

/// Shared by the services of a server.
#[derive(Clone)]
pub(super) struct Answers {
    /// For clients whose signatures were checked; shared with the streams.
    signed: Outgoing,
    /// For all others, and for errors, so that unauthenticated clients cannot use the budget of
    /// authenticated ones.
    others: Outgoing,
    /// Time limit for the transport to send an answer.
    patience: Duration,
}

/// An extension of a response: the client that it belongs to, whose signature was checked.
#[derive(Clone)]
pub(super) struct Owner(pub(super) Share);

/// The reservation of an answer that is not sent yet.
struct Place {
    _room: Room,
    /// Dropped when the answer was sent.
    _sent: Option<oneshot::Sender<()>>,
}

/// Bytes of an answer, with their reservation.
struct Kept<T> {
    bytes: T,
    _place: Arc<Place>,
}

impl<T: AsRef<[u8]>> AsRef<[u8]> for Kept<T> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

impl Answers {
    /// Answers of clients whose signatures were checked use `signed`, all others `others`.
    pub(super) fn new(signed: Outgoing, others: Outgoing, patience: Duration) -> Self {
        Self { signed, others, patience }
    }

    /// Returns the answer of a unary call, counted until it is sent, or an error if there is no
    /// room.
    pub(super) async fn hold(
        &self,
        answer: http::Response<Body>,
        call: &Call,
    ) -> http::Response<Body> {
        let (mut parts, mut body) = answer.into_parts();
        let owner = parts.extensions.remove::<Owner>();
        let (mut bytes, mut trailers) = (Vec::new(), None);
        // tonic holds the whole body of a unary response, so polling never blocks.
        while let Some(frame) = poll_fn(|cx| poll_frame(&mut body, cx)).await {
            match frame.map(Frame::into_data) {
                Ok(Ok(data)) => bytes.extend_from_slice(&data),
                Ok(Err(frame)) => trailers = frame.into_trailers().ok(),
                Err(status) => return status.into_http(),
            }
        }
        drop(body);
        let bytes = match bytes.len() {
            0..=UNCOUNTED => Bytes::from(bytes),
            len => match self.room(owner.as_ref(), len, call) {
                Some(room) => Bytes::from_owner(Kept { bytes, _place: self.place(room, call) }),
                None => return unread(len).into_http(),
            },
        };
        let bytes = Some(bytes).filter(|bytes| !bytes.is_empty());
        http::Response::from_parts(parts, Body::new(Whole { bytes, trailers }))
    }

    /// Returns the answer. If it is an error, its texts are counted until they are sent, and cut if
    /// there is no room.
    pub(super) fn hold_error(
        &self,
        mut answer: http::Response<Body>,
        call: &Call,
    ) -> http::Response<Body> {
        for less in [trailers::ROOM, UNCOUNTED] {
            let len = trailers::error_bytes(answer.headers());
            if len <= UNCOUNTED {
                return answer;
            }
            if let Some(room) = self.room(None, len, call) {
                keep_texts(answer.headers_mut(), &self.place(room, call));
                return answer;
            }
            answer = plain(trailers::fit(answer, less));
        }
        answer
    }

    fn room(&self, owner: Option<&Owner>, bytes: usize, call: &Call) -> Option<Room> {
        let from = if owner.is_some() { &self.signed } else { &self.others };
        from.take_now(bytes, owner.map(|Owner(share)| share), call.connection())
    }

    /// Creates a reservation of `room`. If it is held for too long, the connection is closed.
    fn place(&self, room: Room, call: &Call) -> Arc<Place> {
        let sent = (!room.is_free()).then(|| self.watch(call));
        Arc::new(Place { _room: room, _sent: sent })
    }

    fn watch(&self, call: &Call) -> oneshot::Sender<()> {
        let (sender, sent) = oneshot::channel();
        let (patience, connection) = (self.patience, Arc::downgrade(call.shared_connection()));
        tokio::spawn(async move {
            if timeout(patience, sent).await.is_ok() {
                return;
            }
            if let Some(connection) = connection.upgrade() {
                let client = connection.remote().map(tracing::field::display);
                tracing::warn!(
                    client,
                    "a connection is closed: its client has not read an answer within {patience:?}"
                );
                connection.close();
            }
        });
        sender
    }
}

fn unread(bytes: usize) -> Status {
    Status::resource_exhausted(format!(
        "the peer has no memory left for the {bytes} bytes of the answer: too many others are not \
         read yet; read the answers, make fewer large calls at the same time, or start the peer \
         with a larger --request-mib"
    ))
}

/// Keeps the reservation in the texts of an error until they are encoded for the wire.
fn keep_texts(headers: &mut HeaderMap, place: &Arc<Place>) {
    for name in trailers::TEXTS {
        let Some(value) = headers.get_mut(name) else { continue };
        let kept = Kept { bytes: value.clone(), _place: Arc::clone(place) };
        if let Ok(mut kept) = HeaderValue::from_maybe_shared(Bytes::from_owner(kept)) {
            // Otherwise the compression table of HTTP/2 would keep the value longer.
            kept.set_sensitive(true);
            *value = kept;
        }
    }
}

fn poll_frame(body: &mut Body, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
    http_body::Body::poll_frame(Pin::new(body), cx)
}

/// A body in one piece.
struct Whole {
    bytes: Option<Bytes>,
    trailers: Option<HeaderMap>,
}

impl http_body::Body for Whole {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let bytes = self.bytes.take().map(Frame::data);
        let frame = bytes.or_else(|| self.trailers.take().map(Frame::trailers));
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none() && self.trailers.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: usize = 1 << 10;

    fn answers() -> (Answers, Outgoing) {
        let (signed, others) = (Outgoing::new(0, 0), Outgoing::new(0, 1_024 * KIB));
        (Answers::new(signed, others.clone(), Duration::from_secs(600)), others)
    }

    #[tokio::test]
    async fn errors_that_are_not_sent_are_cut_when_there_are_too_many() {
        let (answers, others) = answers();
        let call = Call::without_a_client();
        let text = "x".repeat(6_000);
        let error = || answers.hold_error(Status::unknown(&text).into_http(), &call);
        let held: Vec<_> = (0..100).map(|_| error()).collect();
        let of = |error: &http::Response<Body>| Status::from_header_map(error.headers()).unwrap();
        let whole = held.iter().filter(|error| of(error).message() == text).count();
        // The uncounted bytes of the connection, and its quarter of the budget.
        assert_eq!(whole, 64 * KIB / 6_000 + 256 * KIB / 6_000);
        let last = of(held.last().unwrap());
        assert_eq!(last.code(), tonic::Code::Unknown);
        assert!(last.message().ends_with(" more bytes)") && last.message().len() <= UNCOUNTED);
        assert!(others.used() <= 256 * KIB);
        let value = held[0].headers()[trailers::TEXTS[0]].clone();
        drop(held);
        assert_eq!((others.used(), value.as_bytes()), (0, text.as_bytes()));
        assert_eq!(of(&error()).message(), text, "there is room again");
    }

    #[tokio::test]
    async fn what_is_not_an_answer_to_one_call_stays_as_it_is() {
        let (answers, others) = answers();
        let call = Call::without_a_client();
        let error = Status::not_found("no").into_http();
        let same = answers.hold(error, &call).await;
        let same = answers.hold_error(same, &call);
        assert_eq!(Status::from_header_map(same.headers()).unwrap().message(), "no");
        assert_eq!(others.used(), 0);
    }
}
