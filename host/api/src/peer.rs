//! What the services ask of a peer.

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

/// Keeps a listener listening until it is dropped.
pub type Watching = Box<dyn Send + Sync>;

/// Called with the verdict on a transaction; None if the channel has stopped or is interrupted.
pub type TxListener = Box<dyn FnOnce(Option<CommitStatus>) + Send>;

/// Called once when an envelope is accepted or refused.
pub type OrderListener = Box<dyn FnOnce(Result<(), OrderError>) + Send>;

/// Called with the number of each block that is committed.
pub type BlockListener = Box<dyn Fn(u64) + Send + Sync>;

/// What becomes of a proposal.
pub type Processing<'a> = Pin<Box<dyn Future<Output = Result<Processed, Rejected>> + Send + 'a>>;

/// The rule that decides who may read a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The ACL of a resource, named as in Fabric.
    Resource(&'static str),
    /// A policy of the channel.
    Policy(&'static str),
    /// That of the channel's orderers, which is another one in maintenance mode.
    Orderer,
}

/// A peer, as its gRPC services see it. All methods but `process_proposal` block for as long as
/// their work takes. No method blocks until a block or a chaincode answers.
pub trait Peer: Send + Sync + 'static {
    /// The MSP ids of the organizations whose peer this is, at least one.
    fn msp_ids(&self) -> Vec<String>;

    /// Checks, simulates and endorses a proposal as the peer of one of the organizations, for as
    /// long as `client` waits. Dropping the answer ends the transaction. Polled on a thread with a
    /// large stack.
    fn process_proposal<'a>(
        &'a self,
        msp_id: &'a str,
        proposal: Arc<UnpackedProposal>,
        client: Client,
    ) -> Processing<'a>;

    /// Whether the peer of one of the organizations is on a channel.
    fn has_joined(&self, msp_id: &str, channel_id: &str) -> bool;

    /// Why a channel commits nothing until this machine works again; None if it commits, or has
    /// stopped.
    fn interruption(&self, channel_id: &str) -> Option<String>;

    /// A client got the answer to a transaction that it only evaluates: nothing more comes of it.
    fn evaluated(&self, _tx_id: &str) {}

    /// How the peer of one of the organizations stands to the chaincode that a proposal calls.
    /// `Here` where that is not known: then the endorser says why.
    fn standing(&self, msp_id: &str, proposal: &UnpackedProposal) -> Standing;

    /// The organizations whose endorsements a transaction needs: those of `endorsed` that count,
    /// then further ones. `response` is the answer of one that has endorsed; those in `without` are
    /// left out. The client gets the error: there are no such organizations here.
    fn needed_endorsers(
        &self,
        proposal: &UnpackedProposal,
        response: &protos::ProposalResponse,
        endorsed: &[String],
        without: &[String],
    ) -> Result<Vec<String>, NoEndorsers>;

    /// Makes an unsigned transaction of a proposal and its endorsements.
    fn assemble(
        &self,
        proposal: &UnpackedProposal,
        responses: &[protos::ProposalResponse],
    ) -> Result<common::Envelope, AssembleError>;

    /// Gives a signed transaction to the orderer and calls `done` when it is accepted or refused,
    /// maybe from another thread. Accepted means kept on disk, not committed. `done` must neither
    /// wait nor panic.
    fn order(&self, transaction: common::Envelope, done: OrderListener);

    /// Returns the verdict on a transaction; None if it is in no block yet.
    fn commit_status(
        &self,
        channel_id: &str,
        tx_id: &str,
    ) -> Result<Option<CommitStatus>, LedgerReadError>;

    /// Calls `done` when a transaction is committed, at once if it is so already. `done` must
    /// neither wait nor panic.
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

    /// How often the configuration of a channel was changed; None if the peer has not joined it.
    fn config_sequence(&self, channel_id: &str) -> Option<u64>;

    /// The number of a channel's next block; None if the peer has not joined the channel.
    fn height(&self, channel_id: &str) -> Option<u64>;

    /// A committed block, with its validation flags; None if there is none yet.
    fn block(
        &self,
        channel_id: &str,
        number: u64,
    ) -> Result<Option<common::Block>, LedgerReadError>;

    /// Calls `listener` for each block that is committed from now on, when it can be read; drops it
    /// when the channel stops. None if the peer has not joined the channel. `listener` must neither
    /// wait nor panic.
    fn watch_blocks(&self, channel_id: &str, listener: BlockListener) -> Option<Watching>;

    /// Returns the private data of a block, by the positions of its transactions: what the peer of
    /// an organization has and the signer may read.
    fn private_data(
        &self,
        msp_id: &str,
        channel_id: &str,
        block: u64,
        request: &SignedData,
    ) -> Result<BTreeMap<u64, rwset::TxPvtReadWriteSet>, LedgerReadError>;

    /// The peers of this process; with a channel, those that are on it, run all chaincodes of
    /// `interest` there and may see its collections. The error is for the client.
    fn discovered_peers(
        &self,
        channel_id: Option<&str>,
        interest: &protos::ChaincodeInterest,
    ) -> Result<Vec<PeerInfo>, DiscoveryError>;

    /// All sets of organizations whose peers together satisfy the policies of an interest and of
    /// which none can be left out, at least one. The error is for the log.
    fn endorser_layouts(
        &self,
        channel_id: &str,
        interest: &protos::ChaincodeInterest,
    ) -> Result<Vec<Vec<String>>, DiscoveryError>;

    /// Signs as the peer of an organization; nothing if it has none here.
    fn sign(&self, msp_id: &str, message: &[u8]) -> Vec<u8>;

    /// Whether the signature is good and its identity is an admin of the organization.
    fn authorize_admin(&self, msp_id: &str, request: &SignedData) -> Result<(), AdminError>;

    /// Whether the signature is good and the peer of the organization lets its identity use
    /// `resource`, which belongs to no channel and is named as in Fabric.
    fn authorize_local(
        &self,
        resource: &str,
        msp_id: &str,
        request: &SignedData,
    ) -> Result<(), AdminError>;

    /// Has the peer of an organization make a snapshot of a channel's block when it is committed;
    /// of the newest one if `block` is 0. The error is for the client.
    fn request_snapshot(
        &self,
        msp_id: &str,
        channel_id: &str,
        block: u64,
    ) -> Result<(), SnapshotError>;

    /// Takes such a request back.
    fn cancel_snapshot(
        &self,
        msp_id: &str,
        channel_id: &str,
        block: u64,
    ) -> Result<(), SnapshotError>;

    /// The blocks whose snapshots the peer of an organization is to make, ascending.
    fn pending_snapshots(&self, msp_id: &str, channel_id: &str) -> Result<Vec<u64>, SnapshotError>;

    /// The configuration of a channel in force; None if no peer of the process is on it.
    fn channel_config(&self, channel_id: &str) -> Option<common::Config>;

    /// The channels that the orderer orders for, ascending.
    fn ordered_channels(&self) -> Vec<String>;

    /// Whether the orderer orders for a channel.
    fn orders(&self, channel_id: &str) -> bool;

    /// Has the orderer create a channel from its genesis block; returns the channel's name.
    fn order_for(&self, genesis: &common::Block) -> Result<String, JoinRefusal>;

    /// Removes the orderer from a channel. Waits until what it has accepted is committed.
    fn stop_ordering(&self, channel_id: &str) -> Result<(), LeaveRefusal>;

    /// The number of the block with a channel's configuration in force; None if the process does
    /// not have the channel.
    fn config_block(&self, channel_id: &str) -> Option<u64>;

    /// Takes the stream of a chaincode that has connected. The peer puts its messages into
    /// `outbox`, and drops it to end the stream.
    fn open_chaincode_stream(
        &self,
        outbox: mpsc::Sender<protos::ChaincodeMessage>,
        origin: StreamOrigin,
    ) -> Box<dyn ChaincodeStream>;
}

/// The peer's end of a chaincode's stream. Dropping it means that the stream has ended. No method
/// blocks for longer than a read from disk.
pub trait ChaincodeStream: Send + Sync {
    /// Takes a message of the chaincode.
    fn receive(&self, message: protos::ChaincodeMessage);

    /// The interval at which [`ChaincodeStream::keepalive_due`] has to be called.
    fn keepalive(&self) -> Option<Duration>;

    /// Sends KEEPALIVE, to find out whether the chaincode still answers.
    fn keepalive_due(&self);

    /// Ends the stream as soon as no transaction runs.
    fn stop(&self);

    /// True as long as the peer keeps the stream.
    fn is_open(&self) -> bool;
}

/// A peer of this process, as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerInfo {
    /// Its organization.
    pub msp_id: String,
    /// `msp.SerializedIdentity`.
    pub identity: Vec<u8>,
    /// None where no channel is meant.
    pub on_channel: Option<ChannelPeer>,
}

/// What a peer says of itself on a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelPeer {
    /// The number of its next block.
    pub height: u64,
    /// Name and version of the chaincodes that it runs.
    pub chaincodes: Vec<(String, String)>,
}

/// Why the orderer does not join a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JoinRefusal {
    /// The block starts no channel; why not.
    Invalid(String),
    /// It has joined the channel already.
    Exists,
    /// It is being removed from the channel.
    PendingRemoval,
    /// What went wrong.
    Failed(String),
}

/// Why the orderer does not leave a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaveRefusal {
    /// It is on no channel of this name.
    Unknown,
    /// It is being removed already.
    PendingRemoval,
    /// What went wrong.
    Failed(String),
}

/// The verdict on a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitStatus {
    /// VALID, or why not.
    pub code: protos::TxValidationCode,
    /// The block that the transaction is in.
    pub block_number: u64,
    /// Why the transaction is not valid, human-readable, if the peer still knows.
    pub reason: Option<String>,
}
