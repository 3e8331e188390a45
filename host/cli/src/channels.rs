//! `wasmcc channels`: lists the channels of the peer.

use anyhow::Result;
use serde_json::json;

use crate::hint::Asked;
use crate::output;
use crate::session::Session;
use crate::target::Target;
use wasmcc_client::cscc;
use wasmcc_types::CSCC;
use wasmcc_types::proto::protos::ChannelQueryResponse;

const EXAMPLES: &str = "\
Examples:
  wasmcc channels --network net
  wasmcc channels --network net --json";

/// List the channels of the peer.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Channels {
    /// Print the list as JSON.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    target: Target,
}

impl Channels {
    /// Queries CSCC and prints the list.
    pub(crate) async fn run(self) -> Result<()> {
        let session = Session::open(&self.target, "User1").await?;
        let asked = Asked { channel: "", chaincode: CSCC };
        let answer = session.query_message(cscc::channels(), asked).await?;
        let ChannelQueryResponse { channels } = answer;
        let names: Vec<String> = channels.into_iter().map(|info| info.channel_id).collect();
        if self.json {
            return output::json(&json!(names));
        }
        names.iter().try_for_each(|name| output::line(name))
    }
}
