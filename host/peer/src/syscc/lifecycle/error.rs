//! Errors of `_lifecycle`. The texts are Fabric's where Fabric has one.

use prost::DecodeError;

use crate::chaincode::{AccessError, NativeError, PackageError, StateError};
use wasmcc_channel::collections::CollectionsError;
use wasmcc_channel::definition::{
    CompareError, DEFINITION_TYPE, FindError, ParametersMismatch, ReadError, WriteError,
};
use wasmcc_ledger::LedgerError;
use wasmcc_runtime::BackendError;
use wasmcc_types::LIFECYCLE;

/// The peer has not joined the channel.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("could not get channelconfig for channel '{0}'")]
pub(super) struct NoChannelConfig(pub String);

/// The call is a proposal to the peer itself, which has no state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no application config for channel '{0}'")]
pub(super) struct NoState(pub String);

/// The reason why a call has no result.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error("lifecycle scc must be invoked with arguments")]
    NoArguments,
    #[error("lifecycle scc operations require exactly two arguments but received {0}")]
    Arguments(usize),
    #[error(transparent)]
    UnknownChannel(#[from] NoChannelConfig),
    #[error(
        "cannot use new lifecycle for channel '{0}' as it does not have the required capabilities \
         enabled"
    )]
    NotEnabled(String),
    #[error("a chaincode may not call {0} of {LIFECYCLE}")]
    CalledByChaincode(String),
    #[error("Failed to authorize invocation due to failed ACL check: {0}")]
    Denied(AccessError),
    #[error("failed to invoke backing implementation of '{function}': {error}")]
    Function { function: String, error: Box<LifecycleError> },
    /// Status 404, with the unchanged text.
    #[error("{0}")]
    NotDefined(LifecycleError),
}

impl From<CallError> for NativeError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NotDefined(error) => {
                Self::Status { status: 404, message: error.to_string() }
            }
            error => Self::failed(error),
        }
    }
}

/// The reason why a function has no result.
#[derive(Debug, thiserror::Error)]
pub(super) enum LifecycleError {
    #[error("receiver *lifecycle.Invocation.{0} does not exist")]
    UnknownFunction(String),
    #[error("could not decode input arg for *lifecycle.Invocation.{function}: {error}")]
    Input { function: String, error: DecodeError },
    #[error(transparent)]
    UnknownChannel(#[from] NoChannelConfig),
    #[error(transparent)]
    NoState(#[from] NoState),
    #[error(transparent)]
    Package(#[from] PackageError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),

    // Packages.
    #[error("could not find chaincode with package id '{0}'")]
    NoPackage(String),
    #[error("could not load cc install package: {0}")]
    LoadPackage(PackageError),
    #[error("could not load cc install package: chaincode install package '{0}' not found")]
    PackageNotFound(String),
    #[error(
        "could not load cc install package: the package of {0} holds a private key (client_key), \
         which does not leave this peer"
    )]
    PackageHasKey(String),

    // Rules for approvals and commits.
    #[error("error validating chaincode definition: {0}")]
    Invalid(#[from] InvalidDefinition),
    #[error(
        "could not set defaults for chaincode definition in channel {channel}: policy '{policy}' \
         must be defined for channel '{channel}' before chaincode operations can be attempted"
    )]
    NoDefaultPolicy { channel: String, policy: &'static str },
    #[error("could not get current sequence: {0}")]
    CurrentSequence(ReadError<StateError>),
    #[error("requested sequence is 0, but first definable sequence number is 1")]
    SequenceZero,
    #[error("currently defined sequence {current} is larger than requested sequence {requested}")]
    SequencePassed { current: i64, requested: i64 },
    #[error(
        "requested sequence {requested} is larger than the next available sequence number {next}"
    )]
    SequenceAhead { requested: i64, next: i64 },
    #[error("requested sequence is {requested}, but new definition must be sequence {next}")]
    NotNextSequence { requested: i64, next: i64 },
    #[error(
        "attempted to redefine uncommitted sequence ({sequence}) for namespace {name} with \
         unchanged content"
    )]
    Approved { sequence: i64, name: String },
    #[error(
        "attempted to redefine the current committed sequence ({sequence}) for namespace {name} \
         with different parameters: {difference}"
    )]
    OtherParameters { sequence: i64, name: String, difference: ParametersMismatch },
    #[error(
        "impossibly, this peer's org is processing requests for a channel it is not a member of"
    )]
    NotAMember,
    #[error("chaincode definition not agreed to by this org ({0})")]
    NotAgreed(String),
    #[error("namespace {0} is not defined")]
    NotDefined(String),
    #[error(
        "could not fetch approved chaincode definition (name: '{name}', sequence: '{sequence}') on \
         channel '{channel}'"
    )]
    NotApproved { name: String, sequence: i64, channel: String },

    // Writing.
    #[error("could not serialize chaincode parameters to state: {0}")]
    WriteParameters(WriteError<StateError>),
    #[error("could not serialize chaincode package info to state: {0}")]
    WritePackage(WriteError<StateError>),
    #[error("could not serialize chaincode definition: {0}")]
    WriteDefinition(WriteError<StateError>),

    // Reading.
    #[error("could not fetch metadata for current definition: {0}")]
    CurrentMetadata(ReadError<StateError>),
    #[error("missing metadata for currently committed sequence number ({0})")]
    NoCurrentMetadata(i64),
    #[error("could not fetch metadata for namespace {name}: {error}")]
    Metadata { name: String, error: ReadError<StateError> },
    #[error("could not deserialize namespace metadata for next sequence {next}: {error}")]
    NextMetadata { next: i64, error: ReadError<StateError> },
    #[error("could not deserialize namespace metadata for {name}: {error}")]
    ApprovedMetadata { name: String, error: ReadError<StateError> },
    #[error("could not fetch uncommitted definition: {0}")]
    UncommittedMetadata(ReadError<StateError>),
    #[error("could not deserialize chaincode-source metadata for {name}: {error}")]
    SourceMetadata { name: String, error: ReadError<StateError> },
    #[error("could not fetch chaincode-source metadata for {0}")]
    NoSource(String),
    #[error("could not fetch metadatas: {0}")]
    AllMetadata(StateError),
    #[error("could not query namespace metadata: could not get state iterator: {0}")]
    QueryMetadata(BackendError),
    #[error("error unmarshalling metadata for key '{key}': {error}")]
    MetadataEncoding { key: String, error: DecodeError },
    #[error(
        "could not extract chaincode name and sequence number from metadata: {0}: invalid private \
         name format: {0}"
    )]
    PrivateName(String),
    #[error("could not deserialize namespace {name} as chaincode: {error}")]
    Chaincode { name: String, error: ReadError<StateError> },
    #[error(
        "could not deserialize namespace {name} as chaincode: type name mismatch \
         '{DEFINITION_TYPE}' != '{found}'"
    )]
    NotAChaincode { name: String, found: String },
    #[error("not a chaincode parameters type: {0}")]
    NotParameters(String),
    #[error("could not deserialize chaincode parameters for {name}: {error}")]
    Parameters { name: String, error: ReadError<StateError> },
    #[error("not a chaincode local package type: {0}")]
    NotALocalPackage(String),
    #[error("could not deserialize chaincode package for {name}: {error}")]
    PackageId { name: String, error: ReadError<StateError> },
    #[error("serialization check failed for key {name}: {error}")]
    Approvals { name: String, error: CompareError<StateError> },
}

/// The reason why no channel, or not this one, can agree on a definition.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidDefinition {
    #[error(
        "invalid chaincode name '{0}'. Names can only consist of alphanumerics, '_', and '-' and \
         can only begin with alphanumerics"
    )]
    Name(String),
    #[error("chaincode name '{0}' is the name of a system chaincode")]
    SystemName(String),
    #[error(
        "invalid chaincode version '{0}'. Versions can only consist of alphanumerics, '_', '-', \
         '+', and '.'"
    )]
    Version(String),
    #[error(transparent)]
    UnknownChannel(#[from] NoChannelConfig),
    #[error("{0}")]
    Collections(CollectionsError),
    #[error("could not retrieve committed definition for chaincode '{name}': {error}")]
    Committed { name: String, error: CommittedError },
}

/// The reason why the current definition cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommittedError {
    #[error(transparent)]
    NoState(#[from] NoState),
    #[error("could not get info about chaincode: {0}")]
    Find(#[from] FindError<StateError>),
    #[error(transparent)]
    State(#[from] StateError),
    #[error("error unmarshalling chaincode state data: {0}")]
    Data(DecodeError),
    #[error(transparent)]
    Collections(DecodeError),
}
