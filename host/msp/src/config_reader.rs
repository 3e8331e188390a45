//! Reads the values of a channel's configuration, and sets up its organizations.
//!
//! Does not know the meaning of the values: `channel_config` does.

use std::collections::BTreeMap;
use std::sync::Arc;

use prost::Message;

use crate::batch_limits::BatchLimits;
use crate::channel_config::{ConfigError, OrgEntry};
use crate::error::MspError;
use crate::membership::{Msp, MspVersion};
use crate::policy::PolicyManager;
use crate::setup_limits::{
    Checks, MAX_CHECKS, MAX_CHECKS_OF_ORG, MAX_ORGS, MAX_POLICY_PARTS, check_elements, check_lists,
};
use crate::shared_msps::SHARED;
use crate::tls_authorities;
use wasmcc_types::proto::common::{Capabilities, ConfigGroup};
use wasmcc_types::proto::msp::{FabricMspConfig, MspConfig};
use wasmcc_types::proto::orderer::{BatchSize, BatchTimeout};
use wasmcc_types::{DEFINITION_FIELDS, decode_bounded, duration, sha256};

/// Reads one configuration.
pub(crate) struct ConfigReader {
    is_limited: bool,
    is_new: bool,
    /// The rules of the organizations.
    version: MspVersion,
    /// By MSP id, with the SHA-256 of each organization's configuration.
    msps: BTreeMap<String, ([u8; 32], Arc<Msp>)>,
    orgs: usize,
    checks: u64,
}

impl ConfigReader {
    /// Refuses configurations that Fabric refuses or that exceed the limits.
    pub(crate) fn of_new() -> Self {
        let (version, msps) = (MspVersion::V1_4_3, BTreeMap::new());
        Self { is_limited: true, is_new: true, version, msps, orgs: 0, checks: 0 }
    }

    /// Refuses configurations that exceed the limits.
    pub(crate) fn limited() -> Self {
        Self { is_new: false, ..Self::of_new() }
    }

    pub(crate) fn unlimited() -> Self {
        Self { is_limited: false, ..Self::limited() }
    }

    /// True if the configuration is not in force yet.
    pub(crate) fn is_new(&self) -> bool {
        self.is_new
    }

    /// Sets the rules for organizations; by default the newest ones apply.
    pub(crate) fn with_version(self, version: MspVersion) -> Self {
        Self { version, ..self }
    }

    /// Checks the size of the whole configuration before reading it.
    pub(crate) fn check_size(&self, root: &ConfigGroup) -> Result<(), ConfigError> {
        if self.is_limited { check_elements(root) } else { Ok(()) }
    }

    /// Returns the organizations that were read.
    pub(crate) fn into_msps(self) -> impl Iterator<Item = Arc<Msp>> {
        self.msps.into_values().map(|(_, msp)| msp)
    }

    fn decode<M: Message + Default>(&self, what: &str, bytes: &[u8]) -> Result<M, ConfigError> {
        let most = if self.is_limited { DEFINITION_FIELDS } else { usize::MAX };
        decode_bounded(bytes, most)
            .map_err(|source| ConfigError::Decode { what: what.to_owned(), source })
    }

    pub(crate) fn value<M: Message + Default>(
        &self,
        group: &ConfigGroup,
        key: &str,
    ) -> Result<Option<M>, ConfigError> {
        let value = group.values.get(key);
        value.map(|value| self.decode(&format!("value {key}"), &value.value)).transpose()
    }

    pub(crate) fn capabilities(&self, group: &ConfigGroup) -> Result<Vec<String>, ConfigError> {
        let capabilities = self.value::<Capabilities>(group, "Capabilities")?.unwrap_or_default();
        Ok(capabilities.capabilities.into_keys().collect())
    }

    pub(crate) fn policies(&self, root: &ConfigGroup) -> Result<PolicyManager, ConfigError> {
        let most = if self.is_limited { MAX_POLICY_PARTS } else { usize::MAX };
        Ok(PolicyManager::with_parts(root, most)?)
    }

    /// Adds the MSPs of a group's organizations. An MSP may be in several groups if it is the same
    /// in all (Fabric: common/channelconfig/msp.go, `ProposeMSP`).
    pub(crate) fn orgs(
        &mut self,
        group_name: &str,
        group: &ConfigGroup,
    ) -> Result<Vec<OrgEntry>, ConfigError> {
        self.orgs += group.groups.len();
        if self.is_limited && self.orgs > MAX_ORGS {
            return Err(ConfigError::TooLarge { what: "organizations", limit: MAX_ORGS });
        }
        let mut entries = Vec::new();
        for (name, org) in &group.groups {
            if self.is_limited && !org.groups.is_empty() {
                return Err(ConfigError::SubGroups(group_name.to_owned()));
            }
            let path = format!("{group_name}/{name}");
            let config = self.value::<MspConfig>(org, "MSP")?.filter(|config| config.r#type == 0);
            let Some(config) = config else { return Err(ConfigError::NoMsp { org: path }) };
            let fabric: FabricMspConfig = self.decode(&format!("MSP of {path}"), &config.config)?;
            entries.push(OrgEntry { name: name.clone(), msp_id: fabric.name.clone() });
            let hash = sha256(&config.config);
            match self.msps.get(&fabric.name) {
                Some((known, _)) if *known == hash => {}
                Some(_) => return Err(ConfigError::ConflictingMsp(fabric.name)),
                None => {
                    let msp = self
                        .msp(hash, &fabric)
                        .map_err(|source| ConfigError::Msp { org: path, source })?;
                    self.checks = self.checks.saturating_add(msp.setup_checks());
                    self.msps.insert(fabric.name, (hash, msp));
                }
            }
            if self.is_limited && self.checks > MAX_CHECKS {
                let what = "checks of signatures that set up its organizations";
                let limit = usize::try_from(MAX_CHECKS).unwrap_or(usize::MAX);
                return Err(ConfigError::TooLarge { what, limit });
            }
        }
        Ok(entries)
    }

    /// Returns the organization if this process has it already, or sets it up. The verdict is the
    /// same.
    fn msp(&mut self, hash: [u8; 32], config: &FabricMspConfig) -> Result<Arc<Msp>, MspError> {
        let mut checks = Checks::unlimited();
        if self.is_limited {
            check_lists(config)?;
            checks = Checks::up_to(MAX_CHECKS_OF_ORG);
        }
        if self.is_new {
            // Checked each time: a shared organization may stem from an older configuration, where
            // this was not checked.
            let mut of_tls = Checks::up_to(MAX_CHECKS_OF_ORG);
            tls_authorities::check(config, &mut of_tls)?;
            self.checks = self.checks.saturating_add(of_tls.taken());
        }
        if let Some(msp) = SHARED.get(&(hash, self.version)) {
            checks.verdict_of(msp.setup_checks())?;
            return Ok(msp);
        }
        let msp = Arc::new(Msp::set_up(config, self.version, &mut checks)?);
        SHARED.insert((hash, self.version), &msp);
        Ok(msp)
    }

    /// Reads the limits of blocks. A value that is missing in a configuration in force has Fabric's
    /// default.
    pub(crate) fn batch_limits(&self, orderer: &ConfigGroup) -> Result<BatchLimits, ConfigError> {
        let usual = BatchLimits::default();
        let size = self.value(orderer, "BatchSize")?.unwrap_or(BatchSize {
            max_message_count: usual.max_message_count,
            absolute_max_bytes: usual.absolute_max_bytes,
            preferred_max_bytes: usual.preferred_max_bytes,
        });
        let timeout = self.value(orderer, "BatchTimeout")?;
        let timeout =
            timeout.unwrap_or_else(|| BatchTimeout { timeout: duration::format(usual.timeout) });
        BatchLimits::from_values(size, &timeout).map_err(ConfigError::Bundle)
    }
}

/// Fabric: common/channelconfig/bundle.go, `preValidate`.
pub(crate) fn check_orderer_capabilities(
    root: &ConfigGroup,
    orderer: &ConfigGroup,
    application: &ConfigGroup,
) -> Result<(), ConfigError> {
    let has = |group: &ConfigGroup| group.values.contains_key("Capabilities");
    let group = match has(orderer) {
        true => return Ok(()),
        false if has(root) => "channel",
        false if has(application) => "application",
        false => return Ok(()),
    };
    Err(ConfigError::NoOrdererCapabilities(group))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Network, NetworkSpec, application_org};

    #[test]
    fn all_organizations_together_take_so_many_checks() {
        let network = Network::in_memory(&NetworkSpec::default()).unwrap();
        let org = network.orgs()[0].msp_config();
        let taken = Msp::from_config(org).unwrap().setup_checks();
        assert!(taken > 0);
        let group = ConfigGroup {
            groups: [("Org1".to_owned(), application_org(org).unwrap())].into(),
            ..ConfigGroup::default()
        };
        let after = |checks, reader| ConfigReader { checks, ..reader }.orgs("Application", &group);
        after(MAX_CHECKS - taken, ConfigReader::limited()).unwrap();
        let error = after(MAX_CHECKS - taken + 1, ConfigReader::limited()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the configuration has more than 10000 checks of signatures that set up its \
             organizations"
        );
        after(MAX_CHECKS, ConfigReader::unlimited()).unwrap();
    }
}
