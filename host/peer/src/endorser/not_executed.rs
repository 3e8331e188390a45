//! Errors in the execution of a proposal. The client gets the text in a response of status 500.

use crate::chaincode::{ExecuteError, InfoError, LegacyError, NotEnded};
use wasmcc_channel::collections::LookupError;
use wasmcc_ledger::LedgerError;

/// The reason why a proposal that passed all checks has no result.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotExecuted {
    /// The peer has not joined the channel.
    #[error("channel '{0}' not found")]
    NoChannel(String),
    /// The channel does not define the chaincode, or this peer cannot run it.
    #[error(
        "make sure the chaincode {name} has been successfully defined on channel {channel} and \
         try again: {source}"
    )]
    NotDefined { name: String, channel: String, source: NotDefined },
    /// The simulation failed.
    #[error("error in simulation: {0}")]
    NotSimulated(#[from] NotSimulated),
    /// The simulation's results could not be signed.
    #[error("endorsing with plugin failed: {0}")]
    NotEndorsed(#[from] NotEndorsed),
}

impl NotExecuted {
    /// Returns true if another peer may succeed.
    pub(super) fn is_of_this_peer(&self) -> bool {
        match self {
            Self::NoChannel(_) => true,
            Self::NotDefined { source, .. } => match source {
                NotDefined::NoChannel => false,
                NotDefined::Info(end) => end.is_of_this_peer(),
            },
            Self::NotSimulated(why) => why.is_of_this_peer(),
            Self::NotEndorsed(NotEndorsed::Execute(why)) => why.end.is_of_this_peer(),
            Self::NotEndorsed(NotEndorsed::NoPlugin(_) | NotEndorsed::Refused(_)) => false,
        }
    }
}

/// The reason why the chaincode that a proposal names cannot be looked up.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotDefined {
    /// A proposal without a channel calls an application chaincode.
    #[error("could not get channel config for channel ''")]
    NoChannel,
    /// See [`InfoError`].
    #[error("{0}")]
    Info(#[from] NotEnded<InfoError>),
}

/// The reason why a simulation has no results.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotSimulated {
    /// The chaincode did not answer.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// A chaincode still holds the simulator.
    #[error("the simulator is still in use by a chaincode")]
    InUse,
    /// The simulation may lack reads or writes of a chaincode.
    #[error("a chaincode's panic left the simulation unfinished")]
    Panicked,
    /// An init wrote private data.
    #[error("Private data is forbidden to be used in instantiate")]
    PrivateInInstantiate,
    /// The private results cannot be stored.
    #[error(transparent)]
    Private(#[from] PrivateDataError),
    /// The policies of the written keys cannot be read.
    #[error(transparent)]
    Interest(#[from] InterestError),
    /// The specification that LSCC has deployed does not parse.
    #[error("invalid deployment spec: {0}")]
    DeploymentSpec(prost::DecodeError),
    /// The specification contains code, which must be installed, not deployed.
    #[error("lscc upgrade/deploy should not include a code packages")]
    CodePackage,
    /// The peer itself has a chaincode of that name.
    #[error("attempting to deploy a system chaincode {name}/{channel}")]
    SystemChaincode { name: String, channel: String },
    /// `_lifecycle` has defined the chaincode.
    #[error(transparent)]
    Legacy(#[from] LegacyError),
}

impl NotSimulated {
    fn is_of_this_peer(&self) -> bool {
        match self {
            Self::Execute(why) => why.end.is_of_this_peer(),
            Self::InUse | Self::Panicked => true,
            Self::Private(why) => why.is_of_this_peer(),
            Self::Interest(InterestError::State(why)) => why.is_of_this_peer(),
            Self::Legacy(LegacyError::State(why)) => why.is_of_this_peer(),
            Self::Interest(InterestError::Policy(_))
            | Self::Legacy(LegacyError::Defined { .. })
            | Self::PrivateInInstantiate
            | Self::DeploymentSpec(_)
            | Self::CodePackage
            | Self::SystemChaincode { .. } => false,
        }
    }
}

/// The reason why ESCC returned no endorsement.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotEndorsed {
    /// The chaincode's definition names another plugin.
    #[error("plugin with name {0} could not be used: plugin with name {0} wasn't found")]
    NoPlugin(String),
    /// ESCC did not answer.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// ESCC refused, for this reason.
    #[error("{0}")]
    Refused(String),
}

/// The reason why the private results of a simulation cannot be stored.
#[derive(Debug, thiserror::Error)]
pub(super) enum PrivateDataError {
    /// The definition of the collections cannot be read.
    #[error(
        "failed to obtain collections config: error while retrieving collection config for \
         chaincode \"{namespace}\": {source}"
    )]
    Config { namespace: String, source: LookupError<LedgerError> },
    /// Too few peers may hold the data.
    #[error(transparent)]
    Peers(Box<NotDistributed>),
    /// The transient store refuses them.
    #[error("failed to store private data into transient store: {0}")]
    Transient(LedgerError),
}

impl PrivateDataError {
    /// A peer does not count itself among the recipients, so another peer may succeed.
    fn is_of_this_peer(&self) -> bool {
        match self {
            Self::Config { source: LookupError::State(why), .. } => why.is_of_this_peer(),
            Self::Config { source: LookupError::Damaged { .. }, .. } => true,
            Self::Peers(why) => matches!(why.source, PeersError::TooFew { .. }),
            Self::Transient(why) => why.is_of_this_peer(),
        }
    }
}

/// A collection whose data cannot be distributed.
#[derive(Debug, thiserror::Error)]
#[error(
    "failed to distribute private collection, txID {tx_id}, channel {channel}: could not build \
     private data dissemination plan for chaincode {namespace} and collection {collection}: \
     {source}"
)]
pub(super) struct NotDistributed {
    pub(super) tx_id: String,
    pub(super) channel: String,
    pub(super) namespace: String,
    pub(super) collection: String,
    pub(super) source: PeersError,
}

/// The reason why a collection does not have the peers that it requires.
#[derive(Debug, thiserror::Error)]
pub(super) enum PeersError {
    /// The chaincode has no such collection.
    #[error("no configuration for collection {0} found")]
    NoCollection(String),
    /// Its definition cannot be used.
    #[error("{0}")]
    Unusable(String),
    /// There are too few peers.
    #[error(
        "required to disseminate to at least {required} peers, but know of only {eligible} \
         eligible peers"
    )]
    TooFew { required: i32, eligible: usize },
}

/// The reason why the policies that apply to a simulation are unknown.
#[derive(Debug, thiserror::Error)]
pub(super) enum InterestError {
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] LedgerError),
    /// The policy of a key does not parse.
    #[error("error unmarshalling SignaturePolicyEnvelope: {0}")]
    Policy(prost::DecodeError),
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::chaincode::{ExecuteCause, LaunchError, SecurityError};
    use wasmcc_types::TxId;

    fn executed(end: NotEnded<ExecuteCause>) -> NotExecuted {
        let tx_id = TxId::parse("tx").unwrap();
        NotSimulated::Execute(ExecuteError { tx_id, end }).into()
    }

    #[test]
    fn a_gateway_learns_whether_another_peer_may_get_further() {
        let why = Arc::new(LaunchError::NoDialer);
        let launch = ExecuteCause::Launch { ccid: "cc:1".into(), why };
        assert!(executed(NotEnded::OnThisPeer(launch)).is_of_this_peer());
        let trap = ExecuteCause::Returned("chaincode trapped".into());
        assert!(!executed(NotEnded::Everywhere(trap)).is_of_this_peer());
        let defined = |source: InfoError| NotExecuted::NotDefined {
            name: "cc".into(),
            channel: "mychannel".into(),
            source: NotDefined::Info(source.into()),
        };
        assert!(defined(SecurityError::Fingerprint.into()).is_of_this_peer());
        assert!(!defined(InfoError::Undefined("cc".into())).is_of_this_peer());
        // A peer needs peers other than itself.
        let too_few = |source| {
            let of = NotDistributed {
                tx_id: "tx".into(),
                channel: "mychannel".into(),
                namespace: "cc".into(),
                collection: "c".into(),
                source,
            };
            NotExecuted::from(NotSimulated::Private(PrivateDataError::Peers(Box::new(of))))
        };
        assert!(too_few(PeersError::TooFew { required: 1, eligible: 0 }).is_of_this_peer());
        assert!(!too_few(PeersError::NoCollection("c".into())).is_of_this_peer());
    }
}
