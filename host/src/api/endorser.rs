//! `protos.Endorser`: proposals, one by one.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::api::peer::Peer;
use crate::api::status::not_run;
use crate::proto::protos;
use crate::proto::protos::endorser_server;
use crate::workers::Workers;

/// The service.
pub(super) struct Endorser {
    peer: Arc<dyn Peer>,
    workers: Arc<Workers>,
}

impl Endorser {
    pub(super) fn new(peer: Arc<dyn Peer>, workers: Arc<Workers>) -> Self {
        Self { peer, workers }
    }
}

#[tonic::async_trait]
impl endorser_server::Endorser for Endorser {
    /// What is wrong with the proposal itself is UNKNOWN, as a Go error without a code is; what
    /// goes wrong in its execution is a response.
    async fn process_proposal(
        &self,
        request: Request<protos::SignedProposal>,
    ) -> Result<Response<protos::ProposalResponse>, Status> {
        let peer = Arc::clone(&self.peer);
        let signed = request.into_inner();
        let running = self.workers.run(move || peer.process_proposal(signed)).map_err(not_run)?;
        let response = running.await.map_err(not_run)?;
        response.map(Response::new).map_err(|rejected| Status::unknown(rejected.to_string()))
    }
}
