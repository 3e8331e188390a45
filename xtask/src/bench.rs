//! `cargo xtask bench [NAME]`: runs the benches and prints each figure in one line.
//!
//! Invariant: every figure comes from measurements of this run; nothing is compared across runs.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use anyhow::{Context, Result, bail, ensure};

use crate::rust_chaincode::{self, Profile};
use crate::{cargo, guests, npm};

/// The number of transactions in a block of the bench `commit`.
const BLOCK_TXS: f64 = 500.0;

/// Program and benches are built with this flag, so that their dependencies have the same features
/// and are shared.
const OF_ALL: &str = "--workspace";

/// Additional requirements of a bench, beside the chaincodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// The program `wasmcc`, in release mode.
    Program,
    /// The npm packages.
    Node,
    /// The chaincode on the crate `fabric-shim`.
    Rust,
}

/// A `[[bench]]` of the package.
struct Bench {
    name: &'static str,
    needs: &'static [Need],
}

const BENCHES: [Bench; 15] = [
    Bench { name: "invoke", needs: &[] },
    Bench { name: "endorse", needs: &[] },
    Bench { name: "commit", needs: &[] },
    Bench { name: "commit_signed", needs: &[] },
    Bench { name: "audit", needs: &[] },
    Bench { name: "query", needs: &[] },
    Bench { name: "launch", needs: &[Need::Program] },
    Bench { name: "large_state", needs: &[] },
    Bench { name: "endorse_external", needs: &[Need::Node, Need::Rust] },
    Bench { name: "fair", needs: &[] },
    Bench { name: "languages", needs: &[Need::Program, Need::Node] },
    Bench { name: "contract", needs: &[Need::Program] },
    Bench { name: "serve", needs: &[Need::Program, Need::Rust] },
    Bench { name: "dev", needs: &[Need::Program] },
    Bench { name: "gateway", needs: &[Need::Program] },
];

/// The bench of `cargo xtask scale`, which has no figures.
const SCALE: Bench = Bench { name: "scale", needs: &[] };

/// A figure's name, and its computation from the measurements.
type Figure = (&'static str, fn(&Results) -> Result<f64>);

const FIGURES: [Figure; 48] = [
    ("new_to_green_s", |r| r.printed("contract: new_to_green_s ", "")),
    ("contract_test_crates", |r| r.printed("contract: crates ", "")),
    ("edit_to_unit_ms", |r| r.printed("contract: edit_to_unit_ms ", "")),
    ("edit_to_sandbox_ms", |r| r.printed("contract: edit_to_sandbox_ms ", "")),
    ("component_kb", |r| r.printed("contract: component_kb ", "")),
    ("sdk_overhead_us", |r| r.printed("sdk: overhead_us ", "")),
    ("invoke_to_bare", |r| Ok(r.ns("invoke/runtime")? / r.ns("invoke/bare_wasmtime")?)),
    ("invoke_idle_to_warm", |r| Ok(r.ns("invoke/ready")? / r.ns("invoke/reused")?)),
    ("hostcall_fuel_overhead", |r| r.printed("hostcall fuel overhead: ", "")),
    ("trace_off_ratio", |r| r.printed("trace off: ", "")),
    ("endorse_to_limit", |r| {
        let limit = r.ns("endorse/verify")? + r.ns("endorse/sign")?;
        Ok(r.ns("endorse/process_proposal")? / (limit + r.ns("endorse/bare_wasmtime")?))
    }),
    ("commit_tx_per_s", |r| Ok(BLOCK_TXS * 1e9 / r.ns("commit/block_of_500")?)),
    ("commit_signed_to_limit", |r| r.printed("commit signed: to_limit ", "")),
    ("commit_signed_alone_to_limit", |r| r.printed("commit signed: alone_to_limit ", "")),
    ("commit_with_64_open_simulations_ratio", |r| r.printed("open simulations: ", "")),
    ("audit_tx_per_s", |r| r.printed("audit: tx_per_s ", "")),
    ("audit_with_signatures_tx_per_s", |r| r.printed("audit: with_signatures_tx_per_s ", "")),
    ("rich_query_indexed_us", |r| Ok(r.ns("query/indexed")? / 1e3)),
    ("rich_query_full_scan_us", |r| Ok(r.ns("query/full_scan")? / 1e3)),
    ("launch_cold_ms", |r| Ok(r.ns("launch/cold")? / 1e6)),
    ("launch_cached_ms", |r| Ok(r.ns("launch/cached")? / 1e6)),
    ("open_1m_keys_ms", |r| r.printed("large: ledger open_ms ", "")),
    ("get_1m_us", |r| r.printed("large: ledger get_us ", "")),
    ("get_1m_to_sled", |r| {
        Ok(r.printed("large: ledger get_us ", "")? / r.printed("large: sled get_us ", "")?)
    }),
    ("live_1000_mb", |r| r.printed("live: ", " MB")),
    ("wasm_to_node_transfer", |r| {
        Ok(r.ns("external_transfer/wasm_16")? / r.ns("external_transfer/node_16")?)
    }),
    ("wasm_to_rust_transfer", |r| {
        Ok(r.ns("external_transfer/wasm_16")? / r.ns("external_transfer/rust_16")?)
    }),
    ("js_transfer_us", |r| r.printed("language: js transfer_us ", "")),
    ("python_transfer_us", |r| r.printed("language: python transfer_us ", "")),
    ("go_transfer_us", |r| r.printed("language: go transfer_us ", "")),
    ("c_transfer_us", |r| r.printed("language: c transfer_us ", "")),
    ("js_to_node", |r| r.printed("beside: js_to_node ", "")),
    ("js_cpu_to_node", |r| r.printed("beside: js_cpu_to_node ", "")),
    ("js_second_contract_compile_ms", |r| r.printed("second: js_second_contract_compile_ms ", "")),
    ("dev_ready_ms", |r| r.printed("dev: ready_ms ", "")),
    ("dev_reload_ms", |r| r.printed("dev: reload_ms ", "")),
    ("submit_single_ms", |r| r.printed("dev: submit_single_ms ", "")),
    ("evaluate_alone_us", |r| r.printed("gateway: evaluate_alone_us ", "")),
    ("gateway_evaluate_per_s", |r| r.printed("gateway: evaluate_per_s ", "")),
    ("gateway_evaluate_p99_ms", |r| r.printed("gateway: evaluate_p99_ms ", "")),
    ("gateway_submit_per_s", |r| r.printed("gateway: submit_per_s ", "")),
    ("submit_cpu_to_limit", |r| r.printed("gateway: submit_cpu_to_limit ", "")),
    ("fair_p99_ratio", |r| r.printed("fair: p99_ratio ", "")),
    ("serve_cpu_us_noop", |r| r.printed("cpu: wasmcc noop ", " us")),
    ("serve_cpu_us_transfer", |r| r.printed("cpu: wasmcc transfer ", " us")),
    ("rust_cpu_us_noop", |r| r.printed("cpu: rust noop ", " us")),
    ("rust_cpu_us_transfer", |r| r.printed("cpu: rust transfer ", " us")),
    ("serve_to_limit_transfer", |r| {
        // The limit: the cost of a stream plus that of a fresh instance.
        let limit_us =
            r.printed("cpu: rust transfer ", " us")? + r.ns("invoke/bare_wasmtime")? / 1e3;
        Ok(r.printed("cpu: wasmcc transfer ", " us")? / limit_us)
    }),
];

/// Runs the benches in release mode and prints `figure NAME VALUE` for each figure.
///
/// With a `name`, builds and runs only that bench, and prints only figures that follow from it
/// alone. Without a name, a missing figure is an error.
///
/// # Errors
/// The bench does not exist, something does not build, or a bench has no result.
pub fn run(name: Option<&str>) -> Result<()> {
    let benches = chosen(name)?;
    let mut command = command(&benches)?;
    let since = SystemTime::now();
    let output = output_of(&mut command)?;
    let criterion = cargo::target_dir()?.join("criterion");
    let mut out = std::io::stdout().lock();
    for (name, value) in figures(&Results { criterion, since, output }, name.is_none())? {
        writeln!(out, "figure {name} {value:.2}")?;
    }
    Ok(())
}

/// Runs a bench with variables set and returns its output.
///
/// # Errors
/// The bench does not exist, something does not build, or the bench fails.
pub fn printed(name: &str, variables: &[(&str, &str)]) -> Result<String> {
    let benches = if name == SCALE.name { vec![&SCALE] } else { chosen(Some(name))? };
    let mut command = command(&benches)?;
    command.envs(variables.iter().copied());
    output_of(&mut command)
}

/// Builds everything that benches need, and returns the command that runs them.
fn command(benches: &[&Bench]) -> Result<Command> {
    let folder = prepare(benches)?;
    let program = cargo::target_dir()?.join("release/wasmcc");
    let mut command = cargo::command();
    command.args(["bench", OF_ALL]).env("WASMCC_GUESTS", &folder).env("WASMCC_PROGRAM", &program);
    for bench in benches {
        command.args(["--bench", bench.name]);
    }
    Ok(command)
}

fn chosen(name: Option<&str>) -> Result<Vec<&'static Bench>> {
    let Some(name) = name else { return Ok(BENCHES.iter().collect()) };
    match BENCHES.iter().find(|bench| bench.name == name) {
        Some(bench) => Ok(vec![bench]),
        None => bail!(
            "there is no bench {name:?}; there are {}",
            BENCHES.map(|bench| bench.name).join(", ")
        ),
    }
}

/// Builds everything that the benches need; returns the folder of the chaincodes.
fn prepare(benches: &[&Bench]) -> Result<PathBuf> {
    let needs = |need| benches.iter().any(|bench| bench.needs.contains(&need));
    let guests = guests::build()?;
    let folder = guests.first().and_then(|guest| guest.path.parent());
    let folder = folder.context("there are no chaincodes")?;
    if needs(Need::Node) {
        npm::tests()?;
    }
    if needs(Need::Rust) {
        rust_chaincode::build(Profile::Release)?;
    }
    if needs(Need::Program) {
        cargo::run(&["build", "--quiet", "--release", OF_ALL, "--bin=wasmcc"])?;
    }
    Ok(folder.to_owned())
}

/// Runs benches; copies their standard output and returns it.
fn output_of(bench: &mut Command) -> Result<String> {
    let output = bench.stderr(Stdio::inherit()).output().context("cargo cannot be run")?;
    std::io::stdout().lock().write_all(&output.stdout)?;
    ensure!(output.status.success(), "a bench failed");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The measurements of one run.
struct Results {
    /// The folder of criterion's results.
    criterion: PathBuf,
    /// The start of the run: older results belong to an earlier run.
    since: SystemTime,
    /// The standard output of the benches.
    output: String,
}

impl Results {
    /// Returns criterion's median for `bench` ("group/function"), in nanoseconds.
    fn ns(&self, bench: &str) -> Result<f64> {
        median_ns(&self.criterion.join(bench), self.since)
    }

    /// Returns the number in the line of the output that begins with `what` and ends with `unit`.
    fn printed(&self, what: &str, unit: &str) -> Result<f64> {
        let value = self.output.lines().find_map(|line| {
            line.strip_prefix(what)?.strip_suffix(unit)?.rsplit(' ').next()?.parse().ok()
        });
        value.with_context(|| format!("no bench printed a line {what:?}"))
    }
}

/// Returns the figures with results. Fails if there are none, or if `all` are required and one is
/// missing.
fn figures(results: &Results, all: bool) -> Result<Vec<(&'static str, f64)>> {
    let (mut found, mut missing) = (Vec::new(), None);
    for (name, figure) in FIGURES {
        match figure(results).with_context(|| format!("the figure {name} is missing")) {
            Ok(value) => found.push((name, value)),
            Err(error) => missing = missing.or(Some(error)),
        }
    }
    match missing {
        Some(error) if all || found.is_empty() => Err(error),
        _ => Ok(found),
    }
}

/// Returns criterion's median from a run after `since`, in nanoseconds. `folder` is that of the
/// bench.
pub(crate) fn median_ns(folder: &Path, since: SystemTime) -> Result<f64> {
    let path = folder.join("new/estimates.json");
    let text = read_since(&path, since)?;
    point_estimate(&text).with_context(|| format!("{} has no median", path.display()))
}

/// Reads a file; fails if it was written before `since`.
fn read_since(path: &Path, since: SystemTime) -> Result<String> {
    let shown = || path.display().to_string();
    let written = fs::metadata(path).and_then(|file| file.modified()).with_context(shown)?;
    ensure!(written >= since, "{} is of an earlier run", shown());
    fs::read_to_string(path).with_context(shown)
}

/// Reads `median.point_estimate` from criterion's file. Its form is fixed, so no JSON parser is
/// compiled into this program, which other builds wait for.
fn point_estimate(text: &str) -> Option<f64> {
    let median = text.split_once("\"median\"")?.1;
    let value = median.split_once("\"point_estimate\":")?.1;
    value.split([',', '}']).next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::root;

    #[test]
    fn the_median_is_found_in_criterions_file() {
        let text = r#"{"mean":{"point_estimate":1.0},"median":{"confidence_interval":
            {"lower_bound":2.0},"point_estimate":13281.5,"standard_error":3.0},"slope":null}"#;
        assert_eq!(point_estimate(text), Some(13281.5));
        assert_eq!(point_estimate("{}"), None);
    }

    #[test]
    fn every_bench_of_the_package_is_known() {
        let manifest = fs::read_to_string(root().join("tests/Cargo.toml")).unwrap();
        let benches = manifest.split("[[bench]]").skip(1);
        let mut in_manifest: Vec<&str> =
            benches.filter_map(|bench| bench.split('"').nth(1)).collect();
        let mut known = BENCHES.map(|bench| bench.name).to_vec();
        known.push(SCALE.name);
        in_manifest.sort_unstable();
        known.sort_unstable();
        assert_eq!(known, in_manifest);
        assert!(chosen(Some("fair")).is_ok_and(|benches| benches.len() == 1));
        assert!(chosen(Some("unfair")).is_err());
    }

    #[test]
    fn one_bench_gives_only_its_own_figures() {
        let results = |output: &str| Results {
            criterion: root().join("no such folder"),
            since: SystemTime::UNIX_EPOCH,
            output: output.to_owned(),
        };
        let fair = results("running\nfair: p99_ratio 2.90\n");
        assert_eq!(figures(&fair, false).unwrap(), [("fair_p99_ratio", 2.9)]);
        assert!(figures(&fair, true).is_err(), "a whole run has all figures");
        assert!(figures(&results("nothing"), false).is_err());
    }

    #[test]
    fn results_of_an_earlier_run_do_not_count() {
        let file = root().join("xtask/Cargo.toml");
        assert!(read_since(&file, SystemTime::UNIX_EPOCH).is_ok());
        let later = SystemTime::now() + Duration::from_secs(3_600);
        assert!(read_since(&file, later).is_err());
    }
}
