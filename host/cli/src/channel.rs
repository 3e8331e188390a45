//! `wasmcc channel`: a channel's blocks and configuration, as Fabric's `peer channel` has them.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, anyhow};
use prost::Message;

use crate::config_json;
use crate::ordering;
use crate::output;
use crate::session::Session;
use crate::target::{Target, open_network, org};
use wasmcc_channel::configtx;
use wasmcc_client as client;
use wasmcc_msp::application_org;
use wasmcc_types::proto::common::{Block, Config, Envelope};
use wasmcc_types::proto::orderer::seek_position::Type as Position;
use wasmcc_types::proto::orderer::{SeekNewest, SeekOldest, SeekSpecified};

const EXAMPLES: &str = "\
Examples:
  wasmcc channel fetch newest --network net
  wasmcc channel org --network net --org Org3MSP

Change how many transactions a block has:
  wasmcc channel config --network net > config.json
  wasmcc channel fetch config config.block --network net
  jq '.channel_group.groups.Orderer.values.BatchSize.value.max_message_count = 10' \\
    config.json > new.json
  wasmcc channel compute-update config.block new.json -o update.pb
  wasmcc channel update update.pb --network net --org OrdererMSP

Changes of the Application group need signatures of most organizations' admins:
  wasmcc channel signconfigtx update.pb --network net --org Org2MSP
  wasmcc channel update update.pb --network net --org Org1MSP";

/// Fetch blocks of a channel, show its configuration, change it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Channel {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Fetch(Fetch),
    Config(ShowConfig),
    Org(ShowOrg),
    ComputeUpdate(ComputeUpdate),
    Signconfigtx(Sign),
    Update(Update),
}

/// The channel that is meant.
#[derive(Debug, clap::Args)]
struct Name {
    /// The channel.
    #[arg(short = 'C', long, visible_alias = "channelID", env = "WASMCC_CHANNEL")]
    #[arg(default_value = "mychannel", value_name = "CHANNEL")]
    channel: String,
}

/// Write a block to a file, as `peer channel fetch` does.
#[derive(Debug, clap::Args)]
struct Fetch {
    /// The block with the configuration in force, the newest, the first, or one by its number.
    #[arg(value_name = "config|newest|oldest|N")]
    which: Which,
    /// The file [default: CHANNEL_WHICH.block].
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    name: Name,
    #[command(flatten)]
    target: Target,
}

/// Print the configuration in force as JSON.
#[derive(Debug, clap::Args)]
struct ShowConfig {
    #[command(flatten)]
    name: Name,
    #[command(flatten)]
    target: Target,
}

/// Print the group of an organization as JSON, to be added to a configuration.
#[derive(Debug, clap::Args)]
struct ShowOrg {
    /// The network folder with the organization.
    #[arg(long, env = "WASMCC_NETWORK", value_name = "DIR")]
    network: PathBuf,
    /// The organization [default: the network's first].
    #[arg(long, env = "WASMCC_ORG", value_name = "MSPID")]
    org: Option<String>,
}

/// Make the update that leads from one configuration to another. Needs no peer.
#[derive(Debug, clap::Args)]
struct ComputeUpdate {
    /// A block with the configuration in force, or the configuration itself.
    #[arg(value_name = "ORIGINAL")]
    original: PathBuf,
    /// The new configuration: a configuration, a block, or edited JSON of `wasmcc channel config`.
    #[arg(value_name = "UPDATED")]
    updated: PathBuf,
    /// Where to write the update, in an unsigned envelope.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    name: Name,
}

/// Add a signature to an update, in its file.
#[derive(Debug, clap::Args)]
struct Sign {
    /// An envelope with an update.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    target: Target,
}

/// Sign an update and send it to the orderer.
#[derive(Debug, clap::Args)]
struct Update {
    /// An envelope with an update and the signatures that it needs in addition to the sender's.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    target: Target,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Which {
    Config,
    Newest,
    Oldest,
    Number(u64),
}

impl FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "config" => Ok(Self::Config),
            "newest" => Ok(Self::Newest),
            "oldest" => Ok(Self::Oldest),
            _ => text
                .parse()
                .map(Self::Number)
                .map_err(|_| "expected config, newest, oldest or a number".to_owned()),
        }
    }
}

impl Channel {
    /// Does what the arguments say.
    pub(crate) async fn run(self) -> Result<()> {
        match self.what {
            What::Fetch(verb) => verb.run().await,
            What::Config(verb) => verb.run().await,
            What::Org(verb) => verb.run(),
            What::ComputeUpdate(verb) => verb.run(),
            What::Signconfigtx(verb) => verb.run(),
            What::Update(verb) => verb.run().await,
        }
    }
}

impl Fetch {
    async fn run(self) -> Result<()> {
        let session = Session::open(&self.target, "User1").await?;
        let channel = self.name.channel.as_str();
        let (word, position) = match self.which {
            Which::Config => ("config".to_owned(), None),
            Which::Newest => ("newest".to_owned(), Some(Position::Newest(SeekNewest {}))),
            Which::Oldest => ("oldest".to_owned(), Some(Position::Oldest(SeekOldest {}))),
            Which::Number(number) => {
                (number.to_string(), Some(Position::Specified(SeekSpecified { number })))
            }
        };
        let block = match position {
            Some(position) => ordering::fetch(&session, channel, position).await?,
            None => ordering::fetch_config(&session, channel).await?,
        };
        let file = self.file.unwrap_or_else(|| format!("{channel}_{word}.block").into());
        write(&file, &block.encode_to_vec())?;
        let number = block.header.map_or(0, |header| header.number);
        output::line(&format!("block {number} of {channel} is in {}", file.display()))
    }
}

impl ShowConfig {
    async fn run(self) -> Result<()> {
        let session = Session::open(&self.target, "User1").await?;
        let block = ordering::fetch_config(&session, &self.name.channel).await?;
        let (_, config) = wasmcc_msp::config_of_block(&block)?;
        output::json(&config_json::config(&config))
    }
}

impl ShowOrg {
    fn run(self) -> Result<()> {
        let network = open_network(&self.network)?;
        let org = org(&network, self.org.as_deref())?;
        output::json(&config_json::group(&application_org(org.msp_config())?))
    }
}

impl ComputeUpdate {
    fn run(self) -> Result<()> {
        let original = read_config(&self.original)?;
        let bytes = read(&self.updated)?;
        let updated = match serde_json::from_slice(&bytes) {
            Ok(json) => config_json::edited(&original, &json)
                .with_context(|| format!("cannot use {}", self.updated.display()))?,
            Err(_) => read_config(&self.updated)?,
        };
        let update = configtx::compute_update(&self.name.channel, &original, &updated)?;
        write(&self.output, &configtx::new_update(&update).encode_to_vec())
    }
}

impl Sign {
    fn run(self) -> Result<()> {
        write(&self.file, &signed(&self.file, &self.target)?.encode_to_vec())
    }
}

impl Update {
    async fn run(self) -> Result<()> {
        let envelope = signed(&self.file, &self.target)?;
        let session = Session::open(&self.target, "Admin").await?;
        ordering::broadcast(&session, envelope).await?;
        output::line("the update is ordered")
    }
}

/// The update in a file with one more signature.
fn signed(file: &Path, target: &Target) -> Result<Envelope> {
    let envelope = Envelope::decode(read(file)?.as_slice())
        .with_context(|| format!("{} is no envelope", file.display()))?;
    let signer = target.signer("Admin")?;
    configtx::add_signature(&envelope, &signer, client::random_nonce(), client::timestamp())
        .with_context(|| format!("{} holds no update of a configuration", file.display()))
}

/// A configuration, on its own or in a block.
fn read_config(file: &Path) -> Result<Config> {
    let bytes = read(file)?;
    let block = Block::decode(bytes.as_slice()).ok();
    if let Some((_, config)) = block.and_then(|block| wasmcc_msp::config_of_block(&block).ok()) {
        return Ok(config);
    }
    let config = Config::decode(bytes.as_slice()).ok().filter(|c| c.channel_group.is_some());
    config.ok_or_else(|| anyhow!("{} holds no configuration of a channel", file.display()))
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))
}
