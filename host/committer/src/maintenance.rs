//! Maintenance mode, which allows a channel to change its type of consensus. Fabric:
//! `orderer/common/msgprocessor/maintenancefilter.go`, of 2.5. The texts are Fabric's.
//!
//! Does not decide who may use the channel in this mode: `msg_processor` does.

use std::fmt;

use prost::DecodeError;

use wasmcc_channel::configtx::{ConfigTxError, open_update};
use wasmcc_msp::ChannelConfig;
use wasmcc_types::proto::common::{ConfigGroup, ConfigUpdate, Envelope};
use wasmcc_types::proto::orderer::ConsensusType;
use wasmcc_types::proto::orderer::consensus_type::State;
use wasmcc_types::{DEFINITION_FIELDS, decode_bounded};

/// The types of consensus to which a channel may change.
const TARGETS: [&str; 3] = ["etcdraft", "solo", "kafka"];
const NORMAL: i32 = State::Normal as i32;

/// How a value changes.
#[derive(Debug)]
pub struct Change {
    from: String,
    to: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from {} to {}", self.from, self.to)
    }
}

/// The reason why maintenance mode does not allow an update.
#[derive(Debug, thiserror::Error)]
pub enum MaintenanceError {
    /// The next configuration has no consensus.
    #[error("next config is missing orderer group")]
    NoOrdererGroup,
    /// The channel does not have the capability; the state.
    #[error(
        "next config attempted to change ConsensusType.State to {0}, but capability is disabled"
    )]
    StateNotCapable(String),
    /// The channel does not have the capability; the types.
    #[error("next config attempted to change ConsensusType.Type {0}, but capability is disabled")]
    TypeNotCapable(Change),
    /// The type changes together with the state.
    #[error(
        "attempted to change ConsensusType.Type {types}, but ConsensusType.State is changing \
         {states}"
    )]
    TypeWithState {
        /// The types of consensus.
        types: Change,
        /// The states.
        states: Change,
    },
    /// The metadata changes together with the state; the states.
    #[error("attempted to change ConsensusType.Metadata, but ConsensusType.State is changing {0}")]
    MetadataWithState(Change),
    /// The type changes, and one of both configurations is not in maintenance mode.
    #[error(
        "attempted to change consensus type {types}, but {which} config ConsensusType.State is \
         not in maintenance mode"
    )]
    NotInMaintenance {
        /// The types of consensus.
        types: Change,
        /// The current or the next one.
        which: &'static str,
    },
    /// There is no such transition; the types.
    #[error("attempted to change consensus type {0}, transition not supported")]
    NotSupported(Change),
    /// The metadata of the new type is malformed.
    #[error("failed to unmarshal etcdraft metadata configuration: {0}")]
    Metadata(DecodeError),
    /// The update changes nothing.
    #[error("config update contains no changes")]
    NoChanges,
    /// The update changes values of the channel.
    #[error("config update contains changes to values in group Channel")]
    ChannelValues,
    /// The update changes several groups.
    #[error("config update contains changes to more than one group")]
    SeveralGroups,
    /// The update changes another group than the orderers'.
    #[error("update does not contain the Orderer group")]
    OtherGroup,
    /// The update changes groups of the orderers.
    #[error("config update contains changes to groups within the Orderer group")]
    GroupsOfOrderer,
    /// The update changes another value than the consensus.
    #[error("config update does not contain the ConsensusType value")]
    NoConsensusType,
    /// The update changes further values of the orderers.
    #[error("config update contain more then just the ConsensusType value in the Orderer group")]
    MoreThanConsensusType,
    /// The envelope does not contain an update.
    #[error("envelope to config update unmarshalling error: {0}")]
    Envelope(Box<ConfigTxError>),
    /// The update is malformed.
    #[error("config update unmarshalling error: {0}")]
    Update(DecodeError),
}

/// True if transactions are refused because the orderers are in maintenance mode. Fabric:
/// `standardchannel.go`, `ProcessNormalMsg`.
pub(crate) fn refuses_transactions(config: &ChannelConfig) -> bool {
    let is_normal = |consensus: &ConsensusType| consensus.state == NORMAL;
    config.orderer_capabilities().v1_4_2 && !config.consensus().is_none_or(is_normal)
}

/// Checks that an update changes the consensus only as maintenance mode allows.
pub(crate) fn check(
    current: &ChannelConfig,
    next: &ChannelConfig,
    update: &Envelope,
) -> Result<(), MaintenanceError> {
    let Some(from) = current.consensus() else { return Ok(()) };
    let to = next.consensus().ok_or(MaintenanceError::NoOrdererGroup)?;
    inspect(from, to, current.orderer_capabilities().v1_4_2, || write_set(update))?;
    if from.state != to.state {
        let (channel, state) = (current.channel_id(), state_name(to));
        tracing::info!(%channel, state, "the state of the consensus is about to change");
    }
    Ok(())
}

fn inspect(
    from: &ConsensusType,
    to: &ConsensusType,
    has_maintenance: bool,
    write_set: impl FnOnce() -> Result<ConfigGroup, MaintenanceError>,
) -> Result<(), MaintenanceError> {
    let types = || Change { from: from.r#type.clone(), to: to.r#type.clone() };
    let states = || Change { from: state_name(from), to: state_name(to) };
    let (same_type, same_state) = (from.r#type == to.r#type, from.state == to.state);
    if !has_maintenance {
        if to.state != NORMAL {
            return Err(MaintenanceError::StateNotCapable(state_name(to)));
        }
        if !same_type {
            return Err(MaintenanceError::TypeNotCapable(types()));
        }
        return Ok(());
    }
    if !same_state {
        check_single_change(&write_set()?)?;
        if !same_type {
            return Err(MaintenanceError::TypeWithState { types: types(), states: states() });
        }
        if from.metadata != to.metadata {
            return Err(MaintenanceError::MetadataWithState(states()));
        }
    }
    if same_type {
        return Ok(());
    }
    for (which, consensus) in [("current", from), ("next", to)] {
        if consensus.state == NORMAL {
            return Err(MaintenanceError::NotInMaintenance { types: types(), which });
        }
    }
    if !TARGETS.contains(&to.r#type.as_str()) {
        return Err(MaintenanceError::NotSupported(types()));
    }
    // The list of consenters is not interpreted: this orderer does not run Raft.
    if to.r#type == "etcdraft" {
        decode_bounded::<()>(to.metadata.as_slice(), DEFINITION_FIELDS)
            .map_err(MaintenanceError::Metadata)?;
    }
    Ok(())
}

fn state_name(consensus: &ConsensusType) -> String {
    let state = State::try_from(consensus.state);
    state.map_or_else(|_| consensus.state.to_string(), |state| state.as_str_name().to_owned())
}

/// An update that enters or leaves the mode must not change anything else. Fabric:
/// `ensureConsensusTypeChangeOnly`.
fn check_single_change(written: &ConfigGroup) -> Result<(), MaintenanceError> {
    if written.groups.is_empty() {
        return Err(MaintenanceError::NoChanges);
    }
    if !written.values.is_empty() {
        return Err(MaintenanceError::ChannelValues);
    }
    if written.groups.len() > 1 {
        return Err(MaintenanceError::SeveralGroups);
    }
    let Some(orderer) = written.groups.get("Orderer") else {
        return Err(MaintenanceError::OtherGroup);
    };
    if !orderer.groups.is_empty() {
        return Err(MaintenanceError::GroupsOfOrderer);
    }
    if !orderer.values.contains_key("ConsensusType") {
        return Err(MaintenanceError::NoConsensusType);
    }
    if orderer.values.len() > 1 {
        return Err(MaintenanceError::MoreThanConsensusType);
    }
    Ok(())
}

fn write_set(update: &Envelope) -> Result<ConfigGroup, MaintenanceError> {
    let update =
        open_update(update).map_err(|error| MaintenanceError::Envelope(Box::new(error)))?;
    let update: ConfigUpdate = decode_bounded(update.config_update.as_slice(), DEFINITION_FIELDS)
        .map_err(MaintenanceError::Update)?;
    Ok(update.write_set.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_types::proto::common::ConfigValue;

    const MAINTENANCE: i32 = State::Maintenance as i32;
    /// Bytes that do not parse.
    const BOGUS: &[u8] = &[1, 2, 3, 4];

    fn consensus(name: &str, state: i32, metadata: &[u8]) -> ConsensusType {
        ConsensusType { r#type: name.to_owned(), metadata: metadata.to_vec(), state }
    }

    fn kafka(state: i32) -> ConsensusType {
        consensus("kafka", state, &[])
    }

    fn values(names: &[&str]) -> ConfigGroup {
        let values = names.iter().map(|name| ((*name).to_owned(), ConfigValue::default()));
        ConfigGroup { values: values.collect(), ..ConfigGroup::default() }
    }

    /// A write set with these values of the Orderer group.
    fn written(names: &[&str]) -> ConfigGroup {
        let groups = [("Orderer".to_owned(), values(names))].into();
        ConfigGroup { groups, ..ConfigGroup::default() }
    }

    fn inspected(from: &ConsensusType, to: &ConsensusType, has_maintenance: bool) -> String {
        let inspected = inspect(from, to, has_maintenance, || Ok(written(&["ConsensusType"])));
        inspected.map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn without_the_capability_nothing_changes() {
        // Fabric: maintenancefilter_test.go, `TestMaintenanceDisabled`.
        let from = kafka(NORMAL);
        assert_eq!(inspected(&from, &from, false), "");
        assert_eq!(
            inspected(&from, &kafka(MAINTENANCE), false),
            "next config attempted to change ConsensusType.State to STATE_MAINTENANCE, but \
             capability is disabled"
        );
        assert_eq!(
            inspected(&from, &consensus("solo", NORMAL, &[]), false),
            "next config attempted to change ConsensusType.Type from kafka to solo, but capability \
             is disabled"
        );
    }

    #[test]
    fn the_mode_is_entered_used_and_left_step_by_step() {
        // `TestMaintenanceInspectEntry`, `TestMaintenanceInspectChange`,
        // `TestMaintenanceInspectExit` and `TestMaintenanceMissingConsensusType`.
        let raft = |state| consensus("etcdraft", state, &[]);
        let bogus = |state| consensus("etcdraft", state, BOGUS);
        let other = |state| consensus("kafka", state, &[0x0a, 0x00]);
        let from_kafka = "attempted to change consensus type from kafka to";
        let cases = [
            (kafka(NORMAL), kafka(MAINTENANCE), String::new()),
            (
                kafka(NORMAL),
                bogus(MAINTENANCE),
                "attempted to change ConsensusType.Type from kafka to etcdraft, but \
                 ConsensusType.State is changing from STATE_NORMAL to STATE_MAINTENANCE"
                    .to_owned(),
            ),
            (
                kafka(NORMAL),
                other(MAINTENANCE),
                "attempted to change ConsensusType.Metadata, but ConsensusType.State is changing \
                 from STATE_NORMAL to STATE_MAINTENANCE"
                    .to_owned(),
            ),
            (
                kafka(NORMAL),
                bogus(NORMAL),
                format!(
                    "{from_kafka} etcdraft, but current config ConsensusType.State is not in \
                     maintenance mode"
                ),
            ),
            (kafka(NORMAL), other(NORMAL), String::new()),
            (kafka(MAINTENANCE), raft(MAINTENANCE), String::new()),
            (kafka(MAINTENANCE), kafka(MAINTENANCE), String::new()),
            (kafka(MAINTENANCE), kafka(NORMAL), String::new()),
            (
                kafka(MAINTENANCE),
                consensus("unsupported", MAINTENANCE, BOGUS),
                format!("{from_kafka} unsupported, transition not supported"),
            ),
            (
                kafka(MAINTENANCE),
                raft(NORMAL),
                "attempted to change ConsensusType.Type from kafka to etcdraft, but \
                 ConsensusType.State is changing from STATE_MAINTENANCE to STATE_NORMAL"
                    .to_owned(),
            ),
            (raft(MAINTENANCE), raft(NORMAL), String::new()),
            (
                raft(MAINTENANCE),
                kafka(NORMAL),
                "attempted to change ConsensusType.Type from etcdraft to kafka, but \
                 ConsensusType.State is changing from STATE_MAINTENANCE to STATE_NORMAL"
                    .to_owned(),
            ),
        ];
        for (from, to, text) in cases {
            assert_eq!(inspected(&from, &to, true), text);
        }
        let text = inspected(&kafka(MAINTENANCE), &bogus(MAINTENANCE), true);
        assert!(text.starts_with("failed to unmarshal etcdraft metadata configuration"), "{text}");
    }

    #[test]
    fn the_mode_is_entered_and_left_without_other_changes() {
        // `TestMaintenanceInspectExit` and `TestMaintenanceExtra`.
        let one = || written(&["ConsensusType"]);
        let mut group = one();
        group.groups.insert("Consortiums".to_owned(), ConfigGroup::default());
        let value = ConfigGroup { values: values(&["Consortium"]).values, ..one() };
        let mut below = one();
        let orderer = below.groups.get_mut("Orderer").unwrap();
        orderer.groups.insert("OrdererMSP".to_owned(), ConfigGroup::default());
        let other =
            ConfigGroup { groups: [("Application".to_owned(), values(&[]))].into(), ..one() };
        let cases = [
            (ConfigGroup::default(), "config update contains no changes"),
            (value, "config update contains changes to values in group Channel"),
            (group, "config update contains changes to more than one group"),
            (other, "update does not contain the Orderer group"),
            (below, "config update contains changes to groups within the Orderer group"),
            (written(&["BatchSize"]), "config update does not contain the ConsensusType value"),
            (
                written(&["BatchSize", "ConsensusType"]),
                "config update contain more then just the ConsensusType value in the Orderer group",
            ),
        ];
        for (write_set, text) in cases {
            let inspect =
                |from, to| inspect(&kafka(from), &kafka(to), true, || Ok(write_set.clone()));
            assert_eq!(inspect(MAINTENANCE, NORMAL).unwrap_err().to_string(), text);
            assert_eq!(inspect(NORMAL, MAINTENANCE).unwrap_err().to_string(), text);
            inspect(MAINTENANCE, MAINTENANCE).unwrap();
        }
    }
}
