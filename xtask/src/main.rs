//! `cargo xtask VERB`: reads the arguments and calls the verb.
//!
//! Does not do the work of a verb: the file with its name does.

use std::env;
use std::io::Write;
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Context, Result};

const USAGE: &str = "\
usage: cargo xtask VERB

  demo      run the main job: deploy a contract on an embedded peer and follow its transactions
  check [BASE]
            the quick gate: format, lints, and the unit tests of the packages that changed since
            the commit BASE (where the branch left its upstream, or else the last commit)
  test [FILTER]
            run all tests, or those whose names contain FILTER
  bench [NAME]
            run all benches, or the one of that name, in release mode and print the figures
  counts [accept]
            count the instructions of the paths that matter and compare with those in
            tests/counts/counts.txt, or write them there; needs valgrind
  scale [KEYS]
            measure how cost grows, with ledgers of up to KEYS (1,000,000) keys, and draw
            the charts of docs/performance
  beside    measure one contract in the sandboxes of several projects, and print the figures
  fuzz [S]  run each fuzz target for S seconds (20), if there is a nightly toolchain
  blocks [N [SEED]]
            commit N (100,000) random blocks of hostile envelopes
  compare [SEED [ROUNDS [FILE]]]
            run random programs also on a live Fabric network, if FABRIC_HOME names one
  guests    build all chaincode components and print their paths and sizes
  spans     test the program with the feature otlp, which sends spans to a collector
  alone     check that each package compiles alone, with only the features that it requests
  package   package everything that users depend on, as for a registry
  wit       write docs/wit.md from the comments in wit/
  target    give the Rust toolchain the target wasm32-wasip2, if it lacks it
  browser   install Chromium for the tests of the page, if there is none (Debian, as root)
";

fn main() -> Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    let args: Vec<String> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["guests"] => {
            for guest in xtask::guests::build()? {
                let bytes = guest.path.metadata()?.len();
                writeln!(out, "{bytes:>9} {}", guest.path.display())?;
            }
            for language in xtask::languages::Language::ALL {
                let path = language.build()?;
                writeln!(out, "{:>9} {}", path.metadata()?.len(), path.display())?;
            }
        }
        ["demo"] => xtask::demo::run()?,
        ["check"] => xtask::check::run(None)?,
        ["check", base] => xtask::check::run(Some(base))?,
        ["test"] => xtask::test::run(None)?,
        ["test", filter] => xtask::test::run(Some(filter))?,
        ["bench"] => xtask::bench::run(None)?,
        ["bench", name] => xtask::bench::run(Some(name))?,
        ["counts", ref args @ ..] => {
            if !xtask::counts::run(xtask::counts::accepts(args)?)? {
                writeln!(out, "valgrind is not installed: instructions are not counted")?;
            }
        }
        ["scale"] => xtask::scale::run(xtask::scale::KEYS)?,
        ["scale", keys] => xtask::scale::run(number(keys)?)?,
        ["beside"] => {
            for (name, value) in xtask::beside::run()? {
                writeln!(out, "figure {name} {value:.2}")?;
            }
        }
        ["fuzz"] => fuzz(&mut out, xtask::fuzz::SECONDS)?,
        ["fuzz", seconds] => fuzz(&mut out, number(seconds)?)?,
        ["blocks"] => xtask::blocks::run(xtask::blocks::COUNT, xtask::blocks::SEED)?,
        ["blocks", count] => xtask::blocks::run(number(count)?, xtask::blocks::SEED)?,
        ["blocks", count, seed] => xtask::blocks::run(number(count)?, number(seed)?)?,
        ["compare", ref args @ ..] => {
            if !xtask::compare::run(args)? {
                writeln!(out, "FABRIC_HOME is not set: there is no live network to compare with")?;
            }
        }
        ["spans"] => xtask::spans::run()?,
        ["alone"] => xtask::alone::run()?,
        ["package"] => xtask::package::run()?,
        ["wit"] => xtask::wit::run()?,
        ["target"] => xtask::target::ensure()?,
        ["browser"] => writeln!(out, "{}", xtask::browser::ensure()?.display())?,
        ["help" | "--help" | "-h"] => write!(out, "{USAGE}")?,
        _ => {
            write!(std::io::stderr(), "{USAGE}")?;
            return Ok(ExitCode::from(2));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn number<N: FromStr>(text: &str) -> Result<N> {
    text.parse().ok().with_context(|| format!("{text:?} is not a number"))
}

fn fuzz(out: &mut impl Write, seconds: u32) -> Result<()> {
    if !xtask::fuzz::run(seconds)? {
        writeln!(out, "there is no nightly toolchain: the fuzz targets are not run")?;
    }
    Ok(())
}
