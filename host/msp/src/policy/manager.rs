//! The policies of a channel, by path.
//!
//! Invariant: built once from a configuration and never changed. Building resolves the references
//! between policies, so evaluation cannot loop.

use std::collections::{BTreeMap, HashMap};
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

/// Limit on the depth of groups; channels have three levels.
const MAX_DEPTH: usize = 8;
/// The name of the root group in paths.
const ROOT: &str = "/Channel";

/// All policies of a channel's groups.
#[derive(Debug)]
pub struct PolicyManager {
    /// Sub-policies come before the policies that refer to them.
    policies: Vec<Compiled>,
    /// Indexes in `policies` by absolute path, for example `/Channel/Application/Writers`.
    by_path: BTreeMap<String, usize>,
    /// Number of rules and principals in all policies.
    parts: usize,
    most_parts: usize,
}

/// The policies below the sub-groups of a group.
struct SubPolicies {
    path: String,
    groups: usize,
    /// Indexes of policies by their name relative to their sub-group, in order. Looking up each
    /// name in each sub-group would take the product of two numbers that an organization chooses.
    by_name: HashMap<String, Arc<[usize]>>,
}

#[derive(Debug)]
enum Compiled {
    Signature(SignaturePolicy),
    ImplicitMeta {
        required: usize,
        sub_policy: String,
        /// One for each sub-group that has such a policy.
        sub_policies: Arc<[usize]>,
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
        Self::with_parts(channel_group, usize::MAX)
    }

    /// As [`from_config`](Self::from_config), with a limit on the rules and principals of all
    /// policies together.
    pub(crate) fn with_parts(
        channel_group: &ConfigGroup,
        most_parts: usize,
    ) -> Result<Self, PolicyError> {
        let mut manager =
            Self { policies: Vec::new(), by_path: BTreeMap::new(), parts: 0, most_parts };
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
            // An absolute name refers only to policies inside its group.
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
        let below = self.sub_policies(path, &sub_groups);
        for (name, policy) in &group.policies {
            let name = join(path, name)?;
            let compiled = self.compile(policy, &below).map_err(|source| PolicyError::Broken {
                name: name.clone(),
                source: Box::new(source),
            })?;
            self.by_path.insert(name, self.policies.len());
            self.policies.push(compiled);
        }
        Ok(())
    }

    /// Each policy is in the lists of all groups above it, which are few.
    fn sub_policies(&self, path: &str, sub_groups: &[String]) -> SubPolicies {
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for sub_group in sub_groups {
            let prefix = format!("{sub_group}/");
            for (name, index) in self.by_path.range(prefix.clone()..) {
                let Some(name) = name.strip_prefix(&prefix) else { break };
                by_name.entry(name.to_owned()).or_default().push(*index);
            }
        }
        let by_name = by_name.into_iter().map(|(name, indexes)| (name, indexes.into())).collect();
        SubPolicies { path: path.to_owned(), groups: sub_groups.len(), by_name }
    }

    fn compile(
        &mut self,
        policy: &ConfigPolicy,
        below: &SubPolicies,
    ) -> Result<Compiled, PolicyError> {
        let policy = policy.policy.as_ref().ok_or(PolicyError::Empty)?;
        match PolicyType::try_from(policy.r#type) {
            Ok(PolicyType::Signature) => {
                let policy = SignaturePolicy::from_bytes(&policy.value)?;
                self.parts = self.parts.saturating_add(policy.parts());
                if self.parts > self.most_parts {
                    let what = "rules and principals, with those of the channel's other policies";
                    return Err(PolicyError::TooLarge { what, limit: self.most_parts });
                }
                Ok(Compiled::Signature(policy))
            }
            Ok(PolicyType::ImplicitMeta) => {
                let meta = ImplicitMetaPolicy::decode(policy.value.as_slice());
                self.compile_meta(meta.map_err(PolicyError::Decode)?, below)
            }
            _ => Err(PolicyError::UnknownType(policy.r#type)),
        }
    }

    /// Fabric: common/policies/implicitmeta.go, `NewImplicitMetaPolicy`. Without sub-groups every
    /// rule is satisfied.
    fn compile_meta(
        &self,
        meta: ImplicitMetaPolicy,
        below: &SubPolicies,
    ) -> Result<Compiled, PolicyError> {
        let count = below.groups;
        let required = match Rule::try_from(meta.rule) {
            Ok(Rule::Any) => count.min(1),
            Ok(Rule::All) => count,
            Ok(Rule::Majority) if count == 0 => 0,
            Ok(Rule::Majority) => count / 2 + 1,
            Err(_) => return Err(PolicyError::UnknownMetaRule(meta.rule)),
        };
        let absolute = below.inside(&meta.sub_policy).and_then(|name| self.by_path.get(name));
        let sub_policies = match absolute {
            Some(&index) => Arc::from([index]),
            None => below.by_name.get(&meta.sub_policy).cloned().unwrap_or_default(),
        };
        Ok(Compiled::ImplicitMeta { required, sub_policy: meta.sub_policy, sub_policies })
    }

    /// The recursion ends, because sub-policies have smaller indexes. It is as deep as the groups.
    fn evaluate(&self, index: usize, signers: &[Arc<Identity>]) -> Result<(), PolicyError> {
        match &self.policies[index] {
            Compiled::Signature(policy) => policy.evaluate_identities(signers),
            Compiled::ImplicitMeta { required, sub_policy, sub_policies } => {
                let holds = |index: &&usize| self.evaluate(**index, signers).is_ok();
                let satisfied = sub_policies.iter().filter(holds).take(*required).count();
                if satisfied == *required {
                    return Ok(());
                }
                let (required, sub_policy) = (*required, sub_policy.clone());
                Err(PolicyError::TooFewSubPolicies { satisfied, required, sub_policy })
            }
        }
    }
}

impl SubPolicies {
    /// Returns an absolute name of a policy below a sub-group. Only that sub-group finds it.
    fn inside<'a>(&self, name: &'a str) -> Option<&'a str> {
        let rest = name.strip_prefix(&self.path)?.strip_prefix('/')?;
        rest.contains('/').then_some(name)
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

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_types::proto::common::Policy as PolicyMessage;

    fn meta(sub_policy: &str) -> ConfigPolicy {
        let meta = ImplicitMetaPolicy { sub_policy: sub_policy.to_owned(), rule: 0 };
        let value = meta.encode_to_vec();
        let policy = PolicyMessage { r#type: PolicyType::ImplicitMeta.into(), value };
        ConfigPolicy { policy: Some(policy), ..ConfigPolicy::default() }
    }

    fn group(policies: &[(&str, &str)], groups: Vec<(&str, ConfigGroup)>) -> ConfigGroup {
        let policy = |(name, sub_policy): &(&str, &str)| ((*name).to_owned(), meta(sub_policy));
        ConfigGroup {
            policies: policies.iter().map(policy).collect(),
            groups: groups.into_iter().map(|(name, group)| (name.to_owned(), group)).collect(),
            ..ConfigGroup::default()
        }
    }

    fn sub_policies<'a>(manager: &'a PolicyManager, name: &str) -> &'a Arc<[usize]> {
        match &manager.policies[manager.lookup(ROOT, name).unwrap()] {
            Compiled::ImplicitMeta { sub_policies, .. } => sub_policies,
            Compiled::Signature(_) => panic!("{name}"),
        }
    }

    #[test]
    fn policies_below_are_found_as_one_by_one() {
        let leaf = || group(&[("P", "none"), ("Q", "none")], Vec::new());
        let inner = || group(&[("P", "P")], vec![("X", leaf()), ("Y", leaf())]);
        let names = [
            "P",
            "Q",
            "X/P",
            "Y/Q",
            "A/P",
            "",
            "/",
            "P/",
            "X",
            "/Channel/A/P",
            "/Channel/A/X/Q",
            "/Channel/AB/P",
            "/Channel/P",
            "/Channel/A",
            "/Channel",
            "/Other/A/P",
            "Channel/A/P",
        ];
        let policies: Vec<String> = (0..names.len()).map(|number| format!("n{number}")).collect();
        let mut all: Vec<(&str, &str)> = Vec::new();
        all.extend(policies.iter().zip(names).map(|(policy, name)| (policy.as_str(), name)));
        all.push(("P", "P"));
        let groups =
            vec![("A", inner()), ("AB", leaf()), ("B", inner()), ("C", group(&[], vec![]))];
        let manager = PolicyManager::from_config(&group(&all, groups)).unwrap();
        for (policy, name) in policies.iter().zip(names) {
            let each = ["A", "AB", "B", "C"].map(|group| format!("{ROOT}/{group}"));
            let each = each.iter().filter_map(|group| manager.lookup(group, name));
            assert_eq!(**sub_policies(&manager, policy), each.collect::<Vec<_>>(), "{name}");
        }
        assert_eq!(sub_policies(&manager, "n0").len(), 3);
    }

    #[test]
    fn policies_of_one_name_share_the_list_of_those_below() {
        let names: Vec<String> = (0..500).map(|number| format!("n{number}")).collect();
        let leaf = || group(&[("P", "none")], Vec::new());
        let policies: Vec<_> = names.iter().map(|name| (name.as_str(), "P")).collect();
        let groups = names.iter().map(|name| (name.as_str(), leaf())).collect();
        let manager = PolicyManager::from_config(&group(&policies, groups)).unwrap();
        let first = sub_policies(&manager, &names[0]);
        assert_eq!(first.len(), 500);
        for name in &names {
            assert!(Arc::ptr_eq(first, sub_policies(&manager, name)), "{name}");
        }
    }
}
