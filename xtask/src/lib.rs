//! The verbs of `cargo xtask`, which build, test and measure this repository. Tests call the same
//! functions.
//!
//! Invariant: outside of the target folder, verbs change only the Rust toolchain ([`target`] adds
//! targets), Chromium ([`browser::ensure`] installs it), `node_modules` ([`npm`]), documents
//! ([`wit`] and [`scale`]), accepted counts ([`counts`]), `tests/fuzz/artifacts` ([`fuzz`]) and
//! recordings ([`compare`]).

pub mod alone;
pub mod bench;
pub mod beside;
pub mod blocks;
pub mod browser;
pub mod callgrind;
pub mod cargo;
pub mod check;
pub mod compare;
pub mod counts;
pub mod demo;
pub mod fuzz;
pub mod guest_tools;
pub mod guests;
pub mod languages;
pub mod node_components;
pub mod npm;
pub mod package;
pub mod python_components;
pub mod rust_chaincode;
pub mod scale;
pub mod spans;
pub mod target;
pub mod test;
pub mod wit;

use std::path::Path;

/// Returns the folder of the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace")
}
