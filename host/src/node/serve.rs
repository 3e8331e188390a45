//! The peer as its gRPC services see it.

use std::sync::mpsc;
use std::time::Instant;

use prost::Message;

use crate::api::{self, ChaincodeStream, CommitStatus, OrderError};
use crate::client;
use crate::committer;
use crate::endorser::{Rejected, UnpackedProposal};
use crate::msp::SignedData;
use crate::node::Peer;
use crate::proto::common;
use crate::proto::common::Status;
use crate::proto::protos;

impl From<committer::OrderError> for OrderError {
    fn from(error: committer::OrderError) -> Self {
        let text = error.to_string();
        match error.status() {
            Status::NotFound => Self::NotFound(text),
            Status::RequestEntityTooLarge => Self::TooLarge(text),
            Status::Forbidden => Self::Forbidden(text),
            Status::ServiceUnavailable => Self::Unavailable(text),
            _ => Self::BadRequest(text),
        }
    }
}

/// The channel that an envelope is for.
fn channel_of(envelope: &common::Envelope) -> Result<String, OrderError> {
    let bad = |e: prost::DecodeError| OrderError::BadRequest(format!("malformed envelope: {e}"));
    let payload = common::Payload::decode(envelope.payload.as_slice()).map_err(bad)?;
    let header = payload.header.unwrap_or_default();
    let header = common::ChannelHeader::decode(header.channel_header.as_slice()).map_err(bad)?;
    Ok(header.channel_id)
}

impl api::Peer for Peer {
    fn msp_ids(&self) -> Vec<String> {
        self.orgs().map(str::to_owned).collect()
    }

    fn process_proposal(
        &self,
        msp_id: &str,
        signed: protos::SignedProposal,
    ) -> Result<protos::ProposalResponse, Rejected> {
        self.process_as(msp_id, signed).map(|processed| processed.response)
    }

    fn further_endorsers(
        &self,
        proposal: &UnpackedProposal,
        response: &protos::ProposalResponse,
        endorsed: &[String],
        without: &[String],
    ) -> Result<Vec<String>, String> {
        self.further_endorsers(proposal, response, endorsed, without)
    }

    fn assemble(
        &self,
        signed: &protos::SignedProposal,
        responses: &[protos::ProposalResponse],
    ) -> Result<common::Envelope, String> {
        client::transaction(signed, responses).map_err(|error| error.to_string())
    }

    fn order(&self, transaction: common::Envelope) -> Result<(), OrderError> {
        let channel = channel_of(&transaction)?;
        let orderer = self
            .orderer(&channel)
            .map_err(|error| OrderError::Unavailable(format!("no orderer thread: {error}")))?;
        match orderer {
            Some(orderer) => Ok(orderer.order(transaction)?),
            None => Err(OrderError::NotFound(format!("channel does not exist: '{channel}'"))),
        }
    }

    fn commit_status(
        &self,
        channel_id: &str,
        tx_id: &str,
        deadline: Instant,
    ) -> Result<Option<CommitStatus>, String> {
        let committer = self.committer(channel_id);
        let committer = committer.ok_or_else(|| format!("channel '{channel_id}' not found"))?;
        let verdict = committer.notifier().wait_for_tx(tx_id, deadline);
        let verdict = verdict.map_err(|error| error.to_string())?;
        Ok(verdict.map(|(code, block_number)| {
            let reason = committer.notifier().reason(tx_id);
            CommitStatus { code, block_number, reason }
        }))
    }

    fn authorize(
        &self,
        resource: &str,
        channel_id: &str,
        request: &SignedData,
    ) -> Result<(), String> {
        let channel = self.channels.get(channel_id);
        let channel = channel.ok_or_else(|| format!("channel '{channel_id}' not found"))?;
        channel.config().check_acl(resource, request).map_err(|error| error.to_string())
    }

    fn height(&self, channel_id: &str) -> Option<u64> {
        self.channels.get(channel_id).map(|channel| channel.ledger().height())
    }

    fn block(
        &self,
        channel_id: &str,
        number: u64,
        deadline: Instant,
    ) -> Result<Option<common::Block>, String> {
        let committer = self.committer(channel_id);
        let committer = committer.ok_or_else(|| format!("channel '{channel_id}' not found"))?;
        // Subscribed first, asked then: no block can slip through in between.
        let (sender, blocks) = mpsc::channel();
        let _subscription = committer.notifier().subscribe(move |block| {
            // Whoever waited may be gone.
            let _ = sender.send(block.number);
        });
        loop {
            let found = committer.channel().ledger().block(number);
            if let Some(block) = found.map_err(|error| error.to_string())? {
                return Ok(Some(block));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if blocks.recv_timeout(left).is_err() {
                return Ok(None);
            }
        }
    }

    fn open_chaincode_stream(
        &self,
        outbox: tokio::sync::mpsc::Sender<protos::ChaincodeMessage>,
    ) -> Box<dyn ChaincodeStream> {
        Box::new(self.support.open_stream(outbox))
    }
}
