//! `protos.Endorser`: proposals, one by one.

use std::sync::Arc;

use prost::Message;
use tonic::{Request, Response, Status};

use crate::answers::Owner;
use crate::budget::Jobs;
use crate::call::Call;
use crate::peer::Peer;
use crate::receipt::Receipt;
use crate::trailers::Accepted;
use wasmcc_peer::endorser::UnpackedProposal;
use wasmcc_types::proto::protos;
use wasmcc_types::proto::protos::endorser_server;

/// The service.
pub(super) struct Endorser {
    peer: Arc<dyn Peer>,
    jobs: Jobs,
    /// The organization of the peer.
    org: Arc<str>,
    /// Maximum size of a response.
    message_bytes: usize,
}

impl Endorser {
    pub(super) fn new(
        peer: Arc<dyn Peer>,
        jobs: Jobs,
        org: Arc<str>,
        message_bytes: usize,
    ) -> Self {
        Self { peer, jobs, org, message_bytes }
    }

    /// Processes a proposal. A refused proposal gets UNKNOWN, the code of a Go error without a
    /// code. A failed execution is a response.
    async fn process(
        &self,
        request: Request<protos::SignedProposal>,
    ) -> Result<Response<protos::ProposalResponse>, Status> {
        let (peer, org) = (Arc::clone(&self.peer), Arc::clone(&self.org));
        let own = Arc::clone(&self.org);
        Call::received(&request);
        let signed = request.into_inner();
        let bytes = signed.encoded_len();
        let signed = Arc::new(signed);
        let lent = Arc::clone(&signed);
        let (claims, running) = self.jobs.propose(bytes, &signed, |client| async move {
            let proposal = UnpackedProposal::unpack_for_endorser(lent)?;
            peer.process_proposal(&org, proposal, client).await
        })?;
        drop(signed);
        let processed = running.await?;
        let processed = processed.map_err(|rejected| match rejected.is_busy() {
            true => Status::resource_exhausted(rejected.to_string()),
            false => Status::unknown(rejected.to_string()),
        })?;
        let receipt = Receipt::of(&own, &processed);
        let response = processed.response;
        let (bytes, limit) = (response.encoded_len(), self.message_bytes);
        if bytes > limit {
            // The text of gRPC in Go.
            let text = format!("trying to send message larger than max ({bytes} vs. {limit})");
            claims.log_not_run(&text);
            return Err(Status::resource_exhausted(text));
        }
        let mut response = Response::new(response);
        receipt.iter().for_each(|receipt| receipt.add_to(response.metadata_mut()));
        response.extensions_mut().insert(Owner(claims.share));
        Ok(response)
    }
}

#[tonic::async_trait]
impl endorser_server::Endorser for Endorser {
    async fn process_proposal(
        &self,
        request: Request<protos::SignedProposal>,
    ) -> Result<Response<protos::ProposalResponse>, Status> {
        let accepted = Accepted::of(&request);
        self.process(request).await.map_err(|status| accepted.cut(status))
    }
}
