//! `cargo xtask counts [accept]`: counts the instructions of important paths with valgrind, and
//! compares them with the recorded counts.
//!
//! A time depends on the machine and its load; a count depends only on the code. Cryptography is
//! left out: it is most of each path, and external code.
//!
//! Invariant: a count that has grown by more than `MOST_GROWTH` fails. The recorded counts change
//! only if the caller accepts the new ones.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::callgrind::Profile;
use crate::{cargo, guests, root};

/// The allowed growth of a count, as a fraction of the recorded one. Two runs differ by less than a
/// tenth of it, because of hash seeds and clocks.
const MOST_GROWTH: f64 = 0.03;
/// The recorded counts, one a line: name and instructions of one call.
const WRITTEN: &str = "tests/counts/counts.txt";
const HEAD: &str = "# Instructions of one call, without crypto: `cargo xtask counts accept`.\n";
/// The name of the folder of profiles in the target folder.
const PROFILES: &str = "counts";

type Counts = BTreeMap<String, u64>;

/// Counts and prints `figure NAME_instr VALUE` for each path, and compares with the recorded
/// counts; with `accept`, replaces them. Returns false, and does nothing, if valgrind is not
/// installed.
///
/// # Errors
/// Something does not build or run, or a count has grown.
pub fn run(accept: bool) -> Result<bool> {
    let version = Command::new("valgrind").arg("--version").stdin(Stdio::null()).output();
    if !version.is_ok_and(|version| version.status.success()) {
        return Ok(false);
    }
    let counts = count()?;
    let mut out = std::io::stdout().lock();
    for (name, count) in &counts {
        writeln!(out, "figure {name}_instr {count}")?;
    }
    let path = root().join(WRITTEN);
    if accept {
        let lines = counts.iter().map(|(name, count)| format!("{name} {count}\n"));
        fs::write(&path, HEAD.to_owned() + &lines.collect::<String>())?;
        return Ok(true);
    }
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let written = parse(&text)?;
    let changes = changes(&counts, &written);
    for change in &changes {
        writeln!(out, "{}", change.text)?;
    }
    let is_bad = changes.iter().any(|change| change.is_bad);
    ensure!(!is_bad, "counts have grown: fix that, or explain it and `cargo xtask counts accept`");
    Ok(true)
}

/// Builds the program, runs it and reads its profiles.
fn count() -> Result<Counts> {
    let guests = guests::build()?;
    let guests = guests.first().and_then(|guest| guest.path.parent());
    let guests = guests.context("there are no chaincodes")?;
    let target = cargo::target_dir()?;
    build()?;
    let folder = target.join(PROFILES);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--instr-atstart=no", "--quiet"])
        .args(["--compress-strings=no", "--compress-pos=no", "--fair-sched=yes"])
        .arg(format!("--callgrind-out-file={}", folder.join("profile").display()))
        .arg(target.join("debug/counts"))
        .env("WASMCC_GUESTS", guests)
        .stdin(Stdio::null())
        .output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the paths do not run under valgrind:\n{error}");
    let units = units(&String::from_utf8_lossy(&output.stdout))?;
    let counts = read(&folder, &units)?;
    ensure!(counts.len() == units.len(), "callgrind has counted {} paths only", counts.len());
    Ok(counts)
}

/// Optimizes this workspace's own crates. Dependencies are built as for all other builds, and so
/// are shared.
fn build() -> Result<()> {
    let mut build = cargo::command();
    build.args(["build", "--quiet", "--workspace", "--bin=counts"]);
    build.env("CARGO_PROFILE_DEV_OPT_LEVEL", "2").env("CARGO_INCREMENTAL", "0");
    ensure!(build.status()?.success(), "the program that is counted does not build");
    Ok(())
}

/// Returns the number of calls in each path, from the program's output.
fn units(output: &str) -> Result<Counts> {
    let lines = output.lines().filter_map(|line| line.strip_prefix("counted "));
    lines.map(entry).collect()
}

fn parse(text: &str) -> Result<Counts> {
    text.lines().filter(|line| !line.starts_with('#')).map(entry).collect()
}

fn entry(line: &str) -> Result<(String, u64)> {
    let entry = line.split_once(' ').and_then(|(name, value)| Some((name, value.parse().ok()?)));
    let (name, value) = entry.with_context(|| format!("{line:?} is no name with a number"))?;
    Ok((name.to_owned(), value))
}

/// Returns the instructions of one call of each path with a profile in `folder`.
fn read(folder: &Path, units: &Counts) -> Result<Counts> {
    let mut counts = Counts::new();
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        let text = fs::read(&path).with_context(|| path.display().to_string())?;
        let profile = Profile::read(&String::from_utf8_lossy(&text), is_crypto)?;
        if let Some(units) = units.get(&profile.name) {
            counts.insert(profile.name.clone(), profile.own() / (*units).max(1));
        }
    }
    Ok(counts)
}

/// The prefix is that of the functions that the crypto library exports; its other functions are
/// called from these.
fn is_crypto(function: &str) -> bool {
    function.starts_with("aws_lc_")
}

/// A change of a count.
struct Change {
    text: String,
    is_bad: bool,
}

/// Returns the changed counts. Changes within the random variation are left out.
fn changes(counts: &Counts, written: &Counts) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, count) in counts {
        let (text, is_bad) = match written.get(name) {
            None => (format!("{name} is new"), true),
            Some(&was) => {
                let was_at_least_one = was.max(1) as f64;
                let growth = (*count as f64 - was_at_least_one) / was_at_least_one;
                if growth.abs() <= MOST_GROWTH {
                    continue;
                }
                let text = format!("{name}: {was} has become {count} ({:+.1} %)", growth * 100.0);
                (text, growth > 0.0)
            }
        };
        changes.push(Change { text, is_bad });
    }
    let gone = written.keys().filter(|name| !counts.contains_key(*name));
    changes.extend(gone.map(|name| Change { text: format!("{name} is gone"), is_bad: true }));
    changes
}

/// Reads the arguments of the verb.
///
/// # Errors
/// There is another argument than `accept`.
pub fn accepts(args: &[&str]) -> Result<bool> {
    match args {
        [] => Ok(false),
        ["accept"] => Ok(true),
        [other, ..] => bail!("counts takes no {other:?}, only `accept`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(entries: &[(&str, u64)]) -> Counts {
        entries.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    #[test]
    fn growth_over_the_limit_is_bad_and_shrinking_is_said() {
        let written = counts(&[("a", 1_000), ("b", 1_000), ("c", 1_000), ("d", 1_000)]);
        let now = counts(&[("a", 1_030), ("b", 1_031), ("c", 900), ("e", 5)]);
        let found = changes(&now, &written);
        let found: Vec<_> =
            found.iter().map(|change| (change.text.as_str(), change.is_bad)).collect();
        let expected = [
            ("b: 1000 has become 1031 (+3.1 %)", true),
            ("c: 1000 has become 900 (-10.0 %)", false),
            ("e is new", true),
            ("d is gone", true),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_counts_that_are_written_down_can_be_read() {
        let text = fs::read_to_string(root().join(WRITTEN)).unwrap();
        assert!(text.starts_with(HEAD));
        assert!(parse(&text).unwrap().len() > 5);
        assert!(parse("a\n").is_err() && parse("a b\n").is_err());
    }

    #[test]
    fn the_program_says_how_much_it_did() {
        let said = units("counted a 20\nsomething else\ncounted b 1\n").unwrap();
        assert_eq!(said, counts(&[("a", 20), ("b", 1)]));
    }
}
