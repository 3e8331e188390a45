//! A minimal client of Fabric's gateway, for measurements.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench cannot go on without its client")]

use std::sync::Arc;

use tonic::Status;
use tonic::transport::{Channel, Endpoint};
use wasmcc_client::gateway::commit_status_request;
use wasmcc_client::{ClientProposal, ProposalBuilder, sign_envelope};
use wasmcc_msp::SigningIdentity;
use wasmcc_types::ClientTls;
use wasmcc_types::proto::gateway::gateway_client::GatewayClient as Stub;
use wasmcc_types::proto::gateway::{EndorseRequest, EvaluateRequest, SubmitRequest};

const CHANNEL: &str = "mychannel";

/// The calls of one identity to one chaincode. Clones share the connection.
#[derive(Clone)]
pub struct GatewayClient {
    gateway: Stub<Channel>,
    signer: Arc<SigningIdentity>,
    chaincode: &'static str,
}

impl GatewayClient {
    /// Connects to HOST:PORT with TLS; the server's CA is `root` (PEM). Returns None if there is no
    /// listener yet.
    pub async fn connect(
        address: &str,
        root: &str,
        signer: SigningIdentity,
        chaincode: &'static str,
    ) -> Option<Self> {
        let tls = ClientTls { root: root.to_owned(), identity: None, domain: None };
        let endpoint = Endpoint::from_shared(format!("https://{address}")).unwrap();
        let endpoint = endpoint.tcp_nodelay(true).tls_config(wasmcc_tls::client(&tls)).unwrap();
        let gateway = Stub::new(endpoint.connect().await.ok()?);
        Some(Self { gateway, signer: Arc::new(signer), chaincode })
    }

    fn propose(&self, args: &[&str]) -> ClientProposal {
        let args = args.iter().map(|arg| arg.as_bytes().to_vec());
        ProposalBuilder::new(CHANNEL, self.chaincode).args(args).sign(&self.signer)
    }

    /// Calls a function; nothing is ordered.
    ///
    /// # Errors
    /// The gateway's error.
    pub async fn evaluate(&mut self, args: &[&str]) -> Result<(), Status> {
        let proposal = self.propose(args);
        let request = EvaluateRequest {
            transaction_id: proposal.tx_id.to_string(),
            channel_id: CHANNEL.into(),
            proposed_transaction: Some(proposal.signed),
            target_organizations: Vec::new(),
        };
        self.gateway.evaluate(request).await.map(drop)
    }

    /// Endorses and orders a transaction, and waits for its commit as valid.
    ///
    /// # Errors
    /// The gateway's error to the first failed call.
    pub async fn submit(&mut self, args: &[&str]) -> Result<(), Status> {
        let proposal = self.propose(args);
        let (tx_id, channel) = (proposal.tx_id.to_string(), CHANNEL.to_owned());
        let request = EndorseRequest {
            transaction_id: tx_id.clone(),
            channel_id: channel.clone(),
            proposed_transaction: Some(proposal.signed),
            endorsing_organizations: Vec::new(),
        };
        let endorsed = self.gateway.endorse(request).await?.into_inner();
        let envelope = sign_envelope(endorsed.prepared_transaction.unwrap(), &self.signer);
        let prepared_transaction = Some(envelope);
        let transaction_id = tx_id.clone();
        let request = SubmitRequest { transaction_id, channel_id: channel, prepared_transaction };
        self.gateway.submit(request).await?;
        let request = commit_status_request(CHANNEL, &tx_id, &self.signer);
        let committed = self.gateway.commit_status(request).await?.into_inner();
        assert_eq!(committed.result, 0, "the transaction is valid");
        Ok(())
    }
}
