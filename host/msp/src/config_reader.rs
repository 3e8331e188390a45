//! Reads the values of a channel's configuration, and sets up its organizations.
//!
//! Does not know what the configuration is for: `channel_config` does.

use std::collections::BTreeMap;
use std::sync::Arc;

use prost::Message;

use crate::batch_limits::BatchLimits;
use crate::channel_config::{ConfigError, OrgEntry};
use crate::error::MspError;
use crate::membership::Msp;
use crate::policy::PolicyManager;
use crate::setup_limits::{
    Checks, MAX_CHECKS, MAX_CHECKS_OF_ORG, MAX_ORGS, MAX_POLICY_PARTS, check_elements, check_lists,
};
use crate::shared_msps::SHARED;
use wasmcc_types::proto::common::{Capabilities, ConfigGroup};
use wasmcc_types::proto::msp::{FabricMspConfig, MspConfig};
use wasmcc_types::proto::orderer::{BatchSize, BatchTimeout};
use wasmcc_types::{DEFINITION_FIELDS, decode_bounded, duration, sha256};

/// Reads one configuration.
pub(crate) struct ConfigReader {
    is_limited: bool,
    /// By MSP id, with the SHA-256 of their configurations.
    msps: BTreeMap<String, ([u8; 32], Arc<Msp>)>,
    orgs: usize,
    checks: u64,
}

impl ConfigReader {
    /// Refuses what exceeds the limits of organizations and policies.
    pub(crate) fn limited() -> Self {
        Self { is_limited: true, msps: BTreeMap::new(), orgs: 0, checks: 0 }
    }

    pub(crate) fn unlimited() -> Self {
        Self { is_limited: false, ..Self::limited() }
    }

    /// Checks the size of the whole configuration, before any of it is read.
    pub(crate) fn check_size(&self, root: &ConfigGroup) -> Result<(), ConfigError> {
        if self.is_limited { check_elements(root) } else { Ok(()) }
    }

    /// The organizations that were read.
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
    /// everywhere (Fabric: common/channelconfig/msp.go, `ProposeMSP`).
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

    /// Returns the organization that another configuration has already, or sets it up. The verdict
    /// is the same.
    fn msp(&self, hash: [u8; 32], config: &FabricMspConfig) -> Result<Arc<Msp>, MspError> {
        let mut checks = Checks::unlimited();
        if self.is_limited {
            check_lists(config)?;
            checks = Checks::up_to(MAX_CHECKS_OF_ORG);
        }
        if let Some(msp) = SHARED.get(&hash) {
            checks.verdict_of(msp.setup_checks())?;
            return Ok(msp);
        }
        let msp = Arc::new(Msp::set_up(config, &mut checks)?);
        SHARED.insert(hash, &msp);
        Ok(msp)
    }

    pub(crate) fn batch_limits(&self, orderer: &ConfigGroup) -> Result<BatchLimits, ConfigError> {
        let mut limits = BatchLimits::default();
        if let Some(size) = self.value::<BatchSize>(orderer, "BatchSize")? {
            let BatchSize { max_message_count, absolute_max_bytes, preferred_max_bytes } = size;
            if max_message_count == 0 || preferred_max_bytes == 0 || absolute_max_bytes == 0 {
                return Err(ConfigError::Value { what: "BatchSize", value: format!("{size:?}") });
            }
            if preferred_max_bytes > absolute_max_bytes {
                let value =
                    format!("{preferred_max_bytes} preferred of {absolute_max_bytes} bytes");
                return Err(ConfigError::Value { what: "BatchSize", value });
            }
            limits.max_message_count = max_message_count;
            limits.absolute_max_bytes = absolute_max_bytes;
            limits.preferred_max_bytes = preferred_max_bytes;
        }
        if let Some(BatchTimeout { timeout }) = self.value(orderer, "BatchTimeout")? {
            limits.timeout = duration::parse(&timeout)
                .filter(|timeout| !timeout.is_zero())
                .ok_or(ConfigError::Value { what: "BatchTimeout", value: timeout })?;
        }
        Ok(limits)
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
    use crate::Network;
    use crate::NetworkSpec;
    use crate::application_org;

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
