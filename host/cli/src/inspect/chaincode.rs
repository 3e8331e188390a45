//! `wasmcc inspect chaincode`: prints the chaincode definitions of a channel.

use anyhow::{Result, bail};
use prost::Message;
use serde_json::{Value, json};

use super::view::ViewArgs;
use crate::output;
use wasmcc_channel::collections::DefinedCollections;
use wasmcc_channel::definition::{Definition, LsccName, ReadableState};
use wasmcc_ledger::{LedgerError, Snapshot};
use wasmcc_msp::SignaturePolicy;
use wasmcc_peer::chaincode::defined_names;
use wasmcc_types::proto::common::SignaturePolicyEnvelope;
use wasmcc_types::proto::protos::application_policy::Type;
use wasmcc_types::proto::protos::{ApplicationPolicy, ChaincodeData};
use wasmcc_types::{LIFECYCLE, LSCC};

/// Show the chaincodes of a channel: version, sequence, endorsement policy, collections.
#[derive(Debug, clap::Args)]
pub(crate) struct Chaincode {
    /// The chaincode [default: all].
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    view: ViewArgs,
    /// Print them as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// The public state of `_lifecycle`.
struct Lifecycle<'a>(&'a Snapshot);

impl ReadableState for Lifecycle<'_> {
    type Error = String;

    fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, String> {
        let found = self.0.get(LIFECYCLE, key).map_err(|error| error.to_string())?;
        Ok(found.map(|found| found.value))
    }
}

impl Chaincode {
    /// Reads the definitions of both lifecycles.
    pub(crate) fn run(self) -> Result<()> {
        let view = self.view.open()?;
        let snapshot = view.snapshot();
        let names = match &self.name {
            Some(name) => vec![name.clone()],
            None => names(&snapshot)?,
        };
        let mut found = Vec::with_capacity(names.len());
        for name in &names {
            match describe(name, &snapshot)? {
                Some(chaincode) => found.push(chaincode),
                None => bail!("the channel has no chaincode {name}"),
            }
        }
        if self.json {
            return output::json(&found);
        }
        found.iter().try_for_each(|chaincode| output::line(&as_text(chaincode)))
    }
}

/// Returns the names of all chaincodes, sorted.
pub(crate) fn names(snapshot: &Snapshot) -> Result<Vec<String>> {
    let mut names = defined_names(snapshot)?;
    for row in snapshot.range(LSCC, "", "") {
        let (name, _) = row?;
        if LsccName::new(&name).is_some() && !names.contains(&name) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Returns the definition of a chaincode, if it exists.
pub(crate) fn describe(name: &str, snapshot: &Snapshot) -> Result<Option<Value>> {
    let mut read = |ns: &str, key: &str| -> Result<_, LedgerError> {
        Ok(snapshot.get(ns, key)?.map(|found| found.value))
    };
    let mut collections = || -> Result<Vec<Value>> {
        let defined = DefinedCollections::look_up(name, &mut read)?;
        Ok(defined.explicit().map(collection).collect())
    };
    let defined = Definition::find(name, &mut Lifecycle(snapshot));
    if let Some(definition) = defined.map_err(anyhow::Error::msg)? {
        let (info, rules) =
            (&definition.parameters.endorsement_info, &definition.parameters.validation_info);
        return Ok(Some(json!({
            "name": name,
            "lifecycle": LIFECYCLE,
            "version": info.version,
            "sequence": definition.sequence,
            "init_required": info.init_required,
            "endorsement_plugin": info.endorsement_plugin,
            "validation_plugin": rules.validation_plugin,
            "policy": policy_of_chaincode(&rules.validation_parameter),
            "collections": collections()?,
        })));
    }
    let Some(row) = LsccName::new(name).map(|name| snapshot.get(LSCC, name.definition_key()))
    else {
        return Ok(None);
    };
    let Some(row) = row? else { return Ok(None) };
    let data = ChaincodeData::decode(row.value.as_slice())?;
    Ok(Some(json!({
        "name": name,
        "lifecycle": LSCC,
        "version": data.version,
        "id": output::hex(&data.id),
        "endorsement_plugin": data.escc,
        "validation_plugin": data.vscc,
        "policy": SignaturePolicyEnvelope::decode(data.policy.as_slice())
            .map_or_else(
                |_| output::bytes(&data.policy),
                |policy| json!(signature_policy(&policy)),
            ),
        "collections": collections()?,
    })))
}

/// Reads a serialized `protos.ApplicationPolicy`.
fn policy_of_chaincode(bytes: &[u8]) -> Value {
    let policy = ApplicationPolicy::decode(bytes).ok().and_then(|policy| policy.r#type);
    policy.map_or_else(|| output::bytes(bytes), |policy| json!(application_policy(&policy)))
}

fn application_policy(policy: &Type) -> String {
    match policy {
        Type::SignaturePolicy(policy) => signature_policy(policy),
        Type::ChannelConfigPolicyReference(name) => name.clone(),
    }
}

fn signature_policy(envelope: &SignaturePolicyEnvelope) -> String {
    match SignaturePolicy::from_envelope(envelope) {
        Ok(policy) => policy.to_string(),
        Err(error) => format!("cannot be read: {error}"),
    }
}

fn collection(config: &wasmcc_types::proto::protos::StaticCollectionConfig) -> Value {
    use wasmcc_types::proto::protos::collection_policy_config::Payload;
    let members = config.member_orgs_policy.as_ref().and_then(|policy| policy.payload.as_ref());
    let members = members.map(|Payload::SignaturePolicy(policy)| signature_policy(policy));
    let endorsement = config.endorsement_policy.as_ref().and_then(|policy| policy.r#type.as_ref());
    json!({
        "name": config.name,
        "members": members,
        "endorsement_policy": endorsement.map(application_policy),
        "required_peer_count": config.required_peer_count,
        "maximum_peer_count": config.maximum_peer_count,
        "block_to_live": config.block_to_live,
        "member_only_read": config.member_only_read,
        "member_only_write": config.member_only_write,
    })
}

fn as_text(chaincode: &Value) -> String {
    let text = |name: &str| match &chaincode[name] {
        Value::String(text) => output::shown(text),
        Value::Null => "none".to_owned(),
        other => other.to_string(),
    };
    let mut lines = vec![format!("{} {} ({})", text("name"), text("version"), text("lifecycle"))];
    if !chaincode["sequence"].is_null() {
        lines.push(format!("  sequence     {}", text("sequence")));
    }
    if chaincode["init_required"].as_bool() == Some(true) {
        lines.push("  init         required".to_owned());
    }
    lines.push(format!("  policy       {}", text("policy")));
    let collections = chaincode["collections"].as_array();
    for collection in collections.map_or(&[][..], Vec::as_slice) {
        let field = |name: &str| match &collection[name] {
            Value::String(text) => output::shown(text),
            other => other.to_string(),
        };
        let (name, members, blocks) = (field("name"), field("members"), field("block_to_live"));
        let blocks = if blocks == "0" { "for ever".to_owned() } else { format!("{blocks} blocks") };
        let mut line = format!("  collection   {name}: {members}, data live {blocks}");
        for (right, words) in
            [("member_only_read", "only members read"), ("member_only_write", "only members write")]
        {
            if collection[right].as_bool() == Some(true) {
                line += &format!(", {words}");
            }
        }
        if !collection["endorsement_policy"].is_null() {
            line += &format!(", endorsed by {}", field("endorsement_policy"));
        }
        lines.push(line);
    }
    lines.join("\n")
}
