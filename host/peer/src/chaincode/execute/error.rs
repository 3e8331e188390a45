//! Errors of executions. The texts are Fabric's.

use std::sync::Arc;

use crate::chaincode::execute::not_ended::NotEnded;
use crate::chaincode::execute::stand_ins::NoStandIn;
use crate::chaincode::external::{Congested, DialError};
use crate::chaincode::package::PackageError;
use crate::chaincode::tx_params::{StateError, TxParams};
use wasmcc_ledger::LedgerError;
use wasmcc_protocol::ProtocolError;
use wasmcc_types::TxId;

/// An execution without a response.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", self.text())]
pub struct ExecuteError {
    /// The transaction.
    pub tx_id: TxId,
    /// The cause, and whether other peers get the same end.
    pub end: NotEnded<ExecuteCause>,
}

/// The cause that ended an execution without a response. Its text does not name the transaction,
/// because a calling chaincode that gets it knows the transaction.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ExecuteCause {
    /// The chaincode could not be started.
    #[error("could not launch chaincode {ccid}: {why}")]
    Launch {
        /// The package id, or "name:version".
        ccid: String,
        /// The cause.
        why: Arc<LaunchError>,
    },
    /// The peer has no system chaincode of this name.
    #[error("could not launch chaincode {0}: there is no such system chaincode")]
    NoSystemChaincode(String),
    /// The chaincode must not be called in this way now.
    #[error("invalid invocation: {0}")]
    Invocation(#[from] Arc<InvocationError>),
    /// Too many messages wait to be read by the chaincode.
    #[error(transparent)]
    Congested(#[from] Congested),
    /// The transaction could not be sent to the chaincode, the stream to it ended, or its time was
    /// up. Fabric calls all of these sending.
    #[error("error sending: {0}")]
    Send(ProtocolError),
    /// The chaincode answered with ERROR, or its guest ended in the same way as on every peer.
    #[error("transaction returned with failure: {0}")]
    Returned(String),
    /// The chaincode was stopped for a reason that concerns only this peer.
    #[error("{0}")]
    Stopped(String),
}

impl From<NotEnded<ProtocolError>> for NotEnded<ExecuteCause> {
    fn from(end: NotEnded<ProtocolError>) -> Self {
        match end {
            NotEnded::Everywhere(ProtocolError::Returned(text)) => {
                Self::Everywhere(ExecuteCause::Returned(text))
            }
            NotEnded::OnThisPeer(ProtocolError::Returned(text)) => {
                Self::OnThisPeer(ExecuteCause::Stopped(text))
            }
            end => end.map(ExecuteCause::Send),
        }
    }
}

impl ExecuteError {
    pub(super) fn new(tx: &TxParams, end: NotEnded<ExecuteCause>) -> Self {
        Self { tx_id: tx.tx_id.clone(), end }
    }

    fn text(&self) -> String {
        match self.end.cause() {
            cause @ ExecuteCause::Returned(_) => cause.to_string(),
            cause => format!("failed to execute transaction {}: {cause}", self.tx_id),
        }
    }
}

/// The reason why a chaincode must not be called as a transaction or as its init (fabric
/// `core/chaincode/chaincode_support.go`, `CheckInvocation`).
#[derive(Debug, thiserror::Error)]
pub enum InvocationError {
    /// It has no init.
    #[error("chaincode '{0}' does not require initialization but called as init")]
    InitNotRequired(String),
    /// Its init ran in this version.
    #[error("chaincode '{0}' is already initialized but called as init")]
    Initialized(String),
    /// Its init did not run in this version.
    #[error("chaincode '{0}' has not been initialized for this version, must call as init first")]
    NotInitialized(String),
    /// The record of its init cannot be read.
    #[error("could not get 'initialized' key: {0}")]
    GetInitialized(LedgerError),
    /// The record of its init cannot be written.
    #[error("could not set 'initialized' key: {0}")]
    SetInitialized(LedgerError),
    /// The call has no state.
    #[error(transparent)]
    State(#[from] StateError),
}

impl From<InvocationError> for NotEnded<ExecuteCause> {
    fn from(error: InvocationError) -> Self {
        let is_of_this_peer = match &error {
            InvocationError::InitNotRequired(_)
            | InvocationError::Initialized(_)
            | InvocationError::NotInitialized(_) => false,
            InvocationError::GetInitialized(why) | InvocationError::SetInitialized(why) => {
                why.is_of_this_peer()
            }
            InvocationError::State(why) => why.is_of_this_peer(),
        };
        Self::new(is_of_this_peer, ExecuteCause::Invocation(Arc::new(error)))
    }
}

/// The reason why a chaincode is not ready. All callers of the launch get the same one.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The package cannot be used.
    #[error("error building chaincode: {0}")]
    Build(PackageError),
    /// No component replaces this version.
    #[error(transparent)]
    StandIn(#[from] NoStandIn),
    /// The component did not complete REGISTER and READY.
    #[error("chaincode registration failed: {0}")]
    Registration(ProtocolError),
    /// The chaincode's server could not be reached, or did not register.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The peer was built without connections to servers.
    #[error("this peer cannot connect to chaincode servers")]
    NoDialer,
    /// The launch took longer than the caller's time limit.
    #[error("timeout expired while starting chaincode {ccid} for transaction")]
    Timeout {
        /// The chaincode.
        ccid: String,
    },
    /// All callers have left, so the launch was cancelled.
    #[error("the launch was cancelled because all its callers have gone")]
    Abandoned,
    /// The launch panicked, or no thread could be started for it.
    #[error("the launch was interrupted; the peer's log has the reason")]
    Unfinished,
}
