//! A package without code. With it, builds of single packages share external crates with each other
//! and with builds of the workspace.
//!
//! Cargo enables the features of a crate that the packages of a build request. A build of one
//! package would compile wasmtime again, because some crate far below lacks a feature. The
//! dependencies of this package enable the same features as the workspace.
