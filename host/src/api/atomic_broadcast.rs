//! `orderer.AtomicBroadcast`: transactions and updates of configurations in, blocks out. Fabric:
//! `orderer/common/broadcast/broadcast.go`.

use std::sync::Arc;

use prost::Message;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status as RpcStatus, Streaming};

use crate::api::budget::Budget;
use crate::api::deliver::{Answers, Deliverer, Form};
use crate::api::ordering;
use crate::api::peer::{Peer, Reading};
use crate::api::seek::SeekRequest;
use crate::api::waits::{Place, Waits};
use crate::proto::common::{Block, Envelope, Status};
use crate::proto::orderer::atomic_broadcast_server;
use crate::proto::orderer::deliver_response::Type;
use crate::proto::orderer::{BroadcastResponse, DeliverResponse};

/// Answers that wait for a slow client.
const STREAM_MESSAGES: usize = 16;

/// The service.
pub(super) struct AtomicBroadcast {
    peer: Arc<dyn Peer>,
    waits: Waits,
    budget: Budget,
    deliverer: Deliverer,
}

impl AtomicBroadcast {
    pub(super) fn new(
        peer: Arc<dyn Peer>,
        waits: Waits,
        budget: Budget,
        deliverer: Deliverer,
    ) -> Self {
        Self { peer, waits, budget, deliverer }
    }
}

/// Blocks for those who read the channel.
pub(super) struct OrderedBlocks;

impl Form for OrderedBlocks {
    type Message = DeliverResponse;
    const READING: Reading = Reading::Policy("/Channel/Readers");
    const METHOD: &'static str = "/orderer.AtomicBroadcast/Deliver";

    fn status(status: Status) -> DeliverResponse {
        DeliverResponse { r#type: Some(Type::Status(status.into())) }
    }

    fn block(
        _: &dyn Peer,
        _: &str,
        _: &SeekRequest,
        block: Block,
    ) -> Result<DeliverResponse, String> {
        Ok(DeliverResponse { r#type: Some(Type::Block(block)) })
    }
}

#[tonic::async_trait]
impl atomic_broadcast_server::AtomicBroadcast for AtomicBroadcast {
    type BroadcastStream = ReceiverStream<Result<BroadcastResponse, RpcStatus>>;

    async fn broadcast(
        &self,
        request: Request<Streaming<Envelope>>,
    ) -> Result<Response<Self::BroadcastStream>, RpcStatus> {
        let place = self.waits.place("/orderer.AtomicBroadcast/Broadcast")?;
        let (sender, receiver) = mpsc::channel(STREAM_MESSAGES);
        let (peer, waits) = (Arc::clone(&self.peer), self.waits.clone());
        let from = (request.into_inner(), self.budget.clone());
        tokio::spawn(take(peer, waits, from, sender, place));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    type DeliverStream = Answers<OrderedBlocks>;

    async fn deliver(
        &self,
        request: Request<Streaming<Envelope>>,
    ) -> Result<Response<Self::DeliverStream>, RpcStatus> {
        self.deliverer.serve::<OrderedBlocks>(request)
    }
}

/// Takes envelope after envelope, up to the first that is refused.
async fn take(
    peer: Arc<dyn Peer>,
    waits: Waits,
    (mut envelopes, budget): (Streaming<Envelope>, Budget),
    out: mpsc::Sender<Result<BroadcastResponse, RpcStatus>>,
    _place: Place,
) {
    let mut stopping = waits.stopping();
    loop {
        let envelope = tokio::select! {
            envelope = envelopes.message() => envelope,
            () = stopping.wait() => {
                // The client may be gone, too.
                let _ = out.send(Err(RpcStatus::unavailable("the peer is stopping"))).await;
                return;
            }
        };
        // A client that breaks off needs no answer.
        let Ok(Some(envelope)) = envelope else { return };
        let answer = order(&peer, &waits, &budget, envelope).await;
        let success = i32::from(Status::Success);
        let goes_on = answer.as_ref().is_ok_and(|answer| answer.status == success);
        if out.send(answer).await.is_err() || !goes_on {
            return;
        }
    }
}

async fn order(
    peer: &Arc<dyn Peer>,
    waits: &Waits,
    budget: &Budget,
    envelope: Envelope,
) -> Result<BroadcastResponse, RpcStatus> {
    let share = budget.admit(envelope.encoded_len())?;
    let peer = Arc::clone(peer);
    let (listener, outcome) = ordering::listener();
    let checked = waits.run(move || {
        let _taken_until_it_is_in_the_queue = share;
        peer.order(envelope, listener);
    });
    checked.await?;
    Ok(match outcome.await {
        Ok(()) => BroadcastResponse { status: Status::Success.into(), info: String::new() },
        Err(error) => BroadcastResponse { status: error.status().into(), info: error.to_string() },
    })
}
