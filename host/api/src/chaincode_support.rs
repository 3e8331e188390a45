//! `protos.ChaincodeSupport`: serves chaincodes that connect to this peer.
//!
//! Invariant: a stream without a registered chaincode ends after a time limit.

use std::pin::{Pin, pin};
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::call::Call;
use crate::chaincode_stream::{drive, outbox};
use crate::entrance::{Entering, Entrance};
use crate::peer::Peer;
use crate::shutdown::Stopping;
use wasmcc_msp::common_name;
use wasmcc_types::StreamOrigin;
use wasmcc_types::proto::protos::chaincode_message::Type;
use wasmcc_types::proto::protos::{ChaincodeMessage, chaincode_support_server};

/// The service.
pub(super) struct ChaincodeSupport {
    peer: Arc<dyn Peer>,
    stopping: Stopping,
    entrance: Entrance,
}

impl ChaincodeSupport {
    pub(super) fn new(peer: Arc<dyn Peer>, stopping: Stopping, entrance: Entrance) -> Self {
        Self { peer, stopping, entrance }
    }
}

#[tonic::async_trait]
impl chaincode_support_server::ChaincodeSupport for ChaincodeSupport {
    type RegisterStream =
        Pin<Box<dyn tokio_stream::Stream<Item = Result<ChaincodeMessage, Status>> + Send>>;

    async fn register(
        &self,
        request: Request<Streaming<ChaincodeMessage>>,
    ) -> Result<Response<Self::RegisterStream>, Status> {
        let call = Call::of(&request)?;
        let origin = StreamOrigin {
            common_name: call.certificate().and_then(|certificate| common_name(&certificate.der)),
            is_local: call.connection().is_local(),
        };
        let entering = self.entrance.enter(call).await?;
        let (outbox, messages) = outbox();
        let stream = self.peer.open_chaincode_stream(outbox, origin);
        let driving = drive(stream, request.into_inner(), self.stopping.clone());
        let (registered, is_registered) = oneshot::channel();
        let (refuse, refused) = mpsc::channel(1);
        tokio::spawn(until_registered(driving, entering, is_registered, refuse));
        let mut registered = Some(registered);
        let messages = messages.map(move |message| {
            if message.r#type() == Type::Registered
                && let Some(registered) = registered.take()
            {
                // The stream may have ended meanwhile.
                let _ = registered.send(());
            }
            Ok(message)
        });
        // The refusal comes last, when the peer's end of the stream was dropped.
        Ok(Response::new(Box::pin(messages.chain(ReceiverStream::new(refused)))))
    }
}

/// Drives a stream, which counts at the entrance until its chaincode has registered.
async fn until_registered(
    driving: impl Future<Output = ()>,
    mut entering: Entering,
    is_registered: oneshot::Receiver<()>,
    refuse: mpsc::Sender<Result<ChaincodeMessage, Status>>,
) {
    let call = entering.call().clone();
    let mut driving = pin!(driving);
    tokio::select! {
        () = &mut driving => {}
        Ok(()) = is_registered => {
            drop((entering, refuse));
            call.settle();
            driving.await;
        }
        overdue = entering.overdue() => {
            // The client may have gone, too.
            let _ = refuse.try_send(Err(overdue));
        }
    }
}
