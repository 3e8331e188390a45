//! Maintenance mode: how a channel's orderers get another type of consensus. Fabric:
//! `orderer/common/msgprocessor/maintenancefilter.go`, of 2.5. The texts are Fabric's.
//!
//! Does not decide who may use the channel meanwhile: `msg_processor` does.

use wasmcc_channel::configtx::open_update;
use wasmcc_msp::ChannelConfig;
use wasmcc_types::proto::common::{ConfigGroup, ConfigUpdate, Envelope};
use wasmcc_types::proto::orderer::ConsensusType;
use wasmcc_types::proto::orderer::consensus_type::State;
use wasmcc_types::{DEFINITION_FIELDS, decode_bounded};

/// The types of consensus that a channel may get.
const TARGETS: [&str; 3] = ["etcdraft", "solo", "kafka"];
const NORMAL: i32 = State::Normal as i32;

/// Whether transactions are refused because the orderers are in maintenance mode. Fabric:
/// `standardchannel.go`, `ProcessNormalMsg`.
pub(crate) fn refuses_transactions(config: &ChannelConfig) -> bool {
    let is_normal = |consensus: &ConsensusType| consensus.state == NORMAL;
    config.orderer_capabilities().v1_4_2 && !config.consensus().is_none_or(is_normal)
}

/// Checks that an update changes the consensus only as maintenance mode allows it.
pub(crate) fn check(
    current: &ChannelConfig,
    next: &ChannelConfig,
    update: &Envelope,
) -> Result<(), String> {
    let Some(from) = current.consensus() else { return Ok(()) };
    let to = next.consensus().ok_or("next config is missing orderer group")?;
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
    write_set: impl FnOnce() -> Result<ConfigGroup, String>,
) -> Result<(), String> {
    let types = format!("from {} to {}", from.r#type, to.r#type);
    let states = format!("from {} to {}", state_name(from), state_name(to));
    let (same_type, same_state) = (from.r#type == to.r#type, from.state == to.state);
    if !has_maintenance {
        let attempted = "next config attempted to change ConsensusType";
        if to.state != NORMAL {
            let state = state_name(to);
            return Err(format!("{attempted}.State to {state}, but capability is disabled"));
        }
        if !same_type {
            return Err(format!("{attempted}.Type {types}, but capability is disabled"));
        }
        return Ok(());
    }
    if !same_state {
        check_single_change(&write_set()?)?;
        let attempted = "attempted to change ConsensusType";
        let but = format!("but ConsensusType.State is changing {states}");
        if !same_type {
            return Err(format!("{attempted}.Type {types}, {but}"));
        }
        if from.metadata != to.metadata {
            return Err(format!("{attempted}.Metadata, {but}"));
        }
    }
    if same_type {
        return Ok(());
    }
    let attempted = format!("attempted to change consensus type {types}");
    for (which, consensus) in [("current", from), ("next", to)] {
        if consensus.state == NORMAL {
            return Err(format!(
                "{attempted}, but {which} config ConsensusType.State is not in maintenance mode"
            ));
        }
    }
    if !TARGETS.contains(&to.r#type.as_str()) {
        return Err(format!("{attempted}, transition not supported"));
    }
    // Who the orderers are is for those to read that order by it.
    if to.r#type == "etcdraft" {
        decode_bounded::<()>(to.metadata.as_slice(), DEFINITION_FIELDS).map_err(|error| {
            format!("failed to unmarshal etcdraft metadata configuration: {error}")
        })?;
    }
    Ok(())
}

fn state_name(consensus: &ConsensusType) -> String {
    let state = State::try_from(consensus.state);
    state.map_or_else(|_| consensus.state.to_string(), |state| state.as_str_name().to_owned())
}

/// Entering and leaving the mode may not be accompanied by other changes. Fabric:
/// `ensureConsensusTypeChangeOnly`.
fn check_single_change(written: &ConfigGroup) -> Result<(), String> {
    if written.groups.is_empty() {
        return Err("config update contains no changes".to_owned());
    }
    if !written.values.is_empty() {
        return Err("config update contains changes to values in group Channel".to_owned());
    }
    if written.groups.len() > 1 {
        return Err("config update contains changes to more than one group".to_owned());
    }
    let Some(orderer) = written.groups.get("Orderer") else {
        return Err("update does not contain the Orderer group".to_owned());
    };
    if !orderer.groups.is_empty() {
        return Err("config update contains changes to groups within the Orderer group".to_owned());
    }
    if !orderer.values.contains_key("ConsensusType") {
        return Err("config update does not contain the ConsensusType value".to_owned());
    }
    if orderer.values.len() > 1 {
        let text = "config update contain more then just the ConsensusType value in the Orderer \
                    group";
        return Err(text.to_owned());
    }
    Ok(())
}

fn write_set(update: &Envelope) -> Result<ConfigGroup, String> {
    let update = open_update(update)
        .map_err(|error| format!("envelope to config update unmarshalling error: {error}"))?;
    let update: ConfigUpdate =
        decode_bounded(update.config_update.as_slice(), DEFINITION_FIELDS)
            .map_err(|error| format!("config update unmarshalling error: {error}"))?;
    Ok(update.write_set.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_types::proto::common::ConfigValue;

    const MAINTENANCE: i32 = State::Maintenance as i32;
    /// Does not parse.
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

    /// A write set with these values of the orderer.
    fn written(names: &[&str]) -> ConfigGroup {
        let groups = [("Orderer".to_owned(), values(names))].into();
        ConfigGroup { groups, ..ConfigGroup::default() }
    }

    fn inspected(from: &ConsensusType, to: &ConsensusType, has_maintenance: bool) -> String {
        let inspected = inspect(from, to, has_maintenance, || Ok(written(&["ConsensusType"])));
        inspected.err().unwrap_or_default()
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
            assert_eq!(inspect(MAINTENANCE, NORMAL).unwrap_err(), text);
            assert_eq!(inspect(NORMAL, MAINTENANCE).unwrap_err(), text);
            inspect(MAINTENANCE, MAINTENANCE).unwrap();
        }
    }
}
