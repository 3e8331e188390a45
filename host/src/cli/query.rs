//! `wasmcc query`: a call that changes nothing.

use anyhow::Result;
use serde_json::json;

use crate::cli::invoke::Call;
use crate::cli::output;
use crate::cli::session::Session;
use crate::cli::target::Target;

const EXAMPLES: &str = "\
Examples:
  wasmcc query --network net -n basic -c '{\"Args\":[\"ReadAsset\",\"a1\"]}'
  wasmcc query --network net -C mychannel -n basic -c '{\"Args\":[\"GetAllAssets\"]}' | jq";

/// Call a function and print what it returns; nothing is ordered or committed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Query {
    #[command(flatten)]
    call: Call,
    /// Print status, message and payload as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

impl Query {
    /// Asks one peer, that of the caller's organization if it has one here.
    pub async fn run(self) -> Result<()> {
        let session = Session::open(&self.target, "User1").await?;
        let answer = session.evaluate(self.call.proposal(), self.call.asked()).await?;
        if self.json {
            return output::json(&json!({
                "status": answer.status,
                "message": answer.message,
                "payload": output::bytes(&answer.payload),
            }));
        }
        output::line(&output::text(&answer.payload))
    }
}
