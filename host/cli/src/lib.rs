//! The command line: one file for each verb, and shared parts.
//!
//! Invariant: has no rules of Fabric. A verb reads its arguments, calls a peer or the library, and
//! prints the result: results go to standard output, everything else to standard error.

// `output::aside` ignores a closed standard error; `eprintln!` panics.
#![warn(clippy::print_stderr)]

mod addresses;
mod answer;
mod audit;
mod block;
mod block_json;
mod blocks;
mod build;
mod builder;
mod builder_script;
mod chaincodes;
mod channel;
mod channels;
mod check;
mod compiler;
mod completions;
mod components;
mod config;
mod config_json;
mod connecting;
mod deploy;
mod dev;
mod doors;
mod duration;
mod endorsing_peers;
mod events;
mod expiry;
mod file;
mod hint;
mod input;
mod inspect;
mod invoke;
mod laboratory;
mod ledger;
mod ledger_files;
mod ledger_rebuild;
mod ledger_verify;
mod lifecycle;
mod limits;
mod log;
mod man;
mod meta_inf;
mod network;
mod new;
mod operations;
mod ordering;
mod output;
mod package;
mod peer;
mod peer_blocks;
mod peer_condition;
mod profile;
mod progress;
mod query;
mod reference;
mod replay;
mod replay_text;
mod sandbox;
mod secret;
mod serve;
mod serve_condition;
mod serve_target;
mod served_package;
mod session;
mod settings;
mod signal;
mod snapshot;
mod target;
mod test;
mod tls;
mod transient;
mod usage;
mod version;
mod web;

use std::ffi::OsString;
use std::future::Future;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{ArgAction, Command, CommandFactory, Parser, Subcommand};
use wasmcc_runtime::{COMPILE_VERB, compile_for_parent};

use crate::signal::{INTERRUPTED, Interrupted};
use crate::usage::WrongArguments;
pub use reference::markdown as reference;

const EXAMPLES: &str = "\
A first transaction:
  wasmcc dev basic=asset_transfer_basic.wasm                        # and in another terminal:
  wasmcc invoke -n basic -c '{\"Args\":[\"InitLedger\"]}'
  wasmcc query -n basic -c '{\"Args\":[\"ReadAsset\",\"asset1\"]}'

Options are also variables (WASMCC_BATCH_TIMEOUT for --batch-timeout) and keys of the file
wasmcc.toml in the current folder. Flags override variables, and variables override the file:
  network = \"net\"
  [peer]
  batch-timeout = \"10ms\"
`wasmcc config peer` shows the values in force, and where each comes from.

Exit codes: 0 done, 1 failed, 2 wrong arguments.";

/// The heading for the options of all verbs.
const SHARED: &str = "Log and configuration";

/// Runs Hyperledger Fabric chaincode as WebAssembly components.
#[derive(Debug, Parser)]
#[command(name = "wasmcc", version, after_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    /// Log more; given twice, log everything. --log-spec selects more exactly.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// What to log, in Fabric's syntax: info:endorser,gateway=debug. Without it, RUST_LOG selects
    /// lines in Rust's syntax.
    #[arg(long, global = true, env = "FABRIC_LOGGING_SPEC", value_name = "SPEC")]
    #[arg(help_heading = SHARED)]
    log_spec: Option<log::Spec>,
    /// The form of the log.
    #[arg(long, global = true, default_value = "text", value_name = "FORMAT")]
    #[arg(help_heading = SHARED)]
    log_format: log::Format,
    /// The OpenTelemetry collector for the spans of verbs that serve, if the program is built with
    /// the feature otlp, such as http://localhost:4317 (OTLP over gRPC) [default: that of
    /// OTEL_EXPORTER_OTLP_ENDPOINT].
    #[arg(long, global = true, value_name = "URL", help_heading = SHARED)]
    otlp_endpoint: Option<String>,
    /// A file with values of options [default: wasmcc.toml in the current folder, if it exists].
    #[arg(long, global = true, value_name = "FILE", help_heading = SHARED)]
    config: Option<PathBuf>,
    /// The configuration file that was read.
    #[arg(skip)]
    file: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Dev(dev::Dev),
    Down(dev::Down),
    Reset(dev::Reset),
    Logs(dev::Logs),
    Events(events::Events),
    New(new::New),
    Build(build::Build),
    Test(test::Test),
    Profile(profile::ProfileVerb),
    Check(check::Check),
    Network(network::Network),
    Peer(peer::Peer),
    Deploy(deploy::Deploy),
    Lifecycle(lifecycle::Lifecycle),
    Invoke(invoke::Invoke),
    Query(query::Query),
    Package(package::Package),
    Serve(serve::Serve),
    Builder(builder::Builder),
    Channel(channel::Channel),
    Channels(channels::Channels),
    Chaincodes(chaincodes::Chaincodes),
    Block(block::Block),
    Ledger(ledger::Ledger),
    Snapshot(snapshot::Snapshot),
    Inspect(inspect::Inspect),
    #[command(hide = true)]
    Sandbox(sandbox::Sandbox),
    Replay(replay::Replay),
    Audit(audit::Audit),
    Config(config::Config),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Returns the arguments of this program, with the variables of all options.
pub fn command_with_variables() -> Command {
    settings::with_variables(Cli::command())
}

impl Cli {
    /// Reads the command line, the variables and the file of this process. The first argument is
    /// the program.
    ///
    /// # Errors
    /// An argument or value is wrong, or help is requested; [`clap::Error::exit`] prints it.
    pub fn of_process(args: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        settings::parse(args.into_iter().collect())
    }

    /// Returns the log settings of the verb. Without -v, lines of successful transactions are
    /// hidden.
    fn log(&self) -> log::Log {
        let usual = match self.verbose {
            // `dev` itself reports transactions and the log lines of contracts.
            0 | 1 if self.is_dev() => "warn:endorser.tx_line=error:chaincode.=fatal",
            0 if self.serves() => "warn:wasmcc=info:transaction=warn",
            // A test that expects a refusal must not print it.
            0 if matches!(self.verb, Verb::Sandbox(_)) => "error:sandbox.deployment=warn",
            0 => "warn",
            1 => "info:wasmcc=debug",
            _ => "payload",
        };
        let (spec, format) = (self.log_spec.clone(), self.log_format);
        let collector = log::Collector(self.otlp_endpoint.clone());
        log::Log { spec, usual, format, serves: self.serves(), is_dev: self.is_dev(), collector }
    }

    /// True if the verb serves peers or clients, so that its log is queued.
    fn serves(&self) -> bool {
        self.is_dev() || matches!(self.verb, Verb::Peer(_) | Verb::Serve(_) | Verb::Builder(_))
    }

    fn is_dev(&self) -> bool {
        matches!(self.verb, Verb::Dev(_))
    }

    /// Runs the whole program with the arguments of this process; returns its exit code.
    pub fn run_process() -> ExitCode {
        let mut args = std::env::args_os().skip(1);
        // First, because the compiler process must limit itself before anything else.
        if args.next().is_some_and(|verb| verb == COMPILE_VERB) {
            return compile_for_parent(args);
        }
        let cli = Self::of_process(std::env::args_os()).unwrap_or_else(|error| error.exit());
        cli.run_program()
    }

    /// Runs the program with its log. Prints the reason of a failure.
    fn run_program(self) -> ExitCode {
        let _flushed_at_the_end = log::Flush;
        let started = log::start(self.log()).map(|()| signal::outlive(self.serves()));
        let Err(error) = started.and_then(|()| self.run()) else { return ExitCode::SUCCESS };
        log::fail(&error);
        match error {
            // As in clap.
            error if error.is::<WrongArguments>() => ExitCode::from(2),
            error if Interrupted::is(&error) => ExitCode::from(INTERRUPTED),
            _ => ExitCode::FAILURE,
        }
    }

    /// Runs the verb. With `--json`, an error is also printed as JSON.
    pub fn run(self) -> Result<()> {
        if let Some(file) = &self.file {
            tracing::info!(file = %file.display(), "options are also read from a file");
        }
        let is_json = self.verb.is_json();
        let result = match self.verb {
            Verb::Config(verb) => verb.run(self.config),
            verb => verb.run(self.verbose > 0),
        };
        if let (true, Err(error)) = (is_json, &result) {
            output::error_as_json(error)?;
        }
        result
    }
}

impl Verb {
    fn is_json(&self) -> bool {
        match self {
            Self::Logs(verb) => verb.json,
            Self::Events(verb) => verb.json,
            Self::Deploy(verb) => verb.json,
            Self::Invoke(verb) => verb.json,
            Self::Query(verb) => verb.json,
            Self::Build(verb) => verb.json,
            Self::Profile(verb) => verb.json,
            Self::Check(verb) => verb.json,
            Self::Channels(verb) => verb.json,
            Self::Chaincodes(verb) => verb.json,
            Self::Block(verb) => verb.json,
            Self::Ledger(verb) => verb.is_json(),
            Self::Inspect(verb) => verb.is_json(),
            Self::Replay(verb) => verb.json,
            Self::Audit(verb) => verb.json,
            Self::Config(verb) => verb.json,
            _ => false,
        }
    }

    fn run(self, verbose: bool) -> Result<()> {
        match self {
            Self::Dev(verb) => verb.run(verbose),
            Self::Down(verb) => verb.run(),
            Self::Reset(verb) => verb.run(),
            Self::Logs(verb) => verb.run(),
            Self::Events(verb) => block_on(verb.run()),
            Self::New(verb) => verb.run(),
            Self::Test(verb) => verb.run(),
            Self::Profile(verb) => verb.run(),
            Self::Network(verb) => verb.run(),
            Self::Peer(verb) => verb.run(),
            Self::Deploy(verb) => block_on(verb.run()),
            Self::Lifecycle(verb) => block_on(verb.run()),
            Self::Invoke(verb) => block_on(verb.run()),
            Self::Query(verb) => block_on(verb.run()),
            Self::Build(verb) => verb.run(),
            Self::Check(verb) => verb.run(),
            Self::Package(verb) => verb.run(),
            Self::Serve(verb) => verb.run(),
            Self::Builder(verb) => verb.run(),
            Self::Channel(verb) => block_on(verb.run()),
            Self::Channels(verb) => block_on(verb.run()),
            Self::Chaincodes(verb) => block_on(verb.run()),
            Self::Block(verb) => block_on(verb.run()),
            Self::Ledger(verb) => verb.run(),
            Self::Snapshot(verb) => block_on(verb.run()),
            Self::Inspect(verb) => verb.run(),
            Self::Sandbox(verb) => verb.run(),
            Self::Replay(verb) => verb.run(),
            Self::Audit(verb) => verb.run(),
            Self::Config(verb) => verb.run(None),
            Self::Completions(verb) => verb.run(),
            Self::Man(verb) => verb.run(),
        }
    }
}

/// A client has one connection, so one thread is enough.
fn block_on(verb: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start the client")?.block_on(verb)
}

#[cfg(test)]
mod tests {
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

    /// Command lines of Fabric's `docs/source/commands`, with values in the forms that Go accepts.
    #[test]
    fn commands_of_fabrics_documentation_are_understood() {
        const PEER: &str = "--peerAddresses p:7051 --tlsRootCertFiles ca.crt";
        const ORDERER: &str = "-o o:7050 --tls --cafile ca.pem --certfile '' --keyfile '' \
                               --ordererTLSHostnameOverride o --clientauth=false \
                               --connTimeout 1.5s --tlsHandshakeTimeShift 0";
        const WAIT: &str = "--waitForEvent=true --waitForEventTimeout 1m30s";
        const DEFINED: &str = "-C ch -n cc --version 1.0 --sequence 1 --init-required=false \
                               --collections-config '' --signature-policy ''";
        for words in [
            format!("lifecycle chaincode install cc.tgz {PEER} {ORDERER}"),
            format!("lifecycle chaincode queryinstalled -O JSON {PEER}"),
            format!("lifecycle chaincode getinstalledpackage --package-id x {PEER}"),
            format!("lifecycle chaincode queryapproved -C ch -n cc {PEER} {ORDERER}"),
            format!("lifecycle chaincode checkcommitreadiness {DEFINED} {PEER} {ORDERER}"),
            format!("lifecycle chaincode querycommitted --channelID ch {PEER} {ORDERER}"),
            format!(
                "lifecycle chaincode approveformyorg {DEFINED} {PEER} {ORDERER} {WAIT} \
                 --package-id ''"
            ),
            format!("lifecycle chaincode commit {DEFINED} {PEER} --tlsRootCertFiles '' {WAIT}"),
            format!("invoke -C ch -n cc -c {{}} --isInit=false --transient '' {ORDERER} {WAIT}"),
            format!("query -C ch -n cc -c {{}} --raw=false {PEER} {ORDERER}"),
            format!("channel fetch config config.block -c ch {ORDERER}"),
            format!("channel signconfigtx -f update.pb {ORDERER}"),
            format!("channel update -f update.pb -c ch {ORDERER}"),
        ] {
            let words = words.replace("-c {}", r#"-c {"Args":["f"]}"#);
            let args = words.split_whitespace().map(|word| word.trim_matches('\''));
            let parsed = Cli::try_parse_from(["wasmcc"].into_iter().chain(args));
            assert!(parsed.is_ok(), "{words}: {}", parsed.unwrap_err());
        }
    }

    #[test]
    fn errors_are_json_where_results_are() {
        for words in ["logs", "events", "channels", "chaincodes", "ledger verify --data d"] {
            let words: Vec<&str> = ["wasmcc"].into_iter().chain(words.split(' ')).collect();
            assert!(!Cli::try_parse_from(&words).unwrap().verb.is_json(), "{words:?}");
            let with_flag = Cli::try_parse_from(words.iter().chain(&["--json"])).unwrap();
            assert!(with_flag.verb.is_json(), "{words:?}");
        }
    }

    #[test]
    fn a_peer_keeps_its_data_or_does_not() {
        let words = ["wasmcc", "peer", "--network", "net", "--in-memory"];
        assert!(Cli::try_parse_from(words).is_ok());
        let both = words.iter().chain(&["--data", "x"]);
        assert!(Cli::try_parse_from(both).is_err());
    }
}
