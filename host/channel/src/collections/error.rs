//! Errors of collections. The texts are Fabric's.
//!
//! Invariant: these errors are the proposer's fault, never this peer's.

use wasmcc_msp::PolicyError;

/// Why the collections of a definition are refused.
#[derive(Debug, thiserror::Error)]
pub enum CollectionsError {
    /// A collection without a configuration.
    #[error("collection config contains unexpected payload type: <nil>")]
    NoPayload,
    /// A name with forbidden characters.
    #[error(
        "invalid collection name '{name}'. Names can only consist of alphanumerics, '_', and '-' \
         and cannot begin with '_'"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// Two collections of the same name.
    #[error("collection-name: {name} -- found duplicate in collection configuration")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// The member policy cannot be evaluated.
    #[error("invalid member org policy for collection '{name}': {error}")]
    MemberPolicy {
        /// The collection.
        name: String,
        /// The error of the policy.
        error: PolicyError,
    },
    /// The member policy needs more than one signature.
    #[error(
        "collection-name: {name} -- error in member org policy: signature policy is not an OR \
         concatenation, NOutOf {n}"
    )]
    NotAlternatives {
        /// The collection.
        name: String,
        /// The number of rules that must hold.
        n: i32,
    },
    /// The configuration has no member policy.
    #[error("collection member policy is not set for collection '{name}'")]
    NoMemberPolicy {
        /// The collection.
        name: String,
    },
    /// The member policy has no content.
    #[error("collection member org policy is empty for collection '{name}'")]
    EmptyMemberPolicy {
        /// The collection.
        name: String,
    },
    /// `maximum_peer_count` is less than `required_peer_count`.
    #[error(
        "collection-name: {name} -- maximum peer count ({maximum}) cannot be less than the \
         required peer count ({required})"
    )]
    MaximumBelowRequired {
        /// The collection.
        name: String,
        /// `maximum_peer_count`.
        maximum: i32,
        /// `required_peer_count`.
        required: i32,
    },
    /// A negative number of peers.
    #[error("collection-name: {name} -- requiredPeerCount ({required}) cannot be less than zero")]
    RequiredBelowZero {
        /// The collection.
        name: String,
        /// `required_peer_count`.
        required: i32,
    },
    /// A member that does not parse.
    #[error("collection-name: {name} -- cannot unmarshal identity bytes into {what}: {error}")]
    Principal {
        /// The collection.
        name: String,
        /// Fabric's message.
        what: &'static str,
        /// Why it cannot be read.
        error: prost::DecodeError,
    },
    /// A member whose identity does not belong to the channel.
    #[error("collection-name: {name} -- contains an identity that is not part of the channel")]
    ForeignIdentity {
        /// The collection.
        name: String,
    },
    /// A kind of principal that collections do not support.
    #[error("collection-name: {name} -- principal type {classification} is not supported")]
    Classification {
        /// The collection.
        name: String,
        /// Fabric's name of the kind.
        classification: &'static str,
    },
    /// A member whose organization is not on the channel.
    #[error("collection-name: {name} -- collection member '{org}' is not part of the channel")]
    ForeignOrg {
        /// The collection.
        name: String,
        /// The organization's MSP id.
        org: String,
    },
    /// The committed definition has collections, the proposed one has none.
    #[error("the proposed collection config does not contain previously defined collections")]
    AllMissing,
    /// A committed collection without a configuration.
    #[error("unknown collection configuration type")]
    UnknownType,
    /// A committed collection that the proposed definition lacks.
    #[error("existing collection [{name}] missing in the proposed collection configuration")]
    Missing {
        /// The collection.
        name: String,
    },
    /// The time to live of a collection may not change.
    #[error(
        "the BlockToLive in an existing collection [{name}] modified. Existing value [{existing}]"
    )]
    BlockToLive {
        /// The collection.
        name: String,
        /// The committed value.
        existing: u64,
    },
}

/// Why a collection's configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UnusableCollection {
    /// There is no member policy.
    #[error("Collection config policy is nil")]
    NoPolicy,
    /// The member policy has no content.
    #[error("Collection config access policy is nil")]
    EmptyPolicy,
    /// The member policy cannot be evaluated.
    #[error("failed constructing policy object out of collection policy config: {0}")]
    Policy(PolicyError),
}

/// Why the JSON form of collections cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CollectionsJsonError {
    /// Not an array of collections; the parser's text.
    #[error("could not parse the collection configuration: {0}")]
    Json(String),
    /// A member policy that does not parse.
    #[error("invalid policy {policy}: {error}")]
    MemberPolicy {
        /// The policy's text.
        policy: String,
        /// The error of the policy.
        error: PolicyError,
    },
    /// An endorsement policy that does not parse.
    #[error("invalid endorsement policy of {name}: invalid signature policy: {policy}: {error}")]
    EndorsementPolicy {
        /// The collection.
        name: String,
        /// The policy's text.
        policy: String,
        /// The error of the policy.
        error: PolicyError,
    },
    /// Two endorsement policies.
    #[error(
        "invalid endorsement policy of {name}: it has both a signaturePolicy and a \
         channelConfigPolicy"
    )]
    TwoEndorsementPolicies {
        /// The collection.
        name: String,
    },
}
