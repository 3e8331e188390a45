//! `orderer.AtomicBroadcast`: accepts transactions and configuration updates, and delivers blocks.
//! Fabric: `orderer/common/broadcast/broadcast.go`.

use std::sync::Arc;

use prost::Message;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status as RpcStatus, Streaming};

use crate::budget::Budget;
use crate::call::Call;
use crate::deliver::{Deliverer, Deliveries, Form};
use crate::entrance::{Admission, Entrance};
use crate::ordering;
use crate::peer::{Peer, Reading};
use crate::peer_error::LedgerReadError;
use crate::seek::SeekRequest;
use crate::shutdown::stops;
use crate::waits::{Waiting, Waits};
use wasmcc_peer::endorser::Claims;
use wasmcc_types::proto::common::{Block, Envelope, Payload, SignatureHeader, Status};
use wasmcc_types::proto::orderer::deliver_response::Type;
use wasmcc_types::proto::orderer::{BroadcastResponse, DeliverResponse, atomic_broadcast_server};

/// Maximum number of answers that wait for a slow client.
const STREAM_MESSAGES: usize = 16;

/// The service.
pub(super) struct AtomicBroadcast {
    peer: Arc<dyn Peer>,
    waits: Waits,
    entrance: Entrance,
    budget: Budget,
    deliverer: Deliverer,
}

impl AtomicBroadcast {
    pub(super) fn new(
        peer: Arc<dyn Peer>,
        (waits, entrance): (Waits, Entrance),
        budget: Budget,
        deliverer: Deliverer,
    ) -> Self {
        Self { peer, waits, entrance, budget, deliverer }
    }
}

/// Delivers blocks to clients that satisfy the channel's policy for readers.
pub(super) struct OrderedBlocks;

impl Form for OrderedBlocks {
    type Message = DeliverResponse;
    const READING: Reading = Reading::Orderer;
    const METHOD: &'static str = "/orderer.AtomicBroadcast/Deliver";

    fn status(status: Status) -> DeliverResponse {
        DeliverResponse { r#type: Some(Type::Status(status.into())) }
    }

    fn block(
        _: &dyn Peer,
        _: &str,
        _: &SeekRequest,
        block: Block,
    ) -> Result<DeliverResponse, LedgerReadError> {
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
        let admission = Admission::Entering(self.entrance.enter(Call::of(&request)?).await?);
        let (sender, receiver) = mpsc::channel(STREAM_MESSAGES);
        let (peer, waits) = (Arc::clone(&self.peer), self.waits.clone());
        let from = (request.into_inner(), self.budget.clone());
        tokio::spawn(take(peer, waits, from, sender, admission));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    type DeliverStream = Deliveries<OrderedBlocks>;

    async fn deliver(
        &self,
        request: Request<Streaming<Envelope>>,
    ) -> Result<Response<Self::DeliverStream>, RpcStatus> {
        self.deliverer.serve::<OrderedBlocks>(request).await
    }
}

/// Orders envelopes one after the other, until one is refused.
async fn take(
    peer: Arc<dyn Peer>,
    waits: Waits,
    (mut envelopes, budget): (Streaming<Envelope>, Budget),
    out: mpsc::Sender<Result<BroadcastResponse, RpcStatus>>,
    mut admission: Admission,
) {
    let mut stopping = waits.stopping();
    loop {
        let envelope = tokio::select! {
            envelope = envelopes.message() => envelope,
            () = stopping.wait() => {
                // The client may have gone, too.
                let _ = out.send(Err(stops())).await;
                return;
            }
            overdue = admission.overdue() => {
                let _ = out.send(Err(overdue)).await;
                return;
            }
        };
        let envelope = match envelope {
            Ok(Some(envelope)) => envelope,
            Ok(None) => return,
            Err(unreadable) => {
                // The client may have gone, too.
                let _ = out.send(Err(unreadable)).await;
                return;
            }
        };
        admission.leave_entrance();
        let creator = creator(&envelope).unwrap_or_default();
        let mut answer = order(&peer, &waits, &budget, envelope).await;
        let success = i32::from(Status::Success);
        if answer.as_ref().is_ok_and(|answer| answer.status == success)
            && let Err(full) = admission.accept(&waits, Waiting::Envelopes, &creator)
        {
            // The envelope itself is accepted, so the client gets that answer first.
            if out.send(answer).await.is_err() {
                return;
            }
            answer = Err(full);
        }
        let goes_on = answer.as_ref().is_ok_and(|answer| answer.status == success);
        if out.send(answer).await.is_err() || !goes_on {
            return;
        }
    }
}

/// Returns the serialized identity of an envelope's signer.
fn creator(envelope: &Envelope) -> Option<Vec<u8>> {
    let header = Payload::decode(envelope.payload.as_slice()).ok()?.header?;
    Some(SignatureHeader::decode(header.signature_header.as_slice()).ok()?.creator)
}

async fn order(
    peer: &Arc<dyn Peer>,
    waits: &Waits,
    budget: &Budget,
    envelope: Envelope,
) -> Result<BroadcastResponse, RpcStatus> {
    let claims = Claims::of_envelope(&envelope);
    let share = budget.admit(envelope.encoded_len());
    let share = share.inspect_err(|status| claims.log_not_run(status.message()))?;
    let peer = Arc::clone(peer);
    let (listener, outcome) = ordering::listener(claims);
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
