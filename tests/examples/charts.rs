//! Draws the tables of a folder from `cargo xtask scale`: for each `NAME.csv` with lines
//! `series,x,value` a picture `NAME.svg`. The arguments are the folder, then pairs of a name and
//! the label of its X axis.
#![allow(missing_docs)]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::{env, fs};

use wasmcc_tests::chart::{Chart, draw};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [folder, charts @ ..] = args.as_slice() else { return Err("a folder is needed".into()) };
    for chart in charts.chunks_exact(2) {
        let [name, axis] = chart else { continue };
        let path = Path::new(folder).join(name);
        let table = fs::read_to_string(path.with_extension("csv"))?;
        let mut series: BTreeMap<String, BTreeMap<u64, f64>> = BTreeMap::new();
        for line in table.lines().skip(1) {
            let [of, x, value] = line.split(',').collect::<Vec<_>>()[..] else {
                return Err(format!("{name}: {line:?} is not series,x,value").into());
            };
            series.entry(of.to_owned()).or_default().insert(x.parse()?, value.parse()?);
        }
        draw(&path.with_extension("svg"), &Chart { axis, series: &series })?;
    }
    Ok(())
}
