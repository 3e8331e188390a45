//! `gateway.Gateway`: the service that today's Fabric clients use (fabric `internal/pkg/gateway`).
//!
//! Invariant: this peer is the only endorser and the only orderer that it knows.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use prost::Message;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataValue;
use tonic::{Code, Request, Response, Status};

use crate::api::chaincode_events::Feed;
use crate::api::deadline::deadline;
use crate::api::peer::{OrderError, Peer};
use crate::api::status::{not_run, with_detail};
use crate::api::waits::Waits;
use crate::endorser::{Rejected, UnpackedProposal};
use crate::msp::SignedData;
use crate::proto::gateway;
use crate::proto::gateway::gateway_server;
use crate::proto::protos;
use crate::types::grpc_metadata;
use crate::workers::Workers;

/// Messages of a stream that wait for a slow client.
const STREAM_MESSAGES: usize = 16;

/// The service.
pub(super) struct Gateway {
    peer: Arc<dyn Peer>,
    workers: Arc<Workers>,
    waits: Waits,
    /// Where the peer listens, for the details of errors.
    address: String,
}

/// Why there is no endorsement.
enum Failure {
    /// The proposal cannot be read.
    Malformed(String),
    /// The endorser said no, in a way that has this code.
    Endorser(Code, String),
}

impl Gateway {
    pub(super) fn new(
        peer: Arc<dyn Peer>,
        workers: Arc<Workers>,
        waits: Waits,
        address: String,
    ) -> Self {
        Self { peer, workers, waits, address }
    }

    fn failed(&self, code: Code, text: &str, message: impl Into<String>) -> Status {
        let (address, msp_id) = (self.address.clone(), self.peer.msp_id().to_owned());
        with_detail(code, text, gateway::ErrorDetail { address, msp_id, message: message.into() })
    }

    /// Runs a proposal and sorts the answer.
    async fn process(
        &self,
        signed: protos::SignedProposal,
    ) -> Result<Result<protos::ProposalResponse, Failure>, Status> {
        let peer = Arc::clone(&self.peer);
        let job = move || {
            UnpackedProposal::unpack(signed.clone()).map_err(malformed)?;
            let refused =
                |why: Rejected| Failure::Endorser(Code::FailedPrecondition, why.to_string());
            peer.process_proposal(signed).map_err(refused)
        };
        let running = self.workers.run(job).map_err(not_run)?;
        Ok(running.await.map_err(not_run)?.and_then(check))
    }

    /// Any one of the organizations may evaluate; there is only this peer's.
    fn check_target(
        &self,
        wanted: &[String],
        signed: &protos::SignedProposal,
    ) -> Result<(), Status> {
        if wanted.is_empty() || wanted.iter().any(|org| org == self.peer.msp_id()) {
            return Ok(());
        }
        let proposal = UnpackedProposal::unpack(signed.clone());
        let proposal = proposal.map_err(|why| self.evaluate_failed(malformed(why)))?;
        Err(Status::failed_precondition(format!(
            "no peers available to evaluate chaincode {} in channel {}",
            proposal.chaincode_id.name,
            proposal.channel_id()
        )))
    }

    /// All of the organizations must endorse; this peer signs for its own only.
    fn check_endorsers(&self, wanted: &[String]) -> Result<(), Status> {
        let others = wanted.iter().map(String::as_str).filter(|org| *org != self.peer.msp_id());
        let others: Vec<&str> = others.collect();
        if others.is_empty() {
            return Ok(());
        }
        let others = others.join(", ");
        Err(Status::unavailable(format!("failed to find any endorsing peers for org(s): {others}")))
    }

    /// Checks the signature over a request and the right to make it.
    async fn authorize(
        &self,
        resource: &'static str,
        channel_id: &str,
        request: SignedData,
    ) -> Result<(), Status> {
        let (peer, channel_id) = (Arc::clone(&self.peer), channel_id.to_owned());
        let checked = self.waits.run(move || peer.authorize(resource, &channel_id, &request));
        checked.await?.map_err(Status::permission_denied)
    }
}

#[tonic::async_trait]
impl gateway_server::Gateway for Gateway {
    async fn evaluate(
        &self,
        request: Request<gateway::EvaluateRequest>,
    ) -> Result<Response<gateway::EvaluateResponse>, Status> {
        let deadline = deadline(request.metadata(), Instant::now());
        let request = request.into_inner();
        let signed = request.proposed_transaction.ok_or_else(|| {
            let text = "failed to unpack transaction proposal: a signed proposal is required";
            Status::invalid_argument(text)
        })?;
        self.check_target(&request.target_organizations, &signed)?;
        let answer = within(deadline, "evaluate timeout expired", self.process(signed)).await??;
        let response = answer.map_err(|failure| self.evaluate_failed(failure))?;
        let result = result(response);
        Ok(Response::new(gateway::EvaluateResponse { result: Some(result) }))
    }

    async fn endorse(
        &self,
        request: Request<gateway::EndorseRequest>,
    ) -> Result<Response<gateway::EndorseResponse>, Status> {
        let deadline = deadline(request.metadata(), Instant::now());
        let request = request.into_inner();
        let signed = request.proposed_transaction.ok_or_else(|| {
            let text = "the proposed transaction must contain a signed proposal";
            Status::invalid_argument(text)
        })?;
        self.check_endorsers(&request.endorsing_organizations)?;
        let endorsing = self.process(signed.clone());
        let answer = within(deadline, "endorse timeout expired", endorsing).await??;
        let response = answer.map_err(|failure| self.endorse_failed(failure))?;
        let transaction = self
            .peer
            .assemble(&signed, response)
            .map_err(|why| Status::aborted(format!("failed to assemble transaction: {why}")))?;
        let prepared_transaction = Some(transaction);
        Ok(Response::new(gateway::EndorseResponse { prepared_transaction }))
    }

    async fn submit(
        &self,
        request: Request<gateway::SubmitRequest>,
    ) -> Result<Response<gateway::SubmitResponse>, Status> {
        let deadline = deadline(request.metadata(), Instant::now());
        let transaction = request.into_inner().prepared_transaction;
        let transaction = transaction
            .ok_or_else(|| Status::invalid_argument("a prepared transaction is required"))?;
        if transaction.signature.is_empty() {
            return Err(Status::invalid_argument("prepared transaction must be signed"));
        }
        let peer = Arc::clone(&self.peer);
        let ordering = self.workers.run(move || peer.order(transaction)).map_err(not_run)?;
        let ordered = within(deadline, "submit timeout expired", ordering).await?;
        ordered.map_err(not_run)?.map_err(|error| self.submit_failed(&error))?;
        Ok(Response::new(gateway::SubmitResponse {}))
    }

    async fn commit_status(
        &self,
        request: Request<gateway::SignedCommitStatusRequest>,
    ) -> Result<Response<gateway::CommitStatusResponse>, Status> {
        let deadline = deadline(request.metadata(), Instant::now());
        let gateway::SignedCommitStatusRequest { request: data, signature } = request.into_inner();
        if data.is_empty() {
            return Err(Status::invalid_argument("a commit status request is required"));
        }
        let wanted = gateway::CommitStatusRequest::decode(data.as_slice()).map_err(|error| {
            Status::invalid_argument(format!("invalid status request: {error}"))
        })?;
        let gateway::CommitStatusRequest { transaction_id, channel_id, identity } = wanted;
        required(&identity, "no identity provided")?;
        required(channel_id.as_bytes(), "no channel ID provided")?;
        required(transaction_id.as_bytes(), "transaction ID should not be empty")?;
        let signed = SignedData { identity, data, signature };
        self.authorize("gateway/CommitStatus", &channel_id, signed).await?;
        let peer = Arc::clone(&self.peer);
        let ask = move |until| peer.commit_status(&channel_id, &transaction_id, until);
        let status = self.waits.until(deadline, ask).await?.map_err(Status::aborted)?;
        let status =
            status.ok_or_else(|| Status::deadline_exceeded("context deadline exceeded"))?;
        let mut response = Response::new(gateway::CommitStatusResponse {
            result: status.code.into(),
            block_number: status.block_number,
        });
        if let Some(reason) = status.reason {
            let reason = MetadataValue::from_bytes(reason.as_bytes());
            response.metadata_mut().insert_bin(grpc_metadata::REASON, reason);
        }
        Ok(response)
    }

    type ChaincodeEventsStream = Pin<
        Box<
            dyn tokio_stream::Stream<Item = Result<gateway::ChaincodeEventsResponse, Status>>
                + Send,
        >,
    >;

    async fn chaincode_events(
        &self,
        request: Request<gateway::SignedChaincodeEventsRequest>,
    ) -> Result<Response<Self::ChaincodeEventsStream>, Status> {
        let gateway::SignedChaincodeEventsRequest { request: data, signature } =
            request.into_inner();
        if data.is_empty() {
            return Err(Status::invalid_argument("a chaincode events request is required"));
        }
        let wanted = gateway::ChaincodeEventsRequest::decode(data.as_slice()).map_err(|error| {
            Status::invalid_argument(format!("invalid chaincode events request: {error}"))
        })?;
        required(&wanted.identity, "no identity provided")?;
        required(wanted.channel_id.as_bytes(), "no channel ID provided")?;
        required(wanted.chaincode_id.as_bytes(), "no chaincode ID provided")?;
        let signed = SignedData { identity: wanted.identity.clone(), data, signature };
        self.authorize("gateway/ChaincodeEvents", &wanted.channel_id, signed).await?;
        let (peer, waits) = (Arc::clone(&self.peer), self.waits.clone());
        let feed = self.waits.run(move || Feed::start(peer, waits, wanted)).await??;
        let (sender, receiver) = mpsc::channel(STREAM_MESSAGES);
        tokio::spawn(feed.run(sender));
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

impl Gateway {
    /// Failures that another peer might not have are ABORTED, others keep their code.
    fn evaluate_failed(&self, failure: Failure) -> Status {
        match failure {
            Failure::Malformed(text) => Status::invalid_argument(text),
            Failure::Endorser(Code::Aborted, message) => {
                let text = "failed to evaluate transaction, see attached details for more info";
                self.failed(Code::Aborted, text, message)
            }
            Failure::Endorser(code, message) => {
                let text = format!("evaluate call to endorser returned error: {message}");
                self.failed(code, &text, message)
            }
        }
    }

    fn endorse_failed(&self, failure: Failure) -> Status {
        match failure {
            Failure::Malformed(text) => Status::invalid_argument(text),
            Failure::Endorser(_, message) => {
                let text = "failed to endorse transaction, see attached details for more info";
                self.failed(Code::Aborted, text, message)
            }
        }
    }

    fn submit_failed(&self, error: &OrderError) -> Status {
        let status = error.status().as_str_name();
        let message =
            format!("received unsuccessful response from orderer: status={status}, info={error}");
        match error {
            OrderError::Unavailable(_) => {
                let text = "no orderers could successfully process transaction";
                self.failed(Code::Unavailable, text, message)
            }
            _ => self.failed(Code::Aborted, &message, message.as_str()),
        }
    }
}

fn malformed(why: Rejected) -> Failure {
    Failure::Malformed(format!("failed to unpack transaction proposal: {why}"))
}

/// Tells endorsements from refusals (fabric `internal/pkg/gateway/apiutils.go`, `responseStatus`).
fn check(response: protos::ProposalResponse) -> Result<protos::ProposalResponse, Failure> {
    let (status, text) = match &response.response {
        Some(said) => (said.status, said.message.as_str()),
        None => (0, ""),
    };
    match status {
        200..400 => Ok(response),
        // Without a payload the peer itself speaks, not the chaincode.
        500 if response.payload.is_empty() => {
            Err(Failure::Endorser(Code::Aborted, text.to_owned()))
        }
        _ => {
            let message = format!("chaincode response {status}, {text}");
            Err(Failure::Endorser(Code::Unknown, message))
        }
    }
}

/// The chaincode's answer. What the chaincode itself returned is in the action; the payload beside
/// it need not be the same.
fn result(response: protos::ProposalResponse) -> protos::Response {
    let said = response.response.unwrap_or_default();
    let payload = protos::ProposalResponsePayload::decode(response.payload.as_slice()).ok();
    let action = payload
        .and_then(|payload| protos::ChaincodeAction::decode(payload.extension.as_slice()).ok());
    match action.and_then(|action| action.response) {
        Some(inner) => protos::Response { payload: inner.payload, ..said },
        None => said,
    }
}

fn required(value: &[u8], text: &str) -> Result<(), Status> {
    if value.is_empty() { Err(Status::invalid_argument(text)) } else { Ok(()) }
}

/// Gives up on a call when the client has.
async fn within<T>(
    deadline: Option<Instant>,
    text: &str,
    call: impl Future<Output = T>,
) -> Result<T, Status> {
    match deadline {
        None => Ok(call.await),
        Some(deadline) => tokio::time::timeout_at(deadline.into(), call)
            .await
            .map_err(|_| Status::deadline_exceeded(text)),
    }
}
