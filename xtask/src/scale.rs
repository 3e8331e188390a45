//! `cargo xtask scale [KEYS]`: measures how cost grows, and writes charts and tables into
//! `docs/performance`.
//!
//! Invariant: every point comes from measurements of this run.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result, ensure};

use crate::{bench, cargo, root};

/// The folder for charts and tables.
const FOLDER: &str = "docs/performance";
/// The default number of keys in the largest ledger.
pub const KEYS: u64 = 1_000_000;
/// Keys in the smallest ledger.
const FEWEST_KEYS: u64 = 1_000;
/// Limit on the keys in sled alone: it keeps so much in memory while loading that more do not fit.
const MOST_KEYS_OF_SLED: u64 = 1_000_000;

/// The labels of the X axes, by chart.
const AXES: [(&str, &str); 6] = [
    ("block", "transactions of a block"),
    ("chaincodes", "installed chaincodes"),
    ("channels", "channels"),
    ("in_flight", "calls in flight"),
    ("state", "keys"),
    ("streams", "streams of events"),
];

/// Measures and draws the charts. Ledgers have up to `most_keys` keys.
///
/// # Errors
/// Something does not build, a bench fails, or a file cannot be written.
pub fn run(most_keys: u64) -> Result<()> {
    ensure!(most_keys >= FEWEST_KEYS, "a ledger needs at least {FEWEST_KEYS} keys");
    let mut charts = Charts::default();
    charts.read(&bench::printed("scale", &[])?, 0)?;
    charts.read(&bench::printed("gateway", &[("WASMCC_GATEWAY_SCALE", "1")])?, 0)?;
    let sizes = std::iter::successors(Some(FEWEST_KEYS), |keys| keys.checked_mul(10));
    for keys in sizes.take_while(|keys| *keys <= most_keys) {
        let phases = if keys > MOST_KEYS_OF_SLED { "ledger" } else { "" };
        let text = keys.to_string();
        let set = [("WASMCC_LARGE_STATE_KEYS", text.as_str()), ("WASMCC_LARGE_STATE_ONLY", phases)];
        charts.read(&bench::printed("large_state", &set)?, keys)?;
    }
    charts.write()
}

/// Points by chart, series and X.
#[derive(Debug, Default)]
struct Charts(BTreeMap<String, BTreeMap<String, BTreeMap<u64, f64>>>);

impl Charts {
    /// Reads the points of a bench's output: lines `scale: CHART SERIES X VALUE`, and for a ledger
    /// with `keys` keys `large: OF FIGURE VALUE`.
    fn read(&mut self, output: &str, keys: u64) -> Result<()> {
        for line in output.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let (chart, series, x, value) = match words[..] {
                ["scale:", chart, series, x, value] => {
                    (chart, series.to_owned(), x.parse().context("an X is a number")?, value)
                }
                ["large:", of, figure, value] => ("state", format!("{of}_{figure}"), keys, value),
                _ => continue,
            };
            let value =
                value.parse().with_context(|| format!("{line:?} has no number at its end"))?;
            let series = self.0.entry(chart.to_owned()).or_default().entry(series).or_default();
            series.insert(x, value);
        }
        Ok(())
    }

    /// Writes the tables and draws the charts.
    fn write(&self) -> Result<()> {
        let folder = root().join(FOLDER);
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let shown = folder.display().to_string();
        let mut draw = vec!["run", "--quiet", "--release", "--package=wasmcc-tests"];
        draw.extend(["--example=charts", "--", &shown]);
        for (name, series) in &self.0 {
            let axis = AXES.iter().find(|(of, _)| of == name);
            let (_, axis) = axis.with_context(|| format!("the chart {name} has no axis"))?;
            draw.extend([name.as_str(), axis]);
            let mut table = "series,x,value\n".to_owned();
            for (of, points) in series {
                for (x, value) in points {
                    writeln!(table, "{of},{x},{value}")?;
                }
            }
            let path = folder.join(name).with_extension("csv");
            fs::write(&path, table).with_context(|| path.display().to_string())?;
        }
        cargo::run(&draw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read_from_both_benches() {
        let mut charts = Charts::default();
        charts
            .read("Running\nscale: block commit_ms 500 9.5\nscale: block commit_ms 5 1\n", 0)
            .unwrap();
        charts.read("large: ledger get_us 2.5\nlarge: sled get_us 2\n", 1_000).unwrap();
        let points: Vec<_> = charts.0["block"]["commit_ms"].iter().collect();
        assert_eq!(points, [(&5, &1.0), (&500, &9.5)]);
        assert_eq!(charts.0["state"]["ledger_get_us"][&1_000], 2.5);
        assert_eq!(charts.0["state"].len(), 2);
        assert!(charts.read("scale: block commit_ms many 1", 0).is_err());
        assert!(charts.read("large: ledger get_us fast", 0).is_err());
    }
}
