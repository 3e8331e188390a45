//! Checks that peers can read a key's own endorsement policy.
//!
//! A policy that peers cannot read locks its key for ever: no endorsement satisfies it, not even
//! for another policy. The limits are those of the policies that signatures are checked by, and a
//! test there holds the two equal.

use prost::Message;

use crate::bounded::decode_bounded;

/// How deep rules may nest.
const MAX_DEPTH: usize = 48;
/// How many rules a policy may have, inner ones included.
const MAX_RULES: usize = 4096;
/// How many principals a policy may name.
const MAX_PRINCIPALS: usize = 4096;
/// More fields than the largest policy has.
const MAX_FIELDS: usize = 8 * (MAX_RULES + MAX_PRINCIPALS);

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

/// Checks a key's policy before it is set. An empty one removes the policy. The error is a text
/// for the chaincode, and depends on nothing but the bytes.
pub fn check_key_policy(policy: &[u8]) -> Result<(), String> {
    if policy.is_empty() || is_readable(policy) {
        return Ok(());
    }
    Err("the endorsement policy is not a serialized common.SignaturePolicyEnvelope that peers can \
         read: nobody could change the key any more"
        .into())
}

fn is_readable(policy: &[u8]) -> bool {
    let decoded = decode_bounded(policy, MAX_FIELDS);
    let Ok(Envelope { rule: Some(rule), identities, .. }) = decoded else { return false };
    let mut left = MAX_RULES;
    identities.len() <= MAX_PRINCIPALS && rule.is_sound(identities.len(), &mut left, 0)
}

impl PolicyRule {
    /// Whether it and its inner rules name signers that are there.
    fn is_sound(&self, identities: usize, left: &mut usize, depth: usize) -> bool {
        if depth > MAX_DEPTH || *left == 0 {
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
