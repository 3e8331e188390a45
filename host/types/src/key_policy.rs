//! Checks that peers can read a key's own endorsement policy.
//!
//! A policy that peers cannot decode locks its key for ever: no endorsement satisfies it, not even
//! to set another policy. The policies that verify signatures have the same limits; a test there
//! checks that they accept the same policies.

use prost::Message;

use crate::bounded::decode_bounded;

/// Maximum nesting of rules. The decoder stops at 50 levels.
pub const POLICY_DEPTH: usize = 48;
/// Maximum number of rules in a policy, including inner ones.
pub const POLICY_RULES: usize = 4096;
/// Maximum number of principals in a policy.
pub const POLICY_PRINCIPALS: usize = 4096;
/// Exceeds the number of fields of the largest policy.
const MAX_FIELDS: usize = 8 * (POLICY_RULES + POLICY_PRINCIPALS);

/// `common.SignaturePolicyEnvelope`.
#[derive(Clone, PartialEq, Message)]
struct Envelope {
    #[prost(int32, tag = "1")]
    version: i32,
    #[prost(message, optional, tag = "2")]
    rule: Option<PolicyRule>,
    #[prost(message, repeated, tag = "3")]
    identities: Vec<PolicyPrincipal>,
}

/// `common.SignaturePolicy`.
#[derive(Clone, PartialEq, Message)]
struct PolicyRule {
    #[prost(oneof = "RuleKind", tags = "1, 2")]
    kind: Option<RuleKind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum RuleKind {
    #[prost(int32, tag = "1")]
    SignedBy(i32),
    #[prost(message, tag = "2")]
    OutOf(OutOf),
}

/// `common.SignaturePolicy.NOutOf`.
#[derive(Clone, PartialEq, Message)]
struct OutOf {
    #[prost(int32, tag = "1")]
    n: i32,
    #[prost(message, repeated, tag = "2")]
    rules: Vec<PolicyRule>,
}

/// `common.MSPPrincipal`.
#[derive(Clone, PartialEq, Message)]
struct PolicyPrincipal {
    #[prost(int32, tag = "1")]
    classification: i32,
    #[prost(bytes = "vec", tag = "2")]
    principal: Vec<u8>,
}

/// Peers cannot read a key's policy. The text is for the chaincode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the endorsement policy is not a serialized common.SignaturePolicyEnvelope that peers can \
     read: nobody could change the key any more"
)]
pub struct UnreadablePolicy;

/// Checks a key's policy before it is set. An empty one removes the policy. The result depends only
/// on the bytes.
pub fn check_key_policy(policy: &[u8]) -> Result<(), UnreadablePolicy> {
    if policy.is_empty() || is_readable(policy) {
        return Ok(());
    }
    Err(UnreadablePolicy)
}

fn is_readable(policy: &[u8]) -> bool {
    let decoded = decode_bounded(policy, MAX_FIELDS);
    let Ok(Envelope { rule: Some(rule), identities, .. }) = decoded else { return false };
    let mut left = POLICY_RULES;
    identities.len() <= POLICY_PRINCIPALS && rule.is_sound(identities.len(), &mut left, 0)
}

impl PolicyRule {
    /// Returns whether this rule and its inner rules refer to existing principals only.
    fn is_sound(&self, identities: usize, left: &mut usize, depth: usize) -> bool {
        if depth > POLICY_DEPTH || *left == 0 {
            return false;
        }
        *left -= 1;
        match &self.kind {
            Some(RuleKind::SignedBy(index)) => {
                usize::try_from(*index).is_ok_and(|index| index < identities)
            }
            Some(RuleKind::OutOf(gate)) => {
                gate.rules.iter().all(|rule| rule.is_sound(identities, left, depth + 1))
            }
            None => false,
        }
    }
}
