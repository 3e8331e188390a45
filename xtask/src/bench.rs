//! `cargo xtask bench`: measures, and says each figure in one line.
//!
//! Invariant: ratios compare what one run measured; nothing is compared across runs.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use anyhow::Context;
use anyhow::Result;
use anyhow::ensure;

use crate::cargo;
use crate::guests;
use crate::npm;
use crate::rust_chaincode::{self, Profile};

/// Transactions of the block that the bench `commit` commits.
const BLOCK_TXS: f64 = 500.0;

/// Runs all benches in release mode and prints `figure NAME VALUE` for each figure.
///
/// # Errors
/// Something does not build, or a bench gave no result.
pub fn run() -> Result<()> {
    let guests = guests::build()?;
    let folder = guests.first().and_then(|guest| guest.path.parent());
    let folder = folder.context("there are no chaincodes")?;
    npm::tests()?;
    rust_chaincode::build(Profile::Release)?;
    cargo::run(&["build", "--quiet", "--release", "--package=wasmcc", "--bin=wasmcc"])?;
    let mut own = cargo::command();
    own.args(["bench", "--package=wasmcc", "--benches", "--features=server"]);
    let mut beside = cargo::command();
    beside.args(["bench", "--package=wasmcc-tests", "--benches"]);
    let program = cargo::target_dir()?.join("release/wasmcc");
    let mut output = String::new();
    for command in [&mut own, &mut beside] {
        command.env("WASMCC_GUESTS", folder).env("WASMCC_PROGRAM", &program);
        output += &said_by(command)?;
    }
    let results = cargo::target_dir()?.join("criterion");
    let mut out = std::io::stdout().lock();
    for (name, value) in figures(&results, &output)? {
        writeln!(out, "figure {name} {value:.2}")?;
    }
    Ok(())
}

/// Runs a bench; what it says is passed on, too.
fn said_by(bench: &mut Command) -> Result<String> {
    let output = bench.stderr(Stdio::inherit()).output().context("cargo cannot be run")?;
    std::io::stdout().lock().write_all(&output.stdout)?;
    ensure!(output.status.success(), "a bench failed");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn figures(results: &Path, output: &str) -> Result<Vec<(&'static str, f64)>> {
    let time = |bench: &str| median_ns(results, bench);
    let limit = time("endorse/verify")? + time("endorse/sign")? + time("endorse/bare_wasmtime")?;
    let said = |what: &str, unit: &str| -> Result<f64> {
        let value = output.lines().find_map(|line| {
            line.strip_prefix(what)?.strip_suffix(unit)?.rsplit(' ').next()?.parse().ok()
        });
        value.with_context(|| format!("no bench said what is {what:?}"))
    };
    let wasm = time("external_transfer/wasm_16")?;
    let get_us = said("large: ledger get_us ", "")?;
    let serve_us = said("cpu: wasmcc transfer ", " us")?;
    let rust_us = said("cpu: rust transfer ", " us")?;
    // What a stream costs, and what a fresh instance costs.
    let serve_limit_us = rust_us + time("invoke/bare_wasmtime")? / 1e3;
    Ok(vec![
        ("invoke_to_bare", time("invoke/runtime")? / time("invoke/bare_wasmtime")?),
        ("hostcall_fuel_overhead", said("hostcall fuel overhead: ", "")?),
        ("endorse_to_limit", time("endorse/process_proposal")? / limit),
        ("commit_tx_per_s", BLOCK_TXS * 1e9 / time("commit/block_of_500")?),
        ("commit_with_64_open_simulations_ratio", said("open simulations: ", "")?),
        ("rich_query_indexed_us", time("query/indexed")? / 1e3),
        ("rich_query_full_scan_us", time("query/full_scan")? / 1e3),
        ("launch_cold_ms", time("launch/cold")? / 1e6),
        ("launch_cached_ms", time("launch/cached")? / 1e6),
        ("open_1m_keys_ms", said("large: ledger open_ms ", "")?),
        ("get_1m_us", get_us),
        ("get_1m_to_sled", get_us / said("large: sled get_us ", "")?),
        ("live_1000_mb", said("live: ", " MB")?),
        ("wasm_to_node_transfer", wasm / time("external_transfer/node_16")?),
        ("wasm_to_rust_transfer", wasm / time("external_transfer/rust_16")?),
        ("fair_p99_ratio", said("fair: p99_ratio ", "")?),
        ("serve_cpu_us_noop", said("cpu: wasmcc noop ", " us")?),
        ("serve_cpu_us_transfer", serve_us),
        ("rust_cpu_us_noop", said("cpu: rust noop ", " us")?),
        ("rust_cpu_us_transfer", rust_us),
        ("serve_to_limit_transfer", serve_us / serve_limit_us),
    ])
}

/// The median that criterion estimated for `bench` ("group/function"), in nanoseconds.
fn median_ns(results: &Path, bench: &str) -> Result<f64> {
    let path = results.join(bench).join("new/estimates.json");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    point_estimate(&text).with_context(|| format!("{} has no median", path.display()))
}

/// Picks `median.point_estimate` out of criterion's file, whose form is fixed: not worth a JSON
/// parser in the program that everything else waits for.
fn point_estimate(text: &str) -> Option<f64> {
    let median = text.split_once("\"median\"")?.1;
    let value = median.split_once("\"point_estimate\":")?.1;
    value.split([',', '}']).next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_found_in_criterions_file() {
        let text = r#"{"mean":{"point_estimate":1.0},"median":{"confidence_interval":
            {"lower_bound":2.0},"point_estimate":13281.5,"standard_error":3.0},"slope":null}"#;
        assert_eq!(point_estimate(text), Some(13281.5));
        assert_eq!(point_estimate("{}"), None);
    }
}
