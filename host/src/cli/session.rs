//! A client's connection to a peer.

use std::error::Error;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use prost::Message;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use crate::api::error_details;
use crate::cli::hint::{Asked, explain};
use crate::cli::progress::Progress;
use crate::cli::target::Target;
use crate::client::{self, ProposalBuilder};
use crate::msp::SigningIdentity;
use crate::proto::common;
use crate::proto::gateway;
use crate::proto::gateway::gateway_client::GatewayClient;
use crate::proto::protos;
use crate::proto::protos::TxValidationCode;
use crate::proto::protos::endorser_client::EndorserClient;
use crate::tls::{self, failed_call};
use crate::types::{ClientTls, grpc_metadata};

/// As Fabric's peers allow.
pub const MESSAGE_BYTES: usize = 100 << 20;
/// A refusal's text comes in a header; as much as Go's clients take.
const HEADER_BYTES: u32 = 16 << 20;
/// A component may wait for others to be compiled, and then has minutes itself.
const COMPILE_TIMEOUT: Duration = Duration::from_secs(20 * 60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// From here on an answer is an error.
const ERROR_THRESHOLD: i32 = 400;

/// One identity's conversation with one peer.
pub struct Session {
    connection: Channel,
    address: String,
    signer: SigningIdentity,
    timeout: Duration,
    tls: Option<ClientTls>,
}

/// What a peer answered to a proposal.
pub struct Answer {
    response: protos::ProposalResponse,
}

/// What became of a transaction.
pub struct Outcome {
    /// The transaction.
    pub tx_id: String,
    /// The verdict.
    pub code: TxValidationCode,
    /// The block that it is in.
    pub block_number: u64,
    /// Why it is not valid, if the peer says so.
    pub reason: Option<String>,
    /// What the chaincode answered.
    pub response: protos::Response,
    /// The event that it set.
    pub event: Option<protos::ChaincodeEvent>,
}

impl Session {
    /// Connects, and signs as `usual` unless the arguments name somebody else.
    pub async fn open(target: &Target, usual: &str) -> Result<Self> {
        let signer = target.signer(usual)?;
        let tls = target.tls()?;
        let connection = connect(target, tls.as_ref()).await?;
        let (address, timeout) = (target.peer.clone(), target.timeout);
        Ok(Self { connection, address, signer, timeout, tls })
    }

    /// Has a proposal processed; whatever the answer is.
    pub async fn process(&self, builder: ProposalBuilder, asked: Asked<'_>) -> Result<Answer> {
        self.endorse(builder.sign(&self.signer).signed, asked).await
    }

    async fn endorse(&self, signed: protos::SignedProposal, asked: Asked<'_>) -> Result<Answer> {
        let mut endorser = EndorserClient::new(self.connection.clone())
            .max_decoding_message_size(MESSAGE_BYTES)
            .max_encoding_message_size(MESSAGE_BYTES);
        let request = self.request(signed);
        let answered = endorser.process_proposal(request).await;
        let response = answered.map_err(|status| self.failed(&status, asked))?.into_inner();
        Ok(Answer { response })
    }

    /// What a chaincode answers, if it is content.
    pub async fn query(
        &self,
        builder: ProposalBuilder,
        asked: Asked<'_>,
    ) -> Result<protos::Response> {
        self.process(builder, asked).await?.content(asked)
    }

    /// What a chaincode answers, if it is content, at the peer of the caller's organization if that
    /// has one.
    pub async fn evaluate(
        &self,
        builder: ProposalBuilder,
        asked: Asked<'_>,
    ) -> Result<protos::Response> {
        let proposal = builder.sign(&self.signer);
        let mut gateway = self.gateway();
        let request = gateway::EvaluateRequest {
            transaction_id: proposal.tx_id.to_string(),
            channel_id: asked.channel.to_owned(),
            proposed_transaction: Some(proposal.signed),
            target_organizations: Vec::new(),
        };
        let answered = gateway.evaluate(self.request(request)).await;
        let answered = answered.map_err(|status| self.not_endorsed(&status, asked))?;
        Ok(answered.into_inner().result.unwrap_or_default())
    }

    /// As [`query`](Self::query), with the payload read as a message.
    pub async fn query_message<M: Message + Default>(
        &self,
        builder: ProposalBuilder,
        asked: Asked<'_>,
    ) -> Result<M> {
        let payload = self.query(builder, asked).await?.payload;
        M::decode(payload.as_slice()).context("cannot read the peer's answer")
    }

    /// Has a proposal endorsed, by these organizations or those that are needed, ordered and
    /// committed; whatever the verdict is.
    pub async fn submit(
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
        let endorsed = endorsed.map_err(|status| self.not_endorsed(&status, asked))?.into_inner();
        let envelope = endorsed.prepared_transaction.context("the peer gave no transaction")?;
        self.order(envelope, tx_id, asked, progress).await
    }

    /// As [`submit`](Self::submit), with the endorsements of exactly these peers; the first one
    /// orders. One that does not endorse is named.
    pub async fn submit_to(
        peers: &[Self],
        builder: ProposalBuilder,
        asked: Asked<'_>,
        progress: &Progress,
    ) -> Result<Outcome> {
        let first = peers.first().context("no peer is named")?;
        let proposal = builder.sign(&first.signer);
        let mut responses = Vec::with_capacity(peers.len());
        for peer in peers {
            let answered = peer.endorse(proposal.signed.clone(), asked).await;
            let answer = answered.and_then(|answer| answer.content(asked).map(|_| answer));
            let answer = answer.with_context(|| format!("{} does not endorse", peer.address))?;
            responses.push(answer.response);
        }
        let envelope = client::transaction(&proposal.signed, &responses)?;
        first.order(envelope, proposal.tx_id.to_string(), asked, progress).await
    }

    async fn order(
        &self,
        envelope: common::Envelope,
        tx_id: String,
        asked: Asked<'_>,
        progress: &Progress,
    ) -> Result<Outcome> {
        let action = client::endorsed_action(&envelope)?;
        let response = action.response.context("the transaction has no answer of a chaincode")?;
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
            .with_context(|| format!("transaction {tx_id} is ordered, its fate is not known"))?;
        let reason = committed.metadata().get_bin(grpc_metadata::REASON);
        let reason =
            reason.and_then(|reason| String::from_utf8(reason.to_bytes().ok()?.into()).ok());
        let committed = committed.into_inner();
        let (code, block_number) = (committed.result(), committed.block_number);
        Ok(Outcome { tx_id, code, block_number, reason, response, event })
    }

    fn gateway(&self) -> GatewayClient<Channel> {
        GatewayClient::new(self.connection.clone())
            .max_decoding_message_size(MESSAGE_BYTES)
            .max_encoding_message_size(MESSAGE_BYTES)
    }

    /// The same for a peer that may have to compile first, which takes as long as its compiler may.
    pub fn patient(self) -> Self {
        Self { timeout: self.timeout.max(COMPILE_TIMEOUT), ..self }
    }

    /// The connection itself.
    pub fn connection(&self) -> Channel {
        self.connection.clone()
    }

    /// Who asks.
    pub fn signer(&self) -> &SigningIdentity {
        &self.signer
    }

    /// A call that failed, for people.
    pub fn broken(&self, status: &Status) -> anyhow::Error {
        self.failed(status, Asked::default())
    }

    /// A message that is waited for as long as the arguments say.
    pub fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.set_timeout(self.timeout);
        request
    }

    /// Nobody answered as wanted, or not enough did; each of them has said why.
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
            Code::Unavailable => anyhow!("the peer is not available: {}", status.message()),
            _ => anyhow!("the peer refused: {}", explain(status.message(), asked)),
        }
    }
}

async fn connect(target: &Target, material: Option<&ClientTls>) -> Result<Channel> {
    let address = target.peer.as_str();
    let address = ["http://", "https://"].iter().find_map(|scheme| address.strip_prefix(scheme));
    let address = address.unwrap_or(&target.peer);
    let scheme = if material.is_some() { "https" } else { "http" };
    let mut endpoint = Endpoint::from_shared(format!("{scheme}://{address}"))
        .with_context(|| format!("'{address}' is not an address: write HOST:PORT"))?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_max_header_list_size(HEADER_BYTES)
        .tcp_nodelay(true);
    if let Some(material) = material {
        endpoint = endpoint
            .tls_config(tls::client(material))
            .context("the TLS key and certificates cannot be used")?;
    }
    // What the endpoint's own timeout leaves out: a server that does not answer to TLS.
    let connecting = tokio::time::timeout(2 * CONNECT_TIMEOUT, endpoint.connect());
    let Ok(connected) = connecting.await else {
        bail!("the peer at {address} does not answer: is it a peer, and does it serve TLS?");
    };
    connected.map_err(|error| {
        // The layers between say the same again.
        let error = anyhow!(error);
        let why = error.root_cause();
        if material.is_some() && !is_unreachable(why) {
            return anyhow!(
                "no TLS with the peer at {address} ({why}): it must serve TLS, with a certificate \
                 for this name by the CA of --tls-ca"
            );
        }
        let network = target.network.display();
        anyhow!(
            "no peer answers at {address} ({why}): start one with `wasmcc peer --network \
             {network} --listen {address}`, or name another with --peer"
        )
    })
}

/// Whether it was the client that gave up.
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

/// Whether the system could not connect, or did not know where.
fn is_unreachable(why: &(dyn Error + 'static)) -> bool {
    let error = why.downcast_ref::<std::io::Error>();
    error.is_some_and(|error| {
        error.raw_os_error().is_some() || error.to_string().starts_with("failed to lookup")
    })
}

impl Answer {
    /// The status and message of the peer or the chaincode.
    pub fn response(&self) -> protos::Response {
        self.response.response.clone().unwrap_or_default()
    }

    /// What the chaincode answered, if it did not refuse.
    pub fn content(&self, asked: Asked<'_>) -> Result<protos::Response> {
        let response = self.response();
        if response.status >= ERROR_THRESHOLD {
            let text = explain(&response.message, asked);
            // Without a payload it is the peer that speaks.
            return Err(match self.response.payload.is_empty() && response.status == 500 {
                true => anyhow!("{text}"),
                false => anyhow!("{} answered {}: {text}", asked.chaincode, response.status),
            });
        }
        let action = client::chaincode_action(&self.response.payload).ok();
        // The chaincode's own answer is in the action; system chaincodes without a channel have
        // none.
        Ok(action.and_then(|action| action.response).unwrap_or(response))
    }
}

impl Outcome {
    /// An error unless the transaction is valid.
    pub fn check(&self) -> Result<()> {
        let hint = match self.code {
            TxValidationCode::Valid => return Ok(()),
            TxValidationCode::MvccReadConflict | TxValidationCode::PhantomReadConflict => {
                ": another transaction changed what it had read; try again"
            }
            TxValidationCode::EndorsementPolicyFailure => {
                ": the endorsements do not satisfy the policies of what it writes"
            }
            _ => "",
        };
        Err(anyhow!("the transaction is not valid, {}{hint}", self.code.as_str_name()))
    }
}
