//! `wasmcc channel`: blocks and configuration of a channel, as with Fabric's `peer channel`.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, anyhow};
use prost::Message;

use crate::endorsing_peers::Orderer;
use crate::session::Session;
use crate::target::{Target, open_network, org};
use crate::usage::wrong;
use crate::{config_json, file, ordering, output};
use wasmcc_channel::configtx;
use wasmcc_client as client;
use wasmcc_msp::application_org;
use wasmcc_types::proto::common::{Block, Config, ConfigUpdate, Envelope};
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
    what: ChannelVerb,
}

#[derive(Debug, clap::Subcommand)]
enum ChannelVerb {
    Fetch(Fetch),
    Config(ShowConfig),
    Org(ShowOrg),
    ComputeUpdate(ComputeUpdate),
    Signconfigtx(Sign),
    Update(Update),
}

/// The option for the channel.
#[derive(Debug, clap::Args)]
struct Name {
    /// The channel.
    #[arg(short = 'C', long, visible_short_alias = 'c', visible_alias = "channelID")]
    #[arg(env = "WASMCC_CHANNEL", default_value = "mychannel", value_name = "CHANNEL")]
    channel: String,
}

/// The option for the channel, for verbs whose files also name it.
#[derive(Debug, clap::Args)]
struct SameName {
    /// The channel; files for another channel are refused [default: that of the files].
    #[arg(short = 'C', long, visible_short_alias = 'c', visible_alias = "channelID")]
    #[arg(env = "WASMCC_CHANNEL", value_name = "CHANNEL")]
    channel: Option<String>,
}

/// The argument for a file with an update.
#[derive(Debug, clap::Args)]
struct UpdateFile {
    /// The file of the envelope with an update and the signatures that were added to it.
    #[arg(value_name = "FILE", required_unless_present = "named")]
    file: Option<PathBuf>,
    /// The same, as Fabric's peer command names it.
    #[arg(id = "named", short = 'f', long = "file", conflicts_with = "file")]
    #[arg(value_name = "FILE", hide_env = true)]
    named: Option<PathBuf>,
}

/// Write a block to a file, as `peer channel fetch` does.
#[derive(Debug, clap::Args)]
struct Fetch {
    /// Which block: the one with the configuration in force, the newest, the first, or a number.
    #[arg(value_name = "config|newest|oldest|N")]
    which: Which,
    /// The file [default: CHANNEL_WHICH.block].
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    name: Name,
    #[command(flatten)]
    _orderer: Orderer,
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

/// Compute the update from one configuration to another. Needs no peer.
#[derive(Debug, clap::Args)]
struct ComputeUpdate {
    /// A block with the configuration in force, or the configuration itself.
    #[arg(value_name = "ORIGINAL")]
    original: PathBuf,
    /// The new configuration: a configuration, a block, or edited JSON of `wasmcc channel config`.
    #[arg(value_name = "UPDATED")]
    updated: PathBuf,
    /// The file to write the update to, in an unsigned envelope.
    #[arg(short, long, value_name = "FILE", hide_env = true)]
    output: PathBuf,
    #[command(flatten)]
    name: SameName,
}

/// Add a signature to an update, in its file.
#[derive(Debug, clap::Args)]
struct Sign {
    #[command(flatten)]
    update: UpdateFile,
    #[command(flatten)]
    _orderer: Orderer,
    #[command(flatten)]
    target: Target,
}

/// Sign an update and send it to the orderer.
#[derive(Debug, clap::Args)]
struct Update {
    #[command(flatten)]
    update: UpdateFile,
    #[command(flatten)]
    name: SameName,
    #[command(flatten)]
    _orderer: Orderer,
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
    pub(crate) async fn run(self) -> Result<()> {
        match self.what {
            ChannelVerb::Fetch(verb) => verb.run().await,
            ChannelVerb::Config(verb) => verb.run().await,
            ChannelVerb::Org(verb) => verb.run(),
            ChannelVerb::ComputeUpdate(verb) => verb.run(),
            ChannelVerb::Signconfigtx(verb) => verb.run(),
            ChannelVerb::Update(verb) => verb.run().await,
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
        let (of_original, original) = read_config(&self.original, &read(&self.original)?)?;
        let bytes = read(&self.updated)?;
        let (of_updated, updated) = match config_json::as_json(&bytes) {
            Some(json) => {
                let edited = json.and_then(|json| config_json::edited(&original, &json));
                let cannot = || format!("cannot use {}", self.updated.display());
                (None, edited.with_context(cannot)?)
            }
            None => read_config(&self.updated, &bytes)?,
        };
        let name = self.name.same_as(&self.original, of_original)?;
        let name = name.same_as(&self.updated, of_updated)?;
        let channel = name.channel.ok_or_else(|| {
            wrong("neither file is a block, which names its channel: give --channelID NAME")
        })?;
        let update = configtx::compute_update(&channel, &original, &updated)?;
        write(&self.output, &configtx::new_update(&update).encode_to_vec())
    }
}

impl SameName {
    /// Returns the channel that a file names, else the given one. Prevents a change of a channel
    /// other than the intended one.
    fn same_as(&self, file: &Path, named: Option<String>) -> Result<Self> {
        match (&self.channel, named) {
            (Some(channel), Some(named)) if *channel != named => Err(wrong(format!(
                "{} is about the channel {named}, not {channel}",
                file.display()
            ))),
            (channel, named) => Ok(Self { channel: named.or_else(|| channel.clone()) }),
        }
    }
}

impl Sign {
    fn run(self) -> Result<()> {
        let update = self.update.open()?;
        write(&update.file, &update.signed(&self.target)?.encode_to_vec())
    }
}

impl Update {
    async fn run(self) -> Result<()> {
        let update = self.update.open()?;
        self.name.same_as(&update.file, Some(update.channel.clone()))?;
        let envelope = update.signed(&self.target)?;
        let session = Session::open(&self.target, "Admin").await?;
        ordering::broadcast(&session, envelope).await?;
        output::line(&format!("the update of {} is ordered", update.channel))
    }
}

/// An update that was read from a file.
struct OpenUpdate {
    file: PathBuf,
    envelope: Envelope,
    channel: String,
}

impl UpdateFile {
    fn open(self) -> Result<OpenUpdate> {
        let file = self.file.or(self.named).ok_or_else(|| wrong("give the file of the update"))?;
        let envelope = Envelope::decode(read(&file)?.as_slice())
            .with_context(|| format!("{} is not an envelope", file.display()))?;
        let update = configtx::open_update(&envelope).with_context(|| no_update(&file))?;
        let update = ConfigUpdate::decode(update.config_update.as_slice());
        let channel = update.with_context(|| no_update(&file))?.channel_id;
        Ok(OpenUpdate { file, envelope, channel })
    }
}

impl OpenUpdate {
    /// Returns the envelope with one more signature.
    fn signed(&self, target: &Target) -> Result<Envelope> {
        let (nonce, now) = (client::random_nonce(), client::timestamp());
        let signed = configtx::add_signature(&self.envelope, &target.signer("Admin")?, nonce, now);
        signed.with_context(|| no_update(&self.file))
    }
}

fn no_update(file: &Path) -> String {
    format!("{} holds no update of a configuration", file.display())
}

/// Reads a configuration, on its own or in a block, which also names the channel.
fn read_config(file: &Path, bytes: &[u8]) -> Result<(Option<String>, Config)> {
    let block = Block::decode(bytes).ok();
    let of_block = block.and_then(|block| wasmcc_msp::config_of_block(&block).ok());
    if let Some((channel, config)) = of_block {
        return Ok((Some(channel), config));
    }
    let config = Config::decode(bytes).ok().filter(|config| config.channel_group.is_some());
    let config =
        config.ok_or_else(|| anyhow!("{} holds no configuration of a channel", file.display()))?;
    Ok((None, config))
}

fn read(file: &Path) -> Result<Vec<u8>> {
    file::read(file).with_context(|| format!("cannot read {}", file.display()))
}

fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    file::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn golden() -> PathBuf {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
        root.join("mychannel.genesis.block")
    }

    #[test]
    fn an_update_is_of_the_channel_that_the_block_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let (_, config) = read_config(&golden(), &read(&golden()).unwrap()).unwrap();
        let mut json = config_json::config(&config);
        json["channel_group"]["groups"]["Orderer"]["values"]["BatchTimeout"]["value"] = "7s".into();
        write(&path("new.json"), json.to_string().as_bytes()).unwrap();
        write(&path("config.pb"), &config.encode_to_vec()).unwrap();
        let compute = |original: PathBuf, channel: Option<&str>| {
            let name = SameName { channel: channel.map(str::to_owned) };
            let (updated, output) = (path("new.json"), path("update.pb"));
            ComputeUpdate { original, updated, output, name }.run()?;
            let update = UpdateFile { file: None, named: Some(path("update.pb")) };
            Ok::<_, anyhow::Error>(update.open()?.channel)
        };
        let refused = |original: PathBuf, channel: Option<&str>| {
            let error = compute(original, channel).unwrap_err();
            assert!(error.is::<crate::usage::WrongArguments>());
            error.to_string()
        };
        for given in [None, Some("mychannel")] {
            assert_eq!(compute(golden(), given).unwrap(), "mychannel");
        }
        let other = refused(golden(), Some("assets"));
        assert!(other.ends_with("is about the channel mychannel, not assets"), "{other}");
        assert_eq!(compute(path("config.pb"), Some("assets")).unwrap(), "assets");
        let none = refused(path("config.pb"), None);
        assert!(none.contains("give --channelID"), "{none}");
        // The error is about the JSON, not about the kind of file.
        write(&path("new.json"), b"{\n \"sequence\": 1,,\n}").unwrap();
        let broken = format!("{:#}", compute(golden(), None).unwrap_err());
        assert!(
            broken.contains("new.json: it is not JSON: ") && broken.contains("line 2 column 16")
        );
    }
}
