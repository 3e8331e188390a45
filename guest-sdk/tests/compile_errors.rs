//! What the compiler says of code that the SDK does not take: what to change, and where.
//!
//! The cases are in three files: for the errors of the macros, for those of types, which the
//! compiler looks for only when the macros are content, and for those of clashing blocks. So there
//! are three runs of the compiler, against the SDK that this test is linked with.
#![allow(clippy::panic, reason = "a test without its libraries cannot go on")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// A case: code, and the beginning of a line that the compiler writes for it. What stands behind
/// [`HERE`] is what the compiler shows.
type Case = (&'static str, &'static str);

const HERE: &str = "/*here*/";

/// Refused by the macros.
const OF_MACROS: [Case; 18] = [
    (
        "struct A; #[contract] impl A { \
         #[transaction] fn f(ctx: &Context) -> Result<()> { Ok(()) } }",
        "error: a transaction takes `&self` and a `&Context`",
    ),
    (
        "struct A; #[contract] impl A { #[transaction] async fn \
         f(&self, ctx: &Context) -> Result<()> { Ok(()) } }",
        "error: a transaction is not `async`: every call of the context answers before it returns",
    ),
    (
        "struct A; #[contract] impl A { #[transaction] fn f(&self, ctx: &Context) {} }",
        "error: a transaction returns a `Result<T>`",
    ),
    (
        "struct A; #[contract] impl A { #[transaction] fn \
         f<T>(&self, ctx: &Context, t: T) -> Result<()> { Ok(()) } }",
        "error: a transaction has no generic parameters: its arguments come from a client",
    ),
    (
        "struct A; #[contract] impl A { #[transaction(read)] fn \
         f(&self, ctx: &Context) -> Result<()> { Ok(()) } }",
        "error: expected `evaluate`, `submit` or `name = \"..\"`",
    ),
    (
        "struct A; #[contract(title = \"A\")] impl A {}",
        "error: expected `name = \"..\"`, `version = \"..\"` or `client`",
    ),
    (
        "struct A; #[contract] impl A { #[after] fn \
         f(&self, ctx: &Context) -> Result<()> { Ok(()) } }",
        "error: `#[after]` is for `fn(&self, ctx: &Context, payload: &[u8]) -> Result<()>`",
    ),
    (
        "struct A; #[contract] impl A { #[transaction] fn \
         f(&self, /*here*/id: &str) -> Result<()> { Ok(()) } }",
        "error: a transaction takes `&self` and a `&Context`",
    ),
    (
        "struct A; #[contract] impl A { #[transaction] fn \
         f(&self, ctx: &Context, id: &/*here*/'static str) -> Result<()> { Ok(()) } }",
        "error: an argument is borrowed for the call only: leave out the lifetime",
    ),
    (
        "struct A; #[contract] impl A { #[transaction] /*here*/unsafe fn \
         f(&self, ctx: &Context) -> Result<()> { Ok(()) } }",
        "error: a transaction is not `unsafe`: its arguments come from a client",
    ),
    (
        "struct A; #[contract] impl A { #[transaction] fn \
         f(&self, ctx: &Context, /*here*/#[cfg(any())] id: &str) -> Result<()> { Ok(()) } }",
        "error: a parameter has no `cfg`: a transaction has the same parameters in every build",
    ),
    (
        "struct A; #[contract] impl A { #[before] fn /*here*/f(&self, ctx: &Context) {} }",
        "error: `#[before]` is for `fn(&self, ctx: &Context) -> Result<()>`",
    ),
    (
        "struct A; #[contract] impl A { #[transaction] fn \
         f(&self, ctx: &Context, _a: u8, /*here*/a: u8) -> Result<()> { Ok(()) } }",
        "error: there is another parameter a: clients see names without a leading `_`",
    ),
    ("#[contract] impl Clone for u8 {}", "error: a contract is an `impl` block without a trait"),
    ("#[derive(DataType)] struct A;", "error: a DataType has fields or variants"),
    ("#[derive(DataType)] struct A<T>(T);", "error: a DataType has no generic parameters"),
    (
        "#[derive(DataType)] struct A { #[serde(alias = \"c\")] b: u8 }",
        "error: a DataType's schema cannot follow this attribute",
    ),
    (
        "#[client] trait A { fn f(&self) -> Result<()> { Ok(()) } }",
        "error: the contract has the body of this function",
    ),
];

/// Refused because a type does not fit.
const OF_TYPES: [Case; 13] = [
    (
        "struct A; #[contract] impl A { #[transaction] fn f(&self, ctx: &Context, \
         map: std::collections::HashMap<String, u8>) -> Result<()> { Ok(()) } }",
        "error[E0277]: `HashMap<String, u8>` cannot be a parameter or a result of a transaction",
    ),
    (
        "struct Own; struct A; #[contract] impl A { #[transaction] fn f(&self, ctx: &Context) \
         -> Result<Own> { Ok(Own) } }",
        "error[E0277]: `Own` cannot be a parameter or a result of a transaction",
    ),
    (
        "struct A; #[contract] impl A { #[transaction] fn f(&self, ctx: &Context) -> u8 { 0 } }",
        "error[E0277]: a transaction returns a `Result<T>`, where `T` is a `DataType`",
    ),
    (
        "struct A; #[contract] impl A { #[transaction] fn f(&self, ctx: &Context) \
         -> /*here*/Result<(), String> { Ok(()) } }",
        "error[E0277]: `String` cannot be the error of a transaction",
    ),
    (
        "struct Flaw; struct A; #[contract] impl A { #[before] fn f(&self, ctx: &Context) \
         -> /*here*/Result<(), Flaw> { Ok(()) } }",
        "error[E0277]: `Flaw` cannot be the error of a transaction",
    ),
    (
        "struct A; #[contract] impl A { #[before] fn f(&self, ctx: &Context) \
         -> /*here*/u8 { 0 } }",
        "error[E0308]: mismatched types",
    ),
    (
        "struct A; #[contract] impl A { #[after] fn f(&self, ctx: &Context, \
         payload: /*here*/String) -> Result<()> { Ok(()) } }",
        "error[E0308]: mismatched types",
    ),
    (
        "struct A; #[contract] impl A { #[transaction] fn f(&self, \
         id: /*here*/&String) -> Result<()> { Ok(()) } }",
        "error[E0308]: mismatched types",
    ),
    ("struct Plain; wasmcc_sdk::chaincode!(Plain);", "error[E0277]: `Plain` is not a contract"),
    (
        "struct Bare; wasmcc_sdk::export_chaincode!(Bare);",
        "error[E0277]: `Bare` is not a chaincode",
    ),
    (
        "#[client] trait A { fn f(&self) -> Result<()>; } \
         fn g(ledger: &wasmcc_sdk::testing::MockLedger) { AClient::new(ledger); }",
        "error[E0277]: a client's calls cannot go to `&MockLedger`",
    ),
    (
        "#[derive(DataType)] struct Record { b: u8 }",
        "error[E0277]: the trait bound `Record: serde::Deserialize<'de>` is not satisfied",
    ),
    (
        "struct A; #[contract] impl A { #[transaction] fn f(&self, ctx: &Context, \
         at: std::time::SystemTime) -> Result<()> { Ok(()) } }",
        "error[E0277]: `SystemTime` cannot be a parameter or a result of a transaction",
    ),
];

/// Refused because two blocks clash, after which the compiler is silent about other contracts.
const OF_BLOCKS: [Case; 1] = [(
    "struct A; #[contract] impl A {} #[contract] /*here*/impl A {}",
    "error[E0119]: conflicting implementations of trait `Contract` for type",
)];

/// The newest library of a crate among those that this test was built with.
fn library(folder: &Path, name: &str) -> PathBuf {
    let is_wanted = |path: &PathBuf| {
        let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let rest = file.strip_prefix(&format!("lib{name}-"));
        rest.is_some_and(|rest| rest.ends_with(".rlib"))
    };
    let found = fs::read_dir(folder).expect("a folder of libraries");
    let found = found.map(|entry| entry.expect("an entry").path()).filter(is_wanted);
    let newest = found.max_by_key(|path| fs::metadata(path).and_then(|of| of.modified()).ok());
    newest.unwrap_or_else(|| panic!("no {name} in {}", folder.display()))
}

/// What stands before a case in its line.
fn before(number: usize) -> String {
    format!("mod m{number} {{ use wasmcc_sdk::*; ")
}

/// What the compiler says of the cases, each of which is a module.
fn said(cases: &[Case]) -> String {
    let test = env::current_exe().expect("this program");
    let libraries = test.parent().expect("its folder");
    let mut source = String::new();
    for (number, (code, _)) in cases.iter().enumerate() {
        source += &format!("{}{code} }}\n", before(number));
    }
    let folder = tempfile::TempDir::new().expect("a folder");
    let file = folder.path().join("cases.rs");
    fs::write(&file, source).expect("a file");
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "--cap-lints=allow"])
        .arg("--out-dir")
        .arg(folder.path())
        .arg("-L")
        .arg(libraries)
        .arg("--extern")
        .arg(format!("wasmcc_sdk={}", library(libraries, "wasmcc_sdk").display()))
        .arg(&file)
        .output()
        .expect("the compiler");
    assert!(!output.status.success(), "the cases compile");
    String::from_utf8(output.stderr).expect("text")
}

fn assert_said(cases: &[Case]) {
    let said = said(cases);
    for (number, (code, expected)) in cases.iter().enumerate() {
        let line = format!("cases.rs:{}:", number + 1);
        let column = code.find(HERE).map(|at| before(number).len() + at + HERE.len() + 1);
        let mut reports = said.split("\nerror").map(|report| format!("error{report}"));
        let is_here = |report: &String| {
            let shown = report.split_once(&line).and_then(|(_, after)| after.lines().next());
            shown.is_some_and(|shown| column.is_none_or(|column| shown == column.to_string()))
                && report.contains(expected)
        };
        assert!(reports.any(|report| is_here(&report)), "{code}\n{expected}\n{said}");
    }
}

#[test]
fn the_macros_say_what_to_change() {
    assert_said(&OF_MACROS);
}

#[test]
fn types_that_do_not_fit_are_refused_in_words_of_contracts() {
    assert_said(&OF_TYPES);
}

#[test]
fn a_second_block_of_a_contract_is_shown() {
    assert_said(&OF_BLOCKS);
}
