//! Limits of a channel's configuration: its elements, the lists of an MSP, and the number of
//! signature checks for setting up the organizations.
//!
//! The limits apply to updates and genesis blocks. They do not apply to a configuration in force,
//! because a peer has to open what it has committed.
//!
//! Invariant: verdicts depend only on the bytes of a configuration, so all peers agree.

use crate::channel_config::ConfigError;
use crate::error::MspError;
use wasmcc_types::proto::common::ConfigGroup;
use wasmcc_types::proto::msp::FabricMspConfig;

/// Limit on the groups, values and policies of a configuration; a channel of a hundred
/// organizations has about a thousand.
const MAX_ELEMENTS: usize = 20_000;
/// Limit on the bytes in the paths of all elements. Every path repeats the names of the groups
/// above, which are in the configuration once.
const MAX_PATH_BYTES: usize = 4 << 20;
/// Length of `/Channel`, the path of the root group, in bytes.
const ROOT_BYTES: usize = 8;
/// Limit on the entries of each list of an MSP. Organizations have a handful of CAs.
pub(crate) const MAX_ENTRIES: usize = 100;
/// Limit on the organizations of a configuration; one that is in two groups counts twice.
pub(crate) const MAX_ORGS: usize = 1_000;
/// Limit on the signature checks for setting up one organization. Two levels of CAs and a hundred
/// entries in each list take 700.
pub(crate) const MAX_CHECKS_OF_ORG: u64 = 1_000;
/// Limit on these checks for all organizations of a configuration.
pub(crate) const MAX_CHECKS: u64 = 10_000;
/// Limit on the rules and principals in all policies of a configuration. A thousand organizations
/// made by Fabric's tools have 20,000.
pub(crate) const MAX_POLICY_PARTS: usize = 200_000;
/// Hashing this many signed bytes takes as long as the rest of a check.
const BYTES_OF_CHECK: usize = 64 * 1024;

/// Counts the signature checks for setting up an organization.
#[derive(Debug)]
pub(crate) struct Checks {
    taken: u64,
    most: u64,
}

impl Checks {
    /// No limit: for a configuration in force, a peer's own organization and identities.
    pub(crate) fn unlimited() -> Self {
        Self::up_to(u64::MAX)
    }

    /// Allows at most `most` checks.
    pub(crate) fn up_to(most: u64) -> Self {
        Self { taken: 0, most }
    }

    /// Counts the check of a signature over `signed_bytes` bytes.
    pub(crate) fn count(&mut self, signed_bytes: usize) {
        let further = u64::try_from(signed_bytes / BYTES_OF_CHECK).unwrap_or(u64::MAX);
        self.taken = self.taken.saturating_add(1).saturating_add(further);
    }

    /// Fails if the limit was exceeded.
    pub(crate) fn verdict(&self) -> Result<(), MspError> {
        self.verdict_of(self.taken)
    }

    /// Fails if `taken` checks exceed the limit.
    pub(crate) fn verdict_of(&self, taken: u64) -> Result<(), MspError> {
        match taken > self.most {
            true => Err(MspError::TooManyChecks { limit: self.most }),
            false => Ok(()),
        }
    }

    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }
}

/// Refuses a configuration with too many elements or too long paths.
pub(crate) fn check_elements(root: &ConfigGroup) -> Result<(), ConfigError> {
    let mut count = ElementCount::default();
    let counted = count.add(ROOT_BYTES).and_then(|()| count.add_members(root, ROOT_BYTES));
    counted.map_err(|TooMany { what, limit }| ConfigError::TooLarge { what, limit })
}

/// Counts the elements of a configuration, up to the limit.
#[derive(Debug, Default)]
pub struct ElementCount {
    elements: usize,
    path_bytes: usize,
}

/// A configuration exceeds a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// The kind of item that exceeds it.
    pub what: &'static str,
    /// The limit.
    pub limit: usize,
}

impl ElementCount {
    /// The recursion is as deep as the decoder allows.
    fn add_members(&mut self, group: &ConfigGroup, path: usize) -> Result<(), TooMany> {
        for name in group.values.keys().chain(group.policies.keys()) {
            self.add(path + 1 + name.len())?;
        }
        for (name, group) in &group.groups {
            let path = path + 1 + name.len();
            self.add(path)?;
            self.add_members(group, path)?;
        }
        Ok(())
    }

    /// Adds an element whose path, from `/Channel` on, has `path` bytes.
    ///
    /// # Errors There are too many elements, or their paths are too long.
    pub fn add(&mut self, path: usize) -> Result<(), TooMany> {
        self.elements += 1;
        self.path_bytes += path;
        if self.elements > MAX_ELEMENTS {
            return Err(TooMany { what: "elements", limit: MAX_ELEMENTS });
        }
        if self.path_bytes > MAX_PATH_BYTES {
            let what = "bytes in the paths of its elements";
            return Err(TooMany { what, limit: MAX_PATH_BYTES });
        }
        Ok(())
    }
}

/// Refuses an MSP with a list that is too long.
pub(crate) fn check_lists(config: &FabricMspConfig) -> Result<(), MspError> {
    let lists = [
        ("root CAs", config.root_certs.len()),
        ("intermediate CAs", config.intermediate_certs.len()),
        ("TLS root CAs", config.tls_root_certs.len()),
        ("TLS intermediate CAs", config.tls_intermediate_certs.len()),
        ("revocation lists", config.revocation_list.len()),
        ("admins", config.admins.len()),
        ("organizational units", config.organizational_unit_identifiers.len()),
    ];
    for (what, count) in lists {
        if count > MAX_ENTRIES {
            let rule = format!(
                "it has {count} {what}, and an organization may have {MAX_ENTRIES}: remove those \
                 that nobody needs any more"
            );
            return Err(MspError::Config { msp_id: config.name.clone(), rule });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_over_many_bytes_count_as_several() {
        let mut checks = Checks::up_to(4);
        checks.count(1_000);
        checks.count(2 * BYTES_OF_CHECK);
        assert_eq!(checks.taken(), 4);
        checks.verdict().unwrap();
        checks.count(0);
        let error = checks.verdict().unwrap_err().to_string();
        assert!(error.contains("more than 4 checks of signatures"), "{error}");
        checks.count(usize::MAX);
        checks.count(usize::MAX);
        checks.verdict().unwrap_err();
        Checks::unlimited().verdict_of(u64::MAX).unwrap();
    }
}
