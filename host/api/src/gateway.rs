//! `gateway.Gateway`: the service of Fabric's current client libraries (fabric
//! `internal/pkg/gateway`).
//!
//! Invariant: it uses only the endorsers and the orderer of this process.

use std::sync::Arc;
use std::time::Instant;

use prost::Message;
use tokio::sync::oneshot;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};

use crate::answers::Owner;
use crate::block_feed::no_blocks;
use crate::budget::Jobs;
use crate::call::Call;
use crate::chaincode_events::Feed;
use crate::collecting::{self, Collected, Shortage};
use crate::deadline::{deadline, within};
use crate::deliver::Bounds;
use crate::door::Door;
use crate::ordering;
use crate::outlet::{Ending, Outlet};
use crate::peer::{CommitStatus, Peer};
use crate::receipt::Receipt;
use crate::shutdown::stops;
use crate::trailers::Accepted;
use crate::waits::{Waiting, Waits};
use wasmcc_msp::{AclError, SignedData};
use wasmcc_peer::endorser::Claims;
use wasmcc_types::proto::gateway::gateway_server;
use wasmcc_types::proto::{gateway, protos};
use wasmcc_types::{Share, grpc_metadata};

/// The service.
pub(super) struct Gateway {
    peer: Arc<dyn Peer>,
    jobs: Jobs,
    waits: Waits,
    bounds: Bounds,
    /// The organization whose gateway this is, and its errors.
    door: Arc<Door>,
}

impl Gateway {
    pub(super) fn new(
        peer: Arc<dyn Peer>,
        jobs: Jobs,
        (waits, bounds): (Waits, Bounds),
        door: Door,
    ) -> Self {
        Self { peer, jobs, waits, bounds, door: Arc::new(door) }
    }

    /// Waits until a transaction is in a block.
    async fn wait_for_tx(&self, channel_id: String, tx_id: String) -> Result<CommitStatus, Status> {
        let (sender, receiver) = oneshot::channel();
        let peer = Arc::clone(&self.peer);
        let done = move |status| {
            // The client may have stopped waiting.
            let _ = sender.send(status);
        };
        let channel = channel_id.clone();
        let watch = move || peer.watch_tx(&channel_id, &tx_id, Box::new(done));
        let watching = self.waits.run(watch).await?;
        let _watching = watching.map_err(|why| Status::aborted(why.to_string()))?;
        let mut stopping = self.waits.stopping();
        tokio::select! {
            status = receiver => {
                status.ok().flatten().ok_or_else(|| no_blocks(self.peer.as_ref(), &channel))
            }
            () = stopping.wait() => Err(stops()),
        }
    }

    /// Checks the signature of a request, and the right to make it.
    async fn authorize(
        &self,
        resource: &'static str,
        channel_id: &str,
        request: SignedData,
    ) -> Result<(), Status> {
        // Only this organization's channels count, not those of others in the process. Fabric:
        // `core/policy/policy.go`, `CheckPolicyBySignedData`.
        if !self.peer.has_joined(self.door.org(), channel_id) {
            return Err(Status::permission_denied(match channel_id {
                "" => "Invalid channel ID name during check policy on signed data. Name must be \
                       different from nil."
                    .to_owned(),
                id => AclError::NoChannel { channel: id.to_owned() }.to_string(),
            }));
        }
        let (peer, channel_id) = (Arc::clone(&self.peer), channel_id.to_owned());
        let share = self.jobs.budget.admit(request.data.len())?;
        let checked = self.waits.run(move || {
            let _taken_until_the_check_ends = share;
            peer.authorize(resource, &channel_id, &request)
        });
        checked.await?.map_err(|why| Status::permission_denied(why.to_string()))
    }

    async fn evaluate_tx(
        &self,
        request: Request<gateway::EvaluateRequest>,
    ) -> Result<Response<gateway::EvaluateResponse>, Status> {
        let (deadline, accepted) = (Call::received(&request), Accepted::of(&request));
        let request = request.into_inner();
        let bytes = request.encoded_len();
        let signed = request.proposed_transaction.filter(is_signed).ok_or_else(|| {
            let text = "failed to unpack transaction proposal: a signed proposal is required";
            Status::invalid_argument(text)
        })?;
        let (peer, door) = (Arc::clone(&self.peer), Arc::clone(&self.door));
        let wanted = request.target_organizations;
        let signed = Arc::new(signed);
        let lent = Arc::clone(&signed);
        let (claims, running) = self.jobs.propose(bytes, &signed, |client| async move {
            let asked = (lent, client);
            let answer = collecting::evaluate(peer.as_ref(), door.org(), &wanted, asked).await;
            answer.map_err(|failed| {
                let unasked = failed.failure.unasked().map(str::to_owned);
                (unasked, accepted.cut(door.evaluate_failed(failed)))
            })
        })?;
        drop(signed);
        let answer = within(deadline, "evaluate timeout expired", running).await?;
        let Collected { responses, receipts } =
            answer?.map_err(|failed| not_run(&claims, failed))?;
        let result = responses.into_iter().next().map(result);
        let response = with_receipts(gateway::EvaluateResponse { result }, &receipts);
        Ok(owned(response, claims))
    }

    async fn endorse_tx(
        &self,
        request: Request<gateway::EndorseRequest>,
    ) -> Result<Response<gateway::EndorseResponse>, Status> {
        let (deadline, accepted) = (Call::received(&request), Accepted::of(&request));
        let request = request.into_inner();
        let bytes = request.encoded_len();
        let signed = request.proposed_transaction.filter(is_signed).ok_or_else(|| {
            let text = "the proposed transaction must contain a signed proposal";
            Status::invalid_argument(text)
        })?;
        let (peer, door) = (Arc::clone(&self.peer), Arc::clone(&self.door));
        let wanted = request.endorsing_organizations;
        let signed = Arc::new(signed);
        let lent = Arc::clone(&signed);
        let (claims, running) = self.jobs.propose(bytes, &signed, |client| async move {
            let endorsing = async {
                let proposal = collecting::unpack(lent, door.org(), &wanted)?;
                let asked = (&proposal, client);
                let collected = collecting::collect(peer.as_ref(), door.org(), &wanted, asked);
                let Collected { responses, receipts } = collected.await?;
                Ok((peer.assemble(&proposal, &responses), receipts))
            };
            endorsing.await.map_err(|shortage: Shortage| {
                let unasked = shortage.unasked().map(str::to_owned);
                (unasked, accepted.cut(door.not_endorsed(shortage)))
            })
        })?;
        drop(signed);
        let answer = within(deadline, "endorse timeout expired", running).await?;
        let (transaction, receipts) = answer?.map_err(|failed| not_run(&claims, failed))?;
        let transaction = transaction
            .map_err(|why| Status::aborted(format!("failed to assemble transaction: {why}")))?;
        let prepared_transaction = Some(transaction);
        let response = with_receipts(gateway::EndorseResponse { prepared_transaction }, &receipts);
        Ok(owned(response, claims))
    }

    async fn submit_tx(
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
        if !self.peer.has_joined(self.door.org(), &request.channel_id) {
            return Err(Status::failed_precondition(collecting::no_config(&request.channel_id)));
        }
        let peer = Arc::clone(&self.peer);
        let claims = Claims::of_envelope(&transaction);
        let (listener, outcome) = ordering::listener(claims.clone());
        let job = |_| async move { peer.order(transaction, listener) };
        let checking = self.jobs.run(bytes, Share::default(), job);
        let checking = checking.inspect_err(|status| claims.log_not_run(status.message()))?;
        let ordered = ordering::accepted(checking, outcome);
        let ordered = within(deadline, "submit timeout expired", ordered).await?;
        ordered?.map_err(|error| self.door.submit_failed(&error))?;
        Ok(Response::new(gateway::SubmitResponse {}))
    }

    async fn status_of_tx(
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
        let signed = SignedData { identity: identity.clone(), data, signature };
        self.authorize("gateway/CommitStatus", &channel_id, signed).await?;
        if transaction_id.is_empty() {
            // Fabric would wait until the client's deadline.
            return Err(Status::invalid_argument("transaction ID should not be empty"));
        }
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

    async fn events(
        &self,
        request: Request<gateway::SignedChaincodeEventsRequest>,
    ) -> Result<Response<Ending<gateway::ChaincodeEventsResponse>>, Status> {
        let call = Call::of(&request)?;
        let gateway::SignedChaincodeEventsRequest { request: data, signature } =
            request.into_inner();
        if data.is_empty() {
            return Err(Status::invalid_argument("a chaincode events request is required"));
        }
        let wanted = gateway::ChaincodeEventsRequest::decode(data.as_slice()).map_err(|error| {
            Status::invalid_argument(format!("invalid chaincode events request: {error}"))
        })?;
        let signed = SignedData { identity: wanted.identity.clone(), data, signature };
        self.authorize("gateway/ChaincodeEvents", &wanted.channel_id, signed).await?;
        let place = self.waits.place(Waiting::ChaincodeEvents, &wanted.identity, &call)?;
        let share = self.bounds.outgoing.share(&wanted.identity, &call, None);
        let (peer, waits) = (Arc::clone(&self.peer), self.waits.clone());
        let feed = self.waits.run(move || Feed::start(peer, waits, place, wanted)).await??;
        let (out, response) = Outlet::open(self.bounds.message_bytes, self.waits.stopping());
        let packer = out.packer(share);
        tokio::spawn(feed.run(out, packer));
        Ok(response)
    }
}

/// Errors are cut to the size that their clients accept.
#[tonic::async_trait]
impl gateway_server::Gateway for Gateway {
    type ChaincodeEventsStream = Ending<gateway::ChaincodeEventsResponse>;

    async fn evaluate(
        &self,
        request: Request<gateway::EvaluateRequest>,
    ) -> Result<Response<gateway::EvaluateResponse>, Status> {
        let accepted = Accepted::of(&request);
        self.evaluate_tx(request).await.map_err(|status| accepted.cut(status))
    }

    async fn endorse(
        &self,
        request: Request<gateway::EndorseRequest>,
    ) -> Result<Response<gateway::EndorseResponse>, Status> {
        let accepted = Accepted::of(&request);
        self.endorse_tx(request).await.map_err(|status| accepted.cut(status))
    }

    async fn submit(
        &self,
        request: Request<gateway::SubmitRequest>,
    ) -> Result<Response<gateway::SubmitResponse>, Status> {
        let accepted = Accepted::of(&request);
        self.submit_tx(request).await.map_err(|status| accepted.cut(status))
    }

    async fn commit_status(
        &self,
        request: Request<gateway::SignedCommitStatusRequest>,
    ) -> Result<Response<gateway::CommitStatusResponse>, Status> {
        let accepted = Accepted::of(&request);
        self.status_of_tx(request).await.map_err(|status| accepted.cut(status))
    }

    async fn chaincode_events(
        &self,
        request: Request<gateway::SignedChaincodeEventsRequest>,
    ) -> Result<Response<Self::ChaincodeEventsStream>, Status> {
        let accepted = Accepted::of(&request);
        self.events(request).await.map_err(|status| accepted.cut(status))
    }
}

/// Returns whether the message contains a proposal.
fn is_signed(proposal: &protos::SignedProposal) -> bool {
    !proposal.proposal_bytes.is_empty()
}

/// Returns the error of a proposal. If no endorser was asked, logs the reason.
fn not_run(claims: &Claims, (unasked, status): (Option<String>, Status)) -> Status {
    unasked.iter().for_each(|reason| claims.log_not_run(reason));
    status
}

fn with_receipts<T>(message: T, receipts: &[Receipt]) -> Response<T> {
    let mut response = Response::new(message);
    Receipt::add_all(receipts, response.metadata_mut());
    response
}

/// Marks a response with its client, for a proposal whose signature an endorser has checked.
fn owned<T>(mut response: Response<T>, claims: Claims) -> Response<T> {
    response.extensions_mut().insert(Owner(claims.share));
    response
}

/// Returns the chaincode's response. Its payload is taken from the action; the one beside the
/// action may differ.
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
