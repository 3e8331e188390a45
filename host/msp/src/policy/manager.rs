//! The policies of a channel, by path.
//!
//! Invariant: built once from a configuration and never changed. References between policies are
//! resolved then, so evaluation cannot loop.

use std::collections::BTreeMap;
use std::sync::Arc;

use prost::Message;

use crate::identity::Identity;
use crate::manager::MspManager;
use crate::policy::error::PolicyError;
use crate::policy::signature_policy::SignaturePolicy;
use crate::policy::signed_data::{SignedData, valid_identities};
use wasmcc_types::proto::common::implicit_meta_policy::Rule;
use wasmcc_types::proto::common::policy::PolicyType;
use wasmcc_types::proto::common::{ConfigGroup, ConfigPolicy, ImplicitMetaPolicy};

/// Depth of groups; channels have three levels.
const MAX_DEPTH: usize = 8;
/// The name of the root group in paths.
const ROOT: &str = "/Channel";

/// All policies of a channel's groups.
#[derive(Debug)]
pub struct PolicyManager {
    /// Sub-policies come before the policies that refer to them.
    policies: Vec<Compiled>,
    /// Indexes by absolute path, for example `/Channel/Application/Writers`.
    by_path: BTreeMap<String, usize>,
}

#[derive(Debug)]
enum Compiled {
    Signature(SignaturePolicy),
    ImplicitMeta {
        required: usize,
        sub_policy: String,
        /// One for each sub-group; None if the group has no such policy.
        sub_policies: Vec<Option<usize>>,
    },
}

/// One policy of a channel.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    manager: &'a PolicyManager,
    index: usize,
}

impl PolicyManager {
    /// Compiles the policies of a channel's root group and all groups below it (Fabric:
    /// common/policies/policy.go, `NewManagerImpl`).
    pub fn from_config(channel_group: &ConfigGroup) -> Result<Self, PolicyError> {
        let mut manager = Self { policies: Vec::new(), by_path: BTreeMap::new() };
        manager.add_group(ROOT, channel_group, 0)?;
        Ok(manager)
    }

    /// Returns the policy with this name: absolute (`/Channel/Application/Writers`) or relative to
    /// the channel (`Application/Writers`).
    pub fn get(&self, name: &str) -> Option<Policy<'_>> {
        let index = self.lookup(ROOT, name)?;
        Some(Policy { manager: self, index })
    }

    /// The absolute paths of all policies, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_path.keys().map(String::as_str)
    }

    fn lookup(&self, group: &str, name: &str) -> Option<usize> {
        if name.starts_with('/') {
            // A group does not find an absolute name outside of itself.
            let inside = name.strip_prefix(group).is_some_and(|rest| rest.starts_with('/'));
            return self.by_path.get(name).filter(|_| inside).copied();
        }
        self.by_path.get(&format!("{group}/{name}")).copied()
    }

    fn add_group(
        &mut self,
        path: &str,
        group: &ConfigGroup,
        depth: usize,
    ) -> Result<(), PolicyError> {
        if depth == MAX_DEPTH {
            return Err(PolicyError::TooLarge { what: "levels of groups", limit: MAX_DEPTH });
        }
        let mut sub_groups = Vec::with_capacity(group.groups.len());
        for (name, sub_group) in &group.groups {
            let sub_path = join(path, name)?;
            self.add_group(&sub_path, sub_group, depth + 1)?;
            sub_groups.push(sub_path);
        }
        for (name, policy) in &group.policies {
            let name = join(path, name)?;
            let compiled = self.compile(policy, &sub_groups).map_err(|source| {
                PolicyError::Broken { name: name.clone(), source: Box::new(source) }
            })?;
            self.by_path.insert(name, self.policies.len());
            self.policies.push(compiled);
        }
        Ok(())
    }

    fn compile(&self, policy: &ConfigPolicy, groups: &[String]) -> Result<Compiled, PolicyError> {
        let policy = policy.policy.as_ref().ok_or(PolicyError::Empty)?;
        match PolicyType::try_from(policy.r#type) {
            Ok(PolicyType::Signature) => {
                Ok(Compiled::Signature(SignaturePolicy::from_bytes(&policy.value)?))
            }
            Ok(PolicyType::ImplicitMeta) => {
                let meta = ImplicitMetaPolicy::decode(policy.value.as_slice());
                self.compile_meta(meta.map_err(PolicyError::Decode)?, groups)
            }
            _ => Err(PolicyError::UnknownType(policy.r#type)),
        }
    }

    /// Fabric: common/policies/implicitmeta.go, `NewImplicitMetaPolicy`. Without sub-groups every
    /// rule holds.
    fn compile_meta(
        &self,
        meta: ImplicitMetaPolicy,
        groups: &[String],
    ) -> Result<Compiled, PolicyError> {
        let count = groups.len();
        let required = match Rule::try_from(meta.rule) {
            Ok(Rule::Any) => count.min(1),
            Ok(Rule::All) => count,
            Ok(Rule::Majority) if count == 0 => 0,
            Ok(Rule::Majority) => count / 2 + 1,
            Err(_) => return Err(PolicyError::UnknownMetaRule(meta.rule)),
        };
        let sub_policies = groups.iter().map(|group| self.lookup(group, &meta.sub_policy));
        let sub_policies = sub_policies.collect();
        Ok(Compiled::ImplicitMeta { required, sub_policy: meta.sub_policy, sub_policies })
    }

    /// The recursion ends: sub-policies have smaller indexes. It is as deep as the groups.
    fn evaluate(&self, index: usize, signers: &[Arc<Identity>]) -> Result<(), PolicyError> {
        match &self.policies[index] {
            Compiled::Signature(policy) => policy.evaluate_identities(signers),
            Compiled::ImplicitMeta { required, sub_policy, sub_policies } => {
                let holds = |index: &&usize| self.evaluate(**index, signers).is_ok();
                let satisfied = sub_policies.iter().flatten().filter(holds).take(*required).count();
                if satisfied == *required {
                    return Ok(());
                }
                let (required, sub_policy) = (*required, sub_policy.clone());
                Err(PolicyError::TooFewSubPolicies { satisfied, required, sub_policy })
            }
        }
    }
}

fn join(path: &str, name: &str) -> Result<String, PolicyError> {
    if name.is_empty() || name.contains('/') {
        return Err(PolicyError::Name(name.chars().take(64).collect()));
    }
    Ok(format!("{path}/{name}"))
}

impl Policy<'_> {
    /// Verifies the signatures and evaluates the policy on their signers.
    pub fn evaluate(&self, signed: &[SignedData], msps: &MspManager) -> Result<(), PolicyError> {
        self.evaluate_identities(&valid_identities(signed, msps))
    }

    /// Evaluates the policy on signers whose signatures were verified. No signer may occur twice.
    pub fn evaluate_identities(&self, signers: &[Arc<Identity>]) -> Result<(), PolicyError> {
        self.manager.evaluate(self.index, signers)
    }

    /// Returns the signature policy; None for an implicit meta policy.
    pub fn as_signature_policy(&self) -> Option<&SignaturePolicy> {
        match &self.manager.policies[self.index] {
            Compiled::Signature(policy) => Some(policy),
            Compiled::ImplicitMeta { .. } => None,
        }
    }
}
