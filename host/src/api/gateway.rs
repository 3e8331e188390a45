//! `gateway.Gateway`: the service that today's Fabric clients use (fabric `internal/pkg/gateway`).
//!
//! Invariant: the peers of this process are the only endorsers and the only orderer that it knows.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use prost::Message;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataValue;
use tonic::{Code, Request, Response, Status};

use crate::api::budget::Jobs;
use crate::api::call::Call;
use crate::api::chaincode_events::Feed;
use crate::api::collecting::{Shortage, collect};
use crate::api::deadline::{deadline, within};
use crate::api::ordering;
use crate::api::peer::{CommitStatus, OrderError, Peer};
use crate::api::status::with_details;
use crate::api::waits::{Waiting, Waits};
use crate::endorser::{Claims, Rejected, UnpackedProposal};
use crate::msp::SignedData;
use crate::proto::gateway;
use crate::proto::gateway::gateway_server;
use crate::proto::msp::SerializedIdentity;
use crate::proto::protos;
use crate::types::{Share, grpc_metadata};

/// Messages of a stream that wait for a slow client.
const STREAM_MESSAGES: usize = 16;

/// The service.
pub(super) struct Gateway {
    peer: Arc<dyn Peer>,
    jobs: Jobs,
    waits: Waits,
    /// Where the peer listens, for the details of errors.
    address: String,
    /// As whose gateway it answers.
    org: Arc<str>,
}

/// Why there is no endorsement.
pub(super) enum Failure {
    /// The proposal cannot be read.
    Malformed(String),
    /// The endorser said no, in a way that has this code.
    Endorser(Code, String),
}

impl Gateway {
    pub(super) fn new(
        peer: Arc<dyn Peer>,
        jobs: Jobs,
        waits: Waits,
        (address, org): (String, Arc<str>),
    ) -> Self {
        Self { peer, jobs, waits, address, org }
    }

    fn failed(&self, org: &str, code: Code, text: &str, message: impl Into<String>) -> Status {
        self.failed_all(code, text, vec![(org.to_owned(), message.into())])
    }

    fn failed_all(&self, code: Code, text: &str, said: Vec<(String, String)>) -> Status {
        let detail = |(msp_id, message)| gateway::ErrorDetail {
            address: self.address.clone(),
            msp_id,
            message,
        };
        with_details(code, text, said.into_iter().map(detail))
    }

    /// The client's organization if it has a peer here, else the one that listens.
    fn own_org(&self, signed: &protos::SignedProposal) -> Result<String, Failure> {
        let proposal = UnpackedProposal::unpack(signed.clone()).map_err(malformed)?;
        let creator = SerializedIdentity::decode(proposal.signature_header.creator.as_slice());
        let client = creator.ok().map(|creator| creator.mspid);
        let here = self.peer.msp_ids();
        Ok(client.filter(|org| here.contains(org)).unwrap_or_else(|| self.org.to_string()))
    }

    /// Any one of the wanted organizations may evaluate, the client's own first.
    fn evaluator(
        &self,
        wanted: &[String],
        signed: &protos::SignedProposal,
    ) -> Result<String, Status> {
        let own = self.own_org(signed).map_err(|why| self.evaluate_failed(&self.org, why))?;
        if wanted.is_empty() || wanted.contains(&own) {
            return Ok(own);
        }
        let here = self.peer.msp_ids();
        if let Some(other) = wanted.iter().find(|org| here.contains(org)) {
            return Ok(other.clone());
        }
        let proposal = UnpackedProposal::unpack(signed.clone());
        let proposal = proposal.map_err(|why| self.evaluate_failed(&self.org, malformed(why)))?;
        Err(Status::failed_precondition(format!(
            "no peers available to evaluate chaincode {} in channel {}",
            proposal.chaincode_id.name,
            proposal.channel_id()
        )))
    }

    /// Waits until a transaction is in a block.
    async fn wait_for_tx(&self, channel_id: String, tx_id: String) -> Result<CommitStatus, Status> {
        let (sender, receiver) = oneshot::channel();
        let peer = Arc::clone(&self.peer);
        let done = move |status| {
            // Nobody may be waiting any more.
            let _ = sender.send(status);
        };
        let watch = move || peer.watch_tx(&channel_id, &tx_id, Box::new(done));
        let _watching = self.waits.run(watch).await?.map_err(Status::aborted)?;
        let mut stopping = self.waits.stopping();
        tokio::select! {
            status = receiver => {
                let stopped = || Status::unavailable("the channel has stopped");
                status.ok().flatten().ok_or_else(stopped)
            }
            () = stopping.wait() => Err(Status::unavailable("the peer is stopping")),
        }
    }

    /// Checks the signature over a request and the right to make it.
    async fn authorize(
        &self,
        resource: &'static str,
        channel_id: &str,
        request: SignedData,
    ) -> Result<(), Status> {
        let (peer, channel_id) = (Arc::clone(&self.peer), channel_id.to_owned());
        let share = self.jobs.budget.admit(request.data.len())?;
        let checked = self.waits.run(move || {
            let _taken_until_the_check_ends = share;
            peer.authorize(resource, &channel_id, &request)
        });
        checked.await?.map_err(Status::permission_denied)
    }
}

#[tonic::async_trait]
impl gateway_server::Gateway for Gateway {
    async fn evaluate(
        &self,
        request: Request<gateway::EvaluateRequest>,
    ) -> Result<Response<gateway::EvaluateResponse>, Status> {
        let deadline = Call::received(&request);
        let request = request.into_inner();
        let bytes = request.encoded_len();
        let signed = request.proposed_transaction.ok_or_else(|| {
            let text = "failed to unpack transaction proposal: a signed proposal is required";
            Status::invalid_argument(text)
        })?;
        let org = self.evaluator(&request.target_organizations, &signed)?;
        let (peer, asked) = (Arc::clone(&self.peer), org.clone());
        let running = self.jobs.propose(bytes, Claims::of(&signed), |client| async move {
            let answer = peer.process_proposal(&asked, signed, client).await;
            answer.map_err(refused).and_then(check)
        })?;
        let answer = within(deadline, "evaluate timeout expired", running).await?;
        let response = answer?.map_err(|failure| self.evaluate_failed(&org, failure))?;
        let result = result(response);
        Ok(Response::new(gateway::EvaluateResponse { result: Some(result) }))
    }

    async fn endorse(
        &self,
        request: Request<gateway::EndorseRequest>,
    ) -> Result<Response<gateway::EndorseResponse>, Status> {
        let deadline = Call::received(&request);
        let request = request.into_inner();
        let bytes = request.encoded_len();
        let signed = request.proposed_transaction.ok_or_else(|| {
            let text = "the proposed transaction must contain a signed proposal";
            Status::invalid_argument(text)
        })?;
        let own = self.own_org(&signed).map_err(|why| self.endorse_failed(&self.org, why))?;
        let (peer, proposed) = (Arc::clone(&self.peer), signed.clone());
        let wanted = request.endorsing_organizations;
        let running = self.jobs.propose(bytes, Claims::of(&signed), |client| async move {
            collect(peer.as_ref(), &own, &wanted, (&proposed, client)).await
        })?;
        let answer = within(deadline, "endorse timeout expired", running).await?;
        let responses = answer?.map_err(|shortage| self.not_endorsed(shortage))?;
        let transaction = self
            .peer
            .assemble(&signed, &responses)
            .map_err(|why| Status::aborted(format!("failed to assemble transaction: {why}")))?;
        let prepared_transaction = Some(transaction);
        Ok(Response::new(gateway::EndorseResponse { prepared_transaction }))
    }

    async fn submit(
        &self,
        request: Request<gateway::SubmitRequest>,
    ) -> Result<Response<gateway::SubmitResponse>, Status> {
        let deadline = Call::received(&request);
        let request = request.into_inner();
        let bytes = request.encoded_len();
        let transaction = request
            .prepared_transaction
            .ok_or_else(|| Status::invalid_argument("a prepared transaction is required"))?;
        if transaction.signature.is_empty() {
            return Err(Status::invalid_argument("prepared transaction must be signed"));
        }
        let peer = Arc::clone(&self.peer);
        let claims = Claims::of_envelope(&transaction);
        let (listener, outcome) = ordering::listener(claims.clone());
        let job = |_| async move { peer.order(transaction, listener) };
        let checking = self.jobs.run(bytes, Share::default(), job);
        let checking = checking.inspect_err(|status| claims.log_not_run(status.message()))?;
        let ordered = ordering::accepted(checking, outcome);
        let ordered = within(deadline, "submit timeout expired", ordered).await?;
        ordered?.map_err(|error| self.submit_failed(&error))?;
        Ok(Response::new(gateway::SubmitResponse {}))
    }

    async fn commit_status(
        &self,
        request: Request<gateway::SignedCommitStatusRequest>,
    ) -> Result<Response<gateway::CommitStatusResponse>, Status> {
        let (deadline, call) = (deadline(request.metadata(), Instant::now()), Call::of(&request)?);
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
        let signed = SignedData { identity: identity.clone(), data, signature };
        self.authorize("gateway/CommitStatus", &channel_id, signed).await?;
        let _place = self.waits.place(Waiting::CommitStatus, &identity, &call)?;
        let waiting = self.wait_for_tx(channel_id, transaction_id);
        let status = within(deadline, "context deadline exceeded", waiting).await??;
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
        let call = Call::of(&request)?;
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
        let place = self.waits.place(Waiting::ChaincodeEvents, &wanted.identity, &call)?;
        let (peer, waits) = (Arc::clone(&self.peer), self.waits.clone());
        let feed = self.waits.run(move || Feed::start(peer, waits, place, wanted)).await??;
        let (sender, receiver) = mpsc::channel(STREAM_MESSAGES);
        tokio::spawn(feed.run(sender));
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

impl Gateway {
    /// Failures that another peer might not have are ABORTED, others keep their code.
    fn evaluate_failed(&self, org: &str, failure: Failure) -> Status {
        match failure {
            Failure::Malformed(text) => Status::invalid_argument(text),
            Failure::Endorser(Code::Aborted, message) => {
                let text = "failed to evaluate transaction, see attached details for more info";
                self.failed(org, Code::Aborted, text, message)
            }
            Failure::Endorser(code, message) => {
                let text = format!("evaluate call to endorser returned error: {message}");
                self.failed(org, code, &text, message)
            }
        }
    }

    fn not_endorsed(&self, shortage: Shortage) -> Status {
        match shortage {
            Shortage::First(org, failure) => self.endorse_failed(&org, failure),
            Shortage::Nobody(status) => status,
            Shortage::Others(said) => {
                let text = "failed to collect enough transaction endorsements, see attached \
                            details for more info";
                self.failed_all(Code::Aborted, text, said)
            }
        }
    }

    fn endorse_failed(&self, org: &str, failure: Failure) -> Status {
        match failure {
            Failure::Malformed(text) => Status::invalid_argument(text),
            Failure::Endorser(_, message) => {
                let text = "failed to endorse transaction, see attached details for more info";
                self.failed(org, Code::Aborted, text, message)
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
                self.failed(&self.org, Code::Unavailable, text, message)
            }
            _ => self.failed(&self.org, Code::Aborted, &message, message.as_str()),
        }
    }
}

/// A busy peer says so; what else is refused before the execution is the client's mistake.
pub(super) fn refused(why: Rejected) -> Failure {
    let code = if why.is_busy() { Code::ResourceExhausted } else { Code::FailedPrecondition };
    Failure::Endorser(code, why.to_string())
}

pub(super) fn malformed(why: Rejected) -> Failure {
    Failure::Malformed(format!("failed to unpack transaction proposal: {why}"))
}

/// Tells endorsements from refusals (fabric `internal/pkg/gateway/apiutils.go`, `responseStatus`).
pub(super) fn check(
    response: protos::ProposalResponse,
) -> Result<protos::ProposalResponse, Failure> {
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
