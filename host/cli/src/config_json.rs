//! Converts a channel's configuration to JSON, and back after an edit.
//!
//! Invariant: elements that were not edited keep their bytes, whether or not their content is
//! understood here.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow, bail};
use prost::Message;
use serde_json::{Map, Value, json};

use crate::output::hex;
use wasmcc_msp::SignaturePolicy;
use wasmcc_types::proto::common::implicit_meta_policy::Rule;
use wasmcc_types::proto::common::policy::PolicyType;
use wasmcc_types::proto::common::{
    Capabilities, Config, ConfigGroup, ConfigPolicy, ConfigValue, ImplicitMetaPolicy, Policy,
};
use wasmcc_types::proto::msp::{FabricMspConfig, MspConfig};
use wasmcc_types::proto::orderer::consensus_type::State;
use wasmcc_types::proto::orderer::{BatchSize, BatchTimeout, ConsensusType};
use wasmcc_types::proto::protos::{AcLs, AnchorPeer, AnchorPeers, ApiResource};
use wasmcc_types::unhex;

/// Limit on nested groups; channels have three levels.
const MAX_DEPTH: usize = 8;

/// The whole configuration.
pub(crate) fn config(config: &Config) -> Value {
    let root = config.channel_group.as_ref().map(group);
    json!({ "sequence": config.sequence, "channel_group": root })
}

/// One group and all below it.
pub(crate) fn group(group_: &ConfigGroup) -> Value {
    let groups: Map<_, _> =
        group_.groups.iter().map(|(name, below)| (name.clone(), group(below))).collect();
    let values: Map<_, _> =
        group_.values.iter().map(|(name, one)| (name.clone(), value(name, one))).collect();
    let policies: Map<_, _> =
        group_.policies.iter().map(|(name, one)| (name.clone(), policy(one))).collect();
    json!({
        "version": group_.version,
        "mod_policy": group_.mod_policy,
        "groups": groups,
        "values": values,
        "policies": policies,
    })
}

fn value(name: &str, value: &ConfigValue) -> Value {
    let content = content(name, &value.value).unwrap_or_else(|| hexadecimal(&value.value));
    json!({ "version": value.version, "mod_policy": value.mod_policy, "value": content })
}

fn hexadecimal(bytes: &[u8]) -> Value {
    json!({ "hex": hex(bytes) })
}

/// Returns the content of a value whose message is known.
fn content(name: &str, bytes: &[u8]) -> Option<Value> {
    Some(match name {
        "BatchSize" => {
            let size = BatchSize::decode(bytes).ok()?;
            json!({
                "max_message_count": size.max_message_count,
                "absolute_max_bytes": size.absolute_max_bytes,
                "preferred_max_bytes": size.preferred_max_bytes,
            })
        }
        "BatchTimeout" => json!(BatchTimeout::decode(bytes).ok()?.timeout),
        "Capabilities" => {
            let known = Capabilities::decode(bytes).ok()?.capabilities;
            json!(known.into_keys().collect::<Vec<_>>())
        }
        "ACLs" => {
            let acls = AcLs::decode(bytes).ok()?.acls;
            let policies = acls.into_iter().map(|(name, api)| (name, json!(api.policy_ref)));
            Value::Object(policies.collect())
        }
        "AnchorPeers" => {
            let peers = AnchorPeers::decode(bytes).ok()?.anchor_peers.into_iter();
            json!(peers.map(|at| json!({ "host": at.host, "port": at.port })).collect::<Vec<_>>())
        }
        "ConsensusType" => {
            let consensus = ConsensusType::decode(bytes).ok()?;
            let state = State::try_from(consensus.state).ok()?.as_str_name();
            let metadata = hexadecimal(&consensus.metadata);
            json!({ "type": consensus.r#type, "state": state, "metadata": metadata })
        }
        "MSP" => {
            let msp = MspConfig::decode(bytes).ok()?;
            let msp = FabricMspConfig::decode(msp.config.as_slice()).ok()?;
            json!({ "msp_id": msp.name, "hex": hex(bytes) })
        }
        _ => return None,
    })
}

/// Returns a policy as configtx.yaml has it: `MAJORITY Admins`, `OR('Org1MSP.admin')`.
fn policy(policy: &ConfigPolicy) -> Value {
    let content = policy.policy.as_ref().and_then(|policy| {
        match PolicyType::try_from(policy.r#type).ok()? {
            PolicyType::ImplicitMeta => {
                let meta = ImplicitMetaPolicy::decode(policy.value.as_slice()).ok()?;
                Some(json!(format!("{} {}", meta.rule().as_str_name(), meta.sub_policy)))
            }
            PolicyType::Signature => {
                let policy = SignaturePolicy::from_bytes(&policy.value).ok()?;
                Some(json!(policy.to_string()))
            }
            _ => None,
        }
    });
    let content = content.unwrap_or_else(|| {
        policy.policy.as_ref().map_or(Value::Null, |policy| hexadecimal(&policy.encode_to_vec()))
    });
    json!({ "version": policy.version, "mod_policy": policy.mod_policy, "policy": content })
}

/// Parses a file as JSON; None if it is a Fabric message: no block or configuration begins with a
/// brace.
pub(crate) fn as_json(bytes: &[u8]) -> Option<Result<Value>> {
    // Editors on Windows write a byte order mark first.
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let is_json = text.trim_ascii_start().starts_with(b"{");
    is_json.then(|| serde_json::from_slice(text).context("it is not JSON"))
}

/// Builds the configuration from edited JSON.
pub(crate) fn edited(original: &Config, json: &Value) -> Result<Config> {
    let root = original.channel_group.as_ref();
    check_members(json, &["sequence", "channel_group"], "the configuration")?;
    let json = json.get("channel_group").ok_or_else(|| anyhow!("there is no channel_group"))?;
    let channel_group = Some(read_group(root, json, "Channel", 0)?);
    Ok(Config { sequence: original.sequence, channel_group })
}

fn read_group(
    original: Option<&ConfigGroup>,
    json: &Value,
    path: &str,
    depth: usize,
) -> Result<ConfigGroup> {
    if depth == MAX_DEPTH {
        bail!("{path}: groups nest deeper than {MAX_DEPTH}");
    }
    check_members(json, &["version", "mod_policy", "groups", "values", "policies"], path)?;
    let object = |key: &str| match json.get(key) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(members)) => Ok(members.clone()),
        Some(_) => Err(anyhow!("{path}: `{key}` must be an object")),
    };
    let mut group = ConfigGroup {
        version: original.map_or(0, |original| original.version),
        mod_policy: mod_policy(json, path)?,
        ..ConfigGroup::default()
    };
    for (name, json) in object("groups")? {
        let below = original.and_then(|original| original.groups.get(&name));
        let read = read_group(below, &json, &format!("{path}/{name}"), depth + 1)?;
        group.groups.insert(name, read);
    }
    for (name, json) in object("values")? {
        let same = original.and_then(|original| original.values.get(&name));
        let same = same.filter(|known| value(&name, known) == json).cloned();
        let path = format!("{path}/{name}");
        let read = same.map_or_else(|| read_value(&name, &json, &path), Ok)?;
        group.values.insert(name, read);
    }
    for (name, json) in object("policies")? {
        let same = original.and_then(|original| original.policies.get(&name));
        let same = same.filter(|known| policy(known) == json).cloned();
        let path = format!("{path}/{name}");
        let read = same.map_or_else(|| read_policy(&json, &path), Ok)?;
        group.policies.insert(name, read);
    }
    Ok(group)
}

/// Refuses unknown members: an element under a mistyped name would otherwise count as removed.
fn check_members(json: &Value, known: &[&str], of: &str) -> Result<()> {
    let members = json.as_object().ok_or_else(|| anyhow!("{of}: expected an object"))?;
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => bail!("{of}: there is no `{name}` here, only {}", known.join(", ")),
        None => Ok(()),
    }
}

fn mod_policy(json: &Value, path: &str) -> Result<String> {
    let text = json.get("mod_policy").and_then(Value::as_str);
    Ok(text.ok_or_else(|| anyhow!("{path}: `mod_policy` must be a text"))?.to_owned())
}

fn read_value(name: &str, json: &Value, path: &str) -> Result<ConfigValue> {
    check_members(json, &["version", "mod_policy", "value"], path)?;
    let mod_policy = mod_policy(json, path)?;
    let content = json.get("value").ok_or_else(|| anyhow!("{path}: there is no `value`"))?;
    let value = read_content(name, content).with_context(|| format!("cannot read {path}"))?;
    Ok(ConfigValue { version: 0, value, mod_policy })
}

fn read_content(name: &str, json: &Value) -> Result<Vec<u8>> {
    if let Some(digits) = json.get("hex").and_then(Value::as_str) {
        let bytes = from_hex(digits)?;
        // Fields beside the digits are only shown: an edit of them is refused.
        let shown = content(name, &bytes).filter(|shown| shown.get("hex").is_some());
        return match shown.is_some_and(|shown| &shown == json) || is_hexadecimal(json) {
            true => Ok(bytes),
            false => bail!("`hex` has the whole value, and what is beside it differs"),
        };
    }
    let from = |json: &Value| json.clone();
    Ok(match name {
        "BatchSize" => {
            let known = ["max_message_count", "absolute_max_bytes", "preferred_max_bytes"];
            check_members(json, &known, "the value")?;
            let mut fields: BTreeMap<String, u32> = serde_json::from_value(from(json))?;
            let mut field =
                |name: &str| fields.remove(name).ok_or_else(|| anyhow!("there is no `{name}`"));
            let size = BatchSize {
                max_message_count: field("max_message_count")?,
                absolute_max_bytes: field("absolute_max_bytes")?,
                preferred_max_bytes: field("preferred_max_bytes")?,
            };
            size.encode_to_vec()
        }
        "BatchTimeout" => {
            BatchTimeout { timeout: serde_json::from_value(from(json))? }.encode_to_vec()
        }
        "Capabilities" => {
            let names: Vec<String> = serde_json::from_value(from(json))?;
            let capabilities = names.into_iter().map(|name| (name, Default::default())).collect();
            Capabilities { capabilities }.encode_to_vec()
        }
        "ACLs" => {
            let policies: BTreeMap<String, String> = serde_json::from_value(from(json))?;
            let acl = |(name, policy_ref)| (name, ApiResource { policy_ref });
            AcLs { acls: policies.into_iter().map(acl).collect() }.encode_to_vec()
        }
        "ConsensusType" => {
            check_members(json, &["type", "state", "metadata"], "the value")?;
            let text = |name: &str, field: &Value| {
                let text = field.as_str().ok_or_else(|| anyhow!("`{name}` must be a text"))?;
                Ok::<_, anyhow::Error>(text.to_owned())
            };
            let (state, metadata) = (text("state", &json["state"])?, &json["metadata"]["hex"]);
            let state = State::from_str_name(&state).ok_or_else(|| {
                anyhow!("`state` must be STATE_NORMAL or STATE_MAINTENANCE, not {state}")
            })?;
            let consensus = ConsensusType {
                r#type: text("type", &json["type"])?,
                metadata: from_hex(&text("metadata.hex", metadata)?)?,
                state: state.into(),
            };
            consensus.encode_to_vec()
        }
        "AnchorPeers" => {
            #[derive(serde::Deserialize)]
            #[serde(deny_unknown_fields)]
            struct At {
                host: String,
                port: u16,
            }
            let peers: Vec<At> = serde_json::from_value(from(json))?;
            let peer = |at: At| AnchorPeer { host: at.host, port: at.port.into() };
            AnchorPeers { anchor_peers: peers.into_iter().map(peer).collect() }.encode_to_vec()
        }
        _ => bail!("write it as {{\"hex\": \"...\"}}: the message of this value is not known"),
    })
}

fn read_policy(json: &Value, path: &str) -> Result<ConfigPolicy> {
    check_members(json, &["version", "mod_policy", "policy"], path)?;
    let mod_policy = mod_policy(json, path)?;
    let wrong = || anyhow!("{path}: `policy` must be as `ANY Readers` or `OR('Org1MSP.admin')`");
    let policy = json.get("policy").ok_or_else(wrong)?;
    let policy = match (policy.as_str(), policy.get("hex").and_then(Value::as_str)) {
        (Some(text), _) => policy_from_text(text).with_context(|| format!("cannot read {path}"))?,
        (None, Some(digits)) if is_hexadecimal(policy) => {
            Policy::decode(from_hex(digits)?.as_slice())
                .with_context(|| format!("cannot read {path}"))?
        }
        (None, _) => return Err(wrong()),
    };
    Ok(ConfigPolicy { version: 0, policy: Some(policy), mod_policy })
}

fn policy_from_text(text: &str) -> Result<Policy> {
    let meta = text
        .split_once(' ')
        .and_then(|(rule, sub_policy)| Some((Rule::from_str_name(rule)?, sub_policy.trim())));
    Ok(match meta {
        Some((rule, sub_policy)) => {
            let sub_policy = sub_policy.to_owned();
            let meta = ImplicitMetaPolicy { sub_policy, rule: rule.into() };
            Policy { r#type: PolicyType::ImplicitMeta.into(), value: meta.encode_to_vec() }
        }
        None => {
            let value = SignaturePolicy::from_text(text)?.envelope().encode_to_vec();
            Policy { r#type: PolicyType::Signature.into(), value }
        }
    })
}

/// True for `{"hex": "..."}`.
fn is_hexadecimal(json: &Value) -> bool {
    json.as_object().is_some_and(|members| members.len() == 1 && members.contains_key("hex"))
}

fn from_hex(digits: &str) -> Result<Vec<u8>> {
    unhex(digits).ok_or_else(|| anyhow!("`hex` has pairs of digits"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use wasmcc_msp::ChannelConfig;
    use wasmcc_types::proto::common::Block;

    fn golden() -> Config {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
        let bytes = std::fs::read(root.join("mychannel.genesis.block")).unwrap();
        let block = Block::decode(bytes.as_slice()).unwrap();
        ChannelConfig::from_genesis_block(&block).unwrap().config().clone()
    }

    #[test]
    fn json_reads_back_as_the_same_configuration() {
        let original = golden();
        let shown = config(&original);
        assert_eq!(edited(&original, &shown).unwrap(), original);
        let root = &shown["channel_group"];
        assert_eq!(root["policies"]["Admins"]["policy"], "MAJORITY Admins");
        assert!(root["groups"]["Orderer"]["values"]["BatchSize"]["value"].is_object());
        let orgs = root["groups"]["Application"]["groups"].as_object().unwrap();
        let org = orgs.values().next().unwrap();
        assert_eq!(org["values"]["MSP"]["value"]["msp_id"], "Org1MSP");
        assert!(org["policies"]["Admins"]["policy"].as_str().unwrap().contains("Org1MSP.admin"));
        // The conversion does not depend on the original.
        let alone = edited(&Config::default(), &shown).unwrap();
        let meaning = |group: &ConfigGroup| wasmcc_msp::PolicyManager::from_config(group).is_ok();
        assert!(meaning(alone.channel_group.as_ref().unwrap()));
    }

    #[test]
    fn an_edit_changes_what_was_edited() {
        let original = golden();
        let mut shown = config(&original);
        let root = &mut shown["channel_group"];
        root["groups"]["Orderer"]["values"]["BatchSize"]["value"]["max_message_count"] = json!(3);
        root["groups"]["Application"]["policies"]["Writers"]["policy"] = json!("ALL Writers");
        root["groups"]["Application"]["values"]["ACLs"] =
            json!({ "mod_policy": "Admins", "value": { "qscc/GetChainInfo": "Admins" } });
        let edited = edited(&original, &shown).unwrap();
        let update =
            wasmcc_channel::configtx::compute_update("mychannel", &original, &edited).unwrap();
        let write = update.write_set.unwrap();
        let keys = |group: &ConfigGroup| group.values.keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&write.groups["Orderer"]), ["BatchSize"]);
        assert!(write.groups["Application"].values.contains_key("ACLs"));
        let size = &edited.channel_group.unwrap().groups["Orderer"].values["BatchSize"].value;
        assert_eq!(BatchSize::decode(size.as_slice()).unwrap().max_message_count, 3);
    }

    #[test]
    fn the_consensus_goes_into_maintenance_mode() {
        let original = golden();
        let mut shown = config(&original);
        let orderer = &mut shown["channel_group"]["groups"]["Orderer"]["values"];
        let value = &mut orderer["ConsensusType"]["value"];
        assert_eq!(value["state"], "STATE_NORMAL");
        value["state"] = json!("STATE_MAINTENANCE");
        let of = |config: Config| {
            let orderer = config.channel_group.unwrap().groups.remove("Orderer").unwrap();
            ConsensusType::decode(orderer.values["ConsensusType"].value.as_slice()).unwrap()
        };
        let (before, after) = (of(original.clone()), of(edited(&original, &shown).unwrap()));
        assert_eq!(after, ConsensusType { state: State::Maintenance.into(), ..before });
        let orderer = &mut shown["channel_group"]["groups"]["Orderer"]["values"];
        orderer["ConsensusType"]["value"]["state"] = json!("STATE_OTHER");
        let error = format!("{:#}", edited(&original, &shown).unwrap_err());
        assert!(error.contains("STATE_NORMAL or STATE_MAINTENANCE"), "{error}");
    }

    #[test]
    fn mistakes_are_located() {
        let original = golden();
        let error = |edit: fn(&mut Value)| {
            let mut shown = config(&original);
            edit(&mut shown["channel_group"]["groups"]["Orderer"]);
            format!("{:#}", edited(&original, &shown).unwrap_err())
        };
        let text = error(|orderer| orderer["values"]["BatchTimeout"]["value"] = json!(2));
        assert!(text.contains("Channel/Orderer/BatchTimeout"), "{text}");
        let text = error(|orderer| orderer["policies"]["Admins"]["policy"] = json!("Admins"));
        assert!(text.contains("Channel/Orderer/Admins"), "{text}");
        let text = error(|orderer| orderer["mod_policy"] = Value::Null);
        assert!(text.contains("mod_policy"), "{text}");
    }

    #[test]
    fn a_mistyped_name_does_not_count_as_removed() {
        let original = golden();
        let refused = |path: &str, from: &str, to: &str| {
            let mut shown = config(&original);
            let members = shown.pointer_mut(path).unwrap().as_object_mut().unwrap();
            let moved = members.remove(from).unwrap();
            members.insert(to.to_owned(), moved);
            format!("{:#}", edited(&original, &shown).unwrap_err())
        };
        let orgs = config(&original);
        let orgs = orgs["channel_group"]["groups"]["Application"]["groups"].as_object().unwrap();
        let org = orgs.keys().next().unwrap();
        let org = &*format!("/channel_group/groups/Application/groups/{org}");
        let orderer = "/channel_group/groups/Orderer";
        for (path, from, to) in [
            ("", "sequence", "sequenc"),
            (org, "policies", "polices"),
            (org, "version", "versions"),
            (&format!("{org}/policies/Admins"), "version", "versio"),
            (&format!("{org}/values/MSP"), "version", "versio"),
            (&format!("{org}/values/MSP/value"), "msp_id", "mspid"),
            (&format!("{orderer}/values/BatchSize/value"), "max_message_count", "max_count"),
            (&format!("{orderer}/values/ConsensusType/value"), "state", "stat"),
        ] {
            let text = refused(path, from, to);
            let named = text.contains(&format!("there is no `{to}` here, only "));
            assert!(named || to == "mspid" && text.contains("what is beside it differs"), "{text}");
        }
        let mut shown = config(&original);
        let mut change = |path: &str, name: &str, to: Value| {
            let before = shown.clone();
            shown.pointer_mut(path).unwrap()[name] = to;
            let error = edited(&original, &shown).unwrap_err();
            shown = before;
            format!("{error:#}")
        };
        // Nor can a field be edited that is only shown.
        let text = change(&format!("{org}/values/MSP/value"), "msp_id", json!("Org2MSP"));
        assert!(text.contains("what is beside it differs"), "{text}");
        let anchor = json!([{ "host": "h", "port": 1, "prot": 2 }]);
        let anchors = json!({ "mod_policy": "Admins", "value": anchor });
        let text = change(&format!("{org}/values"), "AnchorPeers", anchors);
        assert!(text.contains("AnchorPeers") && text.contains("prot"), "{text}");
    }

    #[test]
    fn what_is_no_json_is_said_with_its_line() {
        let json = b"\xef\xbb\xbf\n {\"a\": 1}";
        assert_eq!(as_json(json).unwrap().unwrap(), json!({ "a": 1 }));
        let error = as_json(b"{\"a\": 1,\n}").unwrap().unwrap_err();
        assert!(format!("{error:#}").contains("line 2 column 1"), "{error:#}");
        assert!(as_json(&golden().encode_to_vec()).is_none() && as_json(b"").is_none());
    }
}
