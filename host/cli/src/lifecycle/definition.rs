//! Options for a definition.

use anyhow::{Context, Result, anyhow};
use clap::ValueHint;
use prost::Message;

use crate::file::OptionalFile;
use crate::usage::wrong;
use wasmcc_channel::collections::package_from_json;
use wasmcc_client::lifecycle::ChaincodeDefinition;
use wasmcc_msp::{PolicyError, SignaturePolicy};
use wasmcc_types::proto::protos::ApplicationPolicy;
use wasmcc_types::proto::protos::application_policy::Type as PolicyType;

/// The option for the channel.
#[derive(Debug, clap::Args)]
pub(super) struct Channel {
    /// The channel.
    #[arg(id = "channel", short = 'C', long = "channelID", visible_alias = "channel")]
    #[arg(env = "WASMCC_CHANNEL", default_value = "mychannel", value_name = "CHANNEL")]
    pub(super) id: String,
}

/// Options for a definition to approve or commit.
#[derive(Debug, clap::Args)]
pub(super) struct DefinitionArgs {
    #[command(flatten)]
    pub(super) channel: Channel,
    /// The chaincode's name.
    #[arg(short, long, value_name = "NAME")]
    pub(super) name: String,
    /// Its version, any text; init is required once in each version.
    #[arg(long, value_name = "V")]
    pub(super) version: String,
    /// The number of this definition, counted from 1 for each chaincode name.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(1..))]
    pub(super) sequence: i64,
    /// It must be called with --isInit before anything else.
    #[arg(long, value_name = "BOOL")]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    init_required: Option<bool>,
    /// The policy for endorsing its transactions [default: the channel's Endorsement policy].
    #[arg(long, value_parser = optional_policy, value_name = "POLICY")]
    signature_policy: Option<OptionalPolicy>,
    /// The same, by the name of one of the channel's policies.
    #[arg(long, value_name = "PATH")]
    channel_config_policy: Option<String>,
    /// Its private data collections: a JSON file in the format of Fabric's tools.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    collections_config: Option<OptionalFile>,
    /// The plugin that signs endorsements [default: escc].
    #[arg(short = 'E', long, default_value = "", hide_default_value = true, value_name = "NAME")]
    endorsement_plugin: String,
    /// The plugin that validates transactions [default: vscc].
    #[arg(short = 'V', long, default_value = "", hide_default_value = true, value_name = "NAME")]
    validation_plugin: String,
}

impl DefinitionArgs {
    /// Returns the definition.
    pub(super) fn definition(&self) -> Result<ChaincodeDefinition> {
        let collections = match self.collections_config.as_ref().and_then(OptionalFile::path) {
            None => None,
            Some(path) => {
                let file = path.display();
                let json =
                    std::fs::read_to_string(path).with_context(|| format!("cannot read {file}"))?;
                Some(package_from_json(&json).map_err(|why| anyhow!("{file}: {why}"))?)
            }
        };
        Ok(ChaincodeDefinition {
            channel_id: self.channel.id.clone(),
            name: self.name.clone(),
            version: self.version.clone(),
            sequence: self.sequence,
            validation_parameter: self.policy()?,
            collections,
            init_required: self.init_required == Some(true),
            endorsement_plugin: self.endorsement_plugin.clone(),
            validation_plugin: self.validation_plugin.clone(),
        })
    }

    fn policy(&self) -> Result<Vec<u8>> {
        let signature = self.signature_policy.as_ref().and_then(|policy| policy.0.as_ref());
        let reference = self.channel_config_policy.as_ref().filter(|name| !name.is_empty());
        let policy = match (signature, reference) {
            (Some(_), Some(_)) => {
                let text = "give --signature-policy or --channel-config-policy, not both";
                return Err(wrong(text));
            }
            (Some(policy), None) => PolicyType::SignaturePolicy(policy.envelope().clone()),
            (None, Some(name)) => PolicyType::ChannelConfigPolicyReference(name.clone()),
            (None, None) => return Ok(Vec::new()),
        };
        Ok(ApplicationPolicy { r#type: Some(policy) }.encode_to_vec())
    }
}

/// A policy, or none: scripts for Fabric's peer command pass an empty text if they have no policy.
#[derive(Clone, Debug)]
struct OptionalPolicy(Option<SignaturePolicy>);

fn optional_policy(text: &str) -> Result<OptionalPolicy, PolicyError> {
    match text {
        "" => Ok(OptionalPolicy(None)),
        _ => SignaturePolicy::from_text(text).map(|policy| OptionalPolicy(Some(policy))),
    }
}
