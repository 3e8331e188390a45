//! The command line: one file a verb, and what they share.
//!
//! Invariant: no rules of Fabric's. A verb reads its arguments, asks a peer or the library, and
//! says what came of it; results go to standard output, everything else to standard error.

mod addresses;
mod answer;
mod block;
mod block_json;
mod builder;
mod builder_script;
mod chaincodes;
mod channel;
mod channels;
mod check;
mod compiler;
mod config_json;
mod connecting;
mod deploy;
mod doors;
mod duration;
mod endorsing_peers;
mod hint;
mod input;
mod inspect;
mod invoke;
mod ledger;
mod ledger_files;
mod ledger_rebuild;
mod ledger_verify;
mod lifecycle;
mod limits;
mod log;
mod meta_inf;
mod network;
mod ordering;
mod output;
mod package;
mod peer;
mod progress;
mod query;
mod secret;
mod serve;
mod serve_target;
mod served_package;
mod session;
mod signal;
mod target;
mod tls;
mod transient;
mod version;

use std::future::Future;

use anyhow::{Context, Result};
use clap::{ArgAction, Parser, Subcommand};

const EXAMPLES: &str = "\
A first transaction:
  wasmcc network net
  wasmcc peer --network net --in-memory &
  export WASMCC_NETWORK=net
  wasmcc deploy asset_transfer_basic.wasm --name basic
  wasmcc invoke -n basic -c '{\"Args\":[\"InitLedger\"]}'
  wasmcc query -n basic -c '{\"Args\":[\"ReadAsset\",\"asset1\"]}'

Exit codes: 0 done, 1 failed, 2 wrong arguments.";

/// Runs Hyperledger Fabric chaincode as WebAssembly components.
#[derive(Debug, Parser)]
#[command(name = "wasmcc", version, after_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    /// Log more; given twice, log everything. RUST_LOG selects more exactly.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Network(network::Network),
    Peer(peer::Peer),
    Deploy(deploy::Deploy),
    Lifecycle(lifecycle::Lifecycle),
    Invoke(invoke::Invoke),
    Query(query::Query),
    Check(check::Check),
    Package(package::Package),
    Serve(serve::Serve),
    Builder(builder::Builder),
    Channel(channel::Channel),
    Channels(channels::Channels),
    Chaincodes(chaincodes::Chaincodes),
    Block(block::Block),
    Ledger(ledger::Ledger),
    Inspect(inspect::Inspect),
}

impl Cli {
    /// What the log shows, unless RUST_LOG says something else.
    fn log_filter(&self) -> &'static str {
        match self.verbose {
            0 if self.serves() => "wasmcc=info,warn",
            0 => "warn",
            1 => "wasmcc=debug,info",
            _ => "trace",
        }
    }

    /// Whether it serves peers or clients, and somebody keeps its log.
    fn serves(&self) -> bool {
        matches!(self.verb, Verb::Peer(_) | Verb::Serve(_) | Verb::Builder(_))
    }

    /// The whole program, with its log. False: it failed, and has said why.
    pub fn run_program(self) -> bool {
        let _flushed_at_the_end = log::Flush;
        let done = log::start(self.log_filter(), self.serves()).and_then(|()| self.run());
        if let Err(error) = &done {
            log::fail(error);
        }
        done.is_ok()
    }

    /// Does what the arguments say. With `--json` an error is printed as JSON, too.
    pub fn run(self) -> Result<()> {
        let is_json = self.verb.is_json();
        let result = self.verb.run();
        if let (true, Err(error)) = (is_json, &result) {
            output::error_as_json(error)?;
        }
        result
    }
}

impl Verb {
    fn is_json(&self) -> bool {
        match self {
            Self::Deploy(verb) => verb.json,
            Self::Invoke(verb) => verb.json,
            Self::Query(verb) => verb.json,
            Self::Check(verb) => verb.json,
            Self::Channels(verb) => verb.json,
            Self::Chaincodes(verb) => verb.json,
            Self::Block(verb) => verb.json,
            Self::Ledger(verb) => verb.is_json(),
            Self::Inspect(verb) => verb.is_json(),
            _ => false,
        }
    }

    fn run(self) -> Result<()> {
        match self {
            Self::Network(verb) => verb.run(),
            Self::Peer(verb) => verb.run(),
            Self::Deploy(verb) => block_on(verb.run()),
            Self::Lifecycle(verb) => block_on(verb.run()),
            Self::Invoke(verb) => block_on(verb.run()),
            Self::Query(verb) => block_on(verb.run()),
            Self::Check(verb) => verb.run(),
            Self::Package(verb) => verb.run(),
            Self::Serve(verb) => verb.run(),
            Self::Builder(verb) => verb.run(),
            Self::Channel(verb) => block_on(verb.run()),
            Self::Channels(verb) => block_on(verb.run()),
            Self::Chaincodes(verb) => block_on(verb.run()),
            Self::Block(verb) => block_on(verb.run()),
            Self::Ledger(verb) => verb.run(),
            Self::Inspect(verb) => verb.run(),
        }
    }
}

/// A client has one connection and needs one thread.
fn block_on(verb: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start the client")?.block_on(verb)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn arguments_are_those_of_fabrics_peer_command() {
        let words = ["wasmcc", "invoke", "--network", "net", "-C", "ch", "-n", "basic", "-c"];
        let parse = |input: &str| Cli::try_parse_from(words.iter().chain([&input]));
        assert!(parse(r#"{"Args":["f","x"]}"#).is_ok());
        let error = parse(r#"{"Args":[5]}"#).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("argument 1 is 5"), "{error}");
    }

    #[test]
    fn a_peer_keeps_its_data_or_does_not() {
        let words = ["wasmcc", "peer", "--network", "net", "--in-memory"];
        assert!(Cli::try_parse_from(words).is_ok());
        let both = words.iter().chain(&["--data", "x"]);
        assert!(Cli::try_parse_from(both).is_err());
    }
}
