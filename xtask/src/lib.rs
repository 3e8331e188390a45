//! What this repository needs done to itself: the verbs of `cargo xtask`, and the same as functions
//! for the tests.
//!
//! Invariant: nothing outside of the target folder changes, but for the target that
//! [`target::ensure`] gives to the Rust toolchain and the `node_modules` of [`npm`].

pub mod bench;
pub mod blocks;
pub mod cargo;
pub mod demo;
pub mod fuzz;
pub mod guest_tools;
pub mod guests;
pub mod languages;
pub mod npm;
pub mod rust_chaincode;
pub mod target;
pub mod test;

use std::path::Path;

/// The folder of the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace")
}
