//! A client's connection to a peer.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use prost::Message;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use crate::cli::hint::{Asked, explain};
use crate::cli::progress::Progress;
use crate::cli::target::Target;
use crate::client::{self, ProposalBuilder};
use crate::msp::SigningIdentity;
use crate::proto::gateway;
use crate::proto::gateway::gateway_client::GatewayClient;
use crate::proto::protos;
use crate::proto::protos::TxValidationCode;
use crate::proto::protos::endorser_client::EndorserClient;

/// As Fabric's peers allow.
pub const MESSAGE_BYTES: usize = 100 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// From here on an answer is an error.
const ERROR_THRESHOLD: i32 = 400;

/// One identity's conversation with one peer.
pub struct Session {
    connection: Channel,
    signer: SigningIdentity,
    timeout: Duration,
}

/// What a peer answered to a proposal.
pub struct Answer {
    proposal: client::ClientProposal,
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
    /// What the chaincode answered.
    pub response: protos::Response,
}

impl Session {
    /// Connects, and signs as `usual` unless the arguments name somebody else.
    pub async fn open(target: &Target, usual: &str) -> Result<Self> {
        let signer = target.signer(usual)?;
        let address = target.peer.as_str();
        let address = address.strip_prefix("http://").unwrap_or(address);
        let endpoint = Endpoint::from_shared(format!("http://{address}"))
            .with_context(|| format!("'{address}' is not an address: write HOST:PORT"))?
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true);
        let connection = endpoint.connect().await.map_err(|error| {
            // The layers between say the same again.
            let why = anyhow!(error).root_cause().to_string();
            let network = target.network.display();
            anyhow!(
                "no peer answers at {address} ({why}): start one with `wasmcc peer --network \
                 {network} --listen {address}`, or name another with --peer"
            )
        })?;
        Ok(Self { connection, signer, timeout: target.timeout })
    }

    /// Has a proposal processed; whatever the answer is.
    pub async fn process(&self, builder: ProposalBuilder, asked: Asked<'_>) -> Result<Answer> {
        let proposal = builder.sign(&self.signer);
        let mut endorser = EndorserClient::new(self.connection.clone())
            .max_decoding_message_size(MESSAGE_BYTES)
            .max_encoding_message_size(MESSAGE_BYTES);
        let request = self.request(proposal.signed.clone());
        let answered = endorser.process_proposal(request).await;
        let response = answered.map_err(|status| self.failed(&status, asked))?.into_inner();
        Ok(Answer { proposal, response })
    }

    /// What a chaincode answers, if it is content.
    pub async fn query(
        &self,
        builder: ProposalBuilder,
        asked: Asked<'_>,
    ) -> Result<protos::Response> {
        self.process(builder, asked).await?.content(asked)
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

    /// Has a proposal endorsed, ordered and committed; whatever the verdict is.
    pub async fn submit(
        &self,
        builder: ProposalBuilder,
        asked: Asked<'_>,
        progress: &Progress,
    ) -> Result<Outcome> {
        let answer = self.process(builder, asked).await?;
        let response = answer.content(asked)?;
        let Answer { proposal, response: endorsed } = answer;
        let envelope = client::transaction(&proposal.signed, &[endorsed])?;
        let envelope = client::sign_envelope(envelope, &self.signer);
        let tx_id = proposal.tx_id.to_string();
        progress.step("waiting for the block");
        let mut gateway =
            GatewayClient::new(self.connection.clone()).max_encoding_message_size(MESSAGE_BYTES);
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
            .with_context(|| format!("transaction {tx_id} is ordered, its fate is not known"))?
            .into_inner();
        let (code, block_number) = (committed.result(), committed.block_number);
        Ok(Outcome { tx_id, code, block_number, response })
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.set_timeout(self.timeout);
        request
    }

    fn failed(&self, status: &Status, asked: Asked<'_>) -> anyhow::Error {
        match status.code() {
            Code::Cancelled | Code::DeadlineExceeded => {
                anyhow!("the peer did not answer within {:?}: raise --timeout", self.timeout)
            }
            Code::Unavailable => anyhow!("the peer is not available: {}", status.message()),
            _ => anyhow!("the peer refused: {}", explain(status.message(), asked)),
        }
    }
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
                ": this peer's endorsement alone does not satisfy the chaincode's policy"
            }
            _ => "",
        };
        Err(anyhow!("the transaction is not valid, {}{hint}", self.code.as_str_name()))
    }
}
