//! The verbs of `cargo xtask`: how this repository is built, tested and measured. Tests call the
//! same functions.
//!
//! Invariant: a verb changes nothing outside of the target folder, except that [`target::ensure`]
//! adds a target to the Rust toolchain, [`browser::ensure`] installs a missing Chromium, [`npm`]
//! fills `node_modules`, [`wit`] and [`scale`] write documents, and [`counts`] accepts new counts.

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

/// The folder of the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace")
}
