//! Mechanical style checks, so that reviews can focus on design: the layers of ARCHITECTURE.md,
//! sizes, leftovers.

mod layers;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Lines without the tests at the end.
const FILE_LINES: usize = 400;
const LINE_COLUMNS: usize = 100;
/// Not counted here, since these are not ours to break: what people write in prose.
const LEFTOVERS: [&str; 5] =
    ["todo!(", "unimplemented!(", "dbg!(", concat!("FIX", "ME"), "super::super"];
/// The prefixes in a module's head: an invariant, or what the module deliberately leaves to others.
const HEADS: [&str; 2] = ["Invariant: ", "Does not "];
/// Folders of this repository with hand-written files.
const FOLDERS: [&str; 10] = [
    "deploy",
    "host",
    "guest-sdk",
    "sample-chaincodes",
    "tests",
    "wit",
    "xtask",
    "docs",
    ".ci",
    ".github",
];

/// A text file and its path in the repository.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Returns the part before the unit tests.
    fn code(&self) -> &str {
        let tests = self.text.find("#[cfg(test)]\nmod tests {");
        tests.map_or(&self.text, |at| &self.text[..at])
    }

    /// Returns true if the file contains only tests.
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
            if !matches!(
                name.as_str(),
                "target" | "golden" | "node_modules" | ".git" | ".venv" | ".wasmcc"
            ) {
                collect(&path, files);
            }
        } else {
            files.push(path);
        }
    }
}

/// Returns all text files.
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

/// Fails with all findings, each with its place.
#[track_caller]
fn assert_none(found: Vec<String>) {
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// Authors of contracts have only the SDK and `wasmcc-test`, so the samples use nothing else.
#[test]
fn samples_have_sandbox_tests_and_use_nothing_of_the_host() {
    let (mut found, mut samples) = (Vec::new(), 0);
    for source in sources() {
        let folder = source.path.strip_prefix("sample-chaincodes/");
        let Some(sample) = folder.and_then(|path| path.strip_suffix("/Cargo.toml")) else {
            continue;
        };
        samples += 1;
        let own = source.text.lines().filter(|line| line.starts_with("wasmcc"));
        let own: Vec<&str> = own.filter_map(|line| line.split('.').next()).collect();
        if own != ["wasmcc-sdk", "wasmcc-test"] {
            found.push(format!("{}: it depends on {own:?}", source.path));
        }
        let tests = source.path.replace("Cargo.toml", "tests/sandbox.rs");
        let tests = fs::read_to_string(xtask::root().join(tests));
        if !tests.is_ok_and(|tests| tests.matches("#[test]").count() >= 3) {
            found.push(format!("{sample} has no sandbox tests"));
        }
    }
    assert!(samples > 12, "{samples}");
    assert_none(found);
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

/// Returns the path and the names of a `use` in a file's head: `use a::b::{C, D};` has the path
/// `a::b`.
fn imported(statement: &str) -> (&str, &str) {
    let path = statement.trim().trim_end_matches(';');
    let end = path.find("::{").or_else(|| path.rfind("::"));
    end.map_or(("", path), |end| (&path[..end], &path[end + 2..]))
}

#[test]
fn one_use_names_one_module() {
    let (mut found, mut uses) = (Vec::new(), 0);
    for source in sources().iter().filter(|source| source.is_rust()) {
        // Those with an attribute or a visibility form blocks of their own.
        let blocks = source.text.split("\n\n").filter(|block| block.starts_with("use "));
        for block in blocks {
            let mut modules = BTreeSet::new();
            for statement in block.split("\n#[").next().unwrap_or_default().split("\nuse ") {
                let statement = statement.trim_start_matches("use ").split(';').next();
                let (module, names) = imported(statement.unwrap_or_default());
                uses += 1;
                let is_again = !module.is_empty() && names != "*" && !modules.insert(module);
                if is_again || names.contains("::") {
                    found.push(format!("{}: use {module}::{names}", source.path));
                }
            }
        }
    }
    assert!(uses > 1_000, "only {uses} were seen");
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

/// As in `name == "lscc"`. Tests may contain the names, so that they do not follow a wrong
/// constant. The mock ledger has a file of them, because contracts depend on no crate of the host.
#[test]
fn the_names_of_system_chaincodes_are_written_once() {
    let names = ["_lifecycle", "lscc", "cscc", "qscc", "escc", "vscc"];
    let literals = names.map(|name| format!("\"{name}\""));
    let mut found = Vec::new();
    let is_mocks = |source: &&Source| source.path == "guest-sdk/src/testing/system.rs";
    let checked = |source: &&Source| source.is_rust() && !source.is_test() && !is_mocks(source);
    for source in sources().iter().filter(checked) {
        let once = source.path == "host/types/src/system_chaincodes.rs";
        let lines = source.code().lines().enumerate();
        for (number, line) in lines.filter(|(_, line)| !line.trim_start().starts_with("//")) {
            if literals.iter().any(|literal| line.contains(literal)) {
                found.push((once, format!("{}:{}: {}", source.path, number + 1, line.trim())));
            }
        }
    }
    assert_eq!(found.iter().filter(|(once, _)| *once).count(), names.len());
    assert_none(found.into_iter().filter(|(once, _)| !once).map(|(_, at)| at).collect());
}

/// As in `name == "chaincode.wasm"`, in the host. Other names have the same letters by chance: a
/// folder of compiled code is in a data folder and in what the builder makes.
#[test]
fn the_names_that_crates_share_are_written_once() {
    let names = [
        ("VALIDATION_PARAMETER", "types/src/names.rs"),
        ("wasmcc::chaincode", "types/src/names.rs"),
        ("chaincode.wasm", "peer/src/chaincode/package/program_bundle.rs"),
        ("connection.json", "peer/src/chaincode/package/program_bundle.rs"),
        ("META-INF", "peer/src/chaincode/package/program_bundle.rs"),
    ];
    let mut found = Vec::new();
    let is_host = |source: &&Source| source.path.starts_with("host/") && !source.is_test();
    for source in sources().iter().filter(is_host).filter(|source| source.is_rust()) {
        for (name, once) in names {
            let count = source.code().matches(&format!("\"{name}\"")).count();
            let is_once = source.path.strip_prefix("host/") == Some(once);
            if count != usize::from(is_once) {
                found.push(format!("{}: \"{name}\" {count} times", source.path));
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
        } else if (path.ends_with("/mod.rs")
            || path.starts_with("host/") && path.ends_with("/lib.rs"))
            && !HEADS.iter().any(|word| head.contains(word))
        {
            found.push(format!("{path}: its head has none of {HEADS:?}"));
        }
    }
    assert_none(found);
}

#[test]
fn no_path_of_a_machine_is_written_down() {
    // Split, so that this file does not match.
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

#[test]
fn packages_have_the_interface_as_it_is() {
    // A package contains only files below it, so packages that use the interface have copies.
    let files = |folder: &str| -> BTreeMap<String, String> {
        let entries = fs::read_dir(xtask::root().join(folder)).unwrap();
        let file = |path: PathBuf| {
            let text = fs::read_to_string(&path).unwrap();
            (path.file_name().unwrap().to_str().unwrap().to_owned(), text)
        };
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).map(file).collect()
    };
    let interface = files("wit");
    assert!(interface.len() > 5);
    for package in ["guest-sdk", "guest-sdk/js", "guest-sdk/python/src/wasmcc", "host/runtime"] {
        assert_eq!(files(&format!("{package}/wit")), interface, "of {package}: cp wit/* there");
    }
    assert_eq!(files("host/runtime/wit/0.1"), files("wit/0.1"));
}
