//! Capabilities: the rules that a channel uses.
//!
//! Does not distinguish versions that behave the same here.
//!
//! Invariant: unknown capabilities are refused; those of the Orderer group only in new
//! configurations.

use crate::channel_config::ConfigError;
use crate::membership::MspVersion;

const APPLICATION: [&str; 6] = ["V1_1", "V1_2", "V1_3", "V1_4_2", "V2_0", "V2_5"];
const CHANNEL: [&str; 6] = ["V1_1", "V1_3", "V1_4_2", "V1_4_3", "V2_0", "V3_0"];
const ORDERER: [&str; 3] = ["V1_1", "V1_4_2", "V2_0"];

/// The capabilities of a channel's Application group. Later ones include earlier ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApplicationCapabilities {
    /// Collections of private data, also in upgrades.
    pub v1_2: bool,
    /// Endorsement policies of single keys.
    pub v1_3: bool,
    /// Keeping the private data of invalid transactions.
    pub v1_4_2: bool,
    /// The `_lifecycle` of chaincode definitions.
    pub v2_0: bool,
    /// Purging private data.
    pub v2_5: bool,
}

impl ApplicationCapabilities {
    /// Fabric: common/capabilities/application.go, `NewApplicationProvider`.
    pub(crate) fn new(names: &[String]) -> Result<Self, ConfigError> {
        check("Application", &APPLICATION, names)?;
        let has = |wanted: &[&str]| names.iter().any(|name| wanted.contains(&name.as_str()));
        Ok(Self {
            v1_2: has(&["V1_2", "V1_3", "V1_4_2", "V2_0", "V2_5"]),
            v1_3: has(&["V1_3", "V1_4_2", "V2_0", "V2_5"]),
            v1_4_2: has(&["V1_4_2", "V2_0", "V2_5"]),
            v2_0: has(&["V2_0", "V2_5"]),
            v2_5: has(&["V2_5"]),
        })
    }
}

/// The capabilities of a channel as a whole. Later ones include earlier ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelCapabilities {
    /// The type of consensus may change, and each orderer organization has its endpoints.
    pub v1_4_2: bool,
    /// Byzantine fault tolerant orderers.
    pub v3_0: bool,
    /// The rules of the channel's organizations.
    pub(crate) msp_version: MspVersion,
}

impl ChannelCapabilities {
    /// Fabric: common/capabilities/channel.go, `NewChannelProvider`.
    pub(crate) fn new(names: &[String]) -> Result<Self, ConfigError> {
        check("Channel", &CHANNEL, names)?;
        let has = |wanted: &[&str]| names.iter().any(|name| wanted.contains(&name.as_str()));
        let msp_version = if has(&["V1_4_3", "V2_0", "V3_0"]) {
            MspVersion::V1_4_3
        } else if has(&["V1_3", "V1_4_2"]) {
            MspVersion::V1_3
        } else if has(&["V1_1"]) {
            MspVersion::V1_1
        } else {
            MspVersion::V1_0
        };
        let v1_4_2 = has(&["V1_4_2", "V1_4_3", "V2_0", "V3_0"]);
        Ok(Self { v1_4_2, v3_0: has(&["V3_0"]), msp_version })
    }
}

/// The capabilities of a channel's Orderer group. Later ones include earlier ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrdererCapabilities {
    /// Maintenance mode, in which the type of consensus may change.
    pub v1_4_2: bool,
}

impl OrdererCapabilities {
    /// Fabric: common/capabilities/orderer.go, `NewOrdererProvider`.
    pub(crate) fn new(names: &[String]) -> Self {
        Self { v1_4_2: names.iter().any(|name| matches!(name.as_str(), "V1_4_2" | "V2_0")) }
    }

    /// Refuses a group that requires an unknown capability.
    pub(crate) fn check(names: &[String]) -> Result<(), ConfigError> {
        check("Orderer", &ORDERER, names)
    }
}

fn check(group: &'static str, known: &[&str], names: &[String]) -> Result<(), ConfigError> {
    match names.iter().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(ConfigError::Capability { group, name: name.clone() }),
        None => Ok(()),
    }
}
