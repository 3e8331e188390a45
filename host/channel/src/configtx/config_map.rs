//! A configuration as one map of its elements by path, and back. Fabric:
//! `common/configtx/configmap.go`.
//!
//! Does not check versions or signatures; `validator` does.

use std::collections::BTreeMap;

use crate::configtx::error::ConfigTxError;
use wasmcc_msp::{ElementCount, TooMany};
use wasmcc_types::proto::common::{ConfigGroup, ConfigPolicy, ConfigValue};

/// The name of the root group.
pub(crate) const ROOT: &str = "Channel";
/// Limit on the depth of groups; channels have three levels.
const MAX_DEPTH: usize = 8;
const MAX_NAME_BYTES: usize = 249;
const GROUP: &str = "[Group]  ";
const VALUE: &str = "[Value]  ";
const POLICY: &str = "[Policy] ";
const ORDERER_CAPABILITIES: &str = "[Value]  /Channel/Orderer/Capabilities";
const DEFAULT_MOD_POLICY: &str = "Admins";

/// One group, value or policy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a> {
    /// The kind of the element, with its content.
    pub(crate) kind: ElementKind<'a>,
    /// Length of the part of its key that names the kind and the enclosing group, in bytes.
    group_len: usize,
}

/// The kind of an element.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ElementKind<'a> {
    Group(&'a ConfigGroup),
    Value(&'a ConfigValue),
    Policy(&'a ConfigPolicy),
}

/// All elements, by Fabric's keys, such as `[Value]  /Channel/Orderer/BatchSize`.
pub(crate) type ConfigMap<'a> = BTreeMap<String, Element<'a>>;

impl Element<'_> {
    pub(crate) fn version(&self) -> u64 {
        match self.kind {
            ElementKind::Group(group) => group.version,
            ElementKind::Value(value) => value.version,
            ElementKind::Policy(policy) => policy.version,
        }
    }

    pub(crate) fn mod_policy(&self) -> &str {
        match self.kind {
            ElementKind::Group(group) => &group.mod_policy,
            ElementKind::Value(value) => &value.mod_policy,
            ElementKind::Policy(policy) => &policy.mod_policy,
        }
    }

    /// The absolute name of the policy that protects this element, whose key is `key`. A relative
    /// name refers to the group itself, or to the group of the value or policy.
    pub(crate) fn policy_path(&self, key: &str) -> String {
        let policy = self.mod_policy();
        if policy.starts_with('/') {
            return policy.to_owned();
        }
        let group = key.get(GROUP.len()..self.group_len).unwrap_or_default();
        format!("{group}/{policy}")
    }
}

/// Returns all elements of a group and of the groups below it; none without a group.
pub(crate) fn map(root: Option<&ConfigGroup>) -> Result<ConfigMap<'_>, ConfigTxError> {
    let mut builder = MapBuilder::default();
    if let Some(root) = root {
        builder.add_group("", ROOT, root, 0)?;
    }
    Ok(builder.elements)
}

#[derive(Default)]
struct MapBuilder<'a> {
    elements: ConfigMap<'a>,
    count: ElementCount,
}

impl<'a> MapBuilder<'a> {
    fn add_group(
        &mut self,
        path: &str,
        name: &str,
        group: &'a ConfigGroup,
        depth: usize,
    ) -> Result<(), ConfigTxError> {
        if depth == MAX_DEPTH {
            return Err(ConfigTxError::TooLarge { what: "levels of groups", limit: MAX_DEPTH });
        }
        self.add(GROUP, path, name, ElementKind::Group(group))?;
        let path = format!("{path}/{name}");
        for (name, sub_group) in &group.groups {
            self.add_group(&path, name, sub_group, depth + 1)?;
        }
        for (name, value) in &group.values {
            self.add(VALUE, &path, name, ElementKind::Value(value))?;
        }
        for (name, policy) in &group.policies {
            self.add(POLICY, &path, name, ElementKind::Policy(policy))?;
        }
        Ok(())
    }

    fn add(
        &mut self,
        prefix: &str,
        path: &str,
        name: &str,
        kind: ElementKind<'a>,
    ) -> Result<(), ConfigTxError> {
        check_name(name)
            .map_err(ConfigTxError::during(format!("illegal characters in key: {prefix}")))?;
        let key = format!("{prefix}{path}/{name}");
        self.count
            .add(key.len() - prefix.len())
            .map_err(|TooMany { what, limit }| ConfigTxError::TooLarge { what, limit })?;
        let group_len = match kind {
            ElementKind::Group(_) => key.len(),
            ElementKind::Value(_) | ElementKind::Policy(_) => prefix.len() + path.len(),
        };
        self.elements.insert(key, Element { kind, group_len });
        Ok(())
    }
}

/// Fabric: `validateConfigID`.
pub(crate) fn check_name(name: &str) -> Result<(), ConfigTxError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
    let text = match name {
        "" => "config ID illegal, cannot be empty".to_owned(),
        _ if name.len() > MAX_NAME_BYTES => {
            format!("config ID illegal, cannot be longer than {MAX_NAME_BYTES}")
        }
        "." | ".." => format!("name '{name}' for config ID is not allowed"),
        _ if !name.bytes().all(allowed) => {
            format!("config ID '{name}' contains illegal characters")
        }
        _ => return Ok(()),
    };
    Err(ConfigTxError::Name(text))
}

/// Makes the channel group from a map. A group's own lists decide its members; unlisted elements
/// are dropped.
pub(crate) fn to_config(elements: &ConfigMap<'_>) -> Result<ConfigGroup, ConfigTxError> {
    let fix_mod_policies = elements.contains_key(ORDERER_CAPABILITIES);
    to_group(elements, &format!("/{ROOT}"), fix_mod_policies)
}

/// The recursion is as deep as the groups in the sources of the map, whose depth is limited.
fn to_group(
    elements: &ConfigMap<'_>,
    path: &str,
    fix_mod_policies: bool,
) -> Result<ConfigGroup, ConfigTxError> {
    let key = format!("{GROUP}{path}");
    let Some(ElementKind::Group(group)) = elements.get(&key).map(|element| element.kind) else {
        return Err(ConfigTxError::Incomplete(format!("group at path: {key}")));
    };
    let mut result = ConfigGroup {
        version: group.version,
        mod_policy: group.mod_policy.clone(),
        ..ConfigGroup::default()
    };
    for name in group.groups.keys() {
        let sub_group = to_group(elements, &format!("{path}/{name}"), fix_mod_policies)?;
        result.groups.insert(name.clone(), sub_group);
    }
    for name in group.values.keys() {
        let key = format!("{VALUE}{path}/{name}");
        let Some(ElementKind::Value(value)) = elements.get(&key).map(|element| element.kind) else {
            return Err(ConfigTxError::Incomplete(format!("value at path: {key}")));
        };
        result.values.insert(name.clone(), value.clone());
    }
    for name in group.policies.keys() {
        let key = format!("{POLICY}{path}/{name}");
        let Some(ElementKind::Policy(policy)) = elements.get(&key).map(|element| element.kind)
        else {
            return Err(ConfigTxError::Incomplete(format!("policy at path: {key}")));
        };
        result.policies.insert(name.clone(), policy.clone());
    }
    if fix_mod_policies {
        let values = result.values.values_mut().map(|value| &mut value.mod_policy);
        let policies = result.policies.values_mut().map(|policy| &mut policy.mod_policy);
        let all = values.chain(policies).chain([&mut result.mod_policy]);
        // In channels of Fabric 1.0, some elements have no `mod_policy`, so nobody could change
        // them.
        all.filter(|name| name.is_empty()).for_each(|name| DEFAULT_MOD_POLICY.clone_into(name));
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nested groups with long names, and `values` values in the innermost one.
    fn deep(values: usize) -> ConfigGroup {
        let values = (0..values).map(|number| (format!("{number:05}"), ConfigValue::default()));
        let mut group = ConfigGroup { values: values.collect(), ..ConfigGroup::default() };
        for _ in 0..6 {
            let groups = [("g".repeat(MAX_NAME_BYTES), group)].into();
            group = ConfigGroup { groups, ..ConfigGroup::default() };
        }
        group
    }

    #[test]
    fn paths_of_all_elements_have_so_many_bytes() {
        let group = deep(2_700);
        assert_eq!(map(Some(&group)).unwrap().len(), 7 + 2_700);
        let text = map(Some(&deep(2_800))).unwrap_err().to_string();
        let expected = "more than 4194304 bytes in the paths of its elements";
        assert!(text.contains(expected), "{text}");
    }
}
