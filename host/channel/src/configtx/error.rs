//! Errors of configuration updates. The texts are Fabric's.
//!
//! Invariant: every text is the same on all peers.

use prost::DecodeError;

use wasmcc_msp::{ConfigError, PolicyError};
use wasmcc_types::with_causes;

/// A configuration update that is malformed, not allowed, or leads to an unusable configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigTxError {
    /// A message does not parse.
    #[error("error unmarshalling {what}: {source}")]
    Decode {
        /// The message.
        what: &'static str,
        /// The cause.
        source: DecodeError,
    },
    /// A message between the envelope and the update is missing.
    #[error("{0}")]
    Missing(&'static str),
    /// The envelope has another type.
    #[error("invalid type {got}, expected {expected}")]
    Type {
        /// Its type.
        got: String,
        /// The expected type.
        expected: &'static str,
    },
    /// The update is for another channel.
    #[error("ConfigUpdate for channel '{got}' but envelope for channel '{expected}'")]
    Channel {
        /// The channel in the update.
        got: String,
        /// The channel to which it was sent.
        expected: String,
    },
    /// The configuration does not have the next sequence.
    #[error("config currently at sequence {current}, cannot validate config at sequence {got}")]
    Sequence {
        /// The current sequence.
        current: u64,
        /// The sequence of the configuration.
        got: u64,
    },
    /// A name that is not allowed in a path.
    #[error("{0}")]
    Name(String),
    /// The configuration exceeds a limit.
    #[error("the configuration has more than {limit} {what}")]
    TooLarge {
        /// The kind of element that exceeds it.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The read set names an element that does not exist.
    #[error("existing config does not contain element for {0} but was in the read set")]
    NotThere(String),
    /// The read set names another version.
    #[error(
        "proposed update requires that key {key} be at version {wanted}, but it is currently at \
         version {current}"
    )]
    ReadVersion {
        /// The element.
        key: String,
        /// The version in the read set.
        wanted: u64,
        /// The current version.
        current: u64,
    },
    /// The update changes nothing.
    #[error("delta set was empty -- update would have no effect")]
    NoEffect,
    /// A new element has a version other than 0.
    #[error("attempted to set key {key} to version {version}, but key does not exist")]
    NewVersion {
        /// The element.
        key: String,
        /// Its version in the write set.
        version: u64,
    },
    /// A changed element has a version other than the next one.
    #[error("attempt to set key {key} to version {version}, but key is at version {current}")]
    WriteVersion {
        /// The element.
        key: String,
        /// Its version in the write set.
        version: u64,
        /// The current version.
        current: u64,
    },
    /// The policy that protects the element does not exist.
    #[error("unexpected missing policy {policy} for item {key}")]
    NoPolicy {
        /// The element's `mod_policy`.
        policy: String,
        /// The element.
        key: String,
    },
    /// The signatures do not satisfy the element's policy.
    #[error("policy for {key} not satisfied: {source}")]
    Denied {
        /// The element.
        key: String,
        /// The cause.
        source: PolicyError,
    },
    /// A group of the result lists an element that has no content.
    #[error("missing {0}")]
    Incomplete(String),
    /// The configuration differs from the result of the update in it.
    #[error("ConfigEnvelope LastUpdate did not produce the supplied config result")]
    OtherResult,
    /// The new configuration is unusable.
    #[error("{}", with_causes(.0))]
    Unusable(#[source] ConfigError),
    /// An orderer cannot order with the new configuration.
    #[error("config update is not compatible: {0}")]
    Incompatible(String),
    /// The new configuration may not follow the current one.
    #[error("{0}")]
    Successor(String),
    /// Two configurations are the same.
    #[error("no differences detected between original and updated config")]
    NoDifference,
    /// An error with its context.
    #[error("{during}: {source}")]
    During {
        /// The context.
        during: String,
        /// The cause.
        source: Box<ConfigTxError>,
    },
}

impl ConfigTxError {
    /// For `map_err`: adds a context.
    pub(crate) fn during(during: impl Into<String>) -> impl FnOnce(Self) -> Self {
        move |source| Self::During { during: during.into(), source: Box::new(source) }
    }

    /// For `map_err`: a message does not parse.
    pub(crate) fn decode(what: &'static str) -> impl FnOnce(DecodeError) -> Self {
        move |source| Self::Decode { what, source }
    }
}
