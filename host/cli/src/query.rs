//! `wasmcc query`: evaluates a function without changing anything.

use std::time::Instant;

use anyhow::Result;

use crate::answer::Evaluated;
use crate::endorsing_peers::PeerAddresses;
use crate::invoke::Call;
use crate::output;
use crate::target::Target;
use crate::usage::wrong;

const EXAMPLES: &str = "\
Examples:
  wasmcc query --network net -n basic -c '{\"Args\":[\"ReadAsset\",\"a1\"]}'
  wasmcc query --network net -C mychannel -n basic -c '{\"Args\":[\"GetAllAssets\"]}' | jq

The peer of the caller's organization answers if the process at --peer has one, whichever of its
addresses that is, or else the peer at that address. The peer at --peerAddresses answers itself.";

/// Call a function and print what it returns; nothing is ordered or committed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Query {
    #[command(flatten)]
    call: Call,
    /// Print status, message and payload as JSON, an error too.
    #[arg(long)]
    pub(super) json: bool,
    /// Print the payload's bytes as they are [default: if it goes into a file or pipe].
    #[arg(short, long, conflicts_with_all = ["json", "hex"])]
    raw: bool,
    /// Print the payload in hexadecimal.
    #[arg(short = 'x', long, conflicts_with = "json")]
    hex: bool,
    #[command(flatten)]
    peers: PeerAddresses,
    #[command(flatten)]
    target: Target,
}

impl Query {
    /// Asks one peer, that of the caller's organization if it has one here.
    pub(crate) async fn run(self) -> Result<()> {
        let started = Instant::now();
        let evaluated = self.evaluate().await?;
        if self.json {
            return output::json(&evaluated.as_json(started.elapsed()));
        }
        let payload = &evaluated.response.payload;
        match self.hex {
            true => output::line(&output::hex(payload)),
            false => output::payload(payload, self.raw),
        }
    }

    async fn evaluate(&self) -> Result<Evaluated> {
        let sessions = self.peers.sessions(&self.target, "User1").await?;
        match sessions.as_slice() {
            [one] if self.peers.are_named() => {
                one.query_here(self.call.proposal(), self.call.asked()).await
            }
            [one] => one.evaluate(self.call.proposal(), self.call.asked()).await,
            _ => Err(wrong("a query asks one peer: give --peerAddresses once")),
        }
    }
}
