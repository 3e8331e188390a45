//! Signature policies: rules over signers.
//!
//! Invariant: evaluation has no error other than "not satisfied", and its depth is bounded.

use std::sync::Arc;

use crate::identity::Identity;
use crate::manager::MspManager;
use crate::policy::error::PolicyError;
use crate::policy::signed_data::{SignedData, valid_identities};
use crate::principal::Principal;
use wasmcc_types::proto::common::signature_policy::{NOutOf, Type};
use wasmcc_types::proto::common::{
    MspPrincipal, SignaturePolicy as RuleMessage, SignaturePolicyEnvelope,
};
use wasmcc_types::{
    DEFINITION_FIELDS, POLICY_DEPTH, POLICY_PRINCIPALS, POLICY_RULES, decode_bounded,
};

/// A checked `common.SignaturePolicyEnvelope`: its indexes are in range and its size is bounded.
#[derive(Clone, Debug)]
pub struct SignaturePolicy {
    rule: CompiledRule,
    rules: usize,
    principals: Vec<Principal>,
    envelope: SignaturePolicyEnvelope,
}

#[derive(Clone, Debug)]
pub(crate) enum CompiledRule {
    /// A signer satisfies the principal with this index.
    SignedBy(usize),
    /// At least this number of the rules hold. Zero or less always holds, as in Fabric.
    OutOf(i32, Vec<CompiledRule>),
}

impl SignaturePolicy {
    /// Reads a serialized envelope, which must have version 0 (Fabric: common/cauthdsl/policy.go,
    /// `provider.NewPolicy`).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PolicyError> {
        let envelope = decode_bounded(bytes, DEFINITION_FIELDS);
        let envelope: SignaturePolicyEnvelope = envelope.map_err(PolicyError::Decode)?;
        match envelope.version {
            0 => Self::from_envelope(&envelope),
            version => Err(PolicyError::Version(version)),
        }
    }

    /// Checks an envelope of any version (Fabric: common/cauthdsl/policy.go,
    /// `EnvelopeBasedPolicyProvider.NewPolicy`, which Fabric uses for endorsement policies).
    pub fn from_envelope(envelope: &SignaturePolicyEnvelope) -> Result<Self, PolicyError> {
        let identities = envelope.identities.len();
        if identities > POLICY_PRINCIPALS {
            return Err(PolicyError::TooLarge { what: "identities", limit: POLICY_PRINCIPALS });
        }
        let mut compiler = RuleCompiler { identities, rules_left: POLICY_RULES };
        let rule = compiler.compile(envelope.rule.as_ref(), 0)?;
        let rules = POLICY_RULES - compiler.rules_left;
        let principals = envelope.identities.iter().map(Principal::parse).collect();
        Ok(Self { rule, rules, principals, envelope: envelope.clone() })
    }

    /// Parses the text form: `OR('Org1MSP.member', AND('Org2MSP.peer', 'Org3MSP.admin'))`,
    /// `OutOf(2, ...)`. The result is the same message as that of Fabric's tools.
    pub fn from_text(text: &str) -> Result<Self, PolicyError> {
        Self::from_envelope(&super::text::parse(text)?)
    }

    /// Returns a policy that any member of any of these organizations satisfies: the default policy
    /// of a chaincode (Fabric: common/policydsl, `SignedByAnyMember`).
    pub fn any_member<'a>(msp_ids: impl IntoIterator<Item = &'a str>) -> SignaturePolicyEnvelope {
        let mut msp_ids: Vec<&str> = msp_ids.into_iter().collect();
        msp_ids.sort_unstable();
        let members = msp_ids.iter().map(|id| Principal::Member { msp_id: (*id).to_owned() });
        let identities: Vec<MspPrincipal> = members.filter_map(|m| m.to_message()).collect();
        let rules = (0..identities.len()).map(|index| signed_by(index as i32)).collect();
        SignaturePolicyEnvelope { version: 0, rule: Some(n_out_of(1, rules)), identities }
    }

    /// The message of this policy.
    pub fn envelope(&self) -> &SignaturePolicyEnvelope {
        &self.envelope
    }

    /// Verifies the signatures and evaluates the policy on their signers.
    pub fn evaluate(&self, signed: &[SignedData], msps: &MspManager) -> Result<(), PolicyError> {
        self.evaluate_identities(&valid_identities(signed, msps))
    }

    /// Evaluates the policy on signers whose signatures were verified. No signer may occur twice
    /// (Fabric: common/cauthdsl/cauthdsl.go, `compile`).
    pub fn evaluate_identities(&self, signers: &[Arc<Identity>]) -> Result<(), PolicyError> {
        let mut used = vec![false; signers.len()];
        match self.holds(&self.rule, signers, &mut used) {
            true => Ok(()),
            false => Err(PolicyError::NotSatisfied),
        }
    }

    /// Number of rules and principals, including the parts of combined principals.
    pub(crate) fn parts(&self) -> usize {
        self.rules + self.principals.iter().map(Principal::parts).sum::<usize>()
    }

    pub(crate) fn rule(&self) -> &CompiledRule {
        &self.rule
    }

    pub(crate) fn principals(&self) -> &[Principal] {
        &self.principals
    }

    /// Evaluates a rule. Greedy, as in Fabric: each rule, in order, uses up the first signer that
    /// fits. A failed rule releases the signers that it used. A set that could satisfy the policy
    /// may therefore fail, but it fails on every peer.
    fn holds(&self, rule: &CompiledRule, signers: &[Arc<Identity>], used: &mut Vec<bool>) -> bool {
        match rule {
            CompiledRule::SignedBy(index) => {
                let Some(principal) = self.principals.get(*index) else { return false };
                for (signer, used) in signers.iter().zip(used.iter_mut()) {
                    if !*used && signer.matches(principal) {
                        *used = true;
                        return true;
                    }
                }
                false
            }
            CompiledRule::OutOf(n, rules) => {
                let mut verified = 0;
                let mut trial = used.clone();
                for rule in rules {
                    trial.clone_from(used);
                    if self.holds(rule, signers, &mut trial) {
                        verified += 1;
                        used.clone_from(&trial);
                    }
                }
                verified >= *n
            }
        }
    }
}

struct RuleCompiler {
    identities: usize,
    rules_left: usize,
}

impl RuleCompiler {
    fn compile(
        &mut self,
        rule: Option<&RuleMessage>,
        depth: usize,
    ) -> Result<CompiledRule, PolicyError> {
        if depth > POLICY_DEPTH {
            return Err(PolicyError::TooLarge { what: "levels", limit: POLICY_DEPTH });
        }
        let Some(left) = self.rules_left.checked_sub(1) else {
            return Err(PolicyError::TooLarge { what: "rules", limit: POLICY_RULES });
        };
        self.rules_left = left;
        match rule.and_then(|rule| rule.r#type.as_ref()).ok_or(PolicyError::Empty)? {
            Type::SignedBy(index) => {
                let identities = self.identities;
                usize::try_from(*index)
                    .ok()
                    .filter(|index| *index < identities)
                    .map(CompiledRule::SignedBy)
                    .ok_or(PolicyError::IndexOutOfRange { index: *index, identities })
            }
            Type::NOutOf(gate) => {
                let rules = gate.rules.iter().map(|rule| self.compile(Some(rule), depth + 1));
                Ok(CompiledRule::OutOf(gate.n, rules.collect::<Result<_, _>>()?))
            }
        }
    }
}

pub(crate) fn signed_by(index: i32) -> RuleMessage {
    RuleMessage { r#type: Some(Type::SignedBy(index)) }
}

pub(crate) fn n_out_of(n: i32, rules: Vec<RuleMessage>) -> RuleMessage {
    RuleMessage { r#type: Some(Type::NOutOf(NOutOf { n, rules })) }
}
