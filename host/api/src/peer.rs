//! The operations of a peer that the services need.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::peer_error::{
    AccessError, AdminError, AssembleError, DiscoveryError, LedgerReadError, OrderError,
    SnapshotError,
};
use wasmcc_msp::SignedData;
use wasmcc_peer::endorser::{NoEndorsers, Processed, Rejected, UnpackedProposal};
use wasmcc_types::proto::{common, protos, rwset};
use wasmcc_types::{Client, StreamOrigin};

pub use wasmcc_types::Standing;

/// Keeps a listener registered until it is dropped.
pub type Watching = Box<dyn Send + Sync>;

/// Called with the verdict on a transaction; None if the channel has stopped or is interrupted.
pub type TxListener = Box<dyn FnOnce(Option<CommitStatus>) + Send>;

/// Called once, when an envelope is accepted or refused.
pub type OrderListener = Box<dyn FnOnce(Result<(), OrderError>) + Send>;

/// Called with the number of each committed block.
pub type BlockListener = Box<dyn Fn(u64) + Send + Sync>;

/// The result of a proposal.
pub type Processing<'a> = Pin<Box<dyn Future<Output = Result<Processed, Rejected>> + Send + 'a>>;

/// The rule that decides who may read a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The ACL of a resource, named as in Fabric.
    Resource(&'static str),
    /// A policy of the channel.
    Policy(&'static str),
    /// The rule of the channel's orderers, which changes in maintenance mode.
    Orderer,
}

/// A peer, as its gRPC services see it. All methods except `process_proposal` block while they
/// work. No method blocks until a block arrives or a chaincode answers.
pub trait Peer: Send + Sync + 'static {
    /// Returns the MSP ids of the organizations that have their peers here, at least one.
    fn msp_ids(&self) -> Vec<String>;

    /// Checks, simulates and endorses a proposal as the peer of one of the organizations, while
    /// `client` waits. Dropping the future ends the transaction. It is polled on a thread with a
    /// large stack.
    fn process_proposal<'a>(
        &'a self,
        msp_id: &'a str,
        proposal: Arc<UnpackedProposal>,
        client: Client,
    ) -> Processing<'a>;

    /// Returns whether the peer of one of the organizations has joined a channel.
    fn has_joined(&self, msp_id: &str, channel_id: &str) -> bool;

    /// Returns why a channel commits nothing until this machine works again. None if it commits, or
    /// has stopped.
    fn interruption(&self, channel_id: &str) -> Option<String>;

    /// Called when a client has received the answer to an evaluation: the transaction will not be
    /// submitted.
    fn evaluated(&self, _tx_id: &str) {}

    /// Returns the relation of one organization's peer to the chaincode that a proposal calls.
    /// `Here` if it is not known: then the endorser reports the reason.
    fn standing(&self, msp_id: &str, proposal: &UnpackedProposal) -> Standing;

    /// Returns the organizations whose endorsements a transaction needs: first those of `endorsed`
    /// that count, then further ones, but none in `without`. `response` is the answer of one that
    /// has endorsed. The error, for the client, says that there are no such organizations here.
    fn needed_endorsers(
        &self,
        proposal: &UnpackedProposal,
        response: &protos::ProposalResponse,
        endorsed: &[String],
        without: &[String],
    ) -> Result<Vec<String>, NoEndorsers>;

    /// Assembles an unsigned transaction from a proposal and its endorsements.
    fn assemble(
        &self,
        proposal: &UnpackedProposal,
        responses: &[protos::ProposalResponse],
    ) -> Result<common::Envelope, AssembleError>;

    /// Passes a signed transaction to the orderer, and calls `done` when it is accepted or refused,
    /// maybe from another thread. Accepted means stored on disk, not committed. `done` must not
    /// block or panic.
    fn order(&self, transaction: common::Envelope, done: OrderListener);

    /// Returns the verdict on a transaction; None if it is not in a block yet.
    fn commit_status(
        &self,
        channel_id: &str,
        tx_id: &str,
    ) -> Result<Option<CommitStatus>, LedgerReadError>;

    /// Calls `done` when a transaction is committed, or at once if it is already. `done` must not
    /// block or panic.
    fn watch_tx(
        &self,
        channel_id: &str,
        tx_id: &str,
        done: TxListener,
    ) -> Result<Watching, LedgerReadError>;

    /// Checks the signature, and that its identity may use `resource`, named as in Fabric.
    fn authorize(
        &self,
        resource: &str,
        channel_id: &str,
        request: &SignedData,
    ) -> Result<(), AccessError>;

    /// Checks the signature, and that its identity may read the channel.
    fn authorize_reader(
        &self,
        reading: Reading,
        channel_id: &str,
        request: &SignedData,
    ) -> Result<(), AccessError>;

    /// Returns the number of changes of a channel's configuration; None if the peer has not joined
    /// it.
    fn config_sequence(&self, channel_id: &str) -> Option<u64>;

    /// Returns the number of a channel's next block; None if the peer has not joined the channel.
    fn height(&self, channel_id: &str) -> Option<u64>;

    /// Returns a committed block with its validation flags; None if it does not exist yet.
    fn block(
        &self,
        channel_id: &str,
        number: u64,
    ) -> Result<Option<common::Block>, LedgerReadError>;

    /// Calls `listener` for each block that is committed from now on, once it can be read. Drops it
    /// when the channel stops. Returns None if the peer has not joined the channel. `listener` must
    /// not block or panic.
    fn watch_blocks(&self, channel_id: &str, listener: BlockListener) -> Option<Watching>;

    /// Returns the private data of a block that one organization's peer has and the signer may
    /// read, by the index of the transaction.
    fn private_data(
        &self,
        msp_id: &str,
        channel_id: &str,
        block: u64,
        request: &SignedData,
    ) -> Result<BTreeMap<u64, rwset::TxPvtReadWriteSet>, LedgerReadError>;

    /// Returns the peers of this process; with a channel, those that have joined it, run all
    /// chaincodes of `interest` there and may read its collections. The error is for the client.
    fn discovered_peers(
        &self,
        channel_id: Option<&str>,
        interest: &protos::ChaincodeInterest,
    ) -> Result<Vec<PeerInfo>, DiscoveryError>;

    /// Returns all minimal sets of organizations whose peers together satisfy the policies of an
    /// interest, at least one set. The error is for the log.
    fn endorser_layouts(
        &self,
        channel_id: &str,
        interest: &protos::ChaincodeInterest,
    ) -> Result<Vec<Vec<String>>, DiscoveryError>;

    /// Signs as the peer of an organization; returns nothing if it has no peer here.
    fn sign(&self, msp_id: &str, message: &[u8]) -> Vec<u8>;

    /// Checks the signature, and that its identity is an admin of the organization.
    fn authorize_admin(&self, msp_id: &str, request: &SignedData) -> Result<(), AdminError>;

    /// Checks the signature, and that the organization's peer allows its identity to use
    /// `resource`, a resource without a channel, named as in Fabric.
    fn authorize_local(
        &self,
        resource: &str,
        msp_id: &str,
        request: &SignedData,
    ) -> Result<(), AdminError>;

    /// Requests a snapshot by an organization's peer after a channel's block is committed; of the
    /// newest block if `block` is 0. The error is for the client.
    fn request_snapshot(
        &self,
        msp_id: &str,
        channel_id: &str,
        block: u64,
    ) -> Result<(), SnapshotError>;

    /// Cancels such a request.
    fn cancel_snapshot(
        &self,
        msp_id: &str,
        channel_id: &str,
        block: u64,
    ) -> Result<(), SnapshotError>;

    /// Returns the blocks whose snapshots an organization's peer has to make, ascending.
    fn pending_snapshots(&self, msp_id: &str, channel_id: &str) -> Result<Vec<u64>, SnapshotError>;

    /// Returns a channel's current configuration; None if no peer of the process has joined it.
    fn channel_config(&self, channel_id: &str) -> Option<common::Config>;

    /// Returns the channels that the orderer serves, ascending.
    fn ordered_channels(&self) -> Vec<String>;

    /// Returns whether the orderer serves a channel.
    fn orders(&self, channel_id: &str) -> bool;

    /// Creates a channel at the orderer from its genesis block. Returns the channel's name.
    fn order_for(&self, genesis: &common::Block) -> Result<String, JoinRefusal>;

    /// Removes the orderer from a channel. Waits until everything that it has accepted is
    /// committed.
    fn stop_ordering(&self, channel_id: &str) -> Result<(), LeaveRefusal>;

    /// Returns the number of the block with a channel's current configuration; None if the process
    /// does not have the channel.
    fn config_block(&self, channel_id: &str) -> Option<u64>;

    /// Accepts the stream of a chaincode that has connected. The peer puts its messages into
    /// `outbox`, and drops it to end the stream.
    fn open_chaincode_stream(
        &self,
        outbox: mpsc::Sender<protos::ChaincodeMessage>,
        origin: StreamOrigin,
    ) -> Box<dyn ChaincodeStream>;
}

/// The peer's end of a chaincode's stream. Dropping it ends the stream. No method blocks for longer
/// than a read from disk.
pub trait ChaincodeStream: Send + Sync {
    /// Handles a message from the chaincode.
    fn receive(&self, message: protos::ChaincodeMessage);

    /// Returns the interval at which [`ChaincodeStream::keepalive_due`] has to be called.
    fn keepalive(&self) -> Option<Duration>;

    /// Sends KEEPALIVE, to check whether the chaincode still answers.
    fn keepalive_due(&self);

    /// Ends the stream as soon as no transaction is running.
    fn stop(&self);

    /// Returns whether the peer keeps the stream.
    fn is_open(&self) -> bool;
}

/// A peer of this process, as discovery describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerInfo {
    /// Its organization.
    pub msp_id: String,
    /// `msp.SerializedIdentity`.
    pub identity: Vec<u8>,
    /// None if the query was not about a channel.
    pub on_channel: Option<ChannelPeer>,
}

/// The state of a peer on a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelPeer {
    /// The number of its next block.
    pub height: u64,
    /// The chaincodes that it runs.
    pub chaincodes: Vec<RunningChaincode>,
}

/// A chaincode that a peer runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningChaincode {
    /// The name.
    pub name: String,
    /// The version as Fabric's discovery returns it.
    pub version: String,
}

/// The reason why the orderer does not join a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JoinRefusal {
    /// The block does not start a channel; the reason.
    Invalid(String),
    /// It has joined the channel already.
    Exists,
    /// It is being removed from the channel.
    PendingRemoval,
    /// Another error.
    Failed(String),
}

/// The reason why the orderer does not leave a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaveRefusal {
    /// It has not joined a channel of this name.
    Unknown,
    /// It is being removed already.
    PendingRemoval,
    /// Another error.
    Failed(String),
}

/// The verdict on a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitStatus {
    /// VALID, or the code of the reason.
    pub code: protos::TxValidationCode,
    /// The number of the transaction's block.
    pub block_number: u64,
    /// Why the transaction is not valid, human-readable, if the peer still knows the reason.
    pub reason: Option<String>,
}
