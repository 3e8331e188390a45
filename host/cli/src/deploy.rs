//! `wasmcc deploy`: installs and defines a component, or a chaincode in a process of its own.

mod by_lifecycle;

use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, bail};
use prost::Message;
use serde_json::json;

use crate::hint::Asked;
use crate::input::Input;
use crate::progress::Progress;
use crate::secret::Secret;
use crate::session::{MESSAGE_BYTES, Session};
use crate::target::Target;
use crate::version::{self, Choice, Installed};
use crate::{file, meta_inf, output};
use wasmcc_channel::collections::{check_package, package_from_json};
use wasmcc_client::{ProposalBuilder, lscc};
use wasmcc_msp::SignaturePolicy;
use wasmcc_peer::chaincode::{Files, ProgramBundle};
use wasmcc_types::proto::common::SignaturePolicyEnvelope;
use wasmcc_types::proto::lifecycle::QueryChaincodeDefinitionResult;
use wasmcc_types::proto::protos;
use wasmcc_types::{LSCC, SECRET_SEPARATOR, sha256};

pub(crate) use by_lifecycle::Done;

const EXAMPLES: &str = "\
Examples:
  wasmcc deploy asset_transfer_basic.wasm --name basic --network net
  wasmcc deploy basic.wasm --name basic --network net --version 1.1 -C assets \\
      --policy \"AND('Org1MSP.peer','Org2MSP.peer')\" -c '{\"Args\":[\"init\",\"7\"]}'

  wasmcc deploy basic.wasm --name basic --network net --collections-config collections.json
  wasmcc deploy basic.wasm --name basic --network net --meta-inf META-INF
  wasmcc deploy basic.wasm --name basic --network net --lifecycle

  wasmcc deploy --ccaas 127.0.0.1:9999 --name basic --network net
  wasmcc deploy --external --name basic --network net

`wasmcc check FILE` reports beforehand whether a peer will accept the file. A chaincode in a process
of its own must register as NAME:VERSION, such as basic:1.0 (CORE_CHAINCODE_ID_NAME, CHAINCODE_ID).
With --external it connects to the peer's address, at any time after the install. It registers as
NAME:VERSION@SECRET, or shows a TLS client certificate with the common name NAME:VERSION, issued by
a CA of the peer's --tls-client-ca. The deploy waits some seconds for it.";

/// Room for everything in the install message except the component, in bytes.
const ENVELOPE_BYTES: usize = 64 << 10;

/// Install a chaincode on the peer and run it on a channel; replaces an earlier version.
///
/// A name that _lifecycle has defined gets its next sequence: the package is installed, all
/// organizations with a peer here approve, and the channel commits. Other names are deployed or
/// upgraded through LSCC. Transactions are signed by the organization's admin; approvals, by the
/// admins of the other organizations, too.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Deploy {
    /// The component, or the connection.json of a chaincode server (with its TLS).
    #[arg(value_name = "FILE", required_unless_present_any = ["ccaas", "external"])]
    #[arg(conflicts_with_all = ["ccaas", "external"])]
    file: Option<PathBuf>,
    /// In place of a component: the address of a chaincode server, to which the peer connects.
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "external")]
    ccaas: Option<String>,
    /// In place of a component: the chaincode connects to the peer.
    #[arg(long)]
    external: bool,
    /// The secret with which that chaincode registers [default: a new one, which is printed].
    #[arg(long, env = "WASMCC_CHAINCODE_SECRET", hide_env_values = true, value_name = "TEXT")]
    secret: Option<Secret>,
    /// A META-INF folder with the indexes of rich queries.
    #[arg(long, value_name = "DIR")]
    meta_inf: Option<PathBuf>,
    /// The chaincode's name.
    #[arg(short, long, value_name = "NAME")]
    name: String,
    /// Define it through _lifecycle, even if the name is new.
    #[arg(long, conflicts_with = "external")]
    lifecycle: bool,
    /// Its version [default: the next of 1.0, 2.0 and so on].
    #[arg(long, value_name = "V")]
    version: Option<String>,
    /// The channel.
    #[arg(short = 'C', long, visible_alias = "channelID", env = "WASMCC_CHANNEL")]
    #[arg(default_value = "mychannel", value_name = "CHANNEL")]
    channel: String,
    /// The policy for endorsing its transactions [default: as before; at first any member of the
    /// channel's organizations, with _lifecycle the channel's own policy].
    #[arg(short = 'P', long, value_parser = SignaturePolicy::from_text, value_name = "POLICY")]
    policy: Option<SignaturePolicy>,
    /// Its private data collections: a JSON file in the format of Fabric's tools [default: as
    /// before].
    #[arg(long, value_name = "FILE")]
    collections_config: Option<PathBuf>,
    /// The arguments for its init; with _lifecycle the definition then requires an init.
    #[arg(short = 'c', long = "ctor", value_name = "JSON")]
    input: Option<Input>,
    /// Print the result as JSON.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    target: Target,
    /// The content of `file` at its first read. The file may be replaced during a deployment; the
    /// bytes that were hashed must be installed.
    #[arg(skip)]
    component: OnceLock<Vec<u8>>,
}

impl Deploy {
    /// Returns a deployment through _lifecycle; options that are not set keep their present values.
    pub(crate) fn on(channel: &str, name: String, target: Target) -> Self {
        Self {
            file: None,
            ccaas: None,
            external: false,
            secret: None,
            meta_inf: None,
            name,
            lifecycle: true,
            version: None,
            channel: channel.to_owned(),
            policy: None,
            collections_config: None,
            input: None,
            json: false,
            target,
            component: OnceLock::new(),
        }
    }

    /// Sets the file of the component, or the address of the chaincode server.
    pub(crate) fn code(self, file: Option<PathBuf>, ccaas: Option<String>) -> Self {
        Self { file, ccaas, ..self }
    }

    /// Sets the folder META-INF and the file of the collections.
    pub(crate) fn with(self, meta_inf: Option<PathBuf>, collections: Option<PathBuf>) -> Self {
        Self { meta_inf, collections_config: collections, ..self }
    }

    /// Sets the endorsement policy.
    pub(crate) fn endorsed_by(self, policy: Option<SignaturePolicy>) -> Self {
        Self { policy, ..self }
    }

    /// Returns the hash of code and indexes.
    pub(crate) fn code_hash(&self) -> Result<String> {
        Ok(output::hex(&sha256(&self.packed()?)))
    }

    /// True if policy and collections equal the channel's, or are not given.
    pub(crate) fn agrees_with(&self, current: &QueryChaincodeDefinitionResult) -> Result<bool> {
        by_lifecycle::agrees_with(self, current)
    }

    /// Returns the channel's definition of the chaincode.
    pub(crate) async fn committed(
        &self,
        session: &Session,
    ) -> Result<Option<QueryChaincodeDefinitionResult>> {
        by_lifecycle::committed(session, &self.channel, &self.name).await
    }

    /// Installs, approves for all organizations and commits, without printing. `current` is the
    /// channel's present definition.
    pub(crate) async fn deploy_quietly(
        &self,
        session: &Session,
        current: Option<QueryChaincodeDefinitionResult>,
    ) -> Result<Done> {
        by_lifecycle::deploy(self, session, current, &Progress::hidden()).await
    }

    /// Deploys through the lifecycle that has defined the name; a new name through LSCC.
    pub(crate) async fn run(self) -> Result<()> {
        let session = Session::open(&self.target, "Admin").await?.patient();
        let progress = Progress::start("asking the peer what it has");
        let defined = by_lifecycle::committed(&session, &self.channel, &self.name).await?;
        match defined.is_some() || self.lifecycle {
            true => self.deploy_by_lifecycle(&session, defined, progress).await,
            false => self.deploy_by_lscc(&session, progress).await,
        }
    }

    async fn deploy_by_lifecycle(
        &self,
        session: &Session,
        current: Option<QueryChaincodeDefinitionResult>,
        progress: Progress,
    ) -> Result<()> {
        let done = by_lifecycle::deploy(self, session, current, &progress).await?;
        let Self { name, channel, .. } = self;
        if let Some(input) = self.input.as_ref().filter(|_| done.needs_init) {
            progress.step("calling its init");
            let call = ProposalBuilder::new(channel, name).args(input.args.iter().cloned());
            let asked = Asked { channel, chaincode: name };
            session.submit(call.init(true), &[], asked, &progress).await?.check()?;
        } else if done.needs_init {
            output::aside(&format!(
                "{name} must be called as init first: wasmcc invoke -n {name} -C {channel} \
                 --isInit -c '{{\"Args\":[]}}'"
            ));
        }
        drop(progress);
        let (version, sequence, block) = (&done.version, done.sequence, done.block);
        if self.json {
            let mut json = done.json();
            json["name"] = name.as_str().into();
            json["channel"] = channel.as_str().into();
            json["replaced"] = done.replaced.into();
            return output::json(&json);
        }
        output::line(&format!(
            "{name} {version} runs on {channel} since block {block}, as sequence {sequence}"
        ))
    }

    /// Installs the package if it is missing, then deploys or upgrades.
    async fn deploy_by_lscc(mut self, session: &Session, progress: Progress) -> Result<()> {
        let is_printed = self.external && self.secret.is_none();
        if is_printed {
            self.secret = Some(Secret::random()?);
        }
        let code = self.packed()?;
        let current = self.current(session).await?;
        let installed = self.installed(session).await?;
        let id_of = |version: &str| version::package_id(&self.name, version, &code);
        let running = current.as_ref().map(|current| current.version.as_str());
        let choice = version::choose(self.version.as_deref(), running, &installed, id_of)?;
        let Choice { version, install } = choice;
        // Read all input files before the first change on the peer.
        let (verb, proposal) = self.definition(&version, current.as_ref())?;
        if install {
            progress.step(&format!("installing {} {version}", self.name));
            let package = lscc::install(&self.name, &version, code);
            session.query(package, self.asked_lscc("")).await?;
        }
        if is_printed {
            self.print_secret(&version)?;
        }
        progress.step(&format!("{verb} {} {version} on {}", self.name, self.channel));
        if self.external {
            progress.step(&format!("waiting for {}:{version} to connect", self.name));
        }
        let outcome =
            session.submit(proposal, &[], self.asked_lscc(&self.channel), &progress).await?;
        drop(progress);
        outcome.check()?;
        let Self { name, channel, .. } = &self;
        let block = outcome.block_number;
        match self.json {
            false => {
                output::line(&format!("{name} {version} runs on {channel} since block {block}"))
            }
            true => output::json(&json!({
                "name": name,
                "version": version,
                "channel": channel,
                "replaced": current.map(|current| current.version),
                "tx_id": outcome.tx_id,
                "block": block,
            })),
        }
    }

    /// Returns a name for the step, and its proposal. Arguments that are not given keep their
    /// values: LSCC itself would set the default policy.
    fn definition(
        &self,
        version: &str,
        current: Option<&protos::ChaincodeData>,
    ) -> Result<(&'static str, ProposalBuilder)> {
        let policy = match (&self.policy, current) {
            (Some(policy), _) => Some(policy.envelope().clone()),
            (None, Some(current)) => {
                let policy = SignaturePolicyEnvelope::decode(current.policy.as_slice());
                Some(policy.context("the policy in force cannot be read: give --policy")?)
            }
            (None, None) => None,
        };
        let definition = lscc::Definition {
            channel_id: self.channel.clone(),
            name: self.name.clone(),
            version: version.to_owned(),
            init_args: self.input.clone().unwrap_or_default().args,
            policy,
            collections: self.collections()?,
        };
        Ok(match current {
            None => ("deploying", lscc::deploy(definition)),
            Some(_) => ("upgrading to", lscc::upgrade(definition)),
        })
    }

    /// Printed before the deploy, which waits for the chaincode to connect.
    fn print_secret(&self, version: &str) -> Result<()> {
        let Some(secret) = self.secret.as_ref().map(Secret::reveal) else { return Ok(()) };
        let text = format!(
            "let it register as {}:{version}{SECRET_SEPARATOR}{secret} (the secret is not shown \
             again; to deploy with the same one, set WASMCC_CHAINCODE_SECRET)",
            self.name
        );
        if self.json {
            output::aside(&text);
            return Ok(());
        }
        output::line(&text)
    }

    /// Packs the program with its META-INF.
    fn packed(&self) -> Result<Vec<u8>> {
        ProgramBundle::pack(self.program()?, self.meta_inf()?).context("cannot pack the code")
    }

    fn meta_inf(&self) -> Result<Files> {
        let folder = self.meta_inf.as_deref();
        Ok(folder.map(meta_inf::read).transpose()?.unwrap_or_default())
    }

    /// Returns the component, or the JSON that describes where the chaincode runs.
    fn program(&self) -> Result<Vec<u8>> {
        let Some(path) = &self.file else {
            let description = match (&self.ccaas, &self.secret) {
                (Some(address), _) => json!({ "address": address }),
                (None, Some(secret)) => secret.description(),
                (None, None) => json!({ "external": true }),
            };
            return Ok(description.to_string().into_bytes());
        };
        if let Some(component) = self.component.get() {
            return Ok(component.clone());
        }
        let file = path.display();
        let component = file::read(path).with_context(|| {
            format!("cannot read {file} (build it for the target wasm32-wasip2)")
        })?;
        if component.len() > MESSAGE_BYTES - ENVELOPE_BYTES {
            bail!("{file} has {} bytes, which is more than a peer takes", component.len());
        }
        Ok(self.component.get_or_init(|| component).clone())
    }

    fn collections(&self) -> Result<Option<protos::CollectionConfigPackage>> {
        let Some(path) = &self.collections_config else { return Ok(None) };
        let file = path.display();
        let json = std::fs::read_to_string(path).with_context(|| format!("cannot read {file}"))?;
        let package = package_from_json(&json).map_err(|why| anyhow!("{file}: {why}"))?;
        check_package(&package, None).map_err(|why| anyhow!("{file}: {why}"))?;
        Ok(Some(package))
    }

    fn asked_lscc<'a>(&self, channel: &'a str) -> Asked<'a> {
        Asked { channel, chaincode: LSCC }
    }

    /// Returns LSCC's data of the chaincode on the channel.
    async fn current(&self, session: &Session) -> Result<Option<protos::ChaincodeData>> {
        let asked = self.asked_lscc(&self.channel);
        let proposal = lscc::chaincode_data(&self.channel, &self.name);
        let answer = session.process(proposal, asked).await?;
        if answer.response().message.contains("could not find chaincode with name") {
            return Ok(None);
        }
        let payload = answer.content(asked)?.payload;
        let data = protos::ChaincodeData::decode(payload.as_slice());
        data.context("cannot read the peer's answer").map(Some)
    }

    async fn installed(&self, session: &Session) -> Result<Vec<Installed>> {
        let asked = self.asked_lscc("");
        let answer = session.query_message(lscc::installed(), asked).await?;
        let protos::ChaincodeQueryResponse { chaincodes } = answer;
        let own = chaincodes.into_iter().filter(|info| info.name == self.name);
        Ok(own.map(|info| Installed { version: info.version, id: info.id }).collect())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        deploy: Deploy,
    }

    #[test]
    fn a_file_that_is_replaced_during_a_deployment_is_installed_as_it_was_hashed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("basic.wasm");
        let verb = || {
            let args = ["deploy", file.to_str().unwrap(), "--name", "basic"];
            Line::parse_from(args).deploy
        };
        std::fs::write(&file, "one").unwrap();
        let first = verb();
        let hash = first.code_hash().unwrap();
        std::fs::write(&file, "two").unwrap();
        assert_eq!(first.program().unwrap(), b"one");
        assert_eq!(first.code_hash().unwrap(), hash);
        assert_ne!(verb().code_hash().unwrap(), hash);
    }
}
