//! Launches chaincodes, hands them transactions and serves what they ask for.
//!
//! Invariant: no endorsement.
