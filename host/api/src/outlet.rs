//! Sends the answers of a stream to the client.
//!
//! tonic would keep each message up to three times: in the queue of the stream, encoded, and in a
//! buffer that stays as large as the largest message. So messages are encoded here, and bypass
//! tonic into the body of the response. tonic adds the headers and the trailers.
//!
//! Invariant: an encoded message keeps its room in the budget until the transport has sent it.

use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{BufMut, Bytes};
use http_body::Frame;
use prost::Message;
use tokio::sync::{SemaphorePermit, mpsc, oneshot};
use tokio_stream::Stream;
use tonic::body::Body;
use tonic::codegen::http;
use tonic::{Response, Status};

use crate::framing::PREFIX_BYTES;
use crate::outgoing::{Asked, Room, Share};
use crate::shutdown::{Stopping, stops};

/// Maximum number of messages between a stream and its body.
const QUEUED: usize = 1;

/// The sender of a stream's messages.
pub(super) struct Outlet {
    frames: mpsc::Sender<Bytes>,
    last: Option<oneshot::Sender<Status>>,
    message_bytes: usize,
    stopping: Stopping,
}

/// The stream of answers for tonic: it only yields the final status.
pub(super) struct Ending<M>(Option<oneshot::Receiver<Status>>, PhantomData<fn() -> M>);

/// Passes the messages' receiver to the body of the response.
#[derive(Clone)]
struct Frames(Arc<Mutex<Option<mpsc::Receiver<Bytes>>>>);

/// A slot in the queue.
pub(super) struct Slot<'a>(mpsc::Permit<'a, Bytes>);

/// Encodes the messages of a stream.
#[derive(Clone)]
pub(super) struct Packer {
    share: Share,
    message_bytes: usize,
}

/// An encoded message, with its room.
struct Packed {
    bytes: Vec<u8>,
    _room: Room,
}

impl AsRef<[u8]> for Packed {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Outlet {
    /// Opens the outlet of a stream, for messages of at most `message_bytes`. The response must be
    /// passed to [`attach`].
    pub(super) fn open<M>(message_bytes: usize, stopping: Stopping) -> (Self, Response<Ending<M>>) {
        let (frames, receiver) = mpsc::channel(QUEUED);
        let (last, ending) = oneshot::channel();
        let mut response = Response::new(Ending(Some(ending), PhantomData));
        response.extensions_mut().insert(Frames(Arc::new(Mutex::new(Some(receiver)))));
        (Self { frames, last: Some(last), message_bytes, stopping }, response)
    }

    /// Returns the encoder of this stream's messages, with the stream's share of the budget.
    pub(super) fn packer(&self, share: Share) -> Packer {
        Packer { share, message_bytes: self.message_bytes }
    }

    /// Completes when the client has gone.
    pub(super) async fn closed(&self) {
        self.frames.closed().await;
    }

    /// Waits until the client has received the earlier messages.
    pub(super) async fn slot(&self) -> Result<Slot<'_>, Status> {
        let mut stopping = self.stopping.clone();
        tokio::select! {
            slot = self.frames.reserve() => slot.map(Slot).map_err(|_| gone()),
            () = stopping.wait() => Err(stops()),
        }
    }

    /// Waits for room in the budget.
    pub(super) async fn room(&self, mut asked: Asked) -> Result<Room, Status> {
        let mut stopping = self.stopping.clone();
        tokio::select! {
            room = asked.granted() => room.ok_or_else(stops),
            () = self.closed() => Err(gone()),
            () = stopping.wait() => Err(stops()),
        }
    }

    /// Sends a message of a few bytes, which is not counted.
    pub(super) async fn send_status<M: Message>(&self, message: &M) -> Result<(), Status> {
        let slot = self.slot().await?;
        slot.send(encode(message, message.encoded_len()).into());
        Ok(())
    }

    /// Ends the stream with an error.
    pub(super) fn fail(mut self, status: Status) {
        if let Some(last) = self.last.take() {
            // The client may have gone.
            let _ = last.send(status);
        }
    }
}

impl Slot<'_> {
    pub(super) fn send(self, message: Bytes) {
        self.0.send(message);
    }
}

impl Packer {
    /// See [`Share::turn`].
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.share.turn().await
    }

    /// Encodes a message if there is room for it: `room`, or free room. Otherwise returns a request
    /// for room; the caller drops the message until it is granted.
    pub(super) fn pack<M: Message>(
        &self,
        message: &M,
        room: Option<Room>,
    ) -> Result<Result<Bytes, Asked>, Status> {
        let (len, limit) = (message.encoded_len(), self.message_bytes);
        if len > limit {
            // The text of tonic.
            return Err(Status::out_of_range(format!(
                "Error, encoded message length too large: found {len} bytes, the limit is: \
                 {limit} bytes"
            )));
        }
        let bytes = PREFIX_BYTES + len;
        // A block that is read again may have more private data.
        let room = match room.filter(|room| room.bytes() >= bytes) {
            Some(room) => room,
            None => {
                let mut asked = self.share.ask(bytes);
                match asked.now() {
                    Some(room) => room,
                    None => return Ok(Err(asked)),
                }
            }
        };
        Ok(Ok(Bytes::from_owner(Packed { bytes: encode(message, len), _room: room })))
    }
}

/// Encodes a message of `len` bytes with its gRPC prefix, in a buffer of exactly this size.
fn encode<M: Message>(message: &M, len: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(PREFIX_BYTES + len);
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(len).unwrap_or(u32::MAX));
    // Encoding fails only if the buffer is too small.
    let _ = message.encode(&mut bytes);
    bytes
}

fn gone() -> Status {
    Status::cancelled("the client has gone")
}

impl<M> Stream for Ending<M> {
    type Item = Result<M, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(ending) = &mut self.0 else { return Poll::Ready(None) };
        let ended = ready!(Pin::new(ending).poll(cx));
        self.0 = None;
        Poll::Ready(ended.ok().map(Err))
    }
}

/// Adds the messages of an outlet to the body of its response. Returns other responses unchanged.
pub(super) fn attach(mut response: http::Response<Body>) -> http::Response<Body> {
    let frames = response.extensions_mut().remove::<Frames>();
    let frames =
        frames.and_then(|frames| frames.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    match frames {
        Some(frames) => {
            response.map(|body| Body::new(OutletBody { frames, has_ended: false, body }))
        }
        None => response,
    }
}

/// The messages, followed by tonic's body with the end of the stream.
struct OutletBody {
    frames: mpsc::Receiver<Bytes>,
    has_ended: bool,
    body: Body,
}

impl http_body::Body for OutletBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if !self.has_ended {
            if let Some(message) = ready!(self.frames.poll_recv(cx)) {
                return Poll::Ready(Some(Ok(Frame::data(message))));
            }
            self.has_ended = true;
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.has_ended && self.body.is_end_stream()
    }
}
