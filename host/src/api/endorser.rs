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
    /// As whose peer it answers.
    org: Arc<str>,
}

impl Endorser {
    pub(super) fn new(peer: Arc<dyn Peer>, workers: Arc<Workers>, org: Arc<str>) -> Self {
        Self { peer, workers, org }
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
        let (peer, org) = (Arc::clone(&self.peer), Arc::clone(&self.org));
        let signed = request.into_inner();
        let job = move || peer.process_proposal(&org, signed);
        let running = self.workers.run(job).map_err(not_run)?;
        let response = running.await.map_err(not_run)?;
        response.map(Response::new).map_err(|rejected| Status::unknown(rejected.to_string()))
    }
}
