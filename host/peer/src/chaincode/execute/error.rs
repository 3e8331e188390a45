//! Why an execution has no response. The texts are Fabric's.

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
    /// What happened, and whether other peers come to the same.
    pub end: NotEnded<ExecuteCause>,
}

/// What ended an execution without a response. This is the text that a calling chaincode gets,
/// which knows the transaction.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ExecuteCause {
    /// The chaincode could not be started.
    #[error("could not launch chaincode {ccid}: {why}")]
    Launch {
        /// The package id, or "name:version".
        ccid: String,
        /// Why.
        why: Arc<LaunchError>,
    },
    /// The peer has no system chaincode of this name.
    #[error("could not launch chaincode {0}: there is no such system chaincode")]
    NoSystemChaincode(String),
    /// The chaincode must not be called like this now.
    #[error("invalid invocation: {0}")]
    Invocation(#[from] Arc<InvocationError>),
    /// The chaincode has too much to read already.
    #[error(transparent)]
    Congested(#[from] Congested),
    /// The transaction could not be sent to the chaincode, the stream to it ended, or the time did.
    /// Fabric calls all of it sending.
    #[error("error sending: {0}")]
    Send(ProtocolError),
    /// The chaincode answered with ERROR, or its guest ended in a way that every peer comes to.
    #[error("transaction returned with failure: {0}")]
    Returned(String),
    /// The chaincode was stopped for a reason of this peer.
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

/// Why a chaincode must not be called as a transaction or as its init (fabric
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
    /// Whether it ran cannot be read.
    #[error("could not get 'initialized' key: {0}")]
    GetInitialized(LedgerError),
    /// That it runs cannot be noted.
    #[error("could not set 'initialized' key: {0}")]
    SetInitialized(LedgerError),
    /// There is no state to look at.
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

/// Why a chaincode is not ready. All who waited for the launch get the same one.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The package cannot be used.
    #[error("error building chaincode: {0}")]
    Build(PackageError),
    /// No component replaces this version.
    #[error(transparent)]
    StandIn(#[from] NoStandIn),
    /// The component did not get through REGISTER and READY.
    #[error("chaincode registration failed: {0}")]
    Registration(ProtocolError),
    /// The chaincode's server did not get so far.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The peer has no way to connect to servers.
    #[error("this peer cannot connect to chaincode servers")]
    NoDialer,
    /// It took too long for the caller.
    #[error("timeout expired while starting chaincode {ccid} for transaction")]
    Timeout {
        /// The chaincode.
        ccid: String,
    },
    /// All callers have gone, so the launch was ended.
    #[error("nobody waits for it")]
    Abandoned,
    /// The launch panicked, or got no thread.
    #[error("the launch did not come to its end, see the log")]
    Unfinished,
}
