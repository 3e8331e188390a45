//! Runs components
//!
//! Invariant:  fresh, limited, deterministic.:no Fabric messages and no ledger.
