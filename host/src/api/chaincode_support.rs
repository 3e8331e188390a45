//! `protos.ChaincodeSupport`: chaincodes that connect to this peer.

use std::pin::Pin;
use std::sync::Arc;

use tokio_stream::StreamExt;
use tonic::{Request, Response, Status, Streaming};

use crate::api::chaincode_stream::{drive, outbox};
use crate::api::peer::Peer;
use crate::api::shutdown::Stopping;
use crate::proto::protos::ChaincodeMessage;
use crate::proto::protos::chaincode_support_server;

/// The service.
pub(super) struct ChaincodeSupport {
    peer: Arc<dyn Peer>,
    stopping: Stopping,
}

impl ChaincodeSupport {
    pub(super) fn new(peer: Arc<dyn Peer>, stopping: Stopping) -> Self {
        Self { peer, stopping }
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
        let (outbox, messages) = outbox();
        let stream = self.peer.open_chaincode_stream(outbox);
        tokio::spawn(drive(stream, request.into_inner(), self.stopping.clone()));
        Ok(Response::new(Box::pin(messages.map(Ok))))
    }
}
