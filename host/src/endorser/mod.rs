//! Checks a signed proposal, simulates it and endorses the result.
//!
//! Invariant: no ordering, no commit.
