//! Computes the update that leads from one configuration to another. Fabric:
//! `internal/configtxlator/update/update.go`.
//!
//! Invariant: versions of the target are ignored; a changed element gets the next version of the
//! original.

use std::collections::BTreeMap;

use crate::configtx::error::ConfigTxError;
use wasmcc_types::proto::common::{Config, ConfigGroup, ConfigPolicy, ConfigUpdate, ConfigValue};

/// Computes the update of the channel `channel_id` that turns `original` into `updated`.
///
/// # Errors
/// The two do not differ, or one is empty.
pub fn compute_update(
    channel_id: &str,
    original: &Config,
    updated: &Config,
) -> Result<ConfigUpdate, ConfigTxError> {
    let missing = ConfigTxError::Missing;
    let original = original.channel_group.as_ref();
    let original = original.ok_or(missing("no channel group included for original config"))?;
    let updated = updated.channel_group.as_ref();
    let updated = updated.ok_or(missing("no channel group included for updated config"))?;
    let GroupDifference { read, write, differs } = compare_groups(original, updated);
    if !differs {
        return Err(ConfigTxError::NoDifference);
    }
    let channel_id = channel_id.to_owned();
    Ok(ConfigUpdate { channel_id, read_set: Some(read), write_set: Some(write) })
}

/// The part of an update for one group.
struct GroupDifference {
    read: ConfigGroup,
    write: ConfigGroup,
    differs: bool,
}

/// The values, policies or groups of one group in an update.
struct Members<T> {
    /// Groups in which an element changes; no values or policies.
    read: BTreeMap<String, T>,
    write: BTreeMap<String, T>,
    /// Unchanged elements, reduced to their version. The update names them only if it changes the
    /// group itself.
    same: BTreeMap<String, T>,
    /// True if members were added or removed.
    changed: bool,
}

/// Values and policies.
trait Leaf: Clone {
    fn version(&self) -> u64;
    fn is_same(&self, other: &Self) -> bool;
    fn with_version(&self, version: u64) -> Self;
    fn only_version(version: u64) -> Self;
}

impl Leaf for ConfigValue {
    fn version(&self) -> u64 {
        self.version
    }

    fn is_same(&self, other: &Self) -> bool {
        self.mod_policy == other.mod_policy && self.value == other.value
    }

    fn with_version(&self, version: u64) -> Self {
        Self { version, ..self.clone() }
    }

    fn only_version(version: u64) -> Self {
        Self { version, ..Self::default() }
    }
}

impl Leaf for ConfigPolicy {
    fn version(&self) -> u64 {
        self.version
    }

    fn is_same(&self, other: &Self) -> bool {
        self.mod_policy == other.mod_policy && self.policy == other.policy
    }

    fn with_version(&self, version: u64) -> Self {
        Self { version, ..self.clone() }
    }

    fn only_version(version: u64) -> Self {
        Self { version, ..Self::default() }
    }
}

fn compare_leaves<T: Leaf>(
    original: &BTreeMap<String, T>,
    updated: &BTreeMap<String, T>,
) -> Members<T> {
    let changed = !original.keys().eq(updated.keys());
    let (mut write, mut same) = (BTreeMap::new(), BTreeMap::new());
    for (name, new) in updated {
        match original.get(name) {
            Some(old) if old.is_same(new) => {
                same.insert(name.clone(), T::only_version(old.version()));
            }
            Some(old) => {
                write.insert(name.clone(), new.with_version(old.version().saturating_add(1)));
            }
            None => {
                write.insert(name.clone(), new.with_version(0));
            }
        }
    }
    Members { read: BTreeMap::new(), write, same, changed }
}

fn compare_sub_groups(
    original: &BTreeMap<String, ConfigGroup>,
    updated: &BTreeMap<String, ConfigGroup>,
) -> Members<ConfigGroup> {
    let mut members = Members {
        read: BTreeMap::new(),
        write: BTreeMap::new(),
        same: BTreeMap::new(),
        changed: !original.keys().eq(updated.keys()),
    };
    for (name, new) in updated {
        let Some(old) = original.get(name) else {
            let write = compare_groups(&ConfigGroup::default(), new).write;
            let mod_policy = new.mod_policy.clone();
            let write = ConfigGroup { version: 0, mod_policy, ..write };
            members.write.insert(name.clone(), write);
            continue;
        };
        let GroupDifference { read, write, differs } = compare_groups(old, new);
        if differs {
            members.read.insert(name.clone(), read);
            members.write.insert(name.clone(), write);
        } else {
            members.same.insert(name.clone(), read);
        }
    }
    members
}

fn compare_groups(original: &ConfigGroup, updated: &ConfigGroup) -> GroupDifference {
    let mut policies = compare_leaves(&original.policies, &updated.policies);
    let mut values = compare_leaves(&original.values, &updated.values);
    let mut groups = compare_sub_groups(&original.groups, &updated.groups);
    let group_differs = policies.changed
        || values.changed
        || groups.changed
        || original.mod_policy != updated.mod_policy;
    let below = !policies.write.is_empty() || !values.write.is_empty() || !groups.write.is_empty();
    let version = original.version;
    let (mut write_version, mut mod_policy) = (version, String::new());
    if group_differs {
        // If the group itself changes, for example its list of members, the update names all
        // members.
        for (name, policy) in std::mem::take(&mut policies.same) {
            policies.read.insert(name.clone(), policy.clone());
            policies.write.insert(name, policy);
        }
        for (name, value) in std::mem::take(&mut values.same) {
            values.read.insert(name.clone(), value.clone());
            values.write.insert(name, value);
        }
        for (name, group) in std::mem::take(&mut groups.same) {
            groups.read.insert(name.clone(), group.clone());
            groups.write.insert(name, group);
        }
        write_version = version.saturating_add(1);
        mod_policy.clone_from(&updated.mod_policy);
    }
    let read = ConfigGroup {
        version,
        groups: groups.read,
        values: values.read,
        policies: policies.read,
        mod_policy: String::new(),
    };
    let write = ConfigGroup {
        version: write_version,
        groups: groups.write,
        values: values.write,
        policies: policies.write,
        mod_policy,
    };
    GroupDifference { read, write, differs: group_differs || below }
}
