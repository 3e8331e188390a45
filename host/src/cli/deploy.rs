//! `wasmcc deploy`: a component onto a peer and a channel, or a chaincode in a process of its own.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use prost::Message;
use serde_json::json;

use crate::chaincode::{CodePackage, SECRET_SEPARATOR};
use crate::cli::hint::Asked;
use crate::cli::input::Input;
use crate::cli::meta_inf;
use crate::cli::output;
use crate::cli::progress::Progress;
use crate::cli::secret::Secret;
use crate::cli::session::{MESSAGE_BYTES, Session};
use crate::cli::target::Target;
use crate::cli::version::{self, Choice, Installed};
use crate::client::lscc;
use crate::collections::{check_package, package_from_json};
use crate::msp::SignaturePolicy;
use crate::proto::protos;

const EXAMPLES: &str = "\
Examples:
  wasmcc deploy asset_transfer_basic.wasm --name basic --network net
  wasmcc deploy basic.wasm --name basic --network net --version 1.1 -C assets \\
      --policy \"AND('Org1MSP.peer','Org2MSP.peer')\" -c '{\"Args\":[\"init\",\"7\"]}'

  wasmcc deploy basic.wasm --name basic --network net --collections-config collections.json
  wasmcc deploy basic.wasm --name basic --network net --meta-inf META-INF

  wasmcc deploy --ccaas 127.0.0.1:9999 --name basic --network net
  wasmcc deploy --external --name basic --network net

`wasmcc check FILE` tells beforehand whether a peer will take the file. A chaincode in a process of
its own must say that it is NAME:VERSION, such as basic:1.0 (CORE_CHAINCODE_ID_NAME, CHAINCODE_ID).
With --external it connects to the peer's address, from the install on, and says that it is
NAME:VERSION@SECRET, or shows a TLS client certificate of the common name NAME:VERSION that a CA of
the peer's --tls-client-ca issued. The deploy waits some seconds for it.";

/// Room for all of a message that is not the component.
const ENVELOPE_BYTES: usize = 64 << 10;

/// Install a chaincode on the peer and run it on a channel, in place of an earlier version if any.
///
/// This is LSCC's install, then deploy or upgrade, and the wait for the block. Signed by the
/// organization's admin.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Deploy {
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
    /// Its version [default: the next free of 1.0, 2.0 and so on].
    #[arg(long, value_name = "V")]
    version: Option<String>,
    /// The channel.
    #[arg(short = 'C', long, visible_alias = "channelID", env = "WASMCC_CHANNEL")]
    #[arg(default_value = "mychannel", value_name = "CHANNEL")]
    channel: String,
    /// Who must endorse its transactions [default: any member of the channel's organizations].
    #[arg(short = 'P', long, value_parser = SignaturePolicy::from_text, value_name = "POLICY")]
    policy: Option<SignaturePolicy>,
    /// Its private data collections: a JSON file as Fabric's tools take it.
    #[arg(long, value_name = "FILE")]
    collections_config: Option<PathBuf>,
    /// The arguments of its init.
    #[arg(short = 'c', long = "ctor", value_name = "JSON")]
    input: Option<Input>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

impl Deploy {
    /// Installs what is not installed, then deploys or upgrades.
    pub async fn run(mut self) -> Result<()> {
        let is_printed = self.external && self.secret.is_none();
        if is_printed {
            self.secret = Some(Secret::random()?);
        }
        let code = self.code()?;
        let collections = self.collections()?;
        let session = Session::open(&self.target, "Admin").await?.patient();
        let progress = Progress::start("asking the peer what it has");
        let current = self.current(&session).await?;
        let installed = self.installed(&session).await?;
        let id_of = |version: &str| version::package_id(&self.name, version, &code);
        let (wanted, running) = (self.version.as_deref(), current.as_deref());
        let Choice { version, install } = version::choose(wanted, running, &installed, id_of)?;
        if install {
            progress.step(&format!("installing {} {version}", self.name));
            let proposal = lscc::install(&self.name, &version, code);
            session.query(proposal, self.asked_lscc("")).await?;
        }
        if is_printed {
            self.print_secret(&version)?;
        }
        let definition = lscc::Definition {
            channel_id: self.channel.clone(),
            name: self.name.clone(),
            version: version.clone(),
            init_args: self.input.clone().unwrap_or_default().args,
            policy: self.policy.as_ref().map(|policy| policy.envelope().clone()),
            collections,
        };
        let (verb, proposal) = match current {
            None => ("deploying", lscc::deploy(definition)),
            Some(_) => ("upgrading to", lscc::upgrade(definition)),
        };
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
                "replaced": current,
                "tx_id": outcome.tx_id,
                "block": block,
            })),
        }
    }

    /// Comes before the deploy, which waits for the chaincode.
    fn print_secret(&self, version: &str) -> Result<()> {
        let Some(secret) = self.secret.as_ref().map(Secret::reveal) else { return Ok(()) };
        let text = format!(
            "let it register as {}:{version}{SECRET_SEPARATOR}{secret} (the secret is not shown \
             again; to deploy with the same one, set WASMCC_CHAINCODE_SECRET)",
            self.name
        );
        match self.json {
            false => output::line(&text),
            true => output::aside(&text),
        }
    }

    /// The program with what belongs to it.
    fn code(&self) -> Result<Vec<u8>> {
        let folder = self.meta_inf.as_deref();
        let meta_inf = folder.map(meta_inf::read).transpose()?.unwrap_or_default();
        CodePackage::pack(self.program()?, meta_inf).context("cannot pack the code")
    }

    /// The component, or where the chaincode is.
    fn program(&self) -> Result<Vec<u8>> {
        let Some(path) = &self.file else {
            let description = match (&self.ccaas, &self.secret) {
                (Some(address), _) => json!({ "address": address }),
                (None, Some(secret)) => secret.description(),
                (None, None) => json!({ "external": true }),
            };
            return Ok(description.to_string().into_bytes());
        };
        let file = path.display();
        let component = std::fs::read(path).with_context(|| {
            format!("cannot read {file} (build it for the target wasm32-wasip2)")
        })?;
        if component.len() > MESSAGE_BYTES - ENVELOPE_BYTES {
            bail!("{file} has {} bytes, which is more than a peer takes", component.len());
        }
        Ok(component)
    }

    fn collections(&self) -> Result<Option<protos::CollectionConfigPackage>> {
        let Some(path) = &self.collections_config else { return Ok(None) };
        let file = path.display();
        let json = std::fs::read_to_string(path).with_context(|| format!("cannot read {file}"))?;
        let package = package_from_json(&json).map_err(|why| anyhow!("{file}: {why}"))?;
        check_package(&package).map_err(|why| anyhow!("{file}: {why}"))?;
        Ok(Some(package))
    }

    fn asked_lscc<'a>(&self, channel: &'a str) -> Asked<'a> {
        Asked { channel, chaincode: "lscc" }
    }

    /// The version that the channel runs now.
    async fn current(&self, session: &Session) -> Result<Option<String>> {
        let asked = self.asked_lscc(&self.channel);
        let proposal = lscc::chaincode_data(&self.channel, &self.name);
        let answer = session.process(proposal, asked).await?;
        if answer.response().message.contains("could not find chaincode with name") {
            return Ok(None);
        }
        let payload = answer.content(asked)?.payload;
        let data = protos::ChaincodeData::decode(payload.as_slice());
        Ok(Some(data.context("cannot read the peer's answer")?.version))
    }

    async fn installed(&self, session: &Session) -> Result<Vec<Installed>> {
        let asked = self.asked_lscc("");
        let answer = session.query_message(lscc::installed(), asked).await?;
        let protos::ChaincodeQueryResponse { chaincodes } = answer;
        let own = chaincodes.into_iter().filter(|info| info.name == self.name);
        Ok(own.map(|info| Installed { version: info.version, id: info.id }).collect())
    }
}
