//! Errors of policies.

use prost::DecodeError;

/// A malformed policy, or one that the signatures do not satisfy.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The bytes do not parse as a policy.
    #[error("not the message of a policy")]
    Decode(#[source] DecodeError),
    /// The version is unknown.
    #[error("this evaluator only understands policies of version 0, not {0}")]
    Version(i32),
    /// A rule or the whole policy is missing.
    #[error("empty policy element")]
    Empty,
    /// A rule names a principal that the policy does not have.
    #[error("identity index out of range, requested {index}, but there are {identities}")]
    IndexOutOfRange {
        /// The index in the rule.
        index: i32,
        /// Number of principals of the policy.
        identities: usize,
    },
    /// The policy exceeds a limit.
    #[error("the policy has more than {limit} {what}")]
    TooLarge {
        /// The kind of item that exceeds it.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The text of a policy does not parse.
    #[error("policy text, column {column}: {reason}")]
    Syntax {
        /// Position in characters, counted from 1.
        column: usize,
        /// What was expected.
        reason: String,
    },
    /// A channel's policy is unusable.
    #[error("policy {name} is not usable")]
    Broken {
        /// The path of the policy.
        name: String,
        /// The cause.
        #[source]
        source: Box<PolicyError>,
    },
    /// A policy of an unsupported type.
    #[error("unknown policy type {0}")]
    UnknownType(i32),
    /// An implicit meta policy with an unknown rule: not ANY, ALL or MAJORITY.
    #[error("unknown rule {0} of an implicit meta policy")]
    UnknownMetaRule(i32),
    /// A name in the configuration that would make paths ambiguous.
    #[error("'{0}' is not a name of a group or policy")]
    Name(String),
    /// The policy does not exist.
    #[error("no such policy: '{0}'")]
    NoSuchPolicy(String),
    /// The signatures do not satisfy the policy.
    #[error("signature set did not satisfy policy")]
    NotSatisfied,
    /// Not enough organizations satisfy their sub-policies.
    #[error(
        "implicit policy evaluation failed - {satisfied} sub-policies were satisfied, but this \
         policy requires {required} of the '{sub_policy}' sub-policies to be satisfied"
    )]
    TooFewSubPolicies {
        /// The number of satisfied sub-policies.
        satisfied: usize,
        /// The required number.
        required: usize,
        /// The name of the sub-policy.
        sub_policy: String,
    },
}
