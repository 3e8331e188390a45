//! Why a configuration does not change. The texts are Fabric's.
//!
//! Invariant: every text is the same on all peers.

use std::error::Error;

use prost::DecodeError;

use crate::msp::{ConfigError, PolicyError};

/// A configuration update that is malformed, not allowed, or leads to nothing usable.
#[derive(Debug, thiserror::Error)]
pub enum ConfigTxError {
    /// A message does not parse.
    #[error("error unmarshalling {what}: {source}")]
    Decode {
        /// Which message.
        what: &'static str,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// A message on the way to the update is missing.
    #[error("{0}")]
    Missing(&'static str),
    /// The envelope holds something else.
    #[error("invalid type {got}, expected {expected}")]
    Type {
        /// What it holds.
        got: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// The update is for another channel.
    #[error("ConfigUpdate for channel '{got}' but envelope for channel '{expected}'")]
    Channel {
        /// The update's.
        got: String,
        /// The one that it was sent to.
        expected: String,
    },
    /// The configuration is not the next one.
    #[error("config currently at sequence {current}, cannot validate config at sequence {got}")]
    Sequence {
        /// The sequence in force.
        current: u64,
        /// That of the configuration.
        got: u64,
    },
    /// A name that cannot be an element of a path.
    #[error("{0}")]
    Name(String),
    /// More than anybody needs.
    #[error("the configuration has more than {limit} {what}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        limit: usize,
    },
    /// The read set names what is not there.
    #[error("existing config does not contain element for {0} but was in the read set")]
    NotThere(String),
    /// The read set relies on another version.
    #[error(
        "proposed update requires that key {key} be at version {wanted}, but it is currently at \
         version {current}"
    )]
    ReadVersion {
        /// The element.
        key: String,
        /// The version that the update relies on.
        wanted: u64,
        /// The version in force.
        current: u64,
    },
    /// Nothing would change.
    #[error("delta set was empty -- update would have no effect")]
    NoEffect,
    /// A new element does not begin with version 0.
    #[error("attempted to set key {key} to version {version}, but key does not exist")]
    NewVersion {
        /// The element.
        key: String,
        /// Its version in the write set.
        version: u64,
    },
    /// A changed element does not have the next version.
    #[error("attempt to set key {key} to version {version}, but key is at version {current}")]
    WriteVersion {
        /// The element.
        key: String,
        /// Its version in the write set.
        version: u64,
        /// The version in force.
        current: u64,
    },
    /// Nobody can say who may change the element.
    #[error("unexpected missing policy {policy} for item {key}")]
    NoPolicy {
        /// The element's `mod_policy`.
        policy: String,
        /// The element.
        key: String,
    },
    /// The signatures are not enough.
    #[error("policy for {key} not satisfied: {source}")]
    Denied {
        /// The element.
        key: String,
        /// What is missing.
        source: PolicyError,
    },
    /// An element that a group of the result should have has no content.
    #[error("missing {0}")]
    Incomplete(String),
    /// The configuration is not what the update in it leads to.
    #[error("ConfigEnvelope LastUpdate did not produce the supplied config result")]
    OtherResult,
    /// The new configuration is none that a channel could run with.
    #[error("{}", chain(.0))]
    Unusable(#[source] ConfigError),
    /// The new configuration may not follow the one in force.
    #[error("{0}")]
    Successor(String),
    /// Two configurations are the same.
    #[error("no differences detected between original and updated config")]
    NoDifference,
    /// An error, and during what.
    #[error("{during}: {source}")]
    During {
        /// What was done.
        during: String,
        /// What went wrong.
        source: Box<ConfigTxError>,
    },
}

impl ConfigTxError {
    /// For `map_err`: says during what.
    pub(super) fn during(during: impl Into<String>) -> impl FnOnce(Self) -> Self {
        move |source| Self::During { during: during.into(), source: Box::new(source) }
    }

    /// For `map_err`: a message does not parse.
    pub(super) fn decode(what: &'static str) -> impl FnOnce(DecodeError) -> Self {
        move |source| Self::Decode { what, source }
    }
}

/// An error with its causes in one line, as Fabric says it.
fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}
