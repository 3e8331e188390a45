//! Errors of LSCC. The texts are Fabric's where Fabric has one.

use prost::DecodeError;

use crate::chaincode::{AccessError, InvalidSpec, NativeError, PackageError};
use crate::syscc::policies::CreatorError;
use wasmcc_channel::collections::CollectionsError;
use wasmcc_msp::PolicyError;
use wasmcc_runtime::BackendError;
use wasmcc_types::LSCC;

#[derive(Debug, thiserror::Error)]
pub(super) enum LsccError {
    #[error("invalid number of arguments to {LSCC}: {0}")]
    Arguments(usize),
    #[error("invalid function to {LSCC}: {0}")]
    UnknownFunction(String),
    #[error("a chaincode may not call {0} of {LSCC}")]
    CalledByChaincode(String),
    #[error("access denied for [{function}]: {error}")]
    Denied { function: String, error: AccessError },
    #[error("access denied for [{function}][{channel}]: {error}")]
    ChannelDenied { function: String, channel: String, error: AccessError },
    #[error("invalid channel name: {0}")]
    ChannelName(String),
    #[error("channel '{named}' is not that of the proposal, '{own}'")]
    OtherChannel { named: String, own: String },
    #[error("could not retrieve channel {0}")]
    UnknownChannel(String),
    #[error(transparent)]
    Package(#[from] PackageError),
    #[error("cannot install: {0} is the name of a system chaincode")]
    SystemName(String),
    #[error("the package of {0} holds a private key (client_key), which does not leave this peer")]
    HasKey(String),
    #[error("could not find chaincode with name '{0}'")]
    NotFound(String),
    #[error("chaincode exists {0}")]
    Exists(String),
    #[error("version already exists for chaincode with name '{0}'")]
    VersionExists(String),
    #[error("cannot get package for the chaincode to be instantiated ({name}:{version})-{error}")]
    NoPackage { name: String, version: String, error: Box<PackageError> },
    #[error("invalid deployment spec: {0}")]
    SpecEncoding(DecodeError),
    #[error("invalid deployment spec: it names no chaincode")]
    SpecWithoutName,
    #[error("invalid endorsement policy: {0}")]
    EndorsementPolicy(PolicyError),
    #[error("instantiation policy missing")]
    NoInstantiationPolicy,
    #[error("chaincode instantiation policy violated({0})")]
    InstantiationPolicy(CreatorError),
    #[error(
        "as V1_2 or later capability is not enabled, private channel collections and data are not \
         available"
    )]
    NoCollectionsYet,
    #[error("invalid collection configuration supplied for {chaincode}: {error}")]
    CollectionsEncoding { chaincode: String, error: DecodeError },
    #[error("collection member policy check failed: {0}")]
    Collections(CollectionsError),
    #[error("{0}")]
    CollectionsChanged(CollectionsError),
    #[error("the collections of {chaincode} are damaged: {error}")]
    CollectionsDamaged { chaincode: String, error: DecodeError },
    #[error("error putting collection for chaincode {chaincode}: {error}")]
    PutCollections { chaincode: String, error: BackendError },
    #[error("collections config not defined for chaincode {0}")]
    NoCollections(String),
    #[error(transparent)]
    State(#[from] BackendError),
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

impl From<InvalidSpec> for LsccError {
    fn from(why: InvalidSpec) -> Self {
        Self::Package(why.into())
    }
}

impl From<LsccError> for NativeError {
    fn from(error: LsccError) -> Self {
        Self::failed(error)
    }
}
