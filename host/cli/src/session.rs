//! A client's connection to a peer.

use std::error::Error;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use prost::Message;
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;
use tonic::{Code, Request, Status, Streaming};

use crate::answer::{Answer, Evaluated, Outcome};
use crate::connecting::connect;
use crate::hint::{Asked, explain};
use crate::progress::Progress;
use crate::target::Target;
use wasmcc_api::{Receipt, error_details};
use wasmcc_client as client;
use wasmcc_client::{ProposalBuilder, qscc};
use wasmcc_msp::SigningIdentity;
use wasmcc_tls::failed_call;
use wasmcc_types::proto::gateway::gateway_client::GatewayClient;
use wasmcc_types::proto::protos::endorser_client::EndorserClient;
use wasmcc_types::proto::{common, gateway, protos};
use wasmcc_types::{ClientTls, QSCC, grpc_metadata, sha256};

/// Limit on messages, as on Fabric's peers.
pub(crate) const MESSAGE_BYTES: usize = 100 << 20;
/// Limit on trailers, which carry the text of a refusal; peers cut the text to it. It is below the
/// connection's own limit on headers.
const TRAILER_BYTES: &str = "12582912";
/// Time limit of an install: compiling takes up to minutes, after waiting in the compiler's queue.
const COMPILE_TIMEOUT: Duration = Duration::from_secs(20 * 60);

/// A connection to a peer with a signing identity.
pub(crate) struct Session {
    connection: Channel,
    address: String,
    signer: SigningIdentity,
    timeout: Duration,
    tls: Option<ClientTls>,
}

/// A transaction to be ordered.
struct Endorsed {
    envelope: common::Envelope,
    tx_id: String,
    receipts: Vec<Receipt>,
}

impl Session {
    /// Connects. Signs as `usual` unless the arguments name another identity.
    pub(crate) async fn open(target: &Target, usual: &str) -> Result<Self> {
        let signer = target.signer(usual)?;
        let tls = target.tls()?;
        let connection = connect(target, tls.as_ref()).await?;
        let (address, timeout) = (target.peer()?, target.timeout);
        Ok(Self { connection, address, signer, timeout, tls })
    }

    /// The address of the peer.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Sends a proposal and returns the answer; a refusal is an answer, too.
    pub(crate) async fn process(
        &self,
        builder: ProposalBuilder,
        asked: Asked<'_>,
    ) -> Result<Answer> {
        self.endorse(builder.sign(&self.signer).signed, asked).await
    }

    async fn endorse(&self, signed: protos::SignedProposal, asked: Asked<'_>) -> Result<Answer> {
        let mut endorser = EndorserClient::new(self.connection.clone())
            .max_decoding_message_size(MESSAGE_BYTES)
            .max_encoding_message_size(MESSAGE_BYTES);
        let request = self.request(signed);
        let answered = endorser.process_proposal(request).await;
        let answered = answered.map_err(|status| self.failed(&status, asked))?;
        let receipts = Receipt::read_all(answered.metadata());
        Ok(Answer { response: answered.into_inner(), receipts })
    }

    /// Evaluates a call and returns the payload; a refusal is an error.
    pub(crate) async fn query(
        &self,
        builder: ProposalBuilder,
        asked: Asked<'_>,
    ) -> Result<protos::Response> {
        self.process(builder, asked).await?.content(asked)
    }

    /// As [`query`](Self::query), but also returns the cost.
    pub(crate) async fn query_here(
        &self,
        builder: ProposalBuilder,
        asked: Asked<'_>,
    ) -> Result<Evaluated> {
        let answer = self.process(builder, asked).await?;
        Ok(Evaluated { response: answer.content(asked)?, receipts: answer.receipts })
    }

    /// Evaluates a call at the peer of the caller's organization if the gateway has one, or else at
    /// any peer.
    pub(crate) async fn evaluate(
        &self,
        builder: ProposalBuilder,
        asked: Asked<'_>,
    ) -> Result<Evaluated> {
        let proposal = builder.sign(&self.signer);
        let mut gateway = self.gateway();
        let own = self.signer.msp_id().to_owned();
        let request = gateway::EvaluateRequest {
            transaction_id: proposal.tx_id.to_string(),
            channel_id: asked.channel.to_owned(),
            proposed_transaction: Some(proposal.signed),
            target_organizations: vec![own],
        };
        let mut answered = gateway.evaluate(self.request(request.clone())).await;
        if answered.as_ref().is_err_and(has_no_peer) {
            let anywhere = gateway::EvaluateRequest { target_organizations: Vec::new(), ..request };
            answered = gateway.evaluate(self.request(anywhere)).await;
        }
        let answered = answered.map_err(|status| self.not_endorsed(&status, asked))?;
        let receipts = Receipt::read_all(answered.metadata());
        let response = answered.into_inner().result.unwrap_or_default();
        Ok(Evaluated { response, receipts })
    }

    /// As [`query`](Self::query), with the payload decoded as a message.
    pub(crate) async fn query_message<M: Message + Default>(
        &self,
        builder: ProposalBuilder,
        asked: Asked<'_>,
    ) -> Result<M> {
        let payload = self.query(builder, asked).await?.payload;
        M::decode(payload.as_slice()).context("cannot read the peer's answer")
    }

    /// Queries the height of a channel.
    pub(crate) async fn height(&self, channel: &str) -> Result<u64> {
        let asked = Asked { channel, chaincode: QSCC };
        let info = self.query_message(qscc::chain_info(channel), asked).await?;
        let common::BlockchainInfo { height, .. } = info;
        Ok(height)
    }

    /// Has a proposal endorsed, ordered and committed, whatever the verdict. `endorsers` are the
    /// endorsing organizations; if empty, the gateway selects them.
    pub(crate) async fn submit(
        &self,
        builder: ProposalBuilder,
        endorsers: &[String],
        asked: Asked<'_>,
        progress: &Progress,
    ) -> Result<Outcome> {
        let proposal = builder.sign(&self.signer);
        let tx_id = proposal.tx_id.to_string();
        let mut gateway = self.gateway();
        let request = gateway::EndorseRequest {
            transaction_id: tx_id.clone(),
            channel_id: asked.channel.to_owned(),
            proposed_transaction: Some(proposal.signed),
            endorsing_organizations: endorsers.to_vec(),
        };
        let endorsed = gateway.endorse(self.request(request)).await;
        let endorsed = endorsed.map_err(|status| self.not_endorsed(&status, asked))?;
        let receipts = Receipt::read_all(endorsed.metadata());
        let envelope = endorsed.into_inner().prepared_transaction;
        let envelope = envelope.context("the peer returned no transaction")?;
        self.order(Endorsed { envelope, tx_id, receipts }, asked, progress).await
    }

    /// As [`submit`](Self::submit), with endorsements of exactly these peers; the first one orders.
    /// Errors name the peer that does not endorse.
    pub(crate) async fn submit_to(
        peers: &[Self],
        builder: ProposalBuilder,
        asked: Asked<'_>,
        progress: &Progress,
    ) -> Result<Outcome> {
        let first = peers.first().context("no peer is named")?;
        let proposal = builder.sign(&first.signer);
        let (mut responses, mut receipts) = (Vec::with_capacity(peers.len()), Vec::new());
        for peer in peers {
            let answered = peer.endorse(proposal.signed.clone(), asked).await;
            let answer = answered.and_then(|answer| answer.content(asked).map(|_| answer));
            let answer = answer.with_context(|| format!("{} does not endorse", peer.address))?;
            responses.push(answer.response);
            receipts.extend(answer.receipts);
        }
        let envelope = client::transaction(&proposal.signed, &responses)?;
        let tx_id = proposal.tx_id.to_string();
        first.order(Endorsed { envelope, tx_id, receipts }, asked, progress).await
    }

    async fn order(
        &self,
        Endorsed { envelope, tx_id, receipts }: Endorsed,
        asked: Asked<'_>,
        progress: &Progress,
    ) -> Result<Outcome> {
        let action = client::endorsed_action(&envelope)?;
        let response = action.response.context("the transaction has no response of a chaincode")?;
        let event = protos::ChaincodeEvent::decode(action.events.as_slice()).ok();
        let event = event.filter(|event| !event.event_name.is_empty());
        let envelope = client::sign_envelope(envelope, &self.signer);
        progress.step("waiting for the block");
        let mut gateway = self.gateway();
        let request = gateway::SubmitRequest {
            transaction_id: tx_id.clone(),
            channel_id: asked.channel.to_owned(),
            prepared_transaction: Some(envelope),
        };
        let submitted = gateway.submit(self.request(request)).await;
        submitted.map_err(|status| self.failed(&status, asked))?;
        let request = client::gateway::commit_status_request(asked.channel, &tx_id, &self.signer);
        let committed = gateway.commit_status(self.request(request)).await;
        let committed = committed
            .map_err(|status| self.failed(&status, asked))
            .with_context(|| format!("transaction {tx_id} is ordered, its verdict is unknown"))?;
        let reason = committed.metadata().get_bin(grpc_metadata::REASON);
        let reason =
            reason.and_then(|reason| String::from_utf8(reason.to_bytes().ok()?.into()).ok());
        let committed = committed.into_inner();
        let (code, block_number) = (committed.result(), committed.block_number);
        Ok(Outcome { tx_id, code, block_number, reason, response, event, receipts })
    }

    /// Opens a stream of a chaincode's events.
    pub(crate) async fn chaincode_events(
        &self,
        asked: gateway::SignedChaincodeEventsRequest,
    ) -> Result<Streaming<gateway::ChaincodeEventsResponse>> {
        let answered = self.gateway().chaincode_events(Request::new(asked)).await;
        answered.map(tonic::Response::into_inner).map_err(|status| self.broken(&status))
    }

    fn gateway(&self) -> GatewayClient<Channel> {
        GatewayClient::new(self.connection.clone())
            .max_decoding_message_size(MESSAGE_BYTES)
            .max_encoding_message_size(MESSAGE_BYTES)
    }

    /// Raises the time limit for a peer that may have to compile first.
    pub(crate) fn patient(self) -> Self {
        Self { timeout: self.timeout.max(COMPILE_TIMEOUT), ..self }
    }

    /// Returns a session on the same connection for another signer.
    pub(crate) fn signed_by(&self, signer: SigningIdentity) -> Self {
        let (connection, address) = (self.connection.clone(), self.address.clone());
        Self { connection, address, signer, timeout: self.timeout, tls: self.tls.clone() }
    }

    /// The connection itself.
    pub(crate) fn connection(&self) -> Channel {
        self.connection.clone()
    }

    /// Returns the SHA-256 of the client's TLS certificate; empty if there is none.
    pub(crate) fn tls_certificate_hash(&self) -> Result<Vec<u8>> {
        let identity = self.tls.as_ref().and_then(|tls| tls.identity.as_ref());
        let Some(identity) = identity else { return Ok(Vec::new()) };
        let pem = x509_parser::pem::Pem::iter_from_buffer(identity.certificate.as_bytes()).next();
        let pem = pem.and_then(Result::ok).context("the client's TLS certificate is not PEM")?;
        Ok(sha256(&pem.contents).to_vec())
    }

    /// The signing identity.
    pub(crate) fn signer(&self) -> &SigningIdentity {
        &self.signer
    }

    /// Describes a failed call.
    pub(crate) fn broken(&self, status: &Status) -> anyhow::Error {
        self.failed(status, Asked::default())
    }

    /// Makes a request with the time limit of the arguments.
    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.set_timeout(self.timeout);
        let takes = MetadataValue::from_static(TRAILER_BYTES);
        request.metadata_mut().insert(grpc_metadata::TRAILER_BYTES, takes);
        request
    }

    /// Describes a failure; peers report their own reasons in its details.
    fn not_endorsed(&self, status: &Status, asked: Asked<'_>) -> anyhow::Error {
        let details = error_details(status);
        let [first, others @ ..] = details.as_slice() else { return self.failed(status, asked) };
        let said = |detail: &gateway::ErrorDetail| {
            let chaincode = detail.message.strip_prefix("chaincode response ");
            match chaincode.and_then(|said| said.split_once(", ")) {
                Some((status, text)) => {
                    format!("{} answered {status}: {}", asked.chaincode, explain(text, asked))
                }
                None => explain(&detail.message, asked),
            }
        };
        if others.is_empty() && !status.message().starts_with("failed to collect") {
            return anyhow!("{}", said(first));
        }
        let lines = details.iter().map(|detail| format!("{}: {}", detail.msp_id, said(detail)));
        anyhow!("not enough endorsements: {}", lines.collect::<Vec<_>>().join("; "))
    }

    fn failed(&self, status: &Status, asked: Asked<'_>) -> anyhow::Error {
        match status.code() {
            _ if status.source().is_some() && !is_timeout(status) => {
                let why = failed_call(status, self.tls.as_ref());
                anyhow!("the connection to the peer broke: {why}; see --tls-ca and --tls-cert")
            }
            Code::Cancelled | Code::DeadlineExceeded => {
                anyhow!("the peer did not answer within {:?}: raise --timeout", self.timeout)
            }
            // A gateway without a peer of the channel or the organization answers like this.
            Code::Unavailable if !status.message().starts_with("failed to ") => {
                let details = error_details(status);
                let why = details.first().map_or(status.message(), |detail| &detail.message);
                anyhow!("the peer is not available: {why}")
            }
            _ => anyhow!("the peer refused: {}", explain(status.message(), asked)),
        }
    }
}

/// True if the gateway has no peer of the requested organizations.
fn has_no_peer(status: &Status) -> bool {
    status.code() == Code::FailedPrecondition
        && status.message().starts_with("no peers available to evaluate")
}

/// True if the client's own time limit ended the call.
fn is_timeout(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<tonic::TimeoutExpired>() {
            return true;
        }
        cause = error.source();
    }
    false
}
