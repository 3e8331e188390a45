//! The layers of ARCHITECTURE.md: which crates and modules may use which others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::{Source, assert_none, sources};

/// The modules of crates with several modules, and the neighbours that each may use. Manifests
/// contain the permitted dependencies between crates.
const MODULES: [(&str, &str, &[&str]); 28] = [
    ("types", "proto", &[]),
    ("ledger", "config", &[]),
    ("ledger", "error", &[]),
    ("ledger", "json", &[]),
    ("ledger", "store", &["error"]),
    ("ledger", "block", &["error", "json", "store"]),
    ("ledger", "rich", &["error", "json", "store"]),
    ("ledger", "private", &["block", "config", "error", "rich", "store"]),
    ("ledger", "ledger", &["block", "config", "error", "private", "rich", "store"]),
    ("ledger", "simulate", &["block", "config", "error", "json", "ledger", "rich", "store"]),
    (
        "ledger",
        "commit",
        &["block", "config", "error", "json", "ledger", "private", "rich", "store"],
    ),
    ("ledger", "snapshots", &["block", "error", "ledger", "simulate", "store"]),
    ("ledger", "ledgers", &["block", "commit", "config", "error", "ledger", "private", "store"]),
    (
        "ledger",
        "tools",
        &[
            "block", "commit", "config", "error", "ledger", "ledgers", "private", "rich",
            "simulate", "store",
        ],
    ),
    ("channel", "definition", &[]),
    ("channel", "collections", &["definition"]),
    ("channel", "configtx", &[]),
    ("channel", "vscc", &["collections", "definition"]),
    ("peer", "chaincode", &[]),
    ("peer", "syscc", &["chaincode"]),
    ("peer", "endorser", &["chaincode", "syscc"]),
    ("api", "free", &[]),
    ("api", "connection_table", &["free"]),
    ("api", "call", &["connection_table"]),
    ("api", "waits", &["call"]),
    ("api", "entrance", &["call", "connection_table", "waits"]),
    ("api", "outgoing", &["call", "connection_table", "free", "waits"]),
    ("node", "sandbox", &[]),
];

/// Returns the modules of its crate that code names, as in `use crate::{config, chaincode::Stub}`,
/// each with its line number.
fn used(code: &str) -> impl Iterator<Item = (usize, &str)> {
    code.match_indices("crate::").flat_map(move |(at, word)| {
        let before = &code[..at];
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let is_comment = code[start..].trim_start().starts_with("//");
        let rest = &code[at + word.len()..];
        // One name, or a list of them.
        let list = rest.strip_prefix('{').and_then(|list| list.split('}').next());
        let names = list.unwrap_or_else(|| rest.split(',').next().unwrap_or_default()).split(',');
        let end = |c: char| !c.is_ascii_alphanumeric() && c != '_';
        let line = before.matches('\n').count() + 1;
        let names = names.filter(move |_| !is_comment).map(str::trim_start);
        names.filter_map(move |text| Some((line, text.split(end).next()?)))
    })
}

#[test]
fn modules_use_only_the_neighbours_below_them() {
    let (sources, mut found, mut edges) = (sources(), Vec::new(), 0);
    for (krate, module, allowed) in MODULES {
        let neighbours: Vec<&str> = MODULES
            .iter()
            .filter(|row| row.0 == krate && row.1 != module)
            .map(|row| row.1)
            .collect();
        let folder = format!("host/{krate}/src/{module}");
        let (inside, file) = (format!("{folder}/"), format!("{folder}.rs"));
        let there = xtask::root();
        let is_there = there.join(&folder).is_dir() || there.join(&file).is_file();
        assert!(is_there, "there is no {folder} and no {file}");
        let is_inside = |source: &&Source| {
            let is_of_module = source.path.starts_with(&inside) || source.path == file;
            source.is_rust() && !source.is_test() && is_of_module
        };
        for source in sources.iter().filter(is_inside) {
            for (line, used) in used(source.code()).filter(|(_, used)| neighbours.contains(used)) {
                edges += 1;
                if !allowed.contains(&used) {
                    let at = format!("{}:{line}", source.path);
                    found.push(format!("{at}: `{module}` may not use `{used}`"));
                }
            }
        }
    }
    assert!(edges > 10, "only {edges} uses were seen");
    assert_none(found);
}

/// Returns the crates of `host` that a manifest names as dependencies of the library.
fn dependencies(manifest: &str) -> BTreeSet<&str> {
    let section = manifest.split("\n[").find(|section| section.starts_with("dependencies]"));
    let lines = section.unwrap_or_default().lines();
    lines.filter_map(|line| line.strip_prefix("wasmcc-")?.split(['.', ' ']).next()).collect()
}

#[test]
fn the_architecture_has_the_crates_as_they_are() {
    let root = xtask::root();
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let rows: BTreeMap<&str, BTreeSet<&str>> = text
        .lines()
        .filter_map(|line| {
            let (name, rest) = line.strip_prefix("| `wasmcc-")?.split_once('`')?;
            let uses = rest.split('|').nth(1)?.split_whitespace().filter(|used| *used != "–");
            Some((name, uses.collect()))
        })
        .collect();
    let mut manifests = BTreeMap::new();
    for entry in fs::read_dir(root.join("host")).unwrap() {
        let entry = entry.unwrap();
        if let Ok(manifest) = fs::read_to_string(entry.path().join("Cargo.toml")) {
            manifests.insert(entry.file_name().into_string().unwrap(), manifest);
        }
    }
    let crates: BTreeMap<&str, BTreeSet<&str>> =
        manifests.iter().map(|(name, manifest)| (name.as_str(), dependencies(manifest))).collect();
    assert_eq!(rows, crates);
}
