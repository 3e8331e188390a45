//! Implements the peer for its gRPC services.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use prost::Message;

use crate::chaincodes::Stream;
use crate::snapshots::SnapshotRefusal;
use crate::{Peer, private_events};
use wasmcc_api as api;
use wasmcc_api::{
    AccessError, AdminError, AssembleError, BlockListener, ChaincodeStream, CommitStatus,
    DiscoveryError, JoinRefusal, LeaveRefusal, LedgerReadError, OrderError, OrderListener,
    PeerInfo, Processing, Reading, SnapshotError, Standing, TxListener, Watching,
};
use wasmcc_channel::Channel;
use wasmcc_client as client;
use wasmcc_committer as committer;
use wasmcc_committer::{Solo, Times, TxVerdict};
use wasmcc_msp::acl::check_local_acl;
use wasmcc_msp::{ChannelConfig, SignedData};
use wasmcc_peer::endorser::{NoEndorsers, UnpackedProposal};
use wasmcc_types::proto::common::Status;
use wasmcc_types::proto::rwset::TxPvtReadWriteSet;
use wasmcc_types::proto::{common, protos};
use wasmcc_types::{Client, StreamOrigin};

/// Converts the orderer's refusal of an envelope for clients.
fn refused(error: committer::OrderError) -> OrderError {
    let text = error.to_string();
    match error.status() {
        Status::Forbidden => OrderError::Forbidden(text),
        Status::ServiceUnavailable => OrderError::Unavailable(text),
        _ => OrderError::BadRequest(text),
    }
}

/// Returns the header of an envelope, with its type and channel.
fn header_of(envelope: &common::Envelope) -> Result<common::ChannelHeader, OrderError> {
    let bad = |text| OrderError::BadRequest(format!("could not determine channel ID: {text}"));
    let payload = common::Payload::decode(envelope.payload.as_slice());
    let payload = payload.map_err(|error| bad(format!("error unmarshalling Payload: {error}")))?;
    let header = payload.header.ok_or_else(|| bad("header not set".to_owned()))?;
    if header.channel_header.is_empty() {
        return Err(bad("channel header not set".to_owned()));
    }
    let header = common::ChannelHeader::decode(header.channel_header.as_slice());
    header.map_err(|error| {
        let text = "error unmarshalling channel header: error unmarshalling ChannelHeader";
        bad(format!("{text}: {error}"))
    })
}

/// Counts the result of an envelope for an existing channel, or for an empty name.
fn count(channel: &str, header_type: i32, ordered: &Result<(), OrderError>, times: Times) {
    let header_type = common::HeaderType::try_from(header_type);
    let header_type = header_type.map_or(wasmcc_metrics::UNKNOWN, |kind| kind.as_str_name());
    let status = ordered.as_ref().map_or_else(OrderError::status, |()| Status::Success);
    let envelopes = &wasmcc_metrics::get().channels.envelopes;
    let status = status.as_str_name();
    envelopes.processed(channel, header_type, status, times.validating, times.enqueuing);
}

fn unreadable(why: impl Into<Box<dyn Error + Send + Sync>>) -> LedgerReadError {
    LedgerReadError::Unreadable(why.into())
}

fn no_snapshot(refusal: SnapshotRefusal) -> SnapshotError {
    SnapshotError(Box::new(refusal))
}

fn status((code, block_number): TxVerdict) -> CommitStatus {
    CommitStatus { code, block_number, reason: None }
}

impl Peer {
    fn joined(&self, channel_id: &str) -> Result<Arc<Channel>, LedgerReadError> {
        let channel = self.channels.get(channel_id);
        channel.ok_or_else(|| LedgerReadError::NoChannel(channel_id.to_owned()))
    }

    fn config_of(&self, channel_id: &str) -> Result<Arc<ChannelConfig>, AccessError> {
        let channel = self.channels.get(channel_id);
        let channel = channel.ok_or_else(|| AccessError::NoChannel(channel_id.to_owned()))?;
        Ok(channel.config())
    }

    fn orderer_of(&self, channel: &str) -> Result<Arc<Solo>, OrderError> {
        let not_started =
            |error| format!("the orderer of channel '{channel}' cannot be started: {error}");
        let orderer = self.orderer(channel);
        let orderer = orderer.map_err(|error| OrderError::Unavailable(not_started(error)))?;
        orderer.ok_or_else(|| OrderError::BadRequest("channel does not exist".to_owned()))
    }
}

impl api::Peer for Peer {
    fn msp_ids(&self) -> Vec<String> {
        self.orgs().map(str::to_owned).collect()
    }

    fn process_proposal<'a>(
        &'a self,
        msp_id: &'a str,
        proposal: Arc<UnpackedProposal>,
        client: Client,
    ) -> Processing<'a> {
        Box::pin(self.process_unpacked(msp_id, proposal, client))
    }

    fn has_joined(&self, msp_id: &str, channel_id: &str) -> bool {
        self.channels.has_joined(msp_id, channel_id)
    }

    fn interruption(&self, channel_id: &str) -> Option<String> {
        self.committer(channel_id)?.interruption()
    }

    fn evaluated(&self, tx_id: &str) {
        if let Some(observer) = &self.observer {
            observer.evaluated(tx_id);
        }
    }

    fn standing(&self, msp_id: &str, proposal: &UnpackedProposal) -> Standing {
        let (channel_id, chaincode) = (proposal.channel_id(), proposal.called());
        let Some(channel) = self.channels.get_as(msp_id, channel_id) else {
            return Standing::NoChannel;
        };
        let standing = self.support.standing(channel.ledger(), msp_id, chaincode);
        standing.unwrap_or_else(|error| {
            tracing::warn!(channel_id, chaincode, %error, "cannot read a definition");
            Standing::Here
        })
    }

    fn needed_endorsers(
        &self,
        proposal: &UnpackedProposal,
        response: &protos::ProposalResponse,
        endorsed: &[String],
        without: &[String],
    ) -> Result<Vec<String>, NoEndorsers> {
        self.needed_endorsers(proposal, response, endorsed, without)
    }

    fn assemble(
        &self,
        proposal: &UnpackedProposal,
        responses: &[protos::ProposalResponse],
    ) -> Result<common::Envelope, AssembleError> {
        let (header, visible) = (proposal.header(), proposal.visible_payload());
        let transaction = client::transaction_of(header, visible, responses);
        transaction.map_err(|error| AssembleError(Box::new(error)))
    }

    fn order(&self, transaction: common::Envelope, done: OrderListener) {
        let begun = Instant::now();
        let header = header_of(&transaction);
        let kind = header.as_ref().map_or(-1, |header| header.r#type);
        let found = header.and_then(|header| {
            let orderer = self.orderer_of(&header.channel_id)?;
            Ok((orderer, header.channel_id))
        });
        match found {
            Ok((orderer, channel)) => {
                let found_in = begun.elapsed();
                let done = move |ordered: Result<(), committer::OrderError>, times: Times| {
                    let ordered = ordered.map_err(refused);
                    let validating = found_in + times.validating;
                    count(&channel, kind, &ordered, Times { validating, ..times });
                    done(ordered);
                };
                orderer.order_then(transaction, Box::new(done));
            }
            Err(error) => {
                let refused = Err(error);
                count("", kind, &refused, Times { validating: begun.elapsed(), enqueuing: None });
                done(refused);
            }
        }
    }

    fn commit_status(
        &self,
        channel_id: &str,
        tx_id: &str,
    ) -> Result<Option<CommitStatus>, LedgerReadError> {
        let channel = self.joined(channel_id)?;
        let verdict = channel.ledger().tx_validation(tx_id).map_err(unreadable)?;
        Ok(verdict.map(status))
    }

    fn watch_tx(
        &self,
        channel_id: &str,
        tx_id: &str,
        done: TxListener,
    ) -> Result<Watching, LedgerReadError> {
        let committer = self.committer(channel_id);
        let unknown = || LedgerReadError::NoChannel(channel_id.to_owned());
        let committer = committer.ok_or_else(unknown)?;
        let notifier = Arc::clone(committer.notifier());
        let of = tx_id.to_owned();
        let watch =
            committer.notifier().watch_tx(tx_id, move |verdict| {
                done(verdict.map(|verdict| CommitStatus {
                    reason: notifier.reason(&of),
                    ..status(verdict)
                }));
            });
        Ok(Box::new(watch.map_err(unreadable)?))
    }

    fn authorize(
        &self,
        resource: &str,
        channel_id: &str,
        request: &SignedData,
    ) -> Result<(), AccessError> {
        Ok(self.config_of(channel_id)?.check_acl(resource, request)?)
    }

    fn authorize_reader(
        &self,
        reading: Reading,
        channel_id: &str,
        request: &SignedData,
    ) -> Result<(), AccessError> {
        let name = match reading {
            Reading::Resource(resource) => return self.authorize(resource, channel_id, request),
            Reading::Policy(name) => name,
            // Fabric: orderer/common/server/server.go, `Deliver`.
            Reading::Orderer if self.config_of(channel_id)?.is_in_maintenance() => {
                "/Channel/Orderer/Readers"
            }
            Reading::Orderer => "/Channel/Readers",
        };
        let config = self.config_of(channel_id)?;
        let policy = config.policies().get(name);
        let policy = policy.ok_or_else(|| AccessError::NoPolicy(name.to_owned()))?;
        Ok(policy.evaluate(std::slice::from_ref(request), config.msps())?)
    }

    fn config_sequence(&self, channel_id: &str) -> Option<u64> {
        self.channels.get(channel_id).map(|channel| channel.config().sequence())
    }

    fn height(&self, channel_id: &str) -> Option<u64> {
        self.channels.get(channel_id).map(|channel| channel.ledger().height())
    }

    fn block(
        &self,
        channel_id: &str,
        number: u64,
    ) -> Result<Option<common::Block>, LedgerReadError> {
        self.joined(channel_id)?.ledger().block(number).map_err(unreadable)
    }

    fn watch_blocks(&self, channel_id: &str, listener: BlockListener) -> Option<Watching> {
        let committer = self.committer(channel_id)?;
        Some(Box::new(committer.notifier().subscribe(move |block| listener(block.number))))
    }

    fn private_data(
        &self,
        msp_id: &str,
        channel_id: &str,
        block: u64,
        request: &SignedData,
    ) -> Result<BTreeMap<u64, TxPvtReadWriteSet>, LedgerReadError> {
        private_events::visible(&*self.joined(channel_id)?, msp_id, block, request)
            .map_err(unreadable)
    }

    fn discovered_peers(
        &self,
        channel_id: Option<&str>,
        interest: &protos::ChaincodeInterest,
    ) -> Result<Vec<PeerInfo>, DiscoveryError> {
        self.discovered_peers(channel_id, interest)
    }

    fn endorser_layouts(
        &self,
        channel_id: &str,
        interest: &protos::ChaincodeInterest,
    ) -> Result<Vec<Vec<String>>, DiscoveryError> {
        self.endorser_layouts(channel_id, interest)
    }

    fn sign(&self, msp_id: &str, message: &[u8]) -> Vec<u8> {
        self.signers_of_orgs.get(msp_id).map(|signer| signer.sign(message)).unwrap_or_default()
    }

    fn authorize_admin(&self, msp_id: &str, request: &SignedData) -> Result<(), AdminError> {
        self.check_admin(msp_id, request)
    }

    fn authorize_local(
        &self,
        resource: &str,
        msp_id: &str,
        request: &SignedData,
    ) -> Result<(), AdminError> {
        let local = self.local_msps.get(msp_id).and_then(|msps| msps.msp(msp_id));
        let local = local.ok_or_else(|| AdminError::NoPeer(msp_id.to_owned()))?;
        Ok(check_local_acl(resource, request, local)?)
    }

    fn request_snapshot(
        &self,
        msp_id: &str,
        channel_id: &str,
        block: u64,
    ) -> Result<(), SnapshotError> {
        self.request_snapshot(msp_id, channel_id, block).map_err(no_snapshot)
    }

    fn cancel_snapshot(
        &self,
        msp_id: &str,
        channel_id: &str,
        block: u64,
    ) -> Result<(), SnapshotError> {
        self.cancel_snapshot(msp_id, channel_id, block).map_err(no_snapshot)
    }

    fn pending_snapshots(&self, msp_id: &str, channel_id: &str) -> Result<Vec<u64>, SnapshotError> {
        self.pending_snapshots(msp_id, channel_id).map_err(no_snapshot)
    }

    fn ordered_channels(&self) -> Vec<String> {
        self.channels.ordered()
    }

    fn orders(&self, channel_id: &str) -> bool {
        self.channels.orders(channel_id)
    }

    fn order_for(&self, genesis: &common::Block) -> Result<String, JoinRefusal> {
        self.order_for(genesis)
    }

    fn stop_ordering(&self, channel_id: &str) -> Result<(), LeaveRefusal> {
        self.stop_ordering(channel_id)
    }

    fn config_block(&self, channel_id: &str) -> Option<u64> {
        self.channels.get(channel_id).map(|channel| channel.config_block())
    }

    fn channel_config(&self, channel_id: &str) -> Option<common::Config> {
        Some(self.channels.get(channel_id)?.config().config().clone())
    }

    fn open_chaincode_stream(
        &self,
        outbox: tokio::sync::mpsc::Sender<protos::ChaincodeMessage>,
        origin: StreamOrigin,
    ) -> Box<dyn ChaincodeStream> {
        Box::new(Stream(self.support.open_stream(outbox, origin)))
    }
}
