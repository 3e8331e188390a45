//! Style that a machine can check, so that review can speak of design: the layers of
//! ARCHITECTURE.md, sizes, leftovers.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What a module of `host` may use. A missing edge is a decision, not an oversight.
const LAYERS: [(&str, &[&str]); 23] = [
    ("types", &[]),
    ("proto", &[]),
    ("workers", &["types"]),
    ("definition", &["proto", "types"]),
    ("msp", &["types", "proto"]),
    ("ledger", &["types", "proto"]),
    ("protocol", &["types", "proto"]),
    ("runtime", &["types"]),
    ("configtx", &["msp", "proto", "types"]),
    ("channel", &["ledger", "msp", "proto", "types"]),
    ("client", &["msp", "proto", "types"]),
    ("collections", &["definition", "msp", "proto", "types"]),
    ("chaincode", &["definition", "runtime", "protocol", "ledger", "proto", "types"]),
    (
        "syscc",
        &["chaincode", "channel", "collections", "definition", "ledger", "msp", "proto", "types"],
    ),
    (
        "endorser",
        &[
            "chaincode",
            "channel",
            "collections",
            "ledger",
            "msp",
            "protocol",
            "syscc",
            "proto",
            "types",
        ],
    ),
    (
        "committer",
        &["channel", "collections", "configtx", "definition", "ledger", "msp", "proto", "types"],
    ),
    ("tls", &["types"]),
    ("api", &["endorser", "msp", "tls", "workers", "proto", "types"]),
    ("bridge", &["runtime", "protocol", "tls", "proto", "types"]),
    (
        "cli",
        &[
            "node",
            "api",
            "bridge",
            "workers",
            "client",
            "collections",
            "configtx",
            "chaincode",
            "protocol",
            "ledger",
            "msp",
            "runtime",
            "tls",
            "proto",
            "types",
        ],
    ),
    ("node", ALL),
    ("sandbox", ALL),
    ("main", ALL),
];
const ALL: &[&str] = &["*"];
/// Without the tests at its end.
const FILE_LINES: usize = 400;
const LINE_COLUMNS: usize = 100;
/// Not counted here, since these are not ours to break: what people write in prose.
const LEFTOVERS: [&str; 6] =
    ["todo!(", "unimplemented!(", "dbg!(", concat!("FIX", "ME"), "crate::{", "super::super"];
/// How a module's head states what always holds in it, and what it deliberately leaves to others.
const HEADS: [&str; 2] = ["Invariant: ", "Does not "];
/// Folders of this repository that hold what people wrote.
const FOLDERS: [&str; 9] =
    ["host", "guest-sdk", "sample-chaincodes", "tests", "wit", "xtask", "docs", ".ci", ".github"];

/// A text file and where it is in the repository.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The part before the unit tests.
    fn code(&self) -> &str {
        let tests = self.text.find("#[cfg(test)]\nmod tests {");
        tests.map_or(&self.text, |at| &self.text[..at])
    }

    /// Whether all of it is tests.
    fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        self.path.contains("/tests/")
            || self.path.starts_with("tests/")
            || matches!(name, "tests.rs" | "test_support.rs" | "pair.rs")
            || name.ends_with("_tests.rs")
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !matches!(name.as_str(), "target" | "golden" | "node_modules" | ".git") {
                collect(&path, files);
            }
        } else {
            files.push(path);
        }
    }
}

/// Everything that is text.
fn sources() -> Vec<Source> {
    let root = xtask::root();
    let mut files = Vec::new();
    for folder in FOLDERS {
        collect(&root.join(folder), &mut files);
    }
    let top = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    files.extend(top.filter(|path| path.is_file() && !path.ends_with("Cargo.lock")));
    files.sort();
    let source = |path: PathBuf| {
        let text = fs::read_to_string(&path).ok()?;
        let path = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        Some(Source { path, text })
    };
    files.into_iter().filter_map(source).collect()
}

/// Fails with all that was found, each with its place.
#[track_caller]
fn assert_none(found: Vec<String>) {
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// The modules of `host` that a line names, as in `use crate::ledger::Ledger`.
fn used(line: &str) -> impl Iterator<Item = &str> {
    let after = line.split("crate::").skip(1).filter(|_| !line.trim_start().starts_with("//"));
    after.map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        end.map_or(rest, |end| &rest[..end])
    })
}

#[test]
fn modules_use_only_what_the_architecture_allows() {
    let known: BTreeSet<&str> = LAYERS.iter().map(|(module, _)| *module).collect();
    let (mut found, mut edges) = (Vec::new(), 0);
    for source in sources().iter().filter(|source| source.is_rust()) {
        let Some(path) = source.path.strip_prefix("host/src/") else { continue };
        let module = path.split(['/', '.']).next().unwrap();
        if module == "lib" || source.is_test() {
            continue;
        }
        let Some((_, allowed)) = LAYERS.iter().find(|(layer, _)| *layer == module) else {
            found.push(format!("{}: `{module}` is no layer", source.path));
            continue;
        };
        for (number, line) in source.code().lines().enumerate() {
            for used in used(line).filter(|used| known.contains(used) && *used != module) {
                edges += 1;
                if *allowed != ALL && !allowed.contains(&used) {
                    let at = format!("{}:{}", source.path, number + 1);
                    found.push(format!("{at}: `{module}` may not use `{used}`"));
                }
            }
        }
    }
    assert!(edges > 100, "only {edges} uses were seen");
    assert_none(found);
}

#[test]
fn the_layers_have_no_cycle_and_stand_in_the_architecture() {
    let mut before = BTreeSet::new();
    let text = fs::read_to_string(xtask::root().join("ARCHITECTURE.md")).unwrap();
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).collect();
    for (module, allowed) in LAYERS.iter().filter(|(_, allowed)| *allowed != ALL) {
        // `cli` opens the door that `node` joins; all others come after what they use.
        let later = allowed.iter().find(|used| !before.contains(*used) && **used != "node");
        assert_eq!(later, None, "of {module}");
        before.insert(*module);
        if xtask::root().join("host/src").join(module).exists() {
            let names = |row: &&str| row.split('|').nth(1).unwrap().trim().to_owned();
            let is_named = |row| names(row).split(", ").any(|name| name == *module);
            assert!(rows.iter().any(is_named), "{module} has no row");
        }
    }
}

#[test]
fn files_and_lines_are_short() {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| source.is_rust()) {
        let lines = source.code().lines().count();
        if lines > FILE_LINES && !source.is_test() {
            found.push(format!("{}: {lines} lines", source.path));
        }
        for (number, line) in source.text.lines().enumerate() {
            let columns = line.chars().count();
            if columns > LINE_COLUMNS {
                found.push(format!("{}:{}: {columns} columns", source.path, number + 1));
            }
        }
    }
    assert_none(found);
}

#[test]
fn nothing_is_left_over() {
    let mut found = Vec::new();
    let own = file!().rsplit('/').next().unwrap();
    for source in sources().iter().filter(|source| source.is_rust()) {
        if source.path.ends_with(own) {
            continue;
        }
        for (number, line) in source.text.lines().enumerate() {
            for leftover in LEFTOVERS.iter().filter(|leftover| line.contains(**leftover)) {
                found.push(format!("{}:{}: {leftover}", source.path, number + 1));
            }
            if line.trim_start().starts_with("#[ignore") {
                found.push(format!("{}:{}: an ignored test", source.path, number + 1));
            }
        }
    }
    assert_none(found);
}

#[test]
fn every_module_says_what_holds_or_what_it_leaves_out() {
    let mut found = Vec::new();
    for source in sources() {
        let Source { path, text } = &source;
        if !path.ends_with(".rs") || source.is_test() || path.contains("/benches/") {
            continue;
        }
        let head: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
        if head.is_empty() {
            found.push(format!("{path}: no head"));
        } else if path.ends_with("/mod.rs") && !HEADS.iter().any(|word| head.contains(word)) {
            found.push(format!("{path}: its head has none of {HEADS:?}"));
        }
    }
    assert_none(found);
}

#[test]
fn no_path_of_a_machine_is_written_down() {
    // In two parts, or this file would be found.
    let homes = [("/ho", "me/"), ("/Us", "ers/"), ("/ro", "ot/"), ("/wo", "rk/"), ("C:", "\\")];
    let homes = homes.map(|(one, two)| format!("{one}{two}"));
    let mut found = Vec::new();
    for source in sources() {
        for (number, line) in source.text.lines().enumerate() {
            for home in homes.iter().filter(|home| line.contains(home.as_str())) {
                found.push(format!("{}:{}: {home}", source.path, number + 1));
            }
        }
    }
    assert_none(found);
}
