//! Typed limits and addresses, with their units in their names.
//!
//! Invariant: types only.
