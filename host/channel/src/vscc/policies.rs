//! Caches parsed endorsement policies.
//!
//! Invariant: a parsed policy depends only on its bytes, so an entry never becomes wrong.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use prost::Message;

use crate::vscc::VsccError;
use wasmcc_msp::{PolicyError, SignaturePolicy};
use wasmcc_types::proto::protos::ApplicationPolicy;
use wasmcc_types::proto::protos::application_policy::Type as PolicyType;

/// Number of cached policies: those of the chaincodes in use, and of some keys.
const REMEMBERED: usize = 256;
/// Longest policy that is cached, in bytes. A chaincode chooses the policies of its keys.
const MAX_BYTES: usize = 4096;

/// A parsed policy.
pub(crate) enum NamespacePolicy {
    Signatures(SignaturePolicy),
    /// The path of one of the channel's policies.
    Reference(String),
}

impl NamespacePolicy {
    /// Reads a serialized `protos.ApplicationPolicy`. Fabric: `core/policy/application.go`,
    /// `ApplicationPolicyEvaluator.Evaluate`.
    pub(crate) fn of_application(bytes: &[u8]) -> Result<Self, VsccError> {
        let policy = ApplicationPolicy::decode(bytes)
            .map_err(|e| format!("failed to unmarshal ApplicationPolicy bytes: {e}"))?;
        match policy.r#type {
            Some(PolicyType::SignaturePolicy(envelope)) => {
                Self::of_signatures(SignaturePolicy::from_envelope(&envelope))
            }
            Some(PolicyType::ChannelConfigPolicyReference(name)) => Ok(Self::Reference(name)),
            None => Err("unsupported policy type".into()),
        }
    }

    pub(crate) fn of_signatures(
        policy: Result<SignaturePolicy, PolicyError>,
    ) -> Result<Self, VsccError> {
        let failed = |e| format!("could not create evaluator for signature policy: {e}");
        Ok(Self::Signatures(policy.map_err(failed)?))
    }
}

impl fmt::Display for NamespacePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signatures(policy) => write!(f, "{policy}"),
            Self::Reference(name) => f.write_str(name),
        }
    }
}

/// Caches the policies of the last transactions, which mostly share a few.
#[derive(Default)]
pub(crate) struct PolicyCache {
    known: RwLock<HashMap<Vec<u8>, Arc<NamespacePolicy>>>,
}

impl PolicyCache {
    /// Returns the policy in a serialized `protos.ApplicationPolicy`.
    pub(crate) fn of_application(&self, bytes: &[u8]) -> Result<Arc<NamespacePolicy>, VsccError> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).get(bytes).cloned();
        if let Some(policy) = known {
            return Ok(policy);
        }
        let policy = Arc::new(NamespacePolicy::of_application(bytes)?);
        if bytes.len() <= MAX_BYTES {
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= REMEMBERED {
                known.clear();
            }
            known.insert(bytes.to_vec(), Arc::clone(&policy));
        }
        Ok(policy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(text: &str) -> Vec<u8> {
        let envelope = SignaturePolicy::from_text(text).unwrap().envelope().clone();
        let r#type = Some(PolicyType::SignaturePolicy(envelope));
        ApplicationPolicy { r#type }.encode_to_vec()
    }

    #[test]
    fn a_policy_is_parsed_once_and_what_is_remembered_is_bounded() {
        let cache = PolicyCache::default();
        let bytes = policy("OR('Org1MSP.member')");
        let first = cache.of_application(&bytes).unwrap();
        assert!(Arc::ptr_eq(&first, &cache.of_application(&bytes).unwrap()));
        for number in 0..2 * REMEMBERED {
            let other = cache.of_application(&policy(&format!("OR('Org{number}.member')")));
            assert!(other.unwrap().to_string().contains(&format!("Org{number}.member")));
            assert!(cache.known.read().unwrap().len() <= REMEMBERED);
        }
        let long = policy(&format!("OR('{}.member')", "x".repeat(MAX_BYTES)));
        let found = [(); 2].map(|()| cache.of_application(&long).unwrap());
        assert!(!Arc::ptr_eq(&found[0], &found[1]));
    }

    #[test]
    fn what_is_no_policy_is_not_remembered() {
        let cache = PolicyCache::default();
        for bytes in [&b"\xff"[..], b""] {
            assert!(cache.of_application(bytes).is_err());
        }
        assert!(cache.known.read().unwrap().is_empty());
    }
}
