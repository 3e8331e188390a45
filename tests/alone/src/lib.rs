//! Makes builds of single packages share crates of others with each other and with builds of the
//! workspace.
//!
//! Cargo gives a crate the features that the packages of a build ask for. A build of one package
//! would compile wasmtime once more, because something far below it has one feature less. Beside
//! this package, it has the same.
