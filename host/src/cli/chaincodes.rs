//! `wasmcc chaincodes`: what runs on a channel, or lies on the peer.

use anyhow::Result;
use serde_json::{Value, json};

use crate::cli::hint::Asked;
use crate::cli::output;
use crate::cli::session::Session;
use crate::cli::target::Target;
use crate::client::lscc;
use crate::proto::protos::{ChaincodeInfo, ChaincodeQueryResponse};

const EXAMPLES: &str = "\
Examples:
  wasmcc chaincodes --network net -C mychannel
  wasmcc chaincodes --network net --installed --json";

/// List the chaincodes of a channel, or all that are installed on the peer.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Chaincodes {
    /// The channel.
    #[arg(short = 'C', long, visible_alias = "channelID", env = "WASMCC_CHANNEL")]
    #[arg(default_value = "mychannel", value_name = "CHANNEL")]
    channel: String,
    /// List what is installed on the peer instead, in all versions; needs an admin.
    #[arg(long)]
    installed: bool,
    /// Print the list as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

impl Chaincodes {
    /// Asks LSCC.
    pub async fn run(self) -> Result<()> {
        let (usual, proposal, channel) = match self.installed {
            true => ("Admin", lscc::installed(), ""),
            false => ("User1", lscc::instantiated(&self.channel), self.channel.as_str()),
        };
        let session = Session::open(&self.target, usual).await?;
        let asked = Asked { channel, chaincode: "lscc" };
        let answer = session.query_message(proposal, asked).await?;
        let ChaincodeQueryResponse { chaincodes } = answer;
        if self.json {
            return output::json(&chaincodes.iter().map(entry).collect::<Vec<_>>());
        }
        for info in chaincodes {
            output::line(&format!("{} {}", info.name, info.version))?;
        }
        Ok(())
    }
}

fn entry(info: &ChaincodeInfo) -> Value {
    let id = output::hex(&info.id);
    json!({ "name": info.name, "version": info.version, "id": id })
}
