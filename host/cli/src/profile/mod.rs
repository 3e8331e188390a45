//! `wasmcc profile`: runs one call of a contract and reports the fuel of its functions.
//!
//! Invariant: measures fuel, not time, so a call has the same profile on every machine.

mod firefox;
mod flame;
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::json;

use crate::input::Input;
use crate::limits::LimitArgs;
use crate::progress::Progress;
use crate::target::open_network;
use crate::transient::Transient;
use crate::{build, duration, file, output};
use wasmcc_msp::{Network, NetworkSpec};
use wasmcc_node::sandbox::{Call, Endorsed, Sandbox};
use wasmcc_runtime::{Limits, Profile, inspect, with_probes};
use wasmcc_types::{Response, Timestamp};

const EXAMPLES: &str = "\
Examples:
  wasmcc profile . -c '{\"Args\":[\"InitLedger\"]}'
  wasmcc profile . --before '{\"Args\":[\"InitLedger\"]}' -c '{\"Args\":[\"GetAllAssets\"]}'
  wasmcc profile basic.wasm -o init -c '{\"Args\":[\"InitLedger\"]}' --json | jq .functions[0]

It runs the call in a sandbox, a peer without ports and files, and counts the fuel of each function.
The counts are exact: their sum is the cost of the call on any peer. A call to the peer counts for
the imported function. Called chaincodes have fuel of their own and are not profiled.

It writes a flame graph (profile.svg) and a file for https://profiler.firefox.com (profile.json, in
its processed format; a unit of fuel is shown as a microsecond). It prints the functions that use
the most fuel. A folder is built with the names of functions; in Rust, with the profile `profiling`:
release, not stripped. A stripped component has numbers in place of names.

Time and nonce of the transaction are always the same. With --network, its id and the client's
certificate are the same, too. Otherwise they are new, and a contract that depends on them costs a
little more or less each time.";

/// The chaincode's name in the sandbox.
const NAME: &str = "profiled";
/// The time of all transactions.
const TIME: Timestamp = Timestamp { seconds: 1_700_000_000, nanos: 0 };

/// Run one call of a contract and report the fuel of each function, with a flame graph.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ProfileVerb {
    /// The component, or the folder of a contract.
    #[arg(value_name = "FILE|DIR")]
    file: PathBuf,
    /// Function and arguments: {"Args":["f","x"]} or {"function":"f","Args":["x"]}.
    #[arg(short = 'c', long = "ctor", value_name = "JSON")]
    input: Input,
    /// Transient data, which the transaction does not record: {"key":"base64 of the value"}.
    #[arg(long, value_name = "JSON")]
    transient: Option<Transient>,
    /// A call to commit before, in the same form; may be repeated.
    #[arg(long, value_name = "JSON")]
    before: Vec<Input>,
    /// Its private data collections: a JSON file in the format of Fabric's tools.
    #[arg(long, value_name = "FILE")]
    collections_config: Option<PathBuf>,
    /// The network folder with the identities, made by `wasmcc network` [default: new ones].
    #[arg(long, env = "WASMCC_NETWORK", value_name = "DIR")]
    network: Option<PathBuf>,
    /// The path of the written files, without .svg and .json.
    #[arg(short, long, default_value = "profile", value_name = "PATH", hide_env = true)]
    output: PathBuf,
    /// Time limit of the call, which takes about a hundred times as long as on a peer.
    #[arg(long, env = "WASMCC_EXECUTE_TIMEOUT", default_value = "10m")]
    #[arg(value_parser = duration::positive, value_name = "TIME")]
    execute_timeout: Duration,
    /// Print response, fuel and all functions as JSON.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    limits: LimitArgs,
}

impl ProfileVerb {
    /// Runs the call, writes the files and prints the table. If the contract refuses the call, the
    /// files are written before this fails.
    pub(crate) fn run(self) -> Result<()> {
        let (file, wasm) = self.component()?;
        let call = call(&self.input, "the call")?;
        let limits = self.limits.apply(Limits::default());
        let refused = |why: String| anyhow!("{file} is refused: {why}");
        inspect(&wasm, &limits).map_err(|why| refused(why.to_string()))?;
        let probed = with_probes(&wasm).map_err(|why| refused(why.to_string()))?;
        let progress = Progress::start("compiling the component with probes");
        let sandbox = self.sandbox(limits)?;
        self.deploy(&sandbox, &probed).with_context(|| self.refused(&file))?;
        progress.step("running the call");
        for (number, input) in self.before.iter().enumerate() {
            let number = number + 1;
            let before = call_of(input, &format!("call {number} before"), &number.to_string())?;
            let done = sandbox.submit(before);
            done.with_context(|| format!("call {number} before ({})", shown(input)))?;
        }
        let transient = self.transient.clone().unwrap_or_default().0;
        let call =
            transient.into_iter().fold(call, |call, (name, value)| call.transient(&name, value));
        let (endorsed, profile) = sandbox.profile(call)?;
        drop(progress);
        self.report(&file, &endorsed, &profile)
    }

    /// Returns the component with its name for messages.
    fn component(&self) -> Result<(String, Vec<u8>)> {
        let (path, file) = match self.file.is_dir() {
            true => {
                let path = build::component(&self.file, &build::Order::with_names(&self.file))?;
                let file = build::shown(&path);
                (path, file)
            }
            false => (self.file.clone(), self.file.display().to_string()),
        };
        let wasm = file::read(&path).with_context(|| format!("cannot read {file}"))?;
        Ok((file, wasm))
    }

    fn sandbox(&self, limits: Limits) -> Result<Sandbox> {
        let builder = Sandbox::builder().profiled().limits(limits);
        let builder = builder.execute_timeout(self.execute_timeout);
        // Private data usually need a further peer to receive them.
        let members = match (&self.network, &self.collections_config) {
            (Some(path), _) => Some(open_network(path)?),
            (None, Some(_)) => Some(Network::in_memory(&NetworkSpec::with_orgs(2))?),
            (None, None) => None,
        };
        let Some(members) = members else { return Ok(builder.build()?) };
        let orgs: Vec<String> = members.orgs().iter().map(|org| org.msp_id().to_owned()).collect();
        let peers = if self.collections_config.is_some() { orgs.len() } else { 1 };
        let builder = builder.orgs(orgs.iter().take(peers).map(String::as_str));
        Ok(builder.members(members).build()?)
    }

    fn refused(&self, file: &str) -> String {
        match (&self.collections_config, &self.network) {
            (Some(_), None) => format!(
                "{file} is refused with its collections (other organizations than Org1MSP and \
                 Org2MSP need --network)"
            ),
            _ => format!("{file} is refused"),
        }
    }

    fn deploy(&self, sandbox: &Sandbox, component: &[u8]) -> Result<()> {
        match &self.collections_config {
            None => sandbox.deploy(NAME, component)?,
            Some(path) => {
                let read = fs::read_to_string(path);
                let json = read.with_context(|| format!("cannot read {}", path.display()))?;
                sandbox.deploy_with_collections(NAME, component, &json)?
            }
        };
        Ok(())
    }

    fn report(&self, file: &str, endorsed: &Endorsed, profile: &Profile) -> Result<()> {
        let title = format!("{file}: {}", shown(&self.input));
        let files = self.write(profile, &title)?;
        let Response { status, message, payload } = &endorsed.response;
        match self.json {
            true => output::json(&json!({
                "status": status,
                "message": message,
                "payload": output::bytes(payload),
                "fuel": profile.fuel(),
                "functions": table::as_json(profile),
                "files": files,
            }))?,
            false => output::line(&table::text(profile))?,
        }
        output::aside(&format!("{} and {} are written", files[0], files[1]));
        if profile.unnamed_fuel() > profile.fuel() / 2 {
            output::aside(
                "most functions have no names: give the contract's folder in place of the file, \
                 or build it with `strip = \"debuginfo\"` in the profile of its Cargo.toml",
            );
        }
        if *status >= Response::ERROR_THRESHOLD {
            bail!("the contract answers {status}: {message}; the profile ends there");
        }
        Ok(())
    }

    fn write(&self, profile: &Profile, title: &str) -> Result<[String; 2]> {
        let write = |extension: &str, text: String| {
            let mut path = self.output.clone().into_os_string();
            path.push(extension);
            let path = Path::new(&path);
            let written = fs::write(path, text);
            written.with_context(|| format!("cannot write {}", path.display()))?;
            Ok::<_, anyhow::Error>(path.display().to_string())
        };
        let svg = write(".svg", flame::graph(profile, title))?;
        Ok([svg, write(".json", firefox::file(profile, title).to_string())?])
    }
}

/// Returns the call to profile.
fn call(input: &Input, what: &str) -> Result<Call> {
    call_of(input, what, "profiled")
}

fn call_of(input: &Input, what: &str, nonce: &str) -> Result<Call> {
    let (function, args) = input.args.split_first().with_context(|| {
        format!("{what} names no function: {{\"Args\":[\"function\",\"argument\"]}}")
    })?;
    let call = Call::new(NAME, &String::from_utf8_lossy(function)).args(args.iter().cloned());
    Ok(call.nonce(nonce).timestamp(TIME))
}

/// Returns function and arguments in one line.
fn shown(input: &Input) -> String {
    let args = input.args.iter().map(|arg| output::shown(&String::from_utf8_lossy(arg)));
    args.collect::<Vec<_>>().join(" ")
}
