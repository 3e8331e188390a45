//! `wasmcc invoke`: submits a transaction and waits for its commit.

use std::time::Instant;

use anyhow::Result;

use crate::answer::{self, Outcome};
use crate::endorsing_peers::EndorsingPeers;
use crate::hint::Asked;
use crate::input::Input;
use crate::output;
use crate::progress::Progress;
use crate::session::Session;
use crate::target::Target;
use crate::transient::Transient;
use wasmcc_client::ProposalBuilder;

const EXAMPLES: &str = "\
Examples:
  wasmcc invoke --network net -n basic -c '{\"Args\":[\"DeleteAsset\",\"a1\"]}'
  wasmcc invoke --network net -C mychannel -n basic --user User2 --json \\
      -c '{\"function\":\"TransferAsset\",\"Args\":[\"a1\",\"Max\"]}' \\
      --transient '{\"price\":\"MTEw\"}'";

/// Options for the function to call and its arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Call {
    /// The channel.
    #[arg(short = 'C', long, visible_alias = "channelID", env = "WASMCC_CHANNEL")]
    #[arg(default_value = "mychannel", value_name = "CHANNEL")]
    channel: String,
    /// The chaincode.
    #[arg(short, long, value_name = "NAME")]
    name: String,
    /// Function and arguments: {"Args":["f","x"]} or {"function":"f","Args":["x"]}.
    #[arg(short = 'c', long = "ctor", value_name = "JSON")]
    input: Input,
    /// Transient data, which the transaction does not record: {"key":"base64 of the value"}.
    #[arg(long, value_name = "JSON")]
    transient: Option<Transient>,
}

impl Call {
    /// Makes the proposal.
    pub(crate) fn proposal(&self) -> ProposalBuilder {
        ProposalBuilder::new(&self.channel, &self.name)
            .args(self.input.args.iter().cloned())
            .transient(self.transient.clone().unwrap_or_default().0)
    }

    /// The context for error texts.
    pub(crate) fn asked(&self) -> Asked<'_> {
        Asked { channel: &self.channel, chaincode: &self.name }
    }
}

/// Call a function in a transaction, and wait until it is committed.
///
/// Exit code 1 if the chaincode refuses the call or the transaction is not valid.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Invoke {
    #[command(flatten)]
    call: Call,
    /// Call the chaincode's init, which its definition must require.
    #[arg(short = 'I', long = "isInit", value_name = "BOOL")]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    is_init: Option<bool>,
    /// An organization whose endorsement is required; may be repeated [default: as few as satisfy
    /// the policies, the gateway's own first].
    #[arg(long = "endorser", value_name = "MSPID", conflicts_with = "addresses")]
    endorsers: Vec<String>,
    /// Print the result as JSON, also an error.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    peers: EndorsingPeers,
    #[command(flatten)]
    target: Target,
}

impl Invoke {
    /// Endorses, orders and waits.
    pub(crate) async fn run(self) -> Result<()> {
        let started = Instant::now();
        let outcome = self.submit().await?;
        let status = outcome.code.as_str_name();
        let payload = &outcome.response.payload;
        match self.json {
            false => {
                output::line(&format!("status   {status}"))?;
                output::line(&format!("tx id    {}", outcome.tx_id))?;
                output::line(&format!("block    {}", outcome.block_number))?;
                if let Some(reason) = &outcome.reason {
                    output::line(&format!("reason   {}", output::shown(reason)))?;
                }
                if let Some((fuel, calls)) = answer::cost(&outcome.receipts) {
                    output::line(&format!("fuel     {fuel} ({calls} calls to the peer)"))?;
                }
                if !payload.is_empty() {
                    output::line(&format!(
                        "payload  {}",
                        output::shown_lines(&output::text(payload))
                    ))?;
                }
            }
            true => output::json(&outcome.as_json(started.elapsed()))?,
        }
        outcome.check()
    }

    async fn submit(&self) -> Result<Outcome> {
        let sessions = self.peers.peers.sessions(&self.target, "User1").await?;
        let progress = Progress::start("endorsing");
        let proposal = self.call.proposal().init(self.is_init == Some(true));
        let asked = self.call.asked();
        match sessions.as_slice() {
            [one] if !self.peers.peers.are_named() => {
                one.submit(proposal, &self.endorsers, asked, &progress).await
            }
            named => {
                self.peers.peers.warn_of_other_chains(named, asked.channel).await;
                Session::submit_to(named, proposal, asked, &progress).await
            }
        }
    }
}
