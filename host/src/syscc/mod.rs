//! The system chaincodes, native chaincodes behind the same handler.
//!
//! Invariant: no knowledge of who calls them.
