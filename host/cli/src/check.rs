//! `wasmcc check`: checks whether a peer would accept a component, and reports its capabilities.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Error, Result, anyhow};
use serde_json::{Value, json};

use crate::compiler::runtime_config;
use crate::limits::{self, LimitArgs};
use crate::progress::Progress;
use crate::{build, file, output};
use wasmcc_runtime::{Component, Limits, LoadError, Report, Runtime, RuntimeConfig};

const EXAMPLES: &str = "\
Examples:
  wasmcc check target/wasm32-wasip2/release/asset_transfer_basic.wasm
  wasmcc check basic.wasm --json | jq .capabilities
  wasmcc check contracts/basic

It does what a peer does at install: it compiles the component, in a process with limits on memory
and time. If a peer with these limits would refuse the file, it prints the reason and exits with
code 1. The report has the limits of a transaction. A folder is built first (wasmcc build).";

/// Check and compile a component, report its imports, capabilities and sizes. Needs no peer.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Check {
    /// The component, or the folder of a contract.
    #[arg(value_name = "FILE|DIR")]
    file: PathBuf,
    /// Print the report as JSON.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    limits: LimitArgs,
}

/// Why a component cannot be used.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// A peer with these limits would refuse it.
    Refused(LoadError),
    /// The file cannot be read, or this machine fails.
    Unknown(Error),
}

/// Reads a component and checks and compiles it as a peer does at install.
pub(crate) fn judge(file: &Path, limits: &LimitArgs) -> Result<(Arc<Component>, Limits), Unfit> {
    let read = file::read(file).with_context(|| format!("cannot read {}", file.display()));
    let wasm = read.map_err(Unfit::Unknown)?;
    // No instance runs here.
    let limits = Limits { instances: 1, ..limits.apply(Limits::default()) };
    let config = runtime_config().map_err(Unfit::Unknown)?;
    let runtime = Runtime::new(RuntimeConfig { limits, ..config });
    let runtime = runtime.map_err(|error| Unfit::Unknown(error.into()))?;
    let _progress = Progress::compiling(file, wasm.len());
    match runtime.load(&wasm) {
        Ok(component) => Ok((component, runtime.limits().clone())),
        Err(why @ (LoadError::Machine(_) | LoadError::CacheFolder { .. })) => {
            Err(Unfit::Unknown(anyhow!("{} cannot be judged: {why}", file.display())))
        }
        Err(why) => Err(Unfit::Refused(why)),
    }
}

impl Check {
    pub(crate) fn run(self) -> Result<()> {
        let (path, file) = match self.file.is_dir() {
            true => {
                let path = build::component(&self.file, &build::Order::shown())?;
                let file = build::shown(&path);
                (path, file)
            }
            false => (self.file.clone(), self.file.display().to_string()),
        };
        match judge(&path, &self.limits) {
            Ok((component, limits)) if self.json => {
                output::json(&as_json(&file, component.report(), &limits))
            }
            Ok((component, limits)) => output::line(&as_text(&file, component.report(), &limits)),
            Err(Unfit::Unknown(why)) => Err(why),
            Err(Unfit::Refused(why)) => {
                if self.json {
                    let why = why.to_string();
                    output::json(&json!({ "file": file, "accepted": false, "reason": why }))?;
                }
                Err(anyhow!("{file} is refused: {why}"))
            }
        }
    }
}

/// A report of an accepted component.
pub(crate) fn as_json(file: &str, report: &Report, limits: &Limits) -> Value {
    json!({
        "file": file,
        "accepted": true,
        "sha256": output::hex(&report.hash),
        "bytes": report.bytes,
        "capabilities": report.capabilities().collect::<Vec<_>>(),
        "imports": report.imports,
        "exports": report.exports,
        "functions": report.functions,
        "largest_function_bytes": report.largest_function_bytes,
        "initial_memory_bytes": report.initial_memory_bytes,
        "limits": limits::as_json(limits),
    })
}

/// Returns the report as text.
pub(crate) fn as_text(file: &str, report: &Report, limits: &Limits) -> String {
    let list = |names: &[String]| match names.is_empty() {
        true => "none".to_owned(),
        false => names.join("\n                  "),
    };
    let capabilities: Vec<&str> = report.capabilities().collect();
    let capabilities =
        if capabilities.is_empty() { "none".to_owned() } else { capabilities.join(", ") };
    let network = match report.imports.iter().any(|name| name.starts_with("wasi:sockets/")) {
        true => "\nnetwork           imported by its C library; a call of it ends the transaction",
        false => "",
    };
    format!(
        "{file} is accepted\n\
         sha256            {}\n\
         size              {} bytes\n\
         capabilities      {capabilities}\n\
         imports           {}\n\
         exports           {}\n\
         functions         {}, the largest of {} bytes\n\
         initial memory    {} KiB{network}\n\
         a transaction has {}",
        output::hex(&report.hash),
        report.bytes,
        list(&report.imports),
        list(&report.exports),
        report.functions,
        report.largest_function_bytes,
        report.initial_memory_bytes >> 10,
        limits::as_text(limits),
    )
}
