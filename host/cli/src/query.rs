//! `wasmcc query`: evaluates a function without a transaction.

use std::time::Instant;

use anyhow::Result;

use crate::answer::Evaluated;
use crate::endorsing_peers::AskedPeer;
use crate::invoke::Call;
use crate::output;
use crate::target::Target;

const EXAMPLES: &str = "\
Examples:
  wasmcc query --network net -n basic -c '{\"Args\":[\"ReadAsset\",\"a1\"]}'
  wasmcc query --network net -C mychannel -n basic -c '{\"Args\":[\"GetAllAssets\"]}' | jq

If the process at --peer runs a peer of the caller's organization, that peer answers, whichever
address of the process is given. Otherwise the peer at that address answers. With --peerAddresses,
the peer at that address always answers itself.";

/// Call a function and print its answer; nothing is ordered or committed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Query {
    #[command(flatten)]
    call: Call,
    /// Print status, message and payload as JSON, also an error.
    #[arg(long)]
    pub(super) json: bool,
    /// Print the payload's bytes and nothing else. Without this option, a file or pipe gets them
    /// with a newline at the end.
    #[arg(short, long, value_name = "BOOL", conflicts_with_all = ["json", "hex"])]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    raw: Option<bool>,
    /// Print the payload in hexadecimal.
    #[arg(short = 'x', long, value_name = "BOOL", conflicts_with = "json")]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    hex: Option<bool>,
    #[command(flatten)]
    asked: AskedPeer,
    #[command(flatten)]
    target: Target,
}

impl Query {
    /// Queries one peer, by default that of the caller's organization.
    pub(crate) async fn run(self) -> Result<()> {
        let started = Instant::now();
        let evaluated = self.evaluate().await?;
        if self.json {
            return output::json(&evaluated.as_json(started.elapsed()));
        }
        let payload = &evaluated.response.payload;
        match self.hex {
            Some(true) => output::line(&output::hex(payload)),
            _ => output::payload(payload, self.raw == Some(true)),
        }
    }

    async fn evaluate(&self) -> Result<Evaluated> {
        let session = self.asked.session(&self.target, "User1").await?;
        let (proposal, asked) = (self.call.proposal(), self.call.asked());
        match self.asked.is_named() {
            true => session.query_here(proposal, asked).await,
            false => session.evaluate(proposal, asked).await,
        }
    }
}
