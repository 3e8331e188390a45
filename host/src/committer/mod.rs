//! Orders transactions into blocks, validates and commits them.
//!
//! Invariant: no simulation.
