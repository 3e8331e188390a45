//! The chaincode protocol as two pure state machines.
//!
//! Invariant: no I/O, no clock, no locks.
