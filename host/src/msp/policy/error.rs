//! Why a policy cannot be used, or is not satisfied.

use prost::DecodeError;

/// A policy that is not well formed, or that the signatures do not satisfy.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The bytes are not the message of a policy.
    #[error("not the message of a policy")]
    Decode(#[source] DecodeError),
    /// A version that nobody knows.
    #[error("this evaluator only understands policies of version 0, not {0}")]
    Version(i32),
    /// A rule or the whole policy is missing.
    #[error("empty policy element")]
    Empty,
    /// A rule asks for a principal that the policy does not have.
    #[error("identity index out of range, requested {index}, but there are {identities}")]
    IndexOutOfRange {
        /// What the rule asks for.
        index: i32,
        /// How many principals the policy has.
        identities: usize,
    },
    /// The policy is larger than any that people write.
    #[error("the policy has more than {limit} {what}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        limit: usize,
    },
    /// The text of a policy is not understood.
    #[error("policy text, column {column}: {reason}")]
    Syntax {
        /// Counted in characters from 1.
        column: usize,
        /// What was expected there.
        reason: String,
    },
    /// A channel's policy is not usable.
    #[error("policy {name} is not usable")]
    Broken {
        /// The path of the policy.
        name: String,
        /// What is wrong with it.
        #[source]
        source: Box<PolicyError>,
    },
    /// A policy of a type that channels do not use.
    #[error("unknown policy type {0}")]
    UnknownType(i32),
    /// An implicit meta policy that is neither ANY, ALL nor MAJORITY.
    #[error("unknown rule {0} of an implicit meta policy")]
    UnknownMetaRule(i32),
    /// A name in the configuration that would make paths ambiguous.
    #[error("'{0}' is not a name of a group or policy")]
    Name(String),
    /// There is no such policy.
    #[error("no such policy: '{0}'")]
    NoSuchPolicy(String),
    /// Not enough signatures, or not from the right signers.
    #[error("signature set did not satisfy policy")]
    NotSatisfied,
    /// Not enough organizations agree.
    #[error(
        "implicit policy evaluation failed - {satisfied} sub-policies were satisfied, but this \
         policy requires {required} of the '{sub_policy}' sub-policies to be satisfied"
    )]
    TooFewSubPolicies {
        /// How many agree.
        satisfied: usize,
        /// How many must.
        required: usize,
        /// The policy that each is asked for.
        sub_policy: String,
    },
}
